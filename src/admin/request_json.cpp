#include "admin/request_json.h"

#include "admin/json_text.h"
#include "base/duration_text.h"
#include "model/limits.h"

namespace lazaret::admin {

using base::Code;
using base::Result;
using base::Status;

namespace {

Status deadline_needed(base::Duration most) {
  return Status(Code::BAD_REQUEST,
                "deadline: of a request it is a duration such as 5s, from 1ms to " + base::format_duration(most));
}

}  // namespace

Result<std::optional<base::Duration>> read_deadline(const json::object& object, base::Duration most) {
  const auto text = text_field(object, "deadline");
  if (!text.ok()) return text.status();
  if (text->empty()) return std::optional<base::Duration>();
  const auto deadline = base::parse_duration(*text);
  if (!deadline.ok()) return Status(Code::BAD_REQUEST, "deadline: " + deadline.status().text());
  if (*deadline < std::chrono::milliseconds(1) || *deadline > most) return deadline_needed(most);
  return std::optional(*deadline);
}

Status check_untimed(const NewMessage& message) {
  if (message.times == model::AskedTimes{}) return {};
  return Status(Code::BAD_REQUEST, "a request has a deadline, and neither a delay nor a time to live");
}

Result<NewRequest> read_request_json(std::string_view text) {
  auto object = parse_message_object(text);
  if (!object.ok()) return object.status();
  const auto deadline = read_deadline(*object, kRequestDeadlineMost);
  if (!deadline.ok()) return deadline.status();
  if (!deadline->has_value()) return deadline_needed(kRequestDeadlineMost);
  object->erase("deadline");
  auto message = read_message_object(*object);
  if (!message.ok()) return message.status();
  LZ_RETURN_IF_ERROR(check_untimed(*message));
  return NewRequest{std::move(*message), **deadline};
}

namespace {

/// Of an answer that is no: the reason, and nothing else.
Result<NewAnswer> read_decline(const json::object& object) {
  if (object.size() > 1) return Status(Code::BAD_REQUEST, "decline: with it there is no message, and no progress");
  auto reason = text_field(object, "decline");
  if (!reason.ok()) return reason.status();
  if (reason->size() > model::limits::kReasonBytes) {
    return Status(Code::BAD_REQUEST,
                  "decline: a reason has at most " + std::to_string(model::limits::kReasonBytes) + " bytes");
  }
  NewAnswer answer;
  answer.decline = std::move(*reason);
  return answer;
}

}  // namespace

Result<NewAnswer> read_answer_json(std::string_view text) {
  auto object = parse_object(text);
  if (!object.ok()) return object.status();
  if (object->contains("decline")) return read_decline(*object);
  NewAnswer answer;
  if (const json::value* progress = object->if_contains("progress"); progress != nullptr) {
    if (!progress->is_bool()) return Status(Code::BAD_REQUEST, "progress must be true or false");
    answer.progress = progress->get_bool();
    object->erase("progress");
  }
  auto message = read_message_object(*object);
  if (!message.ok()) return message.status();
  answer.message = std::move(*message);
  if (answer.message.times == model::AskedTimes{}) return answer;
  return Status(Code::BAD_REQUEST, "an answer has neither a delay nor a time to live");
}

json::object reply_json(const model::MessageId& request, const model::Replied& reply, const Mask& mask) {
  using model::RequestOutcome;
  const bool timed_out = reply.outcome == RequestOutcome::timed_out;
  json::object out{{"request", request.to_string()},
                   {"status", model::name_of(reply.outcome)},
                   {"reached", timed_out ? json::value(model::name_of(reply.reached)) : json::value(nullptr)},
                   {"late", reply.late},
                   {"reason", text_or_null(reply.reason)},
                   {"case_id", reply.case_id ? json::value(reply.case_id->to_string()) : json::value(nullptr)}};
  if (reply.outcome != RequestOutcome::answered) return out;
  json::object message = message_json({{}, {}, reply.message}, mask);
  // It has no place on any queue.
  for (const char* of_its_place : {"source", "offset", "attempt", "redelivered"}) message.erase(of_its_place);
  for (auto& [name, value] : message) out[name] = std::move(value);
  return out;
}

}  // namespace lazaret::admin
