// Outbox: what this shard's transactions have published on one other shard, and is not yet known to be durable there.
//
//   owed ──room on the way, in order──▶ on its way ──durable there──▶ gone
//     └──none: it waits on the disk, and is loaded when there is──▶ on its way
//
// Threading: none of its own; one owner calls everything.
#pragma once

#include <cstdint>
#include <deque>

#include "model/limits.h"

namespace lazaret::core {

struct Outbox {
  std::uint64_t last = 0;         // number of the newest entry
  std::uint64_t sent = 0;         // all up to here are on their way, or there
  std::uint64_t taken = 0;        // all up to here are durable there
  std::deque<std::size_t> sizes;  // of those on their way
  std::size_t bytes = 0;          // of them
  bool loading = false;
  bool again = false;  // something came while it was being read, and may have come too late for that

  bool has_room() const { return sizes.size() < model::limits::kOutboxEntries && bytes < model::limits::kOutboxBytes; }
  void sends(std::size_t size) {
    ++sent;
    sizes.push_back(size);
    bytes += size;
  }
  void take(std::uint64_t up_to) {
    for (; taken < up_to; ++taken) {
      bytes -= sizes.front();
      sizes.pop_front();
    }
  }
};

}  // namespace lazaret::core
