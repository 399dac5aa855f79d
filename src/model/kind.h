// Kind: what a name stands for. Queues, topics and subscriptions share one namespace.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace lazaret::model {

/// What a name stands for. One is published to (queue, topic), or consumed from (queue, subscription).
enum class Kind : std::uint8_t {
  queue = 1,         // a log with one subscription that owns it
  topic = 2,         // a log with any number of subscriptions
  subscription = 3,  // of a topic
};
/// "queue", "topic", "subscription".
std::string_view name_of(Kind kind);

/// Where a subscription begins in its topic.
enum class Start : std::uint8_t {
  latest = 1,    // with what is published after it was created
  earliest = 2,  // with the oldest message that the topic still has
};
std::string_view name_of(Start start);
std::optional<Start> start_of(std::string_view name);

}  // namespace lazaret::model
