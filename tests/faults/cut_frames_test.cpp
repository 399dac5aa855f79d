// A connection that ends after each byte of a frame: what was not whole has not happened, what was whole has, and
// saying it again is always right.
#include <gtest/gtest.h>

#include <set>

#include "faults/proxy.h"
#include "integration/support/api.h"
#include "integration/support/inbox.h"
#include "integration/support/wire_client.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using Way = Proxy::Way;
using Ending = Proxy::Ending;
using base::Code;

constexpr std::array<Ending, 2> kEndings = {Ending::reset, Ending::close};

class CutFrames : public ::testing::TestWithParam<Ending> {
 protected:
  void start(const std::string& grace) {
    broker_.emplace(BrokerOptions{.settings = {"broker.reconnect_grace=" + grace}, .arguments = {}});
    proxy_.emplace(broker_->broker());
    WireClient client(*broker_);
    client.say_hello();
    wire::OptionsPatch options;
    options.backoff_initial = 1ms;
    client.ensure_queue("q", options);
  }
  void TearDown() override {
    EXPECT_EQ(QueueView(*broker_, "q").wrong_sums(), "");
    expect_serves(*broker_);
    EXPECT_EQ(broker_->terminate(), 0);
    const Outcome check = run_cli({"check", "--data-dir", broker_->data_dir()});
    EXPECT_EQ(check.exit, 0) << check.out << check.err;
  }
  static std::uint32_t open_producer(WireClient& client, model::ProducerId id) {
    client.send(wire::encode(wire::OpenProducer{client.next_request(), "q", id}));
    return client.read<wire::ProducerOpened>().producer;
  }
  void publish_one(const std::string& body) {
    WireClient client(*broker_);
    client.say_hello();
    EXPECT_TRUE(client.publish(client.open_producer("q"), {item_of(body)}).status.ok());
  }
  /// Sends the frame over a connection of the proxy, which ends after so many bytes of it.
  void send_cut(WireClient& client, const std::string& frame, std::size_t bytes) {
    proxy_->cut_after(Way::to_broker, bytes, GetParam());
    client.send_bytes(frame);
    while (client.next()) continue;
  }
  /// Of an ending that loses nothing that was sent before it.
  static bool is_orderly() { return GetParam() == Ending::close; }

  std::optional<Broker> broker_;
  std::optional<Proxy> proxy_;
};

INSTANTIATE_TEST_SUITE_P(Endings, CutFrames, ::testing::ValuesIn(kEndings),
                         [](const auto& of) { return of.param == Ending::reset ? "Reset" : "Close"; });

TEST_P(CutFrames, OfAPublishNothingOrAllIsStoredAndOnce) {
  start("0s");
  const auto id = model::ProducerId{fresh_hello().instance.id};
  std::uint64_t sequence = 0;
  std::size_t duplicates = 0;
  const auto cut_at = [&](const std::string& body, std::size_t bytes_most, std::size_t step) {
    for (std::size_t bytes = 0; bytes <= bytes_most; bytes += step) {
      ++sequence;
      WireClient client(proxy_->address());
      client.say_hello();
      const std::uint32_t producer = open_producer(client, id);
      const auto frame =
          bytes_of(wire::encode(wire::Publish{client.next_request(), producer, {item_of(body, sequence)}}));
      const std::size_t goes = std::min(bytes, frame.size());
      send_cut(client, frame, goes);
      WireClient again(*broker_);
      again.say_hello();
      const auto published = again.publish(open_producer(again, id), {item_of(body, sequence)});
      ASSERT_EQ(published.results.size(), 1u);
      EXPECT_EQ(published.results[0].code, Code::OK);
      EXPECT_EQ(published.results[0].offset.value, sequence - 1) << "cut after " << goes;
      if (goes < frame.size() || is_orderly()) {
        EXPECT_EQ(published.results[0].duplicate, goes == frame.size()) << "cut after " << goes;
      }
      duplicates += published.results[0].duplicate ? 1 : 0;
    }
  };
  const std::string small = "a small body";
  cut_at(small, bytes_of(wire::encode(wire::Publish{2, 1, {item_of(small, 1000)}})).size(), 1);
  cut_at(std::string(300'000, 'L'), 301'000, 43'000);
  EXPECT_GE(duplicates, is_orderly() ? 2u : 0u);
  EXPECT_EQ(QueueView(*broker_, "q")["entered_total"], static_cast<std::int64_t>(sequence));
}

TEST_P(CutFrames, AStartedCountsWhenItIsWhole) {
  start("0s");
  std::size_t whole = 0;
  for (std::size_t bytes = 0, most = 1; bytes <= most; ++bytes) {
    publish_one(std::to_string(bytes));
    WireClient client(proxy_->address());
    client.say_hello();
    client.open_consumer(1, "q", 1);
    const auto had = client.take(1);
    const std::string frame = bytes_of(wire::encode(wire::Started{1, had[0].delivery}));
    most = frame.size();
    send_cut(client, frame, bytes);

    WireClient other(*broker_);
    other.say_hello();
    other.open_consumer(1, "q", 1);
    const auto got = other.take(1);
    EXPECT_EQ(got[0].body.view(), had[0].body.view());
    if (bytes < most) {
      EXPECT_EQ(got[0].attempt, 1u) << "cut after " << bytes << " of " << most;
      EXPECT_FALSE(got[0].isolated) << "cut after " << bytes << " of " << most;
    } else if (is_orderly()) {
      EXPECT_EQ(got[0].attempt, 2u);
      EXPECT_TRUE(got[0].isolated);
    }
    ++whole;
    other.send(wire::encode(wire::Started{1, got[0].delivery}));
    EXPECT_TRUE(other.settle(1, {got[0].token}).results.empty());
  }
  EXPECT_EQ(QueueView(*broker_, "q")["acked_total"], static_cast<std::int64_t>(whole));
}

TEST_P(CutFrames, AnAckIsDoneOrNotAndSentAgainItIsDone) {
  start("30s");
  std::int64_t acked = 0;
  for (std::size_t bytes = 0, most = 1; bytes <= most; ++bytes) {
    publish_one(std::to_string(bytes));
    const wire::Hello hello = fresh_hello();
    WireClient client(proxy_->address());
    const wire::Welcome welcome = client.say_hello(hello);
    client.open_consumer(1, "q", 1);
    const auto had = client.take(1);
    client.send(wire::encode(wire::Started{1, had[0].delivery}));
    client.send(wire::encode(wire::Ping{5}));
    EXPECT_EQ(client.read<wire::Pong>().number, 5u);
    const std::string frame = bytes_of(wire::encode(wire::Settle{client.next_request(), 1, {had[0].token}, {}}));
    most = frame.size();
    send_cut(client, frame, bytes);

    wire::Hello resumed = hello;
    resumed.resume = wire::Hello::Resume{welcome.session, 1};
    WireClient again(*broker_);
    again.say_hello(resumed);
    const auto opened = again.open_consumer(1, "q", 1, {{had[0].token, true, had[0].delivery}});
    ASSERT_EQ(opened.held.size(), 1u);
    if (bytes < most) {
      EXPECT_EQ(QueueView(*broker_, "q")["acked_total"], acked) << "cut after " << bytes << " of " << most;
      EXPECT_TRUE(opened.held[0]) << "cut after " << bytes << " of " << most;
    } else if (is_orderly()) {
      EXPECT_FALSE(opened.held[0]) << "it is acked";
    }
    EXPECT_TRUE(again.settle(1, {had[0].token}).results.empty()) << "cut after " << bytes << " of " << most;
    EXPECT_TRUE(again.settle(1, {had[0].token}).results.empty()) << "a third time";
    EXPECT_EQ(QueueView(*broker_, "q")["acked_total"], ++acked);
    again.send(wire::encode(wire::Goodbye{}));
  }
  EXPECT_EQ(QueueView(*broker_, "q")["in_hospital"], 0);
}

// --- The client library ---------------------------------------------------------------------------------------------

TEST_P(CutFrames, TheLibraryPublishesOnceWhereverItsConnectionEnds) {
  start("5s");
  std::set<std::uint64_t> offsets;
  const auto publish_cut = [&](Way way, std::size_t most) {
    for (std::size_t bytes = 0; bytes <= most; ++bytes) {
      // Another each time: one that is cut off again and again waits longer and longer.
      Client client = Client::connect(proxy_->url(), {.name = "publisher", .drain = 2s});
      EXPECT_TRUE(offsets.insert(client.publish("q", {.body = "the producer is open"}).offset).second);
      proxy_->cut_after(way, bytes, GetParam());
      EXPECT_TRUE(offsets.insert(client.publish("q", {.body = "x"}).offset).second) << "cut after " << bytes;
    }
  };
  publish_cut(Way::to_broker, 120);
  publish_cut(Way::to_client, 40);
  EXPECT_EQ(QueueView(*broker_, "q")["entered_total"], static_cast<std::int64_t>(offsets.size()));
  EXPECT_GT(proxy_->connections(), offsets.size() / 2 + 50) << "it was hardly ever cut";
}

TEST_P(CutFrames, TheLibraryConsumesAllAndNothingFailsWhereverItsConnectionEnds) {
  start("5s");
  Client publisher = Client::connect(broker_->url(), {.name = "publisher"});
  Inbox inbox;
  std::uint64_t count = 0;
  const auto consume_cut = [&](Way way, std::size_t most) {
    for (std::size_t bytes = 0; bytes <= most; ++bytes) {
      Client client = Client::connect(proxy_->url(), {.name = "worker", .drain = 2s});
      const Consumer consumer = client.consume("q", [&](Delivery& delivery) { inbox.add(delivery); });
      proxy_->cut_after(way, bytes, GetParam());
      publisher.publish("q", {.body = std::to_string(count++)});
      ASSERT_TRUE(eventually([&] { return publisher.show("q").acked_total == count; })) << "cut after " << bytes;
    }
  };
  consume_cut(Way::to_client, 120);
  // Behind the last byte of its delivery the network also takes the started: that one message may run again.
  EXPECT_LE(inbox.size(), count + 1) << "what did not arrive whole has run";
  consume_cut(Way::to_broker, 100);
  EXPECT_EQ(inbox.counts().size(), count);
  for (const Received& one : inbox.all()) EXPECT_EQ(one.attempt, 1) << one.message.body;
  // A started that the network lost cannot keep its message from running again, but never more than once more.
  for (const auto& [body, times] : inbox.counts()) EXPECT_LE(times, 2) << body;
  EXPECT_EQ(QueueView(*broker_, "q")["in_hospital"], 0);
  EXPECT_GT(proxy_->connections(), count + 50) << "it was hardly ever cut";
}

}  // namespace
}  // namespace lazaret::testing
