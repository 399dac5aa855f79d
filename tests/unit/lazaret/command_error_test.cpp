// Which error the end of a command is: of its status, and of what it wrote to its standard error.
#include "lazaret/command_error.h"

#include <gtest/gtest.h>

#include "model/fingerprint.h"
#include "model/limits.h"

namespace lazaret::cli {
namespace {

CommandEnd ended(std::string error_text, int exit = 1) {
  CommandEnd end;
  end.exit = exit;
  end.error_text = std::move(error_text);
  return end;
}

TEST(CommandError, WithoutAWordIsItsStatus) {
  EXPECT_EQ(error_of(ended("")), (model::ErrorReport{"exit 1", "the command ended with exit 1", ""}));
  EXPECT_EQ(error_of(ended(" \n\t\n", 7)), (model::ErrorReport{"exit 7", "the command ended with exit 7", ""}));
  CommandEnd killed;
  killed.signal = 9;
  EXPECT_EQ(error_of(killed), (model::ErrorReport{"signal 9", "the command ended with signal 9", ""}));
}

TEST(CommandError, WithoutAStackIsItsLastLine) {
  EXPECT_EQ(error_of(ended("no such table")), (model::ErrorReport{"exit 1", "no such table", ""}));
  const std::string text = "handling ann\nledger: no such table\r\n  \n";
  EXPECT_EQ(error_of(ended(text)), (model::ErrorReport{"exit 1", "ledger: no such table", text}));
}

TEST(CommandError, WithAStackIsWhatItSays) {
  const std::string stack =
      "Traceback (most recent call last):\n  File \"/app/ledger.py\", line 99, in post\n    raise KeyError(k)\n"
      "KeyError: 'total'";
  EXPECT_EQ(error_of(ended(stack)), (model::ErrorReport{"KeyError", "'total'", stack}));
  EXPECT_EQ(error_of(ended("handling ann\n\nslow\n" + stack)),
            (model::ErrorReport{"KeyError", "'total'", "| handling ann\n| \n| slow\n" + stack}));
}

TEST(CommandError, WhatWasLoggedBeforeIsNoneOfItsFunctions) {
  const std::string logged =
      "Error: once\n    at other (/app/other.js:1:1)\n    at another (/app/other.js:2:1)\nINFO: on\n";
  const std::string stack = "TypeError: no total\n    at post (/app/ledger.js:10:15)";
  const model::ErrorReport error = error_of(ended(logged + stack));
  EXPECT_EQ(error.type, "TypeError");
  EXPECT_EQ(model::top_frames(error.details), "post");
}

TEST(CommandError, TheEndOfALongOneIsKept) {
  std::string log;
  while (log.size() < model::limits::kErrorDetailsBytes) log += "\xc3\xa4\n";  // two bytes, and two for its mark
  const std::string stack = "TypeError: no total\n    at post (/app/ledger.js:10:15)";
  const model::ErrorReport error = error_of(ended(log + stack));
  EXPECT_LE(error.details.size(), model::limits::kErrorDetailsBytes);
  EXPECT_GT(error.details.size(), model::limits::kErrorDetailsBytes - 4);
  EXPECT_TRUE(error.details.ends_with(stack));
}

TEST(CommandError, AReasonIsAllThatItSaid) {
  EXPECT_EQ(reason_of(ended("", 65)), "the command ended with exit 65");
  EXPECT_EQ(reason_of(ended("one\ntwo", 65)), "one\ntwo");
  EXPECT_EQ(reason_of(ended(std::string(5000, 'x') + "end", 65)).size(), model::limits::kReasonBytes);
}

}  // namespace
}  // namespace lazaret::cli
