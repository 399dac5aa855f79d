// Replay jobs: cases that are sent back to where they failed, chosen once, at a rate, with the outcome of each.
//
// A job is a record and its set: chunks of cases that are written when it is created and never change, and of each
// chunk what became of its cases. All of it is shard 0's. The rules are hospital/replay_rules.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "model/case_record.h"
#include "model/ids.h"
#include "model/limits.h"

namespace lazaret::model {

/// Drawn in hospital/replay_rules.h.
enum class ReplayJobState : std::uint8_t {
  choosing = 1,   // the set is being written down
  canary = 2,     // the first are on their way; the others wait for their outcome
  running = 3,    // it sends
  paused = 4,     // it sends nothing until it is resumed
  finishing = 5,  // all are sent; outcomes are awaited
  done = 6,       // all have an outcome
  cancelled = 7,  // somebody ended it: no more are sent
  stopped = 8,    // it ended itself: too many failed
};
std::string_view to_string(ReplayJobState state);
constexpr bool has_ended(ReplayJobState state) {
  return state == ReplayJobState::done || state == ReplayJobState::cancelled || state == ReplayJobState::stopped;
}

/// What whoever creates a job asks for.
struct ReplayOptions {
  std::uint32_t rate = limits::kReplayRate;  // a second
  std::uint32_t concurrency = limits::kReplayConcurrency;
  /// How many go first, with one attempt each. nullopt: one, of a set of more than kReplaysWithoutCanary.
  std::optional<std::uint32_t> canary{};
  /// Of which so many must be cured. nullopt: all of them.
  std::optional<std::uint32_t> canary_needed{};
  /// It stops when so many of those that have an outcome, kReplaySamples or all of fewer, have relapsed. 0: never.
  double stop_at_failure_ratio = 0;
  /// Also requests that were answered meanwhile.
  bool force = false;
  /// Not "": a VersionRange. It waits until such a consumer is connected, and sends to no others.
  std::string after_version{};
  /// Failed attempts of before count on: only what is left of them, one at least, is made.
  bool keep_attempts = false;
  /// Not "": the queue or topic that they are published to in place of their own, each closed by that. It has its
  /// outcome then, discharged, so nothing goes first, and nothing is waited for.
  std::string to{};
  bool operator==(const ReplayOptions&) const = default;
};

/// How many cases of the set stand where.
struct ReplayCounts {
  std::uint64_t queued = 0;
  std::uint64_t discharged = 0;
  std::uint64_t relapsed = 0;
  std::uint64_t recalled = 0;
  std::uint64_t refused = 0;
  std::uint64_t other = 0;
  /// Of those that were sent.
  std::uint64_t accepted() const { return queued + discharged + relapsed + recalled + other; }
  std::uint64_t all() const { return accepted() + refused; }
  /// The one of an outcome that is not `none`.
  std::uint64_t& of(ReplayOutcome outcome);
  bool operator==(const ReplayCounts&) const = default;
};

struct ReplayJobRecord {
  ReplayJobId id;
  ReplayJobState state = ReplayJobState::choosing;
  /// What it was chosen by: a filter ("" for every admitted case), or ids.
  std::string filter;
  bool by_ids = false;
  ReplayOptions options;
  base::Instant created_at;
  std::string created_by;   // as the audit trail names who called; "" of jobs that are older than that
  base::Instant ended_at;   // when its state became one of the last three; 0: it has not
  bool chosen = false;      // the set is known
  std::uint64_t total = 0;  // cases of the set
  /// They are sent from the last of the set, which is the first message, to the first. So many have been looked at.
  std::uint64_t next = 0;
  /// Settled when the set is known.
  std::uint32_t canary = 0;
  std::uint32_t canary_needed = 0;
  bool canary_passed = false;
  /// With `after_version`: the next case is of a subscription that has no such consumer now.
  bool waiting_for_version = false;
  /// What has not begun is being recalled.
  bool recalling = false;
  ReplayCounts counts;
  /// Why it ended before all had been sent, in words.
  std::string ended_because;

  /// The place in the set of the `position`th that is sent.
  std::uint64_t index_at(std::uint64_t position) const { return total - 1 - position; }
  std::uint32_t chunks() const {
    return static_cast<std::uint32_t>((total + limits::kReplayChunkCases - 1) / limits::kReplayChunkCases);
  }
  bool operator==(const ReplayJobRecord&) const = default;
};

/// Why a case of a job was refused, by its place in its chunk.
struct ReplayRefusal {
  std::uint32_t place = 0;
  base::Code code = base::Code::OK;
  bool operator==(const ReplayRefusal&) const = default;
};

/// kReplayChunkCases of the set (the last one: what is left), the last message of the last subscription first. While
/// the set is chosen the last one is written again as it grows.
struct ReplayChunk {
  std::uint32_t number = 0;
  std::vector<CaseId> cases;
  /// What became of each. Shorter than `cases`, or empty: nothing of the rest yet.
  std::vector<ReplayOutcome> outcomes;
  std::vector<ReplayRefusal> refusals;
  bool operator==(const ReplayChunk&) const = default;
};

/// What is written of a job at once.
struct ReplayJobChange {
  ReplayJobRecord record;
  /// New parts of its set; their outcomes are left out.
  std::vector<ReplayChunk> chosen;
  /// Parts of which outcomes have changed; their cases are left out.
  std::vector<ReplayChunk> outcomes;
};

}  // namespace lazaret::model
