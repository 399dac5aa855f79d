#include "admin/case_json.h"

#include <gtest/gtest.h>

namespace lazaret::admin {
namespace {

std::string group(std::string message, std::string error_type = "Timeout", std::string type = "order") {
  model::CaseRecord record;
  record.subscription = "orders";
  record.summary.type = std::move(type);
  record.last_error = {std::move(error_type), std::move(message), ""};
  return group_of(record);
}

TEST(CaseGroup, WhatVariesFromCaseToCaseDoesNotCount) {
  EXPECT_EQ(group("order 17 timed out after 300ms"), group("order 4711 timed out after 5ms"));
  EXPECT_EQ(group("no row 0xdeadbeef"), group("no row 0x1f"));
  EXPECT_EQ(group("commit 9fc0e1a2 is bad"), group("commit 77 is bad"));
  EXPECT_EQ(group("user 01912d68-783e-7a03-8467-5661c1243ad4 gone"),
            group("user abcdefab-cdef-abcd-efab-cdefabcdefab gone"));
}

TEST(CaseGroup, CausesAreKeptApart) {
  EXPECT_NE(group("timed out"), group("refused"));
  EXPECT_NE(group("x", "Timeout"), group("x", "Refused"));
  EXPECT_NE(group("x", "Timeout", "order"), group("x", "Timeout", "invoice"));
  EXPECT_NE(group("dead beef"), group("bad cafe"));
}

TEST(CaseGroup, IsTheSameForEver) { EXPECT_EQ(group("order 17 timed out"), "c831c95bee73"); }

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
}

}  // namespace
}  // namespace lazaret::admin
