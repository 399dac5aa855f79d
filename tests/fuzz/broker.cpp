// Sequences of frames against a whole broker in this process (small_broker.h), as an input tells them
// (broker_script.h). Afterwards nothing is left over, the sums of all queues are right, a well-behaved client is
// served, and the process has not grown.
#include <unistd.h>

#include <initializer_list>

#include "fuzz/broker_script.h"
#include "fuzz/target.h"

namespace lazaret::fuzz {
namespace {

/// What the process may have in memory, a sanitizer's shadow and quarantine with it.
constexpr std::size_t kResidentBytesMost = 1536u << 20;

/// On a queue of its own; throws when it is not served, which nobody catches.
void expect_serves(SmallBroker& broker) {
  std::string queue = "well-behaved";
  while (broker.engine().directory().find(queue) != nullptr) queue += "-too";
  testing::WireClient client(broker.port());
  client.say_hello();
  client.ensure_queue(queue);
  const std::uint32_t producer = client.open_producer(queue);
  LZ_ASSERT(client.open_consumer(1, queue, 10).status.ok());
  // The delivery may come before the confirm.
  client.send(wire::encode(wire::Publish{client.next_request(), producer, {testing::item_of("still here")}}));
  const std::vector<wire::Delivery> delivered = client.take(1);
  LZ_ASSERT(delivered.size() == 1 && delivered[0].body.view() == "still here");
  LZ_ASSERT(client.settle(1, {delivered[0].token}).results.empty());
  client.send(wire::encode(wire::Goodbye{}));
  LZ_ASSERT(client.read_end().ok());
}

// --- Seeds ----------------------------------------------------------------------------------------------------------

std::string say(Action action, std::initializer_list<int> what = {}, int connection = 0) {
  std::string bytes(1, static_cast<char>(static_cast<int>(action) | connection << 6));
  for (const int one : what) bytes.push_back(static_cast<char>(one));
  return bytes;
}

std::string connected(int instance, int connection = 0) { return say(Action::connect, {instance, 0}, connection); }
/// A queue `a`, whose messages have so many attempts and a lease of 100 ms.
std::string with_queue(int attempts) { return say(Action::queue_request, {1, 1, 0, 1 | 2 | 32, attempts, 0, 10, 0}); }
std::string consuming(int held, int connection = 0) {
  return say(Action::open_consumer, {2, 1, 0, 10, 0, held, 0}, connection);
}
std::string producing() { return say(Action::open_producer, {3, 0, 0}); }
/// Two small messages from the connection's first producer.
std::string published(int first_sequence) {
  const int second = first_sequence == 0 ? 0 : first_sequence + 1;
  return say(Action::publish, {4, 1, 2, first_sequence, 0, 5, 0, second, 2, 9, 0});
}
std::string listened(int connection = 0) { return say(Action::listen, {}, connection); }
/// The last two that were heard of.
std::string acked(int connection = 0) { return say(Action::settle, {5, 1, 2, 0, 1}, connection); }
std::string failed(int connection = 0) {
  constexpr int kFailWithError = 67;
  return say(Action::settle, {6, 1, 2 << 2, kFailWithError, 0, 1, 'E', 1, '!', 1, 1}, connection);
}

}  // namespace

std::vector<std::string> seeds() {
  const std::string begun = connected(1) + with_queue(2) + listened() + producing() + consuming(0) + listened() +
                            published(0) + listened() + say(Action::started, {1, 2});
  const std::string admitted = begun + failed() + listened() + failed() + listened();
  const std::string resumed = say(Action::resume, {1, 0, 0, 1, 1}) + listened() + consuming(0xff) + listened();
  return {
      "",
      begun + acked() + listened() + say(Action::goodbye) + listened(),
      admitted + say(Action::replay, {0}) + listened() + acked() + say(Action::discard, {1}) + listened(),
      begun + say(Action::hang_up) + resumed + acked() + listened(),
      begun + say(Action::restart, {1}) + resumed + acked() + listened(),
      begun + connected(2, 1) + consuming(0, 1) + say(Action::advance, {2}) + listened() + listened(1) + acked(1) +
          acked(),
      connected(1) + with_queue(5) + listened() + say(Action::open_producer, {3, 0, 1, 7}) + listened() + published(1) +
          published(1) + published(2) + listened() + say(Action::restart, {0}) + connected(2) +
          say(Action::open_producer, {3, 0, 1, 7}) + published(1) + listened(),
      begun + say(Action::queue_request, {7, 5, 0, 0, 1}) + listened() + with_queue(1) + listened() + acked(),
      begun + say(Action::peek, {8, 0, 10, 0}) + say(Action::queue_request, {9, 6, 0, 0, 0}) + listened(),
      begun + say(Action::spoil_next, {20, 1}) + acked() + say(Action::raw_bytes, {4, 255, 255, 255, 255}) + listened(),
      begun + say(Action::unexpected_frame, {200, 0, 2, 1, 2, 1, 9}) + say(Action::close_consumer, {7, 1}) + listened(),
      begun + say(Action::drain) + listened() + acked() + say(Action::restart, {0}) + connected(3) + listened(),
  };
}

}  // namespace lazaret::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lazaret;
  {
    fuzz::SmallBroker broker;
    fuzz::BrokerScript(fuzz::Input({data, size}), broker).play();
    broker.check();
    if (broker.draining()) broker.restart(std::nullopt);
    fuzz::expect_serves(broker);
    broker.check();
  }
  LZ_ASSERT(testing::resident_bytes(::getpid()) < fuzz::kResidentBytesMost);
  return 0;
}
