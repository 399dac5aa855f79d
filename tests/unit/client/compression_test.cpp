// Compressed bodies: made where they pay, opened within the limit, and never opened wrongly.
#include "client/compression.h"

#include <gtest/gtest.h>

namespace lazaret::detail {
namespace {

using base::Code;

constexpr std::size_t kMost = 1u << 20;

Message message_of(std::string body) {
  Message message;
  message.body = Body(std::move(body));
  return message;
}
Message compressed_of(std::string body) {
  Message message = message_of(std::move(body));
  message.compress = true;
  compress_body(message, 0);
  return message;
}

TEST(Compression, ComesBackAsItWas) {
  const std::string text(100'000, 'x');
  Message message = compressed_of(text);
  EXPECT_EQ(message.content_encoding, "zstd");
  EXPECT_LT(message.body.size(), 1000u);
  EXPECT_TRUE(open_body(message, text.size()).ok()) << "exactly as much as is allowed";
  EXPECT_EQ(message.body.view(), text);
  EXPECT_EQ(message.content_encoding, "");
  EXPECT_TRUE(message.compress) << "published again, it is compressed again";
}

TEST(Compression, OnlyWhatIsWantedAndPays) {
  Message small = message_of(std::string(999, 'x'));
  compress_body(small, 1000);
  EXPECT_EQ(small.content_encoding, "") << "below the threshold";
  Message large = message_of(std::string(1000, 'x'));
  compress_body(large, 0);
  EXPECT_EQ(large.content_encoding, "") << "nobody wants it";
  compress_body(large, 1000);
  EXPECT_EQ(large.content_encoding, "zstd");

  Message short_one = compressed_of("abc");
  EXPECT_EQ(short_one.content_encoding, "") << "it would not be smaller";
  EXPECT_EQ(short_one.body.view(), "abc");
  Message empty = compressed_of("");
  EXPECT_EQ(empty.content_encoding, "");
}

TEST(Compression, WhatIsEncodedAlreadyIsLeftAlone) {
  Message message = message_of(std::string(1000, 'x'));
  message.content_encoding = "gzip";
  message.compress = true;
  compress_body(message, 1);
  EXPECT_EQ(message.body.size(), 1000u);
  EXPECT_TRUE(open_body(message, kMost).ok());
  EXPECT_EQ(message.content_encoding, "gzip") << "its consumer knows what to do with it";
}

TEST(Compression, NoMoreIsOpenedThanTheLimit) {
  Message bomb = compressed_of(std::string(64u << 20, '\0'));
  ASSERT_LT(bomb.body.size(), 10'000u);
  const std::string before = bomb.body.str();
  const base::Status status = open_body(bomb, kMost);
  EXPECT_EQ(status.code(), Code::MESSAGE_TOO_LARGE);
  EXPECT_EQ(status.limit(), "max_message_bytes");
  EXPECT_EQ(status.limit_value(), static_cast<std::int64_t>(kMost));
  EXPECT_EQ(bomb.body.view(), before);
  Message one_more = compressed_of(std::string(1001, 'x'));
  EXPECT_EQ(open_body(one_more, 1000).code(), Code::MESSAGE_TOO_LARGE);
}

TEST(Compression, DamageIsSaid) {
  const std::string whole = compressed_of(std::string(5000, 'x') + "and something else").body.str();
  const auto opens = [](const std::string& bytes) {
    Message message = message_of(bytes);
    message.content_encoding = "zstd";
    return open_body(message, kMost).ok();
  };
  ASSERT_TRUE(opens(whole));
  EXPECT_FALSE(opens(""));
  EXPECT_FALSE(opens("no zstd at all"));
  EXPECT_FALSE(opens(whole + "x"));
  for (std::size_t length = 0; length < whole.size(); ++length) EXPECT_FALSE(opens(whole.substr(0, length))) << length;
  EXPECT_TRUE(opens(whole)) << "what failed leaves no trace in what comes next";
  std::string flipped = whole;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  EXPECT_FALSE(opens(flipped)) << "its checksum";
}

/// Frames of other programs need not say how much is in them, and there may be several.
TEST(Compression, SeveralFramesAreOneBody) {
  Message message =
      message_of(compressed_of(std::string(300, 'a')).body.str() + compressed_of(std::string(300, 'b')).body.str());
  message.content_encoding = "zstd";
  ASSERT_TRUE(open_body(message, kMost).ok());
  EXPECT_EQ(message.body.view(), std::string(300, 'a') + std::string(300, 'b'));
}

}  // namespace
}  // namespace lazaret::detail
