// AckSet: what a subscription has settled of a log. Everything before the cursor, and stretches beyond it.
//
// On disk (design, "Acks are not deletes"): as long as there are few stretches they stand in the subscription's own
// record. When there are more than kAckRanges, the log is cut into chunks of kAckChunkOffsets: whole chunks stand in
// the record as stretches, every other chunk with something settled is a bitmap of its own, written only when it
// changed. Reading back is the union of both.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include "base/on_demand.h"
#include "core/interval_set.h"
#include "model/mutation.h"
#include "model/records.h"

namespace lazaret::core {

class AckSet {
 public:
  AckSet() = default;
  /// What `save` wrote.
  AckSet(const model::SourceState& state, const std::vector<model::AckChunk>& chunks);

  /// False if it was settled.
  bool settle(model::Offset offset);
  /// Returns how many were new.
  std::uint64_t settle(model::OffsetRange range);

  /// Everything before `cursor` is settled, nothing else is.
  void begin_again(model::Offset cursor);

  model::Offset cursor() const { return cursor_; }
  bool is_settled(model::Offset offset) const { return offset < cursor_ || beyond_.contains(offset); }
  model::Offset next_unsettled(model::Offset from) const { return beyond_.next_missing(std::max(from, cursor_)); }
  /// Unsettled offsets below `end`, where `end` is at or beyond everything settled.
  std::uint64_t unsettled_below(model::Offset end) const { return end.value - cursor_.value - beyond_.size(); }
  std::uint64_t unsettled_in(model::OffsetRange range) const;
  const IntervalSet& beyond() const { return beyond_; }

  /// Fills cursor and stretches of `state`, and appends what changed of the chunks.
  void save(model::SubscriptionId subscription, model::SourceState& state, std::vector<model::Mutation>& mutations);

 private:
  void touched(model::OffsetRange range);
  void advance_cursor();
  void note_whole();
  std::vector<model::OffsetRange> whole_chunks() const;
  model::AckChunk bitmap(std::uint64_t number) const;

  model::Offset cursor_;
  IntervalSet beyond_;
  base::OnDemand<std::set<std::uint64_t>> dirty_;   // chunks that changed since the last save, while in chunk mode
  base::OnDemand<std::set<std::uint64_t>> stored_;  // chunks that have a bitmap on disk
  /// Numbers of chunks that are wholly settled, while in chunk mode: kept, since to find them costs all stretches.
  IntervalSet whole_;
  bool chunked_ = false;
};

}  // namespace lazaret::core
