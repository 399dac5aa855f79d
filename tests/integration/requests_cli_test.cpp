// lazaret request and lazaret respond: exit statuses, what they print, and a responder that is killed in the middle.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/support/api.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class RequestsCli : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(broker.cli({"queue", "create", "prices", "--max-attempts", "1"}).exit, 0); }
  Process respond(const std::string& shell, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"respond", "prices"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    for (const std::string& word : {std::string("--"), std::string("sh"), std::string("-c"), shell}) {
      arguments.push_back(word);
    }
    return Process({.command = broker.cli_command(arguments), .error_file = broker.dir() / "responder.err"});
  }
  Outcome request(const std::string& body, const std::string& deadline = "60s") {
    return broker.cli({"request", "prices", "--deadline", deadline}, body);
  }
  Broker broker;
};

TEST_F(RequestsCli, AnAnswerIsTheOutputOfTheCommand) {
  Process responder = respond("tr a-z A-Z; echo \" for $LAZARET_MSG_TYPE\"");
  const Outcome answered = broker.cli({"request", "prices", "--deadline", "60s", "--type", "asked"}, "tea");
  EXPECT_EQ(answered.exit, 0) << answered.err;
  EXPECT_EQ(answered.out, "TEA for asked\n");
  const Outcome json = broker.cli({"request", "prices", "--deadline", "60s", "--json", "--body", "tea"});
  EXPECT_EQ(json.exit, 0) << json.err;
  const auto reply = json_lines(json.out).at(0).as_object();
  EXPECT_EQ(reply.at("status"), "answered");
  EXPECT_EQ(reply.at("body"), "TEA for \n");
  EXPECT_EQ(reply.at("late"), false);
  EXPECT_TRUE(reply.at("reached").is_null());
  EXPECT_FALSE(text_of(reply, "correlation_id").empty());
}

TEST_F(RequestsCli, AResponderHasTheNameOfItsService) {
  Process responder = respond("cat", {"--as", "pricing", "--as-version", "1.2.0"});
  EXPECT_TRUE(eventually([&] {
    const auto queue = broker.cli_json({"queue", "show", "prices"})[0];
    const auto& consumers = queue.at("consumers").as_array();
    return consumers.size() == 1 && text_of(consumers[0], "name") == "pricing" &&
           text_of(consumers[0], "version") == "1.2.0";
  })) << read_file(broker.dir() / "responder.err");
}

TEST_F(RequestsCli, SixtyFiveDeclines) {
  Process responder = respond("echo sold out >&2; exit 65");
  const Outcome declined = request("tea");
  EXPECT_EQ(declined.exit, 10);
  EXPECT_THAT(declined.err, HasSubstr("sold out"));
  const auto reply =
      json_lines(broker.cli({"request", "prices", "--deadline", "60s", "--json"}, "tea").out).at(0).as_object();
  EXPECT_EQ(reply.at("status"), "declined");
  EXPECT_EQ(reply.at("reason"), "sold out");
  EXPECT_TRUE(cases_of(broker, "prices").empty());
}

TEST_F(RequestsCli, AFailureIsACase) {
  Process responder = respond("echo broken >&2; exit 1");
  const Outcome failed = broker.cli({"request", "prices", "--deadline", "60s", "--json"}, "tea");
  EXPECT_EQ(failed.exit, 11);
  const auto reply = json_lines(failed.out).at(0).as_object();
  EXPECT_EQ(reply.at("status"), "failed");
  EXPECT_EQ(text_of(reply, "case_id"), text_of(cases_of(broker, "prices").at(0).as_object(), "id"));
}

TEST_F(RequestsCli, TheDeadlineSaysHowFarItGot) {
  const Outcome late = broker.cli({"request", "prices", "--deadline", "100ms", "--json"}, "tea");
  EXPECT_EQ(late.exit, 75);
  EXPECT_EQ(json_lines(late.out).at(0).at("status"), "timed_out");
  EXPECT_EQ(json_lines(late.out).at(0).at("reached"), "not_delivered");
  EXPECT_THAT(request("tea", "100ms").err, HasSubstr("no handler has begun"));
}

TEST_F(RequestsCli, ATicketIsAnsweredLaterAndWithProgressOnTheWay) {
  const std::string tickets = broker.dir() / "tickets";
  Process responder = respond("echo \"$LAZARET_TICKET\" >> " + tickets, {"--ticket"});
  Process requester({.command = broker.cli_command({"request", "prices", "--deadline", "60s", "--body", "tea"}),
                     .output_file = broker.dir() / "answer",
                     .error_file = broker.dir() / "notes"});
  ASSERT_TRUE(eventually([&] { return read_file(tickets).ends_with('\n'); }));
  ASSERT_TRUE(eventually([&] { return QueueView(broker, "prices")["acked_total"] == 1; })) << "the message is done";
  std::string ticket = read_file(tickets);
  ticket.pop_back();
  EXPECT_EQ(ticket.rfind("prices/", 0), 0u);
  EXPECT_EQ(broker.cli({"answer", ticket, "--progress", "--body", "weighing it"}).exit, 0);
  ASSERT_TRUE(eventually([&] { return read_file(broker.dir() / "notes").find("weighing it") != std::string::npos; }));
  const Outcome answered = broker.cli({"answer", ticket}, "3 euros");
  EXPECT_EQ(answered.exit, 0) << answered.err;
  EXPECT_EQ(requester.wait(60s), 0);
  EXPECT_EQ(read_file(broker.dir() / "answer"), "3 euros");
  const Outcome again = broker.cli({"answer", ticket, "--body", "4 euros"});
  EXPECT_EQ(again.exit, 1);
  EXPECT_THAT(again.err, HasSubstr("had ended before"));
  const Outcome json = broker.cli({"answer", ticket, "--body", "4 euros", "--json"});
  EXPECT_EQ(json.exit, 1);
  EXPECT_EQ(json_lines(json.out).at(0).at("told"), false);
}

TEST_F(RequestsCli, ATicketIsDeclinedLater) {
  const std::string tickets = broker.dir() / "tickets";
  Process responder = respond("echo \"$LAZARET_TICKET\" >> " + tickets, {"--ticket", "--count", "1"});
  Process requester({.command = broker.cli_command({"request", "prices", "--deadline", "60s", "--body", "tea"}),
                     .error_file = broker.dir() / "notes"});
  ASSERT_EQ(responder.wait(60s), 0);
  EXPECT_EQ(read_file(broker.dir() / "responder.err"), "taken 1, declined 0, failed 0, released 0\n");
  std::string ticket = read_file(tickets);
  ticket.pop_back();
  EXPECT_EQ(broker.cli({"answer", ticket, "--decline", "sold out"}).exit, 0);
  EXPECT_EQ(requester.wait(60s), 10);
  EXPECT_THAT(read_file(broker.dir() / "notes"), HasSubstr("sold out"));
  EXPECT_TRUE(cases_of(broker, "prices").empty());
}

TEST_F(RequestsCli, ACommandSaysSomethingOnTheWay) {
  const std::string tool = binary("lazaret") + " --broker " + broker.broker();
  Process responder = respond(tool + " answer \"$LAZARET_TICKET\" --progress --body half; echo 3 euros");
  const Outcome answered = request("tea");
  EXPECT_EQ(answered.exit, 0) << answered.err;
  EXPECT_EQ(answered.out, "3 euros\n");
  EXPECT_THAT(answered.err, HasSubstr("half"));
}

TEST_F(RequestsCli, ItIsUsedAsItSays) {
  EXPECT_EQ(broker.cli({"answer", "prices", "--body", "x"}).exit, 64) << "no ticket";
  EXPECT_EQ(broker.cli({"answer", "prices/00000000-0000-7000-8000-000000000001", "--body", "x"}).exit, 66);
  EXPECT_EQ(broker.cli({"answer", "prices/00000000-0000-7000-8000-000000000001", "--body", "x", "--decline", "y"}).exit,
            64);
  for (const char* given : {"--type=t", "--content-type=text/plain", "--header=a=b"}) {
    const Outcome both =
        broker.cli({"answer", "prices/00000000-0000-7000-8000-000000000001", "--decline", "no", given});
    EXPECT_EQ(both.exit, 64) << given;
  }
  EXPECT_EQ(broker.cli({"request", "prices"}, "tea").exit, 64);
  EXPECT_EQ(broker.cli({"request", "prices", "--deadline", "soon"}, "tea").exit, 64);
  for (const char* bad : {"1000d", "366d"}) {
    const Outcome refused = broker.cli({"request", "prices", "--deadline", bad}, "tea");
    EXPECT_EQ(refused.exit, 65) << bad;
    EXPECT_THAT(refused.err, HasSubstr("365d"));
  }
  for (const char* bad : {"1000d", "0s", "500us"}) {
    EXPECT_EQ(broker.cli({"request", "prices", "--reply-to", "replies", "--deadline", bad}, "tea").exit, 65) << bad;
  }
  EXPECT_EQ(broker.cli({"request", "prices", "--deadline", "0s"}, "tea").exit, 75) << "there is no time left";
  EXPECT_EQ(broker.cli({"request", "nothing", "--deadline", "1s"}, "tea").exit, 66);
  EXPECT_EQ(broker.cli({"respond", "prices"}).exit, 64);
  EXPECT_EQ(broker.cli({"respond", "nothing", "--", "true"}).exit, 66);
  EXPECT_EQ(broker.cli({"respond", "prices", "--idle-exit", "100ms", "--", "true"}).exit, 0);
}

TEST_F(RequestsCli, AResponderAcceptsTypesAndPublishesAlong) {
  ASSERT_EQ(broker.cli({"queue", "create", "prices.made"}).exit, 0);
  Process responder = respond("cat", {"--accept", "price.asked@2", "--publish-to", "prices.made"});
  const auto ask = [&](const std::string& version, const std::string& deadline) {
    return broker.cli({"request", "prices", "--deadline", deadline, "--type", "price.asked", "--schema-id",
                       "price.asked@" + version, "--priority", "9", "--key", "k", "--body", version});
  };
  EXPECT_EQ(ask("2", "60s").out, "2");
  EXPECT_EQ(ask("1", "300ms").exit, 75) << "nobody accepts it";
  ASSERT_TRUE(eventually([&] { return QueueView(broker, "prices.made")["ready"] == 1; }));
  const auto made = broker.cli_json({"peek", "prices.made"});
  EXPECT_EQ(made.at(0).at("body"), "2");
  EXPECT_EQ(made.at(0).at("key"), "k");
  EXPECT_EQ(broker.cli({"request", "prices", "--deadline", "1s", "--priority", "10"}, "x").exit, 64);
}

TEST_F(RequestsCli, AResponderThatIsKilledInTheMiddleLosesNoRequest) {
  ASSERT_EQ(broker.cli({"queue", "update", "prices", "--max-attempts", "5", "--backoff-initial", "10ms"}).exit, 0);
  const std::string begun = broker.dir() / "begun";
  Process first = respond("echo > " + begun + "; sleep 60");
  Process requester({.command = broker.cli_command({"request", "prices", "--deadline", "60s", "--body", "tea"}),
                     .output_file = broker.dir() / "answer"});
  ASSERT_TRUE(eventually([&] { return !read_file(begun).empty(); }));
  first.kill9();
  Process second = respond("echo 3 euros");
  EXPECT_EQ(requester.wait(60s), 0);
  EXPECT_EQ(read_file(broker.dir() / "answer"), "3 euros\n");
  EXPECT_EQ(QueueView(broker, "prices")["entered_total"], 1);
}

TEST_F(RequestsCli, BothOutliveAKillOfTheBroker) {
  const std::string begun = broker.dir() / "begun";
  Process responder = respond("echo > " + begun + "; sleep 1; echo 3 euros");
  Process requester({.command = broker.cli_command({"request", "prices", "--deadline", "60s", "--body", "tea"}),
                     .output_file = broker.dir() / "answer"});
  ASSERT_TRUE(eventually([&] { return !read_file(begun).empty(); }));
  broker.restart();
  EXPECT_EQ(requester.wait(60s), 0);
  EXPECT_EQ(read_file(broker.dir() / "answer"), "3 euros\n");
}

}  // namespace
}  // namespace lazaret::testing
