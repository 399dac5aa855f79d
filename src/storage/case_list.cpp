#include "storage/case_list.h"

#include <algorithm>
#include <charconv>

#include "storage/records.h"

namespace lazaret::storage {
namespace {

using base::Code;
using base::Status;
using model::CaseId;
using model::CaseRecord;

bool matches(const model::CaseFilter& filter, const CaseRecord& record) {
  return (!filter.subscription || record.id.subscription == *filter.subscription) &&
         (filter.queue.empty() || record.subscription == filter.queue) &&
         (filter.type.empty() || record.summary.type == filter.type) &&
         (filter.key.empty() || record.summary.key == filter.key) &&
         (!filter.reason || record.reason == *filter.reason) && (!filter.state || record.state == *filter.state);
}

/// A place in the list: the admission of a case. Lists go from the newest to the oldest, then by id.
struct Place {
  base::Instant admitted_at;
  CaseId id;
};
bool before(const Place& a, const Place& b) {
  return a.admitted_at != b.admitted_at ? a.admitted_at > b.admitted_at : a.id < b.id;
}

std::string encode_cursor(const Place& place) {
  return std::to_string(place.admitted_at.us) + "_" + place.id.to_string();
}

std::optional<Place> decode_cursor(const std::string& cursor) {
  Place place;
  const auto [end, error] = std::from_chars(cursor.data(), cursor.data() + cursor.size(), place.admitted_at.us);
  if (error != std::errc() || end == cursor.data() + cursor.size() || *end != '_') return std::nullopt;
  const auto id =
      CaseId::parse(std::string_view(end + 1, static_cast<std::size_t>(cursor.data() + cursor.size() - end - 1)));
  if (!id) return std::nullopt;
  place.id = *id;
  return place;
}

Place place_of(std::string_view key, model::ShardId shard, bool by_subscription) {
  Place place;
  place.id.shard = shard;
  const std::size_t time_at = by_subscription ? 11 : 3;
  const std::size_t subscription_at = by_subscription ? 3 : 11;
  place.admitted_at = base::Instant{static_cast<std::int64_t>(~keys::number_at(key, time_at))};
  place.id.subscription = model::SubscriptionId(keys::number_at(key, subscription_at));
  place.id.log = model::LogId(keys::number_at(key, 19));
  place.id.offset = model::Offset(keys::number_at(key, 27));
  return place;
}

/// The first `max` cases of one shard that match, behind the cursor.
Status list_shard(Database& database, model::ShardId shard, const model::CaseFilter& filter,
                  const std::optional<Place>& cursor, std::size_t max, std::vector<CaseRecord>& cases) {
  const bool by_subscription = filter.subscription.has_value();
  keys::Key prefix_key(shard);
  prefix_key.add(static_cast<std::uint8_t>(by_subscription ? 2 : 1));
  if (by_subscription) prefix_key.add(filter.subscription->value);
  const std::string prefix = prefix_key.str();
  std::string from = prefix;
  if (cursor) base::append_be(from, ~static_cast<std::uint64_t>(cursor->admitted_at.us));
  Status inner;
  const Status status = database.scan_range(
      Family::hospital_index, from, keys::behind(prefix), [&](std::string_view key, std::string_view value) {
        const Place place = place_of(key, shard, by_subscription);
        if (cursor && !before(*cursor, place)) return true;
        if (filter.state && (value.size() != 1 || value[0] != static_cast<char>(*filter.state))) return true;
        auto record = read_case(database, place.id);
        if (!record.ok()) {
          if (record.code() == Code::NOT_FOUND) return true;
          inner = record.status();
          return false;
        }
        if (matches(filter, *record)) cases.push_back(std::move(*record));
        return cases.size() < max;
      });
  return status.ok() ? inner : status;
}

}  // namespace

base::Result<model::CasePage> list_cases(Database& database, std::uint16_t shards, const model::CaseFilter& filter,
                                         const std::string& cursor, std::size_t max) {
  std::optional<Place> from;
  if (!cursor.empty() && !(from = decode_cursor(cursor)))
    return Status(Code::BAD_REQUEST, "the cursor is not one of ours");
  model::CasePage page;
  for (std::uint16_t shard = 0; shard < shards; ++shard) {
    std::vector<CaseRecord> cases;
    if (Status status = list_shard(database, model::ShardId(shard), filter, from, max + 1, cases); !status.ok())
      return status;
    page.cases.insert(page.cases.end(), std::make_move_iterator(cases.begin()), std::make_move_iterator(cases.end()));
  }
  std::sort(page.cases.begin(), page.cases.end(), [](const CaseRecord& a, const CaseRecord& b) {
    return before({a.admitted_at, a.id}, {b.admitted_at, b.id});
  });
  if (page.cases.size() > max) {
    page.cases.resize(max);
    page.cursor = encode_cursor({page.cases.back().admitted_at, page.cases.back().id});
  }
  return page;
}

base::Result<CaseRecord> read_case(Database& database, const CaseId& id) {
  const auto bytes = database.get(Family::hospital, keys::case_record(id));
  if (!bytes.ok()) return bytes.status();
  if (!*bytes) return Status(Code::NOT_FOUND, "there is no case " + id.to_string());
  CaseRecord record;
  record.id = id;
  if (!decode(**bytes, record)) return Status(Code::STORAGE_DAMAGED, "the record of case " + id.to_string());
  return record;
}

base::Result<std::vector<model::Attempt>> read_attempts(Database& database, const CaseId& id) {
  std::vector<model::Attempt> attempts;
  bool good = true;
  const Status status = database.scan(Family::state, keys::attempts_of(id.shard, id.subscription, id.log, id.offset),
                                      [&](std::string_view, std::string_view value) {
                                        good = decode(value, attempts.emplace_back());
                                        return good;
                                      });
  if (!status.ok()) return status;
  if (!good) return Status(Code::STORAGE_DAMAGED, "an attempt of case " + id.to_string());
  return attempts;
}

}  // namespace lazaret::storage
