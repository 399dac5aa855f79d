// HttpClient: the broker's HTTP API, one request after the other on one connection.
#pragma once

#include <chrono>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "lazaret/lazaret.h"

namespace lazaret::cli {

namespace json = boost::json;

/// What the API refused, with all that its problem document says: of some errors that is more than a Problem holds.
class Refused : public Error {
 public:
  Refused(error_code code, Problem about, json::object said)
      : Error(code, std::move(about)), document(std::move(said)) {}
  json::object document;  // as it came; may be empty where the answer was none
};

using Query = std::vector<std::pair<std::string, std::string>>;

/// "/api/v1" and the segments, percent-encoded, with the query behind them.
std::string target(std::initializer_list<std::string_view> segments, const Query& query = {});

class HttpClient;
/// What has this name: "queues", or one of the others; as it is, what consumers may name. Throws Error NOT_FOUND.
std::string plural_of(HttpClient& http, const std::string& name,
                      std::initializer_list<const char*> others = {"subscriptions"});

/// Threading: one thread.
class HttpClient {
 public:
  static constexpr std::chrono::seconds kDeadline{15};

  /// HOST:PORT. Connects with the first request.
  explicit HttpClient(std::string address);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Asked a few times a second while an answer is awaited: false ends the request with CANCELLED. From the next
  /// connection on.
  void while_it_waits(std::function<bool()> goes_on) { goes_on_ = std::move(goes_on); }

  struct Answer {
    int status = 0;
    json::value body;  // null when there is none
  };
  /// Throws Refused with what a problem document says, or Error: UNREACHABLE, DEADLINE_EXCEEDED, CANCELLED, or
  /// BAD_FRAME for what is not the API.
  Answer request(const std::string& method, const std::string& target, const json::object& body = {},
                 std::chrono::milliseconds deadline = kDeadline, const Query& headers = {});
  json::value get(const std::string& target) { return request("GET", target).body; }

  /// Every item of a list, over all its pages; `page_end` after each page.
  void each_item(std::initializer_list<std::string_view> segments, Query query,
                 const std::function<void(const json::object&)>& item, const std::function<void()>& page_end = {});

 private:
  class Exchange;
  const std::string address_;
  std::function<bool()> goes_on_;
  std::unique_ptr<Exchange> exchange_;
};

}  // namespace lazaret::cli
