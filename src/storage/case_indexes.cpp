#include "storage/case_indexes.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/fixed_int.h"
#include "storage/records.h"

namespace lazaret::storage {
namespace {

using base::Code;
using base::Status;
using model::CaseRecord;

/// So many cases are indexed in one write when the indexes are built.
constexpr std::size_t kCasesAWrite = 1000;

using IndexKeys = std::array<std::string, 6>;

/// "" where the case is not in an index.
IndexKeys keys_of(const CaseRecord* record) {
  if (record == nullptr) return {};
  const base::Instant at = record->admitted_at;
  const std::string& correlation = record->summary.correlation_id;
  return {keys::case_by_time(record->id, at),
          keys::case_by_subscription(record->id, at),
          keys::case_by_group(record->id, at, record->group),
          keys::case_by_state(record->id, at, record->state),
          keys::case_by_subscription_and_state(record->id, at, record->state),
          correlation.empty() ? "" : keys::case_by_correlation(record->id, at, correlation)};
}

/// None where there is nothing to say.
Status put_sums(Database& database, rocksdb::WriteBatch& batch, const std::string& key, const model::CaseSums& sums) {
  rocksdb::ColumnFamilyHandle* family = database.family(Family::hospital_index);
  const bool none = sums == model::CaseSums();
  return status_of(none ? batch.Delete(family, slice(key)) : batch.Put(family, slice(key), slice(encode_sums(sums))),
                   "filling a batch");
}

}  // namespace

Status CaseIndexes::change(const CaseRecord* before, const CaseRecord* now) {
  rocksdb::ColumnFamilyHandle* family = database_.family(Family::hospital_index);
  const IndexKeys old = keys_of(before);
  const IndexKeys fresh = keys_of(now);
  for (std::size_t i = 0; i < old.size(); ++i) {
    if (!old[i].empty() && old[i] != fresh[i]) {
      LZ_RETURN_IF_ERROR(status_of(batch_.Delete(family, slice(old[i])), "filling a batch"));
    }
    if (fresh[i].empty()) continue;
    const char state = static_cast<char>(now->state);
    LZ_RETURN_IF_ERROR(status_of(batch_.Put(family, slice(fresh[i]), {&state, 1}), "filling a batch"));
  }
  if (before == nullptr && now != nullptr) {
    const std::string name = keys::named(now->id.shard, now->subscription, now->id.subscription);
    LZ_RETURN_IF_ERROR(status_of(batch_.Put(family, slice(name), ""), "filling a batch"));
  }
  if (before == nullptr && now != nullptr && now->origin) {
    const std::string key = keys::case_by_origin(now->id.shard, now->id.subscription, *now->origin);
    LZ_RETURN_IF_ERROR(
        status_of(batch_.Put(family, slice(key), slice(keys::imported_value(now->id))), "filling a batch"));
  }
  if (before != nullptr && now == nullptr && before->origin) {
    const std::string key = keys::case_by_origin(before->id.shard, before->id.subscription, *before->origin);
    LZ_RETURN_IF_ERROR(status_of(batch_.Delete(family, slice(key)), "filling a batch"));
  }
  LZ_RETURN_IF_ERROR(sum_up(before, now));
  return count(before, now);
}

Status CaseIndexes::sum_up(const CaseRecord* before, const CaseRecord* now) {
  model::CaseSums was;
  model::CaseSums is;
  if (before != nullptr) add(*before, was);
  if (now != nullptr) add(*now, is);
  if (was == is) return {};
  const model::CaseId& id = now != nullptr ? now->id : before->id;
  const auto [it, fresh] = sums_.try_emplace({id.shard, id.subscription});
  model::CaseSums& sums = it->second.of;
  if (fresh) {
    const auto stored = read_case_sums(database_, id.shard, id.subscription);
    if (!stored.ok()) return stored.status();
    sums = *stored;
  }
  sums.bytes += is.bytes;
  sums.bytes -= std::min(sums.bytes, was.bytes);
  sums.closed += is.closed;
  sums.closed -= std::min(sums.closed, was.closed);
  it->second.changed = true;
  return {};
}

Status CaseIndexes::count(const CaseRecord* before, const CaseRecord* now) {
  if (before != nullptr && now != nullptr && model::counts_alike(*before, *now)) return {};
  if (before != nullptr) {
    const auto from = group(before->id.shard, before->group);
    if (!from.ok()) return from.status();
    model::leave((*from)->record, *before);
    (*from)->changed = true;
  }
  if (now == nullptr) return {};
  const auto to = group(now->id.shard, now->group);
  if (!to.ok()) return to.status();
  model::enter((*to)->record, *now, before == nullptr || before->admitted_at != now->admitted_at);
  if (before != nullptr && now->relapse_count > before->relapse_count) model::relapse((*to)->record, *now);
  (*to)->changed = true;
  return {};
}

Status CaseIndexes::patch(model::ShardId shard, const model::PatchGroup& m) {
  const auto found = group(shard, m.id);
  if (!found.ok()) return found.status();
  if ((*found)->record.is_empty()) return {};
  model::apply(m.patch, m.at, (*found)->record);
  (*found)->changed = true;
  return {};
}

base::Result<CaseIndexes::Group*> CaseIndexes::group(model::ShardId shard, model::GroupId id) {
  const auto [it, fresh] = groups_.try_emplace({shard, id});
  Group& found = it->second;
  if (!fresh) return &found;
  found.record.id = id;
  const auto bytes = database_.get(Family::hospital_index, keys::group(shard, id));
  if (!bytes.ok()) return bytes.status();
  if (*bytes && !decode(**bytes, found.record)) {
    return Status(Code::STORAGE_DAMAGED, "the record of group " + id.to_string());
  }
  found.indexed_at = found.record.last_seen;
  return &found;
}

/// A place behind its newest admission is left, and taken anew.
Status CaseIndexes::index(model::ShardId shard, Group& group) {
  rocksdb::ColumnFamilyHandle* family = database_.family(Family::hospital_index);
  const base::Instant now = group.record.is_empty() ? base::Instant{} : group.record.last_seen;
  if (group.indexed_at == now) return {};
  if (group.indexed_at.us != 0) {
    const std::string old = keys::group_by_time(shard, group.indexed_at, group.record.id);
    LZ_RETURN_IF_ERROR(status_of(batch_.Delete(family, slice(old)), "filling a batch"));
  }
  group.indexed_at = now;
  if (now.us == 0) return {};
  const std::string fresh = keys::group_by_time(shard, now, group.record.id);
  return status_of(batch_.Put(family, slice(fresh), ""), "filling a batch");
}

Status CaseIndexes::finish_sums() {
  for (auto& [place, sums] : sums_) {
    if (!std::exchange(sums.changed, false)) continue;
    LZ_RETURN_IF_ERROR(put_sums(database_, batch_, keys::case_sums(place.first, place.second), sums.of));
  }
  return {};
}

Status CaseIndexes::finish() {
  LZ_RETURN_IF_ERROR(finish_sums());
  rocksdb::ColumnFamilyHandle* family = database_.family(Family::hospital_index);
  for (auto& [place, one] : groups_) {
    if (!std::exchange(one.changed, false)) continue;
    const std::string key = keys::group(place.first, place.second);
    LZ_RETURN_IF_ERROR(index(place.first, one));
    if (one.record.is_empty()) {
      one.record = {};
      one.record.id = place.second;
      LZ_RETURN_IF_ERROR(status_of(batch_.Delete(family, slice(key)), "filling a batch"));
    } else {
      LZ_RETURN_IF_ERROR(status_of(batch_.Put(family, slice(key), encode(one.record)), "filling a batch"));
    }
  }
  return {};
}

namespace {

Status write(Database& database, rocksdb::WriteBatch& batch) {
  const Status status = status_of(database.db().Write({}, &batch), "building the indexes of the hospital");
  batch.Clear();
  return status;
}

Status build_for(Database& database, model::ShardId shard) {
  rocksdb::WriteBatch batch;
  using keys::Index;
  for (const Index kind :
       {Index::by_group, Index::group, Index::by_state, Index::name, Index::by_subscription_and_state,
        Index::by_correlation, Index::group_by_time, Index::by_origin, Index::sums}) {
    const std::string prefix = keys::index(shard, kind).str();
    const std::string end = keys::behind(prefix);
    LZ_RETURN_IF_ERROR(status_of(batch.DeleteRange(database.family(Family::hospital_index), slice(prefix), slice(end)),
                                 "filling a batch"));
  }
  LZ_RETURN_IF_ERROR(write(database, batch));
  Status inner;
  std::optional<CaseIndexes> indexes(std::in_place, database, batch);
  std::size_t in_batch = 0;
  const auto finish = [&] {
    inner = indexes->finish();
    if (inner.ok()) inner = write(database, batch);
    indexes.emplace(database, batch);
    in_batch = 0;
    return inner.ok();
  };
  LZ_RETURN_IF_ERROR(
      database.scan(Family::hospital, keys::Key(shard).str(), [&](std::string_view key, std::string_view value) {
        CaseRecord record;
        record.id = {shard, model::SubscriptionId(keys::number_at(key, 2)), model::LogId(keys::number_at(key, 10)),
                     model::Offset(keys::number_at(key, 18))};
        if (!decode(value, record)) return true;  // `check` names it
        inner = indexes->change(nullptr, &record);
        batch.Put(database.family(Family::hospital), slice(key), encode(record)).PermitUncheckedError();
        return inner.ok() && (++in_batch < kCasesAWrite || finish());
      }));
  LZ_RETURN_IF_ERROR(inner);
  finish();
  return inner;
}

}  // namespace

Status build_case_indexes(Database& database, std::uint16_t shards) {
  for (std::uint16_t shard = 0; shard < shards; ++shard) {
    LZ_RETURN_IF_ERROR(build_for(database, model::ShardId(shard)));
  }
  return {};
}

std::string encode_sums(const model::CaseSums& sums) {
  std::string value;
  base::append_le(value, sums.bytes);
  base::append_le(value, sums.closed);
  return value;
}

std::optional<model::CaseSums> decode_sums(std::string_view value) {
  if (value.size() != 2 * sizeof(std::uint64_t)) return std::nullopt;
  return model::CaseSums{base::load_le<std::uint64_t>(value.data()),
                         base::load_le<std::uint64_t>(value.data() + sizeof(std::uint64_t))};
}

void add(const CaseRecord& record, model::CaseSums& sums) {
  sums.bytes += record.kept_bytes();
  if (!record.is_open()) ++sums.closed;
}

base::Result<model::CaseSums> read_case_sums(Database& database, model::ShardId shard,
                                             model::SubscriptionId subscription) {
  const auto bytes = database.get(Family::hospital_index, keys::case_sums(shard, subscription));
  if (!bytes.ok()) return bytes.status();
  if (!*bytes) return model::CaseSums();
  if (const auto sums = decode_sums(**bytes)) return *sums;
  return Status(Code::STORAGE_DAMAGED,
                "what the cases of subscription " + std::to_string(subscription.value) + " keep");
}

/// All of a shard in one batch: one small record a subscription.
Status count_case_sums(Database& database, std::uint16_t shards) {
  rocksdb::ColumnFamilyHandle* family = database.family(Family::hospital_index);
  for (std::uint16_t number = 0; number < shards; ++number) {
    const model::ShardId shard(number);
    std::map<model::SubscriptionId, model::CaseSums> all;
    LZ_RETURN_IF_ERROR(
        database.scan(Family::hospital, keys::Key(shard).str(), [&](std::string_view key, std::string_view value) {
          CaseRecord record;
          if (decode(value, record)) add(record, all[model::SubscriptionId(keys::number_at(key, 2))]);
          return true;  // `check` names what cannot be decoded
        }));
    rocksdb::WriteBatch batch;
    const std::string prefix = keys::index(shard, keys::Index::sums).str();
    const std::string end = keys::behind(prefix);
    LZ_RETURN_IF_ERROR(status_of(batch.DeleteRange(family, slice(prefix), slice(end)), "filling a batch"));
    for (const auto& [subscription, sums] : all) {
      LZ_RETURN_IF_ERROR(put_sums(database, batch, keys::case_sums(shard, subscription), sums));
    }
    LZ_RETURN_IF_ERROR(write(database, batch));
  }
  return {};
}

}  // namespace lazaret::storage
