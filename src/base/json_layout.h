// JSON as text, laid out to be read. Nothing is built in memory, so numbers and texts stay as they were written.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lazaret::base {

/// One value a line, two blanks for each level (of which 64 are shown); nothing but blanks between tokens differs. Of
/// what is no JSON, or only its beginning, something as long as that.
std::string laid_out_json(std::string_view text);

/// Where the string ends that begins at `at`, behind its quote; in no case behind the end of the text.
std::size_t end_of_json_string(std::string_view text, std::size_t at);

}  // namespace lazaret::base
