// Fingerprints: which failures have the same cause. Of an error's text what varies from case to case is taken out, and
// of the stack that came with it the topmost functions are kept, whatever language wrote it.
//
// Stable over versions of the broker: operators write the ids of groups down, and they are on the disk. Where a
// version learns to take out more, failures with such a text have another group from then on; a case that is there
// keeps its own.
//
// Threading: pure functions. They take time in proportion to the text, whatever is in it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "model/case_record.h"

namespace lazaret::model {

/// How much is kept of a text, and of one function's name, in bytes.
inline constexpr std::size_t kFingerprintTextBytes = 512;
inline constexpr std::size_t kFrameBytes = 200;
inline constexpr std::size_t kFrames = 3;

/// The text with '#' in place of numbers, hexadecimal words, UUIDs, long ids, times, network addresses (with their
/// port, and in brackets), addresses of hardware and mail addresses, and of what stands in quotes: " ' ` “” ‘’ „“ ‚‘ «»
/// and »«, in which one behind a backslash is none. Spaces in a row are one. Cut to kFingerprintTextBytes.
std::string normalised_error(std::string_view text);

/// The topmost functions of the stack in `details`, at most kFrames, one a line: of C++ (gdb, AddressSanitizer, Boost,
/// std::stacktrace, backtrace_symbols), Java, Python, Go, JavaScript (Node) and .NET. "" when there is none. Without
/// line numbers, addresses and arguments; a number within a name is '#', since compilers count what has no name.
std::string top_frames(std::string_view details);

/// The group of a case: of its subscription, the type of its message, its last error and `error_frames`. A case without
/// frames has the group that versions before format 8 showed, as far as its text has nothing but numbers to take out.
GroupId group_of(const CaseRecord& record);

}  // namespace lazaret::model
