#include "admin/case_json.h"

#include <cstdio>

#include "admin/json_text.h"
#include "base/text_encoding.h"

namespace lazaret::admin {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_word(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

constexpr std::size_t kUuidText = 36;

/// A word with what varies replaced by '#': all of it when it is a hexadecimal number, else its digits.
void add_word(std::string& out, std::string_view word) {
  const bool prefixed = word.starts_with("0x") || word.starts_with("0X");
  const std::string_view bare = prefixed ? word.substr(2) : word;
  bool digits = prefixed;  // "dead" may be a word, "0xdead" is a number
  bool hex = true;
  for (const char c : bare) {
    digits = digits || is_digit(c);
    hex = hex && is_hex(c);
  }
  if (hex && digits) {
    out += '#';
    return;
  }
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (!is_digit(word[i])) {
      out += word[i];
    } else if (i == 0 || !is_digit(word[i - 1])) {
      out += '#';
    }
  }
}

std::string normalised(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (base::Uuid::parse(text.substr(i, kUuidText))) {
      out += '#';
      i += kUuidText;
    } else if (!is_word(text[i])) {
      out += text[i++];
    } else {
      std::size_t end = i;
      while (end < text.size() && is_word(text[end])) ++end;
      add_word(out, text.substr(i, end - i));
      i = end;
    }
  }
  return out;
}

/// FNV-1a: not for adversaries, only short and the same for ever.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3ull;
  return hash;
}

json::value id_or_null(const base::Uuid& id) {
  if (id.is_nil()) return nullptr;
  return json::string(id.to_string());
}

}  // namespace

std::string group_of(const model::CaseRecord& record) {
  std::string cause;
  for (const std::string& part : {record.subscription, record.summary.type, record.last_error.type}) {
    cause += part;
    cause += '\0';
  }
  char text[17];
  std::snprintf(text, sizeof text, "%016llx",
                static_cast<unsigned long long>(hash_of(cause + normalised(record.last_error.message))));
  return std::string(text, 12);
}

json::object case_json(const model::CaseRecord& record) {
  return {
      {"id", record.id.to_string()},
      {"subscription", record.subscription},
      {"source", record.source},
      {"offset", record.source_offset().value},
      {"message_id", id_or_null(record.summary.message_id)},
      {"type", text_or_null(record.summary.type)},
      {"key", text_or_null(record.summary.key)},
      {"correlation_id", text_or_null(record.summary.correlation_id)},
      {"body_bytes", record.summary.body_bytes},
      {"reason", model::to_string(record.reason)},
      {"state", model::to_string(record.state)},
      {"attempt_count", record.attempt_count},
      {"failure_count", record.failure_count},
      {"replay_count", record.replay_count},
      {"relapse_count", record.relapse_count},
      {"error_type", text_or_null(record.last_error.type)},
      {"error_message", text_or_null(record.last_error.message)},
      {"admitted_at", time_or_null(record.admitted_at)},
      {"first_admitted_at", time_or_null(record.first_admitted_at)},
      {"closed_at", time_or_null(record.closed_at)},
      {"late_ack", record.late_ack},
      {"discard_reason", text_or_null(record.discard_reason)},
      {"group", group_of(record)},
  };
}

json::object attempt_json(const model::Attempt& attempt) {
  return {
      {"number", attempt.number},
      {"consumer", json::object{{"name", base::to_utf8(attempt.consumer.name)},
                                {"host", base::to_utf8(attempt.consumer.host)},
                                {"version", base::to_utf8(attempt.consumer.version)},
                                {"instance", id_or_null(attempt.consumer.instance)}}},
      {"started_at", time_or_null(attempt.started_at)},
      {"ended_at", time_or_null(attempt.ended_at)},
      {"outcome", model::to_string(attempt.outcome)},
      {"late", attempt.late},
      {"error_type", text_or_null(attempt.error.type)},
      {"error_message", text_or_null(attempt.error.message)},
      {"error_details", text_or_null(attempt.error.details)},
  };
}

}  // namespace lazaret::admin
