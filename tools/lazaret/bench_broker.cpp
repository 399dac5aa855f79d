#include "bench_broker.h"

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

#include "bench_measure.h"

namespace lazaret::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kReadyWithin = std::chrono::minutes(2);

std::string program_beside_this() {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "lazaretd").string();
}

}  // namespace

ScratchDir::ScratchDir(const std::string& under) {
  std::string name =
      (under.empty() ? std::filesystem::temp_directory_path().string() : under) + "/lazaret-bench.XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a directory like " + name);
  path_ = name;
}

ScratchDir::~ScratchDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

OwnBroker::OwnBroker(std::string program, std::string data_dir)
    : program_(program.empty() ? program_beside_this() : std::move(program)), data_dir_(std::move(data_dir)) {}

double OwnBroker::start() {
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

void OwnBroker::kill9() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

double OwnBroker::resident_mb() const {
  return std::round(static_cast<double>(broker_usage(admin_).resident_bytes) / 1e5) / 10;
}

void OwnBroker::spawn() {
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

}  // namespace lazaret::cli
