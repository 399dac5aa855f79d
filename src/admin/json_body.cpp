#include "admin/json_body.h"

#include <cctype>
#include <charconv>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/object.hpp>

#include "admin/json_text.h"
#include "base/json_layout.h"
#include "base/text_encoding.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Status;
using boost::system::error_code;

/// Of a decimal number so many digits are kept by a double, whichever they are.
constexpr std::size_t kDigitsOfDouble = 15;

/// What a parser has to tell of a text, to nobody.
struct Nobody {
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return true; }
  bool on_object_end(std::size_t, error_code&) { return true; }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t, error_code&) { return true; }
  bool on_key_part(json::string_view, std::size_t, error_code&) { return true; }
  bool on_key(json::string_view, std::size_t, error_code&) { return true; }
  bool on_string_part(json::string_view, std::size_t, error_code&) { return true; }
  bool on_string(json::string_view, std::size_t, error_code&) { return true; }
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t, json::string_view, error_code&) { return true; }
  bool on_uint64(std::uint64_t, json::string_view, error_code&) { return true; }
  bool on_double(double, json::string_view, error_code&) { return true; }
  bool on_bool(bool, error_code&) { return true; }
  bool on_null(error_code&) { return true; }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// Whether a number is the same when it has been an integer of 64 bits or a double in between.
bool survives(std::string_view number) {
  std::int64_t whole = 0;
  std::uint64_t positive = 0;
  const char* end = number.data() + number.size();
  if (const auto read = std::from_chars(number.data(), end, whole); read.ec == std::errc() && read.ptr == end) {
    return number != "-0";
  }
  if (const auto read = std::from_chars(number.data(), end, positive); read.ec == std::errc() && read.ptr == end) {
    return true;
  }
  std::size_t digits = 0;
  const std::string_view mantissa = number.substr(0, number.find_first_of("eE"));
  for (const char c : mantissa) {
    const bool leading = digits == 0 && c == '0';
    if (c >= '0' && c <= '9' && !leading) ++digits;
  }
  return digits <= kDigitsOfDouble;
}

/// The first number of the text that would not; "": none. REQUIRES JSON.
std::string_view fragile_number(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '"') {
      at = base::end_of_json_string(text, at);
    } else if (text[at] == '-' || (text[at] >= '0' && text[at] <= '9')) {
      const std::size_t end = std::min(text.find_first_not_of("+-.0123456789eE", at), text.size());
      if (!survives(text.substr(at, end - at))) return text.substr(at, end - at);
      at = end;
    } else {
      ++at;
    }
  }
  return {};
}

/// Behind the value that begins at `at`. REQUIRES JSON.
std::size_t end_of_value(std::string_view text, std::size_t at) {
  std::size_t level = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = base::end_of_json_string(text, at);
    } else if (c == '{' || c == '[') {
      ++level;
      ++at;
      continue;
    } else if (c == '}' || c == ']') {
      if (level > 0) --level;
      ++at;
    } else if (is_blank(c) || c == ',' || c == ':') {
      ++at;
      continue;
    } else {
      at = std::min(text.find_first_of(" \t\r\n,:]}", at), text.size());
    }
    if (level == 0) return at;
  }
  return at;
}

/// The first number that would not survive, of those that a merge leaves as they are; "": none. REQUIRES JSON, with no
/// blanks before it.
std::string_view fragile_number_left(std::string_view text, const json::value& patch) {
  if (!patch.is_object() || text.empty() || text.front() != '{') return {};  // it is replaced as a whole
  constexpr std::string_view kBetween = " \t\r\n,:";
  for (std::size_t at = text.find_first_not_of(kBetween, 1); at < text.size() && text[at] == '"';) {
    std::size_t end = base::end_of_json_string(text, at);
    const auto name = parse_json(text.substr(at, end - at), 1);
    at = text.find_first_not_of(kBetween, end);
    if (!name.ok() || at == std::string_view::npos) return {};
    end = end_of_value(text, at);
    const std::string_view value = text.substr(at, end - at);
    const json::value* change = patch.get_object().if_contains(name->get_string());
    const auto found = change == nullptr ? fragile_number(value) : fragile_number_left(value, *change);
    if (!found.empty()) return found;
    at = text.find_first_not_of(kBetween, end);
  }
  return {};
}

/// Looks for a name that stands twice in one object of what a merge leaves, or merges with: of two members of one name
/// the parser keeps the last.
class NamesLeft : public Nobody {
 public:
  explicit NamesLeft(const json::value& patch) : change_(&patch) {}
  const std::string& twice() const { return twice_; }
  bool found() const { return found_; }

  bool on_object_begin(error_code&) {
    const bool goes = goes_ || (change_ != nullptr && !change_->is_object());
    open_.push_back({true, goes, change_ == nullptr || goes ? nullptr : &change_->get_object(), {}});
    return true;
  }
  bool on_object_end(std::size_t, error_code&) { return close(); }
  /// What is merged into a list takes its place.
  bool on_array_begin(error_code&) {
    open_.push_back({false, goes_ || change_ != nullptr, nullptr, {}});
    begin_element();
    return true;
  }
  bool on_array_end(std::size_t, error_code&) { return close(); }
  bool on_key_part(json::string_view part, std::size_t, error_code&) {
    name_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, error_code&) {
    name_.append(part.data(), part.size());
    Open& object = open_.back();
    change_ = object.changes == nullptr ? nullptr : object.changes->if_contains(name_);
    goes_ = object.goes;
    if (!goes_ && !object.names.insert(name_).second && !found_) {
      found_ = true;
      twice_ = name_;
    }
    name_.clear();
    return true;
  }

 private:
  struct Open {
    bool is_object = false;
    bool goes = false;                      // something else takes its place
    const json::object* changes = nullptr;  // what is merged into it
    std::set<std::string> names;
  };
  bool close() {
    open_.pop_back();
    if (!open_.empty() && !open_.back().is_object) begin_element();
    return true;
  }
  void begin_element() {
    change_ = nullptr;
    goes_ = open_.back().goes;
  }

  std::vector<Open> open_;
  std::string name_;
  // Of the value that comes next.
  const json::value* change_;
  bool goes_ = false;
  bool found_ = false;
  std::string twice_;
};

/// nullopt: there is none. REQUIRES JSON.
std::optional<std::string> name_twice(std::string_view text, const json::value& patch) {
  json::parse_options options;
  options.max_depth = kMergeDepth;
  json::basic_parser<NamesLeft> parser(options, patch);
  error_code error;
  parser.write_some(false, text.data(), text.size(), error);
  return parser.handler().found() ? std::optional(parser.handler().twice()) : std::nullopt;
}

void merge(json::value& target, const json::value& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target.emplace_object();
  for (const auto& [name, value] : patch.get_object()) {
    if (value.is_null()) {
      target.get_object().stable_erase(name);
    } else {
      merge(target.get_object()[name], value);
    }
  }
}

}  // namespace

bool is_json_type(std::string_view content_type) {
  std::string type;
  for (const char c : content_type.substr(0, content_type.find(';'))) {
    if (!is_blank(c)) type += lower(c);
  }
  return type == "application/json" || type.ends_with("+json");
}

bool is_json_text(std::string_view text) {
  json::parse_options options;
  options.max_depth = kBodyDepth;
  json::basic_parser<Nobody> parser(options);
  error_code error;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
  if (error || !parser.done()) return false;
  return text.find_first_not_of(" \t\r\n", read) == std::string_view::npos;
}

std::size_t members_in(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '"') {
      at = base::end_of_json_string(text, at);
    } else if (text[at++] == ':') {
      ++count;
    }
  }
  return count;
}

std::string with_signed_zeros(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const bool is_text = text[at] == '"';
    const bool is_number = text[at] == '-' || (text[at] >= '0' && text[at] <= '9');
    std::size_t end = at + 1;
    if (is_text) end = base::end_of_json_string(text, at);
    if (is_number) end = std::min(text.find_first_not_of("+-.0123456789eE", at), text.size());
    const std::string_view part = text.substr(at, end - at);
    out += part == "-0" ? "-0.0" : part;
    at = end;
  }
  return out;
}

base::Result<std::string> merged(std::string_view body, const json::value& patch, std::size_t most) {
  if (body.size() > most) {
    return Status(Code::INVALID_BODY,
                  "the body has " + std::to_string(body.size()) + " bytes: too many for a merge, send it as a whole")
        .with_limit("merge_bytes", static_cast<std::int64_t>(most));
  }
  auto value = parse_json(body, kMergeDepth, kMergeMemory);
  if (!value.ok()) return Status(Code::INVALID_BODY, "the body of the message: " + value.status().text());
  const std::size_t begin = std::min(body.find_first_not_of(" \t\r\n"), body.size());
  if (const auto number = fragile_number_left(body.substr(begin), patch); !number.empty()) {
    return Status(Code::INVALID_BODY, "the number " + std::string(number.substr(0, 100)) +
                                          " of the body would not stay as it is: send the body as a whole");
  }
  if (const auto name = name_twice(body, patch)) {
    return Status(
        Code::INVALID_BODY,
        "the name \"" + base::to_utf8(name->substr(0, 100)) +
            "\" stands twice in an object of the body, of which a merge would keep one: " + "send the body as a whole");
  }
  json::value whole(*value, json::storage_ptr());  // what comes to it is not bounded by its own size
  merge(whole, patch);
  std::string text = to_text(whole);
  // Nothing is laid out anew for a merge that changes nothing.
  return text == to_text(*value) ? std::string(body) : text;
}

}  // namespace lazaret::admin
