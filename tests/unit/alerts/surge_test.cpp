// What counts as a surge, at stated times.
#include "alerts/surge.h"

#include <gtest/gtest.h>

namespace lazaret::alerts {
namespace {

using base::Instant;
using namespace std::chrono_literals;

constexpr Instant kNoon{20'000ll * 86'400'000'000 + 12ll * 3'600'000'000};

TEST(Surge, TwentyInAMinuteAfterNothing) {
  Surge surge;
  surge.add(kNoon, 19);
  EXPECT_FALSE(surge.is_surge(kNoon));
  surge.add(kNoon + 30s, 1);
  EXPECT_TRUE(surge.is_surge(kNoon + 30s));
  EXPECT_EQ(surge.last_minute(kNoon + 61s), 1u) << "the first are older than a minute";
  EXPECT_FALSE(surge.is_surge(kNoon + 61s));
}

TEST(Surge, TenTimesTheMeanOfTheHourBefore) {
  Surge surge;
  // Three a minute for an hour.
  for (int minute = 0; minute < 60; ++minute) surge.add(kNoon + minute * 1min, 3);
  const Instant now = kNoon + 1h;
  surge.add(now + 1s, 29);
  EXPECT_DOUBLE_EQ(surge.mean_before(now + 1s), 3);
  EXPECT_FALSE(surge.is_surge(now + 1s));
  surge.add(now + 2s, 1);
  EXPECT_TRUE(surge.is_surge(now + 2s));
}

TEST(Surge, TheHourIsForgotten) {
  Surge surge;
  surge.add(kNoon, 600);
  EXPECT_DOUBLE_EQ(surge.mean_before(kNoon + 30min), 10);
  EXPECT_DOUBLE_EQ(surge.mean_before(kNoon + 62min), 0);
  EXPECT_TRUE(surge.is_idle(kNoon + 62min + 61min));
  EXPECT_FALSE(Surge(surge).is_idle(kNoon + 90min));
}

TEST(Surge, WhatCameBeforeTheStartIsSpreadOverTheHour) {
  Surge surge;
  surge.seed(kNoon, 125);
  EXPECT_DOUBLE_EQ(surge.mean_before(kNoon), 125.0 / 60);
  surge.add(kNoon, 20);
  EXPECT_FALSE(surge.is_surge(kNoon)) << "ten times the mean is 21";
  surge.add(kNoon, 1);
  EXPECT_TRUE(surge.is_surge(kNoon));
}

TEST(Surge, TheHourOfAGroupIsTakenFromItsTrend) {
  model::GroupRecord group;
  const Instant half_past = kNoon + 30min;
  for (int i = 0; i < 100; ++i) group.trend.add(kNoon - 1s);
  for (int i = 0; i < 7; ++i) group.trend.add(kNoon + 1s);
  EXPECT_EQ(in_the_hour_before(group, half_past), 7u + 50u) << "half of the hour before lies within the last hour";
  EXPECT_EQ(in_the_hour_before(group, kNoon + 5h), 0u);
}

}  // namespace
}  // namespace lazaret::alerts
