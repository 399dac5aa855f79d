#include "alerts/receiver.h"

#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "alerts/retry_schedule.h"
#include "model/limits.h"

namespace lazaret::alerts {
namespace {

namespace asio = boost::asio;
using model::DeliveryOutcome;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

}  // namespace

Receiver::Receiver(asio::io_context& io, Webhook webhook, std::string version, std::uint64_t seed,
                   std::function<base::Instant()> now, Told told)
    : webhook_(std::move(webhook)),
      version_(std::move(version)),
      random_(seed),
      now_(std::move(now)),
      told_(std::move(told)),
      post_(io),
      alarm_(io) {}

void Receiver::add(model::AlertId number, std::string alert_id, std::string body) {
  if (waiting_.size() >= model::limits::kAlertsWaiting) {
    const auto oldest =
        std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& one) { return one.number != trying_; });
    Tried dropped;
    dropped.number = oldest->number;
    dropped.delivery = {webhook_.name, DeliveryOutcome::dropped, oldest->attempts, now_(), "too many alerts waited"};
    waiting_.erase(oldest);
    told_(dropped);
  }
  waiting_.push_back({number, std::move(alert_id), std::move(body), 0, std::chrono::steady_clock::now()});
  alarm_.cancel();
}

std::list<Receiver::Waiting>::iterator Receiver::next() {
  return std::min_element(waiting_.begin(), waiting_.end(),
                          [](const Waiting& a, const Waiting& b) { return a.due < b.due; });
}

asio::awaitable<void> Receiver::run() {
  while (!stopping_) {
    const auto one = next();
    if (one != waiting_.end() && one->due <= std::chrono::steady_clock::now()) {
      co_await try_one(one->number);
      continue;
    }
    alarm_.expires_at(one == waiting_.end() ? Time::max() : one->due);
    co_await alarm_.async_wait(kAwait);
  }
}

asio::awaitable<void> Receiver::try_one(model::AlertId number) {
  const auto find = [&] {
    return std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& one) { return one.number == number; });
  };
  trying_ = number;
  const auto before = find();
  Letter letter{before->alert_id, before->body, before->attempts + 1, now_().us / 1'000'000};
  const PostOutcome outcome = co_await post_.send(webhook_, std::move(letter), version_);
  trying_ = {};
  if (stopping_) co_return;  // whatever became of it: it is sent once more after the next start
  note(find(), outcome);
}

void Receiver::note(std::list<Waiting>::iterator one, const PostOutcome& outcome) {
  ++one->attempts;
  Tried tried;
  tried.number = one->number;
  tried.delivery = {webhook_.name, DeliveryOutcome::waiting, one->attempts, now_(), outcome.answer};
  tried.was_sent = true;
  tried.answered = outcome.answered;
  const auto wait = wait_after(one->attempts, random_.unit());
  if (outcome.taken) {
    tried.delivery.outcome = DeliveryOutcome::delivered;
  } else if (!wait) {
    tried.delivery.outcome = DeliveryOutcome::failed;
  } else {
    one->due = std::chrono::steady_clock::now() + *wait;
  }
  if (tried.delivery.outcome != DeliveryOutcome::waiting) waiting_.erase(one);
  told_(tried);
}

void Receiver::stop() {
  stopping_ = true;
  alarm_.cancel();
  post_.cancel();
}

}  // namespace lazaret::alerts
