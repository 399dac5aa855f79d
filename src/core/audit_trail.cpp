// What the core does for the audit trail (shard 0): it gives each entry its number and its place in the chain, and has
// those go that are too old. Who writes entries, and of what, is engine/audit_trail.h.
#include <utility>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {

using base::Duration;
using base::Instant;

void Shard::State::on(model::AppendAuditCommand& command) {
  model::AuditEntry& entry = *command.entry;
  entry.at = now;
  audit_head = model::chain_behind(audit_head, entry);
  mutate(model::AppendAudit{std::move(entry)}, true);
  if (audit_oldest == Instant::never()) audit_oldest = now;
  const Duration keep = config.audit_retain_for;
  // With what is written anyway: a broker whose trail rests writes nothing for it.
  if (keep > Duration(0) && audit_oldest + keep < now) {
    mutate(model::TrimAudit{now - keep, model::limits::kAuditTrimmed}, true);
  }
  done(command.origin, {}, audit_head.number);
}

}  // namespace lazaret::core
