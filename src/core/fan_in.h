// FanIn and Feeder: the two ends of a subscription of several topics.
//
//   topic ─▶ its log ─▶ Feeder, a reader as any ══letters, in order══▶ FanIn ─▶ the subscription's own log ─▶ consumers
//                         ▲                                             │
//                         └═════════════ taken up to here ══════════════┘
//
// Threading: none of its own; one owner calls everything.
#pragma once

#include <cstdint>
#include <deque>
#include <map>

#include "model/ids.h"
#include "model/limits.h"
#include "model/records.h"

namespace lazaret::core {

/// At the subscription: how far each topic was taken over.
struct FanIn {
  std::map<model::LogId, model::TakenSource> taken;
};

/// At a topic: what is on its way. Everything below the frontier is, or is settled.
struct Feeder {
  bool asked = false;  // since the start: how far the other end is
  bool known = false;  // and it was answered
  struct OnTheWay {
    model::Offset end;
    std::size_t messages = 0;
    std::size_t bytes = 0;
  };
  std::deque<OnTheWay> letters;
  std::size_t messages = 0;  // of them
  std::size_t bytes = 0;
  /// What the other end was told last.
  std::uint64_t lost_told = 0;
  std::uint64_t filtered_told = 0;

  bool has_room() const { return messages < model::limits::kFeedMessages && bytes < model::limits::kFeedBytes; }
  void sends(OnTheWay letter) {
    messages += letter.messages;
    bytes += letter.bytes;
    letters.push_back(letter);
  }
  /// Returns how many bytes that were.
  std::size_t take(model::Offset end) {
    const std::size_t before = bytes;
    for (; !letters.empty() && letters.front().end <= end; letters.pop_front()) {
      messages -= letters.front().messages;
      bytes -= letters.front().bytes;
    }
    return before - bytes;
  }
};

}  // namespace lazaret::core
