#include "model/audit_chain.h"

#include "base/assert.h"

namespace lazaret::model {
namespace {

std::string entry_name(std::uint64_t number) { return "entry " + std::to_string(number); }

}  // namespace

std::optional<std::string> AuditChain::add(const AuditEntry& entry) {
  if (digest(entry) != entry.hash) {
    return entry_name(entry.number) + " was changed: it is not what its hash was made of";
  }
  if (count_ > 0) {
    const bool forward = order_ == Order::oldest_first;
    if (auto wrong = follows(forward ? last_ : entry, forward ? entry : last_)) return wrong;
  } else {
    first_ = entry.point();
    before_first_ = entry.previous;
  }
  last_ = entry;
  ++count_;
  return std::nullopt;
}

/// The one that is given now is `newer` or `older`, by the order.
std::optional<std::string> AuditChain::follows(const AuditEntry& older, const AuditEntry& newer) const {
  const bool forward = order_ == Order::oldest_first;
  const std::uint64_t given = forward ? newer.number : older.number;
  const std::uint64_t expected = forward ? older.number + 1 : newer.number - 1;
  const bool skips = forward ? given > expected : given < expected;
  if (skips) return entry_name(expected) + " is missing: behind it stands " + entry_name(given);
  if (given != expected) {
    return entry_name(given) + " is out of its place: " + entry_name(expected) + " was to come";
  }
  if (newer.previous != older.hash) {
    return entry_name(newer.number) + " does not follow from " + entry_name(older.number) +
           ": one of them was put in the place of another";
  }
  return std::nullopt;
}

std::optional<std::string> AuditChain::check_oldest(const AuditPoint& anchor) const {
  LZ_ASSERT(count_ > 0);
  const std::uint64_t number = oldest().number;
  if (number > anchor.number + 1) {
    return entry_name(anchor.number + 1) + " is missing: the oldest that is there is " + entry_name(number);
  }
  const base::Sha256& before = order_ == Order::oldest_first ? before_first_ : last_.previous;
  if (number == anchor.number + 1 && before == anchor.hash) return std::nullopt;
  return entry_name(number) + " does not follow from " + entry_name(anchor.number) + ", the last that was trimmed";
}

std::optional<std::string> AuditChain::check_newest(const AuditPoint& head) const {
  LZ_ASSERT(count_ > 0);
  const AuditPoint last = newest();
  if (last.number < head.number) {
    return entry_name(last.number + 1) + " is missing: the newest must be " + entry_name(head.number);
  }
  if (last == head) return std::nullopt;
  return entry_name(last.number) + " is not the newest that was written, which is " + entry_name(head.number);
}

}  // namespace lazaret::model
