#include "engine/engine.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>
#include <utility>

#include "core/shard.h"
#include "engine/attendant.h"
#include "engine/audit_trail.h"
#include "engine/committer.h"
#include "engine/instance_registry.h"
#include "engine/page_reader.h"
#include "engine/session_table.h"
#include "engine/shard_runner.h"
#include "engine/watching_clock.h"
#include "model/limits.h"

namespace lazaret::engine {
namespace {

using namespace std::chrono_literals;

/// How often instances, disk and memtables are looked after.
constexpr base::Duration kAttendEvery = 20ms;
/// So many trimmed messages are worth a flush for the space that they take, so often at most.
constexpr std::uint64_t kReclaimMessages = 8192;
constexpr base::Duration kReclaimEvery = 5s;
/// Looks leave this part of the disk's reserve to others: an eighth.
constexpr std::uint64_t kLooksLeave = 8;

core::SessionEnded::How how_of(Engine::End end) {
  switch (end) {
    case Engine::End::goodbye: return core::SessionEnded::How::goodbye;
    case Engine::End::closed: return core::SessionEnded::How::closed;
    case Engine::End::silent: return core::SessionEnded::How::silent;
    case Engine::End::replaced: return core::SessionEnded::How::replaced;
  }
  return core::SessionEnded::How::closed;
}

std::vector<model::InstanceRecord> instances_of(const std::vector<model::RecoveredShard>& shards) {
  std::vector<model::InstanceRecord> instances;
  for (const model::RecoveredShard& shard : shards) {
    instances.insert(instances.end(), shard.instances.begin(), shard.instances.end());
  }
  return instances;
}

std::vector<model::QueueRef> catalog_of(const std::vector<model::RecoveredShard>& shards) {
  std::vector<model::QueueRef> catalog;
  for (const model::RecoveredShard& shard : shards) {
    for (const model::RecoveredQueue& queue : shard.queues) catalog.push_back(queue.queue);
  }
  return catalog;
}

}  // namespace

static_assert(sizeof(core::Event::What) <= model::limits::kCommandBytes);
static_assert(sizeof(model::Verdict) <= model::limits::kCommandBytes);

struct Engine::Impl {
  Impl(EngineConfig config_, model::Store& store_, const Clock& clock_, std::uint32_t epoch, std::uint16_t shards)
      : config(std::move(config_)),
        store(store_),
        clock(clock_),
        watcher(dynamic_cast<const WatchingClock*>(&clock_)),
        sessions(epoch),
        registry(shards, {config.reconnect_grace, config.resume_grace}),
        committer(
            store, config.relaxed_sync_max,
            [this](model::ShardId shard, model::GroupNumber group) { post(shard, core::Persisted{group}); },
            [this](const base::Status& status) { config.on_fatal(status); }),
        reader(
            store, [this](model::ShardId shard, core::Event::What what) { was_read(shard, std::move(what)); },
            [this](const base::Status& status) { config.on_fatal(status); }),
        attendant(kAttendEvery, [this] { attend(); }) {}

  void add_shard(model::RecoveredShard recovered, const std::vector<model::QueueRef>& catalog, std::uint16_t shards,
                 bool awaiting);
  base::Status begin_epochs(std::vector<model::RecoveredShard>& recovered);
  ShardRunner::Wiring wiring();

  void post(model::ShardId shard, core::Event::What what, std::size_t bytes = 0) {
    runners[shard.value]->post(std::move(what), bytes);
  }
  void post(InstanceRegistry::Events& events);
  void read(model::ShardId shard, PageReader::Wish wish);
  void was_read(model::ShardId shard, core::Event::What what);
  base::Instant look_at_time();
  void perform(model::ShardId shard, std::vector<core::Effect>& effects);
  void bytes_done(std::size_t bytes);
  void attend();
  void watch_disk(const model::StoreUsage& usage);
  void watch_memtables(const model::StoreUsage& usage);

  /// Steps the registry under its mutex and posts what it says, in order.
  template <class Step>
  void with_registry(Step step) {
    const std::lock_guard lock(registry_mutex);
    InstanceRegistry::Events events;
    step(registry, events);
    post(events);
  }

  const EngineConfig config;
  model::Store& store;
  const Clock& clock;
  const WatchingClock* const watcher;  // the same, if it is one that watches; else null
  Directory directory;
  SessionTable sessions;

  mutable std::mutex registry_mutex;
  InstanceRegistry registry;  // GUARDED_BY(registry_mutex)

  std::vector<std::unique_ptr<ShardRunner>> runners;  // constant after start
  Committer committer;
  PageReader reader;
  Attendant attendant;

  std::atomic<std::size_t> ingest_bytes{0};
  std::atomic<bool> readers_paused{false};
  std::atomic<bool> refusing{false};
  std::atomic<std::uint64_t> disk_free{std::numeric_limits<std::uint64_t>::max()};
  std::atomic<std::uint64_t> disk_reserve{0};
  std::atomic<std::int64_t> breakers_open{0};  // or half open
  std::atomic<std::int64_t> hospitals_full{0};
  std::atomic<bool> draining{false};
  std::atomic<std::uint32_t> trims_expected{0};
  base::Instant last_flush;  // the attendant's
  bool stopped = false;
};

// --- Start ----------------------------------------------------------------------------------------------------------

base::Result<std::unique_ptr<Engine>> Engine::start(EngineConfig config, model::Store& store,
                                                    std::vector<model::RecoveredShard> recovered, const Clock& clock) {
  LZ_ASSERT(!recovered.empty() && config.on_fatal);
  const auto shards = static_cast<std::uint16_t>(recovered.size());
  auto impl = std::make_unique<Impl>(std::move(config), store, clock, recovered[0].meta.epoch + 1, shards);
  const base::Duration waits = std::max(impl->config.ack_sync_max, impl->config.confirm_hold_max);
  LZ_ASSERT(impl->watcher == nullptr || waits == base::Duration(0));
  if (base::Status status = impl->begin_epochs(recovered); !status.ok()) return status;

  const std::vector<model::InstanceRecord> instances = instances_of(recovered);
  const std::vector<model::QueueRef> catalog = catalog_of(recovered);
  for (const model::QueueRef& queue : catalog) {
    if (queue->kind != model::Kind::feeder) impl->directory.put(queue);
  }
  impl->registry.await(instances, clock.now());
  for (model::RecoveredShard& shard : recovered) impl->add_shard(std::move(shard), catalog, shards, !instances.empty());

  impl->committer.start();
  impl->reader.start();
  for (const auto& runner : impl->runners) {
    runner->post(core::WakeUp{});  // for what recovery found to be done: deletions, retries that are due
    runner->start();
  }
  impl->attendant.start();
  if (impl->watcher != nullptr) impl->watcher->look_with([impl = impl.get()] { return impl->look_at_time(); });
  std::unique_ptr<Engine> engine(new Engine(std::move(impl)));
  engine->audit_ = std::make_unique<AuditTrail>(*engine);
  BackupsConfig backups = engine->impl_->config.backups;
  backups.reserve_bytes = engine->impl_->config.disk_reserve_bytes;
  backups.reserve_percent = engine->impl_->config.disk_reserve_percent;
  engine->backups_ = std::make_unique<Backups>(std::move(backups), store, clock);
  return engine;
}

/// The new epoch is on the disk before anything is granted in it.
base::Status Engine::Impl::begin_epochs(std::vector<model::RecoveredShard>& recovered) {
  std::vector<model::MutationGroup> groups;
  for (std::size_t i = 0; i < recovered.size(); ++i) {
    model::ShardMeta& meta = recovered[i].meta;
    ++meta.epoch;
    ++meta.applied_index;
    meta.engine_time = clock.now();
    groups.push_back({model::ShardId(static_cast<std::uint16_t>(i)), {model::PutShardMeta{meta}}});
  }
  return store.commit(groups, true);
}

void Engine::Impl::add_shard(model::RecoveredShard recovered, const std::vector<model::QueueRef>& catalog,
                             std::uint16_t shards, bool awaiting) {
  core::ShardConfig shard_config;
  shard_config.shard = model::ShardId(static_cast<std::uint16_t>(runners.size()));
  shard_config.shards = shards;
  shard_config.epoch = recovered.meta.epoch;
  shard_config.seed = config.seed + shard_config.shard.value;
  shard_config.key_of = config.key_of;
  shard_config.read_facts = config.read_facts;
  shard_config.reply_envelope = config.reply_envelope;
  shard_config.awaiting_instances = awaiting;
  shard_config.confirm_hold_max = config.confirm_hold_max;
  shard_config.audit_retain_for = config.audit_retain_for;
  if (shard_config.shard.value == 0) shard_config.catalog = catalog;
  const model::ShardMeta meta = recovered.meta;
  core::Shard core(shard_config, std::move(recovered), clock.now());
  ShardPipeline pipeline(shard_config.shard, std::move(core), meta, config.ack_sync_max);
  runners.push_back(std::make_unique<ShardRunner>(shard_config.shard, std::move(pipeline), clock, wiring()));
}

ShardRunner::Wiring Engine::Impl::wiring() {
  ShardRunner::Wiring wiring;
  wiring.commit = [this](model::MutationGroup group, model::GroupNumber number, bool write_here) {
    committer.submit(std::move(group), number, write_here);
  };
  wiring.perform = [this](model::ShardId shard, std::vector<core::Effect>& effects) { perform(shard, effects); };
  wiring.instance_loads = [this](model::ShardId, const std::vector<core::InstanceLoad>& loads) {
    with_registry([&](InstanceRegistry& instances, auto& events) {
      for (const core::InstanceLoad& load : loads) instances.load_changed(load, events);
    });
  };
  wiring.session_drained = [this](const core::SessionEnded& ended) {
    with_registry([&](InstanceRegistry& instances, auto& events) { instances.session_drained(ended.session, events); });
  };
  wiring.reservation_seen = [this](const core::InstanceReserved& reserved) {
    with_registry(
        [&](InstanceRegistry& instances, auto& events) { instances.reservation_seen(reserved.instance, events); });
  };
  wiring.bytes_done = [this](std::size_t bytes) { bytes_done(bytes); };
  wiring.trimmed = [this](model::ShardId) {
    if (trims_expected.fetch_sub(1, std::memory_order_relaxed) == 1) committer.flush_soon();
  };
  return wiring;
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() { stop(); }

// --- Sessions -------------------------------------------------------------------------------------------------------

model::SessionId Engine::open_session(std::shared_ptr<Outbox> outbox, const model::InstanceRecord& instance,
                                      std::uint32_t connections) {
  const model::SessionId session = impl_->sessions.open(std::move(outbox));
  impl_->with_registry([&](InstanceRegistry& instances, auto&) {
    instances.session_opened(session, instance, impl_->clock.now(), connections);
  });
  return session;
}

model::SessionId Engine::open_desk(std::shared_ptr<Outbox> outbox) { return impl_->sessions.open(std::move(outbox)); }

void Engine::replace_session(model::SessionId old_session, const model::InstanceId& instance,
                             std::function<void()> done) {
  bool its = false;
  impl_->with_registry([&](InstanceRegistry& instances, auto&) { its = instances.is_of(old_session, instance); });
  if (!its) return done();
  const auto outbox = impl_->sessions.when_ended(old_session, done);
  if (outbox == nullptr) {
    done();
  } else {
    outbox->replaced();
  }
}

void Engine::instance_resumed(model::SessionId session) {
  impl_->with_registry([&](InstanceRegistry& instances, auto& events) { instances.session_resumed(session, events); });
}

void Engine::session_quiet(model::SessionId session, bool quiet) {
  impl_->with_registry(
      [&](InstanceRegistry& instances, auto& events) { instances.session_quiet(session, quiet, events); });
}

void Engine::end_session(model::SessionId session, End how) {
  impl_->with_registry([&](InstanceRegistry& instances, auto& events) {
    instances.session_ended(session, how_of(how), impl_->clock.now(), events);
  });
  for (const auto& done : impl_->sessions.end(session)) done();
}

// --- Work -----------------------------------------------------------------------------------------------------------

bool Engine::submit(model::SessionId session, model::ShardId shard, model::Command command, std::size_t bytes) {
  LZ_ASSERT(shard.value < impl_->runners.size());
  core::Event::What what =
      std::visit([](auto&& one) -> core::Event::What { return std::forward<decltype(one)>(one); }, std::move(command));
  bytes += model::limits::kCommandBytes;
  const std::size_t waits = impl_->ingest_bytes.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  const bool pause = waits > model::limits::kIngestBytes;
  if (pause) {
    impl_->sessions.pause(session);
    impl_->readers_paused.store(true);
  }
  impl_->post(shard, std::move(what), bytes);
  return !pause;
}

std::uint16_t Engine::shard_count() const { return static_cast<std::uint16_t>(impl_->runners.size()); }
AuditTrail& Engine::audit() { return *audit_; }
Backups& Engine::backups() { return *backups_; }

base::Status Engine::may_look() const {
  const std::uint64_t free = impl_->disk_free.load();
  const std::uint64_t reserve = impl_->disk_reserve.load();
  if (free >= reserve / kLooksLeave) return {};
  return base::Status(base::Code::RESOURCE_EXHAUSTED,
                      "looks at messages are noted on the disk, which has " + std::to_string(free) +
                          " bytes free, less than an eighth of the reserve of " + std::to_string(reserve))
      .with_limit("disk_reserve", static_cast<std::int64_t>(reserve))
      .with_retry_after_ms(1000);
}

const Directory& Engine::directory() const { return impl_->directory; }
model::Store& Engine::store() { return impl_->store; }
base::Instant Engine::now() const { return impl_->clock.now(); }

base::Instant Engine::seen_until() const {
  const base::Instant now = impl_->clock.now();
  base::Instant until = now;
  for (const auto& runner : impl_->runners) until = std::min(until, runner->horizon().seen_until(now));
  return until;
}

EngineStats Engine::stats() const {
  EngineStats stats;
  stats.queues = impl_->directory.size();
  stats.sessions = impl_->sessions.size();
  {
    const std::lock_guard lock(impl_->registry_mutex);
    stats.instances = impl_->registry.size();
    stats.out = impl_->registry.out();
    stats.resuming = impl_->registry.resuming();
  }
  stats.commits = impl_->committer.commits();
  stats.committed_groups = impl_->committer.groups();
  for (const auto& runner : impl_->runners) {
    stats.steps += runner->steps();
    stats.held_effects += runner->held();
    stats.confirms_held += runner->confirms_held();
  }
  stats.ingest_bytes = impl_->ingest_bytes.load();
  stats.breakers_open = impl_->breakers_open.load();
  stats.hospitals_full = impl_->hospitals_full.load();
  stats.publishes_refused = impl_->refusing.load();
  stats.looks_refused = !may_look().ok();
  stats.draining = impl_->draining.load();
  stats.last_commit = impl_->committer.last();
  stats.longest_commit = impl_->committer.longest();
  stats.relaxed_sync_max = impl_->config.relaxed_sync_max;
  stats.store = impl_->store.usage();
  stats.backups = backups_->stats();
  return stats;
}

// --- Stop -----------------------------------------------------------------------------------------------------------

void Engine::drain() {
  impl_->draining.store(true);
  for (const auto& runner : impl_->runners) runner->post(core::Drain{});
}

void Engine::stop() {
  if (std::exchange(impl_->stopped, true)) return;
  backups_->stop();
  audit_->close();
  if (impl_->watcher != nullptr) impl_->watcher->look_with(nullptr);
  impl_->attendant.stop();
  impl_->reader.stop();
  for (const auto& runner : impl_->runners) runner->stop();
  impl_->committer.stop();
}

// --- Effects --------------------------------------------------------------------------------------------------------

void Engine::Impl::post(InstanceRegistry::Events& events) {
  for (ShardEvent& event : events) {
    if (event.shard) {
      post(*event.shard, std::move(event.what));
      continue;
    }
    for (const auto& runner : runners) runner->post(event.what);
  }
}

void Engine::Impl::read(model::ShardId shard, PageReader::Wish wish) {
  if (watcher != nullptr) watcher->work_begins();
  reader.submit(shard, std::move(wish));
}

void Engine::Impl::was_read(model::ShardId shard, core::Event::What what) {
  post(shard, std::move(what));
  if (watcher != nullptr) watcher->work_ends(1);
}

/// What a clock that was moved calls; others are waited for.
base::Instant Engine::Impl::look_at_time() {
  base::Instant next;
  with_registry([&](InstanceRegistry& instances, auto& events) {
    instances.tick(clock.now(), events);
    next = instances.next_deadline();
  });
  for (const auto& runner : runners) runner->post(core::WakeUp{});
  return next;
}

void Engine::Impl::perform(model::ShardId shard, std::vector<core::Effect>& effects) {
  std::vector<std::pair<model::SessionId, std::vector<model::Answer>>> letters;
  for (core::Effect& effect : effects) {
    if (auto* tell = std::get_if<core::Tell>(&effect)) {
      auto letter =
          std::find_if(letters.begin(), letters.end(), [&](const auto& l) { return l.first == tell->session; });
      if (letter == letters.end()) letter = letters.insert(letters.end(), {tell->session, {}});
      letter->second.push_back(std::move(tell->answer));
    } else if (auto* page = std::get_if<core::LoadMessages>(&effect)) {
      read(shard, *page);
    } else if (auto* one = std::get_if<core::LoadOne>(&effect)) {
      read(shard, *one);
    } else if (auto* time = std::get_if<core::FindTime>(&effect)) {
      read(shard, *time);
    } else if (auto* waiting = std::get_if<core::LoadWaiting>(&effect)) {
      read(shard, *waiting);
    } else if (auto* reserve = std::get_if<core::ReserveInstance>(&effect)) {
      with_registry([&](InstanceRegistry& instances, auto& events) { instances.reserve(*reserve, shard, events); });
    } else if (auto* release = std::get_if<core::ReleaseInstance>(&effect)) {
      with_registry([&](InstanceRegistry& instances, auto& events) { instances.release(*release, events); });
    } else if (auto* assign = std::get_if<core::AssignQueue>(&effect)) {
      // Its shard first: whoever finds the name may have something for it on the way through another shard.
      const bool is_there = (assign->created && assign->queue->kind != model::Kind::feeder) ||
                            directory.find(assign->queue->subscription) != nullptr;
      post(assign->queue->shard, core::QueueAssigned{assign->queue, assign->created, assign->ends});
      if (is_there) directory.put(assign->queue);
    } else if (auto* forget = std::get_if<core::ForgetQueue>(&effect)) {
      directory.erase(forget->subscription);
      post(model::ShardId(0), core::QueueRemoved{forget->name, forget->subscription});
    } else if (auto* outbox = std::get_if<core::LoadOutbox>(&effect)) {
      read(shard, *outbox);
    } else if (auto* closed = std::get_if<core::LoadClosed>(&effect)) {
      read(shard, *closed);
    } else if (auto* count = std::get_if<core::CountHospital>(&effect)) {
      read(shard, *count);
    } else if (auto* hand_over = std::get_if<core::HandOver>(&effect)) {
      post(hand_over->entry->to, core::HandedOver{shard, hand_over->entry});
    } else if (auto* taken = std::get_if<core::ConfirmHandOver>(&effect)) {
      post(taken->to, core::HandOverTaken{shard, taken->taken, taken->lost});
    } else if (auto* feed = std::get_if<core::Feed>(&effect)) {
      const model::ShardId to = feed->letter->to;
      post(to, core::Fed{std::move(feed->letter)});
    } else if (auto* confirm = std::get_if<core::ConfirmFeed>(&effect)) {
      post(confirm->to, core::FeedTaken{confirm->feeder, confirm->end});
    } else if (auto* breaker = std::get_if<core::BreakerChanged>(&effect)) {
      const bool opens = breaker->before == model::BreakerState::closed;
      const bool closes = breaker->breaker.state == model::BreakerState::closed;
      if (opens != closes) breakers_open.fetch_add(opens ? 1 : -1);
      if (config.on_breaker) config.on_breaker(*breaker);
    } else if (auto* hospital = std::get_if<core::HospitalLevelChanged>(&effect)) {
      const bool fills = hospital->level == model::HospitalLevel::full;
      const bool was_full = hospital->before == model::HospitalLevel::full;
      if (fills != was_full) hospitals_full.fetch_add(fills ? 1 : -1);
      if (config.on_hospital_level) config.on_hospital_level(*hospital);
    }
  }
  // Confirms of publishes first: what a delivery sets off in a consumer would take the processor from them.
  const auto confirms = [](const auto& letter) {
    return std::ranges::any_of(
        letter.second, [](const model::Answer& answer) { return std::holds_alternative<model::Published>(answer); });
  };
  if (letters.size() > 1) std::stable_partition(letters.begin(), letters.end(), confirms);
  for (auto& [session, answers] : letters) {
    if (const auto outbox = sessions.find(session)) outbox->tell(std::move(answers));
  }
}

void Engine::Impl::bytes_done(std::size_t bytes) {
  const std::size_t left = ingest_bytes.fetch_sub(bytes, std::memory_order_relaxed) - bytes;
  if (left > model::limits::kIngestBytes / 2 || !readers_paused.exchange(false)) return;
  for (const auto& outbox : sessions.take_paused()) outbox->resume_reading();
}

// --- The attendant --------------------------------------------------------------------------------------------------

void Engine::Impl::attend() {
  with_registry([&](InstanceRegistry& instances, auto& events) { instances.tick(clock.now(), events); });
  // A pause may have been noted just after the last bytes were done with.
  bytes_done(0);
  const model::StoreUsage usage = store.usage();
  watch_disk(usage);
  watch_memtables(usage);
}

void Engine::Impl::watch_disk(const model::StoreUsage& usage) {
  const auto percent =
      static_cast<std::uint64_t>(static_cast<double>(usage.disk_total_bytes) * config.disk_reserve_percent / 100);
  const std::uint64_t reserve = std::max(config.disk_reserve_bytes, percent);
  disk_reserve = reserve;
  disk_free = usage.disk_free_bytes;
  const bool refuse = usage.disk_free_bytes < reserve;
  if (refusing.exchange(refuse) == refuse) return;
  for (const auto& runner : runners) {
    runner->post(core::DiskPressure{refuse, usage.disk_free_bytes, reserve});
  }
}

void Engine::Impl::watch_memtables(const model::StoreUsage& usage) {
  const bool full = usage.memtable_bytes >= config.memtable_bytes / 8 * 5;
  // What was trimmed is still in files until the trims are in one as well.
  const bool reclaim = usage.trimmed_unflushed >= kReclaimMessages && usage.data_bytes >= config.memtable_bytes &&
                       clock.now() - last_flush >= kReclaimEvery;
  if (!full && !reclaim) return;
  last_flush = clock.now();
  std::uint32_t none = 0;
  if (!trims_expected.compare_exchange_strong(none, static_cast<std::uint32_t>(runners.size()))) return;
  for (const auto& runner : runners) runner->post(core::TrimNow{});
}

}  // namespace lazaret::engine
