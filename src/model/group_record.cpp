#include "model/group_record.h"

#include <algorithm>

#include "model/fingerprint.h"

namespace lazaret::model {
namespace {

constexpr std::int64_t kHour = 3'600'000'000;
constexpr std::int64_t kDay = 24 * kHour;

/// Moves on to a later hour or day; `newest` is the one that `counts[0]` is of.
template <std::size_t N>
void move_to(std::array<std::uint32_t, N>& counts, std::int64_t& newest, std::int64_t to) {
  if (to <= newest) return;
  const auto by = static_cast<std::size_t>(std::min<std::int64_t>(to - newest, N));
  std::copy_backward(counts.begin(), counts.end() - by, counts.end());
  std::fill_n(counts.begin(), by, 0u);
  newest = to;
}

template <std::size_t N>
void add_to(std::array<std::uint32_t, N>& counts, std::int64_t& newest, std::int64_t of) {
  move_to(counts, newest, of);
  if (newest - of < static_cast<std::int64_t>(N)) ++counts[static_cast<std::size_t>(newest - of)];
}

/// Null for a state that no version writes.
std::uint64_t* count_of(GroupRecord& group, CaseState state) {
  const std::size_t place = static_cast<std::size_t>(state) - 1;
  return place < group.counts.size() ? &group.counts[place] : nullptr;
}

template <std::size_t N>
void add_all(std::array<std::uint32_t, N>& counts, const std::array<std::uint32_t, N>& other) {
  for (std::size_t i = 0; i < N; ++i) counts[i] += other[i];
}

}  // namespace

void GroupTrend::add(base::Instant at) {
  add_to(hours, hour, at.us / kHour);
  add_to(days, day, at.us / kDay);
}

GroupTrend GroupTrend::at(base::Instant now) const {
  GroupTrend out = *this;
  move_to(out.hours, out.hour, now.us / kHour);
  move_to(out.days, out.day, now.us / kDay);
  return out;
}

double GroupTrend::per_minute(base::Instant now) const {
  constexpr double kMinutes = 60;
  const GroupTrend trend = at(now);
  const double passed = static_cast<double>(now.us % kHour) / static_cast<double>(kHour);
  return (trend.hours[0] + trend.hours[1] * (1 - passed)) / kMinutes;
}

bool GroupRecord::is_empty() const {
  return cases() == 0 && note.empty() && owner.empty() && ticket.empty() && !snooze.is_given();
}

void apply(const GroupPatch& patch, base::Instant at, GroupRecord& group) {
  if (patch.note) group.note = *patch.note;
  if (patch.owner) group.owner = *patch.owner;
  if (patch.ticket) group.ticket = *patch.ticket;
  apply(patch.snooze, at, group.snooze);
  group.noted_at = at;
}

bool counts_alike(const CaseRecord& before, const CaseRecord& now) {
  return before.group == now.group && before.state == now.state && before.admitted_at == now.admitted_at;
}

void enter(GroupRecord& group, const CaseRecord& record, bool admitted) {
  if (group.first_seen.us == 0) {
    group.subscription = record.subscription;
    group.type = record.summary.type;
    group.error_type = record.last_error.type;
    group.error_text = normalised_error(record.last_error.message);
    group.error_frames = record.error_frames;
    group.first_seen = record.admitted_at;
    group.first_consumer = {record.consumer_name, record.consumer_version};
  }
  if (std::uint64_t* count = count_of(group, record.state)) ++*count;
  if (!admitted) return;
  ++group.admissions;
  note_admission(group.snooze, record.consumer_version, record.admitted_at);
  if (group.last_seen.us != 0 && record.admitted_at - group.last_seen >= kGroupQuiet) {
    group.returned_at = record.admitted_at;
  }
  group.trend.add(record.admitted_at);
  if (record.admitted_at < group.last_seen) return;
  group.last_seen = record.admitted_at;
  group.last_consumer = {record.consumer_name, record.consumer_version};
}

void relapse(GroupRecord& group, const CaseRecord& record) {
  ++group.relapses;
  group.relapsed_at = std::max(group.relapsed_at, record.admitted_at);
}

void leave(GroupRecord& group, const CaseRecord& record) {
  std::uint64_t* count = count_of(group, record.state);
  if (count != nullptr && *count > 0) --*count;
}

void merge(GroupRecord& group, const GroupRecord& other) {
  for (std::size_t i = 0; i < group.counts.size(); ++i) group.counts[i] += other.counts[i];
  group.admissions += other.admissions;
  group.relapses += other.relapses;
  group.returned_at = std::max(group.returned_at, other.returned_at);
  group.relapsed_at = std::max(group.relapsed_at, other.relapsed_at);
  if (other.first_seen < group.first_seen) {
    group.first_seen = other.first_seen;
    group.first_consumer = other.first_consumer;
  }
  if (other.last_seen > group.last_seen) {
    group.last_seen = other.last_seen;
    group.last_consumer = other.last_consumer;
  }
  GroupTrend trend = other.trend;
  move_to(group.trend.hours, group.trend.hour, trend.hour);
  move_to(group.trend.days, group.trend.day, trend.day);
  move_to(trend.hours, trend.hour, group.trend.hour);
  move_to(trend.days, trend.day, group.trend.day);
  add_all(group.trend.hours, trend.hours);
  add_all(group.trend.days, trend.days);
  merge(group.snooze, other.snooze);
  if (other.noted_at <= group.noted_at) return;
  group.note = other.note;
  group.owner = other.owner;
  group.ticket = other.ticket;
  group.noted_at = other.noted_at;
}

}  // namespace lazaret::model
