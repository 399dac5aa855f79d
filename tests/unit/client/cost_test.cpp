// What the client library does for one message does not grow with what else there is: counted in steps, against a peer
// of the test's own that withholds its answers.
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "client/client_core.h"
#include "integration/support/peer.h"
#include "integration/support/wire_client.h"
#include "model/limits.h"

namespace lazaret::detail {
namespace {

using namespace std::chrono_literals;
using testing::eventually;
using testing::Peer;

class CostTest : public ::testing::Test {
 protected:
  ClientCore& core() {
    if (owner_ == nullptr) {
      owner_ = std::make_unique<ClientOwner>(*parse_url(peer_.url()), Options{.drain = 0ms});
      std::promise<void> connected;
      owner_->core().wait_connected(60s, [&](const base::Status&) { connected.set_value(); });
      connected.get_future().get();
    }
    return owner_->core();
  }
  /// What `read` says on the client's executor.
  template <class Read>
  auto on_client(Read read) {
    std::promise<std::invoke_result_t<Read>> told;
    EXPECT_TRUE(core().post([&] { told.set_value(read()); }));
    return told.get_future().get();
  }
  std::uint64_t looked_at_producers() {
    return on_client([&] { return core().publisher().looked_at(); });
  }
  void publish(const std::string& queue, std::atomic<int>& confirmed) {
    core().publish(std::string(queue), Message{.body = "x"}, 60s,
                   Handler<Receipt>([&](error_code error, const Receipt&) { confirmed += error ? 0 : 1; }));
  }

  Peer peer_;
  std::unique_ptr<ClientOwner> owner_;
};

wire::OutFrame deliveries(std::uint64_t consumer, std::uint64_t from, std::uint64_t to) {
  const wire::PublishItem item = testing::item_of("x");
  wire::Deliver frame{consumer, {}};
  for (std::uint64_t number = from; number < to; ++number) {
    wire::Delivery one;
    one.delivery = number;
    one.token = {model::LogId(1), model::Offset(number), model::Grant(1)};
    one.envelope = item.envelope;
    one.body = item.body;
    one.body_crc = item.body_crc;
    frame.deliveries.push_back(std::move(one));
  }
  return wire::encode(frame);
}

/// A broker that confirms no ack: all that was handled is held, until the consumer's whole credit is.
TEST_F(CostTest, AVerdictCostsTheSameHoweverMuchIsHeld) {
  constexpr std::uint64_t kHeld = 65'536;
  constexpr std::uint64_t kBatch = 512;
  peer_.on<wire::OpenConsumer>([](Peer::Link& link, const wire::OpenConsumer& open) {
    wire::ConsumerOpened opened;
    opened.request = open.request;
    opened.consumer = open.consumer;
    opened.lease_duration = 60s;
    link.send(wire::encode(opened));
    for (std::uint64_t at = 1; at <= kHeld; at += kBatch) link.send(deliveries(open.consumer, at, at + kBatch));
    return true;
  });
  peer_.on<wire::Settle>([](Peer::Link&, const wire::Settle&) { return true; });
  std::atomic<std::uint64_t> handled{0};
  const auto consumer = core().make_consumer("q", erase([&](Delivery&) { ++handled; }),
                                             {.prefetch = static_cast<int>(kHeld)}, [](const base::Status&) {});
  ASSERT_TRUE(eventually([&] { return handled == kHeld; }));
  const std::uint64_t looked_at = on_client([&] { return consumer->held().looked_at(); });
  EXPECT_GE(looked_at, kHeld) << "each was looked at when it was its turn";
  EXPECT_LE(looked_at, 4 * kHeld);
}

TEST_F(CostTest, APublishCostsTheSameHoweverManyQueuesThereAre) {
  constexpr int kQueues = 900;
  constexpr int kMore = 2000;
  std::atomic<int> confirmed{0};
  for (int i = 0; i < kQueues; ++i) publish("q" + std::to_string(i), confirmed);
  ASSERT_TRUE(eventually([&] { return confirmed == kQueues; }));
  const std::uint64_t before = looked_at_producers();
  for (int i = 0; i < kMore; ++i) {
    publish("q7", confirmed);
    ASSERT_TRUE(eventually([&] { return confirmed == kQueues + i + 1; }));
  }
  EXPECT_LE(looked_at_producers() - before, 2u * kMore);
}

/// More queues than a connection has places for: each publish finds one without looking at all that are there.
TEST_F(CostTest, APlaceOnTheConnectionIsFoundWithoutASearch) {
  constexpr int kQueues = 3 * static_cast<int>(model::limits::kProducersPerConnection);
  std::atomic<int> confirmed{0};
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < kQueues; ++i) publish("q" + std::to_string(i), confirmed);
    ASSERT_TRUE(eventually([&] { return confirmed == (round + 1) * kQueues; }));
  }
  EXPECT_LE(looked_at_producers(), 10u * kQueues);
}

}  // namespace
}  // namespace lazaret::detail
