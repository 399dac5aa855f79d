#include "client/consumer_core.h"

#include <boost/asio/post.hpp>

#include <algorithm>

#include "client/client_core.h"
#include "client/compression.h"
#include "client/message_codec.h"
#include "client/verdicts.h"
#include "client/words.h"
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
/// What a handler keeps back because the next one takes unexpectedly long is fetched after so long.
constexpr auto kCollectAfter = std::chrono::milliseconds(2);
constexpr std::size_t kTokensPerFrame = 1000;
/// Ends of handlers that room is kept for.
constexpr std::size_t kCollectedKept = 1024;

/// Of what a frame may have kBatchItems of.
std::size_t items_of(const VerdictRef& verdict) {
  return 1 + (verdict == nullptr || verdict->publishes == nullptr ? 0 : verdict->publishes->size());
}
/// How soon a consumer that the broker cannot take now is opened again.
constexpr auto kOpenAgain = std::chrono::milliseconds(500);

}  // namespace

ConsumerCore::ConsumerCore(std::shared_ptr<ClientCore> client, std::uint64_t number, std::string queue,
                           const AnyHandler& handler, ConsumeOptions options)
    : client_(std::move(client)),
      number_(number),
      queue_(std::move(queue)),
      by_(std::make_shared<const DeliveredBy>(DeliveredBy{client_, queue_})),
      handler_(handler),
      options_(std::move(options)),
      open_again_(client_->executor()),
      watch_(client_->executor()),
      collect_(client_->executor()),
      drain_timer_(client_->executor()) {}

ConsumerCore::~ConsumerCore() {
  if (runner_ != nullptr) runner_->stop();
}

// --- Opening ---------------------------------------------------------------------------------------------------------

void ConsumerCore::start(Opened opened) {
  opened_ = std::move(opened);
  runner_ = make_runner(handler_, options_.concurrency, options_.run_on, client_->executor(), {client_.get(), this},
                        {finished_, [weak_client = std::weak_ptr(client_), weak = weak_from_this()] {
                           // It may end long after its client has gone, with all that the client ran on.
                           std::shared_ptr<void> io;
                           const auto client = weak_client.lock();
                           if (client == nullptr || !client->hold(io)) return;
                           if (const auto self = weak.lock()) client->post([self] { self->take_finished(); });
                         }});
  if (client_->is_open()) open();
}

/// One that was closed since the handshake counted it is opened too, with nothing: the broker waits for that many. What
/// it answers is told that there is no such consumer.
void ConsumerCore::connected() {
  if (!over_) return open();
  wire::OpenConsumer frame;
  frame.request = client_->next_request();
  frame.consumer = number_;
  frame.queue = queue_;
  client_->send(wire::encode(frame));
}

/// Opens it, with everything that is held. Tokens that do not fit into one frame go before it.
void ConsumerCore::open() {
  presented_.clear();
  wire::OpenConsumer frame;
  frame.consumer = number_;
  frame.queue = queue_;
  held_.erase_if([this](const Held& held) {
    const bool orphan = held.lost && held.stage() == Stage::handed;
    if (orphan) orphans_.insert(held.work);
    return orphan;
  });
  for (const Held* held : held_.in_order()) {
    if (held->lost && held->stage() != Stage::judged) continue;
    if (frame.held.size() == kTokensPerFrame) {
      frame.more = true;
      client_->send(wire::encode(frame));
      frame.held.clear();
      frame.more = false;
    }
    presented_.push_back(held->work->number);
    frame.held.push_back({held->token, held->stage() >= Stage::handed, held->work->number});
  }
  opening_ = client_->next_request();
  frame.request = opening_;
  frame.credit_messages = closing_ ? 0 : static_cast<std::uint64_t>(std::max(options_.prefetch, options_.concurrency));
  frame.credit_bytes = closing_ ? 0 : options_.prefetch_bytes;
  frame.accepts = options_.accepts;
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
  suspected_ = 0;
  lease_ = frame.lease_duration;
  source_ = frame.source.empty() ? queue_ : frame.source;
  for (std::size_t i = 0; i < presented_.size() && i < frame.held.size(); ++i) {
    const auto it = held_.find(presented_[i]);
    if (it != held_.end() && !frame.held[i]) lose(it);
  }
  if (!std::exchange(ever_open_, true) && opened_) std::exchange(opened_, nullptr)({});
  for (const Held* held : held_.in_order()) {
    if (held->stage() == Stage::judged) verdicts_.push_back(held->work->number);
  }
  if (closing_ && closing_request_ == 0) say_close();
  flush();
  pump();
}

bool ConsumerCore::refused(std::uint64_t request, const Status& status) {
  if (request == opening_ && opening_ != 0) {
    opening_ = 0;
    const bool later = base::error_info(status.code()).retry == base::Retry::after;
    if (later && ever_open_) {
      open_again_.expires_after(kOpenAgain);
      open_again_.async_wait([self = shared_from_this()](boost::system::error_code error) {
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
  const std::vector<std::uint64_t> deliveries = std::move(it->second);
  sent_.erase(it);
  for (const std::uint64_t delivery : deliveries) settled(delivery);
  check_closed();
  return true;
}

/// A report is what may be wrong with a verdict, so the first time it is left out. What is still refused is let go, and
/// ends with its lease; so does the consumer, if it is opening it that is refused.
void ConsumerCore::suspect(const Status& status) {
  constexpr int kTries = 3;
  for (const auto& [request, deliveries] : std::map(sent_)) {
    for (const std::uint64_t delivery : deliveries) {
      const auto it = held_.find(delivery);
      if (it == held_.end()) continue;
      if (++it->second.suspected == kTries) {
        settled(delivery);
        continue;
      }
      VerdictRef& verdict = it->second.verdict;
      if (verdict == nullptr) continue;
      if (verdict->publishes != nullptr) {
        verdict = refusal("lazaret.publish_refused", status, kind_of(*verdict));
      } else if (verdict->kind != VerdictKind::ack) {
        verdict->error = as_report("lazaret.report_refused", status.text(), "");
      }
    }
  }
  if (opening_ != 0 && ++suspected_ == kTries) ended(status);
}

/// What was announced but not handed over has not begun: its Started may not have left.
void ConsumerCore::disconnected() {
  open_ = false;
  opening_ = 0;
  closing_request_ = 0;
  said_close_ = false;
  verdicts_.clear();
  sent_.clear();
  extensions_.clear();
  const std::vector<Held*> held_now = held_.in_order();
  for (auto held = held_now.rbegin(); held != held_now.rend(); ++held) {
    if ((*held)->stage() != Stage::announcing) continue;
    held_.enter(**held, Stage::buffered);
    --busy_;
  }
  held_.erase_if([this](const Held& held) {
    if (held.stage() != Stage::buffered) return false;
    if (closing_ && !held.lost) ++closed_.released;
    return closing_ || held.lost;
  });
  check_closed();
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
  for (const Held* held : held_.in_order()) held->work->stop.request_stop();
  if (opened_) {
    std::exchange(opened_, nullptr)(status);
  } else if (options_.on_end) {
    client_->call_user([&] { options_.on_end(code_of(status), *problem_of(status)); });
  }
  client_->forget_consumer(number_);
}

// --- Deliveries ------------------------------------------------------------------------------------------------------

void ConsumerCore::on(wire::Deliver&& frame) {
  if (closing_ || over_ || !open_) return;  // given back with CloseConsumer
  const std::uint64_t told = client_->welcome().max_message_bytes;
  const std::size_t most = told == 0 ? limits::kMessageBytesMost : static_cast<std::size_t>(told);
  for (wire::Delivery& one : frame.deliveries) {
    Message message;
    const Status arrived = decode_message(one.envelope, one.body, one.body_crc, one.published_at, message);
    const Status opened = arrived.ok() ? open_body(message, most) : Status();
    const bool good = arrived.ok() && opened.ok();
    if (!good) message = Message();
    message.source = one.source.empty() ? source_ : std::move(one.source);
    message.offset = one.source_offset.value;
    const bool request = one.time_left.count() > 0;
    gets_requests_ = gets_requests_ || request;
    const auto it =
        held_.add(one.token, std::make_shared<Work>(one.delivery, std::move(message), static_cast<int>(one.attempt),
                                                    one.redelivered, one.isolated, by_,
                                                    request ? SteadyClock::now() + one.time_left : SteadyTime::max()));
    if (good) continue;
    // Another connection may carry it; what was compressed badly stays so.
    VerdictRef bad = plain_verdict(arrived.ok() ? VerdictKind::reject : VerdictKind::fail);
    bad->error = arrived.ok() ? as_report("lazaret.body_not_opened", opened.text(), "")
                              : as_report("lazaret.damaged_in_transit", arrived.text(), "");
    judge(it, std::move(bad));
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
  if (busy_ >= room) return;
  std::vector<std::uint64_t> numbers;
  held_.each_buffered([&](const Held& held) {
    if (busy_ + numbers.size() >= room) return false;
    if (held.lost) return true;
    const Delivery& delivery = held.work->delivery;
    if (delivery.is_request() && delivery.deadline() <= SteadyClock::now()) {
      not_begun(held_.find(held.work->number));  // of no use to anybody any more
      return true;
    }
    const bool beforehand = busy_ + numbers.size() >= static_cast<std::size_t>(options_.concurrency);
    // Whoever waits for a reply is not told that it has begun before it has; a suspect is alone.
    const bool waited_for = delivery.is_request() || !delivery.message().reply_to.empty();
    if (beforehand && (waited_for || delivery.isolated())) return false;
    numbers.push_back(held.work->number);
    return busy_ + numbers.size() < room;
  });
  flush();
  if (!numbers.empty()) announce(std::move(numbers));
}

void ConsumerCore::announce(std::vector<std::uint64_t> numbers) {
  for (const std::uint64_t number : numbers) held_.enter(held_.at(number), Stage::announcing);
  busy_ += numbers.size();
  if (!client_->options().announce_started) return hand_over(numbers);
  collect_finished();  // what has ended is said before what begins
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
    if (it == held_.end() || it->second.stage() != Stage::announcing) continue;
    if (closing_ || paused_ || it->second.lost) {
      not_begun(it);
      continue;
    }
    held_.enter(it->second, Stage::handed);
    works.push_back(it->second.work);
  }
  flush();
  if (!works.empty()) runner_->submit(std::move(works));
  watch();
  collect_later();
}

void ConsumerCore::collect_finished() {
  gathering_ = ahead() > 0;
  std::vector<FinishedWorks::Ended> ended = std::exchange(collected_, {});
  finished_->take(ended, gathering_);
  for (const auto& [work, verdict] : ended) finish_one(work, verdict);
  ended.clear();
  if (ended.capacity() <= kCollectedKept) collected_ = std::move(ended);
}

/// While reports may be kept back, somebody looks.
void ConsumerCore::collect_later() {
  if (collecting_ || !gathering_ || busy_ == 0 || over_) return;
  collecting_ = true;
  collect_.expires_after(kCollectAfter);
  collect_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->collecting_ = false;
    if (!error) self->take_finished();
  });
}

void ConsumerCore::take_finished() {
  collect_finished();
  flush();
  pump();
  collect_later();
  check_closed();
}

void ConsumerCore::finish_one(const WorkRef& work, const Verdict& verdict) {
  const std::int64_t began_ns = work->began_ns.load(std::memory_order_acquire);
  const double took_us = static_cast<double>(work->ended_ns - began_ns) / 1000;
  mean_handler_us_ = mean_handler_us_ == 0 ? took_us : mean_handler_us_ * 0.9 + took_us * 0.1;
  if (closing_ && !over_) ++closed_.finished;
  --busy_;
  if (orphans_.erase(work) > 0) return;
  const auto it = held_.find(work->number);
  if (it == held_.end() || it->second.work != work) return;
  Held& held = it->second;
  if (held.timed_out && held.stage() == Stage::judged) {
    held.timed_out = false;  // its verdict is on its way
  } else if (held.lost || held.timed_out) {
    held_.erase(it);
  } else if (over_) {
    finish_late(it, judgement(work, verdict));
  } else {
    judge(it, judgement(work, verdict));
  }
}

/// With the reply, if it is one. One that cannot be sent is the responder's failure.
VerdictRef ConsumerCore::judgement(const WorkRef& work, const Verdict& verdict) {
  if (verdict.kind() == Verdict::Kind::done && !has_outgoing(verdict)) return nullptr;
  VerdictRef out = wire_verdict(verdict);
  if (out->kind == VerdictKind::ack && has_outgoing(verdict)) {
    auto items = outgoing_items(verdict, client_->compress_from(), work->delivery.message());
    const std::size_t reply = verdict.reply() == nullptr ? 0 : verdict.reply()->body.size();
    Status problem = items.ok() ? check_together(client_->welcome(), **items, reply) : items.status();
    if (problem.ok()) problem = check_size(client_->welcome(), 0, largest_body(verdict.publishes()));
    if (!problem.ok()) return refusal("lazaret.publish_refused", problem, verdict.kind());
    out->publishes = std::move(*items);
  }
  if (verdict.kind() != Verdict::Kind::answer && verdict.kind() != Verdict::Kind::decline) return out;
  auto reply = reply_of(verdict, &work->delivery.message(), client_->welcome());
  if (!reply.ok()) return refusal("lazaret.reply_refused", reply.status(), verdict.kind());
  out->reply = std::make_shared<const wire::ResponderReply>(std::move(*reply));
  return out;
}

/// What goes with an ack cannot be: the attempt fails, or is not counted where it may be another time.
VerdictRef ConsumerCore::refusal(const char* type, const Status& why, Verdict::Kind meant) {
  if (options_.on_refused) client_->call_user([&] { options_.on_refused(code_of(why), *problem_of(why), meant); });
  const base::ErrorInfo& info = base::error_info(why.code());
  if (info.retry == base::Retry::after || info.retry == base::Retry::same_call) {
    VerdictRef out = plain_verdict(VerdictKind::release);
    out->delay = std::chrono::seconds(1);
    return out;
  }
  VerdictRef out = plain_verdict(VerdictKind::fail);
  out->error = as_report(type, std::string(info.name) + ": " + why.text(), "");
  return out;
}

/// Of a consumer that is closed: its handler was asked to stop, so a failure of it is nobody's fault.
void ConsumerCore::finish_late(HeldDeliveries::iterator it, VerdictRef verdict) {
  wire::Settle frame;
  frame.consumer = number_;
  if (verdict == nullptr) {
    frame.acks.push_back(it->second.token);
  } else {
    if (verdict->kind == VerdictKind::fail) verdict = plain_verdict(VerdictKind::release);
    verdict->token = it->second.token;
    frame.verdicts.push_back(std::move(*verdict));
  }
  held_.erase(it);
  if (open_) client_->send(wire::encode(frame));
  if (held_.empty()) client_->forget_consumer(number_);
}

// --- Verdicts --------------------------------------------------------------------------------------------------------

void ConsumerCore::judge(HeldDeliveries::iterator it, VerdictRef verdict) {
  held_.enter(it->second, Stage::judged);
  it->second.verdict = std::move(verdict);
  if (open_) verdicts_.push_back(it->first);
}

void ConsumerCore::not_begun(HeldDeliveries::iterator it) {
  if (it->second.stage() == Stage::announcing || it->second.stage() == Stage::handed) --busy_;
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
  held_.each_buffered([this](const Held& held) {
    not_begun(held_.find(held.work->number));
    return true;
  });
}

void ConsumerCore::recall(const std::vector<std::uint64_t>& deliveries) {
  if (deliveries.empty()) give_back();
  for (const std::uint64_t delivery : deliveries) {
    const auto it = held_.find(delivery);
    if (it != held_.end() && it->second.stage() == Stage::buffered) not_begun(it);
  }
  flush();
}

/// A batch ends at a number of verdicts or of bytes: failures may say much.
void ConsumerCore::flush() {
  if (!open_ || verdicts_.empty()) return;
  std::vector<const Held*> judged;
  std::size_t bytes = 0;
  std::size_t items = 0;
  for (const std::uint64_t number : std::exchange(verdicts_, {})) {
    const auto it = held_.find(number);
    if (it == held_.end()) continue;
    const std::size_t more = header_bytes(it->second.verdict);
    const std::size_t more_items = items_of(it->second.verdict);
    const bool full = items + more_items > limits::kBatchItems || bytes + more > limits::kBatchBytes;
    if (full && !judged.empty()) {
      send_verdicts(std::exchange(judged, {}));
      bytes = items = 0;
    }
    judged.push_back(&it->second);
    bytes += more;
    items += more_items;
  }
  if (!judged.empty()) send_verdicts(judged);
}

void ConsumerCore::send_verdicts(const std::vector<const Held*>& judged) {
  wire::Settle frame;
  frame.request = client_->next_settle(number_);
  frame.consumer = number_;
  std::vector<std::uint64_t> acks;
  std::vector<std::uint64_t> others;
  frame.acks.reserve(judged.size());
  acks.reserve(judged.size());
  for (const Held* held : judged) {
    if (held->verdict == nullptr) {
      frame.acks.push_back(held->token);
      acks.push_back(held->work->number);
    } else {
      frame.verdicts.push_back(*held->verdict);
      frame.verdicts.back().token = held->token;
      others.push_back(held->work->number);
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
      if (it != held_.end() && it->second.stage() != Stage::judged) lose(it);
    }
    return;
  }
  const auto done = sent_.extract(frame.request);
  if (!done) return;
  std::size_t again = 0;
  for (const auto& [index, result] : frame.results) {
    if (index < done.mapped().size()) again += refused_with(done.mapped()[index], result) ? 1 : 0;
  }
  // Done, or refused because the lease was lost: either way there is nothing left to say about them.
  for (const std::uint64_t delivery : done.mapped()) settled(delivery);
  flush();
  if (options_.on_settled) client_->call_user([&] { options_.on_settled(done.mapped().size() - again); });
  check_closed();
}

/// What was to be published with an ack was not taken: then nothing has happened, and another verdict follows.
bool ConsumerCore::refused_with(std::uint64_t delivery, const model::VerdictResult& result) {
  const Code code = result.code;
  const auto it = held_.find(delivery);
  if (it == held_.end() || code == Code::OK || code == Code::LEASE_LOST) return false;
  const VerdictRef& verdict = it->second.verdict;
  if (verdict == nullptr) return false;
  const bool published = verdict->publishes != nullptr;
  if (!published && verdict->reply == nullptr) return false;
  const Status why = result.text.empty() ? Status(code) : Status(code, result.text);
  judge(it, refusal(published ? "lazaret.publish_refused" : "lazaret.reply_refused", why, kind_of(*verdict)));
  it->second.judged_again = true;
  return true;
}

/// One that timed out stays until its handler returns.
void ConsumerCore::settled(std::uint64_t delivery) {
  const auto it = held_.find(delivery);
  if (it == held_.end() || std::exchange(it->second.judged_again, false)) return;
  if (it->second.timed_out) {
    held_.enter(it->second, Stage::handed);
    it->second.lost = true;
  } else {
    held_.erase(it);
  }
}

// --- Leases ----------------------------------------------------------------------------------------------------------

void ConsumerCore::on(const wire::LeaseEnded& frame) {
  const std::set<wire::Token> ended(frame.tokens.begin(), frame.tokens.end());
  for (const Held* held : held_.in_order()) {
    if (held->stage() != Stage::judged && ended.contains(held->token)) lose(held_.find(held->work->number));
  }
  check_closed();
}

void ConsumerCore::lose(HeldDeliveries::iterator it) {
  switch (it->second.stage()) {
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
  const auto now = SteadyClock::now();
  const auto period = std::clamp<SteadyClock::duration>(std::min<SteadyClock::duration>(third, options_.longest / 4),
                                                        std::chrono::milliseconds(5), std::chrono::seconds(1));
  watch_.expires_at(std::min(now + period, std::max(next_deadline(), now)));
  watch_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->watching_ = false;
    if (!error) self->tick();
  });
}

/// Of the requests whose handlers run, and have not been asked to stop.
SteadyTime ConsumerCore::next_deadline() {
  auto next = SteadyTime::max();
  if (!gets_requests_) return next;
  held_.each_handed([&next](const Held& held) {
    if (!held.work->stop.stop_requested()) next = std::min(next, held.work->delivery.deadline());
  });
  return next;
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
  held_.each_handed([&](const Held& held) {
    if (held.lost || held.timed_out) return;
    wire::Verdict& verdict = frame.verdicts.emplace_back();
    verdict.kind = VerdictKind::extend;
    verdict.token = held.token;
    numbers.push_back(held.work->number);
    if (numbers.size() == limits::kBatchItems) send();
  });
  send();
}

void ConsumerCore::check_longest() {
  const std::int64_t now = SteadyClock::now().time_since_epoch().count();
  const std::int64_t longest = std::chrono::nanoseconds(options_.longest).count();
  held_.each_handed([&](Held& held) {
    // Whoever asked waits no more; a late reply is counted, and kept for whoever asks again.
    if (held.work->delivery.deadline() <= SteadyClock::now()) held.work->stop.request_stop();
    const std::int64_t began = held.work->began_ns.load(std::memory_order_acquire);
    if (held.lost || held.timed_out || began == 0 || now - began < longest) return;
    held.work->stop.request_stop();
    held.timed_out = true;
    VerdictRef verdict = plain_verdict(VerdictKind::fail);
    verdict->handler_timeout = true;
    verdict->error = {"handler_timeout",
                      "the handler took longer than " + std::to_string(options_.longest.count()) + " ms", ""};
    judge(held_.find(held.work->number), std::move(verdict));
  });
}

}  // namespace lazaret::detail
