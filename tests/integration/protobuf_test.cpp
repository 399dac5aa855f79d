// A message whose body is protobuf fails, and people see what it says: over HTTP and with the command line tool, masked
// where it has to be. What consumers get is what was published.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <fstream>

#include "integration/support/api.h"
#include "integration/support/http.h"
#include "integration/support/shop_proto.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kCases = "/api/v1/hospital/cases/";

/// A broker that knows the types of the shop, with a case whose message is an order.
class ProtobufWard {
 public:
  explicit ProtobufWard(std::vector<std::string> settings = {})
      : broker({.settings = with_descriptors(std::move(settings)), .arguments = {}}),
        client(Client::connect(broker.url(), {.timeout = 60s})) {
    client.ensure(QueueSpec{.name = "orders"});
    publish();
    const Consumer consumer = client.consume("orders", [](Delivery&) { return Verdict::reject("no good"); });
    EXPECT_TRUE(eventually([&] { return cases_of(broker, "orders").size() == 1; }));
    id = text_of(cases_of(broker, "orders").at(0), "id");
  }

  void publish() {
    Message message{.body = body};
    message.type = "order.created";
    message.content_type = "application/x-protobuf; messageType=\"shop.Order\"";
    client.publish("orders", std::move(message));
  }
  boost::json::value shown() const { return http(broker.admin(), "GET", kCases + id).json().at("message"); }
  HttpAnswer edit(const std::string& change, int seen) const {
    return http(broker.admin(), "PATCH", kCases + id, change, {{"If-Match", '"' + std::to_string(seen) + '"'}});
  }

 private:
  std::vector<std::string> with_descriptors(std::vector<std::string> settings) {
    std::ofstream(descriptors, std::ios::binary) << shop.descriptors();
    settings.push_back("hospital.protobuf_descriptors=" + descriptors);
    return settings;
  }

 public:
  const TempDir dir;
  const std::string descriptors = dir / "shop.binpb";
  const ShopProto shop;
  const std::string body =
      shop.encoded("shop.Order", R"({"id":"17","customer_name":"ann","card":{"number":"s3cr3t-4111"}})");
  const std::string says = R"({"id":"17","customer_name":"ann","card":{"number":"s3cr3t-4111"}})";
  Broker broker;
  Client client;
  std::string id;
};

TEST(Protobuf, ABodyIsShownAsWhatItSaysBesideItsBytes) {
  ProtobufWard ward;
  const auto message = ward.shown();
  EXPECT_EQ(text_of(message.at("body_protobuf"), "type"), "shop.Order");
  EXPECT_EQ(text_of(message.at("body_protobuf"), "json"), ward.says);
  EXPECT_TRUE(message.at("body_protobuf").at("undecoded").is_null());
  EXPECT_FALSE(message.as_object().contains("masked"));
  EXPECT_EQ(http(ward.broker.admin(), "GET", kCases + ward.id + "/body").body, ward.body);

  const Outcome show = ward.broker.cli({"hospital", "show", ward.id});
  EXPECT_EQ(show.exit, 0);
  EXPECT_THAT(show.out, HasSubstr("body (protobuf shop.Order):\n" + ward.says));
  const auto as_json = ward.broker.cli_json({"hospital", "show", ward.id});
  EXPECT_EQ(text_of(as_json.at(0).at("message").at("body_protobuf"), "json"), ward.says);
  ward.publish();
  EXPECT_THAT(ward.broker.cli({"peek", "orders"}).out, HasSubstr(ward.says));
}

TEST(Protobuf, AnExportIsTakenInAgain) {
  ProtobufWard ward;
  const Outcome exported = ward.broker.cli({"hospital", "export"});
  ASSERT_EQ(ward.broker.cli({"queue", "create", "repairs"}).exit, 0);
  const Outcome imported = ward.broker.cli({"hospital", "import", "-", "--to", "repairs"}, exported.out);
  EXPECT_EQ(imported.exit, 0) << imported.err;
  const std::string id = text_of(cases_of(ward.broker, "repairs").at(0), "id");
  EXPECT_EQ(http(ward.broker.admin(), "GET", kCases + id + "/body").body, ward.body);
  const Outcome peeked = ward.broker.cli({"--json", "peek", "orders", "--state", "in_hospital"});
  EXPECT_EQ(ward.broker.cli({"publish", "repairs", "--messages"}, peeked.out).exit, 0) << peeked.out;
}

TEST(Protobuf, WhatWasOneOfItsTypeStaysOne) {
  ProtobufWard ward;
  const auto refused = [&](const std::string& change, const std::string& why) {
    const HttpAnswer answer = ward.edit(change, 0);
    EXPECT_EQ(answer.status, 422) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr(why));
  };
  refused(R"({"merge":{"id":"18"}})", "it can be replaced");
  refused(R"({"body":"{}"})", "could not be decoded as protobuf any more");
  refused(R"({"content_type":"application/protobuf; messageType=shop.Card"})", "shop.Card");
  const HttpAnswer preview = http(ward.broker.admin(), "POST", kCases + ward.id + "/diff", R"({"body_base64":"CBI="})",
                                  {{"If-Match", "\"0\""}});
  EXPECT_EQ(preview.status, 200) << preview.body;
  EXPECT_THAT(preview.body, HasSubstr(R"({"kind":"removed","text":"  \"id\": \"17\","})"));
  EXPECT_THAT(preview.body, HasSubstr(R"({"kind":"added","text":"  \"id\": \"18\""})"));
  EXPECT_EQ(ward.edit(R"({"body_base64":"CBI="})", 0).status, 200);
  EXPECT_EQ(text_of(ward.shown().at("body_protobuf"), "json"), R"({"id":"18"})");
  EXPECT_EQ(ward.edit(R"({"body":"no more","content_type":"text/plain"})", 1).status, 200) << "who says so may";
  EXPECT_FALSE(ward.shown().as_object().contains("body_protobuf"));
}

TEST(Protobuf, WhatIsMaskedIsSeenNowhere) {
  ProtobufWard ward({"hospital.masked_paths=/card/number"});
  ward.publish();
  const std::string masked = R"({"id":"17","customer_name":"ann","card":{"number":"***"}})";
  EXPECT_EQ(text_of(ward.shown().at("body_protobuf"), "json"), masked);
  EXPECT_TRUE(ward.shown().at("body").is_null());
  for (const std::string& target :
       {kCases + ward.id, kCases + ward.id + "/body", kCases + ward.id + "/versions/0", kCases + ward.id + "/diff",
        std::string("/api/v1/hospital/export"), std::string("/api/v1/queues/orders/messages")}) {
    const HttpAnswer answer = http(ward.broker.admin(), "GET", target);
    EXPECT_THAT(answer.body, Not(HasSubstr("s3cr3t"))) << target;
    EXPECT_THAT(answer.body, Not(HasSubstr("body_base64"))) << target;
    if (target.ends_with("/body")) continue;
    EXPECT_THAT(answer.body, HasSubstr("***")) << target;
  }
  EXPECT_EQ(http(ward.broker.admin(), "GET", kCases + ward.id + "/body").status, 403);
  const Outcome show = ward.broker.cli({"hospital", "show", ward.id});
  EXPECT_THAT(show.out, HasSubstr("body (protobuf shop.Order):\n" + masked));
  EXPECT_THAT(show.out, Not(HasSubstr("s3cr3t")));
  // In a note of the shop it would be another field.
  const HttpAnswer edited = ward.edit(R"({"content_type":"application/protobuf; messageType=shop.Note"})", 0);
  EXPECT_EQ(edited.status, 400);
  EXPECT_THAT(edited.body, HasSubstr("masked"));
  EXPECT_EQ(ward.edit(R"({"body_base64":"CBI="})", 0).status, 400);
  const auto got = ward.broker.cli_json({"consume", "orders", "--print", "--count", "1"});
  EXPECT_THAT(boost::json::serialize(got.at(0)), HasSubstr("s3cr3t-4111")) << "whoever consumes gets it all";
}

TEST(Protobuf, TheConfigurationIsCheckedWithItsFiles) {
  const TempDir dir;
  const std::string file = dir / "shop.binpb";
  const auto check = [&] {
    return run({binary("lazaretd"), "--check-config", "--set", "hospital.protobuf_descriptors=" + file});
  };
  EXPECT_EQ(check().exit, 78);
  EXPECT_THAT(check().err, HasSubstr(file + ": No such file"));
  std::ofstream(file) << "message Order {}";
  EXPECT_EQ(check().exit, 78);
  EXPECT_THAT(check().err, HasSubstr(file + ": is no descriptor set"));
  std::ofstream(file, std::ios::binary) << ShopProto().descriptors();
  EXPECT_EQ(check().exit, 0) << check().err;
}

}  // namespace
}  // namespace lazaret::testing
