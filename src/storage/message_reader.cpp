#include "storage/message_reader.h"

#include <algorithm>

#include "model/limits.h"
#include "storage/records.h"
#include "storage/run.h"

namespace lazaret::storage {
namespace {

using model::LogId;
using model::MessagePage;
using model::Offset;
using model::PagedMessage;
using model::ShardId;

std::unique_ptr<rocksdb::Iterator> iterate(Database& database, Family family, rocksdb::ReadOptions& read) {
  return std::unique_ptr<rocksdb::Iterator>(database.db().NewIterator(read, database.family(family)));
}

/// RocksDB names the file whose block it refuses.
bool is_of_a_table(const base::Status& status) { return status.text().find(".sst") != std::string::npos; }

}  // namespace

base::Result<MessagePage> MessageReader::read(ShardId shard, LogId log, Offset from, Offset until,
                                              std::size_t max_messages, std::size_t max_bytes) {
  MessagePage page;
  base::Status status = read_runs(shard, log, from, until, max_messages, max_bytes, true, page);
  if (status.code() == base::Code::STORAGE_DAMAGED && page.messages.empty()) {
    // RocksDB refuses the first run. If it is the run itself, the messages' own checksums decide which of them are
    // damaged. If it is the table that says where it stands, nobody can tell: a table is never read unchecked.
    page = {};
    if (!is_of_a_table(status)) status = read_runs(shard, log, from, until, 1, max_bytes, false, page);
    if (page.messages.empty()) {
      page.messages.push_back({from, nullptr});
      page.next = from.next();
      return page;
    }
  }
  if (!status.ok() && status.code() != base::Code::STORAGE_DAMAGED) return status;
  if (status = fill_gaps(shard, log, from, max_messages, max_bytes, page); !status.ok()) return status;
  return page;
}

base::Status MessageReader::read_runs(ShardId shard, LogId log, Offset from, Offset until, std::size_t max_messages,
                                      std::size_t max_bytes, bool verify, MessagePage& page) {
  const std::string begin = keys::log_prefix(shard, log);
  const std::string end = keys::message(shard, log, until);
  const rocksdb::Slice lower = slice(begin);
  const rocksdb::Slice upper = slice(end);
  rocksdb::ReadOptions read;
  read.snapshot = snapshot_;
  read.verify_checksums = verify;
  read.iterate_lower_bound = &lower;
  read.iterate_upper_bound = &upper;
  const auto it = iterate(database_, Family::log, read);
  const std::string start = keys::message(shard, log, from);
  it->SeekForPrev(slice(start));
  if (!it->Valid() && it->status().ok()) it->Seek(slice(start));
  std::size_t bytes = 0;
  page.next = until;
  while (it->Valid()) {
    const Offset first(keys::last_number(view(it->key())));
    std::string value = it->value().ToString();
    const std::uint32_t count = run_count(value).value_or(1);
    it->Next();
    const Offset next_first = it->Valid() ? Offset(keys::last_number(view(it->key()))) : until;
    if (first.value + count <= from.value && next_first <= from) continue;
    if (first.value + count > from.value) {
      bytes += value.size();
      decode_run(log, first, std::move(value), from, until, next_first, page.messages);
    }
    if (page.messages.size() >= max_messages || bytes >= max_bytes) {
      if (!page.messages.empty()) page.next = page.messages.back().offset.next();
      break;
    }
  }
  if (!it->status().ok()) {
    page.next = page.messages.empty() ? from : page.messages.back().offset.next();
    return status_of(it->status(), "reading messages");
  }
  return {};
}

/// Offsets of the page that no run has: evacuated ones are added, trimmed ones left out, all others are damage. The
/// page ends earlier when there are more of them than it may hold.
base::Status MessageReader::fill_gaps(ShardId shard, LogId log, Offset from, std::size_t max_messages,
                                      std::size_t max_bytes, MessagePage& page) {
  const std::uint64_t covered = page.next.value - from.value;
  if (page.messages.size() == covered) return {};
  std::vector<PagedMessage> evacuated;
  std::size_t bytes = 0;
  base::Status status = database_.scan_range(
      Family::evacuated, keys::message(shard, log, from), keys::message(shard, log, page.next),
      [&](std::string_view key, std::string_view value) {
        const Offset offset(keys::last_number(key));
        decode_run(log, offset, std::string(value), offset, offset.next(), offset.next(), evacuated);
        bytes += value.size();
        const bool more = evacuated.size() < max_messages && bytes < max_bytes;
        if (!more) page.next = offset.next();
        return more;
      },
      snapshot_);
  if (!status.ok()) return status;
  model::LogState state;
  const auto stored = database_.get(Family::state, keys::log_state(shard, log), snapshot_);
  if (!stored.ok()) return stored.status();
  if (*stored && !decode(**stored, state)) {
    return {base::Code::STORAGE_DAMAGED, "the state of log " + std::to_string(log.value)};
  }
  // Where the trimmed stretch or gap ends that explains why there is nothing at `offset`; nothing if none does.
  const auto explained_until = [&](Offset offset) -> std::optional<Offset> {
    for (const auto* ranges : {&state.trimmed, &state.gaps}) {
      for (const model::OffsetRange& range : *ranges) {
        if (range.begin <= offset && offset < range.end) return range.end;
      }
    }
    return std::nullopt;
  };
  std::vector<PagedMessage> whole;
  auto run = page.messages.begin();
  auto saved = evacuated.begin();
  for (Offset offset = from; offset < page.next;) {
    while (run != page.messages.end() && run->offset < offset) ++run;
    while (saved != evacuated.end() && saved->offset < offset) ++saved;
    const bool in_run = run != page.messages.end() && run->offset == offset;
    const bool is_saved = saved != evacuated.end() && saved->offset == offset;
    const std::optional<Offset> until = in_run || is_saved ? std::nullopt : explained_until(offset);
    if (until) {
      // To the end of what was trimmed, or to the next message before that.
      Offset next = std::min(*until, page.next);
      if (run != page.messages.end()) next = std::min(next, run->offset);
      if (saved != evacuated.end()) next = std::min(next, saved->offset);
      offset = next;
      continue;
    }
    whole.push_back(in_run ? *run : is_saved ? *saved : PagedMessage{offset, nullptr});
    offset = offset.next();
    if (whole.size() >= max_messages + model::limits::kRunMessages) page.next = offset;
  }
  page.messages = std::move(whole);
  return {};
}

model::MessageRef MessageReader::read_one(ShardId shard, LogId log, Offset offset) {
  const auto page = read(shard, log, offset, offset.next(), 1, 1);
  if (!page.ok() || page->messages.empty()) return nullptr;
  return page->messages.front().message;
}

base::Result<Offset> MessageReader::end_of(ShardId shard, LogId log, Offset floor, std::uint64_t entered) {
  const std::string begin = keys::log_prefix(shard, log);
  const std::string end = keys::behind(begin);
  const rocksdb::Slice lower = slice(begin);
  const rocksdb::Slice upper = slice(end);
  rocksdb::ReadOptions read;
  read.snapshot = snapshot_;
  read.iterate_lower_bound = &lower;
  read.iterate_upper_bound = &upper;
  const auto it = iterate(database_, Family::log, read);
  it->SeekToLast();
  if (it->Valid()) {
    const std::uint64_t first = keys::last_number(view(it->key()));
    const auto count = whole_run_count(view(it->value()));
    return std::max(floor, count ? Offset(first + *count) : std::max(Offset(first + 1), Offset(entered)));
  }
  const base::Status status = status_of(it->status(), "looking for the end of a log");
  if (status.code() == base::Code::STORAGE_DAMAGED) return std::max(floor, Offset(entered));
  if (!status.ok()) return status;
  return floor;
}

}  // namespace lazaret::storage
