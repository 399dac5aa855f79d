#include "model/audit_entry.h"

#include <algorithm>

#include "base/fixed_int.h"
#include "base/text_encoding.h"
#include "model/limits.h"

namespace lazaret::model {
namespace {

constexpr std::string_view kCutMark = "…";

/// UTF-8, and no longer than that, the mark of a cut included.
void bound(std::string& text, std::size_t most) {
  if (!base::is_utf8(text)) text = base::to_utf8(std::string_view(text).substr(0, most));
  if (text.size() <= most) return;
  std::size_t end = most - kCutMark.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  text += kCutMark;
}

void append(std::string& bytes, std::string_view text) {
  base::append_le(bytes, static_cast<std::uint32_t>(text.size()));
  bytes += text;
}

void append(std::string& bytes, const AuditFields& fields) {
  base::append_le(bytes, static_cast<std::uint32_t>(fields.size()));
  for (const auto& [name, value] : fields) {
    append(bytes, name);
    append(bytes, value);
  }
}

}  // namespace

std::string_view name_of(AuditPhase phase) { return phase == AuditPhase::began ? "began" : "ended"; }

std::optional<AuditPhase> audit_phase_of(std::string_view name) {
  for (const AuditPhase phase : {AuditPhase::began, AuditPhase::ended}) {
    if (name == name_of(phase)) return phase;
  }
  return std::nullopt;
}

AuditFields bounded(AuditFields fields) {
  for (auto& [name, value] : fields) {
    bound(name, limits::kAuditNameBytes);
    bound(value, limits::kAuditTextBytes);
  }
  std::stable_sort(fields.begin(), fields.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  fields.erase(
      std::unique(fields.begin(), fields.end(), [](const auto& a, const auto& b) { return a.first == b.first; }),
      fields.end());
  std::size_t bytes = 0;
  const auto too_many = std::find_if(fields.begin(), fields.end(), [&bytes](const auto& field) {
    bytes += field.first.size() + field.second.size();
    return bytes > limits::kAuditFieldsBytes;
  });
  if (too_many == fields.end()) return fields;
  fields.erase(too_many, fields.end());
  std::erase_if(fields, [](const auto& field) { return field.first == "cut"; });
  const auto place = std::lower_bound(fields.begin(), fields.end(), "cut",
                                      [](const auto& field, std::string_view name) { return field.first < name; });
  fields.emplace(place, "cut", "true");
  return fields;
}

AuditCall bounded(AuditCall call) {
  bound(call.actor, limits::kAuditNameBytes);
  bound(call.peer, limits::kAuditNameBytes);
  bound(call.operation, limits::kAuditNameBytes);
  bound(call.target, limits::kAuditTextBytes);
  call.details = bounded(std::move(call.details));
  return call;
}

AuditChange bounded(AuditChange change) {
  return {bounded(std::move(change.before)), bounded(std::move(change.after))};
}

base::Sha256 digest(const AuditEntry& entry) {
  std::string bytes(reinterpret_cast<const char*>(entry.previous.data()), entry.previous.size());
  base::append_le(bytes, entry.number);
  base::append_le(bytes, static_cast<std::uint64_t>(entry.at.us));
  bytes += static_cast<char>(entry.phase);
  base::append_le(bytes, entry.began);
  base::append_le(bytes, static_cast<std::uint64_t>(entry.called_at.us));
  for (const std::string* text : {&entry.call.actor, &entry.call.peer, &entry.call.operation, &entry.call.target}) {
    append(bytes, *text);
  }
  append(bytes, entry.call.details);
  base::append_le(bytes, entry.status);
  append(bytes, entry.code);
  append(bytes, entry.change.before);
  append(bytes, entry.change.after);
  return base::sha256(bytes);
}

AuditPoint chain_behind(const AuditPoint& head, AuditEntry& entry) {
  entry.number = head.number + 1;
  entry.previous = head.hash;
  entry.hash = digest(entry);
  return entry.point();
}

}  // namespace lazaret::model
