// Horizon: up to when all that one thread has done can be seen by whoever reads the store. What it does carries the
// time at which it was done, and becomes visible later, perhaps much later; so whoever looks for what is new since
// they looked last must not take the time of their look for that of what they have seen.
//
// The thread says that it works before it reads the clock for what it is about to do. So one that rests has not read it
// yet, and whatever it does is later than what the reader's own clock has shown before.
//
// Threading: `works` and `rests` from the one thread, `seen_until` from any.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "base/time.h"

namespace lazaret::engine {

class Horizon {
 public:
  /// It is about to do something, at `at` or later; what was invisible still is.
  void works(base::Instant at) { unseen_.store(std::min(unseen_.load(), at.us)); }
  /// Nothing that it did is invisible, but for what it did from `unseen` on; never(): nothing at all.
  void rests(base::Instant unseen = base::Instant::never()) { unseen_.store(unseen.us); }

  /// Up to and at this time it has done nothing that cannot be seen now, and will do nothing. `now` was read from the
  /// clock just before.
  base::Instant seen_until(base::Instant now) const {
    return std::min(now, base::Instant{unseen_.load()}) - base::Duration(1);
  }

 private:
  std::atomic<std::int64_t> unseen_{base::Instant::never().us};
};

}  // namespace lazaret::engine
