// Requests that have ended are remembered, so that whoever asks again is told the same: which, and for how long.
#include "simulation/request_story.h"

namespace lazaret::simulation {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RememberedRequests : public RequestStory {};

TEST_F(RememberedRequests, ItIsForgottenAMinuteAfterItsDeadline) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  anna.ask("prices", 1, 30s);
  ben.start(0);
  ben.answer(0, "3 euros");
  world.run_for(89s);
  EXPECT_EQ(known(), 1u);
  world.run_for(2s);
  EXPECT_EQ(known(), 0u);
  // Asked once more it is another request.
  anna.ask("prices", 1, 30s);
  EXPECT_THAT(ben.held(), ElementsAre(1u));
}

TEST_F(RememberedRequests, AsLongAsItsMessageIsOutItIsNotForgotten) {
  world.create_queue("tries");
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("tries", 10);
  anna.ask("tries", 1, 1s);
  ben.start(0);
  for (int i = 0; i < 200; ++i) {
    world.run_for(1s);
    ben.extend(0);
  }
  ben.nack(0);
  world.run_for(200s);
  EXPECT_THAT(ben.held(), IsEmpty());
  EXPECT_EQ(world.show("tries").counters.expired, 1u);
  EXPECT_EQ(world.store().requests(world.queue("tries").subscription), 0u);
  expect_sums("tries");
}

TEST_F(RememberedRequests, WhatATicketAnsweredBeforeItWasDeliveredIsDroppedBehindItsDeadline) {
  Client anna(world, "anna");
  anna.ask("prices", 1, 1s);
  EXPECT_EQ(answer_by_ticket(1, Client::answered("3 euros")).count, 1u);
  world.run_for(2s);
  Client ben(world, "ben");
  ben.consume("prices", 10);
  world.run_for(1s);
  EXPECT_THAT(ben.held(), IsEmpty());
  EXPECT_EQ(world.show("prices").counters.expired, 1u);
}

TEST_F(RememberedRequests, LargeRepliesThatWereToldAreForgottenFirst) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  anna.ask("prices", 0, 1h);
  anna.vanish();
  ben.start(0);
  ben.answer(0, std::string(1 << 20, 'a'));
  anna.reconnect();
  for (std::uint64_t i = 1; i <= 20; ++i) {
    anna.ask("prices", i, 1h);
    ben.start(i);
    ben.answer(i, std::string(1 << 20, 'b'));
  }
  world.run_for(1s);
  EXPECT_EQ(known(), 16u);
  heard();
  anna.ask("prices", 0, 1h);
  EXPECT_THAT(heard(), Contains(HasSubstr("anna is told of 0: answered, aaa")));
}

/// Nobody knows any more which of those over a start were told: they must not drive out what is asked now.
TEST_F(RememberedRequests, WhatEndsBehindAStartIsRememberedBesideAllThatCameOverIt) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  const auto answered = [&](std::uint64_t number, char letter) {
    anna.ask("prices", number, 1h);
    ben.start(number);
    ben.answer(number, std::string(1 << 20, letter));
  };
  ben.consume("prices", 10);
  for (std::uint64_t i = 0; i < 20; ++i) answered(i, 'a');
  crash();
  anna.reconnect();
  ben.reconnect();
  heard();
  answered(20, 'b');
  EXPECT_THAT(heard(), Contains(HasSubstr("anna is told of 20: answered, bbb")));
  EXPECT_EQ(known(), 16u);
  anna.ask("prices", 20, 1h);
  EXPECT_THAT(heard(), Contains(HasSubstr("anna is told of 20: answered, bbb")));
  EXPECT_EQ(world.show("prices").counters.entered, 21u);
}

/// It is more than all others together, and they make room for it.
TEST_F(RememberedRequests, ALargeReplyOfWhoeverIsAwayStays) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  for (std::uint64_t i = 1; i <= 5; ++i) {
    anna.ask("prices", i - 1, 1h);
    ben.start(i - 1);
    ben.answer(i - 1, std::string(1 << 20, 'a'));
  }
  anna.ask("prices", 5, 1h);
  anna.vanish();
  ben.start(5);
  ben.answer(5, std::string(12 << 20, 'b'));
  anna.reconnect();
  heard();
  anna.ask("prices", 5, 1h);
  EXPECT_THAT(heard(), Contains(HasSubstr("anna is told of 5: answered, bbb")));
  EXPECT_EQ(world.show("prices").counters.entered, 6u);
}

/// Whatever the order in which a start finds them.
TEST_F(RememberedRequests, OverAStartTheOldestAreForgottenFirstToo) {
  world.create_queue("rates", once());
  Client anna(world, "anna");
  Client ben(world, "ben");
  const auto answered = [&](const std::string& queue, std::uint64_t number, std::uint64_t offset) {
    anna.ask(queue, number, 1h);
    ben.start(offset);
    ben.answer(offset, std::string(1 << 20, 'a'));
    world.run_for(1s);
  };
  ben.consume("prices", 10, 1);
  ben.consume("rates", 10, 2);
  for (std::uint64_t i = 0; i < 8; ++i) answered("rates", i, i);
  for (std::uint64_t i = 0; i < 7; ++i) answered("prices", 100 + i, i);
  crash();
  anna.reconnect();
  ben.reconnect();
  for (std::uint64_t i = 7; i < 14; ++i) answered("prices", 100 + i, i);
  heard();
  for (std::uint64_t i = 0; i < 14; ++i) anna.ask("prices", 100 + i, 1h);
  EXPECT_THAT(heard(), SizeIs(14));
  EXPECT_EQ(world.show("prices").counters.entered, 14u);
}

/// Half of the room is for those whose requesters were there, and half for those who come later.
TEST_F(RememberedRequests, ManyWhoAreAwayDoNotDriveOutTheLastThatWereTold) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 100);
  for (std::uint64_t i = 0; i < 20; ++i) anna.ask("prices", i, 1h);
  anna.vanish();
  for (std::uint64_t i = 0; i < 20; ++i) {
    ben.start(i);
    ben.answer(i, std::string(1 << 20, 'a'));
  }
  anna.reconnect();
  for (std::uint64_t i = 20; i < 24; ++i) {
    anna.ask("prices", i, 1h);
    ben.start(i);
    ben.answer(i, std::string(1 << 20, 'b'));
  }
  heard();
  for (std::uint64_t i = 20; i < 24; ++i) anna.ask("prices", i, 1h);
  EXPECT_THAT(heard(), SizeIs(4));
  EXPECT_EQ(known(), 16u);
  anna.ask("prices", 19, 1h);
  EXPECT_THAT(heard(), Contains(HasSubstr("anna is told of 19: answered, aaa")));
}

/// What is out comes back: then it must not be taken for a message that nobody waits for.
TEST_F(RememberedRequests, WhatIsOutIsNotForgottenHoweverManyCameSince) {
  world.create_queue("tries");
  Client anna(world, "anna");
  Client ben(world, "ben");
  Client carl(world, "carl");
  ben.consume("tries", 10);
  carl.consume("prices", 10);
  anna.ask("tries", 1, 1s);
  ben.start(0);
  world.run_for(2s);
  for (std::uint64_t i = 0; i < 40; ++i) {
    anna.ask("prices", 100 + i, 1h);
    carl.start(i);
    carl.answer(i, std::string(1 << 20, 'a'));
    ben.extend(0);
  }
  EXPECT_LE(known(), 16u);
  ben.nack(0);
  world.run_for(10min);
  EXPECT_THAT(ben.held(), IsEmpty());
  EXPECT_EQ(world.show("tries").counters.expired, 1u);
  EXPECT_EQ(world.store().requests(world.queue("tries").subscription), 0u);
  expect_sums("tries");
}

TEST_F(RememberedRequests, WhoeverIsForgottenTakesAMessageAlongThatNobodyHasHad) {
  world.create_queue("rates", once());
  Client anna(world, "anna");
  Client carl(world, "carl");
  carl.consume("rates", 10);
  anna.ask("prices", 1, 1h);
  EXPECT_EQ(answer_by_ticket(1, Client::answered("3 euros")).count, 1u);
  for (std::uint64_t i = 0; i < 20; ++i) {
    anna.ask("rates", 100 + i, 1h);
    carl.start(i);
    carl.answer(i, std::string(1 << 20, 'a'));
  }
  world.run_for(1s);
  EXPECT_EQ(known(), 0u);
  Client ben(world, "ben");
  ben.consume("prices", 10);
  world.run_for(1s);
  EXPECT_THAT(ben.held(), IsEmpty());
  EXPECT_EQ(world.show("prices").counters.expired, 1u);
  expect_sums("prices");
}

/// It alone is as large as all that is remembered.
TEST_F(RememberedRequests, AReplyOfTheLargestSizeDrivesOutNobodyWhoIsAway) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  anna.ask("prices", 0, 1h);
  ben.start(0);
  ben.answer(0, std::string(17 << 20, 'a'));
  anna.ask("prices", 1, 1h);
  anna.vanish();
  ben.start(1);
  ben.answer(1, "3 euros");
  anna.reconnect();
  heard();
  anna.ask("prices", 1, 1h);
  EXPECT_THAT(heard(), Contains(HasSubstr("anna is told of 1: answered, 3 euros")));
  EXPECT_EQ(world.show("prices").counters.entered, 2u);
  // The next of its kind does.
  anna.ask("prices", 2, 1h);
  ben.start(2);
  ben.answer(2, std::string(17 << 20, 'a'));
  EXPECT_EQ(known(), 1u);
}

TEST_F(RememberedRequests, OneThatIsCancelledBesideALargeReplyIsRememberedToo) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 10);
  anna.ask("prices", 0, 1h);
  ben.start(0);
  ben.answer(0, std::string(17 << 20, 'a'));
  ben.goodbye();
  crash();
  anna.reconnect();
  anna.ask("prices", 1, 1h);
  anna.cancel("prices", 1);
  world.run_for(1s);
  EXPECT_EQ(known(), 2u);
  EXPECT_EQ(world.show("prices").counters.expired, 1u);
}

TEST_F(RememberedRequests, WhoeverAsksAgainHasBeenTold) {
  Client anna(world, "anna");
  Client ben(world, "ben");
  ben.consume("prices", 100);
  const auto answered = [&](std::uint64_t begin, std::uint64_t end, bool is_away) {
    for (std::uint64_t i = begin; i < end; ++i) anna.ask("prices", i, 1h);
    if (is_away) anna.vanish();
    for (std::uint64_t i = begin; i < end; ++i) {
      ben.start(i);
      ben.answer(i, std::string(1 << 20, 'a'));
    }
    if (is_away) anna.reconnect();
  };
  answered(0, 6, true);
  answered(6, 14, true);
  for (std::uint64_t i = 6; i < 14; ++i) anna.ask("prices", i, 1h);
  answered(14, 20, false);
  heard();
  for (std::uint64_t i = 0; i < 6; ++i) anna.ask("prices", i, 1h);
  EXPECT_THAT(heard(), SizeIs(6));
  EXPECT_EQ(world.show("prices").counters.entered, 20u);
}

}  // namespace
}  // namespace lazaret::simulation
