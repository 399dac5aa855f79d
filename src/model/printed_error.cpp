#include "model/printed_error.h"

#include <algorithm>
#include <vector>

#include "model/fingerprint.h"
#include "model/text_scan.h"

namespace lazaret::model {
namespace {

/// A message of several lines stands between the line that names the error and the first function.
constexpr std::size_t kMessageLines = 16;
/// Go prints what else panicked, and the signal, before it prints who did.
constexpr std::size_t kLinesToGoroutine = 32;

bool belongs_to_type(char c) {
  return is_letter(c) || is_digit(c) || c == '_' || c == '.' || c == '$' || (static_cast<unsigned char>(c) & 0x80) != 0;
}

bool is_indented(std::string_view line) { return line.starts_with(' ') || line.starts_with('\t'); }

/// One that no line of a log begins with: many have the form of an error, but not its name.
bool names_an_error(std::string_view type) {
  type = type.substr(0, type.find(" ["));
  for (const std::string_view end : {"Error", "Exception", "Throwable"}) {
    if (type.ends_with(end)) return true;
  }
  const std::size_t dot = type.rfind('.');
  return dot != std::string_view::npos && dot + 1 < type.size() && type[dot + 1] >= 'A' && type[dot + 1] <= 'Z';
}

/// "INFO: started": the levels of logs.
bool is_a_level(std::string_view type) {
  return std::none_of(type.begin(), type.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

struct Named {
  std::string_view type, message;
};

/// "KeyError: 'total'", "java.lang.NullPointerException", "TypeError [ERR_INVALID_ARG_TYPE]: no text".
std::optional<Named> named(std::string_view line) {
  if (line.empty() || is_digit(line.front())) return std::nullopt;
  std::size_t end = 0;
  while (end < line.size() && belongs_to_type(line[end])) ++end;
  if (end == 0) return std::nullopt;
  if (line.substr(end).starts_with(" [")) {
    const std::size_t close = line.find(']', end);
    if (close == std::string_view::npos) return std::nullopt;
    end = close + 1;
  }
  const std::string_view rest = line.substr(end);
  if (rest.empty()) return Named{line, {}};
  if (rest.front() != ':' || (rest.size() > 1 && rest[1] != ' ')) return std::nullopt;
  return Named{line.substr(0, end), trimmed(rest.substr(1))};
}

/// `Exception in thread "main" java.lang.X: …`, "Unhandled exception. System.X: …".
std::string_view without_introduction(std::string_view line) {
  if (take_prefix(line, "Exception in thread \"")) {
    const std::size_t quote = line.find("\" ");
    return quote == std::string_view::npos ? std::string_view() : line.substr(quote + 2);
  }
  for (const std::string_view words : {"Unhandled exception. ", "Unhandled Exception: ", "Uncaught ", "Caused by: "}) {
    if (take_prefix(line, words)) break;
  }
  return line;
}

/// Reads a text from its first line to its last, and keeps the newest error that it met.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {
    for (std::string_view rest = text; !rest.empty();) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      std::string_view line = rest.substr(0, end);
      while (line.ends_with('\r')) line.remove_suffix(1);
      lines_.push_back(line);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }

  std::optional<PrintedError> run() {
    while (at_ < lines_.size()) {
      const bool taken = take_python() || take_at() || take_go() || take_ruby() || take_rust() || take_cpp();
      if (!taken) ++at_;
    }
    return found_;
  }

 private:
  std::string_view line(std::size_t at) const { return at < lines_.size() ? lines_[at] : std::string_view(); }
  std::size_t offset_of(std::size_t at) const { return static_cast<std::size_t>(lines_[at].data() - text_.data()); }

  /// The stack, or the chain of them, ends before the line `next`.
  bool found(const Named& error, std::size_t first, std::size_t next, bool python = false) {
    found_ = PrintedError{error.type, error.message, first};
    floor_ = at_ = next;
    python_ = python;
    return true;
  }

  bool follows_another_of_python() const {
    if (!python_) return false;
    std::size_t before = at_;
    while (before > floor_ && line(before - 1).empty()) --before;
    if (before == floor_) return false;
    const std::string_view words = line(before - 1);
    return words == "During handling of the above exception, another exception occurred:" ||
           words == "The above exception was the direct cause of the following exception:";
  }

  /// What is not indented ends the functions, and names the error.
  bool take_python() {
    if (!line(at_).ends_with("Traceback (most recent call last):")) return false;
    std::size_t end = at_ + 1;
    while (end < lines_.size() && is_indented(line(end))) ++end;
    const auto error = end == at_ + 1 ? std::nullopt : named(line(end));
    if (!error) return false;
    const std::size_t first = follows_another_of_python() ? found_->begins : offset_of(at_);
    return found(*error, first, end + 1, true);
  }

  static bool is_at(std::string_view line) { return is_indented(line) && trimmed(line).starts_with("at "); }
  static bool joins_at(std::string_view line) {
    const std::string_view words = trimmed(line);
    for (const std::string_view begin : {"Caused by: ", "Suppressed: ", "... ", "--- End of ", "---> "}) {
      if (words.starts_with(begin)) return true;
    }
    return false;
  }

  struct Head {
    std::size_t line = 0;
    Named error;
  };

  /// The line before the first function, or further up, when it has the name of an error.
  std::optional<Head> head_before(std::size_t functions) const {
    for (std::size_t up = 1; up <= kMessageLines && functions >= floor_ + up; ++up) {
      const std::string_view words = without_introduction(line(functions - up));
      const auto error = named(words);
      if (!error) continue;
      const bool near = up == 1 && !error->message.empty() && !is_a_level(error->type);
      if (near || names_an_error(error->type)) return Head{functions - up, *error};
    }
    return std::nullopt;
  }

  /// Java, JavaScript and .NET: "at NAME(PLACE)", indented.
  bool take_at() {
    if (!is_at(line(at_))) return false;
    const auto head = head_before(at_);
    std::size_t end = at_ + 1;
    while (end < lines_.size() && (is_at(line(end)) || joins_at(line(end)))) ++end;
    const std::size_t from = offset_of(at_);
    const std::size_t to = end < lines_.size() ? offset_of(end) : text_.size();
    if (!head || top_frames(text_.substr(from, to - from)).empty()) {
      floor_ = at_ = end;
      return true;
    }
    // The cause, whose message has several lines: the error that came out stands before it.
    if (found_ && line(head->line).starts_with("Caused by: ")) {
      floor_ = at_ = end;
      return true;
    }
    return found(head->error, offset_of(head->line), end);
  }

  bool take_go() {
    for (const std::string_view type : {"panic", "fatal error"}) {
      std::string_view message = line(at_);
      if (!take_prefix(message, type) || !take_prefix(message, ": ")) continue;
      for (std::size_t next = at_ + 1; next <= at_ + kLinesToGoroutine && next < lines_.size(); ++next) {
        if (!line(next).starts_with("goroutine ") || !line(next).ends_with("]:")) continue;
        return found({line(at_).substr(0, type.size()), trimmed(message)}, offset_of(at_), next + 1);
      }
    }
    return false;
  }

  /// "ledger.rb:12:in 'post': no total (KeyError)", with ` in place of the first ' before Ruby 3.4.
  bool take_ruby() {
    const std::string_view words = line(at_);
    const std::size_t in = words.find(":in ");
    if (in == 0 || in == std::string_view::npos || !is_digit(words[in - 1]) || !words.ends_with(')')) return false;
    const std::size_t quoted = in + 4;
    if (quoted >= words.size() || (words[quoted] != '\'' && words[quoted] != '`')) return false;
    const std::size_t message = words.find("': ", quoted + 1);
    const std::size_t type = words.rfind(" (");
    if (message == std::string_view::npos || type == std::string_view::npos || type < message + 2) return false;
    const std::string_view name = words.substr(type + 2, words.size() - type - 3);
    if (name.empty() || name.front() < 'A' || name.front() > 'Z') return false;
    const std::size_t begin = std::min(message + 3, type);
    return found({name, trimmed(words.substr(begin, type - begin))}, offset_of(at_), at_ + 1);
  }

  /// "thread 'main' panicked at src/main.rs:5:10:" and the message on the next line, or before Rust 1.73
  /// "thread 'main' panicked at 'message', src/main.rs:5:10".
  bool take_rust() {
    constexpr std::string_view kPanicked = "panicked at ";
    std::string_view words = line(at_);
    if (!words.starts_with("thread '")) return false;
    const std::size_t panicked = words.find(kPanicked);
    if (panicked == std::string_view::npos) return false;
    const std::string_view type = words.substr(panicked, std::string_view("panic").size());
    words.remove_prefix(panicked + kPanicked.size());
    if (words.ends_with(':')) return found({type, trimmed(line(at_ + 1))}, offset_of(at_), at_ + 2);
    const std::size_t quote = words.rfind("', ");
    if (!words.starts_with('\'') || quote == std::string_view::npos || quote == 0) return false;
    return found({type, words.substr(1, quote - 1)}, offset_of(at_), at_ + 1);
  }

  /// What the runtime says of an exception that nobody caught, and "==12==ERROR: AddressSanitizer: …".
  bool take_cpp() {
    constexpr std::string_view kThrown = "terminate called after throwing an instance of '";
    constexpr std::string_view kError = "==ERROR: ";
    std::string_view words = line(at_);
    if (take_prefix(words, kThrown)) {
      const std::string_view type = words.substr(0, words.rfind('\''));
      std::string_view what = trimmed(line(at_ + 1));
      if (!take_prefix(what, "what():")) return found({type, {}}, offset_of(at_), at_ + 1);
      return found({type, trimmed(what)}, offset_of(at_), at_ + 2);
    }
    const std::size_t error = words.find(kError);
    if (!words.starts_with("==") || error == std::string_view::npos) return false;
    const auto what = named(words.substr(error + kError.size()));
    return what && found(*what, offset_of(at_), at_ + 1);
  }

  const std::string_view text_;
  std::vector<std::string_view> lines_;
  std::size_t at_ = 0;
  std::size_t floor_ = 0;  // lines before it belong to a stack that was met
  bool python_ = false;    // the newest is one of Python
  std::optional<PrintedError> found_;
};

}  // namespace

std::optional<PrintedError> printed_error(std::string_view text) { return Reader(text).run(); }

}  // namespace lazaret::model
