// How much a queue holds at most, and what gives way when it is full.
//
// Messages are counted exactly. Bytes come in with a publish and go out with what was delivered, whose size is known;
// of what leaves otherwise it is taken to be average, and with the last message the count is exact again.
#include <algorithm>

#include "core/shard_state.h"

namespace lazaret::core {

using base::Code;
using base::Status;
using model::Offset;
using model::Overflow;

void Shard::State::change_limits(Log& log, const model::QueueOptions& options) {
  log.limited = !log.is_topic && (options.max_messages != 0 || options.max_bytes != 0);
}

bool Shard::State::is_over(const Subscription& sub, std::uint64_t more_bytes) {
  const model::QueueOptions& options = sub.queue->options;
  return (options.max_messages != 0 && sub.unsettled() >= options.max_messages) ||
         (options.max_bytes != 0 && sub.bytes + more_bytes > options.max_bytes && sub.unsettled() > 0);
}

/// Whether a message of so many bytes may come. With drop_oldest others go for it, unless consumers have all of them.
bool Shard::State::make_room(Log& log, std::uint64_t bytes) {
  Subscription& sub = *log.readers.front();
  while (is_over(sub, bytes)) {
    if (sub.queue->options.overflow == Overflow::refuse || !drop_oldest(sub)) return false;
  }
  return true;
}

/// The oldest fresh one; when there is none, the oldest that was given back or waits.
bool Shard::State::drop_oldest(Subscription& sub) {
  Offset at = sub.acked.next_unsettled(std::max(sub.frontier, sub.acked.cursor()));
  const auto waits = [&](Offset offset) {
    return sub.entries.contains({sub.queue->log, offset}) || sub.is_parked(offset);
  };
  while (at < sub.log->state.next && waits(at)) {
    at = sub.acked.next_unsettled(at.next());
  }
  const bool passed = sub.keys != nullptr && !(sub.keys->held().empty() && sub.keys->freed().empty());
  if (passed) {  // those that wait for their key were published before
    const auto first = [](const auto& some) { return some.empty() ? Offset(~0ull) : some.begin()->first; };
    at = std::min(first(sub.keys->held()), first(sub.keys->freed()));
    forget_passed(sub, at.next());
  } else if (at >= sub.log->state.next) {
    const auto idle = std::find_if(sub.entries.begin(), sub.entries.end(), [&](const auto& one) {
      return one.second.state != model::DeliveryState::granted && !one.second.replays;
    });
    if (idle == sub.entries.end()) return false;
    at = idle->first.offset;
  }
  const std::uint64_t dropped = drop_unheld(sub, {at, at.next()}, true);
  sub.counters.dropped += dropped;
  left_unread(sub, dropped);
  touch(sub);
  out->urgent = true;
  return dropped > 0;
}

Status Shard::State::queue_is_full(const Log& log) const {
  const Subscription& sub = *log.readers.front();
  const model::QueueOptions& options = sub.queue->options;
  const bool by_count = options.max_messages != 0 && sub.unsettled() >= options.max_messages;
  const std::string limit = by_count ? "max_messages" : "max_bytes";
  const std::uint64_t most = by_count ? options.max_messages : options.max_bytes;
  return Status(Code::RESOURCE_EXHAUSTED, "queue " + sub.queue->name + " is full: it holds " +
                                              std::to_string(by_count ? sub.unsettled() : sub.bytes) + ", and " +
                                              limit + " is " + std::to_string(most))
      .with_limit(limit, static_cast<std::int64_t>(most))
      .with_retry_after_ms(1000);
}

/// A delivered message of this size has left it; 0: it is not known, which a restart forgets.
void Shard::State::left(Subscription& sub, std::uint64_t bytes) {
  if (bytes == 0 || sub.unsettled() == 0) return left_unread(sub, 1);
  sub.bytes -= std::min(sub.bytes, bytes);
}

/// So many have left it whose size nobody knows.
void Shard::State::left_unread(Subscription& sub, std::uint64_t count) {
  const double share = static_cast<double>(count) / static_cast<double>(count + sub.unsettled());
  if (count > 0) sub.bytes -= static_cast<std::uint64_t>(static_cast<double>(sub.bytes) * share);
}

}  // namespace lazaret::core
