// Cases of queues and subscriptions that were deleted. They are in the store alone: nothing is counted for them here,
// and they are in nobody's budget. So whoever asks has looked there, and what others have asked since is known here
// (core/orphan_cases.h). They can be edited, discarded, restored and sent elsewhere, and have no queue of their own to
// be replayed to.
//
// A discarded one keeps its message, as any does, until it has been closed for kOrphanRetention; then all of a closed
// one goes. The store lists them by the time when they were closed, and they are looked for as those of a subscription
// are (core/case_retention.cpp), but by their time alone.
#include <algorithm>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {

using base::Code;
using base::Instant;
using base::Status;
namespace limits = model::limits;

namespace {

/// Of one whose log was made with its subscription no other subscription has a case. Ids rise, and a topic is there
/// before whoever reads it.
bool has_own_log(const model::CaseId& id) { return id.log.value > id.subscription.value; }

Status closed_meanwhile(const model::CaseId& id) {
  return Status(Code::CASE_BUSY, "case " + id.to_string() + " was closed meanwhile");
}

}  // namespace

/// A topic that is still there keeps what it keeps, and of one that is gone another's case may have the same message.
bool Shard::State::is_last_of_message(const model::CaseId& id) { return has_own_log(id) && find(id.log) == nullptr; }

void Shard::State::discard_orphan(model::DiscardCaseCommand& command) {
  const model::CaseId& id = command.id;
  model::CaseDone answer{command.origin.request, {}, id, 0};
  const OrphanCases::State known = orphans.state_of(id);
  if (known == OrphanCases::State::discharged) {
    answer.status = closed_meanwhile(id);
  } else if (known != OrphanCases::State::discarded) {
    orphans.remember(id, OrphanCases::State::discarded);
    orphan_closed(id.subscription);
    mutate(model::DiscardCase{id, now, std::move(command.reason), false, std::move(command.by)}, true);
  }
  tell(command.origin.session, std::move(answer));
}

/// One that has been closed for long is gone, or just going.
void Shard::State::restore_orphan(model::RestoreCaseCommand& command) {
  const model::CaseId& id = command.id;
  model::CaseDone answer{command.origin.request, {}, id, 0};
  answer.version = orphans.version_of(id).value_or(0);
  const OrphanCases::State known = orphans.state_of(id);
  if (known == OrphanCases::State::admitted) {
    answer.status = Status(Code::CASE_BUSY, "case " + id.to_string() + " is not discarded, but admitted");
  } else if (known == OrphanCases::State::discharged || command.closed_at + limits::kOrphanRetention <= now) {
    answer.status = Status(Code::NOT_FOUND, "there is no discarded case " + id.to_string());
  } else {
    orphans.remember(id, OrphanCases::State::admitted);
    if (const auto book = orphan_books.find(id.subscription); book != orphan_books.end()) {
      book->second.opened_in = group;
    }
    mutate(model::RestoreCase{id, now, std::move(command.by)}, true);
  }
  tell(command.origin.session, std::move(answer));
}

void Shard::State::edit_orphan(model::EditCaseCommand& command) {
  const model::CaseId& id = command.id;
  model::CaseDone answer{command.origin.request, {}, id, 0};
  const OrphanCases::State known = orphans.state_of(id);
  answer.version = orphans.version_of(id).value_or(command.version);
  if (known == OrphanCases::State::discarded || known == OrphanCases::State::discharged) {
    answer.status = Status(Code::NOT_FOUND, "there is no open case " + id.to_string());
  } else {
    answer.status = edit_problem(id, answer.version, command.version);
  }
  if (answer.status.ok()) {
    orphans.remember(id, ++answer.version);
    put_edit(command, answer.version);
  }
  tell(command.origin.session, std::move(answer));
}

void Shard::State::redirect_orphan(model::RedirectCaseCommand& command) {
  const model::CaseId& id = command.id;
  model::CaseDone answer{command.origin.request, {}, id, 0};
  answer.version = orphans.version_of(id).value_or(command.version);
  const OrphanCases::State known = orphans.state_of(id);
  const Code problem = outgoing_problem(*command.outgoing);
  if (known == OrphanCases::State::discarded || known == OrphanCases::State::discharged) {
    answer.status = closed_meanwhile(id);
  } else if (answer.version != command.version) {
    answer.status = stale_version(id, answer.version, command.version);
  } else if (problem != Code::OK) {
    answer.status = problem == Code::NOT_FOUND ? Status(problem, command.to + " is gone") : Status(problem);
  } else {
    orphans.remember(id, OrphanCases::State::discharged);
    orphan_closed(id.subscription);
    mutate(model::RedirectCase{id, now, command.to, is_last_of_message(id), command.job, std::move(command.by)}, true);
    publish_along(*command.outgoing);
  }
  tell(command.origin.session, std::move(answer));
}

// --- How long closed ones are kept ----------------------------------------------------------------------------------

/// What is known of its cases goes on to be: which is the newest version of a message, and when the first of the closed
/// ones has to go.
void Shard::State::leave_orphans(const Subscription& sub) {
  if (sub.book == nullptr) return;
  const model::SubscriptionId id = sub.queue->subscription;
  for (const auto& [offset, version] : sub.book->versions) {
    orphans.remember({config.shard, id, sub.queue->log, offset}, version);
  }
  if (sub.book->first_closed != Instant::never()) keep_orphans_from(id, sub.book->first_closed);
}

/// One of them has been closed then, and none longer.
void Shard::State::keep_orphans_from(model::SubscriptionId subscription, Instant first_closed) {
  OrphanBook& book = orphan_books[subscription];
  book.first_closed = first_closed;
  look_for_orphans_at(subscription, book, first_closed + limits::kOrphanRetention);
}

void Shard::State::orphan_closed(model::SubscriptionId subscription) {
  OrphanBook& book = orphan_books[subscription];
  const bool is_first = book.first_closed == Instant::never();
  book.close(now, group);
  if (is_first && !book.looking) look_for_orphans_at(subscription, book, now + limits::kOrphanRetention);
}

void Shard::State::look_for_orphans_at(model::SubscriptionId subscription, OrphanBook& book, Instant at) {
  orphan_alarms.erase({book.alarm, subscription});
  book.alarm = at;
  orphan_alarms.emplace(at, subscription);
}

/// Of all subscriptions whose time has come.
void Shard::State::look_for_orphans() {
  while (!orphan_alarms.empty() && orphan_alarms.begin()->first <= now) {
    const model::SubscriptionId subscription = orphan_alarms.begin()->second;
    orphan_alarms.erase(orphan_alarms.begin());
    OrphanBook& book = orphan_books.at(subscription);
    book.alarm = Instant::never();
    if (draining) continue;
    book.looking = true;
    book.looked_at = persisted;
    out->effects.emplace_back(LoadClosed{subscription, book.looked_to, limits::kClosedPage});
  }
}

/// As for those of a subscription (core/case_retention.cpp): of what was opened since the store was asked nothing goes.
void Shard::State::drop_orphans(const ClosedLoaded& event) {
  const auto found = orphan_books.find(event.subscription);
  if (found == orphan_books.end() || !found->second.looking) return;
  OrphanBook& book = found->second;
  book.looking = false;
  if (book.opened_in > book.looked_at) {
    return look_for_orphans_at(event.subscription, book, now + limits::kSweepEvery);
  }
  Instant next = Instant::never();
  for (const model::ClosedCase& closed : event.cases) {
    if (closed.closed_at + limits::kOrphanRetention > now) {
      next = closed.closed_at;
      break;
    }
    const model::CaseId id{config.shard, event.subscription, closed.log, closed.offset};
    mutate(model::DropCase{id, closed.closed_at, false, is_last_of_message(id)}, false);
    book.looked_to = closed;
    if (!event.at_end) next = closed.closed_at;  // there are more behind it
  }
  // What was not on the disk when the store was asked may not be among them.
  if (next == Instant::never() && book.closed_in > book.looked_at) next = book.last_closed;
  if (next == Instant::never()) {
    orphan_books.erase(found);
    return;
  }
  book.first_closed = next;
  look_for_orphans_at(event.subscription, book, next + limits::kOrphanRetention);
}

}  // namespace lazaret::core
