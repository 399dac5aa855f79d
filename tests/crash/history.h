// History: what publishers and consumers did and heard while the broker was killed again and again, in the order in
// which this process saw it.
//
// Threading: any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace lazaret::crash {

enum class What {
  published,    // is about to be sent, for the first time
  confirmed,    // the broker says that it is on the disk; `offset`
  delivered,    // a consumer has it; `offset`, `attempt`, `grant` (0: the client library does not say)
  begun,        // its handler begins, or may: `started` goes out, or the client says none
  sent,         // a verdict goes out
  accepted,     // and is on the disk
  refused,      // and is not: its lease was lost
  replayed,     // an operator asks for a replay of its case
  turned_away,  // the broker says that there is no room for it
  ended,        // whoever has begun on it says nothing more: the lease is over, or the connection
  moved,        // the subscription is about to be moved back to `offset`: everything from there on comes again
};
enum class Verdict { none, ack, fail, reject, release };

struct Event {
  What what = What::published;
  std::string queue;
  std::string body;  // unique in a run; it names the message
  std::uint64_t offset = 0;
  std::uint32_t attempt = 0;
  std::uint64_t grant = 0;
  Verdict verdict = Verdict::none;
  std::string who;
  bool redelivered = false;
  // Of what is published.
  std::string key = {};
  bool mortal = false;             // it may expire, or make room for another
  std::int64_t delay_us = 0;       // not delivered before: so long after it was sent,
  std::int64_t deliver_at_us = 0;  // or this time
  std::string set = {};            // all of this name are stored, or none is
  std::string cause = {};          // the body of the message whose ack takes the set along; "": nobody's
  // Of both: when.
  std::int64_t at_us = 0;
};
/// The second topic of a subscription of two. Both count their offsets from 0: in a history those of this one stand
/// behind all of the first, so that an offset of the subscription names one message.
inline constexpr std::string_view kSecondTopic = "alerts";
std::uint64_t place_of(std::string_view source, std::uint64_t offset);
/// Which of the two it is of.
std::uint64_t stretch_of(std::uint64_t place);

/// The wall clock, as events have it.
std::int64_t now_us();
std::string to_string(const Event& event);

class History {
 public:
  void add(Event event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
  std::vector<Event> events() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return events_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Event> events_;  // GUARDED_BY(mutex_)
};

}  // namespace lazaret::crash
