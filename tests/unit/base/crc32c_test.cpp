#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <string>

#include "base/random.h"

namespace lazaret::base {
namespace {

// RFC 3720, appendix B.4.
TEST(Crc32c, MatchesTheVectorsOfRfc3720) {
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string rising;
  for (int i = 0; i < 32; ++i) rising.push_back(static_cast<char>(i));
  EXPECT_EQ(crc32c(rising), 0x46dd794eu);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
}

TEST(Crc32c, InstructionAndTableAgreeOnEveryLengthAndSeed) {
  Random random(7);
  std::string bytes;
  for (int length = 0; length < 300; ++length) {
    const auto seed = static_cast<std::uint32_t>(random.next());
    EXPECT_EQ(crc32c(bytes, seed), crc32c_portable(bytes, seed)) << length;
    bytes.push_back(static_cast<char>(random.next()));
  }
}

TEST(Crc32c, GoesOnFromWhatCameBefore) {
  const std::string text = "what lies in the hospital is not lost";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(crc32c(text.substr(cut), crc32c(text.substr(0, cut))), crc32c(text)) << cut;
  }
}

}  // namespace
}  // namespace lazaret::base
