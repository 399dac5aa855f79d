// RequestBook: what requesters and responders did and were told, by request, and whether a broker that keeps its
// promises can have told it:
//
//   - every request ends, and as its body says
//   - whoever asks again with the same id is told the same, word for word
//   - a reply is what one run of the handler said, and no handler runs once a reply has been told
//   - a durable request has one reply on its reply queue, and never a second one
//
// Threading: any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "lazaret/types.h"

namespace lazaret::crash {

/// What a responder does with a request is the first letter of its body:
///   g answers    d declines    f fails once, then answers    b fails always    t takes a ticket, and answers later
Outcome outcome_of(const std::string& body);

class RequestBook {
 public:
  void asked(const MessageId& id, const std::string& body);
  /// The same of one whose reply comes on a queue, whoever takes it there.
  void asked_durably(const MessageId& id, const std::string& body);
  /// A handler begins; how often handlers have begun on this request.
  std::uint64_t runs(const std::string& body);
  /// What a requester was told: a body or a reason.
  void told(const MessageId& id, const Reply& reply);
  /// What came on the reply queue, at which offset: again when nobody could confirm that he had it.
  void told_at(std::uint64_t offset, const Reply& reply);
  /// Every durable request has ended for whoever asked.
  bool is_all_told() const;

  /// Asked less than this long ago, and not durably, with what body.
  std::map<MessageId, std::string> asked_since(std::chrono::steady_clock::time_point since) const;
  std::size_t size() const;
  std::vector<std::string> findings() const;

 private:
  struct Request {
    std::string body;
    std::chrono::steady_clock::time_point asked;
    bool is_durable = false;
    std::uint64_t runs = 0;
    std::uint64_t runs_behind_a_reply = 0;
    std::vector<Reply> replies;
    std::set<std::uint64_t> places;  // of its replies on the reply queue
  };
  static void look_at(const Request& request, std::vector<std::string>& findings);

  mutable std::mutex mutex_;
  std::map<MessageId, Request> requests_;     // GUARDED_BY(mutex_)
  std::map<std::string, MessageId> by_body_;  // GUARDED_BY(mutex_)
};

/// What run number `run` of a handler says to the request with this body.
std::string words_of(const std::string& body, std::uint64_t run);

}  // namespace lazaret::crash
