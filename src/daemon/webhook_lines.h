// WebhookLines: which tries at webhooks get a line of the log. One says that a receiver does not take alerts, and why;
// one that it takes them again. What stays the same is not repeated: each alert says what became of it. Of each
// webhook there is a line a minute of either kind. What was held back and is still so gets its line when the minute is
// over.
//
// Threading: that of the alerts.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "alerts/receiver.h"

namespace lazaret::daemon {

class WebhookLines {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::minutes kPause{1};
  struct Line {
    std::string webhook;
    std::string problem;   // "": it takes alerts again
    bool is_last = false;  // there is no other try of that alert
    bool operator==(const Line&) const = default;
    std::string text() const;
  };

  /// The line that this try has now, if it has one.
  std::optional<Line> note(const alerts::Tried& tried, Time now);
  /// What was held back, and has its line now.
  std::vector<Line> due(Time now);

 private:
  struct Lines {
    std::string last;  // problem that the log says; "": none
    std::optional<Time> problem_at;
    std::optional<Time> again_at;
    std::optional<Line> held;  // how it is, if the log does not say so
    bool may_say(const std::string& problem, Time now) const;
    void said(const std::string& problem, Time now);
  };
  std::map<std::string, Lines> lines_;  // by webhook
};

}  // namespace lazaret::daemon
