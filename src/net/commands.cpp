// What a client asks: each frame is decoded, validated, and handed to the shard that it concerns.
#include <algorithm>

#include "base/crc32c.h"
#include "model/limits.h"
#include "model/message_times.h"
#include "model/too_many.h"
#include "net/session.h"
#include "wire/envelope.h"

namespace lazaret::net {

namespace limits = model::limits;
using base::Code;
using base::Status;
using wire::FrameType;

namespace {

/// Null: everything.
base::Result<model::AcceptedTypesRef> accepted_types(const std::vector<std::string>& words) {
  if (words.empty()) return model::AcceptedTypesRef();
  auto types = model::AcceptedTypes::parse(words);
  if (!types.ok()) return types.status();
  return std::make_shared<const model::AcceptedTypes>(std::move(*types));
}

}  // namespace

template <class T>
Status Session::decode_and(const wire::Frame& frame) {
  auto decoded = wire::decode<T>(frame);
  if (!decoded.ok()) return decoded.status();
  if constexpr (std::is_same_v<T, wire::Publish>) {
    return on(std::move(*decoded), frame.body.size() + frame.header.size());
  } else {
    return on(std::move(*decoded));
  }
}

/// An error that is returned ends the connection; one that is answered does not.
Status Session::handle(const wire::Frame& frame) {
  switch (static_cast<FrameType>(frame.type)) {
    case FrameType::publish: return decode_and<wire::Publish>(frame);
    case FrameType::settle: return decode_and<wire::Settle>(frame);
    case FrameType::started: return decode_and<wire::Started>(frame);
    case FrameType::add_credit: return decode_and<wire::AddCredit>(frame);
    case FrameType::open_producer: return decode_and<wire::OpenProducer>(frame);
    case FrameType::close_producer: return decode_and<wire::CloseProducer>(frame);
    case FrameType::open_consumer: return decode_and<wire::OpenConsumer>(frame);
    case FrameType::close_consumer: return decode_and<wire::CloseConsumer>(frame);
    case FrameType::queue_request: return decode_and<wire::QueueRequest>(frame);
    case FrameType::peek: return decode_and<wire::Peek>(frame);
    case FrameType::request: return decode_and<wire::Request>(frame);
    case FrameType::cancel_request: return decode_and<wire::CancelRequest>(frame);
    case FrameType::answer: return decode_and<wire::Answer>(frame);
    case FrameType::ask: return decode_and<wire::Ask>(frame);
    case FrameType::ping: return decode_and<wire::Ping>(frame);
    case FrameType::pong: return decode_and<wire::Pong>(frame);
    case FrameType::goodbye: return decode_and<wire::Goodbye>(frame);
    case FrameType::hello:
    case FrameType::welcome:
    case FrameType::published:
    case FrameType::producer_opened:
    case FrameType::consumer_opened:
    case FrameType::deliver:
    case FrameType::settled:
    case FrameType::recall:
    case FrameType::lease_ended:
    case FrameType::consumer_ended:
    case FrameType::queue_response:
    case FrameType::peeked:
    case FrameType::reply:
    case FrameType::answered:
    case FrameType::asked:
    case FrameType::error:
    case FrameType::closing:
      return Status(Code::UNEXPECTED_FRAME,
                    "frame type " + std::to_string(frame.type) + " is not a client's to send now");
  }
  Status unknown(Code::UNKNOWN_FRAME, "frame type " + std::to_string(frame.type) + " is not known here");
  if ((frame.flags & wire::kMustUnderstand) != 0) return unknown;
  send(wire::encode(wire::Error{0, unknown}));
  return {};
}

void Session::submit(model::ShardId shard, model::Command command, std::size_t bytes) {
  if (!context_.engine.submit(session_, shard, std::move(command), bytes)) engine_full_ = true;
}

model::Origin Session::expect(Then then) {
  expected_.emplace(++last_request_, std::move(then));
  return {session_, last_request_};
}

void Session::refuse(std::uint64_t request, Status status) {
  if (request == 0) return;  // nobody waits for an answer
  send(wire::encode(wire::Error{request, std::move(status)}));
}

bool Session::too_many(std::uint64_t request, std::size_t have, std::size_t limit, std::string_view what) {
  if (have < limit) return false;
  refuse(request, Status(Code::LIMIT_REACHED, "this connection has " + std::to_string(have) + " " + std::string(what))
                      .with_limit(std::string(what), static_cast<std::int64_t>(limit)));
  return true;
}

// --- Publishing ------------------------------------------------------------------------------------------------------

Status Session::on(wire::OpenProducer&& frame) {
  if (too_many(frame.request, producers_.size(), limits::kProducersPerConnection, "producers")) return {};
  const bool creating = create_missing(frame.queue, [this, frame](Status status) {
    if (!status.ok()) return refuse(frame.request, std::move(status));
    open_producer(frame);
  });
  if (!creating) open_producer(frame);
  return {};
}

void Session::open_producer(const wire::OpenProducer& frame) {
  const auto found = context_.engine.directory().destination(frame.queue);
  if (!found.ok()) return refuse(frame.request, found.status());
  const engine::QueueRef& queue = *found;
  const std::uint32_t number = ++last_producer_;
  producers_.emplace(number, Producer{queue->shard, queue->log, frame.producer_id, queue});
  if (!frame.producer_id) return send(wire::encode(wire::ProducerOpened{frame.request, {}, number, 0}));
  const model::Origin origin = expect([this, request = frame.request, number](model::Answer&& answer) {
    auto& opened = std::get<model::ProducerOpened>(answer);
    if (!opened.status.ok()) producers_.erase(number);
    send(wire::encode(wire::ProducerOpened{request, std::move(opened.status), number, opened.last_sequence}));
  });
  submit(queue->shard, model::OpenProducer{origin, queue->log, *frame.producer_id});
}

Status Session::on(wire::CloseProducer&& frame) {
  producers_.erase(frame.producer);
  return {};
}

Status Session::used_twice(std::uint64_t request) {
  return Status(Code::UNEXPECTED_FRAME, "request " + std::to_string(request) + " is used by two open publishes");
}

Status Session::check(const base::SharedBytes& envelope, const base::SharedBytes& body, std::uint32_t crc,
                      wire::EnvelopeFacts& facts) const {
  const ServerConfig& config = context_.config;
  if (body.size() > config.max_message_bytes) {
    return Status(Code::MESSAGE_TOO_LARGE, "the body has " + std::to_string(body.size()) + " bytes, at most " +
                                               std::to_string(config.max_message_bytes) + " are taken")
        .with_limit("max_message_bytes", static_cast<std::int64_t>(config.max_message_bytes));
  }
  LZ_RETURN_IF_ERROR(wire::check_envelope(envelope.view(), config.max_header_bytes, facts));
  if (base::crc32c(body.view()) != crc) return Status(Code::CHECKSUM_MISMATCH);
  return {};
}

/// Of what was checked.
std::shared_ptr<model::Message> Session::message_of(base::SharedBytes envelope, base::SharedBytes body,
                                                    std::uint32_t crc, const wire::EnvelopeFacts& facts) {
  auto message = std::make_shared<model::Message>();
  message->priority = facts.priority;
  if (facts.has_id) {
    message->envelope = std::move(envelope);
  } else {
    const auto id = base::Uuid::v7(context_.engine.now().us / 1000, random_.next(), random_.next());
    message->envelope = base::SharedBytes::of(wire::with_id(envelope.view(), id));
  }
  message->body = std::move(body);
  message->body_crc = crc;
  return message;
}

/// What an item stands for, or why the broker does not take it.
base::Result<std::shared_ptr<model::Message>> Session::message_of(wire::PublishItem&& item) {
  wire::EnvelopeFacts facts;
  LZ_RETURN_IF_ERROR(check(item.envelope, item.body, item.body_crc, facts));
  auto message = message_of(std::move(item.envelope), std::move(item.body), item.body_crc, facts);
  const model::AskedTimes times{item.delay, item.deliver_at, item.ttl, base::Instant{facts.expires_at_us}};
  if (times != model::AskedTimes{}) LZ_RETURN_IF_ERROR(model::set_times(times, context_.engine.now(), *message));
  if (item.ttl.count() > 0) {
    message->envelope = base::SharedBytes::of(wire::with_expiry(message->envelope.view(), message->expires_at.us));
  }
  return message;
}

namespace {

/// What waits somewhere counts with its own bytes, so it must not keep a frame in memory that is much larger.
base::SharedBytes by_itself(base::SharedBytes body, std::size_t frame_bytes) {
  return body.size() * 2 < frame_bytes ? base::SharedBytes::copy(body.view()) : std::move(body);
}

std::size_t bodies_of(const wire::AddressedItems& items) {
  std::size_t bytes = 0;
  if (items == nullptr) return bytes;
  for (const wire::AddressedItem& one : *items) bytes += one.item.body.size();
  return bytes;
}

}  // namespace

/// What goes out in the same write as something else; or why the broker does not take it. `frame_bytes`: of all bodies
/// that came with it.
base::Result<std::shared_ptr<model::Outgoing>> Session::outgoing_of(const std::vector<wire::AddressedItem>& items,
                                                                    std::size_t frame_bytes) {
  auto outgoing = std::make_shared<model::Outgoing>();
  for (const wire::AddressedItem& one : items) {
    const auto found = context_.engine.directory().destination(one.to);
    if (!found.ok()) return why_missing(one.to, found.status());
    const engine::QueueRef& queue = *found;
    wire::PublishItem item = one.item;
    item.body = by_itself(std::move(item.body), frame_bytes);
    auto message = message_of(std::move(item));
    if (!message.ok()) return message.status();
    auto& to = outgoing->to;
    auto place = std::find_if(to.begin(), to.end(), [&](const auto& other) { return other.log == queue->log; });
    if (place == to.end()) place = to.insert(to.end(), {queue->shard, queue->log, {}, {}});
    if (one.is_ask()) {
      auto ask = asked_along(one.item, {one.reply_queue, one.time_left, one.context}, *queue, **message);
      if (!ask.ok()) return ask.status();
      ask->place = static_cast<std::uint32_t>(place->messages.size());
      place->asks.push_back(std::move(*ask));
    }
    place->messages.push_back(std::move(message).value());
  }
  return outgoing;
}

/// What the one item of a publish, which is to become `message`, takes along, and whether it is a request itself.
Status Session::publish_together(const wire::Publish& frame, std::size_t frame_bytes, const model::QueueRecord& queue,
                                 const model::Message& message, model::Publish& command) {
  static const std::vector<wire::AddressedItem> kNone;
  auto outgoing = outgoing_of(frame.together == nullptr ? kNone : *frame.together, frame_bytes);
  if (!outgoing.ok()) return outgoing.status();
  if (frame.ask != nullptr) {
    auto ask = asked_along(frame.items.front(), *frame.ask, queue, message);
    if (!ask.ok()) return ask.status();
    (*outgoing)->item = std::move(*ask);
  }
  command.outgoing = std::move(*outgoing);
  return {};
}

std::vector<std::string> Session::missing_for(const wire::Publish& frame) const {
  std::vector<std::string> missing;
  add_missing(frame.together, missing);
  if (frame.ask != nullptr) add_missing(frame.ask->reply_queue, missing);
  return missing;
}

std::vector<std::string> Session::missing_for(const wire::Settle& frame) const {
  std::vector<std::string> missing;
  if (!context_.config.auto_create) return missing;
  for (const wire::Verdict& one : frame.verdicts) add_missing(one.publishes, missing);
  return missing;
}

Status Session::on(wire::Publish&& frame, std::size_t bytes) {
  const auto producer = producers_.find(frame.producer);
  if (producer == producers_.end()) {
    refuse(frame.request, Status(Code::BAD_REQUEST, "producer " + std::to_string(frame.producer) + " is not open"));
    return {};
  }
  const std::size_t together = frame.together == nullptr ? 0 : frame.together->size();
  if (frame.items.size() + together > limits::kBatchItems) {
    refuse(frame.request, model::batch_too_large(frame.items.size() + together));
    return {};
  }
  const bool alone = together == 0 && frame.ask == nullptr;
  if (std::vector<std::string> missing = alone ? std::vector<std::string>() : missing_for(frame); !missing.empty()) {
    create_all(std::move(missing), [this, frame, bytes]() mutable { return on(std::move(frame), bytes); });
    return {};
  }
  model::Publish command;
  command.origin = {session_, frame.request};
  command.log = producer->second.log;
  command.producer = producer->second.id;
  command.items.reserve(frame.items.size());
  std::vector<std::pair<std::size_t, Status>> refused;
  for (std::size_t place = 0; place < frame.items.size(); ++place) {
    wire::PublishItem& item = frame.items[place];
    const std::uint64_t sequence = item.sequence;
    if (together > 0) item.body = by_itself(std::move(item.body), bytes);
    auto message = message_of(std::move(item));
    Status problem = message.ok() ? Status() : message.status();
    if (problem.ok() && !alone) {
      problem = publish_together(frame, bytes, *producer->second.queue, **message, command);
    }
    if (!problem.ok()) {
      refused.emplace_back(place, std::move(problem));
      continue;
    }
    command.items.push_back({sequence, std::move(message).value()});
  }
  if (!refused.empty() && frame.request != 0) {
    const RefusedItems items{command.items.size(), std::move(refused)};
    if (!refused_items_.emplace(frame.request, items).second) return used_twice(frame.request);
  }
  if (command.items.empty()) {
    if (frame.request != 0) on(model::Published{frame.request, {}, {}});
  } else {
    if (frame.request != 0) {
      ++answers_due_;
      results_due_ += command.items.size();
    }
    submit(producer->second.shard, std::move(command), bytes + (frame.items.size() + together) * limits::kCommandBytes);
  }
  return {};
}

// --- Consuming -------------------------------------------------------------------------------------------------------

Status Session::on(wire::OpenConsumer&& frame) {
  // Over all consumers that are just being opened: an honest client opens one after the other.
  if (held_waiting_ + frame.held.size() > limits::kCreditMessages) {
    return Status(Code::BAD_FRAME, "a consumer presents more tokens than it can have");
  }
  if (frame.more) {
    if (!has_room_for(frame.consumer)) return {};  // the last of its frames is answered, with LIMIT_REACHED
    auto& held = consumers_[frame.consumer].held;
    held_waiting_ += frame.held.size();
    held.insert(held.end(), frame.held.begin(), frame.held.end());
    return {};
  }
  const bool creating = create_missing(frame.queue, [this, frame](Status status) {
    take_consumer(frame, status.ok() ? open_consumer(frame) : std::move(status));
  });
  if (!creating) take_consumer(frame, open_consumer(frame));
  return {};
}

/// What opening came to; a consumer that could not be opened is forgotten.
void Session::take_consumer(const wire::OpenConsumer& frame, const Status& status) {
  if (!status.ok()) {
    const auto it = consumers_.find(frame.consumer);
    if (it != consumers_.end() && it->second.phase == Consumer::Phase::opening) {
      held_waiting_ -= it->second.held.size();
      consumers_.erase(it);
    }
    refuse(frame.request, status);
  }
  count_resumed();
}

/// Consumers that were closed stay known for their last verdicts, until their place is needed.
bool Session::has_room_for(std::uint64_t consumer) {
  if (consumers_.contains(consumer) || consumers_.size() < limits::kConsumersPerConnection) return true;
  return std::erase_if(consumers_, [](const auto& one) { return one.second.phase == Consumer::Phase::closed; }) > 0;
}

Status Session::open_consumer(const wire::OpenConsumer& frame) {
  const auto queue = context_.engine.directory().find(frame.queue);
  if (queue == nullptr) return Status(Code::NOT_FOUND, "there is no queue or subscription '" + frame.queue + "'");
  if (queue->kind == model::Kind::topic) {
    return Status(Code::BAD_REQUEST, frame.queue + " is a topic: consume from a subscription of it");
  }
  if (!has_room_for(frame.consumer)) {
    return Status(Code::LIMIT_REACHED, "this connection has " + std::to_string(consumers_.size()) + " consumers")
        .with_limit("consumers", limits::kConsumersPerConnection);
  }
  if (const auto it = consumers_.find(frame.consumer); it != consumers_.end() &&
                                                       it->second.phase == Consumer::Phase::open &&
                                                       it->second.subscription != queue->subscription) {
    return Status(Code::BAD_REQUEST, "this connection has a consumer of that number on another queue");
  }
  const auto accepts = accepted_types(frame.accepts);
  if (!accepts.ok()) return accepts.status();
  Consumer& consumer = consumers_[frame.consumer];
  consumer.shard = queue->shard;
  consumer.subscription = queue->subscription;
  consumer.phase = Consumer::Phase::open;
  std::vector<wire::HeldToken> held = std::exchange(consumer.held, {});
  held_waiting_ -= held.size();
  held.insert(held.end(), frame.held.begin(), frame.held.end());

  model::OpenConsumer command;
  command.origin = expect([this, request = frame.request, number = frame.consumer, queue](model::Answer&& answer) {
    auto& opened = std::get<model::ConsumerOpened>(answer);
    if (const auto it = consumers_.find(number); !opened.status.ok() && it != consumers_.end()) {
      it->second.phase = Consumer::Phase::closed;
    }
    send(wire::encode(wire::ConsumerOpened{request, std::move(opened.status), number, queue->shard, queue->subscription,
                                           std::move(opened.held), opened.lease_duration, queue->source()}));
  });
  command.consumer = {instance_.id, frame.consumer};
  command.instance = instance_;
  command.subscription = queue->subscription;
  command.credit_messages = frame.credit_messages;
  command.credit_bytes = frame.credit_bytes;
  command.outbox_bytes = deliver_bytes_of_a_shard(context_.engine);
  command.accepts = *accepts;
  for (const wire::HeldToken& one : held) {
    command.held.push_back({{queue->shard, queue->subscription, one.token.log, one.token.offset, one.token.grant},
                            one.begun,
                            one.delivery});
  }
  const std::size_t bytes = command.held.size() * sizeof(model::HeldToken);
  submit(queue->shard, std::move(command), bytes);
  return {};
}

void Session::count_resumed() {
  if (to_resume_ > 0 && --to_resume_ == 0) context_.engine.instance_resumed(session_);
}

Status Session::on(wire::AddCredit&& frame) {
  const auto consumer = consumers_.find(frame.consumer);
  if (consumer == consumers_.end()) return {};  // it was never opened: there is nothing to give credit to
  submit(consumer->second.shard,
         model::AddCredit{{instance_.id, frame.consumer}, consumer->second.subscription, frame.messages, frame.bytes});
  return {};
}

Status Session::on(wire::Started&& frame) {
  const auto consumer = consumers_.find(frame.consumer);
  if (consumer == consumers_.end()) return {};
  submit(consumer->second.shard,
         model::Started{{instance_.id, frame.consumer}, consumer->second.subscription, frame.delivery});
  return {};
}

Status Session::on(wire::Settle&& frame) {
  const auto consumer = consumers_.find(frame.consumer);
  if (consumer == consumers_.end()) {
    refuse(frame.request, Status(Code::BAD_REQUEST, "consumer " + std::to_string(frame.consumer) + " is not open"));
    return {};
  }
  std::size_t items = frame.acks.size() + frame.verdicts.size();
  std::size_t bodies = 0;
  for (const wire::Verdict& one : frame.verdicts) {
    items += one.publishes == nullptr ? 0 : one.publishes->size();
    bodies += bodies_of(one.publishes) + (one.reply == nullptr ? 0 : one.reply->body.size());
  }
  if (items > limits::kBatchItems) {
    refuse(frame.request, model::batch_too_large(items));
    return {};
  }
  if (std::vector<std::string> missing = missing_for(frame); !missing.empty()) {
    create_all(std::move(missing), [this, frame]() mutable { return on(std::move(frame)); });
    return {};
  }
  const model::ShardId shard = consumer->second.shard;
  const model::SubscriptionId subscription = consumer->second.subscription;
  model::Settle command;
  command.origin = {session_, frame.request};
  command.verdicts.reserve(frame.acks.size() + frame.verdicts.size());
  const auto token_of = [&](const wire::Token& token) {
    return model::LeaseToken{shard, subscription, token.log, token.offset, token.grant};
  };
  for (const wire::Token& token : frame.acks) {
    model::Verdict& verdict = command.verdicts.emplace_back();
    verdict.token = token_of(token);
  }
  std::size_t bytes = 0;
  RefusedVerdicts refused;
  for (wire::Verdict& one : frame.verdicts) {
    bytes += one.error.type.size() + one.error.message.size() + one.error.details.size();
    model::Verdict& verdict = command.verdicts.emplace_back();
    verdict = {one.kind, token_of(one.token), std::move(one.error), one.handler_timeout, one.delay};
    if (one.reply != nullptr) {
      bytes += one.reply->envelope.size() + one.reply->body.size() + one.reply->reason.size();
      wire::ResponderReply reply = *one.reply;
      reply.body = by_itself(std::move(reply.body), bodies);
      verdict.reply = reply_of(reply, true);
    }
    Status why;
    if (one.publishes != nullptr) bytes += take_outgoing(*one.publishes, bodies, verdict, why);
    if (!why.ok()) refused.emplace_back(command.verdicts.size() - 1, std::move(why));
  }
  if (frame.request != 0) {
    if (!refused.empty()) refused_verdicts_.insert_or_assign(frame.request, std::move(refused));
    ++answers_due_;
    results_due_ += command.verdicts.size();
  }
  bytes += command.verdicts.size() * sizeof(model::Verdict);
  submit(shard, std::move(command), bytes);
  return {};
}

/// Returns what it holds in memory. `refused`: why it cannot go out; then nothing of it does.
std::size_t Session::take_outgoing(const std::vector<wire::AddressedItem>& items, std::size_t frame_bytes,
                                   model::Verdict& verdict, Status& refused) {
  std::size_t bytes = items.size() * limits::kCommandBytes;
  for (const wire::AddressedItem& one : items) {
    bytes += one.item.envelope.size() + one.item.body.size();
    for (const auto& [name, value] : one.context) bytes += name.size() + value.size();
  }
  auto outgoing = outgoing_of(items, frame_bytes);
  if (outgoing.ok()) {
    verdict.outgoing = std::move(*outgoing);
  } else {
    refused = outgoing.status();
    model::Outgoing nothing;
    nothing.problem = refused.code();
    verdict.outgoing = std::make_shared<const model::Outgoing>(std::move(nothing));
  }
  return bytes;
}

Status Session::on(wire::CloseConsumer&& frame) {
  const auto consumer = consumers_.find(frame.consumer);
  if (consumer == consumers_.end()) {
    refuse(frame.request, Status(Code::BAD_REQUEST, "consumer " + std::to_string(frame.consumer) + " is not open"));
    return {};
  }
  // It stays known here: what it has begun may still be settled.
  consumer->second.phase = Consumer::Phase::closed;
  const model::Origin origin = expect([this, request = frame.request, number = frame.consumer](model::Answer&& answer) {
    auto& done = std::get<model::Done>(answer);
    if (!done.status.ok()) return refuse(request, std::move(done.status));
    send(wire::encode(wire::ConsumerEnded{number, {}}));
  });
  submit(consumer->second.shard,
         model::CloseConsumer{origin, {instance_.id, frame.consumer}, consumer->second.subscription});
  return {};
}

// --- The connection --------------------------------------------------------------------------------------------------

Status Session::on(wire::Ping&& frame) {
  send(wire::encode(wire::Pong{frame.number}));
  return {};
}

Status Session::on(wire::Pong&&) { return {}; }

Status Session::on(wire::Goodbye&&) {
  end(engine::Engine::End::goodbye);
  return {};
}

}  // namespace lazaret::net
