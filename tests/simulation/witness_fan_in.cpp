// What the witness knows of subscriptions of several topics: each message that was confirmed to one of the topics comes
// once, in the order of its topic, and says where it was published.
#include <algorithm>
#include <iterator>

#include "simulation/witness.h"

namespace lazaret::simulation {

void Witness::hear(model::ShardId, const core::Fed& fed) {
  for (const model::PagedMessage& one : fed.letter->messages) {
    if (one.message == nullptr) find("a feeder hands over what cannot be read");
  }
}

/// Those whose feeders were there when it was stepped.
std::vector<model::SubscriptionId> Witness::fan_ins_of(model::LogId topic) const {
  std::vector<model::SubscriptionId> all;
  for (const auto& [id, queue] : queues_) {
    const auto reads = [&](const model::FanInSource& source) {
      return source.log == topic && !source.gone && feeders_assigned_.contains(source.feeder);
    };
    const auto& sources = queue.record.sources;
    if (!queue.deleted && std::any_of(sources.begin(), sources.end(), reads)) all.push_back(id);
  }
  return all;
}

/// A duplicate may be older than the subscription.
void Witness::confirmed_to_topic(Queue& of, model::LogId topic, const std::string& body,
                                 const model::PublishResult& result) {
  if (!result.duplicate) of.owed[topic].emplace(result.offset.value, body);
}

void Witness::check_source(Queue& of, const model::Delivered& one) {
  if (!of.record.is_fan_in() || one.message == nullptr) return;
  const std::string at = where(of, one.source_offset.value);
  const model::MessageSource source = one.message->source;
  if (imported_.contains(one.message->body.view())) {
    if (source != model::MessageSource()) find(at + "was imported, and says that it comes from a topic");
    return;
  }
  const bool its = std::any_of(of.record.sources.begin(), of.record.sources.end(),
                               [&](const model::FanInSource& known) { return known.log == source.log; });
  if (!its) return find(at + "does not say which topic it comes from");
  auto& places = of.taken[source.log];
  const auto [place, fresh] = places.emplace(source.offset.value, one.source_offset.value);
  if (place->second != one.source_offset.value) find(at + "was taken over twice (2)");
  const bool before = place != places.begin() && std::prev(place)->second > place->second;
  const bool behind = std::next(place) != places.end() && std::next(place)->second < place->second;
  if (before || behind) find(at + "was taken over out of the order of its topic (7)");
  const auto owed = of.owed.find(source.log);
  if (owed == of.owed.end()) return;
  const auto published = owed->second.find(source.offset.value);
  if (published != owed->second.end() && published->second != one.message->body.view()) {
    find(at + "says that it is " + published->second + " of its topic");
  }
}

/// What a power loss took of a topic was never owed; what it took of the subscription is handed over once more.
void Witness::lose_of_fan_in(Queue& of) {
  for (auto& [topic, owed] : of.owed) {
    const auto lost = owed.lower_bound(world_.store().end_of(topic).value);
    const model::LogId log = topic;
    const bool promised = std::any_of(queues_.begin(), queues_.end(), [&](const auto& one) {
      return one.second.record.kind == model::Kind::topic && one.second.record.log == log && !one.second.relaxed;
    });
    if (promised && lost != owed.end()) find(lost->second + " was confirmed to a topic, and lost (1)");
    owed.erase(lost, owed.end());
  }
  if (!of.relaxed) return;
  const std::uint64_t end = world_.store().end_of(of.record.log).value;
  for (auto& [topic, places] : of.taken) {
    std::erase_if(places, [end](const auto& place) { return place.second >= end; });
  }
}

/// With a topic goes what was not taken over from it.
void Witness::topic_deleted(model::LogId topic) {
  topics_deleted_.insert(topic);
  for (auto& [id, queue] : queues_) queue.owed.erase(topic);
}

/// Of what was confirmed to its topics, what has become nothing. `sources`: of its cases.
std::uint64_t Witness::missing_of_fan_in(const Queue& of, const std::vector<model::MessageSource>& sources) {
  std::uint64_t missing = 0;
  for (const auto& [topic, owed] : of.owed) {
    const auto taken = of.taken.find(topic);
    for (const auto& [offset, body] : owed) {
      const bool seen = taken != of.taken.end() && taken->second.contains(offset);
      const bool is_case = std::find(sources.begin(), sources.end(),
                                     model::MessageSource{topic, model::Offset(offset)}) != sources.end();
      if (!seen && !is_case && has_to_be_taken(of, body)) ++missing;
    }
  }
  return missing;
}

}  // namespace lazaret::simulation
