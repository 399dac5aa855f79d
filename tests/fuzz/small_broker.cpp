#include "fuzz/small_broker.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <thread>

#include "base/assert.h"
#include "wire/envelope.h"

namespace lazaret::fuzz {
namespace {

using namespace std::chrono_literals;

/// Far longer than anything takes, on a machine that is busy with other things too.
constexpr auto kPatience = 60s;

void expect_sums(const model::QueueStats& stats) {
  const model::Counters& sums = stats.counters;
  LZ_ASSERT(sums.entered == stats.ready + stats.leased + stats.waiting + stats.scheduled + stats.held +
                                sums.in_hospital + sums.acked + sums.discarded + sums.expired + sums.purged +
                                sums.dropped + sums.lost_to_retention + sums.redirected);
}

}  // namespace

// --- SharedStore ----------------------------------------------------------------------------------------------------

base::Result<std::vector<model::RecoveredShard>> SharedStore::recover() {
  const std::lock_guard lock(mutex_);
  return store_.recover();
}

base::Status SharedStore::commit(std::span<const model::MutationGroup> groups, bool sync) {
  const std::lock_guard lock(mutex_);
  return store_.commit(groups, sync);
}

base::Result<model::MessagePage> SharedStore::read_messages(model::ShardId shard, model::LogId log, model::Offset from,
                                                            model::Offset until, std::size_t max_messages,
                                                            std::size_t max_bytes) {
  const std::lock_guard lock(mutex_);
  return store_.read_messages(shard, log, from, until, max_messages, max_bytes);
}

base::Result<model::MessagePage> SharedStore::read_prioritised(model::ShardId shard, model::LogId log,
                                                               std::uint8_t priority, model::Offset from,
                                                               model::Offset until, std::size_t max_messages,
                                                               std::size_t max_bytes) {
  const std::lock_guard lock(mutex_);
  return store_.read_prioritised(shard, log, priority, from, until, max_messages, max_bytes);
}

base::Result<std::vector<model::RecoveredDelivery>> SharedStore::read_waiting(model::ShardId shard,
                                                                              model::SubscriptionId subscription,
                                                                              model::WaitingPlace after,
                                                                              std::size_t max) {
  const std::lock_guard lock(mutex_);
  return store_.read_waiting(shard, subscription, after, max);
}

base::Result<std::vector<model::OutboxEntryRef>> SharedStore::read_outbox(model::ShardId shard, model::ShardId to,
                                                                          std::uint64_t from, std::size_t max_entries,
                                                                          std::size_t max_bytes) {
  const std::lock_guard lock(mutex_);
  return store_.read_outbox(shard, to, from, max_entries, max_bytes);
}

base::Result<model::CasePage> SharedStore::list_cases(const model::CaseQuery& query, const std::string& cursor,
                                                      std::size_t max) {
  const std::lock_guard lock(mutex_);
  return store_.list_cases(query, cursor, max);
}

base::Result<model::CaseCount> SharedStore::count_cases(const model::CaseQuery& query, const std::string& cursor) {
  const std::lock_guard lock(mutex_);
  return store_.count_cases(query, cursor);
}

base::Result<model::GroupPage> SharedStore::list_groups(const model::CaseQuery& query, model::GroupSort sort,
                                                        const std::string& cursor, std::size_t max) {
  const std::lock_guard lock(mutex_);
  return store_.list_groups(query, sort, cursor, max);
}

base::Result<model::GroupRecord> SharedStore::read_group(model::GroupId id) {
  const std::lock_guard lock(mutex_);
  return store_.read_group(id);
}

base::Result<model::CaseRecord> SharedStore::read_case(const model::CaseId& id) {
  const std::lock_guard lock(mutex_);
  return store_.read_case(id);
}

base::Result<std::vector<model::Attempt>> SharedStore::read_attempts(const model::CaseId& id) {
  const std::lock_guard lock(mutex_);
  return store_.read_attempts(id);
}

base::Result<std::optional<model::CaseId>> SharedStore::find_imported(model::ShardId shard,
                                                                      model::SubscriptionId subscription,
                                                                      const model::CaseOrigin& origin) {
  const std::lock_guard lock(mutex_);
  return store_.find_imported(shard, subscription, origin);
}

base::Result<std::vector<model::CaseEdit>> SharedStore::read_edits(const model::CaseId& id) {
  const std::lock_guard lock(mutex_);
  return store_.read_edits(id);
}

base::Result<model::MessageRef> SharedStore::read_version(const model::CaseId& id, std::uint32_t version) {
  const std::lock_guard lock(mutex_);
  return store_.read_version(id, version);
}

base::Result<std::vector<model::ClosedCase>> SharedStore::read_closed(model::ShardId shard,
                                                                      model::SubscriptionId subscription,
                                                                      const model::ClosedCase& after, std::size_t max) {
  const std::lock_guard lock(mutex_);
  return store_.read_closed(shard, subscription, after, max);
}

base::Result<model::CaseSums> SharedStore::case_sums(model::ShardId shard, model::SubscriptionId subscription) {
  const std::lock_guard lock(mutex_);
  return store_.case_sums(shard, subscription);
}

base::Result<std::vector<model::ReplayJobRecord>> SharedStore::read_replay_jobs() {
  const std::lock_guard lock(mutex_);
  return store_.read_replay_jobs();
}

base::Result<model::ReplayChunk> SharedStore::read_replay_chunk(model::ReplayJobId job, std::uint32_t number) {
  const std::lock_guard lock(mutex_);
  return store_.read_replay_chunk(job, number);
}

base::Result<model::AuditPage> SharedStore::read_audit(const model::AuditQuery& query, std::uint64_t before,
                                                       std::size_t max) {
  const std::lock_guard lock(mutex_);
  return store_.read_audit(query, before, max);
}

base::Result<model::KeptAlerts> SharedStore::read_alerts() {
  const std::lock_guard lock(mutex_);
  return store_.read_alerts();
}

base::Result<std::vector<model::GroupRecord>> SharedStore::recent_groups(base::Instant since, std::size_t max) {
  const std::lock_guard lock(mutex_);
  return store_.recent_groups(since, max);
}

base::Result<std::vector<model::CaseRecord>> SharedStore::oldest_open_cases(std::size_t max) {
  const std::lock_guard lock(mutex_);
  return store_.oldest_open_cases(max);
}

base::Result<model::CheckReport> SharedStore::check(const std::function<bool(std::uint64_t)>& progress) {
  const std::lock_guard lock(mutex_);
  return store_.check(progress);
}

void SharedStore::crash(std::size_t keep_unsynced) {
  const std::lock_guard lock(mutex_);
  store_.crash(keep_unsynced);
}

std::vector<std::string> SharedStore::complaints() {
  const std::lock_guard lock(mutex_);
  return store_.complaints();
}

// --- SmallBroker ----------------------------------------------------------------------------------------------------

SmallBroker::SmallBroker() { start(); }
SmallBroker::~SmallBroker() { stop(); }

void SmallBroker::start() {
  engine::EngineConfig config;
  config.disk_reserve_bytes = 0;
  config.disk_reserve_percent = 0;
  config.read_facts = [](const model::Message& message, model::MessageFacts& facts) {
    wire::read_facts(message.envelope.view(), facts);
  };
  config.reply_envelope = wire::reply_envelope;
  config.key_of = [](const model::Message& message) { return wire::key_hash(message.envelope.view()); };
  config.on_fatal = [](const base::Status& status) {
    std::fprintf(stderr, "fatal: %s\n", status.text().c_str());
    std::abort();
  };
  auto recovered = store_.recover();
  LZ_ASSERT(recovered.ok());
  auto engine = engine::Engine::start(std::move(config), store_, std::move(*recovered), clock_);
  LZ_ASSERT(engine.ok());
  engine_ = std::move(*engine);
  desk_ = engine::Desk::open(*engine_);

  net::ServerConfig net_config;
  net_config.io_threads = 1;
  net_config.max_message_bytes = kMessageBytesMost;
  auto server = net::Server::listen(std::move(net_config), *engine_);
  LZ_ASSERT(server.ok());
  server_ = std::move(*server);
  server_->serve("");
  const std::string address = server_->address();
  port_ = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  draining_ = false;
}

void SmallBroker::stop() {
  server_->stop();
  desk_->close();
  engine_->stop();
  desk_.reset();
  engine_.reset();
  server_.reset();
}

template <class Command>
model::Answer SmallBroker::ask(model::ShardId shard, Command command) {
  const auto promise = std::make_shared<std::promise<model::Answer>>();
  auto answer = promise->get_future();
  desk_->ask(shard, std::move(command), [promise](model::Answer&& one) { promise->set_value(std::move(one)); });
  LZ_ASSERT(answer.wait_for(kPatience) == std::future_status::ready);
  return answer.get();
}

template model::Answer SmallBroker::ask(model::ShardId shard, model::ShowQueue command);
template model::Answer SmallBroker::ask(model::ShardId shard, model::ReplayCaseCommand command);
template model::Answer SmallBroker::ask(model::ShardId shard, model::DiscardCaseCommand command);

void SmallBroker::settle_down() {
  // There is no such queue, which its shard says in turn. What one shard passes to the other comes in the next round: a
  // new queue goes from the catalog to its shard and back.
  for (std::uint16_t i = 0; i < 3 * kShards; ++i) ask(model::ShardId(i % kShards), model::ShowQueue{});
}

void SmallBroker::advance(base::Duration by) {
  clock_.advance(by);
  settle_down();
}

void SmallBroker::drain() {
  engine_->drain();
  draining_ = true;
}

void SmallBroker::restart(std::optional<std::size_t> crash) {
  stop();
  if (crash) store_.crash(*crash);
  start();
}

void SmallBroker::check() {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    settle_down();
    const engine::EngineStats stats = engine_->stats();
    // The sessions of the desk and of the audit trail are those that stay.
    if (stats.sessions == 2 && stats.ingest_bytes == 0 && stats.held_effects == 0) break;
    LZ_ASSERT(std::chrono::steady_clock::now() < deadline);
    std::this_thread::yield();
  }
  for (const engine::QueueRef& queue : engine_->directory().list("", 10'000)) {
    model::ShowQueue show;
    show.subscription = queue->subscription;
    const model::Answer answer = ask(queue->shard, show);
    const auto* stats = std::get_if<model::QueueStats>(&answer);
    if (stats != nullptr && stats->status.ok()) expect_sums(*stats);
  }
  for (const std::string& complaint : store_.complaints()) {
    std::fprintf(stderr, "the store complains: %s\n", complaint.c_str());
    std::abort();
  }
}

}  // namespace lazaret::fuzz
