// Which cases a job is for, and in which order, of lists that are made up.
#include "hospital/replay_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace lazaret::hospital {
namespace {

using model::CaseId;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

CaseId case_of(std::uint64_t subscription, std::uint64_t offset) {
  return {model::ShardId(0), model::SubscriptionId(subscription), model::LogId(7), model::Offset(offset)};
}

/// Lists of two cases a page, by admission as they were added, or by message; cursors are places in them.
struct Lists {
  std::vector<CaseId> admitted;  // the newest first
  int pages = 0;

  base::Result<model::CasePage> operator()(const model::CaseQuery& query, const std::string& cursor) {
    ++pages;
    std::vector<CaseId> order = admitted;
    if (query.by_message) std::sort(order.begin(), order.end(), std::greater());
    model::CasePage page;
    std::size_t at = cursor.empty() ? 0 : std::stoul(cursor);
    for (; at < order.size() && page.cases.size() < 2; ++at) page.cases.emplace_back().id = order[at];
    if (at < order.size()) page.cursor = std::to_string(at);
    return page;
  }
};

std::vector<CaseId> chosen(ReplayChoice& choice, int* steps_with_cases = nullptr) {
  std::vector<CaseId> all;
  for (int step = 0; step < 100; ++step) {
    const auto one = choice.next({});
    EXPECT_TRUE(one.ok());
    all.insert(all.end(), one->cases.begin(), one->cases.end());
    if (steps_with_cases != nullptr && !one->cases.empty()) ++*steps_with_cases;
    if (one->done) return all;
  }
  ADD_FAILURE() << "it has no end";
  return all;
}

TEST(ReplayChoice, ASetHasTheLastMessageFirstWhateverFailedFirst) {
  Lists lists{{case_of(1, 0), case_of(2, 4), case_of(1, 2), case_of(2, 3), case_of(1, 1)}};
  ReplayChoice choice(std::ref(lists), 5);
  int steps = 0;
  EXPECT_THAT(chosen(choice, &steps),
              ElementsAre(case_of(2, 4), case_of(2, 3), case_of(1, 2), case_of(1, 1), case_of(1, 0)));
  EXPECT_EQ(steps, 1) << "it is sorted when all are known";
  EXPECT_EQ(lists.pages, 3);
}

TEST(ReplayChoice, WhatIsTooMuchToBeSortedIsReadInItsOrder) {
  Lists lists{{case_of(1, 0), case_of(2, 4), case_of(1, 2), case_of(2, 3), case_of(1, 1)}};
  ReplayChoice choice(std::ref(lists), 3);
  int steps = 0;
  EXPECT_THAT(chosen(choice, &steps),
              ElementsAre(case_of(2, 4), case_of(2, 3), case_of(1, 2), case_of(1, 1), case_of(1, 0)))
      << "each once, though some had been found before";
  EXPECT_EQ(steps, 3) << "page by page";
}

TEST(ReplayChoice, ThereMayBeNone) {
  Lists lists;
  ReplayChoice choice(std::ref(lists), 3);
  EXPECT_THAT(chosen(choice), IsEmpty());
}

TEST(ReplayChoice, WhatCannotBeReadIsSaid) {
  ReplayChoice choice([](const model::CaseQuery&, const std::string&) -> base::Result<model::CasePage> {
    return base::Status(base::Code::STORAGE_DAMAGED);
  });
  EXPECT_EQ(choice.next({}).code(), base::Code::STORAGE_DAMAGED);
}

}  // namespace
}  // namespace lazaret::hospital
