// What the core does for replay jobs: it recalls cases, and has the records of jobs written. Who drives them is
// src/hospital.
#include <utility>

#include "core/shard_state.h"

namespace lazaret::core {

using base::Code;
using base::Status;

void Shard::State::on(model::RecallCaseCommand& command) {
  Subscription* sub = find(command.id.subscription);
  if (sub != nullptr && (sub->deleting || sub->queue->log != command.id.log)) sub = nullptr;
  model::CaseDone answer{command.origin.request, {}, command.id, 0};
  const auto place = sub == nullptr ? std::map<model::Offset, model::Offset>::const_iterator()
                                    : std::as_const(sub->lane).find(command.id.offset);
  if (sub == nullptr || place == std::as_const(sub->lane).end()) {
    answer.status = Status(Code::NOT_FOUND, "case " + command.id.to_string() + " is not being replayed");
    return tell(command.origin.session, std::move(answer));
  }
  answer.lane_offset = place->second.value;
  Entry& entry = sub->entries.at({sub->queue->lane, place->second});
  if (entry.state == model::DeliveryState::granted) {
    answer.status = Status(Code::CASE_BUSY, "case " + command.id.to_string() + " is with a consumer");
  } else {
    return_to_case(*sub, entry, "", command.job);
  }
  tell(command.origin.session, std::move(answer));
}

void Shard::State::on(model::SaveReplayJob& command) {
  mutate(model::PutReplayJob{std::move(command.change)}, true);
  done(command.origin, {});
}

void Shard::State::on(model::ForgetReplayJob& command) {
  mutate(model::DropReplayJob{command.job}, true);
  done(command.origin, {});
}

}  // namespace lazaret::core
