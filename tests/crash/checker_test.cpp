// The checker finds each kind of broken promise in a history that has just that one.
#include "crash/checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lazaret::crash {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Event event(What what, std::string body = "m", Verdict verdict = Verdict::none, std::uint64_t grant = 0) {
  return {what, "q", std::move(body), 0, 1, grant, verdict, "w", false};
}
Event at(Event event, std::uint64_t offset) {
  event.offset = offset;
  return event;
}

Event attempt(std::uint32_t number, What what, Verdict verdict = Verdict::none) {
  Event one = event(what, "m", verdict, number);
  one.attempt = number;
  return one;
}

/// One message that was done, in a queue that is empty.
std::vector<Event> good() {
  return {event(What::published),
          event(What::confirmed),
          event(What::delivered, "m", Verdict::none, 7),
          event(What::begun, "m", Verdict::none, 7),
          event(What::sent, "m", Verdict::ack, 7),
          event(What::accepted, "m", Verdict::ack, 7)};
}
std::map<std::string, FinalQueue> done() { return {{"q", {3, 1, 1, 0, {}}}}; }
std::map<std::string, FinalQueue> in_hospital(std::vector<std::string> outcomes) {
  return {{"q", {3, 1, 0, 1, {{"m", 0, std::move(outcomes), 0}}}}};
}

void expect_found(const std::vector<Event>& history, const std::map<std::string, FinalQueue>& queues,
                  const std::string& what) {
  EXPECT_THAT(check(history, queues), Contains(HasSubstr(what)));
}

TEST(Checker, AGoodHistoryIsGood) {
  EXPECT_THAT(check(good(), done()), IsEmpty());
  // What was never confirmed may have been stored or not.
  EXPECT_THAT(check({event(What::published)}, {{"q", {3, 0, 0, 0, {}}}}), IsEmpty());
  // A verdict that is sent again is answered as the first time.
  auto twice = good();
  twice.push_back(event(What::accepted, "m", Verdict::ack, 7));
  EXPECT_THAT(check(twice, done()), IsEmpty());
}

TEST(Checker, OneConfirmedAndGone) {
  expect_found({event(What::published), event(What::confirmed)}, {{"q", {3, 1, 1, 0, {}}}}, "and gone (1)");
  expect_found({event(What::published), event(What::confirmed)}, {{"q", {3, 0, 0, 0, {}}}}, "were seen (1)");
}

TEST(Checker, TwoStoredTwice) {
  auto history = good();
  history.insert(history.begin() + 2, at(event(What::confirmed), 1));
  expect_found(history, done(), "stored twice (2)");
}

TEST(Checker, ThreeDeliveredAfterItsAck) {
  auto history = good();
  history.push_back(event(What::delivered, "m", Verdict::none, 6));  // out of the socket of a broker that is dead
  EXPECT_THAT(check(history, done()), IsEmpty());
  history.push_back(event(What::delivered, "m", Verdict::none, 8));
  expect_found(history, done(), "after its ack was confirmed (3)");
  expect_found(good(), in_hospital({"nacked"}), "acked, and yet a case (3)");
}

TEST(Checker, FourDeliveredAndNeverThere) {
  expect_found({event(What::published), event(What::delivered, "m", Verdict::none, 1)}, {{"q", {3, 1, 1, 0, {}}}},
               "delivered, and gone (4)");
  auto history = good();
  history.push_back(event(What::published, "other"));
  history.push_back(event(What::delivered, "other", Verdict::none, 9));
  expect_found(history, done(), "its offset has been m (4)");
}

TEST(Checker, SevenFirstDeliveriesOutOfOrder) {
  auto history = good();
  history.push_back(event(What::published, "next"));
  history.push_back(at(event(What::delivered, "next", Verdict::none, 5), 1));
  EXPECT_THAT(check(history, done(), true), Contains(HasSubstr("out of order (7)")));
  history.back().redelivered = true;
  EXPECT_THAT(check(history, done(), true), Not(Contains(HasSubstr("(7)"))));
}

TEST(Checker, FiveAnOldToken) {
  auto history = good();
  history.insert(history.end() - 2, event(What::delivered, "m", Verdict::none, 8));
  expect_found(history, done(), "an old token still settled it (5)");
  history = good();
  history.insert(history.end() - 1, event(What::delivered, "m", Verdict::none, 7));
  expect_found(history, done(), "a grant is given twice (5)");
}

TEST(Checker, SixMoreFailuresThanAllowed) {
  std::vector<Event> history = {event(What::published), event(What::confirmed)};
  const auto fail = [](std::vector<Event>& events, std::uint32_t number) {
    events.push_back(attempt(number, What::delivered));
    events.push_back(attempt(number, What::begun));
    events.push_back(attempt(number, What::sent, Verdict::fail));
    events.push_back(attempt(number, What::accepted, Verdict::fail));
  };
  for (std::uint32_t number = 1; number <= 3; ++number) fail(history, number);
  EXPECT_THAT(check(history, in_hospital({"nacked", "nacked", "nacked"})), IsEmpty());
  expect_found(history, in_hospital({"nacked", "nacked"}), "not in the history (6)");
  expect_found(history, in_hospital({"nacked", "nacked", "nacked", "nacked"}), "4 failures (6)");
  auto replayed = history;
  history.push_back(attempt(4, What::delivered));
  expect_found(history, in_hospital({"nacked", "nacked", "nacked"}), "delivered after 3 failures (6)");
  // Whoever had the third was slow to write down what the broker said: it is of the round before all the same.
  replayed.insert(replayed.end() - 1, event(What::replayed));
  for (std::uint32_t number = 4; number <= 5; ++number) fail(replayed, number);
  replayed.push_back(attempt(6, What::delivered));
  const std::vector<std::string> five(5, "nacked");
  EXPECT_THAT(check(replayed, {{"q", {3, 1, 0, 1, {{"m", 0, five, 1}}}}}), IsEmpty());
  fail(replayed, 6);
  replayed.push_back(attempt(7, What::delivered));
  expect_found(replayed, in_hospital({"nacked"}), "delivered after 3 failures (6)");
}

TEST(Checker, TenSumsThatDoNotAddUp) {
  expect_found(good(), {{"q", {3, 2, 1, 0, {}}}}, "(10)");
  expect_found(good(), {{"q", {3, 1, 0, 1, {}}}}, "where 0 are (6)");
}

TEST(Checker, ElevenBlamedWithoutHavingBegun) {
  expect_found({event(What::published), event(What::confirmed), event(What::delivered, "m", Verdict::none, 1)},
               in_hospital({"consumer_lost"}), "began 0 times (11)");
}

// --- Times and limits -----------------------------------------------------------------------------------------------

TEST(Checker, WhatIsDeliveredBeforeItsTime) {
  auto history = good();
  history[0].delay_us = 500'000;
  history[0].at_us = 1'000'000;
  history[2].at_us = 1'499'500;  // clocks may part by a little
  EXPECT_THAT(check(history, done()), IsEmpty());
  history[2].at_us = 1'480'000;
  expect_found(history, done(), "20000 us before its time (T)");
  history[0].delay_us = 0;
  history[0].deliver_at_us = 1'490'000;
  expect_found(history, done(), "10000 us before its time (T)");
}

TEST(Checker, WhatIsTurnedAwayAndStoredAllTheSame) {
  auto history = good();
  history[1] = event(What::turned_away);
  expect_found(history, done(), "turned away, and stored all the same (L)");
  EXPECT_THAT(check({event(What::published), event(What::turned_away)}, {{"q", {3, 0, 0, 0, {}}}}), IsEmpty());
}

TEST(Checker, WhatExpiresThoughItHasNoEnd) {
  std::vector<Event> history{event(What::published), event(What::confirmed)};
  std::map<std::string, FinalQueue> left{{"q", {3, 1, 0, 0, {}}}};
  left["q"].expired = 1;
  expect_found(history, left, "and gone (1)");
  expect_found(history, left, "at most 0 may be (L)");
  history[0].mortal = true;
  EXPECT_THAT(check(history, left), IsEmpty());
  // It has an end, and is gone, and nobody counts it.
  expect_found(history, {{"q", {3, 1, 1, 0, {}}}}, "1 are gone, and at most 1 may be (L)");
}

// --- What is moved back ---------------------------------------------------------------------------------------------

TEST(Checker, WhatIsMovedBackAndDoesNotComeAgain) {
  const auto move_to = [](std::uint64_t offset) { return at(event(What::moved, ""), offset); };
  const std::map<std::string, FinalQueue> once_again{{"q", {3, 2, 2, 0, {}, 0, 0, 1}}};
  auto history = good();
  history.push_back(move_to(0));
  expect_found(history, once_again, "confirmed, and gone (1)");
  for (const What what : {What::delivered, What::begun}) history.push_back(event(what, "m", Verdict::none, 8));
  for (const What what : {What::sent, What::accepted}) history.push_back(event(what, "m", Verdict::ack, 8));
  EXPECT_THAT(check(history, once_again), IsEmpty());
  // It is counted as what the broker said, no more and no less.
  expect_found(history, {{"q", {3, 2, 2, 0, {}, 0, 0, 0}}}, "2 entered, 1 were seen (1)");
  // What is before comes no second time.
  auto behind = good();
  behind.push_back(move_to(1));
  EXPECT_THAT(check(behind, done()), IsEmpty());
  behind.push_back(event(What::delivered, "m", Verdict::none, 8));
  expect_found(behind, done(), "delivered after its ack was confirmed (3)");
}

/// A subscription with a filter: what does not match was published, but not to it.
TEST(Checker, WhatAFilterShouldHaveTurnedAway) {
  auto history = good();
  history.push_back(at(event(What::delivered, "other", Verdict::none, 8), 1));
  expect_found(history, {{"q", {3, 2, 2, 0, {}}}}, "nobody has published it");
  // What it should have let through and has not is gone.
  expect_found({event(What::published), event(What::confirmed)}, {{"q", {3, 0, 0, 0, {}}}}, "confirmed, and gone (1)");
}

}  // namespace
}  // namespace lazaret::crash
