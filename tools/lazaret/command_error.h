// The error that a command leaves behind: what it said of it on its standard error.
#pragma once

#include <string>

#include "command_process.h"
#include "model/case_record.h"

namespace lazaret::cli {

/// With a stack at the end of its standard error (model/printed_error.h): the type and the message that stand in it,
/// and as details the stack, behind the lines before it, each marked with "| ", so that nobody takes those for a part
/// of it. Without one: "exit 1" or "signal 9", the last line that says something, and all of it as details, unless
/// that line is all.
model::ErrorReport error_of(const CommandEnd& end);

/// Why it declines: all that it said, as far as a reason goes.
std::string reason_of(const CommandEnd& end);

}  // namespace lazaret::cli
