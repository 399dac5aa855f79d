#include "model/snooze.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <numeric>

#include "model/version_range.h"

namespace lazaret::model {
namespace {

using base::Code;
using base::Instant;
using base::Status;

constexpr base::Duration kMinute = std::chrono::minutes(1);
constexpr base::Duration kHour = std::chrono::hours(1);

void count(CasePace& pace, base::Duration per, Instant at) {
  const auto slices = static_cast<std::int64_t>(pace.counts.size());
  const std::int64_t slice = at.us / (per.count() / slices);
  if (const std::int64_t by = std::min(slice - pace.slice, slices); by > 0) {
    std::copy_backward(pace.counts.begin(), pace.counts.end() - by, pace.counts.end());
    std::fill_n(pace.counts.begin(), by, 0u);
    pace.slice = slice;
  }
  ++pace.counts.front();
}

std::uint64_t sum(const CasePace& pace) {
  return std::accumulate(pace.counts.begin(), pace.counts.end(), std::uint64_t{0});
}

void wake(Snooze& snooze, Instant at, std::string by) {
  Snooze awake;
  awake.set_at = snooze.set_at;
  awake.woken_at = at;
  awake.woken_by = std::move(by);
  snooze = std::move(awake);
}

}  // namespace

base::Result<CaseRate> CaseRate::parse(std::string_view text) {
  CaseRate rate;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, rate.cases);
  const std::string_view unit(at, static_cast<std::size_t>(end - at));
  if (unit == "/m") rate.per = kMinute;
  if (unit == "/h") rate.per = kHour;
  const bool is_rate = error == std::errc() && rate.cases > 0 && rate.cases <= kMost && rate.per.count() > 0;
  if (is_rate) return rate;
  return Status(Code::BAD_REQUEST, "a rate of cases is written 100/h or 20/m, with 1 to " + std::to_string(kMost) +
                                       ", not \"" + std::string(text) + "\"");
}

std::string CaseRate::text() const { return cases == 0 ? "" : std::to_string(cases) + (per == kMinute ? "/m" : "/h"); }

/// Of what is given all must still hold.
bool is_snoozed(const Snooze& snooze, Instant now) {
  return snooze.is_given() && (snooze.until.us == 0 || snooze.until > now);
}

std::optional<Woken> woken(const Snooze& snooze, Instant now) {
  if (snooze.woken_at.us != 0) return Woken{snooze.woken_at, snooze.woken_by};
  if (!snooze.is_given() || is_snoozed(snooze, now)) return std::nullopt;
  return Woken{snooze.until, "time"};
}

void apply(const SnoozePatch& patch, Instant at, Snooze& snooze) {
  if (!patch.is_given()) return;
  Snooze next;
  if (is_snoozed(snooze, at)) {
    next.until = snooze.until;
    next.until_version = snooze.until_version;
    next.until_rate = snooze.until_rate;
  }
  if (patch.until) next.until = *patch.until;
  if (patch.until_version) next.until_version = *patch.until_version;
  if (patch.until_rate) next.until_rate = *patch.until_rate;
  const bool same =
      next.until == snooze.until && next.until_version == snooze.until_version && next.until_rate == snooze.until_rate;
  if (same) return;
  next.set_at = at;
  snooze = std::move(next);
}

void note_admission(Snooze& snooze, std::string_view version, Instant at) {
  if (!is_snoozed(snooze, at)) return;
  if (!snooze.until_version.empty()) {
    const auto range = VersionRange::parse(snooze.until_version);
    if (range.ok() && range->contains(version)) return wake(snooze, at, "version " + std::string(version));
  }
  if (snooze.until_rate.cases == 0) return;
  count(snooze.pace, snooze.until_rate.per, at);
  if (sum(snooze.pace) >= snooze.until_rate.cases) wake(snooze, at, "rate " + snooze.until_rate.text());
}

void merge(Snooze& snooze, const Snooze& other) {
  const Instant woken_at = std::max(snooze.woken_at, other.woken_at);
  const std::string woken_by = snooze.woken_at >= other.woken_at ? snooze.woken_by : other.woken_by;
  if (other.set_at > snooze.set_at) snooze = other;
  if (woken_at.us != 0 && woken_at >= snooze.set_at) wake(snooze, woken_at, woken_by);
}

}  // namespace lazaret::model
