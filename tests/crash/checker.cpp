#include "crash/checker.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>

namespace lazaret::crash {
namespace {

/// A delay counts from when the broker reads the message, which is never before it was sent; `published_at`, of the
/// step that stored it, may be later. Engine time is the wall clock when the broker started, carried on by its
/// monotonic clock: the two part by what the wall clock is slewed, half a millisecond a second at most.
constexpr std::int64_t kClocksPartUs = 1000;

struct Message {
  std::optional<std::uint64_t> offset;
  std::int64_t due_us = 0;
  bool published = false;
  bool mortal = false;
  bool turned_away = false;
  bool confirmed = false;
  bool delivered = false;
  bool ack_sent = false;
  bool acked = false;  // and confirmed
  std::uint64_t acked_grant = 0;
  std::uint64_t begun = 0;
  std::uint64_t failed = 0;        // and confirmed
  std::uint64_t failed_since = 0;  // the last replay was asked for
  std::uint64_t newest_attempt = 0;
  std::uint64_t moved = 0;           // how often its subscription was moved back to it, or before
  std::uint64_t replayed_after = 0;  // attempts up to this one were before the last replay, whenever that was told
  std::set<std::uint64_t> grants;
  std::map<std::pair<std::uint64_t, Verdict>, std::uint64_t> newest_when_sent;  // the newest grant that was known then
  std::set<std::pair<std::uint64_t, Verdict>> accepted;
};

class Checker {
 public:
  Checker(const std::map<std::string, FinalQueue>& queues, bool polite) : queues_(queues), polite_(polite) {}

  void see(const Event& event) {
    if (event.what == What::moved) return moved(event);
    Message& message = messages_[event.queue][event.body];
    const std::string where = event.queue + " " + event.body + ": ";
    switch (event.what) {
      case What::published:
        message.published = true;
        message.mortal = event.mortal;
        message.due_us = std::max(event.delay_us > 0 ? event.at_us + event.delay_us : 0, event.deliver_at_us);
        break;
      case What::confirmed:
        message.confirmed = true;
        at_one_place(message, event);
        break;
      case What::delivered: delivered(message, event); break;
      case What::begun: ++message.begun; break;
      case What::sent: sent(message, event); break;
      case What::accepted: accepted(message, event); break;
      case What::refused: break;
      case What::replayed:
        message.failed_since = 0;
        message.replayed_after = message.newest_attempt;
        break;
      case What::turned_away: message.turned_away = true; break;
      case What::ended:
      case What::moved: break;
    }
  }

  std::vector<std::string> finish() {
    for (const auto& [name, queue] : queues_) finish(name, queue);
    return std::move(findings_);
  }

 private:
  void find(const Event& event, const std::string& what) { findings_.push_back(to_string(event) + ": " + what); }

  void at_one_place(Message& message, const Event& event) {
    if (message.offset && *message.offset != event.offset) find(event, "it is stored twice (2)");
    message.offset = event.offset;
    const auto [it, is_new] = bodies_.try_emplace({event.queue, event.offset}, event.body);
    if (!is_new && it->second != event.body) find(event, "its offset has been " + it->second + " (4)");
  }

  /// What was done is not done any more, so it has to come again, and histories begin anew (M). Acks on the way
  /// just then may be taken for acks of what comes again, never the other way round.
  void moved(const Event& event) {
    for (auto& [body, message] : messages_[event.queue]) {
      if (!message.offset || *message.offset < event.offset) continue;
      message.ack_sent = message.acked = false;
      message.failed = message.failed_since = 0;
      ++message.moved;
    }
  }

  /// Each worker sees a part of the grants; every part is in the order of the offsets.
  void in_order(const Event& event) {
    if (!polite_ || event.grant == 0 || event.redelivered || event.attempt != 1) return;
    auto& firsts = firsts_[event.queue];
    const auto it = firsts.emplace(event.grant, event.offset).first;
    const bool behind = it != firsts.begin() && std::prev(it)->second >= event.offset;
    const bool before = std::next(it) != firsts.end() && std::next(it)->second <= event.offset;
    if (behind || before) find(event, "delivered first out of order (7)");
  }

  void delivered(Message& message, const Event& event) {
    if (!message.published) find(event, "nobody has published it");
    // What a dead broker has left in a socket may be read late: its grant says so.
    if (message.acked && (event.grant == 0 || event.grant > message.acked_grant)) {
      find(event, "delivered after its ack was confirmed (3)");
    }
    at_one_place(message, event);
    in_order(event);
    if (event.at_us + kClocksPartUs < message.due_us) {
      find(event, "delivered " + std::to_string(message.due_us - event.at_us) + " us before its time (T)");
    }
    message.delivered = true;
    message.newest_attempt = std::max<std::uint64_t>(message.newest_attempt, event.attempt);
    const auto queue = queues_.find(event.queue);
    if (queue != queues_.end() && message.failed_since >= queue->second.limit) {
      find(event, "delivered after " + std::to_string(message.failed_since) + " failures (6)");
    }
    if (event.grant != 0 && !message.grants.insert(event.grant).second) find(event, "a grant is given twice (5)");
  }

  void sent(Message& message, const Event& event) {
    message.ack_sent = message.ack_sent || event.verdict == Verdict::ack;
    const std::uint64_t newest = message.grants.empty() ? 0 : *message.grants.rbegin();
    message.newest_when_sent.emplace(std::pair(event.grant, event.verdict), newest);
  }

  void accepted(Message& message, const Event& event) {
    // Sent again, a verdict is answered as the first time.
    if (!message.accepted.insert({event.grant, event.verdict}).second) return;
    if (message.newest_when_sent[{event.grant, event.verdict}] > event.grant) {
      find(event, "an old token still settled it (5)");
    }
    if (event.verdict == Verdict::ack) {
      message.acked = true;
      message.acked_grant = std::max(message.acked_grant, event.grant);
    }
    if (event.verdict != Verdict::fail) return;
    ++message.failed;
    if (event.attempt > message.replayed_after) ++message.failed_since;
  }

  void finish(const std::string& name, const FinalQueue& queue) {
    const std::uint64_t ended = queue.expired + queue.dropped;
    if (queue.entered != queue.acked + queue.in_hospital + ended) {
      findings_.push_back(name + ": " + std::to_string(queue.entered) + " entered, " + std::to_string(queue.acked) +
                          " acked, " + std::to_string(queue.in_hospital) + " in the hospital, " +
                          std::to_string(ended) + " expired or dropped (10)");
    }
    if (queue.in_hospital != queue.cases.size()) {
      findings_.push_back(name + ": " + std::to_string(queue.in_hospital) + " are counted in the hospital, where " +
                          std::to_string(queue.cases.size()) + " are (6)");
    }
    std::map<std::string, const FinalCase*> cases;
    for (const FinalCase& one : queue.cases) {
      if (!cases.emplace(one.body, &one).second) findings_.push_back(name + " " + one.body + ": two cases (6)");
    }
    std::uint64_t acked = 0;
    std::uint64_t stored = 0;
    std::uint64_t vanished = 0;    // were stored, and nobody has said that they are done
    std::uint64_t may_vanish = 0;  // all of which it could be so
    for (const auto& [body, message] : messages_[name]) {
      const auto found = cases.find(body);
      const FinalCase* a_case = found == cases.end() ? nullptr : found->second;
      acked += message.acked ? 1 : 0;
      const bool is_stored = message.confirmed || message.delivered || a_case != nullptr;
      stored += is_stored ? 1 : 0;
      may_vanish += message.mortal && !message.acked && a_case == nullptr ? 1 : 0;
      vanished += message.mortal && is_stored && !message.ack_sent && a_case == nullptr ? 1 : 0;
      finish(name + " " + body + ": ", message, a_case, queue.limit);
    }
    if (acked > queue.acked) findings_.push_back(name + ": fewer are acked than were confirmed to be (3)");
    if (vanished > ended || ended > may_vanish) {
      findings_.push_back(name + ": " + std::to_string(ended) + " expired or dropped; " + std::to_string(vanished) +
                          " are gone, and at most " + std::to_string(may_vanish) + " may be (L)");
    }
    if (stored + queue.again != queue.entered) {
      findings_.push_back(name + ": " + std::to_string(queue.entered) + " entered, " + std::to_string(stored) +
                          " were seen (1)");
    }
  }

  void finish(const std::string& where, const Message& message, const FinalCase* a_case, std::uint64_t limit) {
    if (message.turned_away && (message.delivered || message.confirmed || a_case != nullptr)) {
      findings_.push_back(where + "turned away, and stored all the same (L)");
    }
    if (a_case == nullptr) {
      if (message.mortal) return;
      if (message.confirmed && !message.ack_sent) findings_.push_back(where + "confirmed, and gone (1)");
      if (message.delivered && !message.ack_sent) findings_.push_back(where + "delivered, and gone (4)");
      return;
    }
    if (message.acked) findings_.push_back(where + "acked, and yet a case (3)");
    if (message.offset && *message.offset != a_case->offset) findings_.push_back(where + "its case is elsewhere (2)");
    const auto of = [&](std::initializer_list<const char*> kinds) {
      return static_cast<std::uint64_t>(
          std::count_if(a_case->outcomes.begin(), a_case->outcomes.end(), [&](const std::string& outcome) {
            return std::any_of(kinds.begin(), kinds.end(), [&](const char* kind) { return outcome == kind; });
          }));
    };
    const std::uint64_t failures = of({"nacked", "lease_expired", "handler_timeout", "consumer_lost"});
    if (failures > limit * (1 + a_case->replays + message.moved))
      findings_.push_back(where + std::to_string(failures) + " failures (6)");
    if (of({"nacked"}) < message.failed) findings_.push_back(where + "a confirmed failure is not in the history (6)");
    if (failures > message.begun) {
      findings_.push_back(where + "blamed " + std::to_string(failures) + " times, began " +
                          std::to_string(message.begun) + " times (11)");
    }
  }

  const std::map<std::string, FinalQueue>& queues_;
  const bool polite_;
  std::map<std::string, std::map<std::string, Message>> messages_;       // queue → body
  std::map<std::pair<std::string, std::uint64_t>, std::string> bodies_;  // queue, offset → body
  /// Queue → grant → offset, of first deliveries.
  std::map<std::string, std::map<std::uint64_t, std::uint64_t>> firsts_;
  std::vector<std::string> findings_;
};

}  // namespace

std::vector<std::string> check(const std::vector<Event>& history, const std::map<std::string, FinalQueue>& queues,
                               bool polite) {
  Checker checker(queues, polite);
  for (const Event& event : history) checker.see(event);
  return checker.finish();
}

}  // namespace lazaret::crash
