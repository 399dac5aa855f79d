// lazaret queue …, peek, status, the global options, and what goes wrong with them.
#include <gtest/gtest.h>

#include "integration/support/api.h"
#include "integration/support/broker.h"
#include "integration/support/http.h"

namespace lazaret::testing {
namespace {

using boost::json::value;

std::string code_in(const Outcome& outcome) {
  const auto lines = json_lines(outcome.err);
  if (lines.size() != 1) return "not one problem: " + outcome.err;
  return std::string(lines[0].at("code").as_string());
}

TEST(QueueCli, CreatesShowsChangesAndDeletes) {
  Broker broker;
  const auto created = broker.cli_json({"queue", "create", "orders", "--max-attempts", "unlimited", "--backoff-initial",
                                        "250ms", "--backoff-multiplier", "1.5", "--backoff-jitter", "0"});
  ASSERT_EQ(created.size(), 1u);
  EXPECT_EQ(created[0].at("name"), "orders");
  EXPECT_EQ(created[0].at("max_attempts"), "unlimited");
  EXPECT_EQ(created[0].at("backoff_initial"), "250ms");

  const auto changed = broker.cli_json({"queue", "update", "orders", "--max-attempts", "3", "--lease-duration", "5s"});
  EXPECT_EQ(changed[0].at("max_attempts"), 3);
  const auto shown = broker.cli_json({"queue", "show", "orders"});
  EXPECT_EQ(shown[0].at("lease_duration"), "5s");
  EXPECT_EQ(shown[0].at("backoff_multiplier").to_number<double>(), 1.5);

  EXPECT_EQ(broker.cli({"publish", "orders", "--body", "x"}).exit, 0);
  EXPECT_EQ(code_in(broker.cli({"--json", "queue", "delete", "orders"})), "NOT_EMPTY");
  EXPECT_EQ(broker.cli_json({"queue", "purge", "orders"})[0].at("purged"), 1);
  EXPECT_EQ(broker.cli({"queue", "delete", "orders"}).exit, 0);
  EXPECT_EQ(broker.cli({"queue", "show", "orders"}).exit, 66);
  EXPECT_TRUE(broker.cli_json({"queue", "list"}).empty());
}

TEST(QueueCli, CreateIsAConflictAndEnsureComparesWhatIsNamed) {
  Broker broker;
  EXPECT_EQ(broker.cli({"queue", "create", "orders", "--max-attempts", "2"}).exit, 0);
  const Outcome again = broker.cli({"--json", "queue", "create", "orders", "--max-attempts", "2"});
  EXPECT_EQ(again.exit, 73);
  EXPECT_EQ(code_in(again), "ALREADY_EXISTS");
  EXPECT_EQ(code_in(broker.cli({"queue", "create", "orders", "--max-attempts", "4", "--json"})), "ALREADY_EXISTS");

  EXPECT_EQ(broker.cli({"queue", "ensure", "orders"}).exit, 0);
  EXPECT_EQ(broker.cli({"queue", "ensure", "orders", "--max-attempts", "2"}).exit, 0);
  const Outcome other = broker.cli({"--json", "queue", "ensure", "orders", "--max-attempts", "4"});
  EXPECT_EQ(other.exit, 73);
  EXPECT_EQ(code_in(other), "OPTIONS_MISMATCH");
  EXPECT_EQ(broker.cli({"queue", "ensure", "new"}).exit, 0);
  EXPECT_EQ(broker.cli_json({"queue", "list"}).size(), 2u);
}

TEST(QueueCli, SaysWhatIsWrong) {
  Broker broker;
  for (const std::vector<std::string>& bad :
       {std::vector<std::string>{"queue", "create", "q", "--max-attempts", "0"},
        std::vector<std::string>{"queue", "create", "q", "--backoff-initial", "soon"},
        std::vector<std::string>{"queue", "create", "a b"}}) {
    EXPECT_EQ(broker.cli(bad).exit, 65) << bad.back();
  }
  EXPECT_EQ(broker.cli({"queue", "create"}).exit, 64);
  EXPECT_EQ(broker.cli({"queue", "create", "q", "--max-attempt", "1"}).exit, 64);
  EXPECT_EQ(broker.cli({"queue", "update", "q"}).exit, 64);
  EXPECT_EQ(broker.cli({"queue"}).exit, 64);
  EXPECT_EQ(code_in(broker.cli({"--json", "nonsense"})), "USAGE");
  EXPECT_NE(broker.cli({"nonsense"}).err.find("there is no command \"nonsense\""), std::string::npos);
  EXPECT_NE(broker.cli({"queue", "nonsense"}).err.find("there is no command \"queue nonsense\""), std::string::npos);
  for (const auto& none : {std::vector<std::string>{"peek", "q", "--count", "0"},
                           std::vector<std::string>{"bench", "--mode", "consume", "--count", "0"}}) {
    const Outcome refused = broker.cli(none);
    EXPECT_EQ(refused.exit, 64);
    EXPECT_NE(refused.err.find("\"0\" must be a whole number from 1 on"), std::string::npos) << refused.err;
  }
  for (const auto& none :
       {std::vector<std::string>{"peek", "q", "--from", "-1"}, std::vector<std::string>{"peek", "q", "--from=-1"},
        std::vector<std::string>{"peek", "q", "--count", "-1"},
        std::vector<std::string>{"publish", "q", "--jsonl", "--from-index=-1"},
        std::vector<std::string>{"publish", "q", "--jsonl", "--from-index", "1.5"},
        std::vector<std::string>{"hospital", "edit", "0-1-2-0", "--body", "x", "--if-version=-1"},
        std::vector<std::string>{"hospital", "replay", "--all", "--canary=-1"},
        std::vector<std::string>{"hospital", "replay", "--all", "--canary-needed=-1"}}) {
    EXPECT_EQ(broker.cli(none, "a\n", std::chrono::seconds(20)).exit, 64) << none[0] << " " << none.back();
  }
  EXPECT_EQ(broker.cli({"peek", "none"}).exit, 66);
  EXPECT_EQ(run_cli({"--version"}).out.rfind("lazaret ", 0), 0u);
  EXPECT_EQ(run_cli({"--help"}).exit, 0);
  EXPECT_EQ(run_cli({"--admin", "127.0.0.1:1", "queue", "list"}).exit, 69);
  EXPECT_EQ(run_cli({"--admin", "https://127.0.0.1:1", "queue", "list"}).exit, 64);
}

TEST(QueueCli, APeekBehindTheEndEnds) {
  Broker broker;
  ASSERT_EQ(broker.cli({"queue", "create", "q"}).exit, 0);
  ASSERT_EQ(broker.cli({"publish", "q", "--body", "x"}).exit, 0);
  for (const std::uint64_t back : {0, 1, 2, 20'001}) {
    const std::string from = std::to_string(~std::uint64_t{0} - back);
    for (const std::string state : {"", "&state=settled"}) {
      const auto page = api(broker, "/queues/q/messages?from=" + from + state);
      EXPECT_TRUE(page.at("items").as_array().empty());
      EXPECT_TRUE(page.at("cursor").is_null()) << from;
    }
    EXPECT_EQ(broker.cli({"peek", "q", "--from", from}, "", std::chrono::seconds(20)).exit, 0) << from;
  }
}

TEST(QueueCli, FindsTheBroker) {
  Broker broker;
  EXPECT_EQ(run_cli({"--addresses", broker.addresses_file(), "queue", "create", "q"}).exit, 0);
  EXPECT_EQ(run_cli({"queue", "show", "q", "--broker", broker.broker()}).exit, 0) << "the handshake tells the rest";
  EXPECT_EQ(run_cli({"queue", "show", "q", "--admin", "http://" + broker.admin()}).exit, 0);
  const std::map<std::string, std::string> environment = {{"LAZARET_BROKER", broker.broker()}};
  EXPECT_EQ(run({binary("lazaret"), "queue", "show", "q"}, "", environment).exit, 0);
  EXPECT_EQ(run_cli({"--addresses", broker.dir() / "none", "queue", "list"}).exit, 69);
  write_file(broker.dir() / "wrong", "[]");
  EXPECT_EQ(run_cli({"--addresses", broker.dir() / "wrong", "queue", "list"}).exit, 78);
  const auto status = broker.cli_json({"status"});
  EXPECT_EQ(status[0].at("queues"), 1);
}

TEST(QueueCli, AFileOfABrokerThatHasEndedIsStale) {
  Broker broker;
  const std::string old = broker.dir() / "old";
  write_file(old, read_file(broker.addresses_file()));
  const auto stale = [&] {
    const Outcome refused = run_cli({"--addresses", old, "queue", "list"});
    EXPECT_EQ(refused.exit, 69);
    EXPECT_NE(refused.err.find(old + " is stale"), std::string::npos) << refused.err;
  };
  EXPECT_EQ(run_cli({"--addresses", old, "queue", "list"}).exit, 0);
  broker.kill9();
  stale();
  broker.start();  // on the same ports
  stale();
  EXPECT_EQ(run_cli({"--addresses", broker.addresses_file(), "queue", "list"}).exit, 0);
}

TEST(QueueCli, EndsQuietlyWhenNobodyReadsOn) {
  Broker broker;
  for (int i = 0; i < 3; ++i) ASSERT_EQ(broker.cli({"queue", "create", "q" + std::to_string(i)}).exit, 0);
  ASSERT_EQ(broker.cli({"publish", "q0", "--jsonl"}, "a\nb\n").exit, 0);
  const std::vector<std::vector<std::string>> commands = {
      {"queue", "list"}, {"--json", "queue", "list"}, {"peek", "q0"}, {"consume", "q0", "--print"}};
  for (const auto& arguments : commands) {
    // The pipe is closed before anything is written to it.
    std::vector<std::string> command = {"sh", "-c", "{ sleep 0.2; exec \"$@\"; } | true; true", "sh"};
    for (const std::string& word : broker.cli_command(arguments)) command.push_back(word);
    EXPECT_EQ(run(command).err, "") << arguments.back();
  }
  EXPECT_EQ(broker.cli_json({"queue", "show", "q0"})[0].at("ready"), 2) << "what nobody has read is not acked";
}

TEST(QueueCli, AQueueIsCreatedByItsUseWhenThatIsWanted) {
  Broker strict;
  EXPECT_EQ(strict.cli({"publish", "new"}, "a").exit, 66);
  Broker broker({.settings = {"broker.auto_create=true", "defaults.max_attempts=3"}, .arguments = {}});
  EXPECT_EQ(broker.cli({"publish", "new"}, "a").exit, 0);
  EXPECT_EQ(broker.cli({"consume", "new", "--print", "--count", "1"}).out, "a\n");
  EXPECT_EQ(broker.cli({"consume", "other", "--print", "--idle-exit", "100ms"}).exit, 0);
  EXPECT_EQ(http(broker.admin(), "POST", "/api/v1/queues/third/messages", "{}").status, 201);
  const auto queues = broker.cli_json({"queue", "list"});
  ASSERT_EQ(queues.size(), 3u);
  for (const auto& queue : queues) EXPECT_EQ(queue.at("max_attempts"), 3);
  EXPECT_EQ(broker.cli({"publish", "a b"}, "a").exit, 65);
  EXPECT_EQ(broker.cli({"queue", "show", "none"}).exit, 66) << "to look is not to use";
}

TEST(QueueCli, TheLatencyBenchDoesNotCountItsWarmUp) {
  Broker broker;
  // Counting the second of warming up in its time and not in its messages, no run could come near what was offered.
  EXPECT_TRUE(eventually([&] {
    const auto result = broker.cli_json({"bench", "--mode", "latency", "--rate", "200", "--seconds", "1"})[0];
    EXPECT_EQ(result.at("n"), result.at("confirm_n"));
    EXPECT_LE(result.at("n").as_int64(), 201);
    EXPECT_EQ(result.at("producers"), 1);
    return result.at("rate").as_int64() > 150;
  }));
}

TEST(QueueCli, TheBenchDrainsAfterARestartWhatItFilled) {
  Broker broker;
  const auto filled = broker.cli_json({"bench", "--mode", "fill", "--count", "1000"})[0];
  EXPECT_EQ(filled.at("n"), 1000);
  const std::string queue = filled.at("queue").as_string().c_str();
  broker.restart();
  EXPECT_EQ(broker.cli_json({"queue", "show", queue})[0].at("ready"), 1000);
  const auto drained = broker.cli_json({"bench", "--mode", "drain", "--queue", queue, "--count", "1000"})[0];
  EXPECT_EQ(drained.at("n"), 1000);
  EXPECT_GT(drained.at("rate").as_int64(), 0);
  EXPECT_TRUE(broker.cli_json({"queue", "list"}).empty());
  EXPECT_EQ(broker.cli({"bench", "--mode", "drain", "--queue", queue}).exit, 64) << "how many, nobody can guess";
}

TEST(QueueCli, TheBenchCountsTheSameWithWhatGrowsBesideIt) {
  Broker broker;
  const auto bench = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"bench", "--size", "10"});
    const auto lines = broker.cli_json(arguments);
    return lines.size() == 1 ? lines[0] : value(boost::json::object());
  };
  const auto spread = bench({"--mode", "e2e", "--count", "300", "--queues", "7", "--consumers", "2"});
  EXPECT_EQ(spread.at("n"), 300);
  EXPECT_EQ(spread.at("queues"), 7);
  const auto holes = bench({"--mode", "consume", "--count", "200", "--holes", "30", "--hole-every", "3"});
  EXPECT_EQ(holes.at("n"), 200) << "what is held is not counted, and is not delivered again";
  const auto idle = bench({"--mode", "pubconfirm", "--count", "100", "--idle", "20"});
  EXPECT_EQ(idle.at("n"), 100);
  EXPECT_TRUE(idle.as_object().contains("idle_MB"));
  const auto slow = bench({"--mode", "consume", "--count", "200", "--slow", "1", "--window", "16"});
  EXPECT_GE(slow.at("n").as_int64(), 200 - 2 * 16);
  EXPECT_LE(slow.at("n").as_int64(), 200);

  EXPECT_TRUE(broker.cli_json({"queue", "list"}).empty()) << "the run's queues go with it";
}

/// What is published is written once, whoever reads it: one message at a time has a write and a sync of its own.
TEST(QueueCli, TheBenchSaysWhatSubscriptionsOfATopicCost) {
  Broker broker;
  const auto bench = [&](const std::string& mode, const std::string& subscriptions) {
    const auto lines = broker.cli_json({"bench", "--size", "100", "--mode", mode, "--count", "400", "--window", "1",
                                        "--subscriptions", subscriptions});
    return lines.size() == 1 ? lines[0].as_object() : boost::json::object();
  };
  const boost::json::object one = bench("pubconfirm", "1");
  const boost::json::object many = bench("pubconfirm", "50");
  for (const boost::json::object* result : {&one, &many}) {
    EXPECT_EQ(result->at("n"), 400);
    const double syncs = result->at("syncs_per_msg").to_number<double>();
    EXPECT_GT(syncs, 0.9);
    EXPECT_LT(syncs, 1.2);
    EXPECT_GT(result->at("log_bytes_per_msg").to_number<double>(), 100);
  }
  EXPECT_EQ(many.at("subscriptions"), 50);
  EXPECT_LT(many.at("log_bytes_per_msg").to_number<double>(), 1.5 * one.at("log_bytes_per_msg").to_number<double>());
  const boost::json::object both = bench("e2e", "3");
  EXPECT_EQ(both.at("n"), 400) << "one of them is consumed";

  EXPECT_TRUE(broker.cli_json({"topic", "list"}).empty()) << "the run's topic goes with it";
  EXPECT_TRUE(broker.cli_json({"subscription", "list"}).empty());
}

TEST(QueueCli, TheBenchFillsAQueueThatIsThereAndLeavesIt) {
  Broker broker;
  ASSERT_EQ(broker.cli({"queue", "create", "orders"}).exit, 0);
  const auto ready = [&] { return broker.cli_json({"queue", "show", "orders"})[0].at("ready").as_int64(); };
  const std::vector<std::string> run{"bench",   "--size", "10",        "--count", "100",
                                     "--queue", "orders", "--backlog", "500"};
  const auto with = [&](const std::string& mode) {
    std::vector<std::string> arguments = run;
    arguments.insert(arguments.end(), {"--mode", mode});
    return broker.cli_json(arguments)[0];
  };
  EXPECT_EQ(with("pubconfirm").at("backlog"), 500);
  EXPECT_EQ(ready(), 600);
  // As many go as come, of those that were there; a few more may be on their way when the run ends.
  EXPECT_GE(with("e2e").at("n").as_int64(), 100);
  EXPECT_LE(ready(), 600);
  EXPECT_EQ(broker.cli({"bench", "--mode", "pubconfirm", "--queue", "none", "--count", "1"}).exit, 66);
}

TEST(QueueCli, ABenchHasOnlyTheOptionsOfItsMode) {
  Broker broker;
  for (const auto& bad : {std::vector<std::string>{"--mode", "pubconfirm", "--holes", "5"},
                          std::vector<std::string>{"--mode", "consume", "--backlog", "5"},
                          std::vector<std::string>{"--mode", "recovery", "--queues", "5"},
                          std::vector<std::string>{"--mode", "consume", "--queue", "q", "--holes", "5"},
                          std::vector<std::string>{"--mode", "consume", "--hole-every", "5"},
                          std::vector<std::string>{"--mode", "consume", "--subscriptions", "5"},
                          std::vector<std::string>{"--mode", "e2e", "--subscriptions", "5", "--queues", "2"},
                          std::vector<std::string>{"--mode", "pubconfirm", "--subscriptions", "5", "--queue", "q"},
                          std::vector<std::string>{"--mode", "e2e", "--subscriptions", "5", "--backlog", "9"},
                          std::vector<std::string>{"--mode", "consume", "--count", "10", "--dead", "1"}}) {
    std::vector<std::string> arguments{"bench"};
    arguments.insert(arguments.end(), bad.begin(), bad.end());
    EXPECT_EQ(broker.cli(arguments).exit, 64) << bad[1] << " " << bad[2];
  }
}

TEST(QueueCli, ListsAllPages) {
  Broker broker;
  for (int i = 0; i < 3; ++i) ASSERT_EQ(broker.cli({"queue", "create", "q" + std::to_string(i)}).exit, 0);
  std::string lines;
  for (int i = 0; i < 250; ++i) lines += std::to_string(i) + "\n";
  ASSERT_EQ(broker.cli({"publish", "q0", "--jsonl"}, lines).exit, 0);
  const auto all = broker.cli_json({"peek", "q0", "--count", "1000"});
  ASSERT_EQ(all.size(), 250u);
  EXPECT_EQ(all[249].at("body"), "249");
  const auto some = broker.cli_json({"peek", "q0", "--count", "2", "--from", "100"});
  ASSERT_EQ(some.size(), 2u);
  EXPECT_EQ(some[0].at("offset"), 100);
  EXPECT_TRUE(broker.cli_json({"peek", "q0", "--state", "leased"}).empty());
  EXPECT_EQ(broker.cli({"peek", "q0", "--state", "nowhere"}).exit, 65);
}

TEST(QueueCli, ControlCharactersOfStrangersAreWritten) {
  Broker broker;
  ASSERT_EQ(broker.cli({"queue", "create", "q"}).exit, 0);
  ASSERT_EQ(broker.cli({"publish", "q", "--body", "red \x1b[31m\xC2\x9B"}).exit, 0);
  const std::string shown = broker.cli({"peek", "q"}).out;
  EXPECT_EQ(shown.find('\x1b'), std::string::npos);
  EXPECT_NE(shown.find("red \\x1b[31m\\x9b"), std::string::npos) << shown;
}

}  // namespace
}  // namespace lazaret::testing
