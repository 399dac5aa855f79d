// WebhookSink: somebody who gets alerts, on a free port of loopback. Keeps what was posted; answers as it was told.
//
// Threading: one thread of its own; the rest from the test's.
#pragma once

#include <atomic>
#include <cctype>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/parse.hpp>

namespace lazaret::testing {

class WebhookSink {
 public:
  struct Post {
    std::string target;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
    boost::json::object json() const { return boost::json::parse(body).as_object(); }
    std::string kind() const { return std::string(json().at("kind").as_string()); }
  };
  /// The status for the nth post, from 0.
  using Answer = std::function<unsigned(std::size_t)>;

  explicit WebhookSink(
      Answer answer = [](std::size_t) { return 204u; }, unsigned short port = 0)
      : answer_(std::move(answer)),
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
  std::vector<Post> posts() {
    const std::lock_guard lock(mutex_);
    return posts_;
  }
  std::size_t count(const std::string& kind) {
    std::size_t count = 0;
    for (const Post& post : posts()) count += post.kind() == kind;
    return count;
  }

 private:
  void serve() {
    namespace http = boost::beast::http;
    while (!stopping_) {
      boost::system::error_code error;
      boost::asio::ip::tcp::socket socket(io_);
      acceptor_.accept(socket, error);
      if (error || stopping_) continue;
      boost::beast::flat_buffer buffer;
      http::request<http::string_body> request;
      http::read(socket, buffer, request, error);
      if (error) continue;
      Post post;
      post.target = request.target();
      for (const auto& field : request) {
        std::string name(field.name_string());
        for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        post.headers[name] = field.value();
      }
      post.body = request.body();
      std::size_t number = 0;
      {
        const std::lock_guard lock(mutex_);
        number = posts_.size();
        posts_.push_back(std::move(post));
      }
      http::response<http::empty_body> response(http::int_to_status(answer_(number)), 11);
      if (response.result_int() / 100 == 3) response.set(http::field::location, url());
      response.prepare_payload();
      http::write(socket, response, error);
    }
  }

  const Answer answer_;
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<Post> posts_;  // GUARDED_BY(mutex_)
  std::thread thread_;
};

}  // namespace lazaret::testing
