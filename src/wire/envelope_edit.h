// What an operator changes of an envelope. All else of it stays as it is, fields of newer clients included.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace lazaret::wire {

struct EnvelopeChanges {
  /// All headers of this name go, and these come; they stand behind the others.
  std::vector<std::pair<std::string, std::vector<std::string>>> headers;
  std::optional<std::string> content_type;
  /// The body is not encoded any more.
  bool drops_encoding = false;
  bool empty() const { return headers.empty() && !content_type && !drops_encoding; }
};

/// The envelope with the changes: bytes that were taken before. HEADERS_TOO_LARGE naming the limit, or BAD_REQUEST.
base::Result<std::string> edited_envelope(std::string_view bytes, const EnvelopeChanges& changes,
                                          std::size_t max_bytes);

}  // namespace lazaret::wire
