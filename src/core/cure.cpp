// What an operator does to a case beside sending it back: edits of its message, its way to another queue, and taking a
// discard back. Every version of a message is kept beside the case; the core knows which is the newest, so that of two
// edits of the same version one is refused.
#include <algorithm>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {

using base::Code;
using base::Status;
namespace limits = model::limits;

Status Shard::State::stale_version(const model::CaseId& id, std::uint32_t is_at, std::uint32_t seen) {
  return Status(Code::STALE_VERSION, "the message of case " + id.to_string() + " is at version " +
                                         std::to_string(is_at) + " by now, not at " + std::to_string(seen));
}

CaseBook& Shard::State::book_of(Subscription& sub) {
  if (sub.book == nullptr) sub.book = std::make_unique<CaseBook>();
  return *sub.book;
}

std::uint32_t Shard::State::version_of(const Subscription& sub, model::Offset offset) {
  return sub.book == nullptr ? 0 : sub.book->version_of(offset);
}

/// An entry of the lane goes.
void Shard::State::drop_edited_copy(Subscription& sub, const Entry& entry) {
  if (!entry.edited) return;
  if (sub.book != nullptr) sub.book->copying.erase(entry.position.offset);
  mutate(model::DropEvacuated{sub.queue->lane, entry.position.offset}, false);
}

/// Why the message, which is at this version, is not edited by who has seen that one, or OK.
Status Shard::State::edit_problem(const model::CaseId& id, std::uint32_t is_at, std::uint32_t seen) {
  if (is_at != seen) return stale_version(id, is_at, seen);
  if (is_at < limits::kCaseVersions) return {};
  return Status(Code::LIMIT_REACHED,
                "the message of case " + id.to_string() + " has been edited " + std::to_string(is_at) + " times")
      .with_limit("versions", limits::kCaseVersions);
}

void Shard::State::put_edit(model::EditCaseCommand& command, std::uint32_t version) {
  model::CaseEdit edit{version, now, std::move(command.by), std::move(command.note)};
  mutate(model::EditCase{command.id, std::move(edit), std::move(command.message)}, true);
}

void Shard::State::on(model::EditCaseCommand& command) {
  Subscription* sub = find(command.id.subscription);
  if (sub == nullptr) return edit_orphan(command);
  model::CaseDone answer{command.origin.request, treatment_problem(command.id, sub), command.id, 0};
  if (answer.status.ok() && sub->feeder != nullptr) {
    answer.status = Status(Code::BAD_REQUEST, "the message of case " + command.id.to_string() +
                                                  " could not be read to be handed over: it can only be discarded");
  }
  if (answer.status.ok()) {
    answer.version = version_of(*sub, command.id.offset);
    answer.status = edit_problem(command.id, answer.version, command.version);
  }
  if (answer.status.ok()) {
    answer.version = ++book_of(*sub).versions[command.id.offset];
    case_tokens.touched(command.id);
    cases_changed(*sub, command.message->size());
    put_edit(command, answer.version);
  }
  tell(command.origin.session, std::move(answer));
}

void Shard::State::on(model::RestoreCaseCommand& command) {
  const model::CaseId& id = command.id;
  Subscription* sub = find(id.subscription);
  if (sub == nullptr) return restore_orphan(command);
  model::CaseDone answer{command.origin.request, treatment_problem(id, sub), id, 0};
  if (answer.status.ok()) {
    answer.status = Status(Code::CASE_BUSY, "case " + id.to_string() + " is not discarded, but admitted");
  } else if (sub != nullptr && sub->book != nullptr && sub->book->discarded.erase(id.offset)) {
    answer.status = {};
    answer.version = version_of(*sub, id.offset);
    sub->book->opened_in = group;
    cases_changed(*sub, 0, 1);
    sub->admitted.insert(id.offset);
    ++sub->counters.entered;
    ++sub->counters.in_hospital;
    if (sub->keys != nullptr) {
      sub->keys->open_case(id.offset, command.key, command.holds_key);
      hold_key(*sub, command.key);
    }
    orphans.remember(id, OrphanCases::State::admitted);
    mutate(model::RestoreCase{id, now, std::move(command.by)}, true);
    touch(*sub);
  } else if (answer.status.code() == Code::NOT_FOUND) {
    answer.status = Status(Code::NOT_FOUND, "there is no discarded case " + id.to_string());
  }
  tell(command.origin.session, std::move(answer));
}

void Shard::State::on(model::RedirectCaseCommand& command) {
  Subscription* sub = find(command.id.subscription);
  if (sub == nullptr) return redirect_orphan(command);
  model::CaseDone answer{command.origin.request, treatment_problem(command.id, sub), command.id, 0};
  if (answer.status.ok()) {
    answer.version = version_of(*sub, command.id.offset);
    answer.status = redirection_problem(*sub, command);
  }
  if (answer.status.ok()) {
    sub->admitted.erase(command.id.offset);
    case_tokens.touched(command.id);
    --sub->counters.in_hospital;
    ++sub->counters.redirected;
    const bool evacuated = drop_copy(*sub->log, command.id.offset);
    orphans.remember(command.id, OrphanCases::State::discharged);
    mutate(model::RedirectCase{command.id, now, command.to, evacuated, command.job, std::move(command.by)}, true);
    case_closed(*sub);
    publish_along(*command.outgoing);
    if (sub->keys != nullptr) close_case_of_key(*sub, command.id.offset);
    touch(*sub);
  }
  tell(command.origin.session, std::move(answer));
}

Status Shard::State::redirection_problem(Subscription& sub, const model::RedirectCaseCommand& command) {
  const std::uint32_t version = version_of(sub, command.id.offset);
  if (version != command.version) return stale_version(command.id, version, command.version);
  if (command.job && relapses.length(command.id, command.attempts) != command.attempts) {
    return Status(Code::CASE_BUSY, "case " + command.id.to_string() + " was replayed meanwhile");
  }
  const PendingRequest* request = command.force ? nullptr : request_at(sub, command.id.offset);
  if (request != nullptr && has_reply(*request)) {
    return Status(Code::ALREADY_ANSWERED, "the request of case " + command.id.to_string() +
                                              " was answered meanwhile; replay it with force all the same");
  }
  const Code problem = outgoing_problem(*command.outgoing);
  if (problem == Code::RESOURCE_EXHAUSTED && refuse_publishes) return disk_is_short();
  if (problem == Code::NOT_FOUND) return Status(problem, command.to + " is gone");
  return problem == Code::OK ? Status() : Status(problem);
}

}  // namespace lazaret::core
