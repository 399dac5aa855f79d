// A circuit breaker by itself: which happenings lead where.
#include "core/breaker.h"

#include <gtest/gtest.h>

namespace lazaret::core {
namespace {

using namespace std::chrono_literals;
using base::Instant;
using model::Grant;
using State = Breaker::State;

class BreakerTest : public ::testing::Test {
 protected:
  BreakerTest() {
    options_.breaker_samples = 10;
    options_.breaker_ratio = 0.8;
    options_.breaker_window = 10s;
    options_.breaker_pause = 1s;
  }
  bool fails() { return breaker_.sample(options_, now_, true); }
  bool acks() { return breaker_.sample(options_, now_, false); }
  void open() {
    while (!fails()) {
    }
  }
  void half_open() {
    open();
    now_ = breaker_.alarm();
    ASSERT_TRUE(breaker_.pass_time(options_, now_));
  }
  bool probe(bool acked) {
    breaker_.granted(Grant(++grant_), {}, false);
    const bool changed = breaker_.probe_ended(options_, now_, acked);
    breaker_.taken_back(Grant(grant_));
    return changed;
  }

  model::QueueOptions options_;
  Breaker breaker_;
  Instant now_{1'700'000'000'000'000};
  std::uint64_t grant_ = 0;
};

TEST_F(BreakerTest, OpensWhenSoManyOfEnoughHaveFailed) {
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(fails());
  EXPECT_FALSE(breaker_.is_full());
  EXPECT_TRUE(fails());
  EXPECT_EQ(breaker_.state(), State::open);
  EXPECT_TRUE(breaker_.is_full());
  EXPECT_EQ(breaker_.alarm(), now_ + 1s);
  const model::BreakerStats stats = breaker_.stats();
  EXPECT_EQ(stats.failures, 10u);
  EXPECT_EQ(stats.samples, 10u);
  EXPECT_EQ(stats.opened, 1u);
  EXPECT_EQ(stats.since, now_);
}

TEST_F(BreakerTest, StaysClosedWhileEnoughSucceed) {
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(fails());  // acks count from the first failure on
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(acks());
    if (i == 0) {
      EXPECT_FALSE(acks());
    }
    for (int j = 0; j < 3; ++j) EXPECT_FALSE(fails());
  }
  for (int i = 0; i < 200 && breaker_.state() == State::closed; ++i) fails();
  EXPECT_EQ(breaker_.state(), State::open);  // four of five by now
}

TEST_F(BreakerTest, WhatLiesBeforeTheWindowIsForgotten) {
  for (int i = 0; i < 9; ++i) fails();
  now_ = now_ + 5s;
  for (int i = 0; i < 100; ++i) acks();
  now_ = now_ + 5s;  // the failures are gone, the acks are not
  EXPECT_FALSE(fails());
  EXPECT_EQ(breaker_.stats().failures, 1u);
  EXPECT_EQ(breaker_.stats().samples, 101u);
  now_ = now_ + 1h;
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(fails());
  EXPECT_TRUE(fails());
}

TEST_F(BreakerTest, IsBlankAWindowAfterTheLastFailureUnlessItHasOpened) {
  EXPECT_TRUE(breaker_.is_blank());
  EXPECT_FALSE(acks());
  EXPECT_TRUE(breaker_.is_blank());  // healthy: nothing is counted
  fails();
  EXPECT_FALSE(breaker_.is_blank());
  EXPECT_EQ(breaker_.alarm(), now_ + 10s);
  now_ = now_ + 10s;
  EXPECT_FALSE(breaker_.pass_time(options_, now_));
  EXPECT_TRUE(breaker_.is_blank());
  EXPECT_EQ(breaker_.alarm(), Instant::never());
  open();
  EXPECT_FALSE(breaker_.is_blank());
}

TEST_F(BreakerTest, ThreeProbesInARowCloseIt) {
  half_open();
  EXPECT_EQ(breaker_.state(), State::half_open);
  breaker_.granted(Grant(7), {}, false);
  EXPECT_TRUE(breaker_.is_full());  // one at a time
  EXPECT_FALSE(breaker_.probe_ended(options_, now_, true));
  breaker_.taken_back(Grant(7));
  EXPECT_FALSE(breaker_.is_full());
  EXPECT_FALSE(probe(true));
  EXPECT_TRUE(probe(true));
  EXPECT_EQ(breaker_.state(), State::closed);
  EXPECT_FALSE(breaker_.is_full());
  EXPECT_EQ(breaker_.stats().samples, 0u);
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(fails());  // and it begins anew
  EXPECT_TRUE(fails());
  EXPECT_EQ(breaker_.stats().opened, 2u);
}

TEST_F(BreakerTest, AProbeThatFailsOpensItForTwiceAsLong) {
  half_open();
  for (const auto pause : {2s, 4s, 8s, 8s}) {
    EXPECT_FALSE(probe(true));
    EXPECT_TRUE(probe(false));
    EXPECT_EQ(breaker_.state(), State::open);
    EXPECT_EQ(breaker_.alarm(), now_ + pause);
    EXPECT_FALSE(breaker_.pass_time(options_, now_ + pause - 1us));
    now_ = now_ + pause;
    EXPECT_TRUE(breaker_.pass_time(options_, now_));
  }
  EXPECT_EQ(breaker_.stats().opened, 1u);
  for (int i = 0; i < 3; ++i) probe(true);
  open();
  EXPECT_EQ(breaker_.alarm(), now_ + 1s);
}

TEST_F(BreakerTest, AProbeThatEndsWithoutAVerdictMakesRoomForTheNext) {
  half_open();
  breaker_.granted(Grant(1), {}, false);
  breaker_.taken_back(Grant(1));
  EXPECT_FALSE(breaker_.is_full());
  EXPECT_EQ(breaker_.state(), State::half_open);
}

TEST_F(BreakerTest, ProbesGoRoundWhatIsReady) {
  ReadyLine ready;
  for (const std::uint64_t offset : {3, 5, 9}) ready.insert(Position{model::LogId(1), model::Offset(offset)});
  EXPECT_EQ(breaker_.first_of(ready)->offset.value, 3u);
  half_open();
  std::vector<std::uint64_t> tried;
  for (int i = 0; i < 4; ++i) {
    const Position next = *breaker_.first_of(ready);
    tried.push_back(next.offset.value);
    EXPECT_EQ(breaker_.retries_first(), i % 2 == 0);
    breaker_.granted(Grant(++grant_), next, i % 2 == 0);
    breaker_.taken_back(Grant(grant_));
  }
  EXPECT_EQ(tried, (std::vector<std::uint64_t>{3, 5, 9, 3}));
}

}  // namespace
}  // namespace lazaret::core
