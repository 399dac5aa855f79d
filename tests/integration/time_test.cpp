// Delays and times to live on a real broker: through the client library, the HTTP API and the command line.
// LAZARET_LONG=1 lets a million messages wait, in place of fifty thousand, and says what they take.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/use_future.hpp>
#include <cstdlib>
#include <iostream>
#include <mutex>

#include "base/duration_text.h"
#include "faults/resident_bound.h"
#include "integration/support/api.h"
#include "integration/support/error_of.h"
#include "integration/support/http.h"
#include "integration/support/in_turn.h"
#include "integration/support/inbox.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using boost::json::array;
using boost::json::object;
using ::testing::HasSubstr;

std::chrono::system_clock::time_point in(milliseconds delay) { return std::chrono::system_clock::now() + delay; }

std::string rfc3339(std::chrono::system_clock::time_point time) {
  const auto exact = std::chrono::time_point_cast<std::chrono::microseconds>(time).time_since_epoch();
  return base::format_rfc3339({exact.count()});
}

class TimeTest : public ::testing::Test {
 protected:
  Client connect() { return Client::connect(broker_.url(), {.name = "time", .drain = 5s}); }
  object show(const std::string& queue) {
    return http(broker_.admin(), "GET", "/api/v1/queues/" + queue).json().as_object();
  }
  array scheduled(const std::string& queue, const std::string& query = "") {
    return http(broker_.admin(), "GET", "/api/v1/queues/" + queue + "/scheduled" + query).json().at("items").as_array();
  }
  Broker broker_;
};

// --- The client library ----------------------------------------------------------------------------------------------

TEST_F(TimeTest, ADelayedMessageComesWhenItsTimeHasComeAndNotBefore) {
  Client client = connect();
  client.ensure({.name = "orders"});
  Inbox inbox;
  std::atomic<int> early{0};
  const auto begun = std::chrono::system_clock::now();
  const Consumer consumer = client.consume("orders", [&](Delivery& delivery) {
    const auto waits = delivery.message().body.view() == "plain" ? 0ms : 1500ms;
    if (std::chrono::system_clock::now() < begun + waits) ++early;
    inbox.add(delivery);
  });
  client.publish("orders", {.body = "delay", .delay = 1500ms});
  client.publish("orders", {.body = "at", .deliver_at = in(1500ms)});
  client.publish("orders", {.body = "plain"});
  EXPECT_TRUE(eventually([&] { return client.show("orders").acked_total == 1; }));
  const QueueInfo waiting = client.show("orders");
  EXPECT_EQ(waiting.scheduled, 2u);
  EXPECT_EQ(waiting.waiting, 0u);
  EXPECT_EQ(client.peek("orders", 0, 1).messages.at(0).state, "scheduled");
  ASSERT_TRUE(inbox.reaches(3));
  EXPECT_EQ(early, 0);
  EXPECT_EQ(inbox.at(0).message.body.view(), "plain");
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(inbox.at(i).attempt, 1);
    EXPECT_FALSE(inbox.at(i).redelivered);
  }
  EXPECT_TRUE(eventually([&] { return client.show("orders").acked_total == 3; }));
  EXPECT_EQ(client.show("orders").scheduled, 0u);
}

TEST_F(TimeTest, ADelayOutlivesTheBroker) {
  Client client = connect();
  client.ensure({.name = "orders"});
  client.ensure_topic({.name = "news"});
  client.ensure_subscription({.name = "mail", .topic = "news"});
  const auto due = in(3s);
  for (const char* to : {"orders", "news"}) {
    client.publish(to, {.body = "later", .delay = 3s});
    client.publish(to, {.body = "much later", .delay = 1h});
  }
  broker_.restart();
  ASSERT_TRUE(eventually([&] { return client.connected(); }));
  Inbox inbox;
  std::atomic<int> early{0};
  const auto take = [&](Delivery& delivery) {
    if (std::chrono::system_clock::now() < due) ++early;
    inbox.add(delivery);
  };
  const Consumer a = client.consume("orders", take);
  const Consumer b = client.consume("mail", take);
  ASSERT_TRUE(inbox.reaches(2));
  EXPECT_EQ(early, 0);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_FALSE(inbox.at(i).redelivered);
  EXPECT_TRUE(eventually([&] { return client.show("mail").acked_total == 1; }));
  EXPECT_EQ(client.show("orders").scheduled, 1u);
  EXPECT_EQ(client.show("mail").scheduled, 1u);
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
}

TEST_F(TimeTest, WhatIsPastItsTimeIsDroppedAndCounted) {
  Client client = connect();
  client.ensure({.name = "orders", .ttl = 1s});
  client.ensure({.name = "letters"});
  EXPECT_EQ(client.show("orders").spec.ttl, 1s);
  EXPECT_EQ(client.show("orders").spec.on_expiry, "drop");
  client.publish("orders", {.body = "1"});
  client.publish("letters", {.body = "1", .ttl = 500ms});
  client.publish("letters", {.body = "2", .expires_at = in(1h)});
  EXPECT_TRUE(eventually([&] { return client.show("orders").expired_total == 1; }));
  EXPECT_TRUE(eventually([&] { return client.show("letters").expired_total == 1; }));
  EXPECT_EQ(client.show("letters").ready, 1u);
  Inbox inbox;
  const Consumer consumer = client.consume("letters", [&](Delivery& delivery) { inbox.add(delivery); });
  ASSERT_TRUE(inbox.reaches(1));
  EXPECT_EQ(inbox.at(0).message.body.view(), "2");
  EXPECT_GT(inbox.at(0).message.expires_at, in(30min));
  EXPECT_TRUE(eventually([&] { return client.show("letters").acked_total == 1; }));
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
}

TEST_F(TimeTest, WhatIsPastItsTimeBecomesACaseWhereTheQueueSaysSo) {
  Client client = connect();
  client.ensure({.name = "orders", .ttl = 500ms, .on_expiry = "hospital"});
  client.publish("orders", {.body = "late", .type = "order"});
  ASSERT_TRUE(eventually([&] { return client.show("orders").in_hospital == 1; }));
  EXPECT_EQ(client.show("orders").expired_total, 0u);
  const auto cases = cases_of(broker_, "orders");
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_EQ(cases[0].at("reason"), "expired");
  EXPECT_EQ(cases[0].at("type"), "order");
  // Replayed it has no end.
  ASSERT_EQ(broker_.cli({"hospital", "replay", std::string(cases[0].at("id").as_string())}).exit, 0);
  Inbox inbox;
  const Consumer consumer = client.consume("orders", [&](Delivery& delivery) { inbox.add(delivery); });
  ASSERT_TRUE(inbox.reaches(1));
  EXPECT_EQ(inbox.at(0).message.body.view(), "late");
}

TEST_F(TimeTest, AVerdictDelaysTheNextTry) {
  Client client = connect();
  client.ensure({.name = "orders", .backoff_initial = 1h});
  Inbox inbox;
  std::vector<std::chrono::steady_clock::time_point> ended;
  std::mutex mutex;
  const Consumer consumer = client.consume("orders", [&](Delivery& delivery) {
    inbox.add(delivery);
    const std::lock_guard lock(mutex);
    ended.push_back(std::chrono::steady_clock::now());
    if (delivery.message().body.view() == "fail" && ended.size() == 1) return Verdict::fail("no").retry_after(700ms);
    if (delivery.message().body.view() == "release" && ended.size() == 3) return Verdict::release(700ms);
    return Verdict::done();
  });
  client.publish("orders", {.body = "fail"});
  ASSERT_TRUE(inbox.reaches(2));
  EXPECT_EQ(inbox.at(1).attempt, 2);
  client.publish("orders", {.body = "release"});
  ASSERT_TRUE(inbox.reaches(4));
  const std::lock_guard lock(mutex);
  EXPECT_GE(inbox.at(1).at - ended[0], 700ms);
  EXPECT_GE(inbox.at(3).at - ended[2], 700ms);
}

TEST_F(TimeTest, WhatCannotBeMeantIsRefused) {
  Client client = connect();
  client.ensure({.name = "orders"});
  EXPECT_EQ(error_of([&] { client.publish("orders", {.delay = 1s, .deliver_at = in(1h)}); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client.publish("orders", {.delay = 24h * 5000}); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client.publish("orders", {.deliver_at = in(24h * 5000)}); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client.publish("orders", {.ttl = 24h * 5000}); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client.update({.name = "orders", .ttl = 24h * 5000}); }), errc::invalid_option);
  EXPECT_EQ(error_of([&] { client.update({.name = "orders", .on_expiry = "burn"}); }), errc::invalid_option);
  EXPECT_EQ(error_of([&] { client.publish("orders", {.delay = -5s}); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client.publish("orders", {.ttl = -5s}); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client.publish("orders", {.ttl = milliseconds::min()}); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client.publish("orders", {.ttl = 1s, .expires_at = in(1h)}); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client.publish_all({{"orders", {}}, {"orders", {.ttl = -5s}}}); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client.publish_all({{"orders", {}}, {"orders", {.delay = -5s}}}); }), errc::bad_request);
  try {
    client.update({.name = "orders", .ttl = -1ms});
    ADD_FAILURE() << "a time to live of less than nothing was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), errc::invalid_option);
    EXPECT_THAT(error.problem.text, HasSubstr("ttl must be 0s or more, not -1ms"));
  }
  EXPECT_EQ(error_of([&] { client.update({.name = "orders", .deduplicate_for = -1s}); }), errc::invalid_option);
  EXPECT_EQ(client.show("orders").entered_total, 0u);
  client.publish("orders", {.deliver_at = in(-1h)});  // in the past: at once
  EXPECT_EQ(client.show("orders").ready, 1u);
  EXPECT_EQ(client.show("orders").scheduled, 0u);
}

TEST_F(TimeTest, AVerdictThatDelaysByLessThanNothingIsForAtOnce) {
  Client client = connect();
  client.ensure({.name = "orders", .backoff_initial = 1h});
  std::atomic<int> calls{0};
  const Consumer consumer = client.consume(
      "orders", [&](Delivery&) { return ++calls == 1 ? Verdict::fail("busy").retry_after(-5s) : Verdict::done(); });
  client.publish("orders", {.body = "x"});
  EXPECT_TRUE(eventually([&] { return client.show("orders").acked_total == 1; }));
  EXPECT_EQ(calls, 2);
}

TEST_F(TimeTest, PurgeTakesWhatIsScheduledOnlyWhenItIsNamed) {
  Client client = connect();
  client.ensure({.name = "orders"});
  client.publish("orders", {.body = "1"});
  client.publish("orders", {.body = "2", .delay = 1h});
  EXPECT_EQ(client.purge("orders"), 1u);
  EXPECT_EQ(client.show("orders").scheduled, 1u);
  EXPECT_EQ(client.purge("orders", true), 1u);
  EXPECT_EQ(client.show("orders").scheduled, 0u);
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
}

TEST_F(TimeTest, TheLibraryListsWhatIsScheduledPageByPage) {
  Client client = connect();
  client.ensure({.name = "orders", .backoff_initial = 1h, .backoff_max = 1h});
  const auto before = std::chrono::system_clock::now();
  // Earlier than all of them is one that waits for its retry, which is not scheduled.
  client.publish("orders", {.body = "retry"});
  {
    const Consumer consumer =
        client.consume("orders", [](Delivery&) { return Verdict::fail("later").retry_after(30min); });
    ASSERT_TRUE(eventually([&] { return client.show("orders").waiting == 1; }));
  }
  for (int i = 4; i > 0; --i) {
    client.publish("orders", {.body = "12345", .type = "order", .key = "k" + std::to_string(i), .delay = i * 1h});
  }
  const ScheduledList first = client.list_scheduled("orders", {}, 4);  // the retry has one of these places
  ASSERT_EQ(first.messages.size(), 3u);
  EXPECT_FALSE(first.next.empty());
  const ScheduledList rest = client.list_scheduled("orders", first.next, 100);
  ASSERT_EQ(rest.messages.size(), 1u);
  EXPECT_EQ(rest.messages[0].key, "k4");
  EXPECT_TRUE(rest.next.empty() || client.list_scheduled("orders", rest.next).messages.empty());
  std::vector<ScheduledMessage> all = first.messages;
  all.push_back(rest.messages[0]);
  const array shown = scheduled("orders");
  ASSERT_EQ(shown.size(), 4u);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const ScheduledMessage& one = all[i];
    EXPECT_EQ(one.offset, 4 - i);
    EXPECT_EQ(one.key, "k" + std::to_string(i + 1));
    EXPECT_EQ(one.type, "order");
    EXPECT_EQ(one.body_bytes, 5u);
    EXPECT_GE(one.deliver_at, before + static_cast<int>(i + 1) * 1h);
    EXPECT_GE(one.published_at, before - 1s);
    EXPECT_FALSE(one.damaged);
    EXPECT_EQ(text_of(shown[i], "id"), one.id.to_string()) << "as HTTP has it";
    EXPECT_EQ(text_of(shown[i], "deliver_at"), rfc3339(one.deliver_at));
  }
  EXPECT_EQ(client.async_list_scheduled("orders", {}, 3, boost::asio::use_future).get().messages.size(), 2u);
  EXPECT_EQ(error_of([&] { client.list_scheduled("orders", "x"); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client.list_scheduled("nowhere"); }), errc::not_found);
}

TEST_F(TimeTest, PauseResumeAndPurgeHaveAsynchronousTwins) {
  Client client = connect();
  client.ensure({.name = "orders"});
  EXPECT_EQ(client.async_pause("orders", boost::asio::use_future).get().spec.paused, true);
  EXPECT_EQ(client.show("orders").spec.paused, true);
  EXPECT_EQ(client.async_resume("orders", boost::asio::use_future).get().spec.paused, false);
  EXPECT_EQ(client.show("orders").spec.paused, false);
  client.publish("orders", {.body = "now"});
  client.publish("orders", {.body = "later", .delay = 1h});
  EXPECT_EQ(client.async_purge("orders", boost::asio::use_future).get().count, 1u);
  EXPECT_EQ(client.show("orders").scheduled, 1u);
  EXPECT_EQ(client.async_purge("orders", true, boost::asio::use_future).get().count, 1u);
  EXPECT_EQ(client.show("orders").scheduled, 0u);
}

TEST_F(TimeTest, TheLibraryCancelsWhatIsScheduled) {
  Client client = connect();
  client.ensure({.name = "orders"});
  const MessageId id = client.publish("orders", {.body = "0", .delay = 1h}).id;
  for (int i = 0; i < 2; ++i) client.publish("orders", {.body = "x", .delay = 2h});
  EXPECT_EQ(client.cancel_scheduled("orders", id), 1u);
  EXPECT_EQ(error_of([&] { client.cancel_scheduled("orders", id); }), errc::not_found);
  EXPECT_EQ(client.cancel_scheduled("orders", 1), 1u);
  EXPECT_EQ(error_of([&] { client.cancel_scheduled("orders", 1); }), errc::not_found);
  EXPECT_EQ(error_of([&] { client.cancel_scheduled("orders", MessageId()); }), errc::bad_request);
  EXPECT_EQ(client.async_cancel_scheduled("orders", 2, boost::asio::use_future).get().count, 1u);
  const QueueInfo info = client.show("orders");
  EXPECT_EQ(info.scheduled, 0u);
  EXPECT_EQ(info.purged_total, 3u);

  client.ensure_topic({.name = "news"});
  for (const char* name : {"mail", "web"}) client.ensure_subscription({.name = name, .topic = "news"});
  const MessageId of_topic = client.publish("news", {.body = "0", .delay = 1h}).id;
  client.publish("news", {.body = "1", .delay = 1h});
  EXPECT_EQ(error_of([&] { client.list_scheduled("news"); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client.cancel_scheduled("news", of_topic); }), errc::bad_request);
  EXPECT_EQ(client.cancel_scheduled("mail", of_topic), 1u);
  EXPECT_EQ(client.list_scheduled("mail").messages.size(), 1u);
  EXPECT_EQ(client.list_scheduled("web").messages.size(), 2u);
  EXPECT_EQ(client.cancel_scheduled("news", 1), 2u) << "for both of them";
  const auto entries = broker_.cli_json({"audit", "list"});
  EXPECT_TRUE(std::any_of(entries.begin(), entries.end(), [](const boost::json::value& entry) {
    return text_of(entry, "operation") == "cancelScheduledOfTopic" && text_of(entry, "target") == "news" &&
           text_of(entry, "actor") == "time";
  })) << "it stands in the audit trail";
}

// --- HTTP ------------------------------------------------------------------------------------------------------------

TEST_F(TimeTest, OverHttp) {
  const std::string& admin = broker_.admin();
  const std::string queue = "/api/v1/queues/orders";
  EXPECT_EQ(http(admin, "PUT", queue, R"({"ttl": "1h", "on_expiry": "hospital"})").status, 201);
  EXPECT_EQ(http(admin, "PUT", queue, R"({"ttl": "60m"})").status, 200);
  EXPECT_EQ(http(admin, "PATCH", queue, R"({"on_expiry": "burn"})").status, 400);
  EXPECT_EQ(http(admin, "PATCH", queue, R"({"ttl": "0s", "on_expiry": "drop"})").json().at("ttl"), "0s");
  const auto publish = [&](const std::string& body) { return http(admin, "POST", queue + "/messages", body); };
  const std::string id(publish(R"({"body": "1", "delay": "2h", "type": "a"})").json().at("id").as_string());
  EXPECT_EQ(publish(R"({"body": "2", "deliver_at": ")" + rfc3339(in(1h)) + R"(", "ttl": "5m"})").status, 201);
  EXPECT_EQ(publish(R"({"body": "3", "delay": "3h"})").status, 201);
  EXPECT_EQ(publish(R"({"delay": "soon"})").status, 400);
  EXPECT_EQ(publish(R"({"deliver_at": "noon"})").status, 400);
  EXPECT_EQ(publish(R"({"delay": "1h", "deliver_at": ")" + rfc3339(in(1h)) + R"("})").status, 400);
  EXPECT_EQ(show("orders").at("scheduled"), 3);

  const array all = scheduled("orders");
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].at("offset"), 1);
  EXPECT_EQ(all[1].at("offset"), 0);
  EXPECT_EQ(std::string(all[1].at("id").as_string()), id);
  EXPECT_EQ(all[1].at("type"), "a");
  EXPECT_EQ(all[1].at("body_bytes"), 1);
  EXPECT_FALSE(all[0].at("expires_at").is_null());
  const auto page = http(admin, "GET", queue + "/scheduled?limit=2").json();
  EXPECT_EQ(page.at("items").as_array().size(), 2u);
  const std::string cursor(page.at("cursor").as_string());
  const array rest = scheduled("orders", "?limit=2&cursor=" + cursor);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].at("offset"), 2);
  EXPECT_EQ(http(admin, "GET", queue + "/scheduled?cursor=x").status, 400);
  const auto peeked = http(admin, "GET", queue + "/messages?state=scheduled").json().at("items").as_array();
  ASSERT_EQ(peeked.size(), 3u);
  EXPECT_EQ(peeked[0].at("until"), all[1].at("deliver_at"));

  EXPECT_EQ(http(admin, "DELETE", queue + "/scheduled/" + id).json().at("offset"), 0);
  EXPECT_EQ(http(admin, "DELETE", queue + "/scheduled/" + id).status, 404);
  EXPECT_EQ(http(admin, "DELETE", queue + "/scheduled/1").json().at("cancelled"), 1);
  EXPECT_EQ(http(admin, "DELETE", queue + "/scheduled/1").status, 404);
  EXPECT_EQ(http(admin, "DELETE", queue + "/scheduled/first").status, 400);
  EXPECT_EQ(show("orders").at("purged_total"), 2);
  EXPECT_EQ(http(admin, "POST", queue + "/purge", "{}").json().at("purged"), 0);
  EXPECT_EQ(http(admin, "POST", queue + "/purge", R"({"scheduled": 1})").status, 400);
  EXPECT_EQ(http(admin, "POST", queue + "/purge", R"({"scheduled": true})").json().at("purged"), 1);
  EXPECT_THAT(http(admin, "GET", "/metrics").body, HasSubstr("lazaret_queue_scheduled{queue=\"orders\"} 0"));
}

TEST_F(TimeTest, OfATopicOverHttp) {
  const std::string& admin = broker_.admin();
  EXPECT_EQ(http(admin, "PUT", "/api/v1/topics/news", "{}").status, 201);
  EXPECT_EQ(http(admin, "PUT", "/api/v1/topics/bad", R"({"ttl": "1h"})").status, 400);
  for (const std::string name : {"mail", "log"}) {
    EXPECT_EQ(http(admin, "PUT", "/api/v1/subscriptions/" + name, R"({"topic": "news", "ttl": "1h"})").status, 201);
  }
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(http(admin, "POST", "/api/v1/topics/news/messages", R"({"body": "x", "delay": "1h"})").status, 201);
  }
  const auto of = [&](const std::string& name) {
    return http(admin, "GET", "/api/v1/subscriptions/" + name + "/scheduled").json().at("items").as_array().size();
  };
  EXPECT_EQ(of("mail"), 2u);
  EXPECT_EQ(http(admin, "DELETE", "/api/v1/subscriptions/mail/scheduled/0").json().at("cancelled"), 1);
  EXPECT_EQ(of("mail"), 1u);
  EXPECT_EQ(of("log"), 2u);
  EXPECT_EQ(http(admin, "DELETE", "/api/v1/topics/news/scheduled/1").json().at("cancelled"), 2);
  EXPECT_EQ(of("mail"), 0u);
  EXPECT_EQ(of("log"), 1u);
  EXPECT_EQ(http(admin, "DELETE", "/api/v1/topics/news/scheduled/1").status, 404);
}

// --- The command line ------------------------------------------------------------------------------------------------

TEST_F(TimeTest, OnTheCommandLine) {
  ASSERT_EQ(broker_.cli({"queue", "create", "orders", "--ttl", "1h", "--on-expiry", "hospital"}).exit, 0);
  EXPECT_EQ(broker_.cli_json({"queue", "show", "orders"})[0].at("on_expiry"), "hospital");
  EXPECT_EQ(broker_.cli({"publish", "orders", "--body", "1", "--delay", "2h"}).exit, 0);
  EXPECT_EQ(broker_.cli({"publish", "orders", "--body", "2", "--at", rfc3339(in(1h)), "--ttl", "1m"}).exit, 0);
  EXPECT_EQ(broker_
                .cli({"publish", "orders", "--messages"},
                     R"({"body": "3", "delay": "3h"})"
                     "\n"
                     R"({"body": "4", "deliver_at": "2020-01-01T00:00:00Z", "ttl": "9m"})"
                     "\n")
                .exit,
            0);
  EXPECT_EQ(broker_.cli({"publish", "orders", "--body", "x", "--delay", "soon"}).exit, 64);
  EXPECT_EQ(broker_.cli({"publish", "orders", "--body", "x", "--at", "soon"}).exit, 64);
  EXPECT_EQ(broker_.cli({"publish", "orders", "--body", "x", "--at", rfc3339(in(1h)), "--delay", "1s"}).exit, 64);
  EXPECT_EQ(broker_.cli({"publish", "orders", "--body", "x", "--delay", "9999d"}).exit, 65);
  for (const char* both : {R"("delay": "1s", "deliver_at": "2030-01-01T00:00:00Z")",
                           R"("expires_at": "2030-01-01T00:00:00Z", "ttl": "1s")"}) {
    EXPECT_EQ(broker_.cli({"publish", "orders", "--messages"}, std::string("{") + both + "}\n").exit, 65) << both;
  }

  const auto listed = broker_.cli_json({"schedule", "list", "orders"});
  ASSERT_EQ(listed.size(), 3u);
  EXPECT_EQ(listed[0].at("offset"), 1);
  EXPECT_EQ(listed[1].at("offset"), 0);
  EXPECT_EQ(listed[2].at("offset"), 2);
  EXPECT_THAT(broker_.cli({"schedule", "list", "orders"}).out, HasSubstr("DELIVER AT"));
  EXPECT_EQ(broker_.cli({"schedule", "cancel", "orders", "1"}).exit, 0);
  EXPECT_EQ(broker_.cli({"schedule", "cancel", "orders", "1"}).exit, 66);
  EXPECT_EQ(broker_.cli({"schedule", "cancel", "orders", std::string(listed[1].at("id").as_string())}).exit, 0);
  EXPECT_EQ(broker_.cli({"schedule", "cancel", "nothing", "1"}).exit, 66);
  EXPECT_THAT(broker_.cli({"schedule", "list", "nothing"}).err, HasSubstr("no queue, subscription or topic nothing"));
  EXPECT_EQ(broker_.cli_json({"schedule", "list", "orders"}).size(), 1u);
  EXPECT_EQ(broker_.cli_json({"queue", "purge", "orders"})[0].at("purged"), 1);
  EXPECT_EQ(broker_.cli_json({"queue", "purge", "orders", "--scheduled"})[0].at("purged"), 1);

  ASSERT_EQ(broker_.cli({"topic", "create", "news"}).exit, 0);
  ASSERT_EQ(broker_.cli({"subscription", "create", "mail", "--topic", "news", "--ttl", "1h"}).exit, 0);
  EXPECT_EQ(broker_.cli({"publish", "news", "--body", "1", "--delay", "1h"}).exit, 0);
  EXPECT_EQ(broker_.cli_json({"schedule", "list", "mail"}).size(), 1u);
  EXPECT_EQ(broker_.cli({"schedule", "list", "news"}).exit, 64);
  EXPECT_EQ(broker_.cli_json({"schedule", "cancel", "news", "0"})[0].at("cancelled"), 1);
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
}

// --- Many ------------------------------------------------------------------------------------------------------------

/// What the configuration gives to memtables and cache when it says nothing, and 96 MiB for the rest of the process.
constexpr std::uint64_t kBudget = (64u << 20) + (32u << 20) + (96u << 20);

double seconds_since(std::chrono::steady_clock::time_point begun) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

class ManyWait : public TimeTest {
 protected:
  std::uint64_t resident() {
    const auto status = http(broker_.admin(), "GET", "/api/v1/status").json();
    return status.at("process").at("resident_bytes").to_number<std::uint64_t>();
  }
  /// Each is due at another time, in no order, `from` now or up to `spread` later.
  void publish(Client& client, std::uint64_t from, std::uint64_t until, milliseconds first, milliseconds spread) {
    std::atomic<std::uint64_t> confirmed{0};
    for (std::uint64_t i = from; i < until; ++i) {
      const milliseconds delay = first + milliseconds(i * 7'919 % static_cast<std::uint64_t>(spread.count()));
      const auto confirm = [&](error_code code, const Receipt&) {
        EXPECT_FALSE(code);
        ++confirmed;
      };
      client.async_publish("orders", {.body = std::string(100, 'x'), .delay = delay}, confirm);
      while (i + 1 - from - confirmed.load() > 20'000) std::this_thread::yield();
    }
    ASSERT_TRUE(eventually([&] { return confirmed == until - from; }, 300s));
  }
  /// Messages a second that are published with no delay, and acked, whatever else waits in their queue.
  double plain_rate(Client& client, std::uint64_t count) {
    const std::uint64_t before = client.show("orders").acked_total;
    const auto begun = std::chrono::steady_clock::now();
    publish(client, 0, count, 0ms, 1ms);
    EXPECT_TRUE(eventually([&] { return client.show("orders").acked_total == before + count; }, 300s));
    return static_cast<double>(count) / seconds_since(begun);
  }
  void say(const std::string& what, double value) {
    RecordProperty(what, std::to_string(value));
    std::cout << what << ": " << value << "\n";
  }
};

/// They take neither memory beyond the budget, nor time of a plain message, nor of a start.
TEST_F(ManyWait, OnTheDisk) {
  const bool is_long = std::getenv("LAZARET_LONG") != nullptr;
  const std::uint64_t most = is_long ? 1'000'000 : 50'000;
  const std::uint64_t plain = is_long ? 100'000 : 10'000;
  Broker empty;
  Client client = connect();
  Client other = Client::connect(empty.url(), {.name = "time", .drain = 5s});
  for (Client* one : {&client, &other}) one->ensure({.name = "orders"});
  const auto begun = std::chrono::steady_clock::now();
  publish(client, 0, most / 4, 1h, 10h);
  const std::uint64_t quarter = resident();
  publish(client, most / 4, most, 1h, 10h);
  const std::uint64_t all = resident();
  say("published_per_second", static_cast<double>(most) / seconds_since(begun));
  say("resident_mb_at_a_quarter", static_cast<double>(quarter) / 1e6);
  say("resident_mb_at_all", static_cast<double>(all) / 1e6);
  EXPECT_LT(all, faults::of_this_build(kBudget));
  EXPECT_EQ(client.show("orders").scheduled, most);

  {
    const auto done = [](Delivery&) {};
    const Consumer passing = client.consume("orders", done, {.prefetch = 1000});
    const Consumer alone = other.consume("orders", done, {.prefetch = 1000});
    const InTurn rates(
        5, [&] { return plain_rate(other, plain); }, [&] { return plain_rate(client, plain); });
    say("plain_per_second_without", rates.without());
    say("plain_per_second", rates.with());
    EXPECT_GT(rates.ratio(), is_long ? 0.8 : 0.25);
  }
  const InTurn starts(
      3, [&] { return seconds_to_start(empty); }, [&] { return seconds_to_start(broker_); });
  say("start_seconds_empty", starts.without());
  say("start_seconds", starts.with());
  EXPECT_LT(starts.with(), starts.without() + (is_long ? 1.0 : 3.0));
  ASSERT_TRUE(eventually([&] { return client.connected(); }));
  EXPECT_EQ(client.show("orders").scheduled, most);
  say("resident_mb_after_a_start", static_cast<double>(resident()) / 1e6);
  EXPECT_LT(resident(), faults::of_this_build(kBudget));

  const auto purging = std::chrono::steady_clock::now();
  EXPECT_EQ(client.purge("orders", true), most);
  say("purge_seconds", seconds_since(purging));
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
}

TEST_F(ManyWait, AndComeWhenTheirTimeHasCome) {
  const bool is_long = std::getenv("LAZARET_LONG") != nullptr;
  const std::uint64_t most = is_long ? 300'000 : 20'000;
  Client client = connect();
  client.ensure({.name = "orders"});
  const milliseconds first = is_long ? 20s : 4s;
  const auto begun = std::chrono::steady_clock::now();  // delays count from when the broker reads the publish
  publish(client, 0, most, first, 2s);
  std::atomic<std::uint64_t> early{0}, again{0}, got{0};
  const Consumer consumer = client.consume("orders",
                                           [&](Delivery& delivery) {
                                             if (std::chrono::steady_clock::now() - begun < first) ++early;
                                             if (delivery.redelivered()) ++again;
                                             ++got;
                                           },
                                           {.prefetch = 1000});
  EXPECT_TRUE(eventually([&] { return client.show("orders").acked_total == most; }, 120s));
  EXPECT_EQ(early, 0u);
  EXPECT_EQ(again, 0u);
  EXPECT_EQ(got, most);
  EXPECT_EQ(client.show("orders").scheduled, 0u);
}

}  // namespace
}  // namespace lazaret::testing
