// Consumers that name the types they accept. A message that nobody accepts who has room for one is set aside
// (core/type_lines.h), and those behind it go on; it is the first in line when somebody comes, or has room again, who
// accepts it. So nobody waits for a consumer of another type, and nothing is counted against a message that nobody can
// read yet. Where every consumer takes everything none of this runs.
//
// Who is set aside has an Entry, ready, and keeps its ordering key. Fresh ones are set aside up to a bound.
#include <algorithm>
#include <utility>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {
namespace {

namespace limits = model::limits;
using model::Offset;

/// Of one line: read ahead of their grant.
constexpr std::size_t kReadAhead = 64;

bool is_there(const Consumer& consumer) { return consumer.session && !consumer.ended; }

}  // namespace

bool Shard::State::accepts(const Consumer& consumer, const MessageType& kind) {
  if (kind.only_for != nullptr && !kind.only_for->contains(consumer.info.version)) return false;
  return consumer.accepts == nullptr || consumer.accepts->takes(kind.type, kind.schema_id);
}

MessageType Shard::State::type_of(const model::Message& message, const VersionRangeRef& only_for) {
  const model::MessageFacts& facts = facts_of(message);
  return {facts.type, facts.schema_id, only_for};
}

/// REQUIRES that its message is in memory.
MessageType Shard::State::type_of(const Entry& entry) { return type_of(*entry.message, entry.only_for); }

/// Whether any of those who are attached accepts it, with or without room.
bool Shard::State::is_accepted(const Subscription& sub, const MessageType& kind) {
  for (const Consumer* consumer : sub.consumers) {
    if (is_standby(sub, *consumer)) return false;
    if (is_there(*consumer) && accepts(*consumer, kind)) return true;
  }
  return false;
}

void Shard::State::consumers_changed(Subscription& sub) {
  sub.choosy =
      !sub.ranges.empty() || std::any_of(sub.consumers.begin(), sub.consumers.end(),
                                         [](const Consumer* consumer) { return consumer->accepts != nullptr; });
}

/// The same for all that are replayed to these versions. An empty text, or one that is none, is for all.
VersionRangeRef Shard::State::range_of(Subscription& sub, const std::string& text) {
  if (text.empty()) return nullptr;
  auto parsed = model::VersionRange::parse(text);
  if (!parsed.ok()) return nullptr;
  std::weak_ptr<const model::VersionRange>& known = sub.ranges[parsed->text()];
  VersionRangeRef range = known.lock();
  if (range == nullptr) known = range = std::make_shared<const model::VersionRange>(std::move(*parsed));
  sub.choosy = true;
  return range;
}

/// It is not replayed any more: when it was the last to these versions, nobody chooses by them.
void Shard::State::leave_range(Subscription& sub, Entry& entry) {
  if (entry.only_for == nullptr) return;
  const std::string text = entry.only_for->text();
  entry.only_for = nullptr;
  const auto known = sub.ranges.find(text);
  if (known == sub.ranges.end() || !known->second.expired()) return;
  sub.ranges.erase(known);
  consumers_changed(sub);
}

/// Whether somebody is attached whose version is one of these, whatever else they have to do.
bool Shard::State::has_version(const Subscription& sub, const model::VersionRange& range) {
  return std::any_of(sub.consumers.begin(), sub.consumers.end(), [&](const Consumer* consumer) {
    return is_there(*consumer) && range.contains(consumer->info.version);
  });
}

/// Who gets this message. `no_room`: whoever accepts it has to settle something first, and nothing overtakes it.
/// `nothing`: nobody who has room for anything accepts it, so that it can be set aside.
Taker Shard::State::taker_of(Subscription& sub, const model::Message& message, const VersionRangeRef& only_for) {
  if (!sub.choosy) {
    Consumer* consumer = next_consumer(sub, message.size());
    return {consumer, consumer == nullptr ? Granted::no_room : Granted::yes};
  }
  const MessageType kind = type_of(message, only_for);
  if (Consumer* consumer = next_consumer(sub, message.size(), &kind)) return {consumer, Granted::yes};
  if (only_for != nullptr) return {nullptr, Granted::nothing};  // others do not wait for who has its version
  return {nullptr, next_consumer(sub, kAnything, &kind) == nullptr ? Granted::nothing : Granted::no_room};
}

bool Shard::State::may_set_aside(const Subscription& sub) const {
  const std::size_t most = set_aside_messages < limits::kAsidePerShard ? limits::kAsideMessages : limits::kAsideLeast;
  return sub.aside == nullptr || sub.aside->size() < most;
}

/// REQUIRES that it is ready, and that its message is in memory.
void Shard::State::set_aside(Subscription& sub, Entry& entry) {
  leave_ready(sub, entry);
  if (sub.aside == nullptr) sub.aside = std::make_unique<TypeLines>();
  entry.line = &sub.aside->add(type_of(entry), entry.priority, entry.position);
  if (entry.only_for == nullptr) ++set_aside_messages;
  const std::size_t bytes = entry.message->size();
  const bool kept = sub.aside->bytes + bytes <= limits::kTailBytes && window_bytes < limits::kTailBytesPerShard;
  if (!kept) {
    entry.message = nullptr;
    return;
  }
  entry.bytes_aside = static_cast<std::uint32_t>(bytes);
  sub.aside->bytes += bytes;
  window_bytes += bytes;
}

/// Whether one of its type that was set aside is to be delivered before it. REQUIRES that its message is in memory.
bool Shard::State::is_behind_aside(Subscription& sub, const Entry& entry) {
  if (sub.aside == nullptr || !is_untouched(entry)) return false;
  const auto line = sub.aside->lines().find(TypeLines::name_of(type_of(entry), entry.priority));
  return line != sub.aside->lines().end() && *line->second.positions.begin() < entry.position;
}

/// Its message stays, if it is in memory.
void Shard::State::leave_line(Subscription& sub, Entry& entry) {
  if (entry.line == nullptr) return;
  if (entry.only_for == nullptr) --set_aside_messages;
  sub.aside->remove(*std::exchange(entry.line, nullptr), entry.position);
  sub.aside->bytes -= entry.bytes_aside;
  window_bytes -= entry.bytes_aside;
  entry.bytes_aside = 0;
  if (sub.aside->lines().empty()) sub.aside = nullptr;
}

/// The front of the window, which nobody with room accepts. False: as many are set aside as may be.
bool Shard::State::set_front_aside(Subscription& sub) {
  if (!may_set_aside(sub)) return false;
  const model::PagedMessage front = pop_front(sub);
  Entry& entry = sub.entries[{sub.queue->log, front.offset}];
  entry.position = {sub.queue->log, front.offset};
  entry.interrupted = entry.redelivered = front.offset < sub.recovered_mark && !has_level(sub, *front.message);
  entry.message = front.message;
  entry.priority = front.message->priority;
  if (sub.keys != nullptr) {
    entry.key = sub.keys->front;
    entry.key_known = true;
    if (entry.key) sub.keys->take(entry.key, entry.position);
  }
  set_aside(sub, entry);
  return true;
}

/// One that was held by its key has it now, and nobody with room accepts it.
void Shard::State::set_freed_aside(Subscription& sub, Offset offset) {
  const KeyLocks::Passed freed = sub.keys->take_freed(offset);
  window_bytes -= freed.message->size();
  Entry& entry = entry_of_freed(sub, offset, freed.key);
  entry.interrupted = entry.redelivered = freed.may_have_begun;
  entry.message = freed.message;
  entry.priority = freed.message->priority;
  set_aside(sub, entry);
}

/// Of those that were set aside and have this priority, the first that somebody accepts who has room now.
Granted Shard::State::grant_aside(Subscription& sub, std::uint8_t priority) {
  const TypeLines::Line* line = nullptr;
  Position place;  // of the first in it
  for (const auto& [name, one] : sub.aside->lines()) {
    if (one.priority != priority) continue;
    const auto at = first_in_line(sub, one.positions);
    if (at == one.positions.end() || (line != nullptr && place < *at)) continue;
    const MessageType kind = one.kind();
    const Entry& first = sub.entries.at(*at);
    // Those of certain versions stop nobody, also while who has one has no room for so many bytes.
    const bool size_matters = one.only_for != nullptr && first.message != nullptr;
    if (next_consumer(sub, size_matters ? first.message->size() : kAnything, &kind) == nullptr) continue;
    line = &one;
    place = *at;
  }
  if (line == nullptr) return Granted::nothing;
  Entry& entry = sub.entries.at(place);
  if (drop_if_over(sub, entry)) return Granted::yes;  // as good as: on to the next
  if (entry.suspect) {
    leave_line(sub, entry);
    make_ready(sub, entry);
    pumped_later.insert(sub.queue->subscription);
    return Granted::yes;
  }
  if (entry.message == nullptr) {
    read_line(sub, *line);
    return Granted::no_room;  // it stays the first of its kind
  }
  const MessageType kind = line->kind();
  Consumer* consumer = next_consumer(sub, entry.message->size(), &kind);
  if (consumer == nullptr) return Granted::no_room;
  if (is_untouched(entry) && !entry.has_record && !has_level(entry)) raise_mark(sub, entry.position.offset);
  grant(sub, entry, *consumer, entry.message);
  return Granted::yes;
}

void Shard::State::read_line(Subscription& sub, const TypeLines::Line& line) {
  std::size_t ahead = 0;
  for (auto at = first_in_line(sub, line.positions); at != line.positions.end(); ++at) {
    if (++ahead > kReadAhead) return;
    Entry& entry = sub.entries.at(*at);
    if (entry.message == nullptr) load_one(sub, entry);
  }
}

/// Nobody reads.
void Shard::State::forget_aside_messages(Subscription& sub) {
  if (sub.aside == nullptr) return;
  for (auto& [name, line] : sub.aside->lines()) {
    for (const Position& position : line.positions) {
      Entry& entry = sub.entries.at(position);
      entry.message = nullptr;
      entry.bytes_aside = 0;
    }
  }
  window_bytes -= std::exchange(sub.aside->bytes, 0);
}

/// The first suspect that somebody who is attached accepts, with its message in memory; nullptr: there is none, or it
/// is being read. Those that nobody accepts are set aside.
Entry* Shard::State::next_suspect(Subscription& sub) {
  for (auto first = first_in_line(sub, sub.suspects); first != std::as_const(sub.suspects).end();
       first = first_in_line(sub, sub.suspects)) {
    Entry& entry = sub.entries.at(*first);
    if (entry.message == nullptr) {
      load_one(sub, entry);
      return nullptr;
    }
    if (is_accepted(sub, type_of(entry))) return &entry;
    set_aside(sub, entry);
  }
  return nullptr;
}

/// How many there are that nobody accepts who is attached, and what the first of them is.
void Shard::State::show_unaccepted(const Subscription& sub, model::QueueStats& stats) const {
  if (sub.aside == nullptr) return;
  const TypeLines::Line* first = nullptr;
  for (const auto& [name, line] : sub.aside->lines()) {
    const Position& oldest = *line.positions.begin();
    if (!sub.is_lane(oldest.log)) stats.oldest_ready = std::min(stats.oldest_ready, oldest.offset);
    if (is_accepted(sub, line.kind())) continue;
    stats.unaccepted += line.positions.size();
    if (first == nullptr || *line.positions.begin() < *first->positions.begin()) first = &line;
  }
  stats.aside_full = !may_set_aside(sub);
  if (first == nullptr) return;
  stats.unaccepted_type = first->type;
  stats.unaccepted_schema = first->schema_id;
  if (first->only_for != nullptr) stats.unaccepted_versions = first->only_for->text();
}

}  // namespace lazaret::core
