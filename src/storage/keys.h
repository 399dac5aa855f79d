// Keys: what stands where. Big-endian, so that they sort by their numbers; the shard comes first in every one.
// Drawn in FORMAT.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/fixed_int.h"
#include "base/time.h"
#include "model/case_record.h"
#include "model/ids.h"
#include "model/message.h"

namespace lazaret::storage::keys {

using model::CaseId;
using model::LogId;
using model::Offset;
using model::ShardId;
using model::SubscriptionId;

/// The byte after the shard in the column families `catalog` and `state`.
enum class Kind : std::uint8_t {
  directory = 1,   // catalog
  queue = 2,       // catalog
  shard_meta = 1,  // state
  subscription = 2,
  log_state = 3,
  ack_chunk = 4,
  delivery = 5,
  attempt = 6,
  instance = 7,
  commit_number = 8,
  lane_entry = 9,
  // 10: started marks
  request = 11,
  prioritised = 12,
  case_edit = 13,
  closed_case = 14,
  quarantine = 16,
};

/// Puts a key together, part by part.
class Key {
 public:
  explicit Key(ShardId shard) { base::append_be(bytes_, shard.value); }
  Key(ShardId shard, Kind kind) : Key(shard) { bytes_.push_back(static_cast<char>(kind)); }
  Key& add(std::uint8_t value) {
    bytes_.push_back(static_cast<char>(value));
    return *this;
  }
  Key& add(std::uint32_t value) {
    base::append_be(bytes_, value);
    return *this;
  }
  Key& add(std::uint64_t value) {
    base::append_be(bytes_, value);
    return *this;
  }
  Key& add(std::string_view value) {
    bytes_.append(value);
    return *this;
  }
  std::string str() const { return bytes_; }

 private:
  std::string bytes_;
};

inline std::string directory() { return Key(ShardId(0), Kind::directory).str(); }
inline std::string queue(std::string_view name) { return Key(ShardId(0), Kind::queue).add(name).str(); }
inline std::string commit_number() { return Key(ShardId(0), Kind::commit_number).str(); }
inline std::string shard_meta(ShardId s) { return Key(s, Kind::shard_meta).str(); }
inline std::string subscription(ShardId s, SubscriptionId sub) {
  return Key(s, Kind::subscription).add(sub.value).str();
}
inline std::string log_state(ShardId s, LogId log) { return Key(s, Kind::log_state).add(log.value).str(); }
inline std::string ack_chunk(ShardId s, SubscriptionId sub, LogId log, std::uint64_t number) {
  return Key(s, Kind::ack_chunk).add(sub.value).add(log.value).add(number).str();
}
inline std::string delivery(ShardId s, SubscriptionId sub, LogId log, Offset offset) {
  return Key(s, Kind::delivery).add(sub.value).add(log.value).add(offset.value).str();
}
inline std::string attempts_of(ShardId s, SubscriptionId sub, LogId log, Offset offset) {
  return Key(s, Kind::attempt).add(sub.value).add(log.value).add(offset.value).str();
}
inline std::string attempt(ShardId s, SubscriptionId sub, LogId log, Offset offset, std::uint32_t number) {
  return Key(s, Kind::attempt).add(sub.value).add(log.value).add(offset.value).add(number).str();
}
inline std::string instance(ShardId s, const model::InstanceId& id) {
  return Key(s, Kind::instance).add(id.raw()).str();
}
inline std::string lane_entry(ShardId s, SubscriptionId sub, Offset offset) {
  return Key(s, Kind::lane_entry).add(sub.value).add(offset.value).str();
}
inline std::string request(ShardId s, SubscriptionId sub, const model::MessageId& id) {
  return Key(s, Kind::request).add(sub.value).add(id.raw()).str();
}
inline std::string quarantine(ShardId s, SubscriptionId sub, std::uint64_t number) {
  return Key(s, Kind::quarantine).add(sub.value).add(number).str();
}
/// The highest priority first.
inline std::string prioritised(ShardId s, LogId log, std::uint8_t priority, Offset offset) {
  const auto rank = static_cast<std::uint8_t>(model::kHighestPriority - priority);
  return Key(s, Kind::prioritised).add(log.value).add(rank).add(offset.value).str();
}
inline std::string prioritised_prefix(ShardId s, LogId log) { return Key(s, Kind::prioritised).add(log.value).str(); }
/// In `log` and `evacuated`.
inline std::string message(ShardId s, LogId log, Offset offset) {
  return Key(s).add(log.value).add(offset.value).str();
}
inline std::string log_prefix(ShardId s, LogId log) { return Key(s).add(log.value).str(); }
inline std::string scheduled(ShardId s, SubscriptionId sub, base::Instant due, LogId log, Offset offset) {
  return Key(s).add(sub.value).add(static_cast<std::uint64_t>(due.us)).add(log.value).add(offset.value).str();
}
/// The value there of a message that waits for its first delivery: 1, and its priority if it has one. Others have a
/// delivery record; theirs is empty.
inline std::string scheduled_value(std::uint8_t priority) {
  std::string value("\1");
  if (priority != 0) value.push_back(static_cast<char>(priority));
  return value;
}
inline bool is_scheduled(std::string_view value) { return !value.empty() && value[0] == '\1'; }
/// Of a value that says that it is scheduled.
inline std::uint8_t scheduled_priority(std::string_view value) {
  const auto priority = value.size() > 1 ? static_cast<std::uint8_t>(value[1]) : std::uint8_t{0};
  return priority > model::kHighestPriority ? std::uint8_t{0} : priority;
}
inline std::string schedule_prefix(ShardId s, SubscriptionId sub) { return Key(s).add(sub.value).str(); }
/// In `hospital`.
inline std::string case_record(const CaseId& id) {
  return Key(id.shard).add(id.subscription.value).add(id.log.value).add(id.offset.value).str();
}
/// The byte after the shard in `hospital_index`. In each of the lists the newest admission is first.
enum class Index : std::uint8_t {
  by_time = 1,
  by_subscription = 2,
  by_group = 3,
  group = 4,  // no list: the groups themselves
  by_state = 5,
  name = 6,  // no list: which subscriptions had a name
  by_subscription_and_state = 7,
  by_correlation = 8,
  group_by_time = 9,  // no cases: groups by their newest admission, the newest first
  // 10 to 14: replay jobs and alerts
  by_origin = 15,  // no list: which case one from elsewhere became
  sums = 16,       // no list: what all cases of a subscription keep, and how many are closed
};
inline Key index(ShardId s, Index kind) { return Key(s).add(static_cast<std::uint8_t>(kind)); }
inline std::string indexed(Key key, const CaseId& id, base::Instant admitted_at, bool of_subscription) {
  key.add(~static_cast<std::uint64_t>(admitted_at.us));
  if (!of_subscription) key.add(id.subscription.value);
  return key.add(id.log.value).add(id.offset.value).str();
}
inline std::string case_by_time(const CaseId& id, base::Instant admitted_at) {
  return indexed(index(id.shard, Index::by_time), id, admitted_at, false);
}
inline std::string case_by_subscription(const CaseId& id, base::Instant admitted_at) {
  return indexed(index(id.shard, Index::by_subscription).add(id.subscription.value), id, admitted_at, true);
}
inline std::string case_by_group(const CaseId& id, base::Instant admitted_at, model::GroupId group) {
  return indexed(index(id.shard, Index::by_group).add(group.value), id, admitted_at, false);
}
inline std::string case_by_state(const CaseId& id, base::Instant admitted_at, model::CaseState state) {
  return indexed(index(id.shard, Index::by_state).add(static_cast<std::uint8_t>(state)), id, admitted_at, false);
}
inline std::string case_by_subscription_and_state(const CaseId& id, base::Instant admitted_at, model::CaseState state) {
  Key key = index(id.shard, Index::by_subscription_and_state);
  key.add(id.subscription.value).add(static_cast<std::uint8_t>(state));
  return indexed(std::move(key), id, admitted_at, true);
}
/// By a hash of the correlation id.
inline std::string case_by_correlation(const CaseId& id, base::Instant admitted_at, std::string_view correlation_id) {
  Key key = index(id.shard, Index::by_correlation);
  return indexed(key.add(model::hash_of_key(correlation_id).value), id, admitted_at, false);
}
inline std::string case_by_origin(ShardId s, SubscriptionId sub, const model::CaseOrigin& origin) {
  Key key = index(s, Index::by_origin).add(sub.value).add(std::uint32_t{origin.id.shard.value});
  key.add(origin.id.subscription.value).add(origin.id.log.value).add(origin.id.offset.value);
  return key.add(origin.message_id.raw()).add(static_cast<std::uint64_t>(origin.admitted_at.us)).str();
}
/// Its value: where the case is.
inline std::string imported_value(const CaseId& id) {
  std::string value;
  base::append_be(value, id.log.value);
  base::append_be(value, id.offset.value);
  return value;
}
/// Of all cases of a subscription together: storage/case_indexes.h has the value.
inline std::string case_sums(ShardId s, SubscriptionId sub) { return index(s, Index::sums).add(sub.value).str(); }
inline std::string group(ShardId s, model::GroupId id) { return index(s, Index::group).add(id.value).str(); }
inline std::string group_by_time(ShardId s, base::Instant last_seen, model::GroupId id) {
  return index(s, Index::group_by_time).add(~static_cast<std::uint64_t>(last_seen.us)).add(id.value).str();
}
/// Of a name that somebody asks for, which may be of any length: none goes on in another one.
inline std::string named(ShardId s, std::string_view name) {
  return index(s, Index::name).add(name).add(std::uint8_t{0}).str();
}
inline std::string named(ShardId s, std::string_view name, SubscriptionId sub) {
  return index(s, Index::name).add(name).add(std::uint8_t{0}).add(sub.value).str();
}
/// In `state`: a version of a case's message, from 1.
inline std::string case_edits(const CaseId& id) {
  return Key(id.shard, Kind::case_edit).add(id.subscription.value).add(id.log.value).add(id.offset.value).str();
}
inline std::string case_edit(const CaseId& id, std::uint32_t version) {
  return Key(id.shard, Kind::case_edit)
      .add(id.subscription.value)
      .add(id.log.value)
      .add(id.offset.value)
      .add(version)
      .str();
}
/// In `state`: closed cases, those closed longest first.
inline std::string closed_cases(ShardId s, SubscriptionId sub) {
  return Key(s, Kind::closed_case).add(sub.value).str();
}
inline std::string closed_case(ShardId s, SubscriptionId sub, base::Instant closed_at, LogId log, Offset offset) {
  return Key(s, Kind::closed_case)
      .add(sub.value)
      .add(static_cast<std::uint64_t>(closed_at.us))
      .add(log.value)
      .add(offset.value)
      .str();
}
inline std::string closed_case(const CaseId& id, base::Instant closed_at) {
  return closed_case(id.shard, id.subscription, closed_at, id.log, id.offset);
}
/// The same family, of shard 0: replay jobs, the sets they were chosen for, and what became of those.
inline std::string replay_jobs() { return Key(ShardId(0)).add(std::uint8_t{10}).str(); }
inline std::string replay_job(model::ReplayJobId job) {
  return Key(ShardId(0)).add(std::uint8_t{10}).add(job.value).str();
}
inline std::string replay_cases_of(model::ReplayJobId job) {
  return Key(ShardId(0)).add(std::uint8_t{11}).add(job.value).str();
}
inline std::string replay_cases(model::ReplayJobId job, std::uint32_t chunk) {
  return Key(ShardId(0)).add(std::uint8_t{11}).add(job.value).add(chunk).str();
}
inline std::string replay_outcomes_of(model::ReplayJobId job) {
  return Key(ShardId(0)).add(std::uint8_t{12}).add(job.value).str();
}
inline std::string replay_outcomes(model::ReplayJobId job, std::uint32_t chunk) {
  return Key(ShardId(0)).add(std::uint8_t{12}).add(job.value).add(chunk).str();
}
/// In `audit`, of shard 0: entries by their numbers, the newest that was written, the last that was trimmed.
inline std::string audit_entries() { return Key(ShardId(0)).add(std::uint8_t{1}).str(); }
inline std::string audit_entry(std::uint64_t number) { return Key(ShardId(0)).add(std::uint8_t{1}).add(number).str(); }
inline std::string audit_head() { return Key(ShardId(0)).add(std::uint8_t{2}).str(); }
inline std::string audit_anchor() { return Key(ShardId(0)).add(std::uint8_t{3}).str(); }
/// And alerts: until when the hospital has been looked at, and what was raised.
inline std::string alerts_looked_at() { return Key(ShardId(0)).add(std::uint8_t{13}).str(); }
inline std::string alerts() { return Key(ShardId(0)).add(std::uint8_t{14}).str(); }
inline std::string alert(model::AlertId number) {
  return Key(ShardId(0)).add(std::uint8_t{14}).add(number.value).str();
}
/// In `outbox`: what this shard owes to another, what is known to be there, and what came from another.
inline std::string outbox_entries(ShardId s, ShardId to) {
  return Key(s).add(std::uint8_t{1}).add(std::uint32_t{to.value}).str();
}
inline std::string outbox_entry(ShardId s, ShardId to, std::uint64_t number) {
  return Key(s).add(std::uint8_t{1}).add(std::uint32_t{to.value}).add(number).str();
}
inline std::string outbox_taken(ShardId s, ShardId to) {
  return Key(s).add(std::uint8_t{2}).add(std::uint32_t{to.value}).str();
}
inline std::string inbox_taken(ShardId s, ShardId from) {
  return Key(s).add(std::uint8_t{3}).add(std::uint32_t{from.value}).str();
}
/// In `dedup`.
inline std::string producer(ShardId s, LogId log, const model::ProducerId& id) {
  return Key(s).add(log.value).add(id.raw()).add(std::uint8_t{0}).str();
}
/// The other half of `dedup`: ids of messages.
inline constexpr std::uint64_t kOfIds = std::uint64_t{1} << 63;
inline std::string ids_prefix(ShardId s, LogId log) { return Key(s).add(log.value | kOfIds).str(); }
inline std::string ids(ShardId s, LogId log, Offset last) {
  return Key(s).add(log.value | kOfIds).add(last.value).str();
}
inline std::string sequences(ShardId s, LogId log, const model::ProducerId& id, std::uint64_t last) {
  return Key(s).add(log.value).add(id.raw()).add(std::uint8_t{1}).add(last).str();
}

// --- Ranges and series
//
// A memtable keeps its place in each series of keys that are written one behind the other (database.cpp). It must not
// for the begin of a range that is deleted, so that one has a length that no key has.

/// All messages of a log from `first` on begin behind this.
inline std::string before_message(ShardId s, LogId log, Offset first) {
  return first.value == 0 ? log_prefix(s, log) : message(s, log, Offset(first.value - 1)) + '\0';
}
/// The same of all sequences of a producer.
inline std::string before_sequences(ShardId s, LogId log, const model::ProducerId& id) {
  return Key(s).add(log.value).add(id.raw()).add(std::uint8_t{1}).str();
}

/// How many bytes of the key are its series'; 0: it is in none.
inline std::size_t series_of_message(std::string_view key) {
  constexpr std::size_t kLog = 2 + 8;
  return key.size() == kLog + 8 ? kLog : 0;
}
inline std::size_t series_of_producer(std::string_view key) {
  constexpr std::size_t kProducer = 2 + 8 + 16 + 1;
  const bool record = key.size() == kProducer && key.back() == 0;
  return record || key.size() == kProducer + 8 ? kProducer : 0;
}
/// Records that are written over and over, each a series of its own. Whole kinds of the others are deleted as ranges.
inline std::size_t series_of_state(std::string_view key) {
  const auto kind = key.size() > 2 ? static_cast<Kind>(key[2]) : Kind::attempt;
  const bool one_record =
      kind == Kind::shard_meta || kind == Kind::subscription || kind == Kind::log_state || kind == Kind::commit_number;
  return one_record ? key.size() : 0;
}

/// The first key behind every key that begins with `prefix`.
inline std::string behind(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

/// The last eight bytes of a key, a number.
inline std::uint64_t last_number(std::string_view key) {
  return base::load_be<std::uint64_t>(key.data() + key.size() - 8);
}
inline std::uint64_t number_at(std::string_view key, std::size_t at) {
  return base::load_be<std::uint64_t>(key.data() + at);
}

}  // namespace lazaret::storage::keys
