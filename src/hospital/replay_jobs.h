// ReplayJobs: creates replay jobs, drives those that have not ended, and remembers those that have.
//
// What is told of a job is what is durable of it. After a start all jobs go on where they were; what was on its way is
// found in the cases themselves, so nothing is replayed twice (replay_rules.h).
//
// Threading: one thread of its own drives all jobs. `start` and `stop` from one thread, the rest from any; what changes
// a job waits for the disk.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/horizon.h"
#include "hospital/replay_job.h"

namespace lazaret::hospital {

using Deadline = std::chrono::steady_clock::time_point;

struct NewReplayJob {
  std::string filter;
  std::optional<std::vector<model::CaseId>> ids;  // in place of a filter
  model::ReplayOptions options;
  std::string created_by{};
};

/// So many, or at least so many.
struct Counted {
  std::uint64_t count = 0;
  bool more = false;
};

/// A case of a job and what became of it.
struct ReplayedCase {
  model::CaseId id;
  model::ReplayOutcome outcome = model::ReplayOutcome::none;
  base::Code because = base::Code::OK;  // of one that was refused
};
/// Which cases of a job are asked for; what is not given holds for all.
struct ReplayedQuery {
  std::optional<model::ReplayOutcome> outcome;
  std::optional<std::pair<model::ShardId, model::SubscriptionId>> subscription;
};
struct ReplayedPage {
  std::vector<ReplayedCase> cases;    // in the order in which they are sent
  std::optional<std::uint64_t> next;  // where the next page begins, also when this one has few of them, or none
};

class ReplayJobs {
 public:
  /// Reads the jobs and goes on with them. `engine` outlives it, and runs.
  static base::Result<std::unique_ptr<ReplayJobs>> start(engine::Engine& engine);
  /// Calls stop().
  ~ReplayJobs();
  /// Sends nothing more. Idempotent.
  void stop();

  /// BAD_REQUEST naming the option; NOT_FOUND when they are to go where nothing is.
  base::Result<model::ReplayJobRecord> create(NewReplayJob wanted, Deadline deadline);
  /// NOT_FOUND, or CASE_BUSY when it has ended.
  base::Result<model::ReplayJobRecord> change(model::ReplayJobId id, ReplayVerb verb, Deadline deadline);
  base::Result<model::ReplayJobRecord> find(model::ReplayJobId id) const;
  /// The newest first, those before `before` only.
  std::vector<model::ReplayJobRecord> list(std::optional<model::ReplayJobId> before, std::size_t max) const;

  /// Those whose state became one of the last three behind `since`.
  std::vector<model::ReplayJobRecord> ended_since(base::Instant since) const;
  /// No job ended up to then that ended_since does not know, and none will.
  base::Instant seen_until() const { return horizon_.seen_until(engine_.now()); }

  /// Its cases from a place in the order of sending on. Looks at limits::kReplayLooks at most, whatever is asked for.
  base::Result<ReplayedPage> cases(model::ReplayJobId id, const ReplayedQuery& query, std::uint64_t from,
                                   std::size_t max) const;
  /// How many cases a job would be created for, as far as can be counted by then. What create refuses is refused.
  base::Result<Counted> count(const NewReplayJob& wanted, Deadline deadline) const;
  /// Jobs that wait for a version and have not sent all of their cases of this subscription, the oldest first. Of a job
  /// it looks at kReplayWaitLooks cases at most.
  base::Result<std::vector<model::ReplayJobRecord>> waiting_for_version(model::ShardId shard,
                                                                        model::SubscriptionId subscription) const;
  /// How many cases were admitted since the job was created and match its filter too.
  base::Result<Counted> newer(const model::ReplayJobRecord& job) const;

 private:
  explicit ReplayJobs(engine::Engine& engine);
  base::Status recover();
  void run();
  void drive();
  void rest();
  void remember(const model::ReplayJobRecord& record);
  void forget_oldest();
  base::Result<model::ReplayJobRecord> add(NewReplayJob wanted, base::Instant now, ReplayJob::Then then);

  engine::Engine& engine_;
  const std::shared_ptr<engine::Desk> desk_;
  const std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  Tools tools_;
  std::thread thread_;

  // The thread's.
  std::map<model::ReplayJobId, std::shared_ptr<ReplayJob>> open_;
  std::uint64_t last_id_ = 0;
  base::Duration patience_{};

  engine::Horizon horizon_;

  mutable std::mutex mutex_;
  std::map<model::ReplayJobId, model::ReplayJobRecord> records_;  // GUARDED_BY(mutex_): what is durable
};

}  // namespace lazaret::hospital
