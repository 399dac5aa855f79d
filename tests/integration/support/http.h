// A small HTTP client for tests of the admin API: one request, one answer.
#pragma once

#include <map>
#include <string>

#include <boost/json/value.hpp>

namespace lazaret::testing {

struct HttpAnswer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  /// The body as JSON; fails the test if it is none.
  boost::json::value json() const;
};

/// `address` is HOST:PORT. A body goes with Content-Type: application/json unless `headers` says
/// otherwise. Throws boost::system::system_error when there is no answer.
HttpAnswer http(const std::string& address, const std::string& method, const std::string& target,
                const std::string& body = "", const std::map<std::string, std::string>& headers = {});

}  // namespace lazaret::testing
