// What is scheduled on a queue or a subscription, the earliest first. Both ways into the broker (net, admin) list it,
// and look for a message in it, with these.
//
// Threading: any thread on which reading the store may wait.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "model/store.h"

namespace lazaret::engine {

/// Messages that are looked at to find the one with an id; beyond, it is to be named by its offset.
inline constexpr std::size_t kScheduleSearched = 200'000;

struct ScheduledMessage {
  model::Offset offset;
  base::Instant deliver_at;
  model::MessageRef message;  // null: it is damaged
};

/// Where a page of the list begins, of the cursor that the page before gave, or "". BAD_REQUEST: it is none of such.
base::Result<model::WaitingPlace> schedule_place(std::string_view cursor, const model::QueueRecord& queue,
                                                 base::Instant now);
std::string cursor_of(const model::WaitingPlace& place);

/// Calls `each` with up to `max` of the scheduled messages behind `after`, until it returns false; `after` moves on
/// with each that it took. What is delivered and trimmed meanwhile is left out. False: there are no more.
base::Result<bool> read_scheduled(model::Store& store, const model::QueueRecord& queue, model::WaitingPlace& after,
                                  std::size_t max, const std::function<bool(const ScheduledMessage&)>& each);

}  // namespace lazaret::engine
