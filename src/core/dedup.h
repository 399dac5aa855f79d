// Deduplication of publishes: per producer and log, the highest sequence and what became of the last kDedupWindow.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "model/mutation.h"
#include "model/store.h"

namespace lazaret::core {

/// The sequences of one producer on one log.
class ProducerWindow {
 public:
  ProducerWindow() = default;
  explicit ProducerWindow(const model::RecoveredProducer& recovered);

  enum class Verdict { fresh, duplicate, reused, too_old };
  struct Answer {
    Verdict verdict = Verdict::fresh;
    model::Offset offset;  // of a duplicate
  };
  Answer check(std::uint64_t sequence, std::uint32_t body_crc) const;
  /// REQUIRES that check said fresh.
  void record(const model::DedupEntry& entry, base::Instant now);

  std::uint64_t highest() const { return highest_; }
  base::Instant last_used() const { return last_used_; }
  bool changed() const { return !fresh_.empty(); }
  /// Appends this group's sequences, and a trim when enough has fallen out of the window.
  void save(model::LogId log, const model::ProducerId& producer, std::vector<model::Mutation>& mutations);

 private:
  std::uint64_t highest_ = 0;
  base::Instant last_used_;
  std::deque<model::DedupEntry> window_;  // ascending
  std::vector<model::DedupEntry> fresh_;  // recorded since the last save
  std::uint64_t trimmed_below_ = 0;
};

}  // namespace lazaret::core
