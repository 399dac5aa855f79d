#include "admin/desk_wait.h"

namespace lazaret::admin {

using base::Code;
using base::Status;

Status unanswered(const model::Answer& answer) {
  const auto* done = std::get_if<model::Done>(&answer);
  if (done != nullptr && done->status.code() == Code::SHUTTING_DOWN) {
    return Status(Code::OUTCOME_UNKNOWN, "the broker stopped before it answered: whether it was done is not known");
  }
  return Status(Code::INTERNAL, "a shard gave an answer of another kind than what was asked for");
}

Status too_late() {
  return Status(Code::DEADLINE_EXCEEDED, "the broker has not answered in time: what was asked may still be done");
}

}  // namespace lazaret::admin
