#include "admin/case_json.h"

#include <gtest/gtest.h>

namespace lazaret::admin {
namespace {

TEST(CaseJson, NamesTheCaseItsReasonAndItsState) {
  model::CaseRecord record;
  record.id = {model::ShardId(1), model::SubscriptionId(4), model::LogId(5), model::Offset(17)};
  record.reason = model::CaseReason::killed_workers;
  record.state = model::CaseState::replaying;
  record.summary.key = "k\xff";
  const auto out = case_json(record);
  EXPECT_EQ(out.at("id"), "1-4-5-17");
  EXPECT_EQ(out.at("offset"), 17);
  EXPECT_EQ(out.at("reason"), "killed_workers");
  EXPECT_EQ(out.at("state"), "replaying");
  EXPECT_EQ(out.at("key"), "k\xef\xbf\xbd");
  EXPECT_EQ(out.at("type"), nullptr);
  EXPECT_EQ(out.at("message_id"), nullptr);
  EXPECT_EQ(out.at("consumer"), nullptr);
}

}  // namespace
}  // namespace lazaret::admin
