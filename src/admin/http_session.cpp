// HttpSession: one connection. Reads a request, has it answered, writes the response, and so on while it is kept alive.
#include <chrono>
#include <optional>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "admin/desk_wait.h"
#include "admin/http_front.h"
#include "admin/problem.h"

namespace lazaret::admin {
namespace {

namespace http = beast::http;
using base::Code;
using base::Status;
using boost::system::error_code;
using Parser = http::request_parser<http::string_body>;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
/// How much of a refused body is read, so that the peer gets to see the refusal instead of a reset.
constexpr std::size_t kDrainBytes = 1u << 20;
constexpr std::chrono::seconds kDrainTime{1};

Method method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get:
    case http::verb::head: return Method::get;
    case http::verb::put: return Method::put;
    case http::verb::post: return Method::post;
    case http::verb::patch: return Method::patch;
    case http::verb::delete_: return Method::remove;
    default: return Method::other;
  }
}

Request head_of(const Parser::value_type& message) {
  Request request;
  request.method = method_of(message.method());
  request.target = message.target();
  request.content_type = message[http::field::content_type];
  request.if_match = message[http::field::if_match];
  request.actor = message["X-Lazaret-Actor"];
  request.accept_encoding = message[http::field::accept_encoding];
  request.if_none_match = message[http::field::if_none_match];
  for (const auto& field : message) {
    if (field.name() == http::field::host) request.hosts.emplace_back(field.value());
    if (field.name() == http::field::origin) request.origins.emplace_back(field.value());
  }
  return request;
}

/// What to say of a request that could not be read; nullopt when nobody is there to hear it.
std::optional<Response> unreadable(error_code error, std::uint64_t max_body_bytes) {
  if (error == http::error::body_limit) {
    return problem(Status(Code::MESSAGE_TOO_LARGE, "the body of the request is larger than is taken here")
                       .with_limit("body_bytes", static_cast<std::int64_t>(max_body_bytes)));
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return problem(Status(Code::HEADERS_TOO_LARGE, "the header of the request is larger than the broker takes")
                       .with_limit("request_header_bytes", FrontLimits::kHeaderBytes));
  }
  if (error.category() != make_error_code(http::error::bad_method).category()) return std::nullopt;
  if (error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
  return problem(Status(Code::BAD_REQUEST, "the request is not HTTP: " + error.message()));
}

template <class Message>
void add_fields(Message& message, const Response& response, const std::string& server) {
  message.set(http::field::server, server);
  message.set("X-Content-Type-Options", "nosniff");
  message.set("Referrer-Policy", "no-referrer");
  message.set("Cross-Origin-Resource-Policy", "same-origin");
  // Whatever a browser is led to look at of the API, bodies of messages above all, it does nothing with.
  message.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox");
  message.set(http::field::cache_control, "no-store");
  if (!response.content_type.empty()) message.set(http::field::content_type, response.content_type);
  for (const auto& [name, value] : response.headers) message.set(name, value);
}

/// One of a few places, which large bodies and awaited replies have: of each there are so many.
class FewPlaces {
 public:
  FewPlaces(std::size_t& taken, std::size_t most) : taken_(taken), most_(most) {}
  ~FewPlaces() { give_back(); }
  FewPlaces(const FewPlaces&) = delete;
  FewPlaces& operator=(const FewPlaces&) = delete;

  bool take() {
    if (taken_ >= most_) return false;
    ++taken_;
    mine_ = true;
    return true;
  }
  void give_back() {
    if (std::exchange(mine_, false)) --taken_;
  }

 private:
  std::size_t& taken_;
  const std::size_t most_;
  bool mine_ = false;
};

/// A large answer counts until it is written: peers that read slowly, or not at all, must not fill the memory with it.
class AnswerPlace {
 public:
  explicit AnswerPlace(std::size_t& taken) : taken_(taken) {}
  ~AnswerPlace() { taken_ -= mine_; }
  AnswerPlace(const AnswerPlace&) = delete;
  AnswerPlace& operator=(const AnswerPlace&) = delete;

  bool take(std::size_t bytes) {
    if (bytes <= FrontLimits::kLargeAnswerBytes) return true;
    if (taken_ > 0 && taken_ + bytes > FrontLimits::kLargeAnswersBytes) return false;
    taken_ += bytes;
    mine_ = bytes;
    return true;
  }

 private:
  std::size_t& taken_;
  std::size_t mine_ = 0;
};

class HttpSession {
 public:
  HttpSession(beast::tcp_stream stream, HttpFront& front) : stream_(std::move(stream)), front_(front) {
    place_ = front_.sessions().insert(front_.sessions().end(), HttpFront::Session{&stream_});
  }
  ~HttpSession() { front_.sessions().erase(place_); }
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;

  asio::awaitable<void> run() {
    bool go_on = true;
    while (go_on && !front_.stopping()) {
      if (buffer_.size() == 0 && !co_await wait_for_request()) co_return;
      place_->busy = true;
      go_on = co_await serve();
      place_->busy = false;
    }
    error_code ignored;
    (void)stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
  }

 private:
  void wait_for_peer() { place_->waits_since = std::chrono::steady_clock::now(); }

  asio::awaitable<bool> wait_for_request() {
    wait_for_peer();
    stream_.expires_after(FrontLimits::kIdleTime);
    const auto [error, bytes] = co_await stream_.async_read_some(buffer_.prepare(4096), kAwait);
    buffer_.commit(bytes);
    co_return !error;
  }

  /// One request and its response. False: the connection is at its end.
  asio::awaitable<bool> serve() {
    wait_for_peer();
    stream_.expires_after(FrontLimits::kReadTime);
    Parser parser;
    parser.header_limit(FrontLimits::kHeaderBytes);
    const std::uint64_t largest = front_.max_body_bytes() + FrontLimits::kAttemptsBytes;
    parser.body_limit(largest);
    const auto [error, bytes] = co_await http::async_read_header(stream_, buffer_, parser, kAwait);
    if (error) {
      co_await give_up(unreadable(error, largest));
      co_return false;
    }
    version_ = parser.get().version();
    is_head_ = parser.get().method() == http::verb::head;
    Request request = head_of(parser.get());
    error_code unknown;
    if (const auto peer = stream_.socket().remote_endpoint(unknown); !unknown) {
      request.peer = peer.address().to_string();
    }
    FewPlaces body_place(front_.large_bodies(), FrontLimits::kLargeBodies);
    std::optional<Response> refusal = front_.dispatcher().refuse(request);
    if (!refusal) refusal = limit_body(parser, *request.route);
    if (!parser.is_done()) {
      if (!refusal) refusal = co_await read_body(parser, body_place);
      if (refusal || !stream_.socket().is_open()) {
        co_await give_up(std::move(refusal));
        co_return false;
      }
    }
    if (!refusal && request.route->is_stream && !is_head_) {
      co_await give_up(co_await stream_events());
      co_return false;
    }
    const bool keep_alive = parser.keep_alive() && !front_.stopping();
    AnswerPlace answer_place(front_.large_answers_bytes());
    if (!refusal && request.route->is_stream) refusal = Response{200, "text/event-stream", "", {}};
    if (!refusal) {
      request.body = std::move(parser.get().body());
      request.deadline = std::chrono::steady_clock::now() + kAskDeadline;
      stream_.expires_never();
      place_->waits_since.reset();
      if (request.route->awaits_reply) {
        refusal = co_await await_reply(std::move(request), body_place);
        if (!refusal) co_return false;
      } else {
        refusal = co_await front_.answer(std::move(request));
      }
      if (!answer_place.take(refusal->body.size())) {
        refusal = problem(Status(Code::RESOURCE_EXHAUSTED, "too many large answers wait to be read")
                              .with_limit("unwritten_bytes", FrontLimits::kLargeAnswersBytes)
                              .with_retry_after_ms(1000));
      }
    }
    co_return co_await write(std::move(*refusal), keep_alive) && keep_alive;
  }

  /// The worker is done when it has asked, and so is the place of a large body. nullopt: whoever asked has gone.
  asio::awaitable<std::optional<Response>> await_reply(Request request, FewPlaces& body_place) {
    FewPlaces place(front_.awaited_replies(), FrontLimits::kAwaitedReplies);
    if (!place.take()) {
      co_return problem(Status(Code::RESOURCE_EXHAUSTED, "too many requests wait for their replies")
                            .with_limit("awaited_replies", FrontLimits::kAwaitedReplies)
                            .with_retry_after_ms(1000));
    }
    Response response = co_await front_.answer(std::move(request));
    if (response.awaited == nullptr) co_return response;
    body_place.give_back();
    std::shared_ptr<AwaitedReply> awaited = std::move(response.awaited);
    const bool is_there = co_await wait_for_reply(awaited);
    if (!is_there) co_return std::nullopt;
    co_return co_await front_.answer_with_reply(std::move(awaited));
  }

  /// Reads meanwhile: only so does it show that whoever asked has gone, which is false. What he sends is his next
  /// request, and stays in the buffer for its turn; with as much of it there as a header may have, we look no further.
  asio::awaitable<bool> wait_for_reply(std::shared_ptr<AwaitedReply> awaited) {
    asio::steady_timer over(stream_.get_executor(), std::chrono::steady_clock::time_point::max());
    ReplyWait wait(front_.io(), std::move(awaited), [this, &over] {
      stream_.cancel();
      over.cancel();
    });
    auto& waits = front_.reply_waits();
    const auto place = waits.insert(waits.end(), &wait);
    if (front_.stopping()) wait.end();
    bool is_there = true;
    while (is_there && !wait.is_over()) {
      if (buffer_.size() >= FrontLimits::kHeaderBytes) {
        (void)co_await over.async_wait(kAwait);
        continue;
      }
      const auto [error, bytes] = co_await stream_.async_read_some(buffer_.prepare(4096), kAwait);
      buffer_.commit(bytes);
      is_there = !error || wait.is_over();
    }
    waits.erase(place);
    co_return is_there;
  }

  /// Only a message may be large, and a case, which has one. The parser's own limit holds for bodies of no stated
  /// length.
  std::optional<Response> limit_body(Parser& parser, const Route& route) {
    body_limit_ = route.has_message ? front_.max_body_bytes() : FrontLimits::kLargeBodyBytes;
    if (route.has_case) body_limit_ += FrontLimits::kAttemptsBytes;
    parser.body_limit(body_limit_);
    if (parser.content_length().value_or(0) <= body_limit_) return std::nullopt;
    return unreadable(http::error::body_limit, body_limit_);
  }

  /// nullopt: it is in the parser, or the connection was closed.
  asio::awaitable<std::optional<Response>> read_body(Parser& parser, FewPlaces& place) {
    const auto length = parser.content_length();
    if ((!length || *length > FrontLimits::kLargeBodyBytes) && !place.take()) {
      co_return problem(Status(Code::RESOURCE_EXHAUSTED, "too many large requests are being read")
                            .with_limit("large_requests", FrontLimits::kLargeBodies)
                            .with_retry_after_ms(1000));
    }
    if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
      http::response<http::empty_body> go_on{http::status::continue_, version_};
      const auto [error, bytes] = co_await http::async_write(stream_, go_on, kAwait);
      if (error) stream_.close();
    }
    const auto [error, bytes] = co_await http::async_read(stream_, buffer_, parser, kAwait);
    if (!error) co_return std::nullopt;
    auto refusal = unreadable(error, body_limit_);
    if (!refusal) stream_.close();
    co_return refusal;
  }

  /// Events until the peer has gone, does not take them, or the front stops. A response: there are too many streams.
  asio::awaitable<std::optional<Response>> stream_events() {
    asio::steady_timer alarm(stream_.get_executor());
    EventStreams::Place place(front_.events(), alarm);
    if (!place.taken()) {
      co_return problem(Status(Code::RESOURCE_EXHAUSTED, "too many streams of events are open")
                            .with_limit("event_streams", EventStreams::kStreams)
                            .with_retry_after_ms(10'000));
    }
    place_->waits_since.reset();
    // No length, and no keeping alive: it ends with the connection.
    http::response<http::empty_body> head{http::status::ok, version_};
    add_fields(head, Response{200, "text/event-stream", "", {}}, front_.server_name());
    head.keep_alive(false);
    http::response_serializer<http::empty_body> serializer{head};
    stream_.expires_after(EventStreams::kWriteTime);
    const auto [error, bytes] = co_await http::async_write_header(stream_, serializer, kAwait);
    bool alive = !error;
    const auto heartbeat = std::make_shared<const std::string>(": still here\n\n");
    while (alive && !front_.stopping()) {
      EventStreams::Text text = place.next();
      if (text == nullptr) {
        alarm.expires_after(EventStreams::kHeartbeat);
        const auto [woken] = co_await alarm.async_wait(kAwait);
        if (front_.stopping()) break;
        text = place.next();
        if (text == nullptr && woken) continue;
        if (text == nullptr) text = heartbeat;
      }
      stream_.expires_after(EventStreams::kWriteTime);
      const auto [broken, written] = co_await asio::async_write(stream_, asio::buffer(*text), kAwait);
      alive = !broken;
    }
    co_return std::nullopt;
  }

  asio::awaitable<bool> write(Response response, bool keep_alive) {
    wait_for_peer();
    stream_.expires_after(FrontLimits::kWriteTime);
    const auto status = static_cast<http::status>(response.status);
    if (is_head_) {
      http::response<http::empty_body> message{status, version_};
      add_fields(message, response, front_.server_name());
      message.content_length(response.body.size());
      message.keep_alive(keep_alive);
      const auto [error, bytes] = co_await http::async_write(stream_, message, kAwait);
      co_return !error;
    }
    http::response<http::string_body> message{status, version_};
    add_fields(message, response, front_.server_name());
    message.body() = std::move(response.body);
    message.keep_alive(keep_alive);
    message.prepare_payload();
    const auto [error, bytes] = co_await http::async_write(stream_, message, kAwait);
    co_return !error;
  }

  /// The last word on this connection. Unread bytes in the socket would turn the end into a reset, which could
  /// overtake the response.
  asio::awaitable<void> give_up(std::optional<Response> refusal) {
    if (!refusal || !co_await write(std::move(*refusal), false)) co_return;
    error_code ignored;
    (void)stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    stream_.expires_after(kDrainTime);
    for (std::size_t drained = 0; drained < kDrainBytes;) {
      buffer_.clear();
      const auto [error, bytes] = co_await stream_.async_read_some(buffer_.prepare(16u << 10), kAwait);
      if (error) co_return;
      drained += bytes;
    }
  }

  beast::tcp_stream stream_;
  HttpFront& front_;
  std::list<HttpFront::Session>::iterator place_;
  beast::flat_buffer buffer_{64u << 10};
  std::uint64_t body_limit_ = 0;  // of the request in hand
  unsigned version_ = 11;
  bool is_head_ = false;
};

}  // namespace

asio::awaitable<void> run_session(beast::tcp_stream stream, HttpFront& front) {
  HttpSession session(std::move(stream), front);
  co_await session.run();
}

}  // namespace lazaret::admin
