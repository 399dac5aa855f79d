// NATS JetStream, a work queue in files: a PubAck for each message; a durable pull consumer, an explicit ack for each
// message. JetStream confirms no acks unless it is asked one by one: they count when they are sent.
#include <charconv>

#include "load.h"
#include "socket.h"

namespace {

using peers::Load;

/// A connection that speaks the text protocol of NATS.
class Connection {
 public:
  explicit Connection(const Load& load) : socket_(load.port), inbox_("_INBOX." + unique_name()) {
    socket_.out = "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true}\r\nSUB " +
                  inbox_ + " 1\r\nPING\r\n";
    socket_.flush();
    Message none;
    while (!ponged_) {
      if (next(none)) throw std::runtime_error("NATS sends what nobody asked for");
      if (!ponged_ && !socket_.read(5'000'000)) throw std::runtime_error("NATS does not answer");
    }
  }

  struct Message {
    std::string_view reply;
    std::string_view body;
    std::string_view status;  // the headers, when the server speaks for itself
  };
  /// The next one of what has been read, valid until the next read().
  bool next(Message& message) {
    for (;;) {
      const std::string_view in = socket_.in();
      const std::size_t end = in.find("\r\n");
      if (end == std::string_view::npos) return false;
      const std::string_view line = in.substr(0, end);
      if (line.starts_with("MSG ") || line.starts_with("HMSG ")) return take(line, in.substr(end + 2), message);
      if (line == "PING") socket_.out += "PONG\r\n";
      if (line == "PONG") ponged_ = true;
      if (line.starts_with("-ERR")) throw std::runtime_error("NATS: " + std::string(line));
      socket_.eat(end + 2);
    }
  }
  /// `answers` go to the inbox.
  void publish(std::string_view subject, std::string_view body, bool answers) {
    std::string& out = socket_.out;
    out += "PUB ";
    out += subject;
    if (answers) out += " " + inbox_;
    out += " " + std::to_string(body.size()) + "\r\n";
    out += body;
    out += "\r\n";
  }
  void flush() { socket_.flush(); }
  bool read(std::int64_t most_us) { return socket_.read(most_us); }

  std::string ask(const std::string& subject, const std::string& body) {
    publish(subject, body, true);
    flush();
    Message answer;
    while (!next(answer)) {
      if (!read(10'000'000)) throw std::runtime_error("no answer from " + subject);
    }
    if (!answer.status.empty()) throw std::runtime_error("NATS has no JetStream yet");
    return std::string(answer.body);
  }

 private:
  static std::string unique_name() {
    static std::atomic<int> last{0};
    return std::to_string(::getpid()) + "-" + std::to_string(++last);
  }

  /// "MSG subject sid [reply] bytes" and "HMSG subject sid [reply] bytes-of-headers bytes", then the bytes.
  bool take(std::string_view line, std::string_view rest, Message& message) {
    const std::size_t whole_line = line.size() + 2;
    const bool headers = line[0] == 'H';
    const std::size_t size = number_at_end(line);
    if (rest.size() < size + 2) return false;
    const std::size_t head = headers ? number_at_end(line) : 0;
    std::size_t words = 1;
    for (const char letter : line) words += letter == ' ';
    message.reply = words > 3 ? line.substr(line.rfind(' ') + 1) : std::string_view();
    message.status = rest.substr(0, head);
    message.body = rest.substr(head, size - head);
    socket_.eat(whole_line + size + 2);
    return true;
  }
  /// Cuts it off, with its space.
  static std::size_t number_at_end(std::string_view& line) {
    const std::size_t space = line.rfind(' ');
    std::size_t number = 0;
    std::from_chars(line.data() + space + 1, line.data() + line.size(), number);
    line = line.substr(0, space);
    return number;
  }

  peers::Socket socket_;
  const std::string inbox_;
  bool ponged_ = false;
};

struct Nats {
  static void remove(const Load& load) { Connection(load).ask("$JS.API.STREAM.DELETE." + load.queue, ""); }
  static void make(const Load& load) {
    remove(load);  // there may be none
    Connection connection(load);
    const std::string stream = R"({"name":")" + load.queue + R"(","subjects":[")" + load.queue +
                               R"("],"retention":"workqueue","storage":"file","num_replicas":1})";
    const std::string consumer =
        R"({"stream_name":")" + load.queue +
        R"(","config":{"durable_name":"w","deliver_policy":"all","ack_policy":"explicit","max_ack_pending":-1}})";
    for (const std::string& answer : {connection.ask("$JS.API.STREAM.CREATE." + load.queue, stream),
                                      connection.ask("$JS.API.CONSUMER.DURABLE.CREATE." + load.queue + ".w", consumer)})
      if (answer.find("\"error\"") != std::string::npos) throw std::runtime_error("NATS: " + answer);
  }

  struct Sender {
    explicit Sender(const Load& load) : connection(load), subject(load.queue) {}
    void publish(std::string_view body) { connection.publish(subject, body, true); }
    /// Negative: microseconds.
    int confirms(int most) {
      connection.flush();
      connection.read(most < 0 ? -most : std::int64_t{most} * 1000);
      int count = 0;
      for (Connection::Message ack; connection.next(ack); ++count) {
        if (!ack.status.empty() || ack.body.find("\"error\"") != std::string_view::npos) {
          throw std::runtime_error("NATS does not store: " + std::string(ack.body));
        }
      }
      return count;
    }
    Connection connection;
    std::string subject;
  };

  /// Two requests of half a window, so that one is always under way.
  struct Taker {
    explicit Taker(const Load& load)
        : connection(load),
          next_subject("$JS.API.CONSUMER.MSG.NEXT." + load.queue + ".w"),
          half(std::max(load.window / 2, 1)) {}
    int take(int most_ms) {
      for (; wanted <= half; wanted += half) {
        connection.publish(next_subject, R"({"batch":)" + std::to_string(half) + R"(,"expires":600000000000})", true);
      }
      connection.flush();
      connection.read(std::int64_t{most_ms} * 1000);
      int count = 0;
      for (Connection::Message message; connection.next(message); ++count) {
        if (message.reply.empty()) throw std::runtime_error("NATS delivers no more: " + std::string(message.status));
        connection.publish(message.reply, "+ACK", false);
      }
      wanted -= count;
      connection.flush();
      return count;
    }
    Connection connection;
    std::string next_subject;
    int half;
    int wanted = 0;
  };
};

}  // namespace

int main(int argc, char** argv) try { return peers::run<Nats>(argc, argv); } catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
