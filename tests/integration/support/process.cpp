#include "integration/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

namespace lazaret::testing {
namespace {

using Clock = std::chrono::steady_clock;

/// argv and envp, made before the fork: between fork and exec nothing may allocate.
struct Arguments {
  Arguments(const std::vector<std::string>& command, const std::map<std::string, std::string>& extra) : words(command) {
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string text = *entry;
      if (!extra.contains(text.substr(0, text.find('=')))) variables.push_back(text);
    }
    for (const auto& [name, value] : extra) variables.push_back(name + "=" + value);
    for (auto& word : words) argv.push_back(word.data());
    for (auto& variable : variables) envp.push_back(variable.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
  }
  std::vector<std::string> words;
  std::vector<std::string> variables;
  std::vector<char*> argv;
  std::vector<char*> envp;
};

/// fork and exec; -1 leaves a stream as it is.
pid_t launch(Arguments& arguments, int in, int out, int err) {
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) throw std::runtime_error("fork failed");
  if (pid > 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  signal(SIGPIPE, SIG_DFL);
  if (in >= 0) dup2(in, 0);
  if (out >= 0) dup2(out, 1);
  if (err >= 0) dup2(err, 2);
  execvpe(arguments.argv[0], arguments.argv.data(), arguments.envp.data());
  const char text[] = "cannot be run\n";
  [[maybe_unused]] const auto written = write(2, text, sizeof text - 1);
  _exit(127);
}

int open_output(const std::string& path) {
  if (path.empty()) return -1;
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) throw std::runtime_error("cannot write " + path);
  return fd;
}

int status_of(int raw) { return WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw); }

struct Pipe {
  Pipe() {
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");
  }
  ~Pipe() {
    drop(0);
    drop(1);
  }
  void drop(int end) {
    if (ends[end] >= 0) close(ends[end]);
    ends[end] = -1;
  }
  std::array<int, 2> ends{-1, -1};
};

/// Reads what is there; closes the end when there is no more.
void read_some(Pipe& from, std::string& into) {
  std::array<char, 65536> buffer;
  const ssize_t got = read(from.ends[0], buffer.data(), buffer.size());
  if (got > 0) {
    into.append(buffer.data(), static_cast<std::size_t>(got));
  } else if (got == 0 || errno != EAGAIN) {
    from.drop(0);
  }
}

void write_some(Pipe& to, const std::string& text, std::size_t& written) {
  const ssize_t sent = write(to.ends[1], text.data() + written, text.size() - written);
  if (sent > 0) written += static_cast<std::size_t>(sent);
  if ((sent < 0 && errno != EAGAIN) || written == text.size()) to.drop(1);
}

/// Feeds and reads the three streams until the child has closed its outputs or time is up.
bool converse(Pipe& in, Pipe& out, Pipe& err, const std::string& input, Outcome& outcome, Clock::time_point end) {
  std::size_t written = 0;
  if (input.empty()) in.drop(1);
  while (out.ends[0] >= 0 || err.ends[0] >= 0) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now()).count();
    if (left <= 0) return false;
    std::array<pollfd, 3> fds{pollfd{out.ends[0], POLLIN, 0}, pollfd{err.ends[0], POLLIN, 0},
                              pollfd{in.ends[1], POLLOUT, 0}};
    poll(fds.data(), fds.size(), static_cast<int>(left));
    if (fds[0].revents != 0) read_some(out, outcome.out);
    if (fds[1].revents != 0) read_some(err, outcome.err);
    if (fds[2].revents != 0) write_some(in, input, written);
  }
  return true;
}

/// Whether every thread of the process is stopped: SIGSTOP reaches them one by one.
bool is_frozen(pid_t pid) {
  std::error_code gone;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", gone)) {
    const std::string status = read_file(task.path() / "stat");
    const std::size_t name_end = status.rfind(')');
    if (name_end == std::string::npos || status.compare(name_end, 3, ") T") != 0) return false;
  }
  return true;
}

}  // namespace

Process::Process(const ProcessOptions& options) {
  Arguments arguments(options.command, options.environment);
  const std::string input = options.input_file.empty() ? "/dev/null" : options.input_file;
  const int in = open(input.c_str(), O_RDONLY | O_CLOEXEC);
  const int out = open_output(options.output_file);
  const int err = open_output(options.error_file);
  pid_ = launch(arguments, in, out, err);
  for (const int fd : {in, out, err}) {
    if (fd >= 0) close(fd);
  }
}

Process::~Process() {
  if (pid_ > 0) kill9();
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), exit_(std::exchange(other.exit_, std::nullopt)) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    if (pid_ > 0) kill9();
    pid_ = std::exchange(other.pid_, -1);
    exit_ = std::exchange(other.exit_, std::nullopt);
  }
  return *this;
}

bool Process::running() { return pid_ > 0 && !wait(milliseconds(0)); }

void Process::signal(int number) {
  if (pid_ <= 0 || exit_) return;
  kill(pid_, number);
  if (number == SIGSTOP) eventually([this] { return is_frozen(pid_); });
}

std::optional<int> Process::wait(milliseconds limit) {
  const auto end = Clock::now() + limit;
  while (pid_ > 0 && !exit_) {
    int raw = 0;
    const pid_t got = waitpid(pid_, &raw, WNOHANG);
    if (got == pid_) exit_ = status_of(raw);
    if (got < 0 && errno != EINTR) exit_ = -1;
    if (exit_ || Clock::now() >= end) break;
    pause_for(milliseconds(2));
  }
  return exit_;
}

void Process::kill9() {
  signal(SIGKILL);
  wait(std::chrono::seconds(60));
}

Outcome run(const std::vector<std::string>& command, const std::string& input,
            const std::map<std::string, std::string>& environment, milliseconds limit) {
  ::signal(SIGPIPE, SIG_IGN);
  const auto end = Clock::now() + limit;
  Arguments arguments(command, environment);
  Pipe in, out, err;
  Outcome outcome;
  const pid_t pid = launch(arguments, in.ends[0], out.ends[1], err.ends[1]);
  in.drop(0);
  out.drop(1);
  err.drop(1);
  for (const int fd : {in.ends[1], out.ends[0], err.ends[0]}) fcntl(fd, F_SETFL, O_NONBLOCK);
  if (!converse(in, out, err, input, outcome, end)) {
    outcome.err += "\n[killed: still running after the limit of the test]\n";
    kill(pid, SIGKILL);
  }
  int raw = 0;
  while (waitpid(pid, &raw, 0) < 0 && errno == EINTR) {
  }
  outcome.exit = status_of(raw);
  return outcome;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_file(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "lazaret-test.XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
  path_ = pattern;
}

TempDir::~TempDir() {
  if (std::getenv("LAZARET_KEEP") != nullptr) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void pause_for(milliseconds time) { std::this_thread::sleep_for(time); }

}  // namespace lazaret::testing
