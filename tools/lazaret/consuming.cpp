#include "consuming.h"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <csignal>
#include <thread>
#include <utility>

#include "output.h"

namespace lazaret::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// A command takes the time that it takes.
constexpr std::chrono::hours kNoHurry{24 * 365};
/// Between telling workers that it is over and leaving without them; a command gets two seconds of it.
constexpr std::chrono::seconds kLastWait{4};
constexpr std::chrono::milliseconds kGoodbye{500};
/// Reasons of refusals that wait to be reported, when standard error takes none: those beyond are counted only.
constexpr std::size_t kMostUntold = 16;

}  // namespace

Consuming::Consuming(Client client, const ConsumingOptions& options, Worker worker)
    : client_(std::move(client)), options_(options), worker_(std::move(worker)), last_activity_(SteadyClock::now()) {}

Consuming::Totals Consuming::run(const std::string& queue) {
  signals_.add(SIGINT);
  signals_.add(SIGTERM);
  ConsumeOptions options;
  options.concurrency = options_.concurrency;
  options.prefetch = std::max(options_.prefetch, options_.concurrency);
  if (options_.count > 0 && options_.count < static_cast<std::uint64_t>(options.prefetch)) {
    options.prefetch = static_cast<int>(options_.count);
    options.concurrency = std::min(options.concurrency, options.prefetch);
  }
  options.accepts = options_.accepts;
  options.longest = kNoHurry;
  options.on_end = [this](error_code, const Problem& problem) {
    boost::asio::post(io_, [this, problem] { end_with(problem); });
  };
  options.on_refused = [this](error_code code, const Problem& problem, Verdict::Kind meant) {
    count_refused(code, problem, meant);
  };
  consumer_ = client_.consume(
      queue, [this](const Delivery& delivery) { return handle(delivery); }, options);
  last_activity_ = SteadyClock::now();
  await_signal();
  await_idle();
  const auto keep_running = boost::asio::make_work_guard(io_);
  io_.run();
  over_ = true;
  // Nobody else should begin on a message while our worker is still at it: first they end, then we say goodbye.
  const auto end = SteadyClock::now() + kLastWait;
  while (in_hand_ > 0 && SteadyClock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  client_.close(kGoodbye);
  tell_refusals();
  const std::lock_guard lock(mutex_);
  totals_.abandoned = closed_.abandoned;
  totals_.still_busy = in_hand_ > 0;
  return totals_;
}

/// The last one of `count` begins only when the consumer takes no more: then nothing is delivered in vain.
Verdict Consuming::handle(const Delivery& delivery) {
  const std::uint64_t number = ++begun_;
  if (over_ || (options_.count > 0 && number > options_.count)) return Verdict::not_begun();
  ++in_hand_;
  if (number == options_.count) {
    boost::asio::post(io_, [this] { close(kNoHurry); });
    close_has_begun_.wait();
  }
  Verdict verdict = work(delivery);
  last_activity_ = SteadyClock::now();
  --in_hand_;
  return verdict;
}

Verdict Consuming::work(const Delivery& delivery) {
  Outcome outcome;
  try {
    outcome = worker_(delivery);
  } catch (const Error& error) {
    outcome = {Verdict::release(), error.problem};
  }
  count(outcome.verdict.kind());
  if (outcome.problem) {
    over_ = true;
    boost::asio::post(io_, [this, problem = *outcome.problem] { end_with(problem); });
    // The message goes back when nothing more can come: else it would be delivered here again.
    close_has_begun_.wait();
  }
  return std::move(outcome.verdict);
}

void Consuming::count(Verdict::Kind kind) {
  const std::lock_guard lock(mutex_);
  switch (kind) {
    case Verdict::Kind::done:
    case Verdict::Kind::answer: ++totals_.done; break;
    case Verdict::Kind::decline: ++totals_.declined; break;
    case Verdict::Kind::fail: ++totals_.failed; break;
    case Verdict::Kind::reject: ++totals_.rejected; break;
    case Verdict::Kind::release:
    case Verdict::Kind::not_begun: ++totals_.released; break;
  }
}

/// What the worker took for done is not: what it wanted to publish or answer cannot go out. Told once, and again when
/// it is for another reason: by the running thread, since this one is the client's, and standard error may block.
void Consuming::count_refused(error_code code, const Problem& problem, Verdict::Kind meant) {
  const std::lock_guard lock(mutex_);
  --(meant == Verdict::Kind::decline ? totals_.declined : totals_.done);
  ++(code == retry::later || code == retry::same_call ? totals_.released : totals_.failed);
  const std::string sentence = sentence_of(problem);
  if (std::exchange(last_refusal_, sentence) == sentence || untold_.size() == kMostUntold) return;
  untold_.push_back(problem);
  boost::asio::post(io_, [this] { tell_refusals(); });
}

void Consuming::tell_refusals() {
  std::vector<Problem> problems;
  {
    const std::lock_guard lock(mutex_);
    problems.swap(untold_);
  }
  for (const Problem& problem : problems) report(problem, options_.json);
}

void Consuming::end_with(const Problem& problem) {
  {
    const std::lock_guard lock(mutex_);
    if (!totals_.problem) totals_.problem = problem;
  }
  close(options_.drain);
}

/// Repeatable: a later call only shortens the time that is left.
void Consuming::close(milliseconds drain) {
  const auto end = SteadyClock::now() + drain;
  if (!closing_) {
    closing_ = true;
    consumer_.async_close(kNoHurry, boost::asio::bind_executor(io_.get_executor(), [this](error_code, Closed closed) {
                            closed_ = std::move(closed);
                            io_.stop();
                          }));
    close_begun_.set_value();
  } else if (end >= patience_.expiry()) {
    return;
  }
  patience_.expires_at(end);
  patience_.async_wait([this](error_code error) {
    if (!error) consumer_.async_close(milliseconds(0), [](error_code, const Closed&) {});
  });
}

void Consuming::await_signal() {
  signals_.async_wait([this](error_code error, int) {
    if (error) return;
    // The first one asks to finish, the second one to be quick.
    signals_.async_wait([this](error_code again, int) {
      if (!again) close(milliseconds(0));
    });
    close(options_.drain);
  });
}

void Consuming::await_idle() {
  if (!options_.idle_exit) return;
  const auto now = SteadyClock::now();
  const bool busy = in_hand_ > 0;
  const auto end = (busy ? now : last_activity_.load()) + *options_.idle_exit;
  if (!busy && now >= end) return close(options_.drain);
  idle_.expires_at(end);
  idle_.async_wait([this](error_code error) {
    if (!error && !closing_) await_idle();
  });
}

}  // namespace lazaret::cli
