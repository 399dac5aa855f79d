#include "model/ids.h"

#include <gtest/gtest.h>

#include "model/quarantine.h"

namespace lazaret::model {
namespace {

TEST(CaseId, TextGoesThereAndBack) {
  const CaseId id{ShardId(1), SubscriptionId(12), LogId(13), Offset(4711)};
  EXPECT_EQ(id.to_string(), "1-12-13-4711");
  EXPECT_EQ(CaseId::parse("1-12-13-4711"), id);
}

TEST(CaseId, RefusesWhatIsNotOne) {
  for (const char* text : {"", "1", "1-2-3", "1-2-3-", "1-2-3-4-5", "a-2-3-4", "1--2-3-4", "65536-1-1-1", " 1-2-3-4",
                           "1-2-3-99999999999999999999"}) {
    EXPECT_FALSE(CaseId::parse(text)) << text;
  }
}

TEST(QuarantineId, TextGoesThereAndBack) {
  const QuarantineId id{ShardId(1), SubscriptionId(12), 4711};
  EXPECT_EQ(id.to_string(), "1-12-4711");
  EXPECT_EQ(QuarantineId::parse("1-12-4711"), id);
  for (const char* text : {"", "1", "1-2", "1-2-", "1-2-3-4", "a-2-3", "65536-1-1", "1-2-99999999999999999999"}) {
    EXPECT_FALSE(QuarantineId::parse(text)) << text;
  }
}

}  // namespace
}  // namespace lazaret::model
