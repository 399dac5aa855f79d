// The headers of all frames: the first byte says which, the next two how much of the rest is its body. What can be
// decoded, can be encoded, and then decoded to the same.
#include "fuzz/target.h"
#include "wire/frames.h"

namespace lazaret::fuzz {
namespace {

using wire::FrameType;

std::string bytes_of(const wire::OutFrame& frame) {
  std::string bytes = frame.head;
  for (const base::SharedBytes& body : frame.bodies) bytes.append(body.view());
  return bytes;
}

wire::Frame frame_of(const std::string& bytes) {
  wire::FrameReader reader(1u << 30);
  for (std::size_t at = 0; at < bytes.size();) {
    const auto room = reader.prepare();
    const std::size_t count = std::min(room.size(), bytes.size() - at);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), count, room.begin());
    reader.commit(count);
    at += count;
  }
  auto frame = reader.next();
  LZ_ASSERT(frame.ok() && frame->has_value());
  return **frame;
}

template <class T>
void try_as(const wire::Frame& frame) {
  auto first = wire::decode<T>(frame);
  if (!first.ok()) return;
  const std::string encoded = bytes_of(wire::encode(*first));
  auto second = wire::decode<T>(frame_of(encoded));
  LZ_ASSERT(second.ok());
  LZ_ASSERT(bytes_of(wire::encode(*second)) == encoded);
}

void try_it(const wire::Frame& frame) {
  switch (static_cast<FrameType>(frame.type)) {
    case FrameType::hello: return try_as<wire::Hello>(frame);
    case FrameType::publish: return try_as<wire::Publish>(frame);
    case FrameType::open_producer: return try_as<wire::OpenProducer>(frame);
    case FrameType::close_producer: return try_as<wire::CloseProducer>(frame);
    case FrameType::open_consumer: return try_as<wire::OpenConsumer>(frame);
    case FrameType::add_credit: return try_as<wire::AddCredit>(frame);
    case FrameType::started: return try_as<wire::Started>(frame);
    case FrameType::settle: return try_as<wire::Settle>(frame);
    case FrameType::close_consumer: return try_as<wire::CloseConsumer>(frame);
    case FrameType::queue_request: return try_as<wire::QueueRequest>(frame);
    case FrameType::peek: return try_as<wire::Peek>(frame);
    case FrameType::request: return try_as<wire::Request>(frame);
    case FrameType::cancel_request: return try_as<wire::CancelRequest>(frame);
    case FrameType::answer: return try_as<wire::Answer>(frame);
    case FrameType::reply: return try_as<wire::Reply>(frame);
    case FrameType::answered: return try_as<wire::Answered>(frame);
    case FrameType::ask: return try_as<wire::Ask>(frame);
    case FrameType::asked: return try_as<wire::Asked>(frame);
    case FrameType::ping: return try_as<wire::Ping>(frame);
    case FrameType::pong: return try_as<wire::Pong>(frame);
    case FrameType::welcome: return try_as<wire::Welcome>(frame);
    case FrameType::published: return try_as<wire::Published>(frame);
    case FrameType::producer_opened: return try_as<wire::ProducerOpened>(frame);
    case FrameType::consumer_opened: return try_as<wire::ConsumerOpened>(frame);
    case FrameType::deliver: return try_as<wire::Deliver>(frame);
    case FrameType::settled: return try_as<wire::Settled>(frame);
    case FrameType::recall: return try_as<wire::Recall>(frame);
    case FrameType::lease_ended: return try_as<wire::LeaseEnded>(frame);
    case FrameType::consumer_ended: return try_as<wire::ConsumerEnded>(frame);
    case FrameType::queue_response: return try_as<wire::QueueResponse>(frame);
    case FrameType::peeked: return try_as<wire::Peeked>(frame);
    case FrameType::error: return try_as<wire::Error>(frame);
    case FrameType::closing: return try_as<wire::Closing>(frame);
    case FrameType::goodbye: return;
  }
}

/// As the target takes it.
std::string input_of(const wire::OutFrame& out) {
  const wire::Frame frame = frame_of(bytes_of(out));
  const std::size_t body = frame.body.size();
  return std::string(1, static_cast<char>(frame.type)) + static_cast<char>(body & 0xff) + static_cast<char>(body >> 8) +
         std::string(frame.header) + std::string(frame.body.view());
}

}  // namespace

std::vector<std::string> seeds() {
  wire::Hello hello;
  hello.instance.name = "billing";
  hello.features = {"a"};
  wire::Publish publish;
  publish.items.push_back({1, base::SharedBytes::of("envelope"), base::SharedBytes::of("a body"), 7, {}, {}, {}});
  publish.items.push_back({2, base::SharedBytes::of(""), base::SharedBytes::of(""), 0, {}, {}, {}});
  wire::OpenConsumer open;
  open.queue = "orders";
  open.held.push_back({{model::LogId(1), model::Offset(2), model::Grant(3)}, true, 4});
  wire::Settle settle;
  settle.acks = {{model::LogId(1), model::Offset(2), model::Grant(3)},
                 {model::LogId(1), model::Offset(3), model::Grant(4)}};
  settle.verdicts.push_back(
      {model::VerdictKind::fail, settle.acks[0], {"type", "text", "details"}, true, base::Duration(5), nullptr});
  wire::Deliver deliver;
  deliver.deliveries.emplace_back().body = base::SharedBytes::of("a body");
  wire::QueueRequest queue;
  queue.name = "orders";
  queue.options.max_attempts = 3;
  wire::QueueResponse queues;
  queues.queues.emplace_back().name = "orders";
  wire::Peeked peeked;
  peeked.messages.emplace_back().body = base::SharedBytes::of("a body");
  wire::Settled settled;
  settled.results.emplace_back(1, model::VerdictResult{base::Code::LEASE_LOST, model::Whereabouts::in_case, {}, false});
  wire::Error error{7, base::Status(base::Code::NOT_FOUND, "there is none")};
  return {input_of(wire::encode(hello)),  input_of(wire::encode(publish)),        input_of(wire::encode(open)),
          input_of(wire::encode(settle)), input_of(wire::encode(deliver)),        input_of(wire::encode(queue)),
          input_of(wire::encode(queues)), input_of(wire::encode(peeked)),         input_of(wire::encode(settled)),
          input_of(wire::encode(error)),  input_of(wire::encode(wire::Welcome{}))};
}

}  // namespace lazaret::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 3, size - 3);
  const std::size_t body = std::min<std::size_t>(data[1] | data[2] << 8, rest.size());
  lazaret::wire::Frame frame;
  frame.type = data[0];
  frame.header = rest.substr(0, rest.size() - body);
  frame.body = lazaret::base::SharedBytes::of(std::string(rest.substr(rest.size() - body)));
  lazaret::fuzz::try_it(frame);
  return 0;
}
