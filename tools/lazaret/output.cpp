#include "output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <iostream>
#include <iterator>

#include <boost/json/serialize.hpp>

#include "base/text_encoding.h"

namespace lazaret::cli {
namespace {

using base::Code;

void append(std::string& text, const json::value& value) {
  if (const auto* object = value.if_object()) {
    text += '{';
    for (const auto& [name, field] : *object) {
      if (text.back() != '{') text += ',';
      text += json::serialize(json::value(name));
      text += ':';
      append(text, field);
    }
    text += '}';
  } else if (const auto* array = value.if_array()) {
    text += '[';
    for (const json::value& item : *array) {
      if (&item != array->data()) text += ',';
      append(text, item);
    }
    text += ']';
  } else if (const auto* number = value.if_double()) {
    char digits[32];
    text.append(digits, std::to_chars(std::begin(digits), std::end(digits), *number).ptr);
  } else {
    text += json::serialize(value);
  }
}

std::size_t columns_of_terminal() {
  winsize size{};
  if (!is_terminal(STDOUT_FILENO) || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

/// Of the character that begins here. REQUIRES UTF-8.
std::size_t bytes_at(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

std::uint32_t point_at(std::string_view text, std::size_t at, std::size_t bytes) {
  constexpr unsigned char kMeant[] = {0x7F, 0x1F, 0x0F, 0x07};
  std::uint32_t point = static_cast<unsigned char>(text[at]) & kMeant[bytes - 1];
  for (std::size_t i = 1; i < bytes; ++i) point = point << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3F);
  return point;
}

/// Characters that are not shown but do something to what is: control characters, and of Unicode's format characters
/// those that turn the direction of the text, separate lines, or are nowhere to be seen. U+200C and U+200D stay: some
/// scripts cannot be written without them.
bool acts_on_a_terminal(std::uint32_t point) {
  constexpr std::pair<std::uint32_t, std::uint32_t> kRanges[] = {
      {0x00, 0x1F},     {0x7F, 0x9F},     {0xAD, 0xAD},     {0x61C, 0x61C},   {0x180E, 0x180E}, {0x200B, 0x200B},
      {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F},
  };
  return std::any_of(std::begin(kRanges), std::end(kRanges),
                     [point](const auto& range) { return range.first <= point && point <= range.second; });
}

/// \x1b, \u202e, \U000e0041: as long as it must be.
void append_escaped(std::string& out, std::uint32_t point) {
  constexpr char kHex[] = "0123456789abcdef";
  const int digits = point < 0x100 ? 2 : point < 0x10000 ? 4 : 8;
  out += {'\\', digits == 2 ? 'x' : digits == 4 ? 'u' : 'U'};
  for (int digit = digits - 1; digit >= 0; --digit) out += kHex[point >> (4 * digit) & 15];
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

std::atomic<bool> reader_is_gone = false;

void write_error(const std::string& text) {
  // Nowhere to tell that standard error does not take it.
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

// --- Standard output -------------------------------------------------------------------------------------------------

void print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written > 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      if (errno == EPIPE) reader_is_gone = true;
      fail(Code::STORAGE_FAILED, std::string("cannot write to standard output: ") + std::strerror(errno));
    }
  }
}

bool output_is_closed() { return reader_is_gone; }

void print_line(std::string_view text) { print(std::string(text) + "\n"); }

void print_json(const json::value& value) { print_line(to_text(value)); }

std::string to_text(const json::value& value) {
  std::string text;
  append(text, value);
  return text;
}

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

void agree(bool yes, const std::string& question) {
  if (yes) return;
  if (!is_terminal(STDIN_FILENO) || !is_terminal(STDERR_FILENO)) {
    fail(Code::USAGE,
         "this would " + question + ", and there is no terminal to ask on: say --yes. Nothing was changed");
  }
  write_error(question + "? [y/N] ");
  std::string answer;
  std::getline(std::cin, answer);
  if (answer != "y" && answer != "Y" && answer != "yes") fail(Code::CANCELLED, "nothing was changed");
}

std::string printable(std::string_view text, bool keep_lines) {
  const std::string valid = base::to_utf8(text);
  std::string out;
  for (std::size_t at = 0; at < valid.size();) {
    const std::size_t bytes = bytes_at(valid, at);
    const std::uint32_t point = point_at(valid, at, bytes);
    const bool is_kept = keep_lines && (point == '\n' || point == '\t');
    if (is_kept || !acts_on_a_terminal(point)) {
      out.append(valid, at, bytes);
    } else if (point == '\n' || point == '\t') {
      out += point == '\n' ? "\\n" : "\\t";
    } else {
      append_escaped(out, point);
    }
    at += bytes;
  }
  return out;
}

std::string cell(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return "-";
  if (!value->is_string()) return printable(to_text(*value));
  const std::string text = printable(std::string_view(value->get_string()));
  return text.empty() ? "-" : text;
}

std::size_t width_of(std::string_view text) {
  return text.size() - static_cast<std::size_t>(std::count_if(text.begin(), text.end(), is_continuation));
}

std::string cut(const std::string& text, std::size_t columns) {
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end) {
    if (!is_continuation(text[end]) && ++seen > columns) break;
  }
  return text.substr(0, end);
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

Table::Table(std::initializer_list<std::string_view> titles) : terminal_columns_(columns_of_terminal()) {
  add(std::vector<std::string>(titles.begin(), titles.end()));
}

void Table::add(std::vector<std::string> row) {
  widths_.resize(std::max(widths_.size(), row.size()));
  for (std::size_t i = 0; i < row.size(); ++i) widths_[i] = std::max(widths_[i], width_of(row[i]));
  rows_.push_back(std::move(row));
}

std::string Table::line(const std::vector<std::string>& row) const {
  std::string text;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i > 0) text += "  ";
    text += row[i];
    if (i + 1 < row.size()) text.append(widths_[i] - width_of(row[i]), ' ');
  }
  return terminal_columns_ > 0 ? cut(text, terminal_columns_) : text;
}

void Table::print() {
  std::string text;
  for (const auto& row : rows_) text += line(row) + "\n";
  rows_.clear();
  cli::print(text);
}

void print_fields(const json::object& object) {
  std::size_t width = 0;
  for (const auto& field : object) width = std::max(width, field.key().size());
  std::string text;
  for (const auto& field : object) {
    const std::string name(field.key());
    text += name + std::string(width + 2 - name.size(), ' ') + cell(object, name) + "\n";
  }
  print(text);
}

// --- Problems --------------------------------------------------------------------------------------------------------

void fail(Code code, std::string text) { fail(base::Status(code, std::move(text))); }

void fail(const base::Status& status) {
  throw Error(make_error_code(static_cast<errc>(status.code())), problem_of(status));
}

Problem problem_of(const base::Status& status) {
  const base::ErrorInfo& info = base::error_info(status.code());
  return {.code = std::string(info.name),
          .fault = std::string(base::to_string(info.fault)),
          .retry = std::string(base::to_string(info.retry)),
          .retry_after = milliseconds(status.retry_after_ms()),
          .text = status.text(),
          .limit = status.limit(),
          .value = status.limit_value()};
}

json::object problem_json(const Problem& problem) {
  const base::ErrorInfo* info = base::find_error(problem.code);
  if (info == nullptr) info = &base::error_info(Code::INTERNAL);
  json::object out{{"type", "urn:lazaret:error:" + problem.code},
                   {"title", info->sentence},
                   {"status", info->http},
                   {"detail", base::to_utf8(problem.text)},
                   {"code", problem.code},
                   {"fault", problem.fault},
                   {"retry", problem.retry}};
  if (problem.retry_after.count() > 0) out["retry_after_ms"] = problem.retry_after.count();
  if (!problem.limit.empty()) {
    out["limit"] = problem.limit;
    out["value"] = problem.value;
  }
  return out;
}

int exit_of(const Problem& problem) {
  const base::ErrorInfo* info = base::find_error(problem.code);
  return info == nullptr ? 1 : info->exit;
}

std::string sentence_of(const Problem& problem) { return problem.code + ": " + printable(problem.text); }

void report(const Problem& problem, bool as_json, const json::object& document) {
  if (output_is_closed()) return;
  const auto object = [&] { return to_text(document.empty() ? problem_json(problem) : document); };
  write_error((as_json ? object() : "lazaret: " + sentence_of(problem)) + "\n");
}

void Worst::add(const Problem& problem) {
  const int exit = exit_of(problem);
  const auto may_pass = [](int status) { return status == 75 || status == 69; };
  if (exit_ != 0 && (!may_pass(exit_) || may_pass(exit))) return;
  exit_ = exit;
  problem_ = problem;
}

Progress::Progress(bool wanted) : wanted_(wanted && is_terminal(STDERR_FILENO)) {}

Progress::~Progress() { clear(); }

void Progress::show(const std::string& text) {
  constexpr auto kOften = std::chrono::milliseconds(100);
  const auto now = std::chrono::steady_clock::now();
  if (!wanted_ || now - last_ < kOften) return;
  last_ = now;
  shown_ = true;
  write_error("\r\x1b[K" + printable(text));
}

void Progress::clear() {
  if (shown_) write_error("\r\x1b[K");
  shown_ = false;
}

}  // namespace lazaret::cli
