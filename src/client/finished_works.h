// FinishedWorks: what handlers have ended on, until the client's thread takes it.
//
// Threading: any thread.
#pragma once

#include <mutex>
#include <utility>
#include <vector>

#include "client/work.h"

namespace lazaret::detail {

class FinishedWorks {
 public:
  struct Ended {
    WorkRef work;
    Verdict verdict;
  };

  /// Whether the client's thread is to be woken. It is not when that has been done, or when the next report comes so
  /// soon that it can be told of both. `more`: the same thread begins on the next one now.
  bool add(WorkRef work, Verdict verdict, bool more) {
    const std::int64_t ended_ns = work->ended_ns;
    const std::lock_guard lock(mutex_);
    ended_.push_back({std::move(work), std::move(verdict)});
    const bool soon = gather_ && more && ended_ns - ended_.front().work->ended_ns < kReportTogetherNs;
    return !soon && !std::exchange(woken_, true);
  }

  /// Into `out`, which is empty: its room serves for what comes. `gather`: handlers are fast.
  void take(std::vector<Ended>& out, bool gather) {
    const std::lock_guard lock(mutex_);
    std::swap(out, ended_);
    woken_ = false;
    gather_ = gather;
  }

 private:
  /// Verdicts of handlers that follow one another faster than this are reported together.
  static constexpr std::int64_t kReportTogetherNs = 200'000;

  std::mutex mutex_;
  std::vector<Ended> ended_;  // GUARDED_BY(mutex_)
  bool woken_ = false;        // GUARDED_BY(mutex_)
  bool gather_ = false;       // GUARDED_BY(mutex_)
};

}  // namespace lazaret::detail
