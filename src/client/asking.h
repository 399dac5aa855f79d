// Asking: requests to services, from the call to the reply. What was not answered is sent again after a reconnect, with
// the same id and the time that is left: the broker knows it.
//
//   submit ─▶ waiting ─▶ asked ─▶ (notes) ─▶ replied | refused | timed out | cancelled
//                ▲         │ connection lost
//                └─────────┘ same id
//
// Threading: the client's executor.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "client/completion.h"
#include "client/deadline.h"
#include "lazaret/types.h"
#include "wire/frames.h"

namespace lazaret::detail {

class ClientCore;

/// What publishes and requests take over from the delivery in whose handler they are made.
struct Inherited {
  std::string correlation_id;
  std::string causation_id;
  std::string traceparent;
  SteadyTime deadline;
  /// Fills in what the message does not say itself.
  void apply_to(Message& message) const;
};

/// One request, encoded by the caller's thread.
struct Question {
  std::uint64_t operation = 0;  // names it for cancellation
  std::string queue;
  MessageId id;
  base::SharedBytes envelope;
  base::SharedBytes body;
  std::uint32_t body_crc = 0;
  SteadyTime deadline;
  Completion<Reply> completion;
  std::shared_ptr<const std::function<void(const Reply&)>> on_note;
  std::uint64_t number = 0;  // of the request on this connection; 0: it was not sent on this one
  bool sent = false;         // on any
};

class Asking {
 public:
  explicit Asking(ClientCore& client) : client_(client) {}

  void submit(Question question);
  void connected();
  void disconnected();
  void on(wire::Reply&& frame);
  /// An Error frame for a request of ours; false when it is none.
  bool refused(std::uint64_t request, const base::Status& status);

  /// Tells the broker that nobody waits any more.
  void cancel(std::uint64_t operation);
  /// Ends what is past its deadline; when the next one is due.
  SteadyTime expire(SteadyTime now);
  void fail_all(const base::Status& status);
  /// The broker ended the connection over something that was sent, and would do so again.
  void fail_unanswered(const base::Status& status);
  /// No broker of that address will take what was not sent.
  void fail_unsent(const base::Status& status);

 private:
  using Open = std::map<std::uint64_t, Question>;  // by operation

  void send(Question& question);
  void tell_cancelled(const Question& question);
  void finish(Open::iterator it, Reply reply);
  void fail(Open::iterator it, const base::Status& status);
  template <class Which>
  void fail_where(Which which, const base::Status& status);

  ClientCore& client_;
  Open open_;
  std::map<std::uint64_t, std::uint64_t> numbers_;  // request on this connection → operation
};

}  // namespace lazaret::detail
