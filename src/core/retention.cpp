// How long a topic keeps messages: `retain_for` beyond what its subscriptions need, `retention_*` short of it.
//
// Marks in the log say where so many messages or bytes, or so much time, have gone by; everything here goes from mark
// to mark, so that nothing looks at single messages again. They are at most a sixteenth of each limit apart, or one
// message, however many came at once. What one publish brings beyond a limit is lost at the end of its step: what
// consumers have room for is out then.
//
// What came with imported cases is not counted: an operator's file must not push out what others have not read. Nor are
// the offsets that an unclean start left out, under which nothing was ever published. Marks say how many of those are
// before them, so that the rest is known between any two.
#include <algorithm>
#include <utility>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {
namespace {

using model::DeliveryState;
using model::LogMark;
using model::Offset;
using model::OffsetRange;

constexpr int kSteps = 16;

/// The step of a time; never so short that marks are made all the time.
base::Duration step_of(base::Duration limit) { return std::max<base::Duration>(limit / kSteps, base::Duration(1000)); }

/// Messages that were published between two marks.
std::uint64_t published_between(const LogMark& from, const LogMark& to) {
  return to.offset.value - from.offset.value - (to.uncounted - from.uncounted);
}

/// Whether so much lies between the last mark and this place that it is the next.
bool passes_step(const LogMark& last, const LogMark& here, const Retention& limits) {
  const auto over = [](std::uint64_t since, std::uint64_t limit) {
    return limit != 0 && since >= std::max<std::uint64_t>(limit / kSteps, 1);
  };
  return over(published_between(last, here), limits.messages) || over(here.bytes - last.bytes, limits.bytes);
}

}  // namespace

void Shard::State::change_retention(Log& log, const model::QueueOptions& options) {
  log.retention = Retention::of(options);
  log.retains = log.retention != Retention{};
  if (log.retains) return retain(log);
  if (!log.state.marks.empty()) {
    log.state.marks.clear();
    log.marks_changed = true;
    touch(log);
  }
  set_alarm(log);
}

/// Consumers have been given what was published in this step.
void Shard::State::retain_published() {
  for (const model::LogId id : std::exchange(retained_later, {})) {
    if (Log* log = find(id)) retain(*log);
  }
}

/// Messages were appended, or time has gone by.
void Shard::State::retain(Log& log) {
  if (!log.retains || log.deleting) return;
  add_mark(log);
  lose(log);
  // What is not on the disk yet is trimmed when it is.
  const Offset kept = std::min(std::max(kept_from(log), log.lost_to), log.persisted_end);
  if (kept > log.kept_before) {
    log.kept_before = kept;
    trim(log, true);
  }
  auto& marks = log.state.marks;
  // The last mark at or before what is kept says from where that is.
  const Offset needed = marks_needed_from(log);
  const auto behind = std::find_if(marks.begin(), marks.end(), [&](const LogMark& m) { return m.offset > needed; });
  if (behind - marks.begin() > 1) marks.erase(marks.begin(), behind - 1);
  set_alarm(log);
}

Offset Shard::State::marks_needed_from(const Log& log) const {
  return log.retention.retain_for.count() == 0 ? log.lost_to : kept_from(log);
}

/// Within what was just appended: it may be many times what is kept.
void Shard::State::add_marks(Log& log, const std::vector<model::MessageRef>& messages) {
  auto& marks = log.state.marks;
  LogMark here = log.end_mark(now);
  if (!marks.empty() && !passes_step(marks.back(), here, log.retention)) return;
  here.offset = Offset(here.offset.value - messages.size());
  for (const model::MessageRef& message : messages) {
    here.uncounted -= message->imported ? 1 : 0;
    here.bytes -= message->imported ? 0 : message->size();
  }
  if (marks.empty()) marks.push_back(here);
  for (const model::MessageRef& message : messages) {
    here.offset = here.offset.next();
    here.uncounted += message->imported ? 1 : 0;
    here.bytes += message->imported ? 0 : message->size();
    if (passes_step(marks.back(), here, log.retention)) marks.push_back(here);
  }
  log.marks_changed = true;
}

/// At the end, when time has gone by.
void Shard::State::add_mark(Log& log) {
  auto& marks = log.state.marks;
  const Retention& limits = log.retention;
  if (!marks.empty()) {
    const LogMark& last = marks.back();
    const auto late = [&](base::Duration limit) { return limit.count() != 0 && now - last.at >= step_of(limit); };
    const bool due = passes_step(last, log.end_mark(now), limits) || late(limits.age) || late(limits.retain_for);
    if (!due || log.state.next == last.offset) return;
  }
  marks.push_back(log.end_mark(now));
  log.marks_changed = true;
  touch(log);
}

/// What lies beyond a limit goes, read or not.
void Shard::State::lose(Log& log) {
  const Retention& limits = log.retention;
  const LogMark end = log.end_mark(now);
  Offset cut;
  for (const LogMark& mark : log.state.marks) {
    const bool beyond = (limits.messages != 0 && published_between(mark, end) >= limits.messages) ||
                        (limits.bytes != 0 && log.bytes - mark.bytes >= limits.bytes) ||
                        (limits.age.count() != 0 && now - mark.at >= limits.age);
    if (beyond) cut = mark.offset;
  }
  if (cut <= log.lost_to) return;
  log.lost_to = cut;
  touch(log);
  for (Subscription* sub : log.readers) lose_before(*sub, cut);
}

/// What somebody has stays until it is settled; also what may be claimed after a restart.
void Shard::State::lose_before(Subscription& sub, Offset cut) {
  // What a feeder has handed over is not lost, nor what it may have handed over before the start.
  const bool on_its_way = sub.feeder != nullptr && (!sub.feeder->known || sub.frontier >= cut);
  const bool undecided = resuming && sub.feeder == nullptr;
  if (sub.deleting || undecided || on_its_way || sub.acked.cursor() >= cut) return;
  count_entered(sub);
  if (sub.keys != nullptr) forget_passed(sub, cut);
  const Offset from = sub.feeder == nullptr ? sub.acked.cursor() : std::max(sub.acked.cursor(), sub.frontier);
  const std::uint64_t lost = drop_unheld(sub, {from, cut}, true);
  sub.frontier = std::max(sub.frontier, cut);
  sub.counters.lost_to_retention += lost;
  touch(sub);
  if (lost > 0) out->urgent = out->sync = true;
}

/// The first message that stays although all subscriptions have read it.
Offset Shard::State::kept_from(const Log& log) const {
  if (log.retention.retain_for.count() == 0) return log.persisted_end;
  Offset kept = std::max(log.lost_to, log.begin());
  for (const LogMark& mark : log.state.marks) {
    if (now - mark.at >= log.retention.retain_for) kept = std::max(kept, mark.offset);
  }
  return std::min(kept, log.persisted_end);
}

/// How much of what its topic allows the subscription uses; at 1 messages are lost unread.
double Shard::State::retention_used(const Subscription& sub) const {
  const Log& log = *sub.log;
  const Offset oldest = sub.acked.next_unsettled(sub.acked.cursor());
  if (!log.retains || oldest >= log.state.next) return 0;
  const auto& marks = log.state.marks;
  const auto behind = std::find_if(marks.rbegin(), marks.rend(), [&](const LogMark& m) { return m.offset <= oldest; });
  const LogMark end = log.end_mark(now);
  const LogMark mark = behind == marks.rend() ? LogMark{oldest, now, end.bytes, end.uncounted} : *behind;
  const Retention& limits = log.retention;
  double used = 0;
  const auto share = [&used](double value, double limit) {
    if (limit > 0) used = std::max(used, std::min(value / limit, 1.0));
  };
  // Where some are uncounted since the mark, at most a step too much.
  const std::uint64_t count = std::min(end.offset.value - oldest.value, published_between(mark, end));
  share(static_cast<double>(count), static_cast<double>(limits.messages));
  share(static_cast<double>(end.bytes - mark.bytes), static_cast<double>(limits.bytes));
  share(static_cast<double>((now - mark.at).count()), static_cast<double>(limits.age.count()));
  return used;
}

/// When the next mark is due, or the next step is to be trimmed or lost.
void Shard::State::set_alarm(Log& log) {
  base::Instant next = base::Instant::never();
  const Retention& limits = log.retention;
  const auto& marks = log.state.marks;
  for (const base::Duration limit : {limits.retain_for, limits.age}) {
    if (!log.retains || log.deleting || limit.count() == 0 || marks.empty()) continue;
    if (marks.back().offset < log.state.next) next = std::min(next, marks.back().at + step_of(limit));
    const auto ahead =
        std::find_if(marks.begin(), marks.end(), [&](const LogMark& mark) { return now - mark.at < limit; });
    if (ahead != marks.end()) next = std::min(next, ahead->at + limit);
  }
  if (next == log.alarm) return;
  log_alarms.erase({log.alarm, log.state.log});
  log.alarm = next;
  if (next != base::Instant::never()) log_alarms.emplace(next, log.state.log);
}

}  // namespace lazaret::core
