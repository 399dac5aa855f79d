// The byte budget of a hospital: what the cases of a subscription keep of messages, against its hospital_max_bytes.
// While it is full nothing is granted but replays, which is how people get below it; nothing is dropped, and what is
// out already, or is past its time, becomes a case all the same.
//
// The store counts the bytes, in the writes that change cases: it alone knows how large a message is that nobody has in
// memory. What it counts is asked for when such a group is durable; the core judges by that number and the option alone,
// so a restart finds what was there, and there is nothing to forget. It is behind by a write and a read: where the
// budget is nearly used it waits for them before it grants anything new, so that only what is out goes beyond.
#include <utility>

#include "core/shard_state.h"

namespace lazaret::core {

using base::Code;
using base::Status;
using model::HospitalLevel;

/// With this group its cases keep more, or less.
void Shard::State::cases_changed(Subscription& sub) {
  book_of(sub).changed_in = group;
  touch(sub);
}

/// If the store may count something else than is known here.
void Shard::State::count_hospital(Subscription& sub) {
  CaseBook& book = *sub.book;
  const bool changed = book.changed_in > book.counted_to && persisted > book.counted_to;
  if (book.counting || !changed || sub.deleting || draining) return;
  book.counting = true;
  book.counted_to = persisted;
  out->effects.emplace_back(CountHospital{sub.queue->subscription});
}

void Shard::State::on(HospitalCounted& event) {
  Subscription* sub = find(event.subscription);
  if (sub == nullptr || sub->deleting || sub->book == nullptr) return;
  sub->book->counting = false;
  sub->book->bytes = event.bytes;
  count_hospital(*sub);
  pumped_later.insert(event.subscription);
}

/// A feeder has none: what cannot be read there is its subscription's to look at, and all that it has of cases.
HospitalLevel Shard::State::level_of(const Subscription& sub) {
  if (sub.book == nullptr || sub.feeder != nullptr) return HospitalLevel::below;
  return model::hospital_level(sub.book->bytes, sub.queue->options.hospital_max_bytes);
}

/// Whether nothing may be granted but replays.
bool Shard::State::is_for_replays(const Subscription& sub) {
  const HospitalLevel level = level_of(sub);
  if (level != HospitalLevel::filling) return level == HospitalLevel::full;
  return sub.book->counting || sub.book->changed_in > sub.book->counted_to;
}

/// Tells whoever watches when it is another one.
void Shard::State::note_level(Subscription& sub) {
  if (sub.book != nullptr) announce_level(sub, level_of(sub));
}

void Shard::State::announce_level(Subscription& sub, HospitalLevel level) {
  const HospitalLevel before = std::exchange(sub.book->level, level);
  if (before == level) return;
  out->effects.emplace_back(HospitalLevelChanged{sub.queue, before, level, sub.book->bytes});
}

/// It goes.
void Shard::State::leave_level(Subscription& sub) {
  if (sub.book != nullptr) announce_level(sub, HospitalLevel::below);
}

/// Why nothing more can be imported, or OK.
Status Shard::State::hospital_is_full(const Subscription& sub) {
  if (level_of(sub) != HospitalLevel::full) return {};
  const std::uint64_t most = sub.queue->options.hospital_max_bytes;
  return Status(Code::RESOURCE_EXHAUSTED, "the hospital of " + sub.queue->name + " is full: its cases keep " +
                                              std::to_string(sub.book->bytes) + " bytes of messages")
      .with_limit("hospital_max_bytes", static_cast<std::int64_t>(most));
}

/// The first in line that may go.
ReadyLine::const_iterator Shard::State::first_in_line(const Subscription& sub, const ReadyLine& line) {
  if (!is_for_replays(sub)) return line.begin();
  const auto first = line.lower_bound(Position{sub.queue->lane, model::Offset()});
  return first != line.end() && sub.is_lane(first->log) ? first : line.end();
}

/// As grant_next, of what is being replayed only.
bool Shard::State::grant_replay(Subscription& sub) {
  for (int priority = model::kHighestPriority; priority >= 0; --priority) {
    if (sub.aside != nullptr) {
      const Granted aside = grant_aside(sub, static_cast<std::uint8_t>(priority));
      if (aside != Granted::nothing) return aside == Granted::yes;
    }
    if (priority > 0 && sub.levels == nullptr) continue;
    const ReadyLine& retries =
        priority == 0 ? sub.retries : sub.levels->at(static_cast<std::uint8_t>(priority)).retries;
    const Position behind{model::LogId(sub.queue->lane.value + 1), model::Offset()};
    std::size_t looked_at = 0;
    const auto granted = grant_from(sub, retries, first_in_line(sub, retries), behind, looked_at, false);
    if (granted && *granted != Granted::nothing) return *granted == Granted::yes;
  }
  return false;
}

}  // namespace lazaret::core
