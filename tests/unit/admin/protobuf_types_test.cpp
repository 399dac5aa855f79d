#include "admin/protobuf_types.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "admin/json_body.h"
#include "integration/support/shop_proto.h"

namespace lazaret::admin {
namespace {

using base::Code;
using lazaret::testing::ShopProto;
using ::testing::HasSubstr;

wire::Envelope of_type(const std::string& type, const std::string& content_type = "application/protobuf") {
  wire::Envelope envelope;
  envelope.type = type;
  envelope.content_type = content_type;
  return envelope;
}

/// A field with a length before it: what a message in a message, or a text, is encoded as.
std::string field(int number, const std::string& bytes) {
  std::string out(1, static_cast<char>(number << 3 | 2));
  std::size_t size = bytes.size();
  for (; size > 127; size >>= 7) out += static_cast<char>((size & 0x7f) | 0x80);
  return out + static_cast<char>(size) + bytes;
}

std::string any_of(const std::string& type, const std::string& value) {
  return field(1, "type.googleapis.com/" + type) + field(2, value);
}

class ProtobufTypesTest : public ::testing::Test {
 protected:
  ~ProtobufTypesTest() override {
    for (const std::string& file : files_) std::filesystem::remove(file);
  }

  std::string file_with(const std::string& bytes) {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    files_.push_back(::testing::TempDir() + "lazaret-" + test->name() + std::to_string(files_.size()) + ".binpb");
    std::ofstream(files_.back(), std::ios::binary) << bytes;
    return files_.back();
  }
  ProtobufTypes types_of(const std::string& descriptors) {
    auto types = ProtobufTypes::read({file_with(descriptors)});
    EXPECT_TRUE(types.ok()) << types.status().text();
    return types.ok() ? *types : ProtobufTypes();
  }
  std::string refusal(const std::vector<std::string>& files) {
    const auto types = ProtobufTypes::read(files);
    EXPECT_EQ(types.code(), Code::BAD_CONFIGURATION);
    return types.status().text();
  }
  /// What is wrong with the body, the place included.
  std::string wrong(const std::string& type, const std::string& body) {
    const auto found = types_.look_into(of_type(type), body);
    if (!found) return "it is no protobuf";
    EXPECT_NE(found->decoded(), found->json.empty());
    return found->undecoded + "; " + found->detail;
  }

  std::vector<std::string> files_;
  const ShopProto shop_;
  const ProtobufTypes types_ = types_of(shop_.descriptors());
};

TEST_F(ProtobufTypesTest, ABodyOfAKnownTypeIsJson) {
  const std::string body = shop_.encoded("shop.Order", R"({"id": "9007199254740993", "customer_name": "Zo\u00eb",
      "card": {"number": "4111", "month": 7}, "items": [{"name": "tea", "picture": "AP8="}, {}], "state": "PAID",
      "labels": {"a": "b"}, "at": "2026-11-27T08:00:00Z", "weight": 0.5, "counts": [1, -2],
      "more": {"@type": "type.googleapis.com/shop.Card", "number": "1"}})");
  const auto found = types_.look_into(of_type("shop.Order"), body);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->undecoded + found->detail, "");
  EXPECT_EQ(found->type, "shop.Order");
  EXPECT_EQ(found->json, R"({"id":"9007199254740993","customer_name":"Zoë","card":{"number":"4111","month":7},)"
                         R"("items":[{"name":"tea","picture":"AP8="},{}],"state":"PAID","labels":{"a":"b"},)"
                         R"("at":"2026-11-27T08:00:00Z","more":{"@type":"type.googleapis.com/shop.Card","number":"1"},)"
                         R"("weight":0.5,"counts":[1,-2]})");
  EXPECT_EQ(types_.look_into(of_type("shop.Order"), "")->json, "{}") << "nothing is set";
}

TEST_F(ProtobufTypesTest, TheTypeIsOfTheContentTypeOrOfTheMessage) {
  const std::string body = shop_.encoded("shop.Card", R"({"number": "4111"})");
  for (const char* content_type : {"application/protobuf", "Application/X-Protobuf", "application/x-protobuffer;a=b",
                                   "application/protobuf ; a", "application/vnd.google.protobuf; encoding=Binary"}) {
    EXPECT_EQ(types_.look_into(of_type("shop.Card", content_type), body)->json, R"({"number":"4111"})") << content_type;
  }
  for (const char* content_type :
       {"application/x-protobuf; desc=\"x\"; messageType=\"shop.Card\"", "application/protobuf;MESSAGETYPE=shop.Card",
        "application/vnd.google.protobuf; proto=shop.Card", "application/protobuf; proto=no; messageType=shop.Card"}) {
    EXPECT_EQ(types_.look_into(of_type("card.charged", content_type), body)->type, "shop.Card") << content_type;
  }
  for (const char* content_type : {"", "application/json", "application/protobuf+json", "text/plain; messageType=x"}) {
    EXPECT_FALSE(types_.look_into(of_type("shop.Card", content_type), body)) << content_type;
  }
  EXPECT_FALSE(ProtobufTypes().look_into(of_type("shop.Card"), body)) << "there are no descriptors";
  EXPECT_FALSE(ProtobufTypes::read({})->look_into(of_type("shop.Card"), body));
}

TEST_F(ProtobufTypesTest, WhatIsNotWhatItsTypeSaysIsNotDecoded) {
  const std::string card = shop_.encoded("shop.Card", R"({"number": "4111", "month": 7})");
  EXPECT_THAT(wrong("", card), HasSubstr("nothing says of which type it is"));
  EXPECT_THAT(wrong("Card", card), HasSubstr("no descriptor is given of Card"));
  EXPECT_THAT(wrong(std::string("\xff") + std::string(1000, 'x'), card), HasSubstr("no descriptor is given of"));
  EXPECT_THAT(wrong("shop.Card", card + field(3, "x")), HasSubstr("field 3 of shop.Card is not in its descriptor"));
  EXPECT_THAT(wrong("shop.Card", "\x08\x07"), HasSubstr("field 1 of shop.Card (number) is encoded as another type"));
  EXPECT_THAT(wrong("shop.Card", card.substr(0, card.size() - 1)), HasSubstr("has no end"));
  EXPECT_THAT(wrong("shop.Card", "\x0b\x0c"), HasSubstr("has no end, or is none")) << "a group";
  EXPECT_THAT(wrong("shop.Card", std::string(1, '\0')), HasSubstr("or is none")) << "field 0";
  EXPECT_THAT(wrong("shop.Card", R"({"number": "4111"})"), HasSubstr("not what the descriptor of shop.Card says"));
  EXPECT_THAT(wrong("shop.Card", field(1, "\xff")), HasSubstr("field 1 of shop.Card (number) is not UTF-8"));
  EXPECT_THAT(wrong("shop.Order", field(10, "\x80")), HasSubstr("not what")) << "half a number in a packed field";
  const std::string late = field(7, std::string("\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f"));
  EXPECT_THAT(wrong("shop.Order", late), HasSubstr("JSON cannot have")) << "a time beyond all years";
  EXPECT_THAT(wrong("shop.Order", field(8, any_of("shop.Unheard", ""))), HasSubstr("Any in it is of a type"));
  EXPECT_THAT(wrong("shop.Order", field(8, any_of("shop.Card", field(9, "")))), HasSubstr("field 9 of shop.Card"));
  EXPECT_THAT(wrong("shop.Order", field(8, any_of("shop.Card", "\x10\x01" + field(1, "x")))),
              HasSubstr("put together"));
  wire::Envelope compressed = of_type("shop.Card");
  compressed.content_encoding = "zstd";
  EXPECT_EQ(types_.look_into(compressed, card)->undecoded, "it is encoded (zstd)");
  const auto delimited = of_type("", "application/vnd.google.protobuf; proto=shop.Card; encoding=delimited");
  EXPECT_THAT(types_.look_into(delimited, card)->undecoded, HasSubstr("is not binary"));
}

/// A field that is there twice is what protobuf makes of it, as consumers see it.
TEST_F(ProtobufTypesTest, WhatStandsInTwoPlacesIsPutTogether) {
  const std::string body = field(4, field(1, "a")) + field(3, field(1, "x")) + field(4, field(1, "b")) +
                           field(3, "\x10\x07") + field(2, "no") + field(2, "yes");
  EXPECT_EQ(types_.look_into(of_type("shop.Order"), body)->json,
            R"({"customer_name":"yes","card":{"number":"x","month":7},"items":[{"name":"a"},{"name":"b"}]})");
}

TEST_F(ProtobufTypesTest, WhatABodyTakesIsBounded) {
  EXPECT_THAT(wrong("shop.Card", field(1, std::string(kProtobufBytes, 'x'))), HasSubstr("larger than"));
  EXPECT_EQ(wrong("shop.Card", field(1, std::string(kProtobufBytes - 10, 'x'))), "; ");
  std::string empty_items;
  while (empty_items.size() < kProtobufBytes) empty_items += field(4, "");
  EXPECT_THAT(wrong("shop.Order", empty_items), HasSubstr("too many messages"));
  EXPECT_THAT(wrong("shop.Card", field(1, std::string(kProtobufBytes / 2, '\x01'))), HasSubstr("as JSON it would be"))
      << "each is written as six";
  std::string nested;
  for (int depth = 0; depth < 20; ++depth) nested = field(4, nested);
  EXPECT_EQ(wrong("shop.Item", nested), "; ");
  while (nested.size() < 100'000) nested = field(4, nested);
  EXPECT_THAT(wrong("shop.Item", nested), HasSubstr("nests deeper"));
}

/// What an Any holds is text to protobuf until it becomes JSON, and its writer counts each anew.
TEST_F(ProtobufTypesTest, AnAnyInAnAnyIsBoundedToo) {
  std::string nested = any_of("shop.Note", "");
  for (int depth = 0; depth < 5; ++depth) nested = any_of("google.protobuf.Any", nested);
  EXPECT_EQ(wrong("shop.Order", field(8, nested)), "; ");
  for (int depth = 0; depth < 1'000; ++depth) nested = any_of("google.protobuf.Any", nested);
  EXPECT_THAT(wrong("shop.Order", field(8, nested)), HasSubstr("nests deeper"));

  // Two halves, harmless each, of which one names the type of what the other has.
  std::string deep;
  for (int depth = 0; depth < 1'000; ++depth) deep = field(2, any_of("shop.Wrapped", deep));
  const std::string text = any_of("shop.Note", deep);
  const std::string halves = field(8, text) + field(8, field(1, "type.googleapis.com/shop.Wrapped"));
  EXPECT_THAT(wrong("shop.Order", halves), HasSubstr("nests deeper"));
}

TEST_F(ProtobufTypesTest, WhateverABodyIsItEndsWithJsonOrWithAWord) {
  const std::string good = shop_.encoded("shop.Order", R"({"id": 1, "customer_name": "ann", "card": {"number": "4111"},
      "items": [{"name": "tea", "part": {"part": {"name": "x"}}}], "labels": {"a": "b"}, "counts": [1, 300],
      "at": "2026-11-27T08:00:00Z", "more": {"@type": "type.googleapis.com/shop.Card", "month": 3}, "weight": 1.5})");
  std::size_t decoded = 0;
  const auto look = [&](const std::string& body) {
    const auto found = types_.look_into(of_type("shop.Order"), body);
    ASSERT_TRUE(found);
    ASSERT_NE(found->decoded(), found->json.empty());
    if (!found->decoded()) return;
    ASSERT_TRUE(is_json_text(found->json));
    ++decoded;
  };
  for (std::size_t size = 0; size <= good.size(); ++size) look(good.substr(0, size));
  std::mt19937 random(114);
  for (int round = 0; round < 20'000; ++round) {
    std::string body = good;
    for (std::size_t changes = 1 + random() % 4; changes > 0; --changes) {
      const std::size_t at = random() % body.size();
      switch (random() % 3) {
        case 0: body[at] = static_cast<char>(random()); break;
        case 1: body.insert(at, good, random() % good.size(), random() % 20); break;
        default: body.erase(at, random() % 8); break;
      }
      if (body.empty()) body = good;
    }
    look(body);
  }
  EXPECT_GT(decoded, 100u) << "some are still good";
}

TEST_F(ProtobufTypesTest, ManyLookAtTheSameTime) {
  const std::string order = shop_.encoded("shop.Order", R"({"id": 1, "card": {"number": "4111"}})");
  const std::string card = shop_.encoded("shop.Card", R"({"number": "4111"})");
  const ProtobufTypes fresh = types_of(shop_.descriptors());  // nobody has looked with these
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        EXPECT_EQ(fresh.look_into(of_type("shop.Order"), order)->json, R"({"id":"1","card":{"number":"4111"}})");
        EXPECT_EQ(fresh.look_into(of_type("shop.Card"), card)->json, R"({"number":"4111"})");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(ProtobufTypesTest, OlderDescriptorsHaveEnumsThatAreClosedAndFieldsThatAreNeeded) {
  google::protobuf::FileDescriptorSet set;
  set.add_file()->CopyFrom(ShopProto::file_of(R"(
      name: "old.proto" package: "old"
      enum_type { name: "Colour" value { name: "RED" number: 1 } }
      message_type { name: "Shirt" extension_range { start: 100 end: 200 }
        field { name: "size" number: 1 type: TYPE_STRING label: LABEL_REQUIRED }
        field { name: "colour" number: 2 type_name: "Colour" label: LABEL_OPTIONAL }
        field { name: "text" number: 3 type: TYPE_STRING label: LABEL_OPTIONAL } }
      extension { extendee: "Shirt" name: "more" number: 100 type: TYPE_STRING label: LABEL_OPTIONAL })"));
  const ProtobufTypes types = types_of(set.SerializeAsString());
  const auto look = [&](const std::string& body) { return *types.look_into(of_type("old.Shirt"), body); };
  EXPECT_EQ(look(field(1, "L") + "\x10\x01").json, R"({"size":"L","colour":"RED"})");
  EXPECT_THAT(look("\x10\x01").detail, HasSubstr("it lacks size"));
  EXPECT_THAT(look(field(1, "L") + "\x10\x05").detail, HasSubstr("enum"));
  EXPECT_THAT(look(field(1, "L") + "\xa2\x06\x01x").detail, HasSubstr("field 100 of old.Shirt")) << "an extension";
  EXPECT_THAT(look(field(1, "L") + field(3, "\xff")).detail, HasSubstr("not UTF-8")) << "it was allowed then";
}

TEST_F(ProtobufTypesTest, FilesThatAreNoDescriptorsAreNamed) {
  EXPECT_THAT(refusal({"/nowhere/shop.binpb"}), HasSubstr("/nowhere/shop.binpb: No such file"));
  EXPECT_THAT(refusal({::testing::TempDir()}), HasSubstr(::testing::TempDir() + ": "));
  const std::string empty = file_with("");
  EXPECT_THAT(refusal({empty}), HasSubstr(empty + ": is no descriptor set"));
  EXPECT_THAT(refusal({file_with("syntax = \"proto3\";")}), HasSubstr("is no descriptor set"));
  google::protobuf::FileDescriptorSet alone;
  alone.add_file()->CopyFrom(shop_.set().file(2));
  const std::string without = file_with(alone.SerializeAsString());
  EXPECT_THAT(refusal({without}), HasSubstr(without + ": shop.proto imports google/protobuf/any.proto, which is not"));
  alone.mutable_file(0)->clear_dependency();
  EXPECT_THAT(refusal({file_with(alone.SerializeAsString())}), HasSubstr("shop.proto: "));
  alone.mutable_file(0)->set_package("other");
  const std::string good = file_with(shop_.descriptors());
  EXPECT_THAT(refusal({good, file_with(alone.SerializeAsString())}),
              HasSubstr("shop.proto says something else than in " + good));
}

TEST_F(ProtobufTypesTest, SeveralFilesInAnyOrderMayShareWhatTheyImport) {
  google::protobuf::FileDescriptorSet first;
  google::protobuf::FileDescriptorSet second;
  for (const int file : {2, 0}) first.add_file()->CopyFrom(shop_.set().file(file));
  for (const int file : {1, 0}) second.add_file()->CopyFrom(shop_.set().file(file));
  const auto types = ProtobufTypes::read({file_with(first.SerializeAsString()), file_with(second.SerializeAsString())});
  ASSERT_TRUE(types.ok()) << types.status().text();
  EXPECT_EQ(types->look_into(of_type("shop.Card"), field(1, "x"))->json, R"({"number":"x"})");
}

}  // namespace
}  // namespace lazaret::admin
