// SettledTokens against a map and a queue: the last 65,536 verdicts, whatever the order of their grants.
#include "core/settled_tokens.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>

#include "base/random.h"

namespace lazaret::core {
namespace {

using base::Code;
using model::Grant;
using model::VerdictKind;
using model::VerdictResult;
using model::Whereabouts;

/// The same, written to be seen to be right.
class Model {
 public:
  void remember(std::uint64_t grant, VerdictKind kind, bool late) {
    if (!known_.contains(grant)) order_.push_back(grant);
    known_[grant] = {kind, late};
    if (order_.size() <= model::limits::kSettledTokens) return;
    known_.erase(order_.front());
    order_.pop_front();
  }
  void check(const SettledTokens& tokens, std::uint64_t grant) const {
    const auto it = known_.find(grant);
    for (const VerdictKind kind : {VerdictKind::ack, VerdictKind::release}) {
      const auto found = tokens.find(Grant(grant), kind);
      const bool expected = it != known_.end() && it->second.first == kind;
      ASSERT_EQ(found.has_value(), expected) << grant;
      if (found) {
        ASSERT_EQ(found->late, it->second.second) << grant;
      }
    }
  }
  std::uint64_t oldest() const { return order_.front(); }

 private:
  std::map<std::uint64_t, std::pair<VerdictKind, bool>> known_;
  std::deque<std::uint64_t> order_;
};

TEST(SettledTokens, AreTheLastOnesInWhateverOrderTheyWereGranted) {
  base::Random random(7);
  SettledTokens tokens;
  Model model;
  std::uint64_t next = std::uint64_t{1} << 40;
  std::deque<std::uint64_t> out;  // granted, not settled
  for (int step = 0; step < 700'000; ++step) {
    if (random.next() % 100'000 == 0) next += (random.next() % 3 + 1) << 18;  // as far as the bits go, and farther
    if (random.next() % 200'000 == 0) next += std::uint64_t{1} << 40;         // another start of the broker
    out.push_back(++next);
    if (out.size() < 1000) continue;
    // Mostly one of the oldest, sometimes any; the very oldest stay, so that some are settled long after others.
    const std::size_t at = std::min<std::size_t>(
        random.next() % (random.next() % 16 == 0 ? out.size() : 64) + (step < 600'000 ? 8 : 0), out.size() - 1);
    const std::uint64_t grant = out[at];
    out.erase(out.begin() + static_cast<std::ptrdiff_t>(at));
    const bool plain = random.next() % 8 != 0;
    const bool late = !plain && random.next() % 2 == 0;
    const VerdictKind kind = plain || late ? VerdictKind::ack : VerdictKind::release;
    tokens.remember(Grant(grant), kind, {Code::OK, Whereabouts::unknown, std::nullopt, late});
    model.remember(grant, kind, late);
    if (random.next() % 64 == 0) {  // settled once more, with another word
      tokens.remember(Grant(grant), VerdictKind::ack, {Code::OK, Whereabouts::unknown, std::nullopt, true});
      model.remember(grant, VerdictKind::ack, true);
    }
    model.check(tokens, grant);
    model.check(tokens, model.oldest());
    model.check(tokens, grant - random.next() % 300'000);
  }
}

TEST(SettledTokens, SayWhichCaseAVerdictMade) {
  SettledTokens tokens;
  const model::CaseId id{model::ShardId(0), model::SubscriptionId(2), model::LogId(3), model::Offset(4)};
  tokens.remember(Grant(9), VerdictKind::reject, {Code::OK, Whereabouts::unknown, id, false});
  tokens.remember(Grant(10), VerdictKind::ack, {});
  EXPECT_EQ(tokens.find(Grant(9), VerdictKind::reject)->case_id, id);
  EXPECT_EQ(tokens.find(Grant(10), VerdictKind::ack)->case_id, std::nullopt);
  EXPECT_FALSE(tokens.find(Grant(9), VerdictKind::ack));
}

}  // namespace
}  // namespace lazaret::core
