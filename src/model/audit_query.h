// What is asked of a store about the audit trail, and what it answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/audit_entry.h"

namespace lazaret::model {

/// What is given must all hold: the entry says exactly this, its call came not before `since` and before `until`.
struct AuditQuery {
  std::optional<std::string> actor = {};
  std::optional<std::string> operation = {};
  std::optional<std::string> target = {};
  std::optional<base::Instant> since = {};
  std::optional<base::Instant> until = {};

  bool matches(const AuditEntry& entry) const {
    return (!actor || entry.call.actor == *actor) && (!operation || entry.call.operation == *operation) &&
           (!target || entry.call.target == *target) && (!since || entry.called_at >= *since) &&
           (!until || entry.called_at < *until);
  }
  /// Whether none that is older can match: an entry is written after its call came.
  bool ends_behind(const AuditEntry& entry) const { return since && entry.at < *since; }
};

struct AuditPage {
  std::vector<AuditEntry> entries;  // the newest first
  /// The next page begins below this number; 0: there is none. A page may be short, even empty, and go on: it has
  /// looked at as many as a page may.
  std::uint64_t next = 0;
  AuditPoint anchor;  // the last that was trimmed
  AuditPoint head;    // the newest that was written
};

}  // namespace lazaret::model
