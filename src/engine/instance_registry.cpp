#include "engine/instance_registry.h"

#include <algorithm>

namespace lazaret::engine {

using core::SessionEnded;

void InstanceRegistry::await(const std::vector<model::InstanceRecord>& instances, base::Instant now) {
  for (const model::InstanceRecord& info : instances) {
    Instance& instance = instances_[info.id];
    instance.info = info;
    instance.away = true;
    instance.must_resume = true;
    awaited_.insert(info.id);
  }
  if (!awaited_.empty()) resume_until_ = now + graces_.resume;
}

void InstanceRegistry::session_opened(model::SessionId session, const model::InstanceRecord& info, base::Instant now,
                                      std::uint32_t connections) {
  Instance& instance = instances_[info.id];
  instance.info = info;
  instance.sessions.insert(session);
  sessions_[session] = info.id;
  // Somebody is there again: it gets the time of a reconnect to present its tokens.
  if (instance.away) {
    instance.must_resume = true;
    instance.connections = std::max(instance.connections, connections);
    give_up_at(instance, now + graces_.reconnect);
  }
}

void InstanceRegistry::session_resumed(model::SessionId session, Events& events) {
  Instance* instance = of_session(session);
  if (instance == nullptr) return;
  instance->resumed.insert(session);
  if (instance->must_resume && instance->resumed.size() < instance->connections) return;
  // Said even if it was never away: what its consumers did not present is not theirs any more.
  instance->away = true;
  back(*instance, events);
  no_longer_awaited(instance->info.id, events);
}

void InstanceRegistry::session_quiet(model::SessionId session, bool quiet, Events& events) {
  Instance* instance = of_session(session);
  if (instance == nullptr) return;
  if (quiet) {
    instance->quiet.insert(session);
    away_if_all_quiet(*instance, events);
  } else {
    instance->quiet.erase(session);
    if (instance->away && !instance->must_resume) back(*instance, events);
  }
}

void InstanceRegistry::session_ended(model::SessionId session, SessionEnded::How how, base::Instant now,
                                     Events& events) {
  events.push_back({std::nullopt, SessionEnded{session, how}});
  Instance* instance = of_session(session);
  if (instance == nullptr) return;
  instance->sessions.erase(session);
  instance->quiet.erase(session);
  instance->resumed.erase(session);
  draining_[session] = instance->info.id;
  drains_left_[session] = shards_;
  ++instance->draining;
  sessions_.erase(session);
  if (!instance->sessions.empty()) {
    // The process lives on with another connection: what it merely had in its hands on this one is released later.
    if (how != SessionEnded::How::goodbye && how != SessionEnded::How::closed && !instance->must_resume) {
      give_up_at(*instance, now + graces_.reconnect);
    }
    return away_if_all_quiet(*instance, events);
  }

  const model::InstanceId id = instance->info.id;
  if (how == SessionEnded::How::goodbye) {
    give_up_at(*instance, base::Instant::never());
    end_reservation(*instance, events);
    events.push_back({std::nullopt, core::InstanceGone{id}});
    no_longer_awaited(id, events);
    return;
  }
  if (!instance->away) events.push_back({std::nullopt, core::InstanceAway{id}});
  instance->away = true;
  instance->must_resume = true;
  give_up_at(*instance, now + graces_.reconnect);
}

void InstanceRegistry::session_drained(model::SessionId session, Events& events) {
  const auto left = drains_left_.find(session);
  if (left == drains_left_.end() || --left->second > 0) return;
  drains_left_.erase(left);
  const auto owner = draining_.find(session);
  const model::InstanceId id = owner->second;
  draining_.erase(owner);
  const auto it = instances_.find(id);
  if (it == instances_.end()) return;
  --it->second.draining;
  check_isolation(it->second, events);
  forget_if_idle(id);
}

void InstanceRegistry::load_changed(const core::InstanceLoad& load, Events& events) {
  const auto it = instances_.find(load.instance);
  if (it == instances_.end()) return;
  it->second.begun += load.begun_change;
  it->second.out += load.out_change;
  check_isolation(it->second, events);
  forget_if_idle(load.instance);
}

void InstanceRegistry::reserve(const core::ReserveInstance& wish, model::ShardId shard, Events& events) {
  const auto it = instances_.find(wish.instance);
  const bool free = it != instances_.end() && !it->second.sessions.empty() && !it->second.reservation;
  if (!free) {
    events.push_back({shard, core::ReservationRefused{wish.instance, wish.subscription}});
    return;
  }
  it->second.reservation = Reservation{wish.subscription, shard, 0, false};
  events.push_back({std::nullopt, core::InstanceReserved{wish.instance}});
}

void InstanceRegistry::release(const core::ReleaseInstance& wish, Events& events) {
  const auto it = instances_.find(wish.instance);
  if (it == instances_.end() || !it->second.reservation) return;
  if (it->second.reservation->subscription != wish.subscription) return;
  end_reservation(it->second, events);
}

void InstanceRegistry::reservation_seen(const model::InstanceId& id, Events& events) {
  const auto it = instances_.find(id);
  if (it == instances_.end() || !it->second.reservation) return;
  ++it->second.reservation->seen;
  check_isolation(it->second, events);
}

void InstanceRegistry::tick(base::Instant now, Events& events) {
  std::vector<model::InstanceId> due;
  for (auto it = waited_for_.begin(); it != waited_for_.end() && it->first <= now; ++it) {
    if (instances_.at(it->second).draining == 0) due.push_back(it->second);
  }
  for (const model::InstanceId& id : due) give_up(instances_.at(id), events);

  if (!awaited_.empty() && resume_until_ <= now) {
    for (const model::InstanceId& id : awaited_) {
      // Nobody is convicted by the broker's own death: the missing are gone, not lost.
      const auto it = instances_.find(id);
      const bool missing = it != instances_.end() && it->second.sessions.empty();
      if (!missing) continue;
      give_up_at(it->second, base::Instant::never());
      events.push_back({std::nullopt, core::InstanceGone{id}});
    }
    const std::set<model::InstanceId> were_awaited = std::exchange(awaited_, {});
    events.push_back({std::nullopt, core::ResumeOver{}});
    for (const model::InstanceId& id : were_awaited) forget_if_idle(id);
  }
}

base::Instant InstanceRegistry::next_deadline() const {
  const base::Instant resumed = awaited_.empty() ? base::Instant::never() : resume_until_;
  return waited_for_.empty() ? resumed : std::min(resumed, waited_for_.begin()->first);
}

bool InstanceRegistry::is_of(model::SessionId session, const model::InstanceId& instance) const {
  const auto it = sessions_.find(session);
  return it != sessions_.end() && it->second == instance;
}

std::uint64_t InstanceRegistry::out() const {
  std::int64_t sum = 0;
  for (const auto& [id, instance] : instances_) sum += instance.out;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(sum, 0));
}

InstanceRegistry::Instance* InstanceRegistry::of_session(model::SessionId session) {
  const auto it = sessions_.find(session);
  return it == sessions_.end() ? nullptr : &instances_.at(it->second);
}

void InstanceRegistry::back(Instance& instance, Events& events) {
  instance.must_resume = false;
  instance.connections = 1;
  give_up_at(instance, base::Instant::never());
  if (!instance.away) return;
  instance.away = false;
  events.push_back({std::nullopt, core::InstanceBack{instance.info.id}});
}

void InstanceRegistry::away_if_all_quiet(Instance& instance, Events& events) {
  if (instance.away || instance.quiet.size() < instance.sessions.size()) return;
  instance.away = true;
  events.push_back({std::nullopt, core::InstanceAway{instance.info.id}});
}

void InstanceRegistry::give_up_at(Instance& instance, base::Instant time) {
  waited_for_.erase({instance.give_up, instance.info.id});
  instance.give_up = time;
  if (time != base::Instant::never()) waited_for_.emplace(time, instance.info.id);
}

void InstanceRegistry::give_up(Instance& instance, Events& events) {
  if (!instance.sessions.empty()) {
    // It is connected but never said that it had resumed, or has lost one of its connections: what it did not present
    // is not its any more.
    instance.must_resume = false;
    instance.away = true;  // said in any case
    back(instance, events);
    no_longer_awaited(instance.info.id, events);
    return;
  }
  const model::InstanceId id = instance.info.id;
  give_up_at(instance, base::Instant::never());
  const auto begun = static_cast<std::uint64_t>(std::max<std::int64_t>(instance.begun, 0));
  events.push_back({std::nullopt, core::InstanceLost{id, begun, instance.info.speaks_started}});
  end_reservation(instance, events);
  no_longer_awaited(id, events);
  forget_if_idle(id);
}

void InstanceRegistry::end_reservation(Instance& instance, Events& events) {
  if (!instance.reservation) return;
  instance.reservation.reset();
  events.push_back({std::nullopt, core::InstanceFree{instance.info.id}});
}

void InstanceRegistry::check_isolation(Instance& instance, Events& events) {
  if (!instance.reservation || instance.reservation->ready) return;
  Reservation& reservation = *instance.reservation;
  if (reservation.seen < shards_ || instance.out != 0) return;
  reservation.ready = true;
  events.push_back({reservation.shard, core::IsolationReady{instance.info.id, reservation.subscription}});
}

void InstanceRegistry::no_longer_awaited(const model::InstanceId& id, Events& events) {
  if (awaited_.erase(id) > 0 && awaited_.empty()) events.push_back({std::nullopt, core::ResumeOver{}});
}

void InstanceRegistry::forget_if_idle(const model::InstanceId& id) {
  const auto it = instances_.find(id);
  if (it == instances_.end()) return;
  const Instance& instance = it->second;
  const bool waited_for = instance.give_up != base::Instant::never() || awaited_.contains(id);
  if (instance.sessions.empty() && instance.draining == 0 && instance.out == 0 && !waited_for) instances_.erase(it);
}

}  // namespace lazaret::engine
