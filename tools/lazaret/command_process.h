// CommandProcess: runs the command of `consume` or `respond`, once for each message.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "command_guard.h"
#include "lazaret/lazaret.h"

namespace lazaret::cli {

/// How a command ended.
struct CommandEnd {
  int exit = -1;            // its exit status, or -1
  int signal = 0;           // the signal that killed it, or 0
  std::string error_text;   // the last 64 KiB of its standard error
  std::string output;       // its standard output, if that was asked for
  bool output_cut = false;  // there was more than any message may have
  /// "exit 1", "signal 9"
  std::string type() const;
};

/// The last bytes of a text, from the beginning of a character on.
std::string last_of(std::string_view text, std::size_t most);

/// Each run has a guard (command_guard.h), with which the command and what it started are killed when this process
/// ends, in whatever way.
///
/// Threading: run from any number of threads.
class CommandProcess {
 public:
  /// `takes_output`: what it writes to its standard output is kept; else it is ours.
  explicit CommandProcess(std::vector<std::string> command, bool takes_output = false)
      : command_(std::move(command)), takes_output_(takes_output) {}

  /// Body on standard input, envelope in the environment (LAZARET_MSG_…, and LAZARET_TICKET of a request); standard
  /// error is passed on and its end kept. When the delivery's stop token fires, the command is asked to end, and killed
  /// if it does not.
  CommandEnd run(const Delivery& delivery);
  /// Kills, with everything they started, those that still run, and waits a moment for their ends.
  void kill_all();

 private:
  void serve(CommandGuard& guard, const Delivery& delivery, CommandEnd& end);

  const std::vector<std::string> command_;
  const bool takes_output_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<const CommandGuard*> running_;  // GUARDED_BY(mutex_)
};

}  // namespace lazaret::cli
