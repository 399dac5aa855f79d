// why: in sentences, why messages of a queue or subscription are not being delivered. Rules only: whoever calls has
// asked the shard and the store.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "admin/json_text.h"
#include "engine/engine.h"
#include "model/answer.h"
#include "model/replay_job.h"

namespace lazaret::admin {

/// One cause. `code` is stable, for programs; `text` is a sentence.
struct Cause {
  std::string code;
  std::string text;
};

/// Of the queue as a whole. Never empty: when nothing is in the way, it says so. The most telling first.
std::vector<Cause> why_nothing_is_granted(const model::QueueStats& stats, const engine::EngineStats& engine,
                                          base::Instant now);
/// Of a replay job that has cases of the queue, and waits for a version.
Cause waits_for_version(const model::ReplayJobRecord& job);
/// A message with a higher priority than the one that is asked for.
struct Higher {
  model::Offset offset;
  std::uint8_t priority = 0;
};
/// Of one message: where it is, and what it waits for. `ahead`: ready messages that are before it; `higher`: one that
/// is ready, and goes before all of them.
Cause where_it_is(const model::MessageStates::Item& item, const model::QueueStats& stats, std::uint64_t ahead,
                  base::Instant now, std::optional<Higher> higher = std::nullopt);

json::array causes_json(const std::vector<Cause>& causes);

}  // namespace lazaret::admin
