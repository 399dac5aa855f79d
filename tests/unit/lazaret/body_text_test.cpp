// Bodies as people read them: JSON and XML laid out, text with nothing in it that a terminal would obey, bytes.
#include "lazaret/body_text.h"

#include <gtest/gtest.h>

#include "base/text_encoding.h"
#include "lazaret/xml_layout.h"

namespace lazaret::cli {
namespace {

TEST(BodyText, JsonIsLaidOutWhateverItsTypeSays) {
  for (const char* type : {"application/json", "", "text/plain"}) {
    const BodyText body = text_body(R"({"a":[1,2.50],"b":"\u001b"})", type, true);
    EXPECT_EQ(body.kind, "JSON");
    EXPECT_EQ(body.text, "{\n  \"a\": [\n    1,\n    2.50\n  ],\n  \"b\": \"\\u001b\"\n}");
  }
  EXPECT_EQ(text_body("17", "application/json", true).kind, "text");
  EXPECT_EQ(text_body("{nothing}", "application/json", true).kind, "text");
}

TEST(BodyText, TheBeginningOfJsonIsLaidOutWhenItsTypeSaysSo) {
  EXPECT_EQ(text_body("{\"a\":[1,", "application/problem+json; charset=utf-8", false).text,
            "{\n  \"a\": [\n    1,\n    ");
  EXPECT_EQ(text_body("{\"a\":[1,", "", false).text, "{\"a\":[1,");
}

TEST(BodyText, XmlIsLaidOut) {
  const BodyText body = text_body("<?xml version=\"1.0\"?><a b='>'><c>1</c><d/></a>", "text/xml", true);
  EXPECT_EQ(body.kind, "XML");
  EXPECT_EQ(body.text, "<?xml version=\"1.0\"?>\n<a b='>'>\n  <c>1</c>\n  <d/>\n</a>");
  EXPECT_EQ(text_body("<a><b></a>", "text/xml", true).kind, "text");
  EXPECT_EQ(text_body("<a/>", "text/html", true).kind, "text");
}

TEST(BodyText, NothingIsForTheTerminal) {
  EXPECT_EQ(text_body("a\x1b[2J\x07\r\n\tb\xc2\x9b"
                      "31m",
                      "text/plain", true)
                .text,
            "a\\x1b[2J\\x07\\x0d\n\tb\\x9b31m");
  EXPECT_EQ(text_body("<a>\x1b]0;x</a>", "text/xml", true).text, "<a>\\x1b]0;x</a>");
  EXPECT_EQ(text_body("[\"\xc2\x9b\"]", "", true).text, "[\n  \"\\x9b\"\n]");
}

TEST(BodyText, BytesHaveOffsets) {
  EXPECT_EQ(binary_body("").text, "");
  EXPECT_EQ(binary_body(std::string_view("\xff\0A\x1b", 4)).text,
            "00000000  ff 00 41 1b " + std::string(12 + 1 + 24, ' ') + " |..A.|");
  const BodyText two = binary_body("0123456789abcdefX");
  EXPECT_EQ(two.text.substr(0, two.text.find('\n')),
            "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|");
  EXPECT_TRUE(two.text.substr(two.text.find('\n') + 1).starts_with("00000010  58 "));
}

TEST(BodyText, ABeginningHasWholeCharacters) {
  EXPECT_EQ(beginning_of("a\xc3\xa4", 2), "a");
  EXPECT_EQ(beginning_of("a\xc3\xa4", 3), "a\xc3\xa4");
  EXPECT_EQ(beginning_of("\xe2\x82\xac", 2), "");
  EXPECT_EQ(beginning_of("abc", 0), "");
}

TEST(XmlLayout, KeepsWhatIsInIt) {
  EXPECT_EQ(laid_out_xml("<a><!-- <b> --><![CDATA[<c>]]><d>x <e/> y</d></a>"),
            "<a>\n  <!-- <b> -->\n  <![CDATA[<c>]]>\n  <d>\n    x\n    <e/>\n    y\n  </d>\n</a>");
  EXPECT_EQ(laid_out_xml("<!DOCTYPE a [<!ENTITY b \"c\">]>\n<a>&b;</a>"),
            "<!DOCTYPE a [<!ENTITY b \"c\">]>\n<a>&b;</a>");
  EXPECT_EQ(laid_out_xml("<a></a>"), "<a></a>");
}

TEST(XmlLayout, IsNoneThatIsNotWellFormed) {
  for (const char* text : {"", "text", "<a>", "</a>", "<a></b>", "<a/><b/>", "<a/>text", "<a", "<a b='></a>",
                           "<!-- -->", "<>", "<a <b></a>", "<![CDATA[", "<?x", "<!DOCTYPE a [", "< a/>"}) {
    EXPECT_FALSE(laid_out_xml(text).has_value()) << text;
  }
}

TEST(XmlLayout, ABeginningMayEndAnywhere) {
  const std::string_view all = "<?xml version=\"1.0\"?><a b=\"1\"><c>text</c><!-- d --><e><f/></e></a>";
  for (std::size_t end = all.find("<c>"); end <= all.size(); ++end) {
    EXPECT_TRUE(laid_out_xml(all.substr(0, end), false).has_value()) << all.substr(0, end);
  }
  EXPECT_EQ(laid_out_xml("<a><b>1</b><c d=\"", false), "<a>\n  <b>1</b>\n  <c d=\"");
}

TEST(XmlLayout, HostileDocumentsAreSurvived) {
  for (const char* piece :
       {"<a>", "<", "<!DOCTYPE ", "<![CDATA[", "<!--", "<a b='", "</", "<a/>", "\xff", "&a;", "]"}) {
    std::string text = "<x>";
    while (text.size() < kBodyShown) text += piece;
    for (const bool whole : {true, false}) {
      EXPECT_LE(laid_out_xml(text, whole).value_or("").size(), 140 * text.size()) << piece;
    }
  }
}

}  // namespace
}  // namespace lazaret::cli
