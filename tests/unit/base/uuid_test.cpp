#include "base/uuid.h"

#include <gtest/gtest.h>

namespace lazaret::base {
namespace {

// RFC 9562, appendix A.6: the example of version 7.
TEST(Uuid, Version7CarriesTimeVersionAndVariant) {
  const Uuid id = Uuid::v7(0x017f22e279b0, 0xffffffffffffffff, 0);
  const std::string text = id.to_string();
  EXPECT_EQ(text.substr(0, 15), "017f22e2-79b0-7");
  EXPECT_EQ(text.substr(18, 2), "-8");
}

TEST(Uuid, SortsByTime) { EXPECT_LT(Uuid::v7(1000, ~0ull, ~0ull), Uuid::v7(1001, 0, 0)); }

TEST(Uuid, TextAndBytesGoThereAndBack) {
  const Uuid id = Uuid::v7(1'795'464'288'123, 0x1234567890abcdef, 0xfedcba0987654321);
  EXPECT_EQ(Uuid::parse(id.to_string()), id);
  EXPECT_EQ(Uuid::from_raw(id.raw()), id);
}

TEST(Uuid, RefusesWhatIsNotOne) {
  EXPECT_FALSE(Uuid::parse(""));
  EXPECT_FALSE(Uuid::parse("017f22e2-79b0-7cc3-98c4-dc0c0c07398"));
  EXPECT_FALSE(Uuid::parse("017f22e2079b0-7cc3-98c4-dc0c0c07398f"));
  EXPECT_FALSE(Uuid::parse("g17f22e2-79b0-7cc3-98c4-dc0c0c07398f"));
  EXPECT_FALSE(Uuid::parse("017f22e2-79b0-7cc3-98c4-dc0c0c07398-"));
  EXPECT_FALSE(Uuid::from_raw("fifteen bytes.."));
}

}  // namespace
}  // namespace lazaret::base
