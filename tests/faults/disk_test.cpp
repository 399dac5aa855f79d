// Disks that are full, slow, or fail; files that are damaged, cut or gone. The daemon refuses or ends with a reason,
// and keeps what it has confirmed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/use_future.hpp>
#include <filesystem>
#include <future>
#include <mutex>
#include <random>
#include <set>

#include "integration/support/api.h"
#include "integration/support/broker.h"
#include "integration/support/http.h"
#include "lazaret/lazaret.h"

namespace lazaret::faults {
namespace {

using namespace std::chrono_literals;
using testing::Broker;
using testing::eventually;
using testing::http;
using testing::QueueView;

bool is_long() { return std::getenv("LAZARET_LONG") != nullptr; }

/// Exit status of a daemon whose storage failed (the error table says so).
constexpr int kStorageFailed = 70;

/// "17|xxxx…": a body that says which it is, and shows when a byte of it differs.
std::string body_of(std::size_t number, std::size_t length) {
  return std::to_string(number) + "|" + std::string(length, static_cast<char>('a' + number % 26));
}

// --- Full -----------------------------------------------------------------------------------------------------------

/// A file system of 64 MiB over a folder: ext4 in a file, or in memory where that cannot be had.
class SmallDisk {
 public:
  explicit SmallDisk(std::string folder) : folder_(std::move(folder)) {
    const std::string image = folder_ + ".img";
    const std::string make = "truncate -s 64M " + image + " && mkfs.ext4 -q -F " + image +
                             " 2>/dev/null && mount -o loop " + image + " " + folder_ + " 2>/dev/null";
    mounted_ =
        testing::run({"sh", "-c", make}).exit == 0 || ::mount("none", folder_.c_str(), "tmpfs", 0, "size=64m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }

 private:
  const std::string folder_;
  bool mounted_ = false;
};

/// Also when nothing more is written, and so nothing would be flushed by itself.
TEST(Disk, WhatIsConsumedIsFreed) {
  Broker broker({.settings = {"storage.memtable_bytes=4194304"}, .arguments = {}});
  Client client = Client::connect(broker.url(), {.name = "freed", .timeout = 20s});
  client.ensure({.name = "q"});
  const auto data_bytes = [&] {
    return testing::api(broker, "/status").at("store").at("data_bytes").to_number<std::uint64_t>();
  };
  std::vector<std::future<Receipt>> receipts;
  for (std::size_t i = 0; i < 12'000; ++i) {
    receipts.push_back(client.async_publish("q", {.body = body_of(i, 2000)}, asio::use_future));
  }
  for (auto& receipt : receipts) receipt.get();
  ASSERT_TRUE(eventually([&] { return data_bytes() > (12u << 20); }));
  const auto consumer = client.consume("q", [](Delivery&) {}, {.prefetch = 1000});
  EXPECT_TRUE(eventually([&] { return data_bytes() < (1u << 20); }, 60s)) << data_bytes();
}

TEST(Disk, FullRefusesPublishesAndGoesOnWithTheRest) {
  Broker broker{{.settings = {"storage.memtable_bytes=4194304", "storage.disk_reserve_bytes=12582912",
                              "storage.disk_reserve_percent=0"},
                 .arguments = {},
                 .start = false}};
  const SmallDisk disk(broker.data_dir());
  ASSERT_TRUE(disk.mounted()) << "neither a loop device nor a tmpfs can be mounted: run as root";
  const std::string ballast = broker.data_dir() + "/ballast";
  testing::write_file(ballast, std::string(20u << 20, 'x'));
  broker.start();
  Client client = Client::connect(broker.url(), {.name = "full", .timeout = 20s});
  client.ensure({.name = "q", .max_attempts = 1});

  std::size_t stored = 0;
  Problem problem;
  for (; stored < 2000 && problem.code.empty(); ++stored) {
    try {
      client.publish("q", {.body = body_of(stored, 64'000)});
    } catch (const Error& error) {
      problem = error.problem;
    }
  }
  --stored;
  EXPECT_EQ(problem.code, "RESOURCE_EXHAUSTED") << problem.text;
  EXPECT_NE(problem.text.find("disk"), std::string::npos) << problem.text;
  EXPECT_GT(std::filesystem::space(broker.data_dir()).available, 2u << 20) << "it is refused before it is full";
  EXPECT_GT(stored, 10u);

  // Acking, rejecting and discarding go on.
  std::atomic<std::size_t> done{0};
  {
    auto consumer = client.consume("q", [&](Delivery& delivery) {
      ++done;
      return delivery.message().offset == 3 ? Verdict::reject("one for the hospital") : Verdict::done();
    });
    ASSERT_TRUE(eventually([&] { return done == 10; }) || done > 10);
  }
  ASSERT_TRUE(eventually([&] { return QueueView(broker, "q")["in_hospital"] == 1; }));
  const auto cases = testing::cases_of(broker, "q");
  EXPECT_EQ(broker.cli({"hospital", "discard", testing::text_of(cases.at(0), "id"), "--reason", "no use"}).exit, 0);

  // Space comes back, and nothing has to be restarted.
  std::filesystem::remove(ballast);
  const auto taken = [&] {
    try {
      client.publish("q", {.body = "again"});
      return true;
    } catch (const Error&) {
      return false;
    }
  };
  EXPECT_TRUE(eventually(taken));
  EXPECT_EQ(QueueView(broker, "q").wrong_sums(), "");
  EXPECT_EQ(broker.cli({"check"}).exit, 0);
  ASSERT_EQ(broker.terminate(), 0);
}

// --- Failing --------------------------------------------------------------------------------------------------------

class FailingDisk : public ::testing::TestWithParam<const char*> {
 protected:
  void meet(const std::string& fault) { testing::write_file(plan_, fault); }

  testing::TempDir dir_;
  const std::string plan_ = dir_ / "faults";
  Broker broker_{{.settings = {"storage.memtable_bytes=4194304", "storage.disk_reserve_bytes=0"},
                  .arguments = {},
                  .environment = {{"LAZARET_FAULTS", plan_}},
                  .program = "lazaretd_probed"}};
};

/// A write that fails ends the process; what was confirmed is there afterwards, and nothing was confirmed that is not.
TEST_P(FailingDisk, EndsTheProcessAndLosesNothingConfirmed) {
  Client client = Client::connect(broker_.url(), {.name = "failing", .timeout = 30s});
  client.ensure({.name = "q"});
  std::vector<std::future<Receipt>> receipts;
  for (std::size_t i = 0; i < 50; ++i) client.publish("q", {.body = body_of(i, 3000)});
  meet(GetParam());
  // A table or a manifest is written when the memtable is full.
  std::size_t sent = 50;
  // No more at once than a client may have: a broker that is slow has not taken them yet.
  constexpr std::size_t kUnderWay = 1000;
  const auto may_send = [&] {
    return receipts.size() < kUnderWay ||
           receipts[receipts.size() - kUnderWay].wait_for(0s) == std::future_status::ready;
  };
  const auto dead = [&] {
    for (int i = 0; i < 50 && broker_.running() && may_send(); ++i) {
      receipts.push_back(client.async_publish("q", {.body = body_of(sent++, 30'000)}, asio::use_future));
    }
    return !broker_.running();
  };
  ASSERT_TRUE(eventually(dead, 60s)) << "it does not end";
  EXPECT_EQ(broker_.wait(), kStorageFailed) << broker_.log();
  meet("");
  broker_.start();
  // What was under way is sent again, and nothing is there twice.
  for (std::future<Receipt>& receipt : receipts) EXPECT_NO_THROW(receipt.get());
  EXPECT_EQ(QueueView(broker_, "q")["ready"], static_cast<std::int64_t>(sent));
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
}

INSTANTIATE_TEST_SUITE_P(Disk, FailingDisk,
                         ::testing::Values("fail sync wal once", "fail append wal once", "full append wal once",
                                           "fail append table once", "fail sync table once", "full append table once",
                                           "fail append manifest once", "fail sync manifest once",
                                           "fail create wal once", "fail create table once"),
                         [](const auto& param) {
                           std::string name = param.param;
                           std::replace(name.begin(), name.end(), ' ', '_');
                           return name;
                         });

// --- Slow -----------------------------------------------------------------------------------------------------------

using SlowDisk = FailingDisk;

/// A sync that stalls is waited for. Nobody's lease ends over it, and the broker answers meanwhile.
TEST_F(SlowDisk, AStallEndsNoLease) {
  const auto stall = is_long() ? 10s : 3s;
  Client client = Client::connect(broker_.url(), {.name = "slow", .timeout = 60s});
  client.ensure({.name = "q", .lease_duration = 1s});
  std::atomic<int> runs{0};
  std::atomic<bool> release{false};
  auto consumer = client.consume("q", [&](Delivery&) {
    ++runs;
    while (!release) testing::pause_for(10ms);
  });
  client.publish("q", {.body = "a long piece of work"});
  ASSERT_TRUE(eventually([&] { return runs == 1; }));
  meet("slow sync wal " + std::to_string(std::chrono::milliseconds(stall).count()) + " once");
  testing::pause_for(50ms);  // the daemon looks at its faults every 5 ms
  auto stalled = client.async_publish("q", {.body = "b"}, asio::use_future);
  EXPECT_EQ(http(broker_.admin(), "GET", "/healthz").status, 200);
  EXPECT_EQ(stalled.wait_for(0s), std::future_status::timeout) << "it was confirmed before its sync";
  EXPECT_NO_THROW(stalled.get());
  release = true;
  ASSERT_TRUE(eventually([&] { return QueueView(broker_, "q")["acked_total"] == 2; }));
  EXPECT_EQ(runs, 2);
}

TEST_F(SlowDisk, EverySyncSlowIsOnlySlow) {
  meet("slow sync wal 100");
  testing::pause_for(50ms);
  Client client = Client::connect(broker_.url(), {.name = "slow", .timeout = 60s});
  client.ensure({.name = "q"});
  std::set<std::uint64_t> seen;
  std::mutex mutex;
  std::atomic<int> again{0};
  auto consumer = client.consume("q", [&](Delivery& delivery) {
    const std::lock_guard lock(mutex);
    if (!seen.insert(delivery.message().offset).second || delivery.attempt() != 1) ++again;
  });
  std::vector<std::future<Receipt>> receipts;
  for (std::size_t i = 0; i < 500; ++i) {
    receipts.push_back(client.async_publish("q", {.body = body_of(i, 100)}, asio::use_future));
  }
  for (auto& receipt : receipts) EXPECT_NO_THROW(receipt.get());
  EXPECT_TRUE(eventually([&] { return QueueView(broker_, "q")["acked_total"] == 500; }));
  EXPECT_EQ(again, 0);
}

// --- Damaged --------------------------------------------------------------------------------------------------------

/// A data directory with messages in tables and in the log, of which one bit, or a part, or a file will be missing.
class Damage : public ::testing::Test {
 protected:
  static constexpr std::size_t kMessages = 3000;

  Damage() {
    Client client = Client::connect(original_.url(), {.name = "damage", .timeout = 60s});
    client.ensure({.name = "q", .max_attempts = 1});
    std::vector<std::future<Receipt>> receipts;
    for (std::size_t i = 0; i < kMessages; ++i) {
      receipts.push_back(client.async_publish("q", {.body = body_of(i, 2500)}, asio::use_future));
    }
    for (auto& receipt : receipts) receipt.get();
    std::atomic<std::size_t> seen{0};
    {
      auto consumer = client.consume("q",
                                     [&](Delivery&) {
                                       ++seen;
                                       return Verdict::reject("a case");
                                     },
                                     {.concurrency = 1, .prefetch = 4});
      EXPECT_TRUE(eventually([&] { return seen >= 20; }));
    }
    client.close(5s);
    EXPECT_EQ(original_.terminate(), 0);
  }

  std::vector<std::filesystem::path> files_of(const std::string& ending) {
    std::vector<std::filesystem::path> files;
    for (const auto& file : std::filesystem::directory_iterator(original_.data_dir())) {
      const std::string name = file.path().filename();
      const bool wanted = ending == "MANIFEST" ? name.starts_with(ending) : name.ends_with(ending);
      if (wanted && file.file_size() > 0) files.push_back(file.path());
    }
    return files;
  }

  /// Starts a daemon on a copy of the directory, after `harm(copy of file)`.
  template <class Harm>
  void expect_honesty(const std::filesystem::path& file, const std::string& what, Harm harm) {
    Broker broker{{.settings = {}, .arguments = {}, .start = false}};
    for (const auto& one : std::filesystem::directory_iterator(original_.data_dir())) {
      if (one.is_regular_file() && one.path().filename() != "LOCK") {
        std::filesystem::copy_file(one.path(), broker.data_dir() + "/" + one.path().filename().string());
      }
    }
    harm(std::filesystem::path(broker.data_dir()) / file.filename());
    const std::string where = what + " of " + file.filename().string();
    broker.start_or_die();
    if (!broker.running()) {
      ++refused_;
      EXPECT_NE(broker.log().find("STORAGE_DAMAGED"), std::string::npos) << where << ": " << broker.log();
      return;
    }
    ++started_;
    expect_everything(broker, where);
  }

  /// Every message is delivered as it was, or is a case; or the daemon has said why it ended.
  void expect_everything(Broker& broker, const std::string& where) try {
    std::mutex mutex;
    std::set<std::size_t> found;
    std::size_t altered = 0;
    {
      Client client = Client::connect(broker.url(), {.name = "reader", .timeout = 20s, .drain = 1s});
      auto consumer = client.consume("q", [&](Delivery& delivery) {
        const std::string body(delivery.message().body.view());
        const std::lock_guard lock(mutex);
        const std::size_t number = delivery.message().offset;
        if (body != body_of(number, 2500)) ++altered;
        found.insert(number);
      });
      const auto over = [&] {
        if (!broker.running()) return true;
        const auto answer = http(broker.admin(), "GET", "/api/v1/queues/q");
        if (answer.status != 200) return false;
        const auto queue = answer.json();
        const auto number = [&](const char* name) { return queue.at(name).to_number<std::int64_t>(); };
        return number("ready") + number("leased") + number("waiting") == 0;
      };
      EXPECT_TRUE(eventually(over, 60s)) << where;
    }
    EXPECT_EQ(altered, 0u) << where;
    if (!broker.running()) {
      EXPECT_NE(broker.log().find("STORAGE_DAMAGED"), std::string::npos) << where << ": " << broker.log();
      return;
    }
    for (const auto& one : cases(broker)) found.insert(one.at("offset").to_number<std::size_t>());
    EXPECT_EQ(found.size(), kMessages) << where << ": neither delivered nor a case: " << first_missing(found);
  } catch (const std::exception& error) {
    // It ended while it was asked, or has told that it cannot read what it was asked for.
    const std::string said = what_it_says(broker);
    EXPECT_NE(said.find("STORAGE_DAMAGED"), std::string::npos) << where << ": " << error.what() << ": " << said;
  }

  /// When it cannot be asked it is ending, which takes a moment.
  static std::string what_it_says(Broker& broker) {
    std::string said;
    const auto has_said = [&] {
      if (!broker.running()) {
        said = broker.log();
        return true;
      }
      try {
        said = http(broker.admin(), "GET", "/api/v1/hospital/cases").body;
        return true;
      } catch (const std::exception&) {
        return false;
      }
    };
    EXPECT_TRUE(eventually(has_said, 20s));
    return said;
  }

  static boost::json::array cases(const Broker& broker) {
    boost::json::array all;
    std::string cursor;
    do {
      const std::string more = cursor.empty() ? "" : "&cursor=" + cursor;
      const auto answer = http(broker.admin(), "GET", "/api/v1/hospital/cases?limit=1000&queue=q" + more);
      if (answer.status != 200) throw std::runtime_error(answer.body);
      const auto page = answer.json();
      for (const auto& one : page.at("items").as_array()) all.push_back(one);
      cursor = testing::text_of(page, "cursor");
    } while (!cursor.empty());
    return all;
  }
  static std::string first_missing(const std::set<std::size_t>& found) {
    std::size_t missing = 0;
    while (found.contains(missing)) ++missing;
    return "offset " + std::to_string(missing);
  }

  Broker original_{{.settings = {"storage.memtable_bytes=4194304"}, .arguments = {}}};
  int refused_ = 0;
  int started_ = 0;
  std::mt19937_64 random_{7};
};

TEST_F(Damage, OneBitOfAnyFileIsNeverAlteredOrMissingData) {
  const int each = is_long() ? 60 : 6;
  for (const char* ending : {".sst", ".blob", ".log", "MANIFEST", "CURRENT", "IDENTITY"}) {
    const auto files = files_of(ending);
    ASSERT_FALSE(files.empty()) << ending;
    for (int i = 0; i < each; ++i) {
      const auto& file = files[random_() % files.size()];
      const std::size_t at = random_() % std::filesystem::file_size(file);
      expect_honesty(file, "bit flipped at " + std::to_string(at), [at](const std::filesystem::path& copy) {
        std::string bytes = testing::read_file(copy);
        bytes[at] = static_cast<char>(bytes[at] ^ 8);
        testing::write_file(copy, bytes);
      });
    }
  }
  std::cout << refused_ << " refused to start, " << started_ << " served\n";
}

TEST_F(Damage, AFileThatIsCutOrMissingIsNotMissedQuietly) {
  for (const char* ending : {".sst", ".blob", "MANIFEST", "CURRENT", ".log"}) {
    for (const auto& file : files_of(ending)) {
      // Of the newest log only what is in front of its end: a torn end is the one thing that nobody can tell.
      expect_honesty(file, "the second half", [](const std::filesystem::path& copy) {
        std::filesystem::resize_file(copy, std::filesystem::file_size(copy) / 2);
      });
      if (std::string(ending) == ".log") continue;
      expect_honesty(file, "the whole", [](const std::filesystem::path& copy) { std::filesystem::remove(copy); });
    }
  }
  EXPECT_GT(refused_, 0);
}

}  // namespace
}  // namespace lazaret::faults
