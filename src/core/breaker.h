// Breaker: keeps an outage behind the consumers from filling the hospital with healthy messages. One subscription's, in
// memory only: it is made at the first failure, and after a restart it learns anew.
//
//             too many of the attempts failed                the pause is over
//    closed ─────────────────────────────────▶ open ─────────────────────────────▶ half_open
//      ▲                                         ▲  nothing is granted               │   │  one at a time: a probe
//      │                                         └───── the probe failed ────────────┘   │
//      │                                               (the pause doubles)               │
//      └───────────────────────────────── kProbes of them were acked in a row ───────────┘
//
// A failure that comes while it is not closed says nothing about its message, and counts nothing against its limit.
//
// Threading: none of its own.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>

#include "base/time.h"
#include "core/position.h"
#include "model/breaker.h"
#include "model/ids.h"
#include "model/options.h"

namespace lazaret::core {

class Breaker {
 public:
  using State = model::BreakerState;
  /// Probes that are acked in a row before it closes.
  static constexpr std::uint32_t kProbes = 3;
  /// How often the pause doubles: it is at most eight times `breaker_pause`.
  static constexpr std::uint32_t kDoublings = 3;

  State state() const { return state_; }
  /// Whether nothing more may be granted now.
  bool is_full() const { return state_ == State::open || (state_ == State::half_open && probe_is_out_); }

  /// An attempt ended. True: it has just opened. REQUIRES that it is closed.
  bool sample(const model::QueueOptions& options, base::Instant now, bool failed);
  /// Time has passed: what is older than the window is forgotten. True: probes begin.
  bool pass_time(const model::QueueOptions& options, base::Instant now);
  /// When time makes a difference; never() for not.
  base::Instant alarm() const;
  /// There is nothing left that would be missed.
  bool is_blank() const { return state_ == State::closed && window_ == nullptr && opened_ == 0; }

  // --- Probes
  void granted(model::Grant grant, const Position& position, bool is_retry);
  /// However it ended; it may still be named below.
  void taken_back(model::Grant grant) { probe_is_out_ = probe_is_out_ && grant != probe_; }
  bool is_probe(model::Grant grant) const { return state_ == State::half_open && grant == probe_; }
  /// True: the state has changed.
  bool probe_ended(const model::QueueOptions& options, base::Instant now, bool acked);
  /// Where to look for the next to be granted: each probe is behind the one before, so that a message that cannot be
  /// cured is not tried over and over while healthy ones wait.
  std::set<Position>::const_iterator first_of(const ReadyLine& ready) const;
  /// The same between retries and new messages: after one that was acked its kind goes on, else the other is next.
  /// Whether that is retries; nullopt: as always.
  std::optional<bool> retries_first() const;

  model::BreakerStats stats() const;

 private:
  enum class Happening { tripped, pause_over, probe_acked, probe_failed };
  bool go_on(Happening what, const model::QueueOptions& options, base::Instant now);
  void enter(State state, base::Instant now);

  /// What ended lately, in slices of time.
  struct Window {
    static constexpr std::int64_t kSlices = 10;
    struct Slice {
      std::uint64_t failures = 0;
      std::uint64_t samples = 0;
    };
    void add(base::Instant now, bool failed);

    base::Duration length{};
    std::int64_t newest = 0;  // slice, counted from the epoch
    std::array<Slice, kSlices> slices{};
    Slice sum;
    base::Instant last_failure;
  };

  State state_ = State::closed;
  bool probe_is_out_ = false;
  bool probe_was_retry_ = false;
  bool probe_was_acked_ = false;
  std::uint32_t acked_probes_ = 0;  // in a row
  std::uint32_t doublings_ = 0;
  model::Grant probe_;  // the last one
  Position probed_;
  base::Instant since_;
  base::Instant until_;
  std::uint64_t opened_ = 0;
  Window::Slice tripped_by_;
  std::unique_ptr<Window> window_;  // while it is closed and something has failed lately
};

}  // namespace lazaret::core
