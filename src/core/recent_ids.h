// RecentIds: which messages came to a log lately, by the ids that their publishers gave them (QueueOptions::
// deduplicate_for): what comes again within that time is not stored again.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>  // lookup only
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fifo.h"
#include "model/limits.h"
#include "model/mutation.h"

namespace lazaret::core {

/// Bounded to kRememberedIds: the oldest is forgotten.
class RecentIds {
 public:
  explicit RecentIds(base::Duration window) : window_(window) {}
  void change_window(base::Duration window) { window_ = window; }

  void recover(const model::StoredIds& stored) {
    for (const auto& [id, offset] : stored.ids) add({id, offset, stored.at});
  }
  /// Where it is, if it came within the window.
  std::optional<model::Offset> find(const model::MessageId& id, base::Instant now) {
    forget_before(now);
    const auto it = by_id_.find(id);
    return it == by_id_.end() ? std::nullopt : std::optional(it->second);
  }
  /// What has no id is never there again; what is there already has its newest offset, and is forgotten when it would
  /// have been. REQUIRES an offset beyond those before.
  void record(const model::MessageId& id, model::Offset offset, base::Instant now) {
    if (id.is_nil()) return;
    add({id, offset, now});
    fresh_.ids.push_back({id, offset});
    fresh_.at = now;
  }
  bool changed() const { return !fresh_.ids.empty(); }
  /// Appends this group's ids, and a trim when enough are forgotten.
  void save(model::LogId log, std::vector<model::Mutation>& mutations) {
    mutations.emplace_back(model::PutMessageIds{log, std::exchange(fresh_, {})});
    if (order_.empty()) return;  // its window ended within the group
    const model::Offset first = order_.front().offset;
    if (first.value < trimmed_below_.value + kTrimStep) return;
    mutations.emplace_back(model::TrimMessageIds{log, first});
    trimmed_below_ = first;
  }

 private:
  struct One {
    model::MessageId id;
    model::Offset offset;
    base::Instant at;
  };
  struct Hash {
    std::size_t operator()(const model::MessageId& id) const { return std::hash<std::string_view>()(id.raw()); }
  };
  /// A trim is a record of its own: it waits until it is worth one.
  static constexpr std::uint64_t kTrimStep = 1024;

  void add(One one) {
    if (!by_id_.insert_or_assign(one.id, one.offset).second) return;
    order_.push_back(one);
    if (order_.size() > model::limits::kRememberedIds) forget_oldest();
  }
  void forget_before(base::Instant now) {
    while (!order_.empty() && order_.front().at + window_ <= now) forget_oldest();
  }
  void forget_oldest() {
    by_id_.erase(order_.front().id);
    order_.pop_front();
  }

  base::Duration window_;
  base::Fifo<One> order_;                                                   // as they came
  boost::unordered_flat_map<model::MessageId, model::Offset, Hash> by_id_;  // lookup only
  model::StoredIds fresh_;                                                  // of this group
  model::Offset trimmed_below_;
};

}  // namespace lazaret::core
