// semantics: "After a restart".
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using model::AttemptOutcome;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Restart : public Story {
 protected:
  void crash(std::initializer_list<Client*> clients) {
    world.kill_broker();
    for (Client* client : clients) client->disconnected();
    world.start_broker();
    world.settle();
  }
  void clean_restart(std::initializer_list<Client*> clients) {
    world.stop_broker();
    for (Client* client : clients) client->disconnected();
    world.start_broker();
    world.settle();
  }
};

TEST_F(Restart, WhatNobodyClaimsIsInterruptedOnce) {
  world.create_queue("orders");
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 1);
  world.publish("orders", 1);
  crash({&anna});
  crash({});
  Client bert(world, "bert");
  bert.consume("orders", 1);
  heard();
  world.run_for(4999ms);
  EXPECT_THAT(heard(), IsEmpty());
  EXPECT_EQ(world.show("orders").leased, 1u);  // reserved messages count as leased
  expect_sums("orders");
  world.run_for(1ms);
  EXPECT_THAT(heard(), ElementsAre("5.000 bert gets 0, attempt 2, again"));
  EXPECT_THAT(outcomes("orders", 0), ElementsAre(AttemptOutcome::interrupted));
  bert.ack(0);
  expect_sums("orders");
}

TEST_F(Restart, WhoComesBackGoesOnAndNothingRunsTwice) {
  world.create_queue("orders");
  Client anna(world, "anna", {.starts_at_once = true});
  Client bert(world, "bert", {.starts_at_once = true});
  anna.consume("orders", 2);
  bert.consume("orders", 2);
  world.publish("orders", 4);
  anna.nack(0, "once", 0ms);  // on record from now on
  world.settle();
  heard();
  crash({&anna, &bert});
  anna.reconnect();
  EXPECT_THAT(heard(), ElementsAre("0.000 anna keeps 0", "0.000 anna keeps 2"));
  bert.reconnect();
  EXPECT_THAT(heard(), ElementsAre("0.000 bert keeps 1", "0.000 bert keeps 3"));
  for (const std::uint64_t offset : {0u, 2u}) anna.ack(offset);
  for (const std::uint64_t offset : {1u, 3u}) bert.ack(offset);
  world.run_for(1min);
  heard();
  EXPECT_EQ(world.show("orders").counters.acked, 4u);
  expect_sums("orders");
}

/// The ack was on the disk, its answer was not on its way yet. A client keeps what it is not answered under its number.
TEST_F(Restart, ANumberIsNotGivenAgainWhileTheClientMayStillUseIt) {
  world.create_queue("orders");
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 2);
  world.publish("orders", 1);
  anna.ack(0);
  anna.believes_to_hold(0);
  crash({&anna});
  anna.reconnect();
  world.publish("orders", 1);
  EXPECT_GT(anna.delivery(1).what.delivery, anna.delivery(0).what.delivery);
  anna.ack(1);
  expect_sums("orders");
}

TEST_F(Restart, WhenAllAreBackNobodyWaitsLonger) {
  world.create_queue("orders");
  Client anna(world, "anna");
  Client bert(world, "bert");
  anna.consume("orders", 1);
  bert.consume("orders", 1);
  world.publish("orders", 2);
  crash({&anna, &bert});
  heard();
  world.run_for(1s);
  anna.restart();  // another process: it holds nothing
  anna.connect();
  anna.consume("orders", 5);
  EXPECT_THAT(heard(), IsEmpty());
  bert.reconnect();
  EXPECT_THAT(heard(), ElementsAre("1.000 bert keeps 1"));  // the old anna is still awaited
  world.run_for(4s);
  EXPECT_THAT(heard(), ElementsAre("5.000 anna gets 0, attempt 2, again"));
}

TEST_F(Restart, NewMessagesNeedNotWait) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 1);
  world.publish("orders", 1);
  crash({&anna});
  heard();
  Client bert(world, "bert");
  bert.consume("orders", 5);
  world.publish("orders", 1);
  EXPECT_THAT(heard(), ElementsAre("0.000 bert gets 1, attempt 1"));
}

TEST_F(Restart, TheOldTokenIsRefusedOnceTheMessageIsGrantedAnew) {
  world.create_queue("orders");
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 1);
  world.publish("orders", 1);
  crash({&anna});
  world.run_for(5s);
  Client bert(world, "bert");
  bert.consume("orders", 1);
  heard();
  anna.reconnect();
  EXPECT_THAT(heard(), ElementsAre("5.000 anna has lost 0"));
  anna.ack(0);
  EXPECT_THAT(heard(), ElementsAre("5.000 anna ack 0: LEASE_LOST, leased"));
}

TEST_F(Restart, AnAckThatWasConfirmedIsFinal) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 3);
  world.publish("orders", 3);
  anna.ack(1);
  crash({});
  Client bert(world, "bert");
  bert.consume("orders", 3);
  heard();
  world.run_for(5s);
  EXPECT_THAT(heard(), ElementsAre("5.000 bert gets 0, attempt 2, again", "5.000 bert gets 2, attempt 2, again"));
}

TEST_F(Restart, ACleanStopInterruptsOnlyWhatWasOut) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 1);
  world.publish("orders", 3);
  anna.start(0);
  clean_restart({});
  world.run_for(5s);
  Client bert(world, "bert");
  bert.consume("orders", 3);
  heard();
  EXPECT_EQ(bert.delivery(0).what.attempt, 2u);
  EXPECT_EQ(bert.delivery(1).what.attempt, 1u);
  EXPECT_FALSE(bert.delivery(2).what.redelivered);
}

TEST_F(Restart, WhatNeverBeganIsNoAttemptAfterACleanStop) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 3);
  world.publish("orders", 3);
  anna.start(0);
  clean_restart({&anna});  // when asked to, it gave back what it had not begun
  world.run_for(6s);
  Client bert(world, "bert");
  bert.consume("orders", 3);
  EXPECT_EQ(bert.delivery(0).what.attempt, 2u);
  EXPECT_EQ(bert.delivery(1).what.attempt, 1u);
  EXPECT_EQ(bert.delivery(2).what.attempt, 1u);
}

TEST_F(Restart, WhatCameBackBeforeACleanStopIsNoAttemptAfterIt) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 2);
  world.publish("orders", 2);
  anna.close_consumer();
  clean_restart({&anna});
  world.run_for(6s);
  Client bert(world, "bert");
  bert.consume("orders", 2);
  EXPECT_EQ(bert.delivery(0).what.attempt, 1u);
  EXPECT_EQ(bert.delivery(1).what.attempt, 1u);
}

TEST_F(Restart, ACleanStopAfterACrashDoesNotForgetWhatMayHaveBegun) {
  world.create_queue("orders");
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 3);
  world.publish("orders", 3);
  crash({&anna});
  world.run_for(6s);
  clean_restart({});
  world.run_for(6s);
  Client bert(world, "bert");
  bert.consume("orders", 3);
  for (const std::uint64_t offset : {0u, 1u, 2u}) {
    EXPECT_EQ(bert.delivery(offset).what.attempt, 2u);
    EXPECT_TRUE(bert.delivery(offset).what.redelivered);
  }
}

TEST_F(Restart, AClaimOverTwoRestartsStandsAlthoughTheFirstStopWasClean) {
  world.create_queue("orders");
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 3);
  world.publish("orders", 3);
  crash({&anna});
  anna.reconnect();
  clean_restart({&anna});
  heard();
  anna.reconnect();
  EXPECT_THAT(heard(), ElementsAre("1.000 anna keeps 0", "1.000 anna keeps 1", "1.000 anna keeps 2"));
}

TEST_F(Restart, ACleanStopKeepsWhatWasGrantedWhileOthersWereAwaited) {
  world.create_queue("orders");
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 1);
  world.publish("orders", 2);
  crash({&anna});
  Client bert(world, "bert", {.starts_at_once = true});
  bert.consume("orders", 1);
  world.publish("orders", 1);
  EXPECT_THAT(bert.held(), ElementsAre(2));
  world.run_for(5s);  // anna did not come back: it goes on from the beginning
  clean_restart({&bert});
  heard();
  bert.reconnect();
  EXPECT_THAT(heard(), ElementsAre("6.000 bert keeps 2"));
}

TEST_F(Restart, AClientThatNeverSaysStartedHasALeaseAfterwardsToo) {
  world.create_queue("orders");
  Client old(world, "old", {.speaks_started = false});
  old.consume("orders", 1);
  world.publish("orders", 1);
  crash({&old});
  old.reconnect();
  heard();
  world.run_for(30s);
  EXPECT_THAT(heard(), ElementsAre("30.000 old loses 0"));
}

TEST_F(Restart, WhatWaitsOnTheDiskCannotBeClaimed) {
  world.create_queue("orders");
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 3);
  world.publish("orders", 3);
  for (const std::uint64_t offset : {0u, 1u, 2u}) {
    anna.nack(offset, "", std::chrono::seconds(10 * (offset + 1)));
  }
  anna.believes_to_hold(2);
  world.store().set_waiting_in_memory(1);
  crash({&anna});
  heard();
  anna.reconnect();
  EXPECT_THAT(heard(), ElementsAre("0.000 anna has lost 2"));
  expect_sums("orders");
  world.run_for(35s);
  EXPECT_EQ(world.show("orders").leased, 3u);
  for (const std::uint64_t offset : {0u, 1u, 2u}) {
    EXPECT_EQ(anna.delivery(offset).what.attempt, 2u);
    anna.ack(offset);
  }
  expect_sums("orders");
}

TEST_F(Restart, SumsHoldWhileMessagesWaitOnTheDisk) {
  world.create_queue("orders");
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 5);
  world.publish("orders", 5);
  for (const std::uint64_t offset : {1u, 2u, 3u}) anna.nack(offset, "", 20s);
  world.store().set_waiting_in_memory(1);
  crash({&anna});
  const auto stats = world.show("orders");
  EXPECT_EQ(stats.waiting, 3u);
  EXPECT_EQ(stats.leased, 2u);
  EXPECT_EQ(stats.ready, 0u);
  expect_sums("orders");
  EXPECT_EQ(world.purge("orders").count, 3u);
  EXPECT_EQ(world.show("orders").leased, 2u);
  anna.reconnect();
  anna.ack(0);
  anna.ack(4);
  EXPECT_EQ(world.show("orders").counters.acked, 2u);
  expect_sums("orders");
}

TEST_F(Restart, AStartedForWhatWasLostBeginsNothingNew) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 3);
  world.publish("orders", 3);
  anna.vanish();
  world.run_for(6s);  // given up: everything was released
  anna.reconnect();   // and goes to her again
  EXPECT_THAT(anna.held(), ElementsAre(0, 1, 2));
  EXPECT_GT(anna.delivery(0).what.delivery, 3u);
  model::Started started{{anna.instance(), 1}, world.queue("orders").subscription, 3};
  world.submit(model::ShardId(0), started);  // on its way since before she heard of it
  world.settle();
  EXPECT_EQ(world.show("orders").consumers.at(0).begun, 0u);
}

TEST_F(Restart, TokensThatNoClientCanHaveAreRefused) {
  world.create_queue("orders");
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 3);
  world.publish("orders", 3);
  crash({&anna});
  // Three deliveries of one number, of none, and of one from which nobody could count on.
  model::OpenConsumer open;
  model::InstanceRecord instance;
  instance.id = anna.instance();
  const model::SessionId session = world.open_session([](model::Answer&&) {}, instance);
  open.consumer = {anna.instance(), 1};
  open.instance = instance;
  open.subscription = world.queue("orders").subscription;
  open.credit_messages = 10;
  open.credit_bytes = 1000;
  open.held = {
      {anna.delivery(0).token, true, 7}, {anna.delivery(1).token, true, 7}, {anna.delivery(2).token, true, ~0ull}};
  open.origin = {session, 1};
  world.submit(model::ShardId(0), open);
  world.session_resumed(session);
  world.settle();
  EXPECT_EQ(world.show("orders").consumers.at(0).begun, 1u);
  world.end_session(session, core::SessionEnded::How::closed);
  world.run_for(1min);
  EXPECT_EQ(world.show("orders").leased, 0u);
  expect_sums("orders");
}

TEST_F(Restart, AReplayThatWasOutIsClaimedOrInterrupted) {
  world.create_queue("orders");
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 2);
  world.publish("orders", 2);
  anna.reject(0);
  anna.reject(1);
  for (const auto& record : world.cases("orders", model::CaseState::admitted)) world.replay(record.id);
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(0, 1));
  heard();
  crash({&anna});
  expect_sums("orders");
  anna.reconnect();
  EXPECT_THAT(heard(), ElementsAre("0.000 anna keeps 0", "0.000 anna keeps 1"));
  anna.ack(0);
  EXPECT_THAT(world.cases("orders", model::CaseState::discharged), SizeIs(1));
  crash({&anna});
  world.run_for(5s);
  Client bert(world, "bert");
  heard();
  bert.consume("orders", 1);
  EXPECT_THAT(heard(), ElementsAre("5.000 bert gets 1, attempt 3, again"));
  EXPECT_THAT(outcomes("orders", 1), ElementsAre(AttemptOutcome::rejected, AttemptOutcome::interrupted));
  bert.ack(1);
  expect_sums("orders");
}

}  // namespace
}  // namespace lazaret::simulation
