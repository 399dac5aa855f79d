// Deduplication of publishes: what a producer has published to a log, as far back as its window reaches.
//
// Threading: none of its own. Deterministic.
#pragma once

#include <cstdint>
#include <list>
#include <span>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/time.h"
#include "model/ids.h"
#include "model/limits.h"
#include "model/mutation.h"
#include "model/records.h"
#include "model/store.h"

namespace lazaret::core {

struct DedupCheck {
  enum class Kind : std::uint8_t {
    fresh,      // publish it and record it
    duplicate,  // it was stored: at `offset`
    reused,     // SEQUENCE_REUSED: stored with another body
    too_old,    // SEQUENCE_TOO_OLD: below the window, never stored
  } kind = Kind::fresh;
  model::Offset offset;
};

/// The window of one producer on one log: sequences in (highest - kDedupWindow, highest]. Gaps are allowed, and what
/// is in a gap is fresh. Memory is proportional to what was seen.
class DedupWindow {
 public:
  explicit DedupWindow(model::ProducerId producer) { state_.producer = producer; }
  explicit DedupWindow(const model::RecoveredProducer& recovered);

  DedupCheck check(std::uint64_t sequence, std::uint32_t body_crc) const;
  /// A fresh sequence was published.
  void record(std::uint64_t sequence, model::Offset offset, std::uint32_t body_crc);
  /// At the end of a group: what was recorded since the last save, and now and then a trim.
  void save(model::LogId log, std::vector<model::Mutation>& mutations);

  const model::ProducerState& state() const { return state_; }
  void used(base::Instant now) { state_.last_used = now; }
  /// Remembered sequences.
  std::size_t size() const { return window_.size() - first_; }

 private:
  std::size_t position_of(std::uint64_t sequence) const;
  void drop_fallen_out();

  model::ProducerState state_;
  std::vector<model::DedupEntry> window_;  // ascending; the first `first_` have fallen out
  std::size_t first_ = 0;
  std::vector<model::DedupEntry> unsaved_;
  /// Sequences that have fallen out of the window and are still on the disk.
  std::size_t fallen_out_ = 0;
};

/// The producers of one log.
class ProducerTable {
 public:
  explicit ProducerTable(model::LogId log) : log_(log) {}
  void restore(std::span<const model::RecoveredProducer> producers);

  /// The highest sequence of a producer; 0 when it is not known. Counts as a use.
  std::uint64_t open(const model::ProducerId& producer, base::Instant now);
  DedupCheck check(const model::ProducerId& producer, std::uint64_t sequence,
                   std::uint32_t body_crc) const;
  void record(const model::ProducerId& producer, std::uint64_t sequence, model::Offset offset,
              std::uint32_t body_crc, base::Instant now);

  bool changed() const { return !touched_.empty(); }
  /// At the end of a group: PutDedup and TrimDedup of the producers used in it, in the order of their first use.
  void save(std::vector<model::Mutation>& mutations);
  /// Forgets who has published nothing for kDedupForgetAfter: O(forgotten).
  void forget_unused(base::Instant now, std::vector<model::Mutation>& mutations);
  /// When forget_unused has something to do; Instant::never() when there is no producer.
  base::Instant next_forget() const;
  std::size_t size() const { return by_id_.size(); }

 private:
  struct Producer {
    DedupWindow window;
    base::Instant saved_use;  // last_used as the store has it
    bool touched = false;
  };
  using Order = std::list<Producer>;  // by last use, the longest unused first

  struct IdHash {
    std::size_t operator()(const model::ProducerId& id) const;
  };

  void use(Order::iterator producer, base::Instant now, bool save);

  model::LogId log_;
  Order by_last_use_;
  boost::unordered_flat_map<model::ProducerId, Order::iterator, IdHash> by_id_;  // looked up, never iterated
  std::vector<Order::iterator> touched_;
};

}  // namespace lazaret::core
