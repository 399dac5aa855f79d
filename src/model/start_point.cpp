#include "model/start_point.h"

#include <charconv>

#include "base/duration_text.h"
#include "model/limits.h"

namespace lazaret::model {

std::string text_of(const StartPoint& start) {
  switch (start.kind) {
    case Start::latest: return "latest";
    case Start::earliest: return "earliest";
    case Start::offset: return std::to_string(start.offset.value);
    case Start::time: return base::format_rfc3339(start.time);
  }
  return "latest";
}

base::Result<StartPoint> start_point_of(std::string_view text) {
  if (text == "latest") return StartPoint{Start::latest, {}, {}};
  if (text == "earliest") return StartPoint{Start::earliest, {}, {}};
  std::uint64_t offset = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  if (error == std::errc() && end == text.data() + text.size()) return StartPoint{Start::offset, Offset(offset), {}};
  if (const auto time = base::parse_rfc3339(text); time.ok()) return StartPoint{Start::time, {}, *time};
  return base::Status(base::Code::INVALID_OPTION,
                      "a start is \"latest\", \"earliest\", an offset, or a time such as 2026-11-23T20:04:48Z");
}

base::Status start_problem(const StartPoint& start, Offset end, base::Instant now) {
  if (start.kind == Start::offset && start.offset > end) {
    return base::Status(base::Code::INVALID_OPTION,
                        "offset " + text_of(start) + " is beyond the end of the topic: the next message gets offset " +
                            std::to_string(end.value) + ", and \"latest\" is there");
  }
  if (start.kind == Start::time && start.time > now + limits::kClockAhead) {
    return base::Status(base::Code::INVALID_OPTION, text_of(start) + " is in the future: it is " +
                                                        base::format_rfc3339(now) + ", and \"latest\" is now");
  }
  return {};
}

StartPoint meant_at(const StartPoint& start, base::Instant now) {
  return start.kind == Start::time && start.time > now ? StartPoint{} : start;
}

}  // namespace lazaret::model
