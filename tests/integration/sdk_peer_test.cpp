// The client library against a peer of the test's own, which says what an honest broker says only at the wrong moment:
// limits, refusals, the end of the connection.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/use_future.hpp>
#include <future>
#include <optional>

#include "integration/support/inbox.h"
#include "integration/support/peer.h"
#include "integration/support/wire_client.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using base::Code;
using base::Status;
using wire::FrameType;

/// What a call throws; nullopt for nothing.
template <class Call>
std::optional<Error> thrown(Call call) {
  try {
    call();
    return std::nullopt;
  } catch (const Error& error) {
    return error;
  }
}
template <class Call>
error_code error_of(Call call) {
  const auto error = thrown(std::move(call));
  return error ? error->code() : error_code();
}

class SdkPeerTest : public ::testing::Test {
 protected:
  Client connect(Options options = {}) {
    options.timeout = 60s;
    options.drain = 2s;
    return Client::connect(peer_.url(), std::move(options));
  }
  /// Delivers a message to the consumer that opens.
  static wire::OutFrame delivery(std::uint64_t consumer, std::uint64_t number, std::uint64_t grant = 1) {
    const wire::PublishItem item = item_of("x");
    wire::Delivery one;
    one.delivery = number;
    one.token = {model::LogId(1), model::Offset(number), model::Grant(grant)};
    one.envelope = item.envelope;
    one.body = item.body;
    one.body_crc = item.body_crc;
    return wire::encode(wire::Deliver{consumer, {one}});
  }
  /// As the peer answers by itself, and then deliveries 1 to `count`.
  void deliver_when_opened(std::uint64_t count) {
    peer_.on<wire::OpenConsumer>([count](Peer::Link& link, const wire::OpenConsumer& open) {
      wire::ConsumerOpened opened;
      opened.request = open.request;
      opened.consumer = open.consumer;
      opened.held.assign(open.held.size(), true);
      opened.lease_duration = 60s;
      link.send(wire::encode(opened));
      for (std::uint64_t i = 1; i <= count && open.held.empty() && link.number() == 1; ++i) {
        link.send(delivery(open.consumer, i));
      }
      return true;
    });
  }

  Peer peer_;
};

wire::OutFrame ending(Code code) { return wire::encode(wire::Error{0, Status(code, "said by a peer")}); }

// --- Heartbeats ------------------------------------------------------------------------------------------------------

TEST_F(SdkPeerTest, APeerWithoutHeartbeatsIsNotWatched) {
  peer_.welcome.heartbeat = {};
  Client client = connect();
  for (int i = 0; i < 100; ++i) client.publish("q", {.body = "x"});
  EXPECT_EQ(peer_.connections(), 1);
  EXPECT_EQ(peer_.heard(FrameType::ping), 0);
}

// --- Words that cannot travel ----------------------------------------------------------------------------------------

TEST_F(SdkPeerTest, NamesAndTextsThatCannotTravelAreRefusedBeforeTheyDo) {
  Client client = connect();
  const std::string bad = "caf\xe9";
  EXPECT_EQ(error_of([&] { client.publish(bad, {.body = "x"}); }), errc::invalid_name);
  EXPECT_EQ(error_of([&] { client.consume(bad, [](Delivery&) {}); }), errc::invalid_name);
  EXPECT_EQ(error_of([&] { client.ensure({.name = bad}); }), errc::invalid_name);
  EXPECT_EQ(error_of([&] { client.ensure({.name = "q", .colocate_with = bad}); }), errc::invalid_name);
  EXPECT_EQ(error_of([&] { client.ensure({.name = "q", .durability = bad}); }), errc::invalid_option);
  EXPECT_EQ(error_of([&] { client.show(std::string(5u << 20, 'a')); }), errc::invalid_name);
  EXPECT_EQ(error_of([&] { client.list(bad); }), errc::invalid_name);
  EXPECT_EQ(error_of([&] { client.remove(bad); }), errc::invalid_name);
  EXPECT_EQ(error_of([&] { client.purge(bad); }), errc::invalid_name);
  EXPECT_EQ(error_of([&] { client.peek(bad); }), errc::invalid_name);
  const auto refused = thrown([&] { client.publish("q", {.body = "x", .correlation_id = bad}); });
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code(), errc::bad_request);
  EXPECT_NE(refused->problem.text.find("correlation_id"), std::string::npos) << refused->problem.text;
  EXPECT_EQ(error_of([&] { client.publish("q", {.body = "x", .headers = {{bad, "1"}}}); }), errc::bad_request);
  client.publish("q", {.body = bad, .headers = {{"any bytes", bad}}});
  EXPECT_EQ(peer_.connections(), 1);
  EXPECT_EQ(peer_.heard(FrameType::queue_request) + peer_.heard(FrameType::open_consumer), 0);
}

TEST_F(SdkPeerTest, WhoWeAreIsMadeText) {
  std::promise<model::InstanceRecord> heard;
  peer_.on<wire::Hello>([&](Peer::Link&, const wire::Hello& hello) {
    heard.set_value(hello.instance);
    return false;
  });
  const Client client = connect({.name = "caf\xe9", .version = std::string(199, 'v') + "\xc3\xa9"});
  const model::InstanceRecord instance = heard.get_future().get();
  EXPECT_EQ(instance.name, "caf\xef\xbf\xbd");
  EXPECT_EQ(instance.version, std::string(199, 'v')) << "cut at a character";
}

TEST_F(SdkPeerTest, WhatABrokerSaysWithoutBeingUtf8IsNoLineOnStandardError) {
  peer_.on<wire::QueueRequest>([](Peer::Link& link, const wire::QueueRequest& request) {
    std::string bytes = bytes_of(wire::encode(wire::Error{request.request, Status(Code::NOT_FOUND, "~~~~")}));
    bytes.replace(bytes.find("~~~~"), 4, "\xff\xff\xff\xff");
    link.send_bytes(bytes);
    return true;
  });
  Client client = connect();
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(error_of([&] { client.within(200ms).show("q"); }).category(), error_category());
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

// --- Limits ----------------------------------------------------------------------------------------------------------

TEST_F(SdkPeerTest, WhatIsTooLargeIsRefusedHereWithTheLimitOfTheHandshake) {
  Client client = connect();
  const auto large = thrown([&] { client.publish("q", {.body = std::string((1u << 20) + 1, 'x')}); });
  ASSERT_TRUE(large);
  EXPECT_EQ(large->code(), errc::message_too_large);
  EXPECT_EQ(large->problem.limit, "max_message_bytes");
  EXPECT_EQ(large->problem.value, 1 << 20);
  Message wide{.body = "x"};
  for (int i = 0; i < 100; ++i) wide.headers.emplace_back("name", std::string(1000, 'v'));
  const auto headers = thrown([&] { client.publish("q", wide); });
  ASSERT_TRUE(headers);
  EXPECT_EQ(headers->code(), errc::headers_too_large);
  EXPECT_EQ(headers->problem.limit, "max_header_bytes");
  EXPECT_EQ(headers->problem.value, 64 << 10);
  client.publish("q", {.body = std::string(1u << 20, 'x')});
  EXPECT_EQ(peer_.heard(FrameType::publish), 1);
}

TEST_F(SdkPeerTest, BatchesAndWindowsAreAsLargeAsTheBrokerTakes) {
  peer_.welcome.max_batch_items = 3;
  peer_.welcome.max_publish_window = 6;
  std::atomic<int> unanswered{0};
  std::atomic<int> most_items{0};
  peer_.on<wire::Publish>([&](Peer::Link&, const wire::Publish& publish) {
    most_items = std::max<int>(most_items, static_cast<int>(publish.items.size()));
    unanswered += static_cast<int>(publish.items.size());
    return true;  // without an answer
  });
  Client client = connect();
  for (int i = 0; i < 12; ++i) client.async_publish("q", {.body = "x"}, [](error_code, const Receipt&) {});
  ASSERT_TRUE(eventually([&] { return unanswered >= 6; }));
  client.show("q");
  EXPECT_EQ(unanswered, 6);
  EXPECT_LE(most_items, 3);
  client.close(0ms);
}

TEST_F(SdkPeerTest, LongReportsTravelInFramesThatTheBrokerTakes) {
  constexpr std::uint64_t kCount = 100;
  deliver_when_opened(kCount);
  std::atomic<std::size_t> verdicts{0};
  std::atomic<std::size_t> largest{0};
  peer_.on<wire::Settle>([&](Peer::Link&, const wire::Settle& settle) {
    largest = std::max<std::size_t>(largest, wire::encode(settle).size());
    verdicts += settle.verdicts.size();
    return false;
  });
  Client client = connect();
  std::atomic<std::uint64_t> waiting{0};
  const std::string details(64u << 10, 'd');
  // All of them end in one moment.
  const Consumer consumer = client.consume("q",
                                           [&](Delivery&) {
                                             ++waiting;
                                             eventually([&] { return waiting == kCount; });
                                             return Verdict::fail("x", "y", details);
                                           },
                                           {.concurrency = kCount, .prefetch = kCount});
  EXPECT_TRUE(eventually([&] { return verdicts == kCount; }));
  EXPECT_LE(largest, 300u << 10);
  EXPECT_EQ(peer_.connections(), 1);
}

// --- The end of the connection over what was sent --------------------------------------------------------------------

TEST_F(SdkPeerTest, WhatABrokerEndsTheConnectionOverIsNotRepeated) {
  peer_.on<wire::Publish>([](Peer::Link& link, const wire::Publish&) {
    link.send(ending(Code::BAD_FRAME));
    link.hang_up();
    return true;
  });
  peer_.on<wire::QueueRequest>([](Peer::Link& link, const wire::QueueRequest&) {
    link.send(ending(Code::BAD_FRAME));
    link.hang_up();
    return true;
  });
  Client client = connect();
  const auto published = thrown([&] { client.publish("q", {.body = "x"}); });
  ASSERT_TRUE(published);
  EXPECT_EQ(published->code(), errc::outcome_unknown);
  EXPECT_NE(published->problem.text.find("BAD_FRAME"), std::string::npos) << published->problem.text;
  EXPECT_EQ(error_of([&] { client.show("q"); }), errc::bad_frame);
  EXPECT_EQ(error_of([&] { client.remove("q"); }), errc::outcome_unknown);
  EXPECT_EQ(peer_.heard(FrameType::publish), 1);
  EXPECT_EQ(peer_.heard(FrameType::queue_request), 2);
}

TEST_F(SdkPeerTest, AVerdictThatEndsTheConnectionIsSentWithoutItsReport) {
  deliver_when_opened(1);
  std::promise<wire::Verdict> second;
  peer_.on<wire::Settle>([&](Peer::Link& link, const wire::Settle& settle) {
    if (link.number() == 1) {
      link.send(ending(Code::FRAME_TOO_LARGE));
      link.hang_up();
    } else {
      second.set_value(settle.verdicts.at(0));
    }
    return link.number() == 1;
  });
  Client client = connect();
  Consumer consumer = client.consume("q", [](Delivery&) { return Verdict::fail("poison", "type", "details"); });
  const wire::Verdict verdict = second.get_future().get();
  EXPECT_EQ(verdict.kind, model::VerdictKind::fail);
  EXPECT_EQ(verdict.error.type, "lazaret.report_refused");
  EXPECT_EQ(verdict.error.details, "");
  EXPECT_EQ(consumer.close(10s).abandoned, 0u);
}

TEST_F(SdkPeerTest, AConsumerThatEndsEveryConnectionEnds) {
  peer_.on<wire::OpenConsumer>([](Peer::Link& link, const wire::OpenConsumer&) {
    link.send(ending(Code::BAD_FRAME));
    link.hang_up();
    return true;
  });
  Client client = connect();
  EXPECT_EQ(error_of([&] { client.consume("q", [](Delivery&) {}); }), errc::bad_frame);
}

TEST_F(SdkPeerTest, ConnectionsThatAreEndedAtOnceAreTriedMoreAndMoreSeldom) {
  std::vector<std::chrono::steady_clock::time_point> came;
  std::promise<void> enough;
  peer_.on<wire::Hello>([&](Peer::Link& link, const wire::Hello&) {
    came.push_back(std::chrono::steady_clock::now());
    if (came.size() == 7) enough.set_value();
    if (came.size() > 7) return true;
    link.send(wire::encode(peer_.welcome));
    link.hang_up();
    return true;
  });
  const Client client = connect();
  enough.get_future().wait();
  // At least half of 20, 40, … 640 ms. Without a growing wait there would be six times at most 40.
  EXPECT_GE(came[6] - came[0], 600ms);
}

// --- Refused and unknown publishes -----------------------------------------------------------------------------------

TEST_F(SdkPeerTest, ARefusalOfASecondTrySaysNothingOfTheFirst) {
  std::atomic<int> tries{0};
  peer_.on<wire::Publish>([&](Peer::Link& link, const wire::Publish& publish) {
    if (link.number() == 1) {
      link.hang_up();  // it may be stored
      return true;
    }
    if (++tries > 1) return false;
    wire::Published published;
    published.request = publish.request;
    published.results = {{Code::RESOURCE_EXHAUSTED, {}, false}};
    published.status = Status(Code::RESOURCE_EXHAUSTED, "the disk is full");
    link.send(wire::encode(published));
    return true;
  });
  Client client = connect();
  Message message{.body = "x", .id = MessageId::make()};
  const auto unknown = thrown([&] { client.publish("q", message); });
  ASSERT_TRUE(unknown);
  EXPECT_EQ(unknown->code(), errc::outcome_unknown);
  EXPECT_NE(unknown->problem.text.find("the disk is full"), std::string::npos) << unknown->problem.text;
  // Sent again by the caller it has the sequence that it had.
  EXPECT_EQ(client.publish("q", message).offset, 1u);
}

TEST_F(SdkPeerTest, AProducerThatCannotBeOpenedAgainLeavesItsPublishesUnknown) {
  peer_.on<wire::Publish>([](Peer::Link& link, const wire::Publish&) {
    link.hang_up();
    return true;
  });
  peer_.on<wire::OpenProducer>([](Peer::Link& link, const wire::OpenProducer& open) {
    if (link.number() == 1) return false;
    link.send(wire::encode(wire::Error{open.request, Status(Code::NOT_FOUND)}));
    return true;
  });
  Client client = connect();
  EXPECT_EQ(error_of([&] { client.publish("q", {.body = "x"}); }), errc::outcome_unknown);
  EXPECT_EQ(error_of([&] { client.publish("q", {.body = "never sent"}); }), errc::not_found);
}

TEST_F(SdkPeerTest, APublishWithASequenceOfTheUsersThatWasNeverSentIsNotUnknown) {
  peer_.on<wire::OpenProducer>([](Peer::Link&, const wire::OpenProducer&) { return true; });
  Client client = connect({.producer_id = MessageId::make()});
  EXPECT_EQ(error_of([&] { client.within(100ms).publish("q", {.body = "x", .sequence = 7}); }), errc::deadline);
}

// --- Handshakes ------------------------------------------------------------------------------------------------------

TEST_F(SdkPeerTest, ARefusedHandshakeIsToldAtOnceByItsName) {
  std::atomic<int> code{static_cast<int>(Code::UNSUPPORTED_VERSION)};
  peer_.on<wire::Hello>([&](Peer::Link& link, const wire::Hello&) {
    link.send(ending(static_cast<Code>(code.load())));
    link.hang_up();
    return true;
  });
  const auto refused = thrown([&] { Client::connect(peer_.url(), {.connect = 10min}); });
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code(), errc::unsupported_version);
  EXPECT_EQ(refused->problem.text, "said by a peer");
  code = static_cast<int>(Code::LIMIT_REACHED);
  EXPECT_EQ(error_of([&] { Client::connect(peer_.url(), {.connect = 10min}); }), errc::limit_reached);
  code = static_cast<int>(Code::SHUTTING_DOWN);
  EXPECT_EQ(error_of([&] { Client::connect(peer_.url(), {.connect = 100ms}); }), errc::shutting_down);
}

TEST_F(SdkPeerTest, WhatWaitsForAHandshakeThatIsRefusedEndsWithItsReason) {
  peer_.on<wire::Hello>([](Peer::Link& link, const wire::Hello&) {
    link.send(ending(Code::UNSUPPORTED_VERSION));
    link.hang_up();
    return true;
  });
  asio::io_context io;
  Client client(io.get_executor(), peer_.url(), {.timeout = 10min});
  error_code published;
  error_code shown;
  client.async_publish("q", {.body = "x"}, [&](error_code code, const Receipt&) { published = code; });
  client.async_show("q", [&](error_code code, const QueueInfo&) {
    shown = code;
    io.stop();
  });
  io.run_for(60s);
  EXPECT_EQ(published, errc::unsupported_version);
  EXPECT_EQ(shown, errc::unsupported_version);
}

TEST(SdkAddressTest, AHostThatDoesNotExistIsToldAtOnce) {
  const auto refused = thrown([&] { Client::connect("lazaret://no host of that name:7350", {.connect = 10min}); });
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code(), errc::unreachable);
  EXPECT_NE(refused->problem.text.find("no host of that name"), std::string::npos) << refused->problem.text;
}

// --- Frames ----------------------------------------------------------------------------------------------------------

TEST_F(SdkPeerTest, AFrameThatMustBeUnderstoodEndsTheConnectionAndAnotherDoesNot) {
  Client client = connect();
  peer_.with_latest([](Peer::Link& link) { link.send_bytes(wire::frame_head(200, 0, "", 0)); });
  client.show("q");
  EXPECT_EQ(peer_.connections(), 1);
  std::atomic<bool> again{false};
  peer_.with_latest([&](Peer::Link& link) {
    again = true;
    link.send_bytes(wire::frame_head(200, wire::kMustUnderstand, "", 0));
  });
  EXPECT_TRUE(eventually([&] { return peer_.connections() == 2; }));
  client.show("q");
}

// --- Closing ---------------------------------------------------------------------------------------------------------

TEST_F(SdkPeerTest, AConsumerThatIsClosedWhileItOpensIsClosedAtTheBroker) {
  std::promise<void> asked;
  peer_.on<wire::OpenConsumer>([&](Peer::Link&, const wire::OpenConsumer&) {
    asked.set_value();
    return true;  // the answer comes later
  });
  asio::io_context io;
  auto work = asio::make_work_guard(io);
  std::thread thread([&] { io.run(); });
  Client client(io.get_executor(), peer_.url());
  Consumer consumer = client.consume("q", [](Delivery&) {});
  asked.get_future().wait();
  consumer.async_close(60s, asio::use_future).get();
  EXPECT_TRUE(eventually([&] { return peer_.heard(FrameType::close_consumer) == 1; }));
  client.async_close(0ms, asio::use_future).get();
  work.reset();
  thread.join();
}

TEST_F(SdkPeerTest, WhatIsDeliveredToAConsumerThatIsGoneIsGivenBack) {
  Client client = connect();
  peer_.with_latest([](Peer::Link& link) {
    link.send(delivery(77, 1));
    link.send(delivery(77, 2));
  });
  EXPECT_TRUE(eventually([&] { return peer_.heard(FrameType::close_consumer) == 1; }));
  client.show("q");
  EXPECT_EQ(peer_.heard(FrameType::close_consumer), 1);
}

TEST_F(SdkPeerTest, AConsumerThatIsClosedDuringAReconnectGivesBackWhatItHad) {
  std::promise<Peer::Link*> second;
  deliver_when_opened(5);
  peer_.on<wire::Hello>([&](Peer::Link& link, const wire::Hello& hello) {
    if (link.number() != 2) return false;
    EXPECT_TRUE(hello.resume);
    EXPECT_EQ(hello.resume ? hello.resume->consumers : 0u, 1u);
    second.set_value(&link);  // the handshake waits
    return true;
  });
  Client client = connect();
  Gate gate;
  Inbox inbox;
  Consumer consumer = client.consume("q",
                                     [&](Delivery& delivered) {
                                       inbox.add(delivered);
                                       gate.pass();
                                     },
                                     {.prefetch = 5});
  ASSERT_TRUE(inbox.reaches(1));
  client.show("q");  // the other four have come
  peer_.with_latest([](Peer::Link& link) { link.hang_up(); });
  Peer::Link* link = second.get_future().get();
  consumer.async_close(0ms, asio::use_future).get();
  peer_.with_latest([&](Peer::Link&) { link->send(wire::encode(peer_.welcome)); });
  // It is counted as back, with nothing, and closed.
  EXPECT_TRUE(eventually([&] { return peer_.heard(FrameType::open_consumer) == 2; }));
  EXPECT_TRUE(eventually([&] { return peer_.heard(FrameType::close_consumer) == 1; }));
  gate.open();
}

TEST_F(SdkPeerTest, AConsumerThatClosesWhileItIsOpenedAgainIsClosedAtTheBroker) {
  std::promise<void> asked;
  peer_.on<wire::OpenConsumer>([&](Peer::Link& link, const wire::OpenConsumer& open) {
    if (link.number() == 1) return false;
    if (open.credit_messages > 0) asked.set_value();
    return true;  // without an answer
  });
  Client client = connect();
  Consumer consumer = client.consume("q", [](Delivery&) {});
  peer_.with_latest([](Peer::Link& link) { link.hang_up(); });
  asked.get_future().wait();
  EXPECT_EQ(consumer.close(60s).released, 0u);
  EXPECT_EQ(peer_.heard(FrameType::close_consumer), 1);
}

TEST_F(SdkPeerTest, FramesBehindTheGoodbyeHurtNobody) {
  std::atomic<bool> closing{false};
  std::atomic<bool> over{false};
  peer_.on<wire::Publish>([&](Peer::Link& link, const wire::Publish&) {
    // Nothing is read while this waits: the goodbye stays behind what was published.
    eventually([&] { return closing.load(); });
    eventually([&] {
      link.send(ending(Code::BAD_FRAME));
      link.send(delivery(1, 1));
      return over.load();
    });
    return true;
  });
  Client client = connect();
  for (int i = 0; i < 24; ++i) {
    client.async_publish("q", {.body = std::string(1u << 20, 'x')}, [](error_code, const Receipt&) {});
  }
  ASSERT_TRUE(eventually([&] { return peer_.heard(FrameType::publish) == 1; }));
  auto first = client.async_close(0ms, asio::use_future);
  auto second = client.async_close(0ms, asio::use_future);
  closing = true;
  first.get();
  second.get();
  client.close(1s);
  over = true;
}

/// What a handler holds goes with its client, also when that was just about to be connected again.
TEST_F(SdkPeerTest, NothingIsLeftOfAClientThatIsClosedBeforeItsWelcome) {
  peer_.on<wire::Hello>([](Peer::Link& link, const wire::Hello&) {
    if (link.number() > 1) link.hang_up();
    return link.number() > 1;
  });
  const auto held = std::make_shared<int>();
  {
    Client client = connect();
    const Consumer consumer = client.consume("q", [held](Delivery&) {});
    peer_.with_latest([](Peer::Link& link) { link.hang_up(); });
    ASSERT_TRUE(eventually([&] { return peer_.heard(wire::FrameType::hello) > 1; }));
    client.close(0ms);
  }
  EXPECT_TRUE(eventually([&] { return held.use_count() == 1; })) << held.use_count();
}

TEST_F(SdkPeerTest, ConsumeEndsAsClosedWhenTheClientIsClosed) {
  std::promise<void> asked;
  peer_.on<wire::OpenConsumer>([&](Peer::Link&, const wire::OpenConsumer&) {
    asked.set_value();
    return true;  // without an answer
  });
  Client client = connect();
  auto consuming =
      std::async(std::launch::async, [&] { return error_of([&] { client.consume("q", [](Delivery&) {}); }); });
  asked.get_future().wait();
  client.close(100ms);
  EXPECT_EQ(consuming.get(), errc::closed);
}

TEST_F(SdkPeerTest, WhatIsStillInAHandlerAtTheGoodbyeIsReleased) {
  deliver_when_opened(1);
  std::promise<wire::Verdict> released;
  peer_.on<wire::Settle>([&](Peer::Link&, const wire::Settle& settle) {
    if (!settle.verdicts.empty()) released.set_value(settle.verdicts[0]);
    return false;
  });
  Client client = connect();
  Gate gate;
  Inbox inbox;
  const Consumer consumer = client.consume("q", [&](Delivery& delivered) {
    inbox.add(delivered);
    gate.pass();
  });
  ASSERT_TRUE(inbox.reaches(1));
  EXPECT_EQ(client.close(0ms).abandoned, 1u);
  EXPECT_EQ(released.get_future().get().kind, model::VerdictKind::release);
  gate.open();
}

TEST_F(SdkPeerTest, AFailureOfAHandlerThatWasToldToStopIsNotItsFault) {
  deliver_when_opened(1);
  std::promise<wire::Verdict> said;
  peer_.on<wire::Settle>([&](Peer::Link&, const wire::Settle& settle) {
    if (!settle.verdicts.empty()) said.set_value(settle.verdicts[0]);
    return false;
  });
  Client client = connect();
  Gate gate;
  Inbox inbox;
  Consumer consumer = client.consume("q", [&](Delivery& delivered) {
    inbox.add(delivered);
    gate.pass();
    return Verdict::fail("interrupted");
  });
  ASSERT_TRUE(inbox.reaches(1));
  EXPECT_EQ(consumer.close(0ms).abandoned, 1u);
  gate.open();
  EXPECT_EQ(said.get_future().get().kind, model::VerdictKind::release);
}

// --- Begun -----------------------------------------------------------------------------------------------------------

TEST_F(SdkPeerTest, AMessageThatSomebodyWaitsForIsNotAnnouncedAheadOfItsHandler) {
  const auto deliver = [](Peer::Link& link, std::uint64_t consumer, std::uint64_t number, std::string reply_to) {
    wire::Envelope envelope;
    envelope.reply_to = std::move(reply_to);
    wire::PublishItem item = item_of("x");
    wire::Delivery one;
    one.delivery = number;
    one.token = {model::LogId(1), model::Offset(number), model::Grant(1)};
    one.envelope = base::SharedBytes::of(wire::encode_envelope(envelope));
    one.body = item.body;
    one.body_crc = item.body_crc;
    link.send(wire::encode(wire::Deliver{consumer, {one}}));
  };
  std::atomic<std::uint64_t> started{0};
  peer_.on<wire::Started>([&](Peer::Link&, const wire::Started& frame) {
    started = frame.delivery;
    return true;
  });
  Client client = connect();
  std::atomic<int> ended{0};
  Gate gate;
  Inbox inbox;
  const Consumer consumer = client.consume("q",
                                           [&](Delivery& delivered) {
                                             inbox.add(delivered);
                                             if (inbox.size() > 3) gate.pass();
                                             ++ended;
                                           },
                                           {.concurrency = 8});
  // Three that take no time: from now on others are announced ahead.
  for (std::uint64_t i = 1; i <= 3; ++i) {
    peer_.with_latest([&, i](Peer::Link& link) { deliver(link, 1, i, ""); });
    ASSERT_TRUE(eventually([&] { return ended == static_cast<int>(i); }));
    client.show("q");
  }
  peer_.with_latest([&](Peer::Link& link) {
    for (std::uint64_t i = 4; i <= 13; ++i) deliver(link, 1, i, i == 13 ? "answers" : "");
  });
  ASSERT_TRUE(inbox.reaches(11));
  ASSERT_TRUE(eventually([&] { return started >= 12; })) << "nothing was announced ahead";
  client.show("q");
  EXPECT_EQ(started, 12u);
  gate.open();
  ASSERT_TRUE(inbox.reaches(13));
  // The announcement leaves before the handler begins; it arrives when it arrives.
  EXPECT_TRUE(eventually([&] { return started == 13u; }));
}

// --- Leases ----------------------------------------------------------------------------------------------------------

TEST_F(SdkPeerTest, ALeaseIsExtendedAlsoBehindARefusedReopening) {
  std::atomic<int> opened{0};
  peer_.on<wire::OpenConsumer>([&](Peer::Link& link, const wire::OpenConsumer& open) {
    if (++opened == 2) {
      link.send(wire::encode(wire::Error{open.request, Status(Code::RESOURCE_EXHAUSTED)}));
      return true;
    }
    wire::ConsumerOpened answer;
    answer.request = open.request;
    answer.consumer = open.consumer;
    answer.held.assign(open.held.size(), true);
    answer.lease_duration = 300ms;
    link.send(wire::encode(answer));
    if (opened == 1) link.send(delivery(open.consumer, 1));
    return true;
  });
  std::atomic<int> extended{0};
  peer_.on<wire::Settle>([&](Peer::Link& link, const wire::Settle& settle) {
    const bool extends = !settle.verdicts.empty() && settle.verdicts[0].kind == model::VerdictKind::extend;
    if (extends && link.number() == 2) ++extended;
    return false;
  });
  Client client = connect();
  Gate gate;
  Inbox inbox;
  const Consumer consumer = client.consume("q", [&](Delivery& delivered) {
    inbox.add(delivered);
    gate.pass();
  });
  ASSERT_TRUE(inbox.reaches(1));
  peer_.with_latest([](Peer::Link& link) { link.hang_up(); });
  EXPECT_TRUE(eventually([&] { return extended >= 2; })) << opened;
  gate.open();
}

TEST_F(SdkPeerTest, AHandlerTimeoutIsSaidAlsoWhenItsHandlerEndsWithoutAConnection) {
  deliver_when_opened(1);
  std::atomic<int> heard{0};
  std::promise<wire::Verdict> said;
  peer_.on<wire::Settle>([&](Peer::Link& link, const wire::Settle& settle) {
    const bool timeout = !settle.verdicts.empty() && settle.verdicts[0].handler_timeout;
    if (timeout && link.number() == 1) ++heard;
    if (timeout && link.number() == 3) said.set_value(settle.verdicts[0]);
    return link.number() == 1;  // the first one is not answered
  });
  std::atomic<bool> ended{false};
  peer_.on<wire::Hello>([&](Peer::Link& link, const wire::Hello&) {
    if (link.number() != 2) return false;
    eventually([&] { return ended.load(); });
    link.hang_up();
    return true;
  });
  Client client = connect();
  Gate gate;
  const Consumer consumer = client.consume("q",
                                           [&](Delivery&) {
                                             gate.pass();
                                             ended = true;
                                           },
                                           {.longest = 50ms});
  ASSERT_TRUE(eventually([&] { return heard == 1; }));
  peer_.with_latest([](Peer::Link& link) { link.hang_up(); });
  ASSERT_TRUE(eventually([&] { return peer_.connections() == 2; }));
  gate.open();
  auto verdict = said.get_future();
  ASSERT_EQ(verdict.wait_for(60s), std::future_status::ready);
  EXPECT_EQ(verdict.get().kind, model::VerdictKind::fail);
}

}  // namespace
}  // namespace lazaret::testing
