// EventReader: the broker's events (GET /api/v1/events), read for as long as somebody wants them. A connection that is
// lost is made anew a second later.
//
// Threading: the thread of the io_context.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/tcp_stream.hpp>

namespace lazaret::cli {

/// Lines of an event stream put together; other fields than `event` and `data` are left out.
class EventLines {
 public:
  using Event = std::function<void(std::string_view name, std::string_view data)>;
  /// More than this without an end is no event of the broker's, and is dropped.
  static constexpr std::size_t kMost = 32u << 20;

  explicit EventLines(Event event) : event_(std::move(event)) {}
  void take(std::string_view text);
  /// What is not whole is forgotten.
  void reset();

 private:
  void line(std::string_view line);
  Event event_;
  std::string rest_;
  std::string name_;
  std::string data_;
};

class EventReader {
 public:
  /// `address`: HOST:PORT.
  EventReader(boost::asio::io_context& io, std::string address, EventLines::Event event);
  /// Until `stop`.
  boost::asio::awaitable<void> run();
  void stop();

 private:
  boost::asio::awaitable<void> read();

  const std::string address_;
  EventLines lines_;
  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::steady_timer pause_;
  boost::beast::tcp_stream stream_;
  bool stopping_ = false;
};

}  // namespace lazaret::cli
