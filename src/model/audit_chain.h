// AuditChain: looks whether entries of the audit trail, given one after the other, are a piece of one chain.
//
// It finds what was changed, left out, moved or put in between. It cannot find that somebody who could write the data
// directory has made the whole chain anew from some entry on: for that somebody must have kept a later point of it.
//
// Threading: as a value.
#pragma once

#include <optional>
#include <string>

#include "model/audit_entry.h"

namespace lazaret::model {

class AuditChain {
 public:
  enum class Order : std::uint8_t { oldest_first, newest_first };
  explicit AuditChain(Order order) : order_(order) {}

  /// The next entry. nullopt: it fits; else a sentence about what is wrong, after which nothing more is to be added.
  std::optional<std::string> add(const AuditEntry& entry);
  /// Whether the oldest entry is the one behind `anchor`, the last that was trimmed. REQUIRES an entry.
  std::optional<std::string> check_oldest(const AuditPoint& anchor) const;
  /// Whether the newest entry is `head`. REQUIRES an entry.
  std::optional<std::string> check_newest(const AuditPoint& head) const;

  std::uint64_t count() const { return count_; }
  AuditPoint oldest() const { return order_ == Order::oldest_first ? first_ : last_.point(); }
  AuditPoint newest() const { return order_ == Order::oldest_first ? last_.point() : first_; }

 private:
  std::optional<std::string> follows(const AuditEntry& older, const AuditEntry& newer) const;

  const Order order_;
  std::uint64_t count_ = 0;
  AuditPoint first_;
  base::Sha256 before_first_{};  // what the first says of the one before it
  AuditEntry last_;
};

}  // namespace lazaret::model
