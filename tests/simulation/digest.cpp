#include "simulation/digest.h"

namespace lazaret::simulation {

void Digest::event(model::ShardId shard, base::Instant now, const core::Event::What& what) {
  walk(shard, *this);
  walk(now, *this);
  walk(what, *this);
}

void Digest::group(const model::MutationGroup& group) { walk(group, *this); }

void Digest::effect(model::ShardId shard, const core::Effect& effect) {
  walk(shard, *this);
  walk(effect, *this);
}

void Digest::operator()(std::uint64_t number) {
  for (int i = 0; i < 8; ++i, number >>= 8) sum_ = (sum_ ^ (number & 0xff)) * 0x100000001b3ull;
}

void Digest::operator()(std::string_view text) {
  (*this)(text.size());
  for (const char c : text) sum_ = (sum_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
}

}  // namespace lazaret::simulation
