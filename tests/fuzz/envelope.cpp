// Envelopes: what a publisher says of a message. What is accepted, can be shown; an id that is added is found.
#include "wire/envelope.h"
#include "fuzz/target.h"

namespace lazaret::fuzz {

std::vector<std::string> seeds() {
  wire::Envelope envelope;
  envelope.type = "order.created";
  envelope.key = "7";
  envelope.headers = {{"a", "b"}, {"a", "c"}};
  envelope.correlation_id = "c";
  std::string bytes = wire::encode_envelope(envelope);
  return {"", bytes, wire::with_id(bytes, base::Uuid::v7(1, 2, 3))};
}

namespace {

/// A view of the bytes, and what protobuf makes of them.
bool says_the_same(std::string_view bytes, const wire::Envelope& decoded) {
  wire::EnvelopeView view;
  if (!wire::read_envelope(bytes, view).ok()) return false;
  wire::Envelope copy;
  copy.id = view.id;
  copy.key = view.facts.key;
  copy.type = view.facts.type;
  copy.content_type = view.facts.content_type;
  for (const auto& [name, value] : view.facts.headers) copy.headers.emplace_back(name, value);
  copy.correlation_id = view.facts.correlation_id;
  copy.causation_id = view.causation_id;
  copy.reply_to = view.reply_to;
  copy.deadline_us = view.deadline_us;
  copy.expires_at_us = view.expires_at_us;
  copy.priority = view.priority;
  copy.schema_id = view.facts.schema_id;
  copy.content_encoding = view.content_encoding;
  copy.traceparent = view.traceparent;
  return copy == decoded;
}

}  // namespace

}  // namespace lazaret::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lazaret;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  wire::EnvelopeFacts facts;
  const bool accepted = wire::check_envelope(bytes, 64u << 10, facts).ok();
  const auto decoded = wire::decode_envelope(bytes);
  if (!accepted) return 0;
  LZ_ASSERT(decoded.ok());
  LZ_ASSERT(fuzz::says_the_same(bytes, *decoded));
  LZ_ASSERT(wire::decode_envelope(wire::encode_envelope(*decoded)).value() == *decoded);
  LZ_ASSERT(wire::decode_envelope(wire::with_expiry(bytes, 7)).value().expires_at_us == 7);
  if (facts.has_id) return 0;
  const model::MessageId id = base::Uuid::v7(1, 2, 3);
  LZ_ASSERT(wire::decode_envelope(wire::with_id(bytes, id)).value().id == id);
  return 0;
}
