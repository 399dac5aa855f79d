#include "admin/why.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lazaret::admin {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr base::Instant kNow{1'700'000'000'000'000};

class Why : public ::testing::Test {
 protected:
  Why() {
    model::ConsumerStats consumer;
    consumer.info.name = "billing";
    consumer.info.host = "host1";
    consumer.credit_messages = 10;
    consumer.credit_bytes = 1000;
    stats.consumers.push_back(consumer);
    stats.ready = 3;
  }
  std::vector<std::string> codes() const {
    std::vector<std::string> out;
    for (const Cause& cause : why_nothing_is_granted(stats, engine, kNow)) out.push_back(cause.code);
    return out;
  }
  std::string text() const { return why_nothing_is_granted(stats, engine, kNow).front().text; }
  model::ConsumerStats& consumer() { return stats.consumers.front(); }

  model::QueueStats stats;
  engine::EngineStats engine;
};

TEST_F(Why, WithAConsumerThatHasCreditNothingIsInTheWay) {
  EXPECT_THAT(codes(), ElementsAre("NOTHING"));
  EXPECT_EQ(text(), "3 messages are ready, and being delivered.");
}

TEST_F(Why, AJobThatWaitsForAVersionSaysSo) {
  model::ReplayJobRecord job;
  job.id = model::ReplayJobId(3);
  job.options.after_version = ">=2.4.2";
  EXPECT_EQ(waits_for_version(job).code, "REPLAY_WAITS_FOR_VERSION");
  EXPECT_THAT(waits_for_version(job).text, HasSubstr("Replay job 3 waits for a consumer of version >=2.4.2: "));
}

TEST_F(Why, WhatIsEmptySaysWhereItsMessagesAre) {
  stats.ready = 0;
  EXPECT_THAT(codes(), ElementsAre("EMPTY"));
  stats.waiting = 2;
  stats.counters.in_hospital = 1;
  stats.next_due = kNow + 12s;
  EXPECT_THAT(codes(), ElementsAre("NOTHING_READY"));
  EXPECT_THAT(text(), HasSubstr("2 waiting for their next attempt, 1 in the hospital. The next is due in 12s ("));
}

TEST_F(Why, TheNextOfASingleActiveConsumerStandsByWhileTheFirstCloses) {
  stats.queue.options.single_active_consumer = true;
  EXPECT_THAT(codes(), ElementsAre("NOTHING"));
  consumer().standby = true;
  EXPECT_THAT(codes(), ElementsAre("STANDBY"));
  EXPECT_THAT(text(), HasSubstr("billing@host1 stands by until that is settled."));
}

TEST_F(Why, NobodyOrNobodyWithCredit) {
  consumer().used_messages = 10;
  EXPECT_THAT(codes(), ElementsAre("NO_CREDIT"));
  EXPECT_EQ(text(), "No consumer can take more: billing@host1 has used its credit of 10 messages.");
  consumer().used_messages = 1;
  consumer().used_bytes = 1000;
  EXPECT_THAT(text(), HasSubstr("credit of 1000 bytes"));
  consumer().used_bytes = 0;
  consumer().outbox_full = true;
  EXPECT_THAT(text(), HasSubstr("does not read"));
  consumer().away = true;
  EXPECT_THAT(text(), HasSubstr("is not heard of"));
  stats.consumers.push_back(consumer());
  stats.consumers.back().away = stats.consumers.back().outbox_full = false;
  EXPECT_THAT(codes(), ElementsAre("NOTHING"));
  stats.queue.options.single_active_consumer = true;  // the second only stands by
  EXPECT_THAT(codes(), ElementsAre("NO_CREDIT"));
  stats.consumers.clear();
  EXPECT_THAT(codes(), ElementsAre("NO_CONSUMER"));
}

TEST_F(Why, AFullHospitalSaysHowItGetsRoom) {
  stats.hospital_level = model::HospitalLevel::filling;
  stats.hospital_bytes = 100;
  stats.queue.options.hospital_max_bytes = 100;
  EXPECT_THAT(codes(), ElementsAre("NOTHING"));
  stats.hospital_level = model::HospitalLevel::full;
  EXPECT_THAT(codes(), ElementsAre("HOSPITAL_FULL"));
  EXPECT_THAT(text(), HasSubstr("its cases keep 100 bytes of messages, and hospital_max_bytes is 100. Nothing is "
                                "granted but replays, until"));
}

TEST_F(Why, WhatStopsAllComesFirst) {
  stats.queue.options.paused = true;
  stats.queue.options.max_in_flight = 2;
  stats.leased = 2;
  stats.suspects = 1;
  engine.resuming = engine.draining = true;
  stats.consumers.clear();
  EXPECT_THAT(codes(), ElementsAre("PAUSED", "DRAINING", "RESUMING", "MAX_IN_FLIGHT", "NO_CONSUMER", "SUSPECTS"));
}

TEST_F(Why, ABreakerThatIsNotClosed) {
  stats.breaker = {model::BreakerState::open, kNow, kNow + base::Duration(12'000'000), 97, 100, 1};
  EXPECT_THAT(codes(), ElementsAre("BREAKER_OPEN"));
  EXPECT_THAT(text(), HasSubstr("97 of 100 attempts had failed"));
  EXPECT_THAT(text(), HasSubstr("One message is tried in 12s"));
  stats.breaker.state = model::BreakerState::half_open;
  EXPECT_THAT(codes(), ElementsAre("BREAKER_HALF_OPEN"));
  EXPECT_THAT(text(), HasSubstr("one message at a time"));
}

TEST_F(Why, QuarantineRules) {
  stats.quarantines = 2;
  stats.caught_by_quarantines = 17;
  EXPECT_THAT(codes(), ElementsAre("NOTHING", "QUARANTINES"));
}

TEST_F(Why, KeysThatAreLocked) {
  stats.held = 65'536;
  stats.held_full = true;
  EXPECT_THAT(codes(), ElementsAre("HELD_FULL"));
  EXPECT_THAT(text(), HasSubstr("65536 messages are held by their keys, as many as are remembered"));
  model::MessageStates::Item item;
  item.offset = model::Offset(7);
  item.state = model::MessageState::held;
  item.held_by = model::Offset(3);
  const Cause cause = where_it_is(item, stats, 0, kNow);
  EXPECT_EQ(cause.code, "HELD");
  EXPECT_THAT(cause.text, HasSubstr("Message 7 is held, until message 3 of its key is settled"));
}

TEST_F(Why, WhatIsStillInATopic) {
  stats.sources = {{"orders", 0, 0, 0, 0, 0}, {"returns", 12, 0, 0, 0, 0}};
  engine.publishes_refused = true;
  ASSERT_EQ(codes().back(), "BEHIND_TOPIC");
  EXPECT_THAT(why_nothing_is_granted(stats, engine, kNow).back().text,
              HasSubstr("12 messages are in topic returns, and not taken over from it yet: the disk is too full"));
  stats.sources[1].lag = 0;
  EXPECT_NE(codes().back(), "BEHIND_TOPIC");
}

TEST_F(Why, TypesThatNobodyAccepts) {
  stats.unaccepted = 2;
  stats.unaccepted_type = "order.created";
  stats.unaccepted_schema = "order@3";
  stats.aside_full = true;
  EXPECT_THAT(codes(), ElementsAre("UNACCEPTED", "ASIDE_FULL"));
  EXPECT_THAT(text(), HasSubstr("2 messages are ready, but no consumer accepts them; the first has type "
                                "order.created and schema_id order@3."));
  model::MessageStates::Item item;
  item.offset = model::Offset(7);
  item.unaccepted = true;
  EXPECT_EQ(where_it_is(item, stats, 0, kNow).code, "UNACCEPTED");
}

TEST_F(Why, OneMessageIsSomewhere) {
  model::MessageStates::Item item;
  item.offset = model::Offset(7);
  item.state = model::MessageState::ready;
  EXPECT_EQ(where_it_is(item, stats, 0, kNow).text, "Message 7 is ready, and first in line.");
  EXPECT_EQ(where_it_is(item, stats, 2, kNow).text, "Message 7 is ready; 2 messages are before it.");
  EXPECT_EQ(where_it_is(item, stats, 2, kNow, Higher{model::Offset(12), 9}).text,
            "Message 7 is ready; what has a higher priority goes before it: message 12, of priority 9.");
  item.state = model::MessageState::leased;
  item.attempt = 2;
  item.until = kNow + 30s;
  item.consumer = consumer().info;
  EXPECT_THAT(where_it_is(item, stats, 0, kNow).text,
              HasSubstr("leased to billing@host1, attempt 2; the lease ends in 30s ("));
  item.state = model::MessageState::waiting;
  EXPECT_THAT(where_it_is(item, stats, 0, kNow).text, HasSubstr("due in 30s ("));
  item.state = model::MessageState::in_hospital;
  EXPECT_EQ(where_it_is(item, stats, 0, kNow).text, "Message 7 is in the hospital, as case 0-0-0-7.");
  EXPECT_EQ(where_it_is(item, stats, 0, kNow).code, "IN_HOSPITAL");
}

}  // namespace
}  // namespace lazaret::admin
