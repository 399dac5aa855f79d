#include "topology.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <map>
#include <sstream>

#include "line_reader.h"
#include "output.h"

namespace lazaret::cli {
namespace {

using base::Code;

constexpr std::array<Kind, 3> kKinds = {Kind::queue, Kind::topic, Kind::subscription};

class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file == "-" ? "standard input" : file) {}

  std::vector<Declared> read(std::string_view text) {
    try {
      const toml::table root = toml::parse(text, file_);
      for (const auto& [section, node] : root) read_section(std::string(section.str()), section, node);
    } catch (const toml::parse_error& error) {
      fail(Code::BAD_REQUEST, place(error.source()) + ": " + std::string(error.description()));
    }
    std::stable_sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) { return a.line < b.line; });
    std::vector<Declared> all;
    for (Found& one : found_) all.push_back(std::move(one.declared));
    return all;
  }

 private:
  struct Found {
    unsigned line;
    Declared declared;
  };

  std::string place(const toml::source_region& region) const { return file_ + ":" + std::to_string(region.begin.line); }

  void read_section(const std::string& section, const toml::key& key, const toml::node& node) {
    const auto kind = std::find_if(kKinds.begin(), kKinds.end(), [&](Kind one) { return plural_of(one) == section; });
    const auto* table = node.as_table();
    if (kind == kKinds.end() || table == nullptr) {
      fail(Code::BAD_REQUEST, place(key.source()) + ": " + section +
                                  ": a topology has [queues.NAME], [topics.NAME] and [subscriptions.NAME]");
    }
    for (const auto& [name, options] : *table) read_one(*kind, section, name, options);
  }

  void read_one(Kind kind, const std::string& section, const toml::key& key, const toml::node& node) {
    Declared declared{.kind = kind, .name = std::string(key.str()), .place = place(key.source()), .options = {}};
    const std::string full = declared.place + ": " + section + "." + declared.name;
    const auto* table = node.as_table();
    if (table == nullptr) fail(Code::BAD_REQUEST, full + " must be a table of options");
    const auto [other, is_new] = places_.emplace(declared.name, declared.place);
    if (!is_new) {
      fail(Code::BAD_REQUEST, full + ": the name is taken by what " + other->second +
                                  " declares: queues, topics and subscriptions share their names");
    }
    for (const auto& [option, value] : *table) {
      DeclaredOption one{.name = std::string(option.str()), .value = {}, .place = place(option.source())};
      one.value = json_of(value, one.place + ": " + section + "." + declared.name + "." + one.name);
      declared.options.push_back(std::move(one));
    }
    found_.push_back({key.source().begin.line, std::move(declared)});
  }

  static json::value json_of(const toml::node& node, const std::string& where) {
    if (const auto* text = node.as_string()) return json::string(text->get());
    if (const auto* flag = node.as_boolean()) return flag->get();
    if (const auto* number = node.as_integer()) return number->get();
    if (const auto* number = node.as_floating_point()) return number->get();
    if (const auto* list = node.as_array()) {
      json::array out;
      for (const toml::node& item : *list) out.push_back(json_of(item, where));
      return out;
    }
    if (const auto* table = node.as_table()) {
      json::object out;
      for (const auto& [key, value] : *table) out[key.str()] = json_of(value, where);
      return out;
    }
    if (const auto* time = node.as_date_time()) {
      std::ostringstream text;
      text << time->get();
      return json::string(text.str());
    }
    fail(Code::BAD_REQUEST, where + " cannot be a date or a time of day alone");
  }

  const std::string file_;
  std::vector<Found> found_;
  std::map<std::string, std::string, std::less<>> places_;
};

/// Puts each behind what it refers to.
std::vector<Declared> in_order(std::vector<Declared> waiting) {
  std::vector<Declared> ordered;
  while (!waiting.empty()) {
    const auto is_waiting = [&waiting](const Declared::Reference& reference) {
      return std::any_of(waiting.begin(), waiting.end(),
                         [&](const Declared& other) { return other.name == reference.name; });
    };
    const auto free = std::find_if(waiting.begin(), waiting.end(), [&](const Declared& one) {
      const auto references = one.references();
      return std::none_of(references.begin(), references.end(), is_waiting);
    });
    if (free == waiting.end()) {
      const Declared& first = waiting.front();
      fail(Code::BAD_REQUEST, first.place_of(*first.references().front().option) + ": it refers to itself in the end");
    }
    ordered.push_back(std::move(*free));
    waiting.erase(free);
  }
  return ordered;
}

}  // namespace

std::string name_of(Kind kind) {
  return kind == Kind::topic ? "topic" : kind == Kind::subscription ? "subscription" : "queue";
}

std::string plural_of(Kind kind) { return name_of(kind) + "s"; }

std::string Declared::place_of(const DeclaredOption& option) const {
  return option.place + ": " + plural_of(kind) + "." + name + "." + option.name;
}

const DeclaredOption* Declared::find(std::string_view option) const {
  const auto found = std::find_if(options.begin(), options.end(), [&](const auto& one) { return one.name == option; });
  return found == options.end() ? nullptr : &*found;
}

std::vector<Declared::Reference> Declared::references() const {
  std::vector<Reference> found;
  for (const char* word : {"topic", "topics", "colocate_with"}) {
    const DeclaredOption* option = find(word);
    if (option == nullptr) continue;
    const json::array one{option->value};
    for (const json::value& item : option->value.is_array() ? option->value.get_array() : one) {
      if (item.is_string()) found.push_back({option, std::string(item.get_string())});
    }
  }
  return found;
}

json::object Declared::body() const {
  json::object out;
  for (const DeclaredOption& option : options) out[option.name] = option.value;
  return out;
}

std::vector<Declared> read_topology(const std::string& file) {
  bool too_long = false;
  const std::string text = LineReader(file).rest(too_long);
  if (too_long) fail(Code::BAD_REQUEST, file + ": is too long for a topology");
  return in_order(Reader(file).read(text));
}

}  // namespace lazaret::cli
