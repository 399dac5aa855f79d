// Bytes that no honest client sends, against a real broker: each is answered with the error that the protocol's
// document names, ends the connection or does not, and leaves the broker serving everybody else.
#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "integration/support/api.h"
#include "integration/support/wire_client.h"
#include "model/limits.h"

namespace lazaret::testing {
namespace {

using base::Code;
using wire::FrameType;
namespace limits = model::limits;

constexpr std::uint8_t kUnknownType = 200;
constexpr FrameType kFromClients[] = {
    FrameType::publish, FrameType::open_producer, FrameType::open_consumer,  FrameType::add_credit,
    FrameType::started, FrameType::settle,        FrameType::close_consumer, FrameType::queue_request,
    FrameType::peek,    FrameType::goodbye,       FrameType::ping,           FrameType::pong,
    FrameType::request, FrameType::answer,        FrameType::cancel_request, FrameType::ask};
constexpr FrameType kFromBrokers[] = {
    FrameType::welcome, FrameType::published, FrameType::producer_opened, FrameType::consumer_opened,
    FrameType::deliver, FrameType::settled,   FrameType::recall,          FrameType::lease_ended,
    FrameType::error,   FrameType::closing,   FrameType::consumer_ended,  FrameType::queue_response,
    FrameType::peeked,  FrameType::reply,     FrameType::answered,        FrameType::asked};

std::string frame_of(FrameType type, std::string_view header, std::string_view body = "", std::uint8_t flags = 0) {
  return wire::frame_head(static_cast<std::uint8_t>(type), flags, header, body.size()) + std::string(body);
}

std::string hello_bytes() { return std::string(wire::kMagic) + bytes_of(wire::encode(fresh_hello())); }

class ProtocolFrames : public ::testing::Test {
 protected:
  void TearDown() override { expect_serves(broker_); }

  WireClient open() {
    WireClient client(broker_);
    client.say_hello();
    return client;
  }
  /// What the broker says before it ends a connection that sent these bytes after the handshake.
  base::Status answer_to(const std::string& bytes) {
    WireClient client = open();
    client.send_bytes(bytes);
    return client.read_end();
  }
  void expect_goes_on(WireClient& client) {
    client.send(wire::encode(wire::Ping{77}));
    EXPECT_EQ(client.read<wire::Pong>().number, 77u);
  }

  Broker broker_;
};

// --- The handshake --------------------------------------------------------------------------------------------------

TEST_F(ProtocolFrames, AnotherMagicIsRefused) {
  for (const std::string bytes :
       {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "LAZARET2aaaaaaaa", "\x16\x03\x01\x02\x03\x04\x05\x06"}) {
    WireClient client(broker_);
    client.send_bytes(bytes);
    EXPECT_EQ(client.read_end().code(), Code::BAD_MAGIC);
  }
}

TEST_F(ProtocolFrames, AVersionThatTheBrokerDoesNotSpeakIsRefused) {
  for (const auto& [least, most] : {std::pair(2u, 9u), std::pair(0u, 0u)}) {
    wire::Hello hello = fresh_hello();
    hello.version_least = least;
    hello.version_most = most;
    WireClient client(broker_);
    client.send_bytes(std::string(wire::kMagic) + bytes_of(wire::encode(hello)));
    EXPECT_EQ(client.read_end().code(), Code::UNSUPPORTED_VERSION);
  }
}

TEST_F(ProtocolFrames, TheFirstFrameMustBeAHelloAndItsInstanceMustHaveAnId) {
  for (const FrameType type : kFromClients) {
    WireClient client(broker_);
    client.send_bytes(std::string(wire::kMagic) + frame_of(type, ""));
    EXPECT_EQ(client.read_end().code(), Code::UNEXPECTED_FRAME);
  }
  WireClient client(broker_);
  client.send_bytes(std::string(wire::kMagic) + frame_of(FrameType::hello, "\x08\x01\x10\x01"));
  EXPECT_EQ(client.read_end().code(), Code::BAD_FRAME);
}

TEST_F(ProtocolFrames, ATextOfTheInstanceIsAtMostTwoHundredBytesLong) {
  wire::Hello hello = fresh_hello();
  hello.instance.host = std::string(201, 'h');
  WireClient client(broker_);
  client.send_bytes(std::string(wire::kMagic) + bytes_of(wire::encode(hello)));
  EXPECT_EQ(client.read_end().code(), Code::BAD_FRAME);
}

TEST_F(ProtocolFrames, AHandshakeThatIsCutAnywhereEndsTheConnection) {
  const std::string hello = hello_bytes();
  for (std::size_t cut = 0; cut < hello.size(); ++cut) {
    WireClient client(broker_);
    client.send_bytes(hello.substr(0, cut));
    client.stop_sending();
    EXPECT_EQ(client.read_end().code(), Code::BAD_FRAME) << cut << " bytes";
  }
}

TEST_F(ProtocolFrames, WhoDoesNotFinishTheHandshakeIsSentAway) {
  const std::string hello = hello_bytes();
  std::deque<WireClient> clients;
  for (const std::size_t cut : {0, 4, 8, 14, 20, 40}) {
    clients.emplace_back(broker_).send_bytes(hello.substr(0, cut));
  }
  for (WireClient& client : clients) EXPECT_EQ(client.read_end().code(), Code::HANDSHAKE_TIMEOUT);
}

TEST_F(ProtocolFrames, AHandshakeMayComeByteByByte) {
  WireClient client(broker_);
  for (const char byte : hello_bytes()) client.send_bytes({&byte, 1});
  EXPECT_EQ(client.read<wire::Welcome>().version, wire::kProtocolVersion);
}

TEST_F(ProtocolFrames, BeforeTheHandshakeAFrameIsSmall) {
  for (const std::uint32_t length :
       {static_cast<std::uint32_t>(limits::kFrameBytesBeforeHandshake) + 1, 1u << 31, ~0u}) {
    WireClient client(broker_);
    client.send_bytes(std::string(wire::kMagic) + prefix_of(length, 1, 0, 0, 8));
    EXPECT_EQ(client.read_end().code(), Code::FRAME_TOO_LARGE) << length;
  }
}

// --- Frames ---------------------------------------------------------------------------------------------------------

TEST_F(ProtocolFrames, APublishThatIsCutAnywhereStoresNothing) {
  WireClient producer = open();
  producer.ensure_queue("cut");
  const std::uint32_t number = producer.open_producer("cut");
  EXPECT_EQ(number, 1u);
  const std::string whole = bytes_of(wire::encode(wire::Publish{9, number, {item_of("half a message")}}));
  for (std::size_t cut = 1; cut < whole.size(); ++cut) {
    WireClient client = open();
    EXPECT_EQ(client.open_producer("cut"), number);
    client.send_bytes(whole.substr(0, cut));
    client.stop_sending();
    EXPECT_TRUE(client.read_end().ok());
  }
  EXPECT_EQ(QueueView(broker_, "cut")["entered_total"], 0);
  producer.send_bytes(whole);
  EXPECT_EQ(producer.read<wire::Published>().results.size(), 1u);
  EXPECT_EQ(QueueView(broker_, "cut")["entered_total"], 1);
}

TEST_F(ProtocolFrames, AFrameThatIsTooLargeIsRefusedByItsLength) {
  WireClient client = open();
  for (const std::uint32_t length : {20u << 20, 1u << 31, ~0u}) {
    const base::Status refused = answer_to(prefix_of(length, 2, 0, 0, 8));
    EXPECT_EQ(refused.code(), Code::FRAME_TOO_LARGE);
    EXPECT_EQ(refused.limit(), "max_frame_bytes");
    EXPECT_GT(refused.limit_value(), 16 << 20);
  }
  expect_goes_on(client);
}

TEST_F(ProtocolFrames, ALengthAloneTakesNoMemory) {
  WireClient first = open();
  const auto largest = static_cast<std::uint32_t>(16u << 20);
  const std::size_t before = resident_bytes(broker_.pid());
  std::deque<WireClient> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(open());
    clients.back().send_bytes(prefix_of(largest, 2, 0, 0, 8) + std::string(100, 'x'));
  }
  expect_goes_on(first);
  for (int i = 0; i < 20; ++i) expect_serves(broker_);  // whatever it does with them, it has done by now
  // What is promised is 1.6 GB; a block of 256 KiB each would be 25 MB.
  EXPECT_LT(resident_bytes(broker_.pid()), before + (200u << 20));
}

TEST_F(ProtocolFrames, ALargeFrameThatComesInPiecesIsPutTogether) {
  WireClient client = open();
  client.ensure_queue("large");
  const std::uint32_t producer = client.open_producer("large");
  std::mt19937 random(7);
  for (const std::size_t size : {300u << 10, 1u << 20, 5u << 20, 16u << 20}) {
    std::string body(size, '\0');
    for (char& byte : body) byte = static_cast<char>(random());
    const wire::Published published = client.publish(producer, {item_of("before"), item_of(body), item_of("behind")});
    EXPECT_EQ(published.results.size(), 3u);
    EXPECT_TRUE(published.status.ok()) << published.status.text();
  }
  client.open_consumer(1, "large", 100);
  for (const wire::Delivery& one : client.take(12))
    EXPECT_EQ(item_of(std::string(one.body.view())).body_crc, one.body_crc);
}

TEST_F(ProtocolFrames, LengthsThatContradictEachOtherAreABadFrame) {
  for (const auto& [length, header] :
       {std::pair(0u, 0u), std::pair(7u, 0u), std::pair(8u, 1u), std::pair(20u, 13u), std::pair(20u, ~0u)}) {
    EXPECT_EQ(answer_to(prefix_of(length, 30, 0, 0, header) + std::string(20, '\0')).code(), Code::BAD_FRAME) << length;
  }
}

TEST_F(ProtocolFrames, AReservedBitThatIsSetIsABadFrame) {
  for (int bit = 1; bit < 8; ++bit) {
    EXPECT_EQ(answer_to(prefix_of(8, 30, static_cast<std::uint8_t>(1 << bit), 0, 0)).code(), Code::BAD_FRAME);
  }
  for (int bit = 0; bit < 16; ++bit) {
    EXPECT_EQ(answer_to(prefix_of(8, 30, 0, static_cast<std::uint16_t>(1 << bit), 0)).code(), Code::BAD_FRAME);
  }
}

TEST_F(ProtocolFrames, ATypeThatNobodyKnowsIsAnsweredAndTheConnectionGoesOn) {
  WireClient client = open();
  for (int type = 0; type < 256; ++type) {
    const bool known = (type >= 1 && type <= 16) || type == 30 || type == 31 || (type >= 40 && type <= 55);
    if (known) continue;
    client.send_bytes(prefix_of(13, static_cast<std::uint8_t>(type), 0, 0, 2) + "hhbbb");
    const auto error = client.read<wire::Error>();
    EXPECT_EQ(error.status.code(), Code::UNKNOWN_FRAME);
    EXPECT_EQ(error.request, 0u);
  }
  expect_goes_on(client);
}

TEST_F(ProtocolFrames, ATypeThatMustBeUnderstoodEndsTheConnection) {
  EXPECT_EQ(answer_to(prefix_of(8, kUnknownType, wire::kMustUnderstand, 0, 0)).code(), Code::UNKNOWN_FRAME);
  WireClient client = open();
  client.send_bytes(frame_of(FrameType::ping, "\x08\x05", "", wire::kMustUnderstand));
  EXPECT_EQ(client.read<wire::Pong>().number, 5u);
}

TEST_F(ProtocolFrames, WhatOnlyABrokerSaysIsUnexpectedAndSoIsASecondHello) {
  for (const FrameType type : kFromBrokers) EXPECT_EQ(answer_to(frame_of(type, "")).code(), Code::UNEXPECTED_FRAME);
  EXPECT_EQ(answer_to(bytes_of(wire::encode(fresh_hello()))).code(), Code::UNEXPECTED_FRAME);
}

TEST_F(ProtocolFrames, AHeaderThatIsNoProtobufIsABadFrame) {
  const std::string headers[] = {
      "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",  // a tag that never ends
      "\x12\x7f",                                      // longer than there is
      std::string("\x00\x01", 2),                      // field number 0
  };
  for (const FrameType type : kFromClients) {
    for (const std::string& header : headers) {
      EXPECT_EQ(answer_to(frame_of(type, header)).code(), Code::BAD_FRAME) << static_cast<int>(type);
    }
  }
}

TEST_F(ProtocolFrames, FieldsThatNobodyKnowsAreIgnored) {
  WireClient client = open();
  // Field 500, length-delimited, behind the number.
  client.send_bytes(frame_of(FrameType::ping, std::string("\x08\x09\xa2\x1f\x03", 5) + "new"));
  EXPECT_EQ(client.read<wire::Pong>().number, 9u);
}

TEST_F(ProtocolFrames, WhatDoesNotAddUpIsABadFrame) {
  WireClient client = open();
  client.ensure_queue("q");
  wire::PublishItem item = item_of("four");
  const std::string publish = bytes_of(wire::encode(wire::Publish{1, 1, {item}}));
  const std::string header = publish.substr(12, publish.size() - 16);
  EXPECT_EQ(answer_to(frame_of(FrameType::publish, header, "fou")).code(), Code::BAD_FRAME);
  EXPECT_EQ(answer_to(frame_of(FrameType::publish, header, "fours")).code(), Code::BAD_FRAME);
  // Two offsets and one grant; a verdict of kind 99; a verb of 99; a producer id of three bytes; a delay of 2^63 ms.
  EXPECT_EQ(answer_to(frame_of(FrameType::settle, "\x1a\x07\x1a\x02\x02\x02\x22\x01\x02")).code(), Code::BAD_FRAME);
  EXPECT_EQ(answer_to(frame_of(FrameType::settle, "\x22\x02\x08\x63")).code(), Code::BAD_FRAME);
  EXPECT_EQ(answer_to(frame_of(FrameType::queue_request, "\x10\x63")).code(), Code::BAD_FRAME);
  EXPECT_EQ(answer_to(frame_of(FrameType::open_producer, "\x12\x01q\x1a\x03\x61\x62\x63")).code(), Code::BAD_FRAME);
  EXPECT_EQ(
      answer_to(frame_of(FrameType::settle, "\x22\x0e\x08\x02\x38\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x40\x01")).code(),
      Code::BAD_FRAME);
}

TEST_F(ProtocolFrames, ANumberOfTwoOpenPublishesEndsTheConnection) {
  WireClient client = open();
  client.ensure_queue("twice");
  const std::uint32_t producer = client.open_producer("twice");
  std::vector<wire::PublishItem> items(1000, item_of("good"));
  items.back().body_crc ^= 1;
  const std::string good = bytes_of(wire::encode(wire::Publish{7, producer, {item_of("good")}}));
  const std::string mixed = bytes_of(wire::encode(wire::Publish{7, producer, items}));
  client.send_bytes(good + mixed + good + mixed);
  EXPECT_EQ(client.read_end().code(), Code::UNEXPECTED_FRAME);
}

TEST_F(ProtocolFrames, NoiseEndsAConnectionAndNothingElse) {
  std::mt19937 random(20260917);
  for (int round = 0; round < 300; ++round) {
    WireClient client = open();
    std::string noise;
    for (int frame = 0; frame < 20; ++frame) {
      std::string header(random() % 40, '\0');
      for (char& byte : header) byte = static_cast<char>(random());
      noise += frame_of(kFromClients[random() % std::size(kFromClients)], header, std::string(random() % 5, 'b'));
    }
    client.send_bytes(noise);
    client.stop_sending();
    const Code said = client.read_end().code();
    EXPECT_TRUE(said == Code::OK || said == Code::BAD_FRAME) << static_cast<int>(said);
    ASSERT_TRUE(broker_.running()) << "round " << round;
  }
}

TEST_F(ProtocolFrames, WhatIsNotUtf8IsAnsweredAndFillsNoLog) {
  EXPECT_EQ(answer_to(frame_of(FrameType::queue_request, "\x1a\x02\xff\xfe")).code(), Code::BAD_FRAME);
  EXPECT_EQ(broker_.log().find("libprotobuf"), std::string::npos) << broker_.log();
}

}  // namespace
}  // namespace lazaret::testing
