// The order checker finds each kind of disorder in a history that has just that one.
#include "crash/order_checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lazaret::crash {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// The offset of a message is its number, which is its body.
Event event(What what, int number, const std::string& who = "w", Verdict verdict = Verdict::none,
            std::uint64_t grant = 0) {
  Event event{what, "q", std::to_string(number), static_cast<std::uint64_t>(number), 1, grant, verdict, who, false};
  event.key = what == What::published ? "k" : "";
  return event;
}
std::vector<Event> published(int count) {
  std::vector<Event> history;
  for (int i = 0; i < count; ++i) history.push_back(event(What::published, i, "p"));
  for (int i = 0; i < count; ++i) history.push_back(event(What::confirmed, i, "p"));
  return history;
}
void run(std::vector<Event>& history, int number, const std::string& who = "w", Verdict verdict = Verdict::ack,
         std::uint64_t grant = 0) {
  for (const What what : {What::delivered, What::begun}) history.push_back(event(what, number, who, {}, grant));
  history.push_back(event(What::sent, number, who, verdict, grant));
}
std::vector<std::string> found(const std::vector<Event>& history, const FinalQueue& queue = {3, 0, 0, 0, {}}) {
  return check_order(history, {{"q", queue}}, {"q"});
}

TEST(OrderChecker, AGoodHistoryIsGood) {
  auto history = published(3);
  run(history, 0, "w", Verdict::fail);
  run(history, 0, "v");
  run(history, 1, "w", Verdict::reject);
  run(history, 2);
  EXPECT_THAT(found(history), IsEmpty());
}

TEST(OrderChecker, APublisherWhoseMessagesChangePlaces) {
  std::vector<Event> history{event(What::published, 1, "p"), event(What::published, 0, "p"),
                             event(What::confirmed, 0, "p"), event(What::confirmed, 1, "p")};
  EXPECT_THAT(check_order(history, {{"q", {}}}, {}), Contains(HasSubstr("stored before what was published before it")));
}

TEST(OrderChecker, OneThatBeginsBeforeTheOneBeforeItIsDone) {
  auto history = published(2);
  run(history, 1);
  run(history, 0);
  EXPECT_THAT(found(history), Contains(HasSubstr("begins before 0 of its key is done")));
  EXPECT_THAT(found(history), Contains(HasSubstr("delivered behind 1 of its key")));
  // One that failed is not done, until it is a case.
  history = published(2);
  run(history, 0, "w", Verdict::fail);
  run(history, 1);
  EXPECT_THAT(found(history), Contains(HasSubstr("begins before 0")));
  EXPECT_THAT(found(history, {3, 0, 0, 1, {{"0", 0, {}, 0}}}), IsEmpty());
  EXPECT_THAT(found(history, {1, 0, 0, 0, {}}), IsEmpty());
}

TEST(OrderChecker, OneThatRunsBesideAnotherOfItsKey) {
  auto history = published(2);
  history.push_back(event(What::begun, 0));
  history.push_back(event(What::replayed, 0, "operator"));
  run(history, 1, "v");
  EXPECT_THAT(found(history), Contains(HasSubstr("begins beside 0 of its key, which w has")));
  // Whoever is gone runs nothing.
  history.insert(history.end() - 3, event(What::ended, 0));
  EXPECT_THAT(found(history), IsEmpty());
}

TEST(OrderChecker, OneThatComesAgainBehindAnother) {
  auto history = published(2);
  run(history, 0, "w", Verdict::ack, 5);
  run(history, 1, "w", Verdict::ack, 7);
  auto late = history;
  late.push_back(event(What::delivered, 0, "v", Verdict::none, 6));  // it lay in a socket
  EXPECT_THAT(found(late), IsEmpty());
  history.push_back(event(What::delivered, 0, "v", Verdict::none, 8));
  EXPECT_THAT(found(history), Contains(HasSubstr("delivered behind 1 of its key")));
  history.push_back(event(What::replayed, 0, "operator"));
  EXPECT_THAT(found(history), IsEmpty());
}

}  // namespace
}  // namespace lazaret::crash
