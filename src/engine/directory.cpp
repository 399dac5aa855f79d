#include "engine/directory.h"

#include <mutex>

namespace lazaret::engine {

QueueRef Directory::find(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : *it;
}

QueueRef Directory::find(model::SubscriptionId subscription) const {
  const std::shared_lock lock(mutex_);
  const auto it = by_subscription_.find(subscription);
  return it == by_subscription_.end() ? nullptr : it->second;
}

base::Result<QueueRef> Directory::destination(std::string_view name) const {
  QueueRef queue = find(name);
  if (queue == nullptr) {
    return base::Status(base::Code::NOT_FOUND, "there is no queue or topic '" + std::string(name) + "'");
  }
  if (queue->kind != model::Kind::subscription) return queue;
  const std::string its = queue->is_fan_in() ? "one of its topics" : "its topic " + queue->topic;
  return base::Status(base::Code::BAD_REQUEST, std::string(name) + " is a subscription: publish to " + its);
}

std::vector<QueueRef> Directory::list(std::string_view after, std::size_t max, std::optional<model::Kind> kind) const {
  const std::shared_lock lock(mutex_);
  std::vector<QueueRef> queues;
  for (auto it = by_name_.upper_bound(after); it != by_name_.end() && queues.size() < max; ++it) {
    if (!kind || (*it)->kind == *kind) queues.push_back(*it);
  }
  return queues;
}

std::size_t Directory::size() const {
  const std::shared_lock lock(mutex_);
  return by_name_.size();
}

void Directory::put(QueueRef queue) {
  const std::unique_lock lock(mutex_);
  if (const auto known = by_name_.find(queue); known != by_name_.end()) by_name_.erase(known);
  by_name_.insert(queue);
  by_subscription_[queue->subscription] = std::move(queue);
}

void Directory::erase(model::SubscriptionId subscription) {
  const std::unique_lock lock(mutex_);
  const auto it = by_subscription_.find(subscription);
  if (it == by_subscription_.end()) return;
  const auto named = by_name_.find(it->second);
  // A queue of the same name may have been created since.
  if (named != by_name_.end() && (*named)->subscription == subscription) by_name_.erase(named);
  by_subscription_.erase(it);
}

}  // namespace lazaret::engine
