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

constexpr std::string_view kBlanks = " \t\r\n";

/// The same JSON without the blanks between its parts: how it is laid out says nothing.
std::string without_blanks(std::string_view text) {
  std::string out;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (!in_string && kBlanks.find(c) != std::string_view::npos) continue;
    out += c;
    if (in_string && c == '\\' && at + 1 < text.size()) {
      out += text[++at];
    } else if (c == '"') {
      in_string = !in_string;
    }
  }
  return out;
}

/// Where values stand in a text that hold something masked, in its order: the elements of one array (under its pointer
/// and a / behind it), and the members of one name (under their pointer), which are several only where an object has
/// that name several times.
using Holders = std::map<std::string, std::vector<std::pair<std::size_t, std::size_t>>>;

/// What those of one place show, in their order.
std::vector<std::string> seen_of(std::string_view text, const Holders::mapped_type& places) {
  std::vector<std::string> seen;
  for (const auto& [begin, end] : places) seen.push_back(without_blanks(text.substr(begin, end - begin)));
  return seen;
}

/// Whether each that holds something masked is still the one that it was. What changes alone, and not into what another
/// one is, can be no other; of two that change nobody can say whether they have changed places.
bool are_the_same(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  if (before.size() != after.size()) return false;
  std::optional<std::size_t> changed;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] == after[i]) continue;
    if (changed) return false;
    changed = i;
  }
  return !changed || std::find(before.begin(), before.end(), after[*changed]) == before.end();
}

}  // namespace

/// One pass over a text. It goes down only where a path leads: no deeper than the longest of them.
class JsonWalk {
 public:
  JsonWalk(const JsonMask& mask, std::string_view text, const std::function<bool(const JsonMask::Found&)>& found,
           Holders* holders = nullptr)
      : mask_(mask), text_(text), found_(found), holders_(holders) {}

  void run() {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < mask_.paths_.size(); ++i) all.push_back(i);
    blanks();
    value(0, all);
  }

 private:
  char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void blanks() {
    while (at_ < text_.size() && kBlanks.find(text_[at_]) != std::string_view::npos) ++at_;
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
        child(depth, paths, quoted, false);
      } else {
        child(depth, paths, string_of(quoted), false);
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
      child(depth, paths, std::to_string(index++), true);
      blanks();
      if (here() == ',') ++at_;
    }
    ++at_;
  }

  void child(std::size_t depth, const std::vector<std::size_t>& paths, std::string_view name, bool in_array) {
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
    const std::size_t begin = at_;
    if (is_masked) {
      skip();
      ++count_;
      ended_ = !found_({pointer_, begin, at_});
    } else {
      const std::size_t count = count_;
      value(depth + 1, further);
      const bool holds = holders_ != nullptr && count_ > count;
      if (holds) (*holders_)[in_array ? pointer_.substr(0, before) + "/" : pointer_].emplace_back(begin, at_);
    }
    pointer_.resize(before);
  }

  const JsonMask& mask_;
  const std::string_view text_;
  const std::function<bool(const JsonMask::Found&)>& found_;
  Holders* const holders_;  // null: nobody asks
  std::size_t count_ = 0;   // found so far
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
  if (status = check_places(before, after); !status.ok()) return status;
  return out.append(after.substr(from));
}

/// REQUIRES the same masked places in both.
Status JsonMask::check_places(std::string_view before, std::string_view after) const {
  std::string hidden;
  const std::string seen_before = covered(before, hidden);
  const std::function<bool(const Found&)> go_on = [](const Found&) { return true; };
  Holders old_places;
  Holders new_places;
  JsonWalk(*this, seen_before, go_on, &old_places).run();
  JsonWalk(*this, after, go_on, &new_places).run();
  for (const auto& [place, values] : old_places) {
    if (values.size() < 2 && new_places[place].size() < 2) continue;
    if (are_the_same(seen_of(seen_before, values), seen_of(after, new_places[place]))) continue;
    const std::string name = place.ends_with('/') ? place.substr(0, place.size() - 1) : place;
    return Status(Code::BAD_REQUEST, (name.empty() ? "the body" : name) +
                                         " has several values that hold something masked: one of them is changed at a "
                                         "time, and not into what another is, so that what is masked stays where it "
                                         "belongs");
  }
  return {};
}

}  // namespace lazaret::admin
