#include "wire/envelope_edit.h"

#include <gtest/gtest.h>

#include "model/limits.h"
#include "wire/envelope.h"

namespace lazaret::wire {
namespace {

using base::Code;
namespace limits = model::limits;

Envelope some_envelope() {
  Envelope envelope;
  envelope.id = model::MessageId::v7(1, 2, 3);
  envelope.key = "k";
  envelope.type = "order.created";
  envelope.content_type = "application/json";
  envelope.headers = {{"region", "eu"}, {"tag", "a"}, {"tag", "b"}};
  envelope.content_encoding = "zstd";
  return envelope;
}

TEST(EnvelopeEdit, ChangesWhatItNamesOnly) {
  // Field 999, which no version knows: 7.
  const std::string unknown = "\xb8\x3e\x07";
  const std::string bytes = encode_envelope(some_envelope()) + unknown;
  EnvelopeChanges changes;
  changes.headers = {{"tag", {"c"}}, {"region", {}}};
  changes.content_type = "text/plain";
  changes.drops_encoding = true;
  const auto edited = edited_envelope(bytes, changes, 65536);
  ASSERT_TRUE(edited.ok());
  Envelope expected = some_envelope();
  expected.headers = {{"tag", "c"}};
  expected.content_type = "text/plain";
  expected.content_encoding = "";
  EXPECT_EQ(*decode_envelope(*edited), expected);
  EXPECT_NE(edited->find(unknown), std::string::npos);
}

TEST(EnvelopeEdit, KeepsTheLimits) {
  const std::string bytes = encode_envelope(some_envelope());
  EnvelopeChanges changes;
  changes.headers = {{"", {"x"}}};
  EXPECT_EQ(edited_envelope(bytes, changes, 65536).code(), Code::BAD_REQUEST);
  changes.headers = {{std::string(limits::kEnvelopeFieldBytes + 1, 'n'), {"x"}}};
  EXPECT_EQ(edited_envelope(bytes, changes, 65536).code(), Code::HEADERS_TOO_LARGE);
  changes.headers = {{"many", std::vector<std::string>(limits::kHeaderCount + 1, "x")}};
  EXPECT_EQ(edited_envelope(bytes, changes, 65536).code(), Code::HEADERS_TOO_LARGE);
  changes.headers = {{"long", {std::string(65536, 'x')}}};
  EXPECT_EQ(edited_envelope(bytes, changes, 65536).code(), Code::HEADERS_TOO_LARGE);
}

}  // namespace
}  // namespace lazaret::wire
