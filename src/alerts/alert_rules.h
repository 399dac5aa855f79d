// AlertRules: when people are told, without having asked. No thread, clock or store: each look brings what is there.
//
//   new_group       a group is seen for the first time, or after seven days without a case. Ten a look
//   surge           20 cases in a minute or more, and ten times the mean of the hour before: of a group, else of a
//                   subscription. Once an hour
//   relapse         a case that had been replayed is back. Of a group once in ten minutes
//   ageing          the case of a subscription that has been open longest is older than case_age. Once for a case, and
//                   of a subscription once in case_age
//   group_woken     a case has woken a group that was snoozed
//   breaker_open    a circuit breaker opened; breaker_closed: it closed
//   hospital_budget the cases of a subscription keep four fifths of hospital_max_bytes, or all of it. Once an hour
//                   each, as long as it is so
//   job_ended       a replay job is over
//
// A group that is snoozed says nothing, and its cases are not counted.
//
// Not twice: every alert has a cause, a time in the records that it is about, and what has been told of stands in the
// alerts that are kept. Nothing is lost: a look goes back to what could be seen for certain at the one before, which is
// as long ago as a write takes; however long that is.
//
// Threading: none of its own.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alerts/shard_news.h"
#include "alerts/surge.h"
#include "model/alert.h"
#include "model/group_record.h"
#include "model/replay_job.h"

namespace lazaret::alerts {

/// What there is to be seen.
struct Look {
  base::Instant now;
  base::Instant seen_until;                // all that happened up to then is in what follows
  std::vector<model::GroupRecord> groups;  // with an admission behind AlertRules::since()
  std::vector<BreakerChange> breakers;
  std::vector<HospitalChange> hospitals;
  std::vector<model::ReplayJobRecord> jobs;  // that ended behind since()
  std::vector<model::CaseRecord> oldest;     // of each subscription; only when oldest_is_due()
  /// Whether nothing is to be said of this group now.
  std::function<bool(model::GroupId)> is_snoozed;
};

class AlertRules {
 public:
  static constexpr base::Duration kSurgePause = std::chrono::hours(1);
  static constexpr base::Duration kRelapsePause = std::chrono::minutes(10);
  static constexpr base::Duration kBudgetPause = std::chrono::hours(1);
  /// New groups that one look tells of; the last one says how many more there are.
  static constexpr std::size_t kNewGroups = 10;
  /// Groups and subscriptions whose pace is known; those that have been quiet for an hour go first.
  static constexpr std::size_t kPaces = 5000;

  /// `kept`: what earlier starts have told. Nothing that was there before the first start of all is told. `groups`: the
  /// newest, whose pace is known.
  AlertRules(base::Duration case_age, const model::KeptAlerts& kept, const std::vector<model::GroupRecord>& groups,
             base::Instant now);

  /// What is to be told now, without number, id and deliveries.
  std::vector<model::AlertRecord> look(const Look& look);
  /// Up to then all has been looked at: from there the next look begins.
  base::Instant looked_at() const { return looked_at_; }
  bool oldest_is_due(base::Instant now) const { return now >= oldest_due_; }

 private:
  struct Told {
    base::Instant caused_at;
    base::Instant at;
    std::uint64_t relapses = 0;  // of a group, at its last alert of one
  };
  struct Pace {
    Surge surge;
    std::uint64_t admissions = 0;  // of a group: as last seen
    base::Instant woke;            // of a group: its last waking that was met
  };
  /// Where the hospital of a subscription is, that is not below.
  struct Level {
    HospitalChange change;
    base::Instant since;  // the look that saw it
  };
  using Subject = std::pair<model::AlertKind, std::string>;

  const Told* told(model::AlertKind kind, const std::string& subject) const;
  /// Whether this cause is news, and the last alert of the kind about the subject is `pause` ago.
  bool is_news(model::AlertKind kind, const std::string& subject, base::Instant cause, base::Instant now,
               base::Duration pause) const;
  void tell(const std::string& subject, model::AlertRecord alert);
  void tell_of_new_group(const model::GroupRecord& group, base::Instant begun, base::Instant now);
  void look_for_news(const model::GroupRecord& group, base::Instant now);
  void look_for_waking(const model::GroupRecord& group, base::Instant now);
  void look_for_relapses(const model::GroupRecord& group, base::Instant now);
  void look_for_surges(const std::vector<model::GroupRecord>& groups, base::Instant now);
  std::uint64_t count_new(const model::GroupRecord& group, base::Instant now);
  void look_at_breaker(const BreakerChange& change, base::Instant now);
  void note_level(const HospitalChange& change, base::Instant now);
  void look_at_hospital(const Level& level, base::Instant now);
  void look_at_job(const model::ReplayJobRecord& job, base::Instant now);
  void look_at_oldest(const Look& look);
  void forget(base::Instant now);

  const base::Duration case_age_;
  const base::Duration case_age_before_;  // before this start
  base::Instant not_before_;              // what was there before the first start
  base::Instant looked_at_;
  base::Instant oldest_due_;
  bool oldest_known_ = false;          // what was old before this start has been seen
  std::uint64_t more_new_groups_ = 0;  // of this look: too many to be told of one by one
  std::map<Subject, Told> told_;
  std::map<std::string, Pace> paces_;  // by group, or by "subscription " and its name
  std::map<model::SubscriptionId, Level> levels_;
  std::vector<model::AlertRecord> telling_;
};

}  // namespace lazaret::alerts
