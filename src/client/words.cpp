#include "client/words.h"

#include <algorithm>

#include "base/duration_text.h"
#include "base/text_encoding.h"
#include "client/message_codec.h"
#include "model/accepted_types.h"
#include "model/limits.h"
#include "model/message_times.h"
#include "model/options.h"

namespace lazaret::detail {

using base::Code;
using base::Status;
namespace limits = model::limits;

namespace {

/// A character, and the mark of a cut, begin at most so far before the end.
constexpr std::size_t kBeyond = 16;

}  // namespace

std::string as_text(std::string_view bytes, std::size_t most) { return base::to_utf8(bytes.substr(0, most + kBeyond)); }

std::string as_short_text(std::string_view bytes, std::size_t most) {
  std::string text = as_text(bytes, most);
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text;
}

model::ErrorReport as_report(std::string_view type, std::string_view message, std::string_view details) {
  return {as_text(type, limits::kErrorTypeBytes), as_text(message, limits::kErrorMessageBytes),
          as_text(details, limits::kErrorDetailsBytes)};
}

Status check_queue_name(std::string_view name) { return model::validate_name(name); }

Status check_accepts(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (!base::is_utf8(word)) return {Code::INVALID_OPTION, "accepts: a type is not UTF-8"};
  }
  if (words.empty()) return {};
  const auto types = model::AcceptedTypes::parse(words);
  return types.ok() ? Status() : types.status();
}

Status check_texts(const Message& message) {
  const std::pair<std::string_view, const std::string*> texts[] = {
      {"type", &message.type},
      {"key", &message.key},
      {"content_type", &message.content_type},
      {"correlation_id", &message.correlation_id},
      {"causation_id", &message.causation_id},
      {"reply_to", &message.reply_to},
      {"schema_id", &message.schema_id},
      {"traceparent", &message.traceparent},
      {"content_encoding", &message.content_encoding},
  };
  for (const auto& [name, text] : texts) {
    if (!base::is_utf8(*text)) return {Code::BAD_REQUEST, "the " + std::string(name) + " of the message is not UTF-8"};
  }
  for (const auto& [name, value] : message.headers) {
    if (name.empty()) return {Code::BAD_REQUEST, "a header has no name"};
    if (!base::is_utf8(name)) return {Code::BAD_REQUEST, "the name of a header is not UTF-8"};
  }
  return {};
}

Status check_context(const Headers& context) {
  for (const auto& [name, value] : context) {
    if (!base::is_utf8(name)) return {Code::BAD_REQUEST, "a name in the context is not UTF-8"};
  }
  return {};
}

namespace {

/// What is far beyond every limit stays so, and within what microseconds can count.
base::Duration bounded(milliseconds time) {
  constexpr auto kFar = std::chrono::duration_cast<milliseconds>(2 * limits::kDelayMost);
  return std::clamp(time, -kFar, kFar);
}

}  // namespace

Status check_published(const Message& message) {
  LZ_RETURN_IF_ERROR(model::check_times({bounded(message.delay),
                                         {micros_of(message.deliver_at)},
                                         bounded(message.ttl),
                                         {micros_of(message.expires_at)}}));
  return check_texts(message);
}

Status check_request(const Message& message) {
  const bool has_deliver_at = message.deliver_at != std::chrono::system_clock::time_point();
  if (message.delay.count() != 0 || message.ttl.count() != 0 || has_deliver_at) {
    return {Code::BAD_REQUEST, "a request has a deadline, and neither a delay nor a time to live"};
  }
  return check_texts(message);
}

Status check_within(milliseconds within) {
  constexpr auto kMost = std::chrono::duration_cast<milliseconds>(limits::kRequestTimeMost);
  if (within >= milliseconds(0) && within <= kMost) return {};
  return Status(Code::BAD_REQUEST, "the deadline of a durable request is at most " + base::format_duration(kMost) +
                                       " away, and not in the past: it is " + std::to_string(within.count()) + "ms")
      .with_limit("deadline_seconds", std::chrono::duration_cast<std::chrono::seconds>(kMost).count());
}

}  // namespace lazaret::detail
