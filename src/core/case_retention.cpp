// Closed cases go when they have been closed for case_retention, with their attempts and versions, and, of those that
// were discarded, with the message. The store lists them by the time when they were closed; what is known here is when
// the first is to go.
#include <algorithm>
#include <utility>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {

using base::Instant;
using model::ClosedCase;
using model::Offset;
using model::OffsetRange;
namespace limits = model::limits;

void Shard::State::case_closed(Subscription& sub) {
  book_of(sub).closed(now);
  cases_changed(sub);
}

/// When it is to be looked for closed cases; never() while that is being done.
Instant Shard::State::retention_ends(const Subscription& sub) {
  if (sub.book == nullptr || sub.book->looking || sub.book->first_closed == Instant::never()) return Instant::never();
  return sub.book->first_closed + sub.queue->options.case_retention;
}

void Shard::State::look_for_closed(Subscription& sub) {
  if (sub.deleting || draining || retention_ends(sub) > now) return;
  sub.book->looking = true;
  out->effects.emplace_back(LoadClosed{sub.queue->subscription, sub.book->looked_to, limits::kClosedPage});
}

void Shard::State::on(ClosedLoaded& event) {
  Subscription* sub = find(event.subscription);
  if (sub == nullptr || sub->deleting || sub->book == nullptr) return;
  CaseBook& book = *sub->book;
  book.looking = false;
  pumped_later.insert(event.subscription);  // for its next alarm
  if (std::exchange(book.again, false)) return;
  const base::Duration keep = sub->queue->options.case_retention;
  Instant next = Instant::never();
  for (const ClosedCase& closed : event.cases) {
    if (closed.closed_at + keep > now) {
      next = closed.closed_at;
      break;
    }
    drop_closed(*sub, closed);
    book.looked_to = closed;
    if (!event.at_end) next = closed.closed_at;  // there are more behind it
  }
  // What has been closed since the store was asked is not among them.
  const bool later = next == Instant::never() && book.last_closed + keep > now;
  book.first_closed = later ? book.last_closed : next;
}

/// Unless it is open again.
void Shard::State::drop_closed(Subscription& sub, const ClosedCase& closed) {
  const Offset offset = closed.offset;
  const bool is_open = sub.admitted.contains(offset) || sub.lane.contains(offset);
  if (is_open || closed.log != sub.queue->log) return;
  sub.book->versions.erase(offset);
  sub.book->discarded.erase(offset);
  const bool evacuated = drop_copy(*sub.log, offset);
  const model::CaseId id{config.shard, sub.queue->subscription, sub.queue->log, offset};
  imported_lately.forget(sub.queue->subscription, offset);
  mutate(model::DropCase{id, closed.closed_at, evacuated}, false);
  cases_changed(sub);
}

/// Closed cases of these messages are dropped otherwise: they enter again.
void Shard::State::forget_closed(Subscription& sub, OffsetRange range) {
  if (sub.book == nullptr) return;
  sub.book->again = sub.book->looking;
  std::vector<Offset> gone;
  sub.book->discarded.for_each_in(range, [&](OffsetRange part) {
    for (Offset offset = part.begin; offset < part.end; offset = offset.next()) gone.push_back(offset);
  });
  for (const Offset offset : gone) sub.book->discarded.erase(offset);
  auto& versions = sub.book->versions;
  for (auto it = versions.lower_bound(range.begin); it != versions.end() && it->first < range.end;) {
    const bool is_open = sub.admitted.contains(it->first) || sub.lane.contains(it->first);
    it = is_open ? std::next(it) : versions.erase(it);
  }
}

void Shard::State::recover_book(Subscription& sub, const model::RecoveredSubscription& recovered) {
  const bool blank = recovered.discarded.empty() && recovered.edited.empty() && !recovered.first_closed;
  if (blank && recovered.case_bytes == 0) return;
  CaseBook& book = book_of(sub);
  book.bytes = recovered.case_bytes;
  if (level_of(sub) != model::HospitalLevel::below) pumped_later.insert(sub.queue->subscription);  // which is told
  for (const Offset offset : recovered.discarded) book.discarded.insert(offset);
  for (const model::EditedCase& edited : recovered.edited) book.versions.emplace(edited.offset, edited.version);
  if (recovered.first_closed) book.first_closed = *recovered.first_closed;
}

}  // namespace lazaret::core
