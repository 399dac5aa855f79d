// Which tries at webhooks get a line of the log, at stated times.
#include "daemon/webhook_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lazaret::daemon {
namespace {

using model::DeliveryOutcome;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;
using Line = WebhookLines::Line;

constexpr WebhookLines::Time kNoon{24h};

class WebhookLinesTest : public ::testing::Test {
 protected:
  /// A try that was not taken, for this reason; "": it was. What is said of it, "-": nothing.
  std::string note(const std::string& problem, WebhookLines::Time now, const std::string& webhook = "ops") {
    const auto line = lines_.note(tried(problem, webhook), now);
    if (!line) return "-";
    EXPECT_EQ(line->webhook, webhook);
    return line->problem;
  }
  static alerts::Tried tried(const std::string& problem, const std::string& webhook) {
    alerts::Tried one;
    one.delivery = {webhook, problem.empty() ? DeliveryOutcome::delivered : DeliveryOutcome::waiting, 1, {}, problem};
    one.was_sent = true;
    return one;
  }

  WebhookLines lines_;
};

TEST_F(WebhookLinesTest, WhatChangesIsSaidOnce) {
  EXPECT_EQ(note("", kNoon), "-") << "that it takes alerts is no news";
  EXPECT_EQ(note("Connection refused", kNoon + 1s), "Connection refused");
  EXPECT_EQ(note("Connection refused", kNoon + 2min), "-");
  EXPECT_EQ(note("", kNoon + 3min), "");
  EXPECT_EQ(note("", kNoon + 5min), "-");
  EXPECT_THAT(lines_.due(kNoon + 10min), IsEmpty());
}

TEST_F(WebhookLinesTest, OneThatIsBackIsSaidToBeAtOnce) {
  EXPECT_EQ(note("503", kNoon), "503");
  EXPECT_EQ(note("", kNoon + 1s), "");
}

TEST_F(WebhookLinesTest, OneWithAReasonATimeHasALineAMinute) {
  EXPECT_EQ(note("503", kNoon), "503");
  EXPECT_EQ(note("500", kNoon + 1s), "-");
  EXPECT_EQ(note("it took too long", kNoon + 2s), "-");
  EXPECT_THAT(lines_.due(kNoon + 59s), IsEmpty());
  EXPECT_THAT(lines_.due(kNoon + 60s), ElementsAre(Line{"ops", "it took too long"})) << "the last of them";
  EXPECT_THAT(lines_.due(kNoon + 61s), IsEmpty()) << "once";
  EXPECT_EQ(note("500", kNoon + 119s), "-");
  EXPECT_EQ(note("500", kNoon + 120s), "500");
}

TEST_F(WebhookLinesTest, TheLastLineSaysHowItIs) {
  EXPECT_EQ(note("503", kNoon), "503");
  EXPECT_EQ(note("", kNoon + 1s), "");
  EXPECT_EQ(note("503", kNoon + 2s), "-");
  EXPECT_EQ(note("", kNoon + 3s), "-");
  EXPECT_THAT(lines_.due(kNoon + 10min), IsEmpty()) << "it takes them, as the log says";
  EXPECT_EQ(note("503", kNoon + 11min), "503");
  EXPECT_EQ(note("", kNoon + 11min + 1s), "");
  EXPECT_EQ(note("503", kNoon + 11min + 2s), "-");
  EXPECT_THAT(lines_.due(kNoon + 12min), ElementsAre(Line{"ops", "503"}));
}

TEST_F(WebhookLinesTest, AWebhookTakesNoLineOfAnother) {
  EXPECT_EQ(note("503", kNoon), "503");
  EXPECT_EQ(note("503", kNoon, "payments"), "503");
}

TEST_F(WebhookLinesTest, OfTheLastTryItIsNotSaidThatThereIsAnother) {
  const auto text_of = [&](const std::string& problem, DeliveryOutcome outcome, WebhookLines::Time now) {
    alerts::Tried one = tried(problem, "ops");
    one.delivery.outcome = outcome;
    const auto line = lines_.note(one, now);
    return line ? line->text() : "-";
  };
  EXPECT_EQ(text_of("503", DeliveryOutcome::waiting, kNoon),
            "webhook ops: does not take alerts, which wait and are sent again: 503");
  EXPECT_EQ(text_of("500", DeliveryOutcome::failed, kNoon + 2min),
            "webhook ops: has not taken an alert, which is given up: 500");
  EXPECT_EQ(text_of("204", DeliveryOutcome::delivered, kNoon + 4min), "webhook ops: takes alerts again");
  EXPECT_EQ(text_of("503", DeliveryOutcome::waiting, kNoon + 6min),
            "webhook ops: does not take alerts, which wait and are sent again: 503");
  EXPECT_EQ(text_of("it took too long", DeliveryOutcome::failed, kNoon + 6min + 1s), "-");
  const auto due = lines_.due(kNoon + 7min);
  ASSERT_EQ(due.size(), 1u) << "what was held back knows it as well";
  EXPECT_EQ(due.front().text(), "webhook ops: has not taken an alert, which is given up: it took too long");
}

TEST_F(WebhookLinesTest, AnAlertThatWasDroppedIsNoTry) {
  alerts::Tried dropped = tried("too many alerts waited", "ops");
  dropped.was_sent = false;
  EXPECT_EQ(lines_.note(dropped, kNoon), std::nullopt);
  EXPECT_EQ(note("503", kNoon + 1s), "503");
}

}  // namespace
}  // namespace lazaret::daemon
