// Backups: what is in one, that its damage is found, and what a directory is that one was restored into.
#include "storage/backup.h"

#include <rocksdb/env.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

#include "storage/restored_directory.h"
#include "unit/storage/store_fixture.h"

namespace lazaret::storage {
namespace {

namespace fs = std::filesystem;
using base::Code;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void flip_byte(const fs::path& path) {
  std::string bytes = read_file(path);
  ASSERT_FALSE(bytes.empty()) << path;
  bytes[bytes.size() / 2] ^= 1;
  std::ofstream(path, std::ios::binary) << bytes;
}

std::vector<fs::path> files_in(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

mode_t mode_of(const fs::path& path) {
  struct stat there {};
  EXPECT_EQ(::stat(path.c_str(), &there), 0) << path;
  return there.st_mode & 07777;
}

class BackupTest : public StoreFixture {
 protected:
  static bool go_on(std::uint64_t) { return true; }

  base::Result<model::BackupRecord> back_up(std::uint64_t keep = 0, const BackupProgress& progress = go_on) {
    model::BackupPlan plan = plan_;
    plan.keep = keep;
    return store_->back_up(plan, progress);
  }
  std::vector<std::uint64_t> numbers() {
    std::vector<std::uint64_t> numbers;
    const auto records = store_->list_backups(backups_);
    EXPECT_TRUE(records.ok());
    for (const model::BackupRecord& record : *records) numbers.push_back(record.number);
    return numbers;
  }
  /// What of a backup is the same for all of them, and what is its own: not the lock, and not its record.
  std::vector<fs::path> data_files() const {
    std::vector<fs::path> files = files_in(backups_);
    std::erase_if(files, [](const fs::path& file) {
      return file.filename() == "LOCK" || file.parent_path().filename() == "meta";
    });
    return files;
  }
  /// Goes on with what was restored.
  void open_restored() {
    close();
    data_dir_ = std::exchange(dir_, restored_);
    open();
  }
  void publish_much(std::size_t messages) {
    std::vector<std::string> bodies;
    for (std::size_t i = 0; i < messages; ++i) bodies.emplace_back(10'000, static_cast<char>('a' + i % 26));
    publish(std::move(bodies));
  }

  ~BackupTest() override {
    if (!data_dir_.empty()) {
      close();
      dir_ = data_dir_;
    }
  }

  const std::string backups_ = dir_ + "/backups";
  const std::string restored_ = dir_ + "/restored";
  std::string data_dir_;
  model::BackupPlan plan_{.directory = backups_,
                          .created_at = base::Instant{1'700'000'000'123'456},
                          .version = "1.2.3",
                          .note = "before\nthe upgrade",
                          .keep = 0,
                          .bytes_per_second = 0,
                          .reserve_bytes = 0,
                          .reserve_percent = 0};
};

TEST_F(BackupTest, HasWhatWasCommittedBeforeAndIsRestoredElsewhere) {
  EXPECT_THAT(numbers(), IsEmpty());
  publish({"a", "b"});
  const auto made = back_up();
  ASSERT_TRUE(made.ok()) << made.status().text();
  EXPECT_EQ(made->number, 1u);
  EXPECT_EQ(made->created_at, plan_.created_at);
  EXPECT_EQ(made->version, "1.2.3");
  EXPECT_EQ(made->note, "before\nthe upgrade");
  EXPECT_GT(made->bytes, 0u);
  publish({"c"});
  EXPECT_THAT(bodies(read(0, 9)), ElementsAre("a", "b", "c")) << "the store goes on";

  const auto restored = restore_backup(backups_, 0, restored_);
  ASSERT_TRUE(restored.ok()) << restored.status().text();
  EXPECT_EQ(restored->number, 1u);
  open_restored();
  EXPECT_THAT(bodies(read(0, 9)), ElementsAre("a", "b"));
  EXPECT_THAT(findings(), IsEmpty());
  EXPECT_EQ(recovered().queue->name, "orders");
}

TEST_F(BackupTest, TheRestoredStoreIsWrittenToAndOpenedAgain) {
  publish({"a"});
  ASSERT_TRUE(back_up().ok());
  ASSERT_TRUE(restore_backup(backups_, 1, restored_).ok());
  open_restored();
  publish({"b"});
  kill();
  open();
  EXPECT_THAT(bodies(read(0, 9)), ElementsAre("a", "b"));
  EXPECT_THAT(findings(), IsEmpty());
}

/// No token of the broker that was copied may be one of this broker's.
TEST_F(BackupTest, ARestoreLeapsOverEpochs) {
  publish({"a"});
  commit({}, 1);
  ASSERT_TRUE(back_up().ok());
  const auto epochs = [this](const std::string& directory) {
    StoreOptions options;
    options.data_dir = directory;
    const auto store = open_store(options);
    EXPECT_TRUE(store.ok()) << store.status().text();
    const auto recovered = (*store)->recover();
    EXPECT_TRUE(recovered.ok());
    std::vector<std::uint32_t> out;
    for (const model::RecoveredShard& shard : *recovered) out.push_back(shard.meta.epoch);
    return out;
  };
  ASSERT_TRUE(restore_backup(backups_, 1, restored_).ok());
  ASSERT_TRUE(restore_backup(backups_, 1, restored_ + "-again").ok());
  const auto once = epochs(restored_);
  ASSERT_THAT(once, SizeIs(2));
  EXPECT_GE(once[0], 1001u);
  EXPECT_EQ(once[0], once[1]);
  EXPECT_LT(once[0], 1u << 24);
  EXPECT_THAT(epochs(restored_ + "-again"), Each(::testing::Ge(1001u)));
}

TEST_F(BackupTest, FilesAreTheirOwnersAlone) {
  const mode_t before = ::umask(0);
  publish({"a"});
  ASSERT_TRUE(back_up().ok());
  ASSERT_TRUE(restore_backup(backups_, 1, restored_).ok());
  ::umask(before);
  for (const std::string& directory : {backups_, restored_}) {
    EXPECT_EQ(mode_of(directory), 0700u) << directory;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
      EXPECT_EQ(mode_of(entry.path()), entry.is_directory() ? 0700u : 0600u) << entry.path();
    }
  }
}

TEST_F(BackupTest, WhatAnotherBackupHasIsNotCopiedAgain) {
  publish_much(300);
  std::uint64_t copied = 0;
  const auto count = [&copied](std::uint64_t bytes) {
    copied = bytes;
    return true;
  };
  ASSERT_TRUE(back_up(0, count).ok());
  EXPECT_GE(copied, 2u << 20);
  copied = 0;
  publish({"a little more"});
  const auto second = back_up(0, count);
  ASSERT_TRUE(second.ok());
  EXPECT_LT(copied, 2u << 20);
  EXPECT_GE(second->bytes, 3'000'000u) << "all that is in it";
  EXPECT_THAT(numbers(), ElementsAre(2, 1));
}

TEST_F(BackupTest, OlderOnesAreDropped) {
  for (int i = 0; i < 4; ++i) {
    publish({"body " + std::to_string(i)});
    ASSERT_TRUE(back_up(2).ok());
  }
  EXPECT_THAT(numbers(), ElementsAre(4, 3));
  for (const std::uint64_t number : {4, 3}) EXPECT_TRUE(verify_backup(backups_, number, go_on).ok());
  EXPECT_EQ(verify_backup(backups_, 2, go_on).code(), Code::NOT_FOUND);
  EXPECT_EQ(verify_backup(dir_ + "/none", 0, go_on).code(), Code::NOT_FOUND);
  EXPECT_FALSE(fs::exists(dir_ + "/none")) << "looking makes nothing";
}

TEST_F(BackupTest, VerifyReadsAllOfItAndWritesNothing) {
  publish({"a", "b", "c"});
  admit(1, base::Instant{100});
  ASSERT_TRUE(back_up().ok());
  std::map<fs::path, std::string> before;
  for (const fs::path& file : files_in(backups_)) before[file] = read_file(file);
  const auto verified = verify_backup(backups_, 0, go_on);
  ASSERT_TRUE(verified.ok()) << verified.status().text();
  EXPECT_EQ(verified->backup.number, 1u);
  EXPECT_EQ(verified->report.messages, 3u);
  EXPECT_EQ(verified->report.cases, 1u);
  EXPECT_THAT(verified->report.findings, IsEmpty());
  EXPECT_THAT(files_in(backups_), SizeIs(before.size()));
  for (const auto& [file, bytes] : before) EXPECT_EQ(read_file(file), bytes) << file;
}

/// Messages that were stored and then moved to tables, blobs and all.
TEST_F(BackupTest, AFlippedByteOfAnyFileIsFoundAndNothingIsRestored) {
  publish_much(5);
  ASSERT_TRUE(back_up().ok());
  ASSERT_THAT(data_files(), ::testing::Contains(::testing::ResultOf([](const auto& file) { return file.extension(); },
                                                                    fs::path(".blob"))));
  for (const fs::path& file : data_files()) {
    const std::string whole = read_file(file);
    flip_byte(file);
    EXPECT_EQ(verify_backup(backups_, 1, go_on).code(), Code::STORAGE_DAMAGED) << file;
    EXPECT_EQ(restore_backup(backups_, 1, restored_).code(), Code::STORAGE_DAMAGED) << file;
    EXPECT_FALSE(fs::exists(restored_)) << file;
    std::ofstream(file, std::ios::binary) << whole;
  }
  EXPECT_TRUE(verify_backup(backups_, 1, go_on).ok());
}

TEST_F(BackupTest, OneThatLacksAFileIsDamagedAndNotPassedOver) {
  publish({"a"});
  ASSERT_TRUE(back_up().ok());
  publish({"b"});
  ASSERT_TRUE(back_up().ok());
  fs::remove_all(backups_ + "/private/2");
  const auto records = store_->list_backups(backups_);
  ASSERT_TRUE(records.ok());
  ASSERT_THAT(*records, SizeIs(2));
  EXPECT_TRUE(records->at(0).damaged);
  EXPECT_FALSE(records->at(1).damaged);
  EXPECT_EQ(verify_backup(backups_, 0, go_on).code(), Code::STORAGE_DAMAGED) << "the newest, which was meant";
  EXPECT_EQ(restore_backup(backups_, 0, restored_).code(), Code::STORAGE_DAMAGED);
  ASSERT_TRUE(restore_backup(backups_, 1, restored_).ok());
  open_restored();
  EXPECT_THAT(bodies(read(0, 9)), ElementsAre("a"));
}

TEST_F(BackupTest, OfOneThatIsEndedNothingStays) {
  publish_much(500);
  EXPECT_EQ(back_up(0, [](std::uint64_t) { return false; }).code(), Code::CANCELLED);
  EXPECT_THAT(numbers(), IsEmpty());
  for (const fs::path& file : files_in(backups_)) EXPECT_EQ(file.filename(), "LOCK");
  const auto made = back_up();
  ASSERT_TRUE(made.ok()) << made.status().text();
  EXPECT_TRUE(verify_backup(backups_, made->number, go_on).ok());
}

/// As a kill leaves it: files without a record.
TEST_F(BackupTest, WhatAKillHasLeftIsNoBackupAndIsInNobodysWay) {
  publish_much(5);
  ASSERT_TRUE(back_up().ok());
  fs::remove(backups_ + "/meta/1");
  EXPECT_THAT(numbers(), IsEmpty());
  EXPECT_EQ(verify_backup(backups_, 0, go_on).code(), Code::NOT_FOUND);
  publish_much(5);
  const auto made = back_up();
  ASSERT_TRUE(made.ok()) << made.status().text();
  EXPECT_TRUE(verify_backup(backups_, made->number, go_on).ok());
}

TEST_F(BackupTest, LeavesTwiceTheReserve) {
  publish({"a"});
  plan_.reserve_percent = 90;
  EXPECT_EQ(back_up().code(), Code::RESOURCE_EXHAUSTED);
  plan_.reserve_percent = 0;
  plan_.reserve_bytes = 1ull << 60;
  const auto refused = back_up();
  EXPECT_EQ(refused.code(), Code::RESOURCE_EXHAUSTED);
  EXPECT_EQ(refused.status().limit(), "disk_reserve");
  EXPECT_THAT(numbers(), IsEmpty());
}

TEST_F(BackupTest, OneAtATimeIsMadeInADirectory) {
  publish({"a"});
  ASSERT_TRUE(back_up().ok());
  rocksdb::FileLock* lock = nullptr;
  ASSERT_TRUE(rocksdb::Env::Default()->LockFile(backups_ + "/LOCK", &lock).ok());
  EXPECT_EQ(back_up().code(), Code::IN_USE);
  rocksdb::Env::Default()->UnlockFile(lock).PermitUncheckedError();
  EXPECT_TRUE(back_up().ok());
}

TEST_F(BackupTest, IsRestoredIntoAnEmptyDirectoryOnly) {
  publish({"a"});
  ASSERT_TRUE(back_up().ok());
  fs::create_directory(restored_);
  std::ofstream(restored_ + "/file") << "somebody's";
  EXPECT_EQ(restore_backup(backups_, 1, restored_).code(), Code::NOT_EMPTY);
  EXPECT_EQ(restore_backup(backups_, 1, restored_ + "/file").code(), Code::NOT_EMPTY) << "it is no directory";
  EXPECT_EQ(read_file(restored_ + "/file"), "somebody's");
  EXPECT_EQ(restore_backup(backups_, 1, dir_).code(), Code::NOT_EMPTY) << "of the broker that runs";
  fs::remove(restored_ + "/file");
  fs::create_directory(restored_ + "/lost+found");  // a new file system
  const auto done = restore_backup(backups_, 1, restored_);
  ASSERT_TRUE(done.ok()) << done.status().text();
  EXPECT_FALSE(fs::exists(restored_ + "/" + kRestoring));
  open_restored();
  EXPECT_THAT(bodies(read(0, 9)), ElementsAre("a"));
}

/// A kill in the middle: nobody begins an empty broker beside what was to be restored.
TEST_F(BackupTest, ADirectoryThatWasNotRestoredToItsEndIsRefused) {
  publish({"a"});
  ASSERT_TRUE(back_up().ok());
  ASSERT_TRUE(restore_backup(backups_, 1, restored_).ok());
  fs::create_directory(restored_ + "/" + kRestoring);
  fs::rename(restored_ + "/CURRENT", restored_ + "/" + kRestoring + "/CURRENT");
  StoreOptions options;
  options.data_dir = restored_;
  EXPECT_EQ(open_store(options).code(), Code::STORAGE_DAMAGED);
  fs::create_directory(dir_ + "/begun");
  fs::create_directory(dir_ + "/begun/" + kRestoring);
  options.data_dir = dir_ + "/begun";
  const auto begun = open_store(options);
  EXPECT_EQ(begun.code(), Code::STORAGE_DAMAGED);
  EXPECT_THAT(begun.status().text(), HasSubstr("restore again"));
  EXPECT_EQ(restore_backup(backups_, 1, restored_).code(), Code::NOT_EMPTY);
}

}  // namespace
}  // namespace lazaret::storage
