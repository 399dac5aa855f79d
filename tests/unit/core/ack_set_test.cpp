// What AckSet saves says what it has settled, however it came to it: random settles against a plain row of flags.
#include "core/ack_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <variant>
#include <vector>

#include "base/random.h"
#include "model/limits.h"

namespace lazaret::core {
namespace {

using model::Offset;
using model::OffsetRange;

constexpr std::uint64_t kChunk = model::limits::kAckChunkOffsets;
constexpr std::uint64_t kOffsets = 40 * kChunk;

/// What is on the disk: the record, and the chunks by their numbers.
struct Disk {
  model::SourceState state;
  std::map<std::uint64_t, model::AckChunk> chunks;

  void save(AckSet& acked) {
    state.settled.clear();
    std::vector<model::Mutation> mutations;
    acked.save(model::SubscriptionId(1), state, mutations);
    for (model::Mutation& mutation : mutations) {
      if (auto* put = std::get_if<model::PutAckChunk>(&mutation)) chunks[put->chunk.number] = put->chunk;
      if (auto* drop = std::get_if<model::DropAckChunk>(&mutation)) chunks.erase(drop->number);
    }
  }
  AckSet read() const {
    std::vector<model::AckChunk> all;
    for (const auto& [number, chunk] : chunks) all.push_back(chunk);
    return {state, all};
  }
};

void expect_same(const AckSet& acked, const std::vector<bool>& settled) {
  for (std::uint64_t offset = 0; offset < kOffsets; ++offset) {
    ASSERT_EQ(acked.is_settled(Offset(offset)), settled[offset]) << offset;
  }
}

TEST(AckSet, WhatIsSavedIsWhatIsSettled) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    base::Random random(seed);
    std::vector<bool> settled(kOffsets);
    AckSet acked;
    Disk disk;
    for (int step = 0; step < 400; ++step) {
      // Single ones far apart, whole stretches of chunks, and now and then what is before all of them.
      const std::uint64_t kind = random.below(10);
      const std::uint64_t begin = kind == 0 ? 0 : random.below(kOffsets);
      const std::uint64_t length = kind < 7 ? 1 + random.below(20) : 1 + random.below(3 * kChunk);
      const std::uint64_t end = std::min(begin + length, kOffsets);
      acked.settle(OffsetRange{Offset(begin), Offset(end)});
      for (std::uint64_t offset = begin; offset < end; ++offset) settled[offset] = true;
      if (random.below(5) == 0) disk.save(acked);
      // After a restart it goes on from what was saved.
      if (random.below(100) != 0) continue;
      disk.save(acked);
      acked = disk.read();
    }
    disk.save(acked);
    expect_same(acked, settled);
    expect_same(disk.read(), settled);
  }
}

TEST(AckSet, AChunkThatIsWholeIsNoBitmapAnyMore) {
  AckSet acked;
  Disk disk;
  for (std::uint64_t offset = 1; offset < 10 * kChunk; offset += 2) acked.settle(Offset(offset));
  disk.save(acked);
  EXPECT_EQ(disk.chunks.size(), 10u);
  EXPECT_TRUE(disk.state.settled.empty());
  for (std::uint64_t offset = 3 * kChunk; offset < 5 * kChunk; offset += 2) {
    acked.settle(Offset(offset));
    if (offset % 1000 == 0) disk.save(acked);
  }
  disk.save(acked);
  EXPECT_EQ(disk.chunks.size(), 8u);
  EXPECT_EQ(disk.state.settled, (std::vector<OffsetRange>{{Offset(3 * kChunk), Offset(5 * kChunk)}}));
  // The cursor passes it: it stands before everything then.
  acked.settle(OffsetRange{Offset(0), Offset(5 * kChunk + 1)});
  disk.save(acked);
  EXPECT_TRUE(disk.state.settled.empty());
  EXPECT_EQ(disk.chunks.size(), 5u);
}

}  // namespace
}  // namespace lazaret::core
