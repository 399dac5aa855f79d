// Cases of another broker that are brought here, one command each: the message in the log of its subscription, settled
// there where it stands, its attempts and its case, in one write. Nobody is delivered it before somebody replays the
// case.
//
// The log may be a topic's, which others read too. It is nothing to them: for all that read it now it is settled as
// what a filter does not take, in the same write, so that it is never seen as work of theirs. Whoever comes later, or
// is moved back, meets it all the same. So the message says that it was imported, and by way of the log nobody is given
// such a one: it is passed over there (core/filtering.cpp).
//
// Which were brought already the store knows (its record says which case it was), and whoever asks has looked there;
// what was brought since that look is known here. So a file that is sent again brings nothing twice.
#include <algorithm>

#include "core/shard_state.h"

namespace lazaret::core {

using base::Code;
using base::Status;
using model::Offset;

/// A feeder's cases are those of messages that it could not read, and none that could come from elsewhere.
Status Shard::State::import_problem(const Subscription* sub) const {
  if (sub == nullptr || sub->deleting || sub->feeder != nullptr) {
    return Status(Code::NOT_FOUND, "the queue or subscription was deleted");
  }
  return refuse_publishes ? disk_is_short() : Status();
}

void Shard::State::on(model::ImportCaseCommand& command) {
  Subscription* sub = find(command.subscription);
  model::CaseDone answer{command.origin.request, import_problem(sub), {}, 0};
  if (answer.status.ok()) {
    answer.id = {config.shard, sub->queue->subscription, sub->queue->log, sub->log->state.next};
    if (const auto known = imported_lately.find(command.subscription, command.what->origin)) {
      answer.id.offset = *known;
      answer.known = true;
    } else if (answer.status = hospital_is_full(*sub); answer.status.ok()) {
      imported_lately.remember(command.subscription, command.what->origin, answer.id.offset);
      import_case(*sub, answer.id, *command.what);
    }
  }
  tell(command.origin.session, std::move(answer));
}

/// All readers of the log are done with it before they are told of it.
void Shard::State::settle_for_others(const Subscription& its, Offset offset) {
  for (Subscription* sub : its.log->readers) {
    if (sub->window_next == offset && !sub->loading_window) sub->window_next = offset.next();
    if (sub != &its && !sub->deleting) filter_out(*sub, offset);
  }
}

void Shard::State::import_case(Subscription& sub, const model::CaseId& id, const model::ImportedCase& what) {
  Log& log = *sub.log;
  put_changed_log(log);
  // It is past all times that it had, and goes by its priority only when it is replayed. Where it was published it was
  // another broker's: here it stands in this log.
  auto message = std::make_shared<model::Message>(*what.message);
  message->due = message->expires_at = {};
  message->source = {};
  message->priority = 0;
  message->imported = true;
  message->imported_at = now;
  const std::size_t bytes = message->size();
  Arrivals stored;
  take_in(log, message, stored);
  message->published_at = what.message->published_at.us == 0 ? now : std::min(what.message->published_at, now);
  settle_for_others(sub, id.offset);
  sub.acked.settle(id.offset);
  sub.admitted.insert(id.offset);
  ++sub.counters.in_hospital;
  left(sub, bytes);
  append(log, id.offset, std::move(stored));

  model::ImportCase import;
  model::CaseRecord& record = import.record;
  record.id = id;
  record.subscription = sub.queue->name;
  record.source = sub.queue->source();
  record.reason = what.reason;
  record.origin = what.origin;
  record.attempt_count = static_cast<std::uint32_t>(what.attempts.size());
  record.failure_count =
      static_cast<std::uint32_t>(std::count_if(what.attempts.begin(), what.attempts.end(), model::counts));
  record.last_error = {what.last_error.type, what.last_error.message, ""};
  record.error_frames = what.error_frames;
  record.consumer_name = what.consumer_name;
  record.consumer_version = what.consumer_version;
  record.history = what.history;
  record.history_left_out = what.history_left_out;
  record.admitted_at = now;
  record.first_admitted_at = std::min(what.origin.admitted_at, now);
  if (sub.keys != nullptr) {
    record.key = key_of(*message);
    sub.keys->open_case(id.offset, record.key, false);  // what was published here before goes on
  }
  import.message = what.message;
  import.attempts = what.attempts;
  mutate(std::move(import), true);
  cases_changed(sub, bytes);
}

}  // namespace lazaret::core
