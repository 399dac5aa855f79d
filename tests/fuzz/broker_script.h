// BrokerScript: the bytes of an input as a story. Up to four connections say what clients say and what none would, in
// any order, with what they heard before: tokens, sessions, numbers of producers. Time passes, the broker restarts.
//
// An action is one byte: its lower five bits say what (Action), the upper two which connection. What it needs follows.
//
// Threading: one thread.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/input.h"
#include "fuzz/small_broker.h"
#include "integration/support/wire_client.h"

namespace lazaret::fuzz {

enum class Action : std::uint8_t {
  connect,
  resume,
  connect_silently,
  queue_request,
  open_producer,
  publish,
  close_producer,
  open_consumer,
  add_credit,
  started,
  settle,
  close_consumer,
  peek,
  ping,
  goodbye,
  raw_bytes,
  spoil_next,
  unexpected_frame,
  stop_sending,
  hang_up,
  listen,
  advance,
  restart,
  replay,
  discard,
  drain,
  kCount,
};

class BrokerScript {
 public:
  static constexpr std::size_t kConnections = 4;
  /// So many actions at most: an input that costs seconds finds nothing that a short one does not.
  static constexpr std::size_t kActions = 200;
  static constexpr std::size_t kRestarts = 3;

  BrokerScript(Input input, SmallBroker& broker) : input_(input), broker_(broker) {}
  /// To the end of the input. All connections are closed then.
  void play();

 private:
  struct Connection {
    std::optional<testing::WireClient> client;
    /// Whether a PING is answered: all it said so far was whole frames, after a greeting.
    bool orderly = false;
  };
  struct Heard {
    std::uint64_t consumer = 0;
    std::uint64_t delivery = 0;
    wire::Token token;
  };

  void act(Action action);
  void act_on_broker(Action action);
  void connect(bool greets, bool resumes);
  void send(const wire::OutFrame& frame);
  void send_bytes(std::string bytes);
  void hang_up(Connection& connection);
  void listen();
  void hear_until_pong();
  void hear(const wire::Frame& frame);
  void restart();
  void operate(bool replays);

  wire::QueueRequest queue_request();
  wire::Publish publish();
  wire::OpenConsumer open_consumer();
  wire::Settle settle();
  wire::Verdict verdict();
  wire::OutFrame unexpected_frame();
  wire::OptionsPatch options();
  std::string envelope();
  std::string body();
  std::string queue();
  wire::Token token();
  std::vector<wire::HeldToken> held();
  base::Uuid uuid();
  std::uint64_t request() { return input_.byte(); }

  Input input_;
  SmallBroker& broker_;
  std::array<Connection, kConnections> connections_;
  Connection* connection_ = nullptr;  // the one that acts
  std::optional<std::pair<std::size_t, std::uint8_t>> spoil_;
  std::vector<Heard> heard_;
  std::vector<model::SessionId> sessions_;
  std::uint64_t pings_ = 1ull << 62;
  std::size_t restarts_ = 0;
};

}  // namespace lazaret::fuzz
