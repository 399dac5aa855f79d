// XML as text, laid out to be read. Nothing is resolved that a document could define for itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lazaret::cli {

/// One element a line, two blanks for each level (of which 64 are shown); what has only text stands in one line with
/// it, and blanks around a text are left out. Without a value when it is not well formed. `whole`: false is the
/// beginning of a document, which may end anywhere.
std::optional<std::string> laid_out_xml(std::string_view text, bool whole = true);

}  // namespace lazaret::cli
