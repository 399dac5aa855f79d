#include "alerts/webhook_post.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "alerts/signature.h"

namespace lazaret::alerts {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

http::request<http::string_body> request_of(const Webhook& webhook, Letter&& letter, const std::string& version) {
  http::request<http::string_body> request(http::verb::post, webhook.target, 11);
  request.set(http::field::host, webhook.authority());
  request.set(http::field::user_agent, "lazaretd/" + version);
  request.set(http::field::content_type, "application/json");
  request.set("X-Lazaret-Alert", letter.alert_id);
  request.set("X-Lazaret-Attempt", std::to_string(letter.attempt));
  request.set("X-Lazaret-Timestamp", std::to_string(letter.timestamp));
  request.set("X-Lazaret-Signature", signature(webhook.secret, letter.timestamp, letter.body));
  request.keep_alive(false);
  request.body() = std::move(letter.body);
  request.prepare_payload();
  return request;
}

std::string words_of(error_code error) { return error == beast::error::timeout ? "it took too long" : error.message(); }

}  // namespace

/// "": it is connected; else why not.
asio::awaitable<std::string> WebhookPost::connect(const Webhook& webhook, beast::tcp_stream& stream) {
  stream.expires_after(kConnectTime);
  error_code not_literal;
  const auto literal = asio::ip::make_address(webhook.host, not_literal);
  if (!not_literal) {
    const auto [error] = co_await stream.async_connect(asio::ip::tcp::endpoint(literal, webhook.port), kAwait);
    co_return error ? words_of(error) : std::string();
  }
  const HostLookup::Found found = co_await lookup_.find(webhook.host, kConnectTime);
  if (!found.problem.empty()) co_return "its name cannot be resolved: " + found.problem;
  std::vector<asio::ip::tcp::endpoint> endpoints;
  for (const asio::ip::address& address : found.addresses) endpoints.emplace_back(address, webhook.port);
  const auto [error, endpoint] = co_await stream.async_connect(endpoints, kAwait);
  co_return error ? words_of(error) : std::string();
}

asio::awaitable<PostOutcome> WebhookPost::send(const Webhook& webhook, Letter letter, std::string version) {
  PostOutcome outcome;
  beast::tcp_stream stream(io_);
  stream_ = &stream;
  outcome.answer = co_await connect(webhook, stream);
  if (outcome.answer.empty() && cancelled_) outcome.answer = "the broker stops";
  if (outcome.answer.empty()) {
    const auto request = request_of(webhook, std::move(letter), version);
    stream.expires_after(kAnswerTime);
    const auto [unsent, written] = co_await http::async_write(stream, request, kAwait);
    beast::flat_buffer buffer(kHeadBytes);
    http::response_parser<http::empty_body> parser;
    parser.header_limit(kHeadBytes);
    error_code error = unsent;
    if (!unsent) {
      const auto [unread, bytes] = co_await http::async_read_header(stream, buffer, parser, kAwait);
      error = unread;
    }
    if (error) {
      outcome.answer = words_of(error);
    } else {
      outcome.answered = true;
      outcome.answer = std::to_string(parser.get().result_int());
      outcome.taken = parser.get().result_int() >= 200 && parser.get().result_int() < 300;
    }
  }
  stream_ = nullptr;
  error_code ignored;
  (void)stream.socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
  co_return outcome;
}

void WebhookPost::cancel() {
  cancelled_ = true;
  lookup_.cancel();
  if (stream_ != nullptr) stream_->cancel();
}

}  // namespace lazaret::alerts
