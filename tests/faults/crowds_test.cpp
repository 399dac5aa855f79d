// Too many, too long, too slow: connections by the thousand, no descriptors left, lengths that promise gigabytes, and
// HTTP requests that never end. LAZARET_LONG=1 takes as many connections as this machine lets a process have, up to
// 20,000.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <deque>

#include "faults/descriptors.h"
#include "integration/support/api.h"
#include "integration/support/http.h"
#include "integration/support/wire_client.h"
#include "model/limits.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;
using base::Code;
namespace limits = model::limits;

constexpr std::size_t kMiB = 1u << 20;

bool is_long() { return std::getenv("LAZARET_LONG") != nullptr; }

/// As many descriptors as this process may have; how many that is.
std::size_t take_all_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_max;
}

/// What the first frame of a connection that says hello is: WELCOME or ERROR.
std::optional<wire::Frame> first_frame(WireClient& client) {
  client.send_bytes(std::string(wire::kMagic) + bytes_of(wire::encode(fresh_hello())));
  return client.next();
}

bool is_welcome(const std::optional<wire::Frame>& frame) {
  return frame && frame->type == static_cast<std::uint8_t>(wire::FrameType::welcome);
}

// --- Connections ----------------------------------------------------------------------------------------------------

TEST(Crowds, ThousandsOfConnectionsAndOneThatWorks) {
  // Both sides live within the same limit, and have other files as well.
  const std::size_t most = std::min<std::size_t>(take_all_descriptors(), 21'500) - 1'500;
  const std::size_t count = is_long() ? most : std::min<std::size_t>(most, 1'000);
  Broker broker({.settings = {"broker.max_connections=" + std::to_string(count + 2)}, .arguments = {}});
  expect_serves(broker);
  const std::size_t before = resident_bytes(broker.pid());
  std::deque<WireClient> clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.emplace_back(broker).say_hello();
    // Each beat of all of them is answered when they are looked at.
    if (i % 1000 == 999) {
      expect_serves(broker);
      for (WireClient& client : clients) client.poll(0ms);
    }
  }
  const std::size_t each = (resident_bytes(broker.pid()) - before) / count;
  std::cout << count << " connections, " << each << " bytes of the broker's memory each\n";
  EXPECT_LT(each, 32u << 10);
  const auto begin = SteadyClock::now();
  expect_serves(broker);
  std::cout << "a working client was served in " << std::chrono::duration_cast<milliseconds>(SteadyClock::now() - begin)
            << "\n";
  // The working client's place is free again a moment after it has gone.
  std::optional<WireClient> last, beyond;
  for (auto* more : {&last, &beyond}) {
    EXPECT_TRUE(eventually([&] { return is_welcome(first_frame(more->emplace(broker))); }));
  }
  for (int i = 0; i < 20; ++i) {
    WireClient refused(broker);
    refused.send_bytes(std::string(wire::kMagic) + bytes_of(wire::encode(fresh_hello())));
    const base::Status said = refused.read_end();
    EXPECT_EQ(said.code(), Code::LIMIT_REACHED);
    EXPECT_EQ(said.limit(), "max_connections");
    EXPECT_EQ(said.limit_value(), static_cast<std::int64_t>(count + 2));
  }
  clients.clear();
  last.reset();
  beyond.reset();
  EXPECT_TRUE(eventually([&] { return open_sockets(broker.pid()) < 50; })) << "connections are left";
  expect_serves(broker);
}

/// As many descriptors as this process has, and so many more.
void limit_descriptors(pid_t pid, std::size_t more) {
  const std::size_t most = open_descriptors(pid) + more;
  rlimit limit{};
  ASSERT_EQ(prlimit(pid, RLIMIT_NOFILE, nullptr, &limit), 0);
  limit.rlim_cur = most;
  ASSERT_EQ(prlimit(pid, RLIMIT_NOFILE, &limit, nullptr), 0);
}

TEST(Crowds, WithoutDescriptorsAcceptingRestsAndRecovers) {
  Broker broker;
  expect_serves(broker);
  rlimit before{};
  ASSERT_EQ(prlimit(broker.pid(), RLIMIT_NOFILE, nullptr, &before), 0);
  limit_descriptors(broker.pid(), 0);
  std::deque<WireClient> clients;
  for (int i = 0; i < 50; ++i) clients.emplace_back(broker);
  const auto spent = processor_time(broker.pid());
  const auto begin = SteadyClock::now();
  pause_for(2s);
  const auto passed = std::chrono::duration_cast<milliseconds>(SteadyClock::now() - begin);
  EXPECT_LT(processor_time(broker.pid()) - spent, passed / 4) << "it spins";
  clients.clear();
  ASSERT_EQ(prlimit(broker.pid(), RLIMIT_NOFILE, &before, nullptr), 0);
  expect_serves(broker);
}

/// What the store needs for its files is not given to connections: a write that fails would end the process.
TEST(Crowds, ConnectionsLeaveDescriptorsForTheStore) {
  Broker broker({.settings = {"storage.memtable_bytes=4194304"}, .arguments = {}});
  WireClient publisher(broker);
  publisher.say_hello();
  publisher.ensure_queue("q");
  const std::uint32_t producer = publisher.open_producer("q");
  limit_descriptors(broker.pid(), 300);
  std::deque<WireClient> clients;
  std::size_t refused = 0;
  for (int i = 0; i < 400; ++i) {
    WireClient& client = clients.emplace_back(broker);
    const auto frame = first_frame(client);
    if (is_welcome(frame)) continue;
    ++refused;
    ASSERT_TRUE(frame) << "turned away without a word";
    const auto error = wire::decode<wire::Error>(*frame);
    ASSERT_TRUE(error.ok());
    EXPECT_EQ(error->status.code(), Code::LIMIT_REACHED);
    EXPECT_EQ(error->status.limit(), "open_files");
  }
  EXPECT_GT(refused, 100u);
  EXPECT_LT(refused, 400u);
  for (int i = 0; i < 64; ++i) {
    ASSERT_TRUE(publisher.publish(producer, {item_of(std::string(kMiB, 'x'))}).status.ok()) << i;
  }
  EXPECT_TRUE(broker.running());
  EXPECT_EQ(QueueView(broker, "q")["ready"], 64);
  clients.clear();
  EXPECT_TRUE(eventually([&] {
    WireClient client(broker);
    return is_welcome(first_frame(client));
  }));
}

// --- Lengths that promise too much ----------------------------------------------------------------------------------

struct Bomb {
  std::string name;
  std::string bytes;
  bool before_handshake = false;
  Code code = Code::FRAME_TOO_LARGE;
};

std::vector<Bomb> bombs() {
  const auto publish = static_cast<std::uint8_t>(wire::FrameType::publish);
  const auto hello = static_cast<std::uint8_t>(wire::FrameType::hello);
  const auto settle = static_cast<std::uint8_t>(wire::FrameType::settle);
  const std::string magic(wire::kMagic);
  return {
      {"2 GiB before the handshake", magic + prefix_of(0x7fff'ffff, hello, 0, 0, 100), true},
      {"just too much before the handshake", magic + prefix_of(limits::kFrameBytesBeforeHandshake + 1, hello, 0, 0, 8),
       true},
      {"2 GiB", prefix_of(0x7fff'ffff, publish, 0, 0, 100)},
      {"4 GiB", prefix_of(0xffff'ffff, publish, 0, 0, 100)},
      {"2 GiB with a header as large", prefix_of(0x7fff'ffff, publish, 0, 0, 0x7fff'fff0)},
      {"a header of 16 MiB", prefix_of(16 * kMiB + 8, publish, 0, 0, 16 * kMiB)},
      {"a header beyond its kind", prefix_of(64 * kMiB / 16, settle, 0, 0, 64 * kMiB / 17)},
      {"a header larger than its frame", prefix_of(100, publish, 0, 0, 0x7fff'ffff), false, Code::BAD_FRAME},
      {"a frame smaller than its prefix", prefix_of(0, publish, 0, 0, 0), false, Code::BAD_FRAME},
  };
}

void expect_refused(const Broker& broker, const Bomb& bomb) {
  WireClient client(broker);
  if (!bomb.before_handshake) client.say_hello();
  client.send_bytes(bomb.bytes);
  EXPECT_EQ(client.read_end().code(), bomb.code) << bomb.name;
}

TEST(Crowds, LengthBombsAreRefusedFromTheFrameHead) {
  Broker broker;
  expect_serves(broker);
  for (const Bomb& bomb : bombs()) expect_refused(broker, bomb);  // what is needed once, for any of them
  const std::size_t before = resident_bytes(broker.pid());
  for (const Bomb& bomb : bombs()) {
    for (int i = 0; i < 10; ++i) expect_refused(broker, bomb);
  }
  const std::size_t after = resident_bytes(broker.pid());
  std::cout << "90 bombs cost " << (after > before ? after - before : 0) / 1024 << " KiB\n";
  EXPECT_LT(after, before + 2 * kMiB);
  expect_serves(broker);
}

/// As large as is allowed, and then nothing more: a length is only a promise.
TEST(Crowds, FramesThatNeverComeCostNoMoreThanWhatCame) {
  Broker broker;
  expect_serves(broker);
  const std::size_t before = resident_bytes(broker.pid());
  std::deque<WireClient> clients;
  for (int i = 0; i < 200; ++i) {
    WireClient& client = clients.emplace_back(broker);
    client.say_hello();
    const std::uint32_t length = i % 2 == 0 ? limits::kMessageBytesDefault : 200u << 10;
    client.send_bytes(prefix_of(length, static_cast<std::uint8_t>(wire::FrameType::publish), 0, 0, 100));
  }
  for (WireClient& client : clients) client.send_bytes("x");
  expect_serves(broker);
  const std::size_t after = resident_bytes(broker.pid());
  std::cout << "each costs " << (after > before ? after - before : 0) / clients.size() << " bytes\n";
  EXPECT_LT(after, before + clients.size() * (32u << 10));
}

// --- HTTP that never ends -------------------------------------------------------------------------------------------

/// A bare connection to the HTTP side.
class Trickle {
 public:
  Trickle(const std::string& address, std::string first) {
    const auto colon = address.rfind(':');
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
    inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) say(first);
  }
  Trickle(Trickle&& other) noexcept : fd_(std::exchange(other.fd_, -1)), ended_(other.ended_) {}
  Trickle& operator=(Trickle&&) = delete;
  ~Trickle() {
    if (fd_ >= 0) close(fd_);
  }
  void say(std::string_view bytes) {
    if (send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) ended_ = true;
  }
  bool ended() {
    char byte;
    while (!ended_) {
      const ssize_t got = recv(fd_, &byte, 1, MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) return false;
      if (got <= 0) ended_ = true;
    }
    return true;
  }

 private:
  int fd_ = -1;
  bool ended_ = false;
};

TEST(Crowds, HttpRequestsThatTrickleDoNotKeepOthersWaitingAndAreEnded) {
  Broker broker;
  expect_serves(broker);
  const std::size_t sockets = open_sockets(broker.pid());
  std::deque<Trickle> slow;
  const auto begin = SteadyClock::now();
  for (int i = 0; i < (is_long() ? 500 : 300); ++i) {
    const bool body = i % 2 == 1;
    slow.emplace_back(broker.admin(), body ? "POST /api/v1/queues HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                                             "application/json\r\nContent-Length: 1000\r\n\r\n{"
                                           : "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nX-Slow: a");
  }
  milliseconds slowest{0};
  std::size_t left = slow.size();
  const auto all_ended = [&] {
    for (Trickle& one : slow) one.say(" ");
    const auto asked = SteadyClock::now();
    try {
      EXPECT_EQ(http(broker.admin(), "GET", "/api/v1/status").status, 200);
    } catch (const boost::system::system_error& error) {
      ADD_FAILURE() << "a healthy client was turned away: " << error.what();
      return true;
    }
    slowest = std::max(slowest, std::chrono::duration_cast<milliseconds>(SteadyClock::now() - asked));
    left = static_cast<std::size_t>(std::count_if(slow.begin(), slow.end(), [](Trickle& one) { return !one.ended(); }));
    pause_for(500ms);
    return left == 0;
  };
  EXPECT_TRUE(eventually(all_ended, 120s)) << left << " are still open";
  std::cout << slow.size() << " ended within " << std::chrono::duration_cast<milliseconds>(SteadyClock::now() - begin)
            << ", a healthy request took at most " << slowest << "\n";
  EXPECT_TRUE(eventually([&] { return open_sockets(broker.pid()) <= sockets; }));
  expect_serves(broker);
}

}  // namespace
}  // namespace lazaret::testing
