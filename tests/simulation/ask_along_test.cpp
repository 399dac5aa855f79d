// Durable requests in transactions: a verdict and what it asks are one write, on whatever shards the queues are; then
// each is a request like any, and has one reply.
#include <algorithm>

#include "simulation/reply_text.h"
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class AskingAlong : public Story {
 protected:
  AskingAlong() : AskingAlong(WorldOptions{.shards = 2, .ack_sync_max = 0ms}) {}
  explicit AskingAlong(WorldOptions options)
      : Story(options), anna(world, "anna", {.starts_at_once = true}), ben(world, "ben", {.starts_at_once = true}) {
    world.create_queue("orders");
    // Queues are spread over the shards in turn.
    std::vector<std::string> beside, away;
    for (int i = 0; beside.size() < 2 || away.size() < 2; ++i) {
      const std::string name = "queue" + std::to_string(i);
      const bool same = world.create_queue(name).shard == world.queue("orders").shard;
      (same ? beside : away).push_back(name);
    }
    near = beside[0];
    near_replies = beside[1];
    far = away[0];
    far_replies = away[1];
    world.publish("orders", 3);
    anna.consume("orders", 3);
    anna.on_settled = [this](const model::Verdict&, const model::VerdictResult& result) {
      codes.push_back(result.code);
    };
    world.run_for(10ms);
  }

  /// Everything that is on this queue: its requests are answered "yes", its replies are told.
  Lines work_off(const std::string& queue) {
    Lines came;
    Client& worker = *workers.emplace_back(std::make_unique<Client>(world, "worker" + std::to_string(workers.size()),
                                                                    Client::Options{.starts_at_once = true}));
    worker.on_delivery = [&](const Client::Delivery& delivery) {
      const model::Message& message = *delivery.what.message;
      const ReplyText text = ReplyText::of(message.envelope.view());
      const bool request = delivery.what.deadline.us != 0;
      came.push_back(request                                       ? "asked " + std::string(message.body.view())
                     : !ReplyText::is_one(message.envelope.view()) ? std::string(message.body.view())
                     : text.outcome == "timed_out"                 ? text.reached + " " + text.context
                                                                   : text.outcome + " " + text.context);
    };
    worker.consume(queue, 200);
    world.run_for(5s);
    worker.on_delivery = nullptr;
    for (const std::uint64_t offset : worker.held()) {
      if (worker.delivery(offset).what.deadline.us != 0) {
        worker.answer(offset, "yes");
      } else {
        worker.ack(offset);
      }
    }
    world.run_for(5s);
    worker.goodbye();
    world.run_for(5s);
    return came;
  }
  void crash(std::size_t keep = 0) {
    world.kill_broker(keep);
    for (Client* client : {&anna, &ben}) client->disconnected();
    world.start_broker();
    world.settle();
  }
  std::uint64_t open(const std::string& queue) { return world.show(queue).pending_requests; }
  void settle(std::uint64_t offset, model::OutgoingRef outgoing) {
    model::Verdict verdict;
    verdict.token = anna.delivery(offset).token;
    verdict.outgoing = std::move(outgoing);
    anna.settle(verdict);
    world.run_for(1s);
  }

  Client anna, ben;
  std::vector<std::unique_ptr<Client>> workers;
  std::string near, near_replies;  // on the shard of orders
  std::string far, far_replies;    // on the other
  std::vector<Code> codes;
};

TEST_F(AskingAlong, AVerdictAsksWhereverTheQueuesAre) {
  anna.ack_with(0, {near_replies}, "tx",
                {{near, 1, 72h, near_replies},
                 {near, 2, 72h, far_replies},
                 {far, 3, 72h, near_replies},
                 {far, 4, 72h, far_replies}});
  world.run_for(1s);
  EXPECT_THAT(codes, ElementsAre(Code::OK));
  EXPECT_EQ(open(near), 2u);
  EXPECT_EQ(open(far), 2u);
  EXPECT_THAT(work_off(near), ElementsAre("asked tx 1", "asked tx 2"));
  EXPECT_THAT(work_off(far), ElementsAre("asked tx 3", "asked tx 4"));
  EXPECT_THAT(work_off(near_replies), UnorderedElementsAre("tx 0", "answered ctx=1", "answered ctx=3"));
  EXPECT_THAT(work_off(far_replies), UnorderedElementsAre("answered ctx=2", "answered ctx=4"));
  EXPECT_EQ(open(near) + open(far), 0u);
  EXPECT_EQ(world.store().owed(), 0u);
  for (const std::string& name : {std::string("orders"), near, far, near_replies, far_replies}) expect_sums(name);
}

/// Which mutations go together.
class Groups : public Watcher {
 public:
  void group(const model::MutationGroup& group) override {
    bool asked = false, appended = false, owed = false, taken = false;
    for (const model::Mutation& one : group.mutations) {
      const auto* request = std::get_if<model::PutRequest>(&one);
      asked = asked || (request != nullptr && request->record.outcome == model::RequestOutcome::open);
      appended = appended || std::holds_alternative<model::AppendMessages>(one);
      owed = owed || std::holds_alternative<model::PutOutbox>(one);
      taken = taken || std::holds_alternative<model::PutInbox>(one);
    }
    at_home += asked && appended && owed ? 1 : 0;
    elsewhere += asked && appended && taken ? 1 : 0;
    alone += asked != appended ? 1 : 0;
  }
  int at_home = 0;
  int elsewhere = 0;
  int alone = 0;
};

TEST_F(AskingAlong, TheMessageAndItsRecordAreOneWriteOnEitherShard) {
  Groups groups;
  world.watch(groups);
  anna.ack_with(0, {}, "tx", {{near, 1, 72h, near_replies}, {far, 2, 72h, near_replies}});
  world.run_for(1s);
  EXPECT_EQ(groups.at_home, 1);
  EXPECT_EQ(groups.elsewhere, 1);
  EXPECT_EQ(groups.alone, 0);
}

TEST_F(AskingAlong, WhatCannotBeAskedChangesNothing) {
  anna.ack_with(0, {near}, "tx", {{near, 1, 72h, near}});
  anna.ack_with(0, {near}, "tx", {{far, 1, 72h, far}});
  anna.ack_with(0, {near}, "tx", {{near, 1, 72h, "nowhere"}});
  world.run_for(1s);
  EXPECT_THAT(codes, ElementsAre(Code::BAD_REQUEST, Code::BAD_REQUEST, Code::NOT_FOUND));
  const auto outgoing = anna.outgoing({near}, "tx", {{far, 1, 72h, near_replies}});
  world.delete_queue(near_replies);
  settle(0, outgoing);
  EXPECT_EQ(codes.back(), Code::NOT_FOUND);
  EXPECT_EQ(world.show("orders").leased, 3u);
  EXPECT_EQ(world.show(near).ready + world.show(far).ready + open(near) + open(far), 0u);
  anna.ack_with(0, {near}, "tx", {{near, 1, 72h, far_replies}});
  world.run_for(1s);
  EXPECT_EQ(codes.back(), Code::OK);
  EXPECT_EQ(open(near), 1u);
}

TEST_F(AskingAlong, AnAckThatIsSentAgainAsksNothingTwice) {
  for (int i = 0; i < 2; ++i) {
    anna.ack_with(0, {}, "tx", {{near, 1, 72h, near_replies}, {far, 2, 72h, near_replies}});
    world.run_for(1s);
  }
  EXPECT_THAT(codes, ElementsAre(Code::OK, Code::OK));
  EXPECT_THAT(work_off(near), SizeIs(1));
  EXPECT_THAT(work_off(far), SizeIs(1));
}

TEST_F(AskingAlong, WhatWasAskedBeforeIsNotAskedAgain) {
  for (const std::string& queue : {near, far}) {
    ben.ask_durably(queue, 1, 72h, near_replies);
    anna.ack_with(queue == near ? 0 : 1, {queue}, "tx",
                  {{queue, 1, 72h, far_replies}, {queue, 2, 72h, far_replies}, {queue, 2, 72h, near_replies}});
    world.run_for(1s);
    EXPECT_EQ(codes.back(), Code::OK);
    EXPECT_THAT(work_off(queue), ElementsAre("asked request 1 try " + std::to_string(queue == near ? 1 : 2) + " of ben",
                                             "tx 0", "asked tx 2"));
  }
  EXPECT_THAT(work_off(near_replies), ElementsAre("answered ctx=1", "answered ctx=1"));
  EXPECT_THAT(work_off(far_replies), ElementsAre("answered ctx=2", "answered ctx=2"));
}

/// It was there when the transaction was, on its own shard.
TEST_F(AskingAlong, AQueueThatIsGoneWhenTheyArriveHasFailedThem) {
  const auto outgoing = anna.outgoing({}, "tx", {{far, 1, 72h, near_replies}, {far, 2, 72h, far_replies}});
  world.delete_queue(far, true);
  settle(0, outgoing);
  EXPECT_THAT(codes, ElementsAre(Code::OK));
  EXPECT_THAT(work_off(near_replies), ElementsAre("failed ctx=1"));
  EXPECT_THAT(work_off(far_replies), ElementsAre("failed ctx=2"));
  crash();
  world.run_for(10s);
  EXPECT_THAT(work_off(near_replies), IsEmpty());
  EXPECT_EQ(world.store().owed(), 0u);
}

TEST_F(AskingAlong, AReplyQueueThatIsGoneByThenIsCounted) {
  anna.ack_with(0, {}, "tx", {{near, 1, 72h, far_replies}, {far, 2, 72h, far_replies}});
  world.run_for(1s);
  world.delete_queue(far_replies);
  for (const std::string& queue : {near, far}) {
    EXPECT_THAT(work_off(queue), SizeIs(1));
    EXPECT_EQ(world.show(queue).counters.lost_replies, 1u);
  }
}

/// More than one entry of the outbox has room for: each has its own. Every other message is none.
TEST_F(AskingAlong, ManyToOneQueueAreAskedWhereTheyStand) {
  std::vector<Client::Along> asks;
  for (std::uint64_t number = 0; number < 100; ++number) asks.push_back({far, number, 72h, near_replies});
  auto outgoing = std::make_shared<model::Outgoing>(*anna.outgoing({}, "tx", asks));
  ASSERT_THAT(outgoing->to, SizeIs(1));
  std::erase_if(outgoing->to[0].asks, [](const model::AskedAlong& one) { return one.place % 2 == 1; });
  settle(0, outgoing);
  EXPECT_EQ(open(far), 50u);
  const Lines came = work_off(far);
  ASSERT_THAT(came, SizeIs(100));
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(came[i], (i % 2 == 0 ? "asked tx " : "tx ") + std::to_string(i));
  const Lines replies = work_off(near_replies);
  ASSERT_THAT(replies, SizeIs(50));
  for (std::size_t i = 0; i < 50; ++i) EXPECT_EQ(replies[i], "answered ctx=" + std::to_string(2 * i));
}

TEST_F(AskingAlong, ASetWithoutAVerdictAsksWhereverTheQueuesAre) {
  const auto published = world.publish_with(
      near_replies, "first",
      anna.outgoing({far_replies}, "tx", {{near, 1, 72h, far_replies}, {far, 2, 72h, near_replies}}));
  EXPECT_EQ(published.results.at(0).code, Code::OK);
  world.run_for(1s);
  EXPECT_EQ(open(near), 1u);
  EXPECT_EQ(open(far), 1u);
  EXPECT_THAT(work_off(near), ElementsAre("asked tx 1"));
  EXPECT_THAT(work_off(far), ElementsAre("asked tx 2"));
  EXPECT_THAT(work_off(near_replies), UnorderedElementsAre("first", "answered ctx=2"));
  EXPECT_THAT(work_off(far_replies), UnorderedElementsAre("tx 0", "answered ctx=1"));
  const auto refused =
      world.publish_with(near_replies, "first", anna.outgoing({far_replies}, "tx", {{near, 3, 72h, "nowhere"}}));
  EXPECT_EQ(refused.results.at(0).code, Code::NOT_FOUND);
  world.run_for(1s);
  for (const std::string& name : {near, far, near_replies, far_replies}) EXPECT_EQ(world.show(name).ready, 0u);
}

/// The envelope of a message of this world is its id.
std::string envelope_of(std::uint64_t number) { return std::string(Client::id_of(number).raw()); }

TEST_F(AskingAlong, ASetMayBeRequestsOnly) {
  const auto ask = [&](const std::string& queue, std::uint64_t number, const std::string& replies,
                       const std::vector<Client::Along>& others) {
    return world.publish_with(queue, "it", anna.outgoing_of({queue, number, 72h, replies}, {}, "tx", others),
                              envelope_of(number));
  };
  const std::vector<Client::Along> others = {{near, 2, 72h, far_replies}, {far, 3, 72h, near_replies}};
  EXPECT_FALSE(ask(near, 1, far_replies, others).results.at(0).duplicate);
  world.run_for(1s);
  EXPECT_EQ(open(near), 2u);
  EXPECT_EQ(open(far), 1u);
  EXPECT_TRUE(ask(near, 1, far_replies, others).results.at(0).duplicate) << "asked again";
  EXPECT_THAT(work_off(near), ElementsAre("asked it", "asked tx 0"));
  EXPECT_THAT(work_off(far), ElementsAre("asked tx 1"));
  EXPECT_THAT(work_off(far_replies), UnorderedElementsAre("answered ctx=1", "answered ctx=2"));
  EXPECT_THAT(work_off(near_replies), ElementsAre("answered ctx=3"));
  EXPECT_TRUE(ask(near, 1, far_replies, others).results.at(0).duplicate) << "it is remembered";
  world.run_for(1s);
  EXPECT_EQ(world.show(near).ready + world.show(far).ready + open(near) + open(far), 0u);
  for (const std::string& name : {near, far, near_replies, far_replies}) expect_sums(name);
}

/// It is not the set that was taken then: to call it a duplicate would lose it.
TEST_F(AskingAlong, ASetWhoseFirstWasAskedOtherwiseIsRefused) {
  const auto ask = [&](std::uint64_t number, const std::string& replies) {
    return world.publish_with(near, "it",
                              anna.outgoing_of({near, number, 72h, replies}, {}, "tx", {{far, 9, 72h, near_replies}}),
                              envelope_of(number));
  };
  ben.ask_durably(near, 1, 72h, near_replies);
  ben.ask(near, 2, 72h);
  world.run_for(1s);
  const auto other_queue = ask(1, far_replies);
  EXPECT_EQ(other_queue.results.at(0).code, Code::OPTIONS_MISMATCH);
  EXPECT_THAT(other_queue.status.text(), ::testing::HasSubstr(near_replies));
  EXPECT_EQ(ask(2, far_replies).results.at(0).code, Code::OPTIONS_MISMATCH) << "somebody waits for its reply";
  world.run_for(1s);
  EXPECT_EQ(open(near), 2u);
  EXPECT_EQ(open(far), 0u);
  EXPECT_TRUE(ask(1, near_replies).results.at(0).duplicate);
  EXPECT_THAT(work_off(near), SizeIs(2));
}

TEST_F(AskingAlong, ATopicIsNotAsked) {
  world.create_topic("news");
  world.run_for(1s);
  const auto asked = [&] {
    return world.publish_with("news", "it", anna.outgoing_of({"news", 1, 72h, near_replies}, {}, "tx", {}),
                              envelope_of(1));
  };
  EXPECT_EQ(asked().results.at(0).code, Code::BAD_REQUEST) << "also while nobody reads it";
  EXPECT_EQ(asked().status.code(), Code::BAD_REQUEST);
}

/// On the shard of the set, where its publisher can be told.
TEST_F(AskingAlong, ASetOfWhichAnotherWasAskedOtherwiseIsRefused) {
  ben.ask_durably(near, 1, 72h, near_replies);
  world.run_for(1s);
  const auto ask = [&](const std::string& replies) {
    return world.publish_with(near_replies, "first",
                              anna.outgoing({far_replies}, "tx", {{near, 1, 72h, replies}, {near, 2, 72h, replies}}));
  };
  const auto refused = ask(far_replies);
  EXPECT_EQ(refused.results.at(0).code, Code::OPTIONS_MISMATCH);
  EXPECT_THAT(refused.status.text(), ::testing::HasSubstr(near_replies));
  world.run_for(1s);
  EXPECT_EQ(open(near), 1u);
  EXPECT_EQ(world.show(near_replies).ready + world.show(far_replies).ready, 0u);
  EXPECT_EQ(ask(near_replies).results.at(0).code, Code::OK) << "the one that is known goes on";
  world.run_for(1s);
  EXPECT_EQ(open(near), 2u);
}

/// What a requester leaves with the broker is in its memory until the reply.
TEST_F(AskingAlong, ASetIsRefusedWhenTooMuchContextWaits) {
  const auto ask = [&](std::uint64_t number) {
    model::OutgoingRef outgoing = anna.outgoing_of({near, number, 72h, near_replies}, {}, "tx", {});
    auto changed = std::make_shared<model::Outgoing>(*outgoing);
    auto address = std::make_shared<model::ReplyAddress>(*changed->item->reply_to);
    address->context = {{"note", std::string(60'000, 'x')}};
    changed->item->reply_to = std::move(address);
    return world.publish_with(near, "it", std::move(changed), envelope_of(number));
  };
  std::uint64_t number = 0;
  model::Published last;
  do {
    last = ask(++number);
  } while (last.results.at(0).code == Code::OK && number < 2'000);
  EXPECT_EQ(last.results.at(0).code, Code::RESOURCE_EXHAUSTED);
  EXPECT_THAT(last.status.text(), ::testing::HasSubstr("context"));
  EXPECT_EQ(open(near), number - 1);
  EXPECT_TRUE(ask(1).results.at(0).duplicate) << "what is there needs no room";
}

TEST_F(AskingAlong, ASetOfRequestsIsRefusedAsAWhole) {
  const auto code_of = [&](const std::string& queue, const std::string& replies,
                           const std::vector<Client::Along>& others) {
    return world.publish_with(queue, "it", anna.outgoing_of({queue, 1, 72h, replies}, {}, "tx", others), envelope_of(1))
        .results.at(0)
        .code;
  };
  EXPECT_EQ(code_of(near, near, {{far, 2, 72h, near_replies}}), Code::BAD_REQUEST);
  EXPECT_EQ(code_of(near, far_replies, {{far, 2, 72h, far}}), Code::BAD_REQUEST);
  EXPECT_EQ(code_of(near, far_replies, {{far, 2, 72h, "nowhere"}}), Code::NOT_FOUND);
  const auto outgoing = anna.outgoing_of({near, 1, 72h, near_replies}, {}, "tx", {{far, 2, 72h, far_replies}});
  world.delete_queue(near_replies);
  EXPECT_EQ(world.publish_with(near, "it", outgoing, envelope_of(1)).results.at(0).code, Code::NOT_FOUND);
  world.run_for(1s);
  EXPECT_EQ(world.show(near).ready + world.show(far).ready + open(near) + open(far), 0u);
  EXPECT_EQ(code_of(near, far_replies, {{far, 2, 72h, far_replies}}), Code::OK);
  crash();
  world.run_for(1s);
  EXPECT_EQ(open(near), 1u);
  EXPECT_EQ(open(far), 1u);
}

/// Syncs take a second.
class AskingAlongOnASlowDisk : public AskingAlong {
 protected:
  AskingAlongOnASlowDisk() : AskingAlong(WorldOptions{.shards = 2, .ack_sync_max = 0ms, .sync_time = 1s}) {
    world.run_for(10s);
  }
};

TEST_F(AskingAlongOnASlowDisk, ACrashLeavesTheVerdictAndItsRequestsOrNeither) {
  std::uint64_t number = 0;
  std::size_t lost = 0;
  Lines expected;
  for (const base::Duration when : {100ms, 900ms, 1100ms, 1900ms, 2100ms, 3100ms, 5000ms}) {
    const std::uint64_t offset = anna.held().front();
    anna.ack_with(offset, {}, "tx", {{near, ++number, 72h, near_replies}, {far, ++number, 72h, near_replies}});
    world.run_for(when);
    const bool acked = world.store().is_settled(world.queue("orders").subscription, model::Offset(offset), false);
    crash();
    anna.reconnect();
    ben.connect();
    world.run_for(20s);
    EXPECT_EQ(open(near) + open(far), acked ? 2u : 0u) << when.count();
    if (acked) {
      for (const std::uint64_t one : {number - 1, number}) expected.push_back("answered ctx=" + std::to_string(one));
    } else {
      ++lost;
    }
    EXPECT_THAT(work_off(near), SizeIs(acked ? 1 : 0));
    EXPECT_THAT(work_off(far), SizeIs(acked ? 1 : 0));
    world.publish("orders", 1);
    world.run_for(5s);
    anna.add_credit(1);
    world.run_for(5s);
  }
  EXPECT_GT(lost, 0u);
  EXPECT_GT(expected.size(), 2u);
  EXPECT_THAT(work_off(near_replies), ::testing::UnorderedElementsAreArray(expected));
}

/// The broker dies when the verdict is on the disk, and what it asks elsewhere is on its way.
TEST_F(AskingAlongOnASlowDisk, ADeadlineThatPassesOnTheWayIsTold) {
  anna.ack_with(0, {}, "tx", {{near, 1, 0s, far_replies}, {near, 2, 5s, far_replies}, {far, 3, 5s, near_replies}});
  world.run_for(1500ms);
  world.kill_broker();
  for (Client* client : {&anna, &ben}) client->disconnected();
  world.run_for(10s);
  EXPECT_GE(world.store().owed(), 1u);
  world.start_broker();
  world.run_for(20s);
  EXPECT_THAT(work_off(near), IsEmpty());
  EXPECT_THAT(work_off(far), IsEmpty());
  EXPECT_THAT(work_off(far_replies), UnorderedElementsAre("not_delivered ctx=1", "not_delivered ctx=2"));
  EXPECT_THAT(work_off(near_replies), ElementsAre("not_delivered ctx=3"));
  for (const std::string& name : {near, far}) expect_sums(name);
}

}  // namespace
}  // namespace lazaret::simulation
