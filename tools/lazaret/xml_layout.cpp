#include "xml_layout.h"

#include <algorithm>
#include <vector>

namespace lazaret::cli {
namespace {

constexpr std::size_t kLevelsShown = 64;
constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

struct Token {
  enum class Kind { open, close, empty, text, other };
  Kind kind;
  std::string_view text;  // all of it
  std::string_view name;  // of an element
};

class Reader {
 public:
  Reader(std::string_view text, bool whole) : text_(text), whole_(whole) {}

  /// False: it is not well formed.
  bool read(std::vector<Token>& tokens) {
    while (at_ < text_.size()) {
      const bool good = text_[at_] == '<' ? read_markup(tokens) : read_text(tokens);
      if (!good) return false;
    }
    return true;
  }

 private:
  bool is(std::string_view word) const { return text_.substr(at_).starts_with(word); }

  /// What begins here, as far as `end`, which stands at or behind `from`.
  bool take(std::vector<Token>& tokens, Token::Kind kind, std::size_t end, std::size_t size) {
    if (end == std::string_view::npos) return take_rest(tokens);
    tokens.push_back({kind, text_.substr(at_, end + size - at_), {}});
    at_ = end + size;
    return true;
  }

  /// It has no end, which only a beginning may have.
  bool take_rest(std::vector<Token>& tokens) {
    tokens.push_back({Token::Kind::other, text_.substr(at_), {}});
    at_ = text_.size();
    return !whole_;
  }

  bool read_text(std::vector<Token>& tokens) {
    const std::size_t end = std::min(text_.find('<', at_), text_.size());
    const std::string_view text = trimmed(text_.substr(at_, end - at_));
    if (!text.empty()) tokens.push_back({Token::Kind::text, text, {}});
    at_ = end;
    return true;
  }

  /// Behind what a document type may define in brackets.
  std::size_t end_of_doctype() const {
    std::size_t end = text_.find('>', at_);
    const std::size_t bracket = text_.find('[', at_);
    if (bracket < end) end = text_.find('>', std::min(text_.find(']', bracket), text_.size()));
    return end;
  }

  bool read_markup(std::vector<Token>& tokens) {
    using Kind = Token::Kind;
    if (is("<!--")) return take(tokens, Kind::other, text_.find("-->", at_ + 4), 3);
    if (is("<![CDATA[")) return take(tokens, Kind::text, text_.find("]]>", at_), 3);
    if (is("<?")) return take(tokens, Kind::other, text_.find("?>", at_), 2);
    if (is("<!DOCTYPE")) return take(tokens, Kind::other, end_of_doctype(), 1);
    const bool closes = is("</");
    const std::size_t name = at_ + (closes ? 2 : 1);
    std::size_t end = name;
    for (char quote = '\0'; end < text_.size() && (quote != '\0' || text_[end] != '>'); ++end) {
      if (quote == text_[end]) {
        quote = '\0';
      } else if (quote == '\0' && (text_[end] == '"' || text_[end] == '\'')) {
        quote = text_[end];
      } else if (quote == '\0' && text_[end] == '<') {
        return false;
      }
    }
    if (end == text_.size()) return take_rest(tokens);
    const std::size_t name_end = std::min(text_.find_first_of(" \t\r\n/>", name), end);
    if (name_end == name) return false;
    const bool empty = !closes && text_[end - 1] == '/';
    const Kind kind = closes ? Kind::close : empty ? Kind::empty : Kind::open;
    tokens.push_back({kind, text_.substr(at_, end + 1 - at_), text_.substr(name, name_end - name)});
    at_ = end + 1;
    return true;
  }

  const std::string_view text_;
  const bool whole_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<std::string> laid_out_xml(std::string_view text, bool whole) {
  using Kind = Token::Kind;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::vector<Token> tokens;
  if (!Reader(text, whole).read(tokens)) return std::nullopt;
  std::string out;
  std::vector<std::string_view> open;
  bool has_element = false;
  const auto add_line = [&](std::string_view line) {
    if (!out.empty()) out += '\n';
    out.append(2 * std::min(open.size(), kLevelsShown), ' ') += line;
  };
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.kind == Kind::close) {
      if (open.empty() || open.back() != token.name) return std::nullopt;
      open.pop_back();
    }
    const bool outside = open.empty() && token.kind != Kind::other && token.kind != Kind::close;
    if (outside && (token.kind == Kind::text || has_element)) return std::nullopt;
    add_line(token.text);
    if (token.kind == Kind::empty) has_element = true;
    if (token.kind != Kind::open) continue;
    has_element = true;
    open.push_back(token.name);
    // <a>text</a>, <a></a>
    const std::size_t behind = i + 1 < tokens.size() && tokens[i + 1].kind == Kind::text ? i + 2 : i + 1;
    if (behind >= tokens.size() || tokens[behind].kind != Kind::close || tokens[behind].name != token.name) continue;
    for (++i; i <= behind; ++i) out += tokens[i].text;
    i = behind;
    open.pop_back();
  }
  if (!has_element || (whole && !open.empty())) return std::nullopt;
  return out;
}

}  // namespace lazaret::cli
