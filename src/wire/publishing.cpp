// OpenProducer, Publish and their answers.
#include "wire/protobuf_frame.h"

namespace lazaret::wire {

OutFrame encode(const OpenProducer& frame) {
  v1::OpenProducer out;
  out.set_request(frame.request);
  out.set_queue(frame.queue);
  if (frame.producer_id) out.set_producer_id(frame.producer_id->raw().data(), 16);
  return to_frame(FrameType::open_producer, out);
}

template <>
base::Result<OpenProducer> decode<OpenProducer>(const Frame& frame) {
  const auto in = parse_header<v1::OpenProducer>(frame);
  if (in == nullptr) return bad_frame("OPEN_PRODUCER cannot be decoded");
  OpenProducer out{in->request(), in->queue(), std::nullopt};
  if (!in->producer_id().empty()) {
    out.producer_id = base::Uuid::from_raw(in->producer_id());
    if (!out.producer_id) return bad_frame("a producer id has sixteen bytes");
  }
  return out;
}

OutFrame encode(const ProducerOpened& frame) {
  v1::ProducerOpened out;
  out.set_request(frame.request);
  if (!frame.status.ok()) fill(out.mutable_problem(), frame.status);
  out.set_producer(frame.producer);
  out.set_last_sequence(frame.last_sequence);
  return to_frame(FrameType::producer_opened, out);
}

template <>
base::Result<ProducerOpened> decode<ProducerOpened>(const Frame& frame) {
  const auto in = parse_header<v1::ProducerOpened>(frame);
  if (in == nullptr) return bad_frame("PRODUCER_OPENED cannot be decoded");
  return ProducerOpened{in->request(), status_of(in->problem()), in->producer(), in->last_sequence()};
}

OutFrame encode(const CloseProducer& frame) {
  v1::CloseProducer out;
  out.set_producer(frame.producer);
  return to_frame(FrameType::close_producer, out);
}
template <>
base::Result<CloseProducer> decode<CloseProducer>(const Frame& frame) {
  const auto in = parse_header<v1::CloseProducer>(frame);
  if (in == nullptr) return bad_frame("CLOSE_PRODUCER cannot be decoded");
  return CloseProducer{in->producer()};
}

void fill(v1::PublishItem* out, const PublishItem& item) {
  out->set_sequence(item.sequence);
  out->set_envelope(item.envelope.view().data(), item.envelope.size());
  out->set_body_bytes(static_cast<std::uint32_t>(item.body.size()));
  out->set_body_crc(item.body_crc);
  if (item.delay.count() > 0) out->set_delay_us(static_cast<std::uint64_t>(item.delay.count()));
  if (item.deliver_at.us != 0) out->set_deliver_at_us(item.deliver_at.us);
  if (item.ttl.count() > 0) out->set_ttl_us(static_cast<std::uint64_t>(item.ttl.count()));
}

PublishItem take(const v1::PublishItem& in, BodyCutter& bodies) {
  return {in.sequence(),
          copied(in.envelope()),
          bodies.take(in.body_bytes()),
          in.body_crc(),
          microseconds(in.delay_us()),
          base::Instant{in.deliver_at_us()},
          microseconds(in.ttl_us())};
}

void fill(v1::AddressedItem* out, const AddressedItem& item) {
  out->set_to(item.to);
  fill(out->mutable_item(), item.item);
  if (!item.is_ask()) return;
  out->set_reply_queue(item.reply_queue);
  out->set_time_left_us(item.time_left.count() > 0 ? static_cast<std::uint64_t>(item.time_left.count()) : 0);
  fill(out->mutable_context(), item.context);
}

AddressedItems take(const google::protobuf::RepeatedPtrField<v1::AddressedItem>& in, BodyCutter& bodies) {
  if (in.empty()) return nullptr;
  auto items = std::make_shared<std::vector<AddressedItem>>();
  items->reserve(static_cast<std::size_t>(in.size()));
  for (const v1::AddressedItem& one : in) {
    items->push_back({one.to(), take(one.item(), bodies), one.reply_queue(), microseconds(one.time_left_us()),
                      context_of(one.context())});
  }
  return items;
}

void fill(v1::AskTerms* out, const AskTerms& ask) {
  out->set_reply_queue(ask.reply_queue);
  out->set_time_left_us(ask.time_left.count() > 0 ? static_cast<std::uint64_t>(ask.time_left.count()) : 0);
  fill(out->mutable_context(), ask.context);
}

AskTermsRef take(const v1::AskTerms& in) {
  return std::make_shared<const AskTerms>(
      AskTerms{in.reply_queue(), microseconds(in.time_left_us()), context_of(in.context())});
}

OutFrame encode(const Publish& frame) {
  auto out = Reused<v1::Publish>::blank();
  out->set_request(frame.request);
  out->set_producer(frame.producer);
  if (frame.ask != nullptr) fill(out->mutable_ask(), *frame.ask);
  std::size_t body_bytes = 0;
  for (const PublishItem& item : frame.items) {
    fill(out->add_items(), item);
    body_bytes += item.body.size();
  }
  if (frame.together != nullptr) {
    for (const AddressedItem& one : *frame.together) {
      fill(out->add_together(), one);
      body_bytes += one.item.body.size();
    }
  }
  OutFrame encoded = to_frame(FrameType::publish, out, body_bytes);
  for (const PublishItem& item : frame.items) encoded.bodies.push_back(item.body);
  if (frame.together == nullptr) return encoded;
  for (const AddressedItem& one : *frame.together) encoded.bodies.push_back(one.item.body);
  return encoded;
}

template <>
base::Result<Publish> decode<Publish>(const Frame& frame) {
  const auto in = parse_header<v1::Publish>(frame);
  if (in == nullptr) return bad_frame("PUBLISH cannot be decoded");
  Publish out{in->request(), in->producer(), {}};
  out.items.reserve(static_cast<std::size_t>(in->items_size()));
  BodyCutter bodies(frame.body);
  for (const v1::PublishItem& item : in->items()) out.items.push_back(take(item, bodies));
  out.together = take(in->together(), bodies);
  if (out.together != nullptr && out.items.size() != 1) {
    return bad_frame("what is published together comes with one item");
  }
  if (in->has_ask()) {
    if (out.items.size() != 1) return bad_frame("a PUBLISH that asks has one item");
    out.ask = take(in->ask());
  }
  if (!bodies.exact()) return bad_frame("the body lengths in PUBLISH do not add up to the frame's body");
  return out;
}

namespace {

/// Whether the results are n messages stored in a row: then two numbers say it all.
bool plainly_stored(const std::vector<model::PublishResult>& results) {
  for (std::size_t i = 0; i < results.size(); ++i) {
    const model::PublishResult& result = results[i];
    if (result.code != base::Code::OK || result.duplicate) return false;
    if (result.offset.value != results[0].offset.value + i) return false;
  }
  return !results.empty();
}

}  // namespace

OutFrame encode(const Published& frame) {
  v1::Published out;
  out.set_request(frame.request);
  if (plainly_stored(frame.results)) {
    out.set_first_offset(frame.results[0].offset.value);
    out.set_stored(static_cast<std::uint32_t>(frame.results.size()));
  } else {
    for (const model::PublishResult& result : frame.results) {
      v1::PublishResult* to = out.add_results();
      to->set_error_number(static_cast<std::uint32_t>(result.code));
      to->set_offset(result.offset.value);
      to->set_duplicate(result.duplicate);
    }
  }
  if (!frame.status.ok()) fill(out.mutable_problem(), frame.status);
  return to_frame(FrameType::published, out);
}

template <>
base::Result<Published> decode<Published>(const Frame& frame) {
  const auto in = parse_header<v1::Published>(frame);
  if (in == nullptr) return bad_frame("PUBLISHED cannot be decoded");
  Published out{in->request(), {}, status_of(in->problem())};
  // A few bytes stand for all of these: no more than whoever published can have sent.
  if (in->stored() > model::limits::kBatchItems ||
      static_cast<std::size_t>(in->results_size()) > model::limits::kBatchItems) {
    return bad_frame("PUBLISHED confirms more than any batch can hold");
  }
  if (in->stored() > 0 && in->results_size() > 0) return bad_frame("PUBLISHED confirms in both of its forms at once");
  for (std::uint32_t i = 0; i < in->stored(); ++i) {
    out.results.push_back({base::Code::OK, model::Offset(in->first_offset() + i), false});
  }
  for (const v1::PublishResult& result : in->results()) {
    out.results.push_back(
        {static_cast<base::Code>(result.error_number()), model::Offset(result.offset()), result.duplicate()});
  }
  return out;
}

}  // namespace lazaret::wire
