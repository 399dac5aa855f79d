// Requests, what their responders say, and what their requesters are told.
#include <algorithm>

#include "model/limits.h"
#include "wire/protobuf_frame.h"

namespace lazaret::wire {

using model::RequestOutcome;

void fill(v1::ResponderReply* out, const ResponderReply& reply) {
  out->set_outcome(static_cast<v1::Outcome>(reply.outcome));
  out->set_reason(cut(reply.reason, model::limits::kReasonBytes));
  if (reply.outcome != RequestOutcome::answered) return;
  out->set_envelope(reply.envelope.view().data(), reply.envelope.size());
  out->set_body_bytes(static_cast<std::uint32_t>(reply.body.size()));
  out->set_body_crc(reply.body_crc);
}

bool take(const v1::ResponderReply& in, BodyCutter& bodies, ResponderReply& reply) {
  if (in.outcome() != v1::OUTCOME_ANSWERED && in.outcome() != v1::OUTCOME_DECLINED) return false;
  reply.outcome = static_cast<RequestOutcome>(in.outcome());
  reply.reason = text_of(in.reason(), model::limits::kReasonBytes);
  if (reply.outcome == RequestOutcome::declined) return in.body_bytes() == 0;
  reply.envelope = copied(in.envelope());
  reply.body = bodies.take(in.body_bytes());
  reply.body_crc = in.body_crc();
  return true;
}

OutFrame encode(const Request& frame) {
  v1::Request out;
  out.set_request(frame.request);
  out.set_queue(frame.queue);
  out.set_time_left_us(frame.time_left.count() > 0 ? static_cast<std::uint64_t>(frame.time_left.count()) : 0);
  out.set_envelope(frame.envelope.view().data(), frame.envelope.size());
  out.set_body_bytes(static_cast<std::uint32_t>(frame.body.size()));
  out.set_body_crc(frame.body_crc);
  OutFrame encoded = to_frame(FrameType::request, out, frame.body.size());
  encoded.bodies.push_back(frame.body);
  return encoded;
}

template <>
base::Result<Request> decode<Request>(const Frame& frame) {
  const auto in = parse_header<v1::Request>(frame);
  if (in == nullptr) return bad_frame("REQUEST cannot be decoded");
  BodyCutter bodies(frame.body);
  Request out{in->request(),
              in->queue(),
              microseconds(in->time_left_us()),
              copied(in->envelope()),
              bodies.take(in->body_bytes()),
              in->body_crc()};
  if (!bodies.exact()) return bad_frame("the body length in REQUEST is not that of the frame's body");
  return out;
}

void fill(google::protobuf::RepeatedPtrField<v1::ContextEntry>* out, const Context& context) {
  for (const auto& [name, value] : context) {
    v1::ContextEntry* entry = out->Add();
    entry->set_name(name);
    entry->set_value(value);
  }
}

Context context_of(const google::protobuf::RepeatedPtrField<v1::ContextEntry>& in) {
  Context context;
  const int most = static_cast<int>(model::limits::kHeaderCount) + 1;
  for (int i = 0; i < std::min(in.size(), most); ++i) context.emplace_back(in[i].name(), in[i].value());
  return context;
}

OutFrame encode(const Ask& frame) {
  v1::Ask out;
  out.set_request(frame.request);
  out.set_queue(frame.queue);
  out.set_reply_queue(frame.reply_queue);
  out.set_time_left_us(frame.time_left.count() > 0 ? static_cast<std::uint64_t>(frame.time_left.count()) : 0);
  out.set_envelope(frame.envelope.view().data(), frame.envelope.size());
  out.set_body_bytes(static_cast<std::uint32_t>(frame.body.size()));
  out.set_body_crc(frame.body_crc);
  fill(out.mutable_context(), frame.context);
  OutFrame encoded = to_frame(FrameType::ask, out, frame.body.size());
  encoded.bodies.push_back(frame.body);
  return encoded;
}

template <>
base::Result<Ask> decode<Ask>(const Frame& frame) {
  const auto in = parse_header<v1::Ask>(frame);
  if (in == nullptr) return bad_frame("ASK cannot be decoded");
  BodyCutter bodies(frame.body);
  Ask out{in->request(),          in->queue(),
          in->reply_queue(),      microseconds(in->time_left_us()),
          copied(in->envelope()), bodies.take(in->body_bytes()),
          in->body_crc(),         context_of(in->context())};
  if (!bodies.exact()) return bad_frame("the body length in ASK is not that of the frame's body");
  return out;
}

OutFrame encode(const Asked& frame) {
  v1::Asked out;
  out.set_request(frame.request);
  if (!frame.status.ok()) fill(out.mutable_problem(), frame.status);
  out.set_offset(frame.offset.value);
  out.set_duplicate(frame.duplicate);
  return to_frame(FrameType::asked, out);
}
template <>
base::Result<Asked> decode<Asked>(const Frame& frame) {
  const auto in = parse_header<v1::Asked>(frame);
  if (in == nullptr) return bad_frame("ASKED cannot be decoded");
  return Asked{in->request(), status_of(in->problem()), model::Offset(in->offset()), in->duplicate()};
}

OutFrame encode(const CancelRequest& frame) {
  v1::CancelRequest out;
  out.set_queue(frame.queue);
  out.set_id(frame.id.raw().data(), 16);
  return to_frame(FrameType::cancel_request, out);
}
template <>
base::Result<CancelRequest> decode<CancelRequest>(const Frame& frame) {
  const auto in = parse_header<v1::CancelRequest>(frame);
  const auto id = in == nullptr ? std::nullopt : model::MessageId::from_raw(in->id());
  if (!id) return bad_frame("CANCEL_REQUEST cannot be decoded, or its id has not sixteen bytes");
  return CancelRequest{in->queue(), *id};
}

OutFrame encode(const Reply& frame) {
  v1::Reply out;
  out.set_request(frame.request);
  if (!frame.status.ok()) fill(out.mutable_problem(), frame.status);
  out.set_outcome(static_cast<v1::Outcome>(frame.outcome));
  out.set_reached(static_cast<v1::Reached>(frame.reached));
  out.set_late(frame.late);
  out.set_final(frame.final);
  out.set_reason(frame.reason);
  if (frame.case_id) out.set_case_id(frame.case_id->to_string());
  out.set_envelope(frame.envelope.view().data(), frame.envelope.size());
  out.set_body_bytes(static_cast<std::uint32_t>(frame.body.size()));
  out.set_body_crc(frame.body_crc);
  out.set_published_at_us(frame.published_at.us);
  OutFrame encoded = to_frame(FrameType::reply, out, frame.body.size());
  encoded.bodies.push_back(frame.body);
  return encoded;
}

template <>
base::Result<Reply> decode<Reply>(const Frame& frame) {
  const auto in = parse_header<v1::Reply>(frame);
  if (in == nullptr) return bad_frame("REPLY cannot be decoded");
  Reply out;
  out.request = in->request();
  out.status = status_of(in->problem());
  if (in->outcome() < v1::OUTCOME_UNSPECIFIED || in->outcome() > v1::OUTCOME_TIMED_OUT) {
    return bad_frame("an outcome that is not known");
  }
  out.outcome = static_cast<RequestOutcome>(in->outcome());
  // One of a newer broker says more than we know.
  if (in->reached() <= v1::REACHED_SETTLED) out.reached = static_cast<model::Reached>(in->reached());
  out.late = in->late();
  out.final = in->final();
  out.reason = in->reason();
  out.case_id = model::CaseId::parse(in->case_id());
  out.envelope = copied(in->envelope());
  BodyCutter bodies(frame.body);
  out.body = bodies.take(in->body_bytes());
  if (!bodies.exact()) return bad_frame("the body length in REPLY is not that of the frame's body");
  out.body_crc = in->body_crc();
  out.published_at = base::Instant{in->published_at_us()};
  return out;
}

OutFrame encode(const Answer& frame) {
  v1::Answer out;
  out.set_request(frame.request);
  out.set_queue(frame.queue);
  out.set_id(frame.id.raw().data(), 16);
  fill(out.mutable_reply(), frame.reply);
  out.set_note(frame.note);
  OutFrame encoded = to_frame(FrameType::answer, out, frame.reply.body.size());
  encoded.bodies.push_back(frame.reply.body);
  return encoded;
}

template <>
base::Result<Answer> decode<Answer>(const Frame& frame) {
  const auto in = parse_header<v1::Answer>(frame);
  const auto id = in == nullptr ? std::nullopt : model::MessageId::from_raw(in->id());
  if (!id) return bad_frame("ANSWER cannot be decoded, or its id has not sixteen bytes");
  Answer out{in->request(), in->queue(), *id, {}, in->note()};
  BodyCutter bodies(frame.body);
  if (!take(in->reply(), bodies, out.reply)) {
    return bad_frame("a reply is neither answered nor declined, or is declined with a body");
  }
  if (!bodies.exact()) return bad_frame("the body length in ANSWER is not that of the frame's body");
  return out;
}

OutFrame encode(const Answered& frame) {
  v1::Answered out;
  out.set_request(frame.request);
  if (!frame.status.ok()) fill(out.mutable_problem(), frame.status);
  out.set_told(frame.told);
  return to_frame(FrameType::answered, out);
}
template <>
base::Result<Answered> decode<Answered>(const Frame& frame) {
  const auto in = parse_header<v1::Answered>(frame);
  if (in == nullptr) return bad_frame("ANSWERED cannot be decoded");
  return Answered{in->request(), status_of(in->problem()), in->told()};
}

}  // namespace lazaret::wire
