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
    bool nothing = false;  // a null
  };
  Reply next() {
    Reply reply;
    std::size_t at = 0;
    reply.whole = parse(socket_.in(), at, reply);
    if (reply.whole) socket_.eat(at);
    return reply;
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
    if (length < 0) {
      reply.nothing = true;
      return true;
    }
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
  static void prepare(const Load& load) {
    Connection connection(load.port);
    connection.command({"DEL", load.queue});
    connection.command({"XGROUP", "CREATE", load.queue, "g", "0", "MKSTREAM"});
    connection.flush();
    for (int replies = 0; replies < 2;) {
      if (connection.next().whole) {
        ++replies;
      } else {
        connection.read(5'000'000);
      }
    }
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

  struct Taker {
    explicit Taker(const Load& load)
        : connection(load.port),
          queue(load.queue),
          window(std::to_string(load.window)),
          name("c" + std::to_string(reinterpret_cast<std::uintptr_t>(this))) {}
    int take(int most_ms, const peers::Seen& seen) {
      connection.command(
          {"XREADGROUP", "GROUP", "g", name, "COUNT", window, "BLOCK", std::to_string(most_ms), "STREAMS", queue, ">"});
      connection.flush();
      Connection::Reply reply;
      while (!(reply = connection.next()).whole) connection.read(1'000'000);
      if (reply.nothing) return 0;
      // The stream's name; then of each message its id, "b", and its body.
      std::vector<std::string> ids;
      for (std::size_t i = 1; i + 2 < reply.values.size(); i += 3) {
        seen(reply.values[i + 2]);
        ids.emplace_back(reply.values[i]);
      }
      for (const std::string& id : ids) {
        connection.command({"XACK", queue, "g", id});
        connection.command({"XDEL", queue, id});
      }
      connection.flush();
      for (std::size_t replies = 0; replies < 2 * ids.size();) {
        if (connection.next().whole) {
          ++replies;
        } else {
          connection.read(1'000'000);
        }
      }
      return static_cast<int>(ids.size());
    }
    Connection connection;
    std::string queue;
    std::string window;
    std::string name;
  };
};

}  // namespace

int main(int argc, char** argv) try { return peers::run<Redis>(argc, argv); } catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
