// CommandProcess: runs the command of `consume`, once for each message.
#pragma once

#include <sys/types.h>

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "lazaret/lazaret.h"

namespace lazaret::cli {

/// How a command ended.
struct CommandEnd {
  int exit = -1;           // its exit status, or -1
  int signal = 0;          // the signal that killed it, or 0
  std::string error_text;  // the last 4 KiB of its standard error
  /// "exit 1", "signal 9"
  std::string type() const;
};

/// A direct child of this process, in a process group of its own: a Ctrl-C is for us, who let the command finish. It
/// is killed when this process ends, in whatever way: the kernel sees to that (PR_SET_PDEATHSIG of the thread that
/// started it, which waits for it and so lives as long).
///
/// Threading: run from any number of threads.
class CommandProcess {
 public:
  explicit CommandProcess(std::vector<std::string> command) : command_(std::move(command)) {}

  /// Body on standard input, envelope in the environment (LAZARET_MSG_…); standard error is passed on and its end kept.
  /// When the delivery's stop token fires, the command is asked to end, and killed if it does not.
  CommandEnd run(const Delivery& delivery);
  /// Kills, with everything they started, those that still run.
  void kill_all();

 private:
  struct Child;
  Child start(const Delivery& delivery);
  void serve(Child& child, const Delivery& delivery, CommandEnd& end);

  const std::vector<std::string> command_;
  std::mutex mutex_;
  std::set<pid_t> running_;  // GUARDED_BY(mutex_)
};

}  // namespace lazaret::cli
