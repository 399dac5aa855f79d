// The texts of a failed attempt: whatever bytes they are, they become text of the length that is kept.
#include <gtest/gtest.h>

#include "base/text_encoding.h"
#include "model/limits.h"
#include "wire/frames.h"

namespace lazaret::wire {
namespace {

namespace limits = model::limits;

model::ErrorReport received(const model::ErrorReport& error) {
  Settle settle;
  settle.verdicts.emplace_back().kind = model::VerdictKind::fail;
  settle.verdicts[0].error = error;
  const OutFrame encoded = encode(settle);
  Frame frame;
  frame.header = std::string_view(encoded.head).substr(kFramePrefixBytes);
  auto decoded = decode<Settle>(frame);
  EXPECT_TRUE(decoded.ok());
  return decoded.ok() ? decoded->verdicts.at(0).error : model::ErrorReport{};
}

TEST(VerdictText, ThatIsNoUtf8BecomesText) {
  const model::ErrorReport error = received({"caf\xe9", "\xff\xfe", "d\xe9tails"});
  EXPECT_EQ(error.type, "caf\xef\xbf\xbd");
  EXPECT_EQ(error.message, "\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(error.details, "d\xef\xbf\xbdtails");
}

TEST(VerdictText, ThatIsTextStaysAsItIs) {
  const model::ErrorReport error = received({"café", "", "日本語"});
  EXPECT_EQ(error.type, "café");
  EXPECT_EQ(error.details, "日本語");
}

TEST(VerdictText, WhyAVerdictWasRefusedIsTold) {
  Settled settled;
  model::VerdictResult refused;
  refused.code = base::Code::NOT_FOUND;
  refused.text = "no queue 'n\xff'";
  settled.results.emplace_back(3, refused);
  const OutFrame encoded = encode(settled);
  Frame frame;
  frame.header = std::string_view(encoded.head).substr(kFramePrefixBytes);
  const auto decoded = decode<Settled>(frame);
  ASSERT_TRUE(decoded.ok());
  ASSERT_EQ(decoded->results.size(), 1u);
  EXPECT_EQ(decoded->results[0].first, 3u);
  EXPECT_EQ(decoded->results[0].second.code, base::Code::NOT_FOUND);
  EXPECT_EQ(decoded->results[0].second.text, "no queue 'n\xef\xbf\xbd'");
}

TEST(VerdictText, ThatGrowsWhenItBecomesTextIsStillCut) {
  const model::ErrorReport error = received({"", "", std::string(limits::kErrorDetailsBytes, '\xe9')});
  EXPECT_LE(error.details.size(), limits::kErrorDetailsBytes);
  EXPECT_TRUE(base::is_utf8(error.details));
  EXPECT_TRUE(error.details.ends_with("[cut]"));
}

}  // namespace
}  // namespace lazaret::wire
