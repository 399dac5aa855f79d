#include "faults/points.h"

#include <algorithm>
#include <set>
#include <span>

namespace lazaret::faults {
namespace {

/// What a change is called in the name of a point; "" for what belongs to every group.
struct Content {
  const char* operator()(const model::AppendMessages&) const { return "publish"; }
  const char* operator()(const model::TrimLog& m) const { return m.evacuate.empty() ? "trim" : "evacuation"; }
  const char* operator()(const model::PutLog&) const { return "reserve"; }
  const char* operator()(const model::DropEvacuated&) const { return "end_of_evacuated"; }
  const char* operator()(const model::PutSubscription&) const { return "settling"; }
  const char* operator()(const model::DropSubscription&) const { return "deletion"; }
  const char* operator()(const model::PutDelivery& m) const {
    return m.record.state == model::DeliveryState::waiting ? "retry" : "grant";
  }
  const char* operator()(const model::AdmitCase& m) const { return m.relapse ? "relapse" : "admission"; }
  const char* operator()(const model::ReplayCase&) const { return "replay"; }
  const char* operator()(const model::DischargeCase&) const { return "discharge"; }
  const char* operator()(const model::DiscardCase&) const { return "discard"; }
  const char* operator()(const model::EditCase&) const { return "edit"; }
  const char* operator()(const model::RestoreCase&) const { return "restore"; }
  const char* operator()(const model::RedirectCase&) const { return "redirection"; }
  const char* operator()(const model::PutReplayJob&) const { return "replay_job"; }
  const char* operator()(const model::PutQueue&) const { return "queue"; }
  const char* operator()(const model::PutInstance&) const { return "instance"; }
  template <class Other>
  const char* operator()(const Other&) const {
    return "";
  }
};

constexpr const char* kContents[] = {"publish",   "reserve", "trim",  "evacuation", "end_of_evacuated", "settling",
                                     "deletion",  "retry",   "grant", "relapse",    "admission",        "replay",
                                     "discharge", "discard", "edit",  "queue",      "instance"};
/// Only where the whole daemon runs, and somebody who uses its hospital.
constexpr const char* kContentsOfTheDaemon[] = {"restore", "redirection", "replay_job"};
constexpr const char* kStages[] = {"before_write", "written", "synced"};

std::vector<std::string> at_each_stage(std::span<const char* const> contents) {
  std::vector<std::string> points;
  for (const char* content : contents) {
    for (const char* stage : kStages) points.push_back(std::string(content) + "." + stage);
  }
  return points;
}

struct FileEvent {
  Operation operation;
  FileKind kind;
  const char* point;
};
/// A memtable switch, as the file system sees it.
constexpr FileEvent kFileEvents[] = {
    {Operation::create, FileKind::table, "memtable_switch.begun"},
    {Operation::append, FileKind::table, "memtable_switch.table_written"},
    {Operation::sync, FileKind::table, "memtable_switch.table_synced"},
    {Operation::append, FileKind::manifest, "memtable_switch.manifest_written"},
    {Operation::sync, FileKind::manifest, "memtable_switch.manifest_synced"},
    {Operation::create, FileKind::wal, "memtable_switch.log_created"},
    {Operation::rename, FileKind::spare, "memtable_switch.log_set_aside"},
};

/// Of the group that this thread is writing.
thread_local std::set<std::string> writing;

std::set<std::string> contents_of(std::span<const model::MutationGroup> groups) {
  std::set<std::string> contents;
  for (const model::MutationGroup& group : groups) {
    for (const model::Mutation& mutation : group.mutations) contents.insert(std::visit(Content(), mutation));
  }
  contents.erase("");
  return contents;
}

}  // namespace

const std::vector<std::string>& Points::of_the_engine() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all = at_each_stage(kContents);
    for (const FileEvent& event : kFileEvents) all.push_back(event.point);
    return all;
  }();
  return names;
}

const std::vector<std::string>& Points::all() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all = of_the_engine();
    const std::vector<std::string> others = at_each_stage(kContentsOfTheDaemon);
    all.insert(all.end(), others.begin(), others.end());
    return all;
  }();
  return names;
}

Points::Points(FaultyFiles& files, Reach reach) : reach_(std::move(reach)) {
  files.set_watch([this](Operation operation, FileKind kind) {
    if (operation == Operation::append && kind == FileKind::wal) {
      for (const std::string& content : writing) reach_(content + ".written");
    }
    for (const FileEvent& event : kFileEvents) {
      if (event.operation == operation && event.kind == kind) reach_(event.point);
    }
  });
}

/// Everything goes to the store behind it.
class Points::Store final : public model::Store {
 public:
  Store(std::unique_ptr<model::Store> inner, const Reach& reach) : inner_(std::move(inner)), reach_(reach) {}

  base::Result<std::vector<model::RecoveredShard>> recover() override { return inner_->recover(); }
  base::Status commit(std::span<const model::MutationGroup> groups, bool sync) override {
    writing = contents_of(groups);
    for (const std::string& content : writing) reach_(content + ".before_write");
    const base::Status status = inner_->commit(groups, sync);
    if (status.ok() && sync) {
      for (const std::string& content : writing) reach_(content + ".synced");
    }
    writing.clear();
    return status;
  }
  base::Result<model::MessagePage> read_messages(model::ShardId shard, model::LogId log, model::Offset from,
                                                 model::Offset until, std::size_t max_messages,
                                                 std::size_t max_bytes) override {
    return inner_->read_messages(shard, log, from, until, max_messages, max_bytes);
  }
  base::Result<model::MessagePage> read_prioritised(model::ShardId shard, model::LogId log, std::uint8_t priority,
                                                    model::Offset from, model::Offset until, std::size_t max_messages,
                                                    std::size_t max_bytes) override {
    return inner_->read_prioritised(shard, log, priority, from, until, max_messages, max_bytes);
  }
  base::Result<std::vector<model::RecoveredDelivery>> read_waiting(model::ShardId shard,
                                                                   model::SubscriptionId subscription,
                                                                   model::WaitingPlace after,
                                                                   std::size_t max) override {
    return inner_->read_waiting(shard, subscription, after, max);
  }
  base::Result<std::vector<model::OutboxEntryRef>> read_outbox(model::ShardId shard, model::ShardId to,
                                                               std::uint64_t from, std::size_t max_entries,
                                                               std::size_t max_bytes) override {
    return inner_->read_outbox(shard, to, from, max_entries, max_bytes);
  }
  base::Result<model::CasePage> list_cases(const model::CaseQuery& query, const std::string& cursor,
                                           std::size_t max) override {
    return inner_->list_cases(query, cursor, max);
  }
  base::Result<model::CaseCount> count_cases(const model::CaseQuery& query, const std::string& cursor) override {
    return inner_->count_cases(query, cursor);
  }
  base::Result<model::GroupPage> list_groups(const model::CaseQuery& query, model::GroupSort sort,
                                             const std::string& cursor, std::size_t max) override {
    return inner_->list_groups(query, sort, cursor, max);
  }
  base::Result<model::GroupRecord> read_group(model::GroupId id) override { return inner_->read_group(id); }
  base::Result<model::CaseRecord> read_case(const model::CaseId& id) override { return inner_->read_case(id); }
  base::Result<std::vector<model::Attempt>> read_attempts(const model::CaseId& id) override {
    return inner_->read_attempts(id);
  }
  base::Result<std::optional<model::CaseId>> find_imported(model::ShardId shard, model::SubscriptionId subscription,
                                                           const model::CaseOrigin& origin) override {
    return inner_->find_imported(shard, subscription, origin);
  }
  base::Result<std::vector<model::CaseEdit>> read_edits(const model::CaseId& id) override {
    return inner_->read_edits(id);
  }
  base::Result<model::MessageRef> read_version(const model::CaseId& id, std::uint32_t version) override {
    return inner_->read_version(id, version);
  }
  base::Result<std::vector<model::ClosedCase>> read_closed(model::ShardId shard, model::SubscriptionId subscription,
                                                           const model::ClosedCase& after, std::size_t max) override {
    return inner_->read_closed(shard, subscription, after, max);
  }
  base::Result<model::CaseSums> case_sums(model::ShardId shard, model::SubscriptionId subscription) override {
    return inner_->case_sums(shard, subscription);
  }
  base::Result<std::vector<model::ReplayJobRecord>> read_replay_jobs() override { return inner_->read_replay_jobs(); }
  base::Result<model::ReplayChunk> read_replay_chunk(model::ReplayJobId job, std::uint32_t number) override {
    return inner_->read_replay_chunk(job, number);
  }
  base::Result<model::AuditPage> read_audit(const model::AuditQuery& query, std::uint64_t before,
                                            std::size_t max) override {
    return inner_->read_audit(query, before, max);
  }

  base::Result<model::KeptAlerts> read_alerts() override { return inner_->read_alerts(); }
  base::Result<std::vector<model::GroupRecord>> recent_groups(base::Instant since, std::size_t max) override {
    return inner_->recent_groups(since, max);
  }
  base::Result<std::vector<model::CaseRecord>> oldest_open_cases(std::size_t max) override {
    return inner_->oldest_open_cases(max);
  }
  model::StoreUsage usage() override { return inner_->usage(); }
  base::Status flush() override { return inner_->flush(); }
  base::Result<model::CheckReport> check(const std::function<bool(std::uint64_t)>& progress) override {
    return inner_->check(progress);
  }
  base::Result<std::vector<model::BackupRecord>> list_backups(const std::string& directory) override {
    return inner_->list_backups(directory);
  }
  base::Result<model::BackupRecord> back_up(const model::BackupPlan& plan,
                                            const std::function<bool(std::uint64_t)>& progress) override {
    return inner_->back_up(plan, progress);
  }

 private:
  const std::unique_ptr<model::Store> inner_;
  const Reach& reach_;
};

std::unique_ptr<model::Store> Points::watch(std::unique_ptr<model::Store> store) {
  return std::make_unique<Store>(std::move(store), reach_);
}

}  // namespace lazaret::faults
