// The chain of the audit trail: what is whole is taken, whatever is done to it is found. What is written is bounded.
#include "model/audit_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "base/text_encoding.h"
#include "model/limits.h"

namespace lazaret::model {
namespace {

using Order = AuditChain::Order;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<AuditEntry> chain_of(std::size_t count, AuditPoint head = {}) {
  std::vector<AuditEntry> entries;
  for (std::size_t i = 0; i < count; ++i) {
    AuditEntry& entry = entries.emplace_back();
    entry.at = base::Instant{1000 + static_cast<std::int64_t>(i)};
    entry.call = {"ann", "127.0.0.1", "editCase", "0-1-2-" + std::to_string(i), {{"note", "why"}}};
    head = chain_behind(head, entry);
  }
  return entries;
}

/// What is wrong with them, in both orders: it must be found in each. "": nothing.
std::string wrong_with(std::vector<AuditEntry> entries) {
  const auto look = [](const std::vector<AuditEntry>& all, Order order) -> std::string {
    AuditChain chain(order);
    for (const AuditEntry& entry : all) {
      if (auto wrong = chain.add(entry)) return *wrong;
    }
    return "";
  };
  const std::string forward = look(entries, Order::oldest_first);
  std::reverse(entries.begin(), entries.end());
  const std::string backward = look(entries, Order::newest_first);
  EXPECT_EQ(forward.empty(), backward.empty()) << forward << " / " << backward;
  return forward;
}

TEST(AuditChain, WhatIsWholeIsTaken) {
  EXPECT_EQ(wrong_with(chain_of(5)), "");
  EXPECT_EQ(wrong_with(chain_of(1)), "");
}

TEST(AuditChain, EveryFieldOfAnEntryIsInItsHash) {
  const auto changed = [](const std::function<void(AuditEntry&)>& change) {
    auto entries = chain_of(3);
    change(entries[1]);
    return wrong_with(entries);
  };
  const std::vector<std::function<void(AuditEntry&)>> changes = {
      [](AuditEntry& e) { e.number += 1; },
      [](AuditEntry& e) { e.at.us += 1; },
      [](AuditEntry& e) { e.phase = AuditPhase::ended; },
      [](AuditEntry& e) { e.began = 1; },
      [](AuditEntry& e) { e.called_at.us += 1; },
      [](AuditEntry& e) { e.call.actor = "bob"; },
      [](AuditEntry& e) { e.call.peer = "::1"; },
      [](AuditEntry& e) { e.call.operation = "getCase"; },
      [](AuditEntry& e) { e.call.target += "0"; },
      [](AuditEntry& e) { e.call.details.clear(); },
      [](AuditEntry& e) { e.status = 200; },
      [](AuditEntry& e) { e.code = "NOT_FOUND"; },
      [](AuditEntry& e) {
        e.change.before = {{"a", "1"}};
      },
      [](AuditEntry& e) {
        e.change.after = {{"a", "1"}};
      },
      [](AuditEntry& e) { e.previous[0] ^= 1; },
      [](AuditEntry& e) { e.hash[31] ^= 1; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) EXPECT_THAT(changed(changes[i]), HasSubstr("was changed")) << i;
}

/// A text that moves from one field to the next is another entry.
TEST(AuditChain, FieldsAreApart) {
  AuditEntry one, other;
  one.call.actor = "ab";
  other.call.actor = "a";
  other.call.peer = "b";
  EXPECT_NE(digest(one), digest(other));
  one = other = {};
  one.change.before = {{"a", "1"}};
  other.change.after = {{"a", "1"}};
  EXPECT_NE(digest(one), digest(other));
}

TEST(AuditChain, OneThatWasChangedAndHashedAnewIsFoundByTheNext) {
  auto entries = chain_of(4);
  entries[1].call.actor = "bob";
  entries[1].hash = digest(entries[1]);
  EXPECT_EQ(wrong_with(entries), "entry 3 does not follow from entry 2: one of them was put in the place of another");
}

TEST(AuditChain, OneThatIsMissing) {
  auto entries = chain_of(5);
  entries.erase(entries.begin() + 2);
  EXPECT_THAT(wrong_with(entries), StartsWith("entry 3 is missing"));
}

TEST(AuditChain, TwoThatWereSwapped) {
  auto entries = chain_of(5);
  std::swap(entries[1], entries[2]);
  EXPECT_THAT(wrong_with(entries), StartsWith("entry 2 is missing"));
}

TEST(AuditChain, OneThatWasPutInBetween) {
  auto entries = chain_of(4);
  entries.insert(entries.begin() + 2, entries[1]);
  EXPECT_THAT(wrong_with(entries), HasSubstr("entry 2 is out of its place"));
  // Made to fit what is before it, under a number that is there already.
  auto forged = chain_of(4);
  AuditEntry extra = forged[0];
  extra.call.actor = "mallory";
  chain_behind(forged[1].point(), extra);
  forged.insert(forged.begin() + 2, extra);
  EXPECT_THAT(wrong_with(forged), HasSubstr("entry 3 is out of its place"));
}

TEST(AuditChain, ItsEndsAreWhereTheyMustBe) {
  const auto entries = chain_of(6);
  const auto rest = [&](std::size_t first, std::size_t end) {
    AuditChain chain(Order::oldest_first);
    for (std::size_t i = first; i < end; ++i) EXPECT_EQ(chain.add(entries[i]), std::nullopt);
    return chain;
  };
  const AuditPoint anchor = entries[1].point();
  EXPECT_EQ(rest(2, 6).check_oldest(anchor), std::nullopt);
  EXPECT_EQ(rest(0, 6).check_oldest({}), std::nullopt);
  EXPECT_THAT(rest(3, 6).check_oldest(anchor).value(), StartsWith("entry 3 is missing"));
  EXPECT_TRUE(rest(2, 6).check_oldest({2, entries[0].hash})) << "another one was trimmed there";
  EXPECT_TRUE(rest(1, 6).check_oldest(anchor)) << "what was trimmed has come again";
  EXPECT_EQ(rest(2, 6).check_newest(entries[5].point()), std::nullopt);
  EXPECT_THAT(rest(2, 4).check_newest(entries[5].point()).value(), StartsWith("entry 5 is missing"));
  EXPECT_TRUE(rest(2, 6).check_newest({6, entries[0].hash}));
  EXPECT_TRUE(rest(2, 6).check_newest(entries[3].point()));
}

TEST(AuditEntry, TextsAreCutToWhatIsWritten) {
  AuditCall call{std::string(1000, 'a'), "p", "o", std::string(5000, 't'), {}};
  for (int i = 0; i < 100; ++i) call.details.emplace_back("field " + std::to_string(i), std::string(2000, 'v'));
  const AuditCall cut = bounded(call);
  EXPECT_EQ(cut.actor.size(), limits::kAuditNameBytes);
  EXPECT_LE(cut.target.size(), limits::kAuditTextBytes);
  EXPECT_THAT(cut.target, ::testing::EndsWith("…"));
  std::size_t bytes = 0;
  for (const auto& [name, value] : cut.details) bytes += name.size() + value.size();
  EXPECT_LE(bytes, limits::kAuditFieldsBytes + 100);
  EXPECT_THAT(cut.details, ::testing::Contains(std::pair<std::string, std::string>("cut", "true")));
  EXPECT_TRUE(std::is_sorted(cut.details.begin(), cut.details.end()));
}

TEST(AuditEntry, TextsAreUtf8AndCutBetweenCharacters) {
  std::string text;
  while (text.size() < 2000) text += "ä";
  const AuditCall cut = bounded(AuditCall{"\xff\xfe", text, "o", text + "x", {{"\xff", "\xff"}}});
  for (const std::string* one : {&cut.actor, &cut.peer, &cut.target, &cut.details[0].first, &cut.details[0].second}) {
    EXPECT_TRUE(base::is_utf8(*one));
  }
  EXPECT_EQ(bounded(AuditFields{{"b", "2"}, {"a", "1"}, {"b", "3"}}), (AuditFields{{"a", "1"}, {"b", "2"}}));
}

}  // namespace
}  // namespace lazaret::model
