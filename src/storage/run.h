// Runs: the records of a log. Consecutive messages of one group in one value (drawn in FORMAT.md).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"
#include "model/message.h"
#include "model/store.h"

namespace lazaret::storage {

/// The parts of a run's value, to be written one after the other: bodies and envelopes are not copied into it.
struct RunParts {
  std::string index;
  std::vector<std::string_view> data;
};
RunParts encode_run(model::LogId log, model::Offset first, std::span<const model::MessageRef> messages);

/// How many of `messages` go into the next run: at most kRunMessages and about kRunBytes; a large one stands alone.
std::size_t run_length(std::span<const model::MessageRef> messages);

/// How many messages the run says it has; nullopt when its head is damaged.
std::optional<std::uint32_t> run_count(std::string_view value);
/// The same, when the checksum of its index says that it can be believed.
std::optional<std::uint32_t> whole_run_count(std::string_view value);

/// Appends the messages of [from, until) that the run holds. A message that does not match its checksum is appended as
/// null; when the index itself is damaged, every offset up to `next_first` (where the next run begins) is.
void decode_run(model::LogId log, model::Offset first, std::string value, model::Offset from, model::Offset until,
                model::Offset next_first, std::vector<model::PagedMessage>& out);

}  // namespace lazaret::storage
