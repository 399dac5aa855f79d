#include "unit/engine/broker_fixture.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/crc32c.h"
#include "storage/rocks_store.h"

namespace lazaret::engine {

// --- Worker ---------------------------------------------------------------------------------------------------------

Worker::Worker(std::uint8_t name) {
  instance_.id.bytes[0] = name;
  instance_.name = "worker " + std::to_string(name);
}

void Worker::connect(Engine& engine) {
  engine_ = &engine;
  session_ = engine.open_session(shared_from_this(), instance_);
}

model::ConsumerOpened Worker::consume(const QueueRef& queue, std::uint64_t number, std::uint64_t credit) {
  model::OpenConsumer open;
  open.origin = {session_, ++last_request_};
  open.consumer = key(number);
  open.instance = instance_;
  open.subscription = queue->subscription;
  open.credit_messages = credit;
  open.credit_bytes = 64u << 20;
  for (const auto& [place, one] : held) {
    if (one.consumer == number && place.first == queue->subscription) {
      open.held.push_back({one.token, one.begun, one.what.delivery});
    }
  }
  {
    const std::lock_guard lock(mutex_);
    shards_[queue->subscription] = queue->shard;
  }
  engine_->submit(session_, queue->shard, std::move(open), 0);
  auto opened = hear<model::ConsumerOpened>();
  EXPECT_TRUE(opened.has_value());
  return std::move(opened).value_or(model::ConsumerOpened{});
}

void Worker::start(const Held& one) {
  for (auto& [place, other] : held) {
    const bool same = other.consumer == one.consumer && other.token.subscription == one.token.subscription;
    if (same && other.what.delivery <= one.what.delivery) other.begun = true;
  }
  engine_->submit(session_, one.token.shard,
                  model::Started{key(one.consumer), one.token.subscription, one.what.delivery}, 0);
}

void Worker::settle(Held one, model::VerdictKind kind, bool confirm) {
  model::Verdict verdict;
  verdict.kind = kind;
  verdict.token = one.token;
  verdict.error = {"type", "it failed", ""};
  held.erase({one.token.subscription, one.what.source_offset});
  engine_->submit(session_, one.token.shard,
                  model::Settle{{session_, confirm ? ++last_request_ : 0}, {std::move(verdict)}}, 0);
}

std::optional<Worker::Held> Worker::take(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  if (!told_.wait_for(lock, patience, [&] { return !deliveries_.empty(); })) return std::nullopt;
  Held one = std::move(deliveries_.front());
  deliveries_.pop_front();
  held[{one.token.subscription, one.what.source_offset}] = one;
  return one;
}

void Worker::tell(std::vector<model::Answer>&& answers) {
  const std::lock_guard lock(mutex_);
  for (model::Answer& answer : answers) {
    auto* deliver = std::get_if<model::Deliver>(&answer);
    if (deliver == nullptr) {
      answers_.push_back(std::move(answer));
      continue;
    }
    for (model::Delivered& what : deliver->messages) {
      const model::LeaseToken token{shards_.at(deliver->subscription), deliver->subscription, what.log, what.offset,
                                    what.grant};
      deliveries_.push_back({token, deliver->consumer.number, std::move(what), false});
    }
  }
  told_.notify_all();
}

// --- BrokerFixture --------------------------------------------------------------------------------------------------

BrokerFixture::BrokerFixture() {
  std::string pattern = (std::filesystem::temp_directory_path() / "lazaret-engine-XXXXXX").string();
  dir_ = ::mkdtemp(pattern.data());
  config_.disk_reserve_bytes = 0;
  config_.disk_reserve_percent = 0;
  config_.resume_grace = 1s;
  config_.reconnect_grace = 1s;
  config_.on_fatal = [](const base::Status& status) {
    std::fprintf(stderr, "fatal: %s\n", status.text().c_str());
    std::abort();
  };
  open_store();
  start();
}

BrokerFixture::~BrokerFixture() {
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

void BrokerFixture::open_store() {
  if (store_ != nullptr) return;
  storage::StoreOptions options;
  options.data_dir = dir_;
  auto opened = storage::open_store(options);
  ASSERT_TRUE(opened.ok()) << opened.status().text();
  store_ = std::move(*opened);
}

void BrokerFixture::start() {
  open_store();
  auto recovered = store_->recover();
  ASSERT_TRUE(recovered.ok());
  clock_ = std::make_unique<SystemClock>(recovered->at(0).meta.engine_time);
  auto engine = Engine::start(config_, *store_, std::move(*recovered), *clock_);
  ASSERT_TRUE(engine.ok());
  engine_ = std::move(*engine);
  desk_ = Desk::open(*engine_);
}

void BrokerFixture::stop() {
  if (engine_ != nullptr) {
    desk_->close();
    engine_->stop();
  }
  desk_.reset();
  engine_.reset();
  clock_.reset();
  store_.reset();
}

QueueRef BrokerFixture::create(const std::string& name, model::QueueOptions options) {
  model::CreateQueue create;
  create.name = name;
  create.options = options;
  const auto answer = ask<model::QueueAnswer>(model::ShardId(0), create);
  EXPECT_TRUE(answer.status.ok()) << answer.status.text();
  return engine_->directory().find(name);
}

model::Published BrokerFixture::publish(const QueueRef& queue, const std::vector<std::string>& bodies,
                                        std::optional<model::ProducerId> producer, std::uint64_t sequence) {
  model::Publish publish;
  publish.log = queue->log;
  publish.producer = producer;
  for (const std::string& body : bodies) {
    auto message = std::make_shared<model::Message>();
    message->body_crc = base::crc32c(body);
    message->body = base::SharedBytes::of(body);
    publish.items.push_back({producer ? sequence++ : 0, std::move(message)});
  }
  return ask<model::Published>(queue->shard, std::move(publish));
}

model::QueueStats BrokerFixture::show(const QueueRef& queue) {
  model::ShowQueue show;
  show.subscription = queue->subscription;
  return ask<model::QueueStats>(queue->shard, show);
}

bool BrokerFixture::eventually(const std::function<bool()>& wanted) {
  for (int patience = 0; patience < 1000; ++patience) {
    if (wanted()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

void BrokerFixture::expect_sums(const QueueRef& queue) {
  const model::QueueStats stats = show(queue);
  const model::Counters& sums = stats.counters;
  EXPECT_EQ(sums.entered, stats.ready + stats.leased + stats.waiting + stats.scheduled + stats.held + sums.in_hospital +
                              sums.acked + sums.discarded + sums.expired + sums.purged + sums.dropped +
                              sums.lost_to_retention + sums.redirected);
}

std::vector<model::CaseRecord> BrokerFixture::cases(const QueueRef& queue, model::CaseState state) {
  model::CaseQuery filter;
  filter.subscription = queue->subscription;
  model::with_state(filter, state);
  auto page = store_->list_cases(filter, "", 100'000);
  EXPECT_TRUE(page.ok());
  return std::move(page->cases);
}

std::vector<std::string> BrokerFixture::findings() {
  const auto report = store_->check({});
  EXPECT_TRUE(report.ok());
  std::vector<std::string> findings;
  for (const model::CheckFinding& finding : report->findings) findings.push_back(finding.where + ": " + finding.what);
  return findings;
}

std::shared_ptr<Worker> BrokerFixture::worker(std::uint8_t name) {
  auto worker = std::make_shared<Worker>(name);
  worker->connect(*engine_);
  worker->resumed();
  return worker;
}

}  // namespace lazaret::engine
