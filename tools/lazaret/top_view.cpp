#include "top_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "base/duration_text.h"
#include "output.h"

namespace lazaret::cli {
namespace {

constexpr std::array kTitles = {"NAME",     "STATE",  "READY",     "HOSPITAL", "ENTERED/S", "ACKED/S",
                                "FAILED/S", "OLDEST", "CONSUMERS", "LEASED",   "WAITING",   "HELD"};
using Cells = std::array<std::string, kTitles.size()>;
using Widths = std::array<std::size_t, kTitles.size()>;

/// Columns of texts; those behind them are numbers, and stand at the right.
constexpr std::size_t kTexts = 2;
constexpr std::string_view kGap = "  ";
/// Of a name at least so much is shown, though the last numbers are cut for it.
constexpr std::size_t kNameLeast = 16;

std::string number_text(const char* format, double number) {
  char text[64];
  std::snprintf(text, sizeof(text), format, number);
  return text;
}

Cells cells_of(const TopRow& row, base::Instant at) {
  const auto rate = [&row](double TopRates::*which) { return row.rates ? rate_text((*row.rates).*which) : "-"; };
  return {printable(row.name),
          row.state.word,
          std::to_string(row.ready),
          std::to_string(row.in_hospital),
          rate(&TopRates::entered),
          rate(&TopRates::acked),
          rate(&TopRates::failed),
          row.oldest_ready_at ? age_text(at - *row.oldest_ready_at) : "-",
          std::to_string(row.consumer_count),
          std::to_string(row.leased),
          std::to_string(row.waiting),
          std::to_string(row.held)};
}

/// Names give way until the numbers have room.
Widths widths_of(const std::vector<Cells>& rows, std::size_t columns) {
  Widths widths{};
  for (const Cells& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::size_t needed = kGap.size() * (widths.size() - 1);
  for (const std::size_t width : widths) needed += width;
  if (columns > 0 && needed > columns && widths[0] > kNameLeast) {
    widths[0] -= std::min(needed - columns, widths[0] - kNameLeast);
  }
  return widths;
}

std::string fitted(const std::string& text, std::size_t width) {
  if (width_of(text) <= width) return text;
  return cut(text, width - 1) + "…";
}

std::string line_of(const Cells& row, const Widths& widths) {
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i > 0) line += kGap;
    const std::string text = fitted(row[i], widths[i]);
    const std::string space(widths[i] - width_of(text), ' ');
    line += i < kTexts ? text + space : space + text;
  }
  return line;
}

std::string load_line(const TopLook& look) {
  std::string text = "load  ";
  if (look.rates) {
    const TopLook::Rates& rates = *look.rates;
    text += rate_text(rates.published) + " published/s, " + rate_text(rates.acked) + " acked/s, " +
            rate_text(rates.failed) + " failed/s; " + rate_text(rates.commits) + " commits/s, the last took " +
            printable(look.last_commit) + "; " + number_text("%.2f", rates.cores) + " cores; ";
  }
  return text + bytes_text(double(look.resident_bytes)) + " resident; " + counted(look.sessions, "session");
}

std::string disk_line(const TopLook& look) {
  std::string text = "disk  " + bytes_text(double(look.disk_free_bytes)) + " of " +
                     bytes_text(double(look.disk_total_bytes)) + " free; data " + bytes_text(double(look.data_bytes));
  if (look.rates) text += "; " + bytes_text(look.rates->written_bytes) + "/s written";
  return text;
}

std::string all_line(const TopLook& look) {
  TopRow all;
  std::uint64_t consumers = 0;
  for (const TopRow& row : look.rows) {
    all.ready += row.ready;
    all.leased += row.leased;
    all.waiting += row.waiting;
    all.scheduled += row.scheduled;
    all.in_hospital += row.in_hospital;
    consumers += row.consumer_count;
  }
  return "all   " + std::to_string(all.ready) + " ready, " + std::to_string(all.leased) + " leased, " +
         std::to_string(all.waiting) + " waiting, " + std::to_string(all.scheduled) + " scheduled, " +
         std::to_string(all.in_hospital) + " in hospital; " + counted(consumers, "consumer");
}

std::vector<std::string> head_of(const TopLook& look, const TopHeading& heading) {
  std::vector<std::string> head;
  head.push_back("lazaret top  " + printable(heading.address) + "  version " + printable(look.version) + "  " +
                 base::format_rfc3339(look.at).substr(0, 19) + "Z  every " + heading.interval + "  by " +
                 std::string(heading.order));
  if (!heading.problem.empty()) head.push_back("!     " + heading.problem + " (this was seen before; trying again)");
  head.push_back(load_line(look));
  head.push_back(disk_line(look));
  head.push_back(all_line(look));
  for (const std::string& warning : look.warnings) head.push_back("!     " + printable(warning));
  head.emplace_back();
  return head;
}

}  // namespace

std::string bytes_text(double bytes) {
  constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return number_text("%.0f B", bytes);
  std::size_t unit = 0;
  for (bytes /= 1024; bytes >= 1024 && unit + 1 < kUnits.size(); ++unit) bytes /= 1024;
  return number_text(bytes < 100 ? "%.1f " : "%.0f ", bytes) + kUnits[unit];
}

std::string rate_text(double rate) {
  return number_text(rate > 0 && rate < 99.95 && std::round(rate * 10) != std::round(rate) * 10 ? "%.1f" : "%.0f",
                     rate);
}

std::string age_text(base::Duration age) {
  const std::int64_t seconds = std::max<std::int64_t>(0, age.count() / 1'000'000);
  if (seconds < 60) return std::to_string(seconds) + "s";
  if (seconds < 3600) return std::to_string(seconds / 60) + "m";
  if (seconds < 86400) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 86400) + "d";
}

std::vector<std::string> top_lines(const TopLook& look, const TopHeading& heading, std::size_t columns,
                                   std::size_t lines) {
  std::vector<std::string> out = head_of(look, heading);
  std::size_t shown = look.rows.size();
  // The titles take a line, and so does what says that rows are missing.
  const std::size_t room = lines > out.size() + 1 ? lines - out.size() - 1 : 0;
  if (lines > 0 && shown > room) shown = room > 0 ? room - 1 : 0;
  std::vector<Cells> rows(1);
  for (std::size_t i = 0; i < kTitles.size(); ++i) rows[0][i] = kTitles[i];
  for (std::size_t i = 0; i < shown; ++i) rows.push_back(cells_of(look.rows[i], look.at));
  const Widths widths = widths_of(rows, columns);
  for (const Cells& row : rows) out.push_back(line_of(row, widths));
  if (look.rows.empty()) out.push_back("no queue or subscription yet");
  if (shown < look.rows.size()) out.push_back("and " + std::to_string(look.rows.size() - shown) + " more");
  if (lines > 0 && out.size() > lines) out.resize(lines);
  if (columns > 0) {
    for (std::string& line : out) line = cut(line, columns);
  }
  return out;
}

}  // namespace lazaret::cli
