// Up to when all that a thread has done can be seen.
#include "engine/horizon.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace lazaret::engine {
namespace {

using base::Instant;

TEST(Horizon, OfOneThatRestsItIsNow) {
  const Horizon horizon;
  EXPECT_EQ(horizon.seen_until(Instant{50}), Instant{49}) << "it may yet do something at 50";
}

TEST(Horizon, OfOneThatWorksItIsWhenItBegan) {
  Horizon horizon;
  horizon.works(Instant{10});
  EXPECT_EQ(horizon.seen_until(Instant{50}), Instant{9});
  horizon.works(Instant{20});
  EXPECT_EQ(horizon.seen_until(Instant{50}), Instant{9}) << "what it did then cannot be seen yet";
  horizon.rests(Instant{15});
  EXPECT_EQ(horizon.seen_until(Instant{50}), Instant{14});
  horizon.works(Instant{40});
  horizon.rests();
  EXPECT_EQ(horizon.seen_until(Instant{50}), Instant{49});
}

/// A worker whose work becomes visible a little after it is done, while time goes on: whatever was done up to when the
/// reader was told can be seen by it.
TEST(Horizon, NothingBecomesVisibleBehindIt) {
  Horizon horizon;
  std::atomic<std::int64_t> clock{1};
  std::atomic<std::int64_t> done{0};
  std::atomic<std::int64_t> visible{0};
  std::atomic<bool> stop{false};
  std::thread worker([&] {
    for (std::int64_t now = 1; !stop;) {
      horizon.works(Instant{now});
      now = clock.fetch_add(1) + 1;
      done = now;
      std::this_thread::yield();
      visible = now;
      horizon.rests();
    }
  });
  for (int i = 0; i < 100'000; ++i) {
    const std::int64_t until = horizon.seen_until(Instant{clock.fetch_add(1) + 1}).us;
    const std::int64_t seen = visible;
    const std::int64_t newest = done;
    if (newest <= until) {
      EXPECT_EQ(seen, newest);
    }
  }
  stop = true;
  worker.join();
}

}  // namespace
}  // namespace lazaret::engine
