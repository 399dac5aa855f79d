// What is masked is seen nowhere: a secret in a body and in a header, and every call that can show a message. The same
// walk over a broker that masks nothing finds it, so that the walk is known to look where it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/serialize.hpp>
#include <set>

#include "integration/support/api.h"
#include "integration/support/http.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

const std::string kSecret = "s3cr3t-4111";
const std::string kBody = R"({"order":1,"card":{"number":")" + kSecret + R"(","month":7},"items":[{"price":")" +
                          kSecret + R"("},{"name":"x"}]})";

const std::string kCompressible =
    R"({"card":{"number":")" + kSecret + R"("},"text":")" + std::string(500, 'x') + R"("})";

BrokerOptions masking() {
  return {.settings = {"hospital.masked_paths=/card/number,/items/*/price", "hospital.masked_headers=authorization"},
          .arguments = {}};
}

/// A broker with the secret wherever a message can be: failed, waiting, scheduled, kept by a topic, not JSON.
class Ward {
 public:
  explicit Ward(BrokerOptions options)
      : broker(std::move(options)), client(Client::connect(broker.url(), {.timeout = 60s})) {
    client.ensure(QueueSpec{.name = "orders"});
    client.ensure_topic(TopicSpec{.name = "news"});
    client.ensure_subscription(SubscriptionSpec{.name = "news.audit", .topic = "news"});
    client.publish("orders", message(kBody, "application/json"));
    client.publish("orders", message("card=" + kSecret, "text/plain"));
    Message small = message(kCompressible, "application/json");
    small.compress = true;
    client.publish("orders", std::move(small));
    {
      const Consumer consumer = client.consume("orders", [](Delivery&) { return Verdict::reject("no good"); });
      EXPECT_TRUE(eventually([&] { return cases_of(broker, "orders").size() == 3; }));
    }
    id = text_of(cases_of(broker, "orders").at(0), "id");
    closed_id = text_of(cases_of(broker, "orders").at(1), "id");
    compressed_id = text_of(cases_of(broker, "orders").at(2), "id");
    group = text_of(cases_of(broker, "orders").at(0), "group");
    client.publish("orders", message(kBody, "application/json"));
    client.publish("news", message(kBody, "application/json"));
    Message later = message(kBody, "application/json");
    later.delay = 1h;
    client.publish("orders", std::move(later));
    const HttpAnswer edited = http(broker.admin(), "PATCH", "/api/v1/hospital/cases/" + id, R"({"merge":{"order":2}})",
                                   {{"If-Match", "\"0\""}});
    EXPECT_EQ(edited.status, 200) << edited.body;
  }

  static Message message(const std::string& body, const std::string& content_type) {
    Message out{.body = body};
    out.content_type = content_type;
    out.type = "order.created";
    out.correlation_id = "order-17";
    out.headers = {{"Authorization", kSecret}, {"tenant", "acme"}};
    return out;
  }

  /// Every GET of the API's own description that tells the secret, with all that its path can name here.
  std::set<std::string> telling() {
    std::set<std::string> found;
    const auto paths = http(broker.admin(), "GET", "/openapi.json").json().at("paths").as_object();
    for (const auto& [path, operations] : paths) {
      if (!operations.as_object().contains("get")) continue;
      const std::string pattern(path);
      if (pattern.ends_with("/events")) {
        if (first_event().find(kSecret) != std::string::npos) found.insert(pattern);
        continue;
      }
      for (const std::string& target : targets(pattern)) {
        const HttpAnswer answer = http(broker.admin(), "GET", target);
        EXPECT_LT(answer.status, 500) << target << "\n" << answer.body;
        const bool in_header = std::any_of(answer.headers.begin(), answer.headers.end(), [](const auto& one) {
          return one.second.find(kSecret) != std::string::npos;
        });
        if (in_header || answer.body.find(kSecret) != std::string::npos) found.insert(pattern);
      }
    }
    return found;
  }

  Broker broker;
  Client client;
  std::string id;
  std::string closed_id;      // of the message that is not JSON
  std::string compressed_id;  // of the one that is compressed
  std::string group;

 private:
  static std::vector<std::string> filled(const std::vector<std::string>& targets, const std::string& place,
                                         const std::vector<std::string>& values) {
    std::vector<std::string> out;
    for (const std::string& target : targets) {
      const std::size_t at = target.find(place);
      if (at == std::string::npos) {
        out.push_back(target);
        continue;
      }
      for (const std::string& value : values) out.push_back(std::string(target).replace(at, place.size(), value));
    }
    return out;
  }
  std::vector<std::string> targets(const std::string& pattern) const {
    std::vector<std::string> all = {pattern};
    all = filled(all, "{name}", {"orders", "news", "news.audit"});
    all = filled(all, "{id}", {id, closed_id, compressed_id, group, "order-17"});
    all = filled(all, "{version}", {"0", "1"});
    all = filled(all, "{file}", {"main.js"});
    std::vector<std::string> more = all;
    for (const std::string& target : all) {
      if (target.ends_with("/messages")) more.push_back(target + "?state=scheduled");
      if (target.ends_with("/messages")) more.push_back(target + "?state=in_hospital");
      if (target.ends_with("/diff")) more.push_back(target + "?from=0&to=0");
    }
    return more;
  }
  /// What the stream of events begins with.
  std::string first_event() const {
    namespace asio = boost::asio;
    asio::io_context io;
    asio::ip::tcp::socket socket(io);
    const std::size_t colon = broker.admin().rfind(':');
    socket.connect({asio::ip::make_address(broker.admin().substr(0, colon)),
                    static_cast<std::uint16_t>(std::stoi(broker.admin().substr(colon + 1)))});
    asio::write(socket, asio::buffer("GET /api/v1/events HTTP/1.1\r\nHost: " + broker.admin() + "\r\n\r\n"));
    asio::streambuf buffer;
    asio::read_until(socket, buffer, "event: overview");
    asio::read_until(socket, buffer, "\n\n");
    const auto data = buffer.data();
    return {asio::buffers_begin(data), asio::buffers_end(data)};
  }
};

const std::string kCase = "/api/v1/hospital/cases/{id}";

TEST(Masking, TheWalkFindsTheSecretWhereNothingIsMasked) {
  Ward ward{BrokerOptions{}};
  EXPECT_THAT(ward.telling(),
              IsSupersetOf({kCase, kCase + "/body", kCase + "/versions/{version}", kCase + "/diff",
                            std::string("/api/v1/hospital/export"), std::string("/api/v1/queues/{name}/messages"),
                            std::string("/api/v1/topics/{name}/messages"),
                            std::string("/api/v1/subscriptions/{name}/messages")}));
}

TEST(Masking, NoCallTellsIt) {
  Ward ward{masking()};
  EXPECT_THAT(ward.telling(), IsEmpty());
  const auto shown = http(ward.broker.admin(), "GET", "/api/v1/hospital/cases/" + ward.id).json();
  EXPECT_EQ(shown.at("masked"), true);
  EXPECT_EQ(shown.at("message").at("headers").at("Authorization"), "***");
  EXPECT_EQ(shown.at("message").at("headers").at("tenant"), "acme");
  EXPECT_THAT(text_of(shown.at("message"), "body"), HasSubstr(R"("card":{"number":"***","month":7})"));
  EXPECT_THAT(text_of(shown.at("message"), "body"), HasSubstr(R"("items":[{"price":"***"},{"name":"x"}])"));
  const HttpAnswer body = http(ward.broker.admin(), "GET", "/api/v1/hospital/cases/" + ward.id + "/body");
  EXPECT_EQ(body.headers.at("x-lazaret-masked"), "true");
  const HttpAnswer withheld = http(ward.broker.admin(), "GET", "/api/v1/hospital/cases/" + ward.closed_id + "/body");
  EXPECT_EQ(withheld.status, 403);
  EXPECT_EQ(withheld.json().at("code"), "MASKED");
  const auto other = http(ward.broker.admin(), "GET", "/api/v1/hospital/cases/" + ward.closed_id).json();
  EXPECT_EQ(other.at("message").at("body"), nullptr);
  EXPECT_THAT(text_of(other.at("message"), "withheld"), HasSubstr("cannot be masked"));
  const std::string compressed = "/api/v1/hospital/cases/" + ward.compressed_id;
  const auto opened = http(ward.broker.admin(), "GET", compressed).json().at("message");
  EXPECT_EQ(text_of(opened, "compressed"), "zstd");
  EXPECT_THAT(text_of(opened, "body"), HasSubstr(R"({"card":{"number":"***"})"));
  const HttpAnswer stored = http(ward.broker.admin(), "GET", compressed + "/body", "", {{"Accept-Encoding", "zstd"}});
  EXPECT_FALSE(stored.headers.contains("content-encoding"));
  EXPECT_THAT(stored.body, HasSubstr(R"({"card":{"number":"***"})")) << "nor in bytes that anybody can open";
}

TEST(Masking, NoCommandTellsItAndConsumersGetIt) {
  Ward ward{masking()};
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"hospital", "show", ward.id},
                                             {"hospital", "show", ward.closed_id},
                                             {"hospital", "show", ward.compressed_id},
                                             {"hospital", "list"},
                                             {"hospital", "export"},
                                             {"peek", "orders"},
                                             {"peek", "news.audit"},
                                             {"why", "orders"}}) {
    for (const bool as_json : {false, true}) {
      std::vector<std::string> words = command;
      if (as_json) words.insert(words.begin(), "--json");
      const Outcome done = ward.broker.cli(words);
      EXPECT_EQ(done.exit, 0) << done.err;
      EXPECT_THAT(done.out + done.err, Not(HasSubstr(kSecret))) << command[1];
    }
  }
  const Outcome exported = ward.broker.cli({"hospital", "export"});
  const Outcome imported = ward.broker.cli({"hospital", "import", "-"}, exported.out);
  EXPECT_EQ(imported.exit, 65);
  EXPECT_THAT(imported.err, HasSubstr("masked"));

  EXPECT_EQ(ward.broker.cli({"hospital", "replay", ward.id}).exit, 0);
  const Outcome consumed = ward.broker.cli({"consume", "orders", "--print", "--count", "2"});
  const std::string& out = consumed.out;
  EXPECT_NE(out.find(kSecret), std::string::npos);
  EXPECT_NE(out.find(R"("order":2,"card":{"number":")" + kSecret), std::string::npos) << out;
}

TEST(Masking, NoQuestionAndNoEditTellsIt) {
  Ward ward{masking()};
  const auto refused = [&](const std::string& method, const std::string& target, const std::string& body = "",
                           const std::map<std::string, std::string>& headers = {}) {
    const HttpAnswer answer = http(ward.broker.admin(), method, "/api/v1/hospital/" + target, body, headers);
    EXPECT_EQ(answer.status, 400) << target << " " << answer.body;
    EXPECT_THAT(answer.body, HasSubstr("masked")) << target;
    EXPECT_THAT(answer.body, Not(HasSubstr(kSecret)));
  };
  for (const std::string list : {"cases", "cases/count", "export", "groups"}) {
    refused("GET", list + "?filter=body~s3cr3t");
    refused("GET", list + "?filter=header.AUTHORIZATION~s3");
  }
  refused("POST", "replays", R"({"filter":"body~s3cr3t","dry_run":true})");
  refused("POST", "replays", R"({"filter":"header.authorization~s3"})");
  refused("POST", "quarantines", R"({"subscription":"orders","filter":"header.authorization~s3"})");
  const std::string target = "cases/" + ward.id;
  const std::map<std::string, std::string> now = {{"If-Match", "\"1\""}};
  const auto no_edit = [&](const std::string& path, const std::string& body,
                           const std::map<std::string, std::string>& headers) {
    refused("PATCH", path, body, headers);
    refused("POST", path + "/diff", body, headers);
  };
  no_edit(target, R"({"merge":{"card":{"number":"1"}}})", now);
  no_edit(target, R"({"merge":{"card":null}})", now);
  no_edit(target, R"({"headers":{"authorization":"x"}})", now);
  no_edit(target, R"({"body":"{\"order\":3}"})", now);
  no_edit("cases/" + ward.closed_id, R"({"body":"{}"})", {{"If-Match", "\"0\""}});

  const std::string whole = R"({"body":"{\"order\":3,\"card\":{\"number\":\"***\"},\"items\":[{\"price\":\"***\"}]}"})";
  const HttpAnswer preview = http(ward.broker.admin(), "POST", "/api/v1/hospital/" + target + "/diff", whole, now);
  EXPECT_EQ(preview.status, 200) << preview.body;
  EXPECT_THAT(preview.body, HasSubstr(R"("  \"order\": 3,")"));
  EXPECT_THAT(preview.body, Not(HasSubstr(kSecret)));
  const HttpAnswer edited = http(ward.broker.admin(), "PATCH", "/api/v1/hospital/" + target, whole, now);
  EXPECT_EQ(edited.status, 200) << edited.body;
  const HttpAnswer stale = http(ward.broker.admin(), "PATCH", "/api/v1/hospital/" + target, whole, now);
  EXPECT_EQ(stale.status, 412);
  EXPECT_THAT(stale.body, Not(HasSubstr(kSecret)));
  EXPECT_EQ(http(ward.broker.admin(), "POST", "/api/v1/hospital/" + target + "/replay", "{}").status, 200);
  const Outcome consumed = ward.broker.cli({"consume", "orders", "--print", "--count", "2"});
  EXPECT_THAT(consumed.out, HasSubstr(R"({"order":3,"card":{"number":")" + kSecret + R"("},"items":[{"price":")" +
                                      kSecret + R"("}]})"))
      << "what was not seen stays as it was";
}

}  // namespace
}  // namespace lazaret::testing
