// Looks that are noted once in a while, however often they are repeated.
#include "admin/recent_looks.h"

#include <gtest/gtest.h>

namespace lazaret::admin {
namespace {

using namespace std::chrono_literals;

model::AuditCall look(const std::string& actor, const std::string& target) {
  model::AuditCall call;
  call.actor = actor;
  call.peer = "127.0.0.1";
  call.operation = "getCase";
  call.target = target;
  return call;
}

class RecentLooksTest : public ::testing::Test {
 protected:
  RecentLooks looks_;
  const RecentLooks::Time begin_{1h};
};

TEST_F(RecentLooksTest, TheSameIsKnownForAWhile) {
  EXPECT_FALSE(looks_.is_known(look("ann", "0-1-2-0"), begin_));
  looks_.noted(look("ann", "0-1-2-0"), begin_);
  EXPECT_TRUE(looks_.is_known(look("ann", "0-1-2-0"), begin_ + RecentLooks::kOnceIn - 1s));
  EXPECT_FALSE(looks_.is_known(look("ann", "0-1-2-0"), begin_ + RecentLooks::kOnceIn));
}

TEST_F(RecentLooksTest, OfSomebodyElseAtSomethingElseOrWithOtherWishesIsAnother) {
  looks_.noted(look("ann", "0-1-2-0"), begin_);
  EXPECT_FALSE(looks_.is_known(look("bob", "0-1-2-0"), begin_));
  EXPECT_FALSE(looks_.is_known(look("ann", "0-1-2-1"), begin_));
  model::AuditCall other = look("ann", "0-1-2-0");
  other.details = {{"version", "1"}};
  EXPECT_FALSE(looks_.is_known(other, begin_));
  other = look("ann", "0-1-2-0");
  other.peer = "127.0.0.2";
  EXPECT_FALSE(looks_.is_known(other, begin_));
}

TEST_F(RecentLooksTest, NoMoreAreRememberedThanMayBe) {
  for (std::size_t i = 0; i <= RecentLooks::kRemembered; ++i) looks_.noted(look("ann", std::to_string(i)), begin_);
  EXPECT_FALSE(looks_.is_known(look("ann", "0"), begin_));
  EXPECT_TRUE(looks_.is_known(look("ann", std::to_string(RecentLooks::kRemembered)), begin_));
}

TEST_F(RecentLooksTest, WhatIsNotedAgainStaysWhenTheFirstTimeIsForgotten) {
  looks_.noted(look("ann", "x"), begin_);
  looks_.noted(look("ann", "x"), begin_ + 4min);
  looks_.noted(look("bob", "y"), begin_ + 6min);
  EXPECT_TRUE(looks_.is_known(look("ann", "x"), begin_ + 8min));
}

}  // namespace
}  // namespace lazaret::admin
