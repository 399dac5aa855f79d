// AuditEntry: one entry of the audit trail. A call that changes something, or shows a message, has two: `began` is
// durable before it is done, `ended` says how it went. Each entry has a hash of all that it says and of the hash of the
// one before it, so none can be changed, left out, moved or put in between without all that follow.
//
// What is hashed is written down in docs/audit.md, so that anybody can check an export without us.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/sha256.h"
#include "base/time.h"

namespace lazaret::model {

/// A place in the chain: an entry's number and hash. 0 and zeros: before the first.
struct AuditPoint {
  std::uint64_t number = 0;
  base::Sha256 hash{};
  bool operator==(const AuditPoint&) const = default;
};

enum class AuditPhase : std::uint8_t { began = 1, ended = 2 };
/// "began" or "ended".
std::string_view name_of(AuditPhase phase);
std::optional<AuditPhase> audit_phase_of(std::string_view name);

/// Names and what they are, ascending by name, no name twice.
using AuditFields = std::vector<std::pair<std::string, std::string>>;

/// Who calls, what, on what. Of strangers: it is cut to its limits, and made UTF-8, before it is written (`bounded`).
struct AuditCall {
  std::string actor;      // as they say
  std::string peer;       // the address that they come from
  std::string operation;  // as /openapi.json names it
  std::string target;     // a queue, a case, a group, a job, a rule, a filter
  AuditFields details;    // what else was asked; never what a message says
  bool operator==(const AuditCall&) const = default;
};
/// What an operation changed: what differs, and which version of a case it was.
struct AuditChange {
  AuditFields before;
  AuditFields after;
  bool operator==(const AuditChange&) const = default;
};

struct AuditEntry {
  std::uint64_t number = 0;  // from 1, without gaps
  base::Instant at;          // when it was written
  AuditPhase phase = AuditPhase::began;
  std::uint64_t began = 0;  // of `ended`: the number of the entry that began
  base::Instant called_at;  // when the call came: the same in both entries
  AuditCall call;           // of `ended`: without details
  // Of `ended`:
  std::uint32_t status = 0;  // of HTTP, or what HTTP would have said
  std::string code;          // of the error table; "": none
  AuditChange change;
  // The chain:
  base::Sha256 previous{};  // hash of the entry before
  base::Sha256 hash{};      // of all of the above

  AuditPoint point() const { return {number, hash}; }
  bool operator==(const AuditEntry&) const = default;
};

/// Sorted, each name once, each text within its limit; what does not fit into kAuditFieldsBytes is left out, and "cut"
/// says so.
AuditFields bounded(AuditFields fields);
AuditCall bounded(AuditCall call);
AuditChange bounded(AuditChange change);

/// What the entry's hash must be.
base::Sha256 digest(const AuditEntry& entry);
/// Makes it the entry behind `head`. Gives the new head.
AuditPoint chain_behind(const AuditPoint& head, AuditEntry& entry);

}  // namespace lazaret::model
