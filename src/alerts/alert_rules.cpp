#include "alerts/alert_rules.h"

#include <algorithm>
#include <set>

#include "base/duration_text.h"
#include "base/text_encoding.h"
#include "model/case_query.h"
#include "model/options.h"

namespace lazaret::alerts {
namespace {

using base::Duration;
using base::Instant;
using model::AlertKind;
using model::AlertRecord;
using model::CaseRecord;
using model::GroupRecord;
using namespace std::chrono_literals;

/// The count of an alert of a relapse that the next one is compared with.
constexpr std::string_view kRelapses = "relapses_total";

constexpr Duration kOldestMost = 60s;
/// What was told longer ago says nothing of what may be told now: no pause is longer, and the cause of what has none is
/// soon behind the last look.
constexpr Duration kToldKept = std::chrono::hours(2);
constexpr Duration kTold = std::chrono::minutes(1);
/// For so long an alert says how many relapses have come since the one before.
constexpr Duration kRelapsesKept = std::chrono::hours(24);

/// A hospital that is full is told of although it was that it fills. No name has a space.
std::string budget_subject(const std::string& subscription, bool full) {
  return full ? subscription + " full" : subscription;
}

bool is_of_full(const AlertRecord& alert) {
  std::uint64_t bytes = 0;
  std::uint64_t most = 0;
  for (const auto& [name, count] : alert.counts) {
    if (name == "hospital_bytes") bytes = count;
    if (name == "hospital_max_bytes") most = count;
  }
  return bytes >= most;
}

/// Whom an alert that is kept was about: what `tell` was given.
std::string subject_of(const AlertRecord& alert) {
  switch (alert.kind) {
    case AlertKind::new_group:
    case AlertKind::group_woken:
    case AlertKind::relapse: return alert.group.to_string();
    case AlertKind::surge: return alert.group ? alert.group.to_string() : "subscription " + alert.subscription;
    case AlertKind::ageing:
    case AlertKind::breaker_open:
    case AlertKind::breaker_closed: return alert.subscription;
    case AlertKind::hospital_budget: return budget_subject(alert.subscription, is_of_full(alert));
    case AlertKind::job_ended: return std::to_string(alert.replay_job.value);
  }
  return "";
}

std::string whole(Duration duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
  if (seconds >= 48h) return std::to_string(seconds / 24h) + " days";
  if (seconds >= 2h) return std::to_string(seconds / 1h) + " hours";
  if (seconds >= 2min) return std::to_string(seconds / 1min) + " minutes";
  return std::to_string(seconds.count()) + " seconds";
}

/// "Timeout: order # timed out", as far as anything is known.
std::string error_of(const GroupRecord& group) {
  std::string text = group.error_type;
  if (!group.error_text.empty()) text += (text.empty() ? "" : ": ") + group.error_text;
  if (text.empty()) text = "no error was reported";
  if (!group.type.empty()) text += " (" + group.type + ")";
  return base::to_utf8(text);
}

std::string cases(std::uint64_t count) { return std::to_string(count) + (count == 1 ? " case" : " cases"); }

AlertRecord about(const GroupRecord& group, AlertKind kind, Instant cause, Instant now) {
  AlertRecord alert;
  alert.kind = kind;
  alert.at = now;
  alert.caused_at = cause;
  alert.subscription = group.subscription;
  alert.group = group.id;
  alert.counts = {{"open", group.open()}, {"admissions_total", group.admissions}};
  return alert;
}

bool is_snoozed(const GroupRecord& group, Instant now) { return model::is_snoozed(group.snooze, now); }

/// Also of what is looked at when it is awake again; the case that woke it is told of as that.
bool was_snoozed(const GroupRecord& group, Instant cause, Instant now) {
  const auto awake = model::woken(group.snooze, now);
  return is_snoozed(group, now) || (awake && cause <= awake->at);
}

/// One of its counts; 0 when there is none of that name.
std::uint64_t count_of(const AlertRecord& alert, std::string_view name) {
  const auto found =
      std::ranges::find(alert.counts, name, [](const auto& count) { return std::string_view(count.first); });
  return found == alert.counts.end() ? 0 : found->second;
}

}  // namespace

AlertRules::AlertRules(Duration case_age, const model::KeptAlerts& kept, const std::vector<GroupRecord>& groups,
                       Instant now)
    : case_age_(case_age),
      case_age_before_(kept.case_age.count() == 0 ? case_age : kept.case_age),
      not_before_(kept.looked_at.us == 0 ? now : Instant{}),
      looked_at_(kept.looked_at.us == 0 ? now : kept.looked_at) {
  for (const AlertRecord& alert : kept.alerts) {
    Told& last = told_[{alert.kind, subject_of(alert)}];
    if (alert.at >= last.at) last = {alert.caused_at, alert.at, count_of(alert, kRelapses)};
  }
  for (const GroupRecord& group : groups) {
    if (group.last_seen > looked_at_) continue;  // the first look counts it
    const std::uint64_t before = in_the_hour_before(group, now);
    Pace& pace = paces_[group.id.to_string()];
    pace.admissions = group.admissions;
    pace.woke = group.snooze.woken_at;
    pace.surge.seed(now, before);
    if (!is_snoozed(group, now)) paces_["subscription " + group.subscription].surge.seed(now, before);
  }
}

const AlertRules::Told* AlertRules::told(AlertKind kind, const std::string& subject) const {
  const auto found = told_.find({kind, subject});
  return found == told_.end() ? nullptr : &found->second;
}

bool AlertRules::is_news(AlertKind kind, const std::string& subject, Instant cause, Instant now, Duration pause) const {
  if (cause.us == 0 || cause <= looked_at_ || cause <= not_before_) return false;
  const Told* last = told(kind, subject);
  return last == nullptr || (cause > last->caused_at && now - last->at >= pause);
}

void AlertRules::tell(const std::string& subject, AlertRecord alert) {
  told_[{alert.kind, subject}] = {alert.caused_at, alert.at, count_of(alert, kRelapses)};
  telling_.push_back(std::move(alert));
}

std::vector<AlertRecord> AlertRules::look(const Look& look) {
  for (const GroupRecord& group : look.groups) look_for_news(group, look.now);
  if (const std::uint64_t more = std::exchange(more_new_groups_, 0); more > 0) {
    telling_.back().counts.emplace_back("more_new_groups", more);
    telling_.back().sentence += "; and " + std::to_string(more) + " more new causes";
  }
  for (const GroupRecord& group : look.groups) look_for_waking(group, look.now);
  for (const GroupRecord& group : look.groups) look_for_relapses(group, look.now);
  look_for_surges(look.groups, look.now);
  for (const BreakerChange& change : look.breakers) look_at_breaker(change, look.now);
  for (const HospitalChange& change : look.hospitals) note_level(change, look.now);
  for (const auto& [whose, level] : levels_) look_at_hospital(level, look.now);
  for (const model::ReplayJobRecord& job : look.jobs) look_at_job(job, look.now);
  if (oldest_is_due(look.now)) {
    look_at_oldest(look);
    oldest_due_ = look.now + std::clamp<Duration>(case_age_ / 10, 1s, kOldestMost);
  }
  looked_at_ = std::max(looked_at_, look.seen_until);
  forget(look.now);
  return std::exchange(telling_, {});
}

void AlertRules::tell_of_new_group(const GroupRecord& group, Instant begun, Instant now) {
  const std::string subject = group.id.to_string();
  // At the begin of a look nothing else is being told.
  const auto told_now = static_cast<std::size_t>(std::count_if(
      telling_.begin(), telling_.end(), [](const AlertRecord& alert) { return alert.kind == AlertKind::new_group; }));
  if (told_now >= kNewGroups) {
    told_[{AlertKind::new_group, subject}] = {begun, now, 0};
    ++more_new_groups_;
    return;
  }
  AlertRecord alert = about(group, AlertKind::new_group, begun, now);
  const bool returned = group.returned_at > group.first_seen;
  alert.sentence = group.subscription +
                   (returned ? ": a cause of failures is back after a week or more: " : ": a new cause of failures: ") +
                   error_of(group) + ", " + cases(group.open()) + " open";
  tell(subject, std::move(alert));
}

void AlertRules::look_for_news(const GroupRecord& group, Instant now) {
  const Instant begun = std::max(group.first_seen, group.returned_at);
  if (was_snoozed(group, begun, now)) return;
  if (is_news(AlertKind::new_group, group.id.to_string(), begun, now, {})) tell_of_new_group(group, begun, now);
}

/// That a time is over is no news: it was agreed upon. That a case came is what had to be told.
void AlertRules::look_for_waking(const GroupRecord& group, Instant now) {
  const std::string subject = group.id.to_string();
  if (!is_news(AlertKind::group_woken, subject, group.snooze.woken_at, now, {})) return;
  AlertRecord alert = about(group, AlertKind::group_woken, group.snooze.woken_at, now);
  alert.sentence = group.subscription + ": a cause that was snoozed has woken (" +
                   base::to_utf8(group.snooze.woken_by) + "): " + error_of(group) + ", " + cases(group.open()) +
                   " open";
  tell(subject, std::move(alert));
}

/// What has come back during the pause is told of with the next one: how many those were together.
void AlertRules::look_for_relapses(const GroupRecord& group, Instant now) {
  if (was_snoozed(group, group.relapsed_at, now)) return;
  const std::string subject = group.id.to_string();
  if (!is_news(AlertKind::relapse, subject, group.relapsed_at, now, kRelapsePause)) return;
  const Told* last = told(AlertKind::relapse, subject);
  AlertRecord alert = about(group, AlertKind::relapse, group.relapsed_at, now);
  alert.counts.emplace_back(kRelapses, group.relapses);
  alert.sentence = group.subscription + ": what was replayed has failed again: " + error_of(group) + ", " +
                   std::to_string(group.relapses) + (group.relapses == 1 ? " relapse" : " relapses") + " so far";
  if (last != nullptr && last->relapses > 0 && group.relapses > last->relapses) {
    const std::uint64_t since = group.relapses - last->relapses;
    alert.counts.emplace_back("relapses_since_last_alert", since);
    alert.sentence += ", " + std::to_string(since) + " of them since this was told last";
  }
  tell(subject, std::move(alert));
}

/// How many admissions of it are new to the one who counts. None that came while it was snoozed: of those of the look
/// that meets its waking nobody knows which came before it, and the case that woke it is told of as that.
std::uint64_t AlertRules::count_new(const GroupRecord& group, Instant now) {
  const auto [place, fresh] = paces_.try_emplace(group.id.to_string());
  Pace& pace = place->second;
  std::uint64_t count = group.admissions - std::min(group.admissions, pace.admissions);
  if (fresh && group.first_seen <= looked_at_) {
    // Older than what is known of paces: its last case is new, the others came some time before.
    count = 1;
    const std::uint64_t before = in_the_hour_before(group, now);
    pace.surge.seed(now, before - std::min<std::uint64_t>(before, 1));
  }
  pace.admissions = group.admissions;
  const Instant woken = group.snooze.woken_at;
  const bool wakes = woken > std::max(pace.woke, looked_at_);
  pace.woke = std::max(pace.woke, woken);
  if (is_snoozed(group, now) || wakes) count = 0;
  pace.surge.add(now, count);
  return count;
}

void AlertRules::look_for_surges(const std::vector<GroupRecord>& groups, Instant now) {
  std::set<std::string> subscriptions;
  std::map<std::string, const GroupRecord*> awake;
  for (const GroupRecord& group : groups) {
    const std::uint64_t count = count_new(group, now);
    if (is_snoozed(group, now)) continue;
    awake.emplace(group.id.to_string(), &group);
    paces_["subscription " + group.subscription].surge.add(now, count);
    subscriptions.insert(group.subscription);
  }
  const auto surges = [&](const std::string& subject) {
    return is_news(AlertKind::surge, subject, now, now, kSurgePause) && paces_.at(subject).surge.is_surge(now);
  };
  const auto tell_surge = [&](const std::string& subject, AlertRecord alert, const std::string& of) {
    Surge& surge = paces_.at(subject).surge;
    const std::uint64_t newest = surge.last_minute(now);
    const auto hour = static_cast<std::uint64_t>(surge.mean_before(now) * 60 + 0.5);
    alert.counts.emplace_back("last_minute", newest);
    alert.counts.emplace_back("hour_before", hour);
    alert.sentence = alert.subscription + ": " + std::to_string(newest) + " cases in a minute, after " +
                     std::to_string(hour) + " in the hour before" + of;
    tell(subject, std::move(alert));
  };
  for (const auto& [subject, group] : awake) {
    if (!surges(subject)) continue;
    tell_surge(subject, about(*group, AlertKind::surge, now, now), ": " + error_of(*group));
    // The subscription has been spoken of with it.
    told_[{AlertKind::surge, "subscription " + group->subscription}] = {now, now, 0};
  }
  for (const std::string& subscription : subscriptions) {
    const std::string subject = "subscription " + subscription;
    if (!surges(subject)) continue;
    AlertRecord alert;
    alert.kind = AlertKind::surge;
    alert.at = alert.caused_at = now;
    alert.subscription = subscription;
    tell_surge(subject, std::move(alert), ", of several causes");
  }
}

void AlertRules::look_at_breaker(const BreakerChange& change, Instant now) {
  using model::BreakerState;
  const bool opened = change.before == BreakerState::closed && change.breaker.state == BreakerState::open;
  const bool closed = change.before != BreakerState::closed && change.breaker.state == BreakerState::closed;
  if (!opened && !closed) return;
  AlertRecord alert;
  alert.kind = opened ? AlertKind::breaker_open : AlertKind::breaker_closed;
  alert.at = alert.caused_at = now;
  alert.subscription = change.queue->name;
  if (opened) {
    alert.counts = {{"failures", change.breaker.failures}, {"samples", change.breaker.samples}};
    alert.sentence = alert.subscription + ": the circuit breaker is open: " + std::to_string(change.breaker.failures) +
                     " of " + std::to_string(change.breaker.samples) +
                     " attempts had failed; nothing is granted until " + base::format_rfc3339(change.breaker.until);
  } else {
    alert.sentence = alert.subscription + ": the circuit breaker is closed again";
  }
  tell(alert.subscription, std::move(alert));
}

/// A start says again where a hospital is that is not below: then what was told before it counts.
void AlertRules::note_level(const HospitalChange& change, Instant now) {
  const model::SubscriptionId whose = change.queue->subscription;
  if (change.level == model::HospitalLevel::below) {
    levels_.erase(whose);
  } else {
    levels_.insert_or_assign(whose, Level{change, now});
  }
}

/// Not its change is told of but where it is, when the pause is over: what went to and fro within it may stay there.
/// Who has been told that it is full need not hear at once that it only fills.
void AlertRules::look_at_hospital(const Level& level, Instant now) {
  const bool full = level.change.level == model::HospitalLevel::full;
  const std::string& name = level.change.queue->name;
  const auto was_told = [&](bool of_full) {
    const Told* last = told(AlertKind::hospital_budget, budget_subject(name, of_full));
    return last != nullptr && now - last->at < kBudgetPause;
  };
  if (was_told(true) || (!full && was_told(false))) return;
  const std::uint64_t most = level.change.queue->options.hospital_max_bytes;
  AlertRecord alert;
  alert.kind = AlertKind::hospital_budget;
  alert.at = alert.caused_at = now;
  alert.subscription = name;
  alert.counts = {{"hospital_bytes", level.change.bytes}, {"hospital_max_bytes", most}};
  const std::string bytes = std::to_string(level.change.bytes) + " bytes of messages";
  if (level.since == now) {
    alert.sentence = name + (full ? ": its hospital is full" : ": its hospital fills") + ": its cases keep " + bytes;
  } else {
    alert.sentence = name + (full ? ": its hospital is still full" : ": its hospital still fills") + ", after " +
                     whole(now - level.since) + ": its cases kept " + bytes + " when that began";
  }
  alert.sentence += ", and hospital_max_bytes is " + std::to_string(most) +
                    (full ? "; nothing is granted but replays until they keep less"
                          : "; when that is reached nothing is granted but replays");
  tell(budget_subject(name, full), std::move(alert));
}

void AlertRules::look_at_job(const model::ReplayJobRecord& job, Instant now) {
  const std::string subject = std::to_string(job.id.value);
  if (!is_news(AlertKind::job_ended, subject, job.ended_at, now, {})) return;
  AlertRecord alert;
  alert.kind = AlertKind::job_ended;
  alert.at = now;
  alert.caused_at = job.ended_at;
  alert.replay_job = job.id;
  // A filter that does not parse any more names none.
  if (const auto query = model::parse_case_query(job.filter, job.created_at); query.ok() && !job.by_ids) {
    const std::string* name = model::equal_to(*query, model::CaseTerm::Field::subscription);
    if (name != nullptr && model::validate_name(*name).ok()) alert.subscription = *name;
  }
  alert.counts = {
      {"total", job.total},          {"discharged", job.counts.discharged}, {"relapsed", job.counts.relapsed},
      {"queued", job.counts.queued}, {"recalled", job.counts.recalled},     {"refused", job.counts.refused},
      {"other", job.counts.other}};
  alert.sentence = "replay job " + subject + " is " + std::string(model::to_string(job.state)) + ": of " +
                   cases(job.total) + " " + std::to_string(job.counts.discharged) + " discharged, " +
                   std::to_string(job.counts.relapsed) + " relapsed";
  if (!job.ended_because.empty()) alert.sentence += "; " + base::to_utf8(job.ended_because);
  tell(subject, std::move(alert));
}

/// A name may have been several subscriptions': the oldest of all of them counts. What is told of is known by its
/// admission, so another `case_age` repeats nothing, and tells of what has become old by it.
void AlertRules::look_at_oldest(const Look& look) {
  std::map<std::string, const CaseRecord*> by_name;
  for (const CaseRecord& record : look.oldest) {
    const CaseRecord*& known = by_name[record.subscription];
    if (known == nullptr || record.admitted_at < known->admitted_at) known = &record;
  }
  for (const auto& [name, record] : by_name) {
    const Instant cause = record->admitted_at;
    if (cause + case_age_ > look.now) continue;
    if (look.is_snoozed(record->group)) continue;  // it is told of when it wakes
    const Told* last = told(AlertKind::ageing, name);
    const Instant was_old_at = cause + case_age_before_;
    if (last == nullptr && !oldest_known_ && was_old_at <= std::max(looked_at_ - kOldestMost, not_before_)) {
      // It was old before this start, when it was told, or before the first one.
      told_[{AlertKind::ageing, name}] = {cause, was_old_at, 0};
      continue;
    }
    if (last != nullptr && (cause <= last->caused_at || look.now - last->at < case_age_)) continue;
    AlertRecord alert;
    alert.kind = AlertKind::ageing;
    alert.at = look.now;
    alert.caused_at = cause;
    alert.subscription = name;
    alert.group = record->group;
    alert.case_id = record->id;
    alert.counts = {{"age_seconds", static_cast<std::uint64_t>((look.now - record->admitted_at) / 1s)}};
    alert.sentence = name + ": its oldest case, " + record->id.to_string() + ", has been open for " +
                     whole(look.now - record->admitted_at);
    tell(name, std::move(alert));
  }
  oldest_known_ = true;
  // Of those that have no case any more nothing needs to be remembered.
  std::erase_if(told_, [&](const auto& one) {
    return one.first.first == AlertKind::ageing && !by_name.contains(one.first.second) &&
           look.now - one.second.at > case_age_;
  });
}

void AlertRules::forget(Instant now) {
  std::erase_if(told_, [&](const auto& one) {
    if (one.first.first == AlertKind::ageing) return false;
    if (one.second.caused_at > looked_at_) return false;  // the next look meets it again
    const AlertKind kind = one.first.first;
    const bool pauses = kind == AlertKind::surge || kind == AlertKind::hospital_budget;
    const Duration kept = kind == AlertKind::relapse ? kRelapsesKept : pauses ? kToldKept : kTold;
    return now - one.second.at > kept;
  });
  if (paces_.size() <= kPaces) return;
  std::erase_if(paces_, [&](const auto& one) { return one.second.surge.is_idle(now); });
  if (paces_.size() > 4 * kPaces) paces_.clear();  // so many causes in an hour are none
}

}  // namespace lazaret::alerts
