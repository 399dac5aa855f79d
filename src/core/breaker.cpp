#include "core/breaker.h"

#include <algorithm>

#include "core/shard_state.h"

namespace lazaret::core {

using base::Instant;
using model::AttemptOutcome;
using model::QueueOptions;

// --- The machine ----------------------------------------------------------------------------------------------------

bool Breaker::go_on(Happening what, const QueueOptions& options, Instant now) {
  switch (state_) {
    case State::closed:
      if (what != Happening::tripped) return false;
      ++opened_;
      doublings_ = 0;
      break;
    case State::open:
      if (what != Happening::pause_over) return false;
      enter(State::half_open, now);
      return true;
    case State::half_open:
      if (what == Happening::probe_acked) {
        if (++acked_probes_ < kProbes) return false;
        enter(State::closed, now);
        return true;
      }
      if (what != Happening::probe_failed) return false;
      doublings_ = std::min(doublings_ + 1, kDoublings);
      break;
  }
  enter(State::open, now);
  until_ = now + options.breaker_pause * (1 << doublings_);
  return true;
}

void Breaker::enter(State state, Instant now) {
  state_ = state;
  since_ = now;
  until_ = {};
  acked_probes_ = 0;
  probe_is_out_ = false;
}

// --- Samples --------------------------------------------------------------------------------------------------------

void Breaker::Window::add(Instant now, bool failed) {
  const std::int64_t slice = now.us / std::max<std::int64_t>(length.count() / kSlices, 1);
  for (std::int64_t passed = std::min(slice - newest, kSlices); passed > 0; --passed) {
    Slice& oldest = slices.at(static_cast<std::size_t>((slice - passed + 1) % kSlices));
    sum.failures -= oldest.failures;
    sum.samples -= oldest.samples;
    oldest = {};
  }
  newest = slice;
  Slice& current = slices.at(static_cast<std::size_t>(slice % kSlices));
  for (Slice* one : {&current, &sum}) {
    one->samples += 1;
    one->failures += failed ? 1 : 0;
  }
  if (failed) last_failure = now;
}

bool Breaker::sample(const QueueOptions& options, Instant now, bool failed) {
  if (window_ != nullptr && window_->length != options.breaker_window) window_ = nullptr;
  if (window_ == nullptr) {
    if (!failed) return false;
    window_ = std::make_unique<Window>();
    window_->length = options.breaker_window;
  }
  window_->add(now, failed);
  const Window::Slice& sum = window_->sum;
  const bool trips = failed && sum.samples >= options.breaker_samples &&
                     static_cast<double>(sum.failures) >= options.breaker_ratio * static_cast<double>(sum.samples);
  if (!trips) return false;
  tripped_by_ = sum;
  window_ = nullptr;
  return go_on(Happening::tripped, options, now);
}

bool Breaker::pass_time(const QueueOptions& options, Instant now) {
  if (window_ != nullptr && now >= alarm()) window_ = nullptr;
  return state_ == State::open && now >= until_ && go_on(Happening::pause_over, options, now);
}

Instant Breaker::alarm() const {
  if (state_ == State::open) return until_;
  return window_ == nullptr ? Instant::never() : window_->last_failure + window_->length;
}

model::BreakerStats Breaker::stats() const {
  const Window::Slice shown = state_ != State::closed ? tripped_by_
                              : window_ != nullptr    ? window_->sum
                                                      : Window::Slice();
  return {state_, since_, until_, shown.failures, shown.samples, opened_};
}

// --- Probes ---------------------------------------------------------------------------------------------------------

void Breaker::granted(model::Grant grant, const Position& position, bool is_retry) {
  if (state_ != State::half_open) return;
  probe_ = grant;
  probed_ = position;
  probe_was_retry_ = is_retry;
  probe_was_acked_ = false;
  probe_is_out_ = true;
}

bool Breaker::probe_ended(const QueueOptions& options, Instant now, bool acked) {
  probe_was_acked_ = acked;
  return go_on(acked ? Happening::probe_acked : Happening::probe_failed, options, now);
}

std::set<Position>::const_iterator Breaker::first_of(const ReadyLine& ready) const {
  if (state_ != State::half_open) return ready.begin();
  const auto behind = ready.upper_bound(probed_);
  return behind == ready.end() ? ready.begin() : behind;
}

std::optional<bool> Breaker::retries_first() const {
  if (state_ != State::half_open) return std::nullopt;
  return probe_was_retry_ == probe_was_acked_;
}

// --- What the shard does with it ------------------------------------------------------------------------------------

/// Where the first failure is the last one there is no attempt to save.
bool Shard::State::has_breaker(const Subscription& sub) {
  return sub.queue->options.breaker && sub.queue->options.max_attempts != 1u;
}

/// Whether nothing at all may be granted. Moves on in time first.
bool Shard::State::is_cut_off(Subscription& sub) {
  const Breaker::State before = sub.breaker->state();
  if (sub.breaker->pass_time(sub.queue->options, now)) announce_breaker(sub, before);
  const bool open = sub.breaker->state() == Breaker::State::open;
  if (sub.breaker->is_blank()) sub.breaker = nullptr;
  return open;
}

/// A failed attempt is on its way into the history. What killed its worker is isolation's to judge, and counts.
void Shard::State::note_failure(Subscription& sub, const Entry& entry, model::Attempt& attempt) {
  const bool its = attempt.outcome == AttemptOutcome::nacked || attempt.outcome == AttemptOutcome::lease_expired ||
                   attempt.outcome == AttemptOutcome::handler_timeout;
  if (!its || !has_breaker(sub)) return;
  if (sub.breaker == nullptr) {
    if (entry.replays) return;
    sub.breaker = std::make_unique<Breaker>();
  }
  attempt.uncounted = sub.breaker->state() != Breaker::State::closed;
  note_outcome(sub, entry, true);
}

/// REQUIRES that there is a breaker. A replay has failed before: it is no sample, since it says little about what else
/// there is.
void Shard::State::note_outcome(Subscription& sub, const Entry& entry, bool failed) {
  Breaker& breaker = *sub.breaker;
  const Breaker::State before = breaker.state();
  const bool counts = before == Breaker::State::closed ? !entry.replays : breaker.is_probe(entry.grant);
  if (!counts) return;
  const bool changed = before == Breaker::State::closed ? breaker.sample(sub.queue->options, now, failed)
                                                        : breaker.probe_ended(sub.queue->options, now, !failed);
  if (changed) announce_breaker(sub, before);
}

/// Its options are others.
void Shard::State::change_breaker(Subscription& sub) {
  if (has_breaker(sub)) return;
  drop_breaker(sub);
}

void Shard::State::drop_breaker(Subscription& sub) {
  if (sub.breaker == nullptr) return;
  const Breaker::State before = sub.breaker->state();
  sub.breaker = nullptr;
  if (before != Breaker::State::closed) announce_breaker(sub, before);
}

void Shard::State::announce_breaker(const Subscription& sub, model::BreakerState before) {
  out->effects.emplace_back(
      BreakerChanged{sub.queue, before, sub.breaker == nullptr ? model::BreakerStats() : sub.breaker->stats()});
}

}  // namespace lazaret::core
