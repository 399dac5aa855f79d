// Requests: verbs of queues that are asked once and answered once.
//
// Threading: the client's executor.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>

#include "base/status.h"
#include "wire/frames.h"

namespace lazaret::detail {

class ClientCore;
using SteadyTime = std::chrono::steady_clock::time_point;

class Requests {
 public:
  /// The answer: a QueueResponse or Peeked frame, or why there is none.
  using Answer = std::function<void(const base::Status&, wire::QueueResponse&&, wire::Peeked&&)>;
  struct Request {
    std::function<wire::OutFrame(std::uint64_t request)> frame;
    Answer answer;
    SteadyTime deadline;
    /// It may be sent again after a lost connection: it changes nothing, or the same again.
    bool repeatable = false;
  };

  explicit Requests(ClientCore& client) : client_(client) {}

  void submit(Request request);
  void connected();
  void disconnected();
  void on(wire::QueueResponse&& frame);
  void on(wire::Peeked&& frame);
  bool refused(std::uint64_t request, const base::Status& status);
  SteadyTime expire(SteadyTime now);
  void fail_all(const base::Status& status);

 private:
  void finish(std::uint64_t key, const base::Status& status, wire::QueueResponse&& queues = {},
              wire::Peeked&& peeked = {});

  ClientCore& client_;
  /// By request number; those that are not sent yet wait under the number that they will have.
  std::map<std::uint64_t, Request> open_;
};

}  // namespace lazaret::detail
