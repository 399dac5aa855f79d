#include "http_client.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/parse.hpp>

#include "base/status.h"
#include "output.h"

namespace lazaret::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using base::Code;
using boost::system::error_code;
using SteadyTime = std::chrono::steady_clock::time_point;

/// A peek of the largest messages fits.
constexpr std::uint64_t kAnswerBytes = 1u << 30;
constexpr std::chrono::milliseconds kAskEvery{50};

std::string percent_encoded(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

Problem problem_in(const json::value& body, int status) {
  const auto text = [&body](std::string_view name) -> std::string {
    const json::value* value = body.as_object().if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
  };
  const auto number = [&body](std::string_view name) -> std::int64_t {
    const json::value* value = body.as_object().if_contains(name);
    return value != nullptr && value->is_int64() ? value->get_int64() : 0;
  };
  if (!body.is_object() || text("code").empty()) {
    return problem_of(base::Status(Code::BAD_FRAME, "the answer has the status " + std::to_string(status) +
                                                        " and is not one of the broker's problems"));
  }
  return {.code = text("code"),
          .fault = text("fault"),
          .retry = text("retry"),
          .retry_after = milliseconds(number("retry_after_ms")),
          .text = text("detail"),
          .limit = text("limit"),
          .value = number("value")};
}

/// A header takes no control characters, and of nothing but blanks nothing is left in it.
bool can_be_said(std::string_view name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
  return plain && name.find_first_not_of(' ') != std::string_view::npos;
}

std::string look_up_login_name() {
  const char* user = std::getenv("USER");
  if (user != nullptr && can_be_said(user)) return user;
  const passwd* known = ::getpwuid(::getuid());
  return known != nullptr && can_be_said(known->pw_name) ? known->pw_name : "";
}

/// As the system knows whoever runs this; "" where it does not. Looked up once: the look-up is for one thread.
const std::string& login_name() {
  static const std::string name = look_up_login_name();
  return name;
}

/// Who the audit trail says it was: LAZARET_ACTOR, or whoever is logged in; "": nobody says. Throws USAGE for a name
/// that cannot be said: whoever has given one would be noted as the address that they come from.
std::string actor_name() {
  const char* value = std::getenv("LAZARET_ACTOR");
  if (value == nullptr || *value == '\0') return login_name();
  if (can_be_said(value)) return value;
  fail(Code::USAGE, "LAZARET_ACTOR must be a name without control characters, not \"" + printable(value) + "\"");
}

}  // namespace

std::string target(std::initializer_list<std::string_view> segments, const Query& query) {
  std::string out = "/api/v1";
  for (const std::string_view segment : segments) out += "/" + percent_encoded(segment);
  char separator = '?';
  for (const auto& [name, value] : query) {
    out += std::exchange(separator, '&') + percent_encoded(name) + "=" + percent_encoded(value);
  }
  return out;
}

/// One connection. Everything is asynchronous underneath, so that every wait has its deadline.
class HttpClient::Exchange {
 public:
  Exchange(const std::string& address, const std::function<bool()>& goes_on)
      : address_(address), goes_on_(goes_on), stream_(io_) {
    stream_.expires_never();  // the deadline is that of wait()
  }

  void connect(SteadyTime deadline) {
    const std::size_t colon = address_.rfind(':');
    if (colon == std::string::npos || colon == 0) fail(Code::USAGE, "\"" + address_ + "\" is not HOST:PORT");
    std::string host = address_.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    asio::ip::tcp::resolver resolver(io_);
    asio::ip::tcp::resolver::results_type found;
    error_code failed = wait(deadline, [&](auto done) {
      resolver.async_resolve(host, address_.substr(colon + 1), [&found, done](error_code error, auto results) {
        found = results;
        done(error);
      });
    });
    if (!failed) {
      failed = wait(deadline, [&](auto done) {
        stream_.async_connect(found, [done](error_code error, const auto&) { done(error); });
      });
    }
    if (failed) fail(Code::UNREACHABLE, address_ + ": " + failed.message());
  }

  error_code run(const http::request<http::string_body>& request, http::response<http::string_body>& response,
                 SteadyTime deadline) {
    error_code failed = wait(deadline, [&](auto done) {
      http::async_write(stream_, request, [done](error_code error, std::size_t) { done(error); });
    });
    // A broker that takes no more of a request than its beginning has said why before it closed.
    const error_code unwritten = failed;
    http::response_parser<http::string_body> parser;
    parser.body_limit(kAnswerBytes);
    failed = wait(deadline, [&](auto done) {
      http::async_read(stream_, buffer_, parser, [done](error_code error, std::size_t) { done(error); });
    });
    if (failed) return unwritten ? unwritten : failed;
    response = parser.release();
    if (unwritten) response.keep_alive(false);
    return {};
  }

 private:
  /// Starts an operation and waits for its end. What is not over in time is cut off with the connection.
  template <class Start>
  error_code wait(SteadyTime deadline, Start start) {
    error_code result = asio::error::would_block;
    io_.restart();
    start([&result](error_code error) { result = error; });
    bool wanted = true;
    while (wanted && result == asio::error::would_block && std::chrono::steady_clock::now() < deadline) {
      if (goes_on_ == nullptr) {
        io_.run_until(deadline);
      } else {
        io_.run_until(std::min(deadline, std::chrono::steady_clock::now() + kAskEvery));
        wanted = result != asio::error::would_block || goes_on_();
      }
    }
    if (result != asio::error::would_block) return result;
    stream_.close();
    io_.stop();
    if (!wanted) fail(Code::CANCELLED, "nobody waits for the answer of " + address_ + " any more");
    fail(Code::DEADLINE_EXCEEDED, address_ + " did not answer in time");
  }

  const std::string address_;
  const std::function<bool()> goes_on_;
  asio::io_context io_{1};
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
};

HttpClient::HttpClient(std::string address) : address_(std::move(address)) {}
HttpClient::~HttpClient() = default;

HttpClient::Answer HttpClient::request(const std::string& method, const std::string& target, const json::object& body,
                                       std::chrono::milliseconds deadline, const Query& headers) {
  http::request<http::string_body> request;
  request.version(11);
  request.method_string(method);
  request.target(target);
  request.set(http::field::host, address_);
  request.set(http::field::user_agent, "lazaret/" LAZARET_VERSION);
  if (const std::string actor = actor_name(); !actor.empty()) request.set("X-Lazaret-Actor", actor);
  for (const auto& [name, value] : headers) request.set(name, value);
  if (method != "GET") {
    request.set(http::field::content_type, "application/json");
    if (method != "DELETE") request.body() = to_text(body);
  }
  request.prepare_payload();

  const SteadyTime end = std::chrono::steady_clock::now() + deadline;
  http::response<http::string_body> response;
  // Kept only if all goes well: what was cut off must not be asked again.
  std::unique_ptr<Exchange> exchange = std::move(exchange_);
  for (;;) {
    const bool fresh = exchange == nullptr;
    if (fresh) {
      exchange = std::make_unique<Exchange>(address_, goes_on_);
      exchange->connect(end);
    }
    const error_code failed = exchange->run(request, response, end);
    if (!failed) break;
    exchange = nullptr;
    // The broker closes connections that were idle for a while; then this request was not looked at.
    if (!fresh && (failed == http::error::end_of_stream || failed == asio::error::broken_pipe)) continue;
    const bool not_http = failed.category() == make_error_code(http::error::bad_version).category() &&
                          failed != http::error::end_of_stream && failed != http::error::partial_message;
    if (not_http) fail(Code::BAD_FRAME, address_ + " does not speak HTTP: " + failed.message());
    fail(method == "GET" ? Code::UNREACHABLE : Code::OUTCOME_UNKNOWN, address_ + ": " + failed.message());
  }
  if (response.keep_alive()) exchange_ = std::move(exchange);

  Answer answer{static_cast<int>(response.result_int()), nullptr};
  error_code failed;
  if (!response.body().empty()) answer.body = json::parse(response.body(), failed);
  if (failed) answer.body = nullptr;
  if (answer.status >= 300) {
    const Problem problem =
        answer.body.is_object() ? problem_in(answer.body, answer.status) : problem_in(json::object(), answer.status);
    const base::ErrorInfo* info = base::find_error(problem.code);
    const error_code code = make_error_code(static_cast<errc>(info == nullptr ? Code::INTERNAL : info->code));
    const bool is_problem = answer.body.is_object() && answer.body.get_object().contains("code");
    throw Refused(code, problem, is_problem ? std::move(answer.body.get_object()) : json::object());
  }
  if (failed) fail(Code::BAD_FRAME, address_ + " answered something that is not JSON");
  return answer;
}

void HttpClient::each_item(std::initializer_list<std::string_view> segments, Query query,
                           const std::function<void(const json::object&)>& item,
                           const std::function<void()>& page_end) {
  const std::size_t own = query.size();
  for (;;) {
    const json::value page = get(cli::target(segments, query));
    const auto* object = page.if_object();
    const json::value* items = object == nullptr ? nullptr : object->if_contains("items");
    if (items == nullptr || !items->is_array()) fail(Code::BAD_FRAME, address_ + " answered something that is no list");
    for (const json::value& one : items->get_array()) item(one.as_object());
    if (page_end) page_end();
    const json::value* cursor = object->if_contains("cursor");
    if (cursor == nullptr || !cursor->is_string()) return;
    if (query.size() > own && query.back().second == std::string_view(cursor->get_string())) return;  // it goes nowhere
    query.resize(own);
    query.emplace_back("cursor", std::string(cursor->get_string()));
  }
}

std::string plural_of(HttpClient& http, const std::string& name, std::initializer_list<const char*> others) {
  for (const char* plural : others) {
    try {
      http.get(target({plural, name}));
      return plural;
    } catch (const Error& error) {
      if (error.problem.code != base::error_info(base::Code::NOT_FOUND).name) throw;
    }
  }
  http.get(target({"queues", name}));
  return "queues";
}

}  // namespace lazaret::cli
