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

TEST(DurationText, ReadsTimesOfAnyOffset) {
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00Z").value(), Instant{0});
  EXPECT_EQ(parse_rfc3339("2026-11-23T20:04:48.123456789Z").value(), Instant{1'795'464'288'123'456});
  EXPECT_EQ(parse_rfc3339("2026-11-23t21:34:48.1+01:30").value(), Instant{1'795'464'288'100'000});
  EXPECT_EQ(parse_rfc3339("2026-11-23 12:04:48-08:00").value(), Instant{1'795'464'288'000'000});
  for (const char* text : {"", "2026-11-23", "2026-02-30T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T20:04:48",
                           "2026-11-23T20:04:48.Z", "2026-11-23T20:04:48ZZ", "2026-11-23T20:04:48+1:00", "tomorrow"}) {
    EXPECT_EQ(parse_rfc3339(text).code(), Code::BAD_REQUEST) << text;
  }
}

}  // namespace
}  // namespace lazaret::base
