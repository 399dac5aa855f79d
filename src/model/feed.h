// FeedLetter: what a feeder hands over to a subscription of several topics (core/fan_in.cpp).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/ids.h"
#include "model/store.h"

namespace lazaret::model {

/// Messages of one topic, in the order of their offsets there. Whoever takes it knows by the offsets what it has taken
/// before.
struct FeedLetter {
  ShardId from;
  SubscriptionId feeder;
  ShardId to;
  SubscriptionId into;
  LogId log;                           // of the topic
  std::vector<PagedMessage> messages;  // all of them are there
  /// What lies before it, and is in no letter, was turned away by the filter (or imported for somebody), or lost.
  Offset end;
  /// What the feeder has counted, ever.
  std::uint64_t lost = 0;
  std::uint64_t filtered = 0;
};
using FeedLetterRef = std::shared_ptr<const FeedLetter>;

}  // namespace lazaret::model
