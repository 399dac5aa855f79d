// PostBox: what somebody who gets alerts was posted, however it came. Answers as it was told.
//
// Threading: `take` from one thread, the rest from any.
#pragma once

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cctype>
#include <cstdio>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/parse.hpp>

namespace lazaret::testing {

class PostBox {
 public:
  struct Post {
    std::string target;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
    boost::json::object json() const { return boost::json::parse(body).as_object(); }
    std::string kind() const { return std::string(json().at("kind").as_string()); }
    /// The signature that it must have, made as a receiver does it, with what the documents say.
    std::string expected_signature(const std::string& secret) const {
      const std::string data = headers.at("x-lazaret-timestamp") + "." + body;
      unsigned char code[EVP_MAX_MD_SIZE];
      unsigned int size = 0;
      HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(data.data()), data.size(), code, &size);
      std::string text = "v1=";
      for (unsigned int i = 0; i < size; ++i) {
        char digits[3];
        std::snprintf(digits, sizeof digits, "%02x", code[i]);
        text += digits;
      }
      return text;
    }
  };
  /// The status for the nth post, from 0.
  using Answer = std::function<unsigned(std::size_t)>;

  explicit PostBox(Answer answer) : answer_(std::move(answer)) {}

  std::vector<Post> posts() const {
    const std::lock_guard lock(mutex_);
    return posts_;
  }
  std::size_t count(const std::string& kind) const {
    std::size_t count = 0;
    for (const Post& post : posts()) count += post.kind() == kind;
    return count;
  }

  /// Reads one post from a connection and answers it. An error: it was none.
  template <class Stream>
  boost::system::error_code take(Stream& stream) {
    namespace http = boost::beast::http;
    boost::beast::flat_buffer buffer;
    http::request<http::string_body> request;
    boost::system::error_code error;
    http::read(stream, buffer, request, error);
    if (error) return error;
    Post post;
    post.target = request.target();
    for (const auto& field : request) {
      std::string name(field.name_string());
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      post.headers[name] = field.value();
    }
    const std::string here = "http://" + post.headers["host"] + post.target;
    post.body = request.body();
    std::size_t number = 0;
    {
      const std::lock_guard lock(mutex_);
      number = posts_.size();
      posts_.push_back(std::move(post));
    }
    http::response<http::empty_body> response(http::int_to_status(answer_(number)), 11);
    if (response.result_int() / 100 == 3) response.set(http::field::location, here);
    response.prepare_payload();
    http::write(stream, response, error);
    return error;
  }

 private:
  const Answer answer_;
  mutable std::mutex mutex_;
  std::vector<Post> posts_;  // GUARDED_BY(mutex_)
};

}  // namespace lazaret::testing
