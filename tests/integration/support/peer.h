// Peer: a broker of the test's own that says what no honest broker says, or not when a test needs it. Whatever the test
// does not answer itself is answered as a broker with no trouble would.
//
//   Peer peer;
//   peer.on<wire::Publish>([&](Peer::Link& link, const wire::Publish&) { link.hang_up(); return true; });
//   Client client = Client::connect(peer.url());
//
// Threading: one thread of its own calls what the test hands in; `on` before the first client comes. The rest: any.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "wire/frames.h"

namespace lazaret::testing {

class Peer {
 public:
  /// One connection of a client.
  class Link {
   public:
    Link(Peer& peer, boost::asio::ip::tcp::socket socket, int number)
        : peer_(peer), socket_(std::move(socket)), number_(number) {}
    /// From 1, in the order in which they came.
    int number() const { return number_; }
    void send(const wire::OutFrame& frame);
    void send_bytes(std::string_view bytes);
    /// What was sent arrives, then nothing more.
    void hang_up();

   private:
    friend class Peer;
    Peer& peer_;
    boost::asio::ip::tcp::socket socket_;
    const int number_;
    wire::FrameReader reader_{64u << 20};
    bool magic_ = false;
  };
  using LinkRef = std::shared_ptr<Link>;

  explicit Peer(std::uint16_t port = 0);
  ~Peer();
  Peer(const Peer&) = delete;

  /// What to do with each T; true when it is done with, and needs no usual answer.
  template <class T>
  void on(std::function<bool(Link&, const T&)> then);
  /// The bytes of all that it says; before the first client comes.
  void speak_with(std::function<std::string(const wire::OutFrame&)> speech) { speech_ = std::move(speech); }
  /// Said in the handshake.
  wire::Welcome welcome;

  std::string url() const { return "lazaret://127.0.0.1:" + std::to_string(port_); }
  int connections() const { return connections_; }
  /// Frames of that type so far.
  int heard(wire::FrameType type) const { return heard_.at(static_cast<std::size_t>(type)); }
  /// Does it to the latest connection, on the peer's thread.
  void with_latest(std::function<void(Link&)> then);

 private:
  void accept();
  void read(const LinkRef& link);
  void take(Link& link, const wire::Frame& frame);
  void answer(Link& link, const wire::Frame& frame);

  boost::asio::io_context io_{1};
  boost::asio::ip::tcp::acceptor acceptor_;
  const std::uint16_t port_;
  std::map<wire::FrameType, std::function<bool(Link&, const wire::Frame&)>> handlers_;
  std::function<std::string(const wire::OutFrame&)> speech_;
  std::atomic<int> connections_{0};
  std::array<std::atomic<int>, 256> heard_{};
  std::set<LinkRef> links_;
  LinkRef latest_;
  std::thread thread_;
};

}  // namespace lazaret::testing
