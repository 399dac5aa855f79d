#include "integration/support/wire_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <sstream>
#include <stdexcept>

#include "base/crc32c.h"
#include "base/fixed_int.h"

namespace lazaret::testing {
namespace {

using Clock = std::chrono::steady_clock;

bool ready(int fd, short events, Clock::time_point deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
  pollfd polled{fd, events, 0};
  return poll(&polled, 1, static_cast<int>(std::max<long>(left, 0))) > 0;
}

base::Uuid random_uuid() {
  static std::mt19937_64 random{std::random_device{}()};
  return base::Uuid::v7(static_cast<std::int64_t>(random() >> 20), random(), random());
}

}  // namespace

wire::Hello fresh_hello() {
  wire::Hello hello;
  hello.instance.id = random_uuid();
  hello.instance.name = "wire-client";
  hello.instance.speaks_started = true;
  return hello;
}

std::string bytes_of(const wire::OutFrame& frame) {
  std::string bytes = frame.head;
  for (const base::SharedBytes& body : frame.bodies) bytes.append(body.view());
  return bytes;
}

std::string prefix_of(std::uint32_t length, std::uint8_t type, std::uint8_t flags, std::uint16_t reserved,
                      std::uint32_t header_bytes) {
  std::string prefix;
  base::append_le(prefix, length);
  prefix.push_back(static_cast<char>(type));
  prefix.push_back(static_cast<char>(flags));
  base::append_le(prefix, reserved);
  base::append_le(prefix, header_bytes);
  return prefix;
}

wire::PublishItem item_of(const std::string& body, std::uint64_t sequence) {
  return {sequence,
          base::SharedBytes::of(wire::encode_envelope(wire::Envelope())),
          base::SharedBytes::of(body),
          base::crc32c(body),
          {},
          {},
          {}};
}

WireClient::WireClient(const std::string& address_text) {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto colon = address_text.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address_text.substr(colon + 1))));
  if (inet_pton(AF_INET, address_text.substr(0, colon).c_str(), &address.sin_addr) != 1) fail("not an address");
  if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("cannot connect");
  // As every client should: a small frame behind an unanswered one would wait for the broker's delayed acknowledgement.
  const int yes = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

WireClient::~WireClient() { hang_up(); }

WireClient::WireClient(WireClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      reader_(std::move(other.reader_)),
      answers_pings_(other.answers_pings_),
      last_request_(other.last_request_) {}

void WireClient::fail(const std::string& what) { throw std::runtime_error("the connection: " + what); }

// --- Saying ---------------------------------------------------------------------------------------------------------

void WireClient::send_bytes(std::string_view bytes) {
  const auto deadline = Clock::now() + kLimit;
  while (!bytes.empty()) {
    if (!ready(fd_, POLLOUT, deadline)) fail("the broker does not read");
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) continue;
    if (sent < 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::size_t WireClient::send_what_fits(std::string_view bytes, milliseconds patience) {
  std::size_t taken = 0;
  while (taken < bytes.size() && ready(fd_, POLLOUT, Clock::now() + patience)) {
    const ssize_t sent = ::send(fd_, bytes.data() + taken, bytes.size() - taken, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) continue;
    if (sent < 0) break;
    taken += static_cast<std::size_t>(sent);
  }
  return taken;
}

void WireClient::stop_sending() { shutdown(fd_, SHUT_WR); }

void WireClient::hang_up() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

// --- Hearing --------------------------------------------------------------------------------------------------------

bool WireClient::receive(Clock::time_point deadline) {
  if (!ready(fd_, POLLIN, deadline)) fail("nothing came in time");
  const auto room = reader_.prepare();
  const ssize_t bytes = recv(fd_, room.data(), room.size(), 0);
  if (bytes <= 0) return false;
  reader_.commit(static_cast<std::size_t>(bytes));
  return true;
}

std::size_t WireClient::sip(std::size_t most, milliseconds limit) {
  if (!ready(fd_, POLLIN, Clock::now() + limit)) return 0;
  std::string away(most, '\0');
  return static_cast<std::size_t>(std::max<ssize_t>(recv(fd_, away.data(), away.size(), 0), 0));
}

std::optional<wire::Frame> WireClient::take_frame() {
  for (;;) {
    auto frame = reader_.next();
    if (!frame.ok()) fail(frame.status().text());
    if (!frame->has_value()) return std::nullopt;
    if ((*frame)->type != static_cast<std::uint8_t>(wire::FrameType::ping)) return **frame;
    const auto ping = wire::decode<wire::Ping>(**frame);
    if (answers_pings_) send(wire::encode(wire::Pong{ping->number}));
  }
}

std::optional<wire::Frame> WireClient::next(milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  for (;;) {
    if (auto frame = take_frame()) return frame;
    if (!receive(deadline)) return std::nullopt;
  }
}

std::optional<wire::Frame> WireClient::poll(milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  for (;;) {
    if (auto frame = take_frame()) return frame;
    if (!ready(fd_, POLLIN, deadline)) return std::nullopt;
    if (!receive(deadline)) fail("it ended");
  }
}

void WireClient::check_type(const std::optional<wire::Frame>& frame, std::uint8_t type) {
  if (!frame) fail("it ended, where a frame of type " + std::to_string(type) + " was expected");
  if (frame->type == type) return;
  std::string what = "a frame of type " + std::to_string(frame->type) + " instead of " + std::to_string(type);
  if (frame->type == static_cast<std::uint8_t>(wire::FrameType::error)) {
    const auto error = wire::decode<wire::Error>(*frame);
    what += ": request " + std::to_string(error->request) + ", " + error->status.text();
  }
  fail(what);
}

base::Status WireClient::read_end(milliseconds limit) {
  base::Status said;
  for (auto frame = next(limit); frame; frame = next(limit)) {
    if (frame->type != static_cast<std::uint8_t>(wire::FrameType::error)) continue;
    const auto error = decoded<wire::Error>(frame);
    if (error.request == 0) said = error.status;
  }
  return said;
}

// --- Whole exchanges ------------------------------------------------------------------------------------------------

wire::Welcome WireClient::say_hello(const wire::Hello& hello) {
  send_bytes(std::string(wire::kMagic) + bytes_of(wire::encode(hello)));
  return read<wire::Welcome>();
}

void WireClient::ensure_queue(const std::string& name, wire::OptionsPatch options) {
  wire::QueueRequest request;
  request.request = next_request();
  request.verb = wire::QueueVerb::ensure;
  request.name = name;
  request.options = std::move(options);
  send(wire::encode(request));
  read<wire::QueueResponse>();
}

std::uint32_t WireClient::open_producer(const std::string& queue) {
  send(wire::encode(wire::OpenProducer{next_request(), queue, std::nullopt}));
  return read<wire::ProducerOpened>().producer;
}

wire::Published WireClient::publish(std::uint32_t producer, std::vector<wire::PublishItem> items) {
  send(wire::encode(wire::Publish{next_request(), producer, std::move(items)}));
  return find<wire::Published>();
}

wire::ConsumerOpened WireClient::open_consumer(std::uint64_t consumer, const std::string& queue, std::uint64_t credit,
                                               std::vector<wire::HeldToken> held) {
  send(wire::encode(wire::OpenConsumer{next_request(), consumer, queue, credit, credit == 0 ? 0 : 256u << 20,
                                       std::move(held), false}));
  return find<wire::ConsumerOpened>();
}

std::vector<wire::Delivery> WireClient::take(std::size_t count) {
  std::vector<wire::Delivery> taken;
  while (taken.size() < count) {
    for (wire::Delivery& one : find<wire::Deliver>().deliveries) taken.push_back(std::move(one));
  }
  return taken;
}

wire::Settled WireClient::settle(std::uint64_t consumer, std::vector<wire::Token> acks,
                                 std::vector<wire::Verdict> verdicts) {
  send(wire::encode(wire::Settle{next_request(), consumer, std::move(acks), std::move(verdicts)}));
  return find<wire::Settled>();
}

void expect_serves(Broker& broker) {
  ASSERT_TRUE(broker.running()) << "lazaretd has ended";
  WireClient client(broker);
  client.say_hello();
  client.ensure_queue("well-behaved");
  const std::uint32_t producer = client.open_producer("well-behaved");
  client.open_consumer(1, "well-behaved", 10);
  client.send(wire::encode(wire::Publish{client.next_request(), producer, {item_of("still here")}}));
  const wire::Deliver delivered = client.find<wire::Deliver>();
  ASSERT_EQ(delivered.deliveries.size(), 1u);
  EXPECT_EQ(delivered.deliveries[0].body.view(), "still here");
  EXPECT_TRUE(client.settle(1, {delivered.deliveries[0].token}).results.empty());
}

std::size_t resident_bytes(pid_t pid) {
  std::istringstream status(read_file("/proc/" + std::to_string(pid) + "/status"));
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmRSS:", 0) == 0) return std::stoull(line.substr(6)) * 1024;
  }
  throw std::runtime_error("no process " + std::to_string(pid));
}

}  // namespace lazaret::testing
