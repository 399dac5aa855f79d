// kill -9 of the daemon at random moments under publishers and workers; a checker over the history says whether it kept
// its promises. LAZARET_ROUNDS=100 LAZARET_SEED=7 makes it longer, or another.
#include <gtest/gtest.h>

#include "crash/ordeal.h"
#include "integration/support/api.h"

namespace lazaret::crash {
namespace {

using namespace std::chrono_literals;
using testing::eventually;
using testing::QueueView;

class Kill9 : public Ordeal {
 protected:
  /// Sometimes again before it is ready, or shortly after.
  void kill_and_start() {
    testing::pause_for(milliseconds(30 + random_() % 900));
    broker_.kill9();
    broker_.start();
    if (random_() % 4 == 0) {
      testing::pause_for(milliseconds(random_() % 30));
      broker_.kill9();
      broker_.start();
    }
  }
  void kill_for_rounds() {
    for (std::uint64_t round = 1; round <= number_from("LAZARET_ROUNDS", 6); ++round) kill_and_start();
  }
};

TEST_F(Kill9, NothingConfirmedIsLostOrBlamedOrDoneAgain) {
  endure([this] { kill_for_rounds(); });
}

/// Nobody but the broker dies, so that grants tell first deliveries from others.
TEST_F(Kill9, FirstDeliveriesKeepTheirOrder) {
  stage_.polite = true;
  endure([this] { kill_for_rounds(); });
}

/// The limit holds over restarts: the daemon is killed between attempts.
TEST_F(Kill9, NoFourthAttempt) {
  Client client = Client::connect(broker_.url(), {.name = "attempts", .timeout = 60s});
  QueueSpec patient = spec_of("patient");
  patient.backoff_initial = 300ms;
  client.ensure(patient);
  std::atomic<int> deliveries{0};
  auto consumer = client.consume("patient", [&](Delivery&) {
    ++deliveries;
    throw std::runtime_error("it fails each time");
  });
  client.publish("patient", {.body = "m"});
  for (int attempt = 1; attempt <= static_cast<int>(kLimit); ++attempt) {
    ASSERT_TRUE(eventually([&] { return deliveries >= attempt; })) << "attempt " << attempt;
    const auto told = [&] {
      const QueueView view(broker_, "patient");
      return view["waiting"] + view["in_hospital"] == 1;
    };
    ASSERT_TRUE(eventually(told)) << "attempt " << attempt;
    broker_.restart();
  }
  ASSERT_TRUE(eventually([&] { return QueueView(broker_, "patient")["in_hospital"] == 1; }));
  broker_.restart();
  ASSERT_TRUE(eventually([&] { return client.connected(); }));
  // Another message shows that the consumer is there again and has nothing else to do.
  client.publish("patient", {.body = "next"});
  ASSERT_TRUE(eventually([&] { return QueueView(broker_, "patient")["in_hospital"] == 2; }));
  EXPECT_EQ(deliveries, 2 * static_cast<int>(kLimit));
  const auto cases = testing::cases_of(broker_, "patient");
  ASSERT_EQ(cases.size(), 2u);
  EXPECT_EQ(cases[0].at("attempts").as_array().size(), kLimit);
  EXPECT_EQ(cases[0].at("failure_count").to_number<std::uint64_t>(), kLimit);
}

}  // namespace
}  // namespace lazaret::crash
