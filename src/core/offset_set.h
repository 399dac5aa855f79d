// OffsetSet: a sorted set of offsets that is small both when it has a handful of members and when it has millions:
// chunks of kAckChunkOffsets as short lists or bitmaps, and full chunks as ranges.
//
// Threading: none of its own. Deterministic: nothing depends on hashes or addresses.
//
// Invariants:
// 1. A chunk is in `chunks_` (1 to kAckChunkOffsets - 1 members) or inside a range of `full_`, never in both.
// 2. Ranges of `full_` are not empty and neither touch nor overlap.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "model/ids.h"
#include "model/limits.h"
#include "model/records.h"

namespace lazaret::core {

class OffsetSet {
 public:
  /// False when it was a member already. O(log chunks), whatever the number of members and holes.
  bool insert(model::Offset offset);
  /// Returns how many were new. O(chunks that the range covers in part or that exist within it).
  std::uint64_t insert(model::OffsetRange range);
  /// False when it was no member.
  bool erase(model::Offset offset);
  /// Erases the whole chunks that end at or before `offset`, and those only: cheap, for what nobody asks about again.
  void forget_chunks_before(model::Offset offset);
  void clear();

  bool contains(model::Offset offset) const;
  /// The first member at or after `from`.
  std::optional<model::Offset> next(model::Offset from) const;
  /// The first offset at or after `from` that is no member.
  model::Offset next_absent(model::Offset from) const;
  /// Members in [begin, end). O(log chunks + chunks within).
  std::uint64_t count_in(model::OffsetRange range) const;
  std::uint64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  /// The end of the last run of members; 0 when empty.
  model::Offset end() const;

  /// The runs of members at or after `from`, at most `max` of them.
  std::vector<model::OffsetRange> runs(model::Offset from, std::size_t max) const;
  /// Whether all offsets of this chunk are members.
  bool chunk_is_full(std::uint64_t number) const;
  /// The runs of full chunks as chunk numbers, [first, last + 1).
  const std::map<std::uint64_t, std::uint64_t>& full_chunks() const { return full_; }
  /// A chunk as the store keeps it.
  model::AckChunk chunk(std::uint64_t number) const;
  void insert(const model::AckChunk& chunk);

 private:
  static constexpr std::uint64_t kChunk = model::limits::kAckChunkOffsets;
  using Words = std::array<std::uint64_t, kChunk / 64>;

  /// A chunk with some members: a sorted list while they are few, a bitmap from kListMax on.
  struct Chunk {
    std::uint32_t count = 0;
    std::vector<std::uint16_t> list;
    std::unique_ptr<Words> words;

    bool contains(std::uint32_t place) const;
    bool insert(std::uint32_t place);
    bool erase(std::uint32_t place);
    /// kChunk when there is none.
    std::uint32_t next(std::uint32_t from) const;
    std::uint32_t next_absent(std::uint32_t from) const;
    std::uint32_t count_in(std::uint32_t begin, std::uint32_t end) const;
    void to_bitmap();
  };

  /// The range of `full_` that holds this chunk, or end().
  std::map<std::uint64_t, std::uint64_t>::const_iterator full_range(std::uint64_t number) const;
  void add_full(std::uint64_t first, std::uint64_t end);
  void insert_part(std::uint64_t number, std::uint32_t begin, std::uint32_t end);

  std::map<std::uint64_t, Chunk> chunks_;
  std::map<std::uint64_t, std::uint64_t> full_;  // first chunk of a range → one past its last
  std::uint64_t size_ = 0;
};

}  // namespace lazaret::core
