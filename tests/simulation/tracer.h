// Tracer: prints what passes the seam, a line each: when, what kind, and every field in the order of declaration.
#pragma once

#include <ostream>
#include <string>

#include "simulation/watcher.h"
#include "simulation/world.h"

namespace lazaret::simulation {

class Tracer final : public Watcher {
 public:
  Tracer(const World& world, std::ostream& out) : world_(world), out_(out) {}
  void event(model::ShardId shard, base::Instant now, const core::Event::What& what) override;
  void group(const model::MutationGroup& group) override;
  void effect(model::ShardId shard, const core::Effect& effect) override;
  void crashed() override;

  // For walk.
  void operator()(std::uint64_t number) { line_ += ' ' + std::to_string(number); }
  void operator()(std::string_view text) { line_ += " \"" + std::string(text) + '"'; }
  void operator()(base::Code code) { line_ += ' ' + std::string(base::error_info(code).name); }

 private:
  template <class Variant>
  void print(model::ShardId shard, const char* what, const Variant& one);

  const World& world_;
  std::ostream& out_;
  std::string line_;
};

}  // namespace lazaret::simulation
