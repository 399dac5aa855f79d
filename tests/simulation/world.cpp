// The broker's life, time, and the short cuts. How a shard is driven: world_seat.cpp.
#include "simulation/world.h"

#include <algorithm>
#include <cstdio>

#include "base/assert.h"
#include "simulation/envelope_text.h"
#include "simulation/reply_text.h"

namespace lazaret::simulation {

World::World(WorldOptions options)
    : options_(options), random_(options.seed), store_(options.shards), saboteur_(options.bug) {
  start_broker();
}
World::~World() = default;

// --- The broker's life ----------------------------------------------------------------------------------------------

void World::start_broker() {
  LZ_ASSERT(seats_.empty());
  std::vector<model::RecoveredShard> recovered = store_.recover().value();
  registry_ = std::make_unique<engine::InstanceRegistry>(
      options_.shards, engine::InstanceRegistry::Graces{options_.reconnect_grace, options_.resume_grace});
  std::vector<model::InstanceRecord> instances;
  std::vector<model::QueueRef> catalog;
  std::vector<model::MutationGroup> epochs;
  for (std::size_t i = 0; i < recovered.size(); ++i) {
    instances.insert(instances.end(), recovered[i].instances.begin(), recovered[i].instances.end());
    for (const auto& queue : recovered[i].queues) catalog.push_back(queue.queue);
    ++recovered[i].meta.epoch;
    ++recovered[i].meta.applied_index;
    epochs.push_back({model::ShardId(static_cast<std::uint16_t>(i)), {model::PutShardMeta{recovered[i].meta}}});
  }
  LZ_ASSERT(store_.commit(epochs, true).ok());
  registry_->await(instances, now_);
  directory_.clear();
  for (const model::QueueRef& queue : catalog) {
    if (queue->kind != model::Kind::feeder) directory_[queue->name] = *queue;
  }
  for (std::size_t i = 0; i < recovered.size(); ++i) {
    core::ShardConfig config;
    config.shard = model::ShardId(static_cast<std::uint16_t>(i));
    config.shards = options_.shards;
    config.epoch = recovered[i].meta.epoch;
    config.seed = options_.seed + i;
    config.key_of = [](const model::Message& message) {
      return model::hash_of_key(envelope_text(message.envelope.view()).key);
    };
    config.read_facts = [](const model::Message& message, model::MessageFacts& facts) {
      const EnvelopeText text = envelope_text(message.envelope.view());
      facts.key = text.key;
      facts.type = text.type;
      facts.schema_id = text.schema_id;
      facts.id = text.id;
    };
    config.reply_envelope = reply_text;
    config.awaiting_instances = !instances.empty();
    config.confirm_hold_max = options_.confirm_hold_max;
    config.hold_above_messages = options_.hold_above_messages;
    config.audit_retain_for = options_.audit_retain_for;
    if (i == 0) config.catalog = catalog;
    const model::ShardMeta meta = recovered[i].meta;
    core::Shard core(config, std::move(recovered[i]), now_);
    seats_.push_back(
        std::make_unique<Seat>(engine::ShardPipeline(config.shard, std::move(core), meta, options_.ack_sync_max)));
    seats_.back()->mailbox.push_back(core::WakeUp{});
  }
  desk_ = model::SessionId(++last_session_);
  sessions_[desk_] = [this](model::Answer&& answer) {
    std::visit(
        [&](auto& one) {
          if constexpr (requires { one.request; }) answers_[one.request] = std::move(one);
        },
        answer);
  };
}

std::uint64_t World::confirms_held() const {
  std::uint64_t held = confirms_held_before_;
  for (const auto& seat : seats_) held += seat->pipeline.confirms_held();
  return held;
}

void World::kill_broker(std::size_t keep_unsynced) {
  confirms_held_before_ = confirms_held();
  seats_.clear();
  sessions_.clear();
  submitted_.clear();
  commit_.reset();
  unsynced_since_.reset();
  pages_.clear();
  saboteur_.crashed();
  store_.crash(keep_unsynced);
  for (Watcher* watcher : watchers_) watcher->crashed();
}

void World::stop_broker() {
  post_all(core::Drain{});
  run_for(1s);
  LZ_ASSERT(store_.commit({}, true).ok());
  kill_broker();
}

void World::post_all(const core::Event::What& what) {
  for (const auto& seat : seats_) seat->mailbox.push_back(what);
}

// --- Time -----------------------------------------------------------------------------------------------------------

std::string World::clock() const {
  const std::int64_t ms = (now_ - start_).count() / 1000;
  char text[32];
  std::snprintf(text, sizeof text, "%lld.%03lld", static_cast<long long>(ms / 1000), static_cast<long long>(ms % 1000));
  return text;
}

void World::run_for(base::Duration duration) {
  const base::Instant end = now_ + duration;
  for (;;) {
    for (int patience = 0; running() && work(); ++patience) LZ_ASSERT(patience < 1'000'000);
    const base::Instant next = running() ? next_moment() : base::Instant::never();
    if (next > end) break;
    now_ = std::max(now_, next);
  }
  now_ = end;
}

base::Instant World::next_alarm() const {
  base::Instant next = base::Instant::never();
  for (const auto& seat : seats_) next = std::min(next, seat->pipeline.next_wakeup());
  return next;
}

base::Duration World::some(base::Duration most) {
  if (!options_.random_order) return most;
  return base::Duration(static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(most.count()) + 1)));
}

base::Instant World::next_moment() const {
  base::Instant next = registry_->next_deadline();
  for (const auto& seat : seats_) next = std::min(next, seat->pipeline.next_deadline());
  if (commit_) next = std::min(next, commit_->at);
  if (unsynced_since_ && !commit_) next = std::min(next, *unsynced_since_ + options_.relaxed_sync_max);
  for (const Page& page : pages_) next = std::min(next, page.at);
  return next;
}

// --- Sessions -------------------------------------------------------------------------------------------------------

void World::with_registry(
    const std::function<void(engine::InstanceRegistry&, engine::InstanceRegistry::Events&)>& step) {
  engine::InstanceRegistry::Events events;
  step(*registry_, events);
  for (engine::ShardEvent& event : events) {
    if (event.shard) {
      seats_[event.shard->value]->mailbox.push_back(std::move(event.what));
    } else {
      post_all(event.what);
    }
  }
}

model::SessionId World::open_session(Tell tell, const model::InstanceRecord& instance) {
  const model::SessionId session(++last_session_);
  sessions_[session] = std::move(tell);
  registry_->session_opened(session, instance, now_);
  return session;
}

void World::session_resumed(model::SessionId session) {
  with_registry([&](auto& registry, auto& events) { registry.session_resumed(session, events); });
}

void World::session_quiet(model::SessionId session, bool quiet) {
  with_registry([&](auto& registry, auto& events) { registry.session_quiet(session, quiet, events); });
}

void World::end_session(model::SessionId session, core::SessionEnded::How how) {
  with_registry([&](auto& registry, auto& events) { registry.session_ended(session, how, now_, events); });
  sessions_.erase(session);
}

void World::submit(model::ShardId shard, core::Event::What command) {
  if (running()) seats_.at(shard.value)->mailbox.push_back(std::move(command));
}

// --- Short cuts -----------------------------------------------------------------------------------------------------

model::QueueRecord World::create(model::CreateQueue command) {
  const auto answer = ask<model::QueueAnswer>(model::ShardId(0), std::move(command));
  LZ_ASSERT(answer.status.ok());
  settle();
  return *answer.queue;
}

model::QueueRecord World::create_queue(const std::string& name, model::QueueOptions options) {
  model::CreateQueue command;
  command.name = name;
  command.options = options;
  return create(std::move(command));
}

model::QueueRecord World::create_topic(const std::string& name, model::Durability durability) {
  model::QueueOptions options;
  options.durability = durability;
  return create_topic(name, options);
}

model::QueueRecord World::create_topic(const std::string& name, model::QueueOptions options) {
  model::CreateQueue command;
  command.name = name;
  command.kind = model::Kind::topic;
  command.options = options;
  return create(std::move(command));
}

model::QueueRecord World::subscribe(const std::string& name, const std::string& topic, model::Start start,
                                    model::QueueOptions options) {
  return subscribe_at(name, topic, {start, {}, {}}, options);
}

model::QueueRecord World::subscribe_at(const std::string& name, const std::string& topic,
                                       const model::StartPoint& start, model::QueueOptions options) {
  model::CreateQueue command;
  command.name = name;
  command.kind = model::Kind::subscription;
  command.topic = topic;
  command.start = start;
  command.options = options;
  return create(std::move(command));
}

model::QueueRecord World::subscribe_to_all(const std::string& name, std::vector<std::string> topics, model::Start start,
                                           model::QueueOptions options) {
  model::CreateQueue command;
  command.name = name;
  command.kind = model::Kind::subscription;
  command.topics = std::move(topics);
  command.start.kind = start;
  command.options = options;
  return create(std::move(command));
}

model::Published World::publish(const std::string& name, std::vector<std::string> bodies,
                                std::optional<model::ProducerId> producer, std::uint64_t first_sequence) {
  return publish(name, "", std::move(bodies), producer, first_sequence);
}

model::Published World::publish_keyed(const std::string& name, const std::string& key,
                                      std::vector<std::string> bodies) {
  return publish(name, key, std::move(bodies), std::nullopt, 0);
}

model::Published World::publish(const std::string& name, const std::string& key, std::vector<std::string> bodies,
                                std::optional<model::ProducerId> producer, std::uint64_t first_sequence) {
  model::Publish publish;
  publish.log = queue(name).log;
  publish.producer = producer;
  for (std::string& body : bodies) {
    auto message = std::make_shared<model::Message>();
    for (const char c : body) message->body_crc = message->body_crc * 31 + static_cast<unsigned char>(c);
    message->envelope = base::SharedBytes::of(key);
    message->body = base::SharedBytes::of(std::move(body));
    publish.items.push_back({producer ? first_sequence++ : 0, std::move(message)});
  }
  return ask<model::Published>(queue(name).shard, std::move(publish));
}

model::OutgoingRef World::outgoing(const std::vector<std::string>& queues, const std::string& body) const {
  auto outgoing = std::make_shared<model::Outgoing>();
  for (std::size_t i = 0; i < queues.size(); ++i) {
    if (!has_queue(queues[i])) {
      outgoing->problem = base::Code::NOT_FOUND;
      continue;
    }
    auto message = std::make_shared<model::Message>();
    message->body = base::SharedBytes::of(body + " " + std::to_string(i));
    outgoing->to.push_back({queue(queues[i]).shard, queue(queues[i]).log, {std::move(message)}});
  }
  return outgoing;
}

model::Published World::publish_with(const std::string& name, const std::string& body, model::OutgoingRef outgoing,
                                     const std::string& envelope) {
  auto message = std::make_shared<model::Message>();
  message->body = base::SharedBytes::of(body);
  if (!envelope.empty()) message->envelope = base::SharedBytes::of(envelope);
  model::Publish publish;
  publish.log = queue(name).log;
  publish.items.push_back({0, std::move(message)});
  publish.outgoing = std::move(outgoing);
  return ask<model::Published>(queue(name).shard, std::move(publish));
}

void World::publish(const std::string& name, std::size_t count) {
  const model::Published answer = publish(name, std::vector<std::string>(count, "body"));
  LZ_ASSERT(answer.status.ok());
}

model::QueueStats World::show(const std::string& name) {
  model::ShowQueue show;
  show.subscription = queue(name).subscription;
  return ask<model::QueueStats>(queue(name).shard, show);
}

std::uint64_t World::publish_timed(const std::string& name, base::Duration delay, base::Duration ttl) {
  auto message = std::make_shared<model::Message>();
  message->body = base::SharedBytes::of("body");
  if (delay.count() > 0) message->due = now_ + delay;
  if (ttl.count() > 0) message->expires_at = now_ + delay + ttl;
  model::Publish publish;
  publish.log = queue(name).log;
  publish.items.push_back({0, std::move(message)});
  const auto answer = ask<model::Published>(queue(name).shard, std::move(publish));
  LZ_ASSERT(answer.status.ok());
  return answer.results.front().offset.value;
}

std::uint64_t World::publish_prioritised(const std::string& name, int priority, std::size_t count, AndAlso also) {
  model::Publish publish;
  publish.log = queue(name).log;
  for (std::size_t i = 0; i < count; ++i) {
    auto message = std::make_shared<model::Message>();
    message->envelope = base::SharedBytes::of(also.key + "|" + also.type);
    message->body = base::SharedBytes::of(also.body);
    message->priority = static_cast<std::uint8_t>(priority);
    if (also.delay.count() > 0) message->due = now_ + also.delay;
    if (also.ttl.count() > 0) message->expires_at = now_ + also.delay + also.ttl;
    publish.items.push_back({0, std::move(message)});
  }
  const auto answer = ask<model::Published>(queue(name).shard, std::move(publish));
  LZ_ASSERT(answer.status.ok());
  return answer.results.front().offset.value;
}

model::Done World::purge(const std::string& name, bool scheduled) {
  model::PurgeQueue purge;
  purge.subscription = queue(name).subscription;
  purge.scheduled = scheduled;
  return ask<model::Done>(queue(name).shard, purge);
}

model::Done World::cancel_scheduled(const std::string& name, std::uint64_t offset) {
  model::CancelScheduled cancel;
  cancel.subscription = queue(name).subscription;
  cancel.offset = model::Offset(offset);
  return ask<model::Done>(queue(name).shard, cancel);
}

model::SeekDone World::seek(const std::string& name, const model::StartPoint& to) {
  model::SeekSubscription seek;
  seek.subscription = queue(name).subscription;
  seek.to = to;
  return ask<model::SeekDone>(queue(name).shard, seek);
}

model::QueueRecord World::update(const std::string& name, model::OptionsPatch options) {
  const auto answer = ask<model::QueueAnswer>(model::ShardId(0), model::UpdateQueue{{}, name, std::move(options)});
  LZ_ASSERT(answer.status.ok());
  return *answer.queue;
}

model::Done World::delete_queue(const std::string& name, bool force) {
  model::DeleteQueue erase;
  erase.subscription = queue(name).subscription;
  erase.force = force;
  return ask<model::Done>(queue(name).shard, erase);
}

model::CaseDone World::replay_by_job(const model::CaseId& id, std::uint64_t job, bool single_attempt) {
  model::ReplayCaseCommand replay;
  replay.id = id;
  replay.job = model::ReplayJobId(job);
  replay.single_attempt = single_attempt;
  const auto record = store_.read_case(id);
  replay.attempts = record.value().attempt_count;
  replay.priority = record->summary.priority;
  return ask<model::CaseDone>(id.shard, replay);
}

model::CaseDone World::recall(const model::CaseId& id, std::uint64_t job) {
  return ask<model::CaseDone>(id.shard, model::RecallCaseCommand{{}, id, model::ReplayJobId(job)});
}

model::CaseDone World::replay(const model::CaseId& id, std::optional<std::uint32_t> attempts_read, bool force) {
  model::ReplayCaseCommand replay;
  replay.force = force;
  replay.id = id;
  replay.by = "the operator";
  const auto record = store_.read_case(id);
  replay.attempts = attempts_read ? *attempts_read : record.value().attempt_count;
  if (record.ok()) replay.priority = record->summary.priority;
  return ask<model::CaseDone>(id.shard, replay);
}

model::CaseDone World::discard(const model::CaseId& id, const std::string& reason) {
  model::DiscardCaseCommand discard;
  discard.id = id;
  discard.reason = reason;
  discard.by = "the operator";
  return ask<model::CaseDone>(id.shard, discard);
}

model::QuarantineAnswer World::add_quarantine(const std::string& name, const std::string& filter,
                                              const std::string& reason, base::Instant until) {
  return ask<model::QuarantineAnswer>(queue(name).shard,
                                      model::AddQuarantine{{}, queue(name).subscription, filter, reason, until});
}

model::QuarantineAnswer World::lift_quarantine(const std::string& name, std::uint64_t number) {
  return ask<model::QuarantineAnswer>(queue(name).shard, model::LiftQuarantine{{}, queue(name).subscription, number});
}

std::vector<model::QuarantineRecord> World::quarantines(const std::string& name) {
  const model::ListQuarantines list{{}, queue(name).subscription, {}, 1000};
  return ask<model::QuarantineAnswer>(queue(name).shard, list).rules;
}

std::vector<model::CaseRecord> World::cases(const std::string& name, model::CaseState state) {
  model::CaseQuery filter;
  filter.subscription = queue(name).subscription;
  model::with_state(filter, state);
  auto cases = store_.list_cases(filter, "", 100'000).value().cases;
  std::sort(cases.begin(), cases.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return cases;
}

void World::note(const std::string& who, const std::string& what) {
  trace_.push_back(clock() + " " + who + " " + what);
}

}  // namespace lazaret::simulation
