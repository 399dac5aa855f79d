#include "daemon/run.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <ctime>
#include <iostream>

#include "base/duration_text.h"
#include "daemon/broker.h"
#include "daemon/command_line.h"
#include "daemon/configuration.h"
#include "daemon/logging.h"
#include "daemon/readiness.h"
#include "daemon/webhooks.h"

namespace lazaret::daemon {
namespace {

using namespace std::chrono_literals;

/// How often a stopping broker looks whether its consumers are done.
constexpr auto kDrainPoll = 10ms;

int report(const base::Status& status) {
  const base::ErrorInfo& info = base::error_info(status.code());
  std::cerr << "lazaretd: " << info.name << ": " << status.text() << "\n";
  return info.exit;
}

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

/// Connections are files: take as many as we may.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// Waits until nothing is out, `stop_wait` is over, or a second signal says that it is urgent.
void wait_for_consumers(const Broker& broker, base::Duration stop_wait, const sigset_t& signals) {
  const auto end = std::chrono::steady_clock::now() + stop_wait;
  constexpr timespec kPoll{0, std::chrono::nanoseconds(kDrainPoll).count()};
  while (!broker.drained() && std::chrono::steady_clock::now() < end) {
    if (sigtimedwait(&signals, nullptr, &kPoll) > 0) return;
  }
}

int serve(const Configuration& configuration, const Seams& seams) {
  const sigset_t signals = stop_signals();
  auto started = Broker::start(configuration, seams);
  if (!started.ok()) return report(started.status());
  Broker& broker = **started;
  spdlog::info("lazaretd {} is ready: broker {}, admin http://{}, data {}", LAZARET_VERSION, broker.broker_address(),
               broker.admin_address(), configuration.storage.data_dir);
  notify_service_manager("READY=1");

  int signal = 0;
  sigwait(&signals, &signal);
  spdlog::info("stopping: consumers have {} to finish", base::format_duration(configuration.broker.stop_wait));
  broker.drain();
  notify_service_manager("STOPPING=1");
  wait_for_consumers(broker, configuration.broker.stop_wait, signals);
  broker.stop();
  spdlog::info("stopped");
  return 0;
}

}  // namespace

int run(int argc, char** argv, const SeamsFor& seams_for) {
  const ParsedCommandLine parsed = parse_command_line(argc, argv);
  if (!parsed.command) return parsed.exit;
  const auto configuration = load_configuration(parsed.command->sources, environ);
  if (!configuration.ok()) return report(configuration.status());
  if (parsed.command->check_config) {
    if (const auto alerts = alerts_config(*configuration); !alerts.ok()) return report(alerts.status());
    std::cout << "the configuration is valid\n";
    return 0;
  }
  set_up_logging(configuration->log);
  raise_file_limit();
  // Blocked before any thread exists, so that only sigwait gets them.
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  // The terminal that it was started from may go: a daemon stays. There is nothing to read again (config/README.md).
  std::signal(SIGHUP, SIG_IGN);
  // A file that may not grow is a write that fails, which we know how to end with.
  std::signal(SIGXFSZ, SIG_IGN);
  return serve(*configuration, seams_for ? seams_for(*configuration) : Seams());
}

}  // namespace lazaret::daemon
