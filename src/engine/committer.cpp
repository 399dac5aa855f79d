#include "engine/committer.h"

#include <algorithm>
#include <chrono>

namespace lazaret::engine {

Committer::Committer(model::Store& store, Persisted persisted, Fatal fatal)
    : store_(store), persisted_(std::move(persisted)), fatal_(std::move(fatal)) {}

Committer::~Committer() { stop(); }

void Committer::start() {
  thread_ = std::thread([this] { run(); });
}

void Committer::submit(model::MutationGroup group, model::GroupNumber number) {
  {
    const std::lock_guard lock(mutex_);
    groups_waiting_.push_back(std::move(group));
    numbers_waiting_.push_back(number);
  }
  ready_.notify_one();
}

void Committer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Committer::run() {
  std::vector<model::MutationGroup> groups;
  std::vector<model::GroupNumber> numbers;
  while (true) {
    groups.clear();
    numbers.clear();
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return !groups_waiting_.empty() || stopping_; });
      std::swap(groups, groups_waiting_);
      std::swap(numbers, numbers_waiting_);
    }
    if (groups.empty()) return;
    if (!write(groups)) return;
    for (std::size_t i = 0; i < groups.size(); ++i) persisted_(groups[i].shard, numbers[i]);
    if (flush_wanted_.exchange(false, std::memory_order_relaxed)) {
      if (const base::Status status = store_.flush(); !status.ok()) {
        fatal_(status);
        return;
      }
    }
  }
}

bool Committer::write(const std::vector<model::MutationGroup>& groups) {
  const auto begin = std::chrono::steady_clock::now();
  if (const base::Status status = store_.commit(groups, true); !status.ok()) {
    fatal_(status);
    return false;
  }
  const auto took = std::chrono::duration_cast<base::Duration>(std::chrono::steady_clock::now() - begin).count();
  last_us_.store(took, std::memory_order_relaxed);
  longest_us_.store(std::max(longest_us_.load(std::memory_order_relaxed), took), std::memory_order_relaxed);
  commits_.fetch_add(1, std::memory_order_relaxed);
  groups_.fetch_add(groups.size(), std::memory_order_relaxed);
  return true;
}

}  // namespace lazaret::engine
