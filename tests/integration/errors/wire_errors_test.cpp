// Errors that the binary protocol answers with (error_codes.h).
#include <csignal>

#include "base/crc32c.h"
#include "integration/errors/error_codes.h"
#include "model/limits.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using base::Code;
using wire::QueueVerb;

wire::PublishItem wide_item() {
  wire::Envelope envelope;
  envelope.type = std::string(1025, 't');
  wire::PublishItem item = item_of("x");
  item.envelope = base::SharedBytes::of(wire::encode_envelope(envelope));
  return item;
}

std::uint32_t numbered_producer(WireClient& client) {
  client.send(wire::encode(wire::OpenProducer{client.next_request(), "q", fresh_hello().instance.id}));
  return client.read<wire::ProducerOpened>().producer;
}

// --- What is asked for is wrong -------------------------------------------------------------------------------------

TEST_F(ErrorCodes, BAD_REQUEST) {
  WireClient client = open(start());
  EXPECT_EQ(refusal(client, wire::encode(wire::Publish{9, 77, {item_of("x")}})).code(), Code::BAD_REQUEST);
}

TEST_F(ErrorCodes, INVALID_NAME) {
  WireClient client = open(start());
  EXPECT_EQ(queue_refusal(client, QueueVerb::create, "lazaret.mine").code(), Code::INVALID_NAME);
  EXPECT_EQ(queue_refusal(client, QueueVerb::create, "a b").code(), Code::INVALID_NAME);
}

TEST_F(ErrorCodes, INVALID_OPTION) {
  WireClient client = open(start());
  wire::OptionsPatch options;
  options.backoff_jitter = 7.0;
  EXPECT_EQ(queue_refusal(client, QueueVerb::create, "n", options).code(), Code::INVALID_OPTION);
}

TEST_F(ErrorCodes, MESSAGE_TOO_LARGE) {
  WireClient client = open(start({"broker.max_message_bytes=1024"}));
  EXPECT_EQ(item_refusal(client, client.open_producer("q"), item_of(std::string(1025, 'x'))), Code::MESSAGE_TOO_LARGE);
}

TEST_F(ErrorCodes, HEADERS_TOO_LARGE) {
  WireClient client = open(start());
  EXPECT_EQ(item_refusal(client, client.open_producer("q"), wide_item()), Code::HEADERS_TOO_LARGE);
}

TEST_F(ErrorCodes, BATCH_TOO_LARGE) {
  WireClient client = open(start());
  const std::uint32_t producer = client.open_producer("q");
  const std::vector<wire::PublishItem> items(model::limits::kBatchItems + 1, item_of("x"));
  EXPECT_EQ(refusal(client, wire::encode(wire::Publish{9, producer, items})).code(), Code::BATCH_TOO_LARGE);
}

TEST_F(ErrorCodes, CHECKSUM_MISMATCH) {
  WireClient client = open(start());
  wire::PublishItem item = item_of("x");
  item.body_crc ^= 1;
  EXPECT_EQ(item_refusal(client, client.open_producer("q"), item), Code::CHECKSUM_MISMATCH);
}

TEST_F(ErrorCodes, NOT_FOUND) {
  WireClient client = open(start());
  EXPECT_EQ(queue_refusal(client, QueueVerb::show, "nothing").code(), Code::NOT_FOUND);
}

TEST_F(ErrorCodes, ALREADY_EXISTS) {
  WireClient client = open(start());
  EXPECT_EQ(queue_refusal(client, QueueVerb::create, "q").code(), Code::ALREADY_EXISTS);
}

TEST_F(ErrorCodes, OPTIONS_MISMATCH) {
  WireClient client = open(start());
  wire::OptionsPatch options;
  options.max_attempts = 17;
  EXPECT_EQ(queue_refusal(client, QueueVerb::ensure, "q", options).code(), Code::OPTIONS_MISMATCH);
}

TEST_F(ErrorCodes, NOT_EMPTY) {
  WireClient client = open(start());
  client.publish(client.open_producer("q"), {item_of("x")});
  EXPECT_EQ(queue_refusal(client, QueueVerb::remove, "q").code(), Code::NOT_EMPTY);
}

TEST_F(ErrorCodes, IN_USE) {
  WireClient client = open(start());
  client.open_consumer(1, "q", 1);
  EXPECT_EQ(queue_refusal(client, QueueVerb::remove, "q").code(), Code::IN_USE);
}

TEST_F(ErrorCodes, LEASE_LOST) {
  WireClient client = open(start());
  client.open_consumer(1, "q", 1);
  const wire::Settled settled = client.settle(1, {{model::LogId(2), model::Offset(0), model::Grant(1)}});
  ASSERT_EQ(settled.results.size(), 1u);
  EXPECT_EQ(settled.results[0].second.code, Code::LEASE_LOST);
}

TEST_F(ErrorCodes, SEQUENCE_REUSED) {
  WireClient client = open(start());
  const std::uint32_t producer = numbered_producer(client);
  EXPECT_EQ(item_refusal(client, producer, item_of("one body", 1)), Code::OK);
  EXPECT_EQ(item_refusal(client, producer, item_of("another", 1)), Code::SEQUENCE_REUSED);
}

TEST_F(ErrorCodes, SEQUENCE_TOO_OLD) {
  WireClient client = open(start());
  const std::uint32_t producer = numbered_producer(client);
  EXPECT_EQ(item_refusal(client, producer, item_of("new", model::limits::kDedupWindow + 2)), Code::OK);
  EXPECT_EQ(item_refusal(client, producer, item_of("old", 1)), Code::SEQUENCE_TOO_OLD);
}

TEST_F(ErrorCodes, LIMIT_REACHED) {
  Broker& broker = start({"broker.max_connections=2"});
  WireClient first = open(broker);
  {
    WireClient second = open(broker);
    WireClient third(broker);
    const base::Status said = third.read_end();
    EXPECT_EQ(said.code(), Code::LIMIT_REACHED);
    EXPECT_EQ(said.limit_value(), 2);
  }
  // Others are served again when the broker has noticed that two are gone.
  EXPECT_TRUE(eventually([&] { return api(broker, "/queues/q").at("consumers").as_array().empty(); }));
  EXPECT_TRUE(eventually([&] {
    WireClient again(broker);
    again.send_bytes(std::string(wire::kMagic) + bytes_of(wire::encode(fresh_hello())));
    const auto frame = again.next();
    return frame && frame->type == static_cast<std::uint8_t>(wire::FrameType::welcome);
  }));
  broker_.reset();
}

// --- The bytes are not the protocol ---------------------------------------------------------------------------------

TEST_F(ErrorCodes, BAD_MAGIC) {
  WireClient client(start());
  client.send_bytes("SSH-2.0-OpenSSH_9.2\r\n");
  EXPECT_EQ(client.read_end().code(), Code::BAD_MAGIC);
}

TEST_F(ErrorCodes, UNSUPPORTED_VERSION) {
  WireClient client(start());
  wire::Hello hello = fresh_hello();
  hello.version_least = hello.version_most = 2;
  client.send_bytes(std::string(wire::kMagic) + bytes_of(wire::encode(hello)));
  EXPECT_EQ(client.read_end().code(), Code::UNSUPPORTED_VERSION);
}

TEST_F(ErrorCodes, BAD_FRAME) {
  WireClient client = open(start());
  client.send_bytes(prefix_of(10, 2, 0, 0, 2) + "\xff\xff");
  EXPECT_EQ(client.read_end().code(), Code::BAD_FRAME);
}

TEST_F(ErrorCodes, FRAME_TOO_LARGE) {
  WireClient client = open(start());
  client.send_bytes(prefix_of(~0u, 2, 0, 0, 2));
  EXPECT_EQ(client.read_end().code(), Code::FRAME_TOO_LARGE);
}

TEST_F(ErrorCodes, UNKNOWN_FRAME) {
  WireClient client = open(start());
  client.send_bytes(prefix_of(8, 99, 0, 0, 0));
  EXPECT_EQ(client.read<wire::Error>().status.code(), Code::UNKNOWN_FRAME);
  client.send(wire::encode(wire::Ping{4}));
  EXPECT_EQ(client.read<wire::Pong>().number, 4u);
}

TEST_F(ErrorCodes, UNEXPECTED_FRAME) {
  WireClient client = open(start());
  client.send(wire::encode(fresh_hello()));
  EXPECT_EQ(client.read_end().code(), Code::UNEXPECTED_FRAME);
}

TEST_F(ErrorCodes, HANDSHAKE_TIMEOUT) {
  WireClient client(start());
  client.send_bytes(wire::kMagic);
  EXPECT_EQ(client.read_end().code(), Code::HANDSHAKE_TIMEOUT);
}

TEST_F(ErrorCodes, PEER_SILENT) {
  WireClient client = open(start({"broker.heartbeat=500ms"}));
  client.answer_pings(false);
  EXPECT_EQ(client.read_end().code(), Code::PEER_SILENT);
}

// --- The broker cannot, or not now ----------------------------------------------------------------------------------

TEST_F(ErrorCodes, RESOURCE_EXHAUSTED) {
  // No disk has as much free as this wants in reserve.
  WireClient client = open(start({"storage.disk_reserve_bytes=1125899906842624"}));
  const std::uint32_t producer = client.open_producer("q");
  wire::Published last;
  EXPECT_TRUE(eventually([&] {
    last = client.publish(producer, {item_of("x")});
    return !last.status.ok();
  }));
  EXPECT_EQ(last.results.at(0).code, Code::RESOURCE_EXHAUSTED);
  EXPECT_EQ(last.status.limit(), "disk_reserve");
  EXPECT_GT(last.status.retry_after_ms(), 0);
  broker_.reset();
}

TEST_F(ErrorCodes, SHUTTING_DOWN) {
  Broker& broker = start();
  WireClient client = open(broker);
  client.open_consumer(1, "q", 1);
  client.send(wire::encode(wire::Publish{50, client.open_producer("q"), {item_of("keeps it from stopping")}}));
  const auto had = client.take(1);
  client.send(wire::encode(wire::Started{1, had[0].delivery}));
  client.send(wire::encode(wire::Ping{1}));
  client.find<wire::Pong>();
  broker.signal(SIGTERM);
  EXPECT_EQ(client.find<wire::ConsumerEnded>().status.code(), Code::SHUTTING_DOWN);
  EXPECT_EQ(client.open_consumer(2, "q", 1).status.code(), Code::SHUTTING_DOWN);
  client.settle(1, {had[0].token});
  EXPECT_EQ(client.find<wire::Closing>().status.code(), Code::SHUTTING_DOWN);
  client.hang_up();
  EXPECT_EQ(broker.wait(), 0);
}

}  // namespace
}  // namespace lazaret::testing
