#include "hospital/replay_choice.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace lazaret::hospital {

void put_in_order_of_set(std::vector<model::CaseId>& cases) { std::sort(cases.begin(), cases.end(), std::greater()); }

base::Result<ReplayChoice::Step> ReplayChoice::next(model::CaseQuery query) {
  query.by_message = by_message_;
  auto page = list_(query, cursor_);
  if (!page.ok()) return page.status();
  cursor_ = std::move(page->cursor);
  Step step;
  std::vector<model::CaseId>& cases = by_message_ ? step.cases : found_;
  for (const model::CaseRecord& record : page->cases) cases.push_back(record.id);
  step.done = cursor_.empty();
  if (by_message_) return step;
  if (found_.size() > sorted_most_) {
    by_message_ = true;
    cursor_.clear();
    found_ = {};
    return Step{};
  }
  if (step.done) {
    put_in_order_of_set(found_);
    step.cases = std::exchange(found_, {});
  }
  return step;
}

}  // namespace lazaret::hospital
