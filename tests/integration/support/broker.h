// Broker: a real `lazaretd` of the test's own, on free ports of loopback and in a new data
// directory.
//
//   Broker broker;                                   // started and ready
//   auto done = broker.cli({"queue", "create", "q"});
//   broker.kill9();  broker.start();                 // again on the same ports and data
//
// What the daemon wrote to standard error is shown when the test fails.
//
// Threading: one thread, which must outlive the broker (see process.h).
#pragma once

#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "integration/support/process.h"

namespace lazaret::testing {

struct BrokerOptions {
  /// Each becomes `--set section.key=value`.
  std::vector<std::string> settings;
  /// Further arguments of `lazaretd`.
  std::vector<std::string> arguments;
  /// Added to its environment.
  std::map<std::string, std::string> environment{};
  bool start = true;
  /// Another program with the same arguments.
  std::string program = "lazaretd";
  /// Where clients find it; other than loopback, `broker.allow_unauthenticated` must be among the settings.
  std::string host = "127.0.0.1";
};

class Broker {
 public:
  explicit Broker(BrokerOptions options = {});
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  /// Starts it, if it does not run, and waits until it is ready; throws std::runtime_error if it
  /// never is.
  void start();
  /// The same, but it may as well end before it is ready.
  void start_or_die();
  /// For the next start.
  void set_environment(std::map<std::string, std::string> environment) {
    options_.environment = std::move(environment);
  }
  /// SIGKILL: what was not synced by the daemon is gone.
  void kill9();
  /// kill9 and start.
  void restart();
  /// SIGTERM; its exit status, or -1 when it did not end in time (it is killed then).
  int terminate(milliseconds limit = std::chrono::seconds(60));
  /// Its exit status without any signal, or -1 when it still runs after `limit`.
  int wait(milliseconds limit = std::chrono::seconds(60)) { return process_.wait(limit).value_or(-1); }
  void signal(int number) { process_.signal(number); }
  bool running() { return process_.running(); }

  const std::string& broker() const { return broker_; }  // HOST:PORT
  const std::string& admin() const { return admin_; }    // HOST:PORT
  std::string url() const { return "lazaret://" + broker_; }
  std::string data_dir() const { return dir_ / "data"; }
  std::string addresses_file() const { return data_dir() + "/lazaretd.addresses"; }
  const TempDir& dir() const { return dir_; }
  pid_t pid() const { return process_.pid(); }
  /// Everything it wrote to standard error, over all starts.
  std::string log() const { return read_file(dir_ / "lazaretd.log"); }

  /// `lazaret` with `--broker` and `--admin` of this broker.
  Outcome cli(const std::vector<std::string>& arguments, const std::string& input = "",
              milliseconds limit = std::chrono::seconds(60)) const;
  /// The same with `--json`: fails the test unless it exits with 0 and prints JSON lines.
  boost::json::array cli_json(const std::vector<std::string>& arguments, const std::string& input = "") const;
  /// The command line of such a `lazaret`, for Process.
  std::vector<std::string> cli_command(const std::vector<std::string>& arguments) const;

 private:
  /// For all its starts.
  void choose_ports();
  bool try_start();

  BrokerOptions options_;
  TempDir dir_;
  Process process_;
  std::string broker_;
  std::string admin_;
};

/// Where the binaries are: build/<preset>/bin, or the environment's LAZARET_BIN_DIR.
std::string binary(const std::string& name);

/// `lazaret` with just these arguments, and none of its variables in the environment.
Outcome run_cli(const std::vector<std::string>& arguments, const std::string& input = "",
                milliseconds limit = std::chrono::seconds(60));

/// Every line as JSON; fails the test at a line that is none.
boost::json::array json_lines(const std::string& text);

/// A port below the range from which the kernel gives ports to outgoing connections: it is still
/// free after a restart, and a client that keeps trying to connect cannot meet itself on it.
int free_port();

}  // namespace lazaret::testing
