#include "base/duration_text.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace lazaret::base {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t us;
};

constexpr std::array kUnits = {
    Unit{"d", 86'400'000'000}, Unit{"h", 3'600'000'000}, Unit{"m", 60'000'000},
    Unit{"s", 1'000'000},      Unit{"ms", 1'000},        Unit{"us", 1},
};
constexpr std::int64_t kLongestUs = 100ll * 365 * 86'400'000'000;

/// Takes a text apart from the front; `ok` turns false, and stays so, at the first thing that does not fit.
struct Cutter {
  std::string_view rest;
  bool ok = true;

  /// A number of exactly so many digits, within bounds.
  int number(std::size_t digits, int least, int most) {
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) value = value * 10 + digit();
    ok = ok && value >= least && value <= most;
    return value;
  }
  bool next_is(std::string_view any_of) { return !rest.empty() && any_of.find(rest[0]) != std::string_view::npos; }
  char one_of(std::string_view allowed) {
    ok = ok && next_is(allowed);
    if (!ok) return '\0';
    const char c = rest[0];
    rest.remove_prefix(1);
    return c;
  }
  int digit() {
    const char c = one_of("0123456789");
    return ok ? c - '0' : 0;
  }
};

std::int64_t fraction_us(Cutter& cutter) {
  if (!cutter.next_is(".")) return 0;
  cutter.one_of(".");
  std::int64_t us = 0;
  std::int64_t unit = 100'000;
  do {
    us += cutter.digit() * unit;
    unit /= 10;
  } while (cutter.ok && cutter.next_is("0123456789"));
  return us;
}

std::chrono::minutes offset_of(Cutter& cutter) {
  const char sign = cutter.one_of("Zz+-");
  if (!cutter.ok || sign == 'Z' || sign == 'z') return {};
  const std::chrono::hours hours(cutter.number(2, 0, 23));
  cutter.one_of(":");
  const std::chrono::minutes minutes(cutter.number(2, 0, 59));
  return sign == '-' ? -(hours + minutes) : hours + minutes;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const Status bad(Code::INVALID_OPTION,
                   "'" + std::string(text.substr(0, 64)) + "' is not a duration such as 250ms, 30s, 5m, 1h or 7d");
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return bad;
  const std::string_view suffix(end, static_cast<std::size_t>(text.data() + text.size() - end));
  for (const Unit& unit : kUnits) {
    if (unit.name != suffix) continue;
    if (number > kLongestUs / unit.us) return bad;
    return Duration(number * unit.us);
  }
  return bad;
}

std::string format_duration(Duration duration) {
  if (duration.count() == 0) return "0s";
  for (const Unit& unit : kUnits) {
    if (duration.count() % unit.us == 0) {
      return std::to_string(duration.count() / unit.us) + std::string(unit.name);
    }
  }
  return std::to_string(duration.count()) + "us";
}

std::string format_rfc3339(Instant instant) {
  using namespace std::chrono;
  const sys_time<microseconds> when{microseconds(instant.us)};
  const auto day = floor<days>(when);
  const year_month_day date{day};
  const hh_mm_ss time{when - day};
  char text[48];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
  return text;
}

Result<Instant> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  Cutter cutter{text.substr(0, 64)};
  const year y(cutter.number(4, 0, 9999));
  cutter.one_of("-");
  const month m(static_cast<unsigned>(cutter.number(2, 1, 12)));
  cutter.one_of("-");
  const day d(static_cast<unsigned>(cutter.number(2, 1, 31)));
  cutter.one_of("Tt ");
  const hours hour(cutter.number(2, 0, 23));
  cutter.one_of(":");
  const minutes minute(cutter.number(2, 0, 59));
  cutter.one_of(":");
  const seconds second(cutter.number(2, 0, 59));
  const microseconds fraction(fraction_us(cutter));
  const minutes offset = offset_of(cutter);
  const year_month_day date = y / m / d;
  if (!cutter.ok || !cutter.rest.empty() || !date.ok()) {
    return Status(Code::BAD_REQUEST,
                  "'" + std::string(text.substr(0, 64)) + "' is not a time such as 2026-11-23T20:04:48Z");
  }
  return Instant{(sys_days(date).time_since_epoch() + hour + minute + second + fraction - offset).count()};
}

}  // namespace lazaret::base
