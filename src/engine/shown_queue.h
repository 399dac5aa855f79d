// What is shown of a queue beside what its own shard says: what the feeders of a subscription of several topics count,
// and when the oldest message that waits was published. Both ways into the broker (net, admin) put it together with
// these, so that what one shows the other does.
//
// Threading: any thread; what reads the store, where that may wait for the disk.
#pragma once

#include <cstdint>
#include <string>

#include "model/answer.h"
#include "model/store.h"

namespace lazaret::engine {

/// Adds what the feeder of one of its topics says.
void add_source(model::QueueStats& stats, const std::string& topic, const model::QueueStats& feeder);

/// Of a subscription: what it has not settled, without the hospital and replays; with what its feeders still have.
std::uint64_t lag_of(const model::QueueStats& stats);

/// Whether something is ready whose time only the store knows.
bool lacks_oldest_ready(const model::QueueStats& stats);
/// Reads it, if it can be read.
void add_oldest_ready(model::Store& store, base::Instant now, model::QueueStats& stats);

}  // namespace lazaret::engine
