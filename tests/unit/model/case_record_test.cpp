#include "model/case_record.h"

#include <gtest/gtest.h>

#include "model/limits.h"

namespace lazaret::model {
namespace {

using base::Instant;

TEST(CaseRecord, EachChangeHasAWordThatIsReadAgain) {
  for (const CaseChange change :
       {CaseChange::replayed, CaseChange::recalled, CaseChange::relapsed, CaseChange::discharged, CaseChange::discarded,
        CaseChange::restored, CaseChange::redirected}) {
    EXPECT_NE(to_string(change), "unknown");
    EXPECT_EQ(parse_case_change(to_string(change)), change);
  }
  EXPECT_EQ(parse_case_change("unknown"), std::nullopt);
}

TEST(CaseRecord, KeepsTheNewestOfItsHistory) {
  CaseRecord record;
  constexpr auto kNotes = static_cast<std::int64_t>(limits::kCaseHistory) + 3;
  for (std::int64_t at = 1; at <= kNotes; ++at) record.note({Instant{at}, CaseChange::replayed});
  EXPECT_EQ(record.history.size(), limits::kCaseHistory);
  EXPECT_EQ(record.history_left_out, 3u);
  EXPECT_EQ(record.history.front().at, Instant{4});
  EXPECT_EQ(record.history.back().at, Instant{kNotes});
}

TEST(CaseRecord, ARelapseStandsInItsHistory) {
  CaseRecord before;
  before.note({Instant{5}, CaseChange::replayed, "", ReplayJobId(7)});
  CaseRecord now;
  now.admitted_at = Instant{9};
  const CaseRecord record = relapsed(before, now, false);
  ASSERT_EQ(record.history.size(), 2u);
  EXPECT_EQ(record.history[0], before.history[0]);
  EXPECT_EQ(record.history[1], (CaseEvent{Instant{9}, CaseChange::relapsed}));
}

}  // namespace
}  // namespace lazaret::model
