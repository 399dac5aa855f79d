// StartPoint: a place in a topic: where a subscription begins, or where it is moved to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "base/time.h"
#include "model/ids.h"

namespace lazaret::model {

enum class Start : std::uint8_t {
  latest = 1,    // with what is published from now on
  earliest = 2,  // with the oldest message that the topic still has
  offset = 3,    // with this message, or the first behind it that is still there
  time = 4,      // with the first message that was published at this time or later
  // An offset is at most the end of the topic, and a time not in the future but for
  // limits::kClockAhead: start_problem.
};

struct StartPoint {
  Start kind = Start::latest;
  Offset offset;       // of kind offset
  base::Instant time;  // of kind time

  bool operator==(const StartPoint&) const = default;
};

/// "latest", "earliest", an offset in digits, or RFC 3339.
std::string text_of(const StartPoint& start);
/// The same backwards; INVALID_OPTION for anything else.
base::Result<StartPoint> start_point_of(std::string_view text);
/// INVALID_OPTION for what lies beyond the end of the topic, which is `end`, or more than limits::kClockAhead
/// behind `now`: nothing is there to begin with, and what comes before it is nothing that anybody would pass over.
base::Status start_problem(const StartPoint& start, Offset end, base::Instant now);
/// What it means at `now`: a time behind that, which start_problem has let pass, is the latest.
StartPoint meant_at(const StartPoint& start, base::Instant now);

}  // namespace lazaret::model
