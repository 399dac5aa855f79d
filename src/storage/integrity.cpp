#include "storage/integrity.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "model/limits.h"
#include "storage/audit_trail.h"
#include "storage/case_history.h"
#include "storage/case_indexes.h"
#include "storage/message_reader.h"
#include "storage/outbox.h"
#include "storage/records.h"
#include "storage/run.h"

namespace lazaret::storage {
namespace {

using base::Status;
using keys::Kind;
using model::CaseId;
using model::CaseRecord;
using model::LogId;
using model::Offset;
using model::OffsetRange;
using model::ShardId;

constexpr std::size_t kFindingsMost = 1000;

/// Walks the directory once; every finding says where and what.
class Checker {
 public:
  Checker(Database& database, const rocksdb::Snapshot* snapshot, const std::function<bool(std::uint64_t)>& progress)
      : database_(database), snapshot_(snapshot), progress_(progress) {}

  base::Result<model::CheckReport> run(std::uint16_t shards) {
    Status status = check_all(shards);
    if (stopped_) return Status(base::Code::CANCELLED, "the check was ended before it was through");
    if (!status.ok()) return status;
    return report_;
  }

 private:
  void found(std::string where, std::string what) {
    if (report_.findings.size() < kFindingsMost) report_.findings.push_back({std::move(where), std::move(what)});
  }
  /// Something was looked at, and so many bytes of it read. False: enough.
  bool read(std::size_t bytes) {
    report_.bytes += bytes;
    if (++looked_ % kReportEveryLooks != 0 && report_.bytes < report_at_) return !stopped_;
    report_at_ = report_.bytes + kReportEveryBytes;
    if (progress_ && !progress_(report_.bytes)) stopped_ = true;
    return !stopped_;
  }

  Status check_all(std::uint16_t shards) {
    DirectoryRecord directory;
    const auto written = database_.get(Family::catalog, keys::directory(), snapshot_);
    if (written.ok() && *written && decode(**written, directory)) format_ = directory.format;
    LZ_RETURN_IF_ERROR(check_queues(shards));
    for (std::uint16_t shard = 0; shard < shards && !stopped_; ++shard) {
      LZ_RETURN_IF_ERROR(check_cases(ShardId(shard)));
      for (std::uint16_t to = 0; to < shards; ++to) LZ_RETURN_IF_ERROR(check_outbox(ShardId(shard), ShardId(to)));
    }
    for (const model::QueueRecord& queue : queues_) {
      if (stopped_) break;
      LZ_RETURN_IF_ERROR(check_queue(queue));
    }
    return check_audit_trail();
  }
  Status check_audit_trail() {
    const auto wrong = check_audit(database_, snapshot_, [this](std::size_t bytes) {
      ++report_.audit_entries;
      return read(bytes);
    });
    if (!wrong.ok()) return wrong.status();
    if (*wrong && !stopped_) found((*wrong)->where, (*wrong)->what);
    return {};
  }
  Status check_queues(std::uint16_t shards);
  Status check_outbox(ShardId shard, ShardId to);
  Status check_cases(ShardId shard);
  Status check_index(ShardId shard);
  Status check_groups(ShardId shard);
  Status check_case_sums(ShardId shard);
  Status check_queue(const model::QueueRecord& queue);
  bool is_known_damage(const CaseId& id) const;
  Status check_log(const model::QueueRecord& queue, const model::LogState& state, Offset end);
  void check_priority(const model::QueueRecord& queue, Offset offset, std::uint8_t priority);
  Status check_priorities(const model::QueueRecord& queue, Offset end);
  Status check_case(const CaseRecord& record);
  Status check_history(const CaseRecord& record);
  Status settled_of(const model::QueueRecord& queue, const model::SubscriptionState& state,
                    std::vector<OffsetRange>& settled);
  void check_mark(const CaseId& id);
  Status check_sums(const model::QueueRecord& queue, const model::SubscriptionState& state, Offset end);
  Status check_schedule(const model::QueueRecord& queue, const std::vector<OffsetRange>& settled, Offset end);
  Status check_deliveries(const model::QueueRecord& queue, const std::vector<OffsetRange>& settled);
  Status check_requests(const model::QueueRecord& queue, const std::vector<OffsetRange>& settled, Offset end);

  static constexpr std::uint64_t kReportEveryBytes = 4u << 20;
  static constexpr std::uint64_t kReportEveryLooks = 1024;
  Database& database_;
  const rocksdb::Snapshot* snapshot_;
  const std::function<bool(std::uint64_t)>& progress_;
  model::CheckReport report_;
  std::uint64_t looked_ = 0;
  std::uint64_t report_at_ = kReportEveryBytes;
  bool stopped_ = false;
  std::uint32_t format_ = kFormat;
  /// An older version has none: they are built when it is opened for writing.
  bool has_groups() const { return format_ >= kCaseIndexesFormat; }
  std::vector<model::QueueRecord> queues_;
  std::map<CaseId, CaseRecord> cases_;                          // open ones
  std::map<model::SubscriptionId, model::CaseSums> case_sums_;  // of the shard that is being checked, as its cases say
  std::map<model::GroupId, model::GroupRecord> groups_;         // of the shard that is being checked, as its cases say
  std::uint64_t cases_of_shard_ = 0;
  std::uint64_t correlated_of_shard_ = 0;  // those that have a correlation id
};

bool contains(const std::vector<OffsetRange>& ranges, Offset offset) {
  const auto it = std::upper_bound(ranges.begin(), ranges.end(), offset,
                                   [](Offset value, const OffsetRange& range) { return value < range.begin; });
  return it != ranges.begin() && offset < std::prev(it)->end;
}

Status Checker::check_queues(std::uint16_t shards) {
  return database_.scan(
      Family::catalog, keys::queue(""),
      [&](std::string_view key, std::string_view value) {
        read(key.size() + value.size());
        model::QueueRecord queue;
        if (!decode(value, queue) || queue.shard.value >= shards) {
          found("catalog", "the record of queue " + std::string(key.substr(3)) + " cannot be decoded");
        } else {
          switch (queue.kind) {
            case model::Kind::queue: ++report_.queues; break;
            case model::Kind::topic: ++report_.topics; break;
            case model::Kind::subscription: ++report_.subscriptions; break;
            case model::Kind::feeder: break;  // a part of a subscription
          }
          queues_.push_back(std::move(queue));
        }
        return !stopped_;
      },
      snapshot_);
}

/// What one shard owes to another: whole, and without a gap.
Status Checker::check_outbox(ShardId shard, ShardId to) {
  const std::string name =
      "outbox of shard " + std::to_string(shard.value) + " to shard " + std::to_string(to.value) + ", entry ";
  const auto taken = read_taken(database_, keys::outbox_taken(shard, to), snapshot_);
  if (!taken.ok()) return taken.status();
  std::uint64_t next = *taken + 1;
  return database_.scan(
      Family::outbox, keys::outbox_entries(shard, to),
      [&](std::string_view key, std::string_view value) {
        read(key.size() + value.size());
        const std::uint64_t number = keys::last_number(key);
        if (number != next) found(name + std::to_string(next), "it is missing");
        if (decode_outbox_entry(to, number, value).damaged) found(name + std::to_string(number), "it is damaged");
        next = number + 1;
        return !stopped_;
      },
      snapshot_);
}

Status Checker::check_cases(ShardId shard) {
  Status inner;
  const std::string prefix = keys::Key(shard).str();
  cases_of_shard_ = correlated_of_shard_ = 0;
  LZ_RETURN_IF_ERROR(database_.scan(
      Family::hospital, prefix,
      [&](std::string_view key, std::string_view value) {
        read(key.size() + value.size());
        CaseRecord record;
        record.id = {shard, model::SubscriptionId(keys::number_at(key, 2)), LogId(keys::number_at(key, 10)),
                     Offset(keys::number_at(key, 18))};
        ++report_.cases;
        ++cases_of_shard_;
        if (!decode(value, record)) {
          found("case " + record.id.to_string(), "its record cannot be decoded");
          return true;
        }
        inner = check_case(record);
        if (record.is_open()) cases_.emplace(record.id, std::move(record));
        return inner.ok() && !stopped_;
      },
      snapshot_));
  LZ_RETURN_IF_ERROR(inner);
  if (stopped_) return {};
  LZ_RETURN_IF_ERROR(check_index(shard));
  if (has_groups()) LZ_RETURN_IF_ERROR(check_groups(shard));
  return stopped_ ? Status() : check_case_sums(shard);
}

/// What the cases of a subscription keep, and how many are closed, is what is written of it. An older version writes no
/// sums. What cannot be read is none.
Status Checker::check_case_sums(ShardId shard) {
  std::map<model::SubscriptionId, model::CaseSums> counted = std::exchange(case_sums_, {});
  if (format_ < kCaseSumsFormat) return {};
  const std::string prefix = keys::index(shard, keys::Index::sums).str();
  std::map<model::SubscriptionId, model::CaseSums> written;
  LZ_RETURN_IF_ERROR(database_.scan(
      Family::hospital_index, prefix,
      [&](std::string_view key, std::string_view value) {
        const model::SubscriptionId subscription(keys::last_number(key));
        written[subscription] = decode_sums(value).value_or(model::CaseSums());
        counted.try_emplace(subscription);
        return read(key.size() + value.size());
      },
      snapshot_));
  for (const auto& [subscription, sums] : counted) {
    if (stopped_) break;
    const std::string where = "subscription " + std::to_string(subscription.value);
    const model::CaseSums& says = written[subscription];
    if (says.bytes != sums.bytes) {
      found(where, "its cases keep " + std::to_string(sums.bytes) +
                       " bytes of messages, and it is written that they keep " + std::to_string(says.bytes));
    }
    if (says.closed != sums.closed) {
      found(where, "it has " + std::to_string(sums.closed) + " closed cases, and it is written that it has " +
                       std::to_string(says.closed));
    }
  }
  return {};
}

/// The counts of groups are those of their cases; what is left in `groups_` has no record. And each list of cases has
/// as many as there are: with what was looked up, the same.
Status Checker::check_groups(ShardId shard) {
  LZ_RETURN_IF_ERROR(database_.scan(
      Family::hospital_index, keys::index(shard, keys::Index::group).str(),
      [&](std::string_view key, std::string_view value) {
        model::GroupRecord record;
        record.id = model::GroupId{keys::last_number(key)};
        const std::string where = "group " + record.id.to_string();
        if (!decode(value, record)) {
          found(where, "its record cannot be decoded");
        } else if (const auto& counts = groups_[record.id].counts; counts != record.counts) {
          const auto sum = [](const auto& all) { return std::accumulate(all.begin(), all.end(), std::uint64_t{0}); };
          found(where, "it counts " + std::to_string(record.open()) + " open cases of " +
                           std::to_string(record.cases()) + ", there are " + std::to_string(counts[0] + counts[1]) +
                           " of " + std::to_string(sum(counts)));
        }
        groups_.erase(record.id);
        return read(key.size() + value.size());
      },
      snapshot_));
  if (stopped_) return {};
  for (const auto& [id, group] : groups_) found("group " + id.to_string(), "it has cases, and no record");
  groups_.clear();
  for (const keys::Index kind : {keys::Index::by_group, keys::Index::by_state, keys::Index::by_subscription_and_state,
                                 keys::Index::by_correlation}) {
    std::uint64_t entries = 0;
    LZ_RETURN_IF_ERROR(database_.scan(
        Family::hospital_index, keys::index(shard, kind).str(),
        [&](std::string_view, std::string_view) { return ++entries > 0 && read(0); }, snapshot_));
    if (stopped_) return {};
    const std::uint64_t expected = kind == keys::Index::by_correlation ? correlated_of_shard_ : cases_of_shard_;
    if (entries == expected) continue;
    found("shard " + std::to_string(shard.value),
          "a list of its cases has " + std::to_string(entries) + " entries, and there are " + std::to_string(expected));
  }
  return {};
}

Status Checker::check_case(const CaseRecord& record) {
  const std::string where = "case " + record.id.to_string();
  std::vector<std::string> index = {keys::case_by_time(record.id, record.admitted_at),
                                    keys::case_by_subscription(record.id, record.admitted_at)};
  if (has_groups()) {
    index.push_back(keys::case_by_group(record.id, record.admitted_at, record.group));
    index.push_back(keys::case_by_state(record.id, record.admitted_at, record.state));
    index.push_back(keys::case_by_subscription_and_state(record.id, record.admitted_at, record.state));
    if (const std::string& correlation = record.summary.correlation_id; !correlation.empty()) {
      index.push_back(keys::case_by_correlation(record.id, record.admitted_at, correlation));
      ++correlated_of_shard_;
    }
    model::enter(groups_[record.group], record, true);
  }
  add(record, case_sums_[record.id.subscription]);
  for (const std::string& key : index) {
    const auto entry = database_.get(Family::hospital_index, key, snapshot_);
    if (!entry.ok()) return entry.status();
    if (!*entry || **entry != std::string(1, static_cast<char>(record.state))) {
      found(where, "an index of the hospital does not have it, or has it in another state");
    }
  }
  if (record.origin) {
    const std::string key = keys::case_by_origin(record.id.shard, record.id.subscription, *record.origin);
    const auto entry = database_.get(Family::hospital_index, key, snapshot_);
    if (!entry.ok()) return entry.status();
    const bool is_named = *entry && **entry == keys::imported_value(record.id);
    if (!is_named) found(where, "it was imported, and an import would bring it once more");
  }
  std::uint32_t attempts = 0;
  LZ_RETURN_IF_ERROR(database_.scan(
      Family::state, keys::attempts_of(record.id.shard, record.id.subscription, record.id.log, record.id.offset),
      [&](std::string_view, std::string_view value) {
        model::Attempt attempt;
        ++attempts;
        if (!decode(value, attempt) || attempt.number != attempts)
          found(where, "its attempts are not numbered 1, 2, …");
        return read(0);
      },
      snapshot_));
  if (stopped_) return {};
  if (attempts < record.attempt_count) {
    found(where, "it counts " + std::to_string(record.attempt_count) + " attempts and has " + std::to_string(attempts));
  }
  LZ_RETURN_IF_ERROR(check_history(record));
  if (record.is_open() && record.reason != model::CaseReason::damaged &&
      MessageReader(database_, snapshot_).read_one(record.id.shard, record.id.log, record.id.offset) == nullptr) {
    found(where, "its message cannot be read");
  }
  return {};
}

/// The versions of its message, and its place among those that are closed.
Status Checker::check_history(const CaseRecord& record) {
  const std::string where = "case " + record.id.to_string();
  std::uint32_t versions = 0;
  LZ_RETURN_IF_ERROR(database_.scan(
      Family::state, keys::case_edits(record.id),
      [&](std::string_view key, std::string_view value) {
        const auto stored = decode_edit(record.id, ++versions, value);
        if (!stored || stored->message == nullptr) {
          found(where, "version " + std::to_string(versions) + " of its message cannot be read");
        }
        return read(key.size() + value.size());
      },
      snapshot_));
  if (stopped_) return {};
  if (versions != record.version) {
    found(where, "it is at version " + std::to_string(record.version) + " and has " + std::to_string(versions));
  }
  if (record.is_open()) return {};
  const auto place = database_.get(Family::state, keys::closed_case(record.id, record.closed_at), snapshot_);
  if (!place.ok()) return place.status();
  if (!*place && format_ >= kCaseIndexesFormat) found(where, "it is closed, and not among those that go in time");
  return {};
}

/// From the index to the cases: each entry has its case.
Status Checker::check_index(ShardId shard) {
  return database_.scan(
      Family::hospital_index, keys::Key(shard).add(std::uint8_t{1}).str(),
      [&](std::string_view key, std::string_view) {
        const CaseId id{shard, model::SubscriptionId(keys::number_at(key, 11)), LogId(keys::number_at(key, 19)),
                        Offset(keys::number_at(key, 27))};
        const auto record = database_.get(Family::hospital, keys::case_record(id), snapshot_);
        if (record.ok() && !*record)
          found("case " + id.to_string(), "an index of the hospital names it, but it is not there");
        return read(0);
      },
      snapshot_);
}

Status Checker::check_queue(const model::QueueRecord& queue) {
  const auto bytes = database_.get(Family::state, keys::subscription(queue.shard, queue.subscription), snapshot_);
  if (!bytes.ok()) return bytes.status();
  const bool is_topic = queue.kind == model::Kind::topic;
  if (!*bytes && !is_topic) return {};  // created, and nothing written yet
  model::SubscriptionState state;
  if (*bytes && !decode(**bytes, state)) {
    found("queue " + queue.name, "its state cannot be decoded");
    return {};
  }
  if (state.deleting) return {};
  model::LogState log;
  const auto log_bytes = database_.get(Family::state, keys::log_state(queue.shard, queue.log), snapshot_);
  if (!log_bytes.ok()) return log_bytes.status();
  if (*log_bytes && !decode(**log_bytes, log)) found("queue " + queue.name, "the state of its log cannot be decoded");
  // Of several topics what was lost has entered too, and what a filter turned away has not; a restored one has twice.
  const std::uint64_t stored = state.sources.empty() ? 0 : state.sources.front().entered_to.value;
  const std::uint64_t entered = queue.is_fan_in() || stored != 0 ? stored : state.counters.entered;
  const auto end = MessageReader(database_, snapshot_).end_of(queue.shard, queue.log, log.next, entered);
  if (!end.ok()) return end.status();
  if (!queue.reads_topic()) {
    LZ_RETURN_IF_ERROR(check_log(queue, log, *end));
    LZ_RETURN_IF_ERROR(check_priorities(queue, *end));
  }
  if (stopped_ || is_topic) return {};
  // What came to a topic since its subscription was written last.
  if (queue.reads_topic() && !state.sources.empty()) {
    const Offset counted = state.sources.front().entered_to;
    state.counters.entered += end->value - std::min(counted.value, end->value);
    for (const OffsetRange& gap : log.gaps) {
      if (gap.begin >= counted) state.counters.entered -= gap.size();
    }
  }
  return check_sums(queue, state, *end);
}

/// A damaged message is a case of whoever met it; of a topic that may be any of its subscriptions.
bool Checker::is_known_damage(const CaseId& id) const {
  return std::any_of(cases_.begin(), cases_.end(), [&](const auto& one) {
    return one.first.log == id.log && one.first.offset == id.offset && one.second.reason == model::CaseReason::damaged;
  });
}

/// Every offset is read: a message, trimmed, or a finding.
Status Checker::check_log(const model::QueueRecord& queue, const model::LogState& state, Offset end) {
  ++report_.logs;
  MessageReader reader(database_, snapshot_);
  for (Offset at(0); at < end && read(0);) {
    const auto page =
        reader.read(queue.shard, queue.log, at, end, model::limits::kPageMessages, model::limits::kPageBytes);
    if (!page.ok()) return page.status();
    for (const model::PagedMessage& paged : page->messages) {
      const CaseId id{queue.shard, queue.subscription, queue.log, paged.offset};
      if (paged.message != nullptr) {
        ++report_.messages;
        read(paged.message->size());
        // A run that holds on to what is needed still has what was trimmed around it.
        if (!contains(state.trimmed, paged.offset)) check_priority(queue, paged.offset, paged.message->priority);
      } else if (!is_known_damage(id)) {
        found("queue " + queue.name + " offset " + std::to_string(paged.offset.value),
              "the message is damaged, or gone without an explanation");
      }
    }
    at = std::max(page->next, at.next());
  }
  return {};
}

/// From the message to the index: it is what a consumer finds it by.
void Checker::check_priority(const model::QueueRecord& queue, Offset offset, std::uint8_t priority) {
  if (priority == 0) return;
  const auto place =
      database_.get(Family::state, keys::prioritised(queue.shard, queue.log, priority, offset), snapshot_);
  if (place.ok() && *place) return;
  found("queue " + queue.name + " offset " + std::to_string(offset.value),
        "it has priority " + std::to_string(priority) + ", and the index of these does not name it");
}

/// From the index to what was published.
Status Checker::check_priorities(const model::QueueRecord& queue, Offset end) {
  return database_.scan(
      Family::state, keys::prioritised_prefix(queue.shard, queue.log),
      [&](std::string_view key, std::string_view) {
        const Offset offset(keys::last_number(key));
        if (offset >= end) {
          found("queue " + queue.name + " offset " + std::to_string(offset.value),
                "the index of priorities names it, and it was never published");
        }
        return read(key.size());
      },
      snapshot_);
}

/// All settled offsets as the record, the chunks and the cursor say, ascending.
Status Checker::settled_of(const model::QueueRecord& queue, const model::SubscriptionState& state,
                           std::vector<OffsetRange>& settled) {
  std::map<std::uint64_t, std::uint64_t> merged;  // begin → end
  const auto add = [&](std::uint64_t begin, std::uint64_t stop) {
    auto it = merged.upper_bound(begin);
    if (it != merged.begin() && std::prev(it)->second >= begin) --it;
    while (it != merged.end() && it->first <= stop) {
      begin = std::min(begin, it->first);
      stop = std::max(stop, it->second);
      it = merged.erase(it);
    }
    if (begin < stop) merged.emplace(begin, stop);
  };
  const model::SourceState& source = state.sources.front();
  add(0, source.cursor.value);
  for (const OffsetRange& range : source.settled) add(range.begin.value, range.end.value);
  const std::string prefix =
      keys::Key(queue.shard, Kind::ack_chunk).add(queue.subscription.value).add(queue.log.value).str();
  LZ_RETURN_IF_ERROR(database_.scan(
      Family::state, prefix,
      [&](std::string_view key, std::string_view value) {
        model::AckChunk chunk;
        if (!decode(value, chunk)) {
          found("queue " + queue.name, "an ack chunk cannot be decoded");
          return true;
        }
        const std::uint64_t first = keys::last_number(key) * model::limits::kAckChunkOffsets;
        for (std::uint64_t bit = 0; bit < model::limits::kAckChunkOffsets; ++bit) {
          if ((chunk.words[bit / 64] >> (bit % 64) & 1) != 0) add(first + bit, first + bit + 1);
        }
        return true;
      },
      snapshot_));
  for (const auto& [begin, stop] : merged) settled.push_back({Offset(begin), Offset(stop)});
  return {};
}

/// Of a case that was imported into a topic's log: its message is nobody else's. One that cannot be read is found where
/// cases are looked at.
void Checker::check_mark(const CaseId& id) {
  const model::MessageRef message = MessageReader(database_, snapshot_).read_one(id.shard, id.log, id.offset);
  if (message == nullptr || message->imported) return;
  found("case " + id.to_string(), "it was imported, and whoever else reads the topic would be delivered its message");
}

Status Checker::check_sums(const model::QueueRecord& queue, const model::SubscriptionState& state, Offset end) {
  const std::string where = "queue " + queue.name;
  if (state.sources.empty()) return {};
  std::vector<OffsetRange> settled;
  LZ_RETURN_IF_ERROR(settled_of(queue, state, settled));
  std::uint64_t settled_count = 0;
  for (const OffsetRange& range : settled) settled_count += range.size();
  if (!settled.empty() && settled.back().end > end) found(where, "offsets are settled that its log does not have");

  std::uint64_t admitted = 0;
  std::uint64_t replaying = 0;
  for (auto it = cases_.lower_bound({queue.shard, queue.subscription, {}, {}});
       it != cases_.end() && it->first.shard == queue.shard && it->first.subscription == queue.subscription; ++it) {
    (it->second.state == model::CaseState::admitted ? admitted : replaying) += 1;
    if (!contains(settled, it->first.offset))
      found("case " + it->first.to_string(), "its message is still on the queue too");
    if (it->second.origin && queue.reads_topic()) check_mark(it->first);
  }
  std::uint64_t in_lane = 0;
  LZ_RETURN_IF_ERROR(database_.scan(
      Family::state, keys::Key(queue.shard, Kind::lane_entry).add(queue.subscription.value).str(),
      [&](std::string_view key, std::string_view value) {
        ++in_lane;
        model::LaneEntry entry;
        const Offset offset(keys::last_number(key));
        const bool alone = decode(value, entry) && entry.edited;
        if (alone && MessageReader(database_, snapshot_).read_one(queue.shard, queue.lane, offset) == nullptr) {
          found(where + " lane " + std::to_string(offset.value), "its edited message cannot be read");
        }
        return true;
      },
      snapshot_));
  if (in_lane != replaying) {
    found(where, std::to_string(replaying) + " cases are replaying, its lane has " + std::to_string(in_lane));
  }
  const model::Counters& c = state.counters;
  if (c.in_hospital != admitted) {
    found(where, "in_hospital says " + std::to_string(c.in_hospital) + ", there are " + std::to_string(admitted));
  }
  const std::uint64_t on_queue = end.value - std::min(settled_count, end.value) + in_lane;
  const std::uint64_t sum = on_queue + c.in_hospital + c.acked + c.discarded + c.expired + c.purged + c.dropped +
                            c.lost_to_retention + c.redirected;
  if (sum != c.entered) {
    found(where, "entered " + std::to_string(c.entered) + ", but the sum of all places is " + std::to_string(sum) +
                     " (" + std::to_string(on_queue) + " on the queue, " + std::to_string(c.acked) + " acked, " +
                     std::to_string(c.in_hospital) + " in hospital)");
  }
  LZ_RETURN_IF_ERROR(check_requests(queue, settled, end));
  LZ_RETURN_IF_ERROR(check_deliveries(queue, settled));
  return check_schedule(queue, settled, end);
}

Status Checker::check_deliveries(const model::QueueRecord& queue, const std::vector<OffsetRange>& settled) {
  const std::string prefix = keys::Key(queue.shard, Kind::delivery).add(queue.subscription.value).str();
  return database_.scan(
      Family::state, prefix,
      [&](std::string_view key, std::string_view value) {
        model::DeliveryRecord record;
        const LogId log(keys::number_at(key, prefix.size()));
        const Offset offset(keys::last_number(key));
        const std::string where = "queue " + queue.name + " offset " + std::to_string(offset.value);
        if (!decode(value, record)) {
          found(where, "its delivery record cannot be decoded");
          return true;
        }
        if (log == queue.log && contains(settled, offset)) found(where, "it is settled and has a delivery record");
        if (record.state == model::DeliveryState::waiting) {
          const auto due = database_.get(
              Family::schedule, keys::scheduled(queue.shard, queue.subscription, record.due, log, offset), snapshot_);
          if (due.ok() && !*due) found(where, "it waits and is not in the schedule");
        }
        return read(0);
      },
      snapshot_);
}

/// From the schedule to what waits: a message that is not settled, and, unless it waits for its first delivery, its
/// delivery record.
Status Checker::check_schedule(const model::QueueRecord& queue, const std::vector<OffsetRange>& settled, Offset end) {
  const std::string prefix = keys::schedule_prefix(queue.shard, queue.subscription);
  return database_.scan(Family::schedule, prefix, [&](std::string_view key, std::string_view value) {
    const LogId log(keys::number_at(key, prefix.size() + 8));
    const Offset offset(keys::last_number(key));
    const std::string where = "queue " + queue.name + " offset " + std::to_string(offset.value);
    const bool scheduled = keys::is_scheduled(value);
    if (scheduled && (log != queue.log || offset >= end)) found(where, "it is scheduled, and was never published");
    if (scheduled && contains(settled, offset)) found(where, "it is settled and scheduled");
    if (scheduled) return read(0);
    const auto record =
        database_.get(Family::state, keys::delivery(queue.shard, queue.subscription, log, offset), snapshot_);
    if (record.ok() && !*record) found(where, "it is in the schedule and has no delivery record");
    return read(0);
  });
}

Status Checker::check_requests(const model::QueueRecord& queue, const std::vector<OffsetRange>& settled, Offset end) {
  return database_.scan(
      Family::state, keys::Key(queue.shard, Kind::request).add(queue.subscription.value).str(),
      [&](std::string_view key, std::string_view value) {
        model::RequestRecord record;
        if (!decode(value, record)) {
          found("queue " + queue.name, "a request cannot be decoded");
          return true;
        }
        const std::string where = "queue " + queue.name + " offset " + std::to_string(record.offset.value);
        if (record.offset >= end) found(where, "its request is there, and it is not");
        if (record.settled && !contains(settled, record.offset)) found(where, "its request says that it was acked");
        return read(key.size() + value.size());
      },
      snapshot_);
}

}  // namespace

base::Result<model::CheckReport> check_integrity(Database& database, std::uint16_t shards,
                                                 const rocksdb::Snapshot* snapshot,
                                                 const std::function<bool(std::uint64_t)>& progress) {
  return Checker(database, snapshot, progress).run(shards);
}

}  // namespace lazaret::storage
