#include "faults/engine_at_work.h"

#include <cstdio>
#include <cstdlib>

#include "base/crc32c.h"
#include "faults/worker_outbox.h"
#include "wire/envelope.h"

namespace lazaret::faults {
namespace {

using namespace std::chrono_literals;

/// Unconfirmed messages of the publisher at a time, and what waits to be worked off before it pauses.
constexpr std::size_t kBatch = 16;
constexpr std::uint64_t kBacklog = 400;
/// The queue that is made and deleted again and again.
constexpr const char* kShortLived = "short-lived";

engine::EngineConfig config() {
  engine::EngineConfig config;
  config.disk_reserve_bytes = 0;
  config.disk_reserve_percent = 0;
  config.resume_grace = 20ms;
  config.reconnect_grace = 20ms;
  config.memtable_bytes = kMemtableBytes;
  config.key_of = [](const model::Message& message) { return wire::key_hash(message.envelope.view()); };
  config.on_fatal = [](const base::Status& status) {
    std::fprintf(stderr, "fatal: %s\n", status.text().c_str());
    std::abort();
  };
  return config;
}

}  // namespace

model::ProducerId the_producer() {
  model::ProducerId id;
  id.bytes[3] = 7;
  return id;
}

// --- EngineOn -------------------------------------------------------------------------------------------------------

EngineOn::EngineOn(std::unique_ptr<model::Store> store) : store_(std::move(store)) {
  auto recovered = store_->recover();
  if (!recovered.ok()) config().on_fatal(recovered.status());
  base::Instant latest;
  for (const model::RecoveredShard& shard : *recovered) latest = std::max(latest, shard.meta.engine_time);
  clock_ = std::make_unique<engine::SystemClock>(latest);
  auto engine = engine::Engine::start(config(), *store_, std::move(*recovered), *clock_);
  if (!engine.ok()) config().on_fatal(engine.status());
  engine_ = std::move(*engine);
  desk_ = engine::Desk::open(*engine_);
}

EngineOn::~EngineOn() {
  desk_->close();
  engine_->stop();
}

engine::QueueRef EngineOn::create(const std::string& name, model::Durability durability) {
  model::CreateQueue create;
  create.name = name;
  create.options.durability = durability;
  return this->create(std::move(create));
}

engine::QueueRef EngineOn::create(model::CreateQueue create) {
  create.ensure = true;
  create.options.max_attempts = kLimit;
  // What is discarded keeps its place for so long, in the way of trims.
  create.options.case_retention = 1s;
  create.options.backoff_initial = 1ms;
  create.options.backoff_multiplier = 1;
  const std::string name = create.name;
  ask<model::QueueAnswer>(model::ShardId(0), std::move(create));
  return engine_->directory().find(name);
}

std::vector<model::CaseRecord> EngineOn::cases(const engine::QueueRef& queue, std::optional<model::CaseState> state) {
  model::CaseQuery filter;
  filter.subscription = queue->subscription;
  if (state) model::with_state(filter, *state);
  auto page = store_->list_cases(filter, "", 1'000'000);
  return page.ok() ? std::move(page->cases) : std::vector<model::CaseRecord>();
}

// --- The actors -----------------------------------------------------------------------------------------------------

EngineAtWork::EngineAtWork(std::unique_ptr<model::Store> store, Ledger& ledger)
    : ledger_(ledger), on_(std::move(store)), queue_(on_.create(kQueue)) {}

EngineAtWork::~EngineAtWork() { stop(); }

void EngineAtWork::start(std::uint64_t seed) {
  worker_ = std::make_shared<WorkerOutbox>(ledger_, 1);
  worker_->consume(on_.engine(), queue_);
  publisher_ = std::thread([this, seed] { publish(std::mt19937_64(seed)); });
  operator_ = std::thread([this, seed] { operate(std::mt19937_64(seed + 1)); });
}

void EngineAtWork::stop() {
  over_ = true;
  if (publisher_.joinable()) publisher_.join();
  if (operator_.joinable()) operator_.join();
  if (worker_ != nullptr) worker_->close();
}

void EngineAtWork::publish(std::mt19937_64 random) {
  for (std::uint64_t sequence = 1; !over_;) {
    model::Publish publish;
    publish.log = queue_->log;
    publish.producer = the_producer();
    const std::size_t count = 1 + random() % kBatch;
    const std::uint64_t first = sequence;
    for (std::size_t i = 0; i < count; ++i, ++sequence) {
      auto message = std::make_shared<model::Message>();
      std::string body = body_of(sequence);
      message->body_crc = base::crc32c(body);
      message->body = base::SharedBytes::of(std::move(body));
      ledger_.change(sequence, [&](Told& told) { told.sequence = sequence; });
      publish.items.push_back({sequence, std::move(message)});
    }
    const auto published = on_.ask<model::Published>(queue_->shard, std::move(publish));
    for (std::size_t i = 0; i < published.results.size(); ++i) {
      if (published.results[i].code != base::Code::OK) continue;
      ledger_.change(first + i, [&](Told& told) {
        told.confirmed = true;
        told.offset = published.results[i].offset.value;
      });
    }
    while (!over_ && worker_->behind(sequence) > kBacklog) std::this_thread::sleep_for(1ms);
  }
}

/// Replays and discards cases; makes and deletes a queue, with workers that come and go.
void EngineAtWork::operate(std::mt19937_64 random) {
  while (!over_) {
    std::this_thread::sleep_for(5ms);
    const auto admitted = on_.cases(queue_, model::CaseState::admitted);
    // Some are left for good: they are what keeps parts of the log, until they are evacuated.
    for (std::size_t i = 0; i < admitted.size() && i < 4; ++i) {
      const model::CaseRecord& one = admitted[random() % admitted.size()];
      const std::uint64_t number = one.id.offset.value + 1;  // the publisher is alone: offset 0 is number 1
      if (random() % 3 == 0) {
        ledger_.change(number, [](Told& told) { told.end_asked = true; });
        const auto done = on_.ask<model::CaseDone>(one.id.shard, model::DiscardCaseCommand{{}, one.id, "no use"});
        if (done.status.ok()) ledger_.change(number, [](Told& told) { told.ended = true; });
      } else {
        if (random() % 2 == 0) edit(one);
        on_.ask<model::CaseDone>(one.id.shard,
                                 model::ReplayCaseCommand{{}, one.id, one.attempt_count, one.summary.priority});
      }
    }
    if (random() % 8 == 0) churn(random);
  }
}

/// Another version with the same body: by that the ledger knows it.
void EngineAtWork::edit(const model::CaseRecord& one) {
  const auto page = on_.store().read_messages(one.id.shard, one.id.log, one.id.offset, one.id.offset.next(), 1, 1);
  if (!page.ok() || page->messages.empty() || page->messages.front().message == nullptr) return;
  on_.ask<model::CaseDone>(
      one.id.shard,
      model::EditCaseCommand{{}, one.id, one.version, "the operator", "", page->messages.front().message});
}

void EngineAtWork::churn(std::mt19937_64& random) {
  const auto durability = random() % 2 == 0 ? model::Durability::relaxed : model::Durability::fsync;
  const engine::QueueRef queue = on_.create(kShortLived, durability);
  if (queue == nullptr) return;
  const auto passer_by = std::make_shared<WorkerOutbox>(ledger_, static_cast<std::uint8_t>(2 + random() % 200));
  passer_by->consume(on_.engine(), queue);
  model::Publish publish;
  publish.log = queue->log;
  auto message = std::make_shared<model::Message>();
  message->body_crc = base::crc32c("");
  publish.items.push_back({0, std::move(message)});
  on_.ask<model::Published>(queue->shard, std::move(publish));
  passer_by->close();
  if (random() % 2 == 0) return;
  model::DeleteQueue remove;
  remove.subscription = queue->subscription;
  remove.force = true;
  on_.ask<model::Done>(queue->shard, remove);
}

}  // namespace lazaret::faults
