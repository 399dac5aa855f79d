#include "case_watch.h"

#include <algorithm>

#include "base/duration_text.h"

namespace lazaret::cli {

using base::Instant;

CaseWatch::CaseWatch(std::string filter, Instant begin) : filter_(std::move(filter)), begin_(begin), newest_(begin) {}

std::string CaseWatch::filter() const {
  const Instant from = std::max(begin_, newest_ - kOverlap);
  return filter_ + (filter_.empty() ? "" : " ") + "admitted>" + base::format_rfc3339(from);
}

std::vector<json::object> CaseWatch::take(const json::array& items) {
  std::vector<json::object> fresh;
  for (const json::value& value : items) {
    const json::object& one = value.as_object();
    const auto admitted = base::parse_rfc3339(std::string_view(one.at("admitted_at").as_string()));
    if (!admitted.ok()) continue;
    if (!seen_.emplace(*admitted, std::string(one.at("id").as_string())).second) continue;
    newest_ = std::max(newest_, *admitted);
    fresh.push_back(one);
  }
  // What lies further back is not asked for again.
  const Instant from = newest_ - kOverlap;
  std::erase_if(seen_, [&](const auto& admission) { return admission.first <= from; });
  std::reverse(fresh.begin(), fresh.end());
  return fresh;
}

}  // namespace lazaret::cli
