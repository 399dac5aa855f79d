// RabbitMQ, a quorum queue: persistent messages with publisher confirms; a prefetch of the window, one ack for each
// message. RabbitMQ confirms no acks: they count when they are sent.
#include <set>

#include "load.h"
#include "socket.h"

namespace {

using peers::Load;

// --- AMQP 0-9-1 ------------------------------------------------------------------------------------------------------

constexpr std::uint32_t method(std::uint32_t class_id, std::uint32_t id) { return class_id << 16 | id; }

constexpr auto kStart = method(10, 10), kStartOk = method(10, 11), kTune = method(10, 30), kTuneOk = method(10, 31),
               kOpen = method(10, 40), kOpenOk = method(10, 41), kClose = method(10, 50), kChannelOpen = method(20, 10),
               kChannelOpenOk = method(20, 11), kChannelClose = method(20, 40), kDeclare = method(50, 10),
               kDeclareOk = method(50, 11), kDelete = method(50, 40), kDeleteOk = method(50, 41), kQos = method(60, 10),
               kQosOk = method(60, 11), kConsume = method(60, 20), kConsumeOk = method(60, 21),
               kPublish = method(60, 40), kDeliver = method(60, 60), kAck = method(60, 80), kConfirms = method(85, 10),
               kConfirmsOk = method(85, 11);

enum FrameType : std::uint8_t { kMethod = 1, kHeader = 2, kBody = 3 };

/// Big-endian.
void add_number(std::string& out, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
}

/// Numbers, and short and long strings, one after the other.
class Fields {
 public:
  Fields& number(std::uint64_t value, int bytes) {
    add_number(bytes_, value, bytes);
    return *this;
  }
  Fields& word(std::string_view text) { return number(text.size(), 1).raw(text); }
  Fields& text(std::string_view text) { return number(text.size(), 4).raw(text); }
  Fields& raw(std::string_view text) {
    bytes_ += text;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

void add_frame(std::string& out, FrameType type, std::uint64_t channel, std::string_view payload) {
  constexpr std::uint64_t kEnd = 0xCE;
  add_number(out, type, 1);
  add_number(out, channel, 2);
  add_number(out, payload.size(), 4);
  out += payload;
  add_number(out, kEnd, 1);
}

void add_method(std::string& out, std::uint64_t channel, std::uint32_t what, const Fields& arguments) {
  add_frame(out, kMethod, channel, Fields().number(what, 4).raw(arguments.bytes()).bytes());
}

std::uint64_t number_at(std::string_view in, std::size_t at, int bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i)
    value = value << 8 | static_cast<std::uint8_t>(in.at(at + static_cast<std::size_t>(i)));
  return value;
}

/// A connection with one channel.
class Connection {
 public:
  struct Frame {
    std::uint8_t type = 0;
    std::uint32_t method = 0;    // of a method frame
    std::string_view arguments;  // of a method frame; else the payload
  };

  explicit Connection(int port) : socket_(port) {
    out() += std::string_view("AMQP\0\0\x09\x01", 8);
    expect(kStart);
    const std::string_view guest("\0guest\0guest", 12);
    send(0, kStartOk, Fields().text("").word("PLAIN").text(guest).word("en_US"));
    expect(kTune);
    send(0, kTuneOk, Fields().number(1, 2).number(kFrameMax, 4).number(0, 2));  // no heartbeats
    send(0, kOpen, Fields().word("/").word("").number(0, 1));
    expect(kOpenOk);
    ask(kChannelOpen, Fields().word(""), kChannelOpenOk);
  }

  std::string& out() { return socket_.out; }
  void flush() { socket_.flush(); }
  bool read(std::int64_t most_us) { return socket_.read(most_us); }

  void ask(std::uint32_t what, const Fields& arguments, std::uint32_t answer) {
    send(1, what, arguments);
    expect(answer);
  }
  /// The next frame of what has been read; valid until the next read().
  bool next(Frame& frame) {
    const std::string_view in = socket_.in();
    if (in.size() < kFrameHead) return false;
    const std::size_t size = number_at(in, 3, 4);
    if (in.size() < kFrameHead + size + 1) return false;
    frame.type = static_cast<std::uint8_t>(in[0]);
    frame.arguments = in.substr(kFrameHead, size);
    frame.method = 0;
    socket_.eat(kFrameHead + size + 1);
    if (frame.type != kMethod) return true;
    frame.method = static_cast<std::uint32_t>(number_at(frame.arguments, 0, 4));
    frame.arguments.remove_prefix(4);
    if (frame.method == kClose || frame.method == kChannelClose) {
      throw std::runtime_error("RabbitMQ: " + std::string(frame.arguments.substr(3, number_at(frame.arguments, 2, 1))));
    }
    return true;
  }
  static constexpr std::uint64_t kFrameMax = 131'072;

 private:
  static constexpr std::size_t kFrameHead = 7;

  void send(std::uint64_t channel, std::uint32_t what, const Fields& arguments) {
    add_method(out(), channel, what, arguments);
  }
  void expect(std::uint32_t what) {
    flush();
    Frame frame;
    while (!next(frame)) {
      if (!read(20'000'000)) throw std::runtime_error("RabbitMQ does not answer");
    }
    if (frame.method != what) throw std::runtime_error("RabbitMQ answers with " + std::to_string(frame.method));
  }

  peers::Socket socket_;
};

// --- The peer --------------------------------------------------------------------------------------------------------

struct RabbitMq {
  static void remove(const Load& load) {
    Connection(load.port).ask(kDelete, Fields().number(0, 2).word(load.queue).number(0, 1), kDeleteOk);
  }
  static void make(const Load& load) {
    remove(load);
    const Fields quorum = Fields().word("x-queue-type").raw("S").text("quorum");
    constexpr int kDurable = 2;
    Connection(load.port).ask(kDeclare, Fields().number(0, 2).word(load.queue).number(kDurable, 1).text(quorum.bytes()),
                              kDeclareOk);
  }

  struct Sender {
    explicit Sender(const Load& load) : connection(load.port) {
      const auto size = static_cast<std::uint64_t>(load.size);
      if (size + 8 > Connection::kFrameMax) throw std::runtime_error("a body of several frames");
      connection.ask(kConfirms, Fields().number(0, 1), kConfirmsOk);
      add_method(before_body, 1, kPublish, Fields().number(0, 2).word("").word(load.queue).number(0, 1));
      constexpr int kBasic = 60, kHasDeliveryMode = 0x1000, kPersistent = 2;
      const Fields head = Fields().number(kBasic, 2).number(0, 2).number(size, 8).number(kHasDeliveryMode, 2);
      add_frame(before_body, kHeader, 1, Fields(head).number(kPersistent, 1).bytes());
    }
    /// All of them have the size that the load has.
    void publish(std::string_view body) {
      connection.out() += before_body;
      add_frame(connection.out(), kBody, 1, body);
    }
    /// Negative: microseconds.
    int confirms(int most) {
      connection.flush();
      connection.read(most < 0 ? -most : std::int64_t{most} * 1000);
      int count = 0;
      for (Connection::Frame frame; connection.next(frame);) {
        if (frame.method != kAck) throw std::runtime_error("RabbitMQ does not confirm");
        count += confirmed(number_at(frame.arguments, 0, 8), frame.arguments.at(8) != 0);
      }
      return count;
    }
    /// How many more, with this confirm of one or of all up to it.
    int confirmed(std::uint64_t tag, bool all) {
      const std::uint64_t before = last + early.size();
      if (all) {
        last = std::max(last, tag);
        early.erase(early.begin(), early.upper_bound(last));
      } else {
        early.insert(tag);
      }
      while (!early.empty() && *early.begin() == last + 1) {
        ++last;
        early.erase(early.begin());
      }
      return static_cast<int>(last + early.size() - before);
    }
    Connection connection;
    std::string before_body;
    std::uint64_t last = 0;         // all up to it are confirmed
    std::set<std::uint64_t> early;  // beyond it
  };

  struct Taker {
    explicit Taker(const Load& load) : connection(load.port) {
      connection.ask(kQos, Fields().number(0, 4).number(static_cast<std::uint64_t>(load.window), 2).number(0, 1),
                     kQosOk);
      connection.ask(kConsume, Fields().number(0, 2).word(load.queue).word("c").number(0, 1).text(""), kConsumeOk);
    }
    int take(int most_ms) {
      int count = 0;
      for (Connection::Frame frame; connection.next(frame);) count += taken(frame);
      if (count == 0 && connection.read(std::int64_t{most_ms} * 1000)) {
        for (Connection::Frame frame; connection.next(frame);) count += taken(frame);
      }
      connection.flush();
      return count;
    }
    /// A delivery, its header, its body; then the ack.
    int taken(const Connection::Frame& frame) {
      if (frame.method == kDeliver) tag = number_at(frame.arguments, 1 + number_at(frame.arguments, 0, 1), 8);
      if (frame.type == kHeader) left = number_at(frame.arguments, 4, 8);
      if (frame.type == kBody) left -= frame.arguments.size();
      if (frame.type == kMethod || left > 0) return 0;
      add_method(connection.out(), 1, kAck, Fields().number(tag, 8).number(0, 1));
      return 1;
    }
    Connection connection;
    std::uint64_t tag = 0;
    std::uint64_t left = 0;
  };
};

}  // namespace

int main(int argc, char** argv) try { return peers::run<RabbitMq>(argc, argv); } catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
