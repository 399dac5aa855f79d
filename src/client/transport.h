// Transport: one TCP connection to the broker, from the attempt to its end. It knows frames, not what they mean.
//
// Threading: everything on the executor that it was given (a strand, or a single thread).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "wire/frames.h"
#include "wire/write_queue.h"

namespace lazaret::detail {

namespace asio = boost::asio;

class Transport : public std::enable_shared_from_this<Transport> {
 public:
  /// How it ended.
  enum class Gone : std::uint8_t {
    failed,        // no connection, or not any more
    refused,       // the broker does not want us: it said so in place of Welcome
    unknown_host,  // there is no such name
  };
  struct Events {
    /// Called when TCP is connected: who we are.
    std::function<wire::Hello()> hello;
    std::function<void(const wire::Welcome&)> open;
    /// Anything but OK ends the connection.
    std::function<base::Status(const wire::Frame&)> frame;
    /// The last thing that is called: why it ended. Nothing is called after `close`.
    std::function<void(const base::Status&, Gone)> gone;
  };

  Transport(asio::any_io_executor executor, std::string host, std::string port)
      : executor_(executor), host_(std::move(host)), port_(std::move(port)), socket_(executor), watchdog_(executor) {}

  void start(Events events, std::chrono::milliseconds connect_within);
  /// Written at the end of this turn of the executor, with all that is sent in it: a verdict and the next Started are
  /// one system call.
  void send(wire::OutFrame frame);
  /// Calls `then` when everything sent so far is in the kernel; never if the connection ends before.
  void after_written(std::function<void()> then);
  void close();

 private:
  asio::awaitable<void> run();
  asio::awaitable<base::Status> connect();
  asio::awaitable<base::Status> read();
  base::Status on(const wire::Frame& frame);
  void write_soon();
  void write();
  void watch(base::Duration after);
  void check_peer();
  void end(const base::Status& status);

  asio::any_io_executor executor_;
  std::string host_;
  std::string port_;
  asio::ip::tcp::socket socket_;
  asio::steady_timer watchdog_;
  Events events_;
  Gone how_ = Gone::failed;
  bool open_ = false;
  bool ended_ = false;
  wire::FrameReader reader_{64u << 10};
  wire::WriteQueue outbox_;
  bool write_posted_ = false;
  std::uint64_t sent_ = 0;     // bytes, ever
  std::uint64_t written_ = 0;  // of them in the kernel
  std::deque<std::pair<std::uint64_t, std::function<void()>>> after_;
  base::Duration heartbeat_{};
  std::chrono::steady_clock::time_point heard_at_;
  std::chrono::steady_clock::time_point said_at_;
};

}  // namespace lazaret::detail
