// Fifo: first in, first out, in one piece of memory, and none at all while it was never used: where there are a hundred
// thousand of them, nearly all empty, a std::deque is too large, which takes half a kilobyte from the beginning.
//
// Threading: one owner.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace lazaret::base {

/// T has a default, which holds nothing.
template <class T>
class Fifo {
 public:
  bool empty() const { return first_ == items_.size(); }
  std::size_t size() const { return items_.size() - first_; }
  T& front() { return items_[first_]; }
  const T& front() const { return items_[first_]; }
  T& back() { return items_.back(); }
  const T& back() const { return items_.back(); }
  auto begin() { return items_.begin() + static_cast<std::ptrdiff_t>(first_); }
  auto begin() const { return items_.begin() + static_cast<std::ptrdiff_t>(first_); }
  auto end() { return items_.end(); }
  auto end() const { return items_.end(); }

  void push_back(T item) { items_.push_back(std::move(item)); }
  template <class... Args>
  void emplace_back(Args&&... args) {
    items_.emplace_back(std::forward<Args>(args)...);
  }
  /// What it held is released at once; its place when half of them are such.
  void pop_front() {
    items_[first_++] = T();
    if (empty()) return clear();
    if (first_ < kPlacesLeft || first_ * 2 < items_.size()) return;
    items_.erase(items_.begin(), begin());
    first_ = 0;
  }
  /// Some places stay, so that what comes and goes a few at a time takes no memory each time.
  void clear() {
    first_ = 0;
    if (items_.capacity() > kPlacesKept) return std::vector<T>().swap(items_);
    items_.clear();
  }

 private:
  static constexpr std::size_t kPlacesKept = 64;
  static constexpr std::size_t kPlacesLeft = 16;

  std::vector<T> items_;
  std::size_t first_ = 0;  // those before it are gone
};

}  // namespace lazaret::base
