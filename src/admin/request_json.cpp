#include "admin/request_json.h"

#include "admin/json_text.h"
#include "base/duration_text.h"

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
