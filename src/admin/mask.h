// Mask: what of messages is not for those who may see that they have failed: named headers, and named fields of bodies
// that are JSON, or that become it since their type of protobuf is known. One function, `shown`, decides what anybody
// sees of a message through the API, and so on the page, on the command line and in an export. What consumers get is
// never masked.
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
#include "model/message.h"
#include "wire/envelope.h"
#include "wire/envelope_edit.h"

namespace lazaret::admin {

/// A message as it may be seen.
struct MaskedMessage {
  wire::Envelope envelope;  // masked headers are "***"
  /// The body, of a message that outlives this; "" when it is withheld.
  std::string_view body() const { return covered ? std::string_view(*covered) : own; }
  /// Why the body is not shown at all; "": it is.
  std::string withheld;
  /// What a protobuf body says, also of one whose bytes are withheld; masked as a JSON body is.
  std::optional<ProtobufBody> protobuf;
  /// Something is not shown as it is.
  bool masked = false;
  /// What is not shown, only to be compared.
  std::string hidden;

  std::string_view own;
  std::optional<std::string> covered;  // only if something in the body is masked
};

class Mask {
 public:
  static constexpr std::size_t kHeaders = 100;

  /// Masks nothing.
  Mask() = default;
  /// BAD_REQUEST saying what is wrong. `types`: of the protobuf bodies that can be looked into.
  static base::Result<Mask> of(const std::vector<std::string>& paths, const std::vector<std::string>& headers,
                               ProtobufTypes types = {});

  /// The status of an envelope that cannot be decoded.
  base::Result<MaskedMessage> shown(const model::Message& message) const;

  /// BAD_REQUEST when the answer would tell what is masked.
  base::Status check(const model::CaseQuery& query) const;
  base::Status check(const model::Filter& filter) const;
  /// BAD_REQUEST: headers that are masked are not edited, and while there are paths no body becomes protobuf of another
  /// type, in which what is masked would have another name.
  base::Status check(const wire::EnvelopeChanges& changes) const;

  /// The body that a change is made of, as whoever makes it sees it. BAD_REQUEST when they see none.
  base::Result<std::string> editable(const model::Message& message) const;
  /// What they made of it, with what they did not see put back. BAD_REQUEST naming the place that they changed.
  base::Result<std::string> edited(const model::Message& before, std::string body) const;

  const ProtobufTypes& protobuf_types() const { return types_; }

 private:
  bool covers(std::string_view header) const;
  base::Status check_header(std::string_view header) const;
  /// Why nobody can look into this body to mask it; "": they can.
  std::string closed(std::string_view body, std::string_view encoding) const;
  void look_into_protobuf(MaskedMessage& out) const;

  JsonMask paths_;
  std::vector<std::string> headers_;  // in lower case
  ProtobufTypes types_;
};

}  // namespace lazaret::admin
