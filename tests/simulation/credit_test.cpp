// semantics: "Credit".
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Credit = Story;

TEST_F(Credit, NoMoreIsOutThanWasGranted) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 2);
  world.publish("orders", 4);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna gets 0, attempt 1", "0.000 anna gets 1, attempt 1"));
  anna.ack(1);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna ack 1: done", "0.000 anna gets 2, attempt 1"));
  anna.add_credit(1);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna gets 3, attempt 1"));
  expect_sums("orders");
}

TEST_F(Credit, AConnectionThatIsNotReadGetsNoMoreThanItsOutboxHasRoomFor) {
  world.create_queue("orders");
  Client anna(world, "anna", {.outbox_bytes = 2, .reads = false});
  anna.consume("orders", 100);
  world.publish("orders", {"a", "larger than all of it", "b", "c"});
  EXPECT_THAT(heard(), ElementsAre("0.000 anna gets 0, attempt 1", "0.000 anna gets 1, attempt 1"));
  // Settling gives credit back, but what is not written takes its room all the same.
  anna.ack(0);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna ack 0: done"));
  anna.written("orders", 20);
  EXPECT_THAT(heard(), IsEmpty());
  anna.written("orders", 1);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna gets 2, attempt 1"));
  anna.written("orders", 1);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna gets 3, attempt 1"));
  expect_sums("orders");
}

TEST_F(Credit, AFullOutboxHoldsNobodyElseUpAndIsForgottenWithItsConnection) {
  world.create_queue("orders");
  Client slow(world, "slow", {.outbox_bytes = 1, .reads = false});
  Client fast(world, "fast", {.outbox_bytes = 1});
  slow.consume("orders", 100);
  world.publish("orders", {"a"});
  fast.consume("orders", 100);
  world.publish("orders", {"b", "c", "d"});
  EXPECT_THAT(heard(), ElementsAre("0.000 slow gets 0, attempt 1", "0.000 fast gets 1, attempt 1",
                                   "0.000 fast gets 2, attempt 1", "0.000 fast gets 3, attempt 1"));
  // A consumer that is closed and opened again finds the outbox as it was.
  slow.close_consumer();
  slow.consume("orders", 100, 2);
  world.publish("orders", {"e"});
  EXPECT_THAT(heard(), ElementsAre("0.000 fast gets 0, attempt 1", "0.000 fast gets 4, attempt 1"));
  slow.die();
  slow.connect();
  fast.goodbye();
  slow.consume("orders", 100, 3);
  EXPECT_THAT(slow.held().size(), 1u);
}

TEST_F(Credit, WithoutCreditNothingComes) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 0);
  world.publish("orders", 1);
  world.run_for(1min);
  EXPECT_THAT(heard(), IsEmpty());
  anna.add_credit(1);
  EXPECT_THAT(heard(), ElementsAre("60.000 anna gets 0, attempt 1"));
}

TEST_F(Credit, TheNextGoesToWhoHasTheFewest) {
  world.create_queue("orders");
  Client anna(world, "anna");
  Client bert(world, "bert");
  anna.consume("orders", 10);
  bert.consume("orders", 10);
  world.publish("orders", 4);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna gets 0, attempt 1", "0.000 anna gets 2, attempt 1",
                                   "0.000 bert gets 1, attempt 1", "0.000 bert gets 3, attempt 1"));
  bert.ack(1);
  bert.ack(3);
  heard();
  world.publish("orders", 3);
  EXPECT_THAT(heard(), ElementsAre("0.000 bert gets 4, attempt 1", "0.000 bert gets 5, attempt 1",
                                   "0.000 anna gets 6, attempt 1"));
}

TEST_F(Credit, NobodyStarvesBesideAGreedyOne) {
  world.create_queue("orders");
  Client greedy(world, "greedy", {.silent_trace = true});
  greedy.consume("orders", 60'000);
  world.publish("orders", 2000);
  Client small(world, "small", {.silent_trace = true});
  small.consume("orders", 1);
  EXPECT_THAT(small.held(), IsEmpty());
  world.publish("orders", 1);
  EXPECT_THAT(small.held(), ElementsAre(2000));
}

TEST_F(Credit, BytesAreCounted) {
  world.create_queue("orders");
  Client anna(world, "anna", {.credit_bytes = 100});
  anna.consume("orders", 10);
  world.publish("orders", {std::string(60, 'a'), std::string(60, 'b'), std::string(40, 'c')});
  EXPECT_THAT(heard(), ElementsAre("0.000 anna gets 0, attempt 1"));  // 120 would be more than 100
  anna.ack(0);
  EXPECT_THAT(heard(),
              ElementsAre("0.000 anna ack 0: done", "0.000 anna gets 1, attempt 1", "0.000 anna gets 2, attempt 1"));
}

TEST_F(Credit, AMessageLargerThanAllCreditGoesToAnIdleConsumerAndIsNotOvertaken) {
  world.create_queue("orders");
  Client anna(world, "anna", {.credit_bytes = 100});
  anna.consume("orders", 10);
  world.publish("orders", {std::string(10, 'a'), std::string(500, 'b'), std::string(10, 'c')});
  EXPECT_THAT(heard(), ElementsAre("0.000 anna gets 0, attempt 1"));
  anna.ack(0);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna ack 0: done", "0.000 anna gets 1, attempt 1"));
  anna.ack(1);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna ack 1: done", "0.000 anna gets 2, attempt 1"));
}

class CreditOnASlowDisk : public Story {
 protected:
  CreditOnASlowDisk() : Story(WorldOptions{.ack_sync_max = 5ms, .sync_time = 10ms}) {}
};

TEST_F(CreditOnASlowDisk, AnAckGivesItsCreditBackWhenItIsDurable) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 1);
  world.run_for(1s);
  heard();
  world.publish("orders", 2);  // answered, and delivered, when it is durable
  EXPECT_EQ(heard().size(), 1u);
  const base::Instant acked_at = world.now();
  anna.ack(0);
  world.run_for(9ms);
  EXPECT_THAT(heard(), IsEmpty());
  world.run_for(1ms);
  EXPECT_EQ(heard().size(), 2u);
  EXPECT_EQ(world.now() - acked_at, base::Duration(10ms));
}

TEST_F(CreditOnASlowDisk, NobodyGetsWhatIsNotDurable) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.run_for(1s);
  heard();
  model::Publish publish;
  publish.log = world.queue("orders").log;
  publish.items.push_back({0, std::make_shared<model::Message>()});
  world.submit(model::ShardId(0), publish);
  world.run_for(9ms);
  EXPECT_THAT(heard(), IsEmpty());
  world.kill_broker();
  anna.disconnected();
  world.start_broker();
  EXPECT_EQ(world.show("orders").counters.entered, 0u);
  EXPECT_THAT(heard(), IsEmpty());
}

}  // namespace
}  // namespace lazaret::simulation
