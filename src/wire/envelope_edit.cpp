#include "wire/envelope_edit.h"

#include <algorithm>

#include "lazaret/wire/v1/envelope.pb.h"
#include "model/limits.h"
#include "wire/envelope.h"

namespace lazaret::wire {
namespace {

using base::Code;
using base::Status;
namespace limits = model::limits;

Status too_long(const std::string& field, std::size_t most) {
  return Status(Code::HEADERS_TOO_LARGE, field + " is longer than " + std::to_string(most) + " bytes")
      .with_limit(field, static_cast<std::int64_t>(most));
}

Status apply(const EnvelopeChanges& changes, v1::Envelope& envelope) {
  for (const auto& [name, values] : changes.headers) {
    if (name.empty()) return Status(Code::BAD_REQUEST, "a header has no name");
    if (name.size() > limits::kEnvelopeFieldBytes) return too_long("header name", limits::kEnvelopeFieldBytes);
    auto* headers = envelope.mutable_headers();
    const auto gone = std::remove_if(headers->begin(), headers->end(),
                                     [&key = name](const v1::Header& header) { return header.name() == key; });
    headers->erase(gone, headers->end());
    for (const std::string& value : values) {
      v1::Header* header = headers->Add();
      header->set_name(name);
      header->set_value(value);
    }
  }
  if (static_cast<std::size_t>(envelope.headers_size()) > limits::kHeaderCount) {
    return Status(Code::HEADERS_TOO_LARGE, "a message has too many headers")
        .with_limit("header_count", static_cast<std::int64_t>(limits::kHeaderCount));
  }
  if (changes.content_type) {
    if (changes.content_type->size() > limits::kEnvelopeFieldBytes) {
      return too_long("content_type", limits::kEnvelopeFieldBytes);
    }
    envelope.set_content_type(*changes.content_type);
  }
  if (changes.drops_encoding) envelope.clear_content_encoding();
  return {};
}

}  // namespace

base::Result<std::string> edited_envelope(std::string_view bytes, const EnvelopeChanges& changes,
                                          std::size_t max_bytes) {
  v1::Envelope envelope;
  if (!envelope.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Status(Code::BAD_REQUEST, "the envelope of the message cannot be decoded");
  }
  if (Status status = apply(changes, envelope); !status.ok()) return status;
  std::string edited = envelope.SerializeAsString();
  if (edited.size() > max_bytes) return too_long("max_header_bytes", max_bytes);
  return edited;
}

}  // namespace lazaret::wire
