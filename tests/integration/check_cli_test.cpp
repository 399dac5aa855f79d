// lazaret check: of a broker that runs, and of the directory of one that does not.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "integration/support/broker.h"

namespace lazaret::testing {
namespace {

class CheckCli : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(broker.cli({"queue", "create", "q"}).exit, 0);
    ASSERT_EQ(broker.cli({"publish", "q", "--jsonl"}, "1\n2\n3\n").exit, 0);
    ASSERT_EQ(broker.cli({"consume", "q", "--print", "--count", "1"}).exit, 0);
  }
  Outcome check_directory() { return run_cli({"--json", "check", "--data-dir", broker.data_dir()}); }
  Broker broker;
};

TEST_F(CheckCli, OfARunningBroker) {
  const auto report = broker.cli_json({"check"})[0];
  EXPECT_EQ(report.at("ok"), true);
  EXPECT_EQ(report.at("queues"), 1);
  EXPECT_EQ(report.at("topics"), 0);
  EXPECT_EQ(report.at("subscriptions"), 0);
  EXPECT_TRUE(report.at("findings").as_array().empty());
  EXPECT_EQ(check_directory().exit, 75) << "it is in use";
}

TEST_F(CheckCli, OfAStoppedOneWritesNothing) {
  broker.kill9();
  std::map<std::string, std::string> before;
  for (const auto& file : std::filesystem::recursive_directory_iterator(broker.data_dir())) {
    if (file.is_regular_file()) before[file.path()] = read_file(file.path());
  }
  const Outcome outcome = check_directory();
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(json_lines(outcome.out)[0].at("ok"), true);
  for (const auto& file : std::filesystem::recursive_directory_iterator(broker.data_dir())) {
    if (!file.is_regular_file()) continue;
    EXPECT_EQ(before[file.path()], read_file(file.path())) << file.path();
  }
  broker.start();
  EXPECT_EQ(broker.cli({"consume", "q", "--print", "--count", "2"}).out, "2\n3\n");
}

TEST_F(CheckCli, OfSomethingElse) {
  EXPECT_EQ(run_cli({"check", "--data-dir", broker.dir() / "none"}).exit, 66);
  std::filesystem::create_directory(broker.dir() / "empty");
  const Outcome empty = run_cli({"check", "--data-dir", broker.dir() / "empty"});
  EXPECT_NE(empty.exit, 0);
  EXPECT_TRUE(std::filesystem::is_empty(broker.dir() / "empty")) << "nothing is written";
}

/// Flips one byte in the middle of each file of messages.
TEST_F(CheckCli, FindsDamage) {
  ASSERT_EQ(broker.cli({"publish", "q"}, std::string(100'000, 'x')).exit, 0);
  ASSERT_EQ(broker.terminate(), 0);
  int flipped = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(broker.data_dir())) {
    const std::string ending = file.path().extension();
    if (!file.is_regular_file() || file.file_size() < 50'000 ||
        (ending != ".log" && ending != ".sst" && ending != ".blob")) {
      continue;
    }
    std::string bytes = read_file(file.path());
    bytes[bytes.find(std::string(1000, 'x')) + 500] ^= 1;
    write_file(file.path(), bytes);
    ++flipped;
  }
  ASSERT_GT(flipped, 0);
  const Outcome outcome = check_directory();
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
}

}  // namespace
}  // namespace lazaret::testing
