// Errors of the disk and of the start: files are damaged, locked, from the future, or cannot be written
// (error_codes.h).
#include <rocksdb/db.h>
#include <sys/resource.h>

#include <filesystem>

#include "integration/errors/error_codes.h"
#include "storage/database.h"
#include "storage/keys.h"

namespace lazaret::testing {
namespace {

using base::Code;

std::vector<std::filesystem::path> files_of(const std::string& folder, const std::string& ending) {
  std::vector<std::filesystem::path> files;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
    if (file.is_regular_file() && file.path().extension() == ending) files.push_back(file.path());
  }
  return files;
}

/// Flips a bit behind every place where `text` stands in the files; how often.
int damage(const std::vector<std::filesystem::path>& files, const std::string& text) {
  int damaged = 0;
  for (const auto& file : files) {
    std::string bytes = read_file(file);
    for (std::size_t at = bytes.find(text); at != std::string::npos; at = bytes.find(text, at + text.size())) {
      bytes[at + text.size()] ^= 4;
      ++damaged;
    }
    write_file(file, bytes);
  }
  return damaged;
}

TEST_F(ErrorCodes, STORAGE_DAMAGED) {
  Broker& broker = start();
  EXPECT_EQ(broker.cli({"queue", "create", "q"}).exit, 0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(broker.cli({"publish", "q"}, "body " + std::to_string(i)).exit, 0);
  broker.kill9();
  // Confirmed messages stand behind the damage, so it is no torn end.
  ASSERT_GT(damage(files_of(broker.data_dir(), ".log"), "body "), 0);
  expect_exit(run_daemon(broker.data_dir()), Code::STORAGE_DAMAGED);
}

TEST_F(ErrorCodes, MESSAGE_DAMAGED) {
  Broker& broker = start({"storage.memtable_bytes=4194304"});
  const std::string id = make_case(broker, "the body of the case, one bit of which will differ");
  // Enough behind it that the case's message goes from the log to a file of its own kind.
  for (int i = 0; i < 12; ++i) EXPECT_EQ(broker.cli({"publish", "q"}, std::string(1u << 20, 'x')).exit, 0);
  ASSERT_EQ(broker.terminate(), 0);
  auto files = files_of(broker.data_dir(), ".sst");
  for (const auto& blob : files_of(broker.data_dir(), ".blob")) files.push_back(blob);
  ASSERT_GT(damage(files, "the body of the case"), 0);
  broker.start();
  expect_problem(http(broker.admin(), "GET", "/api/v1/hospital/cases/" + id + "/body"), Code::MESSAGE_DAMAGED);
}

/// A write that fails ends the process: what it had not confirmed may be there after the next start, or not.
TEST_F(ErrorCodes, STORAGE_FAILED) {
  Broker& broker = start();
  EXPECT_EQ(broker.cli({"queue", "create", "q"}).exit, 0);
  EXPECT_EQ(broker.cli({"publish", "q"}, "before").exit, 0);
  const rlimit none{4096, 4096};
  ASSERT_EQ(prlimit(broker.pid(), RLIMIT_FSIZE, &none, nullptr), 0);
  WireClient client(broker);
  client.say_hello();
  const std::uint32_t producer = client.open_producer("q");
  client.send(wire::encode(wire::Publish{9, producer, {item_of(std::string(100'000, 'x'))}}));
  EXPECT_FALSE(client.next()) << "nothing is confirmed";
  EXPECT_EQ(broker.wait(), 70);
  EXPECT_NE(broker.log().find("STORAGE_FAILED"), std::string::npos);
  broker.start();
  EXPECT_EQ(broker.cli({"consume", "q", "--print", "--count", "1"}).out, "before\n");
}

TEST_F(ErrorCodes, FORMAT_TOO_NEW) {
  Broker& broker = start();
  ASSERT_EQ(broker.terminate(), 0);
  {
    storage::StoreOptions options;
    options.data_dir = broker.data_dir();
    auto database = storage::Database::open(options);
    ASSERT_TRUE(database.ok()) << database.status().text();
    auto record = **(*database)->get(storage::Family::catalog, storage::keys::directory());
    record.at(1) = 99;  // field 1, the format
    rocksdb::DB& db = (*database)->db();
    ASSERT_TRUE(db.Put({}, (*database)->family(storage::Family::catalog), storage::keys::directory(), record).ok());
  }
  expect_exit(run_daemon(broker.data_dir()), Code::FORMAT_TOO_NEW);
}

TEST_F(ErrorCodes, DIRECTORY_LOCKED) {
  Broker& broker = start();
  expect_exit(run_daemon(broker.data_dir()), Code::DIRECTORY_LOCKED);
}

TEST_F(ErrorCodes, BAD_CONFIGURATION) {
  const TempDir dir;
  expect_exit(run_daemon(dir / "data", {"--set", "broker.heartbeat=yesterday"}), Code::BAD_CONFIGURATION);
}

TEST_F(ErrorCodes, USAGE) {
  expect_exit(run_cli({"--json", "no-such-command"}), Code::USAGE);
  EXPECT_EQ(run({binary("lazaretd"), "--no-such-flag"}).exit, base::error_info(Code::USAGE).exit);
}

}  // namespace
}  // namespace lazaret::testing
