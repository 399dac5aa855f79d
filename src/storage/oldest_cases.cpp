// The case of each subscription that has been open longest: the last of its list, found by leaps over all the others.
#include "storage/case_list.h"
#include "storage/records.h"

namespace lazaret::storage {
namespace {

using base::Status;
using keys::Index;
using model::CaseRecord;
using model::ShardId;
using model::SubscriptionId;

std::string admitted_of(ShardId shard, SubscriptionId subscription) {
  keys::Key key = keys::index(shard, Index::by_subscription_and_state);
  return key.add(subscription.value).add(static_cast<std::uint8_t>(model::CaseState::admitted)).str();
}

/// Two leaps for each subscription that has cases: to its first entry, and to the last of those that are admitted.
Status add_oldest(Database& database, ShardId shard, std::size_t max, const rocksdb::Snapshot* snapshot,
                  std::vector<CaseRecord>& oldest) {
  const std::string prefix = keys::index(shard, Index::by_subscription_and_state).str();
  const std::string end = keys::behind(prefix);
  const rocksdb::Slice lower = slice(prefix);
  const rocksdb::Slice upper = slice(end);
  rocksdb::ReadOptions read;
  read.snapshot = snapshot;
  read.iterate_lower_bound = &lower;
  read.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(database.db().NewIterator(read, database.family(Family::hospital_index)));
  for (it->Seek(lower); it->Valid() && oldest.size() < max;) {
    const SubscriptionId subscription(keys::number_at(view(it->key()), prefix.size()));
    const std::string admitted = admitted_of(shard, subscription);
    it->SeekForPrev(slice(keys::behind(admitted)));
    if (it->Valid() && view(it->key()).starts_with(admitted)) {
      const std::string_view key = view(it->key());
      const model::CaseId id{shard, subscription, model::LogId(keys::number_at(key, key.size() - 16)),
                             model::Offset(keys::last_number(key))};
      auto record = read_case(database, id, snapshot);
      if (record.ok()) oldest.push_back(std::move(*record));  // `check` names one that cannot be read
    }
    it->Seek(slice(keys::behind(keys::index(shard, Index::by_subscription_and_state).add(subscription.value).str())));
  }
  return status_of(it->status(), "looking for the oldest cases");
}

}  // namespace

base::Result<std::vector<CaseRecord>> oldest_open_cases(Database& database, std::uint16_t shards, std::size_t max,
                                                        const rocksdb::Snapshot* snapshot) {
  std::vector<CaseRecord> oldest;
  for (std::uint16_t shard = 0; shard < shards; ++shard) {
    if (Status status = add_oldest(database, ShardId(shard), max, snapshot, oldest); !status.ok()) return status;
  }
  return oldest;
}

}  // namespace lazaret::storage
