// Receiver: what waits for one webhook, and the one try after the other that brings it there.
//
// A receiver that is down holds up nothing but its own queue: each alert has its schedule (retry_schedule.h), those
// that are due first go first, and beyond kAlertsWaiting the oldest is dropped.
//
// Threading: the thread of its io_context.
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "alerts/webhook_post.h"
#include "base/random.h"
#include "model/alert.h"

namespace lazaret::alerts {

/// What became of a try, or of the alert without one.
struct Tried {
  model::AlertId number;
  model::AlertDelivery delivery;
  bool was_sent = false;  // false: it was dropped
  bool answered = false;
};

class Receiver {
 public:
  using Told = std::function<void(const Tried&)>;

  /// `now`: engine time, which is what is signed and shown.
  Receiver(boost::asio::io_context& io, Webhook webhook, std::string version, std::uint64_t seed,
           std::function<base::Instant()> now, Told told);

  const Webhook& webhook() const { return webhook_; }
  std::size_t waiting() const { return waiting_.size(); }
  void add(model::AlertId number, std::string alert_id, std::string body);
  /// Sends until `stop`.
  boost::asio::awaitable<void> run();
  void stop();

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Waiting {
    model::AlertId number;
    std::string alert_id;
    std::string body;
    std::uint32_t attempts = 0;
    Time due;
  };
  std::list<Waiting>::iterator next();
  boost::asio::awaitable<void> try_one(model::AlertId number);
  void note(std::list<Waiting>::iterator one, const PostOutcome& outcome);

  const Webhook webhook_;
  const std::string version_;
  base::Random random_;
  const std::function<base::Instant()> now_;
  const Told told_;
  WebhookPost post_;
  boost::asio::steady_timer alarm_;
  std::list<Waiting> waiting_;  // oldest first
  model::AlertId trying_;       // it is not dropped meanwhile
  bool stopping_ = false;
};

}  // namespace lazaret::alerts
