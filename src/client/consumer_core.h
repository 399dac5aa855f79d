// ConsumerCore: one consumer of a client, over all its connections: what it has been given, what of it has begun, and
// the verdicts that the broker has not confirmed.
//
//   Deliver ─▶ buffered ─▶ announcing ─▶ handed ─▶ (handler) ─▶ judged ─▶ settled
//                 ▲            │ Started is in the kernel
//                 └────────────┘ connection lost first
//
// Threading: the client's executor, except `finished_`, which handlers tell from wherever they run.
// Invariants:
//   1. No handler begins before the bytes of a Started that covers it are in the kernel.
//   2. A verdict goes out before any Started that is sent after it.
//   3. After a reconnect everything that is held is presented, so that nothing of it is given to others.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "client/completion.h"
#include "client/handler_runner.h"
#include "client/held_deliveries.h"
#include "lazaret/consumer.h"
#include "wire/frames.h"

namespace lazaret::detail {

class ClientCore;

class ConsumerCore : public std::enable_shared_from_this<ConsumerCore> {
 public:
  using Opened = std::function<void(const base::Status&)>;

  ConsumerCore(std::shared_ptr<ClientCore> client, std::uint64_t number, std::string queue, const AnyHandler& handler,
               ConsumeOptions options);
  ~ConsumerCore();
  ConsumerCore(const ConsumerCore&) = delete;

  std::uint64_t number() const { return number_; }

  /// `opened` is called once: when the broker has accepted the consumer, or why not.
  void start(Opened opened);
  /// In place of start(): the client is closed.
  void refuse() { over_ = true; }
  void connected();
  void disconnected();
  void on(const wire::ConsumerOpened& frame);
  void on(wire::Deliver&& frame);
  void on(const wire::LeaseEnded& frame);
  void on(const wire::Settled& frame);
  /// Gives back what has not begun: of these deliveries, or all.
  void recall(const std::vector<std::uint64_t>& deliveries);
  void ended(const base::Status& status);
  /// An Error frame for a request of this consumer; false when it is none.
  bool refused(std::uint64_t request, const base::Status& status);
  /// The broker ended the connection over something that it had not answered yet: perhaps over something of ours.
  void suspect(const base::Status& status);
  /// The client is closed: nothing will be answered any more.
  void abandon();
  /// Gives back what handlers still have: this process answers for them no more.
  void release_begun();

  /// What a close waits for while the broker is away.
  enum class Patience : std::uint8_t { verdicts, handlers_only };
  /// Any thread.
  void close(std::chrono::milliseconds drain, Handler<Closed> handler, Patience patience = Patience::verdicts);
  /// Whether a blocking close on this thread could never end.
  bool would_deadlock() const;
  ClientCore& client() { return *client_; }
  /// For tests, which count what is done for each message. The client's executor.
  const HeldDeliveries& held() const { return held_; }

 private:
  void open();
  void pump();
  std::size_t ahead() const;
  void announce(std::vector<std::uint64_t> numbers);
  void hand_over(const std::vector<std::uint64_t>& numbers);
  void take_finished();
  void collect_finished();
  void collect_later();
  void finish_one(const WorkRef& work, const Verdict& verdict);
  VerdictRef refusal(const char* type, const base::Status& why, Verdict::Kind meant);
  VerdictRef judgement(const WorkRef& work, const Verdict& verdict);
  void finish_late(HeldDeliveries::iterator it, VerdictRef verdict);
  void judge(HeldDeliveries::iterator it, VerdictRef verdict);
  void settled(std::uint64_t delivery);
  /// Whether another verdict follows.
  bool refused_with(std::uint64_t delivery, const model::VerdictResult& result);
  void not_begun(HeldDeliveries::iterator it);
  std::size_t take_back();
  void give_back();
  void flush();
  void send_verdicts(const std::vector<const Held*>& judged);
  void lose(HeldDeliveries::iterator it);
  void tick();
  void watch();
  void extend();
  void check_longest();
  std::chrono::steady_clock::time_point next_deadline();
  void say_close();
  void cancel_close(std::uint64_t operation);
  void begin_close(std::chrono::milliseconds drain);
  void give_up_after(std::chrono::milliseconds drain);
  void check_closed();
  bool nothing_can_come() const;
  void finish_close();

  const std::shared_ptr<ClientCore> client_;  // which drops us when we are over
  const std::uint64_t number_;
  const std::string queue_;  // or subscription
  const std::shared_ptr<const DeliveredBy> by_;
  std::string source_;  // the queue, or the subscription's topic
  const AnyHandler handler_;
  const ConsumeOptions options_;
  std::shared_ptr<HandlerRunner> runner_;

  Opened opened_;
  bool ever_open_ = false;
  bool open_ = false;    // the broker knows it, on this connection
  bool paused_ = false;  // the broker is stopping: nothing new begins
  bool over_ = false;    // it is closed, or has ended
  std::uint64_t opening_ = 0;
  int suspected_ = 0;  // so often opening it was in what a connection ended over
  std::uint64_t closing_request_ = 0;
  std::vector<std::uint64_t> presented_;
  base::Duration lease_{};
  HeldDeliveries held_;
  /// Leases lost on an earlier connection whose handlers still run: their delivery numbers are given out again.
  std::set<WorkRef> orphans_;
  bool gets_requests_ = false;  // some of what it was given had a deadline
  std::size_t busy_ = 0;        // announcing or handed
  double mean_handler_us_ = 0;
  std::vector<std::uint64_t> verdicts_;                             // to be sent
  std::map<std::uint64_t, std::vector<std::uint64_t>> sent_;        // by request
  std::map<std::uint64_t, std::vector<std::uint64_t>> extensions_;  // by request
  asio::steady_timer open_again_;
  asio::steady_timer watch_;
  bool watching_ = false;
  asio::steady_timer collect_;
  bool collecting_ = false;  // collect_ runs
  bool gathering_ = false;   // handlers are fast: their ends are reported together
  std::chrono::steady_clock::time_point extended_at_;

  // Closing.
  bool closing_ = false;
  Patience patience_ = Patience::verdicts;
  bool said_close_ = false;                              // the broker gives nothing new
  std::map<std::uint64_t, Completion<Closed>> closers_;  // by operation
  Closed closed_;
  asio::steady_timer drain_timer_;

  const std::shared_ptr<FinishedWorks> finished_ = std::make_shared<FinishedWorks>();
  std::vector<FinishedWorks::Ended> collected_;  // empty: room for what is collected next
};

}  // namespace lazaret::detail
