// Transactions: what is published, and asked, with a verdict, or with another publish, in one atomic write.
//
// A message that is a durable request brings what makes it one: its record is in the write that appends it, on whatever
// shard that is. From then on it is as if Request had asked it.
//
// What goes to logs of this shard is appended in the same step. What goes to another shard is an entry of the outbox in
// the same write; the other shard appends it when that is durable, once and in order (PutInbox), and answers when it is
// durable there. A restart hands over again what was not answered. All of it is synced, also from relaxed queues: a
// number must not be given twice.
//
// Nothing of a transaction is refused for the limits of a queue: it has happened with its verdict, and the other shard
// cannot take that back. So is nothing of a set without a verdict, also the first: whichever that is must not matter.
// It counts there, and plain publishes are refused until there is room.
#include <algorithm>
#include <span>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {

using base::Code;
using model::Offset;
namespace limits = model::limits;

/// Why nothing may become of it, if anything. Nothing has been done yet. Whether its item may be asked is seen by
/// whoever stores that.
Code Shard::State::outgoing_problem(const model::Outgoing& outgoing) {
  if (outgoing.problem != Code::OK) return outgoing.problem;
  if (refuse_publishes) return Code::RESOURCE_EXHAUSTED;
  for (const model::Outgoing::To& to : outgoing.to) {
    if (const Code problem = outgoing_problem(to); problem != Code::OK) return problem;
  }
  return Code::OK;
}

/// Of what is on another shard is known what whoever took it in has found there.
Code Shard::State::outgoing_problem(const model::Outgoing::To& to) {
  if (to.shard == config.shard && !publish_problem(find(to.log)).ok()) return Code::NOT_FOUND;
  for (const model::AskedAlong& one : to.asks) {
    if (const Code problem = ask_problem(to.log, one); problem != Code::OK) return problem;
  }
  return Code::OK;
}

/// Of one that goes to this log.
Code Shard::State::ask_problem(model::LogId log, const model::AskedAlong& ask) {
  const model::ReplyAddress& to = *ask.reply_to;
  if (to.log == log) return Code::BAD_REQUEST;
  if (to.shard == config.shard && !publish_problem(find(to.log)).ok()) return Code::NOT_FOUND;
  return Code::OK;
}

/// REQUIRES that there is no problem.
void Shard::State::publish_along(const model::Outgoing& outgoing) {
  for (const model::Outgoing::To& to : outgoing.to) {
    if (to.shard == config.shard) {
      append_along(*find(to.log), to.messages, to.asks, outgoing.repeats);
    } else {
      owe(to, {}, outgoing.repeats);
    }
  }
  out->urgent = true;
}

/// What was asked before, as far as that is known, is not asked again: then its message is not stored either.
/// `repeats`: a message is stored also when one of its id came lately.
void Shard::State::append_along(Log& log, const std::vector<std::shared_ptr<model::Message>>& messages,
                                const std::vector<model::AskedAlong>& asks, bool repeats) {
  put_changed_log(log);
  const Offset first = log.state.next;
  Arrivals stored;
  stored.messages.reserve(messages.size());
  auto next_ask = asks.begin();
  for (std::size_t place = 0; place < messages.size(); ++place) {
    const std::shared_ptr<model::Message>& message = messages[place];
    const model::AskedAlong* ask = next_ask != asks.end() && next_ask->place == place ? &*next_ask++ : nullptr;
    if (!repeats && known_by_id(log, *message)) continue;
    if (ask != nullptr && pending_requests.find({log.readers.front()->queue->subscription, ask->id}) != nullptr)
      continue;
    if (log.limited) make_room(log, message->size());
    if (ask != nullptr) note_asked(*log.readers.front(), log.state.next, *ask);
    take_in(log, message, stored);
  }
  if (!stored.messages.empty()) append(log, first, std::move(stored));
}

// --- To another shard -----------------------------------------------------------------------------------------------

/// `asked`: of a reply, to a request to that queue.
void Shard::State::owe(const model::Outgoing::To& to, model::SubscriptionId asked, bool repeats) {
  Outbox& box = outboxes[to.shard];
  auto ask = to.asks.begin();
  for (std::size_t at = 0; at < to.messages.size(); at += limits::kRunMessages) {
    const std::size_t count = std::min<std::size_t>(limits::kRunMessages, to.messages.size() - at);
    const auto part = std::span(to.messages).subspan(at, count);
    auto entry = std::make_shared<model::OutboxEntry>();
    entry->to = to.shard;
    entry->number = ++box.last;
    entry->log = to.log;
    entry->asked = asked;
    entry->repeats = repeats;
    entry->messages.assign(part.begin(), part.end());
    for (; ask != to.asks.end() && ask->place < at + count; ++ask) {
      entry->asks.push_back(*ask);
      entry->asks.back().place -= static_cast<std::uint32_t>(at);
    }
    mutate(model::PutOutbox{entry}, true);
    if (box.sent + 1 == entry->number && box.has_room() && !draining) hand_over(box, std::move(entry));
  }
  out->sync = true;
}

void Shard::State::hand_over(Outbox& box, model::OutboxEntryRef entry) {
  std::size_t bytes = 0;
  for (const model::MessageRef& message : entry->messages) bytes += message->size();
  for (const model::AskedAlong& ask : entry->asks) bytes += ask.reply_to->size();
  box.sends(bytes);
  out->effects.emplace_back(HandOver{std::move(entry)});
}

/// Those that wait on the disk, when there is room on the way.
void Shard::State::load_outbox(model::ShardId to, Outbox& box) {
  if (draining || box.sent == box.last || !box.has_room()) return;
  box.again = box.loading;
  if (std::exchange(box.loading, true)) return;
  out->effects.emplace_back(LoadOutbox{to, box.sent + 1, limits::kOutboxEntries, limits::kOutboxBytes});
}

void Shard::State::load_outboxes() {
  for (auto& [to, box] : outboxes) load_outbox(to, box);
}

/// Perhaps none: they were not on the disk yet. Then a Persisted follows, or came meanwhile, and they are looked for
/// again.
void Shard::State::on(OutboxLoaded& event) {
  Outbox& box = outboxes[event.to];
  box.loading = false;
  for (model::OutboxEntryRef& entry : event.entries) {
    if (!box.has_room() || draining) break;
    if (entry->number == box.sent + 1) hand_over(box, std::move(entry));
  }
  if (std::exchange(box.again, false)) load_outbox(event.to, box);
}

void Shard::State::on(HandOverTaken& event) {
  Outbox& box = outboxes[event.by];
  const std::uint64_t taken = std::min(event.taken, box.sent);
  if (taken <= box.taken) return;
  mutate(model::DropOutbox{event.by, box.taken + 1, taken}, false);
  box.take(taken);
  if (Subscription* sub = find(event.lost)) {
    ++sub->counters.lost_replies;
    touch(*sub);
  }
  load_outbox(event.by, box);
}

// --- From another shard ---------------------------------------------------------------------------------------------

void Shard::State::on(HandedOver& event) {
  std::uint64_t& taken = inboxes[event.from];
  if (event.entry->number > taken + 1) return;  // what is before it was never handed over: not known to happen
  Log* log = find(event.entry->log);
  const bool gone = !publish_problem(log).ok();
  if (event.entry->number == taken + 1) {
    mutate(model::PutInbox{event.from, ++taken}, true);
    out->sync = true;
    // One that is gone meanwhile would have been purged of it, and its requests would have failed.
    if (gone) {
      publish_unasked(event.entry->asks);
    } else {
      std::vector<std::shared_ptr<model::Message>> messages;
      for (const model::MessageRef& message : event.entry->messages) {
        messages.push_back(std::make_shared<model::Message>(*message));
      }
      append_along(*log, messages, event.entry->asks, event.entry->repeats);
    }
  }
  // Each by its own number, also one that is handed over again: what is lost is counted with it.
  const model::SubscriptionId lost = gone ? event.entry->asked : model::SubscriptionId();
  out->effects.emplace_back(ConfirmHandOver{event.from, event.entry->number, lost});
}

void Shard::State::recover_outboxes(const model::RecoveredShard& recovered) {
  for (const model::RecoveredOutbox& one : recovered.outboxes) {
    Outbox& box = outboxes[one.to];
    box.taken = box.sent = one.taken;
    box.last = std::max(one.last, one.taken);
  }
  for (const model::RecoveredInbox& one : recovered.inboxes) inboxes[one.from] = one.taken;
}

}  // namespace lazaret::core
