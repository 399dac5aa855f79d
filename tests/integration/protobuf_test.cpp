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
    id = admit(body);
  }

  /// A case of an order with these bytes.
  std::string admit(const std::string& bytes) {
    const std::size_t before = cases_of(broker, "orders").size();
    publish(bytes);
    const Consumer consumer = client.consume("orders", [](Delivery&) { return Verdict::reject("no good"); });
    EXPECT_TRUE(eventually([&] { return cases_of(broker, "orders").size() == before + 1; }));
    return text_of(cases_of(broker, "orders").back(), "id");
  }
  void publish() { publish(body); }
  void publish(const std::string& bytes) {
    Message message{.body = bytes};
    message.type = "order.created";
    message.content_type = "application/x-protobuf; messageType=\"shop.Order\"";
    client.publish("orders", std::move(message));
  }
  boost::json::value shown() const { return http(broker.admin(), "GET", kCases + id).json().at("message"); }
  std::string now_says() const { return text_of(shown().at("body_protobuf"), "json"); }
  std::string bytes_now() const { return http(broker.admin(), "GET", kCases + id + "/body").body; }
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
  EXPECT_THAT(show.out,
              HasSubstr("body (protobuf shop.Order):\n{\n  \"id\": \"17\",\n  \"customer_name\": \"ann\",\n"));
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
  refused(R"({"body_base64":"e30="})", "could not be decoded as protobuf any more");
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

TEST(Protobuf, WhatItSaysIsEditedAndMadeBytesAgain) {
  ProtobufWard ward;
  EXPECT_EQ(ward.edit(R"({"merge":{"customer_name":"bob","items":[{"name":"tea","picture":"AP8="}]}})", 0).status, 200);
  const std::string merged = R"({"id":"17","customer_name":"bob","card":{"number":"s3cr3t-4111"},)"
                             R"("items":[{"name":"tea","picture":"AP8="}]})";
  EXPECT_EQ(ward.now_says(), merged);
  EXPECT_EQ(ward.bytes_now(), ward.shop.encoded("shop.Order", merged));
  EXPECT_EQ(ward.edit(R"({"merge":{"card":null,"items":null}})", 1).status, 200);
  EXPECT_EQ(ward.now_says(), R"({"id":"17","customer_name":"bob"})");

  const std::string whole = R"({"body":"{ \"id\": 9007199254740993, \"state\": \"PAID\" }"})";
  const HttpAnswer preview =
      http(ward.broker.admin(), "POST", kCases + ward.id + "/diff", whole, {{"If-Match", "\"2\""}});
  EXPECT_EQ(preview.status, 200) << preview.body;
  EXPECT_THAT(preview.body, HasSubstr(R"({"kind":"added","text":"  \"state\": \"PAID\""})"));
  EXPECT_EQ(ward.edit(whole, 1).status, 412) << "somebody was faster";
  EXPECT_EQ(http(ward.broker.admin(), "PATCH", kCases + ward.id, whole).status, 428);
  EXPECT_EQ(ward.edit(whole, 2).status, 200);
  EXPECT_EQ(ward.now_says(), R"({"id":"9007199254740993","state":"PAID"})");

  const std::string card =
      R"({"body":"{\"number\":\"1\"}","content_type":"application/protobuf; messageType=shop.Card"})";
  EXPECT_EQ(ward.edit(card, 3).status, 200) << "and of another type at the same time";
  EXPECT_EQ(text_of(ward.shown().at("body_protobuf"), "type"), "shop.Card");
  EXPECT_EQ(ward.now_says(), R"({"number":"1"})");
  ASSERT_EQ(http(ward.broker.admin(), "POST", kCases + ward.id + "/replay", "{}").status, 200);
  const auto got = ward.broker.cli_json({"consume", "orders", "--print", "--count", "1"});
  EXPECT_EQ(text_of(got.at(0).as_object(), "body"), ward.shop.encoded("shop.Card", R"({"number":"1"})"))
      << "consumers get the bytes";
}

TEST(Protobuf, WhatItsTypeCannotSayIsRefusedWithItsPlace) {
  ProtobufWard ward;
  const auto refused = [&](const std::string& change, const std::string& why) {
    const HttpAnswer answer = ward.edit(change, 0);
    EXPECT_EQ(answer.status, 400) << change << answer.body;
    EXPECT_EQ(text_of(answer.json(), "code"), "BAD_REQUEST");
    EXPECT_THAT(answer.body, HasSubstr(why));
    const HttpAnswer preview =
        http(ward.broker.admin(), "POST", kCases + ward.id + "/diff", change, {{"If-Match", "\"0\""}});
    EXPECT_EQ(preview.status, 400) << "it is refused as the edit is: " << preview.body;
  };
  refused(R"({"merge":{"customerName":"bob"}})",
          "at /customerName: shop.Order has no such field: it is named customer_");
  refused(R"({"merge":{"card":{"month":"July"}}})", "at /card/month: must be a whole number");
  refused(R"({"merge":{"card":{"month":2147483648}}})", "at /card/month: is out of range");
  refused(R"({"merge":[1]})", "must be an object, a shop.Order");
  refused(R"({"body":"{\"items\":[{},{\"colour\":1}]}"})", "at /items/1/colour");
  refused(R"({"body":"{\"id\":\"x\"}"})", "at /id");
  refused(R"({"body":"{"})", "not JSON");
  refused(R"({"body":""})", "not JSON");
  EXPECT_EQ(ward.now_says(), ward.says);
}

/// An edit as JSON would leave out what nobody knows of.
TEST(Protobuf, WhatIsNotDecodedIsNotEditedAsJson) {
  ProtobufWard ward;
  ward.id = ward.admit(ward.body + "\x78\x01");
  for (const char* change : {R"({"merge":{"id":"18"}})", R"({"body":"{}"})"}) {
    const HttpAnswer answer = ward.edit(change, 0);
    EXPECT_EQ(answer.status, 422) << answer.body;
    EXPECT_EQ(text_of(answer.json(), "code"), "INVALID_BODY");
    EXPECT_THAT(answer.body, HasSubstr("the body is protobuf that is not decoded"));
    EXPECT_THAT(answer.body, HasSubstr("field 15 of shop.Order is not in its descriptor"));
    EXPECT_THAT(answer.body, HasSubstr("body_base64"));
  }
  EXPECT_EQ(ward.edit(R"({"body_base64":"CBI="})", 0).status, 200) << "bytes may be replaced";
  EXPECT_EQ(ward.edit(R"({"merge":{"customer_name":"bob"}})", 1).status, 200) << "and those are decoded";
  EXPECT_EQ(ward.now_says(), R"({"id":"18","customer_name":"bob"})");
}

TEST(Protobuf, TheCommandLineEditsItAsJsonToo) {
  ProtobufWard ward;
  const auto edit = [&](std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.begin(), {"hospital", "edit", ward.id});
    return ward.broker.cli(arguments, input);
  };
  const Outcome merged = edit({"--merge", R"({"customer_name":"bob"})", "--note", "a typo"});
  EXPECT_EQ(merged.exit, 0) << merged.err;
  EXPECT_THAT(merged.out, HasSubstr("+   \"customer_name\": \"bob\""));
  const Outcome dry = edit({"--body-file", "-", "--as-json", "--dry-run"}, R"({"id": 18})");
  EXPECT_EQ(dry.exit, 0) << dry.err;
  EXPECT_THAT(dry.out, HasSubstr("+   \"id\": \"18\""));
  EXPECT_EQ(edit({"--body-file", "-", "--as-json"}, R"({"id": 18})").exit, 0);
  EXPECT_EQ(ward.now_says(), R"({"id":"18"})");
  const Outcome unknown = edit({"--body-file", "-", "--as-json"}, R"({"name": "bob"})");
  EXPECT_EQ(unknown.exit, 65);
  EXPECT_THAT(unknown.err, HasSubstr("at /name"));
  EXPECT_EQ(edit({"--as-json", "--merge", "{}"}).exit, 64);
  EXPECT_EQ(edit({"--body-file", "-", "--as-json"}, "\xff").exit, 64);
  EXPECT_EQ(edit({"--body-file", "-"}, R"({"id": 19})").exit, 65) << "without the flag they are bytes, and these none";
  const std::string bytes = ward.shop.encoded("shop.Order", R"({"id":"19","customer_name":"cy"})");
  EXPECT_EQ(edit({"--body-file", "-"}, bytes).exit, 0) << "also where they happen to be text";
  EXPECT_EQ(ward.bytes_now(), bytes);
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
  EXPECT_THAT(show.out, HasSubstr("body (protobuf shop.Order):\n{\n  \"id\": \"17\","));
  EXPECT_THAT(show.out, HasSubstr("    \"number\": \"***\"\n"));
  EXPECT_THAT(show.out, Not(HasSubstr("s3cr3t")));
  // In a note of the shop it would be another field.
  const HttpAnswer edited = ward.edit(R"({"content_type":"application/protobuf; messageType=shop.Note"})", 0);
  EXPECT_EQ(edited.status, 400);
  EXPECT_THAT(edited.body, HasSubstr("masked"));
  for (const char* change :
       {R"({"body_base64":"CBI="})", R"({"body":"{\"id\":\"18\"}"})", R"({"body":"{\"card\":{\"number\":\"***\"}}"})",
        R"({"merge":{"id":"18"}})", R"({"merge":{"card":{"number":"s3cr3t-4111"}}})", R"({"merge":{"colour":1}})"}) {
    const HttpAnswer refused = ward.edit(change, 0);
    EXPECT_EQ(refused.status, 400) << change;
    EXPECT_THAT(refused.body, HasSubstr("cannot be edited by who cannot see it")) << "whatever would be wrong with it";
    EXPECT_THAT(refused.body, Not(HasSubstr("s3cr3t")));
  }
  const auto got = ward.broker.cli_json({"consume", "orders", "--print", "--count", "1"});
  EXPECT_THAT(boost::json::serialize(got.at(0)), HasSubstr("s3cr3t-4111")) << "whoever consumes gets it all";
}

/// Text may have any content type, and is shown with what is masked in it: where it is no protobuf tells of the rest.
TEST(Protobuf, WhereAMaskedBodyIsNoProtobufIsNotSaid) {
  ProtobufWard ward({"hospital.masked_paths=/card/number"});
  ward.id = ward.admit(R"({"card":{"number":"s3cr3t-4111"}})");
  EXPECT_EQ(text_of(ward.shown(), "body"), R"({"card":{"number":"***"}})");
  for (const char* change : {R"({"merge":{"id":"18"}})", R"({"body":"{}"})"}) {
    const HttpAnswer refused = ward.edit(change, 0);
    EXPECT_EQ(refused.status, 422) << refused.body;
    EXPECT_THAT(refused.body, HasSubstr("it is not what the descriptor of shop.Order says: it can be replaced"));
    EXPECT_THAT(refused.body, Not(HasSubstr("has no end")));
  }
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
