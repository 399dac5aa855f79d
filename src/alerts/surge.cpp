#include "alerts/surge.h"

#include <algorithm>
#include <numeric>

namespace lazaret::alerts {
namespace {

using base::Instant;
using namespace std::chrono_literals;

constexpr std::int64_t kMinute = 60'000'000;
constexpr std::int64_t kHour = 60 * kMinute;

}  // namespace

void Surge::move_to(Instant now) {
  const std::int64_t minute = now.us / kMinute;
  const std::int64_t passed = std::min<std::int64_t>(minute - minute_, kMinutes);
  for (std::int64_t i = 0; i < passed; ++i) minutes_[static_cast<std::size_t>((minute - i) % kMinutes)] = 0;
  minute_ = std::max(minute_, minute);
  std::erase_if(last_, [&](const Came& came) { return came.at <= now - 60s; });
}

void Surge::add(Instant now, std::uint64_t count) {
  move_to(now);
  if (count == 0) return;
  minutes_[static_cast<std::size_t>(minute_ % kMinutes)] += static_cast<std::uint32_t>(count);
  last_.push_back({now, count});
}

void Surge::seed(Instant now, std::uint64_t in_the_last_hour) {
  move_to(now);
  for (std::int64_t i = 1; i < static_cast<std::int64_t>(kMinutes); ++i) {
    // Whole ones, so that the sum is what it was.
    const std::uint64_t share = in_the_last_hour * static_cast<std::uint64_t>(i) / 60 -
                                in_the_last_hour * static_cast<std::uint64_t>(i - 1) / 60;
    minutes_[static_cast<std::size_t>((minute_ - i) % kMinutes)] += static_cast<std::uint32_t>(share);
  }
}

std::uint64_t Surge::last_minute(Instant now) {
  move_to(now);
  std::uint64_t sum = 0;
  for (const Came& came : last_) sum += came.count;
  return sum;
}

double Surge::mean_before(Instant now) {
  const std::uint64_t newest = last_minute(now);
  const std::uint64_t all = std::accumulate(minutes_.begin(), minutes_.end(), std::uint64_t{0});
  return static_cast<double>(all - std::min(all, newest)) / 60;
}

bool Surge::is_surge(Instant now) {
  const std::uint64_t newest = last_minute(now);
  return newest >= kLeast && static_cast<double>(newest) >= static_cast<double>(kTimes) * mean_before(now);
}

bool Surge::is_idle(Instant now) const { return now.us / kMinute - minute_ >= static_cast<std::int64_t>(kMinutes); }

std::uint64_t in_the_hour_before(const model::GroupRecord& group, Instant now) {
  const model::GroupTrend trend = group.trend.at(now);
  const std::int64_t into = now.us % kHour;
  // Of the hour before this one as much as lies within an hour from now.
  return trend.hours[0] + static_cast<std::uint64_t>(trend.hours[1]) * static_cast<std::uint64_t>(kHour - into) /
                              static_cast<std::uint64_t>(kHour);
}

}  // namespace lazaret::alerts
