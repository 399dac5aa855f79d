// Two versions: a client and a broker of which one knows more than the other work together on what both know. Those of
// tomorrow are of today, with more in every frame and more frames; those of yesterday say that they know less.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <mutex>

#include "integration/support/api.h"
#include "integration/support/error_of.h"
#include "integration/support/inbox.h"
#include "integration/support/peer.h"
#include "integration/support/wire_client.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Fields 500 to 503, which nobody knows, one of each kind that protobuf has.
const std::string kUnknownFields = std::string("\xa0\x1f\x07", 3) +                       // a number
                                   std::string("\xa9\x1f", 2) + std::string(8, '\x01') +  // eight bytes
                                   std::string("\xb2\x1f\x03new", 6) +                    // text
                                   std::string("\xbd\x1f\x01\x02\x03\x04", 6);            // four bytes

/// The same frame of a version that says more.
std::string of_tomorrow(const wire::OutFrame& frame) {
  const std::string bytes = bytes_of(frame);
  const auto at = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])); };
  const std::size_t header = at(8) | at(9) << 8 | at(10) << 16 | at(11) << 24;
  return wire::frame_head(static_cast<std::uint8_t>(bytes[4]), static_cast<std::uint8_t>(bytes[5]),
                          bytes.substr(12, header) + kUnknownFields, bytes.size() - 12 - header) +
         bytes.substr(12 + header);
}

/// A publisher's envelope with fields that nobody knows.
wire::PublishItem item_of_tomorrow(const std::string& body, std::uint8_t id) {
  wire::Envelope envelope;
  envelope.id.bytes[15] = id;
  envelope.key = "k";
  wire::PublishItem item = item_of(body);
  item.envelope = base::SharedBytes::of(wire::encode_envelope(envelope) + kUnknownFields);
  return item;
}

wire::Hello hello_of_tomorrow() {
  wire::Hello hello = fresh_hello();
  hello.version_most = 9;
  hello.features = {"telepathy", "time"};
  hello.instance.speaks_started = true;
  return hello;
}

// --- The client knows more than the broker ---------------------------------------------------------------------------

class ClientOfTomorrow : public ::testing::Test {
 protected:
  ClientOfTomorrow() {
    client_.emplace(broker_);
    client_->send_bytes(std::string(wire::kMagic) + of_tomorrow(wire::encode(hello_of_tomorrow())));
    welcome_ = client_->read<wire::Welcome>();
  }
  void create(const std::string& name, model::Kind kind = model::Kind::queue, const std::string& topic = "") {
    wire::QueueRequest request;
    request.name = name;
    request.kind = kind;
    request.topic = topic;
    request.request = client_->next_request();
    request.verb = wire::QueueVerb::create;
    client_->send_bytes(of_tomorrow(wire::encode(request)));
    ASSERT_TRUE(client_->read<wire::QueueResponse>().status.ok());
  }
  void publish(const std::string& to, std::vector<wire::PublishItem> items) {
    client_->send_bytes(of_tomorrow(wire::encode(wire::OpenProducer{client_->next_request(), to, {}})));
    const std::uint32_t producer = client_->read<wire::ProducerOpened>().producer;
    client_->send_bytes(of_tomorrow(wire::encode(wire::Publish{client_->next_request(), producer, std::move(items)})));
    ASSERT_TRUE(client_->read<wire::Published>().status.ok());
  }
  void consume(std::uint64_t consumer, const std::string& from) {
    wire::OpenConsumer open;
    open.request = client_->next_request();
    open.consumer = consumer;
    open.queue = from;
    client_->send_bytes(of_tomorrow(wire::encode(open)));
    ASSERT_TRUE(client_->find<wire::ConsumerOpened>().status.ok());
    client_->send_bytes(of_tomorrow(wire::encode(wire::AddCredit{consumer, 10, 1 << 20})));
  }
  void settle(std::uint64_t consumer, const wire::Delivery& delivery, model::VerdictKind kind) {
    client_->send_bytes(of_tomorrow(wire::encode(wire::Started{consumer, delivery.delivery})));
    wire::Settle settle;
    settle.request = client_->next_request();
    settle.consumer = consumer;
    if (kind == model::VerdictKind::ack) {
      settle.acks.push_back(delivery.token);
    } else {
      settle.verdicts.push_back({kind, delivery.token, {"t", "m", ""}, false, {}, nullptr});
    }
    client_->send_bytes(of_tomorrow(wire::encode(settle)));
    for (const auto& [index, result] : client_->find<wire::Settled>().results) EXPECT_EQ(result.code, base::Code::OK);
  }

  Broker broker_;
  std::optional<WireClient> client_;
  wire::Welcome welcome_;
};

TEST_F(ClientOfTomorrow, IsToldWhatBothKnow) {
  EXPECT_EQ(welcome_.version, 1u);
  EXPECT_THAT(welcome_.features, ElementsAre("time"));
}

TEST_F(ClientOfTomorrow, PublishesConsumesAndSettlesWithMoreInEveryFrame) {
  create("q");
  publish("q", {item_of("1"), item_of("2")});
  consume(1, "q");
  for (const wire::Delivery& one : client_->take(2)) settle(1, one, model::VerdictKind::ack);
  EXPECT_EQ(QueueView(broker_, "q")["acked_total"], 2);
  client_->send_bytes(of_tomorrow(wire::encode(wire::CloseConsumer{client_->next_request(), 1})));
  EXPECT_TRUE(client_->read<wire::ConsumerEnded>().status.ok());
  client_->send_bytes(of_tomorrow(wire::encode(wire::Goodbye{})));
  EXPECT_TRUE(client_->read_end().ok());
}

TEST_F(ClientOfTomorrow, FallsBackWhenAFrameIsNotKnownHere) {
  client_->send_bytes(wire::frame_head(199, 0, kUnknownFields, 0));
  EXPECT_EQ(client_->read<wire::Error>().status.code(), base::Code::UNKNOWN_FRAME);
  create("q");
  publish("q", {item_of("1")});
  EXPECT_EQ(QueueView(broker_, "q")["ready"], 1);
}

TEST_F(ClientOfTomorrow, TheFieldsOfItsMessagesComeThroughBitForBit) {
  create("topic", model::Kind::topic);
  create("s", model::Kind::subscription, "topic");
  const wire::PublishItem item = item_of_tomorrow("x", 7);
  publish("topic", {item});
  consume(1, "s");
  const wire::Delivery first = client_->take(1).at(0);
  EXPECT_EQ(first.envelope.view(), item.envelope.view());
  // Also through the hospital, a kill of the broker, and a replay.
  settle(1, first, model::VerdictKind::reject);
  broker_.restart();
  const auto cases = cases_of(broker_, "s");
  ASSERT_EQ(cases.size(), 1u);
  ASSERT_EQ(broker_.cli({"hospital", "replay", text_of(cases[0], "id")}).exit, 0);
  client_.emplace(broker_);
  client_->say_hello(hello_of_tomorrow());
  consume(1, "s");
  const wire::Delivery again = client_->take(1).at(0);
  EXPECT_EQ(again.envelope.view(), item.envelope.view());
  settle(1, again, model::VerdictKind::ack);
}

TEST_F(ClientOfTomorrow, WhatTheBrokerAddsToAMessageStandsBehindWhatItDoesNotKnow) {
  create("q");
  wire::PublishItem item = item_of("x");  // without an id, and with a time to live
  const std::string sent = wire::encode_envelope(wire::Envelope()) + kUnknownFields;
  item.envelope = base::SharedBytes::of(sent);
  item.ttl = 1h;
  publish("q", {item});
  consume(1, "q");
  const wire::Delivery one = client_->take(1).at(0);
  EXPECT_EQ(one.envelope.view().substr(0, sent.size()), sent);
  const auto envelope = wire::decode_envelope(one.envelope.view());
  ASSERT_TRUE(envelope.ok());
  EXPECT_NE(envelope->id, model::MessageId());
  EXPECT_NE(envelope->expires_at_us, 0);
}

// --- The client knows less -------------------------------------------------------------------------------------------

/// It names no feature, sends nothing that came later, and knows nothing of what it did not ask for.
TEST(ClientOfYesterday, WorksOnWhatItKnows) {
  Broker broker;
  WireClient client(broker);
  wire::Hello hello = fresh_hello();
  hello.features.clear();
  hello.instance.speaks_started = false;
  EXPECT_THAT(client.say_hello(hello).features, IsEmpty());
  client.ensure_queue("q");
  // Beside it somebody uses what it does not know: a delay, and a request.
  Client newer = Client::connect(broker.url(), {.name = "newer"});
  newer.publish("q", {.body = "later", .delay = 100ms});
  // It is never answered: whoever knows no requests acks a message.
  newer.within(60s).async_request("q", {.body = "asked"}, [](error_code, const Reply&) {});
  const std::uint32_t producer = client.open_producer("q");
  EXPECT_TRUE(client.publish(producer, {item_of("plain")}).status.ok());
  client.open_consumer(1, "q", 10);
  std::vector<std::string> bodies;
  for (const wire::Delivery& one : client.take(3)) {
    bodies.emplace_back(one.body.view());
    EXPECT_TRUE(client.settle(1, {one.token}).results.empty());
  }
  EXPECT_THAT(bodies, ::testing::UnorderedElementsAre("later", "asked", "plain"));
  EXPECT_EQ(QueueView(broker, "q")["acked_total"], 3);
  newer.close(1s);  // gives its request up
}

// --- The broker knows less, or more, than the library ----------------------------------------------------------------

class OtherBroker : public ::testing::Test {
 protected:
  Client connect() { return Client::connect(peer_.url(), {.name = "versions", .timeout = 60s, .drain = 2s}); }
  Peer peer_;
};

TEST_F(OtherBroker, OfYesterdayIsAskedForNothingThatItDoesNotKnow) {
  peer_.welcome.features = {};
  Client client = connect();
  EXPECT_EQ(error_of([&] { client.publish("q", {.body = "x", .delay = 1s}); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client.publish("q", {.body = "x", .ttl = 1s}); }), errc::bad_request);
  EXPECT_TRUE(error_of([&] { client.request("q", {.body = "x"}); }));
  EXPECT_EQ(error_of([&] { client.ask({"q", {.body = "x"}}, "replies"); }), errc::unknown_frame);
  EXPECT_EQ(error_of([&] { client.list_scheduled("q"); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client.cancel_scheduled("q", 1); }), errc::bad_request);
  EXPECT_EQ(peer_.heard(wire::FrameType::queue_request), 0);
  EXPECT_EQ(peer_.heard(wire::FrameType::request), 0);
  EXPECT_EQ(peer_.heard(wire::FrameType::ask), 0);
  EXPECT_EQ(peer_.heard(wire::FrameType::publish), 0);
  client.publish("q", {.body = "plain"});
  EXPECT_EQ(peer_.heard(wire::FrameType::publish), 1);
  EXPECT_EQ(peer_.connections(), 1);
}

/// It would publish the message of a request, and nobody would ever get a reply.
TEST_F(OtherBroker, ThatKnowsTransactionsAndNoRequestsInThemIsSentNone) {
  peer_.welcome.features = {"transactions", "asks"};
  peer_.on<wire::OpenConsumer>([](Peer::Link& link, const wire::OpenConsumer& open) {
    wire::ConsumerOpened opened;
    opened.request = open.request;
    opened.consumer = open.consumer;
    opened.lease_duration = 60s;
    link.send(wire::encode(opened));
    wire::Deliver deliver{open.consumer, {}};
    for (std::uint64_t number = 1; number <= 2; ++number) {
      const wire::PublishItem item = item_of(number == 1 ? "asks" : "publishes");
      wire::Delivery& one = deliver.deliveries.emplace_back();
      one.delivery = number;
      one.token = {model::LogId(1), model::Offset(number), model::Grant(number)};
      one.envelope = item.envelope;
      one.body = item.body;
      one.body_crc = item.body_crc;
    }
    link.send(wire::encode(deliver));
    return true;
  });
  std::mutex mutex;
  std::map<std::uint64_t, wire::Verdict> verdicts;  // by offset
  peer_.on<wire::Settle>([&](Peer::Link&, const wire::Settle& settle) {
    const std::lock_guard lock(mutex);
    for (const wire::Verdict& one : settle.verdicts) verdicts.emplace(one.token.offset.value, one);
    return false;
  });
  Client client = connect();
  const Consumer consumer = client.consume("q", [](Delivery& delivery) {
    Verdict verdict = Verdict::done().publish("audit", {.body = "x"});
    if (delivery.message().body.view() == "publishes") return verdict;
    return std::move(verdict).ask({"prices", {.body = "tea"}}, "replies");
  });
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return verdicts.size() == 2;
  }));
  EXPECT_EQ(verdicts[1].kind, model::VerdictKind::fail);
  EXPECT_EQ(verdicts[1].error.type, "lazaret.publish_refused");
  EXPECT_EQ(verdicts[1].publishes, nullptr);
  EXPECT_EQ(verdicts[2].kind, model::VerdictKind::ack);
  EXPECT_EQ(verdicts[2].publishes->size(), 1u);
}

TEST_F(OtherBroker, ThatKnowsNoSetsOfRequestsOnlyIsSentNone) {
  peer_.welcome.features = {"transactions", "asks", "asks_along"};
  Client client = connect();
  const std::vector<DurableAsk> asks = {{{"prices", {.body = "tea"}}, "replies", {}},
                                        {{"stock", {.body = "tea"}}, "replies", {}}};
  EXPECT_EQ(error_of([&] { client.publish_all({}, asks); }), errc::bad_request);
  EXPECT_EQ(peer_.heard(wire::FrameType::publish), 0);
  client.publish_all({{"audit", {.body = "x"}}}, asks);
  EXPECT_EQ(peer_.heard(wire::FrameType::publish), 1);
}

TEST_F(OtherBroker, ThatKnowsNoRequestsInTransactionsIsSentNoSetWithAny) {
  peer_.welcome.features = {"transactions", "asks"};
  Client client = connect();
  const std::vector<DurableAsk> asks = {{{"prices", {.body = "tea"}}, "replies", {}}};
  EXPECT_EQ(error_of([&] { client.publish_all({{"audit", {.body = "x"}}}, asks); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client.publish_all({}, asks); }), errc::bad_request);
  EXPECT_EQ(peer_.heard(wire::FrameType::publish), 0);
}

TEST_F(OtherBroker, OfTomorrowIsUnderstoodWithMoreInEveryFrame) {
  peer_.welcome.features = {"telepathy", "time", "requests"};
  peer_.speak_with([](const wire::OutFrame& frame) {
    if (frame.head.at(4) == static_cast<char>(wire::FrameType::welcome)) return of_tomorrow(frame);
    // A frame that nobody knows before each that says more than anybody knows.
    return wire::frame_head(198, 0, kUnknownFields, 3) + "new" + of_tomorrow(frame);
  });
  peer_.on<wire::OpenConsumer>([](Peer::Link& link, const wire::OpenConsumer& open) {
    wire::ConsumerOpened opened;
    opened.request = open.request;
    opened.consumer = open.consumer;
    opened.lease_duration = 60s;
    link.send(wire::encode(opened));
    const wire::PublishItem item = item_of_tomorrow("x", 7);
    wire::Delivery one;
    one.delivery = 1;
    one.token = {model::LogId(1), model::Offset(1), model::Grant(1)};
    one.envelope = item.envelope;
    one.body = item.body;
    one.body_crc = item.body_crc;
    link.send(wire::encode(wire::Deliver{open.consumer, {one}}));
    return true;
  });
  Client client = connect();
  client.show("q");
  client.publish("q", {.body = "x", .delay = 1s});
  Inbox inbox;
  std::atomic<std::size_t> settled{0};
  Consumer consumer = client.consume("q", [&](Delivery& delivery) { inbox.add(delivery); },
                                     {.on_settled = [&](std::size_t count) { settled += count; }});
  ASSERT_TRUE(inbox.reaches(1));
  EXPECT_EQ(inbox.at(0).message.body.view(), "x");
  EXPECT_EQ(inbox.at(0).message.key, "k");
  EXPECT_TRUE(eventually([&] { return settled == 1; }));
  consumer.close(5s);
  EXPECT_EQ(client.close(5s).problem, nullptr);
  EXPECT_EQ(peer_.connections(), 1);
}

}  // namespace
}  // namespace lazaret::testing
