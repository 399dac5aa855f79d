// The set checker finds each kind of broken promise in a history that has just that one.
#include "crash/set_checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lazaret::crash {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::map<std::string, FinalQueue> kNoCases{{"basket", {}}, {"left", {}}, {"right", {}}};

Event event(What what, const std::string& queue, const std::string& body, const std::string& set = "",
            const std::string& cause = "") {
  Event event;
  event.what = what;
  event.queue = queue;
  event.body = body;
  event.set = set;
  event.cause = cause;
  return event;
}
/// A set of two, of which something is delivered.
void publish(std::vector<Event>& history, const std::string& set, const std::string& cause,
             const std::vector<std::string>& delivered) {
  for (const char* queue : {"left", "right"}) {
    history.push_back(event(What::published, queue, set + "-" + queue, set, cause));
  }
  for (const std::string& queue : delivered) history.push_back(event(What::delivered, queue, set + "-" + queue));
}
std::vector<Event> with(const std::string& cause, const std::vector<std::string>& delivered) {
  std::vector<Event> history;
  publish(history, "s", cause, delivered);
  return history;
}
std::map<std::string, FinalQueue> with_case(const std::string& queue, const std::string& body) {
  auto left = kNoCases;
  left[queue].cases.push_back({body, 0, {}, 0});
  return left;
}

TEST(SetChecker, WholeOrAbsentIsGood) {
  EXPECT_THAT(check_sets(with("", {"left", "right"}), kNoCases), IsEmpty());
  EXPECT_THAT(check_sets(with("", {}), kNoCases), IsEmpty());
  EXPECT_THAT(check_sets(with("m", {"left", "right"}), kNoCases), IsEmpty());
  // What is in the hospital is stored.
  EXPECT_THAT(check_sets(with("", {"left"}), with_case("right", "s-right")), IsEmpty());
}

TEST(SetChecker, OneOfTwoIsMissing) {
  EXPECT_THAT(check_sets(with("", {"right"}), kNoCases), ElementsAre(HasSubstr("set s: 1 of 2 are stored (W)")));
  EXPECT_THAT(check_sets(with("m", {"left"}), kNoCases), ElementsAre(HasSubstr("set s: 1 of 2 are stored (W)")));
  EXPECT_THAT(check_sets(with("", {}), with_case("left", "s-left")), ElementsAre(HasSubstr("1 of 2 are stored (W)")));
}

TEST(SetChecker, OneIsConfirmedAndNothingElseIsThere) {
  auto history = with("", {});
  history.push_back(event(What::confirmed, "left", "s-left"));
  EXPECT_THAT(check_sets(history, kNoCases), ElementsAre(HasSubstr("set s: 1 of 2 are stored (W)")));
}

TEST(SetChecker, AnotherQueueHasIt) {
  auto history = with("", {"left"});
  history.push_back(event(What::delivered, "left", "s-right"));
  EXPECT_THAT(check_sets(history, kNoCases), ElementsAre(HasSubstr("1 of 2 are stored (W)")));
}

TEST(SetChecker, AnAckWithoutWhatGoesAlong) {
  EXPECT_THAT(check_sets(with("m", {}), kNoCases),
              ElementsAre(HasSubstr("m: acked, and 0 of 1 sets of its verdicts are stored (A)")));
}

/// A verdict of which nobody knows what became, and the one of the next delivery.
TEST(SetChecker, TwoVerdictsOnAMessage) {
  auto history = with("m", {});
  publish(history, "again", "m", {"left", "right"});
  EXPECT_THAT(check_sets(history, kNoCases), IsEmpty());
  for (const char* queue : {"left", "right"}) {
    history.push_back(event(What::delivered, queue, std::string("s-") + queue));
  }
  EXPECT_THAT(check_sets(history, kNoCases),
              ElementsAre(HasSubstr("m: acked, and 2 of 2 sets of its verdicts are stored (A)")));
}

TEST(SetChecker, WhatGoesAlongWithoutTheAck) {
  EXPECT_THAT(check_sets(with("m", {"left", "right"}), with_case("basket", "m")),
              ElementsAre(HasSubstr("m: a case, and 1 of 1 sets of its verdicts are stored (A)")));
  EXPECT_THAT(check_sets(with("m", {}), with_case("basket", "m")), IsEmpty());
}

}  // namespace
}  // namespace lazaret::crash
