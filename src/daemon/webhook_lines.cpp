#include "daemon/webhook_lines.h"

#include <utility>

namespace lazaret::daemon {

std::string WebhookLines::Line::text() const {
  const std::string begin = "webhook " + webhook + ": ";
  if (problem.empty()) return begin + "takes alerts again";
  return begin +
         (is_last ? "has not taken an alert, which is given up: "
                  : "does not take alerts, which wait and are sent again: ") +
         problem;
}

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
  const Line line{tried.delivery.receiver, is_taken ? "" : tried.delivery.last_answer,
                  tried.delivery.outcome == model::DeliveryOutcome::failed};
  Lines& lines = lines_[tried.delivery.receiver];
  lines.held.reset();
  if (line.problem == lines.last) return std::nullopt;
  if (!lines.may_say(line.problem, now)) {
    lines.held = line;
    return std::nullopt;
  }
  lines.said(line.problem, now);
  return line;
}

std::vector<WebhookLines::Line> WebhookLines::due(Time now) {
  std::vector<Line> due;
  for (auto& [webhook, lines] : lines_) {
    if (!lines.held || !lines.may_say(lines.held->problem, now)) continue;
    lines.said(lines.held->problem, now);
    due.push_back(*std::exchange(lines.held, std::nullopt));
  }
  return due;
}

}  // namespace lazaret::daemon
