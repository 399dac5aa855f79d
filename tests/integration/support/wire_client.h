// WireClient: a client of the binary protocol that does exactly what a test says, also what no honest client would.
//
//   WireClient client(broker);                        // connected; nothing said yet
//   client.say_hello();                               // magic, HELLO, WELCOME
//   client.send(wire::encode(wire::Ping{7}));
//   EXPECT_EQ(client.read<wire::Pong>().number, 7);
//   client.send_bytes(garbage);
//   EXPECT_EQ(client.read_end().code(), Code::BAD_FRAME);
//
// It answers the broker's PINGs while it reads, unless told to be silent. What does not come in time, or comes as
// another frame, is an exception, which fails the test.
//
// Threading: one thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "integration/support/broker.h"
#include "wire/envelope.h"
#include "wire/frames.h"

namespace lazaret::testing {

/// The type of the frame that carries a T.
template <class T>
inline constexpr wire::FrameType kTypeOf{};
template <>
inline constexpr wire::FrameType kTypeOf<wire::Welcome> = wire::FrameType::welcome;
template <>
inline constexpr wire::FrameType kTypeOf<wire::Ping> = wire::FrameType::ping;
template <>
inline constexpr wire::FrameType kTypeOf<wire::Pong> = wire::FrameType::pong;
template <>
inline constexpr wire::FrameType kTypeOf<wire::Error> = wire::FrameType::error;
template <>
inline constexpr wire::FrameType kTypeOf<wire::Closing> = wire::FrameType::closing;
template <>
inline constexpr wire::FrameType kTypeOf<wire::ProducerOpened> = wire::FrameType::producer_opened;
template <>
inline constexpr wire::FrameType kTypeOf<wire::Published> = wire::FrameType::published;
template <>
inline constexpr wire::FrameType kTypeOf<wire::ConsumerOpened> = wire::FrameType::consumer_opened;
template <>
inline constexpr wire::FrameType kTypeOf<wire::Deliver> = wire::FrameType::deliver;
template <>
inline constexpr wire::FrameType kTypeOf<wire::Settled> = wire::FrameType::settled;
template <>
inline constexpr wire::FrameType kTypeOf<wire::Recall> = wire::FrameType::recall;
template <>
inline constexpr wire::FrameType kTypeOf<wire::LeaseEnded> = wire::FrameType::lease_ended;
template <>
inline constexpr wire::FrameType kTypeOf<wire::ConsumerEnded> = wire::FrameType::consumer_ended;
template <>
inline constexpr wire::FrameType kTypeOf<wire::QueueResponse> = wire::FrameType::queue_response;
template <>
inline constexpr wire::FrameType kTypeOf<wire::Peeked> = wire::FrameType::peeked;

/// An honest HELLO of a new instance.
wire::Hello fresh_hello();
/// All bytes of a frame.
std::string bytes_of(const wire::OutFrame& frame);
/// Twelve bytes that announce whatever they say.
std::string prefix_of(std::uint32_t length, std::uint8_t type, std::uint8_t flags, std::uint16_t reserved,
                      std::uint32_t header_bytes);
/// An item of a PUBLISH, with the right checksum.
wire::PublishItem item_of(const std::string& body, std::uint64_t sequence = 0);

class WireClient {
 public:
  static constexpr milliseconds kLimit = std::chrono::seconds(60);

  explicit WireClient(const Broker& broker) : WireClient(broker.broker()) {}
  /// HOST:PORT.
  explicit WireClient(const std::string& address);
  /// A port of loopback.
  explicit WireClient(std::uint16_t port) : WireClient("127.0.0.1:" + std::to_string(port)) {}
  ~WireClient();
  WireClient(WireClient&& other) noexcept;
  WireClient& operator=(WireClient&&) = delete;

  // --- Saying -------------------------------------------------------------------------------------------------------

  void send(const wire::OutFrame& frame) { send_bytes(bytes_of(frame)); }
  /// Throws when the broker does not take them in time; a connection that is gone is no error here.
  void send_bytes(std::string_view bytes);
  /// As many of them as the broker takes until it has taken nothing for `patience`, or is gone.
  std::size_t send_what_fits(std::string_view bytes, milliseconds patience);
  /// The end of what this side says; it still reads.
  void stop_sending();
  /// As a process that is killed: the kernel closes the connection.
  void hang_up();
  /// Whether the broker's PINGs are answered.
  void answer_pings(bool answers) { answers_pings_ = answers; }

  // --- Hearing ------------------------------------------------------------------------------------------------------

  /// The next frame, PINGs left out; nullopt at the end of the connection.
  std::optional<wire::Frame> next(milliseconds limit = kLimit);
  /// The next frame, PINGs left out; nullopt when none comes in time. The end of the connection is an exception.
  std::optional<wire::Frame> poll(milliseconds limit);
  /// The next frame, which must be a T.
  template <class T>
  T read(milliseconds limit = kLimit) {
    return decoded<T>(next(limit));
  }
  /// The next T; other frames before it are passed over.
  template <class T>
  T find(milliseconds limit = kLimit) {
    for (;;) {
      auto frame = next(limit);
      if (!frame || frame->type == static_cast<std::uint8_t>(kTypeOf<T>)) return decoded<T>(frame);
    }
  }
  /// Reads away at most so many bytes, and says how many; 0 when none came, or the connection has ended. No frame can
  /// be read any more after that.
  std::size_t sip(std::size_t most, milliseconds limit = kLimit);
  /// Reads to the end of the connection; what the last ERROR about the connection said, OK when there was none.
  base::Status read_end(milliseconds limit = kLimit);

  // --- Whole exchanges ----------------------------------------------------------------------------------------------

  wire::Welcome say_hello(const wire::Hello& hello = fresh_hello());
  void ensure_queue(const std::string& name, wire::OptionsPatch options = {});
  /// The producer's number.
  std::uint32_t open_producer(const std::string& queue);
  wire::Published publish(std::uint32_t producer, std::vector<wire::PublishItem> items);
  wire::ConsumerOpened open_consumer(std::uint64_t consumer, const std::string& queue, std::uint64_t credit,
                                     std::vector<wire::HeldToken> held = {});
  /// Deliveries to the consumer until there are `count`.
  std::vector<wire::Delivery> take(std::size_t count);
  wire::Settled settle(std::uint64_t consumer, std::vector<wire::Token> acks, std::vector<wire::Verdict> verdicts = {});
  std::uint64_t next_request() { return ++last_request_; }

 private:
  template <class T>
  T decoded(const std::optional<wire::Frame>& frame) {
    check_type(frame, static_cast<std::uint8_t>(kTypeOf<T>));
    auto decoded = wire::decode<T>(*frame);
    if (!decoded.ok()) fail(decoded.status().text());
    return *std::move(decoded);
  }
  void check_type(const std::optional<wire::Frame>& frame, std::uint8_t type);
  [[noreturn]] void fail(const std::string& what);
  /// The next whole frame of what was received; answers PINGs.
  std::optional<wire::Frame> take_frame();
  /// False at the end of the connection.
  bool receive(std::chrono::steady_clock::time_point deadline);

  int fd_ = -1;
  wire::FrameReader reader_{1u << 30};
  bool answers_pings_ = true;
  std::uint64_t last_request_ = 0;
};

/// Publishes, consumes and acks one message over a connection of its own, and fails the test if that does not work: the
/// broker has survived what was done to it.
void expect_serves(Broker& broker);

/// Resident memory of a process.
std::size_t resident_bytes(pid_t pid);

}  // namespace lazaret::testing
