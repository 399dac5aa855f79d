// The idempotent receiver against a real broker that delivers twice.
#include <gtest/gtest.h>

#include <optional>

#include "integration/support/api.h"
#include "integration/support/inbox.h"
#include "lazaret/idempotent.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;

class IdempotentTest : public ::testing::Test {
 protected:
  IdempotentTest() { connect("maker").ensure({.name = "q", .backoff_initial = 1ms}); }
  Client connect(const std::string& name) { return Client::connect(broker_.url(), {.name = name, .drain = 2s}); }
  void expect_acked(Client& client, std::uint64_t count) {
    EXPECT_TRUE(eventually([&] { return client.show("q").acked_total == count; }))
        << client.show("q").acked_total << " of " << count;
  }
  Broker broker_{{.settings = {"broker.reconnect_grace=1s", "broker.resume_grace=1s"}, .arguments = {}}};
};

/// Two publishers that do not know of each other's try.
TEST_F(IdempotentTest, AMessagePublishedTwiceIsHandledOnce) {
  Client one = connect("one");
  Client other = connect("other");
  const MessageId id = MessageId::make();
  one.publish("q", {.body = "x", .id = id});
  other.publish("q", {.body = "x", .id = id});
  other.publish("q", {.body = "y"});
  Inbox inbox;
  const Consumer consumer =
      one.consume("q", idempotent(ids_in_memory(), [&](Delivery& delivery) { inbox.add(delivery); }));
  expect_acked(one, 3);
  EXPECT_EQ(inbox.counts(), (std::map<std::string, int>{{"x", 1}, {"y", 1}}));
}

/// The worker has handled the message when the broker dies, and ends before it is back: nobody ever heard its ack.
TEST_F(IdempotentTest, AnAckThatWasLostWithItsWorkerIsMadeUpFor) {
  const std::string file = broker_.dir() / "ids";
  Inbox inbox;
  {
    Client client = connect("first");
    client.publish("q", {.body = "x"});
    Gate gate;
    std::atomic<bool> ended{false};
    std::optional<Consumer> consumer = client.consume("q", idempotent(ids_in_file(file), [&](Delivery& delivery) {
                                                        inbox.add(delivery);
                                                        gate.pass();
                                                        ended = true;
                                                      }));
    ASSERT_TRUE(inbox.reaches(1));
    broker_.kill9();
    ASSERT_TRUE(eventually([&] { return !client.connected(); }));
    gate.open();
    consumer.reset();
    ASSERT_TRUE(ended);
    client.close(0ms);
  }
  broker_.start();
  Client client = connect("second");
  const Consumer consumer =
      client.consume("q", idempotent(ids_in_file(file), [&](Delivery& delivery) { inbox.add(delivery); }));
  expect_acked(client, 1);
  EXPECT_EQ(inbox.size(), 1u);
}

TEST_F(IdempotentTest, WhatFailsIsTriedAgain) {
  Client client = connect("worker");
  client.publish("q", {.body = "x"});
  Inbox inbox;
  const Consumer consumer = client.consume("q", idempotent(ids_in_memory(), [&](Delivery& delivery) {
                                             inbox.add(delivery);
                                             if (inbox.size() < 3) throw std::runtime_error("not yet");
                                           }));
  expect_acked(client, 1);
  EXPECT_EQ(inbox.size(), 3u);
}

}  // namespace
}  // namespace lazaret::testing
