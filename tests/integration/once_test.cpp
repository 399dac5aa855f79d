// Where nothing goes wrong, each message is done once, at its first attempt: slow handlers under a short lease, and
// many messages of all sizes. LAZARET_LONG=1 takes the full numbers.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/use_future.hpp>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <future>
#include <random>

#include "integration/support/api.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;

bool is_long() { return std::getenv("LAZARET_LONG") != nullptr; }

/// Counts what is done, and what was not a first attempt.
class Tally {
 public:
  explicit Tally(std::size_t count) : done_(count) {}
  void add(std::size_t number, int attempt) {
    if (done_.at(number).fetch_add(1) == 0) ++distinct_;
    if (attempt > 1) ++again_;
  }
  std::size_t distinct() const { return distinct_; }
  std::size_t again() const { return again_; }
  std::size_t twice() const {
    return static_cast<std::size_t>(std::count_if(done_.begin(), done_.end(), [](const auto& n) { return n > 1; }));
  }

 private:
  std::deque<std::atomic<int>> done_;
  std::atomic<std::size_t> distinct_{0};
  std::atomic<std::size_t> again_{0};
};

TEST(Once, AFullPrefetchOutlivesALeaseManyTimesOver) {
  const int count = is_long() ? 100 : 40;
  const milliseconds handler = is_long() ? 2000ms : 200ms;
  Broker broker;
  Client client = Client::connect(broker.url(), {.name = "once"});
  QueueSpec spec;
  spec.name = "q";
  spec.lease_duration = is_long() ? 5s : 1s;
  client.create(spec);
  for (int i = 0; i < count; ++i) client.publish("q", {.body = std::to_string(i)});
  Tally tally(static_cast<std::size_t>(count));
  const auto consumer = client.consume("q",
                                       [&](Delivery& delivery) {
                                         pause_for(handler);
                                         tally.add(std::stoul(delivery.message().body.str()), delivery.attempt());
                                       },
                                       {.prefetch = 50});
  EXPECT_TRUE(eventually([&] { return client.show("q").acked_total == static_cast<std::uint64_t>(count); }, 280s));
  EXPECT_EQ(tally.distinct(), static_cast<std::size_t>(count));
  EXPECT_EQ(tally.again(), 0u);
  EXPECT_EQ(tally.twice(), 0u);
}

/// 10 B to 100 KB, every order of magnitude as often as any other.
std::size_t some_size(std::mt19937_64& random) {
  return static_cast<std::size_t>(std::pow(10.0, 1.0 + 4.0 * static_cast<double>(random() % 10'000) / 10'000));
}

TEST(Once, ManyMessagesOfAllSizesThroughFourConsumers) {
  const std::size_t count = is_long() ? 100'000 : 10'000;
  Broker broker;
  Client publisher = Client::connect(broker.url(), {.name = "publisher", .timeout = 120s});
  QueueSpec spec;
  spec.name = "q";
  publisher.create(spec);
  Tally tally(count);
  std::atomic<std::size_t> damaged{0};
  std::vector<Client> clients;
  std::vector<Consumer> consumers;
  for (int i = 0; i < 4; ++i) {
    Client& client = clients.emplace_back(Client::connect(broker.url(), {.name = "worker" + std::to_string(i)}));
    consumers.push_back(client.consume("q", [&](Delivery& delivery) {
      const std::string_view body = delivery.message().body;
      const std::size_t number = std::stoul(std::string(body.substr(0, 8)));
      if (body.find_first_not_of(static_cast<char>('a' + number % 26), 8) != std::string_view::npos) ++damaged;
      tally.add(number, delivery.attempt());
    }));
  }
  std::mt19937_64 random(7);
  std::deque<std::future<Receipt>> unconfirmed;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string digits = std::to_string(i);
    Message message;
    message.body = std::string(8 - digits.size(), '0') + digits +
                   std::string(some_size(random) - 8, static_cast<char>('a' + i % 26));
    unconfirmed.push_back(publisher.async_publish("q", std::move(message), boost::asio::use_future));
    for (; unconfirmed.size() > 256; unconfirmed.pop_front()) unconfirmed.front().get();
  }
  for (auto& receipt : unconfirmed) receipt.get();
  EXPECT_TRUE(eventually([&] { return publisher.show("q").acked_total == count; }, 200s));
  EXPECT_EQ(tally.distinct(), count);
  EXPECT_EQ(tally.again(), 0u);
  EXPECT_EQ(tally.twice(), 0u);
  EXPECT_EQ(damaged, 0u);
  EXPECT_EQ(QueueView(broker, "q").wrong_sums(), "");
  for (Consumer& consumer : consumers) consumer.close(10s);
}

}  // namespace
}  // namespace lazaret::testing
