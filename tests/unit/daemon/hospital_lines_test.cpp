// Which changes of a hospital's level get a line of the log, at stated times.
#include "daemon/hospital_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lazaret::daemon {
namespace {

using Level = model::HospitalLevel;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

constexpr HospitalLines::Time kNoon{24h};

class HospitalLinesTest : public ::testing::Test {
 protected:
  bool note(Level level, HospitalLines::Time now, std::uint64_t bytes = 100) {
    return lines_.note({queue_, level, bytes}, now);
  }
  std::vector<Level> due(HospitalLines::Time now) {
    std::vector<Level> levels;
    for (const alerts::HospitalChange& change : lines_.due(now)) levels.push_back(change.level);
    return levels;
  }
  static model::QueueRef queue(std::uint32_t id) {
    auto record = std::make_shared<model::QueueRecord>();
    record->subscription = model::SubscriptionId(id);
    return record;
  }

  HospitalLines lines_;
  const model::QueueRef queue_ = queue(1);
};

TEST_F(HospitalLinesTest, EachLevelHasItsLineAtOnce) {
  EXPECT_TRUE(note(Level::filling, kNoon));
  EXPECT_TRUE(note(Level::full, kNoon + 1s));
  EXPECT_TRUE(note(Level::below, kNoon + 2s));
  EXPECT_THAT(due(kNoon + 10min), IsEmpty()) << "nothing was held back";
  EXPECT_TRUE(note(Level::full, kNoon + 11min));
}

TEST_F(HospitalLinesTest, OneThatGoesToAndFroHasALineALevelAMinute) {
  int said = 0;
  HospitalLines::Time now = kNoon;
  for (int i = 0; i < 30'000; ++i) {  // 500 a second, for a minute
    now = kNoon + 2ms * i;
    said += note(i % 2 == 0 ? Level::full : Level::filling, now) ? 1 : 0;
    EXPECT_THAT(due(now), IsEmpty());
  }
  EXPECT_EQ(said, 2);
  EXPECT_TRUE(note(Level::full, kNoon + 60s));
}

TEST_F(HospitalLinesTest, TheLastLineSaysWhereAHospitalIs) {
  EXPECT_TRUE(note(Level::full, kNoon));
  EXPECT_TRUE(note(Level::below, kNoon + 5s));
  EXPECT_FALSE(note(Level::full, kNoon + 10s, 103));
  EXPECT_THAT(due(kNoon + 59s), IsEmpty());
  const auto held = lines_.due(kNoon + 60s);
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(held[0].level, Level::full);
  EXPECT_EQ(held[0].bytes, 103u);
  EXPECT_EQ(held[0].queue, queue_);
  EXPECT_THAT(due(kNoon + 61s), IsEmpty()) << "once";
  EXPECT_FALSE(note(Level::below, kNoon + 62s)) << "said at five seconds past noon";
  EXPECT_THAT(due(kNoon + 64s), IsEmpty());
  EXPECT_THAT(due(kNoon + 65s), ElementsAre(Level::below));
}

TEST_F(HospitalLinesTest, WhatIsBackWhereTheLogSaysNeedsNoLine) {
  EXPECT_TRUE(note(Level::filling, kNoon));
  EXPECT_TRUE(note(Level::full, kNoon + 1s));
  EXPECT_FALSE(note(Level::filling, kNoon + 2s));
  EXPECT_FALSE(note(Level::full, kNoon + 3s));
  EXPECT_THAT(due(kNoon + 10min), IsEmpty());
}

TEST_F(HospitalLinesTest, ARestlessQueueTakesNoLineOfAnother) {
  EXPECT_TRUE(note(Level::full, kNoon));
  EXPECT_TRUE(note(Level::filling, kNoon + 1s));
  EXPECT_FALSE(note(Level::full, kNoon + 2s));
  EXPECT_TRUE(lines_.note({queue(2), Level::full, 100}, kNoon + 3s));
  EXPECT_THAT(due(kNoon + 1min), ElementsAre(Level::full));
}

}  // namespace
}  // namespace lazaret::daemon
