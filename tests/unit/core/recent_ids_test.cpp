// RecentIds: what is forgotten before its group is saved is written all the same, and nothing is trimmed for it.
#include "core/recent_ids.h"

#include <gtest/gtest.h>

namespace lazaret::core {
namespace {

TEST(RecentIds, AWindowThatEndsWithinAGroupLeavesNothingToTrim) {
  RecentIds ids(std::chrono::milliseconds(1));
  const model::MessageId id = base::Uuid::v7(1, 2, 3);
  ids.record(id, model::Offset(5000), base::Instant{0});
  EXPECT_EQ(ids.find(id, base::Instant{999}), model::Offset(5000));
  EXPECT_EQ(ids.find(id, base::Instant{1000}), std::nullopt);
  ASSERT_TRUE(ids.changed());
  std::vector<model::Mutation> mutations;
  ids.save(model::LogId(1), mutations);
  ASSERT_EQ(mutations.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<model::PutMessageIds>(mutations[0]));
  EXPECT_FALSE(ids.changed());
}

}  // namespace
}  // namespace lazaret::core
