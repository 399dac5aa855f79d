// lazaret hospital: list, show, replay and discard, one case and many.
#include <gtest/gtest.h>

#include "integration/support/api.h"
#include "integration/support/broker.h"
#include "integration/support/http.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;

class HospitalCli : public ::testing::Test {
 protected:
  /// A queue whose messages, one a line, are all rejected.
  void admit(const std::string& name, const std::string& lines, const std::string& type) {
    ASSERT_EQ(broker.cli({"queue", "ensure", name}).exit, 0);
    ASSERT_EQ(broker.cli({"publish", name, "--jsonl", "--type", type}, lines).exit, 0);
    ASSERT_EQ(broker.cli({"consume", name, "--idle-exit", "100ms", "--exec", "echo 'no such table' >&2; exit 65"}).exit,
              0);
  }
  std::vector<std::string> ids(const std::vector<std::string>& filter = {}) {
    std::vector<std::string> command = {"hospital", "list"};
    command.insert(command.end(), filter.begin(), filter.end());
    std::vector<std::string> all;
    for (const auto& one : broker.cli_json(command)) all.emplace_back(one.at("id").as_string());
    return all;
  }
  Broker broker;
};

TEST_F(HospitalCli, TheFiveMinutesOfTheReadme) {
  ASSERT_EQ(broker.cli({"queue", "create", "orders", "--max-attempts", "2", "--backoff-initial", "1s"}).exit, 0);
  ASSERT_EQ(broker.cli({"publish", "orders", "--type", "order.created"}, "{\"order\": 1}\n").exit, 0);
  ASSERT_EQ(broker.cli({"consume", "orders", "--count", "2", "--exec", "echo \"no such table\" >&2; exit 1"}).exit, 0);
  const Outcome list = broker.cli({"hospital", "list"});
  EXPECT_NE(list.out.find("0-1-2-0"), std::string::npos) << list.out;
  EXPECT_NE(list.out.find("no such table"), std::string::npos);
  const Outcome show = broker.cli({"hospital", "show", "0-1-2-0"});
  EXPECT_NE(show.out.find("\nbody (JSON, 13 bytes):\n{\n  \"order\": 1\n}\n"), std::string::npos) << show.out;
  EXPECT_EQ(broker.cli({"hospital", "replay", "0-1-2-0"}).exit, 0);
  EXPECT_EQ(broker.cli({"consume", "orders", "--count", "1", "--print"}).out, "{\"order\": 1}\n\n");
  EXPECT_EQ(broker.cli_json({"hospital", "show", "0-1-2-0"})[0].at("state"), "discharged");
  EXPECT_EQ(broker.cli({"check"}).exit, 0);
}

/// People see what it is; scripts, and --body, get what it is made of.
TEST_F(HospitalCli, ShowsABodyByWhatItIs) {
  struct Case {
    std::string body, content_type, shown;
  };
  const std::vector<Case> cases = {
      {"<order id=\"1\"><sum>7</sum></order>", "application/xml",
       "body (XML, 34 bytes):\n<order id=\"1\">\n  <sum>7</sum>\n</order>\n"},
      {"plain\x1b[31m red\x1b]0;title\x07", "text/plain",
       "body (text, 24 bytes):\nplain\\x1b[31m red\\x1b]0;title\\x07\n"},
      {std::string("\xff\x00\x1b[2J", 6), "application/octet-stream",
       "body (bytes, 6 bytes):\n00000000  ff 00 1b 5b 32 4a "},
      {"{\"a\": [1,", "application/json", "body (text, 9 bytes):\n{\"a\": [1,\n"},
  };
  ASSERT_EQ(broker.cli({"queue", "create", "bodies"}).exit, 0);
  for (const Case& one : cases) {
    ASSERT_EQ(broker.cli({"publish", "bodies", "--content-type", one.content_type}, one.body).exit, 0);
    ASSERT_EQ(broker.cli({"consume", "bodies", "--count", "1", "--exec", "exit 65"}).exit, 0);
    const std::string id = ids({"--queue", "bodies"})[0];
    const Outcome show = broker.cli({"hospital", "show", id});
    EXPECT_NE(show.out.find(one.shown), std::string::npos) << show.out;
    EXPECT_EQ(show.out.find('\x1b'), std::string::npos);
    EXPECT_EQ(broker.cli({"hospital", "show", id, "--body"}).out, one.body);
    const auto message = broker.cli_json({"hospital", "show", id})[0].at("message");
    EXPECT_EQ(message.as_object().contains("body_base64"), one.body[0] == '\xff');
  }
}

TEST_F(HospitalCli, OfALargeBodyTheBeginningIsShown) {
  std::string body = "{\"items\": [";
  for (int i = 0; i < 40000; ++i) body += "\"\u00e4\u00f6\u00fc\",";
  body += "0]}";
  ASSERT_EQ(broker.cli({"queue", "create", "large"}).exit, 0);
  ASSERT_EQ(broker.cli({"publish", "large", "--content-type", "application/json"}, body).exit, 0);
  ASSERT_EQ(broker.cli({"consume", "large", "--count", "1", "--exec", "exit 65"}).exit, 0);
  const std::string id = ids({"--queue", "large"})[0];
  const Outcome show = broker.cli({"hospital", "show", id});
  const std::string all = std::to_string(body.size());
  EXPECT_NE(show.out.find("\nbody (JSON, " + all + " bytes):\n{\n  \"items\": [\n    \"\u00e4"), std::string::npos);
  EXPECT_NE(show.out.find("\n\u2026 the first 6553"), std::string::npos) << "64 KiB, and whole characters";
  EXPECT_LT(show.out.size(), 200u << 10);
  EXPECT_EQ(broker.cli({"hospital", "show", id, "--body"}).out, body);
  EXPECT_EQ(text_of(broker.cli_json({"hospital", "show", id})[0].at("message"), "body"), body);
  EXPECT_EQ(broker.cli({"--json", "hospital", "show", id, "--body"}).exit, 64);

  const std::string place = "/api/v1/hospital/cases/" + id;
  for (const std::string& target : {place, place + "/versions/0"}) {
    const auto message = http(broker.admin(), "GET", target + "?body_limit=13").json().at("message");
    EXPECT_EQ(message.at("body"), "{\"items\": [\"") << "the letter behind it has two bytes";
    EXPECT_EQ(message.at("body_bytes"), body.size());
    const auto none = http(broker.admin(), "GET", target + "?body_limit=0").json().at("message");
    EXPECT_EQ(none.at("body"), "");
    const auto whole = http(broker.admin(), "GET", target + "?body_limit=16777216").json().at("message");
    EXPECT_EQ(text_of(whole, "body"), body);
    EXPECT_FALSE(whole.as_object().contains("body_bytes"));
    EXPECT_EQ(http(broker.admin(), "GET", target + "?body_limit=-1").status, 400);
  }
}

TEST_F(HospitalCli, FiltersAndShows) {
  admit("a", "1\n2\n", "x");
  admit("b", "3\n", "y");
  EXPECT_EQ(ids().size(), 3u);
  EXPECT_EQ(ids({"--queue", "a"}).size(), 2u);
  EXPECT_EQ(ids({"--type", "y"}).size(), 1u);
  EXPECT_EQ(ids({"--reason", "rejected", "--state", "admitted"}).size(), 3u);
  EXPECT_EQ(ids({"--reason", "killed_workers"}).size(), 0u);
  EXPECT_EQ(broker.cli({"hospital", "list", "--reason", "boredom"}).exit, 65);
  const auto shown = broker.cli_json({"hospital", "show", ids({"--queue", "b"})[0]})[0];
  EXPECT_EQ(shown.at("message").at("body"), "3");
  EXPECT_EQ(shown.at("attempts").as_array().size(), 1u);
  EXPECT_EQ(shown.at("attempts").at(0).at("error_message"), "no such table");
  EXPECT_EQ(broker.cli({"hospital", "show", "0-9-9-9"}).exit, 66);
}

TEST_F(HospitalCli, WhatAConsumerSaysDoesNothingToATerminal) {
  Client client = Client::connect(broker.url(), {.name = "work\u2066er", .timeout = 60s});
  client.ensure(QueueSpec{.name = "orders"});
  Message message{.body = "body"};
  message.headers = {{"file", "\u202egpj"}};
  client.publish("orders", std::move(message));
  {
    const Consumer consumer =
        client.consume("orders", [](Delivery&) { return Verdict::reject("no \u200fgood\u2028", "Type\u202e\u061c"); });
    ASSERT_TRUE(eventually([&] { return !ids().empty(); }));
  }
  const std::string list = broker.cli({"hospital", "list"}).out;
  const std::string show = broker.cli({"hospital", "show", ids()[0]}).out;
  EXPECT_NE(list.find("Type\\u202e\\u061c"), std::string::npos) << list;
  EXPECT_NE(show.find("Type\\u202e\\u061c"), std::string::npos) << show;
  for (const char* raw : {"\u202e", "\u061c", "\u200f", "\u2028", "\u2066"}) {
    EXPECT_EQ(list.find(raw), std::string::npos) << list;
    EXPECT_EQ(show.find(raw), std::string::npos) << show;
  }
}

TEST_F(HospitalCli, ManyCasesNeedAYes) {
  admit("a", "1\n2\n3\n", "x");
  const auto all = ids();
  EXPECT_EQ(broker.cli({"hospital", "discard"}).exit, 64);
  EXPECT_EQ(broker.cli({"hospital", "discard", "--all", "--filter", "queue=a"}).exit, 64);
  EXPECT_EQ(broker.cli({"hospital", "discard", "--filter", "colour=red", "--yes"}).exit, 65);
  EXPECT_EQ(ids({"--state", "admitted"}).size(), 3u);

  const auto one = broker.cli_json({"hospital", "discard", all[0], "--reason", "a duplicate"});
  EXPECT_EQ(one[0].at("state"), "discarded");
  EXPECT_EQ(one[0].at("discard_reason"), "a duplicate");
  EXPECT_EQ(broker.cli({"hospital", "discard", all[0]}).exit, 73) << "it is discarded already";
  const Outcome unasked = broker.cli({"hospital", "discard", "--filter", "queue=a", "--filter", "type=x"});
  EXPECT_EQ(unasked.exit, 64) << "without a terminal nobody can be asked";
  EXPECT_NE(unasked.err.find("this would discard 2 cases, and there is no terminal to ask on: say --yes"),
            std::string::npos)
      << unasked.err;
  EXPECT_EQ(broker.cli({"hospital", "discard", all[1], all[2]}).exit, 64);
  EXPECT_EQ(broker.cli({"hospital", "replay", "--all"}).exit, 64);
  EXPECT_EQ(ids({"--state", "admitted"}).size(), 2u);
  EXPECT_EQ(broker.cli_json({"hospital", "discard", "--filter", "queue=a", "--filter", "type=x", "--yes"}).size(), 2u);
  EXPECT_EQ(broker.cli({"hospital", "restore", "--all"}).exit, 64);
  EXPECT_EQ(broker.cli({"hospital", "discard", "--all"}).out, "discarded 0 cases\n");
  EXPECT_EQ(broker.cli_json({"queue", "show", "a"})[0].at("discarded_total"), 3);
}

/// A script whose variable is not set gives an empty filter, and does not mean everything by it.
TEST_F(HospitalCli, AFilterThatSaysNothingIsRefused) {
  admit("a", "1\n", "x");
  ASSERT_EQ(broker.cli({"hospital", "discard", "--all"}).exit, 0);
  admit("a", "2\n", "x");
  for (const char* verb : {"replay", "discard", "restore"}) {
    for (const std::string nothing : {"", "  "}) {
      const Outcome refused = broker.cli({"hospital", verb, "--filter", nothing, "--yes"});
      EXPECT_EQ(refused.exit, 64) << verb;
      EXPECT_NE(refused.err.find("--all"), std::string::npos) << refused.err;
    }
    EXPECT_EQ(broker.cli({"hospital", verb, "--filter", "queue=a", "--filter", "", "--yes"}).exit, 64) << verb;
  }
  EXPECT_EQ(ids({"--state", "admitted"}).size(), 1u);
  EXPECT_EQ(ids({"--state", "discarded"}).size(), 1u);
  EXPECT_EQ(ids({"--filter", ""}).size(), 2u) << "whoever only looks may look at everything";
}

TEST_F(HospitalCli, AsksOnATerminalUnlessToldNotTo) {
  admit("a", "1\n2\n", "x");
  const auto on_terminal = [&](const std::string& answer, std::vector<std::string> arguments) {
    std::string line;
    for (const std::string& word : broker.cli_command(arguments)) line += word + " ";
    return run({"script", "--quiet", "--return", "--echo", "never", "--command", line, "/dev/null"}, answer);
  };
  const Outcome refused = on_terminal("n\n", {"hospital", "discard", "--all"});
  EXPECT_EQ(refused.exit, 75) << refused.out;
  EXPECT_NE(refused.out.find("discard 2 cases? [y/N]"), std::string::npos) << refused.out;
  EXPECT_EQ(ids({"--state", "admitted"}).size(), 2u);
  EXPECT_EQ(on_terminal("y\n", {"hospital", "discard", "--all"}).exit, 0);
  EXPECT_EQ(ids({"--state", "discarded"}).size(), 2u);
  admit("b", "1\n2\n", "x");
  EXPECT_EQ(on_terminal("", {"hospital", "discard", "--all", "--yes"}).exit, 0);
  EXPECT_EQ(ids({"--state", "discarded"}).size(), 4u);
}

TEST_F(HospitalCli, EveryPageIsReplayed) {
  std::string lines;
  for (int i = 0; i < 1200; ++i) lines += std::to_string(i) + "\n";
  ASSERT_EQ(broker.cli({"queue", "create", "q"}).exit, 0);
  ASSERT_EQ(broker.cli({"publish", "q", "--jsonl"}, lines).exit, 0);
  ASSERT_EQ(
      broker.cli({"consume", "q", "--idle-exit", "300ms", "--concurrency", "4", "--", "sh", "-c", "exit 65"}).exit, 0);
  ASSERT_EQ(ids().size(), 1200u);
  EXPECT_EQ(broker.cli_json({"hospital", "replay", "--all", "--yes", "--canary", "0"}).size(), 1200u);
  EXPECT_EQ(ids({"--state", "replaying"}).size(), 1200u);
  EXPECT_EQ(broker.cli_json({"consume", "q", "--print", "--count", "1200"}).size(), 1200u);
  EXPECT_EQ(ids({"--state", "discharged"}).size(), 1200u);
}

TEST_F(HospitalCli, WaitsForOutcomes) {
  admit("q", "good\nbad\n", "x");
  const std::string output = broker.dir() / "outcomes";
  Process replay({.command = broker.cli_command({"--json", "hospital", "replay", "--all", "--yes", "--wait"}),
                  .output_file = output});
  ASSERT_TRUE(eventually([&] { return ids({"--state", "replaying"}).size() == 2; }));
  EXPECT_FALSE(replay.wait(milliseconds(100)));
  ASSERT_EQ(broker.cli({"consume", "q", "--count", "2", "--exec", "read word; test $word = good || exit 65"}).exit, 0);
  EXPECT_EQ(replay.wait(std::chrono::seconds(20)), 1) << "one has relapsed";
  const auto outcomes = json_lines(read_file(output));
  ASSERT_EQ(outcomes.size(), 2u);
  // By its place: the message of a case that is closed may have been trimmed by now.
  for (const auto& one : outcomes) EXPECT_EQ(one.at("state"), one.at("offset") == 0 ? "discharged" : "admitted");
}

TEST_F(HospitalCli, OneOfSeveralMayFail) {
  admit("q", "1\n", "x");
  const Outcome outcome = broker.cli({"--json", "hospital", "replay", ids()[0], "0-9-9-9", "--yes"});
  EXPECT_EQ(outcome.exit, 66);
  const auto lines = json_lines(outcome.out);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].at("state"), "replaying");
  EXPECT_EQ(lines[1].at("error").at("code"), "NOT_FOUND");
  EXPECT_EQ(json_lines(outcome.err).size(), 1u);
}

/// Who looks for what an edit has put right, or taken out, means the message as it is now.
TEST_F(HospitalCli, FiltersAskTheMessageAsItIsNow) {
  admit("q", "{\"country\": \"XX\"}\n{\"country\": \"XX\"}\n", "x");
  const std::string id = ids()[0];
  const std::string other = ids()[1];
  ASSERT_EQ(broker.cli({"hospital", "edit", id, "--merge", R"({"country": "NL"})", "--header", "tenant=acme"}).exit, 0);
  const auto only = [](const std::string& one) { return std::vector<std::string>{one}; };
  EXPECT_EQ(ids({"--filter", "body~NL"}), only(id));
  EXPECT_EQ(ids({"--filter", "body~XX"}), only(other));
  EXPECT_EQ(ids({"--filter", "header.tenant=acme"}), only(id));
  EXPECT_EQ(ids({"--filter", "header.tenant!=acme"}), only(other));
  EXPECT_EQ(broker.cli({"hospital", "count", "--filter", "body~XX"}).out, "1\n");
  const auto exported = json_lines(broker.cli({"hospital", "export", "--filter", "body~NL"}).out);
  ASSERT_EQ(exported.size(), 1u);
  EXPECT_EQ(exported[0].at("id").as_string(), id);

  EXPECT_EQ(broker.cli_json({"hospital", "discard", "--filter", "body~XX", "--yes"})[0].at("id").as_string(), other);
  EXPECT_EQ(broker.cli({"hospital", "replay", "--filter", "header.tenant=acme", "--yes"}).exit, 0);
  EXPECT_EQ(ids({"--state", "replaying"}), only(id));
}

/// The same terms for list, count, export and what changes something.
TEST_F(HospitalCli, OneLanguageSaysWhichCasesAreMeant) {
  admit("a", "{\"total\": 1}\n{\"sum\": 2}\n", "x");
  admit("b", "3\n", "y");
  EXPECT_EQ(ids({"--filter", "queue=a state=admitted admitted>-1h"}).size(), 2u);
  EXPECT_EQ(ids({"--filter", "error~\"NO SUCH\"", "--filter", "type!=x"}).size(), 1u);
  EXPECT_EQ(ids({"--filter", "body~total"}).size(), 1u);
  EXPECT_EQ(ids({"--queue", "a", "--filter", "body~total"}).size(), 1u);
  EXPECT_EQ(broker.cli({"hospital", "count", "--filter", "queue=a"}).out, "2\n");
  EXPECT_EQ(broker.cli_json({"hospital", "count", "--filter", "attempts>0"})[0].at("count"), 3);
  const Outcome wrong = broker.cli({"hospital", "list", "--filter", "queue=a colour=red"});
  EXPECT_EQ(wrong.exit, 65);
  EXPECT_NE(wrong.err.find("at character 9: there is no field \"colour\""), std::string::npos) << wrong.err;

  const auto exported = json_lines(broker.cli({"hospital", "export", "--filter", "type=x"}).out);
  ASSERT_EQ(exported.size(), 2u);
  EXPECT_EQ(exported[1].at("message").at("body"), "{\"total\": 1}");
  EXPECT_EQ(exported[1].at("attempts").at(0).at("error_message"), "no such table");
  EXPECT_EQ(broker.cli_json({"hospital", "discard", "--filter", "body~sum", "--yes"}).size(), 1u);
  EXPECT_EQ(broker.cli({"hospital", "count", "--filter", "queue=a state=discarded"}).out, "1\n");
}

TEST_F(HospitalCli, CasesOfOneCauseAreOneLine) {
  admit("a", "1\n2\n", "x");
  admit("b", "3\n", "y");
  const auto groups = broker.cli_json({"hospital", "groups"});
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].at("count"), 2);
  EXPECT_EQ(groups[0].at("error_text"), "no such table");
  const std::string id(groups[0].at("id").as_string());
  EXPECT_NE(broker.cli({"hospital", "groups", "list", "--filter", "queue=a"}).out.find(id), std::string::npos);
  EXPECT_EQ(ids({"--filter", "group=" + id}).size(), 2u);
  EXPECT_EQ(broker.cli({"hospital", "groups", "update", id}).exit, 64);
  EXPECT_EQ(
      broker.cli({"hospital", "groups", "update", id, "--owner", "ann", "--ticket", "BILL-7", "--snooze-until", "2h"})
          .exit,
      0);
  broker.restart();
  const auto shown = broker.cli_json({"hospital", "groups", "show", id})[0];
  EXPECT_EQ(shown.at("owner"), "ann");
  ASSERT_EQ(broker.cli({"queue", "update", "a", "--owner", "bob"}).exit, 0);
  const auto inherits = [&] { return broker.cli_json({"hospital", "groups", "show", id})[0]; };
  EXPECT_EQ(inherits().at("queue_owner"), "bob");
  EXPECT_EQ(inherits().at("effective_owner"), "ann") << "who has taken it on";
  EXPECT_NE(broker.cli({"hospital", "groups"}).out.find("  ann  "), std::string::npos);
  EXPECT_EQ(shown.at("ticket"), "BILL-7");
  EXPECT_TRUE(shown.at("snoozed_until").is_string());
  EXPECT_EQ(shown.at("snoozed"), true);
  const auto update = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"hospital", "groups", "update", id});
    return broker.cli_json(options).at(0);
  };
  const auto until = update({"--snooze-until-version", ">=2.4.2", "--snooze-until-rate", "100/h"});
  EXPECT_EQ(until.at("snoozed_until_version"), ">=2.4.2");
  EXPECT_EQ(until.at("snoozed_until_rate"), "100/h");
  EXPECT_EQ(until.at("snoozed_until"), shown.at("snoozed_until"));
  EXPECT_EQ(update({"--snooze-until", "", "--snooze-until-rate", ""}).at("snoozed"), true);
  EXPECT_EQ(update({"--wake"}).at("snoozed"), false);
  EXPECT_EQ(broker.cli({"hospital", "groups", "update", id, "--snooze-until-rate", "many"}).exit, 65);
  EXPECT_EQ(broker.cli({"hospital", "groups", "update", id, "--wake", "--snooze-until", "2h"}).exit, 64);
  EXPECT_EQ(broker.cli_json({"hospital", "discard", "--filter", "group=" + id, "--yes"}).size(), 2u);
  EXPECT_EQ(broker.cli_json({"hospital", "groups", "show", id})[0].at("count"), 0);
  EXPECT_EQ(broker.cli({"hospital", "groups", "show", "000000000001"}).exit, 66);
  EXPECT_EQ(broker.cli({"check"}).exit, 0);
}

}  // namespace
}  // namespace lazaret::testing
