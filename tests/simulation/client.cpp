#include "simulation/client.h"

#include <algorithm>

namespace lazaret::simulation {
namespace {

std::string text(std::uint64_t number) { return std::to_string(number); }

std::string verb(model::VerdictKind kind) {
  switch (kind) {
    case model::VerdictKind::ack: return "ack";
    case model::VerdictKind::fail: return "nack";
    case model::VerdictKind::reject: return "reject";
    case model::VerdictKind::extend: return "extend";
    case model::VerdictKind::release: return "release";
    case model::VerdictKind::not_begun: return "not_begun";
  }
  return "?";
}

std::string place(model::Whereabouts where) {
  switch (where) {
    case model::Whereabouts::unknown: return "unknown";
    case model::Whereabouts::leased: return "leased";
    case model::Whereabouts::acked: return "acked";
    case model::Whereabouts::in_case: return "in_case";
    case model::Whereabouts::purged: return "purged";
    case model::Whereabouts::ready: return "ready";
    case model::Whereabouts::expired: return "expired";
  }
  return "?";
}

}  // namespace

Client::Client(World& world, std::string name, Options options)
    : world_(world), name_(std::move(name)), options_(options) {
  restart();
  connect();
}

Client::Client(Client& beside, std::string name)
    : world_(beside.world_),
      name_(std::move(name)),
      options_(beside.options_),
      instance_(beside.instance_),
      session_(beside.session_),
      last_request_(std::uint64_t{1} << 32) {
  beside.companion_ = this;
}

void Client::restart() {
  instance_.name = name_;
  instance_.version = options_.version;
  instance_.speaks_started = options_.speaks_started;
  instance_.id = {};
  for (std::size_t i = 0; i < name_.size() && i < 15; ++i) {
    instance_.id.bytes[i] = static_cast<std::uint8_t>(name_[i]);
  }
  instance_.id.bytes[15] = ++incarnation_;
  deliveries_.clear();
  consumers_.clear();
  if (companion_ == nullptr) return;
  companion_->instance_ = instance_;
  companion_->deliveries_.clear();
  companion_->consumers_.clear();
}

// --- Connection -----------------------------------------------------------------------------------------------------

void Client::set_session(std::optional<model::SessionId> session) {
  session_ = session;
  if (companion_ != nullptr) companion_->session_ = session;
}

void Client::connect() {
  set_session(world_.open_session([this](model::Answer&& answer) { hear(std::move(answer)); }, instance_));
  world_.session_resumed(*session_);
}

void Client::reconnect() {
  set_session(world_.open_session([this](model::Answer&& answer) { hear(std::move(answer)); }, instance_));
  for (const auto& [number, consumer] : consumers_) open(number, true);
  if (companion_ != nullptr) {
    for (const auto& [number, consumer] : companion_->consumers_) companion_->open(number, true);
  }
  world_.session_resumed(*session_);
  world_.settle();
}

void Client::end(core::SessionEnded::How how) {
  const model::SessionId session = *session_;
  set_session(std::nullopt);
  world_.end_session(session, how);
  world_.settle();
}

// --- Consuming ------------------------------------------------------------------------------------------------------

void Client::consume(const std::string& queue, std::uint64_t credit, std::uint64_t number) {
  consumers_[number] = {queue, credit};
  open(number, false);
  world_.settle();
}

void Client::open(std::uint64_t number, bool present) {
  const Consumer& consumer = consumers_.at(number);
  if (!world_.has_queue(consumer.queue)) return;
  const model::QueueRecord& queue = world_.queue(consumer.queue);
  model::OpenConsumer open;
  open.origin = {*session_, ++last_request_};
  open.consumer = key(number);
  open.instance = instance_;
  open.subscription = queue.subscription;
  open.credit_messages = consumer.credit;
  open.credit_bytes = options_.credit_bytes;
  open.outbox_bytes = options_.outbox_bytes;
  if (!options_.accepts.empty()) {
    open.accepts = std::make_shared<const model::AcceptedTypes>(*model::AcceptedTypes::parse(options_.accepts));
  }
  for (const auto& [offset, delivery] : deliveries_) {
    if (!present || !delivery.held || delivery.consumer != number) continue;
    open.held.push_back({delivery.token, delivery.begun, delivery.what.delivery});
    presented_[last_request_].push_back(delivery.token);
  }
  world_.submit(queue.shard, std::move(open));
}

void Client::add_credit(std::uint64_t messages, std::uint64_t number) {
  Consumer& consumer = consumers_.at(number);
  consumer.credit += messages;
  const model::QueueRecord& queue = world_.queue(consumer.queue);
  world_.submit(queue.shard, model::AddCredit{key(number), queue.subscription, messages, 0});
  world_.settle();
}

void Client::close_consumer(std::uint64_t number) {
  const model::QueueRecord& queue = world_.queue(consumers_.at(number).queue);
  world_.submit(queue.shard, model::CloseConsumer{{*session_, 0}, key(number), queue.subscription});
  for (auto& [offset, delivery] : deliveries_) {
    if (delivery.consumer == number && !delivery.begun) delivery.held = false;
  }
  consumers_.at(number).closed = true;
  consumers_.at(number).credit = 0;
  world_.settle();
}

void Client::start(std::uint64_t offset) {
  const Delivery& last = deliveries_.at(offset);
  const model::QueueRecord& queue = world_.queue(last.queue);
  for (auto& [other, delivery] : deliveries_) {
    const bool covered = delivery.consumer == last.consumer && delivery.what.delivery <= last.what.delivery;
    if (delivery.held && covered) delivery.begun = true;
  }
  world_.submit(queue.shard, model::Started{key(last.consumer), queue.subscription, last.what.delivery});
  world_.settle();
}

void Client::written(const std::string& queue, std::uint64_t bytes) {
  world_.submit(world_.queue(queue).shard, model::Written{*session_, bytes});
  world_.settle();
}

void Client::nack(std::uint64_t offset, const std::string& message, std::optional<base::Duration> delay,
                  const std::string& details) {
  model::Verdict verdict;
  verdict.kind = model::VerdictKind::fail;
  verdict.token = deliveries_.at(offset).token;
  verdict.error = {"failure", message, details};
  verdict.delay = delay;
  settle(std::move(verdict));
}

void Client::reject(std::uint64_t offset, const std::string& message) {
  model::Verdict verdict;
  verdict.kind = model::VerdictKind::reject;
  verdict.token = deliveries_.at(offset).token;
  verdict.error = {"rejection", message, ""};
  settle(std::move(verdict));
}

void Client::release(std::uint64_t offset, std::optional<base::Duration> delay) {
  model::Verdict verdict;
  verdict.kind = model::VerdictKind::release;
  verdict.token = deliveries_.at(offset).token;
  verdict.delay = delay;
  settle(std::move(verdict));
}

void Client::settle(model::VerdictKind kind, std::uint64_t offset) {
  model::Verdict verdict;
  verdict.kind = kind;
  verdict.token = deliveries_.at(offset).token;
  settle(std::move(verdict));
}

void Client::settle(model::Verdict verdict) {
  if (verdict.kind != model::VerdictKind::extend) {
    if (Delivery* delivery = find(verdict.token)) delivery->held = false;
  }
  verdicts_[++last_request_] = verdict;
  const model::ShardId shard = verdict.token.shard;
  world_.submit(shard, model::Settle{{*session_, last_request_}, {std::move(verdict)}});
  world_.settle();
}

void Client::ack_with(std::uint64_t offset, const std::vector<std::string>& queues, const std::string& body) {
  ack_with(offset, queues, body, {});
}

void Client::ack_with(std::uint64_t offset, const std::vector<std::string>& queues, const std::string& body,
                      const std::vector<Along>& asks) {
  model::Verdict verdict;
  verdict.token = deliveries_.at(offset).token;
  verdict.outgoing = outgoing(queues, body, asks);
  settle(std::move(verdict));
}

model::OutgoingRef Client::outgoing(const std::vector<std::string>& queues, const std::string& body,
                                    const std::vector<Along>& asks) {
  auto outgoing = std::make_shared<model::Outgoing>(*world_.outgoing(queues, body));
  std::size_t count = queues.size();
  for (const Along& ask : asks) {
    std::string words = body + " " + std::to_string(count++);
    if (!world_.has_queue(ask.queue) || !world_.has_queue(ask.reply_queue)) {
      outgoing->problem = base::Code::NOT_FOUND;
      continue;
    }
    const model::QueueRecord& queue = world_.queue(ask.queue);
    auto& to = outgoing->to;
    auto place = std::find_if(to.begin(), to.end(), [&](const auto& one) { return one.log == queue.log; });
    if (place == to.end()) place = to.insert(to.end(), {queue.shard, queue.log, {}, {}});
    place->asks.push_back({static_cast<std::uint32_t>(place->messages.size()), id_of(ask.number),
                           world_.now() + ask.time_left, address(ask.reply_queue, ask.number)});
    auto message = std::make_shared<model::Message>();
    message->envelope = base::SharedBytes::of(std::string(id_of(ask.number).raw()));
    message->body = base::SharedBytes::of(std::move(words));
    place->messages.push_back(std::move(message));
  }
  return outgoing;
}
model::OutgoingRef Client::outgoing_of(const Along& item, const std::vector<std::string>& queues,
                                       const std::string& body, const std::vector<Along>& asks) {
  auto all = std::make_shared<model::Outgoing>(*outgoing(queues, body, asks));
  all->item =
      model::AskedAlong{0, id_of(item.number), world_.now() + item.time_left, address(item.reply_queue, item.number)};
  return all;
}

// --- Requests -------------------------------------------------------------------------------------------------------

void Client::answer(std::uint64_t offset, const std::string& body) {
  model::Verdict verdict;
  verdict.token = deliveries_.at(offset).token;
  verdict.reply = answered(body);
  settle(std::move(verdict));
}

void Client::decline(std::uint64_t offset, const std::string& reason) {
  model::Verdict verdict;
  verdict.token = deliveries_.at(offset).token;
  verdict.reply = declined(reason);
  settle(std::move(verdict));
}

model::MessageId Client::id_of(std::uint64_t number) {
  model::MessageId id;
  id.bytes[0] = 99;
  for (std::size_t i = 0; i < 8; ++i) id.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return id;
}

model::ResponderReplyRef Client::answered(const std::string& body) {
  auto message = std::make_shared<model::Message>();
  message->body = base::SharedBytes::of(std::string(body));
  auto reply = std::make_shared<model::ResponderReply>();
  reply->message = std::move(message);
  return reply;
}

model::ResponderReplyRef Client::declined(const std::string& reason) {
  auto reply = std::make_shared<model::ResponderReply>();
  reply->outcome = model::RequestOutcome::declined;
  reply->reason = reason;
  return reply;
}

void Client::ask(const std::string& queue, std::uint64_t number, base::Duration time_left) {
  world_.submit(world_.queue(queue).shard, request(queue, number, time_left));
  world_.settle();
}

void Client::ask_durably(const std::string& queue, std::uint64_t number, base::Duration time_left,
                         const std::string& reply_queue) {
  model::Request durable = request(queue, number, time_left);
  durable.reply_to = address(reply_queue, number);
  world_.submit(world_.queue(queue).shard, std::move(durable));
  world_.settle();
}

model::ReplyAddressRef Client::address(const std::string& reply_queue, std::uint64_t number) {
  const model::QueueRecord& replies = world_.queue(reply_queue);
  auto address = std::make_shared<model::ReplyAddress>();
  address->shard = replies.shard;
  address->log = replies.log;
  address->queue = reply_queue;
  address->context = {{"ctx", text(number)}};
  return address;
}

model::Request Client::request(const std::string& queue, std::uint64_t number, base::Duration time_left) {
  asked_[++last_request_] = number;
  auto message = std::make_shared<model::Message>();
  message->envelope = base::SharedBytes::of(std::string(id_of(number).raw()));
  message->body = base::SharedBytes::of("request " + text(number) + " try " + text(++tries_) + " of " + name_);
  const model::SubscriptionId to = world_.queue(queue).subscription;
  return {{*session_, last_request_}, to, id_of(number), time_left, std::move(message)};
}

void Client::cancel(const std::string& queue, std::uint64_t number) {
  const model::QueueRecord& record = world_.queue(queue);
  world_.submit(record.shard, model::CancelRequest{*session_, record.subscription, id_of(number)});
  world_.settle();
}

void Client::leave(const std::string& queue, std::uint64_t number) {
  const model::QueueRecord& record = world_.queue(queue);
  std::erase_if(asked_, [&](const auto& asked) {
    if (asked.second != number) return false;
    world_.submit(record.shard, model::LeaveRequest{{*session_, asked.first}, record.subscription, id_of(number)});
    return true;
  });
  world_.settle();
}

std::vector<std::uint64_t> Client::held() const {
  std::vector<std::uint64_t> held;
  for (const auto& [offset, delivery] : deliveries_) {
    if (delivery.held) held.push_back(offset);
  }
  return held;
}

// --- What it hears --------------------------------------------------------------------------------------------------

void Client::hear(model::Answer&& answer) {
  if (companion_ != nullptr) companion_->hear(model::Answer(answer));
  std::visit([this](auto& one) { hear_one(one); }, answer);
}

void Client::note(const std::string& what) {
  if (!options_.silent_trace) world_.note(name_, what);
}

Client::Delivery* Client::find(const model::LeaseToken& token) {
  // Out of the queue's log the offset says which; out of its lane it does not.
  const auto likely = deliveries_.find(token.offset.value);
  if (likely != deliveries_.end() && likely->second.token == token) return &likely->second;
  for (auto& [offset, delivery] : deliveries_) {
    if (delivery.token == token) return &delivery;
  }
  return nullptr;
}

void Client::hear_one(model::Deliver& deliver) {
  const std::uint64_t number = deliver.consumer.number;
  if (!consumes(number)) return;  // what crossed a CloseConsumer was given back with it
  const std::string queue = consumers_.at(number).queue;
  std::uint64_t bytes = 0;
  for (model::Delivered& message : deliver.messages) {
    const std::uint64_t offset = message.source_offset.value;
    Delivery& delivery = deliveries_[offset];
    delivery = {queue,
                number,
                {world_.queue(queue).shard, deliver.subscription, message.log, message.offset, message.grant},
                message,
                options_.starts_at_once,
                true};
    note("gets " + text(offset) + ", attempt " + text(message.attempt) + (message.redelivered ? ", again" : "") +
         (message.isolated ? ", alone" : ""));
    if (on_delivery) on_delivery(delivery);
    bytes += message.message->size();
  }
  if (options_.outbox_bytes > 0 && options_.reads && session_) {
    world_.submit(world_.queue(queue).shard, model::Written{*session_, bytes});
  }
  if (!options_.starts_at_once || deliver.messages.empty()) return;
  const model::QueueRecord& record = world_.queue(queue);
  world_.submit(record.shard, model::Started{deliver.consumer, deliver.subscription, deliver.messages.back().delivery});
}

void Client::hear_one(model::Recall& recall) {
  if (!options_.answers_recall) return;
  std::vector<model::Verdict> verdicts;
  for (auto& [offset, delivery] : deliveries_) {
    if (!delivery.held || delivery.begun || delivery.consumer != recall.consumer.number) continue;
    const auto& asked = recall.deliveries;
    const bool wanted = asked.empty() || std::find(asked.begin(), asked.end(), delivery.what.delivery) != asked.end();
    if (!wanted) continue;
    delivery.held = false;
    note("gives back " + text(offset));
    model::Verdict verdict;
    verdict.kind = model::VerdictKind::release;
    verdict.token = delivery.token;
    verdicts.push_back(std::move(verdict));
  }
  // The answer to the last may be the end of the session, and of what was delivered on it.
  for (model::Verdict& verdict : verdicts) {
    if (!session_) return;
    world_.submit(verdict.token.shard, model::Settle{{*session_, 0}, {std::move(verdict)}});
  }
}

void Client::hear_one(model::Replied& replied) {
  const auto asked = asked_.find(replied.request);
  if (asked == asked_.end()) return;
  std::string words = "is told of " + text(asked->second) + ": ";
  if (!replied.status.ok()) {
    words += std::string(base::error_info(replied.status.code()).name);
  } else if (!replied.final) {
    words += "wait, " + std::string(replied.message->body.view());
  } else {
    words += std::string(model::name_of(replied.outcome));
    if (replied.outcome == model::RequestOutcome::timed_out) {
      words += ", " + std::string(model::name_of(replied.reached));
    }
    if (replied.message != nullptr) words += ", " + std::string(replied.message->body.view());
    if (!replied.reason.empty()) words += ", " + replied.reason;
    if (replied.case_id) words += ", a case";
    if (replied.late) words += ", late";
  }
  note(words);
  if (on_reply) on_reply(asked->second, replied);
  if (replied.final) asked_.erase(replied.request);
}

void Client::hear_one(model::Asked& asked) {
  const auto number = asked_.extract(asked.request);
  if (number.empty()) return;
  const std::string code(base::error_info(asked.status.code()).name);
  note("has asked " + text(number.mapped()) + (asked.status.ok() ? "" : ": " + code) +
       (asked.duplicate ? ", as before" : ""));
  if (on_asked) on_asked(number.mapped(), asked);
}

void Client::hear_one(model::LeaseEnded& ended) {
  for (const model::LeaseToken& token : ended.tokens) {
    Delivery* delivery = find(token);
    if (delivery == nullptr) continue;
    delivery->held = false;
    note("loses " + text(delivery->what.source_offset.value));
  }
}

void Client::hear_one(model::ConsumerEnded& ended) {
  note("is told " + std::string(base::error_info(ended.status.code()).name));
}

void Client::hear_one(model::ConsumerOpened& opened) {
  if (!opened.status.ok()) note("is refused: " + std::string(base::error_info(opened.status.code()).name));
  const auto presented = presented_.extract(opened.request);
  if (!presented) return;  // there was nothing, or it is of the other part of this process
  for (std::size_t i = 0; i < opened.held.size(); ++i) {
    Delivery* delivery = find(presented.mapped()[i]);
    if (delivery == nullptr) continue;
    if (!opened.held[i]) delivery->held = false;  // if it is still good, it may have been given back meanwhile
    note((opened.held[i] ? "keeps " : "has lost ") + text(delivery->what.source_offset.value));
  }
}

void Client::hear_one(model::Settled& settled) {
  const auto found = verdicts_.extract(settled.request);
  if (!found || settled.results.empty()) return;
  const model::Verdict& verdict = found.mapped();
  const model::VerdictResult& result = settled.results.front();
  std::string words = verb(verdict.kind) + " " + text(verdict.token.offset.value);
  if (result.code == base::Code::OK) {
    words += result.late ? ": late" : ": done";
    if (result.case_id) words += ", a case";
  } else {
    words += ": " + std::string(base::error_info(result.code).name) + ", " + place(result.where);
    // Refused for what it publishes, it has changed nothing.
    Delivery* delivery = find(verdict.token);
    if (delivery != nullptr && result.code != base::Code::LEASE_LOST) delivery->held = true;
  }
  note(words);
  if (on_settled) on_settled(verdict, result);
}

}  // namespace lazaret::simulation
