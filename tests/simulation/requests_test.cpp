// Requests: a message whose requester waits for a reply. It gets exactly one, whoever dies on the way.
#include "simulation/request_story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using model::CaseState;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class Requests : public RequestStory {};

// --- Replies --------------------------------------------------------------------------------------------------------

TEST_F(Requests, AnAnswerGoesToWhoeverAsked) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  anna.ask("prices", 1, 5s);
  EXPECT_EQ(ben.delivery(0).what.deadline, world.now() + 5s);
  ben.start(0);
  ben.answer(0, "3 euros");
  world.settle();
  EXPECT_THAT(heard(), Contains("0.000 anna is told of 1: answered, 3 euros"));
  EXPECT_EQ(world.show("prices").counters.acked, 1u);
  EXPECT_EQ(world.show("prices").pending_requests, 0u);
  expect_sums("prices");
}

/// Groups in which a message was acked and a request has ended.
class Writes : public Watcher {
 public:
  void group(const model::MutationGroup& group) override {
    bool acked = false;
    bool ended = false;
    for (const model::Mutation& one : group.mutations) {
      const auto* sub = std::get_if<model::PutSubscription>(&one);
      const auto* request = std::get_if<model::PutRequest>(&one);
      acked = acked || (sub != nullptr && sub->state.counters.acked > 0);
      ended = ended || (request != nullptr && request->record.outcome == model::RequestOutcome::answered);
    }
    both += acked && ended ? 1 : 0;
    one_alone += acked != ended ? 1 : 0;
  }
  int both = 0;
  int one_alone = 0;
};

TEST_F(Requests, TheAckAndTheReplyAreOneWrite) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  anna.ask("prices", 1, 5s);
  ben.start(0);
  Writes writes;
  world.watch(writes);
  ben.answer(0, "3 euros");
  world.run_for(1s);
  EXPECT_EQ(writes.both, 1);
  EXPECT_EQ(writes.one_alone, 0);
}

TEST_F(Requests, DecliningIsNoFailure) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    anna.ask("prices", i, 5s);
    ben.start(i);
    ben.decline(i, "sold out");
  }
  world.settle();
  EXPECT_THAT(heard(), Contains("0.000 anna is told of 999: declined, sold out"));
  EXPECT_THAT(world.cases("prices", CaseState::admitted), IsEmpty());
  EXPECT_EQ(world.show("prices").counters.acked, 1000u);
  EXPECT_THAT(outcomes("prices", 0), IsEmpty());
}

TEST_F(Requests, OneThatBecomesACaseHasFailed) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  anna.ask("prices", 1, 5s);
  ben.start(0);
  ben.nack(0, "no database");
  world.settle();
  EXPECT_THAT(heard(), Contains("0.000 anna is told of 1: failed, no database, a case"));
  ASSERT_THAT(world.cases("prices", CaseState::admitted), SizeIs(1));
  // A replay of it comes too late for the requester, but not for whoever asks again.
  world.replay(world.cases("prices", CaseState::admitted)[0].id);
  world.settle();
  ben.start(0);
  ben.answer(0, "3 euros");
  anna.ask("prices", 1, 5s);
  EXPECT_THAT(heard(), Contains("0.000 anna is told of 1: answered, 3 euros, late"));
  EXPECT_EQ(world.show("prices").counters.late_replies, 1u);
}

TEST_F(Requests, ARetryMayStillAnswer) {
  world.create_queue("tries");
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("tries", 10);
  anna.ask("tries", 1, 60s);
  ben.start(0);
  ben.nack(0);
  world.run_for(3s);
  ben.start(0);
  ben.answer(0, "at last");
  EXPECT_THAT(heard(), Contains(HasSubstr("anna is told of 1: answered, at last")));
}

TEST_F(Requests, NotesComeOnTheWay) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  anna.ask("prices", 1, 60s);
  ben.start(0);
  auto note = std::make_shared<model::ResponderReply>(*Client::answered("looking"));
  note->final = false;
  EXPECT_EQ(answer_by_ticket(1, note).count, 1u);
  ben.answer(0, "3 euros");
  const Lines lines = heard();
  EXPECT_THAT(lines, Contains("0.000 anna is told of 1: wait, looking"));
  EXPECT_THAT(lines, Contains("0.000 anna is told of 1: answered, 3 euros"));
  EXPECT_EQ(answer_by_ticket(1, note).count, 0u);
}

TEST_F(Requests, AnAckWithoutAReplyLeavesItToATicket) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  anna.ask("prices", 1, 72h);
  ben.start(0);
  ben.ack(0);
  world.run_for(24h);
  crash();
  anna.disconnected();
  anna.reconnect();
  anna.ask("prices", 1, 48h);
  EXPECT_EQ(world.show("prices").pending_requests, 1u);
  EXPECT_EQ(answer_by_ticket(1, Client::answered("on its way")).count, 1u);
  EXPECT_EQ(answer_by_ticket(1, Client::answered("once more")).count, 0u);
  EXPECT_THAT(heard(), Contains(HasSubstr("anna is told of 1: answered, on its way")));
  EXPECT_EQ(answer_by_ticket(7, Client::answered("to nobody")).status.code(), Code::NOT_FOUND);
  EXPECT_EQ(world.show("prices").counters.late_replies, 2u);
}

// --- The deadline ---------------------------------------------------------------------------------------------------

TEST_F(Requests, WhatNobodyTookIsNotDeliveredBehindItsDeadline) {
  Client anna(world, "anna");
  anna.ask("prices", 1, 500ms);
  world.run_for(499ms);
  EXPECT_THAT(heard(), IsEmpty());
  world.run_for(10ms);
  EXPECT_THAT(heard(), ElementsAre("0.500 anna is told of 1: timed_out, not_delivered"));
  Client ben(world, "ben");
  ben.consume("prices", 10);
  world.run_for(1s);
  EXPECT_THAT(ben.held(), IsEmpty());
  EXPECT_EQ(world.show("prices").counters.expired, 1u);
  expect_sums("prices");
}

TEST_F(Requests, OneThatWasMerelyPrefetchedIsAskedBack) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  anna.ask("prices", 1, 500ms);
  anna.ask("prices", 2, 5s);
  heard();
  world.run_for(600ms);
  EXPECT_THAT(heard(), ElementsAre("0.500 ben gives back 0", "0.500 anna is told of 1: timed_out, not_delivered"));
  EXPECT_THAT(ben.held(), ElementsAre(1u));  // whose time is not over
  EXPECT_EQ(world.show("prices").counters.expired, 1u);
  expect_sums("prices");
}

TEST_F(Requests, WhoeverDoesNotSayWhetherItHasBegunMayHaveBegun) {
  Client anna(world, "anna");
  Client ben(world, "ben", {.answers_recall = false});
  ben.consume("prices", 10);
  anna.ask("prices", 1, 500ms);
  heard();
  world.run_for(5s);
  EXPECT_THAT(heard(), ElementsAre("0.750 anna is told of 1: timed_out, started"));
  ben.not_begun(0);
  world.run_for(1s);
  EXPECT_THAT(ben.held(), IsEmpty());
  EXPECT_EQ(world.show("prices").counters.expired, 1u);
  expect_sums("prices");
}

TEST_F(Requests, ABeginThatCrossesTheRecallIsTheAnswerToIt) {
  Client anna(world, "anna");
  Client ben(world, "ben", {.answers_recall = false});
  ben.consume("prices", 10);
  anna.ask("prices", 1, 500ms);
  heard();
  world.run_for(600ms);
  ben.start(0);
  EXPECT_THAT(heard(), ElementsAre("0.600 anna is told of 1: timed_out, started"));
}

TEST_F(Requests, OneThatHasBegunIsToldSoAndItsLateAnswerIsKept) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  anna.ask("prices", 1, 500ms);
  ben.start(0);
  world.run_for(600ms);
  EXPECT_THAT(heard(), Contains("0.500 anna is told of 1: timed_out, started"));
  ben.answer(0, "3 euros");
  world.settle();
  EXPECT_EQ(world.show("prices").counters.late_replies, 1u);
  anna.ask("prices", 1, 500ms);
  EXPECT_THAT(heard(), Contains("0.600 anna is told of 1: answered, 3 euros, late"));
}

TEST_F(Requests, WhoeverAsksAgainWaitsForTheSameHandler) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  anna.ask("prices", 1, 500ms);
  ben.start(0);
  world.run_for(600ms);
  anna.ask("prices", 1, 5s);
  world.run_for(100ms);
  EXPECT_THAT(ben.held(), ElementsAre(0u));
  ben.answer(0, "3 euros");
  EXPECT_THAT(heard(), Contains("0.700 anna is told of 1: answered, 3 euros"));
  EXPECT_EQ(world.show("prices").counters.late_replies, 0u);
}

TEST_F(Requests, OneThatNeverBeganBeginsAnewWhenItIsAskedAgain) {
  Client anna(world, "anna");
  anna.ask("prices", 1, 500ms);
  world.run_for(600ms);
  anna.ask("prices", 1, 500ms);
  Client ben(world, "ben");
  ben.consume("prices", 10);
  world.run_for(10ms);
  EXPECT_THAT(ben.held(), ElementsAre(1u));
  ben.start(1);
  ben.answer(1, "3 euros");
  EXPECT_THAT(heard(), Contains("0.610 anna is told of 1: answered, 3 euros"));
}

TEST_F(Requests, AnAckWithoutAReplyHasSettledIt) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  anna.ask("prices", 1, 500ms);
  ben.start(0);
  ben.ack(0);
  crash();
  anna.disconnected();
  anna.reconnect();
  anna.ask("prices", 1, 400ms);
  world.run_for(1s);
  EXPECT_THAT(heard(), Contains("0.500 anna is told of 1: timed_out, settled"));
}

TEST_F(Requests, ARetryIsNotTriedBehindTheDeadline) {
  model::QueueOptions slow;
  slow.backoff_initial = 10s;
  world.create_queue("slow", slow);
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("slow", 10);
  anna.ask("slow", 1, 2s);
  ben.start(0);
  ben.nack(0);
  world.run_for(60s);
  EXPECT_THAT(heard(), Contains("2.000 anna is told of 1: timed_out, started"));
  EXPECT_THAT(ben.held(), IsEmpty());
  EXPECT_EQ(world.show("slow").counters.expired, 1u);
  EXPECT_EQ(world.store().delivery_records(world.queue("slow").subscription), 0u);
  EXPECT_THAT(outcomes("slow", 0), IsEmpty());
  expect_sums("slow");
}

TEST_F(Requests, AFailureBehindTheDeadlineIsNoRetryEither) {
  world.create_queue("tries");
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("tries", 10);
  anna.ask("tries", 1, 500ms);
  ben.start(0);
  world.run_for(1s);
  ben.nack(0);
  world.run_for(60s);
  EXPECT_THAT(ben.held(), IsEmpty());
  EXPECT_EQ(world.show("tries").counters.expired, 1u);
  expect_sums("tries");
}

TEST_F(Requests, OneThatIsPastItsTimeIsNotEvenStored) {
  Client anna(world, "anna");
  anna.ask("prices", 1, 0s);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna is told of 1: timed_out, not_delivered"));
  EXPECT_EQ(world.show("prices").counters.entered, 0u);
}

TEST_F(Requests, WhatWasPurgedTimesOut) {
  Client anna(world, "anna");
  anna.ask("prices", 1, 500ms);
  EXPECT_EQ(world.purge("prices").count, 1u);
  world.run_for(1s);
  EXPECT_THAT(heard(), ElementsAre("0.500 anna is told of 1: timed_out, not_delivered"));
  EXPECT_EQ(world.show("prices").counters.expired, 0u);
}

// --- Cancelled ------------------------------------------------------------------------------------------------------

TEST_F(Requests, OneThatIsCancelledIsNotDelivered) {
  Client anna(world, "anna");
  anna.ask("prices", 1, 60s);
  anna.cancel("prices", 1);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna is told of 1: timed_out, not_delivered"));
  Client ben(world, "ben");
  ben.consume("prices", 10);
  world.run_for(1s);
  EXPECT_THAT(ben.held(), IsEmpty());
  EXPECT_EQ(world.show("prices").counters.expired, 1u);
}

TEST_F(Requests, OneThatHasBegunWhenItIsCancelledMayFinish) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  anna.ask("prices", 1, 60s);
  ben.start(0);
  anna.cancel("prices", 1);
  ben.answer(0, "3 euros");
  const Lines lines = heard();
  EXPECT_THAT(lines, Contains("0.000 anna is told of 1: timed_out, started"));
  EXPECT_THAT(lines, Contains("0.000 ben ack 0: done"));
}

TEST_F(Requests, WhatSomebodyElseWaitsForIsNotCancelled) {
  Client anna(world, "anna");
  Client carl(world, "carl");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  anna.ask("prices", 1, 60s);
  carl.ask("prices", 1, 60s);
  anna.cancel("prices", 1);
  anna.cancel("prices", 1);
  ben.start(0);
  ben.answer(0, "3 euros");
  const Lines lines = heard();
  EXPECT_THAT(lines, Contains("0.000 anna is told of 1: timed_out, unknown"));
  EXPECT_THAT(lines, Contains("0.000 carl is told of 1: answered, 3 euros"));
}

/// As those do who have asked over HTTP, on the one session that all of them share.
TEST_F(Requests, WhoeverHasGoneTakesNobodysPlace) {
  Client anna(world, "anna");
  Client carl(world, "carl");
  for (std::size_t i = 0; i <= model::limits::kWaitersPerRequest; ++i) {
    anna.ask("prices", 1, 60s);
    if (i == 0) carl.ask("prices", 1, 60s);
    anna.leave("prices", 1);
  }
  anna.ask("prices", 2, 60s);
  EXPECT_THAT(heard(), IsEmpty()) << "there was a place for each";
  EXPECT_EQ(world.show("prices").counters.entered, 2u);
  Client ben(world, "ben");
  ben.consume("prices", 10);
  ben.start(0);
  ben.answer(0, "3 euros");
  ben.start(1);
  ben.answer(1, "4 euros");
  const Lines lines = heard();
  EXPECT_THAT(lines, Contains("0.000 carl is told of 1: answered, 3 euros"));
  EXPECT_THAT(lines, Contains("0.000 anna is told of 2: answered, 4 euros"));
  EXPECT_THAT(lines, Not(Contains("0.000 anna is told of 1: answered, 3 euros")));
}

/// Who leaves is one of several on his connection.
TEST_F(Requests, OneLeavesAndTheOtherOfItsConnectionIsTold) {
  Client anna(world, "anna");
  anna.ask("prices", 1, 5s);
  anna.leave("prices", 1);
  anna.ask("prices", 1, 5s);
  world.run_for(6s);
  EXPECT_THAT(heard(), ElementsAre("5.000 anna is told of 1: timed_out, not_delivered"));
  EXPECT_EQ(world.show("prices").pending_requests, 0u);
}

// --- Who comes back -------------------------------------------------------------------------------------------------

TEST_F(Requests, ARequestAndItsReplyOutliveTheBroker) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  anna.ask("prices", 1, 60s);
  anna.ask("prices", 2, 60s);
  ben.start(0);
  ben.answer(0, "3 euros");
  world.settle();
  heard();
  crash();
  anna.disconnected();
  ben.disconnected();
  anna.reconnect();
  anna.ask("prices", 1, 60s);
  anna.ask("prices", 2, 60s);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna is told of 1: answered, 3 euros"));
  ben.reconnect();
  world.run_for(10s);
  ben.start(1);
  ben.answer(1, "4 euros");
  EXPECT_THAT(heard(), Contains(HasSubstr("anna is told of 2: answered, 4 euros")));
  EXPECT_EQ(world.show("prices").counters.entered, 2u);
}

TEST_F(Requests, AReplyWaitsForARequesterThatIsAway) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  anna.ask("prices", 1, 1h);
  anna.vanish();
  ben.start(0);
  ben.answer(0, "3 euros");
  world.run_for(30min);
  anna.reconnect();
  anna.ask("prices", 1, 30min);
  EXPECT_THAT(heard(), Contains("1800.000 anna is told of 1: answered, 3 euros"));
}

TEST_F(Requests, ADeadlineThatPassesWhileTheBrokerIsDownHasPassed) {
  Client anna(world, "anna");
  anna.ask("prices", 1, 500ms);
  world.kill_broker();
  world.run_for(10s);
  world.start_broker();
  world.run_for(1s);
  Client ben(world, "ben");
  ben.consume("prices", 10);
  world.run_for(1s);
  EXPECT_THAT(ben.held(), IsEmpty());
  EXPECT_EQ(world.show("prices").counters.expired, 1u);
  expect_sums("prices");
}

TEST_F(Requests, WhatMayHaveBegunBeforeARestartHasStarted) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  anna.ask("prices", 1, 3s);
  crash();
  anna.disconnected();
  ben.disconnected();
  anna.reconnect();
  anna.ask("prices", 1, 3s);
  world.run_for(60s);
  EXPECT_THAT(heard(), Contains("3.000 anna is told of 1: timed_out, started"));
  EXPECT_EQ(world.show("prices").ready, 1u);  // nobody has looked at it since
  Client carl(world, "carl");
  carl.consume("prices", 10);
  world.run_for(60s);
  EXPECT_THAT(carl.held(), IsEmpty());
  EXPECT_EQ(world.show("prices").counters.expired, 1u);
  expect_sums("prices");
}

TEST_F(Requests, AWorkerThatDiesOverARequestDoesNotLoseIt) {
  world.create_queue("tries");
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("tries", 10);
  anna.ask("tries", 1, 60s);
  ben.start(0);
  ben.die();
  Client carl(world, "carl");
  carl.consume("tries", 10);
  world.run_for(10s);
  ASSERT_THAT(carl.held(), ElementsAre(0u));
  EXPECT_EQ(carl.delivery(0).what.deadline, world.now() - 10s + 60s);
  carl.start(0);
  carl.answer(0, "3 euros");
  EXPECT_THAT(heard(), Contains(HasSubstr("anna is told of 1: answered, 3 euros")));
}

// --- Refused --------------------------------------------------------------------------------------------------------

TEST_F(Requests, ADeletedQueueAnswersNothing) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  anna.ask("prices", 1, 60s);
  const auto subscription = world.queue("prices").subscription;
  ASSERT_TRUE(world.delete_queue("prices", true).status.ok());
  EXPECT_THAT(heard(), Contains("0.000 anna is told of 1: NOT_FOUND"));
  EXPECT_EQ(world.store().requests(subscription), 0u);
  world.run_for(2h);
}

TEST_F(Requests, NothingIsAskedOfATopicOrAFullDisk) {
  world.create_topic("news");
  world.subscribe("reader", "news");
  Client anna(world, "anna");
  anna.ask("reader", 1, 60s);
  world.post_all(core::DiskPressure{true, 10, 100});
  anna.ask("prices", 2, 60s);
  EXPECT_THAT(heard(),
              ElementsAre("0.000 anna is told of 1: BAD_REQUEST", "0.000 anna is told of 2: RESOURCE_EXHAUSTED"));
}

TEST_F(Requests, AReplyThatWasDamagedOnItsWayChangesNothing) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  anna.ask("prices", 1, 60s);
  ben.start(0);
  auto damaged = std::make_shared<model::ResponderReply>(*Client::answered("?"));
  damaged->problem = Code::CHECKSUM_MISMATCH;
  model::Verdict verdict;
  verdict.token = ben.delivery(0).token;
  verdict.reply = damaged;
  ben.settle(verdict);
  EXPECT_THAT(heard(), Contains(HasSubstr("ben ack 0: CHECKSUM_MISMATCH")));
  ben.answer(0, "3 euros");
  EXPECT_THAT(heard(), Contains("0.000 anna is told of 1: answered, 3 euros"));
}

}  // namespace
}  // namespace lazaret::simulation
