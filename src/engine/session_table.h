// SessionTable: the outboxes of live sessions, and who waits for a session to end.
//
// Threading: any thread; it guards itself.
#pragma once

#include <functional>
#include <memory>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "engine/outbox.h"
#include "model/ids.h"

namespace lazaret::engine {

class SessionTable {
 public:
  /// Ids begin above `epoch` << 32, so that a client's old session id names nobody after a restart.
  explicit SessionTable(std::uint32_t epoch) : last_(static_cast<std::uint64_t>(epoch) << 32) {}

  model::SessionId open(std::shared_ptr<Outbox> outbox);
  /// nullptr when it has ended.
  std::shared_ptr<Outbox> find(model::SessionId session) const;
  /// Ends it; what waited for that is returned, to be called without any lock held.
  std::vector<std::function<void()>> end(model::SessionId session);
  /// Remembers `done` for the end of the session, and returns its outbox; nullptr (and nothing remembered) when it
  /// has ended already.
  std::shared_ptr<Outbox> when_ended(model::SessionId session, std::function<void()> done);
  /// Marks the session as one that must hear when reading may go on.
  void pause(model::SessionId session);
  /// All that are paused; they are not any more.
  std::vector<std::shared_ptr<Outbox>> take_paused();
  std::size_t size() const;

 private:
  struct Entry {
    std::shared_ptr<Outbox> outbox;
    std::vector<std::function<void()>> when_ended;
  };
  mutable std::shared_mutex mutex_;
  std::uint64_t last_;                                   // GUARDED_BY(mutex_)
  std::unordered_map<model::SessionId, Entry> entries_;  // GUARDED_BY(mutex_)
  std::vector<model::SessionId> paused_;                 // GUARDED_BY(mutex_)
};

}  // namespace lazaret::engine
