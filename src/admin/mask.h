// Mask: what of messages is not for those who may see that they have failed: named headers, and named fields of bodies
// that are JSON, or that become it when they are opened, or since their type of protobuf is known. One function,
// `shown`, decides what anybody sees of a message through the API, and so on the page, on the command line and in an
// export. What consumers get is never masked.
//
// There are no users yet, so nobody sees what is masked.
//
// Threading: immutable.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/json_mask.h"
#include "admin/protobuf_types.h"
#include "model/case_query.h"
#include "model/filter.h"
#include "model/limits.h"
#include "model/message.h"
#include "wire/envelope.h"
#include "wire/envelope_edit.h"

namespace lazaret::admin {

/// What becomes of a body that its publisher has compressed.
enum class Compressed : std::uint8_t {
  stays,  // as it is stored: where many messages are shown, and where they are taken elsewhere
  opened  // what was compressed, of one message that somebody looks at; as it is stored where it cannot be opened
};

/// A message as it may be seen.
struct MaskedMessage {
  wire::Envelope envelope;  // masked headers are "***"
  /// The body, of a message that outlives this; "" when it is withheld.
  std::string_view body() const { return covered ? std::string_view(*covered) : own; }
  /// Why the body is not shown at all; "": it is.
  std::string withheld;
  /// What a protobuf body says, also of one whose bytes are withheld; masked as a JSON body is.
  std::optional<ProtobufBody> protobuf;
  /// Of a body that is shown opened: how it is compressed. The envelope has no `content_encoding` then.
  std::string compressed;
  /// Its bytes as they are stored; "" where they are not to be seen.
  std::string_view stored;
  /// Why a compressed body that was to be opened is not: MESSAGE_TOO_LARGE, or INVALID_BODY.
  base::Status unopened;
  /// Something is not shown as it is.
  bool masked = false;
  /// What is not shown, only to be compared.
  std::string hidden;

  base::SharedBytes opened;
  std::string_view own;                // of the message, or of what was opened
  std::optional<std::string> covered;  // only if something in the body is masked
};

class Mask {
 public:
  static constexpr std::size_t kHeaders = 100;

  /// Masks nothing.
  Mask() = default;
  /// BAD_REQUEST saying what is wrong. `types`: of the protobuf bodies that can be looked into. `max_message_bytes`: of
  /// a compressed body no more than that is opened.
  static base::Result<Mask> of(const std::vector<std::string>& paths, const std::vector<std::string>& headers,
                               ProtobufTypes types = {},
                               std::size_t max_message_bytes = model::limits::kMessageBytesDefault);

  /// The status of an envelope that cannot be decoded.
  base::Result<MaskedMessage> shown(const model::Message& message, Compressed compressed = Compressed::stays) const;

  /// BAD_REQUEST when the answer would tell what is masked.
  base::Status check(const model::CaseQuery& query) const;
  base::Status check(const model::Filter& filter) const;
  /// BAD_REQUEST: headers that are masked are not edited, and while there are paths no body becomes protobuf of another
  /// type, in which what is masked would have another name.
  base::Status check(const wire::EnvelopeChanges& changes) const;

  /// The body that a change is made of, opened, as whoever makes it sees it. BAD_REQUEST when they see none.
  base::Result<std::string> editable(const model::Message& message) const;
  /// What they made of it, with what they did not see put back. BAD_REQUEST naming the place that they changed.
  base::Result<std::string> edited(const model::Message& before, std::string body) const;

  const ProtobufTypes& protobuf_types() const { return types_; }

 private:
  bool covers(std::string_view header) const;
  base::Status check_header(std::string_view header) const;
  /// Why nobody can look into this body to mask it; "": they can.
  std::string closed(std::string_view body, std::string_view encoding) const;
  void open(MaskedMessage& out) const;
  void look_into_protobuf(MaskedMessage& out) const;

  JsonMask paths_;
  std::vector<std::string> headers_;  // in lower case
  ProtobufTypes types_;
  std::size_t max_message_bytes_ = model::limits::kMessageBytesDefault;
};

}  // namespace lazaret::admin
