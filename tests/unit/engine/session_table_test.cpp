#include "engine/session_table.h"

#include <gtest/gtest.h>

namespace lazaret::engine {
namespace {

struct CountingOutbox : Outbox {
  void tell(std::vector<model::Answer>&&) override {}
  void resume_reading() override { ++resumed; }
  void replaced() override {}
  int resumed = 0;
};

TEST(SessionTable, AnIdOfAnEarlierEpochNamesNobody) {
  SessionTable before(1);
  SessionTable after(2);
  const auto old = before.open(std::make_shared<CountingOutbox>());
  after.open(std::make_shared<CountingOutbox>());
  EXPECT_EQ(after.find(old), nullptr);
}

TEST(SessionTable, WhoeverWaitsForAnEndIsHandedBackOnce) {
  SessionTable table(1);
  const auto session = table.open(std::make_shared<CountingOutbox>());
  int ended = 0;
  EXPECT_NE(table.when_ended(session, [&] { ++ended; }), nullptr);
  for (const auto& done : table.end(session)) done();
  EXPECT_EQ(ended, 1);
  EXPECT_TRUE(table.end(session).empty());
  EXPECT_EQ(table.when_ended(session, [&] { ++ended; }), nullptr);
}

TEST(SessionTable, PausedSessionsAreTakenOnceAndOnlyWhileTheyLive) {
  SessionTable table(1);
  const auto outbox = std::make_shared<CountingOutbox>();
  const auto stays = table.open(outbox);
  const auto goes = table.open(std::make_shared<CountingOutbox>());
  table.pause(stays);
  table.pause(goes);
  table.end(goes);
  EXPECT_EQ(table.take_paused().size(), 1u);
  EXPECT_TRUE(table.take_paused().empty());
}

}  // namespace
}  // namespace lazaret::engine
