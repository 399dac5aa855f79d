#include "core/shard.h"

#include <algorithm>

#include "core/shard_state.h"

namespace lazaret::core {

Shard::Shard(ShardConfig config, model::RecoveredShard recovered, base::Instant now)
    : state_(std::make_unique<State>(std::move(config), std::move(recovered), now)) {}
Shard::~Shard() = default;
Shard::Shard(Shard&&) noexcept = default;

void Shard::step(Event event, Output& out) {
  state_->out = &out;
  state_->dispatch(event);
  state_->out = nullptr;
}

void Shard::seal(Output& out) {
  state_->out = &out;
  state_->seal();
  state_->out = nullptr;
}

bool Shard::has_unsealed() const { return !state_->dirty.empty() || !state_->dirty_logs.empty(); }
std::uint64_t Shard::next_id() const { return state_->next_id; }
std::uint64_t Shard::confirms_held() const { return state_->confirms_held; }

base::Instant Shard::next_wakeup() const {
  const auto first = [](const auto& alarms) { return alarms.empty() ? base::Instant::never() : alarms.begin()->first; };
  return std::min({first(state_->alarms), first(state_->log_alarms), first(state_->orphan_alarms),
                   state_->pending_requests.next_alarm(), state_->looks_at_confirms_at()});
}

void Shard::State::dispatch(Event& event) {
  now = event.now;
  group = event.group;
  std::visit([this](auto& what) { on(what); }, event.what);
  if (!noted.empty()) publish_notes();
  pump_all();
  if (requests_ended || !retained_later.empty()) {
    forget_too_many();
    retain_published();
    pump_all();
  }
  if (!held_confirms.empty()) release_confirms();
  flush_deliveries();
  for (const auto& [instance, change] : loads) {
    if (change.first != 0 || change.second != 0) {
      out->effects.emplace_back(InstanceLoad{instance, change.first, change.second});
    }
  }
  loads.clear();
  last_load = nullptr;
}

void Shard::State::pump_all() {
  while (!pumped_later.empty()) {
    const model::SubscriptionId id = *pumped_later.begin();
    pumped_later.erase(pumped_later.begin());
    if (Subscription* sub = find(id)) {
      pump(*sub);
      set_alarm(*sub);
    }
  }
}

// --- Small things ---------------------------------------------------------------------------------------------------

Subscription* Shard::State::find(model::SubscriptionId id) {
  const auto it = subscriptions.find(id);
  return it == subscriptions.end() ? nullptr : &it->second;
}

Topic* Shard::State::find_topic(model::SubscriptionId id) {
  const auto it = topics.find(id);
  return it == topics.end() ? nullptr : &it->second;
}

/// nullptr: it is a queue's.
Topic* Shard::State::topic_of(const Log& log) {
  const auto it = std::find_if(topics.begin(), topics.end(), [&](const auto& one) { return one.second.log == &log; });
  return it == topics.end() ? nullptr : &it->second;
}

Log* Shard::State::find(model::LogId id) {
  const auto it = logs.find(id);
  return it == logs.end() ? nullptr : &it->second;
}

Consumer* Shard::State::find(const model::ConsumerKey& key) {
  const auto it = consumers.find(key);
  return it == consumers.end() ? nullptr : &it->second;
}

InstanceView& Shard::State::view(const model::InstanceRecord& record) {
  InstanceView& view = instances[record.id];
  view.record = record;
  return view;
}

void Shard::State::tell(model::SessionId session, model::Answer answer) {
  out->effects.emplace_back(Tell{session, std::move(answer)});
}

void Shard::State::done(const model::Origin& origin, base::Status status, std::uint64_t count) {
  if (origin.request != 0) tell(origin.session, model::Done{origin.request, std::move(status), count});
}

/// The subscription changed: its record goes into this group, and there may be something to grant.
void Shard::State::touch(Subscription& sub) {
  if (!sub.dirty) {
    sub.dirty = true;
    dirty.insert(sub.queue->subscription);
  }
  pumped_later.insert(sub.queue->subscription);
}

/// Messages came to it, or its record changed: what belongs to it goes into this group.
void Shard::State::touch(Log& log) { dirty_logs.insert(log.state.log); }

void Shard::State::load_changed(const model::InstanceId& instance, std::int64_t begun, std::int64_t out_change) {
  if (last_load == nullptr || last_load->first != instance) last_load = &*loads.try_emplace(instance).first;
  last_load->second.first += begun;
  last_load->second.second += out_change;
}

/// For a client that never says started, everything it has may have begun.
bool Shard::State::counts_as_begun(const Entry& entry) const {
  return entry.begun || (entry.consumer != nullptr && !entry.consumer->speaks_started);
}

/// Later effects wait for this group, as durable as the queue says.
void Shard::State::hold_effects(const Subscription& sub) {
  out->urgent = true;
  out->sync = out->sync || !sub.is_relaxed();
}

void Shard::State::mutate(model::Mutation mutation, bool urgent) {
  out->mutations.push_back(std::move(mutation));
  out->urgent = out->urgent || urgent;
  out->sync = out->sync || urgent;
}

}  // namespace lazaret::core
