// Snooze: until when nobody need look at a group: until a time, until a case comes from some versions of a consumer,
// until cases come at some rate. What comes first of those that are given wakes it; then it is as if it had never been
// snoozed, but for `woken_at`. Whether a group is snoozed is said here and nowhere else.
//
// Waking by a case is part of the write that admits it, so it is where the case is, after any crash.
//
// Threading: pure functions over values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "base/time.h"

namespace lazaret::model {

/// So many cases in so long, as "100/h" or "20/m".
struct CaseRate {
  static constexpr std::uint32_t kMost = 1'000'000;

  std::uint32_t cases = 0;  // 0: none is given
  base::Duration per{};     // a minute, or an hour

  /// BAD_REQUEST unless it is 1 to kMost, a slash, and "h" or "m".
  static base::Result<CaseRate> parse(std::string_view text);
  /// "" for none.
  std::string text() const;
  bool operator==(const CaseRate&) const = default;
};

/// Admissions in each twelfth of a CaseRate's time, the newest first.
struct CasePace {
  std::int64_t slice = 0;  // of `counts[0]`: such twelfths since the Unix epoch
  std::array<std::uint32_t, 12> counts{};
  bool operator==(const CasePace&) const = default;
};

struct Snooze {
  base::Instant until;        // 0: no time ends it
  std::string until_version;  // a VersionRange; "": no version does
  CaseRate until_rate;
  base::Instant set_at;  // when one of these three was changed last
  /// By a case, since then: when, and "version 2.4.2" or "rate 100/h". 0: it was not.
  base::Instant woken_at;
  std::string woken_by;
  CasePace pace;  // since set_at, with until_rate

  bool is_given() const { return until.us != 0 || !until_version.empty() || until_rate.cases > 0; }
  bool operator==(const Snooze&) const = default;
};

/// What people change of one; what is not named stays as it is. A time of 0, "" and a rate of none take that one away.
struct SnoozePatch {
  std::optional<base::Instant> until;
  std::optional<std::string> until_version;
  std::optional<CaseRate> until_rate;

  bool is_given() const { return until || until_version || until_rate; }
  bool operator==(const SnoozePatch&) const = default;
};

bool is_snoozed(const Snooze& snooze, base::Instant now);
/// Of one that was snoozed, when it woke and by what: as Snooze says, or by "time". nullopt: it was not, or still is.
struct Woken {
  base::Instant at;
  std::string by;
  bool operator==(const Woken&) const = default;
};
std::optional<Woken> woken(const Snooze& snooze, base::Instant now);

/// What was over by then is not a part of it any more, and its rate is counted from then on. What changes nothing does
/// nothing.
void apply(const SnoozePatch& patch, base::Instant at, Snooze& snooze);
/// A case is admitted that this version of a consumer had ("": nobody says), and perhaps wakes it. With a rate it wakes
/// with the case that makes it so many within the last `per`, whose oldest twelfth may be left out.
void note_admission(Snooze& snooze, std::string_view version, base::Instant at);
/// Of the same group on another shard: the one that was set later holds, and what woke one woke both.
void merge(Snooze& snooze, const Snooze& other);

}  // namespace lazaret::model
