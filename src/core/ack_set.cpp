#include "core/ack_set.h"

#include <algorithm>
#include <bit>

#include "model/limits.h"

namespace lazaret::core {
namespace {

using model::AckChunk;
using model::Offset;
using model::OffsetRange;
constexpr std::uint64_t kChunk = model::limits::kAckChunkOffsets;

OffsetRange chunk_range(std::uint64_t number) { return {Offset(number * kChunk), Offset((number + 1) * kChunk)}; }

}  // namespace

AckSet::AckSet(const model::SourceState& state, const std::vector<AckChunk>& chunks) : cursor_(state.cursor) {
  for (const OffsetRange& range : state.settled) settle(range);
  for (const AckChunk& chunk : chunks) {
    stored_.insert(chunk.number);
    const std::uint64_t first = chunk.number * kChunk;
    for (std::size_t word = 0; word < chunk.words.size(); ++word) {
      for (std::uint64_t bits = chunk.words[word]; bits != 0; bits &= bits - 1) {
        settle(Offset(first + word * 64 + static_cast<std::uint64_t>(std::countr_zero(bits))));
      }
    }
  }
  chunked_ = !stored_.empty();
  if (chunked_) {
    for (const OffsetRange& range : beyond_.ranges()) touched(range);
    note_whole();
  }
  dirty_.clear();
}

bool AckSet::settle(Offset offset) { return settle(OffsetRange{offset, offset.next()}) == 1; }

std::uint64_t AckSet::settle(OffsetRange range) {
  range.begin = std::max(range.begin, cursor_);
  if (range.begin >= range.end) return 0;
  if (range.begin == cursor_ && beyond_.empty()) {
    cursor_ = range.end;
    return range.size();
  }
  const std::uint64_t fresh = beyond_.insert(range);
  if (chunked_) touched(range);
  advance_cursor();
  return fresh;
}

void AckSet::begin_again(Offset cursor) {
  cursor_ = cursor;
  beyond_.clear();
  whole_.clear();
  dirty_ = stored_;  // each bitmap on the disk is written anew, or goes
}

std::uint64_t AckSet::unsettled_in(OffsetRange range) const {
  range.begin = std::max(range.begin, cursor_);
  if (range.begin >= range.end) return 0;
  return range.size() - beyond_.count_in(range);
}

void AckSet::touched(OffsetRange range) {
  const std::uint64_t first = range.begin.value / kChunk;
  const std::uint64_t last = (range.end.value - 1) / kChunk;
  // Chunks in the middle are whole and stand in the record; only the ends can be partial.
  dirty_.insert(first);
  dirty_.insert(last);
  whole_.insert(OffsetRange{Offset(first + 1), Offset(last)});
}

/// Of the chunks that changed, those that are whole now; of all, those that the cursor has not passed.
void AckSet::note_whole() {
  for (const std::uint64_t number : dirty_) {
    const OffsetRange chunk = chunk_range(number);
    if (beyond_.contains(chunk.begin) && beyond_.next_missing(chunk.begin) >= chunk.end) whole_.insert(Offset(number));
  }
  whole_.erase_below(Offset((cursor_.value + kChunk - 1) / kChunk));
}

void AckSet::advance_cursor() {
  const Offset next = beyond_.next_missing(cursor_);
  if (next == cursor_) return;
  cursor_ = next;
  beyond_.erase_below(cursor_);
}

void AckSet::save(model::SubscriptionId subscription, model::SourceState& state,
                  std::vector<model::Mutation>& mutations) {
  state.cursor = cursor_;
  const auto drop = [&](std::uint64_t number) {
    mutations.emplace_back(model::DropAckChunk{subscription, state.log, number});
  };
  if (beyond_.stretches() <= model::limits::kAckRanges) {
    state.settled = beyond_.ranges();
    for (const std::uint64_t number : stored_) drop(number);
    stored_.clear();
    dirty_.clear();
    whole_.clear();
    chunked_ = false;
    return;
  }
  if (!chunked_) {
    chunked_ = true;
    for (const OffsetRange& range : beyond_.ranges()) touched(range);
  }
  note_whole();
  state.settled = whole_chunks();
  for (auto it = stored_.begin(); it != stored_.end() && (*it + 1) * kChunk <= cursor_.value;) {
    drop(*it);
    it = stored_.erase(it);
  }
  for (const std::uint64_t number : dirty_) {
    if ((number + 1) * kChunk <= cursor_.value) continue;
    if (!whole_.contains(Offset(number))) {
      mutations.emplace_back(model::PutAckChunk{subscription, state.log, bitmap(number)});
      stored_.insert(number);
    } else if (stored_.erase(number) > 0) {
      drop(number);
    }
  }
  dirty_.clear();
}

/// Stretches of wholly settled chunks.
std::vector<OffsetRange> AckSet::whole_chunks() const {
  std::vector<OffsetRange> whole = whole_.ranges();
  for (OffsetRange& range : whole) range = {chunk_range(range.begin.value).begin, chunk_range(range.end.value).begin};
  return whole;
}

AckChunk AckSet::bitmap(std::uint64_t number) const {
  AckChunk chunk{number, std::vector<std::uint64_t>(kChunk / 64)};
  beyond_.for_each_in(chunk_range(number), [&](OffsetRange part) {
    for (std::uint64_t offset = part.begin.value; offset < part.end.value; ++offset) {
      const std::uint64_t bit = offset - number * kChunk;
      chunk.words[bit / 64] |= 1ull << (bit % 64);
    }
  });
  return chunk;
}

}  // namespace lazaret::core
