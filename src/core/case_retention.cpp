// Closed cases go when they have been closed for case_retention, or when there are more than case_retention_count, then
// those that were closed longest ago: with their attempts and versions, and, of those that were discarded, with the
// message. The store lists them by the time when they were closed, and counts them (core/hospital_budget.cpp); what is
// known here is when the first is to go, and how many are too many at least.
//
// A page of the store may be older than what was done here since. What was dropped is passed over (`looked_to`):
// whatever is closed later comes behind it. When some were opened that the store did not know of, nothing of the page
// is believed. And from its count everything is taken off that has stopped being closed in groups that it may not have
// seen, while what has been closed since is not known here: so fewer may be dropped than are too many, until it counts
// again, and never more.
#include <algorithm>
#include <vector>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {

using base::Instant;
using model::ClosedCase;
using model::Offset;
using model::OffsetRange;
namespace limits = model::limits;

namespace {

/// How long a case stays that is one too many.
constexpr base::Duration kAtOnce{1};

/// More closed cases than there can be.
constexpr std::uint64_t kAllClosed = 1ull << 40;

}  // namespace

void Shard::State::case_closed(Subscription& sub) {
  book_of(sub).close(now, group);
  cases_changed(sub);
}

/// So many closed cases are beyond case_retention_count, as far as it is known.
std::uint64_t Shard::State::closed_too_many(const Subscription& sub) {
  const std::uint64_t most = sub.queue->options.case_retention_count;
  if (most == 0 || sub.book == nullptr) return 0;
  const std::uint64_t not_to_go = most + sub.book->uncounted_fewer_closed;
  return sub.book->closed - std::min(sub.book->closed, not_to_go);
}

/// When it is to be looked for closed cases; never() while that is being done, or is of no use yet. What is closed at
/// this very moment stays: others that are would come before it.
Instant Shard::State::retention_ends(const Subscription& sub) const {
  if (sub.book == nullptr || sub.book->looking || sub.book->first_closed == Instant::never()) return Instant::never();
  if (sub.book->opened_in > persisted) return Instant::never();
  return sub.book->first_closed + (closed_too_many(sub) > 0 ? kAtOnce : sub.queue->options.case_retention);
}

void Shard::State::look_for_closed(Subscription& sub) {
  if (sub.deleting || draining || retention_ends(sub) > now) return;
  CaseBook& book = *sub.book;
  std::uint64_t most = limits::kClosedPage;
  const bool for_their_count = book.first_closed + sub.queue->options.case_retention > now;
  if (for_their_count) most = std::min(most, closed_too_many(sub) + 1);  // and the next, for its time
  book.looking = true;
  book.looked_at = persisted;
  out->effects.emplace_back(LoadClosed{sub.queue->subscription, book.looked_to, static_cast<std::size_t>(most)});
}

void Shard::State::on(ClosedLoaded& event) {
  Subscription* sub = find(event.subscription);
  if (sub == nullptr) return drop_orphans(event);
  if (sub->deleting || sub->book == nullptr) return;
  CaseBook& book = *sub->book;
  book.looking = false;
  pumped_later.insert(event.subscription);  // for its next alarm
  if (book.opened_in > book.looked_at) return;
  const base::Duration keep = sub->queue->options.case_retention;
  Instant next = Instant::never();
  for (const ClosedCase& closed : event.cases) {
    const bool is_over = closed.closed_at + keep <= now;
    if (!is_over && (closed_too_many(*sub) == 0 || closed.closed_at + kAtOnce > now)) {
      next = closed.closed_at;
      break;
    }
    drop_closed(*sub, closed);
    book.looked_to = closed;
    if (!event.at_end) next = closed.closed_at;  // there are more behind it
  }
  // What was not on the disk when the store was asked may not be among them.
  const bool later = next == Instant::never() && book.closed_in > book.looked_at;
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
  cases_changed(sub, 0, 1);
}

/// Closed cases of these messages are dropped otherwise: they enter again. Only the store knows how many: until it has
/// counted, none are too many.
void Shard::State::forget_closed(Subscription& sub, OffsetRange range) {
  if (sub.book == nullptr) return;
  const auto is_open = [&](Offset offset) { return sub.admitted.contains(offset) || sub.lane.contains(offset); };
  imported_lately.forget_closed(sub.queue->subscription, range, is_open);
  sub.book->opened_in = group;
  cases_changed(sub, 0, kAllClosed);
  std::vector<Offset> gone;
  sub.book->discarded.for_each_in(range, [&](OffsetRange part) {
    for (Offset offset = part.begin; offset < part.end; offset = offset.next()) gone.push_back(offset);
  });
  for (const Offset offset : gone) sub.book->discarded.erase(offset);
  auto& versions = sub.book->versions;
  for (auto it = versions.lower_bound(range.begin); it != versions.end() && it->first < range.end;) {
    it = is_open(it->first) ? std::next(it) : versions.erase(it);
  }
}

void Shard::State::recover_book(Subscription& sub, const model::RecoveredSubscription& recovered) {
  const bool blank = recovered.discarded.empty() && recovered.edited.empty() && !recovered.first_closed;
  if (blank && recovered.case_sums == model::CaseSums()) return;
  CaseBook& book = book_of(sub);
  book.bytes = recovered.case_sums.bytes;
  book.closed = recovered.case_sums.closed;
  if (level_of(sub) != model::HospitalLevel::below) pumped_later.insert(sub.queue->subscription);  // which is told
  for (const Offset offset : recovered.discarded) book.discarded.insert(offset);
  for (const model::EditedCase& edited : recovered.edited) book.versions.emplace(edited.offset, edited.version);
  if (recovered.first_closed) book.first_closed = *recovered.first_closed;
}

}  // namespace lazaret::core
