// What the witness checks of order: of first deliveries, and of keys, from what is delivered and what the store has; it
// knows nothing of locks.
#include <algorithm>
#include "simulation/envelope_text.h"

#include "simulation/witness.h"

namespace lazaret::simulation {

using model::CaseState;
using model::Offset;

namespace {

/// After a start, what somebody had is kept for it no longer.
constexpr base::Duration kReservedMost = 6s;

}  // namespace

/// Messages that go out in one step to several consumers are told to one after the other: grants say the order.
void Witness::check_order(Queue& of, const model::Delivered& one) {
  if (one.message != nullptr && one.message->due.us != 0) return;  // it waited for its time
  const bool ordered = of.record.options.order_by_key;
  const std::string key = ordered && one.message != nullptr ? key_of(*one.message) : "";
  if (ordered && key.empty()) return;
  const std::string_view envelope = one.message == nullptr ? "" : one.message->envelope.view();
  const std::string type(envelope.substr(std::min(envelope.find('|'), envelope.size())));
  for (const bool by_type : {false, true}) {
    if (by_type && ordered) continue;
    std::string line = by_type ? "|" + type : key;
    if (!ordered && one.message != nullptr) line += "#" + std::to_string(priority_of(*one.message));
    auto& first_grants = of.first_grants[line];
    const auto place = first_grants.emplace(one.source_offset.value, one.grant.value).first;
    const bool before = place == first_grants.begin() || std::prev(place)->second < place->second;
    const bool behind = std::next(place) == first_grants.end() || place->second < std::next(place)->second;
    if ((before && behind) || (of.choosy && !by_type && !ordered)) continue;
    find(where(of, place->first) + "its first delivery is out of order (7)");
  }
}

/// As its publisher said.
std::uint8_t Witness::priority_of(const model::Message& message) const {
  const auto known = priorities_.find(message.body.view());
  return known == priorities_.end() ? std::uint8_t{0} : known->second;
}

/// A first delivery: nothing lower has gone before it since it was there for everybody to take. That is known of what
/// was neither scheduled nor a case, nor waits for a key or for who accepts it; and not of what may have been given
/// out, and the broker died before that was told. Replays pass it while the hospital is full.
void Witness::check_priority(Queue& of, const Message& message, const model::Delivered& one, bool is_first) {
  const std::uint8_t priority = priority_of(*one.message);
  const bool by_key = of.record.options.order_by_key && !key_of(*one.message).empty();
  const bool plain = is_first && message.confirmed && one.message->due.us == 0 && !by_key;
  if (plain && !of.choosy && !of.moved && !of.deleted) {
    const base::Instant since = std::max(message.confirmed_at, crashed_at_ + kReservedMost) + kGrantedBeforeMost;
    for (std::uint8_t lower = 0; lower < priority; ++lower) {
      const auto& [grant, told] = of.last_grants.at(lower);
      if (grant == 0 || grant >= one.grant.value || told < since) continue;
      find(where(of, one.source_offset.value) + "of priority " + std::to_string(priority) +
           " is delivered after one of " + std::to_string(lower) + " (7)");
    }
  }
  if (!one.isolated && !goes_for_budget(of, one)) of.last_grants.at(priority) = {one.grant.value, world_.now()};
}

/// What was scheduled has none.
std::string Witness::key_of(const model::Message& message) {
  return message.due.us != 0 ? "" : std::string(envelope_text(message.envelope.view()).key);
}

/// As the message in the store has it. Kept: it may be gone when it is asked for again.
std::string Witness::key_at(const Queue& of, Offset offset) {
  if (const auto known = of.keys.find(offset.value); known != of.keys.end()) return known->second;
  const auto page = world_.store().read_messages(of.record.shard, of.record.log, offset, offset.next(), 1, 1);
  const bool there = !page->messages.empty() && page->messages.front().message != nullptr;
  return there ? key_of(*page->messages.front().message) : "";
}

/// At most one of a key is out, in order, retries included; and after a restart nothing before everybody is back.
void Witness::check_key(Queue& of, const model::Deliver& deliver, const model::Delivered& one) {
  const std::string key = key_of(*one.message);
  of.keys[one.source_offset.value] = key;
  if (world_.resuming()) find(where(of, one.source_offset.value) + "granted while others are awaited (7)");
  if (key.empty() || of.deleted) return;
  // What was given out before it was moved is void.
  const model::SubscriptionState* state = world_.store().subscription(of.record.subscription);
  const std::uint64_t void_grants = state == nullptr ? 0 : state->void_grants.value;
  if (one.grant.value <= void_grants) return;
  for (const auto& [consumer, its] : consumers_) {
    for (const auto& [sequence, out] : its.out) {
      const auto& [place, grant] = out;
      const bool other =
          place.first == deliver.subscription && place.second != one.source_offset.value && grant > void_grants;
      if (!other || is_unanswered(place.first, grant) || key_at(of, Offset(place.second)) != key) continue;
      find(where(of, one.source_offset.value) + "with " + key + ", which offset " + std::to_string(place.second) +
           " has (7)");
    }
  }
  // A replay of what came too late is before those that were never granted, also if they were published before it.
  const bool replay_of_any = one.log == of.record.lane && of.some_end;
  if (!replay_of_any) check_before(of, key, one);
  if (of.holds) check_held(of, key, one);
}

/// What was published before it with its key is settled, and that is as durable as the queue has it.
void Witness::check_before(const Queue& of, const std::string& key, const model::Delivered& one) {
  const model::SubscriptionState* state = world_.store().subscription(of.record.subscription);
  if (state == nullptr || state->sources.empty()) return;
  const bool written = of.relaxed;
  const model::SubscriptionState* kept = written ? state : world_.store().durable_subscription(of.record.subscription);
  Offset begin = kept == nullptr || kept->sources.empty() ? Offset(0) : kept->sources.front().cursor;
  // What had begun before a power loss, and ended, may have come back behind what followed it.
  if (of.relaxed) begin = std::max(begin, Offset(of.floor));
  if (begin >= one.source_offset) return;
  const auto page = world_.store().read_messages(of.record.shard, of.record.log, begin, one.source_offset, 100'000,
                                                 std::size_t{1} << 40);
  for (const model::PagedMessage& before : page->messages) {
    if (before.message == nullptr || key_of(*before.message) != key) continue;
    if (world_.store().is_settled(of.record.subscription, before.offset, written)) continue;
    find(where(of, one.source_offset.value) + "before offset " + std::to_string(before.offset.value) + " of " + key +
         " is settled (7)");
  }
}

/// While there is a case of its key only the replay of a case is delivered.
void Witness::check_held(Queue& of, const std::string& key, const model::Delivered& one) {
  if (one.log == of.record.lane) {
    const auto replayed =
        world_.store().read_case({of.record.shard, of.record.subscription, of.record.log, one.source_offset});
    if (replayed.ok() && !model::holds_key(replayed->reason)) of.held_nothing.insert(one.source_offset.value);
    return;
  }
  if (of.relaxed && one.source_offset.value < of.floor) return;  // the case may have been closed, and have come back
  for (const CaseState state : {CaseState::admitted, CaseState::replaying}) {
    model::CaseQuery filter;
    filter.subscription = of.record.subscription;
    model::with_state(filter, state);
    const auto page = world_.store().list_cases(filter, "", 100'000);
    for (const model::CaseRecord& record : page->cases) {
      // Of one that was restored what had begun meanwhile goes on, and so it does of one that had come too late, held
      // nothing, and has failed when it was replayed.
      const std::uint64_t offset = record.id.offset.value;
      const bool later = one.redelivered && (of.restored.contains(offset) || of.held_nothing.contains(offset));
      const bool holds = model::holds_key(record.reason) && !later;
      if (!holds || key_at(of, record.id.offset) != key) continue;
      find(where(of, one.source_offset.value) + "although case " + record.id.to_string() + " holds " + key + " (7)");
    }
  }
}

}  // namespace lazaret::simulation
