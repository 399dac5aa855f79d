// World: a broker without sockets, threads or a clock. Shards of the real core in the engine's own pipelines, and its
// instance registry, on a MemoryStore, driven in virtual time.
//
// Threading: none; one thread uses it. The same calls (and the same seed) give the same run.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/random.h"
#include "core/shard.h"
#include "engine/instance_registry.h"
#include "engine/shard_pipeline.h"
#include "simulation/memory_store.h"
#include "simulation/saboteur.h"
#include "simulation/watcher.h"

namespace lazaret::simulation {

using namespace std::chrono_literals;

struct WorldOptions {
  std::uint16_t shards = 1;
  base::Duration ack_sync_max = 5ms;
  base::Duration relaxed_sync_max = 200ms;
  base::Duration confirm_hold_max = 50ms;
  std::size_t hold_above_messages = model::limits::kTailMessages / 2;
  base::Duration reconnect_grace = 5s;
  base::Duration resume_grace = 5s;
  /// How long a sync and a page take. With `random_order` each takes up to that long, and shards, messages and syncs
  /// come in a random order.
  base::Duration sync_time{};
  base::Duration page_time{};
  /// How long a page (of more than one message) is under way after it was read: what it says may be old when it comes.
  base::Duration page_age{};
  bool random_order = false;
  /// How long entries of the audit trail are kept; 0: for ever.
  base::Duration audit_retain_for{};
  std::uint64_t seed = 1;
  /// A bug that is planted, to see whether it is found.
  Bug bug = Bug::none;
};

class World {
 public:
  using Tell = std::function<void(model::Answer&&)>;

  explicit World(WorldOptions options = {});
  ~World();

  // --- Time
  base::Instant now() const { return now_; }
  /// "2.500": seconds since the world began.
  std::string clock() const;
  /// Everything that happens at this instant, then on to the next, for so long.
  void run_for(base::Duration duration);
  /// Until nothing more happens at this instant.
  void settle() { run_for(base::Duration(0)); }

  // --- The broker's life
  bool running() const { return !seats_.empty(); }
  /// kill -9, with power loss: unsynced commits beyond the first `keep_unsynced` are gone, and all sessions.
  void kill_broker(std::size_t keep_unsynced = 0);
  void start_broker();
  /// SIGTERM, as far as the core takes part: drain, commit, stop.
  void stop_broker();
  /// Whether the broker still waits for instances after a start.
  bool resuming() const { return registry_->resuming(); }
  /// Confirms that were held for consumers, ever.
  std::uint64_t confirms_held() const;
  /// When a shard wants to be woken next.
  base::Instant next_alarm() const;
  /// To every shard.
  void post_all(const core::Event::What& what);

  // --- Sessions (what net does)
  model::SessionId open_session(Tell tell, const model::InstanceRecord& instance);
  void session_resumed(model::SessionId session);
  void session_quiet(model::SessionId session, bool quiet);
  void end_session(model::SessionId session, core::SessionEnded::How how);
  void submit(model::ShardId shard, core::Event::What command);

  // --- Short cuts for tests; each of these runs the world until it is answered
  model::QueueRecord create_queue(const std::string& name, model::QueueOptions options = {});
  model::QueueRecord create_topic(const std::string& name, model::Durability durability = model::Durability::fsync);
  model::QueueRecord create_topic(const std::string& name, model::QueueOptions options);
  model::QueueRecord subscribe(const std::string& name, const std::string& topic,
                               model::Start start = model::Start::latest, model::QueueOptions options = {});
  model::QueueRecord subscribe_at(const std::string& name, const std::string& topic, const model::StartPoint& start,
                                  model::QueueOptions options = {});
  /// Of several topics.
  model::QueueRecord subscribe_to_all(const std::string& name, std::vector<std::string> topics,
                                      model::Start start = model::Start::latest, model::QueueOptions options = {});
  const model::QueueRecord& queue(const std::string& name) const { return directory_.at(name); }
  bool has_queue(const std::string& name) const { return directory_.contains(name); }
  model::Published publish(const std::string& queue, std::vector<std::string> bodies,
                           std::optional<model::ProducerId> producer = std::nullopt, std::uint64_t first_sequence = 0);
  /// One message that is not delivered before `delay` is over, nor when it is `ttl` old, counted from then. 0: neither.
  /// Its offset.
  std::uint64_t publish_timed(const std::string& queue, base::Duration delay, base::Duration ttl = {});
  /// `count` messages with this priority; the offset of the first.
  struct AndAlso {
    std::string key = "";
    std::string type = "";
    std::string body = "body";
    base::Duration delay{};
    base::Duration ttl{};
  };
  std::uint64_t publish_prioritised(const std::string& queue, int priority, std::size_t count, AndAlso also);
  std::uint64_t publish_prioritised(const std::string& queue, int priority, std::size_t count = 1) {
    return publish_prioritised(queue, priority, count, AndAlso{});
  }
  /// With this ordering key.
  model::Published publish_keyed(const std::string& queue, const std::string& key, std::vector<std::string> bodies);
  /// One message to each of these: "body 0", "body 1" and so on.
  model::OutgoingRef outgoing(const std::vector<std::string>& queues, const std::string& body) const;
  /// A message, and others together with it.
  model::Published publish_with(const std::string& queue, const std::string& body, model::OutgoingRef outgoing,
                                const std::string& envelope = "");
  /// Of this type, e.g. "orders.created" or "orders.created@2", whose schema is "2".
  model::Published publish_typed(const std::string& queue, const std::string& type, std::vector<std::string> bodies) {
    return publish_keyed(queue, "|" + type, std::move(bodies));
  }
  /// `count` messages with short bodies.
  void publish(const std::string& queue, std::size_t count);
  model::QueueStats show(const std::string& queue);
  model::SeekDone seek(const std::string& subscription, const model::StartPoint& to);
  model::QueueRecord update(const std::string& queue, model::OptionsPatch options);
  model::Done purge(const std::string& queue, bool scheduled = false);
  model::Done cancel_scheduled(const std::string& queue, std::uint64_t offset);
  model::Done delete_queue(const std::string& queue, bool force = false);
  /// `attempts_read`: the length of the history as somebody read it before; by default as it is now.
  /// As a job does it.
  model::CaseDone replay_by_job(const model::CaseId& id, std::uint64_t job, bool single_attempt);
  model::CaseDone recall(const model::CaseId& id, std::uint64_t job = 0);
  model::CaseDone replay(const model::CaseId& id, std::optional<std::uint32_t> attempts_read = std::nullopt,
                         bool force = false);
  model::CaseDone discard(const model::CaseId& id, const std::string& reason = "");
  /// A new body, by who has seen this version; by default the one that it is at.
  model::CaseDone edit(const model::CaseId& id, const std::string& body,
                       std::optional<std::uint32_t> seen = std::nullopt);
  model::CaseDone restore(const model::CaseId& id);
  /// To another queue or topic, by who has seen this version.
  model::CaseDone redirect(const model::CaseId& id, const std::string& to,
                           std::optional<std::uint32_t> seen = std::nullopt);
  /// The same as a replay job asks for it, which has read so many attempts.
  model::CaseDone redirect_by_job(const model::CaseId& id, const std::string& to, std::uint64_t job,
                                  std::optional<std::uint32_t> attempts_read = std::nullopt);
  /// A case of another broker, `what`, comes here, as whoever has looked whether it is there already brings it;
  /// `looks`: or has looked long ago.
  model::CaseDone import_case(const std::string& queue, model::ImportedCaseRef what, bool looks = true);
  /// Of the case with this number there, with this body, which has failed `failures` times.
  model::ImportedCaseRef exported(std::uint64_t number, const std::string& body, std::uint32_t failures = 1,
                                  const std::string& envelope = "") const;
  /// The message of a case as it is at this version; null: it is not there.
  model::MessageRef version(const model::CaseId& id, std::uint32_t version);
  /// Until a time, or (0) until it is lifted.
  model::QuarantineAnswer add_quarantine(const std::string& queue, const std::string& filter,
                                         const std::string& reason = "", base::Instant until = {});
  model::QuarantineAnswer lift_quarantine(const std::string& queue, std::uint64_t number);
  std::vector<model::QuarantineRecord> quarantines(const std::string& queue);
  /// Sends a command with an origin of the world's own desk and waits for the answer.
  template <class Answer, class Command>
  Answer ask(model::ShardId shard, Command command) {
    command.origin = {desk_, ++last_request_};
    const std::uint64_t request = last_request_;
    submit(shard, std::move(command));
    settle();
    for (int patience = 0; !answers_.contains(request) && patience < 1000; ++patience) run_for(10ms);
    auto answer = answers_.extract(request);
    return std::get<Answer>(std::move(answer.mapped()));
  }

  /// Cases of a queue in this state, oldest first.
  std::vector<model::CaseRecord> cases(const std::string& queue, model::CaseState state);
  MemoryStore& store() { return store_; }
  const MemoryStore& store() const { return store_; }

  /// It must outlive the world.
  void watch(Watcher& watcher) { watchers_.push_back(&watcher); }

  // --- The trace
  void note(const std::string& who, const std::string& what);
  /// What was noted since the last call: "2.500 anna gets 0".
  std::vector<std::string> trace() { return std::exchange(trace_, {}); }

 private:
  /// What is asked to send a case elsewhere, by who has seen this version.
  model::RedirectCaseCommand redirection(const model::CaseId& id, const std::string& to,
                                         std::optional<std::uint32_t> seen);
  /// What ShardRunner is in the daemon.
  struct Seat {
    explicit Seat(engine::ShardPipeline pipeline_) : pipeline(std::move(pipeline_)) {}
    engine::ShardPipeline pipeline;
    std::deque<core::Event::What> mailbox;
  };
  struct Commit {
    base::Instant at;
    std::vector<std::pair<std::size_t, model::GroupNumber>> groups;
  };
  struct Page {
    base::Instant at;
    std::size_t shard;
    std::variant<core::Effect, core::Event::What> what;  // to be read, or read
  };

  bool work();
  bool work_on(std::size_t index);
  void step(std::size_t index, core::Event::What what);
  void flush_effects(std::size_t index);
  void report_loads(std::size_t index);
  void perform(std::size_t index, core::Effect& effect);
  bool seal_if_due(std::size_t index);
  bool begin_commit();
  bool end_commit();
  void confirm(const std::vector<std::pair<std::size_t, model::GroupNumber>>& groups);
  bool read_pages();
  core::Event::What read(std::size_t shard, const core::Effect& load);
  base::Instant next_moment() const;
  base::Duration some(base::Duration most);
  /// Steps the registry and posts what it says.
  void with_registry(const std::function<void(engine::InstanceRegistry&, engine::InstanceRegistry::Events&)>& step);

  WorldOptions options_;
  base::Random random_;
  MemoryStore store_;
  base::Instant start_{1'700'000'000'000'000};
  base::Instant now_ = start_;

  std::vector<std::unique_ptr<Seat>> seats_;
  std::uint64_t confirms_held_before_ = 0;  // by those that were killed
  std::unique_ptr<engine::InstanceRegistry> registry_;
  std::vector<engine::ShardPipeline::Sealed> submitted_;
  std::optional<Commit> commit_;
  std::optional<base::Instant> unsynced_since_;  // the first write that no sync has followed yet
  std::vector<Page> pages_;

  std::map<model::SessionId, Tell> sessions_;
  std::uint64_t last_session_ = 0;
  model::SessionId desk_;
  std::uint64_t last_request_ = 0;
  std::map<std::uint64_t, model::Answer> answers_;
  std::map<std::string, model::QueueRecord> directory_;
  std::vector<std::string> trace_;
  model::QueueRecord create(model::CreateQueue command);
  model::Published publish(const std::string& queue, const std::string& key, std::vector<std::string> bodies,
                           std::optional<model::ProducerId> producer, std::uint64_t first_sequence);

  std::vector<Watcher*> watchers_;
  Saboteur saboteur_;
};

}  // namespace lazaret::simulation
