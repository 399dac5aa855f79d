#include "client/verdicts.h"

#include <algorithm>

#include "base/crc32c.h"
#include "client/message_codec.h"
#include "client/publisher.h"
#include "client/words.h"
#include "model/limits.h"

namespace lazaret::detail {

using model::VerdictKind;
namespace limits = model::limits;

wire::Verdict wire_verdict(const Verdict& verdict) {
  wire::Verdict out;
  switch (verdict.kind()) {
    case Verdict::Kind::done:
    case Verdict::Kind::answer:
    case Verdict::Kind::decline: out.kind = VerdictKind::ack; return out;
    case Verdict::Kind::fail: out.kind = VerdictKind::fail; break;
    case Verdict::Kind::reject: out.kind = VerdictKind::reject; break;
    case Verdict::Kind::release: out.kind = VerdictKind::release; break;
    case Verdict::Kind::not_begun: out.kind = VerdictKind::not_begun; break;
  }
  out.error = as_report(verdict.type(), verdict.text(), verdict.details());
  if (verdict.delay()) out.delay = *verdict.delay();
  return out;
}

base::Result<wire::ResponderReply> reply_of(const Verdict& verdict, const Message* request, const wire::Welcome& told) {
  wire::ResponderReply reply;
  if (verdict.kind() == Verdict::Kind::decline) {
    reply.outcome = model::RequestOutcome::declined;
    reply.reason = as_text(verdict.text(), limits::kReasonBytes);
    return reply;
  }
  if (verdict.kind() != Verdict::Kind::answer) {
    return base::Status(base::Code::BAD_REQUEST, "a request is answered or declined");
  }
  Message message = *verdict.reply();
  if (request != nullptr) {
    const std::string id = request->id.to_string();
    if (message.correlation_id.empty()) {
      message.correlation_id = request->correlation_id.empty() ? id : request->correlation_id;
    }
    if (message.causation_id.empty()) message.causation_id = id;
  }
  if (base::Status words = check_texts(message); !words.ok()) return words;
  reply.body = shared_body(message.body);
  reply.body_crc = base::crc32c(message.body.view());
  reply.envelope = encode_envelope(message);
  if (base::Status size = check_size(told, reply.envelope.size(), reply.body.size()); !size.ok()) return size;
  return reply;
}

/// Its token and lengths, and its texts, which the encoder cuts; of a reply its body too.
std::size_t header_bytes(const wire::Verdict& verdict) {
  constexpr std::size_t kFixed = 96;
  return kFixed + std::min(verdict.error.type.size(), limits::kErrorTypeBytes) +
         std::min(verdict.error.message.size(), limits::kErrorMessageBytes) +
         std::min(verdict.error.details.size(), limits::kErrorDetailsBytes) +
         (verdict.reply == nullptr
              ? 0
              : verdict.reply->envelope.size() + verdict.reply->body.size() + verdict.reply->reason.size());
}

wire::Verdict plain_verdict(VerdictKind kind) {
  wire::Verdict verdict;
  verdict.kind = kind;
  return verdict;
}

}  // namespace lazaret::detail
