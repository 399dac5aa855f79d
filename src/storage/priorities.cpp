#include "storage/priorities.h"

#include "storage/message_reader.h"

namespace lazaret::storage {
namespace {

using base::Status;
using model::LogId;
using model::MessagePage;
using model::Offset;
using model::OffsetRange;
using model::ShardId;

/// What lies so near to each other is read together, with what is between: it is mostly of one run.
constexpr std::uint64_t kNear = 16;

}  // namespace

base::Result<MessagePage> read_prioritised(Database& database, ShardId shard, LogId log, std::uint8_t priority,
                                           OffsetRange range, std::size_t max_messages, std::size_t max_bytes,
                                           const rocksdb::Snapshot* snapshot) {
  std::vector<Offset> offsets;
  LZ_RETURN_IF_ERROR(database.scan_range(
      Family::state, keys::prioritised(shard, log, priority, range.begin),
      keys::prioritised(shard, log, priority, range.end),
      [&](std::string_view key, std::string_view) {
        offsets.push_back(Offset(keys::last_number(key)));
        return offsets.size() < max_messages;
      },
      snapshot));
  MessagePage page;
  page.next = offsets.size() < max_messages ? range.end : offsets.back().next();
  MessageReader reader(database, snapshot);
  std::size_t bytes = 0;
  for (auto wanted = offsets.begin(); wanted != offsets.end();) {
    auto behind = wanted + 1;
    while (behind != offsets.end() && behind->value - std::prev(behind)->value <= kNear) ++behind;
    const Offset end = std::prev(behind)->next();
    auto part = reader.read(shard, log, *wanted, end, end.value - wanted->value, max_bytes);
    if (!part.ok()) return part.status();
    for (model::PagedMessage& one : part->messages) {
      while (wanted != behind && *wanted < one.offset) ++wanted;  // that one is gone
      if (wanted == behind || *wanted != one.offset) continue;
      bytes += one.message == nullptr ? 0 : one.message->size();
      page.messages.push_back(std::move(one));
      ++wanted;
    }
    while (wanted != behind && *wanted < part->next) ++wanted;
    if (bytes < max_bytes || wanted == offsets.end()) continue;
    page.next = *wanted;
    break;
  }
  return page;
}

base::Result<std::vector<Offset>> prioritised_in(Database& database, ShardId shard, LogId log, std::uint8_t priority,
                                                 OffsetRange range, const std::vector<OffsetRange>& except) {
  std::vector<Offset> offsets;
  auto stays = except.begin();
  LZ_RETURN_IF_ERROR(database.scan_range(Family::state, keys::prioritised(shard, log, priority, range.begin),
                                         keys::prioritised(shard, log, priority, range.end),
                                         [&](std::string_view key, std::string_view) {
                                           const Offset offset(keys::last_number(key));
                                           while (stays != except.end() && stays->end <= offset) ++stays;
                                           if (stays == except.end() || offset < stays->begin)
                                             offsets.push_back(offset);
                                           return true;
                                         }));
  return offsets;
}

}  // namespace lazaret::storage
