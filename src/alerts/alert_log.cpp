#include "alerts/alert_log.h"

#include <algorithm>

#include "model/limits.h"

namespace lazaret::alerts {

using model::AlertId;
using model::AlertRecord;
using model::DeliveryOutcome;

AlertLog::AlertLog(std::vector<AlertRecord> kept, const std::vector<std::string>& receivers) {
  for (const model::AlertKind kind : model::alert_kinds()) stats_.alerts[kind] = 0;
  for (const std::string& name : receivers) stats_.receivers[name] = {};
  for (AlertRecord& alert : kept) {
    const AlertId number = alert.number;
    alerts_.emplace(number, std::move(alert));
  }
}

void AlertLog::add(const AlertRecord& alert) {
  const std::lock_guard lock(mutex_);
  ++stats_.alerts[alert.kind];
  alerts_[alert.number] = alert;
}

std::vector<AlertId> AlertLog::make_room(std::size_t more) {
  const std::lock_guard lock(mutex_);
  std::vector<AlertId> gone;
  while (!alerts_.empty() && alerts_.size() + more > model::limits::kAlertsKept) {
    gone.push_back(alerts_.begin()->first);
    alerts_.erase(alerts_.begin());
  }
  return gone;
}

bool AlertLog::note(const Tried& tried) {
  const std::lock_guard lock(mutex_);
  ReceiverStats& stats = stats_.receivers[tried.delivery.receiver];
  if (tried.was_sent) {
    ++(!tried.answered                                        ? stats.unreachable
       : tried.delivery.outcome == DeliveryOutcome::delivered ? stats.delivered
                                                              : stats.refused);
  }
  if (tried.delivery.outcome == DeliveryOutcome::dropped) ++stats.dropped;
  if (tried.delivery.outcome == DeliveryOutcome::failed) ++stats.failed;
  const auto found = alerts_.find(tried.number);
  if (found == alerts_.end()) return false;
  for (model::AlertDelivery& delivery : found->second.deliveries) {
    if (delivery.receiver == tried.delivery.receiver) delivery = tried.delivery;
  }
  return true;
}

std::optional<AlertRecord> AlertLog::find(AlertId number) const {
  const std::lock_guard lock(mutex_);
  const auto found = alerts_.find(number);
  if (found == alerts_.end()) return std::nullopt;
  return found->second;
}

std::vector<AlertRecord> AlertLog::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<AlertRecord> out;
  for (const auto& [number, alert] : alerts_) out.push_back(alert);
  return out;
}

std::vector<AlertRecord> AlertLog::list(std::optional<AlertId> before, std::size_t max) const {
  const std::lock_guard lock(mutex_);
  std::vector<AlertRecord> newest;
  auto at = before ? alerts_.lower_bound(*before) : alerts_.end();
  while (at != alerts_.begin() && newest.size() < max) newest.push_back((--at)->second);
  return newest;
}

AlertStats AlertLog::stats() const {
  const std::lock_guard lock(mutex_);
  AlertStats stats = stats_;
  for (const auto& [number, alert] : alerts_) {
    for (const model::AlertDelivery& delivery : alert.deliveries) {
      if (delivery.outcome == DeliveryOutcome::waiting) ++stats.receivers[delivery.receiver].waiting;
    }
  }
  return stats;
}

}  // namespace lazaret::alerts
