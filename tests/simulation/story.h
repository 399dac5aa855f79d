// Story: the fixture of scenario tests. A story states times and asserts the trace.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulation/client.h"
#include "simulation/world.h"

namespace lazaret::simulation {

using Lines = std::vector<std::string>;

class Story : public ::testing::Test {
 protected:
  /// Acks that nobody asked to have confirmed are written at once, so that stories need not wait for them.
  Story() : Story(WorldOptions{.ack_sync_max = 0ms}) {}
  explicit Story(WorldOptions options) : world(options) {}

  /// What the store was told always fitted what it held.
  void TearDown() override { EXPECT_THAT(world.store().complaints(), ::testing::IsEmpty()); }

  /// What was heard since the last call.
  Lines heard() { return world.trace(); }
  /// Invariant 10.
  void expect_sums(const std::string& queue) {
    const model::QueueStats stats = world.show(queue);
    const model::Counters& sums = stats.counters;
    EXPECT_EQ(sums.entered, stats.ready + stats.leased + stats.waiting + stats.scheduled + stats.held +
                                sums.in_hospital + sums.acked + sums.discarded + sums.expired + sums.purged +
                                sums.dropped + sums.lost_to_retention + sums.redirected);
  }
  /// How the attempts of a message of this queue ended, by number.
  std::vector<model::AttemptOutcome> outcomes(const std::string& queue, std::uint64_t offset) {
    std::vector<model::AttemptOutcome> all;
    const model::QueueRecord& record = world.queue(queue);
    for (const auto& attempt : world.store().attempts_of(record.subscription, record.log, model::Offset(offset))) {
      all.push_back(attempt.outcome);
    }
    return all;
  }

  World world;
};

}  // namespace lazaret::simulation
