// What the HTTP API says of a broker, for tests that work through the client library or bare sockets.
#pragma once

#include <cstdint>
#include <string>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "integration/support/broker.h"

namespace lazaret::testing {

/// GET of a path below /api/v1; fails the test unless it is answered with 200.
boost::json::value api(const Broker& broker, const std::string& path);

/// A queue as the API shows it, with whole numbers made easy.
class QueueView {
 public:
  /// `kind`: "queues", "topics" or "subscriptions".
  QueueView(const Broker& broker, const std::string& name, const std::string& kind = "queues");
  std::int64_t operator[](const std::string& counter) const;
  /// Everything that came in is somewhere: "" or how the sums differ.
  std::string wrong_sums() const;

 private:
  boost::json::object json_;
};

/// All cases of a queue, each with its attempts, in the order of their offsets.
boost::json::array cases_of(const Broker& broker, const std::string& queue);

/// A text of a JSON object, "" for null.
std::string text_of(const boost::json::value& object, const std::string& name);

}  // namespace lazaret::testing
