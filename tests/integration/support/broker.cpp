#include "integration/support/broker.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>
#include <sstream>
#include <stdexcept>

#include <boost/json/parse.hpp>

namespace lazaret::testing {
namespace {

constexpr milliseconds kStartLimit = std::chrono::seconds(60);
constexpr int kFirstPort = 12000;
constexpr int kLastPort = 32000;  // the kernel's own range begins at 32768

bool port_is_free(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool is_free = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return is_free;
}

std::string last_lines(const std::string& text, std::size_t bytes) {
  return text.size() <= bytes ? text : "…" + text.substr(text.size() - bytes);
}

}  // namespace

int free_port() {
  static std::mt19937 random{std::random_device{}()};
  std::uniform_int_distribution<int> ports(kFirstPort, kLastPort);
  for (int tries = 0; tries < 1000; ++tries) {
    const int port = ports(random);
    if (port_is_free(port)) return port;
  }
  throw std::runtime_error("no free port");
}

Broker::Broker(BrokerOptions options) : options_(std::move(options)) {
  std::filesystem::create_directory(data_dir());
  if (options_.start) start();
}

Broker::~Broker() {
  process_.kill9();
  if (::testing::Test::HasFailure()) {
    std::cerr << "--- what lazaretd wrote to standard error ---\n" << last_lines(log(), 20000) << "---\n";
  }
}

void Broker::start() {
  if (process_.running()) return;
  // Another test may take the port between our look and the daemon's bind.
  for (int tries = 0; tries < 5; ++tries) {
    choose_ports();
    const std::size_t before = log().size();
    if (try_start()) return;
    if (log().find("in use", before) == std::string::npos) break;
    broker_.clear();
  }
  throw std::runtime_error("lazaretd did not become ready:\n" + last_lines(log(), 4000));
}

void Broker::choose_ports() {
  if (!broker_.empty()) return;
  broker_ = options_.host + ":" + std::to_string(free_port());
  admin_ = "127.0.0.1:" + std::to_string(free_port());
}

void Broker::start_or_die() {
  choose_ports();
  if (!process_.running()) try_start();
}

bool Broker::try_start() {
  ProcessOptions command;
  command.command = {binary(options_.program), "--data-dir", data_dir(), "--listen", broker_, "--admin-listen", admin_};
  for (const auto& setting : options_.settings) {
    command.command.insert(command.command.end(), {"--set", setting});
  }
  command.command.insert(command.command.end(), options_.arguments.begin(), options_.arguments.end());
  command.environment = options_.environment;
  command.output_file = command.error_file = dir_ / "lazaretd.log";
  process_ = Process(command);
  const auto ready = [&] {
    boost::system::error_code wrong;
    const auto value = boost::json::parse(read_file(addresses_file()), wrong);
    return !wrong && value.is_object() && value.as_object().contains("pid") &&
           value.at("pid").as_int64() == process_.pid();
  };
  eventually([&] { return ready() || !process_.running(); }, kStartLimit);
  if (process_.running() && ready()) return true;
  process_.kill9();
  return false;
}

void Broker::kill9() { process_.kill9(); }

void Broker::restart() {
  kill9();
  start();
}

int Broker::terminate(milliseconds limit) {
  process_.signal(SIGTERM);
  const auto exit = process_.wait(limit);
  if (!exit) process_.kill9();
  return exit.value_or(-1);
}

std::vector<std::string> Broker::cli_command(const std::vector<std::string>& arguments) const {
  std::vector<std::string> all = {binary("lazaret"), "--broker", broker_, "--admin", "http://" + admin_};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

Outcome Broker::cli(const std::vector<std::string>& arguments, const std::string& input, milliseconds limit) const {
  return run(cli_command(arguments), input, {}, limit);
}

boost::json::array Broker::cli_json(const std::vector<std::string>& arguments, const std::string& input) const {
  std::vector<std::string> all = {"--json"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const Outcome outcome = cli(all, input);
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  return json_lines(outcome.out);
}

std::string binary(const std::string& name) {
  const char* given = std::getenv("LAZARET_BIN_DIR");
  return std::string(given != nullptr ? given : LAZARET_BIN_DIR) + "/" + name;
}

Outcome run_cli(const std::vector<std::string>& arguments, const std::string& input, milliseconds limit) {
  std::vector<std::string> all = {"env", "-u", "LAZARET_BROKER", "-u", "LAZARET_ADMIN", binary("lazaret")};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run(all, input, {}, limit);
}

boost::json::array json_lines(const std::string& text) {
  boost::json::array values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    boost::system::error_code wrong;
    auto value = boost::json::parse(line, wrong);
    EXPECT_FALSE(wrong) << "not JSON: " << line;
    values.push_back(std::move(value));
  }
  return values;
}

}  // namespace lazaret::testing
