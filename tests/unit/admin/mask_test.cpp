#include "admin/mask.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "admin/json_text.h"
#include "admin/message_json.h"
#include "base/zstd.h"
#include "integration/support/shop_proto.h"

namespace lazaret::admin {
namespace {

using base::Code;
using ::testing::HasSubstr;

constexpr std::string_view kSecret = "4111-secret";

model::MessageRef message_with(const std::string& body, const std::string& encoding = "") {
  wire::Envelope envelope;
  envelope.content_type = "application/json";
  envelope.content_encoding = encoding;
  envelope.headers = {{"tenant", "acme"}, {"Authorization", std::string(kSecret)}};
  auto out = std::make_shared<model::Message>();
  out->envelope = base::SharedBytes::of(wire::encode_envelope(envelope));
  out->body = base::SharedBytes::of(body);
  return out;
}

class MaskTest : public ::testing::Test {
 protected:
  static Mask mask_of(const std::vector<std::string>& paths, const std::vector<std::string>& headers) {
    auto mask = Mask::of(paths, headers);
    EXPECT_TRUE(mask.ok()) << mask.status().text();
    return std::move(*mask);
  }
  static json::object shown(const model::MessageRef& message, const Mask& mask) {
    return message_json({"orders", {}, message, 0, false}, mask);
  }
  const Mask both_ = mask_of({"/card"}, {"AUTHORIZATION"});
};

TEST_F(MaskTest, HeadersAndFieldsAreCovered) {
  const json::object seen = shown(message_with(R"({"card":"4111-secret","n":1})"), both_);
  EXPECT_EQ(seen.at("headers"), (json::object{{"tenant", "acme"}, {"Authorization", "***"}}));
  EXPECT_EQ(seen.at("body"), R"({"card":"***","n":1})");
  EXPECT_EQ(seen.at("masked"), true);
  EXPECT_EQ(to_text(seen).find(kSecret), std::string::npos);
}

TEST_F(MaskTest, WhatIsNoNameOfAHeaderIsRefused) {
  for (const std::string header : {"", "[\"authorization\"]", "authorization ", " authorization", "a b", "a\tb", "a,b",
                                   "\"authorization\"", "a\x7f"}) {
    EXPECT_EQ(Mask::of({}, {"tenant", header}).code(), Code::BAD_REQUEST) << header;
  }
  EXPECT_THAT(Mask::of({}, {"tenant", "x y"}).status().text(), HasSubstr("\"x y\" is no name of a header"));
  EXPECT_TRUE(Mask::of({}, {"x-secret_1.b:c", "schlüssel"}).ok());
}

TEST_F(MaskTest, WhatHasNothingToMaskIsShownAsItIs) {
  const json::object plain = shown(message_with("no JSON"), {});
  EXPECT_EQ(plain.at("body"), "no JSON");
  EXPECT_FALSE(plain.contains("masked"));
  const json::object other = shown(message_with(R"({"n":1})"), mask_of({"/card"}, {"x-other"}));
  EXPECT_EQ(other.at("body"), R"({"n":1})");
  EXPECT_FALSE(other.contains("masked"));
  EXPECT_FALSE(shown(message_with(""), mask_of({"/card"}, {})).contains("masked")) << "an empty body hides nothing";
}

TEST_F(MaskTest, WhatCannotBeLookedIntoIsNotShown) {
  const Mask mask = mask_of({"/card"}, {});
  const std::string too_deep = std::string(300, '[') + std::string(300, ']');
  for (const auto& [body, encoding] :
       std::vector<std::pair<std::string, std::string>>{{"card=4111-secret", ""},
                                                        {R"({"card":"4111-secret")", ""},
                                                        {R"({"card":"4111-secret"}{"card":"4111-secret"})", ""},
                                                        {"\xEF\xBB\xBF{\"card\":\"4111-secret\"}", ""},
                                                        {"{\"card\":\"4111-secret\xFF\"}", ""},
                                                        {R"({"card":"4111-secret"})", "zstd"},
                                                        {too_deep, ""}}) {
    const json::object seen = shown(message_with(body, encoding), mask);
    EXPECT_EQ(seen.at("body"), nullptr) << body;
    EXPECT_EQ(seen.at("masked"), true);
    EXPECT_THAT(std::string(seen.at("withheld").as_string()), HasSubstr("cannot be masked"));
    EXPECT_FALSE(seen.contains("body_base64"));
    EXPECT_FALSE(mask.editable(*message_with(body, encoding)).ok());
    EXPECT_EQ(mask.edited(*message_with(body, encoding), "{}").code(), Code::BAD_REQUEST);
  }
  EXPECT_EQ(shown(message_with("card=x"), mask_of({}, {"authorization"})).at("body"), "card=x") << "no path is masked";
}

TEST_F(MaskTest, WhatIsCompressedIsOpenedForWhoLooksAtIt) {
  const std::string body = R"({"card":"4111-secret","n":1,"text":")" + std::string(500, 'x') + "\"}";
  const auto message = message_with(body, "zstd");
  auto stored = std::make_shared<model::Message>(*message);
  stored->body = base::SharedBytes::of(*base::zstd_compressed(body));
  const auto opened = [&](const Mask& mask) {
    return message_json({"orders", {}, stored, 0, false}, mask, Compressed::opened);
  };
  const json::object plain = opened({});
  EXPECT_EQ(plain.at("body"), json::value(body));
  EXPECT_EQ(plain.at("compressed"), "zstd");
  EXPECT_FALSE(plain.contains("content_encoding"));
  EXPECT_FALSE(plain.contains("masked"));
  EXPECT_EQ(Mask().shown(*stored, Compressed::opened)->stored, stored->body.view());

  const json::object masked = opened(both_);
  EXPECT_EQ(to_text(masked).find(kSecret), std::string::npos);
  EXPECT_THAT(std::string(masked.at("body").as_string()), HasSubstr(R"({"card":"***","n":1)"));
  EXPECT_EQ(masked.at("masked"), true);
  EXPECT_EQ(both_.shown(*stored, Compressed::opened)->stored, "") << "what is masked would be in it";
  const json::object among_others = shown(stored, both_);
  EXPECT_EQ(among_others.at("body"), nullptr);
  EXPECT_THAT(std::string(among_others.at("withheld").as_string()), HasSubstr("cannot be masked"));

  EXPECT_THAT(*both_.editable(*stored), HasSubstr(R"("card":"***")"));
  EXPECT_EQ(*both_.edited(*stored, R"({"card":"***","n":2})"), R"({"card":"4111-secret","n":2})");
  EXPECT_FALSE(both_.edited(*stored, R"({"n":2})").ok());
}

TEST_F(MaskTest, NoMoreIsOpenedThanAMessageMayHave) {
  auto stored = std::make_shared<model::Message>(*message_with("", "zstd"));
  stored->body = base::SharedBytes::of(*base::zstd_compressed(std::string(1001, 'x')));
  const auto status = [&](const std::vector<std::string>& paths, std::size_t most) {
    return Mask::of(paths, {}, {}, most)->shown(*stored, Compressed::opened)->unopened;
  };
  EXPECT_TRUE(status({}, 1001).ok());
  EXPECT_EQ(status({}, 1000).code(), Code::MESSAGE_TOO_LARGE);
  EXPECT_EQ(status({}, 1000).limit(), "max_message_bytes");
  const Mask mask = Mask::of({"/card"}, {}, {}, 1000).value();
  const json::object withheld = message_json({"orders", {}, stored, 0, false}, mask, Compressed::opened);
  EXPECT_EQ(withheld.at("body"), nullptr);
  EXPECT_THAT(std::string(withheld.at("unopened").as_string()), HasSubstr("more than 1000 bytes"));
  EXPECT_FALSE(withheld.contains("body_base64"));
  stored->body = base::SharedBytes::of("card=4111-secret");
  EXPECT_EQ(status({}, 1000).code(), Code::INVALID_BODY);
  const json::object damaged = message_json({"orders", {}, stored, 0, false}, {}, Compressed::opened);
  EXPECT_EQ(damaged.at("body"), "card=4111-secret") << "as it is stored";
  EXPECT_EQ(damaged.at("content_encoding"), "zstd");
  EXPECT_THAT(std::string(damaged.at("unopened").as_string()), HasSubstr("cannot be opened"));
}

/// Messages whose bodies are protobuf, and what is seen of them with their descriptors.
class MaskOfProtobufTest : public MaskTest {
 protected:
  static model::MessageRef message_of(const std::string& body, const std::string& content_type) {
    wire::Envelope envelope;
    envelope.type = "shop.Order";
    envelope.content_type = content_type;
    auto out = std::make_shared<model::Message>();
    out->envelope = base::SharedBytes::of(wire::encode_envelope(envelope));
    out->body = base::SharedBytes::of(body);
    return out;
  }
  Mask with_types(const std::vector<std::string>& paths) {
    const std::string file =
        ::testing::TempDir() + "lazaret-" + ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".binpb";
    std::ofstream(file, std::ios::binary) << shop_.descriptors();
    auto types = ProtobufTypes::read({file});
    EXPECT_TRUE(types.ok()) << types.status().text();
    std::remove(file.c_str());
    auto mask = Mask::of(paths, {}, types.ok() ? *types : ProtobufTypes());
    EXPECT_TRUE(mask.ok());
    return std::move(*mask);
  }

  const lazaret::testing::ShopProto shop_;
  const std::string body_ = shop_.encoded("shop.Order", R"({"customer_name":"ann","card":{"number":"4111-secret"}})");
  const std::string protobuf_ = "application/protobuf";
};

TEST_F(MaskOfProtobufTest, WithoutPathsItIsShownBesideItsBytes) {
  const Mask mask = with_types({});
  const json::object seen = shown(message_of(body_, protobuf_), mask);
  EXPECT_EQ(seen.at("body"), json::value(body_)) << "whose bytes happen to be text";
  EXPECT_EQ(seen.at("body_protobuf"),
            (json::object{{"type", "shop.Order"},
                          {"json", R"({"customer_name":"ann","card":{"number":"4111-secret"}})"},
                          {"undecoded", nullptr}}));
  EXPECT_FALSE(seen.contains("masked"));
  const json::object bad = shown(message_of("\xff" + body_, protobuf_), mask);
  EXPECT_TRUE(bad.contains("body_base64"));
  EXPECT_EQ(bad.at("body_protobuf").at("json"), nullptr);
  EXPECT_THAT(std::string(bad.at("body_protobuf").at("undecoded").as_string()), HasSubstr("shop.Order"));
  EXPECT_FALSE(shown(message_of(body_, "text/plain"), mask).contains("body_protobuf"));
  EXPECT_FALSE(shown(message_of(body_, protobuf_), {}).contains("body_protobuf")) << "there are no descriptors";
}

TEST_F(MaskOfProtobufTest, FieldsOfItAreCoveredAndItsBytesWithheld) {
  const Mask mask = with_types({"/card/number"});
  const auto message = message_of(body_, protobuf_);
  const json::object seen = shown(message, mask);
  EXPECT_EQ(seen.at("body_protobuf").at("json"), R"({"customer_name":"ann","card":{"number":"***"}})");
  EXPECT_EQ(seen.at("body"), nullptr);
  EXPECT_EQ(seen.at("masked"), true);
  EXPECT_THAT(std::string(seen.at("withheld").as_string()), HasSubstr("cannot be masked"));
  EXPECT_EQ(to_text(seen).find(kSecret), std::string::npos);
  EXPECT_THAT(mask.shown(*message)->hidden, HasSubstr(kSecret)) << "to be compared";
  EXPECT_EQ(mask.editable(*message).code(), Code::BAD_REQUEST);
  EXPECT_EQ(mask.edited(*message, body_).code(), Code::BAD_REQUEST);
  const json::object harmless = shown(message_of(shop_.encoded("shop.Order", R"({"id":1})"), protobuf_), mask);
  EXPECT_EQ(harmless.at("body_protobuf").at("json"), R"({"id":"1"})");
  EXPECT_EQ(harmless.at("body"), nullptr) << "bytes may have more in them than what they say";
}

TEST_F(MaskOfProtobufTest, ItIsDecodedWhenItIsOpened) {
  auto stored = std::make_shared<model::Message>(*message_of("", protobuf_));
  wire::Envelope envelope = wire::decode_envelope(stored->envelope.view()).value();
  envelope.content_encoding = "zstd";
  stored->envelope = base::SharedBytes::of(wire::encode_envelope(envelope));
  const std::string says = R"({"customer_name":")" + std::string(500, 'x') + R"(","card":{"number":"4111-secret"}})";
  stored->body = base::SharedBytes::of(*base::zstd_compressed(shop_.encoded("shop.Order", says)));
  const auto opened = [&](const Mask& mask) {
    return message_json({"orders", {}, stored, 0, false}, mask, Compressed::opened);
  };
  EXPECT_EQ(opened(with_types({})).at("body_protobuf").at("json"), json::value(says));
  const json::object masked = opened(with_types({"/card/number"}));
  EXPECT_THAT(std::string(masked.at("body_protobuf").at("json").as_string()), HasSubstr(R"("number":"***")"));
  EXPECT_EQ(masked.at("body"), nullptr);
  EXPECT_EQ(to_text(masked).find(kSecret), std::string::npos);
  EXPECT_EQ(shown(stored, with_types({})).at("body_protobuf").at("undecoded"), "it is encoded (zstd)");
}

TEST_F(MaskOfProtobufTest, WhatIsNotDecodedIsWithheldAndNothingInItIsTold) {
  const Mask mask = with_types({"/card/number"});
  // The number of the field that is not there is of the body's own bytes.
  const json::object seen = shown(message_of(body_ + "\x7d" + "1234", protobuf_), mask);
  EXPECT_EQ(seen.at("body"), nullptr);
  EXPECT_EQ(seen.at("body_protobuf").at("json"), nullptr);
  EXPECT_EQ(seen.at("body_protobuf").at("undecoded"), "it is not what the descriptor of shop.Order says");
  EXPECT_EQ(to_text(seen).find(kSecret), std::string::npos);
}

TEST_F(MaskOfProtobufTest, WhatCanBeReadInTwoWaysIsShownInOne) {
  const std::string both = "123456789";  // a number as JSON, and field 6 as eight bytes
  const json::object seen = shown(message_of(both, protobuf_ + "; messageType=shop.Both"), with_types({"/number"}));
  EXPECT_EQ(seen.at("body_protobuf").at("json"), R"({"number":"***"})");
  EXPECT_EQ(seen.at("body"), nullptr);
  const json::object as_json = shown(message_of(both, protobuf_ + "; messageType=no.Such"), with_types({"/number"}));
  EXPECT_EQ(as_json.at("body"), json::value(both));
  EXPECT_EQ(as_json.at("body_protobuf").at("json"), nullptr);
  const json::object empty = shown(message_of("", protobuf_), with_types({"/number"}));
  EXPECT_EQ(empty.at("body"), "") << "it hides nothing";
  EXPECT_EQ(empty.at("body_protobuf").at("json"), "{}");
}

TEST_F(MaskOfProtobufTest, NobodyGivesABodyAnotherTypeThatNamesItsFieldsOtherwise) {
  wire::EnvelopeChanges changes;
  changes.content_type = "application/x-protobuf; messageType=shop.Note";
  EXPECT_EQ(with_types({"/card/number"}).check(changes).code(), Code::BAD_REQUEST);
  EXPECT_TRUE(with_types({}).check(changes).ok());
  changes.content_type = "text/plain";
  EXPECT_TRUE(with_types({"/card/number"}).check(changes).ok());
}

TEST_F(MaskTest, TheSameHeadersAreCoveredInTheContextOfAReply) {
  model::ReplyAddress to;
  to.context = {{"authorization", std::string(kSecret)}, {"step", "2"}};
  auto message = std::make_shared<model::Message>();
  message->envelope = wire::reply_envelope(
      {.id = {}, .request = {}, .to = to, .outcome = model::RequestOutcome::timed_out, .reason = "too late"});
  const json::object seen = shown(message, both_);
  EXPECT_EQ(seen.at("context"), (json::object{{"authorization", "***"}, {"step", "2"}}));
  EXPECT_EQ(seen.at("masked"), true);
}

TEST_F(MaskTest, NoQuestionTellsWhatIsMasked) {
  const auto asked = [&](std::string_view filter) {
    const auto query = model::parse_case_query(filter, base::Instant{});
    EXPECT_TRUE(query.ok()) << filter;
    return both_.check(*query).text();
  };
  EXPECT_EQ(asked("queue=a header.tenant=acme error~x"), "");
  EXPECT_THAT(asked("queue=a header.authorization~4"), HasSubstr("authorization is masked"));
  EXPECT_THAT(asked("header.Authorization!=4"), HasSubstr("masked"));
  EXPECT_THAT(asked("header.\"Authorization\"=4"), HasSubstr("masked"));
  EXPECT_THAT(asked("body~4111"), HasSubstr("masked"));
  EXPECT_TRUE(mask_of({}, {"a"}).check(*model::parse_case_query("body~4111", {})).ok());
  EXPECT_FALSE(both_.check(*model::Filter::parse("type=x header.authorization=4")).ok());
  EXPECT_TRUE(both_.check(*model::Filter::parse("type=x header.tenant=4")).ok());
}

TEST_F(MaskTest, WhatIsMaskedIsNotEdited) {
  wire::EnvelopeChanges changes;
  changes.headers = {{"tenant", {"b"}}};
  EXPECT_TRUE(both_.check(changes).ok());
  changes.headers.push_back({"authoriZation", {}});
  EXPECT_EQ(both_.check(changes).code(), Code::BAD_REQUEST);
  const auto before = message_with(R"({"card":"4111-secret","n":1})");
  EXPECT_EQ(*both_.editable(*before), R"({"card":"***","n":1})");
  EXPECT_EQ(*both_.edited(*before, R"({"card":"***","n":2})"), R"({"card":"4111-secret","n":2})");
  EXPECT_THAT(both_.edited(*before, R"({"card":"4111-secret"})").status().text(), HasSubstr("/card is masked"));
  const Mask prices = mask_of({"/items/*/price"}, {});
  EXPECT_EQ(prices
                .edited(*message_with(R"({"items":[{"n":"A","price":1},{"n":"B","price":2}]})"),
                        R"({"items":[{"n":"B","price":"***"},{"n":"A","price":"***"}]})")
                .code(),
            Code::BAD_REQUEST)
      << "B does not get the price of A";
  EXPECT_THAT(both_.edited(*before, "no JSON").status().text(), HasSubstr("cannot be taken"));
  EXPECT_THAT(both_.edited(*before, "").status().text(), HasSubstr("/card is masked: it cannot be taken out"));
  EXPECT_EQ(*both_.edited(*message_with(R"({"n":1})"), ""), "");
  EXPECT_EQ(*Mask().edited(*before, "anything"), "anything");
}

TEST_F(MaskTest, WhatIsConfiguredIsChecked) {
  EXPECT_FALSE(Mask::of({"card"}, {}).ok());
  EXPECT_FALSE(Mask::of({}, {""}).ok());
  EXPECT_FALSE(Mask::of({}, std::vector<std::string>(Mask::kHeaders + 1, "a")).ok());
}

}  // namespace
}  // namespace lazaret::admin
