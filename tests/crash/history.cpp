#include "crash/history.h"

#include <array>

namespace lazaret::crash {

std::string to_string(const Event& event) {
  static constexpr std::array kWhat{"published", "confirmed", "delivered", "begun",
                                    "sent",      "accepted",  "refused",   "replayed"};
  static constexpr std::array kVerdict{"", " ack", " fail", " reject", " release"};
  return std::string(kWhat.at(static_cast<std::size_t>(event.what))) + (event.redelivered ? " again" : "") +
         kVerdict.at(static_cast<std::size_t>(event.verdict)) + " " + event.queue + " " + event.body + " offset " +
         std::to_string(event.offset) + " attempt " + std::to_string(event.attempt) + " grant " +
         std::to_string(event.grant) + " " + event.who;
}

}  // namespace lazaret::crash
