#include "command_outcome.h"

#include <unistd.h>

#include "command_error.h"
#include "output.h"

namespace lazaret::cli {
namespace {

using base::Code;
using base::Status;

// What the exit status of a command says; of sysexits.h where that has a word for it.
constexpr int kBadInput = 65;
constexpr int kTryLater = 75;
constexpr int kCannotRun = 126;
constexpr int kNotFound = 127;

}  // namespace

Consuming::Outcome outcome_of(const CommandEnd& end, milliseconds retry_after) {
  if (end.exit == 0) return {};
  const auto [type, text, details] = error_of(end);
  switch (end.exit) {
    case kBadInput: return {Verdict::reject(text, type, details), {}};
    case kTryLater: return {Verdict::fail(text, type, details).retry_after(retry_after), {}};
    case kCannotRun:
    case kNotFound:
      return {Verdict::release(),
              problem_of(Status(Code::USAGE, "the command cannot be run (" + end.type() + "): " + text))};
    default: return {Verdict::fail(text, type, details), {}};
  }
}

void end_with(const Consuming::Totals& totals, bool as_json, CommandProcess& process, int& exit_status) {
  if (totals.problem) {
    report(*totals.problem, as_json);
    exit_status = exit_of(*totals.problem);
  } else if (totals.abandoned > 0) {
    report(problem_of(Status(Code::DEADLINE_EXCEEDED, counted(totals.abandoned, "command") + " did not end in time")),
           as_json);
    exit_status = 1;
  }
  if (!totals.still_busy) return;
  // Threads of the consumer are still in what stands on the stack of whoever called us.
  process.kill_all();
  ::_exit(exit_status);
}

}  // namespace lazaret::cli
