#include "daemon/webhook_lines.h"

#include <utility>

namespace lazaret::daemon {

bool WebhookLines::Lines::may_say(const std::string& problem, Time now) const {
  const std::optional<Time>& before = problem.empty() ? again_at : problem_at;
  return !before || now - *before >= kPause;
}

void WebhookLines::Lines::said(const std::string& problem, Time now) {
  last = problem;
  (problem.empty() ? again_at : problem_at) = now;
}

std::optional<WebhookLines::Line> WebhookLines::note(const alerts::Tried& tried, Time now) {
  if (!tried.was_sent) return std::nullopt;
  const bool is_taken = tried.delivery.outcome == model::DeliveryOutcome::delivered;
  const std::string problem = is_taken ? "" : tried.delivery.last_answer;
  Lines& lines = lines_[tried.delivery.receiver];
  lines.held.reset();
  if (problem == lines.last) return std::nullopt;
  if (!lines.may_say(problem, now)) {
    lines.held = problem;
    return std::nullopt;
  }
  lines.said(problem, now);
  return Line{tried.delivery.receiver, problem};
}

std::vector<WebhookLines::Line> WebhookLines::due(Time now) {
  std::vector<Line> due;
  for (auto& [webhook, lines] : lines_) {
    if (!lines.held || !lines.may_say(*lines.held, now)) continue;
    lines.said(*lines.held, now);
    due.push_back({webhook, *std::exchange(lines.held, std::nullopt)});
  }
  return due;
}

}  // namespace lazaret::daemon
