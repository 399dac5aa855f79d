// Redis Streams, one consumer group: XADD; XREADGROUP, and an XACK and an XDEL for each message. All pipelined.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "load.h"

namespace {

using peers::Load;

/// A connection that speaks RESP2.
class Connection {
 public:
  explicit Connection(int port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error("no Redis there");
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;

  void command(std::initializer_list<std::string_view> words) {
    out_ += "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string_view word : words) {
      out_ += "$" + std::to_string(word.size()) + "\r\n";
      out_ += word;
      out_ += "\r\n";
    }
  }
  void flush() {
    for (std::size_t at = 0; at < out_.size();) {
      const ssize_t sent = ::send(fd_, out_.data() + at, out_.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("Redis hung up");
      at += static_cast<std::size_t>(sent);
    }
    out_.clear();
  }
  /// Reads once, waiting at most so many microseconds; false when nothing came.
  bool read(std::int64_t most_us) {
    pollfd ready{fd_, POLLIN, 0};
    const timespec wait{most_us / 1'000'000, most_us % 1'000'000 * 1000};
    if (::ppoll(&ready, 1, &wait, nullptr) <= 0) return false;
    in_.erase(0, at_);
    at_ = 0;
    const std::size_t had = in_.size();
    in_.resize(had + (256u << 10));
    const ssize_t got = ::recv(fd_, in_.data() + had, in_.size() - had, 0);
    if (got <= 0) throw std::runtime_error("Redis hung up");
    in_.resize(had + static_cast<std::size_t>(got));
    return true;
  }

  /// What a reply consists of, in order: its strings and numbers. Nothing when it is not all there.
  struct Reply {
    std::vector<std::string_view> values;
    bool whole = false;
    bool nothing = false;  // a null
  };
  Reply next() {
    Reply reply;
    std::size_t at = at_;
    reply.whole = parse(at, reply);
    if (reply.whole) at_ = at;
    return reply;
  }

 private:
  bool parse(std::size_t& at, Reply& reply) {
    const std::size_t end = in_.find("\r\n", at);
    if (end == std::string::npos) return false;
    const char kind = in_[at];
    const std::string_view line(in_.data() + at + 1, end - at - 1);
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
      if (in_.size() < at + static_cast<std::size_t>(length) + 2) return false;
      reply.values.emplace_back(in_.data() + at, length);
      at += static_cast<std::size_t>(length) + 2;
      return true;
    }
    for (long i = 0; i < length; ++i) {
      if (!parse(at, reply)) return false;
    }
    return true;
  }

  const int fd_;
  std::string out_;
  std::string in_;
  std::size_t at_ = 0;
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
