// ErrorCodes: one test for each row of the error table, named after it, which provokes the error from outside: over the
// wire, over HTTP, by the command line, the client library, or the daemon's exit status. every_code_test.cpp compares
// the tests with the table.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>

#include "integration/support/api.h"
#include "integration/support/http.h"
#include "integration/support/wire_client.h"

namespace lazaret::testing {

class ErrorCodes : public ::testing::Test {
 protected:
  void TearDown() override {
    if (broker_ && broker_->running()) expect_serves(*broker_);
  }

  Broker& start(std::vector<std::string> settings = {}) {
    return broker_.emplace(BrokerOptions{.settings = std::move(settings), .arguments = {}});
  }
  /// A connection with a queue "q".
  WireClient open(Broker& broker) {
    WireClient client(broker);
    client.say_hello();
    client.ensure_queue("q");
    return client;
  }
  /// What a request is refused with.
  static base::Status refusal(WireClient& client, const wire::OutFrame& request) {
    client.send(request);
    return client.read<wire::Error>().status;
  }
  static base::Status queue_refusal(WireClient& client, wire::QueueVerb verb, const std::string& name,
                                    const wire::OptionsPatch& options = {}) {
    wire::QueueRequest request;
    request.request = client.next_request();
    request.verb = verb;
    request.name = name;
    request.options = options;
    return refusal(client, wire::encode(request));
  }
  /// What the only item of a publish is refused with.
  static base::Code item_refusal(WireClient& client, std::uint32_t producer, const wire::PublishItem& item) {
    const wire::Published published = client.publish(producer, {item});
    EXPECT_EQ(published.results.size(), 1u);
    EXPECT_EQ(published.status.code(), published.results.at(0).code) << "its problem explains the refusal";
    return published.results.at(0).code;
  }
  /// Fails unless the answer is a problem document of this row.
  static void expect_problem(const HttpAnswer& answer, base::Code code) {
    const base::ErrorInfo& row = base::error_info(code);
    EXPECT_EQ(answer.status, row.http) << answer.body;
    EXPECT_EQ(answer.headers.at("content-type"), "application/problem+json");
    EXPECT_EQ(text_of(answer.json(), "code"), row.name);
  }
  /// The exit status of a program, and its name of the error on standard error.
  static void expect_exit(const Outcome& outcome, base::Code code) {
    const base::ErrorInfo& row = base::error_info(code);
    EXPECT_EQ(outcome.exit, row.exit) << outcome.err;
    EXPECT_NE(outcome.err.find(row.name), std::string::npos) << outcome.err;
  }
  /// A `lazaretd` that is expected to end by itself.
  static Outcome run_daemon(const std::string& data_dir, std::vector<std::string> more = {}) {
    std::vector<std::string> command = {binary("lazaretd"), "--data-dir",     data_dir,     "--listen",
                                        "127.0.0.1:0",      "--admin-listen", "127.0.0.1:0"};
    command.insert(command.end(), more.begin(), more.end());
    return run(command);
  }
  /// A case of queue "q", as the API names it.
  static std::string make_case(Broker& broker, const std::string& body = "sick") {
    EXPECT_EQ(broker.cli({"queue", "ensure", "q"}).exit, 0);
    EXPECT_EQ(broker.cli({"publish", "q"}, body).exit, 0);
    EXPECT_EQ(broker.cli({"consume", "q", "--count", "1", "--exec", "exit 65"}).exit, 0);
    EXPECT_TRUE(eventually([&] { return cases_of(broker, "q").size() == 1; }));
    return text_of(cases_of(broker, "q").at(0), "id");
  }

  std::optional<Broker> broker_;
};

}  // namespace lazaret::testing
