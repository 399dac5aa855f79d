#include "admin/json_mask.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/json_body.h"

namespace lazaret::admin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

JsonMask mask_of(const std::vector<std::string>& paths) {
  auto mask = JsonMask::parse(paths);
  EXPECT_TRUE(mask.ok()) << mask.status().text();
  return std::move(*mask);
}

std::string covered(const std::vector<std::string>& paths, std::string_view text) {
  EXPECT_TRUE(is_json_text(text)) << text;
  std::string hidden;
  return mask_of(paths).covered(text, hidden);
}

std::vector<std::string> found(const std::vector<std::string>& paths, std::string_view text) {
  std::vector<std::string> pointers;
  mask_of(paths).find(text, [&](const JsonMask::Found& one) {
    pointers.push_back(one.pointer);
    return true;
  });
  return pointers;
}

TEST(JsonMaskTest, CoversWhatPathsName) {
  EXPECT_EQ(covered({"/card/number"}, R"({"card": {"number": 4111, "month": 7}, "number": 1})"),
            R"({"card": {"number": "***", "month": 7}, "number": 1})");
  EXPECT_EQ(covered({"/items/*/price"}, R"({"items":[{"price":1.50},{"name":"x"},{"price":[1,{"a":2}]}]})"),
            R"({"items":[{"price":"***"},{"name":"x"},{"price":"***"}]})");
  EXPECT_EQ(covered({"/items/1"}, R"({"items":[1,2,3]})"), R"({"items":[1,"***",3]})");
  EXPECT_EQ(covered({"/1"}, R"({"1":"one","01":"two"})"), R"({"1":"***","01":"two"})");
  EXPECT_EQ(covered({"/*"}, R"([1,"a",null,true,{},[]])"), R"(["***","***","***","***","***","***"])");
  EXPECT_EQ(covered({"/*/*"}, R"({"a":{"b":1},"c":[2],"d":3})"), R"({"a":{"b":"***"},"c":["***"],"d":3})");
  EXPECT_EQ(covered({"/a", "/a/b", "/*/c"}, R"({"a":{"b":1},"x":{"c":2}})"), R"({"a":"***","x":{"c":"***"}})");
  EXPECT_EQ(covered({"/a"}, R"("a")"), R"("a")");
  EXPECT_EQ(covered({"/a"}, "7"), "7");
  EXPECT_EQ(covered({}, R"({"a":1})"), R"({"a":1})");
}

TEST(JsonMaskTest, AMemberThatStandsTwiceIsCoveredTwice) {
  EXPECT_EQ(covered({"/a/b"}, R"({"a":{"b":1,"b":2},"a":{"b":3}})"), R"({"a":{"b":"***","b":"***"},"a":{"b":"***"}})");
}

TEST(JsonMaskTest, NamesAreComparedAsTheyAreMeant) {
  EXPECT_EQ(covered({"/a~1b", "/c~0d", "/~01"}, R"({"a/b":1,"c~d":2,"~1":3,"a~1b":4})"),
            R"({"a/b":"***","c~d":"***","~1":"***","a~1b":4})");
  EXPECT_EQ(covered({"/card"}, R"({"\u0063ar\u0064":1})"), R"({"\u0063ar\u0064":"***"})");
  EXPECT_EQ(covered({"/a\"b\\"}, R"({"a\"b\\":1})"), R"({"a\"b\\":"***"})");
  EXPECT_EQ(covered({"/\n/\t"}, R"({"\n":{"\t":1}})"), R"({"\n":{"\t":"***"}})");
  EXPECT_EQ(covered({"/\u00e9", "/\u20ac", "/\U0001F600"}, R"({"\u00e9":1,"\u20AC":2,"\ud83d\ude00":3,"\u00e8":4})"),
            R"({"\u00e9":"***","\u20AC":"***","\ud83d\ude00":"***","\u00e8":4})");
  EXPECT_EQ(covered({"/\u20ac"}, "{\"\u20ac\":1}"), "{\"\u20ac\":\"***\"}");
  EXPECT_EQ(covered({"/"}, R"({"":1,"a":2})"), R"({"":"***","a":2})") << "the member without a name";
  EXPECT_EQ(covered({"/A"}, R"({"a":1})"), R"({"a":1})") << "names of members have a case";
}

TEST(JsonMaskTest, TheTextAroundStaysAsItIsWritten) {
  EXPECT_EQ(covered({"/x"}, "{ \"n\" : 1.0000000000000000001 ,\t\"e\":1E300,\n \"x\" : 12 , \"z\":-0 }\n"),
            "{ \"n\" : 1.0000000000000000001 ,\t\"e\":1E300,\n \"x\" : \"***\" , \"z\":-0 }\n");
  EXPECT_EQ(covered({"/x"}, R"({"a":"}]\"\\","x":"]}\"{[\\","b":"\\"})"), R"({"a":"}]\"\\","x":"***","b":"\\"})");
}

TEST(JsonMaskTest, WhatIsHiddenCanBeCompared) {
  std::string first;
  std::string second;
  const JsonMask mask = mask_of({"/x"});
  EXPECT_EQ(mask.covered(R"({"x":1})", first), mask.covered(R"({"x":2})", second));
  EXPECT_NE(first, second);
}

TEST(JsonMaskTest, NeitherDepthNorSizeIsATrouble) {
  const std::string deep = std::string(kBodyDepth - 2, '[') + "1" + std::string(kBodyDepth - 2, ']');
  std::string path;
  for (std::size_t i = 0; i < JsonMask::kPathSteps; ++i) path += "/*";
  EXPECT_THAT(covered({path}, deep), HasSubstr("[\"***\"]"));
  EXPECT_EQ(covered({"/a"}, "{\"b\":" + deep + ",\"a\":1}"), "{\"b\":" + deep + ",\"a\":\"***\"}");

  std::string huge = "{\"items\":[";
  for (int i = 0; i < 300'000; ++i) huge += R"({"price":12.5,"name":"a thing"},)";
  huge += "0]}";
  const std::string seen = covered({"/items/*/price"}, huge);
  EXPECT_EQ(seen.find("12.5"), std::string::npos);
  EXPECT_EQ(seen.size(), huge.size() + 300'000);
}

TEST(JsonMaskTest, FindsPlacesInTheOrderOfTheText) {
  EXPECT_THAT(found({"/a/*", "/b~1c"}, R"({"b/c":1,"a":[{"x":1},2]})"), ElementsAre("/b~1c", "/a/0", "/a/1"));
}

TEST(JsonMaskTest, PathsThatAreNoneAreRefusedByName) {
  const auto refusal = [](std::vector<std::string> paths) { return JsonMask::parse(paths).status().text(); };
  EXPECT_THAT(refusal({"/a", "card/number"}), HasSubstr("\"card/number\" is no path"));
  EXPECT_THAT(refusal({""}), HasSubstr("is no path"));
  EXPECT_THAT(refusal({"/a~2"}), HasSubstr("~0"));
  EXPECT_THAT(refusal({"/a~"}), HasSubstr("~0"));
  EXPECT_THAT(refusal({"/" + std::string(JsonMask::kPathBytes, 'a')}), HasSubstr("1000 bytes"));
  std::string deep;
  for (std::size_t i = 0; i <= JsonMask::kPathSteps; ++i) deep += "/a";
  EXPECT_THAT(refusal({deep}), HasSubstr("32 steps"));
  EXPECT_THAT(refusal(std::vector<std::string>(JsonMask::kPaths + 1, "/a")), HasSubstr("more than 100"));
  EXPECT_TRUE(JsonMask::parse(std::vector<std::string>(JsonMask::kPaths, "/a")).ok());
}

class Uncovered : public ::testing::Test {
 protected:
  static std::string whole(std::string_view before, std::string_view after) {
    const auto text = mask_of({"/card/number", "/items/*/price"}).uncovered(before, after);
    return text.ok() ? *text : text.status().text();
  }
  static constexpr std::string_view kBefore = R"({"card":{"number":4111},"items":[{"price":1.50},{"price":2}]})";
};

TEST_F(Uncovered, WhatIsCoveredStays) {
  EXPECT_EQ(whole(kBefore, R"({"items":[{"price":"***","n":3},{"price":"***"}],"card":{"number":"***"}})"),
            R"({"items":[{"price":1.50,"n":3},{"price":2}],"card":{"number":4111}})");
}

TEST_F(Uncovered, NothingIsWrittenToAMaskedPlace) {
  EXPECT_THAT(whole(kBefore, R"({"card":{"number":4111},"items":[{"price":"***"},{"price":"***"}]})"),
              HasSubstr("/card/number is masked"))
      << "not even what is there: that would tell whether a guess was right";
  EXPECT_THAT(whole(kBefore, R"({"card":{"number":"***"},"items":[{"price":"***"}]})"),
              HasSubstr("/items/1/price is masked: it cannot be taken out"));
  EXPECT_THAT(whole(kBefore, R"({"card":{"number":"***"},"items":[{"price":"***"},{"price":"***"},{"price":"***"}]})"),
              HasSubstr("/items/2/price is masked: it cannot be added"));
  EXPECT_THAT(whole(kBefore, "null"), HasSubstr("is masked: it cannot be taken out"));
  EXPECT_THAT(whole("{}", R"({"card":{"number":"***"}})"), HasSubstr("it cannot be added"));
}

TEST_F(Uncovered, OfTwoOfOneNameTheOrderStays) {
  EXPECT_EQ(whole(R"({"card":{"number":1,"number":2}})", R"({"card":{"x":0,"number":"***","number":"***"}})"),
            R"({"card":{"x":0,"number":1,"number":2}})");
}

/// Whose price it is says what stands beside it, not the number of the element.
TEST_F(Uncovered, WhatIsMaskedDoesNotComeToAnother) {
  constexpr std::string_view kTwo = R"({"items":[{"n":"A","price":1},{"n":"B","price":2}]})";
  constexpr std::string_view kWhy = "/items has several values that hold something masked";
  const auto edited = [&](std::string_view items) { return whole(kTwo, "{\"items\":[" + std::string(items) + "]}"); };
  EXPECT_THAT(edited(R"({"n":"B","price":"***"},{"n":"A","price":"***"})"), HasSubstr(kWhy)) << "they changed places";
  EXPECT_THAT(edited(R"({"n":"B","price":"***"},{"n":"A","x":1,"price":"***"})"), HasSubstr(kWhy))
      << "and one of them something else too";
  EXPECT_THAT(edited(R"({"n":"B","price":"***"},{"n":"C","price":"***"})"), HasSubstr(kWhy));
  EXPECT_THAT(edited(R"({"n":"B","price":"***"},{"n":"B","price":"***"})"), HasSubstr(kWhy))
      << "the first may be the second";
  EXPECT_EQ(edited(R"({"n":"A","price":"***"},{"n":"C","price":"***"})"),
            R"({"items":[{"n":"A","price":1},{"n":"C","price":2}]})")
      << "one may change";
  EXPECT_EQ(edited(R"({"n":"A","price":"***"},{"n":"B","price":"***"},{"n":"new"})"),
            R"({"items":[{"n":"A","price":1},{"n":"B","price":2},{"n":"new"}]})")
      << "and others come behind them";
  EXPECT_EQ(edited("{ \"n\" : \"A\",\n\"price\":\"***\"}, {\"n\":\"B\" ,\"price\":\"***\"}"),
            "{\"items\":[{ \"n\" : \"A\",\n\"price\":1}, {\"n\":\"B\" ,\"price\":2}]}")
      << "how it is laid out is nothing";
}

TEST_F(Uncovered, WhatStandsInBothIsNotMovedBesideWhatIsMasked) {
  EXPECT_THAT(whole(R"({"items":[{"n":"A"},{"n":"B","price":2}]})", R"({"items":[{"n":"B","price":"***"},{"n":"A"}]})"),
              HasSubstr("/items/0/price is masked: it cannot be added"));
  EXPECT_EQ(whole(R"({"items":[{"n":"A"},{"n":"B","price":2}]})", R"({"items":[{"n":"x"},{"n":"B","price":"***"}]})"),
            R"({"items":[{"n":"x"},{"n":"B","price":2}]})")
      << "what holds nothing masked is anybody's";
  const auto nested = mask_of({"/*/items/*/price"});
  EXPECT_THAT(nested
                  .uncovered(R"([{"items":[{"n":1,"price":1}]},{"items":[{"n":2,"price":2}]}])",
                             R"([{"items":[{"n":2,"price":"***"}]},{"items":[{"n":1,"price":"***"}]}])")
                  .status()
                  .text(),
              HasSubstr("the body has several values"));
}

TEST_F(Uncovered, OfSeveralMembersOfOneNameNoneTakesThePlaceOfAnother) {
  const auto both = mask_of({"/i/p"});
  EXPECT_THAT(both.uncovered(R"({"i":{"n":"A","p":1},"i":{"n":"B","p":2}})",
                             R"({"i":{"n":"B","p":"***"},"i":{"n":"A","p":"***"}})")
                  .status()
                  .text(),
              HasSubstr("/i has several values"));
  EXPECT_THAT(both.uncovered(R"({"i":{"p":1},"i":{"p":2}})", R"({"i":{"p":"***","p":"***"}})").status().text(),
              HasSubstr("/i has several values"));
  EXPECT_EQ(*both.uncovered(R"({"i":{"n":"A","p":1},"j":{"n":"B","p":2}})",
                            R"({"j":{"n":"A","p":2},"i":{"n":"C","p":"***"}})"),
            R"({"j":{"n":"A","p":2},"i":{"n":"C","p":1}})")
      << "a name says which it is";
}

TEST_F(Uncovered, TooManyAreRefused) {
  std::string body = "{\"items\":[{\"price\":0}";
  for (std::size_t i = 0; i < JsonMask::kUncovered; ++i) body += ",{\"price\":0}";
  EXPECT_THAT(whole(body + "]}", "{}"), HasSubstr("more than 10000"));
}

}  // namespace
}  // namespace lazaret::admin
