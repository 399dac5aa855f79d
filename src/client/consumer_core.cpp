#include "client/consumer_core.h"

#include <boost/asio/post.hpp>

#include <algorithm>

#include "client/client_core.h"
#include "client/message_codec.h"
#include "model/limits.h"

namespace lazaret::detail {
namespace {

using base::Code;
using base::Status;
using model::VerdictKind;
using SteadyClock = std::chrono::steady_clock;
namespace limits = model::limits;

/// What is expected to begin within this time is announced ahead, to save system calls.
constexpr double kAheadUs = 1000;
constexpr std::size_t kTokensPerFrame = 1000;
/// How soon a consumer that the broker cannot take now is opened again.
constexpr auto kOpenAgain = std::chrono::milliseconds(500);

wire::Verdict wire_verdict(const Verdict& verdict) {
  wire::Verdict out;
  switch (verdict.kind()) {
    case Verdict::Kind::done: out.kind = VerdictKind::ack; break;
    case Verdict::Kind::fail: out.kind = VerdictKind::fail; break;
    case Verdict::Kind::reject: out.kind = VerdictKind::reject; break;
    case Verdict::Kind::release: out.kind = VerdictKind::release; break;
  }
  out.error = {verdict.type(), verdict.text(), verdict.details()};
  if (verdict.delay()) out.delay = *verdict.delay();
  return out;
}

wire::Verdict plain_verdict(VerdictKind kind) {
  wire::Verdict verdict;
  verdict.kind = kind;
  return verdict;
}

}  // namespace

ConsumerCore::ConsumerCore(std::shared_ptr<ClientCore> client, std::uint64_t number, std::string queue,
                           const AnyHandler& handler, ConsumeOptions options)
    : client_(std::move(client)),
      number_(number),
      queue_(std::move(queue)),
      handler_(handler),
      options_(std::move(options)),
      timer_(client_->executor()),
      drain_timer_(client_->executor()) {}

ConsumerCore::~ConsumerCore() {
  if (runner_ != nullptr) runner_->stop();
}

// --- Opening ---------------------------------------------------------------------------------------------------------

void ConsumerCore::start(Opened opened) {
  opened_ = std::move(opened);
  runner_ = make_runner(
      handler_, options_.concurrency, options_.run_on ? options_.run_on : client_->executor(),
      [weak_client = std::weak_ptr(client_), weak = weak_from_this()](const WorkRef& work, Verdict verdict) {
        // It may end long after its client has gone, with all that the client ran on.
        std::shared_ptr<void> io;
        const auto client = weak_client.lock();
        if (client == nullptr || !client->hold(io)) return;
        if (const auto self = weak.lock()) self->finished(work, std::move(verdict));
      });
  if (client_->is_open()) open();
}

void ConsumerCore::connected() {
  if (!over_) open();
}

/// Opens it, with everything that is held. Tokens that do not fit into one frame go before it.
void ConsumerCore::open() {
  presented_.clear();
  wire::OpenConsumer frame;
  frame.consumer = number_;
  frame.queue = queue_;
  std::erase_if(held_, [this](const HeldMap::value_type& entry) {
    const bool orphan = entry.second.lost && entry.second.stage == Stage::handed;
    if (orphan) orphans_.insert(entry.second.work);
    return orphan;
  });
  for (auto& [delivery, held] : held_) {
    if (held.lost && held.stage != Stage::judged) continue;
    if (frame.held.size() == kTokensPerFrame) {
      frame.more = true;
      client_->send(wire::encode(frame));
      frame.held.clear();
      frame.more = false;
    }
    presented_.push_back(delivery);
    frame.held.push_back({held.token, held.stage >= Stage::handed, delivery});
  }
  opening_ = client_->next_request();
  frame.request = opening_;
  frame.credit_messages = closing_ ? 0 : static_cast<std::uint64_t>(std::max(options_.prefetch, options_.concurrency));
  frame.credit_bytes = closing_ ? 0 : options_.prefetch_bytes;
  client_->send(wire::encode(frame));
}

void ConsumerCore::on(const wire::ConsumerOpened& frame) {
  if (frame.request != opening_ || over_) return;
  opening_ = 0;
  if (!frame.status.ok()) {
    refused(opening_ = frame.request, frame.status);
    return;
  }
  open_ = true;
  paused_ = false;
  lease_ = frame.lease_duration;
  for (std::size_t i = 0; i < presented_.size() && i < frame.held.size(); ++i) {
    const auto it = held_.find(presented_[i]);
    if (it != held_.end() && !frame.held[i]) lose(it);
  }
  if (!std::exchange(ever_open_, true) && opened_) std::exchange(opened_, nullptr)({});
  for (const auto& [delivery, held] : held_) {
    if (held.stage == Stage::judged) verdicts_.push_back(delivery);
  }
  if (closing_) {
    said_close_ = true;  // it was opened without credit
    check_closed();
  }
  flush();
  pump();
}

bool ConsumerCore::refused(std::uint64_t request, const Status& status) {
  if (request == opening_ && opening_ != 0) {
    opening_ = 0;
    const bool later = base::error_info(status.code()).retry == base::Retry::after;
    if (later && ever_open_) {
      timer_.expires_after(kOpenAgain);
      timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
        if (!error && self->client_->is_open() && !self->open_ && self->opening_ == 0 && !self->over_) self->open();
      });
    } else {
      ended(status);
    }
    return true;
  }
  if (request == closing_request_ && closing_request_ != 0) {
    said_close_ = true;
    check_closed();
    return true;
  }
  if (extensions_.erase(request) > 0) return true;
  const auto it = sent_.find(request);
  if (it == sent_.end()) return false;
  for (const std::uint64_t delivery : it->second) held_.erase(delivery);
  sent_.erase(it);
  check_closed();
  return true;
}

/// What was announced but not handed over has not begun: its Started may not have left.
void ConsumerCore::disconnected() {
  open_ = false;
  opening_ = 0;
  verdicts_.clear();
  sent_.clear();
  extensions_.clear();
  for (auto& [delivery, held] : held_) {
    if (held.stage != Stage::announcing) continue;
    held.stage = Stage::buffered;
    --busy_;
  }
}

/// The queue is gone, or the broker stops.
void ConsumerCore::ended(const Status& status) {
  if (over_) return;
  if (closing_) {
    said_close_ = true;
    return check_closed();
  }
  if (status.code() == Code::SHUTTING_DOWN && ever_open_) {
    paused_ = true;
    give_back();
    return flush();
  }
  over_ = true;
  runner_->stop();
  for (auto& [delivery, held] : held_) held.work->stop.request_stop();
  if (opened_) {
    std::exchange(opened_, nullptr)(status);
  } else if (options_.on_end) {
    asio::post(client_->executor(), [on_end = options_.on_end, code = code_of(status), problem = problem_of(status)] {
      on_end(code, problem ? *problem : Problem());
    });
  }
  client_->forget_consumer(number_);
}

// --- Deliveries ------------------------------------------------------------------------------------------------------

void ConsumerCore::on(wire::Deliver&& frame) {
  if (closing_ || over_ || !open_) return;  // given back with CloseConsumer
  for (wire::Delivery& one : frame.deliveries) {
    Held held;
    held.token = one.token;
    auto message =
        decode_message(one.envelope, one.body, one.body_crc, queue_, one.source_offset.value, one.published_at);
    const bool good = message.ok();
    held.work = std::make_shared<Work>(one.delivery, good ? std::move(*message) : Message(),
                                       static_cast<int>(one.attempt), one.redelivered, one.isolated);
    const auto it = held_.emplace(one.delivery, std::move(held)).first;
    if (good) continue;
    wire::Verdict damaged = plain_verdict(VerdictKind::fail);
    damaged.error = {"lazaret.damaged_in_transit", message.status().text(), ""};
    judge(it, std::move(damaged));
  }
  flush();
  pump();
}

/// How many may be announced beyond those that can begin now: what is expected to begin within a millisecond.
std::size_t ConsumerCore::ahead() const {
  if (mean_handler_us_ <= 0) return 0;
  const double expected = kAheadUs / mean_handler_us_ * options_.concurrency;
  return static_cast<std::size_t>(std::min(expected, static_cast<double>(limits::kStartedAhead)));
}

void ConsumerCore::pump() {
  if (!open_ || closing_ || paused_ || over_) return;
  const std::size_t room = static_cast<std::size_t>(options_.concurrency) + ahead();
  std::vector<std::uint64_t> numbers;
  for (auto it = held_.begin(); it != held_.end() && busy_ + numbers.size() < room; ++it) {
    if (it->second.stage == Stage::buffered && !it->second.lost) numbers.push_back(it->first);
  }
  if (!numbers.empty()) announce(std::move(numbers));
}

void ConsumerCore::announce(std::vector<std::uint64_t> numbers) {
  for (const std::uint64_t number : numbers) held_.at(number).stage = Stage::announcing;
  busy_ += numbers.size();
  if (!client_->options().announce_started) return hand_over(numbers);
  flush();
  client_->send(wire::encode(wire::Started{number_, numbers.back()}));
  client_->after_written([weak = weak_from_this(), numbers = std::move(numbers)] {
    if (const auto self = weak.lock()) self->hand_over(numbers);
  });
}

void ConsumerCore::hand_over(const std::vector<std::uint64_t>& numbers) {
  std::vector<WorkRef> works;
  for (const std::uint64_t number : numbers) {
    const auto it = held_.find(number);
    if (it == held_.end() || it->second.stage != Stage::announcing) continue;
    if (closing_ || paused_ || it->second.lost) {
      not_begun(it);
      continue;
    }
    it->second.stage = Stage::handed;
    it->second.handed_at = SteadyClock::now();
    works.push_back(it->second.work);
  }
  flush();
  if (!works.empty()) runner_->submit(std::move(works));
  watch();
}

void ConsumerCore::finished(const WorkRef& work, Verdict verdict) {
  {
    const std::lock_guard lock(finished_mutex_);
    finished_.emplace_back(work, std::move(verdict));
    if (finished_.size() > 1) return;
  }
  client_->post([self = shared_from_this()] { self->take_finished(); });
}

void ConsumerCore::take_finished() {
  std::vector<std::pair<WorkRef, Verdict>> finished;
  {
    const std::lock_guard lock(finished_mutex_);
    std::swap(finished, finished_);
  }
  const std::int64_t now = SteadyClock::now().time_since_epoch().count();
  for (auto& [work, verdict] : finished) {
    const double took_us = static_cast<double>(now - work->began_ns.load(std::memory_order_acquire)) / 1000;
    mean_handler_us_ = mean_handler_us_ == 0 ? took_us : mean_handler_us_ * 0.9 + took_us * 0.1;
    if (closing_) ++closed_.finished;
    if (orphans_.erase(work) > 0) {
      --busy_;
      continue;
    }
    const auto it = held_.find(work->number);
    if (it == held_.end() || it->second.work != work) continue;
    --busy_;
    if (it->second.lost || it->second.timed_out) {
      held_.erase(it);
    } else {
      judge(it, wire_verdict(verdict));
    }
  }
  flush();
  pump();
  check_closed();
}

// --- Verdicts --------------------------------------------------------------------------------------------------------

void ConsumerCore::judge(HeldMap::iterator it, wire::Verdict verdict) {
  it->second.stage = Stage::judged;
  it->second.verdict = std::move(verdict);
  it->second.verdict.token = it->second.token;
  if (open_) verdicts_.push_back(it->first);
}

void ConsumerCore::not_begun(HeldMap::iterator it) {
  if (it->second.stage == Stage::announcing || it->second.stage == Stage::handed) --busy_;
  if (closing_) ++closed_.released;
  if (it->second.lost) {
    held_.erase(it);
  } else {
    judge(it, plain_verdict(VerdictKind::not_begun));
  }
}

/// What was handed over and has not begun; says how much.
std::size_t ConsumerCore::take_back() {
  std::size_t count = 0;
  for (const WorkRef& work : runner_->take_back()) {
    const auto it = held_.find(work->number);
    if (it != held_.end() && it->second.work == work) {
      not_begun(it);
      ++count;
    } else if (orphans_.erase(work) > 0) {
      --busy_;
    }
  }
  return count;
}

/// Everything that no handler has begun on.
void ConsumerCore::give_back() {
  take_back();
  for (auto it = held_.begin(); it != held_.end();) {
    const auto next = std::next(it);
    if (it->second.stage == Stage::buffered) not_begun(it);
    it = next;
  }
}

void ConsumerCore::recall() {
  give_back();
  flush();
}

void ConsumerCore::flush() {
  if (!open_ || verdicts_.empty()) return;
  std::vector<std::uint64_t> numbers;
  std::size_t bytes = 0;
  for (const std::uint64_t number : std::exchange(verdicts_, {})) {
    if (const auto it = held_.find(number); it != held_.end()) {
      const model::ErrorReport& error = it->second.verdict.error;
      bytes += error.type.size() + error.message.size() + error.details.size();
    }
    numbers.push_back(number);
    if (numbers.size() < limits::kBatchItems && bytes < limits::kBatchBytes) continue;
    send_verdicts(std::exchange(numbers, {}));
    bytes = 0;
  }
  if (!numbers.empty()) send_verdicts(std::move(numbers));
}

void ConsumerCore::send_verdicts(std::vector<std::uint64_t> numbers) {
  wire::Settle frame;
  frame.request = client_->next_settle(number_);
  frame.consumer = number_;
  std::vector<std::uint64_t> acks;
  std::vector<std::uint64_t> others;
  for (const std::uint64_t number : numbers) {
    const auto it = held_.find(number);
    if (it == held_.end()) continue;
    if (it->second.verdict.kind == VerdictKind::ack) {
      frame.acks.push_back(it->second.token);
      acks.push_back(number);
    } else {
      frame.verdicts.push_back(it->second.verdict);
      others.push_back(number);
    }
  }
  // In the order in which the answer counts them.
  acks.insert(acks.end(), others.begin(), others.end());
  sent_.emplace(frame.request, std::move(acks));
  client_->send(wire::encode(frame));
}

void ConsumerCore::on(const wire::Settled& frame) {
  if (const auto extended = extensions_.extract(frame.request)) {
    for (const auto& [index, result] : frame.results) {
      if (result.code != Code::LEASE_LOST || index >= extended.mapped().size()) continue;
      const auto it = held_.find(extended.mapped()[index]);
      if (it != held_.end() && it->second.stage != Stage::judged) lose(it);
    }
    return;
  }
  const auto settled = sent_.extract(frame.request);
  if (!settled) return;
  if (options_.on_settled) options_.on_settled(settled.mapped().size());
  // Done, or refused because the lease was lost: either way there is nothing left to say about them. One that timed
  // out stays until its handler returns.
  for (const std::uint64_t delivery : settled.mapped()) {
    const auto it = held_.find(delivery);
    if (it == held_.end()) continue;
    if (it->second.timed_out) {
      it->second.stage = Stage::handed;
      it->second.lost = true;
    } else {
      held_.erase(it);
    }
  }
  check_closed();
}

// --- Leases ----------------------------------------------------------------------------------------------------------

void ConsumerCore::on(const wire::LeaseEnded& frame) {
  for (const wire::Token& token : frame.tokens) {
    for (auto it = held_.begin(); it != held_.end(); ++it) {
      if (it->second.token != token) continue;
      if (it->second.stage != Stage::judged) lose(it);
      break;
    }
  }
  check_closed();
}

void ConsumerCore::lose(HeldMap::iterator it) {
  switch (it->second.stage) {
    case Stage::buffered: held_.erase(it); break;
    case Stage::announcing:
    case Stage::handed:
      it->second.lost = true;
      it->second.work->stop.request_stop();
      break;
    case Stage::judged: break;  // the verdict is sent all the same: it may have been acked before
  }
}

/// While something is in a handler: extends its lease, and looks for those that take too long.
void ConsumerCore::watch() {
  if (watching_ || busy_ == 0 || over_) return;
  watching_ = true;
  const auto third = lease_ / 3;
  timer_.expires_after(std::clamp<SteadyClock::duration>(std::min<SteadyClock::duration>(third, options_.longest / 4),
                                                         std::chrono::milliseconds(5), std::chrono::seconds(1)));
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->watching_ = false;
    if (!error) self->tick();
  });
}

void ConsumerCore::tick() {
  if (over_) return;
  check_longest();
  if (open_ && SteadyClock::now() - extended_at_ >= lease_ / 3) extend();
  flush();
  watch();
}

void ConsumerCore::extend() {
  extended_at_ = SteadyClock::now();
  wire::Settle frame;
  frame.consumer = number_;
  std::vector<std::uint64_t> numbers;
  const auto send = [&] {
    if (numbers.empty()) return;
    frame.request = client_->next_settle(number_);
    extensions_.emplace(frame.request, std::exchange(numbers, {}));
    client_->send(wire::encode(frame));
    frame.verdicts.clear();
  };
  for (const auto& [delivery, held] : held_) {
    if (held.stage != Stage::handed || held.lost || held.timed_out) continue;
    wire::Verdict verdict = plain_verdict(VerdictKind::extend);
    verdict.token = held.token;
    frame.verdicts.push_back(std::move(verdict));
    numbers.push_back(delivery);
    if (numbers.size() == limits::kBatchItems) send();
  }
  send();
}

void ConsumerCore::check_longest() {
  const std::int64_t now = SteadyClock::now().time_since_epoch().count();
  const std::int64_t longest = std::chrono::nanoseconds(options_.longest).count();
  for (auto it = held_.begin(); it != held_.end(); ++it) {
    Held& held = it->second;
    const std::int64_t began = held.work->began_ns.load(std::memory_order_acquire);
    if (held.stage != Stage::handed || held.lost || held.timed_out || began == 0 || now - began < longest) continue;
    held.work->stop.request_stop();
    held.timed_out = true;
    wire::Verdict verdict = plain_verdict(VerdictKind::fail);
    verdict.handler_timeout = true;
    verdict.error = {"handler_timeout",
                     "the handler took longer than " + std::to_string(options_.longest.count()) + " ms", ""};
    judge(it, std::move(verdict));
  }
}

// --- Closing ---------------------------------------------------------------------------------------------------------

bool ConsumerCore::would_deadlock() const {
  return client_->would_deadlock() || (runner_ != nullptr && runner_->is_current());
}

void ConsumerCore::close(std::chrono::milliseconds drain, Completion<Closed> completion) {
  const auto shared = std::make_shared<Completion<Closed>>(std::move(completion));
  const bool posted = client_->post([self = shared_from_this(), drain, shared] {
    if (self->over_) return shared->done(self->closed_);
    self->closers_.push_back(std::move(*shared));
    const bool shorter = std::chrono::steady_clock::now() + drain < self->drain_timer_.expiry();
    if (!self->closing_) return self->begin_close(drain);
    if (shorter) self->give_up_after(drain);
  });
  // The client is gone, and closed its consumers before that: nothing is left to do, and no thread to do it.
  if (!posted) shared->done_without_client(closed_);
}

void ConsumerCore::give_up_after(std::chrono::milliseconds drain) {
  drain_timer_.expires_after(drain);
  drain_timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error && !self->over_) self->finish_close();
  });
}

void ConsumerCore::begin_close(std::chrono::milliseconds drain) {
  // What was announced and has not begun is given back first, so that the broker does not take it for begun.
  closed_.released += take_back();
  flush();
  closing_ = true;
  for (auto it = held_.begin(); it != held_.end();) {
    const auto next = std::next(it);
    if (it->second.stage == Stage::buffered) {
      ++closed_.released;
      held_.erase(it);  // CloseConsumer releases it
    }
    it = next;
  }
  if (open_) {
    closing_request_ = client_->next_request();
    client_->send(wire::encode(wire::CloseConsumer{closing_request_, number_}));
  } else if (!ever_open_) {
    said_close_ = true;
  }
  give_up_after(drain);
  check_closed();
}

void ConsumerCore::check_closed() {
  if (closing_ && !over_ && said_close_ && held_.empty() && orphans_.empty()) finish_close();
}

void ConsumerCore::finish_close() {
  over_ = true;
  drain_timer_.cancel();
  timer_.cancel();
  runner_->stop();
  closed_.abandoned += orphans_.size();
  for (auto& [delivery, held] : held_) {
    if (held.stage == Stage::judged && !held.timed_out) continue;
    ++closed_.abandoned;
    held.work->stop.request_stop();
  }
  for (Completion<Closed>& closer : closers_) closer.done(closed_);
  closers_.clear();
  client_->forget_consumer(number_);
}

void ConsumerCore::abandon() {
  if (over_) return;
  if (opened_) std::exchange(opened_, nullptr)(Status(Code::CLOSED));
  finish_close();
}

}  // namespace lazaret::detail
