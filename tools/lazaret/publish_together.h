// lazaret publish --together: all messages of the input in one atomic write.
#pragma once

#include <string>
#include <vector>

#include "commands.h"
#include "lazaret/lazaret.h"

namespace lazaret::cli {

/// A message from a line of JSON with a member `to`; without one it goes to `queue`. Throws Error.
Addressed read_addressed_json(const std::string& line, const std::string& queue, const Message& defaults);
/// Prints an object per message, as publish does. Throws Error when they are refused.
void publish_together(Client client, std::vector<Addressed> messages, bool as_json);

}  // namespace lazaret::cli
