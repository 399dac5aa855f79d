// lazaret top: every queue and subscription, and the broker, looked at again and again.
#include <unistd.h>
#include <csignal>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "base/duration_text.h"
#include "commands.h"
#include "output.h"
#include "terminal_window.h"
#include "top_view.h"

namespace lazaret::cli {
namespace {

namespace asio = boost::asio;
using base::Code;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr milliseconds kShortestInterval{100};

struct TopOptions {
  std::string order = "state";
  std::optional<milliseconds> interval;
  std::uint64_t count = 0;  // 0: no end
};

/// One thread: looks one after the other. Signals and keys are served between them, and while an answer is awaited.
class Top {
 public:
  Top(const Connection& connection, const TopOptions& options)
      : json_(connection.json),
        count_(options.count),
        interval_(options.interval.value_or(std::chrono::seconds(2))),
        address_(connection.admin_address()),
        http_(address_) {
    heading_.address = address_;
    heading_.interval = base::format_duration(interval_);
    heading_.order = options.order;
    http_.while_it_waits([this] {
      serve(std::chrono::steady_clock::now());
      return !ended_;
    });
  }

  void run() {
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH}) signals_.add(number);
    await_signal();
    if (!look_first()) return;
    if (!json_ && is_terminal(STDOUT_FILENO)) window_.emplace(io_, [this](char key) { take_key(key); });
    SteadyTime due = std::chrono::steady_clock::now();
    show();
    while (!ended_) {
      due = std::max(due + interval_, std::chrono::steady_clock::now());
      serve(due);
      if (!ended_) look_again();
    }
  }

 private:
  /// Signals and keys until then, or the end.
  void serve(SteadyTime until) {
    io_.restart();
    do {
      io_.run_one_until(until);
    } while (!ended_ && !io_.stopped() && std::chrono::steady_clock::now() < until);
    io_.poll();
  }

  /// Whoever cannot be reached at first ends it here, with the error. False: somebody has ended it, which is none.
  bool look_first() {
    try {
      look_ = take_look(http_);
    } catch (const Error&) {
      if (!ended_) throw;
      return false;
    }
    compare(look_, nullptr);
    return true;
  }

  void look_again() {
    TopLook look;
    try {
      look = take_look(http_);
    } catch (const Error& error) {
      if (!ended_) tell(error.problem);
      return;
    }
    heading_.problem.clear();
    compare(look, &look_);
    look_ = std::move(look);
    show();
  }

  /// The broker is away, or says no. It comes back, or somebody ends this.
  void tell(const Problem& problem) {
    const bool is_new = heading_.problem.empty();
    heading_.problem = sentence_of(problem);
    if (window_) return draw();
    if (is_new) report(problem, json_);
  }

  void show() {
    sort_rows(look_.rows, heading_.order);
    if (json_) {
      print_json(top_json(look_));
    } else if (window_) {
      draw();
    } else {
      std::string block = shown_ > 0 ? "\n" : "";
      for (const std::string& line : top_lines(look_, heading_, 0, 0)) block += line + "\n";
      print(block);
    }
    if (++shown_ == count_) ended_ = true;
  }

  void draw() {
    const TerminalWindow::Size size = window_->size();
    window_->draw(top_lines(look_, heading_, size.columns, size.lines));
  }

  void take_key(char key) {
    if (key == 'q' || key == 'Q' || key == '\0') ended_ = true;
  }

  void await_signal() {
    signals_.async_wait([this](boost::system::error_code error, int number) {
      if (error) return;
      await_signal();
      if (number == SIGWINCH) {
        if (window_) draw();
      } else if (number == SIGTSTP) {
        if (window_) window_->leave();
        std::raise(SIGSTOP);
        if (!window_) return;
        window_->enter();
        draw();
      } else {
        ended_ = true;
      }
    });
  }

  const bool json_;
  const std::uint64_t count_;
  const milliseconds interval_;
  const std::string address_;
  HttpClient http_;
  TopHeading heading_;
  TopLook look_;
  std::uint64_t shown_ = 0;
  bool ended_ = false;
  asio::io_context io_{1};
  asio::signal_set signals_{io_};
  std::optional<TerminalWindow> window_;
};

}  // namespace

void add_top_command(CLI::App& app, const Connection& connection) {
  CLI::App* command = app.add_subcommand(
      "top", "Watch every queue and subscription: what they hold, rates, consumers, and how they are, worst first");
  const auto options = std::make_shared<TopOptions>();
  command
      ->add_option("--sort", options->order,
                   "By state, the worst first: breaker open, hospital full; nobody consuming, breaker trying; paused "
                   "with messages, hospital fills, ageing (the oldest ready for more than five minutes); isolating, "
                   "retrying; open cases; paused; fine. Of equals first that of which more attempts fail, then whose "
                   "oldest is older, then that with more cases. Or by name, ready, hospital, entered, acked, failed "
                   "(a second), oldest (state)")
      ->type_name("ORDER")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(kTopOrders), std::end(kTopOrders))));
  add_duration(*command, "--interval", options->interval, "From look to look; rates are those of this time (2s)");
  command->add_option("--count", options->count, "End after so many looks; the first has no rates")
      ->type_name("N")
      ->check(at_least_one());
  command->footer(
      "On a terminal it fills the window; q or Ctrl-C ends it. Elsewhere each look is a block of lines, with --json "
      "an\n"
      "object. A broker that goes away is waited for. Ends with a signal, exit status 0.");
  command->callback([&connection, options] {
    if (options->interval && *options->interval < kShortestInterval) {
      fail(Code::USAGE, "--interval must be 100ms or more");
    }
    Top(connection, *options).run();
  });
}

}  // namespace lazaret::cli
