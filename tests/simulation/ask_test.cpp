// Durable requests: the reply is a message on a queue that the requester named, exactly one, whoever dies on the way
// and whenever it comes. And what is known of a request when somebody else looks: notes, and cases that are not
// replayed unawares.
#include <algorithm>

#include "simulation/reply_text.h"
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using model::CaseState;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class Asking : public Story {
 protected:
  Asking() : Asking(WorldOptions{.shards = 2, .ack_sync_max = 0ms}) {}
  explicit Asking(WorldOptions options)
      : Story(options), anna(world, "anna"), ben(world, "ben", {.starts_at_once = true}) {
    model::QueueOptions once;
    once.max_attempts = 1;
    world.create_queue("prices", once);
    // Queues are spread over the shards in turn.
    while (away.empty() || beside.empty()) {
      const std::string name = "replies" + std::to_string(++queues);
      const bool same = world.create_queue(name).shard == world.queue("prices").shard;
      (same ? beside : away) = name;
    }
    ben.consume("prices", 10);
    anna.on_asked = [this](std::uint64_t, const model::Asked& one) { asked.push_back(one); };
    anna.on_reply = [this](std::uint64_t, const model::Replied& one) { told.push_back(one.status.code()); };
  }

  /// "final answered 3 euros, ctx=1", "final timed_out started, ctx=1".
  static std::string text_of(const model::Message& message) {
    const ReplyText text = ReplyText::of(message.envelope.view());
    std::string words = text.kind + " " + text.outcome;
    if (text.outcome == "timed_out") words += " " + text.reached;
    if (!message.body.empty()) words += " " + std::string(message.body.view());
    if (!text.reason.empty()) words += " " + text.reason;
    if (text.case_id != "-") words += ", a case";
    return words + ", " + text.context;
  }
  /// Everything that has come to this queue, in the eyes of somebody new.
  Lines at(const std::string& queue) {
    Lines came;
    Client& reader = *readers.emplace_back(std::make_unique<Client>(world, "reader" + std::to_string(readers.size())));
    reader.on_delivery = [&](const Client::Delivery& delivery) { came.push_back(text_of(*delivery.what.message)); };
    reader.consume(queue, 100);
    world.run_for(100ms);
    reader.on_delivery = nullptr;
    reader.goodbye();  // what has not begun is released
    world.run_for(100ms);
    return came;
  }
  void crash(std::size_t keep = 0) {
    world.kill_broker(keep);
    for (Client* client : {&anna, &ben}) client->disconnected();
    world.start_broker();
    world.settle();
    world.run_for(6s);  // nobody is waited for any more
    anna.connect();
  }
  model::Done by_ticket(std::uint64_t number, const model::ResponderReplyRef& reply) {
    model::AnswerRequest answer;
    answer.subscription = world.queue("prices").subscription;
    answer.id = Client::id_of(number);
    answer.reply = reply;
    const auto done = world.ask<model::Done>(world.queue("prices").shard, answer);
    world.run_for(100ms);
    return done;
  }
  model::Done note(std::uint64_t number, const std::string& body) {
    auto note = std::make_shared<model::ResponderReply>(*Client::answered(body));
    note->final = false;
    return by_ticket(number, note);
  }
  std::uint64_t lost_replies() { return world.show("prices").counters.lost_replies; }

  Client anna, ben;
  std::vector<std::unique_ptr<Client>> readers;
  int queues = 0;
  std::string beside;  // on the shard of prices
  std::string away;    // on another
  std::vector<model::Asked> asked;
  std::vector<Code> told;
};

// --- The reply ------------------------------------------------------------------------------------------------------

TEST_F(Asking, TheReplyGoesToTheQueueThatWasNamedWithItsContext) {
  anna.ask_durably("prices", 1, 72h, beside);
  anna.ask_durably("prices", 2, 72h, away);
  ASSERT_THAT(asked, SizeIs(2));
  EXPECT_EQ(asked[1].offset, model::Offset(1));
  EXPECT_FALSE(asked[1].duplicate);
  anna.die();
  ben.answer(0, "3 euros");
  ben.decline(1, "sold out");
  world.run_for(1s);
  EXPECT_THAT(at(beside), ElementsAre("final answered 3 euros, ctx=1"));
  EXPECT_THAT(at(away), ElementsAre("final declined sold out, ctx=2"));
  EXPECT_EQ(world.show("prices").pending_requests, 0u);
  EXPECT_EQ(world.store().owed(), 0u);
  for (const std::string& name : {std::string("prices"), beside, away}) expect_sums(name);
}

TEST_F(Asking, TheResponderSeesTheRequestAlone) {
  anna.ask_durably("prices", 1, 72h, beside);
  const model::Message& message = *ben.delivery(0).what.message;
  EXPECT_EQ(message.envelope.view(), Client::id_of(1).raw());
  EXPECT_EQ(ben.delivery(0).what.deadline, world.now() + 72h);
}

/// Groups in which a request has ended, and a reply was published or is owed.
class Ends : public Watcher {
 public:
  void group(const model::MutationGroup& group) override {
    bool ended = false;
    bool published = false;
    for (const model::Mutation& one : group.mutations) {
      const auto* request = std::get_if<model::PutRequest>(&one);
      const auto* append = std::get_if<model::AppendMessages>(&one);
      ended = ended || (request != nullptr && request->record.outcome != model::RequestOutcome::open);
      published = published || std::holds_alternative<model::PutOutbox>(one) ||
                  (append != nullptr && ReplyText::is_one(append->messages[0]->envelope.view()));
    }
    both += ended && published ? 1 : 0;
    ended_alone += ended && !published ? 1 : 0;
  }
  int both = 0;
  int ended_alone = 0;
};

TEST_F(Asking, TheEndAndTheReplyAreOneWrite) {
  Ends ends;
  world.watch(ends);
  anna.ask_durably("prices", 1, 72h, beside);
  anna.ask_durably("prices", 2, 72h, away);
  ben.answer(0, "3 euros");
  world.run_for(1s);
  ben.answer(1, "4 euros");
  world.run_for(1s);
  EXPECT_EQ(ends.both, 2);
  EXPECT_EQ(ends.ended_alone, 0);
}

TEST_F(Asking, WhatFailedOrTookTooLongSaysSo) {
  anna.ask_durably("prices", 1, 72h, away);
  anna.ask_durably("prices", 2, 2s, away);
  ben.nack(0, "no database");
  world.run_for(3s);
  ben.goodbye();
  anna.ask_durably("prices", 3, 2s, away);
  world.run_for(3s);
  EXPECT_THAT(at(away), UnorderedElementsAre("final failed no database, a case, ctx=1",
                                             "final timed_out started, ctx=2", "final timed_out not_delivered, ctx=3"));
}

TEST_F(Asking, ATicketAnswersDaysLater) {
  anna.ask_durably("prices", 1, 240h, away);
  ben.ack(0);
  world.run_for(72h);
  crash();
  EXPECT_EQ(by_ticket(1, Client::answered("3 euros")).count, 1u);
  EXPECT_EQ(by_ticket(1, Client::answered("4 euros")).count, 0u);
  EXPECT_THAT(at(away), ElementsAre("final answered 3 euros, ctx=1"));
}

TEST_F(Asking, ADeadlineThatPassesWhileTheBrokerIsAwayIsTold) {
  ben.goodbye();
  anna.ask_durably("prices", 1, 2s, away);
  world.kill_broker();
  world.run_for(10s);
  world.start_broker();
  world.run_for(10s);
  EXPECT_THAT(at(away), ElementsAre("final timed_out not_delivered, ctx=1"));
}

TEST_F(Asking, ACrashLosesNoReplyAndDoublesNone) {
  for (std::uint64_t number = 1; number <= 8; ++number) {
    anna.ask_durably("prices", number, 72h, number % 2 == 0 ? beside : away);
    world.run_for(10ms);
  }
  for (std::uint64_t offset = 0; offset < 8; ++offset) ben.answer(offset, "answer " + std::to_string(offset + 1));
  crash(3);
  for (std::uint64_t number = 1; number <= 8; ++number) by_ticket(number, Client::answered("by ticket"));
  crash(1);
  EXPECT_THAT(at(beside), SizeIs(4));
  EXPECT_THAT(at(away), SizeIs(4));
  EXPECT_EQ(world.store().owed(), 0u);
}

TEST_F(Asking, WhatComesTooLateFollowsMarkedLate) {
  anna.ask_durably("prices", 1, 2s, away);
  anna.ask_durably("prices", 2, 72h, away);
  ben.nack(1, "no database");
  world.run_for(3s);
  ben.answer(0, "3 euros");
  world.replay(world.cases("prices", CaseState::admitted)[0].id);
  world.run_for(1s);
  ben.answer(1, "4 euros");
  world.run_for(1s);
  EXPECT_EQ(by_ticket(1, Client::answered("5 euros")).count, 0u);
  EXPECT_THAT(at(away),
              UnorderedElementsAre("final timed_out started, ctx=1", "final failed no database, a case, ctx=2",
                                   "late answered 3 euros, ctx=1", "late answered 4 euros, ctx=2"));
}

// --- Asked again ----------------------------------------------------------------------------------------------------

TEST_F(Asking, TheSameAgainIsAskedOnce) {
  anna.ask_durably("prices", 1, 72h, away);
  anna.ask_durably("prices", 1, 72h, away);
  EXPECT_TRUE(asked.at(1).duplicate);
  EXPECT_EQ(asked[1].offset, asked[0].offset);
  ben.answer(0, "3 euros");
  world.run_for(1s);
  anna.ask_durably("prices", 1, 72h, away);
  EXPECT_TRUE(asked.at(2).duplicate);
  world.run_for(1s);
  EXPECT_THAT(at(away), ElementsAre("final answered 3 euros, ctx=1"));
  EXPECT_EQ(world.show("prices").counters.entered, 1u);
}

TEST_F(Asking, OneIdIsOneRequestWithOneReplyQueue) {
  anna.ask_durably("prices", 1, 72h, away);
  anna.ask_durably("prices", 1, 72h, beside);
  EXPECT_EQ(asked.at(1).status.code(), Code::OPTIONS_MISMATCH);
  EXPECT_THAT(asked[1].status.text(), HasSubstr(away));
  anna.ask("prices", 1, 5s);
  EXPECT_THAT(told, ElementsAre(Code::OPTIONS_MISMATCH));
  anna.ask("prices", 2, 5s);
  anna.ask_durably("prices", 2, 5s, away);
  EXPECT_EQ(asked.at(2).status.code(), Code::OPTIONS_MISMATCH);
}

TEST_F(Asking, ATimeThatIsOverAndItsOwnQueueAreRefused) {
  anna.ask_durably("prices", 1, 0s, away);
  EXPECT_EQ(asked.at(0).status.code(), Code::DEADLINE_EXCEEDED);
  anna.ask_durably("prices", 1, 5s, "prices");
  EXPECT_EQ(asked.at(1).status.code(), Code::BAD_REQUEST);
  world.post_all(core::DiskPressure{true, 1, 2});
  anna.ask_durably("prices", 1, 5s, away);
  EXPECT_EQ(asked.at(2).status.code(), Code::RESOURCE_EXHAUSTED);
  EXPECT_EQ(world.show("prices").pending_requests, 0u);
}

// --- Queues that go -------------------------------------------------------------------------------------------------

TEST_F(Asking, AReplyWhoseQueueIsGoneIsCounted) {
  anna.ask_durably("prices", 1, 72h, beside);
  anna.ask_durably("prices", 2, 72h, away);
  world.delete_queue(beside);
  world.delete_queue(away);
  ben.answer(0, "3 euros");
  world.run_for(1s);
  EXPECT_EQ(lost_replies(), 1u);
  ben.answer(1, "4 euros");
  world.run_for(1s);
  EXPECT_EQ(lost_replies(), 2u);
  crash();
  EXPECT_EQ(lost_replies(), 2u);
  EXPECT_EQ(world.store().owed(), 0u);
}

TEST_F(Asking, AReplyThatIsHandedOverAgainIsCountedOnce) {
  anna.ask_durably("prices", 1, 72h, away);
  world.delete_queue(away);
  ben.answer(0, "3 euros");
  crash(4);
  crash();
  EXPECT_EQ(lost_replies() + world.show("prices").pending_requests, 1u);
}

TEST_F(Asking, RequestsOfAQueueThatIsDeletedHaveFailed) {
  anna.ask_durably("prices", 1, 72h, away);
  world.delete_queue("prices", true);
  world.run_for(1s);
  EXPECT_THAT(at(away), ElementsAre("final failed queue prices was deleted, ctx=1"));
}

// --- Notes ----------------------------------------------------------------------------------------------------------

/// Commits of one shard.
class Writes : public Watcher {
 public:
  void group(const model::MutationGroup&) override { ++groups; }
  int groups = 0;
};

TEST_F(Asking, ANoteOfADurableRequestComesWithTheNextWrite) {
  anna.ask_durably("prices", 1, 72h, away);
  world.run_for(1s);
  Writes writes;
  world.watch(writes);
  EXPECT_EQ(note(1, "10%").count, 1u);
  EXPECT_EQ(note(1, "20%").count, 1u);
  world.run_for(10s);
  EXPECT_EQ(writes.groups, 0);
  world.publish(beside, 1);  // on the same shard
  world.run_for(1s);
  EXPECT_THAT(at(away), ElementsAre("note open 20%, ctx=1"));
  note(1, "90%");
  ben.answer(0, "3 euros");
  world.run_for(1s);
  EXPECT_THAT(at(away), ElementsAre("note open 20%, ctx=1", "note open 90%, ctx=1", "final answered 3 euros, ctx=1"));
}

TEST_F(Asking, TheNewestNoteOfARequestOutlivesTheBroker) {
  Client dora(world, "dora");
  dora.ask("prices", 1, 72h);
  world.run_for(1s);
  Writes writes;
  world.watch(writes);
  note(1, "10%");
  note(1, "20%");
  world.run_for(10s);
  EXPECT_EQ(writes.groups, 0);
  world.publish(beside, 1);
  world.run_for(1s);
  note(1, "30%");  // is not written
  crash();
  heard();
  dora.disconnected();
  dora.connect();
  dora.ask("prices", 1, 72h);
  EXPECT_THAT(heard(), ElementsAre(HasSubstr("dora is told of 1: wait, 20%")));
}

TEST_F(Asking, AStopInOrderLosesNoNote) {
  anna.ask_durably("prices", 1, 72h, beside);
  anna.ask_durably("prices", 2, 72h, away);
  note(1, "10%");
  note(2, "20%");
  world.post_all(core::Drain{});
  world.run_for(100ms);
  world.stop_broker();
  for (Client* client : {&anna, &ben}) client->disconnected();
  world.start_broker();
  world.run_for(6s);
  EXPECT_THAT(at(beside), ElementsAre("note open 10%, ctx=1"));
  EXPECT_THAT(at(away), ElementsAre("note open 20%, ctx=2"));
}

// --- Cases of requests that were answered ---------------------------------------------------------------------------

TEST_F(Asking, ACaseOfARequestThatWasAnsweredIsNotReplayedUnawares) {
  anna.ask_durably("prices", 1, 72h, away);
  by_ticket(1, Client::answered("3 euros"));
  ben.nack(0, "no database");
  world.run_for(80h);
  const auto cases = world.cases("prices", CaseState::admitted);
  ASSERT_THAT(cases, SizeIs(1));
  const auto refused = world.replay(cases[0].id);
  EXPECT_EQ(refused.status.code(), Code::ALREADY_ANSWERED);
  EXPECT_THAT(refused.status.text(), HasSubstr(cases[0].id.to_string()));
  EXPECT_TRUE(world.replay(cases[0].id, std::nullopt, true).status.ok());
  world.run_for(1s);
  ben.answer(0, "4 euros");
  world.run_for(1s);
  EXPECT_THAT(at(away), ElementsAre("final answered 3 euros, ctx=1"));
  EXPECT_EQ(world.show("prices").counters.late_replies, 1u);
}

TEST_F(Asking, ACaseOfARequestThatWasNotAnsweredIs) {
  anna.ask_durably("prices", 1, 72h, away);
  ben.nack(0, "no database");
  world.run_for(1s);
  EXPECT_TRUE(world.replay(world.cases("prices", CaseState::admitted)[0].id).status.ok());
}

}  // namespace
}  // namespace lazaret::simulation
