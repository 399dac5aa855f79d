// Requests: verbs of queues, and replies by ticket: asked once and answered once.
//
// Threading: the client's executor.
#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "base/status.h"
#include "client/deadline.h"
#include "wire/frames.h"

namespace lazaret::detail {

class ClientCore;

class Requests {
 public:
  /// The answer: a QueueResponse or Peeked frame, or why there is none.
  using Answer = std::function<void(const base::Status&, const wire::QueueResponse&, const wire::Peeked&)>;
  struct Request {
    std::uint64_t operation = 0;  // names it for cancellation
    std::function<wire::OutFrame(std::uint64_t request)> frame;
    Answer answer;
    SteadyTime deadline;
    /// It may be sent again after a lost connection: it changes nothing, or the same again.
    bool repeatable = false;
    /// What it does is of weight, though the same again: sent and without an answer its outcome is unknown.
    bool weighty = false;
    /// Why this broker will not take it, if anything is known. Empty: nothing.
    std::function<base::Status(const wire::Welcome&)> check = {};
    bool sent = false;

    /// It may have done something that nobody has heard of.
    bool is_unknown() const { return sent && (!repeatable || weighty); }
  };

  explicit Requests(ClientCore& client) : client_(client) {}

  void submit(Request request);
  void connected();
  void disconnected();
  void on(wire::QueueResponse&& frame);
  void on(wire::Peeked&& frame);
  /// As a QueueResponse with `count`: whether the requester is told.
  void on(const wire::Answered& frame);
  /// As a QueueResponse with `offset`, and `count` 1 for a duplicate.
  void on(const wire::Asked& frame);
  bool refused(std::uint64_t request, const base::Status& status);
  SteadyTime expire(SteadyTime now);
  void cancel(std::uint64_t operation);
  void fail_all(const base::Status& status);
  /// The broker ended the connection over something that was sent, and would do so again.
  void fail_unanswered(const base::Status& status);
  /// No broker of that address will take what was not sent.
  void fail_unsent(const base::Status& status);

 private:
  void send(std::uint64_t number, Request& request);
  template <class Which>
  void finish_where(Which which, const base::Status& status);
  void finish(std::uint64_t key, const base::Status& status, const wire::QueueResponse& queues = {},
              const wire::Peeked& peeked = {});

  ClientCore& client_;
  /// By request number; those that are not sent yet wait under the number that they will have.
  std::map<std::uint64_t, Request> open_;
};

}  // namespace lazaret::detail
