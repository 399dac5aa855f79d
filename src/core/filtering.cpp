// Filters: a message that its subscription does not take is settled there where it is met on its way to a consumer, as
// one that is past its time is (expiry.cpp). It never entered: it is counted apart, and no case is made of it. What was
// granted once is not looked at any more, so a new filter is for what is still to be granted.
//
// No subscription takes a message that was imported (core/import.cpp): whose case it is has settled it, it was never
// published to the others, and who was there has settled it too. It is met by those that came later, or were moved. Its
// replays come through the lane, where nobody asks.
#include "core/shard_state.h"

namespace lazaret::core {

using model::Offset;

/// From its options, which were validated before they were stored.
void Shard::State::change_filter(Subscription& sub) {
  sub.filter = nullptr;
  if (sub.queue->options.filter.empty()) return;
  auto filter = model::Filter::parse(sub.queue->options.filter);
  if (filter.ok()) sub.filter = std::make_unique<SubscriptionFilter>(SubscriptionFilter{std::move(*filter), {}});
}

const model::MessageFacts& Shard::State::facts_of(const model::Message& message) {
  last_facts.clear();
  if (config.read_facts != nullptr) config.read_facts(message, last_facts);
  return last_facts;
}

/// Whether the subscription takes it. The last one that it does is known: it may wait for room, and be met again.
bool Shard::State::is_wanted(Subscription& sub, Offset offset, const model::Message& message) {
  if (message.imported) return false;
  if (sub.filter == nullptr || sub.filter->wanted == offset) return true;
  if (!sub.filter->filter.matches(facts_of(message))) return false;
  sub.filter->wanted = offset;
  return true;
}

/// A message with an entry that was never granted, since it was published with a delay, was held by its key, or nobody
/// accepted it.
bool Shard::State::is_unwanted(Subscription& sub, const Entry& entry) {
  if (entry.message == nullptr || !is_untouched(entry)) return false;
  return !is_wanted(sub, entry.position.offset, *entry.message);
}

bool Shard::State::is_untouched(const Entry& entry) {
  return !entry.grant && entry.attempts == 0 && !entry.interrupted && !entry.replays;
}

/// A message that nobody has had.
void Shard::State::filter_out(Subscription& sub, Offset offset) {
  count_entered(sub);
  settled(sub, offset);
  --sub.counters.entered;
  ++sub.counters.filtered;
  if (sub.keys != nullptr) hold_effects(sub);  // what comes behind it leaves when this is durable
}

/// The entry is gone after this; the reference too.
void Shard::State::filter_out(Subscription& sub, Entry& entry) {
  take_back(sub, entry);
  drop_record(sub, entry);
  filter_out(sub, entry.position.offset);
  forget_entry(sub, entry);
}

}  // namespace lazaret::core
