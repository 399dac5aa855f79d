// What the witness knows of suspects: they are tried alone, and nothing goes to who tries one.
#include "simulation/witness.h"

namespace lazaret::simulation {

using namespace std::chrono_literals;

namespace {

/// The end of a lease is told when a group is durable: so much later at most.
constexpr base::Duration kToldMost = 50ms;

}  // namespace

/// Whoever tries a suspect has nothing else, and no other suspect of the queue is tried meanwhile.
void Witness::check_alone(const model::Deliver& deliver, const model::Delivered& one) {
  for (const auto& [key, consumer] : consumers_) {
    if (key.instance != deliver.consumer.instance) continue;
    for (const auto& [sequence, out] : consumer.out) {
      if (out.second == one.grant.value) continue;
      const Queue& other = queues_.at(out.first.first);
      if (other.deleted || is_unanswered(out.first.first, out.second)) continue;
      beside_.push_back({out.first.first, out.second, world_.now() + kToldMost,
                         where(queues_.at(deliver.subscription), one.source_offset.value) + "alone, beside " +
                             where(other, out.first.second)});
    }
  }
}

/// Of what a suspect was tried beside: a lease that ended meanwhile has been told of by now.
void Witness::judge_company(base::Instant by) {
  std::erase_if(beside_, [&](const Beside& one) {
    if (one.judged_at > by) return false;
    find(one.text);
    return true;
  });
}

/// Beside a suspect that is tried, nothing goes to who tries it. (Other shards may not have heard of it yet, when a
/// process comes back with it after a restart.)
void Witness::check_company(const Queue& of, const model::Deliver& deliver, const model::Delivered& one) {
  for (const auto& [key, consumer] : consumers_) {
    if (key.instance != deliver.consumer.instance) continue;
    for (const auto& [sequence, out] : consumer.out) {
      const auto& [place, grant] = out;
      const Queue& other = queues_.at(place.first);
      const bool tried = alone_.contains({place.first, grant}) && grant != one.grant.value;
      if (!tried || other.record.shard != of.record.shard || other.deleted || is_unanswered(place.first, grant))
        continue;
      find(where(of, one.source_offset.value) + "beside a suspect, " + where(other, place.second));
    }
  }
}

}  // namespace lazaret::simulation
