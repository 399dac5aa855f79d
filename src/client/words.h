// The user's words on their way to the wire, where text is UTF-8: the broker ends a connection over anything else, and
// the same words would end the next one. What is for people is mended, what is a name is refused.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "lazaret/types.h"
#include "model/case_record.h"

namespace lazaret::detail {

/// As UTF-8, bytes that are none replaced. Of more than `most` bytes only so much stays that it is cut once more.
std::string as_text(std::string_view bytes, std::size_t most);
/// The same cut to at most `most` bytes, at the end of a character.
std::string as_short_text(std::string_view bytes, std::size_t most);
/// What a handler said of its failure; the encoder cuts it, and says so.
model::ErrorReport as_report(std::string_view type, std::string_view message, std::string_view details);

/// INVALID_NAME for what can be no queue.
base::Status check_queue_name(std::string_view name);
/// INVALID_OPTION for types that no consumer can accept.
base::Status check_accepts(const std::vector<std::string>& words);
/// BAD_REQUEST naming the field that is not UTF-8.
base::Status check_texts(const Message& message);
/// The same of what comes back with a reply.
base::Status check_context(const Headers& context);
/// Of what is published: check_texts, and BAD_REQUEST for times that cannot be meant: less than nothing, more than
/// there is, or both of a pair.
base::Status check_published(const Message& message);
/// Of a request: check_texts, and BAD_REQUEST for a delay or a time to live. It has a deadline instead, and its frame
/// no place for them: they would be lost without a word.
base::Status check_request(const Message& message);
/// Of a durable request (Ask::within): BAD_REQUEST for a deadline that has passed, or is more than a year away.
base::Status check_within(milliseconds within);

}  // namespace lazaret::detail
