// What leaves the hospital whole: cases with their messages and attempts, and all that is known of one correlation id.
#include <algorithm>

#include "admin/case_filter.h"
#include "admin/case_json.h"
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "base/text_encoding.h"
#include "model/limits.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;
namespace limits = model::limits;

/// A page ends behind the case with which its bodies exceed this. It is at least one case, however large.
constexpr std::size_t kExportBytes = 8u << 20;
/// Cases that are listed at once to be exported.
constexpr std::size_t kExportStep = 16;
/// A body that takes more than this as text, with its escapes, is written in base64 when that is shorter.
constexpr std::size_t kExportedTextBytes = 1u << 20;

/// As JSON writes it, without the quotes.
std::size_t escaped_bytes(std::string_view text) {
  std::size_t bytes = 0;
  for (const char c : text) {
    const bool is_control = static_cast<unsigned char>(c) < 0x20;
    const bool is_short =
        c == '"' || c == '\\' || (is_control && std::string_view("\b\f\n\r\t").find(c) != std::string_view::npos);
    bytes += is_short ? 2 : is_control ? 6 : 1;
  }
  return bytes;
}

/// As text a body of nothing but escapes takes six times its bytes, more than a request to import it may have: that is
/// made for the largest message in base64. What can be read is better, so small ones stay.
void write_in_few_bytes(json::object& message) {
  const json::value* body = message.if_contains("body");
  if (body == nullptr || !body->is_string()) return;
  const std::string_view text = body->get_string();
  const std::size_t escaped = escaped_bytes(text);
  if (escaped <= kExportedTextBytes || escaped <= (text.size() + 2) / 3 * 4) return;
  message["body_base64"] = base::to_base64(text);
  message.erase("body");
}

}  // namespace

Result<Response> export_cases(Broker& broker, const Request& request) {
  const auto limit = number_parameter(request, "limit", limits::kPageItemsDefault, 1, limits::kPageItems);
  if (!limit.ok()) return limit.status();
  const auto query = case_filter(broker, request);
  if (!query.ok()) return query.status();
  std::string cursor(request.parameter("cursor").value_or(""));
  json::array items;
  for (std::size_t bytes = 0; items.size() < *limit && bytes < kExportBytes;) {
    const std::size_t max = std::min<std::size_t>(kExportStep, *limit - items.size());
    const auto page = broker.engine.store().list_cases(*query, cursor, max);
    if (!page.ok()) return page.status();
    for (const model::CaseRecord& record : page->cases) {
      auto whole = whole_case_json(broker, record, Compressed::stays);
      if (!whole.ok()) return whole.status();
      if (json::object* message = whole->at("message").if_object()) write_in_few_bytes(*message);
      bytes += record.summary.body_bytes;
      items.push_back(std::move(*whole));
    }
    cursor = page->cursor;
    // A page that is short has looked at as much as one request may.
    if (cursor.empty() || page->cases.size() < max) break;
  }
  const std::string count = std::to_string(items.size());
  Response response = json_response(200, list_of(std::move(items), cursor));
  response.change.after = {{"cases", count}};
  return response;
}

/// What happened under one correlation id, as far as it left a trace in the hospital: one entry for each admission,
/// attempt and end of each case.
Result<Response> get_correlation(Broker& broker, const Request& request) {
  const std::string& id = request.arguments[0];
  model::CaseQuery query;
  model::with_text(query, model::CaseTerm::Field::correlation_id, id);
  const std::string cursor(request.parameter("cursor").value_or(""));
  const auto page = broker.engine.store().list_cases(query, cursor, limits::kPageItemsDefault);
  if (!page.ok()) return page.status();
  std::vector<std::pair<base::Instant, json::object>> events;
  for (const model::CaseRecord& record : page->cases) {
    const auto add = [&](base::Instant at, std::string_view what, json::object more) {
      if (at.us == 0) return;
      more["at"] = time_or_null(at);
      more["what"] = what;
      more["case"] = record.id.to_string();
      more["subscription"] = record.subscription;
      events.emplace_back(at, std::move(more));
    };
    const auto attempts = broker.engine.store().read_attempts(record.id);
    if (!attempts.ok()) return attempts.status();
    for (const model::Attempt& attempt : *attempts) {
      add(attempt.started_at, "attempt", {{"attempt", attempt_json(attempt)}});
    }
    add(record.first_admitted_at, "admitted", {{"reason", model::to_string(record.reason)}});
    if (record.admitted_at != record.first_admitted_at) add(record.admitted_at, "relapsed", {});
    add(record.closed_at, model::to_string(record.state), {});
  }
  std::stable_sort(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  json::array items;
  for (auto& [at, event] : events) items.push_back(std::move(event));
  return json_response(200, list_of(std::move(items), page->cursor));
}

}  // namespace lazaret::admin
