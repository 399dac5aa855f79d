// lazaret top: on a terminal of the test's own, and where there is none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include <csignal>

#include "integration/support/broker.h"
#include "integration/support/http.h"

namespace lazaret::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

/// A program on a terminal, and what it has written to it.
class Terminal {
 public:
  Terminal(const std::vector<std::string>& command, unsigned short columns, unsigned short lines) {
    winsize size{};
    size.ws_col = columns;
    size.ws_row = lines;
    // Our end of the other side stays open: what the program leaves behind can be read after its end.
    if (::openpty(&master_, &slave_, nullptr, nullptr, &size) != 0) throw std::runtime_error("openpty");
    child_ = ::fork();
    if (child_ != 0) return;
    ::close(master_);
    ::login_tty(slave_);
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ~Terminal() {
    if (!exit_) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    ::close(master_);
    ::close(slave_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void type(char key) { ASSERT_EQ(::write(master_, &key, 1), 1); }
  void resize(unsigned short columns, unsigned short lines) {
    winsize size{};
    size.ws_col = columns;
    size.ws_row = lines;
    ASSERT_EQ(::ioctl(master_, TIOCSWINSZ, &size), 0);
  }
  /// Reads until the screen that was drawn last, and whole, is as wanted.
  template <class Wanted>
  bool shows(Wanted wanted) {
    return eventually([&] {
      read();
      return wanted(screen());
    });
  }
  /// Its exit status, or -1 when it does not end.
  int wait() {
    const bool ended = eventually([&] {
      read();
      int status = 0;
      if (!exit_ && ::waitpid(child_, &status, WNOHANG) == child_) {
        exit_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      }
      return exit_.has_value();
    });
    read();
    return ended ? *exit_ : -1;
  }
  /// Keys come as lines, and are shown.
  bool is_as_before() const {
    termios now{};
    EXPECT_EQ(::tcgetattr(slave_, &now), 0);
    return (now.c_lflag & ICANON) != 0 && (now.c_lflag & ECHO) != 0;
  }
  const std::string& written() const { return written_; }

 private:
  static constexpr std::string_view kTopLeft = "\x1b[H";

  void read() {
    pollfd ready{master_, POLLIN, 0};
    char piece[4096];
    while (::poll(&ready, 1, 0) > 0 && (ready.revents & POLLIN) != 0) {
      const ssize_t got = ::read(master_, piece, sizeof(piece));
      if (got <= 0) return;
      written_.append(piece, static_cast<std::size_t>(got));
    }
  }
  /// The lines of the last drawing but one: the last may not be here whole.
  std::vector<std::string> screen() const {
    const std::size_t end = written_.rfind(kTopLeft);
    if (end == std::string::npos || end == 0) return {};
    const std::size_t begin = written_.rfind(kTopLeft, end - 1);
    if (begin == std::string::npos) return {};
    std::vector<std::string> lines(1);
    for (std::size_t at = begin + kTopLeft.size(); at < end; ++at) {
      if (written_[at] == '\x1b') {
        while (at < end && std::isalpha(static_cast<unsigned char>(written_[at])) == 0) ++at;
      } else if (written_[at] == '\n') {
        lines.emplace_back();
      } else if (written_[at] != '\r') {
        lines.back() += written_[at];
      }
    }
    return lines;
  }

  int master_ = -1, slave_ = -1;
  pid_t child_ = -1;
  std::optional<int> exit_;
  std::string written_;
};

bool has(const std::vector<std::string>& lines, const std::string& text) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

class TopCli : public ::testing::Test {
 protected:
  /// `lazaret top --json`, whose lines go to a file.
  Process start(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"--json", "top", "--interval", "100ms"});
    return Process({.command = broker.cli_command(more), .output_file = out, .error_file = err});
  }
  /// Those that are whole.
  boost::json::array looks() const {
    const std::string text = read_file(out);
    return json_lines(text.substr(0, text.rfind('\n') + 1));
  }
  static boost::json::value row(const boost::json::value& look, const char* name) {
    for (const auto& item : look.at("items").as_array()) {
      if (item.at("name") == name) return item;
    }
    return nullptr;
  }
  Broker broker;
  const std::string out = broker.dir() / "out";
  const std::string err = broker.dir() / "err";
};

TEST_F(TopCli, LinesOfJsonWithWhatIsThere) {
  ASSERT_EQ(broker.cli({"queue", "create", "orders", "--max-attempts", "1"}).exit, 0);
  ASSERT_EQ(broker.cli({"topic", "create", "events"}).exit, 0);
  ASSERT_EQ(broker.cli({"subscription", "create", "mail", "--topic", "events"}).exit, 0);
  ASSERT_EQ(broker.cli({"subscription", "pause", "mail"}).exit, 0);
  ASSERT_EQ(broker.cli({"publish", "orders", "--jsonl"}, "1\n2\n3\n").exit, 0);
  ASSERT_EQ(broker.cli({"publish", "events", "--body", "x"}).exit, 0);
  ASSERT_EQ(broker.cli({"consume", "orders", "--count", "1", "--exec", "exit 1"}).exit, 0);
  ASSERT_TRUE(eventually([&] {
    const auto orders = broker.cli_json({"queue", "show", "orders"})[0];
    return orders.at("in_hospital") == 1 && orders.at("ready") == 2 && orders.at("consumers").as_array().empty();
  }));

  const auto seen = broker.cli_json({"top", "--count", "2", "--interval", "100ms"});
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_TRUE(seen[0].at("published_per_second").is_null());
  EXPECT_TRUE(seen[1].at("published_per_second").is_number());
  for (const auto& look : seen) {
    EXPECT_EQ(look.at("items").at(0).at("name"), "orders") << "the worse one";
    ASSERT_EQ(look.at("items").as_array().size(), 2u) << "topics hold nothing that waits";
    const auto orders = row(look, "orders");
    EXPECT_EQ(orders.at("kind"), "queue");
    EXPECT_EQ(orders.at("ready"), 2);
    EXPECT_EQ(orders.at("in_hospital"), 1);
    EXPECT_EQ(orders.at("breaker"), "closed");
    EXPECT_EQ(orders.at("state"), "nobody consuming");
    const auto mail = row(look, "mail");
    EXPECT_EQ(mail.at("kind"), "subscription");
    EXPECT_EQ(mail.at("ready"), 1);
    EXPECT_EQ(mail.at("paused"), true);
    EXPECT_EQ(mail.at("state"), "paused");
    EXPECT_GT(look.at("disk_total_bytes").to_number<double>(), 0);
  }
  const Outcome named = broker.cli({"--json", "top", "--count", "1", "--sort", "name"});
  EXPECT_EQ(json_lines(named.out)[0].at("items").at(0).at("name"), "mail");
}

TEST_F(TopCli, RatesAddUpToWhatWasPublished) {
  ASSERT_EQ(broker.cli({"queue", "create", "orders"}).exit, 0);
  Process top = start();
  ASSERT_TRUE(eventually([&] { return !looks().empty(); }));
  ASSERT_EQ(broker.cli({"publish", "orders", "--jsonl"}, "1\n2\n3\n4\n").exit, 0);
  ASSERT_EQ(broker.cli({"consume", "orders", "--print", "--count", "3"}).exit, 0);
  const auto sum_of = [&](const char* rate) {
    double sum = 0;
    for (const auto& look : looks()) {
      const auto orders = row(look, "orders");
      if (orders.at(rate).is_null()) continue;
      sum += orders.at(rate).to_number<double>() * look.at("seconds").to_number<double>();
    }
    return sum;
  };
  EXPECT_TRUE(eventually([&] { return sum_of("acked_per_second") > 2.9; }));
  EXPECT_NEAR(sum_of("acked_per_second"), 3, 0.001);
  EXPECT_NEAR(sum_of("entered_per_second"), 4, 0.001);
  top.signal(SIGINT);
  EXPECT_EQ(top.wait(10s), 0);
  EXPECT_EQ(read_file(err), "");
}

TEST_F(TopCli, FollowsThePagesOfTheLists) {
  for (int i = 0; i < 1005; ++i) {
    const auto made = http(broker.admin(), "PUT", "/api/v1/queues/q" + std::to_string(i), "{}");
    ASSERT_EQ(made.status, 201);
  }
  EXPECT_EQ(broker.cli_json({"top", "--count", "1"})[0].at("items").as_array().size(), 1005u);
}

TEST_F(TopCli, ABrokerThatGoesIsWaitedFor) {
  ASSERT_EQ(broker.cli({"queue", "create", "orders"}).exit, 0);
  Process top = start();
  ASSERT_TRUE(eventually([&] { return !looks().empty(); }));
  const auto first = looks()[0].at("instance");
  broker.kill9();
  ASSERT_TRUE(eventually([&] { return !read_file(err).empty(); }));
  EXPECT_EQ(json_lines(read_file(err))[0].at("code"), "UNREACHABLE");
  broker.start();
  ASSERT_TRUE(eventually([&] { return looks().back().at("instance") != first; }));
  ASSERT_TRUE(eventually([&] { return looks().back().at("published_per_second").is_number(); }));
  for (const auto& look : looks()) {
    if (look.at("instance") == first) continue;
    EXPECT_TRUE(look.at("published_per_second").is_null()) << "the first of the new one is compared with nothing";
    break;
  }
  EXPECT_EQ(json_lines(read_file(err)).size(), 1u) << "it is said once";
  top.signal(SIGTERM);
  EXPECT_EQ(top.wait(10s), 0);
}

TEST_F(TopCli, WhoeverCannotBeReachedAtFirstEndsIt) {
  broker.kill9();
  EXPECT_EQ(broker.cli({"top"}).exit, 69);
  EXPECT_EQ(broker.cli({"top", "--count", "0"}).exit, 64);
  EXPECT_EQ(broker.cli({"top", "--interval", "99ms"}).exit, 64);
  EXPECT_EQ(broker.cli({"top", "--sort", "size"}).exit, 64);
}

/// Whether a process sees to a signal itself.
bool catches(pid_t process, int number) {
  const std::string status = read_file("/proc/" + std::to_string(process) + "/status");
  const std::size_t at = status.find("SigCgt:");
  return at != std::string::npos && (std::stoull(status.substr(at + 7), nullptr, 16) >> (number - 1) & 1) == 1;
}

TEST_F(TopCli, ASignalDuringTheFirstLookIsNoError) {
  broker.signal(SIGSTOP);  // it takes the connection, and never answers
  Process top = start();
  ASSERT_TRUE(eventually([&] { return catches(top.pid(), SIGINT); }));
  top.signal(SIGINT);
  EXPECT_EQ(top.wait(10s), 0) << "a request has 15";
  EXPECT_EQ(read_file(err), "");
  EXPECT_EQ(read_file(out), "");
  broker.signal(SIGCONT);
}

TEST_F(TopCli, BlocksOfLinesWhereThereIsNoTerminal) {
  ASSERT_EQ(broker.cli({"queue", "create", "orders"}).exit, 0);
  const Outcome seen = broker.cli({"top", "--count", "2", "--interval", "100ms"});
  ASSERT_EQ(seen.exit, 0) << seen.err;
  EXPECT_EQ(seen.out.find('\x1b'), std::string::npos) << seen.out;
  const std::size_t second = seen.out.find("\n\nlazaret top ");
  ASSERT_NE(second, std::string::npos) << seen.out;
  EXPECT_THAT(seen.out.substr(0, second), Not(HasSubstr("published/s")));
  EXPECT_THAT(seen.out.substr(second), HasSubstr("0 published/s"));
  EXPECT_THAT(seen.out.substr(second), HasSubstr("orders"));
}

// --- On a terminal ---------------------------------------------------------------------------------------------------

TEST_F(TopCli, FillsTheWindowAndGivesTheTerminalBack) {
  for (int i = 10; i < 50; ++i) ASSERT_EQ(broker.cli({"queue", "create", "queue" + std::to_string(i)}).exit, 0);
  Terminal terminal(broker.cli_command({"top", "--sort", "name", "--interval", "100ms"}), 80, 24);
  ASSERT_TRUE(terminal.shows([](const auto& lines) { return has(lines, "queue10"); })) << terminal.written();
  EXPECT_TRUE(terminal.shows([](const auto& lines) {
    return lines.size() == 24 && !has(lines, "queue49") && has(lines, " more") &&
           std::all_of(lines.begin(), lines.end(), [](const std::string& line) { return line.size() <= 80; });
  }));
  EXPECT_FALSE(terminal.is_as_before());

  terminal.resize(40, 60);
  EXPECT_TRUE(terminal.shows([](const auto& lines) {
    return lines.size() > 24 && has(lines, "queue49") && !has(lines, " more") &&
           std::all_of(lines.begin(), lines.end(), [](const std::string& line) { return line.size() <= 40; });
  }));
  terminal.type('x');  // means nothing
  terminal.type('q');
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_TRUE(terminal.is_as_before());
  EXPECT_THAT(terminal.written(), HasSubstr("\x1b[?1049h"));
  EXPECT_TRUE(terminal.written().ends_with("\x1b[?25h\x1b[?1049l")) << "the cursor, and what was there before";
}

TEST_F(TopCli, ControlCEndsIt) {
  Terminal terminal(broker.cli_command({"top", "--interval", "1h"}), 80, 24);
  ASSERT_TRUE(eventually([&] { return !terminal.is_as_before(); }));
  terminal.type('\x03');
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_TRUE(terminal.is_as_before());
  EXPECT_TRUE(terminal.written().ends_with("\x1b[?25h\x1b[?1049l"));
}

TEST_F(TopCli, EndsAtOnceAlsoWhileTheBrokerDoesNotAnswer) {
  Terminal terminal(broker.cli_command({"top", "--interval", "100ms"}), 80, 24);
  ASSERT_TRUE(terminal.shows([](const auto& lines) { return has(lines, "no queue"); }));
  broker.signal(SIGSTOP);
  pause_for(300ms);  // long enough for it to ask; ending in time must not depend on it
  const auto begin = std::chrono::steady_clock::now();
  terminal.type('q');
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s) << "a request has 15";
  broker.signal(SIGCONT);
}

TEST_F(TopCli, SaysOnTheTerminalThatTheBrokerIsAway) {
  ASSERT_EQ(broker.cli({"queue", "create", "orders"}).exit, 0);
  Terminal terminal(broker.cli_command({"top", "--interval", "100ms"}), 120, 24);
  ASSERT_TRUE(terminal.shows([](const auto& lines) { return has(lines, "orders"); }));
  broker.kill9();
  EXPECT_TRUE(terminal.shows([](const auto& lines) { return has(lines, "UNREACHABLE") && has(lines, "orders"); }));
  broker.start();
  EXPECT_TRUE(
      terminal.shows([](const auto& lines) { return !has(lines, "UNREACHABLE") && has(lines, "published/s"); }));
  terminal.type('q');
  EXPECT_EQ(terminal.wait(), 0);
}

}  // namespace
}  // namespace lazaret::testing
