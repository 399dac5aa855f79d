// WebhookSink: somebody who gets alerts, on a free port of loopback. Keeps what was posted; answers as it was told.
//
// Threading: one thread of its own; the rest from the test's.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "integration/support/post_box.h"

namespace lazaret::testing {

class WebhookSink {
 public:
  using Post = PostBox::Post;
  using Answer = PostBox::Answer;

  explicit WebhookSink(
      Answer answer = [](std::size_t) { return 204u; }, unsigned short port = 0)
      : box_(std::move(answer)),
        acceptor_(io_, {boost::asio::ip::make_address("127.0.0.1"), port}),
        thread_([this] { serve(); }) {}
  ~WebhookSink() {
    stopping_ = true;
    // Wakes the accept; whether it is taken does not matter.
    boost::asio::ip::tcp::socket knock(io_);
    boost::system::error_code ignored;
    knock.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }

  unsigned short port() const { return acceptor_.local_endpoint().port(); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port()) + "/alerts?of=lazaret"; }
  std::vector<Post> posts() const { return box_.posts(); }
  std::size_t count(const std::string& kind) const { return box_.count(kind); }

 private:
  void serve() {
    while (!stopping_) {
      boost::system::error_code error;
      boost::asio::ip::tcp::socket socket(io_);
      acceptor_.accept(socket, error);
      if (!error && !stopping_) (void)box_.take(socket);
    }
  }

  PostBox box_;
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace lazaret::testing
