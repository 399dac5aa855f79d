// Publishing: deduplication, offsets, and the shortest way to a consumer that keeps up.
#include <algorithm>
#include <bit>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {
namespace {

using base::Code;
using base::Status;
using model::Offset;
namespace limits = model::limits;

constexpr base::Duration kProducersCheckEvery = std::chrono::minutes(10);

/// Null: its item is no request.
const model::AskedAlong* asked_by(const model::Publish& command) {
  const bool asks = command.outgoing != nullptr && command.outgoing->item.has_value();
  return asks ? &*command.outgoing->item : nullptr;
}

/// Of the body, and of what goes with it: all of that is the same when it is sent again.
std::uint32_t checksum_of(const model::Publish& command, const model::PublishItem& item) {
  std::uint32_t sum = item.message->body_crc;
  if (command.outgoing == nullptr) return sum;
  for (const model::Outgoing::To& to : command.outgoing->to) {
    for (const auto& message : to.messages) sum = std::rotl(sum, 1) ^ ~message->body_crc;
  }
  return sum;
}

}  // namespace

void Shard::State::on(model::Publish& command) {
  model::Published answer{command.origin.request, {}, {}};
  Log* log = find(command.log);
  if (Status gone = publish_problem(log); !gone.ok()) {
    answer.results.assign(command.items.size(), {gone.code(), {}, false});
    answer.status = std::move(gone);
    if (command.origin.request != 0) tell(command.origin.session, std::move(answer));
    return;
  }
  put_changed_log(*log);
  const Offset first = log->state.next;
  Arrivals stored;
  stored.messages.reserve(command.items.size());
  answer.results.reserve(command.items.size());
  for (model::PublishItem& item : command.items) {
    const model::PublishResult result = store(*log, command, item, stored);
    if (result.code != Code::OK) answer.status = why_refused(*log, command, result.code);
    answer.results.push_back(result);
  }
  if (!stored.messages.empty()) {
    append(*log, first, std::move(stored));
    if (command.outgoing != nullptr) publish_along(*command.outgoing);
  }
  if (command.origin.request != 0) confirm(*log, command.origin.session, std::move(answer));
  if (now - producers_checked > kProducersCheckEvery) forget_idle_producers();
}

Status Shard::State::why_refused(const Log& log, const model::Publish& command, Code code) {
  const bool is_full = code == Code::RESOURCE_EXHAUSTED;
  if (!is_full && code != Code::OPTIONS_MISMATCH) return Status(code);
  if (is_full && refuse_publishes) return disk_is_short();
  if (Status problem = set_problem(log, command); problem.code() == code) return problem;
  return is_full ? queue_is_full(log) : Status(code);
}

/// Of the requests of a set that are this shard's, of which `log` is its item's. A verdict with requests has happened,
/// and is not refused for that; a set can be.
Status Shard::State::set_problem(const Log& log, const model::Publish& command) {
  if (command.outgoing == nullptr) return {};
  std::size_t count = 0;
  std::size_t bytes = 0;
  const auto look = [&](const Log& where, const model::AskedAlong& ask) -> Status {
    if (const PendingRequest* known = known_request(where, &ask)) {
      return reply_queue_problem(*known, ask.reply_to.get());
    }
    ++count;
    bytes += ask.reply_to->size();
    return {};
  };
  if (const model::AskedAlong* ask = asked_by(command)) LZ_RETURN_IF_ERROR(look(log, *ask));
  for (const model::Outgoing::To& to : command.outgoing->to) {
    const Log* where = to.shard == config.shard ? find(to.log) : nullptr;
    if (where == nullptr) continue;
    for (const model::AskedAlong& ask : to.asks) LZ_RETURN_IF_ERROR(look(*where, ask));
  }
  return count == 0 ? Status() : room_for_requests(count, bytes);
}

/// Its queue or topic was deleted, or is about to be.
Status Shard::State::publish_problem(const Log* log) {
  if (log != nullptr && !log->deleting) return {};
  return Status(Code::NOT_FOUND, "what it was published to was deleted");
}

/// One log write, however many subscriptions there are: only those that somebody consumes from hear of it.
void Shard::State::append(Log& log, Offset first, Arrivals stored) {
  log.ends.emplace_back(group, log.state.next);
  touch(log);
  for (Subscription* sub : log.readers) {
    if (!log.is_topic) touch(*sub);
    if (sub->feeder != nullptr) {
      append_to_feeder(*sub, first, stored.messages);
      continue;
    }
    if ((stored.timed || sub->queue->options.ttl.count() > 0) && !sub->deleting) arrive(*sub, first, stored);
    if (sub->consumers.empty()) continue;
    for (std::size_t i = 0; i < stored.messages.size(); ++i) {
      append_to_window(*sub, Offset(first.value + i), stored.messages[i]);
    }
    if (!draining) raise_mark(*sub, sub->frontier);
    pumped_later.insert(sub->queue->subscription);
  }
  if (stored.prioritised) append_to_levels(log, first, stored.messages);
  if (log.retains) {
    add_marks(log, stored.messages);
    retained_later.insert(log.state.log);
  }
  const bool prioritised = stored.prioritised && !log.state.prioritised;
  const bool expires = !log.state.expires && stored.timed &&
                       std::any_of(stored.messages.begin(), stored.messages.end(),
                                   [](const model::MessageRef& message) { return message->expires_at.us != 0; });
  mutate(model::AppendMessages{log.state.log, first, std::move(stored.messages)}, false);
  if (expires || prioritised) {
    log.state.expires = log.state.expires || expires;  // a start finds them, and looks after them
    log.state.prioritised = log.state.prioritised || prioritised;
    mutate(model::PutLog{log_state(log)}, false);
  }
  reserve(log);
  out->urgent = true;
  out->sync = out->sync || !log.relaxed;
}

model::PublishResult Shard::State::store(Log& log, const model::Publish& command, model::PublishItem& item,
                                         Arrivals& stored) {
  const bool numbered = command.producer && item.sequence != 0;
  const auto producer = numbered ? log.producers.find(*command.producer) : log.producers.end();
  if (producer != log.producers.end()) {
    using Verdict = ProducerWindow::Verdict;
    const auto answer = producer->second.check(item.sequence, checksum_of(command, item));
    switch (answer.verdict) {
      case Verdict::fresh: break;
      case Verdict::duplicate: return {Code::OK, answer.offset, true};
      case Verdict::reused: return {Code::SEQUENCE_REUSED, {}, false};
      case Verdict::too_old: return {Code::SEQUENCE_TOO_OLD, {}, false};
    }
  }
  const model::AskedAlong* ask = asked_by(command);
  if (ask != nullptr && log.is_topic) return {Code::BAD_REQUEST, {}, false};
  const PendingRequest* known = known_request(log, ask);
  if (known != nullptr && !reply_queue_problem(*known, ask->reply_to.get()).ok()) {
    return {Code::OPTIONS_MISMATCH, {}, false};
  }
  const auto asked_at = known == nullptr ? std::nullopt : std::optional(known->record.offset);
  if (const auto stored_at = asked_at ? asked_at : known_by_id(log, *item.message)) {
    if (numbered) {
      note_sequence(log, command, item, *stored_at);
      touch(log);
    }
    return {Code::OK, *stored_at, true};
  }
  if (command.outgoing != nullptr) {
    if (const Code problem = outgoing_problem(*command.outgoing); problem != Code::OK) return {problem, {}, false};
    if (const Status problem = set_problem(log, command); !problem.ok()) return {problem.code(), {}, false};
  }
  if (ask != nullptr) {
    if (const Code problem = ask_problem(log.state.log, *ask); problem != Code::OK) return {problem, {}, false};
  }
  // Behind the answers above: what is stored already needs no space, and refused it would be stored twice later, when
  // its publisher gave up its number.
  if (refuse_publishes) return {Code::RESOURCE_EXHAUSTED, {}, false};
  // The first of a set is as the others are (core/transactions.cpp).
  const bool is_of_set = command.outgoing != nullptr && !command.outgoing->to.empty();
  const bool has_room = !log.limited || make_room(log, item.message->size());
  if (!has_room && !is_of_set) return {Code::RESOURCE_EXHAUSTED, {}, false};
  const Offset offset = log.state.next;
  if (numbered) note_sequence(log, command, item, offset);
  if (ask != nullptr) note_asked(*log.readers.front(), offset, *ask);
  take_in(log, std::move(item.message), stored);
  return {Code::OK, offset, false};
}

/// Sent again with this number it is a duplicate of what stands there.
void Shard::State::note_sequence(Log& log, const model::Publish& command, const model::PublishItem& item,
                                 Offset offset) {
  log.producers[*command.producer].record({item.sequence, offset, checksum_of(command, item)}, now);
  log.changed_producers.insert(*command.producer);
}

void Shard::State::change_deduplication(Log& log, const model::QueueOptions& options) {
  const base::Duration window = options.deduplicate_for;
  if (window.count() == 0 && log.ids != nullptr) {
    mutate(model::TrimMessageIds{log.state.log, Offset(~std::uint64_t{0})}, false);
    log.ids = nullptr;
  } else if (window.count() != 0 && log.ids == nullptr) {
    log.ids = std::make_unique<RecentIds>(window);
  } else if (log.ids != nullptr) {
    log.ids->change_window(window);
  }
}

/// The request of this id, if it was asked before, by whomever, and is open or remembered. REQUIRES a queue's log.
const PendingRequest* Shard::State::known_request(const Log& log, const model::AskedAlong* ask) {
  return ask == nullptr ? nullptr : pending_requests.find({log.readers.front()->queue->subscription, ask->id});
}

/// Where it is, if its publisher's id for it came lately.
std::optional<Offset> Shard::State::known_by_id(const Log& log, const model::Message& message) {
  return log.ids == nullptr ? std::nullopt : log.ids->find(id_of(message), now);
}

model::MessageId Shard::State::id_of(const model::Message& message) {
  return model::MessageId::from_raw(facts_of(message).id).value_or(model::MessageId());
}

/// It gets the next offset. What comes to a topic with somebody's case was not published there: a publish with its id
/// still has to reach the others, and what they have not read yet makes no room for it.
void Shard::State::take_in(Log& log, std::shared_ptr<model::Message> message, Arrivals& stored) {
  const std::size_t bytes = message->size();
  const bool published = !message->imported || !log.is_topic;
  if (published && log.ids != nullptr) log.ids->record(id_of(*message), log.state.next, now);
  log.state.next = log.state.next.next();
  if (!log.is_topic) log.readers.front()->bytes += bytes;
  if (!message->source.log) message->published_at = now;  // else it was published before, to a topic
  log.bytes_since_trim += bytes;
  if (published) {
    log.bytes += bytes;
  } else {
    ++log.state.uncounted;
    log.marks_changed = true;
  }
  stored.timed = stored.timed || (message->due.us | message->expires_at.us) != 0;
  stored.prioritised = stored.prioritised || message->priority > 0;
  stored.messages.push_back(std::move(message));
}

/// A relaxed log gives offsets to messages that a power loss may take. No other message may get them then, so a start
/// goes on behind all that were reserved, unless it was stopped in order; and the reserve is on the disk first.
void Shard::State::reserve(Log& log) {
  if (!log.relaxed || log.state.next <= log.state.reserved) return;
  log.state.reserved = Offset(log.state.next.value + (draining ? 0 : limits::kReservedOffsets));
  mutate(model::PutLog{log_state(log)}, true);
}

/// Nothing is left reserved: what is given out is on the disk when this group is.
void Shard::State::give_up_reserve(Log& log) {
  if (log.state.reserved <= log.state.next) return;
  log.state.reserved = log.state.next;
  mutate(model::PutLog{log_state(log)}, true);
}

/// Straight to the consumers, when they have taken everything before it; otherwise it is read again from the disk.
void Shard::State::append_to_window(Subscription& sub, model::Offset offset, const model::MessageRef& message) {
  // Scheduled, or in its level.
  if (message->due > now || (message->priority > 0 && has_level(sub, *message))) {
    if (sub.window_next == offset && !sub.loading_window) sub.window_next = offset.next();
    return;
  }
  const bool room = sub.window.size() < limits::kTailMessages &&
                    sub.window_bytes + message->size() <= std::max(limits::kTailBytes, message->size()) &&
                    (window_bytes < limits::kTailBytesPerShard || sub.window.empty());
  if (sub.consumers.empty() || sub.window_next != offset || sub.loading_window || !room) return;
  sub.window.push_back({offset, message});
  sub.window_next = offset.next();
  sub.window_bytes += message->size();
  window_bytes += message->size();
}

void Shard::State::on(model::OpenProducer& command) {
  const Log* log = find(command.log);
  if (Status gone = publish_problem(log); !gone.ok()) {
    return tell(command.origin.session, model::ProducerOpened{command.origin.request, std::move(gone), 0});
  }
  const auto it = log->producers.find(command.producer);
  const std::uint64_t last = it == log->producers.end() ? 0 : it->second.highest();
  tell(command.origin.session, model::ProducerOpened{command.origin.request, {}, last});
}

Status Shard::State::disk_is_short() const {
  return Status(Code::RESOURCE_EXHAUSTED, "the disk has " + std::to_string(disk_free) +
                                              " bytes free, less than the reserve of " + std::to_string(disk_reserve))
      .with_limit("disk_reserve", static_cast<std::int64_t>(disk_reserve))
      .with_retry_after_ms(1000);
}

void Shard::State::on(DiskPressure& event) {
  refuse_publishes = event.refuse_publishes;
  disk_free = event.free_bytes;
  disk_reserve = event.reserve_bytes;
  if (!refuse_publishes) pump_feeders();
}

void Shard::State::forget_idle_producers() {
  producers_checked = now;
  for (auto& [id, log] : logs) {
    for (auto it = log.producers.begin(); it != log.producers.end();) {
      const bool idle = !it->second.changed() && now - it->second.last_used() > limits::kDedupForgetAfter;
      if (idle) mutate(model::DropProducer{id, it->first}, false);
      it = idle ? log.producers.erase(it) : std::next(it);
    }
  }
}

}  // namespace lazaret::core
