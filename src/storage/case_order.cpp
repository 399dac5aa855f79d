// Cases in the order of their messages, from the last of the last subscription to the first of the first: how a replay
// job reads a set that is too large to be sorted. Cases themselves are stored in that order; so this looks at all that
// a subscription has, also those that an index of another order would leave out.
#include <algorithm>
#include <functional>

#include "storage/case_list.h"
#include "storage/records.h"

namespace lazaret::storage {
namespace {

using base::Code;
using base::Status;
using model::CaseId;
using model::CaseQuery;
using model::CaseRecord;
using Field = model::CaseTerm::Field;

/// Cases that are looked at for one page, and how many of them a message counts as that has to be read.
constexpr std::size_t kLooksAPage = 10'000;
constexpr std::size_t kLooksAMessage = 2;
/// Of its bytes, opened, so many count as one more.
constexpr std::size_t kBytesALook = 16u << 10;

class Backwards {
 public:
  Backwards(Database& database, const CaseQuery& query, std::size_t max, const rocksdb::Snapshot* snapshot)
      : database_(database), query_(query), max_(max), snapshot_(snapshot) {}

  base::Result<model::CasePage> run(std::uint16_t shards, const std::optional<CaseId>& before) {
    for (std::uint16_t number = shards; number-- > 0 && page_.cursor.empty();) {
      const model::ShardId shard(number);
      if (before && before->shard < shard) continue;
      const bool from_within = before && before->shard == shard;
      auto stretches = stretches_of(shard);
      if (!stretches.ok()) return stretches.status();
      std::sort(stretches->begin(), stretches->end(), std::greater());
      for (const std::string& prefix : *stretches) {
        std::string end = keys::behind(prefix);
        if (from_within) end = std::min(end, keys::case_record(*before));
        if (prefix < end && page_.cursor.empty()) LZ_RETURN_IF_ERROR(walk(shard, prefix, end));
      }
    }
    return std::move(page_);
  }

 private:
  /// Prefixes of where the cases of the query are in a shard: those of some subscriptions, or all.
  base::Result<std::vector<std::string>> stretches_of(model::ShardId shard) {
    std::vector<std::string> stretches;
    if (query_.subscription) {
      stretches.push_back(keys::Key(shard).add(query_.subscription->value).str());
      return stretches;
    }
    std::string name;
    if (const std::string* text = model::equal_to(query_, Field::group)) {
      auto found = name_of_group(shard, *text);
      if (!found.ok()) return found.status();
      if (!*found) return stretches;
      name = std::move(**found);
    } else if (const std::string* own = model::equal_to(query_, Field::subscription)) {
      name = *own;
    } else {
      stretches.push_back(keys::Key(shard).str());
      return stretches;
    }
    const auto add = [&](std::string_view key, std::string_view) {
      stretches.push_back(keys::Key(shard).add(keys::last_number(key)).str());
      return true;
    };
    const Status status = database_.scan(Family::hospital_index, keys::named(shard, name), add, snapshot_);
    if (!status.ok()) return status;
    return stretches;
  }

  /// What the subscription of its cases is called, which all of them share. nullopt: it has none here.
  base::Result<std::optional<std::string>> name_of_group(model::ShardId shard, const std::string& text) {
    std::optional<std::string> name;
    const auto group = model::GroupId::parse(text);
    if (!group) return name;
    const std::string prefix = keys::index(shard, keys::Index::by_group).add(group->value).str();
    Status damaged;
    const auto look = [&](std::string_view key, std::string_view) {
      std::size_t at = prefix.size() + sizeof(std::uint64_t);  // behind the time
      const auto number = [&] { return keys::number_at(key, std::exchange(at, at + sizeof(std::uint64_t))); };
      CaseId id;
      id.shard = shard;
      id.subscription = model::SubscriptionId(number());
      id.log = model::LogId(number());
      id.offset = model::Offset(number());
      const auto record = read_case(database_, id, snapshot_);
      if (record.ok()) name = record->subscription;
      if (!record.ok() && record.code() != Code::NOT_FOUND) damaged = record.status();
      return !name && damaged.ok();
    };
    const Status status = database_.scan(Family::hospital_index, prefix, look, snapshot_);
    if (!status.ok()) return status;
    if (!damaged.ok()) return damaged;
    return name;
  }

  Status walk(model::ShardId shard, const std::string& begin, const std::string& end) {
    rocksdb::ReadOptions read;
    read.snapshot = snapshot_;
    const rocksdb::Slice lower = slice(begin);
    const rocksdb::Slice upper = slice(end);
    read.iterate_lower_bound = &lower;
    read.iterate_upper_bound = &upper;
    const std::unique_ptr<rocksdb::Iterator> it(database_.db().NewIterator(read, database_.family(Family::hospital)));
    for (it->SeekToLast(); it->Valid(); it->Prev()) {
      const std::string_view key = view(it->key());
      constexpr std::size_t kBehindShard = sizeof(std::uint16_t);
      constexpr std::size_t kNumber = sizeof(std::uint64_t);
      CaseRecord record;
      record.id = {shard, model::SubscriptionId(keys::number_at(key, kBehindShard)),
                   model::LogId(keys::number_at(key, kBehindShard + kNumber)),
                   model::Offset(keys::number_at(key, kBehindShard + 2 * kNumber))};
      if (!decode(view(it->value()), record)) {
        return Status(Code::STORAGE_DAMAGED, "the record of case " + record.id.to_string());
      }
      looks_ += 1 + (model::needs_message(query_) ? kLooksAMessage : 0);
      const CaseId id = record.id;
      const MessageMatch match = is_meant(database_, query_, record, snapshot_);
      looks_ += match.bytes / kBytesALook;
      if (match.holds) page_.cases.push_back(std::move(record));
      if (page_.cases.size() < max_ && looks_ < kLooksAPage) continue;
      page_.cursor = id.to_string();
      break;
    }
    return status_of(it->status(), "reading cases in their order");
  }

  Database& database_;
  const CaseQuery& query_;
  const std::size_t max_;
  const rocksdb::Snapshot* snapshot_;
  std::size_t looks_ = 0;
  model::CasePage page_;
};

}  // namespace

base::Result<model::CasePage> list_cases_by_message(Database& database, std::uint16_t shards, const CaseQuery& query,
                                                    const std::string& cursor, std::size_t max,
                                                    const rocksdb::Snapshot* snapshot) {
  std::optional<CaseId> before;
  if (!cursor.empty()) {
    before = CaseId::parse(cursor);
    if (!before) return Status(Code::BAD_REQUEST, "the cursor is not one of ours");
  }
  return Backwards(database, query, max, snapshot).run(shards, before);
}

}  // namespace lazaret::storage
