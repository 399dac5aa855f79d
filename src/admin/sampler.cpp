#include "admin/sampler.h"

#include "admin/desk_wait.h"

namespace lazaret::admin {

Sampler::Sampler(Broker& broker, std::function<void(std::shared_ptr<const Overview>)> publish)
    : broker_(broker), publish_(std::move(publish)) {}

void Sampler::start() {
  thread_ = std::thread([this] { run(); });
}

void Sampler::watch(bool watched) {
  {
    const std::lock_guard lock(mutex_);
    watched_ = watched;
  }
  changed_.notify_one();
}

void Sampler::begin_stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
}

void Sampler::join() {
  if (thread_.joinable()) thread_.join();
}

void Sampler::run() {
  take(true);  // where the first minute begins
  Time history_due = std::chrono::steady_clock::now() + kMinute;
  Time watchers_due = std::chrono::steady_clock::now();
  while (wait_until(history_due, watchers_due)) {
    const Time now = std::chrono::steady_clock::now();
    take(now >= history_due);
    watchers_due = now + kSecond;
    if (now >= history_due) history_due += kMinute;
  }
}

bool Sampler::wait_until(Time due_for_history, Time due_for_watchers) {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const Time now = std::chrono::steady_clock::now();
    if (now >= due_for_history || (watched_ && now >= due_for_watchers)) return true;
    changed_.wait_until(lock, watched_ ? std::min(due_for_watchers, due_for_history) : due_for_history);
  }
  return false;
}

void Sampler::take(bool for_history) {
  auto overview = take_overview(broker_, std::chrono::steady_clock::now() + kAskDeadline);
  if (!overview.ok()) return;  // a shard that does not answer is seen elsewhere, and asked again in a second
  overview->number = ++taken_;
  if (for_history) broker_.history.add(*overview);
  publish_(std::make_shared<const Overview>(std::move(*overview)));
}

}  // namespace lazaret::admin
