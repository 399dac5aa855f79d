#include "admin/replay_json.h"

#include <set>

#include "admin/json_text.h"
#include "base/text_encoding.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;

Status wrong(std::string_view name, std::string_view what) {
  return Status(Code::BAD_REQUEST, std::string(name) + " must be " + std::string(what));
}

/// Leaves `into` alone where the field is not there, or null.
template <class Number>
Status read_number(const json::object& body, std::string_view name, Number& into) {
  const json::value* value = body.if_contains(name);
  if (value == nullptr || value->is_null()) return {};
  boost::json::error_code error;
  const auto number = value->is_number() ? value->to_number<std::uint32_t>(error) : 0;
  if (!value->is_number() || error) return wrong(name, "a whole number");
  into = number;
  return {};
}

Status read_flag(const json::object& body, std::string_view name, bool& into) {
  const json::value* value = body.if_contains(name);
  if (value == nullptr || value->is_null()) return {};
  if (!value->is_bool()) return wrong(name, "true or false");
  into = value->get_bool();
  return {};
}

Status read_ratio(const json::object& body, double& into) {
  const json::value* value = body.if_contains("stop_at_failure_ratio");
  if (value == nullptr || value->is_null()) return {};
  if (!value->is_number()) return wrong("stop_at_failure_ratio", "a number");
  into = value->to_number<double>();
  return {};
}

/// Each once.
Status read_ids(const json::value& value, std::uint16_t shards, std::vector<model::CaseId>& ids) {
  if (!value.is_array()) return wrong("ids", "an array of ids of cases");
  if (value.get_array().size() > model::limits::kReplayIds) {
    return wrong("ids", "at most " + std::to_string(model::limits::kReplayIds))
        .with_limit("ids", static_cast<std::int64_t>(model::limits::kReplayIds));
  }
  std::set<model::CaseId> known;
  for (const json::value& one : value.get_array()) {
    if (!one.is_string()) return wrong("ids", "an array of ids of cases");
    const auto id = model::CaseId::parse(std::string_view(one.get_string()));
    if (!id || id->shard.value >= shards) {
      return Status(Code::NOT_FOUND, "there is no case " + base::to_utf8(std::string_view(one.get_string())));
    }
    if (known.insert(*id).second) ids.push_back(*id);
  }
  return {};
}

}  // namespace

Result<AskedReplay> asked_replay(const json::object& body, std::uint16_t shards) {
  AskedReplay asked;
  const json::value* filter = body.if_contains("filter");
  const json::value* ids = body.if_contains("ids");
  if ((filter != nullptr) == (ids != nullptr)) {
    return Status(Code::BAD_REQUEST, "a replay job needs either filter (\"\" for every admitted case) or ids");
  }
  if (filter != nullptr && !filter->is_string()) return wrong("filter", "a text");
  if (filter != nullptr) asked.job.filter = std::string(filter->get_string());
  if (ids != nullptr) LZ_RETURN_IF_ERROR(read_ids(*ids, shards, asked.job.ids.emplace()));
  model::ReplayOptions& options = asked.job.options;
  LZ_RETURN_IF_ERROR(read_number(body, "rate", options.rate));
  LZ_RETURN_IF_ERROR(read_number(body, "concurrency", options.concurrency));
  LZ_RETURN_IF_ERROR(read_number(body, "canary", options.canary));
  LZ_RETURN_IF_ERROR(read_number(body, "canary_needed", options.canary_needed));
  LZ_RETURN_IF_ERROR(read_ratio(body, options.stop_at_failure_ratio));
  auto after_version = text_field(body, "after_version");
  if (!after_version.ok()) return after_version.status();
  options.after_version = std::move(*after_version);
  LZ_RETURN_IF_ERROR(read_flag(body, "keep_attempts", options.keep_attempts));
  auto to = text_field(body, "to");
  if (!to.ok()) return to.status();
  options.to = std::move(*to);
  LZ_RETURN_IF_ERROR(read_flag(body, "force", options.force));
  LZ_RETURN_IF_ERROR(read_flag(body, "dry_run", asked.dry_run));
  LZ_RETURN_IF_ERROR(hospital::check(options));
  return asked;
}

json::object replay_job_json(const model::ReplayJobRecord& job) {
  const model::ReplayCounts& counts = job.counts;
  return {
      {"id", std::to_string(job.id.value)},
      {"state", model::to_string(job.state)},
      {"filter", job.by_ids ? json::value(nullptr) : json::value(json::string(job.filter))},
      {"created_at", time_or_null(job.created_at)},
      {"created_by", text_or_null(job.created_by)},
      {"ended_at", time_or_null(job.ended_at)},
      {"ended_because", text_or_null(job.ended_because)},
      {"rate", job.options.rate},
      {"concurrency", job.options.concurrency},
      {"canary", job.canary},
      {"canary_needed", job.canary_needed},
      {"canary_passed", job.canary_passed},
      {"stop_at_failure_ratio", job.options.stop_at_failure_ratio},
      {"force", job.options.force},
      {"after_version", text_or_null(job.options.after_version)},
      {"waiting_for_version", job.waiting_for_version},
      {"keep_attempts", job.options.keep_attempts},
      {"to", text_or_null(job.options.to)},
      {"recalling", job.recalling},
      {"total", job.total},
      {"outcomes", json::object{{"none", job.total - std::min(job.total, counts.all())},
                                {"queued", counts.queued},
                                {"discharged", counts.discharged},
                                {"relapsed", counts.relapsed},
                                {"recalled", counts.recalled},
                                {"refused", counts.refused},
                                {"other", counts.other}}},
  };
}

json::object replayed_json(const hospital::ReplayedCase& one) {
  json::value because = nullptr;
  if (one.because != Code::OK) {
    const base::ErrorInfo& info = base::error_info(one.because);
    because = json::object{{"code", info.name}, {"detail", info.sentence}};
  }
  return {{"id", one.id.to_string()}, {"outcome", model::to_string(one.outcome)}, {"because", std::move(because)}};
}

}  // namespace lazaret::admin
