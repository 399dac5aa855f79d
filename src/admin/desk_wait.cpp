#include "admin/desk_wait.h"

#include "model/limits.h"

namespace lazaret::admin {

using base::Code;
using base::Status;

std::size_t bytes_of(const model::Outgoing& outgoing) {
  std::size_t bytes = outgoing.item ? outgoing.item->reply_to->size() : 0;
  for (const model::Outgoing::To& to : outgoing.to) {
    for (const auto& message : to.messages) bytes += model::limits::kCommandBytes + message->size();
    for (const model::AskedAlong& one : to.asks) bytes += one.reply_to->size();
  }
  return bytes;
}

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
