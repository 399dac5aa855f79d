// EventStreams: who watches the overview over GET /api/v1/events, and what each is sent next. A stream begins with
// everything; then come the rows that have changed, once a second, and alerts when they are raised.
//
// Threading: the I/O thread.
// Invariants:
//  1. All streams share the texts: one is made a sample, not one a stream.
//  2. Who is more than one sample behind is sent everything again. Who does not take what is sent within kWriteTime is
//     cut off by its session.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include <boost/asio/steady_timer.hpp>

#include "admin/overview.h"
#include "model/alert.h"

namespace lazaret::admin {

class EventStreams {
 public:
  static constexpr std::size_t kStreams = 100;
  static constexpr std::chrono::seconds kWriteTime{10};
  /// After so long without an event a comment is sent, so that both ends notice when the other is gone.
  static constexpr std::chrono::seconds kHeartbeat{15};

  /// `watch` is told when the first comes and when the last has gone.
  explicit EventStreams(std::function<void(bool)> watch) : watch_(std::move(watch)) {}

  void publish(std::shared_ptr<const Overview> overview);
  /// An event that every stream gets once: those that are there, and only those.
  void publish_alert(std::shared_ptr<const std::string> event);
  /// Wakes all: their sessions look whether the front stops.
  void wake();

  /// Alerts that a stream may be behind; the oldest are left out for it beyond.
  static constexpr std::size_t kAlerts = 100;

  using Text = std::shared_ptr<const std::string>;

  /// A stream's place among those that there may be, for as long as it lives.
  class Place {
   public:
    Place(EventStreams& streams, boost::asio::steady_timer& alarm);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    /// False: there are too many.
    bool taken() const { return taken_; }
    /// What has not been sent yet; nullptr when there is nothing. The alarm is cancelled when there is more.
    Text next();

   private:
    EventStreams& streams_;
    bool taken_;
    std::uint64_t sent_ = 0;     // number of the sample
    std::uint64_t alerts_sent_;  // of all that were published since the start
    std::list<boost::asio::steady_timer*>::iterator place_;
  };

 private:
  std::function<void(bool)> watch_;
  std::list<boost::asio::steady_timer*> alarms_;
  std::shared_ptr<const Overview> newest_;
  Text change_;  // from the sample before `newest_` to it
  std::uint64_t change_from_ = 0;
  std::deque<Text> alerts_;             // the newest last, at most kAlerts
  std::uint64_t alerts_published_ = 0;  // since the start
  Text everything_;                     // of `newest_`, once somebody has needed it
};

/// An event with an alert.
std::string alert_event(const model::AlertRecord& alert, const std::string& public_url);
/// One event of a stream. `before`: what the reader has, nullptr for a reader that has nothing.
std::string overview_event(const Overview& now, const Overview* before);

}  // namespace lazaret::admin
