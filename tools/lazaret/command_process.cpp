#include "command_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <stop_token>

#include "output.h"

extern char** environ;

namespace lazaret::cli {
namespace {

using base::Code;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kErrorBytes = 4096;
/// Between asking a command to end and killing it.
constexpr std::chrono::seconds kMercy{2};
/// How often we look after a command where the kernel has no descriptors for processes.
constexpr int kLookAfterMs = 20;
// As the shell has it: the command was found but cannot be run, was not found.
constexpr int kCannotRun = 126;
constexpr int kNotFound = 127;

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
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  File read, write;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail(Code::RESOURCE_EXHAUSTED, std::string("no pipe: ") + std::strerror(errno));
  return {File(ends[0]), File(ends[1])};
}

void do_not_block(const File& file) { ::fcntl(file.get(), F_SETFL, ::fcntl(file.get(), F_GETFL) | O_NONBLOCK); }

/// "content-type" → "CONTENT_TYPE"
std::string variable_part(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    out += lower ? static_cast<char>(c - 'a' + 'A') : plain ? c : '_';
  }
  return out;
}

std::vector<std::string> environment_of(const Delivery& delivery) {
  constexpr std::string_view kPrefix = "LAZARET_MSG_";
  std::vector<std::string> out;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!std::string_view(*variable).starts_with(kPrefix)) out.emplace_back(*variable);
  }
  const Message& message = delivery.message();
  const auto add = [&](const std::string& name, std::string value) {
    std::erase(value, '\0');  // no variable can hold one
    out.push_back(std::string(kPrefix) + name + "=" + value);
  };
  add("ID", message.id.to_string());
  add("SOURCE", message.source);
  add("OFFSET", std::to_string(message.offset));
  add("KEY", message.key);
  add("TYPE", message.type);
  add("ATTEMPT", std::to_string(delivery.attempt()));
  add("CORRELATION_ID", message.correlation_id);
  std::set<std::string> seen;  // of a header that is given several times, the first
  for (const auto& [name, value] : message.headers) {
    if (seen.insert(variable_part(name)).second) add("HEADER_" + variable_part(name), value);
  }
  return out;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

/// In the child, between fork and exec: only what is safe there, and no allocation.
[[noreturn]] void become(char* const* arguments, char* const* environment, int input, int error, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kCannotRun);  // the parent died before the line above
  ::dup2(input, STDIN_FILENO);
  ::dup2(error, STDERR_FILENO);
  if (::syscall(SYS_close_range, 3u, ~0u, 0u) != 0) {
    for (int fd = 3; fd < 1024; ++fd) ::close(fd);
  }
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execvpe(arguments[0], arguments, environment);
  const int wrong = errno;
  const char* why = ::strerrordesc_np(wrong);
  for (const char* text : {"lazaret: ", static_cast<const char*>(arguments[0]), ": ", why, "\n"}) {
    [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, text, std::strlen(text));
  }
  ::_exit(wrong == ENOENT ? kNotFound : kCannotRun);
}

}  // namespace

struct CommandProcess::Child {
  pid_t pid = -1;
  File handle;  // readable when it has ended; none on old kernels
  File input, error;
};

std::string CommandEnd::type() const {
  return signal != 0 ? "signal " + std::to_string(signal) : "exit " + std::to_string(exit);
}

CommandProcess::Child CommandProcess::start(const Delivery& delivery) {
  const std::vector<std::string> environment = environment_of(delivery);
  const std::vector<char*> arguments = pointers(command_);
  const std::vector<char*> variables = pointers(environment);
  Pipe input = make_pipe();
  Pipe error = make_pipe();
  const pid_t parent = ::getpid();
  Child child;
  child.pid = ::fork();
  if (child.pid < 0) fail(Code::RESOURCE_EXHAUSTED, std::string("cannot fork: ") + std::strerror(errno));
  if (child.pid == 0) become(arguments.data(), variables.data(), input.read.get(), error.write.get(), parent);
  ::setpgid(child.pid, child.pid);  // here too: whoever comes first
  {
    const std::lock_guard lock(mutex_);
    running_.insert(child.pid);
  }
  child.handle = File(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0u)));
  child.input = std::move(input.write);
  child.error = std::move(error.read);
  do_not_block(child.input);
  do_not_block(child.error);
  return child;
}

namespace {

/// Feeds the body; closes the pipe when all is written or nobody reads.
void feed(File& input, std::string_view& body) {
  while (!body.empty()) {
    const ssize_t written = ::write(input.get(), body.data(), body.size());
    if (written > 0) {
      body.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      break;
    }
  }
  input.close();
}

/// Passes standard error on and keeps its end; closes the pipe at its end.
void drain(File& error, std::string& tail) {
  std::array<char, 16384> bytes;
  for (;;) {
    const ssize_t read = ::read(error.get(), bytes.data(), bytes.size());
    if (read < 0 && errno == EINTR) continue;
    if (read < 0 && errno == EAGAIN) return;
    if (read <= 0) return error.close();
    [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, bytes.data(), static_cast<std::size_t>(read));
    tail.append(bytes.data(), static_cast<std::size_t>(read));
    if (tail.size() > 2 * kErrorBytes) tail.erase(0, tail.size() - kErrorBytes);
  }
}

/// The last bytes, from the beginning of a character on, without the line feed at the end.
std::string last_of(std::string tail) {
  while (tail.ends_with('\n')) tail.pop_back();
  if (tail.size() > kErrorBytes) tail.erase(0, tail.size() - kErrorBytes);
  while (!tail.empty() && (static_cast<unsigned char>(tail.front()) & 0xC0) == 0x80) tail.erase(0, 1);
  return tail;
}

}  // namespace

/// Until the command itself has ended; what it left behind may hold its pipes open for longer.
void CommandProcess::serve(Child& child, const Delivery& delivery, CommandEnd& end) {
  const File stopped(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const std::stop_callback on_stop(delivery.stop_token(), [&stopped] { ::eventfd_write(stopped.get(), 1); });
  std::string_view body = delivery.message().body.view();
  std::optional<SteadyClock::time_point> kill_at;
  feed(child.input, body);
  for (;;) {
    std::array<pollfd, 4> waits = {{{child.handle.get(), POLLIN, 0},
                                    {child.error.get(), POLLIN, 0},
                                    {child.input.get(), POLLOUT, 0},
                                    {kill_at ? -1 : stopped.get(), POLLIN, 0}}};
    ::poll(waits.data(), waits.size(), child.handle.get() >= 0 && !kill_at ? -1 : kLookAfterMs);
    if (waits[2].revents != 0) feed(child.input, body);
    if (child.error.get() >= 0) drain(child.error, end.error_text);
    if (waits[3].revents != 0) {
      ::kill(-child.pid, SIGTERM);
      kill_at = SteadyClock::now() + kMercy;
    }
    if (kill_at && SteadyClock::now() >= *kill_at) ::kill(-child.pid, SIGKILL);
    siginfo_t ended{};
    // Looked at, and left in its place: until it is forgotten, its number is nobody else's.
    if (::waitid(P_PID, static_cast<id_t>(child.pid), &ended, WEXITED | WNOHANG | WNOWAIT) != 0) return;
    if (ended.si_pid == child.pid) break;
  }
  if (child.error.get() >= 0) drain(child.error, end.error_text);
}

CommandEnd CommandProcess::run(const Delivery& delivery) {
  Child child = start(delivery);
  CommandEnd end;
  serve(child, delivery, end);
  int status = 0;
  {
    const std::lock_guard lock(mutex_);
    running_.erase(child.pid);
    while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
    }
  }
  if (WIFEXITED(status)) end.exit = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  end.error_text = last_of(std::move(end.error_text));
  return end;
}

void CommandProcess::kill_all() {
  const std::lock_guard lock(mutex_);
  for (const pid_t pid : running_) ::kill(-pid, SIGKILL);
}

}  // namespace lazaret::cli
