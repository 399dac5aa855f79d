// Backups: has the store copied, one copy at a time, on a thread of its own, which lives as long as that takes. How it
// goes, and how it went, can be asked by its number; whole ones are found in the directory, also after a restart. The
// same thread looks there once at the start, for the time of the newest.
//
// Threading: any thread but a shard's, since the directory is read. `stop` and the destructor from one.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/status.h"
#include "engine/clock.h"
#include "model/store.h"

namespace lazaret::engine {

enum class BackupState : std::uint8_t {
  running,
  done,
  failed,   // nothing is left of it; it is known until the next one begins, or the broker stops
  damaged,  // it was whole once
};
std::string_view name_of(BackupState state);

/// One as it is shown.
struct Backup {
  BackupState state = BackupState::done;
  model::BackupRecord record;  // while it runs, and when it failed: number, created_at, version and note
  /// Of what this process has begun: how long it took, or takes by now, and what was copied; what another backup has
  /// already is not copied again.
  std::optional<base::Duration> took;
  std::uint64_t copied_bytes = 0;
  /// Why it failed; or, when it is done and this process has made it, why older ones were not dropped.
  base::Status problem;
};

/// How backups went. Those that were refused (IN_USE, SHUTTING_DOWN, no directory) have not failed.
struct BackupStats {
  /// When the newest that is whole was asked for, also of those before this start; nothing as long as none is known.
  std::optional<base::Instant> last_success;
  std::uint64_t failures = 0;  // since the start, of those that were begun or could not be
};

struct BackupsConfig {
  std::string directory;               // an absolute path; "": backups are refused
  std::string version;                 // of the broker
  std::uint64_t bytes_per_second = 0;  // 0: no limit
  std::uint64_t reserve_bytes = 0;     // as model::BackupPlan
  double reserve_percent = 0;
  /// Called when one has ended, done or failed, from its own thread or that of `begin`. One that could not begin has
  /// the number 0.
  std::function<void(const Backup&)> on_ended;
};

class Backups {
 public:
  /// `store` and `clock` outlive it. What was made before is looked for on its thread: its disk may be slow.
  Backups(BackupsConfig config, model::Store& store, const Clock& clock);
  ~Backups() { stop(); }
  Backups(const Backups&) = delete;
  Backups& operator=(const Backups&) = delete;

  /// Everything that is durable now will be in it. `keep`: so many are kept, 0 for all. IN_USE: one is being made.
  /// SHUTTING_DOWN: the broker stops. What else ends it is its `problem` when it has failed.
  base::Result<Backup> begin(std::uint64_t keep, std::string note);
  /// The newest first.
  base::Result<std::vector<Backup>> list() const;
  /// NOT_FOUND.
  base::Result<Backup> find(std::uint64_t number) const;
  BackupStats stats() const;
  const std::string& directory() const { return config_.directory; }
  /// Ends the one that is being made, of which nothing stays. Idempotent.
  void stop();

 private:
  void run(const model::BackupPlan& plan);
  /// Looks for the newest that is whole.
  void look_back();
  void note_not_begun(const model::BackupPlan& plan, const base::Status& problem);
  base::Result<Backup> start(model::BackupPlan plan, std::uint64_t number);
  /// What this process has begun last, as it is now.
  std::optional<Backup> latest() const;

  const BackupsConfig config_;
  model::Store& store_;
  const Clock& clock_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> copied_bytes_{0};

  mutable std::mutex mutex_;
  bool busy_ = false;             // GUARDED_BY(mutex_): one is being made, or about to be
  std::optional<Backup> latest_;  // GUARDED_BY(mutex_)
  BackupStats stats_;             // GUARDED_BY(mutex_)
  /// When the latest one began, by a clock that nobody sets.
  std::chrono::steady_clock::time_point began_{};  // GUARDED_BY(mutex_)
  std::thread thread_;                             // GUARDED_BY(mutex_)
};

}  // namespace lazaret::engine
