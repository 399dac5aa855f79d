// HeldDeliveries: everything that a consumer holds, by delivery number; and within that, each in the order of the
// numbers, what waits for its turn and what is with handlers. A consumer may hold 65,536: what is done for each message
// must not look at all of them.
//
// Threading: the client's executor.
#pragma once

#include <algorithm>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "client/work.h"
#include "wire/frames.h"

namespace lazaret::detail {

/// How far a delivery has come (consumer_core.h draws it).
enum class Stage : std::uint8_t { buffered, announcing, handed, judged };

/// Null: a plain ack, which most are.
using VerdictRef = std::unique_ptr<wire::Verdict>;

/// Leaves the list that it is in when it is erased.
using HeldHook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

struct Held : HeldHook {
  wire::Token token;
  WorkRef work;
  bool lost = false;          // the lease: whatever the handler says is of no use
  bool timed_out = false;     // its failure is its verdict, its handler still runs
  bool judged_again = false;  // its verdict was refused, and another one is to be sent
  int suspected = 0;          // so often its verdict was in what a connection ended over
  VerdictRef verdict;         // when judged

  Stage stage() const { return stage_; }

 private:
  friend class HeldDeliveries;
  Stage stage_ = Stage::announcing;
};

class HeldDeliveries {
 public:
  using Map = std::unordered_map<std::uint64_t, Held>;
  using iterator = Map::iterator;

  /// As buffered. What has the number already stays as it is.
  iterator add(const wire::Token& token, WorkRef work) {
    const auto [it, is_new] = map_.try_emplace(work->number);
    if (is_new) {
      it->second.token = token;
      it->second.work = std::move(work);
      enter(it->second, Stage::buffered);
    }
    return it;
  }
  void enter(Held& held, Stage stage) {
    if (held.is_linked()) held.unlink();
    held.stage_ = stage;
    if (stage == Stage::buffered) insert_buffered(held);
    if (stage == Stage::handed) handed_.push_back(held);
  }
  iterator find(std::uint64_t number) { return map_.find(number); }
  Held& at(std::uint64_t number) { return map_.at(number); }
  iterator end() { return map_.end(); }
  bool empty() const { return map_.empty(); }
  void erase(iterator it) { map_.erase(it); }
  void clear() { map_.clear(); }

  /// Calls `visit` for what is buffered, from the lowest number on, until it says false. It may change that one's
  /// stage.
  template <class Visit>
  void each_buffered(Visit visit) {
    for (auto it = buffered_.begin(); it != buffered_.end();) {
      ++looked_at_;
      if (!visit(*it++)) return;
    }
  }
  /// The same for what is with handlers, in the order in which it went there.
  template <class Visit>
  void each_handed(Visit visit) {
    for (auto it = handed_.begin(); it != handed_.end();) {
      ++looked_at_;
      visit(*it++);
    }
  }
  /// All of them, by number: for what happens once a connection, not once a message.
  std::vector<Held*> in_order() {
    looked_at_ += map_.size();
    std::vector<Held*> all;
    all.reserve(map_.size());
    for (auto& [number, held] : map_) all.push_back(&held);
    std::ranges::sort(all, {}, [](const Held* held) { return held->work->number; });
    return all;
  }
  /// The same for those that `gone` says true of, which go.
  template <class Gone>
  void erase_if(Gone gone) {
    looked_at_ += map_.size();
    std::erase_if(map_, [&](const Map::value_type& entry) { return gone(entry.second); });
  }

  /// What was looked at one by one so far: what tests count.
  std::uint64_t looked_at() const { return looked_at_; }

 private:
  using List = boost::intrusive::list<Held, boost::intrusive::constant_time_size<false>>;

  /// What is new is the last, and what comes back to this stage the first, nearly always.
  void insert_buffered(Held& held) {
    const bool is_first = !buffered_.empty() && held.work->number < buffered_.front().work->number;
    if (is_first) return buffered_.push_front(held);
    auto at = buffered_.end();
    while (at != buffered_.begin() && std::prev(at)->work->number > held.work->number) {
      ++looked_at_;
      --at;
    }
    buffered_.insert(at, held);
  }

  List buffered_;
  List handed_;
  Map map_;  // behind the lists: what it destroys leaves them
  std::uint64_t looked_at_ = 0;
};

}  // namespace lazaret::detail
