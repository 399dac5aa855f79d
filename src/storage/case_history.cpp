#include "storage/case_history.h"

#include <rocksdb/write_batch.h>

#include <span>

#include "storage/case_indexes.h"
#include "storage/keys.h"
#include "storage/message_reader.h"
#include "storage/records.h"
#include "storage/run.h"

namespace lazaret::storage {
namespace {

using base::Code;
using base::Status;
using model::CaseId;
using model::ClosedCase;
using model::LogId;
using model::Offset;

constexpr std::size_t kHeadBytes = 4;
constexpr std::size_t kCasesInOneWrite = 10'000;

std::uint32_t version_at(std::string_view key) {
  return base::load_be<std::uint32_t>(key.data() + key.size() - sizeof(std::uint32_t));
}

}  // namespace

std::string encode_alone(LogId log, Offset offset, const model::MessageRef& message) {
  const RunParts run = encode_run(log, offset, std::span(&message, 1));
  std::string value = run.index;
  for (const std::string_view part : run.data) value.append(part);
  return value;
}

std::string encode_edit(const CaseId& id, const model::CaseEdit& edit, const model::MessageRef& message) {
  const std::string record = encode(edit);
  std::string value;
  base::append_le(value, static_cast<std::uint32_t>(record.size()));
  return value + record + encode_alone(id.log, id.offset, message);
}

std::optional<StoredEdit> decode_edit(const CaseId& id, std::uint32_t version, std::string_view value) {
  if (value.size() < kHeadBytes) return std::nullopt;
  const auto size = base::load_le<std::uint32_t>(value.data());
  value.remove_prefix(kHeadBytes);
  StoredEdit stored;
  if (value.size() < size || !decode(value.substr(0, size), stored.edit)) return std::nullopt;
  stored.edit.version = version;
  std::vector<model::PagedMessage> messages;
  const Offset end = id.offset.next();
  decode_run(id.log, id.offset, std::string(value.substr(size)), id.offset, end, end, messages);
  if (!messages.empty()) stored.message = std::move(messages.front().message);
  return stored;
}

base::Result<std::vector<model::CaseEdit>> read_edits(Database& database, const CaseId& id) {
  std::vector<model::CaseEdit> edits;
  bool good = true;
  Status status = database.scan(Family::state, keys::case_edits(id), [&](std::string_view key, std::string_view value) {
    auto stored = decode_edit(id, version_at(key), value);
    good = stored.has_value();
    if (good) edits.push_back(std::move(stored->edit));
    return good;
  });
  if (!status.ok()) return status;
  if (!good) return Status(Code::STORAGE_DAMAGED, "an edit of case " + id.to_string());
  return edits;
}

base::Result<model::MessageRef> read_version(Database& database, const CaseId& id, std::uint32_t version,
                                             const rocksdb::Snapshot* snapshot) {
  const auto bytes = database.get(Family::state, keys::case_edit(id, version), snapshot);
  if (!bytes.ok()) return bytes.status();
  if (!*bytes) {
    return Status(Code::NOT_FOUND, "case " + id.to_string() + " has no version " + std::to_string(version));
  }
  auto stored = decode_edit(id, version, **bytes);
  if (!stored) return Status(Code::STORAGE_DAMAGED, "an edit of case " + id.to_string());
  return std::move(stored->message);
}

model::MessageRef read_newest(Database& database, const CaseId& id, std::uint32_t version,
                              const rocksdb::Snapshot* snapshot) {
  if (version == 0) return MessageReader(database, snapshot).read_one(id.shard, id.log, id.offset);
  auto edited = read_version(database, id, version, snapshot);
  return edited.ok() ? std::move(*edited) : nullptr;
}

base::Result<std::vector<ClosedCase>> read_closed(Database& database, model::ShardId shard,
                                                  model::SubscriptionId subscription, const ClosedCase& after,
                                                  std::size_t max) {
  std::vector<ClosedCase> closed;
  const std::string prefix = keys::closed_cases(shard, subscription);
  // The first key behind: one that is longer.
  const std::string from = keys::closed_case(shard, subscription, after.closed_at, after.log, after.offset) + '\0';
  Status status =
      database.scan_range(Family::state, from, keys::behind(prefix), [&](std::string_view key, std::string_view) {
        const auto at = static_cast<std::int64_t>(keys::number_at(key, prefix.size()));
        closed.push_back({{at}, LogId(keys::number_at(key, prefix.size() + 8)), Offset(keys::last_number(key))});
        return closed.size() < max;
      });
  if (!status.ok()) return status;
  return closed;
}

base::Result<std::vector<model::OrphanedCases>> read_orphaned(Database& database, model::ShardId shard,
                                                              const std::function<bool(model::SubscriptionId)>& named) {
  std::vector<model::OrphanedCases> orphaned;
  const std::string prefix = keys::Key(shard, keys::Kind::closed_case).str();
  // From one subscription to the next: only the first case of each is looked at.
  for (std::optional<std::string> from = prefix; from;) {
    std::optional<std::string> next;
    const Status status =
        database.scan_range(Family::state, *from, keys::behind(prefix), [&](std::string_view key, std::string_view) {
          const model::SubscriptionId subscription(keys::number_at(key, prefix.size()));
          const base::Instant at{static_cast<std::int64_t>(keys::number_at(key, prefix.size() + 8))};
          if (!named(subscription)) orphaned.push_back({subscription, at});
          next = keys::behind(keys::closed_cases(shard, subscription));
          return false;
        });
    if (!status.ok()) return status;
    from = std::move(next);
  }
  return orphaned;
}

Status recover_case_history(Database& database, model::ShardId shard, model::SubscriptionId subscription,
                            model::RecoveredSubscription& sub) {
  const std::string edits = keys::Key(shard, keys::Kind::case_edit).add(subscription.value).str();
  LZ_RETURN_IF_ERROR(database.scan(Family::state, edits, [&](std::string_view key, std::string_view) {
    const Offset offset(keys::number_at(key, edits.size() + 8));
    if (sub.edited.empty() || sub.edited.back().offset != offset) sub.edited.push_back({offset, 0});
    sub.edited.back().version = version_at(key);
    return true;
  }));
  const auto first = read_closed(database, shard, subscription, {}, 1);
  if (!first.ok()) return first.status();
  if (!first->empty()) sub.first_closed = first->front().closed_at;
  const auto sums = read_case_sums(database, shard, subscription);
  if (!sums.ok()) return sums.status();
  sub.case_sums = *sums;
  return {};
}

Status list_closed_cases(Database& database, std::uint16_t shards) {
  for (std::uint16_t number = 0; number < shards; ++number) {
    const model::ShardId shard(number);
    rocksdb::WriteBatch batch;
    Status inner;
    const auto write = [&] {
      rocksdb::WriteOptions synced;
      synced.sync = true;
      inner = status_of(database.db().Write(synced, &batch), "listing closed cases");
      batch.Clear();
      return inner.ok();
    };
    LZ_RETURN_IF_ERROR(
        database.scan(Family::hospital, keys::Key(shard).str(), [&](std::string_view key, std::string_view value) {
          model::CaseRecord record;
          record.id = {shard, model::SubscriptionId(keys::number_at(key, 2)), LogId(keys::number_at(key, 10)),
                       Offset(keys::number_at(key, 18))};
          if (!decode(value, record) || record.is_open()) return true;
          batch.Put(database.family(Family::state), keys::closed_case(record.id, record.closed_at), "");
          return batch.Count() < static_cast<int>(kCasesInOneWrite) || write();
        }));
    LZ_RETURN_IF_ERROR(inner);
    if (batch.Count() > 0 && !write()) return inner;
  }
  return {};
}

}  // namespace lazaret::storage
