// Transactions: a verdict and what it publishes are one write; so are publishes to several places, on any shard.
#include <algorithm>

#include "model/limits.h"
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Transactions : public Story {
 protected:
  Transactions() : Transactions(WorldOptions{.shards = 2, .ack_sync_max = 0ms}) {}
  explicit Transactions(WorldOptions options) : Story(options), anna(world, "anna", {.starts_at_once = true}) {
    world.create_queue("orders");
    // Queues are spread over the shards in turn.
    while (away.empty() || beside.empty()) {
      const std::string name = "queue" + std::to_string(++queues);
      const bool same = world.create_queue(name).shard == world.queue("orders").shard;
      (same ? beside : away) = name;
    }
    world.publish("orders", 3);
    anna.consume("orders", 3);
    world.run_for(10ms);
  }
  void crash(std::size_t keep = 0) {
    world.kill_broker(keep);
    anna.disconnected();
    world.start_broker();
    world.settle();
  }
  std::uint64_t ready(const std::string& queue) { return world.show(queue).ready; }
  Code code_of_last() { return codes.empty() ? Code::INTERNAL : codes.back(); }
  void listen() {
    anna.on_settled = [this](const model::Verdict&, const model::VerdictResult& result) {
      codes.push_back(result.code);
    };
  }

  Client anna;
  int queues = 0;
  std::string beside;  // on the shard of orders
  std::string away;    // on another
  std::vector<Code> codes;
};

TEST_F(Transactions, AnAckPublishesInTheSameWriteWhereverItGoes) {
  listen();
  anna.ack_with(0, {beside, away, away}, "result");
  world.run_for(1s);
  EXPECT_EQ(code_of_last(), Code::OK);
  EXPECT_EQ(ready(beside), 1u);
  EXPECT_EQ(ready(away), 2u);
  EXPECT_EQ(world.show("orders").counters.acked, 1u);
  EXPECT_EQ(world.store().owed(), 0u);
  for (const std::string& name : {std::string("orders"), beside, away}) expect_sums(name);
}

TEST_F(Transactions, WhatHasNowhereToGoChangesNothing) {
  listen();
  anna.ack_with(0, {beside, "nowhere"}, "result");
  world.run_for(1s);
  EXPECT_EQ(code_of_last(), Code::NOT_FOUND);
  EXPECT_EQ(ready(beside), 0u);
  EXPECT_EQ(world.show("orders").leased, 3u);
  anna.ack_with(0, {beside}, "result");
  world.run_for(1s);
  EXPECT_EQ(code_of_last(), Code::OK);
  EXPECT_EQ(ready(beside), 1u);
}

TEST_F(Transactions, AShortDiskRefusesAllOfIt) {
  listen();
  world.post_all(core::DiskPressure{true, 1, 2});
  anna.ack_with(0, {away}, "result");
  world.run_for(1s);
  EXPECT_EQ(code_of_last(), Code::RESOURCE_EXHAUSTED);
  EXPECT_EQ(world.show("orders").leased, 3u);
  EXPECT_EQ(ready(away), 0u);
}

TEST_F(Transactions, AnAckThatIsSentAgainPublishesNothingTwice) {
  listen();
  anna.ack_with(0, {away}, "result");
  world.run_for(1s);
  anna.ack_with(0, {away}, "result");
  world.run_for(1s);
  EXPECT_THAT(codes, ElementsAre(Code::OK, Code::OK));
  EXPECT_EQ(ready(away), 1u);
}

TEST_F(Transactions, ALostLeasePublishesNothing) {
  listen();
  const model::LeaseToken token = anna.delivery(0).token;
  anna.release(0);
  world.run_for(10ms);
  Client bert(world, "bert", {.starts_at_once = true});
  bert.consume("orders", 5);
  world.run_for(10ms);
  ASSERT_NE(token.grant, bert.deliveries().empty() ? anna.delivery(0).token.grant : bert.delivery(0).token.grant);
  model::Verdict verdict;
  verdict.token = token;
  verdict.outgoing = world.outgoing({away}, "result");
  anna.settle(verdict);
  world.run_for(1s);
  EXPECT_EQ(code_of_last(), Code::LEASE_LOST);
  EXPECT_EQ(ready(away), 0u);
}

TEST_F(Transactions, SeveralPlacesWithoutAVerdict) {
  const model::Published answer =
      world.publish_with("orders", "first", world.outgoing({beside, away, "orders"}, "others"));
  EXPECT_EQ(answer.results.at(0).code, Code::OK);
  world.run_for(1s);
  EXPECT_EQ(ready(beside), 1u);
  EXPECT_EQ(ready(away), 1u);
  EXPECT_EQ(world.show("orders").counters.entered, 5u);
  const auto refused = world.publish_with("orders", "first", world.outgoing({beside, "nowhere"}, "others"));
  EXPECT_EQ(refused.results.at(0).code, Code::NOT_FOUND);
  EXPECT_EQ(world.show("orders").counters.entered, 5u);
}

/// Sent again it must be the same, also in what goes with it.
TEST_F(Transactions, ASequenceNamesAllThatWentWithIt) {
  const auto publish = [&](const std::string& others) {
    auto message = std::make_shared<model::Message>();
    message->body = base::SharedBytes::of("first");
    model::Publish command;
    command.log = world.queue("orders").log;
    command.producer = model::ProducerId{};
    command.producer->bytes[0] = 1;
    command.items.push_back({7, std::move(message)});
    auto outgoing = std::make_shared<model::Outgoing>(*world.outgoing({away}, others));
    for (const char c : others) outgoing->to[0].messages[0]->body_crc += static_cast<unsigned char>(c);
    command.outgoing = std::move(outgoing);
    return world.ask<model::Published>(world.queue("orders").shard, command).results.at(0);
  };
  EXPECT_EQ(publish("others").code, Code::OK);
  EXPECT_TRUE(publish("others").duplicate);
  EXPECT_EQ(publish("another").code, Code::SEQUENCE_REUSED);
  world.run_for(1s);
  EXPECT_EQ(ready(away), 1u);
}

/// What a transaction has published cannot be taken back from where it went, nor refused there.
TEST_F(Transactions, AFullQueueTakesItAndRefusesOthers) {
  model::QueueOptions options;
  options.max_messages = 1;
  world.create_queue("full", options);
  world.publish("full", 1);
  anna.ack_with(0, {"full"}, "result");
  world.run_for(1s);
  EXPECT_EQ(ready("full"), 2u);
  EXPECT_EQ(world.publish("full", {"more"}).results.at(0).code, Code::RESOURCE_EXHAUSTED);
}

/// In whatever order its places are named: what is first of a set is no plain publish.
TEST_F(Transactions, ASetIsTakenByAFullQueueAlsoAsItsFirst) {
  model::QueueOptions options;
  options.max_messages = 1;
  world.create_queue("full", options);
  world.publish("full", 1);
  EXPECT_EQ(world.publish_with("full", "first", world.outgoing({beside}, "other")).results.at(0).code, Code::OK);
  EXPECT_EQ(world.publish_with(beside, "first", world.outgoing({"full"}, "other")).results.at(0).code, Code::OK);
  world.run_for(1s);
  EXPECT_EQ(ready("full"), 3u);
  EXPECT_EQ(ready(beside), 2u);
  const auto alone = world.publish_with("full", "alone", std::make_shared<model::Outgoing>());
  EXPECT_EQ(alone.results.at(0).code, Code::RESOURCE_EXHAUSTED);
  EXPECT_EQ(alone.status.limit(), "max_messages");
  expect_sums("full");
}

TEST_F(Transactions, WhatWasDeletedMeanwhileTakesNothing) {
  world.create_queue("brief");
  const auto outgoing = world.outgoing({"brief", away}, "result");
  world.delete_queue("brief", true);
  model::Verdict verdict;
  verdict.token = anna.delivery(0).token;
  verdict.outgoing = outgoing;
  listen();
  anna.settle(verdict);
  world.run_for(1s);
  const bool taken = code_of_last() == Code::OK;  // it was on another shard
  EXPECT_EQ(ready(away), taken ? 1u : 0u);
  EXPECT_EQ(world.store().owed(), 0u);
}

/// Syncs take a second.
class TransactionsOfASlowDisk : public Transactions {
 protected:
  TransactionsOfASlowDisk() : Transactions(WorldOptions{.shards = 2, .ack_sync_max = 0ms, .sync_time = 1s}) {
    world.run_for(10s);
  }
};

TEST_F(TransactionsOfASlowDisk, ACrashLeavesAllOfItOrNothing) {
  for (const base::Duration when : {100ms, 900ms, 1100ms, 1900ms, 2100ms, 3100ms, 5000ms}) {
    const std::uint64_t offset = anna.held().front();
    const std::uint64_t before = ready(away);
    anna.ack_with(offset, {beside, away}, "result");
    world.run_for(when);
    const bool there = !world.store().is_settled(world.queue("orders").subscription, model::Offset(offset), false);
    crash();
    anna.reconnect();
    world.run_for(20s);
    EXPECT_EQ(ready(away), ready(beside)) << when.count();
    EXPECT_EQ(ready(away), before + (there ? 0 : 1)) << when.count();
    EXPECT_EQ(world.store().owed(), 0u);
    world.publish("orders", 1);
    world.run_for(5s);
    anna.add_credit(1);
    world.run_for(5s);
  }
  EXPECT_GT(ready(away), 0u);
}

/// More than may be on its way at a time waits on the disk.
TEST_F(Transactions, ManyWaitOnTheDiskAndComeInOrder) {
  const std::size_t count = model::limits::kOutboxEntries * 3;
  auto outgoing = std::make_shared<model::Outgoing>();
  for (std::size_t i = 0; i < count; ++i) {
    auto message = std::make_shared<model::Message>();
    message->body = base::SharedBytes::of(std::to_string(i));
    outgoing->to.push_back({world.queue(away).shard, world.queue(away).log, {message}});
  }
  world.publish_with("orders", "first", outgoing);
  world.run_for(1s);
  ASSERT_EQ(ready(away), count);
  const model::QueueRecord& queue = world.queue(away);
  const auto page = world.store().read_messages(queue.shard, queue.log, model::Offset(0), model::Offset(count), count,
                                                std::size_t{1} << 30);
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_EQ(page->messages.at(i).message->body.view(), std::to_string(i));
  }
  EXPECT_EQ(world.store().owed(), 0u);
}

}  // namespace
}  // namespace lazaret::simulation
