// Power loss: images of what the disk would hold, taken from a broker at work at random moments and at every named
// point of a group's way (points.h), must keep every promise that was given before.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <chrono>
#include <iostream>

#include "base/crc32c.h"
#include "faults/engine_at_work.h"
#include "faults/mix_at_work.h"
#include "faults/points.h"
#include "integration/support/process.h"
#include "storage/rocks_store.h"

namespace lazaret::faults {
namespace {

using namespace std::chrono_literals;
using testing::eventually;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct Image {
  std::string folder;
  std::string point;
  MixSnapshot told;
};

/// A broker at work on a disk whose power can fail.
class PowerLoss : public ::testing::Test {
 protected:
  std::unique_ptr<model::Store> open() {
    storage::StoreOptions options;
    options.data_dir = data_dir_;
    options.memtable_bytes = kMemtableBytes;
    options.env = env_.get();
    auto store = storage::open_store(options);
    if (!store.ok()) throw std::runtime_error(store.status().text());
    return std::move(*store);
  }

  /// What the disk holds now, with what was told before. Any thread.
  void take_image(const std::string& point) {
    const std::lock_guard lock(images_mutex_);
    Image image{dir_ / ("image-" + std::to_string(images_.size())), point, {}};
    MixSnapshot before = told();
    files_->disk().image(image.folder, random_);
    image.told = between(std::move(before), told());
    images_.push_back(std::move(image));
  }

  MixSnapshot told() const {
    MixSnapshot told = mix_.snapshot();
    told[kQueue] = ledger_.snapshot();
    return told;
  }

  /// Every promise of every image; how many of them break one.
  std::size_t inspect() {
    std::size_t broken = 0;
    std::size_t confirmed = 0;
    for (const Image& image : images_) {
      for (const auto& [place, messages] : image.told) {
        for (const auto& [number, one] : messages) confirmed += one.confirmed ? 1 : 0;
      }
      const auto findings = broken_promises(image.folder, image.told);
      if (findings.empty()) continue;
      ++broken;
      findings_.push_back(image.folder + " (" + image.point + "): " + findings.front() + " and " +
                          std::to_string(findings.size() - 1) + " more");
    }
    std::cout << "seed " << seed_ << ": " << images_.size() << " images, " << confirmed
              << " confirmed messages in them\n";
    return broken;
  }

  const std::uint64_t seed_ = number_from("LAZARET_SEED", 1);
  testing::TempDir dir_;
  const std::string data_dir_ = dir_ / "data";
  const std::shared_ptr<FaultyFiles> files_ = std::make_shared<FaultyFiles>(data_dir_);
  const std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(files_);
  Ledger ledger_;
  MixLedger mix_;
  std::mutex images_mutex_;
  std::mt19937_64 random_{seed_};
  std::vector<Image> images_;
  std::vector<std::string> findings_;
};

TEST_F(PowerLoss, AtRandomMoments) {
  const std::size_t wanted = number_from("LAZARET_IMAGES", 100);
  {
    EngineAtWork work(open(), ledger_);
    work.start(seed_);
    for (std::size_t i = 0; i < wanted; ++i) {
      std::this_thread::sleep_for(std::chrono::microseconds(random_() % 40'000));
      take_image("at random");
    }
  }
  EXPECT_EQ(inspect(), 0u);
  EXPECT_THAT(findings_, IsEmpty());
}

/// Ordering keys, delays, a topic's subscriptions, limits and requests.
TEST_F(PowerLoss, OfEverythingAtOnce) {
  const std::size_t wanted = number_from("LAZARET_IMAGES", 25);
  {
    MixAtWork work(open(), mix_);
    work.start(seed_);
    for (std::size_t i = 0; i < wanted; ++i) {
      std::this_thread::sleep_for(std::chrono::microseconds(random_() % 100'000));
      take_image("at random");
    }
  }
  for (const auto& [place, messages] : mix_.snapshot()) {
    const auto count = [&](auto of) {
      return std::count_if(messages.begin(), messages.end(), [&](const auto& one) { return of(one.second); });
    };
    std::cout << place << ": " << messages.size() << " sent, " << count([](const Told& one) { return one.confirmed; })
              << " confirmed, " << count([](const Told& one) { return one.refused; }) << " refused\n";
    EXPECT_EQ(count([](const Told& one) { return one.early; }), 0) << place;
  }
  EXPECT_EQ(inspect(), 0u);
  EXPECT_THAT(findings_, IsEmpty());
}

TEST_F(PowerLoss, AtEveryPoint) {
  const std::size_t each = number_from("LAZARET_IMAGES_EACH", 2);
  std::map<std::string, std::size_t> reached;
  std::mutex mutex;
  Points points(*files_, [&](const std::string& point) {
    {
      const std::lock_guard lock(mutex);
      // Not always the first time: that is when the least is there.
      if (reached[point] >= each || random_() % 3 == 0) return;
      ++reached[point];
    }
    take_image(point);
  });
  {
    EngineAtWork work(points.watch(open()), ledger_);
    work.start(seed_);
    const auto all_reached = [&] {
      const std::lock_guard lock(mutex);
      for (const std::string& point : Points::of_the_engine()) {
        if (reached[point] < each) return false;
      }
      return true;
    };
    if (!eventually(all_reached, 60s)) {
      const std::lock_guard lock(mutex);
      for (const std::string& point : Points::of_the_engine()) EXPECT_EQ(reached[point], each) << point;
    }
  }
  EXPECT_EQ(inspect(), 0u);
  EXPECT_THAT(findings_, IsEmpty());
}

/// A relaxed queue keeps what a sync followed, loses nothing but its end, and gives no offset a second time.
TEST_F(PowerLoss, WhatIsRelaxedLosesOnlyItsEnd) {
  constexpr std::uint64_t kBatch = 8;
  struct Promise {
    std::string folder;
    std::uint64_t told = 0;    // messages that were confirmed
    std::uint64_t synced = 0;  // of them, those that were confirmed before the last sync that was counted
  };
  std::vector<Promise> promises;
  {
    EngineOn on(open());
    const engine::QueueRef queue = on.create("relaxed", model::Durability::relaxed);
    Promise now;
    std::uint64_t confirmed_at = 0;  // syncs that were counted then
    std::uint64_t latest = 0;
    for (int round = 0; round < 200; ++round) {
      model::Publish publish;
      publish.log = queue->log;
      for (std::uint64_t i = 0; i < kBatch; ++i) {
        auto message = std::make_shared<model::Message>();
        std::string body = body_of(now.told + i);
        message->body_crc = base::crc32c(body);
        message->body = base::SharedBytes::of(std::move(body));
        publish.items.push_back({0, std::move(message)});
      }
      ASSERT_TRUE(on.ask<model::Published>(queue->shard, std::move(publish)).status.ok());
      now.told += kBatch;
      const std::uint64_t syncs = on.store().usage().syncs;
      if (syncs > confirmed_at) now.synced = latest;
      confirmed_at = syncs;
      latest = now.told;
      if (round % 10 == 9) std::this_thread::sleep_for(std::chrono::microseconds(random_() % 60'000));
      if (round % 10 != 0) continue;
      now.folder = dir_ / ("relaxed-" + std::to_string(round));
      files_->disk().image(now.folder, random_);
      promises.push_back(now);
    }
  }
  std::size_t lost = 0;
  for (const Promise& promise : promises) {
    storage::StoreOptions options;
    options.data_dir = promise.folder;
    auto store = storage::open_store(options);
    ASSERT_TRUE(store.ok()) << store.status().text();
    EngineOn on(std::move(*store));
    const engine::QueueRef queue = on.engine().directory().find("relaxed");
    ASSERT_NE(queue, nullptr);
    model::ShowQueue show;
    show.subscription = queue->subscription;
    const std::uint64_t there = on.ask<model::QueueStats>(queue->shard, show).counters.entered;
    EXPECT_GE(there, promise.synced) << promise.folder;
    lost += there < promise.told ? 1 : 0;
    const auto page = on.store().read_messages(queue->shard, queue->log, model::Offset(0), model::Offset(there),
                                               promise.told + kBatch, 1u << 30);
    ASSERT_TRUE(page.ok());
    for (const model::PagedMessage& one : page->messages) {
      ASSERT_NE(one.message, nullptr);
      EXPECT_EQ(number_in(one.message->body.view()), one.offset.value);
    }
    model::Publish publish;
    publish.log = queue->log;
    auto message = std::make_shared<model::Message>();
    message->body_crc = base::crc32c("");
    publish.items.push_back({0, std::move(message)});
    EXPECT_GE(on.ask<model::Published>(queue->shard, std::move(publish)).results.at(0).offset.value, promise.told);
    const auto report = on.store().check({});
    ASSERT_TRUE(report.ok());
    EXPECT_TRUE(report->findings.empty()) << report->findings.front().where << ": " << report->findings.front().what;
  }
  EXPECT_GT(lost, 0u) << "no image shows that anything can be lost";
}

/// The harness finds a disk that says OK and has nothing, on every kind of place.
TEST_F(PowerLoss, ADiskThatLiesIsFoundOutEverywhere) {
  files_->lie_about(FileKind::wal);
  {
    MixAtWork work(open(), mix_);
    work.start(seed_);
    for (int i = 0; i < 16; ++i) {
      std::this_thread::sleep_for(200ms);
      take_image("at random");
    }
  }
  // What the start finds out by itself, and refuses to open, would say nothing of any place.
  std::string all;
  const auto everywhere = [&all] {
    return std::all_of(std::begin(kPlaces), std::end(kPlaces), [&](const Place& place) {
      return all.find(std::string(place.name) + ": ") != std::string::npos;
    });
  };
  for (const Image& image : images_) {
    if (everywhere()) break;
    for (const std::string& finding : broken_promises(image.folder, image.told, true)) all += finding + "\n";
  }
  for (const Place& place : kPlaces) EXPECT_THAT(all, HasSubstr(std::string(place.name) + ": ")) << place.name;
}

/// The harness finds a disk that says OK and has nothing.
TEST_F(PowerLoss, ADiskThatLiesIsFoundOut) {
  files_->lie_about(FileKind::wal);
  {
    EngineAtWork work(open(), ledger_);
    work.start(seed_);
    for (int i = 0; i < 10; ++i) {
      std::this_thread::sleep_for(20ms);
      take_image("at random");
    }
  }
  EXPECT_GT(inspect(), 0u);
}

}  // namespace
}  // namespace lazaret::faults
