// Redis Streams, one consumer group: XADD; XREADGROUP, and an XACK and an XDEL for each message. All pipelined.
#include "load.h"
#include "socket.h"

namespace {

using peers::Load;

/// A connection that speaks RESP2.
class Connection {
 public:
  explicit Connection(int port) : socket_(port) {}

  void command(std::initializer_list<std::string_view> words) {
    std::string& out = socket_.out;
    out += "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string_view word : words) {
      out += "$" + std::to_string(word.size()) + "\r\n";
      out += word;
      out += "\r\n";
    }
  }
  void flush() { socket_.flush(); }
  bool read(std::int64_t most_us) { return socket_.read(most_us); }

  /// What a reply consists of, in order: its strings and numbers. Nothing when it is not all there.
  struct Reply {
    std::vector<std::string_view> values;
    bool whole = false;
  };
  Reply next() {
    Reply reply;
    std::size_t at = 0;
    reply.whole = parse(socket_.in(), at, reply);
    if (reply.whole) socket_.eat(at);
    return reply;
  }
  void ask(std::initializer_list<std::string_view> words) {
    command(words);
    flush();
    while (!next().whole) {
      if (!read(20'000'000)) throw std::runtime_error("Redis does not answer");
    }
  }

 private:
  static bool parse(std::string_view in, std::size_t& at, Reply& reply) {
    const std::size_t end = in.find("\r\n", at);
    if (end == std::string_view::npos) return false;
    const char kind = in[at];
    const std::string_view line = in.substr(at + 1, end - at - 1);
    at = end + 2;
    if (kind == '-') throw std::runtime_error("Redis: " + std::string(line));
    if (kind == '+' || kind == ':') {
      reply.values.push_back(line);
      return true;
    }
    const long length = std::strtol(line.data(), nullptr, 10);
    if (length < 0) return true;  // a null
    if (kind == '$') {
      if (in.size() < at + static_cast<std::size_t>(length) + 2) return false;
      reply.values.push_back(in.substr(at, static_cast<std::size_t>(length)));
      at += static_cast<std::size_t>(length) + 2;
      return true;
    }
    for (long i = 0; i < length; ++i) {
      if (!parse(in, at, reply)) return false;
    }
    return true;
  }

  peers::Socket socket_;
};

struct Redis {
  static void remove(const Load& load) { Connection(load.port).ask({"DEL", load.queue}); }
  static void make(const Load& load) {
    remove(load);
    Connection(load.port).ask({"XGROUP", "CREATE", load.queue, "g", "0", "MKSTREAM"});
  }

  struct Sender {
    explicit Sender(const Load& load) : connection(load.port), queue(load.queue) {}
    void publish(std::string_view body) { connection.command({"XADD", queue, "*", "b", body}); }
    /// Negative: microseconds.
    int confirms(int most) {
      connection.flush();
      connection.read(most < 0 ? -most : std::int64_t{most} * 1000);
      int count = 0;
      while (connection.next().whole) ++count;
      return count;
    }
    Connection connection;
    std::string queue;
  };

  /// Reads on behind its acks, in the same pipeline.
  struct Taker {
    explicit Taker(const Load& load)
        : connection(load.port),
          queue(load.queue),
          window(std::to_string(load.window)),
          name("c" + std::to_string(reinterpret_cast<std::uintptr_t>(this))) {}
    int take(int most_ms) {
      if (!reading) {
        connection.command({"XREADGROUP", "GROUP", "g", name, "COUNT", window, "BLOCK", "20", "STREAMS", queue, ">"});
        reading = true;
      }
      connection.flush();
      connection.read(std::int64_t{most_ms} * 1000);
      int settled = 0;
      for (Connection::Reply reply; (reply = connection.next()).whole;) {
        if (unanswered > 0) {
          settled += --unanswered % 2 == 0 ? 1 : 0;
        } else {
          reading = false;
          settle(reply);
        }
      }
      return settled;
    }
    /// The reply has the stream's name; then of each message its id, "b", and its body.
    void settle(const Connection::Reply& reply) {
      for (std::size_t i = 1; i + 2 < reply.values.size(); i += 3) {
        connection.command({"XACK", queue, "g", reply.values[i]});
        connection.command({"XDEL", queue, reply.values[i]});
        unanswered += 2;
      }
    }
    Connection connection;
    std::string queue;
    std::string window;
    std::string name;
    bool reading = false;
    int unanswered = 0;  // replies to XACK and XDEL that are still to come
  };
};

}  // namespace

int main(int argc, char** argv) try { return peers::run<Redis>(argc, argv); } catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
