// The data directory as a whole: locked, of a format, of a number of shards, for reading only.
#include <filesystem>
#include <fstream>
#include "unit/storage/store_fixture.h"

namespace lazaret::storage {
namespace {

using base::Code;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using DirectoryTest = StoreFixture;

TEST_F(DirectoryTest, IsLockedWhileItIsOpen) {
  StoreOptions options;
  options.data_dir = dir_;
  const auto second = open_store(options);
  EXPECT_EQ(second.code(), Code::DIRECTORY_LOCKED);
  EXPECT_THAT(second.status().text(), HasSubstr(dir_));
}

TEST_F(DirectoryTest, OfANewerFormatIsRefused) {
  change_records("catalog", [](const std::string& key, std::string value) {
    if (key == std::string("\0\0\1", 3)) value[1] = 13;  // field 1, the format
    return value;
  });
  const base::Status status = try_open();
  EXPECT_EQ(status.code(), Code::FORMAT_TOO_NEW);
  EXPECT_THAT(status.text(), HasSubstr("format 13"));
}

TEST_F(DirectoryTest, KeepsItsNumberOfShards) {
  close();
  StoreOptions options;
  options.data_dir = dir_;
  options.shards = 5;
  EXPECT_EQ((*open_store(options))->recover()->size(), 2u);
  options.shards_given = true;
  EXPECT_EQ(open_store(options).code(), Code::BAD_CONFIGURATION);
}

/// The first manifest is written before CURRENT: a power loss between the two is one before there was any data.
TEST_F(DirectoryTest, WhoseCreationWasCutShortIsNew) {
  const std::string data_dir = dir_ + "/young";
  std::filesystem::create_directory(data_dir);
  std::ofstream(data_dir + "/MANIFEST-000001") << "begun";
  StoreOptions options;
  options.data_dir = data_dir;
  EXPECT_TRUE(open_store(options).ok());
}

TEST_F(DirectoryTest, WithoutCurrentIsDamagedWhenAnythingElseIsThere) {
  publish({"a"});
  close();
  std::filesystem::remove(dir_ + "/CURRENT");
  EXPECT_EQ(try_open().code(), Code::STORAGE_DAMAGED);
}

TEST_F(DirectoryTest, ForReadingOnlyShowsEverythingAndChangesNothing) {
  publish({"a", "b"});
  ASSERT_TRUE(try_open(false, true).ok());
  EXPECT_THAT(bodies(read(0, 2)), ElementsAre("a", "b"));
  EXPECT_THAT(findings(), testing::IsEmpty());
  const model::MutationGroup group{model::ShardId(0), {model::PutShardMeta{}}};
  EXPECT_EQ(store_->commit(std::span(&group, 1), true).code(), Code::STORAGE_FAILED);
  reopen();
  EXPECT_EQ(recovered().log.state.next, model::Offset(2));
}

TEST_F(DirectoryTest, ForReadingOnlyMustBeThere) {
  StoreOptions options;
  options.data_dir = dir_ + "/nothing";
  options.read_only = true;
  EXPECT_FALSE(open_store(options).ok());
}

}  // namespace
}  // namespace lazaret::storage
