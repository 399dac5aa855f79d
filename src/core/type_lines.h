// TypeLines: ready messages that were set aside because nobody who had room for one accepts them, by type and schema.
// Which consumers accept a message depends on these two alone, so one look at a line answers for all that is in it.
//
// Threading: none of its own; one owner calls everything.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "core/position.h"

namespace lazaret::core {

/// What consumers choose by. Views of a message's envelope, or of a line's name.
struct MessageType {
  std::string_view type;
  std::string_view schema_id;
};

class TypeLines {
 public:
  struct Line {
    std::string type;
    std::string schema_id;
    std::set<Position> positions;
    MessageType kind() const { return {type, schema_id}; }
  };
  using Lines = std::map<std::pair<std::string, std::string>, Line>;

  /// The line is there, at the same place, as long as somebody stands in it.
  Line& add(const MessageType& kind, const Position& position) {
    std::pair<std::string, std::string> name(kind.type, kind.schema_id);
    const auto [at, fresh] = lines_.try_emplace(std::move(name));
    Line& line = at->second;
    if (fresh) line = {at->first.first, at->first.second, {}};
    line.positions.insert(position);
    ++size_;
    return line;
  }
  void remove(Line& line, const Position& position) {
    line.positions.erase(position);
    --size_;
    if (line.positions.empty()) lines_.erase(std::pair(line.type, line.schema_id));
  }

  Lines& lines() { return lines_; }
  const Lines& lines() const { return lines_; }
  /// Messages in all of them.
  std::size_t size() const { return size_; }

  /// Bytes of the messages that are kept in memory meanwhile.
  std::uint64_t bytes = 0;

 private:
  Lines lines_;
  std::size_t size_ = 0;
};

}  // namespace lazaret::core
