#include "engine/session_table.h"

#include <mutex>

namespace lazaret::engine {

model::SessionId SessionTable::open(std::shared_ptr<Outbox> outbox) {
  const std::unique_lock lock(mutex_);
  const model::SessionId session(++last_);
  entries_[session].outbox = std::move(outbox);
  return session;
}

std::shared_ptr<Outbox> SessionTable::find(model::SessionId session) const {
  const std::shared_lock lock(mutex_);
  const auto it = entries_.find(session);
  return it == entries_.end() ? nullptr : it->second.outbox;
}

std::vector<std::function<void()>> SessionTable::end(model::SessionId session) {
  const std::unique_lock lock(mutex_);
  const auto it = entries_.find(session);
  if (it == entries_.end()) return {};
  auto waiting = std::move(it->second.when_ended);
  entries_.erase(it);
  return waiting;
}

std::shared_ptr<Outbox> SessionTable::when_ended(model::SessionId session, std::function<void()> done) {
  const std::unique_lock lock(mutex_);
  const auto it = entries_.find(session);
  if (it == entries_.end()) return nullptr;
  it->second.when_ended.push_back(std::move(done));
  return it->second.outbox;
}

void SessionTable::pause(model::SessionId session) {
  const std::unique_lock lock(mutex_);
  paused_.push_back(session);
}

std::vector<std::shared_ptr<Outbox>> SessionTable::take_paused() {
  const std::unique_lock lock(mutex_);
  std::vector<std::shared_ptr<Outbox>> outboxes;
  for (const model::SessionId session : paused_) {
    const auto it = entries_.find(session);
    if (it != entries_.end()) outboxes.push_back(it->second.outbox);
  }
  paused_.clear();
  return outboxes;
}

std::size_t SessionTable::size() const {
  const std::shared_lock lock(mutex_);
  return entries_.size();
}

}  // namespace lazaret::engine
