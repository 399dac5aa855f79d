#include "client/verdicts.h"

#include <algorithm>

#include "base/crc32c.h"
#include "client/compression.h"
#include "client/message_codec.h"
#include "client/publisher.h"
#include "client/words.h"
#include "model/limits.h"

namespace lazaret::detail {

using model::VerdictKind;
namespace limits = model::limits;

namespace {

/// How far a verdict may put off the next try.
constexpr milliseconds kVerdictDelayMost = std::chrono::hours(24 * 365);
/// The shortest that something of a verdict lasts: 0 says that there is no end.
constexpr milliseconds kOverAtOnce{1};

/// Time passes while a handler works, and what it has computed is less than nothing a moment later. To refuse that
/// would make the same message fail at each attempt, ever later.
void allow_for_late(Message& message) {
  message.delay = std::max(message.delay, milliseconds(0));
  if (message.ttl < milliseconds(0)) message.ttl = kOverAtOnce;
}

/// `message` is an effect of `cause`, and says so unless its sender has said something else.
void follow(Message& message, const Message& cause) {
  const std::string id = cause.id.to_string();
  if (message.correlation_id.empty()) {
    message.correlation_id = cause.correlation_id.empty() ? id : cause.correlation_id;
  }
  if (message.causation_id.empty()) message.causation_id = id;
}

}  // namespace

VerdictRef wire_verdict(const Verdict& verdict) {
  auto out = std::make_unique<wire::Verdict>();
  switch (verdict.kind()) {
    case Verdict::Kind::done:
    case Verdict::Kind::answer:
    case Verdict::Kind::decline: out->kind = VerdictKind::ack; return out;
    case Verdict::Kind::fail: out->kind = VerdictKind::fail; break;
    case Verdict::Kind::reject: out->kind = VerdictKind::reject; break;
    case Verdict::Kind::release: out->kind = VerdictKind::release; break;
    case Verdict::Kind::not_begun: out->kind = VerdictKind::not_begun; break;
  }
  out->error = as_report(verdict.type(), verdict.text(), verdict.details());
  // The broker ends a connection over anything else, and the handler that said it has returned.
  if (verdict.delay()) out->delay = std::clamp<milliseconds>(*verdict.delay(), milliseconds(0), kVerdictDelayMost);
  return out;
}

Verdict::Kind kind_of(const wire::Verdict& ack) {
  if (ack.reply == nullptr) return Verdict::Kind::done;
  return ack.reply->outcome == model::RequestOutcome::declined ? Verdict::Kind::decline : Verdict::Kind::answer;
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
  if (request != nullptr) follow(message, *request);
  if (base::Status words = check_texts(message); !words.ok()) return words;
  reply.body = shared_body(message.body);
  reply.body_crc = base::crc32c(message.body.view());
  reply.envelope = encode_envelope(message);
  if (base::Status size = check_size(told, reply.envelope.size(), reply.body.size()); !size.ok()) return size;
  return reply;
}

std::size_t largest_body(const std::vector<Addressed>& messages) {
  std::size_t most = 0;
  for (const Addressed& one : messages) most = std::max(most, one.message.body.size());
  return most;
}

namespace {

wire::PublishItem item_of(Message& message) {
  wire::PublishItem item;
  item.envelope = encode_envelope(message);
  item.body = shared_body(message.body);
  item.body_crc = base::crc32c(message.body.view());
  return item;
}

using Items = std::vector<wire::AddressedItem>;

base::Status add_published(Addressed one, std::size_t compress_from, const Message* cause, Items& items) {
  if (cause != nullptr) allow_for_late(one.message);
  LZ_RETURN_IF_ERROR(check_queue_name(one.to));
  LZ_RETURN_IF_ERROR(check_published(one.message));
  if (cause != nullptr) follow(one.message, *cause);
  compress_body(one.message, compress_from);
  wire::PublishItem item = item_of(one.message);
  item.delay = one.message.delay;
  item.deliver_at = {micros_of(one.message.deliver_at)};
  item.ttl = one.message.ttl;
  items.push_back({std::move(one.to), std::move(item)});
  return {};
}

base::Status add_asked(DurableAsk one, const Message* cause, Items& items) {
  Message& message = one.ask.message;
  if (cause != nullptr && one.ask.within < milliseconds(0)) one.ask.within = kOverAtOnce;
  for (const base::Status& words : {check_queue_name(one.ask.to), check_queue_name(one.reply_queue),
                                    check_request(message), check_within(one.ask.within), check_context(one.context)}) {
    if (!words.ok()) return words;
  }
  if (cause != nullptr) {
    follow(message, *cause);
    if (message.traceparent.empty()) message.traceparent = cause->traceparent;
  }
  const base::Duration time_left = make_durable(message, one.ask.within, one.reply_queue);
  items.push_back(
      {std::move(one.ask.to), item_of(message), std::move(one.reply_queue), time_left, std::move(one.context)});
  return {};
}

}  // namespace

base::Result<wire::AskTermsRef> ask_terms(DurableAsk& ask) {
  LZ_RETURN_IF_ERROR(check_request(ask.ask.message));
  LZ_RETURN_IF_ERROR(check_within(ask.ask.within));
  LZ_RETURN_IF_ERROR(check_queue_name(ask.reply_queue));
  LZ_RETURN_IF_ERROR(check_context(ask.context));
  const base::Duration time_left = make_durable(ask.ask.message, ask.ask.within, ask.reply_queue);
  return std::make_shared<const wire::AskTerms>(wire::AskTerms{ask.reply_queue, time_left, ask.context});
}

base::Result<wire::AddressedItems> addressed_items(std::vector<Addressed> messages, std::vector<DurableAsk> asks,
                                                   std::size_t compress_from) {
  if (messages.empty() && asks.empty()) return wire::AddressedItems();
  auto items = std::make_shared<Items>();
  items->reserve(messages.size() + asks.size());
  for (Addressed& one : messages) {
    LZ_RETURN_IF_ERROR(add_published(std::move(one), compress_from, nullptr, *items));
  }
  for (DurableAsk& one : asks) LZ_RETURN_IF_ERROR(add_asked(std::move(one), nullptr, *items));
  return wire::AddressedItems(std::move(items));
}

base::Result<wire::AddressedItems> outgoing_items(const Verdict& verdict, std::size_t compress_from,
                                                  const Message& cause) {
  auto items = std::make_shared<Items>();
  items->reserve(verdict.publishes().size() + verdict.asks().size());
  for (const Addressed& one : verdict.publishes()) {
    LZ_RETURN_IF_ERROR(add_published(one, compress_from, &cause, *items));
  }
  for (const DurableAsk& one : verdict.asks()) LZ_RETURN_IF_ERROR(add_asked(one, &cause, *items));
  return wire::AddressedItems(std::move(items));
}

bool has_outgoing(const Verdict& verdict) { return !verdict.publishes().empty() || !verdict.asks().empty(); }

/// Its token and lengths, and its texts, which the encoder cuts; of a reply its body too.
std::size_t header_bytes(const VerdictRef& verdict) {
  constexpr std::size_t kFixed = 96;
  if (verdict == nullptr) return kFixed;
  const auto& [type, message, details] = verdict->error;
  const wire::ResponderReply* reply = verdict->reply.get();
  return kFixed + std::min(type.size(), limits::kErrorTypeBytes) +
         std::min(message.size(), limits::kErrorMessageBytes) + std::min(details.size(), limits::kErrorDetailsBytes) +
         (reply == nullptr ? 0 : reply->envelope.size() + reply->body.size() + reply->reason.size()) +
         size_of(verdict->publishes);
}

VerdictRef plain_verdict(VerdictKind kind) {
  auto verdict = std::make_unique<wire::Verdict>();
  verdict->kind = kind;
  return verdict;
}

}  // namespace lazaret::detail
