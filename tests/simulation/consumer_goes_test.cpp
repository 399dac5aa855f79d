// semantics: "A consumer goes".
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using model::AttemptOutcome;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using ConsumerGoes = Story;

TEST_F(ConsumerGoes, AGoodbyeReleasesWhatHadNotBegunAndKeepsTheRest) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 2);
  world.publish("orders", 2);
  anna.start(0);
  anna.goodbye();
  heard();
  Client bert(world, "bert");
  bert.consume("orders", 2);
  // 1 was never begun: first in line again, and nothing in its history. 0 keeps its lease.
  EXPECT_THAT(heard(), ElementsAre("0.000 bert gets 1, attempt 1"));
  world.run_for(30s);
  EXPECT_THAT(outcomes("orders", 0), ElementsAre(AttemptOutcome::lease_expired));
  EXPECT_THAT(outcomes("orders", 1), IsEmpty());
  expect_sums("orders");
}

TEST_F(ConsumerGoes, ADeadPeerReleasesAtOnceWhatHadNotBegun) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 3);
  Client bert(world, "bert");
  world.publish("orders", 3);
  anna.start(0);
  anna.die();
  bert.consume("orders", 3);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna gets 0, attempt 1", "0.000 anna gets 1, attempt 1",
                                   "0.000 anna gets 2, attempt 1", "0.000 bert gets 1, attempt 1",
                                   "0.000 bert gets 2, attempt 1"));
  // It had begun exactly one: when the grace is over, that one is convicted, and waits for its second attempt.
  world.run_for(4999ms);
  EXPECT_EQ(world.show("orders").leased, 3u);
  world.run_for(1ms);
  EXPECT_THAT(outcomes("orders", 0), ElementsAre(AttemptOutcome::consumer_lost));
  EXPECT_EQ(world.show("orders").waiting, 1u);
  expect_sums("orders");
}

TEST_F(ConsumerGoes, ASilentPeerIsGivenTheGraceForEverything) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 1);
  Client bert(world, "bert");
  bert.consume("orders", 1);
  world.publish("orders", 2);
  heard();
  anna.vanish();
  bert.add_credit(1);
  world.run_for(4999ms);
  EXPECT_THAT(heard(), IsEmpty());
  world.run_for(1ms);
  EXPECT_THAT(heard(), ElementsAre("5.000 bert gets 0, attempt 1"));
}

TEST_F(ConsumerGoes, WhoComesBackInTimeKeepsWhatItHolds) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 3);
  world.publish("orders", 3);
  anna.start(1);
  anna.vanish();
  Client bert(world, "bert");
  bert.consume("orders", 3);
  world.run_for(4s);
  heard();
  anna.reconnect();
  EXPECT_THAT(heard(), ElementsAre("4.000 anna keeps 0", "4.000 anna keeps 1", "4.000 anna keeps 2"));
  world.run_for(10s);
  anna.ack(0);
  anna.ack(1);
  anna.start(2);
  anna.ack(2);
  EXPECT_THAT(heard(), ElementsAre("14.000 anna ack 0: done", "14.000 anna ack 1: done", "14.000 anna ack 2: done"));
  EXPECT_EQ(world.show("orders").counters.acked, 3u);
}

TEST_F(ConsumerGoes, LeasesDoNotExpireWhileTheInstanceIsAway) {
  model::QueueOptions options;
  options.lease_duration = 2s;
  world.create_queue("orders", options);
  Client anna(world, "anna");
  anna.consume("orders", 1);
  world.publish("orders", 1);
  anna.start(0);
  anna.quiet(true);
  world.run_for(8s);
  anna.quiet(false);
  heard();
  anna.extend(0);
  anna.ack(0);
  EXPECT_THAT(heard(), ElementsAre("8.000 anna extend 0: done", "8.000 anna ack 0: done"));
}

TEST_F(ConsumerGoes, WhoClosedAConsumerStillHearsThatALeaseHasEnded) {
  model::QueueOptions options;
  options.lease_duration = 2s;
  options.max_attempts = 1;
  world.create_queue("orders", options);
  Client anna(world, "anna");
  anna.consume("orders", 1);
  world.publish("orders", 1);
  anna.start(0);
  anna.close_consumer();
  heard();
  world.run_for(3s);
  EXPECT_THAT(heard(), ElementsAre("2.000 anna loses 0"));
}

TEST_F(ConsumerGoes, WhatIsNotPresentedIsReleasedAsNotBegun) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 2);
  world.publish("orders", 2);
  anna.start(1);
  anna.vanish();
  const auto last = anna.delivery(1).token;
  // It comes back and knows only of 0.
  Client bert(world, "bert");
  bert.consume("orders", 2);
  heard();
  const_cast<Client::Delivery&>(anna.delivery(1)).held = false;
  anna.reconnect();
  world.settle();
  EXPECT_THAT(heard(), ElementsAre("0.000 anna keeps 0", "0.000 bert gets 1, attempt 1"));
  anna.settle({model::VerdictKind::ack, last, {}, false, {}});
  EXPECT_THAT(heard(), ElementsAre("0.000 anna ack 1: LEASE_LOST, leased"));
  EXPECT_THAT(outcomes("orders", 1), IsEmpty());
}

/// A process that stops in the moment of its reconnect: it says goodbye before it has opened its consumers again.
TEST_F(ConsumerGoes, AGoodbyeBeforeTheConsumersAreOpenedAgainReleasesToo) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 2);
  world.publish("orders", 2);
  anna.start(0);
  anna.vanish();
  const auto session = world.open_session([](model::Answer&&) {}, anna.record());
  world.end_session(session, core::SessionEnded::How::goodbye);
  world.settle();
  heard();
  Client bert(world, "bert");
  bert.consume("orders", 2);
  EXPECT_THAT(heard(), ElementsAre("0.000 bert gets 1, attempt 1"));
  world.run_for(30s);
  EXPECT_THAT(outcomes("orders", 0), ElementsAre(AttemptOutcome::lease_expired));
  expect_sums("orders");
}

/// Two connections of one process: with one of them gone the process is not lost.
TEST_F(ConsumerGoes, WhatASilentConnectionHadNotBegunIsReleasedWhenTheGraceIsOverAlsoIfAnotherLives) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 2);
  world.publish("orders", 2);
  anna.start(0);
  const auto other = world.open_session([](model::Answer&&) {}, anna.record());
  world.session_resumed(other);
  anna.vanish();
  Client bert(world, "bert");
  bert.consume("orders", 2);
  heard();
  world.run_for(4999ms);
  EXPECT_THAT(heard(), IsEmpty());
  world.run_for(1ms);
  EXPECT_THAT(heard(), ElementsAre("5.000 bert gets 1, attempt 1"));
  // What it had begun keeps its lease; nobody is suspected.
  world.run_for(25s);
  EXPECT_THAT(outcomes("orders", 0), ElementsAre(AttemptOutcome::lease_expired));
  expect_sums("orders");
}

/// Its lease would have ended meanwhile. Coming back is a sign of life: it has the time of a lease from there.
TEST_F(ConsumerGoes, WhoComesBackHasAWholeLease) {
  model::QueueOptions options;
  options.lease_duration = 2s;
  world.create_queue("orders", options);
  Client anna(world, "anna");
  anna.consume("orders", 1);
  world.publish("orders", 1);
  anna.start(0);
  anna.vanish();
  world.run_for(4s);
  anna.reconnect();
  world.run_for(1999ms);
  anna.extend(0);
  anna.quiet(true);
  world.run_for(4s);
  anna.quiet(false);
  world.run_for(1999ms);
  EXPECT_THAT(outcomes("orders", 0), IsEmpty());
  heard();
  anna.ack(0);
  EXPECT_THAT(heard(), ElementsAre("11.998 anna ack 0: done"));
}

class ConsumerGoesDuringASync : public Story {
 protected:
  ConsumerGoesDuringASync() : Story(WorldOptions{.ack_sync_max = 0ms, .sync_time = 10ms}) {}
};

/// It was granted when it came, and given back before it was even written: there is nothing to be read yet.
TEST_F(ConsumerGoesDuringASync, AMessageThatIsNotWrittenYetIsNotTakenForDamaged) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 10);
  const model::QueueRecord& queue = world.queue("orders");
  const auto send = [&](const std::string& body) {
    model::Publish publish;
    publish.log = queue.log;
    auto message = std::make_shared<model::Message>();
    message->body = base::SharedBytes::of(body);
    publish.items.push_back({0, std::move(message)});
    world.submit(queue.shard, std::move(publish));
  };
  world.run_for(1s);
  send("in the group that is being synced");
  world.settle();
  send("in the next");
  world.settle();
  anna.die();
  Client bert(world, "bert");
  bert.consume("orders", 10);
  world.run_for(1s);
  EXPECT_THAT(bert.held(), ElementsAre(0, 1));
  EXPECT_THAT(world.cases("orders", model::CaseState::admitted), IsEmpty());
  expect_sums("orders");
}

TEST_F(ConsumerGoes, TwoQueuesOneDeadInstance) {
  // What an instance has begun is counted over all its consumers: here two, so nobody is convicted.
  world.create_queue("orders");
  world.create_queue("letters");
  Client anna(world, "anna");
  anna.consume("orders", 1, 1);
  anna.consume("letters", 1, 2);
  world.publish("orders", 1);
  anna.start(0);
  world.publish("letters", 1);
  anna.start(0);
  anna.die();
  world.run_for(5s);
  EXPECT_THAT(outcomes("orders", 0), ElementsAre(AttemptOutcome::interrupted));
  EXPECT_THAT(outcomes("letters", 0), ElementsAre(AttemptOutcome::interrupted));
  EXPECT_EQ(world.show("orders").suspects, 1u);
  EXPECT_EQ(world.show("letters").suspects, 1u);
  expect_sums("orders");
}

TEST_F(ConsumerGoes, AReleaseThatIsOnDiskHoldsOverARestart) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 2);
  world.publish("orders", 2);
  anna.start(1);
  anna.die();
  world.run_for(6s);  // lost with two begun: suspects, each with one interrupted attempt
  world.kill_broker();
  world.start_broker();
  Client bert(world, "bert", {.starts_at_once = true});
  heard();
  bert.consume("orders", 2);
  world.run_for(1s);
  // Nobody had them when the broker died: no second interruption.
  EXPECT_THAT(heard(), ElementsAre("6.000 bert gets 0, attempt 2, again, alone"));
  bert.ack(0);
  world.run_for(1s);
  EXPECT_THAT(heard(), ElementsAre("7.000 bert ack 0: done", "7.000 bert gets 1, attempt 2, again, alone"));
}

}  // namespace
}  // namespace lazaret::simulation
