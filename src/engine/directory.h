// Directory: which queues, topics and subscriptions there are, for sessions that look up names. It shows only what
// is durable.
//
// Threading: any thread. Guarded by one of the daemon's three mutexes.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "model/records.h"

namespace lazaret::engine {

using model::QueueRef;

class Directory {
 public:
  /// nullptr when there is no such queue.
  QueueRef find(std::string_view name) const;
  QueueRef find(model::SubscriptionId subscription) const;
  /// What one publishes to: NOT_FOUND when there is none, BAD_REQUEST for a subscription.
  base::Result<QueueRef> destination(std::string_view name) const;
  /// At most `max` of this kind (nullopt: of any) in the order of their names, those after `after` ("" for the first).
  std::vector<QueueRef> list(std::string_view after, std::size_t max,
                             std::optional<model::Kind> kind = std::nullopt) const;
  std::size_t size() const;

  /// Adds the queue, or replaces it (new options).
  void put(QueueRef queue);
  void erase(model::SubscriptionId subscription);

 private:
  mutable std::shared_mutex mutex_;
  struct ByName {
    using is_transparent = void;
    bool operator()(const QueueRef& a, const QueueRef& b) const { return a->name < b->name; }
    bool operator()(const QueueRef& a, std::string_view b) const { return a->name < b; }
    bool operator()(std::string_view a, const QueueRef& b) const { return a < b->name; }
  };
  std::set<QueueRef, ByName> by_name_;                                   // GUARDED_BY(mutex_)
  std::unordered_map<model::SubscriptionId, QueueRef> by_subscription_;  // GUARDED_BY(mutex_)
};

}  // namespace lazaret::engine
