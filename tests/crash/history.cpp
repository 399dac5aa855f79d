#include "crash/history.h"

#include <array>
#include <chrono>

namespace lazaret::crash {
namespace {

constexpr std::uint64_t kStretch = 1ull << 40;

}  // namespace

std::uint64_t place_of(std::string_view source, std::uint64_t offset) {
  return source == kSecondTopic ? kStretch + offset : offset;
}

std::uint64_t stretch_of(std::uint64_t place) { return place / kStretch; }

std::int64_t now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

std::string to_string(const Event& event) {
  static constexpr std::array kWhat{"published", "confirmed", "delivered",   "begun", "sent", "accepted",
                                    "refused",   "replayed",  "turned away", "ended", "moved"};
  static constexpr std::array kVerdict{"", " ack", " fail", " reject", " release"};
  return std::string(kWhat.at(static_cast<std::size_t>(event.what))) + (event.redelivered ? " again" : "") +
         kVerdict.at(static_cast<std::size_t>(event.verdict)) + " " + event.queue + " " + event.body + " offset " +
         std::to_string(event.offset) + " attempt " + std::to_string(event.attempt) + " grant " +
         std::to_string(event.grant) + " " + event.who + (event.key.empty() ? "" : " key " + event.key) +
         (event.set.empty() ? "" : " set " + event.set) + (event.cause.empty() ? "" : " cause " + event.cause);
}

}  // namespace lazaret::crash
