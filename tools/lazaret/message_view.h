// The message of a case, as `hospital show` prints it for people, and its body alone.
#pragma once

#include <string>

#include "http_client.h"

namespace lazaret::cli {

/// What the API is asked for when people are shown a message: of its body no more than they see.
Query of_what_is_shown();
/// What it is asked for when nobody looks at the body.
Query without_body();

/// Envelope and body, of a message as the API gives it: laid out, or in hexadecimal, no more than kBodyShown of it.
void print_message(const json::object& message);

/// The bytes of the body, of a message as the API gives it whole. Throws Error: MASKED when it is not shown,
/// MESSAGE_GONE (`message` is null) and MESSAGE_DAMAGED when there is none.
std::string body_of(const json::value& message);

}  // namespace lazaret::cli
