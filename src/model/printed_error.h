// What a program printed about its own end: the last stack on its standard error, with the line that names the error.
// For commands, which can say it in no other way. The functions in the stack are read by top_frames
// (model/fingerprint.h).
//
// Threading: a pure function. It takes time in proportion to the text, whatever is in it.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace lazaret::model {

/// Views of the text that it was read from.
struct PrintedError {
  std::string_view type;     // "KeyError", "java.sql.SQLException", "panic"
  std::string_view message;  // of the same line, or in Rust of the next; may be ""
  std::size_t begins = 0;    // the offset of the stack's first line; whatever is before it is something else
};

/// The last error with a stack in `text`: of Python, Java, JavaScript (Node), .NET, Go and Ruby; what Rust, the C++
/// runtime and the sanitizers say of theirs needs none. Of errors that were raised by others the one that came out: in
/// Python the last, in Java and .NET the first.
std::optional<PrintedError> printed_error(std::string_view text);

}  // namespace lazaret::model
