// Backups over HTTP: begun and waited for, listed, refused, and ended with the broker.
#include <gmock/gmock.h>

#include <filesystem>

#include "integration/support/process.h"
#include "unit/admin/served_broker.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

namespace lazaret::admin {
namespace {

namespace json = boost::json;
using Refusal = std::pair<int, std::string>;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class ServedBackups : public ServedBroker {
 protected:
  json::value shown(const std::string& name) { return ask("GET", "/api/v1/backups/" + name).json(); }
  /// Waits for its end.
  json::value ended(const std::string& name) {
    EXPECT_TRUE(testing::eventually([&] { return shown(name).at("state") != "running"; }));
    return shown(name);
  }
  json::array listed(const std::string& query = "") {
    return ask("GET", "/api/v1/backups" + query).json().at("items").as_array();
  }
  void publish_mebibytes(int count) {
    ASSERT_EQ(ask("PUT", "/api/v1/queues/orders").status, 201);
    for (int i = 0; i < count; ++i) {
      const std::string body(1u << 20, static_cast<char>('a' + i));
      ASSERT_EQ(ask("POST", "/api/v1/queues/orders/messages", R"({"body": ")" + body + "\"}").status, 201);
    }
  }
};

TEST_F(ServedBackups, AreBegunAndWaitedForAndListed) {
  EXPECT_THAT(listed(), SizeIs(0));
  const auto begun = ask("POST", "/api/v1/backups", R"({"note": "before the upgrade"})");
  ASSERT_EQ(begun.status, 202) << begun.body;
  EXPECT_EQ(begun.headers.at("location"), "/api/v1/backups/1");
  EXPECT_EQ(begun.json().at("state"), "running");
  EXPECT_EQ(begun.json().at("bytes"), nullptr);
  const auto done = ended("1");
  EXPECT_EQ(done.at("state"), "done");
  EXPECT_EQ(done.at("note"), "before the upgrade");
  EXPECT_EQ(done.at("version"), "1.2.3");
  EXPECT_EQ(done.at("problem"), nullptr);
  EXPECT_EQ(done.at("created_at"), begun.json().at("created_at"));
  EXPECT_GT(done.at("bytes").to_number<double>(), 0);

  for (const char* name : {"2", "3"}) {
    ASSERT_EQ(ask("POST", "/api/v1/backups", R"({"keep": 2})").status, 202);
    EXPECT_EQ(ended(name).at("state"), "done");
  }
  const auto all = listed();
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].at("name"), "3");
  EXPECT_EQ(all[1].at("name"), "2");
  const auto page = ask("GET", "/api/v1/backups?limit=1").json();
  ASSERT_THAT(page.at("items").as_array(), SizeIs(1));
  EXPECT_EQ(page.at("cursor"), "3");
  EXPECT_EQ(listed("?limit=1&cursor=3").at(0).at("name"), "2");
}

TEST_F(ServedBackups, WhatIsNoBackupOrNoRequestIsRefused) {
  EXPECT_EQ(refused("GET", "/api/v1/backups/1"), Refusal(404, "NOT_FOUND"));
  EXPECT_EQ(refused("GET", "/api/v1/backups/first"), Refusal(404, "NOT_FOUND"));
  EXPECT_EQ(refused("GET", "/api/v1/backups?cursor=x"), Refusal(400, "BAD_REQUEST"));
  for (const char* body : {R"({"keep": 0})", R"({"keep": -1})", R"({"keep": "2"})", R"({"keep": 1.5})",
                           R"({"note": 7})", R"({"directory": "/tmp"})", "[]"}) {
    EXPECT_EQ(refused("POST", "/api/v1/backups", body), Refusal(400, "BAD_REQUEST")) << body;
  }
  EXPECT_EQ(ask("POST", "/api/v1/backups", R"({"note": ")" + std::string(1025, 'x') + "\"}").status, 400);
  EXPECT_THAT(listed(), SizeIs(0));
}

TEST_F(ServedBackups, OneIsMadeAtATimeAndAStopEndsIt) {
  publish_mebibytes(6);
  ASSERT_EQ(ask("POST", "/api/v1/backups").status, 202);
  EXPECT_EQ(refused("POST", "/api/v1/backups"), Refusal(409, "IN_USE"));
  EXPECT_EQ(listed().at(0).at("state"), "running");
  engine().backups().stop();
  const auto failed = shown("1");
  EXPECT_EQ(failed.at("state"), "failed");
  EXPECT_EQ(failed.at("problem").at("code"), "SHUTTING_DOWN");
  EXPECT_EQ(refused("POST", "/api/v1/backups"), Refusal(503, "SHUTTING_DOWN"));
  const auto told = ended_backups();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].state, engine::BackupState::failed);
  EXPECT_EQ(told[0].record.number, 1u);
  EXPECT_EQ(told[0].problem.code(), base::Code::SHUTTING_DOWN);
  const std::string metrics = ask("GET", "/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("\nlazaret_backup_failures_total 1\n"));
  EXPECT_THAT(metrics, Not(HasSubstr("\nlazaret_backup_last_success_timestamp_seconds "))) << "there is none";
}

TEST_F(ServedBackups, OneThatCannotBeginIsToldOfToo) {
  // A directory where the record of one would be: what is there cannot be listed.
  std::filesystem::create_directories(directory() / "backups" / "meta" / "1");
  EXPECT_EQ(ask("POST", "/api/v1/backups").status, 500);
  const auto told = ended_backups();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].state, engine::BackupState::failed);
  EXPECT_FALSE(told[0].problem.ok());
  EXPECT_THAT(ask("GET", "/metrics").body, HasSubstr("\nlazaret_backup_failures_total 1\n"));
}

/// Those of the same directory that another process has made count as well.
TEST_F(ServedBackups, WhenTheNewestWasMadeIsKnownAlsoAfterAStart) {
  ASSERT_EQ(ask("POST", "/api/v1/backups").status, 202);
  ASSERT_EQ(ended("1").at("state"), "done");
  const auto last = engine().backups().stats().last_success;
  ASSERT_TRUE(last);
  ASSERT_TRUE(testing::eventually([&] { return ended_backups().size() == 1; }));
  EXPECT_EQ(ended_backups()[0].state, engine::BackupState::done);
  EXPECT_EQ(ended_backups()[0].record.created_at, *last);
  EXPECT_TRUE(ended_backups()[0].problem.ok());
  const std::string metrics = ask("GET", "/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("\nlazaret_backup_failures_total 0\n"));
  EXPECT_THAT(metrics, HasSubstr("\nlazaret_backup_last_success_timestamp_seconds 1"));

  const engine::SystemClock clock{base::Instant{}};
  engine::BackupsConfig config;
  config.directory = (directory() / "backups").string();
  const engine::Backups started(config, engine().store(), clock);
  EXPECT_TRUE(testing::eventually([&] { return started.stats().last_success == last; }));
}

TEST_F(ServedBackups, OneIsDoneThoughOlderOnesCannotBeDropped) {
  ASSERT_EQ(ask("POST", "/api/v1/backups").status, 202);
  ASSERT_EQ(ended("1").at("state"), "done");
  publish_mebibytes(3);
  ASSERT_EQ(ask("POST", "/api/v1/backups", R"({"keep": 1})").status, 202);
  ASSERT_TRUE(testing::eventually([&] { return shown("2").at("copied_bytes").to_number<double>() > 0; }));
  ASSERT_EQ(shown("2").at("state"), "running");
  // It cannot be removed as the file that it was; and what is there cannot be listed.
  const std::filesystem::path record = directory() / "backups" / "meta" / "1";
  std::filesystem::remove(record);
  std::filesystem::create_directories(record / "x");
  auto done = ended("2");
  EXPECT_EQ(done.at("state"), "done");
  EXPECT_EQ(done.at("problem").at("code"), "STORAGE_FAILED");
  std::filesystem::remove_all(record);
  const auto all = listed();
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].at("name"), "2");
  EXPECT_EQ(all[0].at("problem").at("code"), "STORAGE_FAILED") << "it is not forgotten";
  ASSERT_TRUE(testing::eventually([&] { return ended_backups().size() == 2; }));
  EXPECT_EQ(ended_backups()[1].state, engine::BackupState::done);
  EXPECT_EQ(ended_backups()[1].problem.code(), base::Code::STORAGE_FAILED);
  EXPECT_THAT(ask("GET", "/metrics").body, HasSubstr("\nlazaret_backup_failures_total 0\n"));
}

}  // namespace
}  // namespace lazaret::admin
