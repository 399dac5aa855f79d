#include "base/status.h"

#include <gtest/gtest.h>

#include <set>

namespace lazaret::base {
namespace {

TEST(ErrorTable, NumbersAndNamesAreUnique) {
  const auto [rows, count] = error_table();
  std::set<int> numbers;
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_TRUE(numbers.insert(static_cast<int>(rows[i].code)).second) << rows[i].name;
    EXPECT_TRUE(names.insert(rows[i].name).second) << rows[i].name;
    EXPECT_EQ(find_error(rows[i].name), &rows[i]);
    EXPECT_FALSE(rows[i].sentence.empty());
  }
}

// A number, once released, is never given anew: other languages have it compiled in.
TEST(ErrorTable, NumbersStayWhatTheyWere) {
  EXPECT_EQ(static_cast<int>(Code::BAD_REQUEST), 1);
  EXPECT_EQ(static_cast<int>(Code::NOT_FOUND), 8);
  EXPECT_EQ(static_cast<int>(Code::LEASE_LOST), 12);
  EXPECT_EQ(static_cast<int>(Code::BAD_MAGIC), 40);
  EXPECT_EQ(static_cast<int>(Code::RESOURCE_EXHAUSTED), 60);
  EXPECT_EQ(static_cast<int>(Code::UNREACHABLE), 80);
}

TEST(ErrorTable, AnUnknownNumberIsShownAsInternal) {
  EXPECT_EQ(error_info(static_cast<Code>(9999)).code, Code::INTERNAL);
}

TEST(Result, HoldsAValueOrAStatus) {
  const Result<int> value(7);
  EXPECT_TRUE(value.ok());
  EXPECT_EQ(*value, 7);
  const Result<int> error(Code::NOT_FOUND, "no queue of that name");
  EXPECT_EQ(error.code(), Code::NOT_FOUND);
  EXPECT_EQ(error.status().text(), "no queue of that name");
}

TEST(ResultDeathTest, AskingAnErrorForItsValueStopsTheProcess) {
  const Result<int> error(Code::NOT_FOUND, "no queue of that name");
  EXPECT_DEATH(static_cast<void>(error.value()), "assertion failed");
}

}  // namespace
}  // namespace lazaret::base
