#include "base/duration_text.h"

#include <gtest/gtest.h>

namespace lazaret::base {
namespace {

using namespace std::chrono_literals;

TEST(DurationText, ReadsEveryUnit) {
  EXPECT_EQ(parse_duration("250ms").value(), 250ms);
  EXPECT_EQ(parse_duration("30s").value(), 30s);
  EXPECT_EQ(parse_duration("5m").value(), 5min);
  EXPECT_EQ(parse_duration("1h").value(), 1h);
  EXPECT_EQ(parse_duration("7d").value(), 24h * 7);
  EXPECT_EQ(parse_duration("0s").value(), 0s);
}

TEST(DurationText, RefusesWhatIsNotOne) {
  for (const char* text : {"", "5", "s", "-1s", "1.5s", "1 s", "5 minutes", "99999999999999999999s", "200000d"}) {
    EXPECT_EQ(parse_duration(text).code(), Code::INVALID_OPTION) << text;
  }
}

TEST(DurationText, WritesTheLargestWholeUnit) {
  for (const char* text : {"250ms", "30s", "90s", "5m", "1h", "7d", "0s", "1500us"}) {
    EXPECT_EQ(format_duration(parse_duration(text).value()), text);
  }
}

TEST(DurationText, WritesTimesAsRfc3339) {
  EXPECT_EQ(format_rfc3339(Instant{0}), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(format_rfc3339(Instant{1'795'464'288'123'456}), "2026-11-23T20:04:48.123456Z");
}

}  // namespace
}  // namespace lazaret::base
