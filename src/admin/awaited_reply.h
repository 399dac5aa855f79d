// AwaitedReply: a request that somebody has asked over HTTP, until its reply is there. Its session waits for that, and
// no worker does (http_front.h).
//
// Threading: any thread.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "base/status.h"
#include "model/answer.h"

namespace lazaret::admin {

class AwaitedReply {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;
  using Reply = base::Result<model::Replied>;

  /// `until`: its deadline, and a little for the broker to say so.
  AwaitedReply(const model::MessageId& request, SteadyTime until) : request_(request), until_(until) {}

  const model::MessageId& request() const { return request_; }
  SteadyTime until() const { return until_; }

  /// It is there, or why it will not come. Once.
  void arrive(Reply reply);
  /// How the broker is told that nobody waits for it any more. Once, before anybody waits.
  void on_leave(std::function<void()> leave);
  /// Calls `wake` when it is there, on the thread of whoever says so; at once if it is.
  void wait(std::function<void()> wake);
  /// Nobody waits any more: `wake` is not called, unless it is being called now, and the broker is told.
  void leave();
  /// nullopt: it is not there yet.
  std::optional<Reply> reply() const;

 private:
  const model::MessageId request_;
  const SteadyTime until_;
  mutable std::mutex mutex_;
  std::optional<Reply> reply_;   // GUARDED_BY(mutex_)
  std::function<void()> wake_;   // GUARDED_BY(mutex_)
  std::function<void()> leave_;  // GUARDED_BY(mutex_)
};

}  // namespace lazaret::admin
