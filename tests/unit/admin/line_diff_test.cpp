#include "admin/line_diff.h"

#include <gtest/gtest.h>

namespace lazaret::admin {
namespace {

/// " a|-b|+c"
std::string diff(const std::string& from, const std::string& to) {
  std::string out;
  for (const DiffLine& line : diff_lines(from, to)) {
    if (!out.empty()) out += '|';
    out += static_cast<char>(line.kind) + line.text;
  }
  return out;
}

TEST(LineDiff, ShowsTheFewestChanges) {
  EXPECT_EQ(diff("a\nb\nc", "a\nb\nc"), " a| b| c");
  EXPECT_EQ(diff("a\nb\nc", "a\nx\nc"), " a|-b|+x| c");
  EXPECT_EQ(diff("a\nc", "a\nb\nc"), " a|+b| c");
  EXPECT_EQ(diff("a\nb\nc", "c"), "-a|-b| c");
  EXPECT_EQ(diff("", "a"), "+a");
  EXPECT_EQ(diff("a", ""), "-a");
  EXPECT_EQ(diff("", ""), "");
  EXPECT_EQ(diff("a\nb\na\nb\na", "b\na\nb"), "-a| b| a| b|-a");
  EXPECT_EQ(diff("x\nx\nx", "x\nx"), " x| x|-x");
}

TEST(LineDiff, DoesNotTakeLongOverTwoTextsThatHaveLittleInCommon) {
  std::string from = "head\n";
  std::string to = "head\n";
  for (int i = 0; i < 3000; ++i) {
    from += "a" + std::to_string(i) + "\n";
    to += "b" + std::to_string(i) + "\n";
  }
  const auto lines = diff_lines(from + "tail", to + "tail");
  ASSERT_EQ(lines.size(), 6002u);
  EXPECT_EQ(lines.front().kind, DiffLine::Kind::same);
  EXPECT_EQ(lines[1].kind, DiffLine::Kind::removed);
  EXPECT_EQ(lines[3001].kind, DiffLine::Kind::added);
  EXPECT_EQ(lines.back().text, "tail");
}

}  // namespace
}  // namespace lazaret::admin
