// No row of the error table without a test that provokes it, and no test without its row.
#include <set>

#include "integration/errors/error_codes.h"

namespace lazaret::testing {
namespace {

TEST(ErrorTable, EveryCodeHasATestOfItsName) {
  std::set<std::string> tested;
  const ::testing::UnitTest& all = *::testing::UnitTest::GetInstance();
  for (int s = 0; s < all.total_test_suite_count(); ++s) {
    const ::testing::TestSuite& suite = *all.GetTestSuite(s);
    if (std::string(suite.name()) != "ErrorCodes") continue;
    for (int t = 0; t < suite.total_test_count(); ++t) tested.insert(suite.GetTestInfo(t)->name());
  }
  std::set<std::string> rows;
  const auto [table, count] = base::error_table();
  for (std::size_t i = 0; i < count; ++i) rows.insert(std::string(table[i].name));
  EXPECT_EQ(tested, rows);
}

}  // namespace
}  // namespace lazaret::testing
