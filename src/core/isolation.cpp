// Suspects go out alone: to an instance that has nothing else begun, and begins nothing else until it is settled.
//
//   none ──suspect ready──▶ asked ──IsolationReady──▶ ready ──no suspect left──▶ none
//            (ReserveInstance)  └──ReservationRefused──▶ none        (ReleaseInstance)
#include <algorithm>
#include <utility>

#include "core/shard_state.h"

namespace lazaret::core {

using Phase = Isolation::Phase;

/// One step of the drawing above, as far as it can go now.
void Shard::State::isolate(Subscription& sub) {
  Isolation& isolation = sub.isolation;
  if (isolation.phase != Phase::none && consumer_on(sub, isolation.instance) == nullptr && !isolation.out) {
    end_isolation(sub);  // it went, or takes nothing any more
  }
  const auto suspect = first_in_line(sub, sub.suspects);
  if (suspect == std::as_const(sub.suspects).end()) {
    if (isolation.phase != Phase::none && !isolation.out) end_isolation(sub);
    return;
  }
  if (isolation.phase == Phase::none) {
    if (resuming) return;  // one that is being tried may still come back with its instance
    const Consumer* best = whom_to_isolate(sub);
    if (best == nullptr) return;
    isolation.phase = Phase::asked;
    isolation.instance = best->key.instance;
    out->effects.emplace_back(ReserveInstance{isolation.instance, sub.queue->subscription});
    return;
  }
  if (isolation.phase != Phase::ready || isolation.out || is_full(sub)) return;
  Entry& entry = sub.entries.at(*suspect);
  if (!sub.requests.empty() && is_overdue(sub, entry.position)) {
    take_back(sub, entry);
    return drop_overdue(sub, entry);
  }
  if (entry.message == nullptr) return load_one(sub, entry);
  if (!entry.replays && is_past(sub, *entry.message)) return drop_expired(sub, entry);
  if (is_quarantined(sub, entry)) return quarantine(sub, entry);
  const MessageType kind = sub.choosy ? type_of(entry) : MessageType();
  Consumer* consumer = consumer_on(sub, isolation.instance, sub.choosy ? &kind : nullptr);
  if (consumer == nullptr) {  // another suspect has become the first, and nobody there accepts it
    pumped_later.insert(sub.queue->subscription);
    return end_isolation(sub);
  }
  if (!may_take(*consumer, entry.message->size())) return;
  entry.isolated = true;
  isolation.out = entry.position;
  grant(sub, entry, *consumer, entry.message);
}

/// The consumer with the fewest out that may get the first suspect; nullptr: nobody may, or that is being read.
const Consumer* Shard::State::whom_to_isolate(Subscription& sub) {
  const Entry* suspect = sub.choosy ? next_suspect(sub) : nullptr;
  if (sub.choosy && suspect == nullptr) return nullptr;
  const MessageType kind = sub.choosy ? type_of(*suspect) : MessageType();
  const Consumer* best = nullptr;
  for (const Consumer* consumer : sub.consumers) {
    if (is_standby(sub, *consumer)) break;
    if (!consumer->session || consumer->ended || consumer->credit_messages == 0) continue;
    const InstanceView& instance = instances.at(consumer->key.instance);
    if (instance.away || instance.reserved || instance.refused) continue;
    if (sub.choosy && !accepts(*consumer, kind)) continue;
    if (best == nullptr || consumer->out.size() < best->out.size()) best = consumer;
  }
  return best;
}

/// A suspect that was tried alone when the broker stopped, and goes on: its instance gets nothing else meanwhile.
void Shard::State::isolate_claimed(Subscription& sub, const Entry& entry) {
  if (sub.isolation.phase != Phase::none) return;
  sub.isolation = {Phase::asked, entry.holder.instance, entry.position};
  instances.at(entry.holder.instance).held_back = true;
  out->effects.emplace_back(ReserveInstance{entry.holder.instance, sub.queue->subscription});
}

/// A consumer of this subscription on that instance to which a suspect (of that type, if it is said) may go when it has
/// nothing else.
Consumer* Shard::State::consumer_on(Subscription& sub, const model::InstanceId& instance, const MessageType* kind) {
  for (Consumer* consumer : sub.consumers) {
    bool takes = consumer->session && !consumer->ended && consumer->credit_messages > 0;
    takes = takes && (kind == nullptr || accepts(*consumer, *kind));
    if (takes && consumer->key.instance == instance) return consumer;
  }
  return nullptr;
}

/// The isolated delivery ended, however it did; the next suspect may go, or the instance is given back.
void Shard::State::isolation_settled(Subscription& sub, const Entry& entry) {
  if (sub.isolation.out != entry.position) return;
  sub.isolation.out.reset();
  // What goes to that instance next goes when the end of the suspect is on the disk.
  out->urgent = out->sync = true;
  pumped_later.insert(sub.queue->subscription);
}

void Shard::State::end_isolation(Subscription& sub) {
  if (sub.isolation.phase == Phase::none) return;
  out->effects.emplace_back(ReleaseInstance{sub.isolation.instance, sub.queue->subscription});
  sub.isolation = {};
}

void Shard::State::on(InstanceReserved& event) {
  // Also of an instance that has nothing here yet: what it opens meanwhile gets nothing.
  InstanceView& instance = instances[event.instance];
  instance.reserved = true;
  instance.held_back = false;
  for (const std::uint64_t number : instance.consumers) {
    const Consumer* consumer = find(model::ConsumerKey{event.instance, number});
    if (consumer == nullptr || !consumer->session || consumer->out.empty()) continue;
    tell(consumer->session, model::Recall{consumer->key});
  }
}

void Shard::State::on(IsolationReady& event) {
  Subscription* sub = find(event.subscription);
  const bool ours = sub != nullptr && sub->isolation.phase == Phase::asked && sub->isolation.instance == event.instance;
  if (!ours) {
    out->effects.emplace_back(ReleaseInstance{event.instance, event.subscription});
    return;
  }
  sub->isolation.phase = Phase::ready;
  pumped_later.insert(event.subscription);
}

void Shard::State::on(ReservationRefused& event) {
  if (const auto it = instances.find(event.instance); it != instances.end()) {
    it->second.refused = true;
    it->second.held_back = false;
    for (const std::uint64_t number : it->second.consumers) {
      const Consumer* consumer = find(model::ConsumerKey{event.instance, number});
      if (consumer != nullptr) pumped_later.insert(consumer->subscription);
    }
  }
  Subscription* sub = find(event.subscription);
  if (sub == nullptr || sub->isolation.instance != event.instance) return;
  sub->isolation = {};
  pumped_later.insert(event.subscription);
}

void Shard::State::on(InstanceFree& event) {
  if (const auto it = instances.find(event.instance); it != instances.end()) {
    it->second.reserved = false;
    it->second.refused = false;
    if (!it->second.recorded && it->second.consumers.empty()) instances.erase(it);
  }
  for (auto& [id, sub] : subscriptions) {
    if (sub.isolation.phase != Phase::none && sub.isolation.instance == event.instance) sub.isolation = {};
    if (!sub.suspects.empty() || !sub.consumers.empty()) pumped_later.insert(id);
  }
}

}  // namespace lazaret::core
