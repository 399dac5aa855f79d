// Too much of anything, over the bare protocol: consumers, producers, items, requests, floods that nobody reads the
// answers of, silence. The broker's memory stays bounded, and others are served meanwhile.
#include <gtest/gtest.h>

#include <deque>
#include <thread>

#include "integration/support/api.h"
#include "integration/support/wire_client.h"
#include "model/limits.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using base::Code;
namespace limits = model::limits;

constexpr std::size_t kFloodBytes = 96u << 20;
/// What a flood may cost: what is read ahead, the answers that wait, and the allocator's own. Under the address
/// sanitizer freed memory stays in a quarantine and every block has a fence, which hides what the broker takes.
#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t kFloodCosts = 1u << 30;
#else
constexpr std::size_t kFloodCosts = 150u << 20;
#endif

std::string many(const std::string& frame, std::size_t bytes) {
  std::string all;
  all.reserve(bytes + frame.size());
  while (all.size() < bytes) all += frame;
  return all;
}

class ProtocolLimits : public ::testing::Test {
 protected:
  void TearDown() override { expect_serves(broker_); }

  WireClient open() {
    WireClient client(broker_);
    client.say_hello();
    return client;
  }
  void expect_goes_on(WireClient& client) {
    client.send(wire::encode(wire::Ping{77}));
    EXPECT_EQ(client.find<wire::Pong>().number, 77u);
  }
  /// Sends these frames again and again without reading an answer; memory stays bounded and others are served.
  void flood(const std::string& frame, std::uint64_t consumer = 0) {
    WireClient client = open();
    client.ensure_queue("flooded");
    if (consumer != 0) client.open_consumer(consumer, "flooded", 10);
    client.answer_pings(false);
    const std::size_t before = resident_bytes(broker_.pid());
    std::size_t most = 0;
    const std::string chunk = many(frame, 1u << 20);
    for (std::size_t sent = 0; sent < kFloodBytes;) {
      const std::size_t taken = client.send_what_fits(chunk, 200ms);
      most = std::max(most, resident_bytes(broker_.pid()));
      sent += taken;
      if (taken < chunk.size()) break;  // slowed down, or sent away
    }
    expect_serves(broker_);
    most = std::max(most, resident_bytes(broker_.pid()));
    EXPECT_LT(most, before + kFloodCosts);
  }

  Broker broker_{{.settings = {"broker.heartbeat=1s"}, .arguments = {}}};
};

// --- Per connection -------------------------------------------------------------------------------------------------

TEST_F(ProtocolLimits, ConsumersOfAConnection) {
  WireClient client = open();
  client.ensure_queue("q");
  for (std::uint64_t number = 1; number <= limits::kConsumersPerConnection; ++number) {
    client.send(wire::encode(wire::OpenConsumer{number, number, "q", 0, 0, {}, false}));
  }
  for (std::size_t i = 0; i < limits::kConsumersPerConnection; ++i)
    EXPECT_TRUE(client.find<wire::ConsumerOpened>().status.ok());
  for (const bool more : {true, false}) {
    client.send(wire::encode(wire::OpenConsumer{5000, 5000, "q", 1, 1, {}, more}));
  }
  const auto refused = client.read<wire::Error>();
  EXPECT_EQ(refused.request, 5000u);
  EXPECT_EQ(refused.status.code(), Code::LIMIT_REACHED);
  EXPECT_EQ(refused.status.limit_value(), static_cast<std::int64_t>(limits::kConsumersPerConnection));
  // One that is closed makes room, and so does one that never came to be.
  client.send(wire::encode(wire::CloseConsumer{1, 1}));
  EXPECT_TRUE(client.read<wire::ConsumerEnded>().status.ok());
  client.send(wire::encode(wire::OpenConsumer{5001, 5001, "no such queue", 1, 1, {}, false}));
  EXPECT_EQ(client.read<wire::Error>().status.code(), Code::NOT_FOUND);
  EXPECT_TRUE(client.open_consumer(5002, "q", 1).status.ok());
}

TEST_F(ProtocolLimits, TokensThatConsumersPresent) {
  const std::vector<wire::HeldToken> half(limits::kCreditMessages / 2);
  WireClient client = open();
  client.ensure_queue("q");
  // Over all consumers that are just being opened, and not only over one.
  for (std::uint64_t number = 1; number <= 2; ++number) {
    client.send(wire::encode(wire::OpenConsumer{number, number, "q", 1, 1, half, true}));
    if (number == 1) client.send(wire::encode(wire::OpenConsumer{number, number, "q", 1, 1, {}, false}));
  }
  EXPECT_TRUE(client.read<wire::ConsumerOpened>().status.ok());
  client.send(wire::encode(wire::OpenConsumer{3, 3, "q", 1, 1, half, true}));
  expect_goes_on(client);
  client.send(wire::encode(wire::OpenConsumer{4, 4, "q", 1, 1, {{}}, true}));
  EXPECT_EQ(client.read_end().code(), Code::BAD_FRAME);
}

TEST_F(ProtocolLimits, AConsumerKeepsItsQueueWhenItsNumberIsAskedForAgain) {
  WireClient client = open();
  client.ensure_queue("one");
  client.ensure_queue("two");
  const std::uint32_t producer = client.open_producer("one");
  client.open_consumer(1, "one", 10);
  client.send(wire::encode(wire::OpenConsumer{70, 1, "two", 1, 1, {}, false}));
  EXPECT_EQ(client.read<wire::Error>().status.code(), Code::BAD_REQUEST);
  client.send(wire::encode(wire::Publish{71, producer, {item_of("x")}}));
  const auto had = client.take(1);
  EXPECT_TRUE(client.settle(1, {had[0].token}).results.empty());
  EXPECT_EQ(QueueView(broker_, "one")["acked_total"], 1);
}

TEST_F(ProtocolLimits, ProducersOfAConnection) {
  WireClient client = open();
  client.ensure_queue("q");
  for (std::size_t i = 0; i < limits::kProducersPerConnection; ++i) {
    client.send(wire::encode(wire::OpenProducer{i + 1, "q", std::nullopt}));
  }
  for (std::size_t i = 0; i < limits::kProducersPerConnection; ++i) client.read<wire::ProducerOpened>();
  client.send(wire::encode(wire::OpenProducer{9000, "q", std::nullopt}));
  EXPECT_EQ(client.read<wire::Error>().status.code(), Code::LIMIT_REACHED);
  EXPECT_EQ(client.publish(1, {item_of("goes on")}).results.size(), 1u);
}

TEST_F(ProtocolLimits, ProducersThatAreClosedMakeRoom) {
  WireClient client = open();
  client.ensure_queue("q");
  std::uint32_t last = 0;
  for (std::size_t i = 0; i < 2 * limits::kProducersPerConnection; ++i) {
    last = client.open_producer("q");
    if (i > 0) client.send(wire::encode(wire::CloseProducer{last}));
  }
  last = client.open_producer("q");
  client.send(wire::encode(wire::Publish{1, last, {item_of("x")}}));
  client.send(wire::encode(wire::CloseProducer{last}));
  EXPECT_TRUE(client.read<wire::Published>().status.ok()) << "what it had sent is answered";
  client.send(wire::encode(wire::CloseProducer{last}));  // not open any more: nothing to close
  client.send(wire::encode(wire::Publish{5, last, {item_of("late")}}));
  EXPECT_EQ(client.read<wire::Error>().status.code(), Code::BAD_REQUEST);
  EXPECT_TRUE(client.publish(1, {item_of("the first is open still")}).status.ok());
}

TEST_F(ProtocolLimits, EmptyItemsByTheMillionAreRefusedUnread) {
  constexpr std::size_t kItems = 8'500'000;
  std::string header;
  for (std::size_t i = 0; i < kItems; ++i) header += {3 << 3 | 2, 0};
  for (const std::size_t most : {header.size(), limits::kBatchHeaderBytes}) {
    WireClient client = open();
    const std::size_t before = resident_bytes(broker_.pid());
    client.send_bytes(wire::frame_head(static_cast<std::uint8_t>(wire::FrameType::publish), 0,
                                       std::string_view(header).substr(0, most), 0));
    const bool fits = most == limits::kBatchHeaderBytes;
    EXPECT_EQ(client.read_end().code(), fits ? Code::BAD_FRAME : Code::FRAME_TOO_LARGE);
    EXPECT_LT(resident_bytes(broker_.pid()), before + kFloodCosts);
  }
}

TEST_F(ProtocolLimits, ItemsOfAPublishAndVerdictsOfASettle) {
  WireClient client = open();
  client.ensure_queue("q");
  const std::uint32_t producer = client.open_producer("q");
  client.open_consumer(1, "q", 10);
  const std::vector<wire::PublishItem> items(limits::kBatchItems + 1, item_of("x"));
  client.send(wire::encode(wire::Publish{50, producer, items}));
  const auto publish = client.read<wire::Error>();
  EXPECT_EQ(publish.request, 50u);
  EXPECT_EQ(publish.status.code(), Code::BATCH_TOO_LARGE);
  EXPECT_EQ(publish.status.limit(), "max_batch_items");
  client.send(wire::encode(wire::Settle{51, 1, std::vector<wire::Token>(limits::kBatchItems + 1), {}}));
  const auto settle = client.read<wire::Error>();
  EXPECT_EQ(settle.request, 51u);
  EXPECT_EQ(settle.status.code(), Code::BATCH_TOO_LARGE);
  EXPECT_EQ(QueueView(broker_, "q")["entered_total"], 0);
}

TEST_F(ProtocolLimits, WhatNobodyOpenedIsRefusedAndWithRequestZeroNobodyHears) {
  WireClient client = open();
  for (const std::uint64_t request : {0, 60}) {
    client.send(wire::encode(wire::Publish{request, 9, {item_of("x")}}));
    client.send(wire::encode(wire::Settle{request, 9, {{}}, {}}));
    client.send(wire::encode(wire::CloseConsumer{request, 9}));
  }
  client.send(wire::encode(wire::Started{9, 1}));
  client.send(wire::encode(wire::AddCredit{9, 1, 1}));
  for (int i = 0; i < 3; ++i) {
    const auto refused = client.read<wire::Error>();
    EXPECT_EQ(refused.request, 60u);
    EXPECT_EQ(refused.status.code(), Code::BAD_REQUEST);
  }
  expect_goes_on(client);
}

TEST_F(ProtocolLimits, ItemsStandAlone) {
  WireClient client = open();
  client.ensure_queue("q");
  const std::uint32_t producer = client.open_producer("q");
  wire::PublishItem wrong = item_of("wrong");
  wrong.body_crc ^= 1;
  wire::PublishItem wide = item_of("wide");
  wire::Envelope envelope;
  envelope.key = std::string(1025, 'k');
  wide.envelope = base::SharedBytes::of(wire::encode_envelope(envelope));
  const auto published = client.publish(producer, {item_of("a"), wrong, item_of("b"), wide});
  ASSERT_EQ(published.results.size(), 4u);
  EXPECT_EQ(published.results[0].offset.value, 0u);
  EXPECT_EQ(published.results[1].code, Code::CHECKSUM_MISMATCH);
  EXPECT_EQ(published.results[2].offset.value, 1u);
  EXPECT_EQ(published.results[3].code, Code::HEADERS_TOO_LARGE);
  const auto refused = client.publish(producer, {wrong, wide});
  ASSERT_EQ(refused.results.size(), 2u);
  EXPECT_EQ(QueueView(broker_, "q")["entered_total"], 2);
}

TEST_F(ProtocolLimits, RequestsThatWaitForTheirAnswer) {
  WireClient client = open();
  for (std::uint64_t i = 1; i <= limits::kPageItems; ++i) {
    wire::QueueRequest create;
    create.request = i;
    create.verb = wire::QueueVerb::create;
    create.name = "q" + std::to_string(i);
    client.send(wire::encode(create));
  }
  for (std::size_t i = 0; i < limits::kPageItems; ++i) client.read<wire::QueueResponse>();
  // Each list asks for every queue; all three are in one packet.
  wire::QueueRequest list;
  list.verb = wire::QueueVerb::list;
  list.max = limits::kPageItems;
  std::string lists;
  for (list.request = 1; list.request <= 3; ++list.request) lists += bytes_of(wire::encode(list));
  client.send_bytes(lists);
  const auto refused = client.read<wire::Error>();
  EXPECT_EQ(refused.request, 3u);
  EXPECT_EQ(refused.status.code(), Code::LIMIT_REACHED);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(client.read<wire::QueueResponse>().queues.size(), limits::kPageItems);
}

TEST_F(ProtocolLimits, EveryRequestOfAFloodIsAnsweredOnceWhenSomebodyReads) {
  constexpr std::size_t kRequests = 50'000;
  WireClient client = open();
  client.ensure_queue("q");
  client.open_consumer(1, "q", 10);
  std::string frames;
  for (std::uint64_t i = 1; i <= kRequests; ++i) frames += bytes_of(wire::encode(wire::Settle{i, 1, {{}}, {}}));
  client.send_bytes(frames);
  for (std::uint64_t i = 1; i <= kRequests; ++i) ASSERT_EQ(client.read<wire::Settled>().request, i);
}

// --- Floods ---------------------------------------------------------------------------------------------------------

TEST_F(ProtocolLimits, PingsWhoseAnswersNobodyReads) { flood(bytes_of(wire::encode(wire::Ping{~0ull}))); }

TEST_F(ProtocolLimits, UnknownFramesWhoseAnswersNobodyReads) { flood(prefix_of(8, 200, 0, 0, 0)); }

TEST_F(ProtocolLimits, VerdictsWhoseAnswersNobodyReads) {
  flood(bytes_of(wire::encode(wire::Settle{1, 1, std::vector<wire::Token>(100), {}})), 1);
}

TEST_F(ProtocolLimits, VerdictsThatAreNotAnswered) { flood(bytes_of(wire::encode(wire::Settle{0, 1, {{}}, {}})), 1); }

TEST_F(ProtocolLimits, StartedAndCreditThatAreNotAnswered) {
  flood(bytes_of(wire::encode(wire::Started{1, ~0ull})) + bytes_of(wire::encode(wire::AddCredit{1, ~0ull, ~0ull})), 1);
}

TEST_F(ProtocolLimits, ConsumersThatAreOpenedAgainAndAgain) {
  flood(bytes_of(wire::encode(wire::OpenConsumer{1, 1, "flooded", 1, 1, {}, false})));
}

TEST_F(ProtocolLimits, ListsWhoseAnswersNobodyReads) {
  wire::QueueRequest list;
  list.verb = wire::QueueVerb::list;
  list.request = 1;
  flood(bytes_of(wire::encode(list)));
}

TEST_F(ProtocolLimits, DeliveriesThatNobodyReads) {
  WireClient publisher = open();
  publisher.ensure_queue("q");
  const std::uint32_t producer = publisher.open_producer("q");
  for (int i = 0; i < 24; ++i) publisher.publish(producer, {item_of(std::string(4u << 20, 'x'))});
  const std::size_t before = resident_bytes(broker_.pid());
  WireClient client = open();
  client.answer_pings(false);
  client.send(wire::encode(wire::OpenConsumer{1, 1, "q", 1000, 256u << 20, {}, false}));
  // 96 MB are asked for and not read: what was sent is for others when the client has been sent away.
  EXPECT_TRUE(
      eventually([&] { return QueueView(broker_, "q")["ready"] == 24 && resident_bytes(broker_.pid()) > 0; }, 60s));
  EXPECT_LT(resident_bytes(broker_.pid()), before + (256u << 20));
}

TEST_F(ProtocolLimits, ManyConnectionsAtATime) {
  std::deque<WireClient> silent;
  for (int i = 0; i < 500; ++i) silent.emplace_back(broker_);
  std::deque<WireClient> open_ones;
  for (int i = 0; i < 200; ++i) open_ones.push_back(open());
  expect_serves(broker_);
  for (WireClient& client : open_ones) expect_goes_on(client);
}

TEST(ProtocolConnections, BeyondTheLimitAreRefusedUntilOneIsGone) {
  Broker broker({.settings = {"broker.max_connections=3"}, .arguments = {}});
  std::deque<WireClient> clients;
  for (int i = 0; i < 3; ++i) clients.emplace_back(broker).say_hello();
  WireClient refused(broker);
  const base::Status said = refused.read_end();
  EXPECT_EQ(said.code(), Code::LIMIT_REACHED);
  EXPECT_EQ(said.limit(), "max_connections");
  clients.clear();
  EXPECT_TRUE(eventually([&] {
    WireClient client(broker);
    client.send_bytes(std::string(wire::kMagic) + bytes_of(wire::encode(fresh_hello())));
    const auto frame = client.next();
    return frame && frame->type == static_cast<std::uint8_t>(wire::FrameType::welcome);
  }));
  EXPECT_TRUE(broker.running());
}

// --- Silence --------------------------------------------------------------------------------------------------------

TEST_F(ProtocolLimits, WhoSaysNothingIsSentAwayAndWhoAnswersStays) {
  WireClient silent = open();
  WireClient answering = open();
  silent.answer_pings(false);
  base::Status said;
  std::thread reads([&] { said = silent.read_end(); });
  // Half of its beats are PONGs only: those count too.
  EXPECT_THROW(answering.next(4s), std::runtime_error) << "nothing but PINGs comes";
  reads.join();
  EXPECT_EQ(said.code(), Code::PEER_SILENT);
  expect_goes_on(answering);
}

TEST_F(ProtocolLimits, WhatASilentConsumerHadIsDeliveredToAnother) {
  WireClient client = open();
  client.ensure_queue("q");
  client.open_consumer(1, "q", 10);
  client.answer_pings(false);
  WireClient publisher = open();
  publisher.publish(publisher.open_producer("q"), {item_of("x")});
  EXPECT_EQ(client.take(1)[0].attempt, 1u);
  EXPECT_EQ(client.read_end().code(), Code::PEER_SILENT);
  WireClient other = open();
  other.open_consumer(1, "q", 10);
  EXPECT_EQ(other.take(1)[0].body.view(), "x");
}

}  // namespace
}  // namespace lazaret::testing
