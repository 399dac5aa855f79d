// Consumers attach, detach and come back; instances go away, return, are lost (semantics: "A consumer goes").
#include <algorithm>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {

using base::Code;
using base::Status;
using model::AttemptOutcome;
using model::DeliveryState;

namespace {

/// No consumer counts so far; what claims to is refused.
constexpr std::uint64_t kDeliveryMost = 1ull << 62;

}  // namespace

void Shard::State::on(model::OpenConsumer& command) {
  model::ConsumerOpened answer{command.origin.request, {}, std::vector<bool>(command.held.size()), {}};
  Subscription* sub = find(command.subscription);
  const Consumer* known = find(command.consumer);
  if (sub == nullptr || sub->deleting) {
    answer.status = Status(Code::NOT_FOUND, "the queue was deleted");
  } else if (draining) {
    answer.status = Status(Code::SHUTTING_DOWN);
  } else if (known != nullptr && known->subscription != command.subscription) {
    answer.status = Status(Code::BAD_REQUEST, "this instance has a consumer of that number on another queue");
  }
  if (!answer.status.ok()) return tell(command.origin.session, std::move(answer));

  Consumer& consumer = attach(command, *sub);
  answer.held = keep_held(command, *sub, consumer);
  answer.lease_duration = sub->queue->options.lease_duration;
  tell(command.origin.session, std::move(answer));
  pumped_later.insert(sub->queue->subscription);
}

Consumer& Shard::State::attach(const model::OpenConsumer& command, Subscription& sub) {
  InstanceView& instance = view(command.instance);
  instance.consumers.insert(command.consumer.number);
  instance.gone = false;
  if (!instance.recorded) {
    instance.recorded = true;
    mutate(model::PutInstance{command.instance}, true);
  }
  const auto [it, fresh] = consumers.try_emplace(command.consumer);
  Consumer& consumer = it->second;
  if (fresh) {
    consumer.key = command.consumer;
    consumer.subscription = command.subscription;
    sub.consumers.push_back(&consumer);
  } else if (consumer.session) {
    sessions[consumer.session].erase(consumer.key);
  }
  consumer.instance = &instance;
  consumer.session = command.origin.session;
  consumer.listener = consumer.session;
  consumer.room = &outbox_rooms[consumer.session];
  consumer.room->bytes_most = command.outbox_bytes;
  consumer.ended = false;
  consumer.begun_up_to = 0;
  consumer.info = {command.instance.name, command.instance.host, command.instance.version, command.instance.id};
  consumer.speaks_started = command.instance.speaks_started;
  consumer.credit_messages = std::min(command.credit_messages, model::limits::kCreditMessages);
  consumer.credit_bytes = std::min(command.credit_bytes, model::limits::kCreditBytes);
  consumer.accepts = command.accepts;
  consumers_changed(sub);
  watch_use(sub);
  sessions[consumer.session].insert(consumer.key);
  return consumer;
}

/// What the client still holds stays with it; what it does not present it never got, or has given up.
std::vector<bool> Shard::State::keep_held(const model::OpenConsumer& command, Subscription& sub, Consumer& consumer) {
  std::vector<bool> good;
  std::set<Position> kept;
  for (const model::HeldToken& held : command.held) {
    // Numbers go on behind what the client has seen, also when it has lost it: a `started` that it sends before it
    // hears of that must not cover anything new.
    if (held.delivery <= kDeliveryMost) consumer.last_delivery = std::max(consumer.last_delivery, held.delivery);
    const auto it = sub.entries.find({held.token.log, held.token.offset});
    Entry* entry = it == sub.entries.end() ? claim_after_restart(sub, held, consumer.key) : &it->second;
    const bool its = entry != nullptr && entry->state == DeliveryState::granted && entry->grant == held.token.grant &&
                     (entry->consumer == &consumer || (entry->consumer == nullptr && entry->holder == consumer.key)) &&
                     number_is_free(consumer, *entry, held.delivery);
    good.push_back(its);
    // Behind those of lost tokens too: the client knows them by their number until their verdicts are answered.
    if (held.delivery <= kDeliveryMost) consumer.last_delivery = std::max(consumer.last_delivery, held.delivery);
    if (!its) continue;
    if (entry->consumer == nullptr) {  // reserved since the restart
      entry->consumer = &consumer;
      consumer.used_messages += 1;
      consumer.used_bytes += entry->bytes;
      load_changed(consumer.key.instance, consumer.speaks_started ? 0 : 1, 1);
      if (!consumer.speaks_started) start_clock(sub, *entry);
      if (entry->suspect) isolate_claimed(sub, *entry);
      if (sub.keys != nullptr && entry->key_known) keep_key(sub, *entry);
    } else {
      consumer.out.erase(entry->delivery);
    }
    entry->delivery = held.delivery;
    consumer.out[held.delivery] = entry->position;
    if (held.begun && !entry->begun) begin(sub, *entry);
    kept.insert(entry->position);
  }
  std::vector<Position> missing;
  for (const auto& [delivery, position] : consumer.out) {
    if (!kept.contains(position)) missing.push_back(position);
  }
  for (const Position& position : missing) {
    Entry& entry = sub.entries.at(position);
    take_back(sub, entry);
    put_back(sub, entry, std::nullopt);
  }
  return good;
}

/// Two deliveries of one number would lose one of them, and so would a number that cannot be counted on from.
bool Shard::State::number_is_free(const Consumer& consumer, const Entry& entry, std::uint64_t delivery) const {
  if (delivery == 0 || delivery > kDeliveryMost) return false;
  const auto it = consumer.out.find(delivery);
  return it == consumer.out.end() || it->second == entry.position;
}

/// Without a record, a token of an older epoch below the recovered mark is the one that was given (semantics, "After
/// a restart").
Entry* Shard::State::claim_after_restart(Subscription& sub, const model::HeldToken& held,
                                         const model::ConsumerKey& key) {
  const bool older = (held.token.grant.value >> 40) < config.epoch;
  const bool possible = resuming && older && held.token.grant > sub.void_grants && held.token.log == sub.queue->log &&
                        held.token.offset < sub.recovered_mark && !sub.acked.is_settled(held.token.offset) &&
                        !sub.is_parked(held.token.offset);
  if (!possible) return nullptr;
  Entry& entry = sub.entries[{held.token.log, held.token.offset}];
  entry.position = {held.token.log, held.token.offset};
  entry.state = DeliveryState::granted;
  entry.grant = held.token.grant;
  entry.holder = key;
  entry.redelivered = true;
  if (sub.keys != nullptr) sub.keys->unknown.emplace(entry.position, false);
  ++sub.leased;
  return &entry;
}

void Shard::State::on(model::Written& command) {
  const auto room = outbox_rooms.find(command.session);
  if (room == outbox_rooms.end()) return;
  const bool was_full = room->second.full();
  room->second.bytes_used -= std::min(room->second.bytes_used, command.bytes);
  const auto keys = sessions.find(command.session);
  if (!was_full || room->second.full() || keys == sessions.end()) return;
  for (const model::ConsumerKey& key : keys->second) {
    if (const Consumer* consumer = find(key)) pumped_later.insert(consumer->subscription);
  }
}

void Shard::State::on(model::AddCredit& command) {
  Consumer* consumer = find(command.consumer);
  if (consumer == nullptr || consumer->subscription != command.subscription) return;
  consumer->credit_messages =
      std::min(consumer->credit_messages + std::min(command.messages, model::limits::kCreditMessages),
               model::limits::kCreditMessages);
  consumer->credit_bytes = std::min(consumer->credit_bytes + std::min(command.bytes, model::limits::kCreditBytes),
                                    model::limits::kCreditBytes);
  pumped_later.insert(consumer->subscription);
}

void Shard::State::on(model::Started& command) {
  Consumer* consumer = find(command.consumer);
  if (consumer == nullptr) return;
  Subscription* sub = find(consumer->subscription);
  if (sub == nullptr) return;
  const std::uint64_t up_to = std::min(command.delivery, consumer->last_delivery);
  for (auto it = consumer->out.upper_bound(consumer->begun_up_to); it != consumer->out.end() && it->first <= up_to;
       ++it) {
    Entry& entry = sub->entries.at(it->second);
    if (!entry.begun) begin(*sub, entry);
  }
  consumer->begun_up_to = std::max(consumer->begun_up_to, up_to);
  set_alarm(*sub);
}

void Shard::State::on(model::CloseConsumer& command) {
  Consumer* consumer = find(command.consumer);
  if (consumer == nullptr || consumer->session != command.origin.session) {
    return done(command.origin, Status(Code::NOT_FOUND, "there is no such consumer on this connection"));
  }
  release_not_begun(*consumer);
  detach(*consumer);
  done(command.origin, {});
}

void Shard::State::on(SessionEnded& event) {
  pending_requests.forget_session(event.session);
  std::set<model::ConsumerKey> keys;
  if (const auto it = sessions.find(event.session); it != sessions.end()) {
    keys = std::move(it->second);
    sessions.erase(it);
  }
  for (const model::ConsumerKey& key : keys) {
    Consumer* consumer = find(key);
    if (consumer == nullptr || consumer->session != event.session) continue;
    switch (event.how) {
      case SessionEnded::How::goodbye:
      case SessionEnded::How::closed: release_not_begun(*consumer); break;
      case SessionEnded::How::silent:    // released when the instance is given up
      case SessionEnded::How::replaced:  // sorted out when the consumer is opened again
        break;
    }
    detach(*consumer);
  }
  outbox_rooms.erase(event.session);
}

void Shard::State::detach(Consumer& consumer) {
  if (const auto session = sessions.find(consumer.session); session != sessions.end()) {
    session->second.erase(consumer.key);
    if (session->second.empty()) sessions.erase(session);
  }
  consumer.session = model::SessionId();
  consumer.room = nullptr;
  pumped_later.insert(consumer.subscription);
  forget_if_idle(consumer.key);
}

/// A consumer stays while it is attached or has something out.
void Shard::State::forget_if_idle(const model::ConsumerKey& key) {
  Consumer* consumer = find(key);
  if (consumer == nullptr || consumer->session || !consumer->out.empty()) return;
  if (Subscription* sub = find(consumer->subscription)) {
    std::erase(sub->consumers, consumer);
    consumers_changed(*sub);
    if (sub->consumers.empty()) {
      // Nobody reads: what was kept for readers goes, and is loaded again when one comes.
      if (sub->keys != nullptr) forget_passed_messages(*sub);
      forget_aside_messages(*sub);
      begin_window_at(*sub, sub->frontier);
      watch_use(*sub);
    }
  }
  if (const auto it = instances.find(key.instance); it != instances.end()) {
    it->second.consumers.erase(key.number);
    if (it->second.consumers.empty() && it->second.gone && !it->second.reserved) instances.erase(it);
  }
  const auto same = [&](const auto& delivery) { return delivery.first == consumer; };
  deliveries.erase(std::remove_if(deliveries.begin(), deliveries.end(), same), deliveries.end());
  consumers.erase(key);
}

void Shard::State::release_not_begun(Consumer& consumer) {
  Subscription* sub = find(consumer.subscription);
  if (sub == nullptr || !consumer.speaks_started) return;
  const std::map<std::uint64_t, Position> out_now = consumer.out;
  for (const auto& [delivery, position] : out_now) {
    Entry& entry = sub->entries.at(position);
    if (entry.begun) continue;
    take_back(*sub, entry);
    put_back(*sub, entry, std::nullopt);
  }
}

// --- Instances ------------------------------------------------------------------------------------------------------

void Shard::State::on(InstanceAway& event) {
  const auto it = instances.find(event.instance);
  if (it != instances.end()) it->second.away = true;
}

void Shard::State::on(InstanceBack& event) {
  const auto it = instances.find(event.instance);
  if (it == instances.end()) return;
  const bool was_away = std::exchange(it->second.away, false);
  it->second.refused = false;  // who asked for it while nobody was there may ask again
  const std::set<std::uint64_t> numbers = it->second.consumers;
  for (const std::uint64_t number : numbers) {
    Consumer* consumer = find(model::ConsumerKey{event.instance, number});
    if (consumer == nullptr) continue;
    pumped_later.insert(consumer->subscription);
    if (was_away) renew_leases(*consumer);
    // It was not opened again: what it merely had in its hands is not its any more.
    if (!consumer->session) release_not_begun(*consumer);
  }
}

/// Its instance is heard again: while it was not, no lease ended, and it could not extend any.
void Shard::State::renew_leases(Consumer& consumer) {
  Subscription& sub = *find(consumer.subscription);
  const base::Instant deadline = now + sub.queue->options.lease_duration;
  for (const auto& [delivery, position] : consumer.out) {
    Entry& entry = sub.entries.at(position);
    if (entry.deadline >= deadline) continue;  // also of what has not begun
    end_at(sub, entry, deadline);
  }
}

void Shard::State::on(InstanceLost& event) {
  const auto it = instances.find(event.instance);
  if (it == instances.end()) return;
  const std::set<std::uint64_t> numbers = it->second.consumers;
  for (const std::uint64_t number : numbers) {
    Consumer* consumer = find(model::ConsumerKey{event.instance, number});
    if (consumer == nullptr) continue;
    Subscription* sub = find(consumer->subscription);
    const std::map<std::uint64_t, Position> out_now = consumer->out;
    for (const auto& [delivery, position] : out_now) lost_with(*sub, sub->entries.at(position), event);
    // With its last message gone a detached consumer is forgotten.
    if (Consumer* left = find(model::ConsumerKey{event.instance, number})) detach(*left);
  }
  if (it->second.recorded) mutate(model::DropInstance{event.instance}, false);
  instances.erase(event.instance);
}

/// One message that a lost instance had. If it had begun only this one, this one is convicted; if several, nobody can
/// say which was to blame: all are suspects, and nothing is counted.
void Shard::State::lost_with(Subscription& sub, Entry& entry, const InstanceLost& event) {
  const bool begun = counts_as_begun(entry);
  const bool convicted = begun && (entry.isolated || (event.begun_total <= 1 && event.speaks_started));
  if (entry.started_at.us == 0) entry.started_at = now;
  if (!begun) {
    take_back(sub, entry);
    return put_back(sub, entry, std::nullopt);
  }
  entry.suspect = true;
  const model::ErrorReport error{"lazaret.consumer_lost", "the worker was lost over this message", ""};
  if (!convicted) {
    end_attempt(sub, entry, AttemptOutcome::interrupted, {});
    take_back(sub, entry);
    return put_back(sub, entry, std::nullopt);
  }
  end_attempt(sub, entry, AttemptOutcome::consumer_lost, error);
  take_back(sub, entry);
  ++entry.convictions;
  if (entry.convictions >= sub.queue->options.max_worker_deaths) {
    ++entry.failures;
    return admit(sub, entry, model::CaseReason::killed_workers, error);
  }
  failed(sub, entry, std::nullopt);
}

void Shard::State::on(InstanceGone& event) {
  const auto it = instances.find(event.instance);
  if (it == instances.end()) return;
  it->second.away = false;
  if (it->second.recorded) mutate(model::DropInstance{event.instance}, false);
  it->second.recorded = false;
  it->second.gone = true;
  if (it->second.consumers.empty()) {
    instances.erase(it);
    return;
  }
  // Consumers that it had not opened again when it went: nobody else would ever release what they had in their hands.
  const std::set<std::uint64_t> numbers = it->second.consumers;
  for (const std::uint64_t number : numbers) {
    Consumer* consumer = find(model::ConsumerKey{event.instance, number});
    if (consumer != nullptr && !consumer->session) release_not_begun(*consumer);
  }
}

/// What nobody claimed after the restart is granted now.
void Shard::State::on(ResumeOver&) {
  if (!resuming) return;
  resuming = false;
  for (auto& [id, sub] : subscriptions) {
    if (sub.feeder != nullptr) continue;
    std::vector<Position> unclaimed;
    for (const auto& [position, entry] : sub.entries) {
      if (entry.state == DeliveryState::granted && entry.consumer == nullptr) unclaimed.push_back(position);
    }
    for (const Position& position : unclaimed) {
      Entry& entry = sub.entries.at(position);
      entry.interrupted = true;
      --sub.leased;
      if (entry.failures > 0 || entry.replays) --sub.leased_retries;
      make_ready(sub, entry);
    }
    // From the cursor again: the unsettled below the mark have no entry, unless somebody claimed them.
    begin_window_at(sub, sub.acked.cursor());
    lose_before(sub, sub.log->lost_to);
    if (sub.keys != nullptr) decide_keys(sub);
    pumped_later.insert(id);
  }
}

void Shard::State::on(Drain&) {
  draining = true;
  const Status stopping(Code::SHUTTING_DOWN, "the broker is stopping: finish what has begun");
  for (auto& [id, sub] : subscriptions) {
    if (sub.feeder != nullptr) continue;
    // A clean stop leaves the mark exact: nothing is granted for the first time any more. What may have begun before
    // this start, and is not settled, still may have.
    model::Offset exact = std::max(sub.frontier, sub.recovered_mark);
    if (sub.keys != nullptr) keep_freed(sub);
    for (auto& [position, entry] : sub.entries) {
      // One that waits for its first delivery says so by its record.
      const bool was_granted = (bool(entry.grant) || !entry.has_record) && !has_level(entry);
      if (was_granted && position.log == sub.queue->log) exact = std::max(exact, position.offset.next());
      const bool came_back = entry.state == DeliveryState::ready && !entry.has_record && !entry.interrupted;
      if (came_back && !entry.waits_for_key) put_record(sub, entry);
    }
    if (resuming || sub.mark == exact) continue;
    sub.mark = exact;
    touch(sub);
  }
  for (auto& [id, log] : logs) give_up_reserve(log);
  for (auto& [key, consumer] : consumers) {
    if (!consumer.session) continue;
    tell(consumer.session, model::Recall{key, {}});
    tell(consumer.session, model::ConsumerEnded{key, stopping});
  }
}

}  // namespace lazaret::core
