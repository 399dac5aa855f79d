// How long a start takes: with an empty store, and with a backlog after kill -9.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/json/parse.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "bench_run.h"

namespace lazaret::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kReadyWithin = std::chrono::minutes(2);

/// A directory of the run's own.
class ScratchDir {
 public:
  explicit ScratchDir(const std::string& under) {
    std::string name =
        (under.empty() ? std::filesystem::temp_directory_path().string() : under) + "/lazaret-bench.XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a directory like " + name);
    path_ = name;
  }
  ~ScratchDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDir(const ScratchDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A broker of the run's own, killed with it.
class OwnBroker {
 public:
  OwnBroker(std::string program, std::string data_dir) : program_(std::move(program)), data_dir_(std::move(data_dir)) {}
  ~OwnBroker() { kill9(); }
  OwnBroker(const OwnBroker&) = delete;

  /// Milliseconds until it is ready.
  double start() {
    const std::string addresses = data_dir_ + "/lazaretd.addresses";
    std::error_code ignored;
    std::filesystem::remove(addresses, ignored);
    const auto begin = Clock::now();
    spawn();
    while (!std::filesystem::exists(addresses)) {
      if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
        pid_ = -1;
        throw std::runtime_error(program_ + " ended instead of getting ready");
      }
      if (Clock::now() - begin > kReadyWithin) throw std::runtime_error(program_ + " was not ready within two minutes");
      std::this_thread::sleep_until(Clock::now() + std::chrono::milliseconds(1));
    }
    const double took = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
    std::stringstream text;
    text << std::ifstream(addresses).rdbuf();
    const boost::json::value parsed = boost::json::parse(text.str());
    broker_ = parsed.at("broker").as_string().c_str();
    admin_ = parsed.at("admin").as_string().c_str();
    return took;
  }

  void kill9() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  std::string url() const { return "lazaret://" + broker_; }
  const std::string& admin() const { return admin_; }

 private:
  void spawn() {
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ > 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, 0);
    ::dup2(null, 1);
    ::dup2(null, 2);
    std::array<const char*, 8> arguments{program_.c_str(), "--data-dir",     data_dir_.c_str(), "--listen",
                                         "127.0.0.1:0",    "--admin-listen", "127.0.0.1:0",     nullptr};
    ::execv(program_.c_str(), const_cast<char* const*>(arguments.data()));
    ::_exit(127);
  }

  std::string program_;
  std::string data_dir_;
  std::string broker_;
  std::string admin_;
  pid_t pid_ = -1;
};

std::string program_beside_this() {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "lazaretd").string();
}

double resident_mb(const std::string& admin) {
  return std::round(static_cast<double>(broker_usage(admin).resident_bytes) / 1e5) / 10;
}

/// Milliseconds from the connection to the first message in a handler.
double first_delivery_ms(const std::string& url, const std::string& queue) {
  const auto begin = Clock::now();
  Options named;
  named.name = "bench";
  Client client = Client::connect(url, named);
  std::atomic<std::int64_t> at{0};
  ConsumeOptions options;
  options.prefetch = 1;
  Consumer consumer = client.consume(
      queue,
      [&](Delivery&) {
        std::int64_t none = 0;
        at.compare_exchange_strong(none, Clock::now().time_since_epoch().count());
        return Verdict::release();
      },
      std::move(options));
  while (at == 0) std::this_thread::sleep_until(Clock::now() + std::chrono::milliseconds(1));
  consumer.close(std::chrono::seconds(1));
  return std::chrono::duration<double, std::milli>(SteadyTime(SteadyTime::duration(at.load())) - begin).count();
}

}  // namespace

boost::json::object run_recovery_bench(const BenchOptions& options) {
  const ScratchDir scratch(options.scratch_dir);
  const std::string program = options.daemon.empty() ? program_beside_this() : options.daemon;
  OwnBroker empty(program, scratch.path() + "/empty");
  empty.start();
  empty.kill9();
  const double empty_ms = empty.start();
  const double idle_mb = resident_mb(empty.admin());
  empty.kill9();

  OwnBroker full(program, scratch.path() + "/full");
  full.start();
  LoadOptions load = options.load;
  load.url = full.url();
  load.queues = {"backlog"};
  load.count = load.count == 0 ? 1'000'000 : load.count;
  {
    Options named;
    named.name = "bench";
    Client client = Client::connect(load.url, named);
    QueueSpec spec;
    spec.name = load.queues.front();
    if (!load.durability.empty()) spec.durability = load.durability;
    client.create(spec);
    PublishLoad(load).run();
  }
  const double backlog_mb = resident_mb(full.admin());
  full.kill9();
  const double full_ms = full.start();
  boost::json::object out{{"mode", "recovery"},
                          {"size", load.size},
                          {"n", load.count},
                          {"ready_empty_ms", std::llround(empty_ms)},
                          {"ready_ms", std::llround(full_ms)},
                          {"rss_idle_MB", idle_mb},
                          {"rss_backlog_MB", backlog_mb},
                          {"rss_after_restart_MB", resident_mb(full.admin())}};
  const double first_ms = first_delivery_ms(full.url(), load.queues.front());
  out["first_delivery_ms"] = std::llround(first_ms);
  out["served_ms"] = std::llround(full_ms + first_ms);  // from the start of the process to the first message
  return out;
}

}  // namespace lazaret::cli
