#include "storage/case_list.h"

#include <algorithm>
#include <charconv>

#include "model/limits.h"
#include "model/quarantine.h"
#include "storage/case_history.h"
#include "storage/group_list.h"
#include "storage/records.h"

namespace lazaret::storage {
namespace {

using base::Code;
using base::Status;
using model::CaseId;
using model::CaseQuery;
using model::CaseRecord;
using Field = model::CaseTerm::Field;
using keys::Index;

/// What a page may cost: entries of an index, and for each case that is read as much as so many of them. What is in a
/// page is not counted.
constexpr std::uint64_t kEntriesAPage = 160'000;
constexpr std::uint64_t kEntriesACase = 16;
/// A message costs as much as its case, and as so many of its bytes again.
constexpr std::uint64_t kBytesAnEntry = 1024;

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

/// One stretch of one index, in the order of the list.
class Source {
 public:
  /// `subscription`: of all of it, where the keys behind `prefix` name none.
  Source(Database& database, const rocksdb::Snapshot* snapshot, model::ShardId shard, std::string prefix,
         std::optional<model::SubscriptionId> subscription)
      : shard_(shard),
        subscription_(subscription),
        prefix_(std::move(prefix)),
        end_(keys::behind(prefix_)),
        lower_(slice(prefix_)),
        upper_(slice(end_)) {
    rocksdb::ReadOptions read;
    read.snapshot = snapshot;
    read.iterate_lower_bound = &lower_;
    read.iterate_upper_bound = &upper_;
    it_.reset(database.db().NewIterator(read, database.family(Family::hospital_index)));
  }
  Source(const Source&) = delete;

  /// To the first behind the cursor that was not admitted later than `newest`.
  void begin(const std::optional<Place>& cursor, base::Instant newest) {
    std::string key = prefix_;
    base::append_be(key, ~static_cast<std::uint64_t>(newest.us));
    if (cursor) key = std::max(key, behind(*cursor));
    it_->Seek(slice(key));
    look();
  }
  void next() {
    it_->Next();
    look();
  }
  bool valid() const { return it_->Valid(); }
  Status status() const { return status_of(it_->status(), "listing cases"); }
  const Place& place() const { return place_; }
  std::string_view state() const { return view(it_->value()); }

 private:
  std::string behind(const Place& cursor) const {
    std::string key = prefix_;
    const bool later = shard_ < cursor.id.shard ||
                       (shard_ == cursor.id.shard && subscription_ && *subscription_ < cursor.id.subscription);
    const bool same = shard_ == cursor.id.shard && (!subscription_ || *subscription_ == cursor.id.subscription);
    // Of that time all of this source come before the cursor, or all behind it, or it is in the midst of them.
    base::append_be(key, ~static_cast<std::uint64_t>(cursor.admitted_at.us - (later ? 1 : 0)));
    if (!same) return key;
    if (!subscription_) base::append_be(key, cursor.id.subscription.value);
    base::append_be(key, cursor.id.log.value);
    base::append_be(key, cursor.id.offset.value);
    return key + '\0';
  }

  void look() {
    if (!it_->Valid()) return;
    const std::string_view key = view(it_->key());
    std::size_t at = prefix_.size();
    const auto number = [&] { return keys::number_at(key, std::exchange(at, at + 8)); };
    place_.id.shard = shard_;
    place_.admitted_at = base::Instant{static_cast<std::int64_t>(~number())};
    place_.id.subscription = subscription_ ? *subscription_ : model::SubscriptionId(number());
    place_.id.log = model::LogId(number());
    place_.id.offset = model::Offset(number());
  }

  const model::ShardId shard_;
  const std::optional<model::SubscriptionId> subscription_;
  const std::string prefix_;
  const std::string end_;
  const rocksdb::Slice lower_;
  const rocksdb::Slice upper_;
  std::unique_ptr<rocksdb::Iterator> it_;
  Place place_;
};

/// Goes through the cases that a query may mean, from the newest to the oldest, by the index that leaves out the most.
class Lister {
 public:
  Lister(Database& database, const CaseQuery& query, const rocksdb::Snapshot* snapshot)
      : database_(database), query_(query), snapshot_(snapshot), needs_message_(model::needs_message(query)) {
    if (const std::string* state = model::equal_to(query, Field::state)) state_ = model::parse_case_state(*state);
    for (const model::CaseTerm& term : query.terms) {
      if (term.field == Field::admitted) bound(term.op, base::Instant{term.number});
    }
  }

  /// `take(record)` gives false when it wants no more. `cursor`: "" when all were looked at.
  template <class Take>
  Status run(std::uint16_t shards, const std::optional<Place>& from, Take take, std::string& cursor) {
    for (std::uint16_t shard = 0; shard < shards; ++shard) LZ_RETURN_IF_ERROR(add_sources(model::ShardId(shard)));
    if (newest_ <= behind_) return {};
    for (const auto& source : sources_) source->begin(from, newest_);
    for (Source* source = newest(); source != nullptr; source = newest()) {
      const Place place = source->place();
      if (place.admitted_at <= behind_) break;
      bool wants_more = true;
      auto found = look_at(*source);
      if (!found.ok()) return found.status();
      if (*found) wants_more = take(std::move(**found));
      source->next();
      if (wants_more && cost_ < kEntriesAPage) continue;
      if (newest() != nullptr) cursor = encode_cursor(place);
      break;
    }
    for (const auto& source : sources_) LZ_RETURN_IF_ERROR(source->status());
    return {};
  }

 private:
  /// What a term of admission leaves of the times.
  void bound(model::CaseTerm::Operator op, base::Instant time) {
    using Operator = model::CaseTerm::Operator;
    constexpr base::Duration kLeast(1);
    if (op != Operator::less) behind_ = std::max(behind_, op == Operator::greater ? time : time - kLeast);
    if (op != Operator::greater) newest_ = std::min(newest_, op == Operator::less ? time - kLeast : time);
  }

  void add(model::ShardId shard, const keys::Key& prefix, std::optional<model::SubscriptionId> subscription = {}) {
    sources_.push_back(std::make_unique<Source>(database_, snapshot_, shard, prefix.str(), subscription));
  }

  void add_of(model::ShardId shard, model::SubscriptionId sub) {
    if (!state_) return add(shard, keys::index(shard, Index::by_subscription).add(sub.value), sub);
    keys::Key key = keys::index(shard, Index::by_subscription_and_state);
    add(shard, key.add(sub.value).add(static_cast<std::uint8_t>(*state_)), sub);
  }

  Status add_sources(model::ShardId shard) {
    if (const std::string* text = model::equal_to(query_, Field::group)) {
      const auto group = model::GroupId::parse(*text);
      if (group) add(shard, keys::index(shard, Index::by_group).add(group->value));
      return {};
    }
    const std::string* correlation = model::equal_to(query_, Field::correlation_id);
    if (correlation != nullptr && !correlation->empty()) {
      add(shard, keys::index(shard, Index::by_correlation).add(model::hash_of_key(*correlation).value));
      return {};
    }
    if (const std::string* text = model::equal_to(query_, Field::quarantine)) {
      const auto rule = model::QuarantineId::parse(*text);
      if (rule && rule->shard == shard) add_of(shard, rule->subscription);
      return {};
    }
    if (query_.subscription) {
      add_of(shard, *query_.subscription);
      return {};
    }
    if (const std::string* name = model::equal_to(query_, Field::subscription)) {
      return database_.scan(
          Family::hospital_index, keys::named(shard, *name),
          [&](std::string_view key, std::string_view) {
            add_of(shard, model::SubscriptionId(keys::last_number(key)));
            return true;
          },
          snapshot_);
    }
    if (state_) {
      add(shard, keys::index(shard, Index::by_state).add(static_cast<std::uint8_t>(*state_)));
    } else {
      add(shard, keys::index(shard, Index::by_time));
    }
    return {};
  }

  Source* newest() {
    Source* best = nullptr;
    for (const auto& source : sources_) {
      const bool first = source->valid() && (best == nullptr || before(source->place(), best->place()));
      if (first) best = source.get();
    }
    return best;
  }

  /// The case, if it is one of those that are meant.
  base::Result<std::optional<CaseRecord>> look_at(Source& source) {
    ++cost_;
    const bool other_state = state_ && (source.state().size() != 1 || source.state()[0] != static_cast<char>(*state_));
    if (other_state) return std::optional<CaseRecord>();
    auto record = read_case(database_, source.place().id, snapshot_);
    if (record.code() == Code::NOT_FOUND) return std::optional<CaseRecord>();
    if (!record.ok()) return record.status();
    cost_ += kEntriesACase;
    if (!model::matches(query_, *record) || (needs_message_ && !matches_message_of(*record))) {
      return std::optional<CaseRecord>();
    }
    cost_ -= std::min(cost_, 1 + kEntriesACase);
    return std::optional<CaseRecord>(std::move(*record));
  }

  /// Of one that is gone, or damaged, nothing is known.
  bool matches_message_of(const CaseRecord& record) {
    const model::MessageRef message = read_newest(database_, record.id, record.version, snapshot_);
    cost_ += kEntriesACase;
    if (message == nullptr) return false;
    const MessageMatch match = matches_message(query_, *message, database_.max_message_bytes());
    cost_ += match.bytes / kBytesAnEntry;
    return match.holds;
  }

  Database& database_;
  const CaseQuery& query_;
  const rocksdb::Snapshot* snapshot_;
  const bool needs_message_;
  std::optional<model::CaseState> state_;
  // Only what was admitted behind the one, and not behind the other, is meant.
  base::Instant behind_;
  base::Instant newest_ = base::Instant::never();
  std::vector<std::unique_ptr<Source>> sources_;
  std::uint64_t cost_ = 0;
};

/// One that is named by its id needs no list.
base::Result<model::CasePage> list_one(Database& database, std::uint16_t shards, const CaseQuery& query,
                                       const std::string& id, const rocksdb::Snapshot* snapshot) {
  model::CasePage page;
  const auto parsed = CaseId::parse(id);
  if (!parsed || parsed->shard.value >= shards) return page;
  auto record = read_case(database, *parsed, snapshot);
  if (record.code() == Code::NOT_FOUND) return page;
  if (!record.ok()) return record.status();
  if (is_meant(database, query, *record, snapshot).holds) page.cases.push_back(std::move(*record));
  return page;
}

base::Result<std::optional<Place>> place_of(const std::string& cursor) {
  if (cursor.empty()) return std::optional<Place>();
  const auto place = decode_cursor(cursor);
  if (!place) return Status(Code::BAD_REQUEST, "the cursor is not one of ours");
  return place;
}

/// Whether the case that is known by this id is the one that is asked for.
base::Result<std::optional<CaseId>> find_same(Database& database, const CaseId& id, const model::CaseOrigin& origin) {
  const auto record = read_case(database, id);
  if (!record.ok() && record.code() != Code::NOT_FOUND) return record.status();
  const bool is_there = record.ok() && record->is_or_was(origin);
  return is_there ? std::optional(id) : std::nullopt;
}

}  // namespace

MessageMatch is_meant(Database& database, const CaseQuery& query, const CaseRecord& record,
                      const rocksdb::Snapshot* snapshot) {
  if (!model::matches(query, record)) return {};
  if (!model::needs_message(query)) return {true, 0};
  const auto message = read_newest(database, record.id, record.version, snapshot);
  return message == nullptr ? MessageMatch() : matches_message(query, *message, database.max_message_bytes());
}

base::Result<model::CasePage> list_cases(Database& database, std::uint16_t shards, const CaseQuery& query,
                                         const std::string& cursor, std::size_t max,
                                         const rocksdb::Snapshot* snapshot) {
  if (query.by_message) return list_cases_by_message(database, shards, query, cursor, max, snapshot);
  const auto from = place_of(cursor);
  if (!from.ok()) return from.status();
  if (const std::string* id = model::equal_to(query, Field::id)) {
    return list_one(database, shards, query, *id, snapshot);
  }
  model::CasePage page;
  Lister lister(database, query, snapshot);
  const auto take = [&](CaseRecord&& record) {
    page.cases.push_back(std::move(record));
    return page.cases.size() < max;
  };
  if (Status status = lister.run(shards, *from, take, page.cursor); !status.ok()) return status;
  return page;
}

base::Result<model::CaseCount> count_cases(Database& database, std::uint16_t shards, const CaseQuery& query,
                                           const std::string& cursor, const rocksdb::Snapshot* snapshot) {
  if (model::counted_by_groups(query)) return count_by_groups(database, shards, query, snapshot);
  const auto from = place_of(cursor);
  if (!from.ok()) return from.status();
  model::CaseCount count;
  if (const std::string* id = model::equal_to(query, Field::id)) {
    const auto page = list_one(database, shards, query, *id, snapshot);
    if (!page.ok()) return page.status();
    count.count = page->cases.size();
    return count;
  }
  Lister lister(database, query, snapshot);
  const auto take = [&](CaseRecord&&) { return ++count.count < model::limits::kCasesCounted; };
  if (Status status = lister.run(shards, *from, take, count.cursor); !status.ok()) return status;
  return count;
}

base::Result<CaseRecord> read_case(Database& database, const CaseId& id, const rocksdb::Snapshot* snapshot) {
  const auto bytes = database.get(Family::hospital, keys::case_record(id), snapshot);
  if (!bytes.ok()) return bytes.status();
  if (!*bytes) return Status(Code::NOT_FOUND, "there is no case " + id.to_string());
  CaseRecord record;
  record.id = id;
  if (!decode(**bytes, record)) return Status(Code::STORAGE_DAMAGED, "the record of case " + id.to_string());
  return record;
}

/// An entry whose case is gone was left by an older version. What was exported here has no entry: it is found as
/// itself.
base::Result<std::optional<CaseId>> find_imported(Database& database, model::ShardId shard,
                                                  model::SubscriptionId subscription, const model::CaseOrigin& origin) {
  if (origin.id.shard == shard && origin.id.subscription == subscription) {
    auto own = find_same(database, origin.id, origin);
    if (!own.ok() || *own) return own;
  }
  const auto entry = database.get(Family::hospital_index, keys::case_by_origin(shard, subscription, origin));
  if (!entry.ok()) return entry.status();
  if (!*entry || (*entry)->size() != 16) return std::optional<CaseId>();
  const CaseId id{shard, subscription, model::LogId(keys::number_at(**entry, 0)),
                  model::Offset(keys::number_at(**entry, 8))};
  return find_same(database, id, origin);
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
