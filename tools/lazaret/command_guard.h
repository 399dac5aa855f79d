// CommandGuard: a small process between us and a command. It lives exactly as long as the command, and sees to it that
// the command and everything that it started end with us, however we end.
//
//   lazaret ─▶ guard (a fork of ours, which runs nothing else) ─▶ command ─▶ what the command starts
//
// The guard adopts orphans (PR_SET_CHILD_SUBREAPER), so nothing that the command started can leave its tree while it
// runs, not by a double fork, a group or a session of its own. When our end of its pipe closes, because we say so or
// because the kernel closes it after a kill -9, it kills its children until there are none. When the command has ended,
// the guard tells how and ends; what the command left running on purpose stays, as it would without a guard.
//
// Threading: `start` on any thread; a guard is used by one thread, `cut_off` excepted.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lazaret::cli {

/// A file descriptor that is closed at the end.
class File {
 public:
  File() = default;
  explicit File(int fd) : fd_(fd) {}
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~File() { close(); }
  int get() const { return fd_; }
  void close();

 private:
  int fd_ = -1;
};

class CommandGuard {
 public:
  /// What a guard does when it is told to; the bytes on its pipe.
  enum class Order : char {
    terminate = 'T',  // SIGTERM to the command's process group
    kill = 'K',       // SIGKILL to the command and everything that it started
  };

  /// Runs `command` in a process group of its own: a Ctrl-C is for us, who let it finish. `takes_output`: its standard
  /// output comes here; else it is ours. Throws Error without resources; a command that cannot be run ends with 126 or
  /// 127, as a shell has it.
  static CommandGuard start(const std::vector<std::string>& command, const std::vector<std::string>& environment,
                            bool takes_output = false);

  /// Ours of the command's standard input, output and error; they do not block.
  File& input() { return input_; }
  File& output() { return output_; }
  File& error() { return error_; }
  /// Readable when the command has ended.
  int ended_fd() const { return report_.get(); }
  void order(Order what) const;
  /// The command has ended: its wait status. nullopt: somebody has killed the guard, and with it the command.
  std::optional<int> join();

 private:
  CommandGuard() = default;
  pid_t pid_ = -1;
  File life_, report_, input_, output_, error_;
};

}  // namespace lazaret::cli
