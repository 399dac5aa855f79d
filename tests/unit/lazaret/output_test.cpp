// What strangers have written, on a terminal: it is seen, and does nothing.
#include "lazaret/output.h"

#include <gtest/gtest.h>

namespace lazaret::cli {
namespace {

TEST(Printable, TextStaysAsItIs) {
  for (const char* text : {"", "plain", "Größe", "\u05e9\u05dc\u05d5\u05dd", "\u65e5\u672c", "\U0001F600", "a\\b",
                           "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u00a0\u2007\u2027\u2070"}) {
    EXPECT_EQ(printable(text), text);
  }
}

TEST(Printable, ControlCharactersAreWritten) {
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable("red \x1b[31m\x7f\u0080\u009b\r"), "red \\x1b[31m\\x7f\\x80\\x9b\\x0d");
  EXPECT_EQ(printable("a\n\tb"), "a\\n\\tb");
  EXPECT_EQ(printable("a\n\tb\x1b", true), "a\n\tb\\x1b");
}

TEST(Printable, WhatTurnsTheDirectionOrIsNotSeenIsWritten) {
  EXPECT_EQ(printable("Invoice\u202egpj.exe"), "Invoice\\u202egpj.exe");
  EXPECT_EQ(printable("\u200e\u200f\u061c"), "\\u200e\\u200f\\u061c");
  EXPECT_EQ(printable("\u202a\u202b\u202c\u202d\u2066\u2067\u2068\u2069"),
            "\\u202a\\u202b\\u202c\\u202d\\u2066\\u2067\\u2068\\u2069");
  EXPECT_EQ(printable("a\u2028b\u2029", true), "a\\u2028b\\u2029");
  EXPECT_EQ(printable("\u00ad\u200b\u2060\ufeff\U000E0041"), "\\xad\\u200b\\u2060\\ufeff\\U000e0041");
}

TEST(Cell, ListsAndObjectsAreOfStrangersToo) {
  const json::object object{{"headers", json::object{{"x", "\u202e\u009b"}}},
                            {"text", "a\u202eb"},
                            {"number", 7},
                            {"nothing", nullptr},
                            {"empty", ""}};
  EXPECT_EQ(cell(object, "headers"), R"({"x":"\u202e\x9b"})");
  EXPECT_EQ(cell(object, "text"), "a\\u202eb");
  EXPECT_EQ(cell(object, "number"), "7");
  EXPECT_EQ(cell(object, "nothing"), "-");
  EXPECT_EQ(cell(object, "empty"), "-");
  EXPECT_EQ(cell(object, "not there"), "-");
}

}  // namespace
}  // namespace lazaret::cli
