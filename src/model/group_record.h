// GroupRecord: what is known of all cases with one cause. It is kept as cases change, in the same write, so that the
// count of a group of a million cases is one record. What people note about a cause outlives its cases.
//
// Threading: pure functions over values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "model/case_record.h"
#include "model/ids.h"
#include "model/snooze.h"

namespace lazaret::model {

/// Admissions per hour of the last day, and per day of the last thirty. The newest is first.
struct GroupTrend {
  static constexpr std::size_t kHours = 24;
  static constexpr std::size_t kDays = 30;
  std::int64_t hour = 0;  // of `hours[0]`: hours since the Unix epoch; `day` is the same of days
  std::int64_t day = 0;
  std::array<std::uint32_t, kHours> hours{};
  std::array<std::uint32_t, kDays> days{};

  void add(base::Instant at);
  /// As it looks at a time that is not before the newest.
  GroupTrend at(base::Instant now) const;
  /// Admissions a minute in the hour before `now`. Hours are those of the clock, so of the one before this the last
  /// part is taken, as if its admissions had come evenly.
  double per_minute(base::Instant now) const;
  bool operator==(const GroupTrend&) const = default;
};

/// A consumer as it calls itself.
struct GroupConsumer {
  std::string name;
  std::string version;
  bool operator==(const GroupConsumer&) const = default;
};

/// A group that had no admission for so long begins anew with the next one.
inline constexpr base::Duration kGroupQuiet = std::chrono::hours(24 * 7);

struct GroupRecord {
  GroupId id;
  std::string subscription;
  std::string type;
  std::string error_type;
  std::string error_text;    // normalised
  std::string error_frames;  // one a line
  /// By CaseState, from `admitted`.
  std::array<std::uint64_t, 4> counts{};
  std::uint64_t admissions = 0;  // relapses too, and of cases that are gone
  base::Instant first_seen;      // admissions
  base::Instant last_seen;
  base::Instant returned_at;     // the newest admission before which there was none for kGroupQuiet; 0: none yet
  std::uint64_t relapses = 0;    // admissions of cases that had been replayed
  base::Instant relapsed_at;     // the newest of them
  GroupConsumer first_consumer;  // who had it then
  GroupConsumer last_consumer;
  GroupTrend trend;
  std::string note;
  std::string owner;
  std::string ticket;
  Snooze snooze;
  base::Instant noted_at;  // when one of these four was changed by people last

  std::uint64_t count(CaseState state) const { return counts[static_cast<std::size_t>(state) - 1]; }
  /// Cases that somebody has to see to.
  std::uint64_t open() const { return count(CaseState::admitted) + count(CaseState::replaying); }
  std::uint64_t cases() const { return counts[0] + counts[1] + counts[2] + counts[3]; }
  /// Nothing is left of it that anybody would miss.
  bool is_empty() const;
  bool operator==(const GroupRecord&) const = default;
};

/// What is changed of a group by people; what is not named stays as it is.
struct GroupPatch {
  std::optional<std::string> note;
  std::optional<std::string> owner;
  std::optional<std::string> ticket;
  SnoozePatch snooze;
  bool operator==(const GroupPatch&) const = default;
};
void apply(const GroupPatch& patch, base::Instant at, GroupRecord& group);

/// Whether the two are in the same place of the group's counts: nothing is to be changed then.
bool counts_alike(const CaseRecord& before, const CaseRecord& now);
/// A case comes to its group: from another state or group, or, with `admitted`, by an admission.
void enter(GroupRecord& group, const CaseRecord& record, bool admitted);
/// What was replayed has failed again; beside `enter`.
void relapse(GroupRecord& group, const CaseRecord& record);
/// It leaves the state that it had there.
void leave(GroupRecord& group, const CaseRecord& record);
/// The same group on another shard: a queue that was deleted, and created again.
void merge(GroupRecord& group, const GroupRecord& other);

}  // namespace lazaret::model
