// Trimming: which stretches of a log can go, and which messages of them must be copied out first.
//
// Threading: none of its own. Deterministic.
#pragma once

#include <cstdint>
#include <vector>

#include "core/ack_set.h"
#include "core/offset_set.h"
#include "model/mutation.h"
#include "model/records.h"

namespace lazaret::core {

/// A prefix goes, and a stretch with holes is looked at, in steps of so many messages or estimated bytes.
inline constexpr std::uint64_t kTrimMessages = 16'384;
inline constexpr std::uint64_t kTrimBytes = 4u << 20;
/// A log without any unsettled message goes whole from so many messages or bytes on: below that a trim would cost
/// more writes than it saves.
inline constexpr std::uint64_t kTrimWholeMessages = 1'024;
inline constexpr std::uint64_t kTrimWholeBytes = 256u << 10;
/// A stretch goes when less than one in so many of its messages is needed.
inline constexpr std::uint64_t kEvacuateOneIn = 10;
/// Trimmed ranges of one log: beyond that a stretch waits until it touches one of them.
inline constexpr std::size_t kTrimmedRanges = 256;
/// Stretches looked at in one call.
inline constexpr std::size_t kTrimLooks = 64;

/// What of a log's messages was copied to `evacuated`.
class Evacuated {
 public:
  void restore(std::span<const model::Offset> offsets);
  void add(std::span<const model::Offset> offsets);
  bool contains(model::Offset offset) const { return offsets_.contains(offset); }
  /// The last need of `offset` has ended (settled and no open case). True when it was evacuated: the caller then
  /// appends DropEvacuated, or sets `drop_evacuated` of the case's mutation.
  bool release(model::Offset offset) { return offsets_.erase(offset); }
  const OffsetSet& offsets() const { return offsets_; }

 private:
  OffsetSet offsets_;
};

/// One per log.
class TrimPlanner {
 public:
  enum class Urgency : std::uint8_t {
    normal,  // after a group
    idle,    // nothing happens on the log: whatever is settled as a prefix goes
    forced,  // TrimNow: every prefix goes, and stretches with holes without waiting for what follows them
  };
  struct Needs {
    const AckSet& settled;
    const OffsetSet& open_cases;  // admitted and replaying: their bodies are needed
  };

  /// Bytes of messages appended to the log: for the estimate of what a stretch weighs.
  void appended(std::uint64_t bytes) { bytes_ += bytes; }

  /// What goes now: any number of steps, mostly none. `log` is the log's record and changes with the steps (so does
  /// `evacuated`); nothing at or beyond `persisted_end` is touched. Each step's range is inside one range of
  /// `log.trimmed` and reaches up to kRunMessages - 1 beyond the stretch on either side where that was trimmed
  /// before, so that runs across the border of two stretches go with the second one.
  std::vector<model::TrimLog> plan(model::LogState& log, Evacuated& evacuated, const Needs& needs,
                                   model::Offset persisted_end, Urgency urgency);
  /// Whether plan(normal) could trim a prefix: one comparison, for after every group.
  bool worth_planning(const model::LogState& log, const AckSet& settled,
                      model::Offset persisted_end) const;

 private:
  std::uint64_t stretch_messages(std::uint64_t untrimmed) const;
  bool plan_prefix(model::LogState& log, const Needs& needs, model::Offset persisted_end,
                   Urgency urgency, std::vector<model::TrimLog>& steps) const;
  void plan_stretches(model::LogState& log, const Needs& needs, model::Offset persisted_end,
                      Urgency urgency, std::vector<model::TrimLog>& steps);

  std::uint64_t bytes_ = 0;          // appended since the log was last empty, less what was trimmed
  std::uint64_t bytes_messages_ = 0;
  model::Offset look_from_;          // where the next look for stretches begins
};

}  // namespace lazaret::core
