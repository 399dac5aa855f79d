#include "admin/case_message.h"

#include "admin/json_body.h"
#include "admin/json_text.h"
#include "admin/line_diff.h"
#include "base/crc32c.h"
#include "base/json_layout.h"
#include "base/text_encoding.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;

/// Of what is seen: a checksum of a short text that is masked would tell it.
std::string size_and_sum(std::string_view body) {
  return std::to_string(body.size()) + " bytes, CRC-32C " + std::to_string(base::crc32c(body));
}

std::string body_text(const MaskedMessage& seen) {
  if (seen.protobuf && seen.protobuf->decoded() && seen.protobuf->json.size() <= kDiffBytes) {
    // Bytes may differ that say the same.
    const std::string bytes = seen.withheld.empty() ? ", " + size_and_sum(seen.own) : "";
    return "protobuf " + seen.protobuf->type + bytes + "\n" + base::laid_out_json(seen.protobuf->json);
  }
  if (!seen.withheld.empty()) return "the body is not shown: " + seen.withheld;
  const std::string_view body = seen.body();
  const bool shown = body.size() <= kDiffBytes && base::is_utf8(body);
  if (shown && is_json_type(seen.envelope.content_type) && is_json_text(body)) return base::laid_out_json(body);
  if (shown) return std::string(body);
  return size_and_sum(body);
}

/// As a difference is made of it: what can be edited, a line each.
std::string text_of(const MaskedMessage& seen) {
  std::string text = "content_type: " + base::to_utf8(seen.envelope.content_type) + "\n";
  if (!seen.envelope.content_encoding.empty()) {
    text += "content_encoding: " + base::to_utf8(seen.envelope.content_encoding) + "\n";
  }
  for (const auto& [name, value] : seen.envelope.headers) {
    text += "header " + base::to_utf8(name) + ": " + base::to_utf8(value) + "\n";
  }
  return text + "\n" + body_text(seen);
}

std::string_view name_of(DiffLine::Kind kind) {
  switch (kind) {
    case DiffLine::Kind::same: return "same";
    case DiffLine::Kind::removed: return "removed";
    case DiffLine::Kind::added: return "added";
  }
  return "same";
}

}  // namespace

Result<model::MessageRef> read_version(Broker& broker, const model::CaseRecord& record, std::uint32_t version) {
  if (version > 0) return broker.engine.store().read_version(record.id, version);
  auto message = read_message(broker, record.id.shard, record.id.log, record.id.offset);
  if (message.code() != Code::NOT_FOUND) return message;
  return Status(Code::MESSAGE_GONE, "the message of case " + record.id.to_string() + " is not kept any more");
}

Result<json::object> difference_between(Broker& broker, const model::Message& from, const model::Message& to) {
  const auto before = broker.config.mask.shown(from, Compressed::opened);
  if (!before.ok()) return before.status();
  const auto after = broker.config.mask.shown(to, Compressed::opened);
  if (!after.ok()) return after.status();
  json::array lines;
  for (const DiffLine& line : diff_lines(text_of(*before), text_of(*after))) {
    lines.push_back(json::object{{"kind", name_of(line.kind)}, {"text", line.text}});
  }
  return json::object{{"lines", std::move(lines)}, {"masked_differs", before->hidden != after->hidden}};
}

Result<json::object> difference_json(Broker& broker, const model::CaseRecord& record, std::uint32_t from,
                                     std::uint32_t to) {
  model::MessageRef messages[2];
  const std::uint32_t versions[2] = {from, to};
  for (int i = 0; i < 2; ++i) {
    auto message = read_version(broker, record, versions[i]);
    if (!message.ok()) return message.status();
    if (*message == nullptr) return Status(Code::MESSAGE_DAMAGED);
    messages[i] = std::move(*message);
  }
  auto difference = difference_between(broker, *messages[0], *messages[1]);
  if (!difference.ok()) return difference.status();
  (*difference)["from"] = from;
  (*difference)["to"] = to;
  return difference;
}

json::object edit_json(const model::CaseEdit& edit) {
  return {{"version", edit.version},
          {"at", time_or_null(edit.at)},
          {"by", text_or_null(edit.by)},
          {"note", text_or_null(edit.note)}};
}

}  // namespace lazaret::admin
