// WebhookPost: one try to post an alert to a receiver. A connection of its own, closed as soon as the head of the
// answer is there: what a receiver has to say beyond that is not read, and a redirection is not followed. Over https
// nothing is sent before the receiver has shown who it is (secure_stream.h); one that cannot has not answered.
//
// Threading: the thread of its io_context.
// Invariants: a try ends within kConnectTime + kAnswerTime, however long the name of the host takes to be looked up, or
// a handshake to come to its end, which both are part of kConnectTime, and however much the receiver says meanwhile; it
// takes at most kHeadBytes of the answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include "alerts/host_lookup.h"
#include "alerts/webhook.h"

namespace lazaret::alerts {

/// What a receiver is given.
struct Letter {
  std::string alert_id;
  std::string body;  // JSON
  std::uint32_t attempt = 1;
  std::int64_t timestamp = 0;  // seconds since the Unix epoch
};
struct PostOutcome {
  bool taken = false;  // answered with 200 to 299
  bool answered = false;
  std::string answer;  // "204", or why there was none
};

class WebhookPost {
 public:
  static constexpr std::chrono::seconds kConnectTime{5};
  static constexpr std::chrono::seconds kAnswerTime{10};
  static constexpr std::size_t kHeadBytes = 16u << 10;

  /// `ask`: whoever knows the addresses of hosts.
  explicit WebhookPost(boost::asio::io_context& io, HostLookup::Ask ask = HostLookup::ask_system)
      : io_(io), lookup_(io, std::move(ask)), deadline_(io) {}

  /// One at a time. `webhook` and this outlive it. REQUIRES that a secure webhook has its trust.
  boost::asio::awaitable<PostOutcome> send(const Webhook& webhook, Letter letter, std::string version);
  /// Ends what is under way, which counts as not answered.
  void cancel();

 private:
  boost::asio::awaitable<std::string> connect(const Webhook& webhook, boost::beast::tcp_stream& stream);
  void give(std::chrono::seconds time);

  boost::asio::io_context& io_;
  HostLookup lookup_;
  boost::beast::tcp_stream* stream_ = nullptr;  // of the try under way
  boost::asio::steady_timer deadline_;          // of what it is at
  bool took_too_long_ = false;                  // the deadline has come, and has closed the stream
  bool cancelled_ = false;
};

}  // namespace lazaret::alerts
