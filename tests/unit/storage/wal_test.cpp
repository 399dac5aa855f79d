// The write-ahead log: damage in its middle is never taken for its end.
#include <filesystem>
#include <fstream>

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
  /// Flips one bit of the newest log at this part of its length.
  void flip(double where) {
    close();
    const std::string file = wal_files().back();
    const auto at = static_cast<std::streamoff>(static_cast<double>(std::filesystem::file_size(file)) * where);
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekg(at);
    const int before = bytes.get();
    bytes.seekp(at);
    bytes.put(static_cast<char>(before ^ 16));
  }
  void cut(std::uintmax_t bytes) {
    close();
    const std::string file = wal_files().back();
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - bytes);
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
    ASSERT_TRUE(store_->flush().ok());
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
  for (int i = 0; i < 3; ++i) {
    reopen();
    EXPECT_EQ(recovered().log.state.next, next_);
    fill(5);
  }
}

TEST_F(WalTest, ABodyThatLooksLikeAMarkIsNotTakenForOne) {
  std::string mark = "LZTMARK1";
  mark += std::string(16, '\x7f');
  mark += std::string(4, '\0');
  publish({mark, mark + mark});
  fill(2);
  cut(5);
  EXPECT_TRUE(try_open().ok());
}

TEST_F(WalTest, UnsyncedCommitsAreNotMissed) {
  fill(5);
  const std::string file = wal_files().back();
  const auto synced = std::filesystem::file_size(file);
  // Written but never synced: a power loss may take any of them, and that is no damage.
  for (int i = 0; i < 3; ++i) {
    ++metas_[0].applied_index;
    const model::MutationGroup group{model::ShardId(0), {model::PutShardMeta{metas_[0]}}};
    ASSERT_TRUE(store_->commit(std::span(&group, 1), false).ok());
  }
  close();
  // The first of the three never reached the disk, the others did.
  std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(static_cast<std::streamoff>(synced) + 10);
  bytes.put('\x11').put('\x12');
  bytes.close();
  const base::Status status = try_open();
  EXPECT_TRUE(status.ok()) << status.text();
}

}  // namespace
}  // namespace lazaret::storage
