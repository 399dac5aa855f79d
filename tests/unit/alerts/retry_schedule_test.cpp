// When an alert is sent again, and when it is given up.
#include "alerts/retry_schedule.h"

#include <gtest/gtest.h>

namespace lazaret::alerts {
namespace {

using base::Duration;
using namespace std::chrono_literals;

TEST(RetrySchedule, DoublesUpToAnHourAndEndsAfterFourteenTries) {
  EXPECT_EQ(wait_after(1, 0.5), Duration(1s));
  EXPECT_EQ(wait_after(2, 0.5), Duration(2s));
  EXPECT_EQ(wait_after(5, 0.5), Duration(16s));
  EXPECT_EQ(wait_after(12, 0.5), Duration(2048s));
  EXPECT_EQ(wait_after(13, 0.5), Duration(1h));
  EXPECT_EQ(wait_after(14, 0.5), std::nullopt);
  EXPECT_EQ(wait_after(15, 0.5), std::nullopt);
  Duration all{};
  std::uint32_t failed = 1;
  for (; const auto wait = wait_after(failed, 0.5); ++failed) all += *wait;
  EXPECT_EQ(failed, kTries);
  EXPECT_EQ(all, Duration(2h + 8min + 15s)) << "as docs/alerts.md says";
}

TEST(RetrySchedule, IsSpreadByAFifth) {
  EXPECT_EQ(wait_after(1, 0), Duration(800ms));
  EXPECT_LT(*wait_after(1, 0.999), Duration(1200ms));
  EXPECT_GT(*wait_after(1, 0.999), Duration(1199ms));
}

}  // namespace
}  // namespace lazaret::alerts
