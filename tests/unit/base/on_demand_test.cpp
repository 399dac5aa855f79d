#include "base/on_demand.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace lazaret::base {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

TEST(OnDemand, TakesThePlaceOfOnePointer) {
  EXPECT_EQ(sizeof(OnDemand<std::set<int>>), sizeof(void*));
  OnDemand<std::set<int>> none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.size(), 0u);
  EXPECT_EQ(none.find(1), none.end());
  EXPECT_EQ(none.upper_bound(1), none.end());
  EXPECT_FALSE(none.contains(1));
  EXPECT_EQ(none.erase(1), 0u);
  none.clear();
  EXPECT_THAT(none, IsEmpty());
}

TEST(OnDemand, AHintIntoTheEmptyOneIsNotTaken) {
  OnDemand<std::map<int, int>> one;
  OnDemand<std::map<int, int>> other;
  one.emplace_hint(one.end(), 1, 2);
  EXPECT_EQ(one.at(1), 2);
  EXPECT_TRUE(other.empty());  // they do not share what stands for what was not made
}

TEST(OnDemand, ACopyIsItsOwn) {
  OnDemand<std::map<int, int>> first;
  first[1] = 2;
  OnDemand<std::map<int, int>> second = first;
  second[1] = 3;
  EXPECT_EQ(first.at(1), 2);
  first = OnDemand<std::map<int, int>>();
  EXPECT_TRUE(first.empty());
  EXPECT_EQ(second.at(1), 3);
}

TEST(OnDemand, DoesWhatItsContainerDoes) {
  std::mt19937 random(7);
  OnDemand<std::set<int>> set;
  std::set<int> same;
  for (int i = 0; i < 20'000; ++i) {
    const int value = static_cast<int>(random() % 64);
    switch (random() % 8) {
      case 0: set.insert(value), same.insert(value); break;
      case 1: set.emplace_hint(set.upper_bound(value), value), same.insert(value); break;
      case 2: EXPECT_EQ(set.erase(value), same.erase(value)); break;
      case 3:
        if (const auto it = set.find(value); it != set.end()) set.erase(it), same.erase(value);
        break;
      case 4: EXPECT_EQ(set.contains(value), same.contains(value)); break;
      case 5:
        set.erase(set.begin(), set.upper_bound(value / 4)), same.erase(same.begin(), same.upper_bound(value / 4));
        break;
      case 6:
        if (i % 97 == 0) set.clear(), same.clear();
        break;
      default:
        if (i % 89 == 0) set.release(), same.clear();
    }
    ASSERT_THAT(set, ElementsAreArray(same));
  }
  set.clear();
  set.insert(3);
  EXPECT_THAT(set, ElementsAre(3));
  EXPECT_EQ(*set.rbegin(), 3);
}

}  // namespace
}  // namespace lazaret::base
