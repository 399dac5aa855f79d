// TypeLines: ready messages that were set aside because nobody who had room for one accepts them, by priority, type,
// schema, and the versions that a replay is for. Which consumers accept a message depends on the last three alone, so
// one look at a line answers for all in it.
//
// Threading: none of its own; one owner calls everything.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

#include "core/position.h"
#include "model/version_range.h"

namespace lazaret::core {

/// nullptr: for all.
using VersionRangeRef = std::shared_ptr<const model::VersionRange>;

/// What consumers choose by. Views of a message's envelope, or of a line's name.
struct MessageType {
  std::string_view type;
  std::string_view schema_id;
  /// Of what is replayed to some versions only.
  VersionRangeRef only_for{};
};

class TypeLines {
 public:
  using Name = std::tuple<std::uint8_t, std::string, std::string, std::string>;
  struct Line {
    std::uint8_t priority = 0;
    std::string type;
    std::string schema_id;
    VersionRangeRef only_for;
    ReadyLine positions;
    MessageType kind() const { return {type, schema_id, only_for}; }
  };
  using Lines = std::map<Name, Line>;

  static Name name_of(const MessageType& kind, std::uint8_t priority) {
    return {priority, std::string(kind.type), std::string(kind.schema_id),
            kind.only_for == nullptr ? std::string() : kind.only_for->text()};
  }

  /// The line is there, at the same place, as long as somebody stands in it.
  Line& add(const MessageType& kind, std::uint8_t priority, const Position& position) {
    const auto [at, fresh] = lines_.try_emplace(name_of(kind, priority));
    Line& line = at->second;
    if (fresh) line = {priority, std::string(kind.type), std::string(kind.schema_id), kind.only_for, {}};
    line.positions.insert(position);
    if (line.only_for == nullptr) ++size_;
    return line;
  }
  void remove(Line& line, const Position& position) {
    line.positions.erase(position);
    if (line.only_for == nullptr) --size_;
    if (line.positions.empty()) lines_.erase(name_of(line.kind(), line.priority));
  }

  Lines& lines() { return lines_; }
  const Lines& lines() const { return lines_; }
  /// Messages in all of them but replays to certain versions: of those there are as many as their jobs allow.
  std::size_t size() const { return size_; }

  /// Bytes of the messages that are kept in memory meanwhile.
  std::uint64_t bytes = 0;

 private:
  Lines lines_;
  std::size_t size_ = 0;
};

}  // namespace lazaret::core
