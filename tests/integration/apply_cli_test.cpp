// `lazaret apply`: what a file declares comes into being, what differs is named, what is not declared can be pruned.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>

#include "integration/support/api.h"
#include "integration/support/http.h"

namespace lazaret::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kShop = R"(
[queues.orders]
max_attempts = 3
backoff_initial = "1500ms"

[topics."orders.events"]
durability = "relaxed"

[subscriptions.billing]
topic = "orders.events"
start = "earliest"
max_attempts = "unlimited"
)";

class ApplyTest : public ::testing::Test {
 protected:
  std::string write(const std::string& text) {
    write_file(file_, text);
    return file_;
  }
  Outcome apply(const std::string& text, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"apply", "-f", write(text)});
    return broker_.cli(more);
  }
  std::string shown(const std::string& path, const std::string& field) {
    const auto answer = http(broker_.admin(), "GET", "/api/v1/" + path);
    return answer.status == 200 ? boost::json::serialize(answer.json().at(field)) : std::to_string(answer.status);
  }
  /// Every name that the broker knows.
  std::size_t names() {
    std::size_t count = 0;
    for (const char* kind : {"queues", "topics", "subscriptions"}) {
      count += api(broker_, std::string("/") + kind).at("items").as_array().size();
    }
    return count;
  }
  Broker broker_;
  const std::string file_ = broker_.dir() / "topology.toml";
};

// --- Creating and comparing ------------------------------------------------------------------------------------------

TEST_F(ApplyTest, CreatesWhatIsMissingAndASecondRunChangesNothing) {
  const Outcome first = apply(kShop);
  EXPECT_EQ(first.exit, 0) << first.err;
  EXPECT_THAT(first.out,
              HasSubstr("created queue orders\ncreated topic orders.events\ncreated subscription billing\n"));
  EXPECT_EQ(shown("queues/orders", "max_attempts"), "3");
  EXPECT_EQ(shown("queues/orders", "backoff_initial"), "\"1500ms\"");
  EXPECT_EQ(shown("topics/orders.events", "durability"), "\"relaxed\"");
  EXPECT_EQ(shown("subscriptions/billing", "max_attempts"), "\"unlimited\"");
  EXPECT_EQ(shown("subscriptions/billing", "start"), "\"earliest\"");
  for (const char* more : {"--update", "--prune", "--dry-run"}) {
    const Outcome again = apply(kShop, {more});
    EXPECT_EQ(again.exit, 0) << again.err;
    EXPECT_THAT(again.out, ::testing::StartsWith("3 unchanged")) << more;
  }
}

TEST_F(ApplyTest, TheExampleIsApplied) {
  const std::string example = std::string(LAZARET_SOURCE_DIR) + "/config/topology.toml";
  EXPECT_EQ(broker_.cli({"apply", "-f", example}).exit, 0);
  const Outcome again = broker_.cli({"apply", "-f", example});
  EXPECT_EQ(again.out, "7 unchanged\n") << again.err;
}

TEST_F(ApplyTest, TheSameValueWrittenOtherwiseIsNoDifference) {
  ASSERT_EQ(apply("[queues.q]\nbackoff_initial = \"60s\"\nbackoff_multiplier = 2\n").exit, 0);
  const Outcome again = apply("[queues.q]\nbackoff_initial = \"1m\"\nbackoff_multiplier = 2.0\n");
  EXPECT_EQ(again.exit, 0) << again.out << again.err;
}

TEST_F(ApplyTest, ADifferenceIsNamedWithBothValuesAndChangesNothing) {
  ASSERT_EQ(apply(kShop).exit, 0);
  const std::string other = "[queues.orders]\nmax_attempts = 7\nlease_duration = \"1m\"\n[queues.more]\n";
  const Outcome differs = apply(other);
  EXPECT_EQ(differs.exit, 73);
  const std::string sentence = "queue orders: lease_duration is 30s, declared 1m (" + file_ +
                               ":3); max_attempts is 3, declared 7 (" + file_ + ":2)";
  EXPECT_THAT(differs.out, HasSubstr(sentence));
  EXPECT_THAT(differs.err, AllOf(HasSubstr("OPTIONS_MISMATCH"), HasSubstr(sentence)));
  EXPECT_EQ(shown("queues/orders", "max_attempts"), "3");
  EXPECT_EQ(shown("queues/more", "max_attempts"), "5") << "what is missing is created all the same";
}

TEST_F(ApplyTest, UpdateChangesWhatMayBeChanged) {
  ASSERT_EQ(apply(kShop).exit, 0);
  const Outcome changed = apply("[queues.orders]\nmax_attempts = 7\nlease_duration = \"30s\"\n", {"--update"});
  EXPECT_EQ(changed.exit, 0) << changed.err;
  EXPECT_THAT(changed.out, HasSubstr("updated queue orders: max_attempts from 3 to 7 (" + file_ + ":2)"));
  EXPECT_EQ(shown("queues/orders", "max_attempts"), "7");
  EXPECT_EQ(shown("queues/orders", "backoff_initial"), "\"1500ms\"") << "what is not declared stays";

  const Outcome fixed = apply("[topics.other]\n[subscriptions.billing]\ntopic = \"other\"\n", {"--update"});
  EXPECT_EQ(fixed.exit, 73) << "a subscription belongs to its topic for ever";
  EXPECT_THAT(fixed.out, HasSubstr("subscription billing: topic is orders.events, declared other (" + file_ + ":3)"));
  EXPECT_EQ(shown("subscriptions/billing", "topic"), "\"orders.events\"");
}

TEST_F(ApplyTest, ADryRunSaysWhatItWouldDoAndDoesNothing) {
  ASSERT_EQ(apply("[queues.orders]\n[queues.old]\n").exit, 0);
  const std::vector<std::string> dry = {"--dry-run", "--update", "--prune"};
  const Outcome would = apply(std::string(kShop) + "[queues.beside]\ncolocate_with = \"orders.events\"\n", dry);
  EXPECT_EQ(would.exit, 0) << would.err;
  EXPECT_THAT(would.out, HasSubstr("would update queue orders: backoff_initial from 1s to 1500ms"));
  EXPECT_THAT(would.out, HasSubstr("would create topic orders.events\nwould create subscription billing\n"));
  EXPECT_THAT(would.out, HasSubstr("would create queue beside\n"));
  EXPECT_THAT(would.out, HasSubstr("would delete queue old"));
  EXPECT_EQ(names(), 2u);
  EXPECT_EQ(shown("queues/orders", "max_attempts"), "5");
  EXPECT_EQ(apply("[queues.orders]\nmax_attempts = 1\n", {"--dry-run"}).exit, 73);
}

/// Whatever the order in the file.
TEST_F(ApplyTest, WhatIsReferredToComesFirst) {
  const Outcome applied = apply(R"(
    [subscriptions.s]
    topic = "t"
    [queues.a]
    colocate_with = "b"
    [queues.b]
    [topics.t]
    colocate_with = "a"
  )");
  EXPECT_EQ(applied.exit, 0) << applied.err;
  EXPECT_EQ(shown("queues/a", "shard"), shown("queues/b", "shard"));
  EXPECT_EQ(shown("topics/t", "shard"), shown("queues/b", "shard"));
}

TEST_F(ApplyTest, FromStandardInput) {
  const Outcome applied = broker_.cli({"apply", "-f", "-"}, "[queues.orders]\n");
  EXPECT_EQ(applied.out, "created queue orders\n1 created\n");
  EXPECT_THAT(broker_.cli({"apply", "-f", "-"}, "[queues]\norders = 1\n").err,
              HasSubstr("standard input:2: queues.orders"));
}

// --- Mistakes --------------------------------------------------------------------------------------------------------

TEST_F(ApplyTest, AMistakeIsNamedWithFileLineAndKeyAndNothingIsChanged) {
  ASSERT_EQ(broker_.cli({"topic", "create", "events"}).exit, 0);
  const struct {
    const char* text;
    const char* where;
    int exit = 65;
  } mistakes[] = {
      {"[queues.a]\n[queues.b]\nmax_attempts = 0\n", ":3: queues.b.max_attempts: "},
      {"[queues.a]\n[queues.b]\nlease_duration = 5\nmax_atempts = 1\n", ":3: queues.b.lease_duration: "},
      {"[queues.a]\nmax_atempts = 1\n", ":2: queues.a.max_atempts: there is no option \"max_atempts\""},
      {"[queues.a]\nbackoff_initial = \"soon\"\n", ":2: queues.a.backoff_initial: "},
      {"[queues.a]\nbackoff_multiplier = 1000\n", ":2: queues.a.backoff_multiplier: "},
      {"[queues.orders.events]\n", ":1: queues.orders.events: "},
      {"[queues.\"a b\"]\n", ":1: queues.a b: "},
      {"[queues.a]\n[subscriptions.s]\ntopic = \"none\"\n", ":3: subscriptions.s.topic: there is no topic none", 66},
      {"[queues.a]\n[subscriptions.s]\ntopic = \"a\"\n", ":3: subscriptions.s.topic: ", 66},
      {"[queues.a]\n[subscriptions.s]\n", ":2: subscriptions.s: "},
      {"[queues.a]\n[subscriptions.s]\ntopic = \"events\"\nstart = \"noon\"\n", ":4: subscriptions.s.start: "},
      {"[queues.a]\ncolocate_with = \"none\"\n", ":2: queues.a.colocate_with: ", 66},
      {"[queues.a]\ncolocate_with = \"b\"\n[queues.b]\ncolocate_with = \"a\"\n", ":2: queues.a.colocate_with: "},
      {"[queues.events]\n", ":1: queues.events: there is a topic events already", 73},
      {"[queues.a]\n[topics.a]\n", ":2: topics.a: the name is taken by what "},
      {"[queue.a]\n", ":1: queue: a topology has "},
      {"[queues.a]\n[queues.a]\n", ":2: "},
      {"[queues.a\n", ":1: "},
      {"[queues.a]\nlease_duration = 10:00:00\n", ":2: queues.a.lease_duration cannot be "},
  };
  for (const auto& mistake : mistakes) {
    const Outcome refused = apply(mistake.text);
    EXPECT_EQ(refused.exit, mistake.exit) << mistake.text << refused.err;
    EXPECT_THAT(refused.err, HasSubstr(file_ + mistake.where)) << mistake.text;
    EXPECT_THAT(refused.out, IsEmpty());
  }
  EXPECT_EQ(names(), 1u);
  EXPECT_EQ(broker_.cli({"apply", "-f", broker_.dir() / "none"}).exit, 66);
  EXPECT_EQ(broker_.cli({"apply", "-f", broker_.dir().path()}).exit, 65);
  EXPECT_EQ(broker_.cli({"apply"}).exit, 64);
  EXPECT_EQ(apply("", {"--force"}).exit, 64) << "it is for --prune";
}

// --- Pruning ---------------------------------------------------------------------------------------------------------

TEST_F(ApplyTest, PruneDeletesWhatIsNotNamedAndSaysWhatGoes) {
  ASSERT_EQ(apply(kShop).exit, 0);
  for (const char* text : {"[queues.old]\n", "[topics.past]\n[subscriptions.gone]\ntopic = \"past\"\n"}) {
    ASSERT_EQ(apply(text).exit, 0);
  }
  ASSERT_EQ(broker_.cli({"publish", "past", "--body", "x"}).exit, 0);

  const Outcome kept = apply(kShop, {"--prune", "--yes"});
  EXPECT_EQ(kept.exit, 73);
  EXPECT_THAT(kept.out, HasSubstr("kept subscription gone: 1 message, 0 consumers"));
  EXPECT_THAT(kept.out, HasSubstr("kept topic past: it has a subscription that stays"));
  EXPECT_THAT(kept.out, HasSubstr("deleted queue old: 0 messages, 0 consumers"));
  EXPECT_EQ(names(), 5u);

  const Outcome forced = apply(kShop, {"--prune", "--force", "--yes"});
  EXPECT_EQ(forced.exit, 0) << forced.err;
  EXPECT_THAT(forced.out, HasSubstr("deleted subscription gone: 1 message, 0 consumers\ndeleted topic past\n"));
  EXPECT_EQ(names(), 3u);
}

TEST_F(ApplyTest, PruneSaysWhichCasesStay) {
  ASSERT_EQ(apply("[queues.old]\nmax_attempts = 1\n").exit, 0);
  ASSERT_EQ(broker_.cli({"publish", "old", "--body", "x"}).exit, 0);
  ASSERT_EQ(broker_.cli({"consume", "old", "--count", "1", "--exec", "exit 1"}).exit, 0);
  ASSERT_TRUE(eventually([&] { return shown("queues/old", "in_hospital") == "1"; }));
  const Outcome pruned = apply("[queues.orders]\n", {"--prune", "--yes"});
  EXPECT_EQ(pruned.exit, 0) << pruned.err;
  EXPECT_THAT(pruned.out, HasSubstr("deleted queue old: 0 messages, 0 consumers; 1 case stays in the hospital"));
  EXPECT_EQ(broker_.cli_json({"hospital", "list"}).size(), 1u);
}

/// A topic that a declared subscription reads is named by it.
TEST_F(ApplyTest, PruneLeavesWhatIsReferredTo) {
  ASSERT_EQ(apply(kShop).exit, 0);
  const Outcome pruned = apply("[subscriptions.billing]\ntopic = \"orders.events\"\n", {"--prune", "--yes"});
  EXPECT_EQ(pruned.exit, 0) << pruned.err;
  EXPECT_EQ(names(), 2u);
}

TEST_F(ApplyTest, AnEmptyFilePrunesNothingUnlessForced) {
  ASSERT_EQ(apply(kShop).exit, 0);
  EXPECT_EQ(apply("# nothing\n", {"--prune", "--yes"}).exit, 65);
  EXPECT_EQ(names(), 3u);
  EXPECT_EQ(apply("# nothing\n", {"--prune", "--force", "--yes"}).exit, 0);
  EXPECT_EQ(names(), 0u);
}

/// Answers what is asked on a terminal of the test's own; its output, and its exit status.
Outcome on_a_terminal(const std::vector<std::string>& command, const std::string& answer) {
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  if (child == 0) {
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  Outcome outcome;
  bool answered = false;
  char piece[1024];
  for (ssize_t got = 0; (got = ::read(terminal, piece, sizeof(piece))) > 0;) {
    outcome.out.append(piece, static_cast<std::size_t>(got));
    if (answered || outcome.out.find("[y/N]") == std::string::npos) continue;
    answered = ::write(terminal, answer.data(), answer.size()) == static_cast<ssize_t>(answer.size());
  }
  ::close(terminal);
  int status = 0;
  ::waitpid(child, &status, 0);
  outcome.exit = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

TEST_F(ApplyTest, WhereNobodyCanBeAskedPruneNeedsAYes) {
  ASSERT_EQ(apply("[queues.orders]\n[queues.old]\n").exit, 0);
  const Outcome refused = apply("[queues.orders]\n[queues.fresh]\n", {"--prune"});
  EXPECT_EQ(refused.exit, 64);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("queue old: 0 messages"), HasSubstr("say --yes")));
  EXPECT_EQ(names(), 2u) << "nothing was deleted, and nothing created either";
  EXPECT_EQ(apply("[queues.orders]\n[queues.fresh]\n", {"--prune", "--dry-run"}).exit, 0);
}

TEST_F(ApplyTest, OnATerminalPruneAsksFirst) {
  ASSERT_EQ(apply("[queues.orders]\n[queues.old]\n").exit, 0);
  const std::vector<std::string> arguments = {"apply", "-f", write("[queues.orders]\n[queues.fresh]\n"), "--prune"};
  const Outcome no = on_a_terminal(broker_.cli_command(arguments), "n\n");
  EXPECT_EQ(no.exit, 75);
  EXPECT_THAT(no.out, AllOf(HasSubstr("queue old: 0 messages"), HasSubstr("delete it? [y/N]"),
                            HasSubstr("nothing was changed")));
  EXPECT_EQ(names(), 2u) << "and nothing was created either";
  const Outcome yes = on_a_terminal(broker_.cli_command(arguments), "y\n");
  EXPECT_EQ(yes.exit, 0) << yes.out;
  EXPECT_THAT(yes.out, HasSubstr("deleted queue old"));
  ASSERT_EQ(broker_.cli({"queue", "create", "old"}).exit, 0);
  std::vector<std::string> sure = arguments;
  sure.push_back("--yes");
  EXPECT_THAT(on_a_terminal(broker_.cli_command(sure), "").out, Not(HasSubstr("[y/N]")));
  EXPECT_EQ(shown("queues/old", "name"), "404");
}

// --- For programs ----------------------------------------------------------------------------------------------------

TEST_F(ApplyTest, AsJsonEachLineIsAboutOne) {
  write(kShop);
  const auto created = broker_.cli_json({"apply", "-f", file_});
  ASSERT_EQ(created.size(), 3u);
  EXPECT_EQ(created[2], (boost::json::object{{"kind", "subscription"}, {"name", "billing"}, {"result", "created"}}));
  EXPECT_EQ(broker_.cli_json({"apply", "-f", file_})[0].at("result"), "unchanged");

  const Outcome differs = apply("[queues.orders]\nmax_attempts = 7\n", {"--json", "--dry-run"});
  EXPECT_EQ(differs.exit, 73);
  const auto line = json_lines(differs.out).at(0);
  EXPECT_EQ(line.at("result"), "different");
  EXPECT_EQ(line.at("dry_run"), true);
  const auto& difference = line.at("differences").at(0);
  EXPECT_EQ(difference.at("option"), "max_attempts");
  EXPECT_EQ(difference.at("is"), 3);
  EXPECT_EQ(difference.at("declared"), 7);
  EXPECT_EQ(text_of(difference, "place"), file_ + ":2");
  EXPECT_EQ(json_lines(differs.err).at(0).at("code"), "OPTIONS_MISMATCH");
}

// --- The HTTP API ----------------------------------------------------------------------------------------------------

TEST_F(ApplyTest, ADryRunOfAPutAnswersAsIfAndChangesNothing) {
  const auto put = [&](const std::string& path, const std::string& body) {
    return http(broker_.admin(), "PUT", "/api/v1/" + path + "?dry_run=true", body);
  };
  EXPECT_EQ(put("queues/q", R"({"max_attempts": 3})").json().at("max_attempts"), 3);
  EXPECT_EQ(put("queues/q", R"({"max_attempts": 3})").status, 201);
  EXPECT_EQ(put("queues/q", R"({"max_attempts": 0})").json().at("code"), "INVALID_OPTION");
  EXPECT_EQ(put("queues/q", R"({"colocate_with": "none"})").json().at("code"), "NOT_FOUND");
  EXPECT_EQ(put("subscriptions/s", R"({"topic": "none"})").json().at("code"), "NOT_FOUND");
  EXPECT_EQ(names(), 0u);
  ASSERT_EQ(broker_.cli({"queue", "create", "q"}).exit, 0);
  EXPECT_EQ(put("queues/q", "{}").status, 200);
  EXPECT_EQ(put("queues/q", R"({"max_attempts": 3})").json().at("code"), "OPTIONS_MISMATCH");
  EXPECT_EQ(put("topics/q", "{}").json().at("code"), "ALREADY_EXISTS");
  EXPECT_EQ(shown("queues/q", "max_attempts"), "5");
}

}  // namespace
}  // namespace lazaret::testing
