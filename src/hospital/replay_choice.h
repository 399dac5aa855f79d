// ReplayChoice: which cases a job by a filter is for, page by page, in the order of its set: from the last message of
// the last subscription to the first of the first, since a set is sent from its end.
//
// The index of admissions finds a few among many at once, but has them in another order: so what it finds is sorted, up
// to a bound. What is more than that is a good part of all cases, and worth reading them in their own order.
//
// Threading: none of its own; the thread of ReplayJobs uses it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "model/case_list.h"
#include "model/limits.h"

namespace lazaret::hospital {

/// As a set has them: the last first. By their ids, in which the offset comes last.
void put_in_order_of_set(std::vector<model::CaseId>& cases);

class ReplayChoice {
 public:
  /// A page of a list of cases.
  using List = std::function<base::Result<model::CasePage>(const model::CaseQuery& query, const std::string& cursor)>;
  explicit ReplayChoice(List list, std::size_t sorted_most = model::limits::kReplaySorted)
      : list_(std::move(list)), sorted_most_(sorted_most) {}

  struct Step {
    std::vector<model::CaseId> cases;  // which follow in the set
    bool done = false;                 // they are the last
  };
  /// Reads one page. `query` is the same at each call.
  base::Result<Step> next(model::CaseQuery query);

 private:
  List list_;
  std::size_t sorted_most_;
  bool by_message_ = false;  // they are too many to be sorted
  std::string cursor_;
  std::vector<model::CaseId> found_;  // and to be sorted
};

}  // namespace lazaret::hospital
