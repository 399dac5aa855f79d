// Work: one delivery on its way through a handler.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <stop_token>

#include "lazaret/consumer.h"

namespace lazaret::detail {

struct Work {
  Work(std::uint64_t delivery_, Message&& message, int attempt, bool redelivered, bool isolated,
       std::shared_ptr<const DeliveredBy> by, Delivery::SteadyTime deadline)
      : number(delivery_),
        delivery(std::move(message), attempt, redelivered, isolated, stop.get_token(), std::move(by), deadline) {}
  const std::uint64_t number;  // the delivery sequence
  std::stop_source stop;
  Delivery delivery;
  /// Steady time in nanoseconds at which the handler began; 0 before. At which it ended.
  std::atomic<std::int64_t> began_ns{0};
  std::int64_t ended_ns = 0;
};
using WorkRef = std::shared_ptr<Work>;

}  // namespace lazaret::detail
