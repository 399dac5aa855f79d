#include "event_reader.h"

#include <array>
#include <chrono>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace lazaret::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kConnectTime{5};
/// The broker says something every fifteen.
constexpr std::chrono::seconds kSilence{40};
constexpr std::chrono::seconds kPause{1};

}  // namespace

void EventLines::take(std::string_view text) {
  rest_.append(text);
  std::size_t begin = 0;
  for (std::size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
    line(std::string_view(rest_).substr(begin, end - begin));
    begin = end + 1;
  }
  rest_.erase(0, begin);
  if (rest_.size() + data_.size() > kMost) reset();
}

void EventLines::line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const auto value_of = [&](std::string_view field) {
    std::string_view value = line.substr(field.size());
    if (value.starts_with(' ')) value.remove_prefix(1);
    return value;
  };
  if (line.starts_with("event:")) {
    name_ = value_of("event:");
  } else if (line.starts_with("data:")) {
    if (!data_.empty()) data_ += '\n';
    data_ += value_of("data:");
  } else if (line.empty() && !data_.empty()) {
    event_(name_, data_);
    name_.clear();
    data_.clear();
  }
}

void EventLines::reset() {
  rest_.clear();
  name_.clear();
  data_.clear();
}

EventReader::EventReader(asio::io_context& io, std::string address, EventLines::Event event)
    : address_(std::move(address)), lines_(std::move(event)), resolver_(io), pause_(io), stream_(io) {}

asio::awaitable<void> EventReader::run() {
  while (!stopping_) {
    lines_.reset();
    co_await read();
    if (stopping_) break;
    pause_.expires_after(kPause);
    co_await pause_.async_wait(kAwait);
  }
}

asio::awaitable<void> EventReader::read() {
  const std::size_t colon = address_.rfind(':');
  std::string host = address_.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto [unknown, found] = co_await resolver_.async_resolve(host, address_.substr(colon + 1), kAwait);
  if (unknown || stopping_) co_return;
  stream_.expires_after(kConnectTime);
  const auto [refused, endpoint] = co_await stream_.async_connect(found, kAwait);
  if (refused) co_return;
  http::request<http::empty_body> request(http::verb::get, "/api/v1/events", 11);
  request.set(http::field::host, address_);
  request.set(http::field::accept, "text/event-stream");
  const auto [unsent, written] = co_await http::async_write(stream_, request, kAwait);
  beast::flat_buffer buffer;
  http::response_parser<http::empty_body> parser;
  const auto [unread, bytes] =
      unsent ? std::tuple(unsent, std::size_t{0}) : co_await http::async_read_header(stream_, buffer, parser, kAwait);
  if (!unread && parser.get().result() == http::status::ok) {
    // No length and no chunks: what follows are the events, until the connection ends.
    const auto first = buffer.data();
    lines_.take({static_cast<const char*>(first.data()), first.size()});
    std::array<char, 16384> piece{};
    for (boost::system::error_code over; !over && !stopping_;) {
      stream_.expires_after(kSilence);
      const auto [error, count] = co_await stream_.async_read_some(asio::buffer(piece), kAwait);
      lines_.take({piece.data(), count});
      over = error;
    }
  }
  stream_.close();
}

void EventReader::stop() {
  stopping_ = true;
  resolver_.cancel();
  pause_.cancel();
  stream_.cancel();
}

}  // namespace lazaret::cli
