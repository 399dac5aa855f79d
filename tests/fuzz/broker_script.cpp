#include "fuzz/broker_script.h"

#include <chrono>
#include <stdexcept>

#include "base/crc32c.h"

namespace lazaret::fuzz {
namespace {

using namespace std::chrono_literals;
using testing::bytes_of;

constexpr std::size_t kHeardMost = 256;

/// The lower limits of what queues may be told are near: a lease of 100 ms is one byte.
base::Duration duration_of(std::uint64_t number) {
  return base::Duration(static_cast<std::int64_t>(number < 256 ? number * 10'000 : number));
}

}  // namespace

void BrokerScript::play() {
  for (std::size_t actions = 0; actions < kActions && !input_.is_over(); ++actions) {
    const std::uint8_t what = input_.byte();
    connection_ = &connections_[what >> 6];
    act(static_cast<Action>((what & 0x1f) % static_cast<std::uint8_t>(Action::kCount)));
  }
  for (Connection& connection : connections_) hang_up(connection);
}

// --- Actions --------------------------------------------------------------------------------------------------------

void BrokerScript::act(Action action) {
  switch (action) {
    case Action::connect: return connect(true, false);
    case Action::resume: return connect(true, true);
    case Action::connect_silently: return connect(false, false);
    case Action::queue_request: return send(wire::encode(queue_request()));
    case Action::open_producer: {
      wire::OpenProducer frame{request(), queue(), std::nullopt};
      if (input_.flag()) frame.producer_id = uuid();
      return send(wire::encode(frame));
    }
    case Action::publish: return send(wire::encode(publish()));
    case Action::close_producer: return send(wire::encode(wire::CloseProducer{input_.byte()}));
    case Action::open_consumer: return send(wire::encode(open_consumer()));
    case Action::add_credit: {
      const std::uint64_t consumer = input_.number(), messages = input_.number();
      return send(wire::encode(wire::AddCredit{consumer, messages, input_.number()}));
    }
    case Action::started: {
      const std::uint64_t consumer = input_.number();
      return send(wire::encode(wire::Started{consumer, input_.number()}));
    }
    case Action::settle: return send(wire::encode(settle()));
    case Action::close_consumer: {
      const std::uint64_t number = request();
      return send(wire::encode(wire::CloseConsumer{number, input_.number()}));
    }
    case Action::peek: {
      wire::Peek frame{request(), queue(), std::nullopt, static_cast<std::uint32_t>(input_.number())};
      if (input_.flag()) frame.from = model::Offset(input_.number());
      return send(wire::encode(frame));
    }
    case Action::ping: return send(wire::encode(wire::Ping{input_.number()}));
    case Action::goodbye: return send(wire::encode(wire::Goodbye{}));
    case Action::raw_bytes: {
      connection_->orderly = false;
      return send_bytes(input_.text(255));
    }
    case Action::spoil_next: {
      const std::size_t at = input_.byte();
      spoil_ = {at, input_.byte()};
      return;
    }
    case Action::unexpected_frame: return send(unexpected_frame());
    default: return act_on_broker(action);
  }
}

void BrokerScript::act_on_broker(Action action) {
  switch (action) {
    case Action::stop_sending:
      connection_->orderly = false;
      if (connection_->client) connection_->client->stop_sending();
      return;
    case Action::hang_up: return hang_up(*connection_);
    case Action::listen: return listen();
    case Action::advance: return broker_.advance(base::Duration(100ms) * (1 + input_.byte()));
    case Action::restart: return restart();
    case Action::replay: return operate(true);
    case Action::discard: return operate(false);
    case Action::drain: return broker_.drain();
    default: return;
  }
}

void BrokerScript::connect(bool greets, bool resumes) {
  hang_up(*connection_);
  connection_->client.emplace(broker_.port());
  if (!greets) return;
  wire::Hello hello;
  hello.instance.id = uuid();
  hello.instance.name = "fuzz";
  const std::uint8_t kind = input_.byte();
  hello.instance.speaks_started = (kind & 1) == 0;
  if ((kind & 2) != 0) hello.version_most = hello.version_least = kind;
  if (resumes) {
    const std::uint8_t which = input_.byte();
    wire::Hello::Resume resume;
    resume.session = sessions_.empty() ? model::SessionId(which) : sessions_[which % sessions_.size()];
    resume.consumers = static_cast<std::uint32_t>(input_.number());
    resume.connections = static_cast<std::uint32_t>(input_.number());
    hello.resume = resume;
  }
  connection_->orderly = true;
  send_bytes(std::string(wire::kMagic) + bytes_of(wire::encode(hello)));
}

void BrokerScript::restart() {
  const std::uint8_t how = input_.byte();
  if (++restarts_ > kRestarts) return;
  for (Connection& connection : connections_) hang_up(connection);
  broker_.restart((how & 1) != 0 ? std::optional<std::size_t>(how >> 1) : std::nullopt);
}

void BrokerScript::operate(bool replays) {
  const std::uint8_t which = input_.byte();
  const auto page = broker_.store().list_cases({}, "", 16);
  if (!page.ok() || page->cases.empty()) return;
  const model::CaseRecord& record = page->cases[which % page->cases.size()];
  if (replays) {
    broker_.ask(record.id.shard,
                model::ReplayCaseCommand{{}, record.id, record.attempt_count, record.summary.priority});
  } else if (record.state == model::CaseState::admitted) {
    broker_.ask(record.id.shard, model::DiscardCaseCommand{{}, record.id, "fuzz"});
  }
}

// --- The connection -------------------------------------------------------------------------------------------------

void BrokerScript::send(const wire::OutFrame& frame) { send_bytes(bytes_of(frame)); }

void BrokerScript::send_bytes(std::string bytes) {
  if (!connection_->client) return;
  if (spoil_) {
    if (!bytes.empty()) bytes[spoil_->first % bytes.size()] ^= static_cast<char>(spoil_->second);
    spoil_.reset();
    connection_->orderly = false;
  }
  // A broker that does not take them has said why, or will; there is no point in waiting.
  if (connection_->client->send_what_fits(bytes, 0ms) < bytes.size()) connection_->orderly = false;
}

void BrokerScript::hang_up(Connection& connection) {
  connection.client.reset();
  connection.orderly = false;
}

/// Takes what the broker has to say: the first pong says that it has read everything, the second comes behind what the
/// shards have said to it. Whoever has said something odd may not get any, and takes what is there.
void BrokerScript::listen() {
  hear_until_pong();
  broker_.settle_down();
  hear_until_pong();
}

void BrokerScript::hear_until_pong() {
  if (!connection_->client) return;
  const std::uint64_t last = ++pings_;
  if (connection_->orderly) send(wire::encode(wire::Ping{last}));
  try {
    for (;;) {
      const auto frame = connection_->client->poll(connection_->orderly ? 2000ms : 2ms);
      if (!frame) return;
      if (frame->type == static_cast<std::uint8_t>(wire::FrameType::pong)) {
        const auto pong = wire::decode<wire::Pong>(*frame);
        LZ_ASSERT(pong.ok());
        if (pong->number == last) return;
      }
      hear(*frame);
    }
  } catch (const std::runtime_error&) {
    hang_up(*connection_);  // the broker has ended it
  }
}

/// What the broker says must be understood, whatever was said to it.
void BrokerScript::hear(const wire::Frame& frame) {
  if (frame.type == static_cast<std::uint8_t>(wire::FrameType::welcome)) {
    const auto welcome = wire::decode<wire::Welcome>(frame);
    LZ_ASSERT(welcome.ok());
    sessions_.push_back(welcome->session);
  } else if (frame.type == static_cast<std::uint8_t>(wire::FrameType::deliver)) {
    const auto deliver = wire::decode<wire::Deliver>(frame);
    LZ_ASSERT(deliver.ok());
    for (const wire::Delivery& one : deliver->deliveries) {
      LZ_ASSERT(base::crc32c(one.body.view()) == one.body_crc);
      if (heard_.size() < kHeardMost) heard_.push_back({deliver->consumer, one.delivery, one.token});
    }
  } else if (frame.type == static_cast<std::uint8_t>(wire::FrameType::error)) {
    const auto error = wire::decode<wire::Error>(frame);
    LZ_ASSERT(error.ok() && !error->status.ok() && error->status.code() != base::Code::INTERNAL);
  }
}

// --- Frames ---------------------------------------------------------------------------------------------------------

wire::QueueRequest BrokerScript::queue_request() {
  wire::QueueRequest frame;
  frame.request = request();
  frame.verb = static_cast<wire::QueueVerb>(1 + input_.byte() % 8);
  frame.name = queue();
  frame.options = options();
  const std::uint8_t rest = input_.byte();
  frame.force = (rest & 1) != 0;
  if ((rest & 2) != 0) frame.max = static_cast<std::uint32_t>(input_.number());
  if ((rest & 4) != 0) frame.colocate_with = queue();
  frame.scheduled = (rest & 8) != 0;
  if ((rest & 16) != 0) frame.options.ttl = duration_of(input_.number());
  if ((rest & 32) != 0) frame.options.on_expiry = (rest & 64) != 0 ? "hospital" : "drop";
  return frame;
}

wire::OptionsPatch BrokerScript::options() {
  wire::OptionsPatch patch;
  const std::uint8_t given = input_.byte();
  if ((given & 1) != 0) patch.max_attempts = static_cast<std::uint32_t>(input_.number());
  if ((given & 2) != 0) patch.backoff_initial = duration_of(input_.number());
  if ((given & 4) != 0) patch.backoff_multiplier = static_cast<double>(input_.number()) / 8;
  if ((given & 8) != 0) patch.backoff_max = duration_of(input_.number());
  if ((given & 16) != 0) patch.backoff_jitter = static_cast<double>(input_.number()) / 8;
  if ((given & 32) != 0) patch.lease_duration = duration_of(input_.number());
  if ((given & 64) != 0) patch.max_worker_deaths = static_cast<std::uint32_t>(input_.number());
  if ((given & 128) != 0) patch.durability = input_.flag() ? "fsync" : input_.flag() ? "relaxed" : "lax";
  const std::uint8_t order = input_.byte();
  if ((order & 1) != 0) patch.order_by_key = (order & 2) != 0;
  if ((order & 4) != 0) patch.on_key_failure = (order & 8) != 0 ? "hold" : (order & 16) != 0 ? "continue" : "stop";
  return patch;
}

wire::Publish BrokerScript::publish() {
  wire::Publish frame;
  frame.request = request();
  frame.producer = input_.byte();
  const std::size_t count = input_.byte() % 5;
  for (std::size_t i = 0; i < count; ++i) {
    wire::PublishItem item;
    item.sequence = input_.number();
    item.envelope = base::SharedBytes::of(envelope());
    const std::string bytes = body();
    item.body_crc = base::crc32c(bytes);
    item.body = base::SharedBytes::of(bytes);
    const std::uint8_t times = input_.byte();
    if (times == 0xff) ++item.body_crc;
    if (times % 16 == 1) item.delay = duration_of(input_.number());
    if (times % 16 == 2) item.ttl = duration_of(input_.number());
    if (times % 16 == 3) item.deliver_at = base::Instant{static_cast<std::int64_t>(input_.number())};
    frame.items.push_back(std::move(item));
  }
  return frame;
}

std::string BrokerScript::envelope() {
  const std::uint8_t kind = input_.byte();
  if (kind % 4 == 0) return wire::encode_envelope(wire::Envelope());
  if (kind % 4 == 1) return input_.text(128);
  wire::Envelope envelope;
  envelope.type = "order.created";
  envelope.key = std::to_string(kind);
  envelope.headers = {{"a", "b"}};
  if ((kind & 4) != 0) envelope.id = uuid();
  std::string bytes = wire::encode_envelope(envelope);
  if (kind % 4 == 3) {
    const std::size_t at = input_.byte() % bytes.size();
    bytes[at] = static_cast<char>(input_.byte());
  }
  return bytes;
}

std::string BrokerScript::body() {
  const std::uint8_t size = input_.byte();
  if (size < 0xf0) return std::string(size, 'b');
  static constexpr std::size_t kSizes[] = {1024, 4096, SmallBroker::kMessageBytesMost,
                                           SmallBroker::kMessageBytesMost + 1};
  return std::string(kSizes[size % 4], 'l');
}

wire::OpenConsumer BrokerScript::open_consumer() {
  wire::OpenConsumer frame;
  frame.request = request();
  frame.consumer = input_.number();
  frame.queue = queue();
  frame.credit_messages = input_.number();
  frame.credit_bytes = input_.flag() ? input_.number() : 1u << 20;
  frame.held = held();
  frame.more = input_.byte() == 0xff;
  return frame;
}

std::vector<wire::HeldToken> BrokerScript::held() {
  std::vector<wire::HeldToken> held;
  const std::uint8_t how = input_.byte();
  // All that was heard, as an honest client would present it, or some of it, changed.
  if (how == 0xff) {
    for (const Heard& one : heard_) held.push_back({one.token, true, one.delivery});
    return held;
  }
  for (std::uint8_t i = 0; i < how % 4; ++i) {
    const wire::Token one = token();
    const bool begun = input_.flag();
    held.push_back({one, begun, input_.number()});
  }
  return held;
}

wire::Settle BrokerScript::settle() {
  wire::Settle frame;
  frame.request = request();
  frame.consumer = input_.number();
  const std::uint8_t counts = input_.byte();
  for (std::uint8_t i = 0; i < (counts & 3); ++i) frame.acks.push_back(token());
  for (std::uint8_t i = 0; i < (counts >> 2 & 3); ++i) frame.verdicts.push_back(verdict());
  return frame;
}

wire::Verdict BrokerScript::verdict() {
  wire::Verdict verdict;
  const std::uint8_t kind = input_.byte();
  verdict.kind = static_cast<model::VerdictKind>(1 + kind % 6);
  verdict.token = token();
  if ((kind & 64) != 0) verdict.error = {input_.text(8), input_.text(32), ""};
  if ((kind & 128) != 0) verdict.delay = duration_of(input_.number());
  verdict.handler_timeout = (kind & 32) != 0;
  return verdict;
}

/// One of those that were heard, counted from the last; some of them changed.
wire::Token BrokerScript::token() {
  const std::uint8_t which = input_.byte();
  wire::Token token;
  if (!heard_.empty()) token = heard_[heard_.size() - 1 - (which & 0x1f) % heard_.size()].token;
  switch (which >> 5) {
    case 5: token.log = model::LogId(input_.number()); break;
    case 6: token.offset = model::Offset(input_.number()); break;
    case 7: token.grant = model::Grant(token.grant.value + input_.number()); break;
    default: break;
  }
  return token;
}

std::string BrokerScript::queue() {
  static constexpr const char* kNames[] = {"a", "b", "c", "none", "", "lazaret.x", "with space"};
  const std::uint8_t which = input_.byte();
  return which == 0xff ? input_.text(255) : kNames[which % std::size(kNames)];
}

base::Uuid BrokerScript::uuid() {
  base::Uuid id;
  id.bytes[0] = input_.byte() % 8;
  return id;
}

/// What only a broker sends, or nobody.
wire::OutFrame BrokerScript::unexpected_frame() {
  const std::uint8_t type = input_.byte(), flags = input_.byte();
  const std::string header = input_.text(64);
  const std::string bytes = input_.text(64);
  wire::OutFrame frame{wire::frame_head(type, flags, header, bytes.size()), {}};
  frame.bodies.push_back(base::SharedBytes::of(bytes));
  return frame;
}

}  // namespace lazaret::fuzz
