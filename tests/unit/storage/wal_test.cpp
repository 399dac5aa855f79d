// The write-ahead log: damage in its middle is never taken for its end.
#include <filesystem>
#include <fstream>
#include <memory>

#include "base/fixed_int.h"
#include "storage/wal_file.h"
#include "storage/wal_recycler.h"
#include "unit/storage/store_fixture.h"

namespace lazaret::storage {
namespace {

using base::Code;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class WalTest : public StoreFixture {
 protected:
  void fill(std::size_t commits) {
    for (std::size_t i = 0; i < commits; ++i) publish({std::string(200, static_cast<char>('a' + i % 26))});
  }
  std::vector<std::string> spares() const {
    std::vector<std::string> spares;
    for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
      if (entry.path().extension() == ".wal") spares.push_back(entry.path().string());
    }
    return spares;
  }
  /// Where the last mark stands in a log: behind it there may be what an older log left.
  static std::uint64_t last_mark(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    std::uint64_t last = 0;
    std::uint64_t highest = 0;
    for (std::size_t at = bytes.find("LZTMARK2"); at != std::string::npos; at = bytes.find("LZTMARK2", at + 1)) {
      const auto commit = base::load_le<std::uint64_t>(bytes.data() + at + 8);
      if (commit > highest) last = at;
      highest = std::max(highest, commit);
    }
    return last;
  }
  /// Kills it, and flips one bit of the newest log at this part of its length.
  void flip(double where) {
    kill();
    const std::string file = wal_files().back();
    const auto at = static_cast<std::streamoff>(kWalHeadBytes) +
                    static_cast<std::streamoff>(static_cast<double>(last_mark(file) - kWalHeadBytes) * where);
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekg(at);
    const int before = bytes.get();
    bytes.seekp(at);
    bytes.put(static_cast<char>(before ^ 16));
  }
  /// Kills it, and takes so many bytes off what was written last.
  void cut(std::uintmax_t bytes) {
    kill();
    const std::string file = wal_files().back();
    std::filesystem::resize_file(file, written_end(file) - bytes);
  }
};

TEST_F(WalTest, AFlippedBitInTheMiddleIsRefused) {
  for (const double where : {0.25, 0.5, 0.75, 0.9}) {
    fill(300);
    const std::uint64_t sent = next_.value;
    // What is recovered before this round is in files already; only the newest log counts.
    flip(where);
    const base::Status refused = try_open();
    ASSERT_EQ(refused.code(), Code::STORAGE_DAMAGED) << where;
    EXPECT_THAT(refused.text(), HasSubstr("--accept-loss"));
    // To refuse changes nothing: it is refused again, in whatever way it is opened.
    EXPECT_EQ(try_open(false, true).code(), Code::STORAGE_DAMAGED);
    EXPECT_EQ(try_open().code(), Code::STORAGE_DAMAGED);
    const base::Status accepted = try_open(true);
    ASSERT_TRUE(accepted.ok()) << accepted.text();
    EXPECT_LT(recovered().log.state.next.value, sent);
    EXPECT_THAT(findings(), IsEmpty());
    next_ = recovered().log.state.next;
    state_ = recovered().subscription->state;
    metas_[0] = store_->recover()->at(0).meta;
    // It goes on, and the next start has nothing to complain of.
    fill(3);
    reopen();
  }
}

TEST_F(WalTest, DamageBesideFlushedDataIsRefusedAndCanBeAccepted) {
  for (int round = 0; round < 3; ++round) {
    fill(100);
    flush();
    fill(100);
  }
  const std::uint64_t sent = next_.value;
  flip(0.5);
  ASSERT_EQ(try_open().code(), Code::STORAGE_DAMAGED);
  const base::Status accepted = try_open(true);
  ASSERT_TRUE(accepted.ok()) << accepted.text();
  // What had reached the files is there, and everything there is fits together.
  EXPECT_LT(recovered().log.state.next.value, sent);
  EXPECT_GE(recovered().log.state.next.value, sent - 100);
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(WalTest, ATornTailIsTheEnd) {
  fill(50);
  const std::uint64_t sent = next_.value;
  cut(37);
  ASSERT_TRUE(try_open().ok());
  EXPECT_EQ(recovered().log.state.next.value, sent - 1);
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(WalTest, AnUntouchedLogOpens) {
  fill(50);
  for (int i = 0; i < 6; ++i) {
    if (i % 2 == 0) kill();
    reopen();
    EXPECT_EQ(recovered().log.state.next, next_);
    fill(5);
  }
}

TEST_F(WalTest, ABodyThatLooksLikeAMarkIsNotTakenForOne) {
  std::string first = "LZTMARK1" + std::string(16, '\x7f') + std::string(4, '\0');
  std::string second = "LZTMARK2" + std::string(32, '\x7f') + std::string(4, '\0');
  publish({first, first + second, second});
  fill(2);
  cut(5);
  EXPECT_TRUE(try_open().ok());
}

TEST_F(WalTest, UnsyncedCommitsAreNotMissed) {
  fill(5);
  const std::string file = wal_files().back();
  const std::uint64_t synced = written_end(file);
  // Written but never synced: a power loss may take any of them, and that is no damage.
  for (int i = 0; i < 3; ++i) {
    ++metas_[0].applied_index;
    const model::MutationGroup group{model::ShardId(0), {model::PutShardMeta{metas_[0]}}};
    ASSERT_TRUE(store_->commit(std::span(&group, 1), false).ok());
  }
  kill();
  // The first of the three never reached the disk, the others did.
  std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(static_cast<std::streamoff>(synced) + 10);
  bytes.put('\x11').put('\x12');
  bytes.close();
  const base::Status status = try_open();
  EXPECT_TRUE(status.ok()) << status.text();
}

/// Logs are written over old ones, and end where they end: also where an old record stands just behind.
TEST_F(WalTest, WhatAnOlderLogLeftIsNotRead) {
  for (int round = 0; round < 6; ++round) {
    // As many bytes as the round before, so that the old records begin where the new ones end.
    fill(round % 2 == 0 ? 200 : 100);
    flush();
    EXPECT_THAT(spares(), ::testing::Not(IsEmpty())) << round;
    flush();  // into the log that was just set aside
    fill(3);
    kill();
    open();
    ASSERT_EQ(recovered().log.state.next, next_) << round;
    EXPECT_THAT(findings(), IsEmpty());
  }
}

/// As RocksDB lists logs for a backup: of one that stands over an old one, what was written to it by then.
TEST_F(WalTest, ALogOfThisRunEndsWhereItWasWrittenTo) {
  const std::string folder = dir_ + "/logs";
  std::filesystem::create_directory(folder);
  WalRecycler files(rocksdb::FileSystem::Default(), folder, false);
  files.prepare(128u << 10);
  const auto begin_log = [&](int number) {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    const auto path = folder + "/00000" + std::to_string(number) + ".log";
    EXPECT_TRUE(files.NewWritableFile(path, {}, &file, nullptr).ok());
    return file;
  };
  const auto open_log = [&](int number) {
    std::unique_ptr<rocksdb::FSSequentialFile> file;
    const auto path = folder + "/00000" + std::to_string(number) + ".log";
    EXPECT_TRUE(files.NewSequentialFile(path, {}, &file, nullptr).ok());
    return file;
  };
  const auto read = [](rocksdb::FSSequentialFile& file) {
    std::string scratch(50'000, '\0');
    rocksdb::Slice bytes;
    EXPECT_TRUE(file.Read(scratch.size(), {}, &bytes, scratch.data(), nullptr).ok());
    return bytes.ToString();
  };
  const std::string bytes(40'000, 'a');
  {
    const auto old = begin_log(1);
    ASSERT_TRUE(old->Append(bytes, {}, nullptr).ok());
  }
  ASSERT_TRUE(files.DeleteFile(folder + "/000001.log", {}, nullptr).ok());
  const auto log = begin_log(2);
  EXPECT_EQ(read(*open_log(2)), "");
  ASSERT_TRUE(log->Append(bytes.substr(0, 10'000), {}, nullptr).ok());
  const auto reader = open_log(2);
  ASSERT_TRUE(log->Append(bytes.substr(10'000, 5000), {}, nullptr).ok());
  EXPECT_EQ(read(*reader), bytes.substr(0, 10'000));
  EXPECT_EQ(read(*reader), "") << "the file had other bytes there when it was read";
  EXPECT_EQ(read(*open_log(2)), bytes.substr(0, 15'000));
}

/// A clean stop leaves nothing in a log.
TEST_F(WalTest, AfterACloseEverythingIsInTables) {
  fill(50);
  close();
  for (const std::string& file : wal_files()) std::filesystem::resize_file(file, kWalHeadBytes);
  open();
  EXPECT_EQ(recovered().log.state.next, next_);
  EXPECT_THAT(findings(), IsEmpty());
}

/// RocksDB takes it for one that ends there, and deletes what the rest names.
TEST_F(WalTest, AManifestThatWasCutIsRefused) {
  fill(50);
  flush();
  fill(2);
  kill();
  for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
    if (!entry.path().filename().string().starts_with("MANIFEST")) continue;
    std::filesystem::resize_file(entry.path(), entry.file_size() / 2);
  }
  const base::Status refused = try_open();
  EXPECT_EQ(refused.code(), Code::STORAGE_DAMAGED);
  EXPECT_THAT(refused.text(), HasSubstr("MANIFEST-"));
  EXPECT_EQ(try_open(false, true).code(), Code::STORAGE_DAMAGED);
  EXPECT_TRUE(try_open(true).ok());
}

/// As format 1 has it: without a head.
TEST_F(WalTest, ALogOfRocksDbItselfIsRead) {
  fill(5);
  close();
  ASSERT_GT(count_records("state"), 0u);
  change_records("catalog", [](const std::string& key, std::string value) {
    if (key == std::string("\0\0\1", 3)) value[1] = 1;  // field 1, the format
    return value;
  });
  open();
  EXPECT_EQ(recovered().log.state.next, next_);
  close();
  std::string format;
  change_records("catalog", [&](const std::string& key, std::string value) {
    if (key == std::string("\0\0\1", 3)) format = value.substr(1, 1);
    return value;
  });
  EXPECT_EQ(format, "\14") << "what is written now an older version must not open";
}

}  // namespace
}  // namespace lazaret::storage
