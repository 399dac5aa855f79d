#include "crash/order_checker.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <tuple>

namespace lazaret::crash {
namespace {

/// Of one queue.
class OrderChecker {
 public:
  OrderChecker(std::string name, const std::vector<Event>& history, const FinalQueue& queue, bool keyed)
      : name_(std::move(name)), history_(history), limit_(queue.limit), keyed_(keyed) {
    for (const Event& event : history_) {
      if (event.queue == name_) learn(event);
    }
    for (const FinalCase& one : queue.cases) messages_[one.body].is_excused = true;
    for (auto& [body, message] : messages_) {
      if (message.offset && !message.key.empty()) keys_[message.key].by_offset[*message.offset] = &message;
    }
  }

  std::vector<std::string> findings() {
    // Of each publisher, in each source: the least offset that may come.
    std::map<std::string, std::map<std::uint64_t, std::uint64_t>> next;
    for (const Event& event : history_) {
      if (event.queue != name_) continue;
      if (event.what == What::published) in_order_of_publishing(event, next[event.who]);
      if (keyed_) see(event);
    }
    return std::move(findings_);
  }

 private:
  struct Message {
    std::string body;
    std::string key;
    std::optional<std::uint64_t> offset;
    /// It is a case, or has been one: what is behind it need not wait.
    bool is_excused = false;
    bool is_over = false;  // somebody has said that it is done, or hopeless
    std::uint64_t failed = 0;
    std::optional<std::uint64_t> begun_grant;  // of the first time that it began; 0: not known
  };
  struct Key {
    std::map<std::uint64_t, Message*> by_offset;
    std::uint64_t all_over = 0;  // all before this offset are
    /// What runs: its body, who runs it, and with which grant.
    std::set<std::tuple<std::string, std::string, std::uint64_t>> running;
    Message* latest = nullptr;  // that has begun
  };

  void find(const Event& event, const std::string& what) { findings_.push_back(to_string(event) + ": " + what); }

  void learn(const Event& event) {
    Message& message = messages_[event.body];
    message.body = event.body;
    if (event.what == What::published) message.key = event.key;
    if (event.what == What::confirmed || event.what == What::delivered) message.offset = event.offset;
    if (event.what == What::replayed) message.is_excused = true;
  }

  void in_order_of_publishing(const Event& event, std::map<std::uint64_t, std::uint64_t>& of_sources) {
    const Message& message = messages_[event.body];
    if (!message.offset) return;
    std::uint64_t& next = of_sources[stretch_of(*message.offset)];
    if (*message.offset < next) find(event, "stored before what was published before it");
    next = *message.offset + 1;
  }

  void see(const Event& event) {
    Message& message = messages_[event.body];
    if (message.key.empty() || !message.offset) return;
    Key& key = keys_[message.key];
    if (event.what == What::delivered) delivered(event, message, key);
    if (event.what == What::begun) begun(event, message, key);
    if (event.what == What::sent || event.what == What::ended) {
      key.running.erase({event.body, event.who, event.grant});
    }
    if (event.what != What::sent) return;
    if (event.verdict == Verdict::fail) ++message.failed;
    if (event.verdict == Verdict::ack || event.verdict == Verdict::reject) message.is_over = true;
  }

  /// What a dead broker has left in a socket may be read late: its grant says so.
  void delivered(const Event& event, const Message& message, const Key& key) {
    if (message.is_excused || key.latest == nullptr || *key.latest->offset <= *message.offset) return;
    const std::uint64_t then = *key.latest->begun_grant;
    if (event.grant == 0 || then == 0 || event.grant > then) {
      find(event, "delivered behind " + key.latest->body + " of its key (7)");
    }
  }

  void begun(const Event& event, Message& message, Key& key) {
    if (!message.begun_grant) {
      message.begun_grant = event.grant;
      all_before_are_over(event, message, key);
      if (key.latest == nullptr || *key.latest->offset < *message.offset) key.latest = &message;
    }
    for (const auto& [body, who, grant] : key.running) {
      if (body != event.body) find(event, "begins beside " + body + " of its key, which " + who + " has (7)");
    }
    key.running.emplace(event.body, event.who, event.grant);
  }

  void all_before_are_over(const Event& event, const Message& message, Key& key) {
    for (auto it = key.by_offset.lower_bound(key.all_over); it != key.by_offset.end(); ++it) {
      const Message& other = *it->second;
      if (it->first >= *message.offset) break;
      const bool is_over = other.is_over || other.is_excused || other.failed >= limit_;
      if (!is_over) return find(event, "begins before " + other.body + " of its key is done (7)");
      key.all_over = it->first + 1;
    }
  }

  const std::string name_;
  const std::vector<Event>& history_;
  const std::uint64_t limit_;
  const bool keyed_;
  std::map<std::string, Message> messages_;  // body →
  std::map<std::string, Key> keys_;
  std::vector<std::string> findings_;
};

}  // namespace

std::vector<std::string> check_order(const std::vector<Event>& history, const std::map<std::string, FinalQueue>& queues,
                                     const std::set<std::string>& keyed) {
  std::vector<std::string> findings;
  for (const auto& [name, queue] : queues) {
    std::vector<std::string> more = OrderChecker(name, history, queue, keyed.contains(name)).findings();
    std::move(more.begin(), more.end(), std::back_inserter(findings));
  }
  return findings;
}

}  // namespace lazaret::crash
