// The public list of errors against the one table.
#include "lazaret/error.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <string>

#include "base/status.h"

namespace lazaret {
namespace {

/// The enumerators of errc, as the header has them: number → name.
std::map<int, std::string> listed() {
  std::ifstream file(LAZARET_ERROR_HEADER);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::size_t begin = text.find("enum class errc {");
  const std::string list = text.substr(begin, text.find("};", begin) - begin);
  const std::regex line(R"((\w+) = (\d+),)");
  std::map<int, std::string> found;
  for (std::sregex_iterator it(list.begin(), list.end(), line), end; it != end; ++it) {
    found[std::stoi((*it)[2])] = (*it)[1];
  }
  return found;
}

TEST(ErrcTest, EveryRowOfTheTableHasItsCode) {
  const auto codes = listed();
  const auto [table, count] = base::error_table();
  EXPECT_EQ(codes.size(), count);
  for (std::size_t i = 0; i < count; ++i) {
    const int number = static_cast<int>(table[i].code);
    EXPECT_TRUE(codes.contains(number)) << table[i].name << " = " << number << " is not in errc";
    EXPECT_EQ(make_error_code(static_cast<errc>(number)).message(), table[i].sentence);
  }
}

TEST(ErrcTest, EveryCodeIsOfTheClassThatTheTableSays) {
  const auto [table, count] = base::error_table();
  const std::map<base::Retry, retry> classes = {{base::Retry::never, retry::pointless},
                                                {base::Retry::same_call, retry::same_call},
                                                {base::Retry::after, retry::later},
                                                {base::Retry::op, retry::operator_needed}};
  for (std::size_t i = 0; i < count; ++i) {
    const error_code code = make_error_code(static_cast<errc>(table[i].code));
    for (const auto& [row, condition] : classes) EXPECT_EQ(code == condition, row == table[i].retry) << table[i].name;
  }
}

}  // namespace
}  // namespace lazaret
