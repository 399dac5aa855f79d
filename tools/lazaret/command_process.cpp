#include "command_process.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <stop_token>

#include "model/limits.h"
#include "output.h"

extern char** environ;

namespace lazaret::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// As much as the broker keeps of an attempt's details.
constexpr std::size_t kErrorBytes = model::limits::kErrorDetailsBytes;
/// No broker takes a larger message.
constexpr std::size_t kOutputBytes = model::limits::kMessageBytesMost;
/// Between asking a command to end and killing it.
constexpr std::chrono::seconds kMercy{2};
/// How often we look whether that time is over.
constexpr int kLookAfterMs = 20;

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
  constexpr std::string_view kTicket = "LAZARET_TICKET=";
  std::vector<std::string> out;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view given = *variable;
    if (!given.starts_with(kPrefix) && !given.starts_with(kTicket)) out.emplace_back(given);
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
  const auto add_all = [&](const std::string& prefix, const Headers& pairs) {
    std::set<std::string> seen;  // of one that is given several times, the first
    for (const auto& [name, value] : pairs) {
      if (seen.insert(variable_part(name)).second) add(prefix + variable_part(name), value);
    }
  };
  add_all("HEADER_", message.headers);
  if (delivery.is_request()) out.push_back(std::string(kTicket) + delivery.reply_later().to_string());
  if (message.reply == nullptr) return out;
  const Reply& reply = *message.reply;
  add("REQUEST", reply.request.to_string());
  add("STATUS", std::string(reply.final ? name_of(reply.outcome) : "open"));
  add("REASON", reply.reason);
  add("CASE_ID", reply.case_id);
  add_all("CONTEXT_", reply.context);
  return out;
}

}  // namespace

std::string CommandEnd::type() const {
  return signal != 0 ? "signal " + std::to_string(signal) : "exit " + std::to_string(exit);
}

std::string last_of(std::string_view text, std::size_t most) {
  if (text.size() > most) text.remove_prefix(text.size() - most);
  while (!text.empty() && (static_cast<unsigned char>(text.front()) & 0xC0) == 0x80) text.remove_prefix(1);
  return std::string(text);
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

/// Keeps standard output, as much as a message may have; closes the pipe at its end.
void collect(File& output, CommandEnd& end) {
  std::array<char, 16384> bytes;
  for (;;) {
    const ssize_t read = ::read(output.get(), bytes.data(), bytes.size());
    if (read < 0 && errno == EINTR) continue;
    if (read < 0 && errno == EAGAIN) return;
    if (read <= 0) return output.close();
    end.output_cut = end.output_cut || end.output.size() + static_cast<std::size_t>(read) > kOutputBytes;
    if (!end.output_cut) end.output.append(bytes.data(), static_cast<std::size_t>(read));
  }
}

}  // namespace

/// Until the command itself has ended; what it left behind may hold its pipes open for longer.
void CommandProcess::serve(CommandGuard& guard, const Delivery& delivery, CommandEnd& end) {
  const File stopped(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const std::stop_callback on_stop(delivery.stop_token(), [&stopped] { ::eventfd_write(stopped.get(), 1); });
  std::string_view body = delivery.message().body.view();
  std::optional<SteadyClock::time_point> kill_at;
  bool asked = false;
  feed(guard.input(), body);
  for (;;) {
    std::array<pollfd, 5> waits = {{{guard.ended_fd(), POLLIN, 0},
                                    {guard.error().get(), POLLIN, 0},
                                    {guard.input().get(), POLLOUT, 0},
                                    {asked ? -1 : stopped.get(), POLLIN, 0},
                                    {guard.output().get(), POLLIN, 0}}};
    ::poll(waits.data(), waits.size(), kill_at ? kLookAfterMs : -1);
    if (waits[2].revents != 0) feed(guard.input(), body);
    if (guard.error().get() >= 0) drain(guard.error(), end.error_text);
    if (guard.output().get() >= 0) collect(guard.output(), end);
    if (waits[0].revents != 0) break;
    if (waits[3].revents != 0) {
      guard.order(CommandGuard::Order::terminate);
      asked = true;
      kill_at = SteadyClock::now() + kMercy;
    }
    if (kill_at && SteadyClock::now() >= *kill_at) {
      guard.order(CommandGuard::Order::kill);
      kill_at.reset();
    }
  }
  if (guard.error().get() >= 0) drain(guard.error(), end.error_text);
  if (guard.output().get() >= 0) collect(guard.output(), end);
}

CommandEnd CommandProcess::run(const Delivery& delivery) {
  CommandGuard guard = CommandGuard::start(command_, environment_of(delivery), takes_output_);
  {
    const std::lock_guard lock(mutex_);
    running_.insert(&guard);
  }
  CommandEnd end;
  serve(guard, delivery, end);
  // Its guard was killed: so is the command.
  const int status = guard.join().value_or(SIGKILL);
  {
    const std::lock_guard lock(mutex_);
    running_.erase(&guard);
    changed_.notify_all();
  }
  if (WIFEXITED(status)) end.exit = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  while (end.error_text.ends_with('\n')) end.error_text.pop_back();
  end.error_text = last_of(end.error_text, kErrorBytes);
  return end;
}

void CommandProcess::kill_all() {
  std::unique_lock lock(mutex_);
  for (const CommandGuard* guard : running_) guard->order(CommandGuard::Order::kill);
  changed_.wait_for(lock, kMercy, [this] { return running_.empty(); });
}

}  // namespace lazaret::cli
