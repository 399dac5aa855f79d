// lazaret consume: commands and their exit statuses, what they are given, and how it ends.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "integration/support/broker.h"

namespace lazaret::testing {
namespace {

bool is_alive(const std::string& pid_file) {
  const std::string pid = read_file(pid_file);
  if (pid.empty()) return false;
  const std::string state = read_file("/proc/" + std::to_string(std::stoi(pid)) + "/stat");
  return !state.empty() && state.find(") Z") == std::string::npos;
}

class ConsumeCli : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(broker.cli({"queue", "create", "q", "--max-attempts", "2", "--backoff-initial", "1ms"}).exit, 0);
  }
  void publish(const std::string& lines) { ASSERT_EQ(broker.cli({"publish", "q", "--jsonl"}, lines).exit, 0); }
  boost::json::value queue() { return broker.cli_json({"queue", "show", "q"})[0]; }
  boost::json::value last_attempt_of(const boost::json::value& one) {
    const std::string id(one.at("id").as_string());
    return broker.cli_json({"hospital", "show", id})[0].at("attempts").as_array().back();
  }
  Process start(const std::vector<std::string>& arguments) {
    return Process({.command = broker.cli_command(arguments), .output_file = broker.dir() / "out"});
  }
  Broker broker;
};

TEST_F(ConsumeCli, PrintsAndAcks) {
  publish("a\nb\nc\n");
  EXPECT_EQ(broker.cli({"consume", "q", "--print", "--count", "2"}).out, "a\nb\n");
  EXPECT_EQ(queue().at("acked_total"), 2);
  const auto last = broker.cli_json({"consume", "q", "--print", "--idle-exit", "100ms"});
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last[0].at("body"), "c");
  EXPECT_EQ(last[0].at("source"), "q");
  EXPECT_EQ(last[0].at("offset"), 2);
  EXPECT_EQ(last[0].at("attempt"), 1);
  EXPECT_EQ(last[0].at("redelivered"), false) << "it had been here with the first consumer, and was not begun";
  EXPECT_EQ(queue().at("ready"), 0);
}

TEST_F(ConsumeCli, ACommandGetsBodyAndEnvelope) {
  ASSERT_EQ(broker
                .cli({"publish", "q", "--key", "k", "--type", "t", "--correlation-id", "c", "--header", "X-Trace=7",
                      "--id", "01890a5d-ac96-774b-bcce-b302099a8057"},
                     "the body")
                .exit,
            0);
  const Outcome outcome =
      broker.cli({"consume", "q", "--count", "1", "--", "sh", "-c",
                  "cat; echo \"|$LAZARET_MSG_ID|$LAZARET_MSG_SOURCE|$LAZARET_MSG_OFFSET|$LAZARET_MSG_KEY|"
                  "$LAZARET_MSG_TYPE|$LAZARET_MSG_ATTEMPT|$LAZARET_MSG_CORRELATION_ID|$LAZARET_MSG_HEADER_X_TRACE\""});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "the body|01890a5d-ac96-774b-bcce-b302099a8057|q|0|k|t|1|c|7\n");
  EXPECT_EQ(queue().at("acked_total"), 1);
}

TEST_F(ConsumeCli, ExitStatusesAreVerdicts) {
  publish("0\n65\n1\n");
  const Outcome outcome =
      broker.cli({"consume", "q", "--count", "4", "--exec",
                  "read n; for i in $(seq 2000); do echo line $i; done >&2; echo why >&2; exit $n"});
  EXPECT_EQ(outcome.exit, 0);
  const auto now = queue();
  EXPECT_EQ(now.at("acked_total"), 1);
  EXPECT_EQ(now.at("in_hospital"), 2);
  for (const auto& one : broker.cli_json({"hospital", "list"})) {
    const bool rejected = one.at("reason") == "rejected";
    EXPECT_EQ(one.at("attempt_count"), rejected ? 1 : 2);
    EXPECT_EQ(one.at("error_type"), rejected ? "exit 65" : "exit 1");
    EXPECT_EQ(one.at("error_message"), "why") << "the last line";
    const std::string all(last_attempt_of(one).at("error_details").as_string());
    EXPECT_TRUE(all.starts_with("line 1\nline 2\n")) << all.substr(0, 100);
    EXPECT_TRUE(all.ends_with("\nline 2000\nwhy")) << all.substr(all.size() - 100);
  }
}

TEST_F(ConsumeCli, OfALongStandardErrorTheEndIsKept) {
  publish("x\n");
  ASSERT_EQ(broker
                .cli({"consume", "q", "--count", "1", "--exec",
                      "for i in $(seq 20000); do echo line $i; done >&2; echo why >&2; exit 65"})
                .exit,
            0);
  const auto cases = broker.cli_json({"hospital", "list"});
  ASSERT_EQ(cases.size(), 1u);
  const std::string all(last_attempt_of(cases[0]).at("error_details").as_string());
  EXPECT_TRUE(all.ends_with("\nline 20000\nwhy")) << all.substr(all.size() - 100);
  EXPECT_LE(all.size(), 64u << 10);
  EXPECT_GT(all.size(), (64u << 10) - 100);
}

/// Three failures with one cause, of a program that logs whom it works for.
TEST_F(ConsumeCli, TheStackOnStandardErrorIsTheError) {
  publish("ann\nbob\ncarol\n");
  const std::string script = broker.dir() / "ledger.py";
  write_file(script,
             "import sys\n"
             "def post(bill):\n"
             "    return bill['total']\n"
             "name = sys.stdin.read()\n"
             "print('INFO: handling the bill of', name, file=sys.stderr)\n"
             "post({'name': name})\n");
  // Two attempts each.
  ASSERT_EQ(broker.cli({"consume", "q", "--count", "6", "--", "python3", script}).exit, 0);
  const auto groups = broker.cli_json({"hospital", "groups"});
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].at("count"), 3);
  EXPECT_EQ(groups[0].at("error_type"), "KeyError");
  EXPECT_EQ(groups[0].at("error_text"), "'#'");
  EXPECT_EQ(groups[0].at("error_frames"), (boost::json::array{"ledger.post", "ledger.<module>"}));
  const auto cases = broker.cli_json({"hospital", "list", "--filter", "error~total"});
  ASSERT_EQ(cases.size(), 3u);
  for (const auto& one : cases) {
    EXPECT_EQ(one.at("error_type"), "KeyError");
    EXPECT_EQ(one.at("error_message"), "'total'");
    const std::string all(last_attempt_of(one).at("error_details").as_string());
    EXPECT_TRUE(all.starts_with("| INFO: handling the bill of ")) << all;
    EXPECT_NE(all.find("\nTraceback (most recent call last):\n"), std::string::npos) << all;
    EXPECT_TRUE(all.ends_with("\nKeyError: 'total'")) << all;
  }
}

/// What is shown of it, and that replays for a version wait for it.
TEST_F(ConsumeCli, HasTheNameAndTheVersionOfItsService) {
  publish("x\n");
  const auto consume = [&](const std::vector<std::string>& as, const std::string& count, const std::string& shell) {
    std::vector<std::string> arguments{"consume", "q", "--count", count, "--exec", shell};
    arguments.insert(arguments.end(), as.begin(), as.end());
    return broker.cli(arguments).exit;
  };
  ASSERT_EQ(consume({"--as", "billing", "--as-version", "2.4.1"}, "2", "exit 1"), 0);
  const auto groups = broker.cli_json({"hospital", "groups"});
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].at("first_seen_with"), (boost::json::object{{"name", "billing"}, {"version", "2.4.1"}}));
  EXPECT_NE(broker.cli({"hospital", "groups"}).out.find("  billing 2.4.1  "), std::string::npos);
  const auto cases = broker.cli_json({"hospital", "list"});
  ASSERT_EQ(cases.size(), 1u);
  const auto consumer = last_attempt_of(cases[0]).at("consumer");
  EXPECT_EQ(consumer.at("name"), "billing");
  EXPECT_EQ(consumer.at("version"), "2.4.1");
  const Outcome shown = broker.cli({"hospital", "show", std::string(cases[0].at("id").as_string())});
  EXPECT_NE(shown.out.find("  billing 2.4.1  "), std::string::npos) << shown.out;

  ASSERT_EQ(broker.cli({"hospital", "replay", "--filter", "queue=q", "--after-version", ">=2.4.2", "--yes"}).exit, 0);
  EXPECT_EQ(consume({"--as", "billing", "--as-version", "2.4.1", "--idle-exit", "300ms"}, "1", "true"), 0);
  EXPECT_EQ(queue().at("acked_total"), 0) << "it is not for this version";
  EXPECT_EQ(consume({"--as", "billing", "--as-version", "2.4.2"}, "1", "true"), 0);
  EXPECT_EQ(queue().at("acked_total"), 1);
  EXPECT_TRUE(eventually([&] {
    return broker.cli_json({"hospital", "replays", "list"})[0].at("state") == boost::json::value("done");
  }));

  EXPECT_EQ(consume({"--as-version", "2.4.2"}, "1", "true"), 64) << "of which service?";
  EXPECT_EQ(consume({"--as", ""}, "1", "true"), 64);
  EXPECT_EQ(consume({"--as", std::string(201, 'x')}, "1", "true"), 64);
}

TEST_F(ConsumeCli, ASignalFailsTheAttemptAnd75WaitsLonger) {
  publish("9\n75\n");
  EXPECT_EQ(broker
                .cli({"consume", "q", "--count", "3", "--retry-after", "1h", "--exec",
                      "read n; test $n = 75 && exit 75; kill -9 $$"})
                .exit,
            0);
  const auto cases = broker.cli_json({"hospital", "list"});
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_EQ(cases[0].at("error_type"), "signal 9");
  EXPECT_EQ(queue().at("waiting"), 1);
}

TEST_F(ConsumeCli, ACommandThatCannotBeRunEndsIt) {
  publish("a\nb\n");
  for (const auto& command : {std::vector<std::string>{"consume", "q", "--", "/nowhere/nothing"},
                              std::vector<std::string>{"consume", "q", "--exec", "exit 126"}}) {
    EXPECT_EQ(broker.cli(command).exit, 64);
  }
  // Everything was given back, and none of these attempts counts as failed: that would be the limit.
  EXPECT_EQ(broker.cli({"consume", "q", "--", "/nowhere/nothing"}).exit, 64);
  EXPECT_EQ(queue().at("ready"), 2);
  EXPECT_EQ(queue().at("in_hospital"), 0);
}

TEST_F(ConsumeCli, NeedsOneWayAndAQueue) {
  EXPECT_EQ(broker.cli({"consume", "q"}).exit, 64);
  EXPECT_EQ(broker.cli({"consume", "q", "--print", "--exec", "cat"}).exit, 64);
  EXPECT_EQ(broker.cli({"consume", "q", "--print", "--", "cat"}).exit, 64);
  EXPECT_EQ(broker.cli({"consume", "q", "--print", "--idle-exit", "soon"}).exit, 64);
  EXPECT_EQ(broker.cli({"consume", "none", "--print"}).exit, 66);
}

TEST_F(ConsumeCli, CommandsRunAtTheSameTime) {
  publish("1\n2\n3\n4\n");
  // Each waits for the other three: a pipe is read by all, and written by the fourth.
  const std::string meet = "touch " + (broker.dir() / "here") + ".$LAZARET_MSG_OFFSET; until test $(ls " +
                           (broker.dir() / "here") + ".* | wc -l) = 4; do sleep 0.01; done";
  EXPECT_EQ(broker.cli({"consume", "q", "--count", "4", "--concurrency", "4", "--exec", meet}).exit, 0);
  EXPECT_EQ(queue().at("acked_total"), 4);
}

TEST_F(ConsumeCli, ASignalLetsTheCommandFinish) {
  publish("a\nb\n");
  const std::string begun = broker.dir() / "begun";
  const std::string go_on = broker.dir() / "go";
  Process consume = start({"consume", "q", "--exec",
                           "echo $$ > " + begun + "; until test -e " + go_on + "; do sleep 0.01; done; echo finished"});
  ASSERT_TRUE(eventually([&] { return !read_file(begun).empty(); }));
  consume.signal(SIGTERM);
  EXPECT_FALSE(consume.wait(milliseconds(200))) << "it waits for the command";
  write_file(go_on, "");
  EXPECT_EQ(consume.wait(std::chrono::seconds(20)), 0);
  EXPECT_EQ(read_file(broker.dir() / "out"), "finished\n");
  EXPECT_EQ(queue().at("acked_total"), 1);
  EXPECT_EQ(queue().at("ready"), 1);
}

TEST_F(ConsumeCli, TheCommandDiesWithIt) {
  publish("a\n");
  const std::string begun = broker.dir() / "begun";
  Process consume = start({"consume", "q", "--exec", "echo $$ > " + begun + "; exec sleep 1000"});
  ASSERT_TRUE(eventually([&] { return !read_file(begun).empty(); }));
  ASSERT_TRUE(is_alive(begun));
  consume.kill9();
  EXPECT_TRUE(eventually([&] { return !is_alive(begun); }));
}

/// Whatever a shell starts: in the background, in a session of its own, and with nobody between it and the command.
TEST_F(ConsumeCli, WhatTheCommandStartedDiesWithIt) {
  publish("a\n");
  const std::string begun = broker.dir() / "begun";
  const auto sleeper = [&](const std::string& name) {
    return "sh -c 'echo $$ > " + begun + "." + name + "; exec sleep 1000'";
  };
  Process consume = start({"consume", "q", "--exec",
                           sleeper("child") + " & setsid " + sleeper("session") + " & (setsid " + sleeper("orphan") +
                               " &); (trap '' TERM INT HUP; " + sleeper("deaf") + "; true)"});
  for (const char* name : {".child", ".session", ".orphan", ".deaf"}) {
    ASSERT_TRUE(eventually([&] { return is_alive(begun + name); })) << name;
  }
  consume.kill9();
  for (const char* name : {".child", ".session", ".orphan", ".deaf"}) {
    EXPECT_TRUE(eventually([&] { return !is_alive(begun + name); })) << name;
  }
}

TEST_F(ConsumeCli, WhatAFinishedCommandLeftRunningStays) {
  publish("a\n");
  const std::string left = broker.dir() / "left";
  EXPECT_EQ(broker
                .cli({"consume", "q", "--count", "1", "--exec",
                      "sh -c 'echo $$ > " + left + "; exec sleep 1000' >&- 2>&- & until test -s " + left +
                          "; do sleep 0.01; done"})
                .exit,
            0);
  ASSERT_TRUE(is_alive(left));
  ::kill(std::stoi(read_file(left)), SIGKILL);
}

TEST_F(ConsumeCli, ASecondSignalKillsTheCommand) {
  publish("a\n");
  const std::string begun = broker.dir() / "begun";
  Process consume =
      start({"consume", "q", "--exec", "trap '' TERM; echo $$ > " + begun + "; while :; do sleep 1; done"});
  ASSERT_TRUE(eventually([&] { return !read_file(begun).empty(); }));
  consume.signal(SIGTERM);
  EXPECT_FALSE(consume.wait(milliseconds(100)));
  consume.signal(SIGTERM);
  EXPECT_EQ(consume.wait(std::chrono::seconds(20)), 1) << "something was abandoned";
  EXPECT_FALSE(is_alive(begun));
  EXPECT_EQ(queue().at("ready"), 1) << "given back with the goodbye";
}

TEST_F(ConsumeCli, OutlastsARestartOfTheBroker) {
  publish("a\n");
  Process consume = start({"consume", "q", "--print", "--count", "2"});
  ASSERT_TRUE(eventually([&] { return read_file(broker.dir() / "out") == "a\n"; }));
  broker.restart();
  publish("b\n");
  EXPECT_EQ(consume.wait(std::chrono::seconds(30)), 0);
  EXPECT_EQ(read_file(broker.dir() / "out"), "a\nb\n");
  EXPECT_EQ(queue().at("acked_total"), 2);
}

TEST_F(ConsumeCli, WhatCannotBePrintedIsNotAcked) {
  publish("a\n");
  const std::vector<std::string> consume = broker.cli_command({"consume", "q", "--print"});
  std::vector<std::string> command = {"sh", "-c", "exec \"$@\" > /dev/full", "sh"};
  command.insert(command.end(), consume.begin(), consume.end());
  EXPECT_EQ(run(command).exit, 1);
  EXPECT_EQ(queue().at("ready"), 1);
}

/// A pipe that takes nothing until it is read: what a pager is that nobody scrolls.
class FullPipe {
 public:
  explicit FullPipe(std::string path) : path_(std::move(path)) {
    if (::mkfifo(path_.c_str(), 0600) != 0) throw std::runtime_error("mkfifo " + path_);
    end_ = ::open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (end_ < 0) throw std::runtime_error("cannot open " + path_);
    const std::string page(4096, '.');
    while (::write(end_, page.data(), page.size()) > 0) {
    }
    while (::write(end_, ".", 1) == 1) {
    }
  }
  ~FullPipe() { ::close(end_); }
  FullPipe(const FullPipe&) = delete;
  FullPipe& operator=(const FullPipe&) = delete;
  const std::string& path() const { return path_; }
  /// What is in it and was not read yet, but for what it was filled with.
  std::string read() {
    char piece[4096];
    for (ssize_t got = 0; (got = ::read(end_, piece, sizeof(piece))) > 0;) {
      text_.append(piece, static_cast<std::size_t>(got));
    }
    return text_.substr(std::min(text_.find_first_not_of('.'), text_.size()));
  }

 private:
  const std::string path_;
  int end_ = -1;
  std::string text_;
};

/// It is told by a thread that nothing else waits for: the session goes on.
TEST_F(ConsumeCli, ARefusalThatNobodyReadsStopsNothing) {
  FullPipe errors(broker.dir() / "errors");
  publish("bad\n");
  Process consume({.command = broker.cli_command({"consume", "q", "--publish-to", "nowhere", "--exec",
                                                  "read body; test $body != bad || echo out"}),
                   .error_file = errors.path()});
  ASSERT_TRUE(eventually([&] { return queue().at("in_hospital") == 1; })) << "both of its attempts failed";
  publish("good\n");
  EXPECT_TRUE(eventually([&] { return queue().at("acked_total") == 1; }));
  ASSERT_TRUE(eventually([&] { return errors.read().find("NOT_FOUND") != std::string::npos; }));
  consume.signal(SIGTERM);
  EXPECT_EQ(consume.wait(std::chrono::seconds(20)), 0);
  const std::string told = errors.read();
  EXPECT_EQ(told.find("NOT_FOUND"), told.rfind("NOT_FOUND")) << "once: " << told;
  EXPECT_NE(told.find("consumed 1, failed 2, rejected 0, released 0"), std::string::npos) << told;
}

TEST_F(ConsumeCli, ABodyThatNobodyReadsAndALargeOne) {
  ASSERT_EQ(broker.cli({"publish", "q"}, std::string(4u << 20, 'x')).exit, 0);
  ASSERT_EQ(broker.cli({"publish", "q"}, std::string(4u << 20, 'y')).exit, 0);
  const Outcome outcome =
      broker.cli({"consume", "q", "--count", "2", "--exec", "test $LAZARET_MSG_OFFSET = 0 || wc -c"});
  EXPECT_EQ(outcome.exit, 0);
  EXPECT_EQ(std::stoi(outcome.out), 4 << 20);
  EXPECT_EQ(queue().at("acked_total"), 2);
}

}  // namespace
}  // namespace lazaret::testing
