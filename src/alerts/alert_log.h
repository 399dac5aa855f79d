// AlertLog: the alerts that are kept, and how many there have been since the start.
//
// Threading: any thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "alerts/receiver.h"
#include "model/alert.h"

namespace lazaret::alerts {

/// Since the start.
struct ReceiverStats {
  std::uint64_t delivered = 0;    // tries that were answered with 200 to 299
  std::uint64_t refused = 0;      // otherwise
  std::uint64_t unreachable = 0;  // not at all
  std::uint64_t dropped = 0;      // alerts that were dropped since too many waited
  std::uint64_t failed = 0;       // alerts that were given up after the last try
  std::uint64_t waiting = 0;      // alerts, now
};
struct AlertStats {
  std::map<model::AlertKind, std::uint64_t> alerts;
  std::map<std::string, ReceiverStats> receivers;
};

class AlertLog {
 public:
  /// `receivers`: names of all webhooks.
  AlertLog(std::vector<model::AlertRecord> kept, const std::vector<std::string>& receivers);

  void add(const model::AlertRecord& alert);
  /// Those that are to be forgotten when so many more are added; they are gone here.
  std::vector<model::AlertId> make_room(std::size_t more);
  /// What became of a try. False: the alert is not kept any more.
  bool note(const Tried& tried);

  std::optional<model::AlertRecord> find(model::AlertId number) const;
  std::vector<model::AlertRecord> all() const;
  /// The newest first, those before `before` only.
  std::vector<model::AlertRecord> list(std::optional<model::AlertId> before, std::size_t max) const;
  AlertStats stats() const;

 private:
  mutable std::mutex mutex_;
  std::map<model::AlertId, model::AlertRecord> alerts_;  // GUARDED_BY(mutex_)
  AlertStats stats_;                                     // GUARDED_BY(mutex_)
};

}  // namespace lazaret::alerts
