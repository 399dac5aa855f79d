// Readers that are slow and readers that are dead, before a backlog of large bodies: the broker's memory stays bounded,
// the others go on, and nobody is blamed for what a dead one never read. LAZARET_LONG=1 reads one message a second.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <set>
#include <thread>

#include "integration/support/api.h"
#include "integration/support/inbox.h"
#include "integration/support/wire_client.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMiB = 1u << 20;
constexpr int kMessages = 160;

bool is_long() { return std::getenv("LAZARET_LONG") != nullptr; }

/// What the broker says of itself, at its highest, while the test goes on.
class MemoryWatch {
 public:
  explicit MemoryWatch(const Broker& broker) : broker_(broker), before_(now()), most_(before_) {}
  void look() { most_ = std::max(most_, now()); }
  std::size_t grown() const { return most_ - before_; }
  std::size_t before() const { return before_; }

 private:
  std::size_t now() const {
    return api(broker_, "/status").at("process").at("resident_bytes").to_number<std::size_t>();
  }
  const Broker& broker_;
  std::size_t before_, most_;
};

/// Reads and acks a message at a time, and rests after each. It answers for its heartbeats while it rests.
void read_slowly(WireClient& client, const std::atomic<bool>& stop, std::set<std::string>& bodies, int& attempts) try {
  const milliseconds rest = is_long() ? 1000ms : 100ms;
  while (!stop) {
    const auto frame = client.poll(50ms);
    if (frame && frame->type == static_cast<std::uint8_t>(wire::FrameType::error)) {
      ADD_FAILURE() << wire::decode<wire::Error>(*frame)->status.text();
    }
    if (!frame || frame->type != static_cast<std::uint8_t>(wire::FrameType::deliver)) continue;
    const auto deliver = wire::decode<wire::Deliver>(*frame);
    ASSERT_TRUE(deliver.ok());
    for (const wire::Delivery& one : deliver->deliveries) {
      bodies.insert(std::string(one.body.view().substr(0, 3)));
      attempts = std::max(attempts, static_cast<int>(one.attempt));
      pause_for(rest);
      client.send(wire::encode(wire::Pong{}));
      client.send(wire::encode(wire::Settle{0, 1, {one.token}, {}}));
    }
  }
} catch (const std::exception& error) {
  ADD_FAILURE() << "the slow one was cut off: " << error.what() << " after " << bodies.size();
}

TEST(SlowReaders, OneThatIsSlowAndOneThatIsDeadBeforeAHundredMebibytes) {
  Broker broker({.settings = {"broker.heartbeat=2s", "broker.reconnect_grace=1s"}, .arguments = {}});
  Client client = Client::connect(broker.url(), {.name = "healthy", .timeout = 120s, .drain = 2s});
  client.create({.name = "q"});
  for (int i = 0; i < kMessages; ++i) {
    std::string body = std::to_string(1000 + i).substr(1);
    body.resize(kMiB, 'x');
    client.publish("q", {.body = body});
  }
  MemoryWatch memory(broker);

  WireClient dead(broker);
  dead.say_hello();
  dead.send(wire::encode(wire::OpenConsumer{1, 1, "q", 100, 100 * kMiB, {}, false}));
  // More than the kernel takes of it (net.ipv4.tcp_wmem, 4 MiB): the broker waits to write.
  ASSERT_TRUE(eventually([&] { return QueueView(broker, "q")["leased"] >= 6; }));
  WireClient slow(broker);
  slow.say_hello();
  slow.send(wire::encode(wire::OpenConsumer{1, 1, "q", 20, 20 * kMiB, {}, false}));
  ASSERT_TRUE(eventually([&] { return client.show("q").consumers == 2; }));
  std::atomic<bool> stop{false};
  std::set<std::string> slowly;
  int slow_attempts = 1;
  std::thread reader([&] { read_slowly(slow, stop, slowly, slow_attempts); });

  // Others go on at once; the dead one says something all the time, and so it is not silent.
  Inbox inbox;
  const auto begin = SteadyClock::now();
  const Consumer healthy = client.consume("q", [&](Delivery& delivery) { inbox.add(delivery); }, {.concurrency = 2});
  bool gone = false;
  const auto all_acked = [&] {
    const QueueView view(broker, "q");
    memory.look();
    dead.send_what_fits(bytes_of(wire::encode(wire::Pong{})), 10ms);
    if (!gone && client.show("q").consumers == 2) {
      gone = true;
      std::cout << "the dead one is cut off after "
                << std::chrono::duration_cast<milliseconds>(SteadyClock::now() - begin) << " (a write may take 4 s), "
                << inbox.size() << " had gone to the healthy one\n";
    }
    pause_for(50ms);
    return view["acked_total"] == kMessages;
  };
  EXPECT_TRUE(eventually(all_acked, 200s));
  EXPECT_TRUE(gone);
  stop = true;
  reader.join();
  std::cout << "resident before: " << memory.before() / kMiB << " MiB, at most " << memory.grown() / kMiB
            << " MiB more; read slowly: " << slowly.size() << ", by the healthy one: " << inbox.size() << "\n";
  EXPECT_LT(memory.grown(), 96 * kMiB);
  EXPECT_FALSE(slowly.empty());
  EXPECT_EQ(slow_attempts, 1);
  for (const Received& one : inbox.all()) EXPECT_EQ(one.attempt, 1);
  EXPECT_EQ(slowly.size() + inbox.size(), static_cast<std::size_t>(kMessages)) << "something ran twice";
  EXPECT_EQ(QueueView(broker, "q").wrong_sums(), "");
  EXPECT_EQ(QueueView(broker, "q")["suspects"], 0);
}

}  // namespace
}  // namespace lazaret::testing
