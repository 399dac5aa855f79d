#include "faults/worker_outbox.h"

#include <algorithm>

#include "base/crc32c.h"

namespace lazaret::faults {
namespace {

constexpr std::uint64_t kCredit = 64;
/// One of so many messages is held while others pass it, so many at a time: the log is trimmed around them.
constexpr std::uint64_t kHeldOf = 50;
constexpr std::size_t kHeld = 16;
/// Engine time is the wall clock when the engine started, and goes on by the monotonic clock.
constexpr std::int64_t kClocksPartUs = 1000;

std::int64_t now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace

WorkerOutbox::WorkerOutbox(Ledger& ledger, std::uint8_t name) : ledger_(ledger) {
  instance_.id.bytes[0] = name;
  instance_.name = "worker";
}

void WorkerOutbox::consume(engine::Engine& engine, const engine::QueueRef& queue, Manner manner) {
  engine_ = &engine;
  queue_ = queue;
  manner_ = manner;
  session_ = engine.open_session(shared_from_this(), instance_);
  engine.instance_resumed(session_);
  model::OpenConsumer open;
  open.origin = {session_, ++last_request_};
  open.consumer = {instance_.id, 1};
  open.instance = instance_;
  open.subscription = queue->subscription;
  open.credit_messages = kCredit;
  open.credit_bytes = 64u << 20;
  thread_ = std::thread([this] { run(); });
  engine.submit(session_, queue->shard, std::move(open), 100);
}

void WorkerOutbox::close() {
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return;
    closing_ = true;
  }
  more_.notify_one();
  if (thread_.joinable()) thread_.join();
  if (engine_ != nullptr) engine_->end_session(session_, engine::Engine::End::goodbye);
}

std::uint64_t WorkerOutbox::behind(std::uint64_t published) const {
  const std::lock_guard lock(mutex_);
  return published > delivered_.size() ? published - delivered_.size() : 0;
}

std::vector<std::string> WorkerOutbox::delivered() const {
  const std::lock_guard lock(mutex_);
  return delivered_;
}

void WorkerOutbox::tell(std::vector<model::Answer>&& answers) {
  {
    const std::lock_guard lock(mutex_);
    std::move(answers.begin(), answers.end(), std::back_inserter(answers_));
  }
  more_.notify_one();
}

void WorkerOutbox::run() {
  while (true) {
    model::Answer answer;
    {
      std::unique_lock lock(mutex_);
      more_.wait(lock, [this] { return closing_ || !answers_.empty(); });
      if (closing_) return;
      answer = std::move(answers_.front());
      answers_.pop_front();
    }
    if (const auto* deliver = std::get_if<model::Deliver>(&answer)) {
      for (const model::Delivered& one : deliver->messages) work(one);
    } else if (const auto* settled = std::get_if<model::Settled>(&answer)) {
      heard(*settled);
    }
  }
}

model::VerdictKind WorkerOutbox::verdict_on(std::optional<std::uint64_t> number, std::uint32_t attempt) const {
  const Fate fate = manner_.everything || !number ? Fate::ack : fate_of(*number, attempt);
  if (fate == Fate::ack) return model::VerdictKind::ack;
  return fate == Fate::fail ? model::VerdictKind::fail : model::VerdictKind::reject;
}

void WorkerOutbox::work(const model::Delivered& delivered) {
  const std::string body(delivered.message->body.view());
  const auto number = number_in(body);
  {
    const std::lock_guard lock(mutex_);
    delivered_.push_back(body);
  }
  if (number) {
    ledger_.change(*number, [&](Told& told) {
      told.early = told.early || now_us() + kClocksPartUs < told.due_us;
      // What is delivered is on the disk.
      told.confirmed = true;
      told.offset = delivered.source_offset.value;
    });
  }
  engine_->submit(session_, queue_->shard, model::Started{{instance_.id, 1}, queue_->subscription, delivered.delivery},
                  50);
  std::this_thread::sleep_for(manner_.pause);
  if (!manner_.holds || manner_.everything || !number || *number % kHeldOf != 0) return settle(delivered);
  held_.push_back(delivered);
  if (held_.size() <= kHeld) return;
  settle(held_.front());
  held_.pop_front();
}

void WorkerOutbox::settle(const model::Delivered& delivered) {
  const auto number = number_in(delivered.message->body.view());
  const model::VerdictKind kind = verdict_on(number, delivered.attempt);
  if (number) {
    ledger_.change(*number, [&](Told& told) {
      ++told.begun;
      if (kind == model::VerdictKind::ack) told.end_asked = true;
    });
  }
  model::Verdict verdict;
  verdict.kind = kind;
  verdict.token = {queue_->shard, queue_->subscription, delivered.log, delivered.offset, delivered.grant};
  verdict.error = {"failure", "as its body says", ""};
  const bool answers = kind == model::VerdictKind::ack && delivered.deadline.us != 0 && number;
  if (answers) verdict.reply = answer(*number, delivered);
  asked_[++last_request_] = {number.value_or(0), kind};
  engine_->submit(session_, queue_->shard, model::Settle{{session_, last_request_}, {std::move(verdict)}}, 50);
}

/// Other words for each grant.
model::ResponderReplyRef WorkerOutbox::answer(std::uint64_t number, const model::Delivered& delivered) {
  const std::string words = "answer " + std::to_string(number) + " of grant " + std::to_string(delivered.grant.value);
  ledger_.change(number, [&](Told& told) { told.reply = words; });
  auto message = std::make_shared<model::Message>();
  message->body = base::SharedBytes::of(words);
  message->body_crc = base::crc32c(words);
  auto reply = std::make_shared<model::ResponderReply>();
  reply->message = std::move(message);
  return reply;
}

void WorkerOutbox::heard(const model::Settled& settled) {
  const auto asked = asked_.find(settled.request);
  if (asked == asked_.end() || settled.results.empty()) return;
  if (settled.results.front().code == base::Code::OK) {
    ledger_.change(asked->second.number, [&](Told& told) {
      if (asked->second.kind == model::VerdictKind::ack) told.ended = true;
      if (asked->second.kind == model::VerdictKind::fail) ++told.failures;
    });
  }
  asked_.erase(asked);
}

}  // namespace lazaret::faults
