// Protobuf bodies that are made of JSON: what is shown of one makes the same bytes again, and what its type cannot say
// is refused with its place.
#include <gmock/gmock.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/field_comparator.h>
#include <google/protobuf/util/message_differencer.h>
#include <google/protobuf/wrappers.pb.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <set>

#include "admin/protobuf_types.h"
#include "integration/support/shop_proto.h"

namespace lazaret::admin {
namespace {

namespace pb = google::protobuf;
using base::Code;
using lazaret::testing::ShopProto;
using ::testing::HasSubstr;

/// One message with everything that a field can be.
constexpr const char* kKinds = R"(
    name: "kinds.proto" package: "kinds" syntax: "proto3"
    dependency: "shop.proto" dependency: "google/protobuf/any.proto" dependency: "google/protobuf/timestamp.proto"
    dependency: "google/protobuf/duration.proto" dependency: "google/protobuf/field_mask.proto"
    dependency: "google/protobuf/struct.proto" dependency: "google/protobuf/wrappers.proto"
    dependency: "google/protobuf/empty.proto"
    message_type { name: "All"
      field { name: "yes" number: 1 type: TYPE_BOOL label: LABEL_OPTIONAL }
      field { name: "small" number: 2 type: TYPE_INT32 label: LABEL_OPTIONAL }
      field { name: "zigzag" number: 3 type: TYPE_SINT32 label: LABEL_OPTIONAL }
      field { name: "positive" number: 4 type: TYPE_UINT32 label: LABEL_OPTIONAL }
      field { name: "large" number: 5 type: TYPE_INT64 label: LABEL_OPTIONAL }
      field { name: "largest" number: 6 type: TYPE_UINT64 label: LABEL_OPTIONAL }
      field { name: "fixed" number: 7 type: TYPE_FIXED64 label: LABEL_OPTIONAL }
      field { name: "half" number: 8 type: TYPE_FLOAT label: LABEL_OPTIONAL }
      field { name: "whole" number: 9 type: TYPE_DOUBLE label: LABEL_OPTIONAL }
      field { name: "some_text" number: 10 type: TYPE_STRING label: LABEL_OPTIONAL }
      field { name: "some_bytes" number: 11 type: TYPE_BYTES label: LABEL_OPTIONAL }
      field { name: "state" number: 12 type_name: ".shop.State" label: LABEL_OPTIONAL }
      field { name: "cash" number: 13 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 0 }
      field { name: "card" number: 14 type_name: ".shop.Card" label: LABEL_OPTIONAL oneof_index: 0 }
      field { name: "by_name" number: 15 type_name: "ByNameEntry" label: LABEL_REPEATED }
      field { name: "by_number" number: 16 type_name: "ByNumberEntry" label: LABEL_REPEATED }
      field { name: "by_yes" number: 17 type_name: "ByYesEntry" label: LABEL_REPEATED }
      field { name: "numbers" number: 18 type: TYPE_SINT64 label: LABEL_REPEATED }
      field { name: "states" number: 19 type_name: ".shop.State" label: LABEL_REPEATED }
      field { name: "cards" number: 20 type_name: ".shop.Card" label: LABEL_REPEATED }
      field { name: "at" number: 21 type_name: ".google.protobuf.Timestamp" label: LABEL_OPTIONAL }
      field { name: "lasts" number: 22 type_name: ".google.protobuf.Duration" label: LABEL_OPTIONAL }
      field { name: "which" number: 23 type_name: ".google.protobuf.FieldMask" label: LABEL_OPTIONAL }
      field { name: "tree" number: 24 type_name: ".google.protobuf.Struct" label: LABEL_OPTIONAL }
      field { name: "anything" number: 25 type_name: ".google.protobuf.Value" label: LABEL_OPTIONAL }
      field { name: "list" number: 26 type_name: ".google.protobuf.ListValue" label: LABEL_OPTIONAL }
      field { name: "maybe_number" number: 27 type_name: ".google.protobuf.Int64Value" label: LABEL_OPTIONAL }
      field { name: "maybe_text" number: 28 type_name: ".google.protobuf.StringValue" label: LABEL_OPTIONAL }
      field { name: "more" number: 29 type_name: ".google.protobuf.Any" label: LABEL_OPTIONAL }
      field { name: "most" number: 30 type_name: ".google.protobuf.Any" label: LABEL_REPEATED }
      field { name: "nothing" number: 31 type_name: ".google.protobuf.Empty" label: LABEL_OPTIONAL }
      field { name: "perhaps" number: 32 type: TYPE_INT32 label: LABEL_OPTIONAL oneof_index: 1 proto3_optional: true }
      field { name: "inside" number: 33 type_name: "All" label: LABEL_OPTIONAL }
      field { name: "counts" number: 34 type: TYPE_INT32 label: LABEL_REPEATED }
      oneof_decl { name: "payment" } oneof_decl { name: "_perhaps" }
      nested_type { name: "ByNameEntry" options { map_entry: true }
        field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
        field { name: "value" number: 2 type: TYPE_INT32 label: LABEL_OPTIONAL } }
      nested_type { name: "ByNumberEntry" options { map_entry: true }
        field { name: "key" number: 1 type: TYPE_INT64 label: LABEL_OPTIONAL }
        field { name: "value" number: 2 type_name: ".shop.Card" label: LABEL_OPTIONAL } }
      nested_type { name: "ByYesEntry" options { map_entry: true }
        field { name: "key" number: 1 type: TYPE_BOOL label: LABEL_OPTIONAL }
        field { name: "value" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL } } })";

/// Names of JSON that are those of other fields.
constexpr const char* kSwapped = R"(
    name: "swapped.proto" package: "swapped" syntax: "proto3"
    message_type { name: "Pair"
      field { name: "a" number: 1 type: TYPE_INT32 label: LABEL_OPTIONAL json_name: "b" }
      field { name: "b" number: 2 type: TYPE_INT32 label: LABEL_OPTIONAL json_name: "a" } }
    message_type { name: "Row"
      field { name: "a" number: 1 type: TYPE_INT32 label: LABEL_OPTIONAL json_name: "b" }
      field { name: "b" number: 2 type: TYPE_INT32 label: LABEL_OPTIONAL json_name: "c" } })";

constexpr const char* kOld = R"(
    name: "old.proto" package: "old"
    enum_type { name: "Colour" value { name: "RED" number: 1 } }
    message_type { name: "Shirt"
      field { name: "size" number: 1 type: TYPE_STRING label: LABEL_REQUIRED }
      field { name: "colour" number: 2 type_name: "Colour" label: LABEL_OPTIONAL } })";

wire::Envelope of_type(const std::string& type) {
  wire::Envelope envelope;
  envelope.type = type;
  envelope.content_type = "application/protobuf";
  return envelope;
}

/// A field with a length before it: what a message in a message, or a text, is encoded as.
std::string field(int number, const std::string& bytes) {
  std::string out;
  const auto varint = [&out](std::size_t value) {
    for (; value > 127; value >>= 7) out += static_cast<char>((value & 0x7f) | 0x80);
    out += static_cast<char>(value);
  };
  varint(static_cast<std::size_t>(number) << 3 | 2);
  varint(bytes.size());
  return out + bytes;
}

/// Of each key of a map the last entry is there, as consumers see it; here and in all messages in it.
void keep_last_of_keys(pb::Message& message) {
  const pb::Reflection& look = *message.GetReflection();
  std::vector<const pb::FieldDescriptor*> fields;
  look.ListFields(message, &fields);
  for (const pb::FieldDescriptor* one : fields) {
    if (one->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!one->is_repeated()) {
      keep_last_of_keys(*look.MutableMessage(&message, one));
      continue;
    }
    std::set<std::string> keys;
    std::vector<std::unique_ptr<pb::Message>> kept;
    while (look.FieldSize(message, one) > 0) {
      std::unique_ptr<pb::Message> entry(look.ReleaseLast(&message, one));
      std::string key;
      if (one->is_map()) {
        pb::TextFormat::PrintFieldValueToString(*entry, one->message_type()->map_key(), -1, &key);
        if (!keys.insert(key).second) continue;
      }
      keep_last_of_keys(*entry);
      kept.push_back(std::move(entry));
    }
    for (auto entry = kept.rbegin(); entry != kept.rend(); ++entry) {
      look.AddAllocatedMessage(&message, one, entry->release());
    }
  }
}

class ProtobufEncodeTest : public ::testing::Test {
 protected:
  ProtobufEncodeTest() {
    pb::FileDescriptorSet set;
    EXPECT_TRUE(set.ParseFromString(descriptors()));
    for (const pb::FileDescriptorProto& one : set.file()) EXPECT_NE(pool_.BuildFile(one), nullptr) << one.name();
  }
  ~ProtobufEncodeTest() override { std::filesystem::remove(file_); }

  static std::string descriptors() {
    pb::FileDescriptorSet set = ShopProto().set();
    for (const pb::Descriptor* known :
         {pb::Duration::descriptor(), pb::FieldMask::descriptor(), pb::Struct::descriptor(),
          pb::Int64Value::descriptor(), pb::Empty::descriptor()}) {
      known->file()->CopyTo(set.add_file());
    }
    set.add_file()->CopyFrom(ShopProto::file_of(kKinds));
    set.add_file()->CopyFrom(ShopProto::file_of(kOld));
    set.add_file()->CopyFrom(ShopProto::file_of(kSwapped));
    return set.SerializeAsString();
  }
  ProtobufTypes types_of(const std::string& bytes) {
    std::ofstream(file_, std::ios::binary) << bytes;
    auto types = ProtobufTypes::read({file_});
    EXPECT_TRUE(types.ok()) << types.status().text();
    return types.ok() ? *types : ProtobufTypes();
  }
  /// What the body says that is made of this.
  std::string said(const std::string& json, const std::string& type = "kinds.All") {
    const auto body = types_.encode(of_type(type), json);
    EXPECT_TRUE(body.ok()) << json << ": " << body.status().text();
    return body.ok() ? types_.look_into(of_type(type), *body)->json : "";
  }
  /// What is said is the same again, and so are the bytes.
  void expect_same(const std::string& json, const std::string& type = "kinds.All") {
    EXPECT_EQ(said(json, type), json);
    const auto once = types_.encode(of_type(type), json);
    const auto again = types_.encode(of_type(type), said(json, type));
    ASSERT_TRUE(once.ok() && again.ok());
    EXPECT_EQ(*once, *again) << json;
  }
  /// What protobuf reads of the bytes: maps in no order, and there is one NaN.
  std::unique_ptr<pb::Message> read(const std::string& type, const std::string& bytes) {
    std::unique_ptr<pb::Message> message(factory_.GetPrototype(pool_.FindMessageTypeByName(type))->New());
    EXPECT_TRUE(message->ParseFromString(bytes));
    keep_last_of_keys(*message);
    return message;
  }
  /// What the body is shown as makes it again: "", or what differs.
  std::string lost(const std::string& type, const std::string& body) {
    const auto shown = types_.look_into(of_type(type), body);
    if (!shown->decoded()) return "it is not decoded, " + shown->why();
    const auto again = types_.encode(of_type(type), shown->json);
    if (!again.ok()) return shown->json + ": " + again.status().text();
    std::string differs;
    pb::util::DefaultFieldComparator numbers;
    numbers.set_treat_nan_as_equal(true);
    pb::util::MessageDifferencer differencer;
    differencer.set_field_comparator(&numbers);
    differencer.ReportDifferencesToString(&differs);
    return differencer.Compare(*read(type, body), *read(type, *again)) ? "" : shown->json + ": " + differs;
  }
  std::string refusal(const std::string& json, const std::string& type = "kinds.All") {
    const auto body = types_.encode(of_type(type), json);
    EXPECT_EQ(body.code(), Code::BAD_REQUEST) << json;
    return body.ok() ? "it was taken" : body.status().text();
  }

  const std::string file_ = ::testing::TempDir() + "lazaret-" +
                            ::testing::UnitTest::GetInstance()->current_test_info()->name() + "-encode.binpb";
  const ProtobufTypes types_ = types_of(descriptors());
  pb::DescriptorPool pool_;
  pb::DynamicMessageFactory factory_{&pool_};
};

TEST_F(ProtobufEncodeTest, WhatIsShownMakesTheSameAgain) {
  expect_same("{}");
  expect_same(R"({"yes":true,"small":-2147483648,"zigzag":2147483647,"positive":4294967295})");
  expect_same(R"({"large":"-9223372036854775808","largest":"18446744073709551615","fixed":"9007199254740993"})");
  expect_same(R"({"half":0.1,"whole":0.30000000000000004})");
  expect_same(R"({"half":"Infinity","whole":"-Infinity"})");
  expect_same(R"({"whole":"NaN"})");
  expect_same(R"({"half":-0,"whole":-0})");
  expect_same(R"({"half":1.40129846e-45,"whole":4.94065645841247e-324})");
  expect_same(R"({"half":3.40282347e+38,"whole":1.7976931348623157e+308})");
  expect_same(R"({"some_text":"Zoë \"\\ \n","some_bytes":"AP8="})");
  expect_same(R"({"state":"PAID","states":["NEW","PAID",7]})");
  expect_same(R"({"cash":""})");
  expect_same(R"({"card":{}})");
  expect_same(R"({"by_name":{"a":1,"b":0},"by_number":{"-7":{"number":"1"}},"by_yes":{"false":"no","true":"yes"}})");
  expect_same(R"({"numbers":["1","-9223372036854775808"],"cards":[{"month":7},{}]})");
  expect_same(R"({"at":"2026-11-27T08:00:00.000001Z","lasts":"-1.500s","which":"some,someText.more"})");
  expect_same(R"({"tree":{"a":[1.5,null,{"b":true}],"c":""},"anything":null,"list":[1,"x",[]]})");
  expect_same(R"({"anything":9007199254740994,"list":[-9007199254740994,99999999999999984]})");
  expect_same(R"({"maybe_number":"0","maybe_text":"","nothing":{},"perhaps":0})");
  expect_same(R"({"inside":{"inside":{"small":1,"card":{"number":"4111"}}}})");
}

TEST_F(ProtobufEncodeTest, AnAnyIsOfTheTypeThatItNames) {
  const std::string url = R"("@type":"type.googleapis.com/)";
  expect_same("{\"more\":{" + url + R"(shop.Card","number":"1","month":7}})");
  expect_same("{\"more\":{" + url + R"(google.protobuf.Timestamp","value":"2026-11-27T08:00:00Z"}})");
  expect_same("{\"more\":{" + url + R"(google.protobuf.Int64Value","value":"17"}})");
  expect_same("{\"more\":{" + url + "google.protobuf.Any\",\"value\":{" + url + R"(shop.Card","month":7}}})");
  expect_same("{\"more\":{" + url + "shop.Order\",\"more\":{" + url + R"(shop.Card","month":7}}})");
  expect_same(R"({"more":{}})");
  // In whatever order they are given.
  EXPECT_EQ(said(R"({"more":{"month":7,"number":"1",)" + url + R"(shop.Card"}})"),
            R"({"more":{)" + url + R"(shop.Card","number":"1","month":7}})");
  EXPECT_EQ(said("{\"most\":[{" + url + "shop.Order\",\"more\":{" + url +
                 R"(shop.Card","month":7,"number":"1"},"id":1},{"month":2,)" + url + R"(shop.Card"}]})"),
            "{\"most\":[{" + url + "shop.Order\",\"id\":\"1\",\"more\":{" + url +
                R"(shop.Card","number":"1","month":7}},{)" + url + R"(shop.Card","month":2}]})");
  EXPECT_THAT(refusal(R"({"more":{"month":7}})"), HasSubstr("at /more/@type: must be the type"));
  EXPECT_THAT(refusal(R"({"more":{"@type":"shop.Card"}})"), HasSubstr("at /more/@type: no descriptor"));
  EXPECT_THAT(refusal("{\"more\":{" + url + R"(shop.Unheard"}})"), HasSubstr("at /more/@type: no descriptor"));
  EXPECT_THAT(refusal("{\"more\":{" + url + R"(shop.Card","moon":7}})"), HasSubstr("at /more/moon: shop.Card has no"));
  EXPECT_THAT(refusal("{\"more\":{" + url + R"(shop.Card","month":"x"}})"), HasSubstr("at /more/month: must be a"));
  EXPECT_THAT(refusal("{\"more\":{" + url + R"(google.protobuf.Int64Value","number":"17"}})"),
              HasSubstr("at /more/number: there are @type and value here"));
}

TEST_F(ProtobufEncodeTest, WhatMeansTheSameIsTaken) {
  EXPECT_EQ(said(R"({"small": "7", "large": 7, "fixed": 9007199254740993, "states": [1]})"),
            R"({"small":7,"large":"7","fixed":"9007199254740993","states":["PAID"]})");
  EXPECT_EQ(said(R"({"small": 0, "some_text": "", "state": "NEW", "cards": []})"), "{}") << "which is not set";
  EXPECT_EQ(said(R"({"small": null, "card": null, "cash": "x", "cards": null, "at": null})"), R"({"cash":"x"})");
  EXPECT_EQ(said(R"( { "some_text" : "\u005a\u006f\u00eb" } )"), R"({"some_text":"Zoë"})");
  EXPECT_EQ(said(R"({"list": [9223372036854775808, -9223372036854775808, 18446744073709549568]})"),
            R"({"list":[9.2233720368547758e+18,-9.2233720368547758e+18,1.844674407370955e+19]})");
  EXPECT_EQ(said(R"({"whole": 17, "half": -3})"), R"({"half":-3,"whole":17})");
}

TEST_F(ProtobufEncodeTest, WhatATypeCannotSayIsRefusedWithItsPlace) {
  const std::pair<const char*, const char*> wrong[] = {
      {R"({"colour": 1})", "at /colour: kinds.All has no such field"},
      {R"({"someText": "x"})", "at /someText: kinds.All has no such field: it is named some_text here"},
      {R"({"inside": {"card": {"moon": 1}}})", "at /inside/card/moon: shop.Card has no such field"},
      {R"({"cards": [{}, {"month": 1.5}]})", "at /cards/1/month: must be a whole number (int32)"},
      {R"({"small": 2147483648})", "at /small: is out of range of int32"},
      {R"({"small": "-2147483649"})", "at /small: is out of range of int32"},
      {R"({"zigzag": 1e30})", "at /zigzag: is out of range of sint32"},
      {R"({"positive": -1})", "at /positive: is out of range of uint32"},
      {R"({"large": "9223372036854775808"})", "at /large: is out of range of int64"},
      {R"({"largest": 18446744073709551616})", "at /largest: is out of range of uint64"},
      {R"({"fixed": "17 "})", "at /fixed: must be a whole number (fixed64)"},
      {R"({"fixed": ""})", "at /fixed: must be a whole number"},
      {R"({"small": true})", "at /small: must be a whole number"},
      {R"({"half": 3.40282357e38})", "at /half: is out of range of float"},
      {R"({"half": -3.5e38})", "at /half: is out of range of float"},
      {R"({"whole": 1e999})", "/whole"},
      {R"({"whole": "1.5"})", "at /whole: must be a number, or NaN"},
      {R"({"whole": {}})", "at /whole: must be a number"},
      {R"({"yes": "true"})", "at /yes: must be true or false"},
      {R"({"some_text": 7})", "at /some_text: must be a text"},
      {R"({"some_bytes": "AP8"})", "at /some_bytes: must be bytes, as base64"},
      {R"({"some_bytes": [0]})", "at /some_bytes: must be a text"},
      {R"({"state": "SOLD"})", "at /state: is no value of shop.State"},
      {R"({"state": "paid"})", "at /state: is no value of shop.State"},
      {R"({"state": 2147483648})", "at /state: must be a value of shop.State"},
      {R"({"cash": "x", "card": {}})", "at /card: of payment there is cash already"},
      {R"({"by_name": []})", "at /by_name: must be an object"},
      {R"({"by_name": {"a": "x"}})", "at /by_name/a: must be a whole number"},
      {R"({"by_name": {"a": null}})", "at /by_name/a: is null"},
      {R"({"by_number": {"x": {}}})", "at /by_number/x: must be a whole number (int64)"},
      {R"({"by_number": {"7": {}, "07": {}}})", "at /by_number/07: the key is written 7 here"},
      {R"({"by_number": {"0": {}, "-0": {}}})", "at /by_number/-0: the key is written 0 here"},
      {R"({"by_number": {"+1": {}}})", "at /by_number/+1: must be a whole number"},
      {R"({"by_yes": {"TRUE": "x"}})", "at /by_yes/TRUE: the key is no bool"},
      {R"({"numbers": "1"})", "at /numbers: must be a list"},
      {R"({"numbers": [1, null]})", "at /numbers/1: is null"},
      {R"({"card": [1]})", "at /card: must be an object, a shop.Card"},
      {R"({"card": "4111"})", "at /card: must be an object"},
      {R"({"at": "yesterday"})", "at /at: is no google.protobuf.Timestamp"},
      {R"({"at": 17})", "at /at: is no google.protobuf.Timestamp"},
      {R"({"lasts": "5m"})", "at /lasts: is no google.protobuf.Duration"},
      {R"({"tree": [1]})", "at /tree: must be an object"},
      {R"({"list": {}})", "at /list: must be a list"},
      {R"({"anything": {"a": [9007199254740993]}})", "at /anything/a/0: is no double"},
      {R"({"anything": 9223372036854775807})", "at /anything: is no double"},
      {R"({"anything": 18446744073709551615})", "at /anything: is no double"},
      {R"({"maybe_number": "x"})", "at /maybe_number: must be a whole number"},
      {R"({"nothing": {"a/b~": 1}})", "at /nothing/a~1b~0: google.protobuf.Empty has no such field"},
      {R"([])", "at its beginning: must be an object, a kinds.All"},
      {R"("x")", "at its beginning: must be an object"},
      {R"({"small": 1, "small": 2})", "a name twice"},
      {R"({"card": {"month": 1, "m\u006fnth": 2}})", "a name twice"},
      {R"({"small": 1)", "not JSON"},
      {R"({small: 1})", "not JSON"},
      {R"({'small': 1})", "not JSON"},
      {"", "not JSON"},
  };
  for (const auto& [json, why] : wrong) EXPECT_THAT(refusal(json), HasSubstr(why)) << json;
}

TEST_F(ProtobufEncodeTest, OlderTypesNeedFieldsAndTheirEnumsAreClosed) {
  expect_same(R"({"size":"L","colour":"RED"})", "old.Shirt");
  EXPECT_THAT(refusal(R"({"colour": "RED"})", "old.Shirt"), HasSubstr("at its beginning: it lacks size"));
  EXPECT_THAT(refusal(R"({"size": "L", "colour": 5})", "old.Shirt"),
              HasSubstr("at /colour: is no value of old.Colour"));
}

TEST_F(ProtobufEncodeTest, WhatItTakesIsBounded) {
  EXPECT_THAT(refusal(R"({"some_text": ")" + std::string(kProtobufJsonBytes, 'x') + "\"}"), HasSubstr("bytes as JSON"));
  EXPECT_THAT(refusal(R"({"some_text": ")" + std::string(kProtobufBytes, 'x') + "\"}"), HasSubstr("larger than"));
  EXPECT_FALSE(said(R"({"some_text": ")" + std::string(kProtobufBytes - 10, 'x') + "\"}").empty());
  std::string cards = "{}";
  while (cards.size() < 600'000) cards += ",{}";
  const auto wrong = refusal("{\"cards\": [" + cards + "]}");
  EXPECT_THAT(wrong, HasSubstr("at /cards/"));
  EXPECT_THAT(wrong, HasSubstr(": there are too many values in it"));
  for (const int values : {2'000, 200'000}) {
    EXPECT_EQ(lost("kinds.All", field(34, std::string(static_cast<std::size_t>(values), '\x01'))), "") << values;
  }
  std::string counts = "1";
  while (counts.size() < kProtobufJsonBytes - 100) counts += ",1";
  EXPECT_THAT(refusal("{\"counts\": [" + counts + "]}"),
              HasSubstr("they need more than " + std::to_string(kProtobufBuiltBytes) + " bytes"));
  std::string deep = "{}";
  for (int i = 0; i < 20; ++i) deep = R"({"inside":)" + deep + "}";
  expect_same(deep);
  for (int i = 0; i < 50; ++i) deep = R"({"inside":)" + deep + "}";
  EXPECT_THAT(refusal(deep), HasSubstr("nests deeper"));
  for (int i = 0; i < 1000; ++i) deep = R"({"inside":)" + deep + "}";
  refusal(deep);
  std::string any = R"({"@type":"type.googleapis.com/shop.Card","number":")" + std::string(100'000, 'x') + "\"}";
  for (int i = 0; i < 90; ++i) any = R"({"value":)" + any + R"(,"@type":"type.googleapis.com/google.protobuf.Any"})";
  refusal("{\"more\":" + any + "}");
}

/// Anybody may choose the names that protobuf has for JSON.
TEST_F(ProtobufEncodeTest, AFieldIsWhatItsSourceNamesWhateverElseHasThatName) {
  for (const char* type : {"swapped.Pair", "swapped.Row"}) {
    const std::string body = "\x08\x01\x10\x02";
    EXPECT_EQ(types_.look_into(of_type(type), body)->json, R"({"a":1,"b":2})") << type;
    EXPECT_EQ(*types_.encode(of_type(type), R"({"a":1,"b":2})"), body) << type;
    for (const char* one : {"\x08\x01", "\x10\x02"}) EXPECT_EQ(lost(type, one), "") << type;
    const std::string url = R"("@type":"type.googleapis.com/)" + std::string(type);
    expect_same("{\"more\":{" + url + R"(","a":1,"b":2}})");
  }
  EXPECT_THAT(refusal(R"({"c": 1})", "swapped.Row"), HasSubstr("at /c: swapped.Row has no such field"));
}

TEST_F(ProtobufEncodeTest, WhatWouldBeSomethingElseAsJsonIsNotDecoded) {
  const auto why = [this](int number, const std::string& inside) {
    return types_.look_into(of_type("kinds.All"), field(number, inside))->why();
  };
  const std::string lossy = "as JSON it would say something else";
  pb::Value number;
  for (const double endless : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    number.set_number_value(endless);
    EXPECT_EQ(why(25, number.SerializeAsString()), lossy) << endless << " is a text there";
  }
  EXPECT_EQ(why(25, ""), lossy) << "a Value of no kind";
  pb::ListValue list;
  list.add_values()->set_number_value(1);
  EXPECT_EQ(why(26, list.SerializeAsString()), "");
  list.add_values();
  EXPECT_EQ(why(26, list.SerializeAsString()), lossy) << "[1, nothing]";
  for (const char* path : {"fooBar", "a_1", "a__b", "a,b", "", "A"}) {
    pb::FieldMask mask;
    mask.add_paths(path);
    EXPECT_EQ(why(23, mask.SerializeAsString()), lossy) << path;
  }
  pb::FieldMask good;
  good.add_paths("some_text.more");
  EXPECT_EQ(why(23, good.SerializeAsString()), "");
}

/// What protobuf reads as the same is decoded, and made the same again.
TEST_F(ProtobufEncodeTest, WhatCanBeEncodedInSeveralWaysIsDecoded) {
  const auto raw = [](auto number) { return std::string(reinterpret_cast<const char*>(&number), sizeof number); };
  for (const std::uint64_t nan : {0x7ff8000000000000u, 0xfff8000000000000u, 0x7ff0000000000001u}) {
    EXPECT_EQ(lost("kinds.All", "\x49" + raw(nan)), "");
  }
  EXPECT_EQ(lost("kinds.All", "\x45" + raw(0xffc00001u)), "");
  const auto entry = [](const std::string& key, char value) { return field(15, field(1, key) + "\x10" + value); };
  EXPECT_EQ(lost("kinds.All", entry("b", 1) + entry("a", 2) + entry("b", 3)), "");
  EXPECT_EQ(said(types_.look_into(of_type("kinds.All"), entry("b", 1) + entry("a", 2) + entry("b", 3))->json),
            R"({"by_name":{"a":2,"b":3}})");
  EXPECT_EQ(lost("kinds.All", field(15, "") + field(16, "")), "") << "entries with neither key nor value";
  EXPECT_EQ(lost("kinds.All", field(18, "\x02") + std::string("\x90\x01\x04")), "") << "packed, and not";
  EXPECT_EQ(lost("kinds.All", std::string("\x10\x00", 2)), "") << "zero, which is not set";
  const std::string card = field(2, std::string("\x10\x00", 2));
  EXPECT_EQ(lost("kinds.All", field(29, field(1, "type.googleapis.com/shop.Card") + card)), "");
}

/// Whatever a publisher has made of it.
TEST_F(ProtobufEncodeTest, WhateverIsDecodedMakesTheSameAgain) {
  const auto good = types_.encode(of_type("kinds.All"), R"({"yes": true, "small": -5, "large": "7", "fixed": "9",
      "half": 0.5, "whole": 1.25, "some_text": "tea", "some_bytes": "AP8=", "state": "PAID", "card": {"number": "4111"},
      "by_name": {"a": 1, "b": 2}, "by_number": {"3": {"month": 4}}, "numbers": [1, 300], "states": [1, 0],
      "at": "2026-11-27T08:00:00Z", "lasts": "5s", "anything": [1, {"a": "b"}], "maybe_number": "3", "perhaps": 0,
      "which": "some,someText.more", "tree": {"a": 1.5, "b": [null, true]}, "by_yes": {"true": "yes"},
      "more": {"@type": "type.googleapis.com/shop.Card", "month": 3}, "inside": {"cash": "x", "yes": true}})");
  ASSERT_TRUE(good.ok()) << good.status().text();
  std::mt19937 random(115);
  std::size_t decoded = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string body = *good;
    for (std::size_t changes = 1 + random() % 4; changes > 0 && !body.empty(); --changes) {
      const std::size_t at = random() % body.size();
      switch (random() % 4) {
        case 0: body.insert(at, *good, random() % good->size(), random() % 20); break;
        case 1: body.erase(at, random() % 8); break;
        default: body[at] = static_cast<char>(random()); break;
      }
    }
    const auto found = types_.look_into(of_type("kinds.All"), body);
    if (!found->decoded()) continue;
    ++decoded;
    ASSERT_EQ(lost("kinds.All", body), "");
  }
  EXPECT_GT(decoded, 1'000u);
}

TEST_F(ProtobufEncodeTest, WithoutATypeNothingIsEncoded) {
  const auto code = [&](const wire::Envelope& envelope) { return types_.encode(envelope, "{}").code(); };
  EXPECT_EQ(code(of_type("shop.Card")), Code::OK);
  EXPECT_EQ(code(of_type("shop.Unheard")), Code::INVALID_BODY);
  EXPECT_EQ(code(of_type("")), Code::INVALID_BODY);
  wire::Envelope compressed = of_type("shop.Card");
  compressed.content_encoding = "zstd";
  EXPECT_EQ(code(compressed), Code::INVALID_BODY);
  wire::Envelope text = of_type("shop.Card");
  text.content_type = "application/json";
  EXPECT_EQ(code(text), Code::INVALID_BODY);
  EXPECT_EQ(ProtobufTypes().encode(of_type("shop.Card"), "{}").code(), Code::INVALID_BODY);
}

}  // namespace
}  // namespace lazaret::admin
