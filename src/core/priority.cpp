// Priorities: of what is ready the highest is delivered first, and within one priority what came first. Nothing that is
// out is taken back for it, and lower ones wait as long as there is something higher.
//
// The log has an index of its messages with a priority, which the store keeps with them; here is only how far each
// level was read, and what comes next of it. So a million that wait cost the memory nothing, a start reads none of
// them, and whatever settles messages (purge, expiry, retention, a seek) need not know of levels: what is settled, or
// has an entry, is stepped over where it is met. The index says in which order; it is no matter of life: what it does
// not name is met in the log.
//
// A first delivery out of the log's order says nothing of what lies before it, so the high-water mark cannot stand for
// it: it has a delivery record, as every later one has.
#include <algorithm>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {
namespace {

namespace limits = model::limits;
using model::kHighestPriority;
using model::Offset;

/// A page of a level is asked for when so few are left of the one before.
constexpr std::size_t kLevelLow = limits::kPageMessages / 4;

}  // namespace

/// Whether it is delivered out of the log's order. With an ordering key it is not, until it has been granted once.
bool Shard::State::has_level(const Subscription& sub, const model::Message& message) const {
  return message.priority > 0 && (sub.keys == nullptr || !key_of(message));
}

/// The same of one that has an entry.
bool Shard::State::has_level(const Entry& entry) { return entry.priority > 0 && !entry.key; }

PriorityLevels& Shard::State::levels_of(Subscription& sub) {
  if (sub.levels == nullptr) {
    sub.levels = std::make_unique<PriorityLevels>();
    for (PriorityLevel& level : sub.levels->all()) level.next = sub.acked.cursor();
  }
  return *sub.levels;
}

// --- What is ready --------------------------------------------------------------------------------------------------

ReadyLine& Shard::State::returned_of(Subscription& sub, const Entry& entry) {
  return entry.priority == 0 ? sub.returned : levels_of(sub).at(entry.priority).returned;
}

ReadyLine& Shard::State::retries_of(Subscription& sub, const Entry& entry) {
  return entry.priority == 0 ? sub.retries : levels_of(sub).at(entry.priority).retries;
}

/// All lines of what is ready but the suspects', the highest priority first.
std::vector<const ReadyLine*> Shard::State::ready_lines(const Subscription& sub) {
  std::vector<const ReadyLine*> lines;
  if (sub.levels != nullptr) {
    const auto& levels = sub.levels->all();
    for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
      for (const auto* line : {&level->returned, &level->retries}) {
        if (!line->empty()) lines.push_back(line);
      }
    }
  }
  lines.push_back(&sub.returned);
  lines.push_back(&sub.retries);
  return lines;
}

/// A message was read whose priority was not known: its token was presented after a restart.
void Shard::State::learn_priority(Subscription& sub, Entry& entry, std::uint8_t priority) {
  if (entry.priority == priority) return;
  const bool in_line = !entry.waits_for_key && entry.line == nullptr;
  if (in_line) leave_ready(sub, entry);
  entry.priority = priority;
  if (in_line) join_ready(sub, entry);
}

// --- What is granted ------------------------------------------------------------------------------------------------

/// Of the levels the highest that has something; `nothing`: none has.
Granted Shard::State::grant_prioritised(Subscription& sub) {
  PriorityLevels& levels = levels_of(sub);
  for (std::uint8_t priority = kHighestPriority; priority > 0; --priority) {
    const Granted granted = grant_of_level(sub, levels.at(priority), priority);
    if (granted != Granted::nothing) return granted;
  }
  return Granted::nothing;
}

/// As grant_next, of one priority. What has to be read first is not overtaken by lower ones.
Granted Shard::State::grant_of_level(Subscription& sub, PriorityLevel& level, std::uint8_t priority) {
  const Granted returned = grant_loaded(sub, level.returned, true);
  if (returned != Granted::nothing) return returned;
  if (!level.returned.empty()) return Granted::no_room;
  if (sub.aside != nullptr) {
    const Granted aside = grant_aside(sub, priority);
    if (aside != Granted::nothing) return aside;
  }
  const bool first = retries_first(sub);
  if (first) {
    const Granted retry = grant_loaded(sub, level.retries);
    if (retry != Granted::nothing) return retry;
  }
  read_level(sub, level, priority);
  if (prepare_level(sub, level)) return grant_fresh(sub, level);
  if (is_behind(sub, level, priority)) return Granted::no_room;
  if (!first) {
    const Granted retry = grant_loaded(sub, level.retries);
    if (retry != Granted::nothing) return retry;
  }
  return level.retries.empty() ? Granted::nothing : Granted::no_room;
}

/// Brings the next fresh message of the level to the front of its window; false when there is none in memory.
bool Shard::State::prepare_level(Subscription& sub, PriorityLevel& level) {
  while (!level.window.empty()) {
    const model::PagedMessage& front = level.window.front();
    const bool taken = is_taken(sub, front.offset);
    if (!taken && front.message != nullptr && is_offered(sub, front.offset, *front.message)) return true;
    const model::PagedMessage gone = pop_front(sub, level);
    if (!taken) turn_away(sub, gone);
  }
  return false;
}

model::PagedMessage Shard::State::pop_front(Subscription& sub, PriorityLevel& level) {
  model::PagedMessage front = std::move(level.window.front());
  level.window.pop_front();
  const std::size_t bytes = front.message == nullptr ? 0 : front.message->size();
  sub.levels->window_bytes -= bytes;
  window_bytes -= bytes;
  return front;
}

/// REQUIRES that there is one at the front of its window.
Granted Shard::State::grant_fresh(Subscription& sub, PriorityLevel& level) {
  const Taker taker = taker_of(sub, *level.window.front().message);
  const bool waits = taker.granted == Granted::no_room || (taker.granted == Granted::nothing && !may_set_aside(sub));
  if (waits) return Granted::no_room;
  const model::PagedMessage fresh = pop_front(sub, level);
  Entry& entry = sub.entries[{sub.queue->log, fresh.offset}];
  entry.position = {sub.queue->log, fresh.offset};
  entry.priority = fresh.message->priority;
  entry.key_known = true;  // none
  sub.levels->granted_to = std::max(sub.levels->granted_to, fresh.offset.next());
  if (taker.granted == Granted::yes) {
    grant(sub, entry, *taker.consumer, fresh.message);
  } else {
    entry.message = fresh.message;
    set_aside(sub, entry);
  }
  return Granted::yes;
}

// --- What is fresh --------------------------------------------------------------------------------------------------

/// Messages came to a log, some of them with a priority: straight to who has taken what came before them, as
/// append_to_window does; the others find them in the index. REQUIRES that they are not in `priority_ends` yet.
void Shard::State::append_to_levels(Log& log, Offset first, const std::vector<model::MessageRef>& messages) {
  if (log.priority_ends == nullptr) log.priority_ends = std::make_unique<PriorityEnds>();
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::uint8_t priority = messages[i]->priority;
    if (priority == 0) continue;
    Offset& end = log.priority_ends->at(priority - 1u);
    const Offset offset(first.value + i);
    for (Subscription* sub : log.readers) {
      if (!sub->consumers.empty() && !sub->deleting) append_to_level(*sub, end, offset, messages[i]);
    }
    end = offset.next();
  }
}

/// `end`: of the level, before this message.
void Shard::State::append_to_level(Subscription& sub, Offset end, Offset offset, const model::MessageRef& message) {
  PriorityLevels& levels = levels_of(sub);
  PriorityLevel& level = levels.at(message->priority);
  if (level.loading || level.next < end) return;
  const std::size_t bytes = message->size();
  const bool room = level.window.empty() ||
                    (level.window.size() < limits::kTailMessages && window_bytes < limits::kTailBytesPerShard &&
                     levels.window_bytes + bytes <= limits::kTailBytes);
  if (!room) return;
  level.next = offset.next();
  if (message->due > now || !has_level(sub, *message)) return;  // it has been scheduled, or keeps its place
  level.window.push_back({offset, message});
  levels.window_bytes += bytes;
  window_bytes += bytes;
}

/// Asks for the next page, if there is more of the level and little in memory.
void Shard::State::read_level(Subscription& sub, PriorityLevel& level, std::uint8_t priority) {
  if (sub.log->priority_ends == nullptr) return;
  const Offset end = sub.log->priority_ends->at(priority - 1u);
  if (level.loading || level.next >= end || level.window.size() > kLevelLow) return;
  level.next = sub.acked.next_unsettled(level.next);
  if (level.next >= end || level.next >= sub.log->persisted_end) return;
  level.loading = true;
  const std::uint64_t left = limits::kTailBytesPerShard - std::min(window_bytes, limits::kTailBytesPerShard);
  const std::size_t bytes = std::clamp<std::uint64_t>(left / 4, limits::kPageBytes / 4, limits::kPageBytes);
  out->effects.emplace_back(LoadMessages{sub.queue->subscription, sub.generation, sub.queue->log, level.next,
                                         std::min(end, sub.log->persisted_end), limits::kPageMessages, bytes,
                                         priority});
}

/// Whether there is more of the level that is not in memory: it is being read, or is when it is on the disk.
bool Shard::State::is_behind(const Subscription& sub, const PriorityLevel& level, std::uint8_t priority) {
  const auto& ends = sub.log->priority_ends;
  return level.loading || (ends != nullptr && level.next < ends->at(priority - 1u));
}

/// What a read_level asked for. With an ordering key it is met in the log, also when nobody can tell.
void Shard::State::take_in(Subscription& sub, PriorityLevel& level, MessagesLoaded& event) {
  level.loading = false;
  level.next = std::max(event.page.next, event.from.next());
  for (model::PagedMessage& paged : event.page.messages) {
    const bool is_its = paged.message == nullptr ? sub.keys == nullptr : has_level(sub, *paged.message);
    if (!is_its) continue;
    const std::size_t bytes = paged.message == nullptr ? 0 : paged.message->size();
    sub.levels->window_bytes += bytes;
    window_bytes += bytes;
    level.window.push_back(std::move(paged));
  }
}

/// Nobody wants what was read ahead: it is read again from there on.
void Shard::State::forget_levels_ahead(Subscription& sub) {
  if (sub.levels == nullptr) return;
  window_bytes -= std::exchange(sub.levels->window_bytes, 0);
  for (PriorityLevel& level : sub.levels->all()) {
    if (!level.window.empty()) level.next = std::min(level.next, level.window.front().offset);
    level.window.clear();
    level.loading = false;
  }
}

/// What is at or behind `offset` may be fresh again.
void Shard::State::begin_levels_at(Subscription& sub, Offset offset) {
  if (sub.levels == nullptr) return;
  for (PriorityLevel& level : sub.levels->all()) level.next = std::min(level.next, offset);
}

/// Nothing is left of the log.
void Shard::State::forget_priorities(Log& log) {
  if (!std::exchange(log.state.prioritised, false)) return;
  log.priority_ends = nullptr;
  mutate(model::DropPriorities{log.state.log}, false);
}

}  // namespace lazaret::core
