#include "admin/problem.h"

#include "admin/json_text.h"
#include "base/text_encoding.h"

namespace lazaret::admin {

json::object problem_json(const base::Status& status) {
  const base::ErrorInfo& info = base::error_info(status.code());
  json::object problem{
      {"type", "urn:lazaret:error:" + std::string(info.name)},
      {"title", info.sentence},
      {"status", info.http},
      {"detail", base::to_utf8(status.text())},
      {"code", info.name},
      {"fault", base::to_string(info.fault)},
      {"retry", base::to_string(info.retry)},
  };
  if (status.retry_after_ms() > 0) problem["retry_after_ms"] = status.retry_after_ms();
  if (!status.limit().empty()) {
    problem["limit"] = status.limit();
    problem["value"] = status.limit_value();
  }
  return problem;
}

Response problem(const base::Status& status) {
  Response response = json_response(base::error_info(status.code()).http, problem_json(status));
  response.content_type = "application/problem+json";
  response.code = base::error_info(status.code()).name;
  if (status.retry_after_ms() > 0) {
    response.headers.emplace_back("Retry-After", std::to_string((status.retry_after_ms() + 999) / 1000));
  }
  return response;
}

}  // namespace lazaret::admin
