// Coverage: which events, effects, answers, mutations and error codes runs have reached. A rule that no run reaches is
// not tested, so a whole range of seeds must leave nothing out.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "simulation/watcher.h"

namespace lazaret::simulation {

class Coverage final : public Watcher {
 public:
  void event(model::ShardId shard, base::Instant now, const core::Event::What& what) override;
  void group(const model::MutationGroup& group) override;
  void effect(model::ShardId shard, const core::Effect& effect) override;

  /// So many confirms were held for consumers.
  void confirms_held(std::uint64_t count) { confirms_held_ += count; }
  void add(const Coverage& other);
  /// What was never reached, in words; empty when nothing is left out.
  std::vector<std::string> missing() const;
  std::uint64_t events() const { return events_; }

 private:
  std::set<std::size_t> kinds_of_events_;
  std::set<std::size_t> kinds_of_effects_;
  std::set<std::size_t> kinds_of_answers_;
  std::set<std::size_t> kinds_of_mutations_;
  std::set<base::Code> codes_;
  std::uint64_t events_ = 0;
  std::uint64_t confirms_held_ = 0;
};

}  // namespace lazaret::simulation
