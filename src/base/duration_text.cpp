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

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const Status bad(Code::INVALID_OPTION, "'" + std::string(text.substr(0, 64)) +
                                             "' is not a duration such as 250ms, 30s, 5m, 1h or 7d");
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

}  // namespace lazaret::base
