// What differs between two texts, line by line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lazaret::admin {

struct DiffLine {
  enum class Kind : char { same = ' ', removed = '-', added = '+' } kind = Kind::same;
  std::string text;
  bool operator==(const DiffLine&) const = default;
};

/// The fewest changes; where that would take long, because more than kDiffCells of lines lie between the first and the
/// last that differ, all of those are removed and added.
std::vector<DiffLine> diff_lines(std::string_view from, std::string_view to);

/// Lines of one text times lines of the other.
inline constexpr std::size_t kDiffCells = 4'000'000;

}  // namespace lazaret::admin
