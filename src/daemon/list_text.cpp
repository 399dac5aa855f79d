#include "daemon/list_text.h"

namespace lazaret::daemon {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// One item while it is read: what it has so far, and up to where that is not blanks at its end.
struct Item {
  std::string text;
  std::size_t kept = 0;

  void add(char c, bool as_it_is) {
    if (!as_it_is && is_blank(c) && text.empty()) return;
    text += c;
    if (as_it_is || !is_blank(c)) kept = text.size();
  }
};

}  // namespace

std::vector<std::string> items_of(std::string_view text) {
  std::vector<std::string> list;
  Item item;
  const auto end = [&] {
    item.text.resize(item.kept);
    if (!item.text.empty()) list.push_back(std::move(item.text));
    item = {};
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool is_escape = text[at] == '\\' && at + 1 < text.size();
    if (is_escape) {
      item.add(text[++at], true);
    } else if (text[at] == ',') {
      end();
    } else {
      item.add(text[at], false);
    }
  }
  end();
  return list;
}

std::string item_text(std::string_view item) {
  std::string text;
  for (std::size_t at = 0; at < item.size(); ++at) {
    const bool is_end = at == 0 || at + 1 == item.size();
    const bool is_escaped = item[at] == ',' || item[at] == '\\' || (is_end && is_blank(item[at]));
    if (is_escaped) text += '\\';
    text += item[at];
  }
  return text;
}

}  // namespace lazaret::daemon
