#include "storage/outbox.h"

#include <algorithm>
#include <optional>

#include "base/fixed_int.h"
#include "storage/keys.h"
#include "storage/records.h"
#include "storage/run.h"

namespace lazaret::storage {
namespace {

using base::Code;
using base::Status;
using model::Offset;
using model::ShardId;

constexpr std::size_t kHeadBytes = 8;
/// Of a reply: behind the log stands the queue that was asked.
constexpr std::uint64_t kIsReply = std::uint64_t{1} << 63;
/// Some of its messages are requests: behind that stands which, after the length of what says it.
constexpr std::uint64_t kHasAsks = std::uint64_t{1} << 62;
/// They are stored although messages of their ids may be there.
constexpr std::uint64_t kRepeats = std::uint64_t{1} << 61;
constexpr std::size_t kLengthBytes = 4;

struct Head {
  model::LogId log;
  model::SubscriptionId asked;
  std::vector<model::AskedAlong> asks;
  bool repeats = false;
};

/// Takes it off `value`; nullopt: it is damaged.
std::optional<Head> take_head(std::string_view& value) {
  if (value.size() < kHeadBytes) return std::nullopt;
  Head head;
  const auto log = base::load_be<std::uint64_t>(value.data());
  head.log = model::LogId(log & ~(kIsReply | kHasAsks | kRepeats));
  head.repeats = (log & kRepeats) != 0;
  value.remove_prefix(kHeadBytes);
  if ((log & kIsReply) != 0) {
    if (value.size() < kHeadBytes) return std::nullopt;
    head.asked = model::SubscriptionId(base::load_be<std::uint64_t>(value.data()));
    value.remove_prefix(kHeadBytes);
  }
  if ((log & kHasAsks) == 0) return head;
  if (value.size() < kLengthBytes) return std::nullopt;
  const auto length = base::load_be<std::uint32_t>(value.data());
  value.remove_prefix(kLengthBytes);
  if (value.size() < length || !decode(value.substr(0, length), head.asks)) return std::nullopt;
  value.remove_prefix(length);
  return head;
}

}  // namespace

base::Result<std::uint64_t> read_taken(Database& database, const std::string& key, const rocksdb::Snapshot* snapshot) {
  const auto bytes = database.get(Family::outbox, key, snapshot);
  if (!bytes.ok()) return bytes.status();
  if (!*bytes) return std::uint64_t{0};
  if ((*bytes)->size() != 8) return Status(Code::STORAGE_DAMAGED, "how far an outbox was handed over is damaged");
  return base::load_be<std::uint64_t>((*bytes)->data());
}

OutboxEntryRead decode_outbox_entry(ShardId to, std::uint64_t number, std::string_view value) {
  auto entry = std::make_shared<model::OutboxEntry>();
  entry->to = to;
  entry->number = number;
  std::optional<Head> head = take_head(value);
  if (!head) return {std::move(entry), true};
  entry->asked = head->asked;
  entry->repeats = head->repeats;
  std::string run(value);
  const std::optional<std::uint32_t> count = whole_run_count(run);
  if (!count) return {std::move(entry), true};
  entry->log = head->log;
  const Offset first(number);
  const Offset end(number + *count);
  std::vector<model::PagedMessage> messages;
  decode_run(entry->log, first, std::move(run), first, end, end, messages);
  auto ask = head->asks.begin();
  for (model::PagedMessage& one : messages) {
    const bool asks = ask != head->asks.end() && first.value + ask->place == one.offset.value;
    if (one.message != nullptr) {
      if (asks) {  // what is damaged before it leaves no place
        ask->place = static_cast<std::uint32_t>(entry->messages.size());
        entry->asks.push_back(*ask);
      }
      entry->messages.push_back(std::move(one.message));
    }
    if (asks) ++ask;
  }
  const bool damaged = entry->messages.size() < *count || ask != head->asks.end();
  return {std::move(entry), damaged};
}

std::string encode_number(std::uint64_t number) {
  std::string value;
  base::append_be(value, number);
  return value;
}

std::string encode_head(const model::OutboxEntry& entry) {
  const bool reply{entry.asked};
  const bool has_asks = !entry.asks.empty();
  std::string head = encode_number(entry.log.value | (reply ? kIsReply : 0) | (has_asks ? kHasAsks : 0) |
                                   (entry.repeats ? kRepeats : 0));
  if (reply) base::append_be(head, entry.asked.value);
  if (!has_asks) return head;
  const std::string asks = encode(entry.asks);
  base::append_be(head, static_cast<std::uint32_t>(asks.size()));
  return head + asks;
}

Status recover_outboxes(Database& database, std::uint16_t shards, ShardId shard, model::RecoveredShard& recovered) {
  for (std::uint16_t other = 0; other < shards; ++other) {
    const ShardId its(other);
    const auto taken = read_taken(database, keys::outbox_taken(shard, its));
    if (!taken.ok()) return taken.status();
    model::RecoveredOutbox outbox{its, *taken, *taken};
    LZ_RETURN_IF_ERROR(
        database.scan(Family::outbox, keys::outbox_entries(shard, its), [&](std::string_view key, std::string_view) {
          outbox.last = std::max(outbox.last, keys::last_number(key));
          return true;
        }));
    if (outbox.last > 0) recovered.outboxes.push_back(outbox);
    const auto came = read_taken(database, keys::inbox_taken(shard, its));
    if (!came.ok()) return came.status();
    if (*came > 0) recovered.inboxes.push_back({its, *came});
  }
  return {};
}

base::Result<std::vector<model::OutboxEntryRef>> read_outbox(Database& database, ShardId shard, ShardId to,
                                                             std::uint64_t from, std::size_t max_entries,
                                                             std::size_t max_bytes, bool accept_loss) {
  std::vector<model::OutboxEntryRef> entries;
  std::size_t bytes = 0;
  std::optional<std::uint64_t> damaged;
  const auto take = [&](std::string_view key, std::string_view value) {
    const std::uint64_t number = keys::last_number(key);
    OutboxEntryRead read = decode_outbox_entry(to, number, value);
    if (read.damaged && !accept_loss) {
      damaged = number;
      return false;
    }
    entries.push_back(std::move(read.entry));
    bytes += value.size();
    return entries.size() < max_entries && bytes < max_bytes;
  };
  Status status = database.scan_range(Family::outbox, keys::outbox_entry(shard, to, from),
                                      keys::behind(keys::outbox_entries(shard, to)), take);
  if (!status.ok()) return status;
  // What was confirmed as one must not go on as less, unless somebody says so.
  if (damaged && entries.empty()) {
    return Status(Code::STORAGE_DAMAGED, "what a transaction of shard " + std::to_string(shard.value) +
                                             " published on shard " + std::to_string(to.value) + " is damaged: entry " +
                                             std::to_string(*damaged) +
                                             " of its outbox; --accept-loss passes over what is damaged of it");
  }
  return entries;
}

}  // namespace lazaret::storage
