#include "alerts/webhook_post.h"

#include <optional>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "alerts/secure_stream.h"
#include "alerts/signature.h"
#include "base/assert.h"

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

/// The same over http and https.
template <class Stream>
asio::awaitable<PostOutcome> exchange(Stream& stream, http::request<http::string_body> request) {
  const auto [unsent, written] = co_await http::async_write(stream, request, kAwait);
  if (unsent) co_return PostOutcome{false, false, words_of(unsent)};
  beast::flat_buffer buffer(WebhookPost::kHeadBytes);
  http::response_parser<http::empty_body> parser;
  parser.header_limit(WebhookPost::kHeadBytes);
  const auto [unread, bytes] = co_await http::async_read_header(stream, buffer, parser, kAwait);
  if (unread) co_return PostOutcome{false, false, words_of(unread)};
  const unsigned status = parser.get().result_int();
  co_return PostOutcome{status >= 200 && status < 300, true, std::to_string(status)};
}

}  // namespace

/// So much from now on. The stream's own deadline is none: it belongs to the read or write that waits, and one that
/// completes takes it for stale, so whoever always has something to say would never meet it.
void WebhookPost::give(std::chrono::seconds time) {
  deadline_.expires_after(time);
  deadline_.async_wait([this](error_code) {
    // One that was put off, or is of a try that is over, may have been on its way.
    if (stream_ == nullptr || std::chrono::steady_clock::now() < deadline_.expiry()) return;
    took_too_long_ = true;
    stream_->close();
  });
}

/// "": it is connected; else why not.
asio::awaitable<std::string> WebhookPost::connect(const Webhook& webhook, beast::tcp_stream& stream) {
  const auto why_not = [this](error_code error) { return took_too_long_ ? "it took too long" : words_of(error); };
  error_code not_literal;
  const auto literal = asio::ip::make_address(webhook.host, not_literal);
  if (!not_literal) {
    const auto [error] = co_await stream.async_connect(asio::ip::tcp::endpoint(literal, webhook.port), kAwait);
    co_return error ? why_not(error) : std::string();
  }
  const HostLookup::Found found = co_await lookup_.find(webhook.host, kConnectTime);
  if (!found.problem.empty()) co_return "its name cannot be resolved: " + found.problem;
  // It has closed a stream that was not open yet, and does not come again.
  if (took_too_long_) co_return "its name cannot be resolved: it took too long";
  std::vector<asio::ip::tcp::endpoint> endpoints;
  for (const asio::ip::address& address : found.addresses) endpoints.emplace_back(address, webhook.port);
  const auto [error, endpoint] = co_await stream.async_connect(endpoints, kAwait);
  co_return error ? why_not(error) : std::string();
}

asio::awaitable<PostOutcome> WebhookPost::send(const Webhook& webhook, Letter letter, std::string version) {
  LZ_ASSERT(!webhook.is_secure || webhook.trust != nullptr);
  PostOutcome outcome;
  beast::tcp_stream stream(io_);
  std::optional<SecureStream> secure;
  stream_ = &stream;
  took_too_long_ = false;
  give(kConnectTime);
  outcome.answer = co_await connect(webhook, stream);
  if (outcome.answer.empty() && webhook.is_secure) {
    secure.emplace(stream, webhook.trust->context());
    outcome.answer = co_await shake_hands(*secure, *webhook.trust, webhook.host);
    if (took_too_long_) outcome.answer = "it took too long over the TLS handshake";
  }
  if (outcome.answer.empty() && took_too_long_) outcome.answer = "it took too long";
  if (outcome.answer.empty() && cancelled_) outcome.answer = "the broker stops";
  if (outcome.answer.empty()) {
    auto request = request_of(webhook, std::move(letter), version);
    give(kAnswerTime);
    if (secure) {
      outcome = co_await exchange(*secure, std::move(request));
    } else {
      outcome = co_await exchange(stream, std::move(request));
    }
    if (!outcome.answered && took_too_long_) outcome.answer = "it took too long";
  }
  stream_ = nullptr;
  deadline_.cancel();
  // Over https too, without a word: what was to be heard has come, and how long it was the head of the answer said.
  error_code ignored;
  (void)stream.socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
  co_return outcome;
}

void WebhookPost::cancel() {
  cancelled_ = true;
  lookup_.cancel();
  // Not only what waits now: a handshake is many waits, and a connect goes on with the next address.
  if (stream_ != nullptr) stream_->close();
}

}  // namespace lazaret::alerts
