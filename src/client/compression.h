// Compression of bodies, between one client and another: the broker stores and checks the compressed bytes, and opens
// them only for who looks at a message in the hospital.
#pragma once

#include <cstddef>

#include "base/status.h"
#include "lazaret/types.h"

namespace lazaret::detail {

/// Compresses the body, if the message or the client wants it and it becomes smaller, and says so in content_encoding.
/// A body that is encoded already is left as it is.
void compress_body(Message& message, std::size_t compress_from);

/// Opens a body that is compressed; others are left alone. BAD_REQUEST when it is damaged, MESSAGE_TOO_LARGE when it
/// would have more than `most` bytes: no more memory than that is taken.
base::Status open_body(Message& message, std::size_t most);

}  // namespace lazaret::detail
