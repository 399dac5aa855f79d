#include "simulation/tracer.h"

#include "simulation/kind_name.h"
#include "simulation/walk.h"

namespace lazaret::simulation {

template <class Variant>
void Tracer::print(model::ShardId shard, const char* what, const Variant& one) {
  line_ = world_.clock() + " shard " + std::to_string(shard.value) + ' ' + what + ' ';
  std::visit(
      [&](const auto& inner) {
        line_ += kind_name(typeid(inner));
        walk(inner, *this);
      },
      one);
  out_ << line_ << '\n';
}

void Tracer::event(model::ShardId shard, base::Instant, const core::Event::What& what) { print(shard, "<-", what); }

void Tracer::group(const model::MutationGroup& group) {
  for (const model::Mutation& mutation : group.mutations) print(group.shard, "==", mutation);
}

void Tracer::effect(model::ShardId shard, const core::Effect& effect) {
  if (const auto* tell = std::get_if<core::Tell>(&effect)) return print(shard, "->", tell->answer);
  print(shard, "->", effect);
}

void Tracer::crashed() { out_ << world_.clock() << " ---- crash ----\n"; }

}  // namespace lazaret::simulation
