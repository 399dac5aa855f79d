// Who has an ordering key, who is behind it, and who is next.
#include "core/key_locks.h"

#include <gtest/gtest.h>

namespace lazaret::core {
namespace {

using Key = KeyLocks::Key;
using model::GroupNumber;
using model::LogId;
using model::Offset;

constexpr LogId kLog{1};
constexpr LogId kLane{2};
constexpr Key kA{10};
constexpr Key kB{20};

Position at(std::uint64_t offset) { return {kLog, Offset(offset)}; }

KeyLocks::Passed passed(Key key) {
  KeyLocks::Passed one;
  one.key = key;
  return one;
}

TEST(KeyLocks, TheKeyGoesFromOneToTheNextInOrder) {
  KeyLocks keys(false);
  keys.take(kA, at(0));
  for (const std::uint64_t offset : {1, 3, 5}) keys.pass_over(Offset(offset), passed(kA));
  keys.take(kB, at(2));
  keys.pass_over(Offset(4), passed(kB));
  EXPECT_TRUE(keys.is_locked(kA));
  EXPECT_FALSE(keys.leave(kA, at(1), GroupNumber(1))) << "it is not its";
  for (const std::uint64_t next : {1, 3, 5}) {
    ASSERT_TRUE(keys.leave(kA, Position(*keys.holder(kA)), GroupNumber(1)));
    ASSERT_TRUE(keys.free_next(kA, kLog));
    EXPECT_TRUE(keys.has(kA, at(next)));
    EXPECT_EQ(keys.freed().begin()->first, Offset(next));
    keys.take_freed(Offset(next));
  }
  EXPECT_EQ(keys.held().size(), 1u);
  ASSERT_TRUE(keys.leave(kA, at(5), GroupNumber(2)));
  EXPECT_FALSE(keys.free_next(kA, kLog));
  EXPECT_FALSE(keys.is_locked(kA));
}

TEST(KeyLocks, ALockIsRememberedUntilItsEndIsDurable) {
  KeyLocks keys(false);
  keys.take(kA, at(0));
  keys.leave(kA, at(0), GroupNumber(7));
  keys.persisted(GroupNumber(6));
  EXPECT_EQ(keys.left_in(kA), GroupNumber(7));
  keys.persisted(GroupNumber(7));
  EXPECT_EQ(keys.left_in(kA), GroupNumber(0));
}

TEST(KeyLocks, ReplaysAreNextInTheOrderOfTheirMessages) {
  KeyLocks keys(false);
  keys.wait(kA, Offset(9), {kLane, Offset(0)});
  keys.wait(kA, Offset(4), {kLane, Offset(1)});
  keys.wait(kB, Offset(1), {kLane, Offset(2)});
  keys.wait_no_more(kB, Offset(1), {kLane, Offset(2)});
  const auto anybody = [](const Position&) { return true; };
  const auto nobody_of_1 = [](const Position& one) { return one.offset != Offset(1); };
  EXPECT_EQ(keys.first_waiting(kA, anybody), (Position{kLane, Offset(1)}));
  EXPECT_EQ(keys.first_waiting(kA, nobody_of_1), (Position{kLane, Offset(0)}));
  keys.wait_no_more(kA, Offset(4), {kLane, Offset(1)});
  EXPECT_EQ(keys.first_waiting(kA, anybody), (Position{kLane, Offset(0)}));
  keys.wait_no_more(kA, Offset(9), {kLane, Offset(0)});
  EXPECT_EQ(keys.first_waiting(kA, anybody), std::nullopt);
  EXPECT_EQ(keys.first_waiting(kB, anybody), std::nullopt);
}

TEST(KeyLocks, WhatIsHeldAgainIsTheFirstOfItsKey) {
  KeyLocks keys(true);
  keys.take(kA, at(0));
  keys.pass_over(Offset(1), passed(kA));
  keys.pass_over(Offset(2), passed(kA));
  keys.leave(kA, at(0), GroupNumber(1));
  for (int again = 0; again < 2; ++again) {
    ASSERT_TRUE(keys.free_next(kA, kLog));
    EXPECT_TRUE(keys.has(kA, at(1)));
    keys.hold_again(kA);
    EXPECT_EQ(keys.holder(kA), nullptr);
    EXPECT_EQ(keys.held().size(), 2u);
    EXPECT_TRUE(keys.freed().empty());
    EXPECT_TRUE(keys.to_be_read().empty());
  }
  ASSERT_TRUE(keys.free_next(kA, kLog));
  keys.take_freed(Offset(1));
  keys.leave(kA, at(1), GroupNumber(2));
  ASSERT_TRUE(keys.free_next(kA, kLog));
  EXPECT_TRUE(keys.has(kA, at(2)));
  keys.hold_again(kA);  // the only one
  ASSERT_TRUE(keys.free_next(kA, kLog));
  EXPECT_TRUE(keys.held().empty());
}

TEST(KeyLocks, ACaseHoldsWhatWasPublishedBehindIt) {
  KeyLocks keys(true);
  keys.open_case(Offset(3), kA);
  EXPECT_TRUE(keys.is_held_before(kA, Offset(4)));
  EXPECT_FALSE(keys.is_held_before(kA, Offset(2)));
  EXPECT_FALSE(keys.is_held_before(kB, Offset(4)));
  keys.set_hold(false);
  EXPECT_FALSE(keys.is_held_before(kA, Offset(4)));
}

TEST(KeyLocks, ACaseLocksItsKeyWhereTheRuleIsHold) {
  KeyLocks keys(true);
  keys.open_case(Offset(3), kA);
  keys.open_case(Offset(3), kA);
  keys.open_case(Offset(8), kA);
  keys.open_case(Offset(4), Key());
  EXPECT_TRUE(keys.is_locked(kA));
  EXPECT_EQ(keys.case_of(kA), Offset(3));
  EXPECT_EQ(keys.close_case(Offset(3)), kA);
  EXPECT_EQ(keys.close_case(Offset(3)), Key());
  EXPECT_TRUE(keys.is_locked(kA));
  EXPECT_EQ(keys.set_hold(false), std::set<Key>{kA});
  EXPECT_FALSE(keys.is_locked(kA));
  EXPECT_EQ(keys.set_hold(true), std::set<Key>{kA});
  EXPECT_TRUE(keys.is_locked(kA));
}

TEST(KeyLocks, WhatIsPassedOverIsForgottenWithItsLocks) {
  KeyLocks keys(false);
  keys.take(kA, at(0));
  keys.pass_over(Offset(1), passed(kA));
  keys.take(kB, at(2));
  keys.pass_over(Offset(3), passed(kB));
  keys.leave(kB, at(2), GroupNumber(1));
  ASSERT_TRUE(keys.free_next(kB, kLog));
  EXPECT_EQ(keys.forget_before(Offset(100)), std::set<Key>{kB});
  EXPECT_TRUE(keys.held().empty());
  EXPECT_TRUE(keys.has(kA, at(0))) << "it is not passed over";
  EXPECT_FALSE(keys.is_locked(kB));
  keys.leave(kA, at(0), GroupNumber(1));
  EXPECT_FALSE(keys.free_next(kA, kLog));
}

TEST(KeyLocks, WhatLiesBeforeAnOffsetLeavesTheListOfItsKey) {
  KeyLocks keys(false);
  keys.take(kA, at(0));
  for (const std::uint64_t offset : {1, 3, 5}) keys.pass_over(Offset(offset), passed(kA));
  keys.forget_before(Offset(4));
  keys.leave(kA, at(0), GroupNumber(1));
  ASSERT_TRUE(keys.free_next(kA, kLog));
  EXPECT_TRUE(keys.has(kA, at(5)));
  const auto left =
      keys.leave_if([](const Position& position) { return position.offset == Offset(5); }, GroupNumber(1));
  EXPECT_EQ(left, std::set<Key>{kA});
}

}  // namespace
}  // namespace lazaret::core
