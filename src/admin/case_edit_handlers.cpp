// Edits of a case's message: a new version or what it would be, the versions that there are, and what differs between
// them.
#include <algorithm>
#include <charconv>

#include "admin/case_json.h"
#include "admin/case_message.h"
#include "admin/desk_wait.h"
#include "admin/handlers.h"
#include "admin/json_body.h"
#include "admin/json_text.h"
#include "admin/message_json.h"
#include "admin/problem.h"
#include "base/crc32c.h"
#include "base/sha256.h"
#include "base/text_encoding.h"
#include "base/zstd.h"
#include "model/limits.h"
#include "wire/envelope_edit.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;
namespace limits = model::limits;

std::optional<std::uint32_t> parse_version(std::string_view text) {
  std::uint32_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return version;
}

/// The one version that If-Match names: "3" in quotes, as the ETag has it.
Result<std::uint32_t> expected_version(const Request& request) {
  std::string_view text = request.if_match;
  if (text.empty()) {
    return Status(Code::VERSION_NEEDED,
                  "say in If-Match which version of the message you have seen, as its ETag has it");
  }
  if (text.starts_with("W/")) text.remove_prefix(2);
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  if (quoted) text = text.substr(1, text.size() - 2);
  const auto version = parse_version(text);
  if (!version) return Status(Code::BAD_REQUEST, "If-Match must name one version, e.g. \"0\"");
  return *version;
}

/// {name: text, list of texts, or null}
Status read_headers(const json::object& object, wire::EnvelopeChanges& changes) {
  const json::value* headers = object.if_contains("headers");
  if (headers == nullptr) return {};
  const Status wrong(Code::BAD_REQUEST,
                     "headers must be an object of texts, of lists of texts, or of null for what goes");
  if (!headers->is_object()) return wrong;
  for (const auto& [name, value] : headers->get_object()) {
    std::vector<std::string> values;
    const json::array list = value.is_array() ? value.get_array() : json::array{value};
    for (const json::value& one : list) {
      if (one.is_null() && !value.is_array()) continue;
      if (!one.is_string()) return wrong;
      values.emplace_back(one.get_string());
    }
    changes.headers.emplace_back(std::string(name), std::move(values));
  }
  return {};
}

/// What the body says as JSON, of one that is protobuf: whoever edits that has seen it. INVALID_BODY where it is not
/// decoded, with no more of why than is shown; BAD_REQUEST where it is not shown.
Result<std::string> said_by_protobuf(const Mask& mask, const model::Message& before) {
  const auto seen = mask.shown(before, Compressed::opened);
  if (!seen.ok()) return seen.status();
  if (!seen->withheld.empty()) return mask.editable(before).status();
  const std::string instead = ": it can be replaced as bytes (body_base64), and not edited as JSON";
  const auto& looked = seen->protobuf;
  if (!looked) return Status(Code::INVALID_BODY, "the body is protobuf, and no descriptors are given" + instead);
  if (looked->decoded()) return looked->json;
  return Status(Code::INVALID_BODY, "the body is protobuf that is not decoded, " + looked->why() + instead);
}

/// A merge into the body as whoever edits it sees it.
Result<std::string> merged_body(const json::value& patch, const model::Message& before, const wire::Envelope& envelope,
                                const wire::Envelope& after, const Mask& mask) {
  if (is_protobuf_type(envelope.content_type)) {
    const auto says = said_by_protobuf(mask, before);
    if (!says.ok()) return says.status();
    const auto whole = merged(*says, patch, kProtobufJsonBytes);
    return whole.ok() ? mask.protobuf_types().encode(after, *whole) : whole.status();
  }
  const auto seen = mask.shown(before, Compressed::opened);
  if (!seen.ok()) return seen.status();
  if (!seen->unopened.ok()) return seen->unopened;
  if (!seen->envelope.content_encoding.empty()) {
    return Status(Code::INVALID_BODY, "the body is encoded (" + base::to_utf8(envelope.content_encoding) +
                                          "): it can be replaced, not merged with");
  }
  // Not into what is masked: neither a difference nor an error then tells what it is.
  const auto shown = mask.editable(before);
  return shown.ok() ? merged(*shown, patch) : shown.status();
}

/// A text is the body itself, but where that is protobuf, stays so, and there are descriptors: then it is JSON of what
/// it is to say.
Result<std::string> body_of_text(std::string text, const model::Message& before, const wire::Envelope& envelope,
                                 const wire::Envelope& after, const Mask& mask) {
  const bool stays_protobuf = is_protobuf_type(envelope.content_type) && is_protobuf_type(after.content_type);
  if (!stays_protobuf || mask.protobuf_types().is_empty()) return text;
  const auto says = said_by_protobuf(mask, before);
  return says.ok() ? mask.protobuf_types().encode(after, text) : says.status();
}

/// The new body, or nullopt where it stays. `after`: the envelope that it will have.
Result<std::optional<std::string>> read_body(const json::object& object, const model::Message& before,
                                             const wire::Envelope& envelope, const wire::Envelope& after,
                                             const Mask& mask) {
  const json::value* merge = object.if_contains("merge");
  const json::value* text = object.if_contains("body");
  const json::value* encoded = object.if_contains("body_base64");
  if ((merge != nullptr) + (text != nullptr) + (encoded != nullptr) > 1) {
    return Status(Code::BAD_REQUEST, "give one of merge, body and body_base64");
  }
  if (merge == nullptr && text == nullptr && encoded == nullptr) return std::optional<std::string>();
  if (encoded != nullptr) {
    auto bytes = encoded->is_string() ? base::from_base64(std::string_view(encoded->get_string())) : std::nullopt;
    if (!bytes) return Status(Code::BAD_REQUEST, "body_base64 is not base64");
    return std::optional(std::move(*bytes));
  }
  if (text != nullptr && !text->is_string()) return Status(Code::BAD_REQUEST, "body must be a text");
  auto body = merge != nullptr ? merged_body(*merge, before, envelope, after, mask)
                               : body_of_text(std::string(text->get_string()), before, envelope, after, mask);
  if (!body.ok()) return body.status();
  return std::optional(std::move(*body));
}

Status check_body(const ServerConfig& config, std::string_view body, std::string_view content_type) {
  if (body.size() > config.max_message_bytes) {
    return Status(Code::MESSAGE_TOO_LARGE, "the body has " + std::to_string(body.size()) + " bytes, at most " +
                                               std::to_string(config.max_message_bytes) + " are allowed")
        .with_limit("max_message_bytes", static_cast<std::int64_t>(config.max_message_bytes));
  }
  if (!is_json_type(content_type) || is_json_text(body)) return {};
  return Status(Code::INVALID_BODY, "the body would not be JSON any more, as its content type says that it is");
}

/// Whether the body that stays is of that type; what nobody can look into may be of any.
Status check_as_type(const ServerConfig& config, const model::Message& message, const wire::Envelope& envelope,
                     std::string_view content_type) {
  if (envelope.content_encoding.empty()) return check_body(config, message.body.view(), content_type);
  if (envelope.content_encoding != base::kZstd) return {};
  const auto opened = base::zstd_opened(message.body.view(), config.max_message_bytes);
  return opened.ok() ? check_body(config, *opened, content_type) : Status();
}

std::optional<ProtobufBody> looked_into(const Mask& mask, const model::Message& message) {
  auto seen = mask.shown(message, Compressed::opened);
  return seen.ok() ? std::move(seen->protobuf) : std::nullopt;
}

/// What can be looked into by its type still can be: protobuf stays protobuf, as JSON stays JSON.
Status check_protobuf(const Mask& mask, const model::Message& before, const model::Message& after) {
  if (mask.protobuf_types().is_empty()) return {};
  const auto was = looked_into(mask, before);
  if (!was || !was->decoded()) return {};
  const auto would_be = looked_into(mask, after);
  if (!would_be || would_be->decoded()) return {};
  return Status(Code::INVALID_BODY, "the body could not be decoded as protobuf any more: " + would_be->why());
}

/// Whether two envelopes say the same. An edit that puts a header where it was may leave it behind the others.
bool same_envelope(const model::Message& before, const model::Message& after) {
  auto one = wire::decode_envelope(before.envelope.view());
  auto other = wire::decode_envelope(after.envelope.view());
  if (!one.ok() || !other.ok()) return false;
  const auto by_name = [](const auto& a, const auto& b) { return a.first < b.first; };
  std::stable_sort(one->headers.begin(), one->headers.end(), by_name);
  std::stable_sort(other->headers.begin(), other->headers.end(), by_name);
  return *one == *other;
}

/// Protobuf may say the same in other bytes, which only who gives bytes means.
bool same_body(const Mask& mask, const model::Message& before, const model::Message& after, bool gives_bytes) {
  if (before.body.view() == after.body.view()) return true;
  if (gives_bytes) return false;
  const auto was = looked_into(mask, before);
  const auto would_be = looked_into(mask, after);
  return was && would_be && was->decoded() && would_be->decoded() && was->type == would_be->type &&
         was->json == would_be->json;
}

/// Whether the body is what it was, also where that is stored compressed.
bool is_as_it_was(const ServerConfig& config, const model::Message& before, const wire::Envelope& envelope,
                  std::string_view body) {
  if (envelope.content_encoding != base::kZstd) return before.body.view() == body;
  const auto opened = base::zstd_opened(before.body.view(), config.max_message_bytes);
  return opened.ok() && *opened == body;
}

/// The message with what the request changes of it.
Result<model::MessageRef> edited(const ServerConfig& config, const model::Message& before, const json::object& object) {
  const auto envelope = wire::decode_envelope(before.envelope.view());
  if (!envelope.ok()) return envelope.status();
  wire::EnvelopeChanges changes;
  LZ_RETURN_IF_ERROR(read_headers(object, changes));
  if (object.contains("content_type")) {
    auto type = text_field(object, "content_type");
    if (!type.ok()) return type.status();
    changes.content_type = std::move(*type);
  }
  LZ_RETURN_IF_ERROR(config.mask.check(changes));
  // A body that is edited is not compressed any more.
  wire::Envelope after = *envelope;
  after.content_encoding.clear();
  if (changes.content_type) after.content_type = *changes.content_type;
  auto body = read_body(object, before, *envelope, after, config.mask);
  if (!body.ok()) return body.status();
  if (*body) {
    auto whole = config.mask.edited(before, std::move(**body));
    if (!whole.ok()) return whole.status();
    *body = std::move(*whole);
  }
  const bool gives_body = body->has_value();
  if (gives_body && !object.contains("body_base64") && is_as_it_was(config, before, *envelope, **body)) body->reset();
  if (changes.empty() && !gives_body) {
    return Status(Code::BAD_REQUEST, "nothing is changed: give merge, body, body_base64, headers or content_type");
  }
  auto message = std::make_shared<model::Message>(before);
  if (*body) {
    LZ_RETURN_IF_ERROR(check_body(config, **body, after.content_type));
    changes.drops_encoding = !envelope->content_encoding.empty();
    message->body_crc = base::crc32c(**body);
    message->body = base::SharedBytes::of(std::move(**body));
  } else if (changes.content_type) {
    LZ_RETURN_IF_ERROR(check_as_type(config, before, *envelope, after.content_type));
  }
  if (!changes.empty()) {
    auto bytes = wire::edited_envelope(before.envelope.view(), changes, config.max_header_bytes);
    if (!bytes.ok()) return bytes.status();
    message->envelope = base::SharedBytes::of(std::move(*bytes));
  }
  LZ_RETURN_IF_ERROR(check_protobuf(config.mask, before, *message));
  return model::MessageRef(std::move(message));
}

/// Nothing of a message of which something is masked: the hash of a short text tells it.
void add_body_hash(const Mask& mask, const model::Message& message, model::AuditFields& fields) {
  const auto seen = mask.shown(message);
  if (!seen.ok() || seen->masked || !seen->withheld.empty()) return;
  fields.emplace_back("body_sha256", base::to_hex(base::sha256(message.body.view())));
}

/// Of two versions: their numbers, the hashes of their bodies, the names of the headers that were changed.
model::AuditChange change_of(const Mask& mask, const model::Message& before, std::uint32_t seen,
                             const model::Message& after, std::uint32_t version, const json::object& asked) {
  model::AuditChange change{{{"version", std::to_string(seen)}}, {{"version", std::to_string(version)}}};
  add_body_hash(mask, before, change.before);
  add_body_hash(mask, after, change.after);
  if (asked.contains("content_type")) change.after.emplace_back("content_type", "changed");
  const json::value* headers = asked.if_contains("headers");
  if (headers == nullptr || !headers->is_object()) return change;
  std::string names;
  for (const auto& header : headers->get_object()) names += (names.empty() ? "" : " ") + std::string(header.key());
  if (!names.empty()) change.after.emplace_back("headers_changed", names);
  return change;
}

/// Whoever was slower learns what the message is now, and what differs from what they saw.
Response stale(Broker& broker, const Request& request, const Status& status) {
  const auto now = find_case(broker, request);
  const auto seen = expected_version(request);
  Response response = problem(status);
  if (!now.ok() || !seen.ok()) return response;
  json::object document = problem_json(status);
  document["version"] = now->version;
  document["expected"] = *seen;
  const auto difference = difference_json(broker, *now, std::min(*seen, now->version), now->version);
  document["difference"] = difference.ok() ? json::value(difference->at("lines")) : json::value(nullptr);
  response.body = to_text(document) + "\n";
  response.headers.emplace_back("ETag", etag_of(now->version));
  return response;
}

Status too_late_for(const model::CaseRecord& record, std::uint32_t seen) {
  return Status(Code::STALE_VERSION, "the message of case " + record.id.to_string() + " is at version " +
                                         std::to_string(record.version) + " by now, not at " + std::to_string(seen));
}

Result<json::object> parse_edit(const Request& request) {
  return parse_object(request.body, {"merge", "body", "body_base64", "headers", "content_type", "by", "note"},
                      kMergeDepth + 2);
}

/// An edit as it is asked for: nothing is changed yet.
struct AskedEdit {
  model::CaseRecord record;
  std::uint32_t seen = 0;
  model::MessageRef before;
  model::MessageRef after;
  bool changes = true;  // something: else it makes no version
};

/// STALE_VERSION when the message has another version by now than the one that was seen.
Result<AskedEdit> read_edit(Broker& broker, const Request& request, const json::object& object) {
  auto record = find_case(broker, request);
  if (!record.ok()) return record.status();
  const auto seen = expected_version(request);
  if (!seen.ok()) return seen.status();
  LZ_RETURN_IF_ERROR(check_open(*record));
  if (*seen != record->version) return too_late_for(*record, *seen);
  auto before = read_version(broker, *record, *seen);
  if (!before.ok()) return before.status();
  if (*before == nullptr) return Status(Code::MESSAGE_DAMAGED);
  auto after = edited(broker.config, **before, object);
  if (!after.ok()) return after.status();
  const bool same = same_envelope(**before, **after) &&
                    same_body(broker.config.mask, **before, **after, object.contains("body_base64"));
  return AskedEdit{std::move(*record), *seen, std::move(*before), std::move(*after), !same};
}

Result<std::uint32_t> version_in_path(const Request& request) {
  const auto version = parse_version(request.arguments[1]);
  if (!version) return Status(Code::NOT_FOUND, "there is no version " + request.arguments[1]);
  return *version;
}

}  // namespace

Result<std::string> actor_of(const json::object& object, const Request& request) {
  auto by = text_field(object, "by");
  if (!by.ok()) return by.status();
  // A header may have any bytes; what is stored is text.
  LZ_RETURN_IF_ERROR(check_bytes("by", *by, limits::kActorBytes));
  if (!by->empty()) return base::to_utf8(*by);
  std::string actor = base::to_utf8(!request.actor.empty() ? request.actor : request.peer);
  // Not refused for it: a proxy may say whatever it has, with every call.
  std::size_t end = std::min(actor.size(), limits::kActorBytes);
  while (end < actor.size() && (static_cast<unsigned char>(actor[end]) & 0xc0) == 0x80) --end;
  actor.resize(end);
  return actor;
}

Result<Response> edit_case(Broker& broker, const Request& request) {
  const auto object = parse_edit(request);
  if (!object.ok()) return object.status();
  auto by = actor_of(*object, request);
  if (!by.ok()) return by.status();
  auto note = text_field(*object, "note");
  if (!note.ok()) return note.status();
  LZ_RETURN_IF_ERROR(check_bytes("note", *note, limits::kCaseNoteBytes));
  const auto edit = read_edit(broker, request, *object);
  if (edit.code() == Code::STALE_VERSION) return stale(broker, request, edit.status());
  if (!edit.ok()) return edit.status();
  const model::CaseId id = edit->record.id;
  // Of one that is not admitted the shard says why it is not edited.
  if (!edit->changes && edit->record.state == model::CaseState::admitted) return case_response(broker, id);
  const auto done = ask<model::CaseDone>(
      broker.desk, id.shard, model::EditCaseCommand{{}, id, edit->seen, std::move(*by), std::move(*note), edit->after},
      request.deadline);
  if (done.code() == Code::STALE_VERSION) return stale(broker, request, done.status());
  if (!done.ok()) return done.status();
  auto response = case_response(broker, id);
  if (response.ok()) {
    response->change = change_of(broker.config.mask, *edit->before, edit->seen, *edit->after, done->version, *object);
  }
  return response;
}

/// The same rules as of the edit itself, so that what is shown is what would be refused or saved.
Result<Response> preview_edit(Broker& broker, const Request& request) {
  const auto object = parse_edit(request);
  if (!object.ok()) return object.status();
  const auto edit = read_edit(broker, request, *object);
  if (edit.code() == Code::STALE_VERSION) return stale(broker, request, edit.status());
  if (!edit.ok()) return edit.status();
  auto difference = difference_between(broker, *edit->before, *edit->after);
  if (!difference.ok()) return difference.status();
  (*difference)["from"] = edit->seen;
  (*difference)["to"] = edit->seen + (edit->changes ? 1 : 0);
  return json_response(200, *difference);
}

Result<Response> get_case_version(Broker& broker, const Request& request) {
  const auto record = find_case(broker, request);
  if (!record.ok()) return record.status();
  const auto version = version_in_path(request);
  if (!version.ok()) return version.status();
  const auto body_limit = body_limit_of(request);
  if (!body_limit.ok()) return body_limit.status();
  const auto message = read_version(broker, *record, *version);
  if (!message.ok()) return message.status();
  json::object out{{"version", *version}, {"edit", nullptr}};
  const auto edits = broker.engine.store().read_edits(record->id);
  if (!edits.ok()) return edits.status();
  for (const model::CaseEdit& edit : *edits) {
    if (edit.version == *version) out["edit"] = edit_json(edit);
  }
  out["message"] = message_json({record->source, record->source_offset(), *message, record->attempt_count,
                                 record->attempt_count > 0, *body_limit},
                                broker.config.mask, Compressed::opened);
  return json_response(200, out);
}

Result<Response> get_case_diff(Broker& broker, const Request& request) {
  const auto record = find_case(broker, request);
  if (!record.ok()) return record.status();
  const auto from = number_parameter(request, "from", 0, 0, limits::kCaseVersions);
  if (!from.ok()) return from.status();
  const auto to = number_parameter(request, "to", record->version, 0, limits::kCaseVersions);
  if (!to.ok()) return to.status();
  const auto difference =
      difference_json(broker, *record, static_cast<std::uint32_t>(*from), static_cast<std::uint32_t>(*to));
  if (!difference.ok()) return difference.status();
  return json_response(200, *difference);
}

}  // namespace lazaret::admin
