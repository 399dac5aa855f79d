#include "engine/backups.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "engine/thread_name.h"

namespace lazaret::engine {
namespace {

using base::Code;
using base::Result;
using base::Status;

Backup shown(model::BackupRecord record) {
  Backup backup;
  backup.state = record.damaged ? BackupState::damaged : BackupState::done;
  backup.record = std::move(record);
  return backup;
}

base::Duration since(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration_cast<base::Duration>(std::chrono::steady_clock::now() - began);
}

Status stops() { return {Code::SHUTTING_DOWN, "the broker stops, and begins no backup"}; }

}  // namespace

std::string_view name_of(BackupState state) {
  switch (state) {
    case BackupState::running: return "running";
    case BackupState::done: return "done";
    case BackupState::failed: return "failed";
    case BackupState::damaged: return "damaged";
  }
  return "";
}

Backups::Backups(BackupsConfig config, model::Store& store, const Clock& clock)
    : config_(std::move(config)), store_(store), clock_(clock) {
  if (config_.directory.empty()) return;
  try {
    thread_ = std::thread([this] { look_back(); });
  } catch (const std::system_error&) {
    // Then it is known when the next one is made.
  }
}

void Backups::look_back() {
  name_thread("backup");
  const auto there = store_.list_backups(config_.directory);
  if (!there.ok()) return;  // whoever makes or lists one is told
  const auto newest = std::find_if(there->begin(), there->end(), [](const auto& record) { return !record.damaged; });
  if (newest == there->end()) return;
  const std::lock_guard lock(mutex_);
  stats_.last_success = newest->created_at;
}

Result<Backup> Backups::begin(std::uint64_t keep, std::string note) {
  if (config_.directory.empty()) return Status(Code::BAD_CONFIGURATION, "this broker has no directory for backups");
  model::BackupPlan plan{.directory = config_.directory,
                         .created_at = clock_.now(),
                         .version = config_.version,
                         .note = std::move(note),
                         .keep = keep,
                         .bytes_per_second = config_.bytes_per_second,
                         .reserve_bytes = config_.reserve_bytes,
                         .reserve_percent = config_.reserve_percent};
  std::thread ended;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return stops();
    if (busy_)
      return Status(Code::IN_USE, "a backup is being made; there is one at a time").with_retry_after_ms(10'000);
    busy_ = true;
    ended = std::move(thread_);
  }
  if (ended.joinable()) ended.join();
  const auto there = store_.list_backups(config_.directory);
  auto begun = there.ok() ? start(plan, there->empty() ? 1 : there->front().number + 1) : there.status();
  if (!begun.ok()) note_not_begun(plan, begun.status());
  return begun;
}

void Backups::note_not_begun(const model::BackupPlan& plan, const Status& problem) {
  {
    const std::lock_guard lock(mutex_);
    busy_ = false;
    if (problem.code() == Code::SHUTTING_DOWN) return;
    ++stats_.failures;
  }
  Backup backup;
  backup.state = BackupState::failed;
  backup.record.created_at = plan.created_at;
  backup.record.note = plan.note;
  backup.problem = problem;
  if (config_.on_ended) config_.on_ended(backup);
}

Result<Backup> Backups::start(model::BackupPlan plan, std::uint64_t number) {
  Backup backup;
  backup.state = BackupState::running;
  backup.record.number = number;
  backup.record.created_at = plan.created_at;
  backup.record.version = plan.version;
  backup.record.note = plan.note;
  backup.took = base::Duration(0);
  const std::lock_guard lock(mutex_);
  if (stopping_) return stops();
  copied_bytes_ = 0;
  began_ = std::chrono::steady_clock::now();
  latest_ = backup;
  try {
    thread_ = std::thread([this, plan = std::move(plan)] { run(plan); });
  } catch (const std::system_error& error) {
    latest_.reset();
    return Status(Code::RESOURCE_EXHAUSTED, std::string("no thread for a backup: ") + error.what());
  }
  return backup;
}

void Backups::run(const model::BackupPlan& plan) {
  name_thread("backup");
  auto made = store_.back_up(plan, [this](std::uint64_t bytes) {
    copied_bytes_ = bytes;
    return !stopping_;
  });
  Backup ended;
  {
    const std::lock_guard lock(mutex_);
    latest_->took = since(began_);
    latest_->copied_bytes = copied_bytes_;
    if (made.ok()) {
      latest_->state = BackupState::done;
      latest_->record = std::move(*made);
      latest_->problem = latest_->record.not_dropped;
      stats_.last_success = latest_->record.created_at;
    } else {
      latest_->state = BackupState::failed;
      latest_->problem =
          made.code() == Code::CANCELLED ? Status(Code::SHUTTING_DOWN, "the broker stopped") : made.status();
      ++stats_.failures;
    }
    busy_ = false;
    ended = *latest_;
  }
  // Still on this thread, for which the next one waits.
  if (config_.on_ended) config_.on_ended(ended);
}

BackupStats Backups::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

std::optional<Backup> Backups::latest() const {
  const std::lock_guard lock(mutex_);
  if (!latest_ || latest_->state != BackupState::running) return latest_;
  Backup backup = *latest_;
  backup.took = since(began_);
  backup.copied_bytes = copied_bytes_;
  return backup;
}

Result<std::vector<Backup>> Backups::list() const {
  std::vector<Backup> backups;
  if (config_.directory.empty()) return backups;
  // Asked first: what ends in between is in both, and shown once.
  auto mine = latest();
  auto there = store_.list_backups(config_.directory);
  if (!there.ok()) return there.status();
  bool is_there = false;
  for (model::BackupRecord& record : *there) {
    if (mine && mine->record.number == record.number) {
      is_there = mine->state != BackupState::failed && !record.damaged;
      if (is_there) continue;
      mine.reset();  // it was damaged since, or somebody else has made one of that number
    }
    backups.push_back(shown(std::move(record)));
  }
  // A whole one that is not there was dropped since, for others to be kept.
  if (mine && (is_there || mine->state != BackupState::done)) backups.insert(backups.begin(), std::move(*mine));
  return backups;
}

Result<Backup> Backups::find(std::uint64_t number) const {
  // Whoever waits for one asks often, and its directory changes meanwhile.
  const auto mine = latest();
  const bool is_mine = mine && mine->record.number == number;
  if (is_mine && mine->state == BackupState::running) return *mine;
  auto all = list();
  // How it went is known, whatever the disk has now: where older ones cannot be dropped, they often cannot be read.
  if (!all.ok() && is_mine) return *mine;
  if (!all.ok()) return all.status();
  for (Backup& backup : *all) {
    if (backup.record.number == number) return std::move(backup);
  }
  return Status(Code::NOT_FOUND, "there is no backup " + std::to_string(number));
}

void Backups::stop() {
  std::thread ended;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    ended = std::move(thread_);
  }
  if (ended.joinable()) ended.join();
}

}  // namespace lazaret::engine
