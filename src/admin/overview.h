// Overview: what the page shows of every queue and subscription, as numbers of one moment, and how they have been in
// the last hour.
//
// Threading: a sample is taken on any thread that may wait; `MinuteHistory` may be used from any.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "base/status.h"
#include "base/time.h"
#include "model/answer.h"
#include "model/breaker.h"
#include "model/hospital_budget.h"

namespace lazaret::admin {

struct Broker;

/// Of one queue or subscription. What is equal in two samples is sent once (event_streams.h).
struct OverviewRow {
  std::string name;
  model::Kind kind = model::Kind::queue;
  std::string topic;  // of a subscription: its topics, with commas between them
  std::string owner;
  std::uint64_t ready = 0, leased = 0, waiting = 0, scheduled = 0, held = 0;
  std::uint64_t suspects = 0;
  std::uint64_t in_hospital = 0;
  std::uint64_t entered_total = 0, acked_total = 0;
  std::uint64_t failed_attempts_total = 0;
  std::uint64_t consumer_count = 0;
  base::Instant oldest_ready_at{};
  bool paused = false;
  model::BreakerState breaker = model::BreakerState::closed;
  model::HospitalLevel hospital_level = model::HospitalLevel::below;
  std::uint64_t hospital_bytes = 0, hospital_max_bytes = 0;  // kept of messages, and the budget; 0: none
  std::vector<std::string> versions;  // of its consumers: name and version, each once; so many at most
  static constexpr std::size_t kVersions = 16;
  bool operator==(const OverviewRow&) const = default;
};

struct Overview {
  /// So many rows at most, by name: who has more looks at them one by one.
  static constexpr std::size_t kRows = 1000;

  std::uint64_t number = 0;  // rises by one with each that is sent to streams
  base::Instant at{};
  std::vector<OverviewRow> rows;  // by name
  bool more = false;              // there are queues or subscriptions that have no row
};

OverviewRow overview_row(const model::QueueStats& stats);
/// Asks the shards, and waits for their answers.
base::Result<Overview> take_overview(Broker& broker, std::chrono::steady_clock::time_point deadline);

boost::json::object row_json(const OverviewRow& row);

/// The last hour, minute by minute, of as many as an overview has rows.
class MinuteHistory {
 public:
  static constexpr std::size_t kMinutes = 60;

  /// The numbers at the end of a minute. Whoever is not in it is forgotten.
  void add(const Overview& overview);
  /// {"entered", "acked", "failed", "unsettled", "in_hospital"}: one number a minute, the newest last. What entered,
  /// was acked and failed is counted in that minute, the others at its end. "marks": what changed from one end of a
  /// minute to the next, which may be why.
  boost::json::object of(const std::string& name) const;
  base::Instant until() const;

 private:
  struct Point {
    std::uint64_t entered = 0, acked = 0, failed = 0, unsettled = 0, in_hospital = 0;
  };
  struct Mark {
    base::Instant at;
    std::uint64_t minute = 0;
    const char* what = "";
    std::string who;  // "": it is nobody's
  };
  struct Ring {
    // As it was at the end of the minute before the next: totals, and what marks are made of.
    std::uint64_t entered_before = 0, acked_before = 0, failed_before = 0;
    std::vector<std::string> versions_before;
    bool paused_before = false;
    model::BreakerState breaker_before = model::BreakerState::closed;
    model::HospitalLevel hospital_before = model::HospitalLevel::below;
    std::deque<Mark> marks;  // kMarks at most, of the minutes that there are points of
    std::uint64_t last = 0;  // number of the minute that was added last
    std::size_t next = 0;    // place of the next point, once there are kMinutes
    std::vector<Point> points;
  };
  static constexpr std::size_t kMarks = 64;

  static void remember(Ring& ring, const OverviewRow& row);
  static void add(Ring& ring, const OverviewRow& row);
  void mark_changes(Ring& ring, const OverviewRow& row) const;

  mutable std::mutex mutex_;
  std::map<std::string, Ring> rings_;  // GUARDED_BY(mutex_)
  base::Instant until_{};              // GUARDED_BY(mutex_)
  std::uint64_t minutes_ = 0;          // GUARDED_BY(mutex_)
};

}  // namespace lazaret::admin
