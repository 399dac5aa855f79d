// lazaret backup: of a broker under load, and what begins where it is restored; damage, kills, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "integration/support/api.h"
#include "integration/support/http.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

mode_t mode_of(const fs::path& path) {
  struct stat there {};
  EXPECT_EQ(::stat(path.c_str(), &there), 0) << path;
  return there.st_mode & 07777;
}

BrokerOptions with(std::vector<std::string> settings, bool start = true) {
  BrokerOptions options;
  options.settings = std::move(settings);
  options.start = start;
  return options;
}

/// The largest file of that ending, with a byte in its middle flipped.
void damage(const fs::path& directory, const std::string& ending) {
  fs::path largest;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file() || entry.path().extension() != ending) continue;
    if (largest.empty() || entry.file_size() > fs::file_size(largest)) largest = entry.path();
  }
  ASSERT_FALSE(largest.empty()) << ending;
  std::string bytes = read_file(largest);
  bytes[bytes.size() / 2] ^= 1;
  write_file(largest, bytes);
}

/// Bodies, from any thread.
class Bodies {
 public:
  void add(std::string body) {
    const std::lock_guard lock(mutex_);
    all_.insert(std::move(body));
  }
  std::set<std::string> all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> all_;
};

class BackupCli : public ::testing::Test {
 protected:
  static std::string backups_of(const Broker& broker) { return broker.data_dir() + "/backups"; }
  static boost::json::object create(const Broker& broker, const std::vector<std::string>& more = {}) {
    std::vector<std::string> command = {"backup", "create"};
    command.insert(command.end(), more.begin(), more.end());
    const auto lines = broker.cli_json(command);
    return lines.empty() ? boost::json::object() : lines[0].as_object();
  }
  static Outcome restore(const Broker& from, const std::string& data_dir, const std::vector<std::string>& more = {}) {
    std::vector<std::string> command = {"backup", "restore", "--from", backups_of(from), "--data-dir", data_dir};
    command.insert(command.end(), more.begin(), more.end());
    return run_cli(command);
  }
};

// --- Under load ------------------------------------------------------------------------------------------------------

/// A broker with a publisher and a consumer that do not stop, and with something of everything that can wait.
class Busy {
 public:
  Busy() {
    client_.ensure({.name = "orders", .max_attempts = 1000, .backoff_initial = 10ms});
    client_.ensure({.name = "failing", .max_attempts = 1});
    client_.ensure({.name = "later"});
    client_.ensure({.name = "approvals"});
    client_.ensure({.name = "approved"});
    client_.ensure_topic({.name = "events"});
    client_.ensure_subscription({.name = "mail", .topic = "events"});
    for (int i = 0; i < 3; ++i) {
      client_.publish("failing", {.body = "case " + std::to_string(i)});
      client_.publish("later", {.body = "later " + std::to_string(i), .delay = 1h});
      client_.publish("events", {.body = "event " + std::to_string(i)});
    }
    client_.ask({.to = "approvals", .message = {.body = "may I?"}}, "approved", {{"for", "me"}});
    {
      const Consumer consumer = client_.consume("failing", [](Delivery&) { return Verdict::reject("no good"); });
      EXPECT_TRUE(eventually([&] { return QueueView(broker, "failing")["in_hospital"] == 3; }));
    }
    publisher_ = std::thread([this] { publish(); });
    consumer_.emplace(worker_.consume("orders", [this](Delivery& delivery) {
      begun.add(delivery.message().body.str());
      pause_for(1ms);  // so that some are always waiting, and some with their worker
      return Verdict::done();
    }));
  }
  ~Busy() { stop(); }

  void stop() {
    stopping_ = true;
    if (publisher_.joinable()) publisher_.join();
    consumer_.reset();
  }

  Broker broker{with({"storage.memtable_bytes=4194304"})};
  Bodies confirmed;
  Bodies begun;

 private:
  void publish() {
    for (int i = 0; !stopping_; ++i) {
      const std::string body = "order " + std::to_string(i);
      client_.publish("orders", {.body = body + std::string(500, ' ')});
      confirmed.add(body);
    }
  }

  Client client_ = Client::connect(broker.url(), {.name = "publisher", .timeout = 60s});
  Client worker_ = Client::connect(broker.url(), {.name = "worker", .timeout = 60s});
  std::atomic<bool> stopping_{false};
  std::thread publisher_;
  std::optional<Consumer> consumer_;
};

/// All that a queue still has to give.
std::set<std::string> drained(const Broker& broker, const std::string& queue) {
  Client client = Client::connect(broker.url(), {.name = "drain", .timeout = 60s});
  Bodies got;
  const Consumer consumer = client.consume(queue, [&got](Delivery& delivery) {
    got.add(delivery.message().body.str());
    return Verdict::done();
  });
  EXPECT_TRUE(eventually([&] {
    const QueueView view(broker, queue);
    return view["ready"] + view["leased"] + view["waiting"] == 0;
  }));
  return got.all();
}

std::string name_in(const std::string& body) { return body.substr(0, body.find_last_not_of(' ') + 1); }

TEST_F(BackupCli, OfABusyBrokerHasEverythingThatWasConfirmedBefore) {
  Busy busy;
  ASSERT_TRUE(eventually([&] { return busy.confirmed.all().size() >= 200 && busy.begun.all().size() >= 20; }));
  const std::set<std::string> confirmed_before = busy.confirmed.all();
  const auto backup = create(busy.broker, {"--note", "under load"});
  // What the backup takes for done had begun by now.
  std::set<std::string> had;
  for (const std::string& body : busy.begun.all()) had.insert(name_in(body));
  EXPECT_EQ(backup.at("name"), "1");
  EXPECT_EQ(backup.at("state"), "done");
  EXPECT_EQ(text_of(backup, "directory"), backups_of(busy.broker));
  EXPECT_EQ(backup.at("note"), "under load");
  EXPECT_GT(backup.at("bytes").to_number<double>(), 0);
  EXPECT_GT(backup.at("seconds").to_number<double>(), 0);
  EXPECT_GE(backup.at("copied_bytes").to_number<double>(), backup.at("bytes").to_number<double>()) << "the first";
  ASSERT_TRUE(eventually([&] { return busy.confirmed.all().size() > confirmed_before.size(); })) << "it goes on";
  busy.stop();

  const Outcome verified = run_cli({"--json", "backup", "verify", backups_of(busy.broker)});
  EXPECT_EQ(verified.exit, 0) << verified.out << verified.err;
  EXPECT_EQ(json_lines(verified.out)[0].at("cases"), 3);

  Broker other(with({"broker.resume_grace=100ms"}, false));
  ASSERT_EQ(restore(busy.broker, other.data_dir()).exit, 0);
  other.start();
  EXPECT_EQ(other.cli({"check"}).exit, 0);
  EXPECT_EQ(QueueView(other, "approvals")["pending_requests"], 1);
  EXPECT_EQ(QueueView(other, "mail", "subscriptions")["ready"], 3);
  EXPECT_EQ(other.cli_json({"schedule", "list", "later"}).size(), 3u);
  EXPECT_EQ(cases_of(other, "failing").size(), 3u);
  EXPECT_EQ(text_of(cases_of(other, "failing").at(0), "error_message"), "no good");

  std::set<std::string> again;
  for (const std::string& body : drained(other, "orders")) again.insert(name_in(body));
  for (const std::string& body : confirmed_before) {
    EXPECT_TRUE(again.contains(body) || had.contains(body)) << body << " is gone";
  }
  for (const char* queue : {"orders", "failing", "later", "approvals"}) {
    EXPECT_EQ(QueueView(other, queue).wrong_sums(), "") << queue;
  }
  EXPECT_EQ(QueueView(other, "mail", "subscriptions").wrong_sums(), "");
  ASSERT_EQ(other.cli({"hospital", "replay", "--all", "--yes", "--canary", "0"}).exit, 0);
  EXPECT_THAT(drained(other, "failing"), SizeIs(3));
  EXPECT_EQ(other.terminate(), 0);
  EXPECT_EQ(run_cli({"check", "--data-dir", other.data_dir()}).exit, 0);
}

TEST_F(BackupCli, WhatWasConsumedComesAgainAndWhatWasPublishedSinceIsNotThere) {
  const std::string producer = "0190b9c1-0000-7000-8000-000000000001";
  Broker broker;
  ASSERT_EQ(broker.cli({"queue", "create", "orders"}).exit, 0);
  ASSERT_EQ(broker.cli({"queue", "create", "quick", "--durability", "relaxed"}).exit, 0);
  ASSERT_EQ(broker.cli({"publish", "orders", "--jsonl", "--producer-id", producer}, "1\n2\n").exit, 0);
  ASSERT_EQ(broker.cli({"publish", "quick", "--jsonl"}, "a\nb\n").exit, 0);
  ASSERT_EQ(create(broker).at("state"), "done");
  ASSERT_EQ(broker.cli({"consume", "orders", "--print", "--count", "1"}).out, "1\n");
  ASSERT_EQ(broker.cli({"publish", "orders", "--jsonl", "--producer-id", producer}, "1\n2\n3\n").exit, 0);

  Broker other(with({}, false));
  ASSERT_EQ(restore(broker, other.data_dir()).exit, 0);
  other.start();
  EXPECT_NE(api(other, "/status").at("instance"), api(broker, "/status").at("instance"));
  EXPECT_EQ(other.cli({"consume", "quick", "--print", "--count", "2"}).out, "a\nb\n");
  // The same file again: what is there is a duplicate, what was lost is stored.
  const auto again = other.cli_json({"publish", "orders", "--jsonl", "--producer-id", producer}, "1\n2\n3\n");
  ASSERT_EQ(again.size(), 3u);
  for (std::size_t i = 0; i < again.size(); ++i) EXPECT_EQ(again[i].at("duplicate"), i < 2) << i;
  EXPECT_EQ(other.cli({"consume", "orders", "--print", "--count", "3"}).out, "1\n2\n3\n");
  EXPECT_EQ(QueueView(other, "orders")["entered_total"], 3);
}

// --- What is there ---------------------------------------------------------------------------------------------------

TEST_F(BackupCli, ListsKeepsAndNotesThem) {
  Broker broker;
  ASSERT_EQ(broker.cli({"queue", "create", "orders"}).exit, 0);
  EXPECT_THAT(broker.cli_json({"backup", "list"}), IsEmpty());
  for (const char* note : {"one", "two", "three"}) {
    ASSERT_EQ(broker.cli({"publish", "orders", "--body", note}).exit, 0);
    create(broker, {"--note", note, "--keep", "2"});
  }
  const auto listed = broker.cli_json({"backup", "list"});
  ASSERT_THAT(listed, SizeIs(2));
  EXPECT_EQ(listed[0].at("name"), "3");
  EXPECT_EQ(listed[0].at("note"), "three");
  EXPECT_EQ(listed[1].at("name"), "2");
  const auto read = json_lines(run_cli({"--json", "backup", "list", "--from", backups_of(broker)}).out);
  ASSERT_THAT(read, SizeIs(2));
  EXPECT_EQ(read[1].at("note"), "two");
  EXPECT_EQ(read[1].at("bytes"), listed[1].at("bytes"));
  EXPECT_EQ(broker.cli({"backup", "verify", "2"}).exit, 0) << "by its name";
  EXPECT_EQ(broker.cli({"backup", "verify", "1"}).exit, 66);
  EXPECT_EQ(run_cli({"backup", "verify", backups_of(broker), "--backup", "2"}).exit, 0);
  EXPECT_EQ(run_cli({"backup", "verify", backups_of(broker), "--backup", "7"}).exit, 66);
  EXPECT_EQ(run_cli({"backup", "verify", broker.dir() / "none"}).exit, 66);
  EXPECT_EQ(run_cli({"backup", "list", "--from", broker.dir() / "none"}).exit, 66);
  EXPECT_EQ(run_cli({"backup", "list", "--from", backups_of(broker) + "/"}).exit, 0);
  EXPECT_EQ(broker.cli({"backup", "create", "--keep", "0"}).exit, 64);
  EXPECT_EQ(broker.cli({"backup"}).exit, 64);

  const auto noted = broker.cli_json({"audit", "list", "--operation", "createBackup"});
  ASSERT_THAT(noted, SizeIs(6)) << "began and ended, of each";
  EXPECT_EQ(noted[0].at("target"), "three");
  EXPECT_EQ(noted[0].at("after").at("backup"), "3");

  broker.restart();
  EXPECT_THAT(broker.cli_json({"backup", "list"}), SizeIs(2)) << "what is there is found again";
  EXPECT_EQ(create(broker).at("name"), "4");
}

TEST_F(BackupCli, FilesAreTheirOwnersAlone) {
  Broker broker;
  ASSERT_EQ(broker.cli({"queue", "create", "orders"}).exit, 0);
  create(broker);
  const std::string restored = broker.dir() / "restored";
  ASSERT_EQ(restore(broker, restored).exit, 0);
  for (const std::string& directory : {backups_of(broker), restored}) {
    EXPECT_EQ(mode_of(directory), 0700u) << directory;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
      EXPECT_EQ(mode_of(entry.path()), entry.is_directory() ? 0700u : 0600u) << entry.path();
    }
  }
}

TEST_F(BackupCli, GoesWhereTheConfigurationSaysAndNowhereElse) {
  const TempDir elsewhere;
  Broker broker(with({"backup.directory=" + (elsewhere / "backups")}));
  EXPECT_EQ(text_of(create(broker), "directory"), elsewhere / "backups");
  EXPECT_FALSE(fs::exists(backups_of(broker)));
  const auto refused = http(broker.admin(), "POST", "/api/v1/backups", R"({"directory": "/tmp/mine"})");
  EXPECT_EQ(refused.status, 400) << refused.body;
  EXPECT_EQ(run_cli({"backup", "verify", elsewhere / "backups"}).exit, 0);
}

// --- Damage ----------------------------------------------------------------------------------------------------------

TEST_F(BackupCli, DamageIsFoundAndNotRestored) {
  Broker broker;
  ASSERT_EQ(broker.cli({"queue", "create", "orders"}).exit, 0);
  ASSERT_EQ(broker.cli({"publish", "orders"}, std::string(100'000, 'x')).exit, 0);
  create(broker);
  damage(backups_of(broker), ".blob");
  const Outcome verified = run_cli({"--json", "backup", "verify", backups_of(broker)});
  EXPECT_EQ(verified.exit, 1);
  EXPECT_EQ(json_lines(verified.err)[0].at("code"), "STORAGE_DAMAGED");
  EXPECT_EQ(restore(broker, broker.dir() / "restored").exit, 1);
  EXPECT_FALSE(fs::exists(broker.dir() / "restored")) << "nothing is written";
}

TEST_F(BackupCli, IsRestoredIntoAnEmptyDirectoryOnly) {
  Broker broker;
  ASSERT_EQ(broker.cli({"queue", "create", "orders"}).exit, 0);
  create(broker);
  EXPECT_EQ(restore(broker, broker.data_dir()).exit, 73);
  const std::string other = broker.dir() / "other";
  fs::create_directory(other);
  write_file(other + "/file", "somebody's");
  EXPECT_EQ(restore(broker, other).exit, 73);
  EXPECT_EQ(read_file(other + "/file"), "somebody's");
  fs::remove(other + "/file");
  EXPECT_EQ(restore(broker, other, {"--backup", "1"}).exit, 0);
  EXPECT_EQ(restore(broker, other, {"--backup", "1"}).exit, 73) << "it was restored there";
  EXPECT_EQ(run_cli({"backup", "restore", "--data-dir", other}).exit, 64);
  EXPECT_EQ(broker.cli({"queue", "show", "orders"}).exit, 0) << "the broker has seen nothing of it";
}

// --- In the middle ---------------------------------------------------------------------------------------------------

/// A broker whose backups take long.
class SlowBackup : public BackupCli {
 protected:
  void SetUp() override {
    ASSERT_EQ(broker.cli({"queue", "create", "orders"}).exit, 0);
    for (int i = 0; i < 12; ++i) {
      ASSERT_EQ(broker.cli({"publish", "orders"}, std::string(1u << 20, static_cast<char>('a' + i))).exit, 0);
    }
  }
  /// Begins one, and waits until something was copied.
  void begin() {
    const auto begun = http(broker.admin(), "POST", "/api/v1/backups", "{}");
    ASSERT_EQ(begun.status, 202) << begun.body;
    EXPECT_EQ(begun.headers.at("location"), "/api/v1/backups/1");
    EXPECT_EQ(begun.json().at("state"), "running");
    ASSERT_TRUE(eventually([&] { return api(broker, "/backups/1").at("copied_bytes").to_number<double>() > 0; }));
    ASSERT_EQ(api(broker, "/backups/1").at("state"), "running");
  }
  Broker broker{with({"backup.bytes_per_second=1048576"})};
};

TEST_F(SlowBackup, OneAtATimeIsMadeAndTheBrokerGoesOn) {
  begin();
  const Outcome second = broker.cli({"--json", "backup", "create"});
  EXPECT_EQ(second.exit, 73);
  EXPECT_EQ(json_lines(second.err)[0].at("code"), "IN_USE");
  EXPECT_EQ(api(broker, "/backups").at("items").at(0).at("state"), "running");
  EXPECT_EQ(broker.cli({"publish", "orders", "--body", "x"}).exit, 0);
  ASSERT_EQ(api(broker, "/backups/1").at("state"), "running");
  // A stop does not wait for it.
  EXPECT_EQ(broker.terminate(20s), 0);
  EXPECT_EQ(run_cli({"backup", "verify", backups_of(broker)}).exit, 66) << "nothing of it stays";
}

TEST_F(BackupCli, OneIsDoneThoughOlderOnesCannotBeDropped) {
  Broker broker(with({"backup.bytes_per_second=1048576"}));
  ASSERT_EQ(broker.cli({"queue", "create", "orders"}).exit, 0);
  ASSERT_EQ(create(broker).at("state"), "done");
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(broker.cli({"publish", "orders"}, std::string(1u << 20, static_cast<char>('a' + i))).exit, 0);
  }
  const fs::path record = backups_of(broker) + "/meta/1";
  std::thread in_the_way([&] {
    EXPECT_TRUE(eventually([&] {
      const auto shown = http(broker.admin(), "GET", "/api/v1/backups/2");
      return shown.status == 200 && shown.json().at("copied_bytes").to_number<double>() > 0;
    }));
    fs::remove(record);
    fs::create_directories(record / "x");
  });
  const Outcome made = broker.cli({"--json", "backup", "create", "--keep", "1"});
  in_the_way.join();
  EXPECT_EQ(made.exit, 1) << made.out << made.err;
  const auto backup = json_lines(made.out).at(0);
  EXPECT_EQ(backup.at("state"), "done");
  EXPECT_EQ(backup.at("problem").at("code"), "STORAGE_FAILED");
  EXPECT_EQ(json_lines(made.err).at(0).at("code"), "STORAGE_FAILED");
  EXPECT_TRUE(eventually([&] {
    return broker.log().find("backup 2 is done, but older ones were not dropped: STORAGE_FAILED") != std::string::npos;
  }));
  fs::remove_all(record);
  EXPECT_EQ(run_cli({"backup", "verify", backups_of(broker)}).exit, 0);
}

TEST_F(SlowBackup, OfAKilledBrokerIsNoBackup) {
  begin();
  broker.kill9();
  const Outcome verified = run_cli({"backup", "verify", backups_of(broker)});
  EXPECT_EQ(verified.exit, 66) << verified.out << verified.err;
  const Outcome listed = run_cli({"--json", "backup", "list", "--from", backups_of(broker)});
  EXPECT_EQ(listed.exit, 66) << listed.out << listed.err;
  EXPECT_THAT(json_lines(listed.out), IsEmpty());
  EXPECT_EQ(restore(broker, broker.dir() / "restored").exit, 66);
  EXPECT_FALSE(fs::exists(broker.dir() / "restored"));

  broker.start();
  EXPECT_EQ(broker.cli({"check"}).exit, 0);
  EXPECT_EQ(http(broker.admin(), "GET", "/api/v1/backups/1").status, 404);
  EXPECT_EQ(create(broker).at("state"), "done");
  EXPECT_EQ(run_cli({"backup", "verify", backups_of(broker)}).exit, 0);
}

TEST_F(BackupCli, LeavesTwiceTheReserve) {
  const TempDir disk;
  struct statvfs there {};
  ASSERT_EQ(::statvfs(disk.path().c_str(), &there), 0);
  const std::uint64_t free = std::uint64_t{there.f_bavail} * there.f_frsize;
  Broker broker(with({"backup.directory=" + (disk / "backups"), "storage.disk_reserve_percent=0",
                      "storage.disk_reserve_bytes=" + std::to_string(free / 4 * 3)}));
  ASSERT_EQ(broker.cli({"queue", "create", "orders"}).exit, 0);
  EXPECT_EQ(broker.cli({"publish", "orders", "--body", "x"}).exit, 0) << "there is enough for that";
  const Outcome refused = broker.cli({"--json", "backup", "create"});
  EXPECT_EQ(refused.exit, 75);
  const auto problem = json_lines(refused.err)[0];
  EXPECT_EQ(problem.at("code"), "RESOURCE_EXHAUSTED");
  EXPECT_THAT(std::string(problem.at("detail").as_string()), HasSubstr("twice the reserve"));
  const auto shown = api(broker, "/backups").at("items").at(0);
  EXPECT_EQ(shown.at("state"), "failed");
  EXPECT_EQ(shown.at("problem").at("limit"), "disk_reserve");
  EXPECT_TRUE(eventually([&] {
    return broker.log().find("backup 1 failed, nothing is left of it: RESOURCE_EXHAUSTED") != std::string::npos;
  }));
  EXPECT_THAT(http(broker.admin(), "GET", "/metrics").body, HasSubstr("\nlazaret_backup_failures_total 1\n"));
}

}  // namespace
}  // namespace lazaret::testing
