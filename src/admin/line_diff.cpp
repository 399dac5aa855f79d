#include "admin/line_diff.h"

#include <algorithm>
#include <cstdint>

namespace lazaret::admin {
namespace {

using Lines = std::vector<std::string_view>;
using Kind = DiffLine::Kind;

Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return lines;
}

/// By the longest common part, of stretches that begin and end with what differs.
void diff_middle(const Lines& from, const Lines& to, std::vector<DiffLine>& out) {
  const auto add = [&out](Kind kind, std::string_view line) { out.push_back({kind, std::string(line)}); };
  if (from.size() * to.size() > kDiffCells) {
    for (const std::string_view line : from) add(Kind::removed, line);
    for (const std::string_view line : to) add(Kind::added, line);
    return;
  }
  // common[i][j]: of what lies behind line i and line j.
  const std::size_t width = to.size() + 1;
  std::vector<std::uint32_t> common((from.size() + 1) * width, 0);
  for (std::size_t i = from.size(); i-- > 0;) {
    for (std::size_t j = to.size(); j-- > 0;) {
      common[i * width + j] = from[i] == to[j] ? common[(i + 1) * width + j + 1] + 1
                                               : std::max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < from.size() || j < to.size()) {
    if (i < from.size() && j < to.size() && from[i] == to[j]) {
      add(Kind::same, from[i++]);
      ++j;
    } else if (j == to.size() || (i < from.size() && common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      add(Kind::removed, from[i++]);
    } else {
      add(Kind::added, to[j++]);
    }
  }
}

}  // namespace

std::vector<DiffLine> diff_lines(std::string_view from_text, std::string_view to_text) {
  const Lines from = lines_of(from_text);
  const Lines to = lines_of(to_text);
  std::size_t head = 0;
  while (head < from.size() && head < to.size() && from[head] == to[head]) ++head;
  std::size_t tail = 0;
  while (tail < from.size() - head && tail < to.size() - head &&
         from[from.size() - 1 - tail] == to[to.size() - 1 - tail]) {
    ++tail;
  }
  std::vector<DiffLine> out;
  for (std::size_t i = 0; i < head; ++i) out.push_back({Kind::same, std::string(from[i])});
  const auto middle = [&](const Lines& lines) {
    return Lines(lines.begin() + static_cast<std::ptrdiff_t>(head), lines.end() - static_cast<std::ptrdiff_t>(tail));
  };
  diff_middle(middle(from), middle(to), out);
  for (std::size_t i = from.size() - tail; i < from.size(); ++i) out.push_back({Kind::same, std::string(from[i])});
  return out;
}

}  // namespace lazaret::admin
