#include "integration/support/http.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/parse.hpp>

namespace lazaret::testing {

HttpAnswer http(const std::string& address, const std::string& method, const std::string& target,
                const std::string& body, const std::map<std::string, std::string>& headers) {
  namespace asio = boost::asio;
  namespace beast = boost::beast;
  const auto colon = address.rfind(':');
  asio::io_context io;
  beast::tcp_stream stream(io);
  asio::ip::tcp::resolver resolver(io);
  stream.connect(resolver.resolve(address.substr(0, colon), address.substr(colon + 1)));

  beast::http::request<beast::http::string_body> request;
  request.version(11);
  request.method_string(method);
  request.target(target);
  request.set(beast::http::field::host, address);
  if (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE") {
    request.set(beast::http::field::content_type, "application/json");
  }
  for (const auto& [name, value] : headers) request.set(name, value);
  request.body() = body;
  request.prepare_payload();
  beast::http::write(stream, request);

  beast::flat_buffer buffer;
  beast::http::response_parser<beast::http::string_body> parser;
  parser.body_limit(512u << 20);
  if (method == "HEAD") parser.skip(true);
  beast::http::read(stream, buffer, parser);
  const auto& response = parser.get();
  HttpAnswer answer{static_cast<int>(response.result_int()), {}, response.body()};
  for (const auto& field : response) {
    std::string name(field.name_string());
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    answer.headers[name] = std::string(field.value());
  }
  return answer;
}

boost::json::value HttpAnswer::json() const {
  boost::system::error_code wrong;
  auto value = boost::json::parse(body, wrong);
  EXPECT_FALSE(wrong) << "not JSON: " << body;
  return value;
}

}  // namespace lazaret::testing
