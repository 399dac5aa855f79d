// Compressed bodies; of what clients do with them there is more in tests/unit/client/compression_test.cpp.
#include "base/zstd.h"

#include <gtest/gtest.h>

namespace lazaret::base {
namespace {

TEST(Zstd, WhatIsCompressedIsOpenedWithinTheLimit) {
  const std::string text(100'000, 'x');
  const auto smaller = zstd_compressed(text);
  ASSERT_TRUE(smaller);
  EXPECT_LT(smaller->size(), 1000u);
  EXPECT_EQ(zstd_opened(*smaller, text.size()).value(), text);
  const auto refused = zstd_opened(*smaller, text.size() - 1);
  EXPECT_EQ(refused.code(), Code::MESSAGE_TOO_LARGE);
  EXPECT_EQ(refused.status().limit(), "max_message_bytes");
  EXPECT_EQ(refused.status().limit_value(), 99'999);
}

TEST(Zstd, WhatWouldNotBeSmallerStaysAsItIs) {
  EXPECT_FALSE(zstd_compressed("abc"));
  EXPECT_FALSE(zstd_compressed(""));
}

TEST(Zstd, DamageIsSaid) {
  const std::string whole = *zstd_compressed(std::string(1000, 'x'));
  EXPECT_EQ(zstd_opened("no zstd at all", 1000).code(), Code::BAD_REQUEST);
  EXPECT_EQ(zstd_opened("", 1000).code(), Code::BAD_REQUEST);
  EXPECT_EQ(zstd_opened(whole.substr(0, whole.size() - 1), 1000).code(), Code::BAD_REQUEST);
  EXPECT_TRUE(zstd_opened(whole, 1000).ok());
}

}  // namespace
}  // namespace lazaret::base
