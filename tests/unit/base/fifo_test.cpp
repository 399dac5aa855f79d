#include "base/fifo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>

namespace lazaret::base {
namespace {

using ::testing::ElementsAreArray;

TEST(Fifo, DoesWhatADequeDoes) {
  std::mt19937 random(7);
  Fifo<int> fifo;
  std::deque<int> deque;
  for (int i = 0; i < 20'000; ++i) {
    // It grows, and is worked off, in turns.
    const bool grows = i / 500 % 2 == 0;
    if (deque.empty() || random() % 4 < (grows ? 3u : 1u)) {
      fifo.push_back(i);
      deque.push_back(i);
    } else {
      ASSERT_EQ(fifo.front(), deque.front());
      fifo.pop_front();
      deque.pop_front();
    }
    ASSERT_EQ(fifo.size(), deque.size());
    ASSERT_EQ(fifo.empty(), deque.empty());
    ASSERT_TRUE(deque.empty() || fifo.back() == deque.back());
    if (i % 97 != 0) continue;
    ASSERT_THAT(std::vector<int>(fifo.begin(), fifo.end()), ElementsAreArray(deque));
  }
  fifo.clear();
  EXPECT_TRUE(fifo.empty());
  fifo.emplace_back(1);
  EXPECT_EQ(fifo.front(), 1);
}

TEST(Fifo, HoldsNothingOfWhatIsGone) {
  const auto item = std::make_shared<int>(1);
  Fifo<std::shared_ptr<int>> fifo;
  for (int i = 0; i < 3; ++i) fifo.push_back(item);
  fifo.pop_front();
  EXPECT_EQ(item.use_count(), 3);
  fifo.clear();
  EXPECT_EQ(item.use_count(), 1);
}

}  // namespace
}  // namespace lazaret::base
