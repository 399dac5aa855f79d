// The page and its events over a socket: what headers go with it, and that streams take no worker.
#include <list>
#include <regex>
#include <set>

#include <boost/asio.hpp>
#include <boost/json.hpp>

#include "admin/event_streams.h"
#include "unit/admin/served_broker.h"

namespace lazaret::admin {
namespace {

namespace asio = boost::asio;

/// Reads a stream of events as it comes.
class Listener {
 public:
  explicit Listener(const std::string& address) {
    const auto colon = address.rfind(':');
    asio::connect(socket_, asio::ip::tcp::resolver(io_).resolve(address.substr(0, colon), address.substr(colon + 1)));
    asio::write(socket_, asio::buffer(std::string("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")));
  }

  /// Up to and with `end`; what was read before it comes to the end of the stream.
  std::string until(const std::string& end) {
    boost::system::error_code ended;
    const std::size_t size = asio::read_until(socket_, asio::dynamic_buffer(text_), end, ended);
    std::string out = text_.substr(0, ended ? text_.size() : size);
    text_.erase(0, out.size());
    return out;
  }
  boost::json::object event() {
    const std::string text = until("\n\n");
    const std::size_t begin = text.find("data: ");
    if (begin == std::string::npos) return {};
    return boost::json::parse(text.substr(begin + 6)).as_object();
  }

 private:
  asio::io_context io_;
  asio::ip::tcp::socket socket_{io_};
  std::string text_;
};

TEST_F(ServedBroker, EveryPlaceIsAnsweredWithThePage) {
  const std::string page = ask("GET", "/").body;
  EXPECT_NE(page.find("<!doctype html>"), std::string::npos);
  EXPECT_EQ(page.find("<script>"), std::string::npos) << "nothing inline";
  for (const char* place : {"/hospital", "/hospital/cases?filter=type%3Da", "/hospital/cases/0-1-2-3", "/queues/orders",
                            "/subscriptions/a", "/topics/a", "/hospital/replays/1", "/hospital/quarantine"}) {
    const auto answer = ask("GET", place);
    EXPECT_EQ(answer.status, 200) << place;
    EXPECT_EQ(answer.body, page) << place;
  }
  EXPECT_EQ(refused("GET", "/nowhere").first, 404);
  EXPECT_EQ(refused("POST", "/hospital", "{}").second, "METHOD_NOT_ALLOWED");
}

TEST_F(ServedBroker, ThePageMayRunNothingButItself) {
  const auto answer = ask("GET", "/hospital");
  const std::string policy = answer.headers.at("content-security-policy");
  for (const char* rule : {"default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'",
                           "frame-ancestors 'none'", "form-action 'none'"}) {
    EXPECT_NE(policy.find(rule), std::string::npos) << rule;
  }
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(answer.headers.at("x-content-type-options"), "nosniff");
  EXPECT_NE(ask("GET", "/api/v1/status").headers.at("content-security-policy").find("sandbox"), std::string::npos);
}

TEST_F(ServedBroker, FilesOfThePageAreKeptByBrowsersAndThePageIsAskedForAnew) {
  const auto page = ask("GET", "/");
  EXPECT_EQ(page.headers.at("cache-control"), "no-cache");
  EXPECT_EQ(ask("GET", "/hospital", "", {{"If-None-Match", page.headers.at("etag")}}).status, 304);
  const std::regex file("/page/[0-9a-f]{20}\\.(js|css|svg)");
  std::set<std::string> files;
  for (std::sregex_iterator at(page.body.begin(), page.body.end(), file), end; at != end; ++at) files.insert(at->str());
  EXPECT_EQ(files.size(), 3u);
  for (const std::string& name : files) {
    const auto plain = ask("GET", name);
    EXPECT_EQ(plain.status, 200) << name;
    EXPECT_NE(plain.headers.at("cache-control").find("immutable"), std::string::npos);
    const auto small = ask("GET", name, "", {{"Accept-Encoding", "br, gzip"}});
    EXPECT_EQ(small.headers.at("content-encoding"), "gzip");
    EXPECT_LT(small.body.size(), plain.body.size());
    EXPECT_NE(small.headers.at("etag"), plain.headers.at("etag")) << "a strong tag is of these bytes";
    EXPECT_FALSE(ask("GET", name, "", {{"Accept-Encoding", "gzip;q=0"}}).headers.contains("content-encoding"));
    const auto again = ask("GET", name, "", {{"If-None-Match", plain.headers.at("etag")}});
    EXPECT_EQ(again.status, 304);
    EXPECT_EQ(again.body, "");
  }
  EXPECT_EQ(refused("GET", "/page/none.js").first, 404);
  EXPECT_EQ(refused("GET", "/page/").first, 404);
}

TEST_F(ServedBroker, TheOverviewHasEveryQueueAndSubscription) {
  ASSERT_EQ(ask("PUT", "/api/v1/queues/orders").status, 201);
  ASSERT_EQ(ask("PUT", "/api/v1/topics/events").status, 201);
  ASSERT_EQ(ask("PUT", "/api/v1/subscriptions/mail", R"({"topic": "events"})").status, 201);
  ASSERT_EQ(ask("POST", "/api/v1/queues/orders/messages", R"({"body": "x"})").status, 201);
  const auto overview = ask("GET", "/api/v1/overview").json();
  ASSERT_EQ(overview.at("items").as_array().size(), 2u);
  EXPECT_EQ(overview.at("items").at(0).at("name"), "mail");
  EXPECT_EQ(overview.at("items").at(0).at("topic"), "events");
  EXPECT_EQ(overview.at("items").at(1).at("ready"), 1);
  EXPECT_FALSE(overview.at("items").at(1).at("oldest_ready_at").is_null());
  EXPECT_EQ(overview.at("more"), false);
}

TEST_F(ServedBroker, EventsBeginWithEverythingAndGoOnWithWhatChanges) {
  ASSERT_EQ(ask("PUT", "/api/v1/queues/a").status, 201);
  ASSERT_EQ(ask("PUT", "/api/v1/queues/b").status, 201);
  Listener listener(server().address());
  EXPECT_NE(listener.until("\r\n\r\n").find("text/event-stream"), std::string::npos);
  auto event = listener.event();
  EXPECT_EQ(event.at("full"), true);
  EXPECT_EQ(event.at("items").as_array().size(), 2u);
  ASSERT_EQ(ask("POST", "/api/v1/queues/b/messages", R"({"body": "x"})").status, 201);
  do event = listener.event();
  while (event.contains("items") && event.at("items").as_array().empty());
  ASSERT_EQ(event.at("items").as_array().size(), 1u);
  EXPECT_EQ(event.at("items").at(0).at("name"), "b");
  EXPECT_EQ(event.at("items").at(0).at("ready"), 1);
}

TEST_F(ServedBroker, StreamsTakeNoWorkerAndThereAreSoManyAtMost) {
  std::list<Listener> listeners;
  for (std::size_t i = 0; i < EventStreams::kStreams; ++i) {
    EXPECT_NE(listeners.emplace_back(server().address()).until("\r\n").find("200"), std::string::npos) << i;
  }
  EXPECT_EQ(refused("GET", "/api/v1/events").second, "RESOURCE_EXHAUSTED");
  EXPECT_EQ(ask("GET", "/api/v1/status").status, 200);
  listeners.clear();
}

TEST_F(ServedBroker, AServerThatStopsEndsItsStreams) {
  Listener listener(server().address());
  listener.event();
  server().stop();
  for (std::string last = "?"; !last.empty();) last = listener.until("\n\n");
}

}  // namespace
}  // namespace lazaret::admin
