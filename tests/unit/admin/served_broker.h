// An engine on a store in a directory of its own, with the admin server in front, and a consumer that fails messages.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "admin/server.h"
#include "engine/clock.h"
#include "integration/support/http.h"

namespace lazaret::admin {

/// Attached to a queue with one credit; the test settles what it gets.
class TestConsumer : public engine::Outbox {
 public:
  static std::shared_ptr<TestConsumer> attach(engine::Engine& engine, const std::string& queue);
  /// Waits for a delivery and rejects it.
  void reject_next(const std::string& error_type, const std::string& error_message);
  void leave();

  void tell(std::vector<model::Answer>&& answers) override;
  void resume_reading() override {}
  void replaced() override {}

 private:
  engine::Engine* engine_ = nullptr;
  engine::QueueRef queue_;
  model::SessionId session_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<model::Delivered> deliveries_;
  std::size_t settled_ = 0;
};

class ServedBroker : public ::testing::Test {
 protected:
  ServedBroker();
  ~ServedBroker() override;

  void serve(ServerConfig config);
  testing::HttpAnswer ask(const std::string& method, const std::string& target, const std::string& body = "",
                          const std::map<std::string, std::string>& headers = {});
  /// The status, and the "code" of the problem document.
  std::pair<int, std::string> refused(const std::string& method, const std::string& target,
                                      const std::string& body = "",
                                      const std::map<std::string, std::string>& headers = {});
  engine::Engine& engine() { return *engine_; }
  Server& server() { return *server_; }
  hospital::ReplayJobs& replays() { return *replays_; }
  alerts::Alerts& alerts() { return *alerts_; }

  const std::filesystem::path& directory() const { return directory_; }
  /// As the engine has told of them.
  std::vector<engine::Backup> ended_backups() {
    const std::lock_guard lock(ended_mutex_);
    return ended_backups_;
  }

 private:
  std::filesystem::path directory_;
  std::mutex ended_mutex_;
  std::vector<engine::Backup> ended_backups_;
  std::unique_ptr<model::Store> store_;
  engine::SystemClock clock_{base::Instant{}};
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<hospital::ReplayJobs> replays_;
  std::unique_ptr<alerts::Alerts> alerts_;
  std::unique_ptr<Server> server_;
};

}  // namespace lazaret::admin
