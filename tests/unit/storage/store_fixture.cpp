#include "unit/storage/store_fixture.h"

#include <rocksdb/db.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "base/crc32c.h"
#include "wire/envelope.h"

namespace lazaret::storage {

using model::Offset;
using model::OffsetRange;

StoreFixture::StoreFixture() {
  std::string pattern = (std::filesystem::temp_directory_path() / "lazaret-store-XXXXXX").string();
  dir_ = ::mkdtemp(pattern.data());
  queue_.name = "orders";
  queue_.subscription = model::SubscriptionId(1);
  queue_.log = model::LogId(2);
  queue_.lane = model::LogId(3);
  queue_.created_at = base::Instant{1000};
  state_.subscription = queue_.subscription;
  state_.lane = queue_.lane;
  state_.sources.push_back({queue_.log, {}, {}, {}, {}});
  log_.log = queue_.log;
  metas_.resize(2);
  open();
  commit({model::PutQueue{queue_}});
}

StoreFixture::~StoreFixture() {
  close();
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

void StoreFixture::open() {
  const base::Status status = try_open();
  ASSERT_TRUE(status.ok()) << status.text();
}

base::Status StoreFixture::try_open(bool accept_loss, bool read_only) {
  close();
  StoreOptions options;
  options.data_dir = dir_;
  options.memtable_bytes = memtable_bytes_;
  options.accept_loss = accept_loss;
  options.read_only = read_only;
  auto opened = open_store(options);
  if (!opened.ok()) return opened.status();
  store_ = std::move(*opened);
  return {};
}

namespace {

struct Raw {
  explicit Raw(const std::string& dir) {
    std::vector<std::string> names;
    rocksdb::DB::ListColumnFamilies(rocksdb::DBOptions(), dir, &names);
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    EXPECT_TRUE(rocksdb::DB::Open(rocksdb::DBOptions(), dir, families, &handles, &db).ok());
  }
  ~Raw() {
    for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
    delete db;
  }
  rocksdb::ColumnFamilyHandle* family(const std::string& name) const {
    for (rocksdb::ColumnFamilyHandle* handle : handles) {
      if (handle->GetName() == name) return handle;
    }
    return nullptr;
  }
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
};

}  // namespace

void StoreFixture::change_records(const std::string& family, const Change& change) {
  close();
  const Raw raw(dir_);
  const std::unique_ptr<rocksdb::Iterator> it(raw.db->NewIterator(rocksdb::ReadOptions(), raw.family(family)));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    const std::string before = it->value().ToString();
    const std::string after = change(it->key().ToString(), before);
    if (after != before) raw.db->Put(rocksdb::WriteOptions(), raw.family(family), it->key(), after);
  }
}

std::size_t StoreFixture::count_records(const std::string& family) {
  std::size_t count = 0;
  change_records(family, [&](const std::string&, std::string value) {
    ++count;
    return value;
  });
  return count;
}

void StoreFixture::put_in_levels() {
  close();
  const Raw raw(dir_);
  rocksdb::CompactRangeOptions options;
  options.change_level = true;
  for (const auto& [level, family] : {std::pair(2, "hospital"), std::pair(3, "hospital_index")}) {
    options.target_level = level;
    ASSERT_TRUE(raw.db->CompactRange(options, raw.family(family), nullptr, nullptr).ok());
  }
}

void StoreFixture::damage_tables(const std::string& text) {
  count_records("log");  // opening it moves what the write-ahead log has to tables
  bool found = false;
  for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
    if (entry.path().extension() != ".sst" && entry.path().extension() != ".blob") continue;
    std::fstream file(entry.path(), std::ios::binary | std::ios::in | std::ios::out);
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const std::size_t at = bytes.find(text);
    if (at == std::string::npos) continue;
    found = true;
    file.clear();
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(bytes[at] ^ 1));
  }
  ASSERT_TRUE(found);
}

std::vector<std::string> StoreFixture::wal_files() const {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
    std::error_code gone;  // one that is set aside right now is not counted any more
    const auto bytes = std::filesystem::file_size(entry.path(), gone);
    if (entry.path().extension() == ".log" && !gone && bytes > 0) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::uint64_t StoreFixture::written_end(const std::string& wal_file) {
  std::ifstream file(wal_file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  return bytes.find_last_not_of('\0') + 1;
}

void StoreFixture::flush() {
  ASSERT_TRUE(store_->flush().ok());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (wal_files().size() > 1 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ASSERT_EQ(wal_files().size(), 1u);
}

void StoreFixture::kill() {
  const std::filesystem::path image = dir_ + ".killed";
  std::filesystem::create_directory(image);
  for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
    std::error_code gone;  // what the store has no more use for may go meanwhile
    std::filesystem::copy_file(entry.path(), image / entry.path().filename(), gone);
  }
  close();
  std::filesystem::remove_all(dir_);
  std::filesystem::rename(image, dir_);
}

// --- Writing --------------------------------------------------------------------------------------------------------

void StoreFixture::commit(std::vector<model::Mutation> mutations, std::uint16_t shard) {
  model::ShardMeta& meta = metas_.at(shard);
  meta.epoch = 1;
  ++meta.applied_index;
  meta.engine_time = base::Instant{static_cast<std::int64_t>(meta.applied_index)};
  mutations.emplace_back(model::PutShardMeta{meta});
  const model::MutationGroup group{model::ShardId(shard), std::move(mutations)};
  const base::Status status = store_->commit(std::span(&group, 1), true);
  ASSERT_TRUE(status.ok()) << status.text();
}

model::MessageRef StoreFixture::message(std::string body, const std::string& key) {
  wire::Envelope envelope;
  envelope.id.bytes[15] = 7;
  envelope.type = "order";
  envelope.key = key;
  auto message = std::make_shared<model::Message>();
  message->envelope = base::SharedBytes::of(wire::encode_envelope(envelope));
  message->body_crc = base::crc32c(body);
  message->body = base::SharedBytes::of(std::move(body));
  message->published_at = base::Instant{1'000'000};
  return message;
}

void StoreFixture::publish(std::vector<std::string> bodies) {
  model::AppendMessages append{queue_.log, next_, {}};
  for (std::string& body : bodies) append.messages.push_back(message(std::move(body), "key"));
  next_ = Offset(next_.value + bodies.size());
  state_.counters.entered += bodies.size();
  commit({append, put_state()});
}

void StoreFixture::admit(std::uint64_t offset, base::Instant at, model::CaseReason reason) {
  model::AdmitCase admit;
  admit.record.id = case_id(offset);
  admit.record.subscription = admit.record.source = queue_.name;
  admit.record.reason = reason;
  admit.record.admitted_at = admit.record.first_admitted_at = at;
  ++state_.counters.in_hospital;
  commit({admit, put_state()});
}

model::CaseId StoreFixture::case_id(std::uint64_t offset) const {
  return {model::ShardId(0), queue_.subscription, queue_.log, Offset(offset)};
}

void StoreFixture::trim(std::uint64_t begin, std::uint64_t end, const std::vector<std::uint64_t>& evacuate) {
  model::TrimLog trim;
  trim.range = {Offset(begin), Offset(end)};
  for (const std::uint64_t offset : evacuate) trim.evacuate.push_back(Offset(offset));
  log_.trimmed.push_back(trim.range);
  std::sort(log_.trimmed.begin(), log_.trimmed.end());
  // Neighbours are one stretch, as the core keeps them.
  std::vector<OffsetRange> joined;
  for (const OffsetRange& range : log_.trimmed) {
    if (!joined.empty() && joined.back().end >= range.begin) {
      joined.back().end = std::max(joined.back().end, range.end);
    } else {
      joined.push_back(range);
    }
  }
  log_.trimmed = joined;
  log_.next = next_;
  trim.state = log_;
  commit({trim});
}

// --- Reading --------------------------------------------------------------------------------------------------------

model::MessagePage StoreFixture::read(std::uint64_t from, std::uint64_t until, std::size_t max_messages,
                                      std::size_t max_bytes) {
  auto page =
      store_->read_messages(model::ShardId(0), queue_.log, Offset(from), Offset(until), max_messages, max_bytes);
  EXPECT_TRUE(page.ok());
  return page.ok() ? std::move(*page) : model::MessagePage{};
}

std::vector<std::int64_t> StoreFixture::offsets(const model::MessagePage& page) {
  std::vector<std::int64_t> offsets;
  for (const model::PagedMessage& paged : page.messages) {
    const auto offset = static_cast<std::int64_t>(paged.offset.value);
    offsets.push_back(paged.message != nullptr ? offset : -offset - 1);
  }
  return offsets;
}

std::vector<std::string> StoreFixture::bodies(const model::MessagePage& page) {
  std::vector<std::string> bodies;
  for (const model::PagedMessage& paged : page.messages) {
    bodies.emplace_back(paged.message == nullptr ? "(damaged)" : paged.message->body.view());
  }
  return bodies;
}

std::vector<std::string> StoreFixture::findings() {
  const auto report = store_->check({});
  EXPECT_TRUE(report.ok());
  std::vector<std::string> findings;
  for (const model::CheckFinding& finding : report->findings) findings.push_back(finding.where + ": " + finding.what);
  return findings;
}

model::RecoveredQueue StoreFixture::recovered() {
  auto shards = store_->recover();
  EXPECT_TRUE(shards.ok());
  EXPECT_EQ(shards->at(0).queues.size(), 1u);
  return std::move(shards->at(0).queues.at(0));
}

}  // namespace lazaret::storage
