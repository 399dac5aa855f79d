#include "admin/mask.h"

#include <algorithm>

#include "admin/json_body.h"
#include "base/text_encoding.h"
#include "base/zstd.h"
#include "model/limits.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

Status not_editable(const MaskedMessage& seen) {
  return Status(Code::BAD_REQUEST, "the body cannot be edited by who cannot see it: " + seen.withheld);
}

/// What is no name masks nothing, and whoever wrote it believes that something is masked.
Status check_name(std::string_view header) {
  const auto wrong = [&](std::string_view why) {
    return Status(Code::BAD_REQUEST,
                  "\"" + base::to_utf8(header.substr(0, 64)) + "\" is no name of a header: " + std::string(why));
  };
  if (header.empty()) return wrong("it is empty");
  if (header.size() > model::limits::kEnvelopeFieldBytes) {
    return wrong("it has more than " + std::to_string(model::limits::kEnvelopeFieldBytes) + " bytes");
  }
  const bool has_blank = std::any_of(header.begin(), header.end(),
                                     [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
  if (has_blank) return wrong("it has a blank or a control character");
  if (header.find_first_of("\"'`[](){}<>,;\\") == std::string_view::npos) return {};
  return wrong("it has a quote, a bracket or what separates names");
}

}  // namespace

Result<Mask> Mask::of(const std::vector<std::string>& paths, const std::vector<std::string>& headers,
                      ProtobufTypes types, std::size_t max_message_bytes) {
  Mask mask;
  mask.types_ = std::move(types);
  mask.max_message_bytes_ = max_message_bytes;
  auto parsed = JsonMask::parse(paths);
  if (!parsed.ok()) return parsed.status();
  mask.paths_ = std::move(*parsed);
  if (headers.size() > kHeaders) {
    return Status(Code::BAD_REQUEST, "there are more than " + std::to_string(kHeaders) + " headers");
  }
  for (const std::string& header : headers) {
    LZ_RETURN_IF_ERROR(check_name(header));
    mask.headers_.push_back(lower(header));
  }
  return mask;
}

bool Mask::covers(std::string_view header) const {
  return !headers_.empty() && std::find(headers_.begin(), headers_.end(), lower(header)) != headers_.end();
}

std::string Mask::closed(std::string_view body, std::string_view encoding) const {
  if (paths_.empty() || body.empty()) return {};
  if (!encoding.empty()) return "it is encoded (" + base::to_utf8(encoding) + "), so it cannot be masked";
  return is_json_text(body) ? "" : "it is not JSON, so it cannot be masked";
}

/// With paths, what is stored is not to be seen: what was opened is masked.
void Mask::open(MaskedMessage& out) const {
  if (out.envelope.content_encoding != base::kZstd) return;
  auto body = base::zstd_opened(out.own, max_message_bytes_);
  if (!body.ok()) {
    const bool too_large = body.code() == Code::MESSAGE_TOO_LARGE;
    out.unopened = too_large ? body.status() : Status(Code::INVALID_BODY, body.status().text());
    return;
  }
  out.compressed = std::exchange(out.envelope.content_encoding, {});
  if (paths_.empty()) out.stored = out.own;
  out.opened = base::SharedBytes::of(std::move(*body));
  out.own = out.opened.view();
}

/// With paths, its bytes are withheld: whatever they say is there as JSON, in which it can be masked.
void Mask::look_into_protobuf(MaskedMessage& out) const {
  out.protobuf = types_.look_into(out.envelope, out.own);
  if (!out.protobuf || paths_.empty()) return;
  out.protobuf->detail.clear();
  if (!out.protobuf->decoded() || out.own.empty()) return;
  out.protobuf->json = paths_.covered(out.protobuf->json, out.hidden);
  out.withheld = "it is protobuf, whose bytes cannot be masked";
  out.own = {};
  out.masked = true;
}

Result<MaskedMessage> Mask::shown(const model::Message& message, Compressed compressed) const {
  auto envelope = wire::decode_envelope(message.envelope.view());
  if (!envelope.ok()) return envelope.status();
  MaskedMessage out;
  out.envelope = std::move(*envelope);
  const auto cover = [&](std::vector<std::pair<std::string, std::string>>& headers) {
    for (auto& [name, value] : headers) {
      if (!covers(name)) continue;
      out.hidden += name + "=" + value + "\n";
      value = kMasked;
      out.masked = true;
    }
  };
  cover(out.envelope.headers);
  if (out.envelope.reply) cover(out.envelope.reply->context);
  out.own = message.body.view();
  if (compressed == Compressed::opened) open(out);
  look_into_protobuf(out);
  if (!out.withheld.empty()) return out;
  out.withheld = closed(out.own, out.envelope.content_encoding);
  if (!out.withheld.empty()) {
    out.hidden += out.own;
    out.own = {};
    out.masked = true;
    return out;
  }
  if (paths_.empty() || out.own.empty()) return out;
  const std::size_t before = out.hidden.size();
  std::string covered = paths_.covered(out.own, out.hidden);
  if (out.hidden.size() == before) return out;
  out.masked = true;
  out.covered = std::move(covered);
  return out;
}

Status Mask::check_header(std::string_view header) const {
  if (!covers(header)) return {};
  return Status(Code::BAD_REQUEST, "the header " + base::to_utf8(header) + " is masked: it cannot be asked for");
}

Status Mask::check(const model::CaseQuery& query) const {
  for (const model::CaseTerm& term : query.terms) {
    if (term.field == model::CaseTerm::Field::header) LZ_RETURN_IF_ERROR(check_header(term.header));
    if (term.field == model::CaseTerm::Field::body && !paths_.empty()) {
      return Status(Code::BAD_REQUEST,
                    "fields of bodies are masked (hospital.masked_paths): body~ cannot be asked for");
    }
  }
  return {};
}

Status Mask::check(const model::Filter& filter) const {
  for (const std::string& header : filter.headers()) LZ_RETURN_IF_ERROR(check_header(header));
  return {};
}

Status Mask::check(const wire::EnvelopeChanges& changes) const {
  for (const auto& [name, values] : changes.headers) {
    if (!covers(name)) continue;
    return Status(Code::BAD_REQUEST, "the header " + base::to_utf8(name) + " is masked: it stays as it is");
  }
  if (!paths_.empty() && changes.content_type && is_protobuf_type(*changes.content_type)) {
    return Status(Code::BAD_REQUEST,
                  "content_type cannot become that of protobuf while fields of bodies are masked "
                  "(hospital.masked_paths)");
  }
  return {};
}

Result<std::string> Mask::editable(const model::Message& message) const {
  const auto seen = shown(message, Compressed::opened);
  if (!seen.ok()) return seen.status();
  if (!seen->withheld.empty()) return not_editable(*seen);
  return std::string(seen->body());
}

Result<std::string> Mask::edited(const model::Message& before, std::string body) const {
  if (paths_.empty()) return body;
  const auto seen = shown(before, Compressed::opened);
  if (!seen.ok()) return seen.status();
  if (!seen->withheld.empty()) return not_editable(*seen);
  if (const std::string why = closed(body, ""); !why.empty()) {
    return Status(Code::BAD_REQUEST, "the new body cannot be taken: " + why);
  }
  const std::string_view old = seen->own;
  // An empty body has nothing that could be masked.
  auto whole = paths_.uncovered(old.empty() ? "null" : old, body.empty() ? "null" : std::string_view(body));
  if (whole.ok() && body.empty()) return body;
  return whole;
}

}  // namespace lazaret::admin
