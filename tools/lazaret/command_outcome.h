// What the end of a command says of the message that it was run for.
#pragma once

#include "command_process.h"
#include "consuming.h"

namespace lazaret::cli {

/// Of a command that exits with 75, when --retry-after is not given.
inline constexpr std::chrono::seconds kRetryAfter{30};

/// 0: done, 65: rejected, 75: failed with a later retry; 126 and 127: it cannot be run, which ends the consuming; any
/// other status, or a signal: failed.
Consuming::Outcome outcome_of(const CommandEnd& end, milliseconds retry_after);

/// Reports why it ended, if that was not asked for. Does not return when commands still run: nothing of what they use
/// may be taken down.
void end_with(const Consuming::Totals& totals, bool as_json, CommandProcess& process, int& exit_status);

}  // namespace lazaret::cli
