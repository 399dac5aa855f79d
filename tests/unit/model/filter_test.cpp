// The language of filters, patterns of types, and what consumers accept.
#include "model/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "model/accepted_types.h"
#include "model/limits.h"

namespace lazaret::model {
namespace {

using base::Code;
using ::testing::HasSubstr;

bool matches(std::string_view pattern, std::string_view type) {
  const auto parsed = TypePattern::parse(pattern);
  EXPECT_TRUE(parsed.ok()) << pattern;
  return parsed.ok() && parsed->matches(type);
}

TEST(TypePattern, StarIsOneWordAndHashAnyNumber) {
  EXPECT_TRUE(matches("orders.created", "orders.created"));
  EXPECT_FALSE(matches("orders.created", "orders.created.eu"));
  EXPECT_FALSE(matches("orders.created", "orders"));
  EXPECT_TRUE(matches("orders.*.created", "orders.eu.created"));
  EXPECT_FALSE(matches("orders.*.created", "orders.created"));
  EXPECT_FALSE(matches("orders.*.created", "orders.eu.west.created"));
  EXPECT_TRUE(matches("orders.#", "orders"));
  EXPECT_TRUE(matches("orders.#", "orders.eu.created"));
  EXPECT_FALSE(matches("orders.#", "order"));
  EXPECT_TRUE(matches("#.created", "created"));
  EXPECT_TRUE(matches("#.created", "orders.created.created"));
  EXPECT_FALSE(matches("#.created", "orders.created.late"));
  EXPECT_TRUE(matches("a.#.b.*.c", "a.x.b.b.y.c"));
  EXPECT_FALSE(matches("a.#.b.*.c", "a.x.b.b.y.z.c"));
  EXPECT_TRUE(matches("#", ""));
  EXPECT_TRUE(matches("#", "a.b"));
  EXPECT_FALSE(matches("*", ""));
  EXPECT_FALSE(matches("a", ""));
}

TEST(TypePattern, RefusesWhatIsNoPattern) {
  for (const char* bad : {"", ".", "a..b", "a.", "ord*", "a.#b"}) {
    const auto pattern = TypePattern::parse(bad);
    EXPECT_EQ(pattern.code(), Code::INVALID_OPTION) << bad;
  }
  std::string words = "a";
  for (std::size_t i = 1; i < limits::kPatternWords; ++i) words += ".a";
  EXPECT_TRUE(TypePattern::parse(words).ok());
  EXPECT_FALSE(TypePattern::parse(words + ".a").ok());
}

/// A pattern and a type that would keep a matcher busy that tries every way.
TEST(TypePattern, TakesNoLongerThanTheProductOfTheWords) {
  std::string pattern = "#";
  for (int i = 0; i < 15; ++i) pattern += ".a.#";
  std::string type = "a";
  for (int i = 0; i < 500; ++i) type += ".a";
  const auto parsed = TypePattern::parse(pattern + ".b");
  ASSERT_TRUE(parsed.ok());
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(parsed->matches(type));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

MessageFacts message() {
  MessageFacts facts;
  facts.type = "orders.eu.created";
  facts.key = "customer 7";
  facts.content_type = "application/json";
  facts.correlation_id = "c-1";
  facts.schema_id = "order@2";
  facts.headers = {{"region", "eu"}, {"region", "eu-west"}, {"empty", ""}, {"path", R"(a\b"c)"}};
  return facts;
}

bool takes(std::string_view text) {
  const auto filter = Filter::parse(text);
  EXPECT_TRUE(filter.ok()) << text << ": " << (filter.ok() ? "" : filter.status().text());
  return filter.ok() && filter->matches(message());
}

TEST(Filter, AllTermsMustHold) {
  EXPECT_TRUE(takes(""));
  EXPECT_TRUE(takes("   "));
  EXPECT_TRUE(takes("orders.#"));
  EXPECT_TRUE(takes("type=orders.*.created header.region=eu"));
  EXPECT_FALSE(takes("type=orders.*.created header.region=us"));
  EXPECT_TRUE(takes("  orders.#\t key~customer  content_type=application/json correlation_id=c-1 schema_id=order@2 "));
  EXPECT_FALSE(takes("orders.# key=customer"));
}

TEST(Filter, HasThreeOperators) {
  EXPECT_TRUE(takes("key=\"customer 7\""));
  EXPECT_FALSE(takes("key!=\"customer 7\""));
  EXPECT_TRUE(takes("key~\"mer 7\""));
  EXPECT_FALSE(takes("type!=orders.#"));
  EXPECT_TRUE(takes("type!=letters.#"));
  EXPECT_TRUE(takes("type~eu.cre"));  // contains is no pattern
  EXPECT_FALSE(takes("type~*"));
  EXPECT_FALSE(takes("key=*"));  // nor is anything but a type
}

TEST(Filter, AHeaderMayStandSeveralTimesOrNotAtAll) {
  EXPECT_TRUE(takes("header.region=eu-west"));
  EXPECT_TRUE(takes("header.region~west"));
  EXPECT_FALSE(takes("header.region!=eu"));
  EXPECT_TRUE(takes("header.region!=us"));
  EXPECT_TRUE(takes("header.none!=anything"));
  EXPECT_FALSE(takes("header.none=\"\""));
  EXPECT_TRUE(takes("header.empty=\"\""));
  EXPECT_TRUE(takes("header.region~\"\""));  // it is there
  EXPECT_FALSE(takes("header.none~\"\""));
  EXPECT_TRUE(takes(R"(header.path="a\\b\"c")"));
  EXPECT_TRUE(takes("\"orders.#\""));
}

TEST(Filter, SaysWhereItIsWrong) {
  const auto says = [](std::string_view text, const std::string& what) {
    const auto filter = Filter::parse(text);
    ASSERT_EQ(filter.code(), Code::INVALID_OPTION) << text;
    EXPECT_THAT(filter.status().text(), HasSubstr(what)) << text;
  };
  says("orders.# colour=red", "at character 10: there is no field \"colour\"");
  says("header.=x", "at character 1: there is no field \"header.\"");
  says("key!red", "at character 4: expected =, != or ~");
  says("key=", "at character 5: expected a value");
  says("key= b", "at character 5: expected a value");
  says("key=\"a", "at character 5: this quote is not closed");
  says("key=\"a\"b", "at character 8: expected a space");
  says("key=a\"b", "at character 6: a quote within a word");
  says(R"(key="a\n")", "at character 7: in quotes there are");
  says("orders..created", "at character 1: the type pattern \"orders..created\" has an empty word");
  says("type=ord*", "at character 6: the type pattern");
  says("=x", "at character 1: there is no field \"\"");
  std::string terms;
  for (std::size_t i = 0; i <= limits::kFilterTerms; ++i) terms += "a ";
  says(terms, "more than 16 terms");
  says(std::string(limits::kFilterBytes + 1, 'a'), "at most 1024");
}

bool accepts(std::vector<std::string> words, std::string_view type, std::string_view schema_id) {
  const auto types = AcceptedTypes::parse(words);
  EXPECT_TRUE(types.ok());
  return types.ok() && types->takes(type, schema_id);
}

TEST(AcceptedTypes, TheVersionIsTheNumberAtTheEndOfTheSchema) {
  EXPECT_EQ(schema_version("2"), 2u);
  EXPECT_EQ(schema_version("v12"), 12u);
  EXPECT_EQ(schema_version("order.created@3"), 3u);
  EXPECT_EQ(schema_version("schemas/4/order/10"), 10u);
  EXPECT_EQ(schema_version(""), std::nullopt);
  EXPECT_EQ(schema_version("2-draft"), std::nullopt);
  EXPECT_EQ(schema_version("99999999999999999999"), std::nullopt);  // no number that anybody could mean
}

TEST(AcceptedTypes, AnyWordIsEnough) {
  EXPECT_TRUE(accepts({"order.created"}, "order.created", ""));
  EXPECT_TRUE(accepts({"order.created"}, "order.created", "7"));
  EXPECT_FALSE(accepts({"order.created"}, "order.deleted", ""));
  EXPECT_TRUE(accepts({"letter", "order.#"}, "order.deleted", ""));
  EXPECT_TRUE(accepts({"order.created@2"}, "order.created", "v2"));
  EXPECT_FALSE(accepts({"order.created@2"}, "order.created", "v3"));
  EXPECT_FALSE(accepts({"order.created@2"}, "order.created", ""));
  EXPECT_TRUE(accepts({"order.created@>=2"}, "order.created", "2"));
  EXPECT_FALSE(accepts({"order.created@>2"}, "order.created", "2"));
  EXPECT_TRUE(accepts({"order.created@<2"}, "order.created", "1"));
  EXPECT_FALSE(accepts({"order.created@<=2"}, "order.created", "3"));
  EXPECT_TRUE(accepts({"order.#@2..4"}, "order.created", "4"));
  EXPECT_FALSE(accepts({"order.#@2..4"}, "order.created", "5"));
  EXPECT_TRUE(accepts({"@3"}, "anything", "3"));
}

TEST(AcceptedTypes, RefusesWhatNobodyCanAccept) {
  for (const char* bad : {"", "a..b", "a@", "a@x", "a@=2", "a@4..2", "a@2..", "a@<0", "a@>18446744073709551615"}) {
    EXPECT_EQ(AcceptedTypes::parse({bad}).code(), Code::INVALID_OPTION) << bad;
  }
  EXPECT_FALSE(AcceptedTypes::parse({}).ok());
  EXPECT_FALSE(AcceptedTypes::parse(std::vector<std::string>(limits::kAcceptedTypes + 1, "a")).ok());
}

}  // namespace
}  // namespace lazaret::model
