// What the tool prints: lines and JSON on standard output, problems and progress on standard error, tables for people.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/status.h"
#include "lazaret/lazaret.h"

namespace lazaret::cli {

namespace json = boost::json;

// --- Standard output -------------------------------------------------------------------------------------------------

/// Writes and flushes; throws Error when standard output does not take it. When that is a pipe whose reader has gone,
/// nothing is reported from then on: ending is all that is left to do.
void print(std::string_view text);
void print_line(std::string_view text);
/// The reader of standard output has gone.
bool output_is_closed();
/// One line of compact JSON, with numbers as people write them (0.2, not 2E-1).
void print_json(const json::value& value);
std::string to_text(const json::value& value);

bool is_terminal(int fd);
/// Asks "delete 3 cases? [y/N]" on standard error, unless `yes`. Anything but yes is no, and throws CANCELLED. Where
/// nobody sits at standard input and standard error nobody can be asked, and silence is no answer: throws USAGE, which
/// names --yes.
void agree(bool yes, const std::string& question);
/// Text of a stranger with its control characters, and what turns the direction of text or is not to be seen, written
/// as \n, \x1b, \u202e and so on; with `keep_lines`, line feeds and tabs stay.
std::string printable(std::string_view text, bool keep_lines = false);
/// A field for people: "-" for null and "", printable text, numbers, and JSON for what is none of these.
std::string cell(const json::object& object, std::string_view name);
/// Columns on the screen, as far as characters of one column go.
std::size_t width_of(std::string_view text);
/// As much of it as so many columns show.
std::string cut(const std::string& text, std::size_t columns);
/// "3 messages", "1 message"
std::string counted(std::uint64_t count, std::string_view noun);

/// Rows in aligned columns. The last column is cut where a terminal ends.
class Table {
 public:
  explicit Table(std::initializer_list<std::string_view> titles);
  void add(std::vector<std::string> row);
  /// Prints the rows so far: of a long list each page, so that nothing has to wait for its end.
  void print();

 private:
  std::string line(const std::vector<std::string>& row) const;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<std::string>> rows_;
  std::size_t terminal_columns_ = 0;  // 0: not a terminal
};

/// Name and value of every field of an object, one a line; lists and objects as JSON.
void print_fields(const json::object& object);

// --- Problems --------------------------------------------------------------------------------------------------------

[[noreturn]] void fail(base::Code code, std::string text);
[[noreturn]] void fail(const base::Status& status);
Problem problem_of(const base::Status& status);
/// As the HTTP API writes it.
json::object problem_json(const Problem& problem);
/// The exit status of the error table.
int exit_of(const Problem& problem);
/// "NOT_FOUND: there is no queue orders"
std::string sentence_of(const Problem& problem);
/// On standard error: one object with `as_json`, else one line. `document`: the object as the HTTP API wrote it, which
/// may say more; empty: it is made of the problem.
void report(const Problem& problem, bool as_json, const json::object& document = {});

/// The worst of several problems: one that will not go away outranks one that may; of equals the first counts.
class Worst {
 public:
  void add(const Problem& problem);
  bool any() const { return exit_ != 0; }
  int exit_status() const { return exit_; }
  const Problem& problem() const { return problem_; }

 private:
  int exit_ = 0;
  Problem problem_;
};

/// One line on standard error that is written over and over; nothing when that is no terminal.
class Progress {
 public:
  explicit Progress(bool wanted = true);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void show(const std::string& text);
  void clear();

 private:
  const bool wanted_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace lazaret::cli
