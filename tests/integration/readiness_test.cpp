// What a service manager hears: READY=1 when the broker serves, and not before; STOPPING=1 when it takes no more work.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>

#include "integration/support/http.h"
#include "integration/support/wire_client.h"

namespace lazaret::testing {
namespace {

using base::Code;

/// The socket of a service manager (sd_notify(3)).
class NotifySocket {
 public:
  NotifySocket() : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string at = path();
    std::memcpy(address.sun_path, at.c_str(), at.size() + 1);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~NotifySocket() { close(fd_); }
  NotifySocket(const NotifySocket&) = delete;

  std::string path() const { return dir_ / "notify"; }
  /// The next message; nullopt when none came in time.
  std::optional<std::string> next(milliseconds limit = std::chrono::seconds(60)) {
    pollfd polled{fd_, POLLIN, 0};
    if (poll(&polled, 1, static_cast<int>(limit.count())) <= 0) return std::nullopt;
    char bytes[4096];
    const ssize_t size = recv(fd_, bytes, sizeof bytes, 0);
    return std::string(bytes, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  }
  /// What has come already.
  std::optional<std::string> waiting() { return next(milliseconds(0)); }

 private:
  TempDir dir_;
  int fd_;
};

std::map<std::string, std::string> environment_of(const NotifySocket& manager) {
  return {{"NOTIFY_SOCKET", manager.path()}};
}

TEST(Readiness, IsSaidOnceAndThenEverythingServes) {
  NotifySocket manager;
  const TempDir dir;
  const std::string broker = "127.0.0.1:" + std::to_string(free_port());
  const std::string admin = "127.0.0.1:" + std::to_string(free_port());
  ProcessOptions options;
  options.command = {binary("lazaretd"), "--data-dir", dir / "data", "--listen", broker, "--admin-listen", admin};
  options.environment = environment_of(manager);
  Process daemon(options);
  EXPECT_EQ(manager.next(), "READY=1");
  EXPECT_EQ(http(admin, "GET", "/readyz").status, 200);
  EXPECT_EQ(run_cli({"--broker", broker, "queue", "create", "q"}).exit, 0);
  EXPECT_EQ(read_file(dir / "data/lazaretd.addresses").empty(), false);
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait(std::chrono::seconds(60)), 0);
  EXPECT_EQ(manager.waiting(), "STOPPING=1");
  EXPECT_EQ(manager.waiting(), std::nullopt);
}

/// Whether somebody listens there, at this moment.
bool listens(const std::string& host_and_port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::string port = host_and_port.substr(host_and_port.find(':') + 1);
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
  const bool connected = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return connected;
}

TEST(Readiness, IsNotShownOverHttpBeforeTheBinaryPortListens) {
  const std::string broker = "127.0.0.1:" + std::to_string(free_port());
  const std::string admin = "127.0.0.1:" + std::to_string(free_port());
  for (int start = 0; start < 5; ++start) {
    const TempDir dir;
    ProcessOptions options;
    options.command = {binary("lazaretd"), "--data-dir", dir / "data", "--listen", broker, "--admin-listen", admin};
    Process daemon(options);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!listens(admin)) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    EXPECT_TRUE(listens(broker));
    EXPECT_EQ(http(admin, "GET", "/readyz").status, 200);
    daemon.signal(SIGTERM);
    EXPECT_EQ(daemon.wait(std::chrono::seconds(60)), 0);
  }
}

TEST(Readiness, IsNotSaidByAStartThatFails) {
  NotifySocket manager;
  Broker other;
  const Outcome failed = run(
      {binary("lazaretd"), "--data-dir", other.data_dir(), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"},
      "", environment_of(manager));
  EXPECT_EQ(failed.exit, base::error_info(Code::DIRECTORY_LOCKED).exit);
  const TempDir dir;
  const Outcome taken =
      run({binary("lazaretd"), "--data-dir", dir / "data", "--listen", other.broker(), "--admin-listen", "127.0.0.1:0"},
          "", environment_of(manager));
  EXPECT_EQ(taken.exit, base::error_info(Code::BAD_CONFIGURATION).exit);
  EXPECT_EQ(manager.waiting(), std::nullopt);
}

TEST(Readiness, AHangupEndsNothing) {
  Broker broker;
  broker.signal(SIGHUP);
  EXPECT_EQ(run_cli({"--broker", broker.broker(), "queue", "create", "q"}).exit, 0);
  EXPECT_TRUE(broker.running());
  EXPECT_EQ(http(broker.admin(), "GET", "/readyz").status, 200);
  EXPECT_EQ(broker.terminate(), 0);
}

TEST(Readiness, ADirectoryOfNoNameIsNotTheDefault) {
  const Outcome refused = run({binary("lazaretd"), "--data-dir", "", "--check-config"});
  EXPECT_EQ(refused.exit, 78);
  EXPECT_NE(refused.err.find("command line: storage.data_dir must be a directory"), std::string::npos) << refused.err;
}

TEST(Readiness, EndsWhenAStopBeginsNotWhenItIsOver) {
  NotifySocket manager;
  Broker broker({.settings = {}, .arguments = {}, .environment = environment_of(manager)});
  EXPECT_EQ(manager.next(), "READY=1");
  WireClient client(broker);
  client.say_hello();
  client.ensure_queue("q");
  client.open_consumer(1, "q", 1);
  client.send(wire::encode(wire::Publish{50, client.open_producer("q"), {item_of("in hand")}}));
  const auto had = client.take(1);
  client.send(wire::encode(wire::Started{1, had[0].delivery}));
  client.send(wire::encode(wire::Ping{1}));
  client.find<wire::Pong>();

  broker.signal(SIGTERM);
  EXPECT_EQ(manager.next(), "STOPPING=1");
  EXPECT_TRUE(broker.running());
  const HttpAnswer answer = http(broker.admin(), "GET", "/readyz");
  EXPECT_EQ(answer.status, base::error_info(Code::SHUTTING_DOWN).http);
  EXPECT_EQ(answer.json().at("code").as_string(), "SHUTTING_DOWN");
  EXPECT_EQ(http(broker.admin(), "GET", "/healthz").status, 200) << "it is well, and busy";
  client.settle(1, {had[0].token});
  client.hang_up();
  EXPECT_EQ(broker.wait(), 0);
  EXPECT_EQ(manager.waiting(), std::nullopt);
}

}  // namespace
}  // namespace lazaret::testing
