// Fifo: first in, first out, in one piece of memory, and none at all while it was never used: where there are a hundred
// thousand of them, nearly all empty, a std::deque is too large, which takes half a kilobyte from the beginning.
//
// Threading: one owner.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace lazaret::base {

/// T has a default, which holds nothing.
template <class T>
class Fifo {
 public:
  bool empty() const { return size() == 0; }
  std::size_t size() const { return line_ == nullptr ? 0 : line_->items.size() - line_->first; }
  T& front() { return *begin(); }
  const T& front() const { return *begin(); }
  T& back() { return line_->items.back(); }
  const T& back() const { return line_->items.back(); }
  T* begin() { return line_ == nullptr ? nullptr : line_->items.data() + line_->first; }
  const T* begin() const { return line_ == nullptr ? nullptr : line_->items.data() + line_->first; }
  T* end() { return line_ == nullptr ? nullptr : line_->items.data() + line_->items.size(); }
  const T* end() const { return line_ == nullptr ? nullptr : line_->items.data() + line_->items.size(); }

  void push_back(T item) { items().push_back(std::move(item)); }
  template <class... Args>
  void emplace_back(Args&&... args) {
    items().emplace_back(std::forward<Args>(args)...);
  }
  /// What it held is released at once; its place when half of them are such.
  void pop_front() {
    std::vector<T>& items = line_->items;
    items[line_->first++] = T();
    if (empty()) return clear();
    if (line_->first < kPlacesLeft || line_->first * 2 < items.size()) return;
    items.erase(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(line_->first));
    line_->first = 0;
  }
  /// Some places stay, so that what comes and goes a few at a time takes no memory each time.
  void clear() {
    if (line_ == nullptr) return;
    line_->first = 0;
    if (line_->items.capacity() > kPlacesKept) return std::vector<T>().swap(line_->items);
    line_->items.clear();
  }

 private:
  static constexpr std::size_t kPlacesKept = 64;
  static constexpr std::size_t kPlacesLeft = 16;
  struct Line {
    std::vector<T> items;
    std::size_t first = 0;  // those before it are gone
  };
  std::vector<T>& items() {
    if (line_ == nullptr) line_ = std::make_unique<Line>();
    return line_->items;
  }

  /// Made with the first item: many are never used.
  std::unique_ptr<Line> line_;
};

}  // namespace lazaret::base
