// Clients that read slowly, not at all, or a great deal at once, over the bare protocol: what they asked for waits in
// the broker, and they are sent away only when nothing moves.
#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "integration/support/api.h"
#include "integration/support/wire_client.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMiB = 1u << 20;

class ProtocolReading : public ::testing::Test {
 protected:
  void fill(Broker& broker, std::size_t count, std::size_t bytes) {
    WireClient client(broker);
    client.say_hello();
    client.ensure_queue("q");
    const std::uint32_t producer = client.open_producer("q");
    for (std::size_t i = 0; i < count; ++i) client.publish(producer, {item_of(std::string(bytes, 'x'))});
  }
};

TEST_F(ProtocolReading, ManyConsumersOfASlowClientAreHeldBackAndNotCutOff) {
  Broker broker;
  fill(broker, 24, 4 * kMiB);
  const std::size_t before = resident_bytes(broker.pid());
  WireClient client(broker);
  client.say_hello();
  for (std::uint64_t number = 1; number <= 24; ++number) {
    client.send(wire::encode(wire::OpenConsumer{number, number, "q", 1, 8 * kMiB, {}, false}));
  }
  EXPECT_TRUE(eventually([&] { return QueueView(broker, "q")["leased"] > 0; }));
  for (int i = 0; i < 5; ++i) expect_serves(broker);
  EXPECT_GT(QueueView(broker, "q")["ready"], 0);
  EXPECT_LT(resident_bytes(broker.pid()), before + 96 * kMiB);
  // Once it reads, everything comes.
  EXPECT_EQ(client.take(24).size(), 24u);
  expect_serves(broker);
}

TEST_F(ProtocolReading, ALargeBodyMayTakeLongerThanTwoHeartbeatsAsLongAsItMoves) {
  constexpr std::size_t kBody = 64 * kMiB;
  Broker broker({.settings = {"broker.heartbeat=1s", "broker.max_message_bytes=67108864"}, .arguments = {}});
  fill(broker, 1, kBody);
  WireClient client(broker);
  client.say_hello();
  client.send(wire::encode(wire::OpenConsumer{1, 1, "q", 1, kBody, {}, false}));
  for (std::size_t at = 0; at < kBody;) {
    const std::size_t bytes = client.sip(64u << 10);
    ASSERT_GT(bytes, 0u) << "cut off at " << at;
    at += bytes;
    client.send(wire::encode(wire::Pong{}));
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_EQ(QueueView(broker, "q")["leased"], 1);
  expect_serves(broker);
}

TEST_F(ProtocolReading, AClientThatTakesInDropByDropIsGone) {
  Broker broker({.settings = {"broker.heartbeat=1s", "broker.reconnect_grace=0s"}, .arguments = {}});
  fill(broker, 3, 16 * kMiB);
  WireClient client(broker);
  client.say_hello();
  client.send(wire::encode(wire::OpenConsumer{1, 1, "q", 3, 64 * kMiB, {}, false}));
  const auto deadline = std::chrono::steady_clock::now() + WireClient::kLimit;
  // It says something all the time, and reads something all the time; the broker's one write does not end.
  while (QueueView(broker, "q")["leased"] == 0) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  while (QueueView(broker, "q")["leased"] > 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "still served";
    client.send(wire::encode(wire::Pong{}));
    client.sip(100, 10ms);
  }
  EXPECT_EQ(QueueView(broker, "q")["ready"], 3);
  expect_serves(broker);
}

TEST_F(ProtocolReading, ABodyOfTheSizeThatIsConfiguredArrives) {
  Broker broker({.settings = {"broker.max_message_bytes=134217728"}, .arguments = {}});
  fill(broker, 1, 128 * kMiB);
  WireClient client(broker);
  client.say_hello();
  client.open_consumer(1, "q", 1);
  const auto had = client.take(1);
  EXPECT_EQ(had[0].body.size(), 128 * kMiB);
  client.send(wire::encode(wire::Peek{9, "q", std::nullopt, 1}));
  EXPECT_EQ(client.find<wire::Peeked>().messages.at(0).body.size(), 128 * kMiB);
  EXPECT_TRUE(client.settle(1, {had[0].token}).results.empty());
  expect_serves(broker);
}

TEST_F(ProtocolReading, PeeksAreReadOneAfterTheOtherAndAStopDoesNotWaitForThem) {
  Broker broker;
  fill(broker, 4, 256u << 10);
  const std::size_t before = resident_bytes(broker.pid());
  WireClient client(broker);
  client.say_hello();
  std::string peeks;
  for (std::uint64_t i = 1; i <= 1000; ++i) peeks += bytes_of(wire::encode(wire::Peek{i, "q", model::Offset(0), 10}));
  client.send_bytes(peeks);
  for (std::uint64_t i = 1; i <= 20; ++i) EXPECT_EQ(client.read<wire::Peeked>().request, i);
  expect_serves(broker);
  EXPECT_LT(resident_bytes(broker.pid()), before + 64 * kMiB);
  EXPECT_EQ(broker.terminate(), 0);
}

TEST_F(ProtocolReading, APeekBeginsAtTheFirstThatIsNotSettled) {
  Broker broker;
  WireClient client(broker);
  client.say_hello();
  client.ensure_queue("q");
  const std::uint32_t producer = client.open_producer("q");
  client.publish(producer, std::vector<wire::PublishItem>(150, item_of("done")));
  client.open_consumer(1, "q", 150);
  std::vector<wire::Token> tokens;
  for (const wire::Delivery& one : client.take(150)) tokens.push_back(one.token);
  EXPECT_TRUE(client.settle(1, tokens).results.empty());
  client.send(wire::encode(wire::CloseConsumer{7, 1}));
  client.find<wire::ConsumerEnded>();
  client.publish(producer, {item_of("new")});
  client.send(wire::encode(wire::Peek{8, "q", std::nullopt, 0}));
  const auto found = client.read<wire::Peeked>();
  ASSERT_EQ(found.messages.size(), 1u);
  EXPECT_EQ(found.messages[0].offset.value, 150u);
  EXPECT_EQ(found.messages[0].body.view(), "new");
}

}  // namespace
}  // namespace lazaret::testing
