// TlsSink: somebody who gets alerts over https, on a free port of loopback, or cannot get any: it may show another
// certificate from connection to connection, speak plain http, or say nothing at all.
//
// Threading: one thread of its own; the rest from the test's.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include "integration/support/certificates.h"
#include "integration/support/post_box.h"

namespace lazaret::testing {

class TlsSink {
 public:
  explicit TlsSink(const Identity& identity)
      : acceptor_(io_, {boost::asio::ip::make_address("127.0.0.1"), 0}), thread_([this] { serve(); }) {
    show(identity);
  }
  ~TlsSink() {
    stopping_ = true;
    // Wakes the accept; whether it is taken does not matter.
    boost::asio::ip::tcp::socket knock(io_);
    boost::system::error_code ignored;
    knock.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }

  /// What it is from the next connection on.
  void show(const Identity& identity) {
    namespace ssl = boost::asio::ssl;
    auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
    context->use_certificate_chain(boost::asio::buffer(identity.certificate));
    context->use_private_key(boost::asio::buffer(identity.key), ssl::context::pem);
    be({Manner::https, std::move(context)});
  }
  void speak_plain_http() { be({Manner::plain_http, nullptr}); }
  void say_nothing() { be({Manner::silent, nullptr}); }

  std::string url(const std::string& host = "localhost") const {
    return "https://" + host + ":" + std::to_string(acceptor_.local_endpoint().port()) + "/alerts?of=lazaret";
  }
  std::vector<PostBox::Post> posts() const { return box_.posts(); }
  /// Connections that it has said nothing to.
  std::size_t kept_waiting() const { return kept_waiting_; }

 private:
  enum class Manner { https, plain_http, silent };
  struct Now {
    Manner manner = Manner::silent;
    std::shared_ptr<boost::asio::ssl::context> context;
  };

  void be(Now now) {
    const std::lock_guard lock(mutex_);
    now_ = std::move(now);
  }
  Now now() const {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  void serve() {
    std::list<boost::asio::ip::tcp::socket> silent;
    while (!stopping_) {
      boost::system::error_code error;
      boost::asio::ip::tcp::socket socket(io_);
      acceptor_.accept(socket, error);
      if (error || stopping_) continue;
      const Now now = this->now();
      switch (now.manner) {
        case Manner::https: take(socket, *now.context); break;
        case Manner::plain_http: answer_in_plain(socket); break;
        case Manner::silent:
          silent.push_back(std::move(socket));
          ++kept_waiting_;
          break;
      }
    }
  }
  void take(boost::asio::ip::tcp::socket& socket, boost::asio::ssl::context& context) {
    boost::asio::ssl::stream<boost::asio::ip::tcp::socket&> stream(socket, context);
    boost::system::error_code error;
    stream.handshake(boost::asio::ssl::stream_base::server, error);
    if (!error) (void)box_.take(stream);
  }
  /// As a server does it that cannot make anything of what it gets.
  static void answer_in_plain(boost::asio::ip::tcp::socket& socket) {
    boost::system::error_code error;
    char bytes[512];
    socket.read_some(boost::asio::buffer(bytes), error);
    if (error) return;
    static const std::string kAnswer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    boost::asio::write(socket, boost::asio::buffer(kAnswer), error);
    // Closed with something unread, it would take the answer back.
    while (!error) socket.read_some(boost::asio::buffer(bytes), error);
  }

  PostBox box_{[](std::size_t) { return 204u; }};
  mutable std::mutex mutex_;
  Now now_;  // GUARDED_BY(mutex_)
  std::atomic<std::size_t> kept_waiting_{0};
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace lazaret::testing
