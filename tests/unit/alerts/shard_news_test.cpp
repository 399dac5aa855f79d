// What shards have said until somebody looks: of a hospital the newest only, so that none is left out for another.
#include "alerts/shard_news.h"

#include <gtest/gtest.h>

namespace lazaret::alerts {
namespace {

using Level = model::HospitalLevel;

model::QueueRef queue(std::uint32_t id) {
  auto record = std::make_shared<model::QueueRecord>();
  record->subscription = model::SubscriptionId(id);
  return record;
}

TEST(ShardNews, AHospitalThatGoesToAndFroPushesOutNoOther) {
  ShardNews news;
  const model::QueueRef restless = queue(1);
  for (std::uint64_t i = 0; i < ShardNews::kMost; ++i) {
    news.note(HospitalChange{restless, i % 2 == 0 ? Level::full : Level::filling, 100 - i % 2});
  }
  news.note(HospitalChange{queue(2), Level::full, 77});
  const auto taken = news.take_hospitals();
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].queue, restless);
  EXPECT_EQ(taken[0].level, Level::filling) << "the newest";
  EXPECT_EQ(taken[0].bytes, 99u);
  EXPECT_EQ(taken[1].queue->subscription, model::SubscriptionId(2));
  EXPECT_EQ(taken[1].level, Level::full);
  EXPECT_EQ(taken[1].bytes, 77u);
  EXPECT_TRUE(news.take_hospitals().empty()) << "taken once";
}

TEST(ShardNews, WhatIsMoreThanSoManyBreakersIsLeftOut) {
  ShardNews news;
  for (std::size_t i = 0; i <= ShardNews::kMost; ++i) news.note(BreakerChange{queue(1), {}, {}});
  EXPECT_EQ(news.take_breakers().size(), ShardNews::kMost);
  EXPECT_TRUE(news.take_breakers().empty());
}

}  // namespace
}  // namespace lazaret::alerts
