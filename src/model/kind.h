// Kind: what a name stands for. Queues, topics and subscriptions share one namespace.
#pragma once

#include <cstdint>
#include <string_view>

namespace lazaret::model {

/// What a name stands for. One is published to (queue, topic), or consumed from (queue, subscription).
enum class Kind : std::uint8_t {
  queue = 1,         // a log with one subscription that owns it
  topic = 2,         // a log with any number of subscriptions
  subscription = 3,  // of a topic, or of several
  feeder = 4,        // what hands over the messages of one topic to a subscription of several; it has no name
};
/// "queue", "topic", "subscription", "feeder".
std::string_view name_of(Kind kind);

}  // namespace lazaret::model
