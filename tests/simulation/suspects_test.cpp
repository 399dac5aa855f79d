// semantics: "Suspects", "Worker killers".
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using model::AttemptOutcome;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Suspects : public Story {
 protected:
  /// Offsets 0 and 1 were begun by an instance that died.
  void make_suspects(const model::QueueOptions& options = {}) {
    world.create_queue("orders", options);
    Client dead(world, "dead");
    dead.consume("orders", 2);
    world.publish("orders", 2);
    dead.start(1);
    dead.die();
    world.run_for(5s);
    heard();
  }
};

TEST_F(Suspects, TheyGoOutOneByOneAndAlone) {
  make_suspects();
  Client anna(world, "anna");
  anna.consume("orders", 10);
  EXPECT_THAT(heard(), ElementsAre("5.000 anna gets 0, attempt 2, again, alone"));
  world.publish("orders", 1);
  world.run_for(1s);
  EXPECT_THAT(heard(), IsEmpty());  // nothing else goes to anna meanwhile
  anna.start(0);
  anna.ack(0);
  EXPECT_THAT(heard(), ElementsAre("6.000 anna ack 0: done", "6.000 anna gets 1, attempt 2, again, alone"));
  anna.start(1);
  anna.ack(1);
  EXPECT_THAT(heard(), ElementsAre("6.000 anna ack 1: done", "6.000 anna gets 2, attempt 1"));
  expect_sums("orders");
}

TEST_F(Suspects, TheBrokerMakesRoom) {
  make_suspects();
  Client anna(world, "anna", {.answers_recall = false});
  Client bert(world, "bert");
  world.publish("orders", 3);
  // anna gets a suspect alone at once; bert goes on with the rest.
  anna.consume("orders", 10);
  bert.consume("orders", 10);
  EXPECT_THAT(heard(), ElementsAre("5.000 anna gets 0, attempt 2, again, alone", "5.000 bert gets 2, attempt 1",
                                   "5.000 bert gets 3, attempt 1", "5.000 bert gets 4, attempt 1"));
}

TEST_F(Suspects, WhoIsBusyIsAskedToGiveBack) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 3);
  world.publish("orders", 3);
  anna.start(0);
  Client dead(world, "dead");
  dead.consume("orders", 2);
  world.publish("orders", 2);
  dead.start(4);
  dead.die();
  heard();
  world.run_for(5s);
  // 1 and 2 had not begun; 0 has, and is waited for.
  EXPECT_THAT(heard(), ElementsAre("5.000 anna gives back 1", "5.000 anna gives back 2"));
  anna.ack(0);
  EXPECT_THAT(heard(), ElementsAre("5.000 anna ack 0: done", "5.000 anna gets 3, attempt 2, again, alone"));
  anna.ack(3);
  anna.ack(4);
  EXPECT_THAT(heard(),
              ElementsAre("5.000 anna ack 3: done", "5.000 anna gets 4, attempt 2, again, alone",
                          "5.000 anna ack 4: done", "5.000 anna gets 1, attempt 1", "5.000 anna gets 2, attempt 1"));
  expect_sums("orders");
}

TEST_F(Suspects, LostOverASuspectConvictsItAndTwiceMakesAWorkerKiller) {
  model::QueueOptions options;
  options.backoff_jitter = 0;
  make_suspects(options);
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 10);
  anna.die();
  world.run_for(5s);  // convicted once; its second attempt waits for a second
  EXPECT_THAT(outcomes("orders", 0), ElementsAre(AttemptOutcome::interrupted, AttemptOutcome::consumer_lost));
  Client bert(world, "bert", {.starts_at_once = true});
  bert.consume("orders", 10);
  bert.ack(1);
  world.run_for(1s);
  EXPECT_THAT(heard(),
              ElementsAre("5.000 anna gets 0, attempt 2, again, alone", "10.000 bert gets 1, attempt 2, again, alone",
                          "10.000 bert ack 1: done", "11.000 bert gets 0, attempt 3, again, alone"));
  bert.die();
  world.run_for(5s);
  const auto cases = world.cases("orders", model::CaseState::admitted);
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_EQ(cases[0].reason, model::CaseReason::killed_workers);
  EXPECT_EQ(cases[0].attempt_count, 3u);
  EXPECT_EQ(cases[0].failure_count, 2u);
  expect_sums("orders");
}

TEST_F(Suspects, AFailureOfItsOwnClearsIt) {
  model::QueueOptions options;
  options.backoff_jitter = 0;
  make_suspects(options);
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 10);
  anna.nack(0);
  anna.ack(1);
  world.run_for(1s);
  EXPECT_THAT(heard(), ElementsAre("5.000 anna gets 0, attempt 2, again, alone", "5.000 anna nack 0: done",
                                   "5.000 anna gets 1, attempt 2, again, alone", "5.000 anna ack 1: done",
                                   "6.000 anna gets 0, attempt 3, again"));
}

TEST_F(Suspects, AReleaseDoesNotClearIt) {
  make_suspects();
  Client anna(world, "anna");
  anna.consume("orders", 10);
  anna.start(0);
  anna.release(0);
  EXPECT_THAT(heard(), ElementsAre("5.000 anna gets 0, attempt 2, again, alone", "5.000 anna release 0: done",
                                   "5.000 anna gets 0, attempt 3, again, alone"));
}

TEST_F(Suspects, NotBegunIsNotBlamed) {
  make_suspects();
  Client anna(world, "anna");
  anna.consume("orders", 10);
  anna.die();  // before its handler began
  world.run_for(5s);
  EXPECT_THAT(outcomes("orders", 0), ElementsAre(AttemptOutcome::interrupted));
  expect_sums("orders");
}

TEST_F(Suspects, AGoodbyeOverASuspectEndsTheIsolation) {
  make_suspects();
  Client anna(world, "anna");
  anna.consume("orders", 10);
  anna.goodbye();
  Client bert(world, "bert");
  bert.consume("orders", 10);
  EXPECT_THAT(heard(),
              ElementsAre("5.000 anna gets 0, attempt 2, again, alone", "5.000 bert gets 0, attempt 2, again, alone"));
}

TEST_F(Suspects, AConsumerWithoutCreditDoesNotKeepASuspectFromItsNeighbour) {
  make_suspects();
  Client anna(world, "anna");
  anna.consume("orders", 0, 1);
  anna.consume("orders", 10, 2);
  EXPECT_THAT(heard(), ElementsAre("5.000 anna gets 0, attempt 2, again, alone"));
}

TEST_F(Suspects, WhoHasNoCreditAnyMoreIsNotWaitedFor) {
  make_suspects();
  Client anna(world, "anna");
  world.publish("orders", 1);
  anna.consume("orders", 10);
  anna.vanish();
  anna.consume_later("orders", 0);  // it comes back, and takes nothing for now
  anna.reconnect();
  Client bert(world, "bert");
  bert.consume("orders", 10);
  heard();
  anna.release(0);
  EXPECT_THAT(heard(), ElementsAre("5.000 anna release 0: done", "5.000 bert gives back 2",
                                   "5.000 bert gets 0, attempt 2, again, alone"));
}

/// It was asked for in the moment in which it went.
TEST_F(Suspects, WhoWasRefusedOnceIsAskedAgainWhenItIsBack) {
  make_suspects();
  Client anna(world, "anna");
  const model::QueueRecord& queue = world.queue("orders");
  model::OpenConsumer open;
  open.origin = {world.open_session([](model::Answer&&) {}, anna.record()), 1};
  open.consumer = {anna.instance(), 1};
  open.instance = anna.record();
  open.subscription = queue.subscription;
  open.credit_messages = 1;
  open.credit_bytes = 1000;
  world.submit(queue.shard, open);
  world.end_session(open.origin.session, core::SessionEnded::How::silent);
  anna.vanish();
  world.run_for(1s);
  anna.reconnect();
  anna.consume("orders", 10);
  EXPECT_THAT(heard(), ElementsAre("6.000 anna gets 0, attempt 2, again, alone"));
}

/// The last of them: no other one keeps its instance reserved.
TEST_F(Suspects, OneThatIsTriedIsAloneAlsoBehindARestart) {
  make_suspects();
  Client anna(world, "anna");
  anna.consume("orders", 10);
  anna.ack(0);
  anna.start(1);
  world.kill_broker();
  anna.disconnected();
  world.start_broker();
  heard();
  world.publish("orders", 1);
  anna.reconnect();
  world.run_for(6s);
  EXPECT_THAT(heard(), ElementsAre("5.000 anna keeps 1"));
  anna.ack(1);
  EXPECT_THAT(heard(), ElementsAre("11.000 anna ack 1: done", "11.000 anna gets 2, attempt 1"));
  expect_sums("orders");
}

class SuspectsOnTwoShards : public Story {
 protected:
  SuspectsOnTwoShards() : Story(WorldOptions{.shards = 2, .ack_sync_max = 0ms}) {}
};

TEST_F(SuspectsOnTwoShards, AnInstanceIsAloneOnAllShards) {
  world.create_queue("orders");
  world.create_queue("letters");
  ASSERT_NE(world.queue("orders").shard, world.queue("letters").shard);
  Client dead(world, "dead");
  dead.consume("orders", 2);
  world.publish("orders", 2);
  dead.start(1);
  dead.die();
  world.run_for(5s);
  Client anna(world, "anna");
  anna.consume("orders", 10, 1);
  heard();
  // anna has a suspect of the one shard; a consumer that it opens on the other gets nothing meanwhile.
  world.publish("letters", 1);
  anna.consume("letters", 10, 2);
  world.run_for(1s);
  EXPECT_THAT(heard(), IsEmpty());
  anna.start(0);
  anna.ack(0);
  anna.start(1);
  anna.ack(1);
  EXPECT_THAT(heard(), ElementsAre("6.000 anna ack 0: done", "6.000 anna gets 1, attempt 2, again, alone",
                                   "6.000 anna ack 1: done", "6.000 anna gets 0, attempt 1"));
}

}  // namespace
}  // namespace lazaret::simulation
