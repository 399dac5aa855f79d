#include "admin/json_mask.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;

constexpr std::string_view kAny = "*";

/// One step of a pointer, ~1 and ~0 resolved; nullopt when there is another ~.
std::optional<std::string> unescaped(std::string_view step) {
  std::string text;
  for (std::size_t at = 0; at < step.size(); ++at) {
    if (step[at] != '~') {
      text += step[at];
      continue;
    }
    ++at;
    if (at == step.size() || (step[at] != '0' && step[at] != '1')) return std::nullopt;
    text += step[at] == '0' ? '~' : '/';
  }
  return text;
}

std::string escaped(std::string_view step) {
  std::string text;
  for (const char c : step) {
    if (c == '~') {
      text += "~0";
    } else if (c == '/') {
      text += "~1";
    } else {
      text += c;
    }
  }
  return text;
}

void append_utf8(std::string& text, std::uint32_t point) {
  if (point < 0x80) {
    text += static_cast<char>(point);
  } else if (point < 0x800) {
    text += static_cast<char>(0xC0 | point >> 6);
    text += static_cast<char>(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    text += static_cast<char>(0xE0 | point >> 12);
    text += static_cast<char>(0x80 | (point >> 6 & 0x3F));
    text += static_cast<char>(0x80 | (point & 0x3F));
  } else {
    text += static_cast<char>(0xF0 | point >> 18);
    text += static_cast<char>(0x80 | (point >> 12 & 0x3F));
    text += static_cast<char>(0x80 | (point >> 6 & 0x3F));
    text += static_cast<char>(0x80 | (point & 0x3F));
  }
}

/// Four digits behind `\u`; 0 where there are none.
std::uint32_t code_unit(std::string_view digits) {
  std::uint32_t unit = 0;
  for (const char c : digits.substr(0, 4)) {
    const bool is_digit = c >= '0' && c <= '9';
    unit = unit << 4 | static_cast<std::uint32_t>(is_digit ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return unit;
}

/// What the JSON string between these quotes says.
std::string string_of(std::string_view quoted) {
  std::string text;
  for (std::size_t at = 0; at < quoted.size(); ++at) {
    if (quoted[at] != '\\') {
      text += quoted[at];
      continue;
    }
    const char kind = ++at < quoted.size() ? quoted[at] : '\\';
    constexpr std::string_view kLetters = "bfnrt";
    constexpr std::string_view kMeant = "\b\f\n\r\t";
    if (const std::size_t which = kLetters.find(kind); which != std::string_view::npos) {
      text += kMeant[which];
    } else if (kind != 'u') {
      text += kind;
    } else {
      std::uint32_t point = code_unit(quoted.substr(std::min(at + 1, quoted.size())));
      at += 4;
      const bool is_pair = (point & 0xFC00) == 0xD800 && quoted.substr(std::min(at + 1, quoted.size()), 2) == "\\u";
      if (is_pair) {
        const std::uint32_t low = code_unit(quoted.substr(at + 3));
        point = 0x10000 + ((point & 0x3FF) << 10) + (low & 0x3FF);
        at += 6;
      }
      append_utf8(text, point);
    }
  }
  return text;
}

}  // namespace

/// One pass over a text. It goes down only where a path leads: no deeper than the longest of them.
class JsonWalk {
 public:
  JsonWalk(const JsonMask& mask, std::string_view text, const std::function<bool(const JsonMask::Found&)>& found)
      : mask_(mask), text_(text), found_(found) {}

  void run() {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < mask_.paths_.size(); ++i) all.push_back(i);
    blanks();
    value(0, all);
  }

 private:
  char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  /// Behind the string that begins here. What it says stands between the quotes.
  std::string_view string() {
    const std::size_t begin = ++at_;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    const std::size_t end = std::min(at_, text_.size());
    at_ = std::min(end + 1, text_.size());
    return text_.substr(begin, end - begin);
  }
  /// Behind the value that begins here, without a look into it.
  void skip() {
    std::size_t level = 0;
    do {
      const char c = here();
      if (c == '"') {
        string();
      } else if (c == '{' || c == '[') {
        ++level;
        ++at_;
      } else if (c == '}' || c == ']') {
        --level;
        ++at_;
      } else if (level > 0) {
        ++at_;
      } else {
        at_ = std::min(text_.find_first_of(",]} \t\r\n", at_), text_.size());
      }
    } while (level > 0 && at_ < text_.size());
  }

  /// A value to which these paths have led so far.
  void value(std::size_t depth, const std::vector<std::size_t>& paths) {
    if (here() == '{') return object(depth, paths);
    if (here() == '[') return array(depth, paths);
    skip();
  }

  void object(std::size_t depth, const std::vector<std::size_t>& paths) {
    ++at_;
    for (blanks(); !ended_ && here() == '"'; blanks()) {
      const std::string_view quoted = string();
      blanks();
      ++at_;  // the colon
      blanks();
      if (quoted.find('\\') == std::string_view::npos) {
        child(depth, paths, quoted);
      } else {
        child(depth, paths, string_of(quoted));
      }
      blanks();
      if (here() == ',') ++at_;
    }
    ++at_;
  }

  void array(std::size_t depth, const std::vector<std::size_t>& paths) {
    ++at_;
    std::size_t index = 0;
    for (blanks(); !ended_ && at_ < text_.size() && here() != ']'; blanks()) {
      child(depth, paths, std::to_string(index++));
      blanks();
      if (here() == ',') ++at_;
    }
    ++at_;
  }

  void child(std::size_t depth, const std::vector<std::size_t>& paths, std::string_view name) {
    std::vector<std::size_t> further;
    bool is_masked = false;
    for (const std::size_t i : paths) {
      const std::string& step = mask_.paths_[i][depth];
      if (step != kAny && step != name) continue;
      is_masked = is_masked || mask_.paths_[i].size() == depth + 1;
      further.push_back(i);
    }
    if (further.empty()) return skip();
    const std::size_t before = pointer_.size();
    pointer_ += "/" + escaped(name);
    if (is_masked) {
      const std::size_t begin = at_;
      skip();
      ended_ = !found_({pointer_, begin, at_});
    } else {
      value(depth + 1, further);
    }
    pointer_.resize(before);
  }

  const JsonMask& mask_;
  const std::string_view text_;
  const std::function<bool(const JsonMask::Found&)>& found_;
  std::size_t at_ = 0;
  std::string pointer_;
  bool ended_ = false;
};

Result<JsonMask> JsonMask::parse(const std::vector<std::string>& paths) {
  if (paths.size() > kPaths) {
    return Status(Code::BAD_REQUEST, "there are more than " + std::to_string(kPaths) + " paths");
  }
  JsonMask mask;
  for (const std::string& path : paths) {
    const auto wrong = [&path](std::string_view why) {
      return Status(Code::BAD_REQUEST, "\"" + path + "\" is no path: " + std::string(why));
    };
    if (!path.starts_with('/')) return wrong("it must begin with /, as /card/number does");
    if (path.size() > kPathBytes) return wrong("it has more than " + std::to_string(kPathBytes) + " bytes");
    Steps steps;
    for (std::size_t at = 0; at < path.size();) {
      const std::size_t end = std::min(path.find('/', at + 1), path.size());
      auto step = unescaped(std::string_view(path).substr(at + 1, end - at - 1));
      if (!step) return wrong("~ stands for itself as ~0, and / as ~1");
      steps.push_back(std::move(*step));
      at = end;
    }
    if (steps.size() > kPathSteps) return wrong("it has more than " + std::to_string(kPathSteps) + " steps");
    mask.paths_.push_back(std::move(steps));
  }
  return mask;
}

void JsonMask::find(std::string_view text, const std::function<bool(const Found&)>& found) const {
  if (!empty()) JsonWalk(*this, text, found).run();
}

std::string JsonMask::covered(std::string_view text, std::string& hidden) const {
  std::string out;
  std::size_t from = 0;
  find(text, [&](const Found& one) {
    out.append(text.substr(from, one.begin - from)).append(kMaskedJson);
    hidden.append(text.substr(one.begin, one.end - one.begin)).append("\n");
    from = one.end;
    return true;
  });
  return out.append(text.substr(from));
}

Result<std::string> JsonMask::uncovered(std::string_view before, std::string_view after) const {
  std::map<std::string, std::deque<std::string_view>> kept;
  std::size_t left = 0;
  find(before, [&](const Found& one) {
    kept[one.pointer].push_back(before.substr(one.begin, one.end - one.begin));
    return ++left <= kUncovered;
  });
  if (left > kUncovered) {
    return Status(Code::BAD_REQUEST, "the body has more than " + std::to_string(kUncovered) +
                                         " masked values, too many to be edited around");
  }
  std::string out;
  std::size_t from = 0;
  Status status;
  find(after, [&](const Found& one) {
    const auto old = kept.find(one.pointer);
    const bool is_known = old != kept.end() && !old->second.empty();
    if (!is_known || after.substr(one.begin, one.end - one.begin) != kMaskedJson) {
      status = Status(Code::BAD_REQUEST, one.pointer + " is masked: it " +
                                             (is_known ? "stays as it is, given as \"***\"" : "cannot be added"));
      return false;
    }
    out.append(after.substr(from, one.begin - from)).append(old->second.front());
    old->second.pop_front();
    from = one.end;
    return true;
  });
  if (!status.ok()) return status;
  for (const auto& [pointer, values] : kept) {
    if (!values.empty()) return Status(Code::BAD_REQUEST, pointer + " is masked: it cannot be taken out");
  }
  return out.append(after.substr(from));
}

}  // namespace lazaret::admin
