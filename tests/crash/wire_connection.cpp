#include "crash/wire_connection.h"

#include <algorithm>

#include "base/uuid.h"

namespace lazaret::crash {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kCredit = 12;
constexpr std::size_t kOld = 64;
constexpr std::size_t kKept = 3;

model::VerdictKind kind_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::fail: return model::VerdictKind::fail;
    case Verdict::reject: return model::VerdictKind::reject;
    case Verdict::release: return model::VerdictKind::release;
    default: return model::VerdictKind::ack;
  }
}

}  // namespace

WireConnection::WireConnection(Stage& stage, std::string name, std::uint64_t seed)
    : stage_(stage), name_(std::move(name)), random_(seed), client_(stage.broker) {
  wire::Hello hello;
  hello.instance.id = base::Uuid::v7(static_cast<std::int64_t>(random_() >> 20), random_(), random_());
  hello.instance.name = name_;
  hello.instance.speaks_started = true;
  client_.say_hello(hello);
  std::uint64_t number = 0;
  for (const std::string& queue : stage_.queues) {
    wire::OpenConsumer open;
    open.request = client_.next_request();
    open.consumer = ++number;
    open.queue = queue;
    open.credit_messages = kCredit;
    open.credit_bytes = 1 << 20;
    client_.send(wire::encode(open));
  }
}

WireConnection::~WireConnection() {
  for (const auto& [key, held] : held_) {
    if (held.begun) write(What::ended, held);
  }
}

void WireConnection::run() {
  while (!stage_.over) {
    read_for(5ms);
    work();
    if (!stage_.wild || stage_.polite) continue;
    if (chance(3)) insist();
    if (random_() % 400 == 0) return;  // as a process that dies with all that it holds
  }
  client_.send(wire::encode(wire::Goodbye{}));
}

void WireConnection::read_for(std::chrono::milliseconds limit) {
  for (auto frame = client_.poll(limit); frame; frame = client_.poll(0ms)) hear(*frame);
}

void WireConnection::hear(const wire::Frame& frame) {
  switch (static_cast<wire::FrameType>(frame.type)) {
    case wire::FrameType::deliver: return hear(std::move(wire::decode<wire::Deliver>(frame).value()));
    case wire::FrameType::settled: return hear(wire::decode<wire::Settled>(frame).value());
    case wire::FrameType::recall: return hear(wire::decode<wire::Recall>(frame).value());
    case wire::FrameType::lease_ended: return hear(wire::decode<wire::LeaseEnded>(frame).value());
    default: return;
  }
}

void WireConnection::hear(wire::Deliver&& deliver) {
  for (wire::Delivery& one : deliver.deliveries) {
    Held held{deliver.consumer, std::move(one), false};
    write(What::delivered, held);
    const std::pair key(held.consumer, held.delivery.token.grant.value);
    held_[key] = std::move(held);
  }
}

void WireConnection::hear(const wire::Settled& settled) {
  const auto asked = asked_.extract(settled.request);
  if (!asked) return;
  // Only what is not plainly done is named.
  const auto code = settled.results.empty() ? base::Code::OK : settled.results.front().second.code;
  write(code == base::Code::OK ? What::accepted : What::refused, asked.mapped().held, asked.mapped().verdict);
}

void WireConnection::hear(const wire::Recall& recall) {
  std::erase_if(held_, [&](const auto& one) {
    const Held& held = one.second;
    if (held.begun || held.consumer != recall.consumer) return false;
    wire::Settle settle;
    settle.consumer = held.consumer;
    settle.verdicts.push_back({model::VerdictKind::not_begun, held.delivery.token, {}, false, {}, nullptr});
    client_.send(wire::encode(settle));
    return true;
  });
}

void WireConnection::hear(const wire::LeaseEnded& ended) {
  for (const wire::Token& token : ended.tokens) {
    auto lost = held_.extract({ended.consumer, token.grant.value});
    if (!lost) continue;
    if (lost.mapped().begun) write(What::ended, lost.mapped());
    old_.push_back(std::move(lost.mapped()));
  }
}

/// Settles what it holds, one or all, with a `started` before; an isolated one like any other, alone as it is.
void WireConnection::work() {
  for (auto next = next_to_settle(); next != held_.end(); next = next_to_settle()) {
    Held& held = next->second;
    // `started` covers everything of the consumer up to this delivery.
    for (auto& [key, other] : held_) {
      if (other.consumer != held.consumer || other.delivery.delivery > held.delivery.delivery || other.begun) continue;
      other.begun = true;
      write(What::begun, other);
    }
    client_.send(wire::encode(wire::Started{held.consumer, held.delivery.delivery}));
    if (stage_.wild && chance(10)) return;  // it takes its time
    const std::string body(held.delivery.body.view());
    settle(held, verdict_on(body, held.delivery.attempt, held.delivery.redelivered));
    old_.push_back(std::move(held));
    held_.erase(next);
    if (old_.size() > kOld) old_.pop_front();
    if (chance(30)) return;
  }
}

/// The first that is not kept. What is kept for the length of a lease is passed by thousands.
WireConnection::HeldMap::iterator WireConnection::next_to_settle() {
  std::size_t kept = 0;
  return std::find_if(held_.begin(), held_.end(), [&](const auto& one) {
    const Held& held = one.second;
    const bool keep = stage_.wild && held.delivery.attempt == 1 && held.delivery.body.view().starts_with('k');
    return !keep || ++kept > kKept;
  });
}

/// With a token that it has settled or lost.
void WireConnection::insist() {
  if (old_.empty()) return;
  const Held& held = old_[random_() % old_.size()];
  const std::string body(held.delivery.body.view());
  settle(held, verdict_on(body, held.delivery.attempt, held.delivery.redelivered));
}

void WireConnection::settle(const Held& held, Verdict verdict) {
  write(What::sent, held, verdict);
  wire::Settle settle;
  settle.request = client_.next_request();
  settle.consumer = held.consumer;
  if (verdict == Verdict::ack) {
    settle.acks.push_back(held.delivery.token);
  } else {
    settle.verdicts.push_back(
        {kind_of(verdict), held.delivery.token, {"crash", "as its body says", ""}, false, {}, nullptr});
  }
  asked_[settle.request] = {held, verdict};
  client_.send(wire::encode(settle));
}

void WireConnection::write(What what, const Held& held, Verdict verdict) {
  Event event{what,
              stage_.queues.at(held.consumer - 1),
              std::string(held.delivery.body.view()),
              held.delivery.source_offset.value,
              held.delivery.attempt,
              held.delivery.token.grant.value,
              verdict,
              name_,
              held.delivery.redelivered};
  event.at_us = now_us();
  stage_.history.add(std::move(event));
}

}  // namespace lazaret::crash
