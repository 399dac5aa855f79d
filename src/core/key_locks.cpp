#include "core/key_locks.h"

#include <algorithm>

#include "base/assert.h"

namespace lazaret::core {

using model::GroupNumber;

// --- Who has a key --------------------------------------------------------------------------------------------------

bool KeyLocks::is_locked(Key key) const {
  return holder(key) != nullptr || beside(key) || (hold_ && case_of(key).has_value());
}

const Position* KeyLocks::holder(Key key) const {
  const auto lock = locks_.find(key);
  return lock == locks_.end() || !lock->second.holder.log ? nullptr : &lock->second.holder;
}

bool KeyLocks::has(Key key, const Position& position) const {
  const Position* has = holder(key);
  return has != nullptr && *has == position;
}

void KeyLocks::take(Key key, Position position) {
  Lock& lock = locks_[key];
  LZ_ASSERT(!lock.holder.log);
  lock.holder = position;
}

bool KeyLocks::leave(Key key, const Position& position, GroupNumber group) {
  const auto found = locks_.find(key);
  if (found == locks_.end() || found->second.holder != position) return false;
  found->second.holder = {};
  left(key, group);
  return true;
}

bool KeyLocks::leave_beside(Key key, const Position& position, GroupNumber group) {
  if (beside_.erase({key, position}) == 0) return false;
  left(key, group);
  return true;
}

std::optional<Position> KeyLocks::beside(Key key) const {
  const auto first = beside_.lower_bound({key, Position()});
  if (first == beside_.end() || first->first != key) return std::nullopt;
  return first->second;
}

void KeyLocks::left(Key key, GroupNumber group) {
  locks_[key].left_in = group;
  leaving_.emplace_back(group, key);
}

GroupNumber KeyLocks::left_in(Key key) const {
  const auto lock = locks_.find(key);
  return lock == locks_.end() ? GroupNumber() : lock->second.left_in;
}

void KeyLocks::persisted(GroupNumber group) {
  for (; !leaving_.empty() && leaving_.front().first <= group; leaving_.pop_front()) {
    forget_if_idle(leaving_.front().second, group);
  }
}

void KeyLocks::forget_if_idle(Key key, GroupNumber durable) {
  const auto found = locks_.find(key);
  if (found == locks_.end()) return;
  const Lock& lock = found->second;
  if (!lock.holder.log && lock.first_held == kNobody && lock.left_in <= durable) locks_.erase(found);
}

// --- Fresh messages -------------------------------------------------------------------------------------------------

void KeyLocks::pass_over(Offset offset, Passed message) {
  Lock& lock = locks_[message.key];
  if (lock.first_held == kNobody) {
    lock.first_held = offset;
  } else {
    held_.at(lock.last_held).next = offset;
  }
  lock.last_held = offset;
  message.next = kNobody;
  if (message.message != nullptr) bytes_ += message.message->size();
  held_.emplace_hint(held_.end(), offset, std::move(message));
}

bool KeyLocks::free_next(Key key, model::LogId log) {
  const auto found = locks_.find(key);
  if (found == locks_.end() || found->second.first_held == kNobody) return false;
  Lock& lock = found->second;
  const Offset first = lock.first_held;
  auto node = held_.extract(first);
  Passed& freed = node.mapped();
  lock.first_held = freed.next;
  if (lock.first_held == kNobody) lock.last_held = kNobody;
  (freed.message != nullptr ? in_memory_ : to_be_read_).insert(first);
  freed_.insert(std::move(node));
  lock.holder = {log, first};
  return true;
}

void KeyLocks::hold_again(Key key) {
  Lock& lock = locks_.at(key);
  const Offset offset = lock.holder.offset;
  auto node = freed_.extract(offset);
  node.mapped().next = lock.first_held;
  node.mapped().loading = false;
  held_.insert(std::move(node));
  in_memory_.erase(offset);
  to_be_read_.erase(offset);
  if (lock.first_held == kNobody) lock.last_held = offset;
  lock.first_held = offset;
  lock.holder = {};
}

void KeyLocks::loading(Offset offset) {
  freed_.at(offset).loading = true;
  to_be_read_.erase(offset);
}

void KeyLocks::loaded(Offset offset, model::MessageRef message) {
  Passed& freed = freed_.at(offset);
  freed.loading = false;
  bytes_ += message->size();
  freed.message = std::move(message);
  in_memory_.insert(offset);
}

KeyLocks::Passed KeyLocks::take_freed(Offset offset) {
  Passed taken = std::move(freed_.extract(offset).mapped());
  in_memory_.erase(offset);
  to_be_read_.erase(offset);
  if (taken.message != nullptr) bytes_ -= taken.message->size();
  return taken;
}

/// Whether one of this key is held already.
bool KeyLocks::has_before(Key key) const {
  const auto lock = locks_.find(key);
  return lock != locks_.end() && lock->second.first_held != kNobody;
}

void KeyLocks::forget_messages() {
  for (auto& [offset, one] : held_) one.message = nullptr;
  for (auto& [offset, one] : freed_) one.message = nullptr;
  to_be_read_.insert(in_memory_.begin(), in_memory_.end());
  in_memory_.clear();
  bytes_ = 0;
}

std::set<KeyLocks::Key> KeyLocks::forget_before(Offset end) {
  std::set<Key> keys;
  const auto forget = [this](std::map<Offset, Passed>& all, auto one) {
    if (one->second.message != nullptr) bytes_ -= one->second.message->size();
    return all.erase(one);
  };
  for (auto one = held_.begin(); one != held_.end() && one->first < end; one = forget(held_, one)) {
    // They go in the order of their lists.
    Lock& lock = locks_.at(one->second.key);
    lock.first_held = one->second.next;
    if (lock.first_held == kNobody) lock.last_held = kNobody;
  }
  for (auto one = freed_.begin(); one != freed_.end() && one->first < end; one = forget(freed_, one)) {
    in_memory_.erase(one->first);
    to_be_read_.erase(one->first);
    locks_.at(one->second.key).holder = {};
    keys.insert(one->second.key);
  }
  return keys;
}

// --- Entries that wait for their key --------------------------------------------------------------------------------

std::set<KeyLocks::Key> KeyLocks::keys_waited_for() const {
  std::set<Key> keys;
  for (const Waiting& one : waiting_) keys.insert(one.key);
  return keys;
}

// --- Open cases -----------------------------------------------------------------------------------------------------

void KeyLocks::open_case(Offset origin, Key key, bool holds) {
  if (!key) return;
  cases_.emplace(origin, key);
  if (holds) cases_by_key_.emplace(key, origin);
}

KeyLocks::Key KeyLocks::close_case(Offset origin) {
  const auto closed = cases_.extract(origin);
  if (!closed) return {};
  cases_by_key_.erase({closed.mapped(), origin});
  return closed.mapped();
}

KeyLocks::Key KeyLocks::key_of_case(Offset origin) const {
  const auto found = cases_.find(origin);
  return found == cases_.end() ? Key() : found->second;
}

std::optional<KeyLocks::Offset> KeyLocks::case_of(Key key) const {
  const auto first = cases_by_key_.lower_bound({key, Offset()});
  if (first == cases_by_key_.end() || first->first != key) return std::nullopt;
  return first->second;
}

bool KeyLocks::is_held_before(Key key, Offset origin) const {
  const auto first = hold_ ? case_of(key) : std::nullopt;
  return first && *first < origin;
}

std::set<KeyLocks::Key> KeyLocks::set_hold(bool hold) {
  std::set<Key> keys;
  if (hold_ != hold) {
    for (const auto& [key, origin] : cases_by_key_) keys.insert(key);
  }
  hold_ = hold;
  return keys;
}

}  // namespace lazaret::core
