// Ledger: what publishers and workers of an engine in this process were told, by message. A snapshot of it, taken just
// before a crash image, is what the image must keep.
//
// Threading: Ledger from any thread; the snapshots are values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lazaret::faults {

/// A message's number stands in its body, and says what becomes of it: most are acked, some fail until they have been
/// replayed, some fail always, some are rejected.
enum class Fate { ack, fail, reject };
Fate fate_of(std::uint64_t number, std::uint32_t attempt);
std::string body_of(std::uint64_t number);
/// The number in a body, or nullopt when not every byte of it is as `body_of` made it.
std::optional<std::uint64_t> number_in(std::string_view body);

struct Told {
  bool confirmed = false;
  std::uint64_t offset = 0;
  std::uint64_t sequence = 0;
  bool end_asked = false;      // an ack or a discard went out
  bool ended = false;          // and was confirmed
  std::uint64_t failures = 0;  // confirmed
  std::uint64_t begun = 0;
  bool refused = false;     // the publisher was told that there is no room for it
  std::int64_t due_us = 0;  // not delivered before, by the clock of engines
  bool early = false;       // and it was
  std::string reply = {};   // of a request: what its responder said, or its requester was told
  bool has_ended = false;   // its requester was told
};
using Snapshot = std::map<std::uint64_t, Told>;
/// What was promised `before`, with all that was asked for until `after`: what an image taken in between may show.
Snapshot between(Snapshot before, const Snapshot& after);

class Ledger {
 public:
  Ledger() = default;
  explicit Ledger(Snapshot told) : told_(std::move(told)) {}

  template <class Change>
  void change(std::uint64_t number, Change change) {
    const std::lock_guard lock(mutex_);
    change(told_[number]);
  }
  Snapshot snapshot() const {
    const std::lock_guard lock(mutex_);
    return told_;
  }
  std::size_t confirmed() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(told_.begin(), told_.end(), [](const auto& one) { return one.second.confirmed; }));
  }

 private:
  mutable std::mutex mutex_;
  Snapshot told_;  // GUARDED_BY(mutex_)
};

}  // namespace lazaret::faults
