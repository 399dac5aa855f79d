#include "admin/mask.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/json_text.h"
#include "admin/message_json.h"

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
