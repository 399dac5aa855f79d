// OutboxEntry: what a transaction publishes on another shard (core/transactions.cpp).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/ids.h"
#include "model/message.h"
#include "model/request_record.h"

namespace lazaret::model {

/// What one shard owes another: messages for one log there.
struct OutboxEntry {
  ShardId to;
  /// Of this shard and that one, from 1, without gaps. The other applies them in this order, each once.
  std::uint64_t number = 0;
  LogId log;
  std::vector<MessageRef> messages;  // kRunMessages at most
  /// Of a reply: the queue that was asked. Should the log be gone, it is counted there.
  SubscriptionId asked;
  /// It is stored although a message of its id may be there.
  bool repeats = false;
  /// Those of its messages that are durable requests, in their order.
  std::vector<AskedAlong> asks{};
};
using OutboxEntryRef = std::shared_ptr<const OutboxEntry>;

}  // namespace lazaret::model
