// Digest: one number for all that a run did, byte for byte. Two runs of one seed have the same (invariant 9).
#pragma once

#include <cstdint>

#include "simulation/walk.h"
#include "simulation/watcher.h"

namespace lazaret::simulation {

class Digest final : public Watcher {
 public:
  void event(model::ShardId shard, base::Instant now, const core::Event::What& what) override;
  void group(const model::MutationGroup& group) override;
  void effect(model::ShardId shard, const core::Effect& effect) override;

  std::uint64_t value() const { return sum_; }

  // For walk.
  void operator()(std::uint64_t number);
  void operator()(std::string_view text);
  void operator()(base::Code code) { (*this)(static_cast<std::uint64_t>(code)); }

 private:
  std::uint64_t sum_ = 0xcbf29ce484222325ull;  // FNV-1a
};

}  // namespace lazaret::simulation
