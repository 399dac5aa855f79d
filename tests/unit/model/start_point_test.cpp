// What a start may be, and what it means.
#include "model/start_point.h"

#include <gtest/gtest.h>

#include "model/limits.h"

namespace lazaret::model {
namespace {

using base::Code;

constexpr base::Instant kNow{1'800'000'000'000'000};
constexpr base::Duration kInstant{1};

StartPoint at(base::Instant time) { return {Start::time, {}, time}; }

TEST(StartPointTest, AClockMayBeAheadByAMinute) {
  const Offset end(10);
  for (const base::Instant time : {base::Instant{}, kNow, kNow + kInstant, kNow + limits::kClockAhead}) {
    EXPECT_TRUE(start_problem(at(time), end, kNow).ok()) << text_of(at(time));
  }
  EXPECT_EQ(start_problem(at(kNow + limits::kClockAhead + kInstant), end, kNow).code(), Code::INVALID_OPTION);
  EXPECT_TRUE(start_problem({Start::offset, end, {}}, end, kNow).ok());
  EXPECT_EQ(start_problem({Start::offset, Offset(11), {}}, end, kNow).code(), Code::INVALID_OPTION);
}

TEST(StartPointTest, ATimeAheadMeansTheLatest) {
  EXPECT_EQ(meant_at(at(kNow + kInstant), kNow).kind, Start::latest);
  for (const StartPoint& same : {at(kNow), at({}), StartPoint{}, StartPoint{Start::earliest, {}, {}},
                                 StartPoint{Start::offset, Offset(3), {}}}) {
    EXPECT_EQ(meant_at(same, kNow), same) << text_of(same);
  }
}

}  // namespace
}  // namespace lazaret::model
