// RabbitMQ, a quorum queue: persistent messages with publisher confirms; a prefetch of the window, one ack for each
// message. RabbitMQ confirms no acks: they count when they are sent.
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>

#include <set>

#include "load.h"

namespace {

using peers::Load;

class Connection {
 public:
  explicit Connection(const Load& load) : state_(amqp_new_connection()) {
    amqp_socket_t* socket = amqp_tcp_socket_new(state_);
    if (amqp_socket_open(socket, "127.0.0.1", load.port) != 0) throw std::runtime_error("no RabbitMQ there");
    check(amqp_login(state_, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest"));
    amqp_channel_open(state_, 1);
    check(amqp_get_rpc_reply(state_));
  }
  ~Connection() { amqp_destroy_connection(state_); }
  Connection(const Connection&) = delete;
  amqp_connection_state_t state() const { return state_; }
  static void check(const amqp_rpc_reply_t& reply) {
    if (reply.reply_type != AMQP_RESPONSE_NORMAL) throw std::runtime_error("RabbitMQ refuses");
  }

 private:
  amqp_connection_state_t state_;
};

timeval time_of(std::int64_t us) { return {us / 1'000'000, us % 1'000'000}; }

struct RabbitMq {
  static void prepare(const Load& load) {
    const Connection connection(load);
    const amqp_bytes_t queue = amqp_cstring_bytes(load.queue.c_str());
    amqp_queue_delete(connection.state(), 1, queue, 0, 0);
    amqp_get_rpc_reply(connection.state());
    amqp_table_entry_t entry{};
    entry.key = amqp_cstring_bytes("x-queue-type");
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = amqp_cstring_bytes("quorum");
    const amqp_table_t arguments{1, &entry};
    amqp_queue_declare(connection.state(), 1, queue, 0, 1, 0, 0, arguments);
    Connection::check(amqp_get_rpc_reply(connection.state()));
  }

  struct Sender {
    explicit Sender(const Load& load) : connection(load), queue(load.queue) {
      amqp_confirm_select(connection.state(), 1);
      Connection::check(amqp_get_rpc_reply(connection.state()));
    }
    void publish(std::string_view body) {
      amqp_basic_properties_t properties{};
      properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
      properties.delivery_mode = 2;
      const amqp_bytes_t bytes{body.size(), const_cast<char*>(body.data())};
      if (amqp_basic_publish(connection.state(), 1, amqp_empty_bytes, amqp_cstring_bytes(queue.c_str()), 0, 0,
                             &properties, bytes) != 0) {
        throw std::runtime_error("RabbitMQ takes no publish");
      }
      unconfirmed.insert(unconfirmed.end(), ++last_tag);
    }
    /// Negative: microseconds.
    int confirms(int most) {
      std::int64_t wait = most < 0 ? -most : std::int64_t{most} * 1000;
      int count = 0;
      for (;;) {
        amqp_frame_t frame;
        timeval time = time_of(wait);
        amqp_maybe_release_buffers(connection.state());
        if (amqp_simple_wait_frame_noblock(connection.state(), &frame, &time) != AMQP_STATUS_OK) return count;
        if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD) {
          throw std::runtime_error("RabbitMQ does not confirm");
        }
        const auto* ack = static_cast<const amqp_basic_ack_t*>(frame.payload.method.decoded);
        const auto first = ack->multiple != 0 ? unconfirmed.begin() : unconfirmed.find(ack->delivery_tag);
        const auto end = unconfirmed.upper_bound(ack->delivery_tag);
        count += static_cast<int>(std::distance(first, end));
        unconfirmed.erase(first, end);
        wait = 0;
      }
    }
    Connection connection;
    std::string queue;
    std::uint64_t last_tag = 0;
    std::set<std::uint64_t> unconfirmed;
  };

  struct Taker {
    explicit Taker(const Load& load) : connection(load) {
      amqp_basic_qos(connection.state(), 1, 0, static_cast<std::uint16_t>(load.window), 0);
      amqp_basic_consume(connection.state(), 1, amqp_cstring_bytes(load.queue.c_str()), amqp_empty_bytes, 0, 0, 0,
                         amqp_empty_table);
      Connection::check(amqp_get_rpc_reply(connection.state()));
    }
    int take(int most_ms, const peers::Seen& seen) {
      std::int64_t wait = std::int64_t{most_ms} * 1000;
      for (int count = 0;;) {
        amqp_envelope_t envelope;
        timeval time = time_of(wait);
        amqp_maybe_release_buffers(connection.state());
        if (amqp_consume_message(connection.state(), &envelope, &time, 0).reply_type != AMQP_RESPONSE_NORMAL)
          return count;
        seen({static_cast<const char*>(envelope.message.body.bytes), envelope.message.body.len});
        amqp_basic_ack(connection.state(), 1, envelope.delivery_tag, 0);
        amqp_destroy_envelope(&envelope);
        ++count;
        wait = 0;
        if (count == 256) return count;
      }
    }
    Connection connection;
  };
};

}  // namespace

int main(int argc, char** argv) try { return peers::run<RabbitMq>(argc, argv); } catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
