// A quarantine rule: messages of a subscription that match go to the hospital instead of to a consumer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "model/ids.h"

namespace lazaret::model {

/// What a rule is called outside: "shard-subscription-number".
struct QuarantineId {
  ShardId shard;
  SubscriptionId subscription;
  std::uint64_t number = 0;
  auto operator<=>(const QuarantineId&) const = default;

  std::string to_string() const;
  static std::optional<QuarantineId> parse(std::string_view text);
};

struct QuarantineRecord {
  SubscriptionId subscription;
  std::uint64_t number = 0;  // given by its shard, never reused
  /// Which messages (model/filter.h). At least one term.
  std::string filter;
  std::string reason;
  base::Instant until;  // 0: until it is lifted
  base::Instant created_at;
  std::uint64_t caught = 0;  // cases that it has made
  bool operator==(const QuarantineRecord&) const = default;
};

}  // namespace lazaret::model
