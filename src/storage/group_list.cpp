#include "storage/group_list.h"

#include <algorithm>
#include <map>
#include <set>

#include "storage/records.h"

namespace lazaret::storage {
namespace {

using base::Code;
using base::Status;
using model::GroupId;
using model::GroupPlace;
using model::GroupRecord;
using model::ShardId;

/// All groups of a shard; one whose record cannot be read is left to `check`.
template <class Visit>
Status each_group(Database& database, ShardId shard, const rocksdb::Snapshot* snapshot, Visit visit) {
  return database.scan(
      Family::hospital_index, keys::index(shard, keys::Index::group).str(),
      [&](std::string_view key, std::string_view value) {
        GroupRecord record;
        record.id = GroupId{keys::last_number(key)};
        if (decode(value, record)) visit(record);
        return true;
      },
      snapshot);
}

}  // namespace

base::Result<GroupRecord> read_group(Database& database, std::uint16_t shards, GroupId id,
                                     const rocksdb::Snapshot* snapshot) {
  std::optional<GroupRecord> found;
  for (std::uint16_t shard = 0; shard < shards; ++shard) {
    const auto bytes = database.get(Family::hospital_index, keys::group(ShardId(shard), id), snapshot);
    if (!bytes.ok()) return bytes.status();
    if (!*bytes) continue;
    GroupRecord record;
    record.id = id;
    if (!decode(**bytes, record)) return Status(Code::STORAGE_DAMAGED, "the record of group " + id.to_string());
    if (found) {
      model::merge(*found, record);
    } else {
      found = std::move(record);
    }
  }
  if (!found) return Status(Code::NOT_FOUND, "there is no group " + id.to_string());
  return std::move(*found);
}

base::Result<model::GroupPage> list_groups(Database& database, std::uint16_t shards, const model::CaseQuery& query,
                                           model::GroupSort sort, const std::string& cursor, std::size_t max,
                                           const rocksdb::Snapshot* snapshot) {
  std::optional<GroupPlace> from;
  if (!cursor.empty() && !(from = GroupPlace::from_cursor(cursor))) {
    return Status(Code::BAD_REQUEST, "the cursor is not one of ours");
  }
  // First their places only: a million groups are few bytes each.
  std::vector<GroupPlace> places;
  std::map<GroupId, GroupRecord> shared;  // of several shards
  for (std::uint16_t shard = 0; shard < shards; ++shard) {
    const std::size_t known = places.size();
    Status status = each_group(database, ShardId(shard), snapshot, [&](const GroupRecord& group) {
      const auto first = std::lower_bound(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(known), group.id,
                                          [](const GroupPlace& place, GroupId id) { return place.id < id; });
      const bool again = first != places.begin() + static_cast<std::ptrdiff_t>(known) && first->id == group.id;
      if (!again) return places.push_back(model::place_of(group, sort));
      shared.try_emplace(group.id);
    });
    if (!status.ok()) return status;
    std::sort(places.begin(), places.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  }
  for (GroupPlace& place : places) {
    if (!shared.contains(place.id)) continue;
    const auto whole = read_group(database, shards, place.id, snapshot);
    if (!whole.ok()) return whole.status();
    place = model::place_of(*whole, sort);
  }
  std::sort(places.begin(), places.end());
  auto at = from ? std::upper_bound(places.begin(), places.end(), *from) : places.begin();
  model::GroupPage page;
  for (; at != places.end() && page.groups.size() < max; ++at) {
    auto group = read_group(database, shards, at->id, snapshot);
    if (!group.ok()) return group.status();
    if (model::matches(query, *group)) page.groups.push_back(std::move(*group));
  }
  if (at != places.end()) page.cursor = std::prev(at)->to_cursor();
  return page;
}

base::Result<model::CaseCount> count_by_groups(Database& database, std::uint16_t shards, const model::CaseQuery& query,
                                               const rocksdb::Snapshot* snapshot) {
  model::CaseCount count;
  if (const std::string* text = model::equal_to(query, model::CaseTerm::Field::group)) {
    const auto id = GroupId::parse(*text);
    if (!id) return count;
    const auto group = read_group(database, shards, *id, snapshot);
    if (group.code() == Code::NOT_FOUND) return count;
    if (!group.ok()) return group.status();
    count.count = model::count_in(query, *group);
    return count;
  }
  for (std::uint16_t shard = 0; shard < shards; ++shard) {
    Status status = each_group(database, ShardId(shard), snapshot,
                               [&](const GroupRecord& group) { count.count += model::count_in(query, group); });
    if (!status.ok()) return status;
  }
  return count;
}

base::Result<std::vector<GroupRecord>> recent_groups(Database& database, std::uint16_t shards, base::Instant since,
                                                     std::size_t max, const rocksdb::Snapshot* snapshot) {
  std::vector<GroupPlace> places;
  for (std::uint16_t shard = 0; shard < shards; ++shard) {
    std::size_t taken = 0;
    Status status = database.scan_range(
        Family::hospital_index, keys::index(ShardId(shard), keys::Index::group_by_time).str(),
        keys::group_by_time(ShardId(shard), since, GroupId{}),
        [&](std::string_view key, std::string_view) {
          const std::uint64_t newest = ~keys::number_at(key, key.size() - 16);
          places.push_back({newest, GroupId{keys::last_number(key)}});
          return ++taken < max;
        },
        snapshot);
    if (!status.ok()) return status;
  }
  std::sort(places.begin(), places.end());
  std::vector<GroupRecord> groups;
  std::set<GroupId> known;
  for (const GroupPlace& place : places) {
    if (groups.size() == max) break;
    if (!known.insert(place.id).second) continue;  // it is on several shards
    auto group = read_group(database, shards, place.id, snapshot);
    // One that cannot be read is named by `check`, and keeps nobody from hearing of the others.
    if (group.code() == Code::NOT_FOUND || group.code() == Code::STORAGE_DAMAGED) continue;
    if (!group.ok()) return group.status();
    groups.push_back(std::move(*group));
  }
  return groups;
}

}  // namespace lazaret::storage
