// KeyLocks: the ordering keys of one subscription. A key is locked by the message that has it: the first of the key
// that is not settled, from when it may be granted until it is settled or a case, whatever becomes of it in between.
// Messages behind it are passed over and remembered by their offsets.
//
//   fresh ──key free──▶ has the key ──settled, admitted──▶ gone; the key goes to the next:
//     └────locked────▶ held ──────────▶ freed, it has the key and may be granted
//
// The next of a key is the one that was published first: replays are before all that were never granted. Where
// on_key_failure is "hold" an open case locks its key too, and only replays get it.
//
// A power loss may take back the end of a message whose follower is out already (durability "relaxed"). The one before
// has its key again then, and the follower, which whoever holds it has presented, is out beside it: the key's holder
// waits until nobody is.
//
// Keys are hashes. Two keys with one hash share a lock, which is safe.
//
// Invariants:
// 1. Whoever is held or freed has no Entry, and whoever has an Entry is neither.
// 2. A key has one holder at most. Freed ones, and entries that do not wait for their key and are not out beside its
//    holder, hold theirs.
//
// Threading: none of its own; one owner calls everything.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "core/position.h"
#include "model/message.h"

namespace lazaret::core {

class KeyLocks {
 public:
  using Key = model::KeyHash;
  using Offset = model::Offset;

  /// A message that was passed over.
  struct Passed {
    Key key;
    Offset next;  // of the same key; kNobody: none
    /// As far as it is kept in memory.
    model::MessageRef message;
    /// Before a restart it may have been granted: what stands before it is a replay, or a case.
    bool may_have_begun = false;
    bool loading = false;  // freed, and being read
  };

  explicit KeyLocks(bool hold) : hold_(hold) {}

  // --- Who has a key
  /// Somebody has it, or an open case holds it.
  bool is_locked(Key key) const;
  const Position* holder(Key key) const;
  bool has(Key key, const Position& position) const;
  /// REQUIRES that nobody has it.
  void take(Key key, Position position);
  /// Whoever has it never began, and waits for it again.
  void give_up(Key key) { locks_.at(key).holder = {}; }
  /// To one that was published before it. REQUIRES that somebody has it.
  void give_way(Key key, Position to) { locks_.at(key).holder = to; }
  /// False if it did not have the key.
  bool leave(Key key, const Position& position, model::GroupNumber group);
  /// It is out although another has its key.
  void go_beside(Key key, Position position) { beside_.emplace(key, position); }
  /// False if it was not.
  bool leave_beside(Key key, const Position& position, model::GroupNumber group);
  std::optional<Position> beside(Key key) const;
  /// What goes with this group is to be durable before the next of the key leaves.
  void left(Key key, model::GroupNumber group);
  /// The group in which somebody left the key last, if that may still be on its way to the disk.
  model::GroupNumber left_in(Key key) const;
  /// Groups up to this one are durable: locks that nobody needs are forgotten.
  void persisted(model::GroupNumber group);
  /// None of these has its key any more; returns the keys.
  template <class Wanted>
  std::set<Key> leave_if(Wanted wanted, model::GroupNumber group);

  // --- Fresh messages
  void pass_over(Offset offset, Passed message);
  /// The first that is held of this key gets it. False if there is none. REQUIRES that it is not locked. `log`: theirs.
  bool free_next(Key key, model::LogId log);
  /// The freed one that has the key is held again, and the first of it. REQUIRES that there is one.
  void hold_again(Key key);
  const std::map<Offset, Passed>& held() const { return held_; }
  const std::map<Offset, Passed>& freed() const { return freed_; }
  /// The first freed ones that are in memory, and that have to be read.
  const std::set<Offset>& in_memory() const { return in_memory_; }
  const std::set<Offset>& to_be_read() const { return to_be_read_; }
  /// Of a freed one: it is being read, or was.
  void loading(Offset offset);
  void loaded(Offset offset, model::MessageRef message);
  /// It is granted, or a case: it goes on as an Entry.
  Passed take_freed(Offset offset);
  bool has_before(Key key) const;
  /// Bytes of messages in memory.
  std::uint64_t bytes() const { return bytes_; }
  void forget_messages();
  /// Nobody below `end` is held or freed any more. Returns the keys that the freed ones had.
  std::set<Key> forget_before(Offset end);

  // --- Entries that wait for their key: replays, and what never began before a case that holds it again
  void wait(Key key, Offset origin, Position position) { waiting_.insert({key, origin, position}); }
  void wait_no_more(Key key, Offset origin, Position position) { waiting_.erase({key, origin, position}); }
  /// The first of this key that is `wanted(position)`, in the order of their messages.
  template <class Wanted>
  std::optional<Position> first_waiting(Key key, Wanted wanted) const;
  std::set<Key> keys_waited_for() const;
  std::size_t waiting() const { return waiting_.size(); }

  // --- Open cases
  /// `holds`: with on_key_failure "hold". What merely came too late does not.
  void open_case(Offset origin, Key key, bool holds = true);
  /// The key that it had, or none.
  Key close_case(Offset origin);
  Key key_of_case(Offset origin) const;
  std::optional<Offset> case_of(Key key) const;
  /// An open case of one that was published before `origin` holds the key.
  bool is_held_before(Key key, Offset origin) const;
  /// on_key_failure. Returns the keys that are held now, or not any more.
  std::set<Key> set_hold(bool hold);
  bool hold() const { return hold_; }

  // --- What is not known yet
  /// Messages that may have a key which is not known: position → it is being read. While there are any, no key is given
  /// to anybody else.
  std::map<Position, bool> unknown;
  /// The group in which one of them left.
  model::GroupNumber unknown_left_in;
  /// Keys that are to be given on when all are known.
  std::set<Key> postponed;
  /// The key of the message at the front of the window.
  Key front;

 private:
  static constexpr Offset kNobody{~std::uint64_t{0}};
  struct Lock {
    Position holder;  // log 0: nobody
    model::GroupNumber left_in;
    Offset first_held = kNobody;
    Offset last_held = kNobody;
  };
  struct Waiting {
    Key key;
    Offset origin;
    Position position;
    auto operator<=>(const Waiting&) const = default;
  };
  void forget_if_idle(Key key, model::GroupNumber durable);

  bool hold_;
  std::map<Key, Lock> locks_;
  std::map<Offset, Passed> held_;
  std::map<Offset, Passed> freed_;
  std::set<Offset> in_memory_;   // freed
  std::set<Offset> to_be_read_;  // freed
  std::set<Waiting> waiting_;
  std::set<std::pair<Key, Position>> beside_;
  std::map<Offset, Key> cases_;
  std::set<std::pair<Key, Offset>> cases_by_key_;
  std::deque<std::pair<model::GroupNumber, Key>> leaving_;
  std::uint64_t bytes_ = 0;
};

template <class Wanted>
std::optional<Position> KeyLocks::first_waiting(Key key, Wanted wanted) const {
  for (auto one = waiting_.lower_bound({key, Offset(), {}}); one != waiting_.end() && one->key == key; ++one) {
    if (wanted(one->position)) return one->position;
  }
  return std::nullopt;
}

template <class Wanted>
std::set<KeyLocks::Key> KeyLocks::leave_if(Wanted wanted, model::GroupNumber group) {
  std::set<Key> keys;
  for (const auto& [key, lock] : locks_) {
    if (lock.holder.log && wanted(lock.holder)) keys.insert(key);
  }
  for (const Key key : keys) leave(key, Position(locks_.at(key).holder), group);
  return keys;
}

}  // namespace lazaret::core
