// Transactions: what is published with a verdict, or with another publish, in one atomic write.
//
// What goes to logs of this shard is appended in the same step. What goes to another shard is an entry of the outbox in
// the same write; the other shard appends it when that is durable, once and in order (PutInbox), and answers when it is
// durable there. A restart hands over again what was not answered. All of it is synced, also from relaxed queues: a
// number must not be given twice.
//
// Nothing of a transaction is refused for the limits of a queue: it has happened with its verdict, and the other shard
// cannot take that back. It counts there, and plain publishes are refused until there is room.
#include <algorithm>
#include <span>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {

using base::Code;
using model::Offset;
namespace limits = model::limits;

/// Why nothing may become of it, if anything. Nothing has been done yet.
Code Shard::State::outgoing_problem(const model::Outgoing& outgoing) {
  if (outgoing.problem != Code::OK) return outgoing.problem;
  if (refuse_publishes) return Code::RESOURCE_EXHAUSTED;
  const bool gone = std::any_of(outgoing.to.begin(), outgoing.to.end(), [&](const model::Outgoing::To& to) {
    return to.shard == config.shard && !publish_problem(find(to.log)).ok();
  });
  return gone ? Code::NOT_FOUND : Code::OK;
}

/// REQUIRES that there is no problem.
void Shard::State::publish_along(const model::Outgoing& outgoing) {
  for (const model::Outgoing::To& to : outgoing.to) {
    if (to.shard == config.shard) {
      append_along(*find(to.log), to.messages, outgoing.repeats);
    } else {
      owe(to, {}, outgoing.repeats);
    }
  }
  out->urgent = true;
}

/// `repeats`: also what came lately, by its id.
void Shard::State::append_along(Log& log, const std::vector<std::shared_ptr<model::Message>>& messages, bool repeats) {
  put_changed_log(log);
  const Offset first = log.state.next;
  Arrivals stored;
  stored.messages.reserve(messages.size());
  for (const std::shared_ptr<model::Message>& message : messages) {
    if (!repeats && known_by_id(log, *message)) continue;
    if (log.limited) make_room(log, message->size());
    take_in(log, message, stored);
  }
  if (!stored.messages.empty()) append(log, first, std::move(stored));
}

// --- To another shard -----------------------------------------------------------------------------------------------

/// `asked`: of a reply, to a request to that queue.
void Shard::State::owe(const model::Outgoing::To& to, model::SubscriptionId asked, bool repeats) {
  Outbox& box = outboxes[to.shard];
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
    mutate(model::PutOutbox{entry}, true);
    if (box.sent + 1 == entry->number && box.has_room() && !draining) hand_over(box, std::move(entry));
  }
  out->sync = true;
}

void Shard::State::hand_over(Outbox& box, model::OutboxEntryRef entry) {
  std::size_t bytes = 0;
  for (const model::MessageRef& message : entry->messages) bytes += message->size();
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
    // One that is gone meanwhile would have been purged of it.
    if (!gone) {
      std::vector<std::shared_ptr<model::Message>> messages;
      for (const model::MessageRef& message : event.entry->messages) {
        messages.push_back(std::make_shared<model::Message>(*message));
      }
      append_along(*log, messages, event.entry->repeats);
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
