#include "admin/recent_looks.h"

namespace lazaret::admin {

bool RecentLooks::is_known(const model::AuditCall& call, Time now) const {
  const std::lock_guard lock(mutex_);
  const auto found = noted_.find(key_of(call));
  return found != noted_.end() && now - found->second < kOnceIn;
}

void RecentLooks::noted(const model::AuditCall& call, Time now) {
  std::string key = key_of(call);
  const std::lock_guard lock(mutex_);
  while (!by_time_.empty() && (by_time_.size() >= kRemembered || now - by_time_.front().first >= kOnceIn)) {
    const auto known = noted_.find(by_time_.front().second);
    // It may have been noted again since.
    if (known != noted_.end() && known->second == by_time_.front().first) noted_.erase(known);
    by_time_.pop_front();
  }
  noted_[key] = now;
  by_time_.emplace_back(now, std::move(key));
}

/// Lengths go before the texts, so that no two calls have the same.
std::string RecentLooks::key_of(const model::AuditCall& call) {
  std::string key;
  const auto add = [&key](const std::string& text) { key += std::to_string(text.size()) + ':' + text; };
  add(call.actor);
  add(call.peer);
  add(call.operation);
  add(call.target);
  for (const auto& [name, value] : call.details) {
    add(name);
    add(value);
  }
  return key;
}

}  // namespace lazaret::admin
