// Who uses a broker with everything on it at once: publishers to queues and topics, with keys, delays and times to
// live; requesters who ask again, and a service that answers them.
//
// Threading: each actor has a thread of its own; construction and destruction from the test's thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "crash/actors.h"
#include "crash/request_book.h"

namespace lazaret::crash {

/// Where a publisher publishes to, and what.
struct Destination {
  std::string name = {};
  /// Who gets it: the queue itself, or the subscriptions of the topic.
  std::vector<std::string> readers = {};
  /// And who gets those of type kPicked, which are half of them then: its filter says so.
  std::string picky = {};
  std::uint64_t keys = 0;         // of each publisher; 0: messages have none
  std::uint64_t delayed = 0;      // percent of messages that are delivered later
  std::uint64_t short_lived = 0;  // percent of messages with a short time to live
  bool priorities = false;        // of each message another
  bool drops = false;             // it makes room for what is new
  bool refuses = false;           // what is new, when it is full
};

inline constexpr std::string_view kPicked = "mix.picked";

class MixPublisher {
 public:
  MixPublisher(Stage& stage, const std::vector<Destination>& destinations, std::string name, std::uint64_t seed);
  ~MixPublisher() { thread_.join(); }

 private:
  struct Sent {
    std::string body;
    bool picked = false;
    std::future<Receipt> receipt;
  };
  void run();
  void publish_batch(const Destination& to);
  Sent publish_one(const Destination& to);
  /// Once for each that reads it there.
  void write(const Destination& to, bool picked, Event event);

  Stage& stage_;
  const std::vector<Destination>& destinations_;
  const std::string name_;
  std::mt19937_64 random_;
  std::uint64_t number_ = 0;
  Client client_;
  std::thread thread_;
};

/// Asks, and asks again: when it has died, and sometimes although it has been told.
class Requester {
 public:
  Requester(Stage& stage, RequestBook& book, std::string queue, std::string name, std::uint64_t seed);
  ~Requester() { thread_.join(); }

 private:
  void run();
  void think_of_one();
  void ask_and_die();
  void ask(Client& client, const MessageId& id, const std::string& body);
  /// Waits for what is on the way, and writes down what was told.
  void hear_all();

  Stage& stage_;
  RequestBook& book_;
  const std::string queue_;
  const std::string name_;
  std::mt19937_64 random_;
  std::uint64_t number_ = 0;
  std::map<MessageId, std::string> open_;  // what it wants to know
  std::vector<std::pair<MessageId, std::future<Reply>>> asked_;
  std::thread thread_;
};

/// Asks for replies that come on a queue, and is gone before they do; sometimes it asks twice.
class DurableRequester {
 public:
  DurableRequester(Stage& stage, RequestBook& book, std::string queue, std::string reply_queue, std::uint64_t seed);
  ~DurableRequester() { thread_.join(); }

 private:
  void run();
  void ask(const MessageId& id, const std::string& body);

  Stage& stage_;
  RequestBook& book_;
  const std::string queue_;
  const std::string reply_queue_;
  std::mt19937_64 random_;
  std::uint64_t number_ = 0;
  std::thread thread_;
};

/// Takes the replies from their queue.
class ReplyReader {
 public:
  ReplyReader(Stage& stage, RequestBook& book, const std::string& reply_queue);

 private:
  Client client_;
  Consumer consumer_;
};

/// Answers as the body says, some at once and some with a ticket.
class Responder {
 public:
  Responder(Stage& stage, RequestBook& book, const std::string& queue, const std::string& name);
  ~Responder();

 private:
  lazaret::Verdict handle(Delivery& delivery);
  lazaret::Verdict respond(Delivery& delivery, const std::string& body, const std::string& words);
  /// Of those who have been promised an answer.
  void answer_later();

  Stage& stage_;
  RequestBook& book_;
  const std::string queue_;
  const std::string name_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<std::pair<ReplyTicket, std::string>> promised_;  // GUARDED_BY(mutex_)
  bool closing_ = false;                                      // GUARDED_BY(mutex_)
  Client client_;
  std::thread thread_;
  Consumer consumer_;
};

}  // namespace lazaret::crash
