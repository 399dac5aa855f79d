// The byte budget of a hospital: what the cases of a subscription keep of messages, against its hospital_max_bytes.
// While it is full nothing is granted but replays, which is how people get below it; nothing is dropped, and what is
// out already, or is past its time, becomes a case all the same.
//
// The store counts the bytes, in the writes that change cases: it alone knows how large a message is that nobody has in
// memory. What it counts is asked for when such a group is durable; until the answer is there, what has come since is
// added as far as its size is known here, so that only what was out goes beyond. Nothing but that number and the option
// decides, so a restart finds what was there, and there is nothing to forget. How many cases are closed is counted with
// the bytes (core/case_retention.cpp).
#include <chrono>
#include <utility>

#include "core/shard_state.h"

namespace lazaret::core {

using base::Code;
using base::Status;
using model::HospitalLevel;

/// With this group its cases keep something else: so many bytes more, as far as that is known, and so many of those
/// that were closed are not.
void Shard::State::cases_changed(Subscription& sub, std::uint64_t more_bytes, std::uint64_t fewer_closed) {
  CaseBook& book = book_of(sub);
  book.changed_in = group;
  if (more_bytes > 0 || fewer_closed > 0) {
    if (book.uncounted.empty() || book.uncounted.back().group != group) book.uncounted.push_back({group, 0, 0});
    book.uncounted.back().more_bytes += more_bytes;
    book.uncounted.back().fewer_closed += fewer_closed;
    book.uncounted_bytes += more_bytes;
    book.uncounted_fewer_closed += fewer_closed;
  }
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
  CaseBook& book = *sub->book;
  book.counting = false;
  book.bytes = event.sums.bytes;
  book.closed = event.sums.closed;
  for (; !book.uncounted.empty() && book.uncounted.front().group <= book.counted_to; book.uncounted.pop_front()) {
    book.uncounted_bytes -= book.uncounted.front().more_bytes;
    book.uncounted_fewer_closed -= book.uncounted.front().fewer_closed;
  }
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
  if (sub.book == nullptr || sub.feeder != nullptr) return false;
  const std::uint64_t bytes = sub.book->bytes + sub.book->uncounted_bytes;
  return model::hospital_level(bytes, sub.queue->options.hospital_max_bytes) == HospitalLevel::full;
}

/// Tells whoever watches when it is another one.
void Shard::State::note_level(Subscription& sub) {
  if (sub.book == nullptr) return;
  announce_level(sub, level_of(sub));
  if (asks_for_keys_at(sub) <= now) ask_for_keys(sub);
}

/// Keys are had by what cannot be granted any more, and waited for by replays, which can.
void Shard::State::ask_for_keys(Subscription& sub) {
  sub.book->asks_for_keys = false;
  sub.book->asked_for_keys = now;
  for (const model::KeyHash key : sub.keys->keys_waited_for()) ask_for_key(sub, key);
}

/// A level that goes to and fro, with each case, has all of them asked for once a second.
base::Instant Shard::State::asks_for_keys_at(const Subscription& sub) {
  const bool asks = sub.book != nullptr && sub.book->asks_for_keys && sub.keys != nullptr;
  return asks ? sub.book->asked_for_keys + std::chrono::seconds(1) : base::Instant::never();
}

void Shard::State::announce_level(Subscription& sub, HospitalLevel level) {
  const HospitalLevel before = std::exchange(sub.book->level, level);
  if (before == level) return;
  if (level == HospitalLevel::full) sub.book->asks_for_keys = true;
  out->effects.emplace_back(HospitalLevelChanged{sub.queue, before, level, sub.book->bytes});
}

/// It goes.
void Shard::State::leave_level(Subscription& sub) {
  if (sub.book != nullptr) announce_level(sub, HospitalLevel::below);
}

/// Why nothing more can be imported, or OK.
Status Shard::State::hospital_is_full(const Subscription& sub) {
  if (!is_for_replays(sub)) return {};
  const std::uint64_t most = sub.queue->options.hospital_max_bytes;
  const std::uint64_t bytes = sub.book->bytes + sub.book->uncounted_bytes;
  return Status(Code::RESOURCE_EXHAUSTED, "the hospital of " + sub.queue->name + " is full: its cases keep " +
                                              std::to_string(bytes) + " bytes of messages")
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
