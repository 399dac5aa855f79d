// The audit trail in virtual time: entries are numbered and chained over crashes, and go when they are too old.
#include <gmock/gmock.h>

#include "model/audit_chain.h"
#include "model/limits.h"
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using ::testing::SizeIs;

class AuditTrail : public Story {
 protected:
  AuditTrail() : Story(WorldOptions{.ack_sync_max = 0ms, .audit_retain_for = 24h}) {}
  std::uint64_t note(const std::string& target) {
    model::AuditEntry entry;
    entry.called_at = world.now();
    entry.call = {"ann", "127.0.0.1", "purgeQueue", target, {}};
    const auto done = world.ask<model::Done>(model::ShardId(0), model::AppendAuditCommand{{}, entry});
    EXPECT_TRUE(done.status.ok());
    return done.count;
  }
  model::AuditPage page() { return world.store().read_audit({}, 0, 1000).value(); }
};

TEST_F(AuditTrail, GoesOnOverACrash) {
  EXPECT_EQ(note("a"), 1u);
  EXPECT_EQ(note("b"), 2u);
  world.kill_broker();
  world.start_broker();
  ASSERT_THAT(page().entries, SizeIs(2)) << "what was confirmed is on the disk";
  EXPECT_EQ(note("c"), 3u);
  EXPECT_EQ(page().entries[0].previous, page().entries[1].hash);
  EXPECT_EQ(page().entries[0].call.target, "c");
  EXPECT_LE(page().entries[0].at, world.now());
  EXPECT_GE(page().entries[0].at, page().entries[0].called_at);
  EXPECT_EQ(world.store().audit_problem(), "");
}

TEST_F(AuditTrail, WhatIsTooOldGoesWithWhatIsWritten) {
  for (int i = 0; i < 5; ++i) note("old");
  world.run_for(12h);
  note("middle");
  world.run_for(13h);
  EXPECT_EQ(world.store().audit_entries(), 6u) << "nothing is written for it alone";
  note("new");
  ASSERT_THAT(page().entries, SizeIs(2));
  EXPECT_EQ(page().anchor.number, 5u);
  EXPECT_EQ(world.store().audit_problem(), "");
  world.kill_broker();
  world.start_broker();
  world.run_for(12h);
  EXPECT_EQ(note("newer"), 8u) << "also after a start";
  EXPECT_THAT(page().entries, SizeIs(2));
  EXPECT_EQ(page().anchor.number, 6u);
  EXPECT_EQ(world.store().audit_problem(), "");
}

/// More go with one than come, so that there is no end to it only while there is nothing to do.
TEST_F(AuditTrail, ManyGoInSteps) {
  const std::size_t many = 3 * model::limits::kAuditTrimmed;
  for (std::size_t i = 0; i < many; ++i) note("old");
  world.run_for(25h);
  note("new");
  EXPECT_EQ(world.store().audit_entries(), many + 1 - model::limits::kAuditTrimmed);
  note("new");
  note("new");
  EXPECT_EQ(world.store().audit_entries(), 3u);
  EXPECT_EQ(world.store().audit_problem(), "");
}

}  // namespace
}  // namespace lazaret::simulation
