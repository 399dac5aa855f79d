#include "command_guard.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "output.h"

namespace lazaret::cli {
namespace {

using base::Code;

// As the shell has it: the command was found but cannot be run, was not found.
constexpr int kCannotRun = 126;
constexpr int kNotFound = 127;
/// Between two looks at what is left of a killed tree, where the kernel does not list children.
constexpr int kLookAgainMs = 10;

struct Pipe {
  File read, write;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail(Code::RESOURCE_EXHAUSTED, std::string("no pipe: ") + std::strerror(errno));
  return {File(ends[0]), File(ends[1])};
}

void do_not_block(const File& file) { ::fcntl(file.get(), F_SETFL, ::fcntl(file.get(), F_GETFL) | O_NONBLOCK); }

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// --- In the guard and the command: forks of a process with threads. Only what is safe there, and no allocation. ------

/// Where the guard has its ends, from low numbers on, so that everything above can be closed.
constexpr int kLife = 3;
constexpr int kReport = 4;

void close_from(unsigned first) {
  if (::syscall(SYS_close_range, first, ~0u, 0u) == 0) return;
  for (int fd = static_cast<int>(first); fd < 4096; ++fd) ::close(fd);
}

struct Start {
  char* const* arguments;
  char* const* environment;
  int input, output, error, life, report;  // output -1: ours
};

[[noreturn]] void become_command(const Start& start, pid_t guard) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != guard) ::_exit(kCannotRun);  // the guard died before the line above
  close_from(3);
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execvpe(start.arguments[0], start.arguments, start.environment);
  const int wrong = errno;
  const char* why = ::strerrordesc_np(wrong);
  for (const char* text : {"lazaret: ", static_cast<const char*>(start.arguments[0]), ": ", why, "\n"}) {
    [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, text, std::strlen(text));
  }
  ::_exit(wrong == ENOENT ? kNotFound : kCannotRun);
}

/// SIGKILL to each child that the kernel lists; false when it does not list them.
bool kill_children() {
  const int list = ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  if (list < 0) return false;
  char text[4096];
  const ssize_t read = ::read(list, text, sizeof text);
  ::close(list);
  pid_t pid = 0;
  for (ssize_t i = 0; i < read; ++i) {
    if (text[i] >= '0' && text[i] <= '9') {
      pid = 10 * pid + (text[i] - '0');
    } else if (pid > 0) {  // a number without its blank was cut: the next look sees it
      ::kill(pid, SIGKILL);
      pid = 0;
    }
  }
  return read >= 0;
}

/// Kills until there is nothing left: whose parent is killed becomes a child of the guard, and is next. Returns how the
/// command ended.
int kill_tree(pid_t command, std::optional<int> ended) {
  int status = 0;
  for (;;) {
    ::kill(-command, SIGKILL);
    const bool listed = kill_children();
    const pid_t gone = ::waitpid(-1, &status, listed ? 0 : WNOHANG);
    if (gone == command) ended = status;
    if (gone < 0 && errno == ECHILD) return ended.value_or(SIGKILL);
    // Not listed, what has left the command's group cannot be found: the command itself is all that is waited for.
    if (!listed && ended) return *ended;
    if (!listed && gone == 0) ::poll(nullptr, 0, kLookAgainMs);
  }
}

/// Waits for the command's end or an order; returns how it ended.
int watch(pid_t command) {
  sigset_t all_but_child;
  sigfillset(&all_but_child);
  sigdelset(&all_but_child, SIGCHLD);
  for (;;) {
    int status = 0;
    pid_t gone = 0;
    while ((gone = ::waitpid(-1, &status, WNOHANG)) > 0) {
      if (gone == command) return status;
    }
    // SIGCHLD comes only in here, so none is missed between the look above and the wait.
    pollfd life{kLife, POLLIN, 0};
    if (::ppoll(&life, 1, nullptr, &all_but_child) <= 0) continue;
    char order = 0;
    const ssize_t read = ::read(kLife, &order, 1);
    if (read < 0) continue;
    if (read == 0 || order == static_cast<char>(CommandGuard::Order::kill)) return kill_tree(command, std::nullopt);
    ::kill(-command, SIGTERM);
  }
}

/// Of SIGCHLD, which only has to interrupt the wait. What we ignore, the command ignores too; handlers end at its exec.
void on_child(int) {}

/// The guard's life. All signals are blocked: whoever is meant by one, it is not the guard.
[[noreturn]] void become_guard(const Start& start) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_NAME, "lazaret-guard");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  // First out of the way of the low numbers. Nothing else of ours may stay open here: not the connection to the broker,
  // which would outlive us, and not the pipes of other guards, which would never see their end.
  const int input = ::fcntl(start.input, F_DUPFD, 10);
  const int output = start.output < 0 ? -1 : ::fcntl(start.output, F_DUPFD, 10);
  const int error = ::fcntl(start.error, F_DUPFD, 10);
  const int life = ::fcntl(start.life, F_DUPFD, 10);
  const int report = ::fcntl(start.report, F_DUPFD, 10);
  ::dup2(input, STDIN_FILENO);
  if (output >= 0) ::dup2(output, STDOUT_FILENO);
  ::dup2(error, STDERR_FILENO);
  ::dup2(life, kLife);
  ::dup2(report, kReport);
  close_from(kReport + 1);
  struct sigaction child_signal {};
  child_signal.sa_handler = on_child;
  ::sigaction(SIGCHLD, &child_signal, nullptr);

  const pid_t guard = ::getpid();
  const pid_t command = ::_Fork();
  if (command == 0) become_command(start, guard);
  int status = kCannotRun << 8;
  if (command > 0) {
    ::setpgid(command, command);  // here too: whoever comes first
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::close(stream);
    status = watch(command);
  }
  [[maybe_unused]] const ssize_t ignored = ::write(kReport, &status, sizeof status);
  ::_exit(0);
}

/// Forks the guard. Signals are held back meanwhile: a handler of ours that ran in the guard would answer for us.
pid_t fork_guard(const Start& start) {
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0) become_guard(start);
  const int wrong = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) fail(Code::RESOURCE_EXHAUSTED, std::string("cannot fork: ") + std::strerror(wrong));
  return pid;
}

}  // namespace

void File::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

CommandGuard CommandGuard::start(const std::vector<std::string>& command, const std::vector<std::string>& environment,
                                 bool takes_output) {
  const std::vector<char*> arguments = pointers(command);
  const std::vector<char*> variables = pointers(environment);
  Pipe input = make_pipe();
  Pipe output;
  if (takes_output) output = make_pipe();
  Pipe error = make_pipe();
  Pipe life = make_pipe();
  Pipe report = make_pipe();
  CommandGuard guard;
  guard.pid_ = fork_guard({arguments.data(), variables.data(), input.read.get(), output.write.get(), error.write.get(),
                           life.read.get(), report.write.get()});
  guard.life_ = std::move(life.write);
  guard.report_ = std::move(report.read);
  guard.input_ = std::move(input.write);
  guard.output_ = std::move(output.read);
  guard.error_ = std::move(error.read);
  if (takes_output) do_not_block(guard.output_);
  do_not_block(guard.input_);
  do_not_block(guard.error_);
  return guard;
}

void CommandGuard::order(Order what) const {
  const char byte = static_cast<char>(what);
  [[maybe_unused]] const ssize_t ignored = ::write(life_.get(), &byte, 1);  // to one that has ended: nothing to do
}

std::optional<int> CommandGuard::join() {
  int status = 0;
  ssize_t read = 0;
  do {
    read = ::read(report_.get(), &status, sizeof status);
  } while (read < 0 && errno == EINTR);
  life_.close();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (read != static_cast<ssize_t>(sizeof status)) return std::nullopt;
  return status;
}

}  // namespace lazaret::cli
