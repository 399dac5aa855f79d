// The numbers that name things in a broker. Each is its own type.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/strong_id.h"
#include "base/uuid.h"

namespace lazaret::model {

/// A partition of the broker's state with one owner thread. Fixed in number when the data directory is created.
using ShardId = base::StrongId<struct ShardTag, std::uint16_t>;
/// A log (or a replay lane, which is a small log). Given by the catalog, never reused. 0 is none.
using LogId = base::StrongId<struct LogTag>;
/// A subscription; a queue owns one. Given by the catalog, never reused. 0 is none.
using SubscriptionId = base::StrongId<struct SubscriptionTag>;
/// A message's place in its log: from 0, without gaps.
using Offset = base::StrongId<struct OffsetTag>;
/// A delivery's number: rises for ever in a shard, also over restarts (the epoch is its upper 24 bits).
using Grant = base::StrongId<struct GrantTag>;
/// A connection (or the admin API's desk) as the engine knows it. Never reused while the process lives.
using SessionId = base::StrongId<struct SessionTag>;
/// The group of mutations that a step belongs to: one WriteBatch part, numbered per shard from 1.
using GroupNumber = base::StrongId<struct GroupTag>;

/// A replay job: from 1, in the order in which they were created, never reused. 0 is none.
using ReplayJobId = base::StrongId<struct ReplayJobTag>;

/// An alert: from 1, in the order in which they were raised.
using AlertId = base::StrongId<struct AlertTag>;

/// A client process; chosen by the client, fresh for every start of the process.
using InstanceId = base::Uuid;
/// Who numbers publishes, for deduplication; chosen by the client.
using ProducerId = base::Uuid;
using MessageId = base::Uuid;

/// What the broker knows an ordering key by: a hash of its bytes, which stands on the disk and so never changes. Two
/// keys with one hash are ordered as if they were one. 0: the message has no key.
using KeyHash = base::StrongId<struct KeyTag>;
/// FNV-1a, 64 bits; 0 for "" only.
KeyHash hash_of_key(std::string_view key);

/// A consumer: its instance, and the number that the instance gave it. It outlives connections.
struct ConsumerKey {
  InstanceId instance;
  std::uint64_t number = 0;
  auto operator<=>(const ConsumerKey&) const = default;
};

/// The right to settle one delivery. Refused as LEASE_LOST once the message is granted anew or has left.
struct LeaseToken {
  ShardId shard;
  SubscriptionId subscription;
  LogId log;
  Offset offset;
  Grant grant;
  auto operator<=>(const LeaseToken&) const = default;
};

/// A hospital case: one message on one subscription. The text form is "shard-subscription-log-offset".
struct CaseId {
  ShardId shard;
  SubscriptionId subscription;
  LogId log;      // the log that the message was published to, never a replay lane
  Offset offset;  // in that log
  auto operator<=>(const CaseId&) const = default;

  std::string to_string() const;
  static std::optional<CaseId> parse(std::string_view text);
};

/// Cases of one cause (model/fingerprint.h). The text form is twelve hexadecimal digits; 0 is none.
struct GroupId {
  std::uint64_t value = 0;
  auto operator<=>(const GroupId&) const = default;
  explicit operator bool() const { return value != 0; }

  std::string to_string() const;
  static std::optional<GroupId> parse(std::string_view text);
};

/// A half-open stretch of offsets: [begin, end).
struct OffsetRange {
  Offset begin;
  Offset end;
  auto operator<=>(const OffsetRange&) const = default;
  std::uint64_t size() const { return end.value - begin.value; }
};

}  // namespace lazaret::model
