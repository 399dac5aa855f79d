// Consumers, deliveries, what becomes of them.
#include "base/text_encoding.h"
#include "model/limits.h"
#include "wire/protobuf_frame.h"

namespace lazaret::wire {
namespace {

/// Of a delay or a lease in a frame: longer ones would overflow where they are counted.
constexpr std::uint64_t kLongestMs = 365ull * 24 * 3600 * 1000;

constexpr std::pair<model::Whereabouts, std::string_view> kPlaces[] = {
    {model::Whereabouts::unknown, "unknown"}, {model::Whereabouts::leased, "leased"},
    {model::Whereabouts::acked, "acked"},     {model::Whereabouts::in_case, "in_case"},
    {model::Whereabouts::purged, "purged"},   {model::Whereabouts::ready, "ready"},
    {model::Whereabouts::expired, "expired"},
};

std::string_view name_of(model::Whereabouts where) {
  for (const auto& [value, name] : kPlaces) {
    if (value == where) return name;
  }
  return "unknown";
}

model::Whereabouts place_of(std::string_view name) {
  for (const auto& [value, known] : kPlaces) {
    if (known == name) return value;
  }
  return model::Whereabouts::unknown;
}

}  // namespace

std::string cut(const std::string& text, std::size_t most) {
  constexpr std::string_view kMark = "… [cut]";
  if (text.size() <= most) return text;
  std::size_t end = most - kMark.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + std::string(kMark);
}

std::string text_of(const std::string& bytes, std::size_t most) { return cut(base::to_utf8(cut(bytes, most)), most); }

OutFrame encode(const OpenConsumer& frame) {
  v1::OpenConsumer out;
  out.set_request(frame.request);
  out.set_consumer(frame.consumer);
  out.set_queue(frame.queue);
  out.set_credit_messages(frame.credit_messages);
  out.set_credit_bytes(frame.credit_bytes);
  for (const HeldToken& held : frame.held) {
    v1::HeldToken* to = out.add_held();
    fill(to->mutable_token(), held.token);
    to->set_begun(held.begun);
    to->set_delivery(held.delivery);
  }
  out.set_more(frame.more);
  for (const std::string& accepts : frame.accepts) out.add_accepts(accepts);
  return to_frame(FrameType::open_consumer, out);
}

template <>
base::Result<OpenConsumer> decode<OpenConsumer>(const Frame& frame) {
  const auto in = parse_header<v1::OpenConsumer>(frame);
  if (in == nullptr) return bad_frame("OPEN_CONSUMER cannot be decoded");
  OpenConsumer out;
  out.request = in->request();
  out.consumer = in->consumer();
  out.queue = in->queue();
  out.credit_messages = in->credit_messages();
  out.credit_bytes = in->credit_bytes();
  for (const v1::HeldToken& held : in->held()) {
    out.held.push_back({token_of(held.token()), held.begun(), held.delivery()});
  }
  out.more = in->more();
  out.accepts.assign(in->accepts().begin(), in->accepts().end());
  return out;
}

OutFrame encode(const ConsumerOpened& frame) {
  v1::ConsumerOpened out;
  out.set_request(frame.request);
  if (!frame.status.ok()) fill(out.mutable_problem(), frame.status);
  out.set_consumer(frame.consumer);
  out.set_shard(frame.shard.value);
  out.set_subscription(frame.subscription.value);
  for (const bool held : frame.held) out.add_held(held);
  out.set_lease_duration_ms(static_cast<std::uint64_t>(frame.lease_duration.count() / 1000));
  out.set_source(frame.source);
  return to_frame(FrameType::consumer_opened, out);
}

template <>
base::Result<ConsumerOpened> decode<ConsumerOpened>(const Frame& frame) {
  const auto in = parse_header<v1::ConsumerOpened>(frame);
  if (in == nullptr) return bad_frame("CONSUMER_OPENED cannot be decoded");
  ConsumerOpened out;
  out.request = in->request();
  out.status = status_of(in->problem());
  out.consumer = in->consumer();
  out.shard = model::ShardId(static_cast<std::uint16_t>(in->shard()));
  out.subscription = model::SubscriptionId(in->subscription());
  out.held.assign(in->held().begin(), in->held().end());
  if (in->lease_duration_ms() > kLongestMs) return bad_frame("a lease of more than a year");
  out.lease_duration = std::chrono::milliseconds(in->lease_duration_ms());
  out.source = in->source();
  return out;
}

OutFrame encode(const AddCredit& frame) {
  v1::AddCredit out;
  out.set_consumer(frame.consumer);
  out.set_messages(frame.messages);
  out.set_bytes(frame.bytes);
  return to_frame(FrameType::add_credit, out);
}
template <>
base::Result<AddCredit> decode<AddCredit>(const Frame& frame) {
  const auto in = parse_header<v1::AddCredit>(frame);
  if (in == nullptr) return bad_frame("ADD_CREDIT cannot be decoded");
  return AddCredit{in->consumer(), in->messages(), in->bytes()};
}

OutFrame encode(const Deliver& frame) {
  auto out = Reused<v1::Deliver>::blank();
  out->set_consumer(frame.consumer);
  std::size_t body_bytes = 0;
  for (const Delivery& one : frame.deliveries) {
    v1::Delivery* to = out->add_deliveries();
    to->set_delivery(one.delivery);
    fill(to->mutable_token(), one.token);
    to->set_attempt(one.attempt);
    to->set_redelivered(one.redelivered);
    to->set_isolated(one.isolated);
    to->set_source_offset(one.source_offset.value);
    to->set_published_at_us(one.published_at.us);
    to->set_envelope(one.envelope.view().data(), one.envelope.size());
    to->set_body_bytes(static_cast<std::uint32_t>(one.body.size()));
    to->set_body_crc(one.body_crc);
    if (one.time_left.count() > 0) to->set_time_left_us(static_cast<std::uint64_t>(one.time_left.count()));
    if (!one.source.empty()) to->set_source(one.source);
    body_bytes += one.body.size();
  }
  OutFrame encoded = to_frame(FrameType::deliver, out, body_bytes);
  for (const Delivery& one : frame.deliveries) encoded.bodies.push_back(one.body);
  return encoded;
}

template <>
base::Result<Deliver> decode<Deliver>(const Frame& frame) {
  const auto in = parse_header<v1::Deliver>(frame);
  if (in == nullptr) return bad_frame("DELIVER cannot be decoded");
  Deliver out{in->consumer(), {}};
  out.deliveries.reserve(static_cast<std::size_t>(in->deliveries_size()));
  BodyCutter bodies(frame.body);
  for (const v1::Delivery& one : in->deliveries()) {
    out.deliveries.push_back({one.delivery(), token_of(one.token()), one.attempt(), one.redelivered(), one.isolated(),
                              model::Offset(one.source_offset()), base::Instant{one.published_at_us()},
                              copied(one.envelope()), bodies.take(one.body_bytes()), one.body_crc(),
                              microseconds(one.time_left_us()), one.source()});
  }
  if (!bodies.exact()) return bad_frame("the body lengths in DELIVER do not add up to the frame's body");
  return out;
}

OutFrame encode(const Started& frame) {
  v1::Started out;
  out.set_consumer(frame.consumer);
  out.set_delivery(frame.delivery);
  return to_frame(FrameType::started, out);
}
template <>
base::Result<Started> decode<Started>(const Frame& frame) {
  const auto in = parse_header<v1::Started>(frame);
  if (in == nullptr) return bad_frame("STARTED cannot be decoded");
  return Started{in->consumer(), in->delivery()};
}

OutFrame encode(const Settle& frame) {
  auto out = Reused<v1::Settle>::blank();
  out->set_request(frame.request);
  out->set_consumer(frame.consumer);
  if (!frame.acks.empty()) {
    v1::AckBatch* batch = out->mutable_acks();
    batch->set_log(frame.acks[0].log.value);
    bool same_log = true;
    std::uint64_t offset = 0;
    std::uint64_t grant = 0;
    for (const Token& token : frame.acks) {
      batch->add_offset_deltas(static_cast<std::int64_t>(token.offset.value - offset));
      batch->add_grant_deltas(static_cast<std::int64_t>(token.grant.value - grant));
      offset = token.offset.value;
      grant = token.grant.value;
      same_log = same_log && token.log == frame.acks[0].log;
    }
    if (!same_log) {
      for (const Token& token : frame.acks) batch->add_logs(token.log.value);
    }
  }
  std::size_t body_bytes = 0;
  for (const Verdict& verdict : frame.verdicts) {
    v1::Verdict* to = out->add_verdicts();
    to->set_kind(static_cast<v1::VerdictKind>(verdict.kind));
    fill(to->mutable_token(), verdict.token);
    to->set_error_type(cut(verdict.error.type, model::limits::kErrorTypeBytes));
    to->set_error_message(cut(verdict.error.message, model::limits::kErrorMessageBytes));
    to->set_error_details(cut(verdict.error.details, model::limits::kErrorDetailsBytes));
    to->set_handler_timeout(verdict.handler_timeout);
    to->set_has_delay(verdict.delay.has_value());
    to->set_delay_ms(verdict.delay ? static_cast<std::uint64_t>(verdict.delay->count() / 1000) : 0);
    if (verdict.reply != nullptr) {
      fill(to->mutable_reply(), *verdict.reply);
      body_bytes += verdict.reply->body.size();
    }
    if (verdict.publishes == nullptr) continue;
    for (const AddressedItem& one : *verdict.publishes) {
      fill(to->add_publishes(), one);
      body_bytes += one.item.body.size();
    }
  }
  OutFrame encoded = to_frame(FrameType::settle, out, body_bytes);
  if (body_bytes == 0) return encoded;
  for (const Verdict& verdict : frame.verdicts) {
    if (verdict.reply != nullptr) encoded.bodies.push_back(verdict.reply->body);
    if (verdict.publishes == nullptr) continue;
    for (const AddressedItem& one : *verdict.publishes) encoded.bodies.push_back(one.item.body);
  }
  return encoded;
}

namespace {

base::Status decode_acks(const v1::AckBatch& batch, Settle& out) {
  const int count = batch.offset_deltas_size();
  if (batch.grant_deltas_size() != count || (batch.logs_size() != 0 && batch.logs_size() != count)) {
    return bad_frame("the arrays of acks in SETTLE differ in length");
  }
  out.acks.reserve(static_cast<std::size_t>(count));
  std::uint64_t offset = 0;
  std::uint64_t grant = 0;
  for (int i = 0; i < count; ++i) {
    offset += static_cast<std::uint64_t>(batch.offset_deltas(i));
    grant += static_cast<std::uint64_t>(batch.grant_deltas(i));
    const std::uint64_t log = batch.logs_size() == 0 ? batch.log() : batch.logs(i);
    out.acks.push_back({model::LogId(log), model::Offset(offset), model::Grant(grant)});
  }
  return {};
}

}  // namespace

template <>
base::Result<Settle> decode<Settle>(const Frame& frame) {
  const auto in = parse_header<v1::Settle>(frame);
  if (in == nullptr) return bad_frame("SETTLE cannot be decoded");
  Settle out;
  out.request = in->request();
  out.consumer = in->consumer();
  if (const base::Status status = decode_acks(in->acks(), out); !status.ok()) return status;
  int published = 0;
  for (const v1::Verdict& verdict : in->verdicts()) published += verdict.publishes_size();
  if (published > static_cast<int>(model::limits::kBatchItems)) return bad_frame("SETTLE publishes too much at a time");
  BodyCutter bodies(frame.body);
  for (const v1::Verdict& verdict : in->verdicts()) {
    if (verdict.kind() < v1::ACK || verdict.kind() > v1::NOT_BEGUN) return bad_frame("a verdict of an unknown kind");
    Verdict& to = out.verdicts.emplace_back();
    to.kind = static_cast<model::VerdictKind>(verdict.kind());
    to.token = token_of(verdict.token());
    to.error = {text_of(verdict.error_type(), model::limits::kErrorTypeBytes),
                text_of(verdict.error_message(), model::limits::kErrorMessageBytes),
                text_of(verdict.error_details(), model::limits::kErrorDetailsBytes)};
    to.handler_timeout = verdict.handler_timeout();
    if (verdict.delay_ms() > kLongestMs) return bad_frame("a delay of more than a year");
    if (verdict.has_delay()) to.delay = std::chrono::milliseconds(verdict.delay_ms());
    if (verdict.kind() != v1::ACK) continue;
    if (verdict.has_reply()) {
      auto reply = std::make_shared<ResponderReply>();
      if (!take(verdict.reply(), bodies, *reply)) {
        return bad_frame("a reply is neither answered nor declined, or is declined with a body");
      }
      to.reply = std::move(reply);
    }
    to.publishes = take(verdict.publishes(), bodies);
  }
  if (!bodies.exact()) return bad_frame("the body lengths in SETTLE do not add up to the frame's body");
  return out;
}

OutFrame encode(const Settled& frame) {
  v1::Settled out;
  out.set_request(frame.request);
  for (const auto& [index, result] : frame.results) {
    v1::VerdictResult* to = out.add_results();
    to->set_index(index);
    to->set_error_number(static_cast<std::uint32_t>(result.code));
    to->set_where(std::string(name_of(result.where)));
    if (result.case_id) to->set_case_id(result.case_id->to_string());
    to->set_late(result.late);
    to->set_text(base::to_utf8(result.text));
  }
  return to_frame(FrameType::settled, out);
}

template <>
base::Result<Settled> decode<Settled>(const Frame& frame) {
  const auto in = parse_header<v1::Settled>(frame);
  if (in == nullptr) return bad_frame("SETTLED cannot be decoded");
  Settled out{in->request(), {}};
  for (const v1::VerdictResult& result : in->results()) {
    out.results.emplace_back(
        result.index(), model::VerdictResult{static_cast<base::Code>(result.error_number()), place_of(result.where()),
                                             model::CaseId::parse(result.case_id()), result.late(), result.text()});
  }
  return out;
}

OutFrame encode(const CloseConsumer& frame) {
  v1::CloseConsumer out;
  out.set_request(frame.request);
  out.set_consumer(frame.consumer);
  return to_frame(FrameType::close_consumer, out);
}
template <>
base::Result<CloseConsumer> decode<CloseConsumer>(const Frame& frame) {
  const auto in = parse_header<v1::CloseConsumer>(frame);
  if (in == nullptr) return bad_frame("CLOSE_CONSUMER cannot be decoded");
  return CloseConsumer{in->request(), in->consumer()};
}

OutFrame encode(const Recall& frame) {
  v1::Recall out;
  out.set_consumer(frame.consumer);
  for (const std::uint64_t delivery : frame.deliveries) out.add_deliveries(delivery);
  return to_frame(FrameType::recall, out);
}
template <>
base::Result<Recall> decode<Recall>(const Frame& frame) {
  const auto in = parse_header<v1::Recall>(frame);
  if (in == nullptr) return bad_frame("RECALL cannot be decoded");
  return Recall{in->consumer(), {in->deliveries().begin(), in->deliveries().end()}};
}

OutFrame encode(const LeaseEnded& frame) {
  v1::LeaseEnded out;
  out.set_consumer(frame.consumer);
  for (const Token& token : frame.tokens) fill(out.add_tokens(), token);
  return to_frame(FrameType::lease_ended, out);
}
template <>
base::Result<LeaseEnded> decode<LeaseEnded>(const Frame& frame) {
  const auto in = parse_header<v1::LeaseEnded>(frame);
  if (in == nullptr) return bad_frame("LEASE_ENDED cannot be decoded");
  LeaseEnded out{in->consumer(), {}};
  for (const v1::Token& token : in->tokens()) out.tokens.push_back(token_of(token));
  return out;
}

OutFrame encode(const ConsumerEnded& frame) {
  v1::ConsumerEnded out;
  out.set_consumer(frame.consumer);
  if (!frame.status.ok()) fill(out.mutable_problem(), frame.status);
  return to_frame(FrameType::consumer_ended, out);
}
template <>
base::Result<ConsumerEnded> decode<ConsumerEnded>(const Frame& frame) {
  const auto in = parse_header<v1::ConsumerEnded>(frame);
  if (in == nullptr) return bad_frame("CONSUMER_ENDED cannot be decoded");
  return ConsumerEnded{in->consumer(), status_of(in->problem())};
}

}  // namespace lazaret::wire
