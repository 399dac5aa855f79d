#include "wire/envelope.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include "lazaret/wire/v1/envelope.pb.h"
#include "model/limits.h"
#include "model/message.h"
#include "wire/protobuf_frame.h"

namespace lazaret::wire {
namespace {

using base::Code;
using base::Status;
namespace limits = model::limits;

/// Fields of an encoded envelope, those of newer clients and headers beyond the limit included: the latter are told
/// which limit it is.
constexpr std::size_t kEnvelopeFields = 16 * limits::kHeaderCount;

Status too_long(std::string_view field, std::size_t size) {
  return Status(Code::HEADERS_TOO_LARGE, std::string(field) + " has " + std::to_string(size) + " bytes, at most " +
                                             std::to_string(limits::kEnvelopeFieldBytes) + " are allowed")
      .with_limit(std::string(field), static_cast<std::int64_t>(limits::kEnvelopeFieldBytes));
}

Status check_fields(const v1::Envelope& envelope) {
  const std::pair<std::string_view, const std::string*> texts[] = {
      {"key", &envelope.key()},
      {"type", &envelope.type()},
      {"content_type", &envelope.content_type()},
      {"correlation_id", &envelope.correlation_id()},
      {"causation_id", &envelope.causation_id()},
      {"reply_to", &envelope.reply_to()},
      {"schema_id", &envelope.schema_id()},
      {"content_encoding", &envelope.content_encoding()},
      {"traceparent", &envelope.traceparent()},
  };
  for (const auto& [name, text] : texts) {
    if (text->size() > limits::kEnvelopeFieldBytes) return too_long(name, text->size());
  }
  if (static_cast<std::size_t>(envelope.headers_size()) > limits::kHeaderCount) {
    return Status(Code::HEADERS_TOO_LARGE, std::to_string(envelope.headers_size()) + " headers, at most " +
                                               std::to_string(limits::kHeaderCount) + " are allowed")
        .with_limit("header_count", static_cast<std::int64_t>(limits::kHeaderCount));
  }
  for (const v1::Header& header : envelope.headers()) {
    if (header.name().empty()) return Status(Code::BAD_REQUEST, "a header has no name");
    if (header.name().size() > limits::kEnvelopeFieldBytes) return too_long("header name", header.name().size());
  }
  if (!envelope.id().empty() && envelope.id().size() != 16) {
    return Status(Code::BAD_REQUEST,
                  "the id of a message has sixteen bytes, not " + std::to_string(envelope.id().size()));
  }
  if (envelope.has_reply()) return Status(Code::BAD_REQUEST, "what a reply says of its request is the broker's to say");
  if (envelope.priority() > model::kHighestPriority) return Status(Code::BAD_REQUEST, "priority must be 0 to 9");
  return {};
}

struct Field {
  int number = 0;          // 0: none
  std::string_view bytes;  // of one that has a length
  std::uint64_t value = 0;
  bool has_length = false;
};

/// The fields of an encoded message, one after the other.
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes)
      : bytes_(bytes), in_(reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size())) {}

  /// The next field that is a number or has a length; none at the end, or where the bytes are no message.
  Field next() {
    using google::protobuf::internal::WireFormatLite;
    while (const std::uint32_t tag = in_.ReadTag()) {
      Field field;
      field.number = WireFormatLite::GetTagFieldNumber(tag);
      switch (WireFormatLite::GetTagWireType(tag)) {
        case WireFormatLite::WIRETYPE_VARINT: return in_.ReadVarint64(&field.value) ? field : broken();
        case WireFormatLite::WIRETYPE_LENGTH_DELIMITED:
          field.has_length = true;
          return read_bytes(field.bytes) ? field : broken();
        default:
          if (!WireFormatLite::SkipField(&in_, tag)) return broken();
      }
    }
    return is_whole() ? Field() : broken();
  }
  /// The next one that has a length.
  Field next_with_length() {
    Field field = next();
    while (field.number != 0 && !field.has_length) field = next();
    return field;
  }
  /// At the end: whether the bytes were a message.
  bool ok() const { return ok_; }

 private:
  bool is_whole() { return static_cast<std::size_t>(in_.CurrentPosition()) == bytes_.size(); }
  Field broken() {
    ok_ = false;
    return {};
  }
  bool read_bytes(std::string_view& out) {
    std::uint32_t size = 0;
    if (!in_.ReadVarint32(&size)) return false;
    const auto at = static_cast<std::size_t>(in_.CurrentPosition());
    if (size > bytes_.size() - at) return false;
    out = bytes_.substr(at, size);
    return in_.Skip(static_cast<int>(size));
  }

  std::string_view bytes_;
  google::protobuf::io::CodedInputStream in_;
  bool ok_ = true;
};

/// Of a field that has a length: whether it is one of these, which are read then.
bool take_fact(const Field& field, model::MessageFacts& facts) {
  switch (field.number) {
    case v1::Envelope::kKeyFieldNumber: facts.key = field.bytes; return true;
    case v1::Envelope::kTypeFieldNumber: facts.type = field.bytes; return true;
    case v1::Envelope::kContentTypeFieldNumber: facts.content_type = field.bytes; return true;
    case v1::Envelope::kCorrelationIdFieldNumber: facts.correlation_id = field.bytes; return true;
    case v1::Envelope::kSchemaIdFieldNumber: facts.schema_id = field.bytes; return true;
    case v1::Envelope::kIdFieldNumber: facts.id = field.bytes; return true;
    case v1::Envelope::kHeadersFieldNumber: {
      auto& [name, content] = facts.headers.emplace_back();
      FieldReader header(field.bytes);
      for (Field part = header.next_with_length(); part.number != 0; part = header.next_with_length()) {
        if (part.number == v1::Header::kNameFieldNumber) name = part.bytes;
        if (part.number == v1::Header::kValueFieldNumber) content = part.bytes;
      }
      return true;
    }
    default: return false;
  }
}

/// The others that have a length.
void take_text(const Field& field, EnvelopeView& view) {
  switch (field.number) {
    case v1::Envelope::kCausationIdFieldNumber: view.causation_id = field.bytes; break;
    case v1::Envelope::kReplyToFieldNumber: view.reply_to = field.bytes; break;
    case v1::Envelope::kContentEncodingFieldNumber: view.content_encoding = field.bytes; break;
    case v1::Envelope::kTraceparentFieldNumber: view.traceparent = field.bytes; break;
    case v1::Envelope::kReplyFieldNumber: view.reply = field.bytes; break;
    default: break;
  }
}

void take_number(const Field& field, EnvelopeView& view) {
  switch (field.number) {
    case v1::Envelope::kDeadlineUsFieldNumber: view.deadline_us = static_cast<std::int64_t>(field.value); break;
    case v1::Envelope::kExpiresAtUsFieldNumber: view.expires_at_us = static_cast<std::int64_t>(field.value); break;
    case v1::Envelope::kPriorityFieldNumber: view.priority = static_cast<std::uint32_t>(field.value); break;
    default: break;
  }
}

/// One of a newer broker may say more than we know.
ReplyInfo reply_of(const v1::ReplyInfo& in) {
  ReplyInfo reply;
  if (const auto id = model::MessageId::from_raw(in.request())) reply.request = *id;
  if (in.outcome() <= static_cast<std::uint32_t>(model::RequestOutcome::timed_out)) {
    reply.outcome = static_cast<model::RequestOutcome>(in.outcome());
  }
  if (in.reached() <= static_cast<std::uint32_t>(model::Reached::settled)) {
    reply.reached = static_cast<model::Reached>(in.reached());
  }
  reply.late = in.late();
  reply.final = in.final();
  reply.reason = in.reason();
  reply.case_id = in.case_id();
  for (const v1::Header& entry : in.context()) reply.context.emplace_back(entry.name(), entry.value());
  return reply;
}

}  // namespace

std::string encode_envelope(const Envelope& envelope) {
  EnvelopeView view;
  view.facts.key = envelope.key;
  view.facts.type = envelope.type;
  view.facts.content_type = envelope.content_type;
  view.facts.correlation_id = envelope.correlation_id;
  view.facts.schema_id = envelope.schema_id;
  view.facts.headers.assign(envelope.headers.begin(), envelope.headers.end());
  view.id = envelope.id;
  view.causation_id = envelope.causation_id;
  view.reply_to = envelope.reply_to;
  view.content_encoding = envelope.content_encoding;
  view.traceparent = envelope.traceparent;
  view.deadline_us = envelope.deadline_us;
  view.expires_at_us = envelope.expires_at_us;
  view.priority = envelope.priority;
  return encode_envelope(view);
}

/// Most have few fields, and one that is not set costs nothing.
std::string encode_envelope(const EnvelopeView& view) {
  auto out = Reused<v1::Envelope>::blank();
  if (!view.id.is_nil()) out->set_id(view.id.raw().data(), 16);
  if (!view.facts.key.empty()) out->mutable_key()->assign(view.facts.key);
  if (!view.facts.type.empty()) out->mutable_type()->assign(view.facts.type);
  if (!view.facts.content_type.empty()) out->mutable_content_type()->assign(view.facts.content_type);
  for (const auto& [name, value] : view.facts.headers) {
    v1::Header* header = out->add_headers();
    header->mutable_name()->assign(name);
    header->mutable_value()->assign(value);
  }
  if (!view.facts.correlation_id.empty()) out->mutable_correlation_id()->assign(view.facts.correlation_id);
  if (!view.causation_id.empty()) out->mutable_causation_id()->assign(view.causation_id);
  if (!view.reply_to.empty()) out->mutable_reply_to()->assign(view.reply_to);
  out->set_deadline_us(view.deadline_us);
  out->set_expires_at_us(view.expires_at_us);
  out->set_priority(view.priority);
  if (!view.facts.schema_id.empty()) out->mutable_schema_id()->assign(view.facts.schema_id);
  if (!view.content_encoding.empty()) out->mutable_content_encoding()->assign(view.content_encoding);
  if (!view.traceparent.empty()) out->mutable_traceparent()->assign(view.traceparent);
  std::string bytes = out->SerializeAsString();
  out.went_through(bytes.size());
  return bytes;
}

base::Result<Envelope> decode_envelope(std::string_view bytes) {
  const auto in = Reused<v1::Envelope>::parse(bytes, kEnvelopeFields);
  if (in == nullptr) return Status(Code::BAD_REQUEST, "the envelope of the message cannot be decoded");
  Envelope out;
  if (const auto id = model::MessageId::from_raw(in->id())) out.id = *id;
  out.key = in->key();
  out.type = in->type();
  out.content_type = in->content_type();
  for (const v1::Header& header : in->headers()) out.headers.emplace_back(header.name(), header.value());
  out.correlation_id = in->correlation_id();
  out.causation_id = in->causation_id();
  out.reply_to = in->reply_to();
  out.deadline_us = in->deadline_us();
  out.expires_at_us = in->expires_at_us();
  out.priority = in->priority();
  out.schema_id = in->schema_id();
  out.content_encoding = in->content_encoding();
  out.traceparent = in->traceparent();
  if (in->has_reply()) out.reply = reply_of(in->reply());
  return out;
}

std::optional<ReplyInfo> read_reply(std::string_view bytes) {
  v1::ReplyInfo in;
  if (bytes.empty() || !has_fields_at_most(bytes, kEnvelopeFields)) return std::nullopt;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
  return reply_of(in);
}

base::SharedBytes reply_envelope(const model::PublishedReply& reply) {
  EnvelopeView said;
  std::string bytes;
  if (reply.message != nullptr) {
    bytes = reply.message->envelope.view();
    const Status read = read_envelope(bytes, said);  // it was looked at when it came
    if (!read.ok()) bytes.clear();
  }
  v1::Envelope more;
  more.set_id(reply.id.raw().data(), 16);
  const std::string request = reply.request.to_string();
  if (said.facts.correlation_id.empty()) {
    more.set_correlation_id(reply.to.correlation_id.empty() ? request : reply.to.correlation_id);
  }
  if (said.causation_id.empty()) more.set_causation_id(request);
  v1::ReplyInfo* info = more.mutable_reply();
  info->set_request(reply.request.raw().data(), 16);
  info->set_outcome(static_cast<std::uint32_t>(reply.outcome));
  info->set_reached(static_cast<std::uint32_t>(reply.reached));
  info->set_late(reply.late);
  info->set_final(reply.outcome != model::RequestOutcome::open);
  info->set_reason(std::string(reply.reason));
  if (reply.case_id) info->set_case_id(reply.case_id->to_string());
  for (const auto& [name, value] : reply.to.context) {
    v1::Header* entry = info->add_context();
    entry->set_name(name);
    entry->set_value(value);
  }
  // Concatenated protobuf messages merge, and of two texts the later one counts.
  return base::SharedBytes::of(bytes + more.SerializeAsString());
}

Status read_envelope(std::string_view bytes, EnvelopeView& view) {
  view.facts.clear();
  view.causation_id = view.reply_to = view.content_encoding = view.traceparent = view.reply = {};
  view.deadline_us = view.expires_at_us = 0;
  view.priority = 0;
  FieldReader fields(bytes);
  for (Field field = fields.next(); field.number != 0; field = fields.next()) {
    if (!field.has_length) {
      take_number(field, view);
    } else if (!take_fact(field, view.facts)) {
      take_text(field, view);
    }
  }
  if (!fields.ok()) return Status(Code::BAD_REQUEST, "the envelope of the message cannot be decoded");
  view.id = model::MessageId::from_raw(view.facts.id).value_or(model::MessageId());
  return {};
}

Status check_envelope(std::string_view bytes, std::size_t max_bytes, EnvelopeFacts& facts) {
  if (bytes.size() > max_bytes) {
    return Status(Code::HEADERS_TOO_LARGE, "the envelope has " + std::to_string(bytes.size()) + " bytes, at most " +
                                               std::to_string(max_bytes) + " are allowed")
        .with_limit("max_header_bytes", static_cast<std::int64_t>(max_bytes));
  }
  const auto envelope = Reused<v1::Envelope>::parse(bytes, kEnvelopeFields);
  if (envelope == nullptr) return Status(Code::BAD_REQUEST, "the envelope of the message cannot be decoded");
  LZ_RETURN_IF_ERROR(check_fields(*envelope));
  facts = {!envelope->id().empty(), envelope->expires_at_us(), static_cast<std::uint8_t>(envelope->priority())};
  return {};
}

/// What merges later counts, as protobuf has it.
model::KeyHash key_hash(std::string_view bytes) {
  std::string_view key;
  FieldReader fields(bytes);
  for (Field field = fields.next_with_length(); field.number != 0; field = fields.next_with_length()) {
    if (field.number == v1::Envelope::kKeyFieldNumber) key = field.bytes;
  }
  return model::hash_of_key(key);
}

void read_facts(std::string_view bytes, model::MessageFacts& facts) {
  facts.clear();
  FieldReader fields(bytes);
  for (Field field = fields.next_with_length(); field.number != 0; field = fields.next_with_length()) {
    take_fact(field, facts);
  }
}

std::string with_id(std::string_view bytes, const model::MessageId& id) {
  v1::Envelope only_id;
  only_id.set_id(id.raw().data(), 16);
  // Concatenated protobuf messages merge; the other fields stay as they came.
  return std::string(bytes) + only_id.SerializeAsString();
}

std::string with_expiry(std::string_view bytes, std::int64_t expires_at_us) {
  v1::Envelope only_expiry;
  only_expiry.set_expires_at_us(expires_at_us);
  return std::string(bytes) + only_expiry.SerializeAsString();
}

}  // namespace lazaret::wire
