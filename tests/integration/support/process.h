// Process: a child process of a test, which never outlives it.
//
// Threading: start children from a thread that lives as long as they do (the main thread, as a
// rule): the kernel kills them when the thread that started them ends.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lazaret::testing {

using std::chrono::milliseconds;

/// How a process ended: its exit status, or 128 plus the signal that killed it.
struct Outcome {
  int exit = -1;
  std::string out;
  std::string err;
};

struct ProcessOptions {
  std::vector<std::string> command{};
  /// Added to the environment of the test.
  std::map<std::string, std::string> environment{};
  /// Files for the three streams; "" is /dev/null for the first and the test's own for the others.
  std::string input_file{};
  std::string output_file{};
  std::string error_file{};
};

class Process {
 public:
  Process() = default;
  explicit Process(const ProcessOptions& options);
  /// Kills what still runs.
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;

  pid_t pid() const { return pid_; }
  bool running();
  /// After SIGSTOP it is frozen when this returns.
  void signal(int number);
  /// The exit status as in Outcome, or nullopt when it still runs after `limit`.
  std::optional<int> wait(milliseconds limit);
  /// SIGKILL, and wait for the end.
  void kill9();

 private:
  pid_t pid_ = -1;
  std::optional<int> exit_;
};

/// Runs a command to its end with `input` on standard input; killed (137) when `limit` is over.
Outcome run(const std::vector<std::string>& command, const std::string& input = "",
            const std::map<std::string, std::string>& environment = {}, milliseconds limit = std::chrono::seconds(60));

/// Calls `done` every few milliseconds until it says true; false when `limit` was over first.
template <class Condition>
bool eventually(Condition done, milliseconds limit = std::chrono::seconds(30));

/// The text of a file, "" if there is none.
std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& text);

/// A new directory, removed with everything in it at the end (unless LAZARET_KEEP is set).
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

void pause_for(milliseconds time);

template <class Condition>
bool eventually(Condition done, milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    pause_for(milliseconds(5));
  }
  return true;
}

}  // namespace lazaret::testing
