// AckSet: which messages of one log a subscription has settled, in memory and as the store keeps it.
//
// What is written: one SourceState per group (cursor and at most kAckRanges settled ranges), and only when there are
// more ranges than that, bitmap chunks: those in which something was settled since they were written last. What was
// settled stays settled, so an old chunk is never wrong, only incomplete; cursor, ranges and chunks together are
// the whole set after every save.
//
// Threading: none of its own.
//
// Invariants:
// 1. `cursor()` is not settled; everything before it is.
// 2. After `save`, restore(the state, the chunks put and not dropped) has exactly the same members.
// 3. While there are at most kAckRanges settled ranges beyond the cursor and no chunk was ever needed, no chunk is
//    written; when the ranges are few again, all chunks go.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/offset_set.h"
#include "model/ids.h"
#include "model/mutation.h"
#include "model/records.h"

namespace lazaret::core {

class AckSet {
 public:
  AckSet() = default;
  /// As it was saved.
  static AckSet restore(const model::SourceState& source, std::span<const model::AckChunk> chunks);

  /// False when it was settled already. In order: amortised O(1); otherwise O(log chunks), however many holes.
  bool settle(model::Offset offset);
  /// Returns how many were not settled before.
  std::uint64_t settle_range(model::OffsetRange range);

  bool is_settled(model::Offset offset) const;
  /// The first offset that is not settled: everything before it is.
  model::Offset cursor() const { return cursor_; }
  /// The first offset at or after `from` that is not settled (it may not be published yet).
  model::Offset next_unsettled(model::Offset from) const;
  /// How many offsets of [begin, end) are not settled.
  std::uint64_t count_unsettled(model::OffsetRange range) const;
  /// Everything at or beyond it is unsettled; at least the cursor.
  model::Offset settled_end() const;
  /// Settled ranges beyond the cursor: the number of holes.
  std::uint64_t range_count() const { return ranges_; }

  /// Whether save would write anything new.
  bool changed() const { return changed_; }
  /// At the end of a group: fills `source.cursor` and `source.settled` and appends what chunks need.
  void save(model::SourceState& source, model::SubscriptionId subscription,
            std::vector<model::Mutation>& mutations);

 private:
  /// Exists while some chunk is on the disk.
  struct Overflow {
    /// Settled since the chunks were last written, or covered by ranges of the record.
    OffsetSet fresh;
    std::uint64_t fresh_ranges = 0;
    /// Chunks with a record.
    std::map<std::uint64_t, bool> on_disk;
    /// Runs of full chunks that the record holds as ranges: first → one past the last.
    std::map<std::uint64_t, std::uint64_t> full_runs;
  };

  void advance_cursor();
  void save_ranges(model::SourceState& source, model::SubscriptionId subscription,
                   std::vector<model::Mutation>& mutations);
  void save_chunks(model::SourceState& source, model::SubscriptionId subscription,
                   std::vector<model::Mutation>& mutations);

  model::Offset cursor_;
  OffsetSet beyond_;  // may still have members before the cursor, in the cursor's chunk
  std::uint64_t ranges_ = 0;
  bool changed_ = false;
  std::unique_ptr<Overflow> overflow_;
};

}  // namespace lazaret::core
