// Backups: what is in one, that its damage is found, and what a directory is that one was restored into.
#include "storage/backup.h"

#include <rocksdb/env.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "storage/database.h"
#include "storage/directory_path.h"
#include "storage/restored_directory.h"
#include "unit/storage/store_fixture.h"

namespace lazaret::storage {
namespace {

namespace fs = std::filesystem;
using base::Code;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
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
  /// Of all messages that the store has.
  std::vector<std::string> stored_bodies() { return bodies(read(0, recovered().log.state.next.value)); }
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
  EXPECT_THAT(stored_bodies(), ElementsAre("a", "b", "c")) << "the store goes on";

  const auto restored = restore_backup(backups_, 0, restored_);
  ASSERT_TRUE(restored.ok()) << restored.status().text();
  EXPECT_EQ(restored->number, 1u);
  open_restored();
  EXPECT_THAT(stored_bodies(), ElementsAre("a", "b"));
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
  EXPECT_THAT(stored_bodies(), ElementsAre("a", "b"));
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

/// The log that the second begins with its flush stands over an old one, which is no damage of it.
TEST_F(BackupTest, ManyAreMadeOneAfterTheOtherWithAndWithoutMessagesBetween) {
  std::vector<std::string> expected;
  for (const bool publishes : {true, false, true, true, false, false, true, false}) {
    if (publishes) {
      expected.push_back("body " + std::to_string(expected.size()) + std::string(200'000, ' '));
      publish({expected.back()});
    }
    const auto made = back_up();
    ASSERT_TRUE(made.ok()) << made.status().text();
  }
  EXPECT_THAT(numbers(), ElementsAre(8, 7, 6, 5, 4, 3, 2, 1));
  for (const std::uint64_t number : numbers()) EXPECT_TRUE(verify_backup(backups_, number, go_on).ok()) << number;
  ASSERT_TRUE(restore_backup(backups_, 0, restored_).ok());
  open_restored();
  EXPECT_EQ(stored_bodies(), expected);
  EXPECT_THAT(findings(), IsEmpty());
}

/// After a stop, and after a kill, whose logs are read once more and then written over.
TEST_F(BackupTest, AreMadeAfterAStartToo) {
  for (int i = 0; i < 3; ++i) {
    publish_much(20);
    reopen();
    const auto stopped = back_up();
    ASSERT_TRUE(stopped.ok()) << stopped.status().text();
    publish({"x"});
    kill();
    open();
    const auto killed = back_up();
    ASSERT_TRUE(killed.ok()) << killed.status().text();
  }
  for (const std::uint64_t number : numbers()) EXPECT_TRUE(verify_backup(backups_, number, go_on).ok()) << number;
}

/// Commits go on meanwhile, into logs that are listed while they are written.
TEST_F(BackupTest, AreMadeWhileTheStoreIsWrittenTo) {
  std::atomic<bool> stopping = false;
  std::thread writer([&] {
    for (int i = 0; !stopping; ++i) publish({std::to_string(i) + std::string(i % 7 * 20'000, 'x')});
  });
  for (int i = 0; i < 12; ++i) {
    const auto made = back_up(3);
    EXPECT_TRUE(made.ok()) << made.status().text();
  }
  stopping = true;
  writer.join();
  for (const std::uint64_t number : numbers()) {
    const auto verified = verify_backup(backups_, number, go_on);
    ASSERT_TRUE(verified.ok()) << verified.status().text();
    EXPECT_THAT(verified->report.findings, IsEmpty());
  }
  ASSERT_TRUE(restore_backup(backups_, 0, restored_).ok());
  const std::uint64_t written = next_.value;
  open_restored();
  EXPECT_LE(recovered().log.state.next.value, written);
  EXPECT_THAT(stored_bodies(), Not(Contains("(damaged)")));
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
  source().cursor = model::Offset(2);
  state_.counters.acked = 1;
  admit(1, base::Instant{100});
  ASSERT_TRUE(back_up().ok());
  std::map<fs::path, std::string> before;
  for (const fs::path& file : files_in(backups_)) before[file] = read_file(file);
  const auto verified = verify_backup(backups_, 0, go_on);
  ASSERT_TRUE(verified.ok()) << verified.status().text();
  EXPECT_EQ(verified->backup.number, 1u);
  EXPECT_EQ(verified->report.messages, 3u);
  EXPECT_EQ(verified->report.cases, 1u);
  for (const model::CheckFinding& finding : verified->report.findings) {
    ADD_FAILURE() << finding.where << ": " << finding.what;
  }
  EXPECT_THAT(files_in(backups_), SizeIs(before.size()));
  for (const auto& [file, bytes] : before) EXPECT_EQ(read_file(file), bytes) << file;
}

/// Messages that were stored and then moved to tables, blobs and all.
TEST_F(BackupTest, AFlippedByteOfAnyFileIsFoundAndNothingIsRestored) {
  publish_much(5);
  ASSERT_TRUE(back_up().ok());
  ASSERT_THAT(data_files(),
              Contains(::testing::ResultOf([](const auto& file) { return file.extension(); }, fs::path(".blob"))));
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
  EXPECT_THAT(stored_bodies(), ElementsAre("a"));
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

/// Disks that are not this machine's: of the store, and of the backups.
class BackupDisksTest : public BackupTest {
 protected:
  BackupDisksTest() {
    plan_.reserve_bytes = 1000;
    publish_much(500);
    close();
    StoreOptions options;
    options.data_dir = dir_;
    auto opened = Database::open(options);
    EXPECT_TRUE(opened.ok()) << opened.status().text();
    database_ = std::move(*opened);
  }
  base::Result<model::BackupRecord> back_up() {
    return storage::back_up(database_->db(), plan_, go_on, [this](const std::string& of) -> std::optional<DiskSpace> {
      const std::lock_guard lock(mutex_);
      ++looks_;
      const auto free = free_.find(of);
      return DiskSpace{free == free_.end() || looks_ <= plenty_until_ ? 1'000'000 : free->second, 1'000'000};
    });
  }
  void expect_nothing_left() const {
    const auto records = list_backups(backups_);
    ASSERT_TRUE(records.ok());
    EXPECT_THAT(*records, IsEmpty());
    for (const fs::path& file : files_in(backups_)) EXPECT_EQ(file.filename(), "LOCK");
  }

  std::unique_ptr<Database> database_;
  std::mutex mutex_;  // files are copied on a thread of their own
  std::map<std::string, std::uint64_t> free_;
  int looks_ = 0;
  int plenty_until_ = 0;
};

TEST_F(BackupDisksTest, TwiceTheReserveStaysFreeWhereTheStoreIs) {
  free_[dir_] = 1999;
  const auto refused = back_up();
  EXPECT_EQ(refused.code(), Code::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.status().text(), HasSubstr("the disk of " + dir_ + " has 1999 bytes free"));
  EXPECT_EQ(refused.status().limit(), "disk_reserve");
  expect_nothing_left();
  free_[dir_] = 2000;
  EXPECT_TRUE(back_up().ok());
}

/// What is written and freed meanwhile stays on the store's disk, since nothing is deleted there.
TEST_F(BackupDisksTest, OneThatTheStoreHasNoRoomForIsEnded) {
  free_[dir_] = 1999;
  plenty_until_ = 5;  // of its disk and of the backups', at the beginning and when something was copied
  const auto ended = back_up();
  EXPECT_EQ(ended.code(), Code::RESOURCE_EXHAUSTED);
  EXPECT_THAT(ended.status().text(), HasSubstr("the disk of " + dir_ + " has"));
  EXPECT_GT(looks_, 5);
  expect_nothing_left();
  free_.clear();
  free_[backups_] = 1999;
  EXPECT_THAT(back_up().status().text(), HasSubstr("the disk of " + backups_));
  free_.clear();
  const auto made = back_up();
  ASSERT_TRUE(made.ok()) << made.status().text();
  EXPECT_TRUE(verify_backup(backups_, 0, go_on).ok());
}

TEST_F(BackupTest, ItIsSaidHowMuchWasCopiedOfALittleToo) {
  publish({"a"});
  std::uint64_t copied = 0;
  const auto made = back_up(0, [&copied](std::uint64_t bytes) {
    EXPECT_GE(bytes, copied);
    copied = bytes;
    return true;
  });
  ASSERT_TRUE(made.ok()) << made.status().text();
  EXPECT_GE(copied, made->bytes) << "the first of all copies everything";
}

TEST_F(BackupTest, DamagedOnesThatAreOlderThanThoseKeptAreDroppedToo) {
  for (int i = 0; i < 3; ++i) {
    publish({"body " + std::to_string(i)});
    ASSERT_TRUE(back_up().ok());
  }
  fs::remove_all(backups_ + "/private/1");
  fs::remove_all(backups_ + "/private/3");
  ASSERT_TRUE(back_up(3).ok());
  EXPECT_THAT(numbers(), ElementsAre(4, 3, 2, 1)) << "there are not so many whole ones";
  const auto made = back_up(3);
  ASSERT_TRUE(made.ok()) << made.status().text();
  EXPECT_TRUE(made->not_dropped.ok()) << made->not_dropped.text();
  EXPECT_THAT(numbers(), ElementsAre(5, 4, 3, 2)) << "one that is newer stays, for somebody to look at";
  ASSERT_TRUE(back_up(2).ok());
  EXPECT_THAT(numbers(), ElementsAre(6, 5));
  EXPECT_TRUE(verify_backup(backups_, 5, go_on).ok());
}

TEST_F(BackupTest, OneIsWholeThoughOlderOnesCannotBeDropped) {
  publish({"a"});
  ASSERT_TRUE(back_up().ok());
  publish_much(300);
  const std::string record = backups_ + "/meta/1";
  // No file has that name any more when it is to go, but a directory with something in it.
  const auto made = back_up(1, [&record](std::uint64_t) {
    if (fs::is_regular_file(record)) fs::remove(record);
    fs::create_directories(record + "/x");
    return true;
  });
  ASSERT_TRUE(made.ok()) << made.status().text();
  EXPECT_EQ(made->number, 2u);
  EXPECT_EQ(made->not_dropped.code(), Code::STORAGE_FAILED);
  EXPECT_THAT(made->not_dropped.text(), HasSubstr("dropping older backups in " + backups_));
  fs::remove_all(record);
  EXPECT_THAT(numbers(), ElementsAre(2));
  EXPECT_TRUE(verify_backup(backups_, 2, go_on).ok());
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
  EXPECT_THAT(stored_bodies(), ElementsAre("a"));
}

/// Of a directory that was there somebody has decided who may see it.
TEST_F(BackupTest, ADirectoryThatWasThereKeepsItsMode) {
  publish({"a"});
  ASSERT_TRUE(back_up().ok());
  fs::create_directory(restored_);
  fs::permissions(restored_, static_cast<fs::perms>(0750));
  const auto done = restore_backup(backups_, 1, restored_);
  ASSERT_TRUE(done.ok()) << done.status().text();
  EXPECT_EQ(mode_of(restored_), 0750u);
  EXPECT_EQ(mode_of(restored_ + "/CURRENT"), 0600u);
  // When it does not come to anything either.
  const std::string empty = dir_ + "/empty";
  fs::create_directory(empty);
  fs::permissions(empty, static_cast<fs::perms>(0750));
  EXPECT_EQ(restore_backup(backups_, 7, empty).code(), Code::NOT_FOUND);
  EXPECT_EQ(mode_of(empty), 0750u);
  EXPECT_TRUE(fs::is_empty(empty));
}

TEST_F(BackupTest, ASlashBehindADirectoryIsNothing) {
  const mode_t before = ::umask(0);
  publish({"a"});
  plan_.directory = dir_ + "/srv/backups/";
  const auto made = back_up();
  ASSERT_TRUE(made.ok()) << made.status().text();
  const auto done = restore_backup(plan_.directory, 1, dir_ + "/x/new/");
  ::umask(before);
  ASSERT_TRUE(done.ok()) << done.status().text();
  EXPECT_EQ(mode_of(dir_ + "/srv/backups"), 0700u);
  EXPECT_EQ(mode_of(dir_ + "/x/new"), 0700u);
  EXPECT_TRUE(fs::exists(dir_ + "/x/new/CURRENT"));
  EXPECT_EQ(directory_path("/srv/backups/"), "/srv/backups");
  EXPECT_EQ(directory_path("/srv/./a/../backups/."), "/srv/backups");
  EXPECT_EQ(directory_path("/"), "/");
  EXPECT_EQ(directory_path("x/"), (fs::current_path() / "x").string());
}

/// Before a backup is even looked for, and so before it is read: a kill while a large one is read leaves no directory
/// that an empty broker could start in.
TEST_F(BackupTest, ADirectoryIsMarkedFirstOfAllAndNothingStaysOfWhatFails) {
  std::ofstream(dir_ + "/file") << "somebody's";
  const auto impossible = restore_backup(dir_ + "/none", 0, dir_ + "/file/x");
  EXPECT_EQ(impossible.code(), Code::STORAGE_FAILED);
  EXPECT_THAT(impossible.status().text(), HasSubstr("creating " + dir_ + "/file/x"));
  EXPECT_EQ(restore_backup(dir_ + "/none", 0, dir_ + "/x/y/z").code(), Code::NOT_FOUND);
  EXPECT_FALSE(fs::exists(dir_ + "/x")) << "nor of those above it";
  {
    RestoredDirectory begun(restored_);
    ASSERT_TRUE(begun.begin().ok());
    StoreOptions options;
    options.data_dir = restored_;
    EXPECT_EQ(open_store(options).code(), Code::STORAGE_DAMAGED);
  }
  // A file where a directory of backups should come.
  publish({"a"});
  plan_.directory = dir_ + "/file/backups";
  EXPECT_EQ(back_up().code(), Code::STORAGE_FAILED);
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
