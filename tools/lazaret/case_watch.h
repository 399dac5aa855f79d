// CaseWatch: which cases have come since the last look. Lists are newest first, and a case becomes visible a little
// after the time that stands in it: each look goes back a few seconds behind the newest that was seen, and tells of
// each admission once.
//
// Threading: none of its own.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "http_client.h"

namespace lazaret::cli {

class CaseWatch {
 public:
  /// Cases that one look tells of at most: more have come than anybody can read.
  static constexpr std::size_t kMost = 1000;
  static constexpr base::Duration kOverlap = std::chrono::seconds(5);

  /// From `begin` on, in the broker's time. `filter`: terms of cases, or "".
  CaseWatch(std::string filter, base::Instant begin);

  /// What the list is to be asked with.
  std::string filter() const;
  /// Those of a page, newest first, that are new; the oldest first.
  std::vector<json::object> take(const json::array& items);

 private:
  const std::string filter_;
  const base::Instant begin_;
  base::Instant newest_;
  std::set<std::pair<base::Instant, std::string>> seen_;  // admissions since newest_ - kOverlap
};

}  // namespace lazaret::cli
