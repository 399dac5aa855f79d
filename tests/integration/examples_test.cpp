// The programs of tools/examples, each against a real broker: they end, they say what they should, and leave nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "integration/support/api.h"
#include "integration/support/broker.h"

namespace lazaret::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

class ExamplesTest : public ::testing::Test {
 protected:
  /// The lines that it prints.
  std::vector<std::string> example(const std::string& name, std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), {binary("lazaret_example_" + name), broker_.url()});
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit, 0) << outcome.err;
    std::istringstream text(outcome.out);
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
  void expect_nothing_left(const std::string& name) {
    const QueueView queue(broker_, name);
    EXPECT_EQ(queue["ready"] + queue["leased"] + queue["waiting"], 0) << name;
    EXPECT_EQ(broker_.cli({"check"}).exit, 0);
  }
  Broker broker_;
};

TEST_F(ExamplesTest, WorkQueue) {
  EXPECT_THAT(example("work_queue"),
              UnorderedElementsAre("left order 1 at offset 0", "left order 2 at offset 1", "left order 3 at offset 2",
                                   "printed the invoice of order 1", "printed the invoice of order 2",
                                   "printed the invoice of order 3"));
  expect_nothing_left("invoices");
}

TEST_F(ExamplesTest, CompetingConsumers) {
  std::vector<std::string> lines = example("competing_consumers");
  EXPECT_THAT(lines, AllOf(SizeIs(20), Contains(StartsWith("worker-1 made ")), Contains(StartsWith("worker-2 made "))));
  for (std::string& line : lines) line.erase(0, line.find("picture"));
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(std::unique(lines.begin(), lines.end()), lines.end()) << "each picture was made once";
  expect_nothing_left("thumbnails");
}

TEST_F(ExamplesTest, PublishSubscribe) {
  EXPECT_THAT(example("publish_subscribe"),
              UnorderedElementsAre("billed order 1", "billed order 2", "counted order 1", "counted order 2"));
}

TEST_F(ExamplesTest, RequestReply) {
  EXPECT_THAT(example("request_reply"), ElementsAre("tea costs 3 euros", "gold: we do not sell gold"));
  EXPECT_TRUE(broker_.cli_json({"hospital", "list"}).empty());
  expect_nothing_left("prices");
}

TEST_F(ExamplesTest, Ask) {
  const std::string ticket = broker_.dir() / "ticket";
  EXPECT_THAT(example("ask", {"ask"}), ElementsAre("asked at offset 0"));
  EXPECT_THAT(example("ask", {"work", ticket}), ElementsAre("somebody has to think about: may we buy tea?"));
  broker_.restart();
  EXPECT_THAT(example("ask", {"answer", ticket}), ElementsAre("answered"));
  EXPECT_THAT(example("ask", {"take"}), ElementsAre("order 17: yes"));
  EXPECT_THAT(example("ask", {"order"}), ElementsAre("the order is taken, noted and asked about"));
  EXPECT_THAT(example("ask", {"work", ticket}), ElementsAre("somebody has to think about: may we buy coffee?"));
  EXPECT_THAT(example("ask", {"answer", ticket}), ElementsAre("answered"));
  EXPECT_THAT(example("ask", {"take"}), ElementsAre("order 18: yes"));
  expect_nothing_left("orders");
  expect_nothing_left("approvals");
  expect_nothing_left("approved");
}

TEST_F(ExamplesTest, AskTogether) {
  EXPECT_THAT(example("ask_together"), UnorderedElementsAre("noted order 17", "tea for order 17: 3 euros",
                                                            "coffee for order 17: there is none"));
  for (const char* queue : {"books", "tea-house", "roastery", "offers"}) expect_nothing_left(queue);
}

TEST_F(ExamplesTest, OrderingKeys) {
  const auto lines = example("ordering_keys");
  ASSERT_THAT(lines, SizeIs(6));
  for (const std::string account : {"account-7: ", "account-8: "}) {
    std::vector<std::string> its;
    std::copy_if(lines.begin(), lines.end(), std::back_inserter(its),
                 [&](const std::string& line) { return line.starts_with(account); });
    EXPECT_THAT(its, ElementsAre(account + "open", account + "pay", account + "close"));
  }
  expect_nothing_left("ledger");
}

TEST_F(ExamplesTest, Later) {
  EXPECT_THAT(example("later"), UnorderedElementsAre("put on the kettle", "drink your tea"));
  expect_nothing_left("reminders");
}

TEST_F(ExamplesTest, Urgent) {
  EXPECT_THAT(example("urgent"), ElementsAre("a fire", "a leak", "a question", "another question"));
  expect_nothing_left("calls");
}

TEST_F(ExamplesTest, OnlySome) {
  EXPECT_THAT(example("only_some"),
              UnorderedElementsAre("ship tea", "saw order.web.placed", "saw order.web.paid", "saw order.app.paid"));
  const auto shipping = broker_.cli_json({"subscription", "show", "eu-shipping"})[0];
  EXPECT_EQ(shipping.at("acked_total"), 1);
  EXPECT_EQ(shipping.at("ready"), 0);
  EXPECT_EQ(broker_.cli_json({"subscription", "show", "looking-on"})[0].at("ephemeral"), true);
}

TEST_F(ExamplesTest, FanIn) {
  EXPECT_THAT(example("fan_in"), UnorderedElementsAre("write about an order, 0 of orders.events",
                                                      "write about a payment, 0 of payments.events",
                                                      "write about a parcel, 0 of parcels.events",
                                                      "write about another order, 1 of orders.events"));
  const auto letters = broker_.cli_json({"subscription", "show", "letters"})[0];
  EXPECT_EQ(letters.at("topics").as_array().size(), 3u);
  EXPECT_EQ(letters.at("lag"), 0);
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
}

TEST_F(ExamplesTest, Once) { EXPECT_THAT(example("once"), ElementsAre("stored", "was there already", "1 message")); }

TEST_F(ExamplesTest, RetryAndHospital) {
  const auto tried = example("retry_and_hospital");
  EXPECT_THAT(tried, AllOf(Contains("trying 1000 JPY at attempt 3"), Contains("paid 10 EUR at attempt 1"),
                           Contains("paid 12 EUR at attempt 1"), SizeIs(7)));
  const auto cases = broker_.cli_json({"hospital", "list"});
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_EQ(cases[0].at("error_message"), "no such currency: JPY");
  EXPECT_EQ(broker_.cli({"hospital", "replay", "--all"}).exit, 0);
  EXPECT_THAT(example("retry_and_hospital", {"mended"}),
              ElementsAre("trying 1000 JPY at attempt 4", "paid 1000 JPY at attempt 4"));
  EXPECT_EQ(broker_.cli_json({"hospital", "list"})[0].at("state"), "discharged");
  expect_nothing_left("payments");
}

TEST_F(ExamplesTest, IdempotentReceiver) {
  const std::string file = broker_.dir() / "ids";
  EXPECT_THAT(example("idempotent_receiver", {file}), UnorderedElementsAre("charged card 1", "charged card 2"));
  EXPECT_THAT(example("idempotent_receiver", {file}), ElementsAre("charged card 2")) << "it remembers card 1";
  EXPECT_EQ(QueueView(broker_, "charges")["acked_total"], 6);
  expect_nothing_left("charges");
}

TEST_F(ExamplesTest, Transaction) {
  EXPECT_THAT(example("transaction"), UnorderedElementsAre("made an invoice for tea", "made a parcel of tea",
                                                           "made an invoice for coffee", "made a parcel of coffee"));
  for (const char* queue : {"carts", "invoices", "parcels"}) expect_nothing_left(queue);
}

TEST_F(ExamplesTest, Pipeline) {
  EXPECT_THAT(example("pipeline"), UnorderedElementsAre("stored the words of page 1", "stored the words of page 2",
                                                        "stored the words of page 3"));
  expect_nothing_left("scans");
  expect_nothing_left("texts");
}

TEST_F(ExamplesTest, Gather) {
  EXPECT_THAT(example("gather"), ElementsAre("all: tea at shop.north", "all: tea at shop.south", "first: nothing",
                                             "first: rice at shop.north", "meanwhile", "async: milk at shop.south"));
}

TEST_F(ExamplesTest, Progress) {
  EXPECT_THAT(example("progress"), ElementsAre("on the way: counting", "answered: 42 of them"));
  expect_nothing_left("reports");
}

TEST_F(ExamplesTest, Versions) {
  EXPECT_THAT(example("versions"),
              UnorderedElementsAre("the old worker took one of version 1", "the old worker took one of version 1",
                                   "the new worker took one of version 2"));
  expect_nothing_left("parcels");
}

TEST_F(ExamplesTest, Compressed) {
  EXPECT_THAT(example("compressed"), ElementsAre("stored as zstd, small", "read 100000 bytes"));
  expect_nothing_left("books");
}

}  // namespace
}  // namespace lazaret::testing
