// Boxed: a value that lives on the heap, and is copied as a value all the same. For what is large and rare among what
// is moved about all the time, such as an alternative of a variant.
//
// Threading: as the value's. One that was moved from may only be assigned to or destroyed.
#pragma once

#include <memory>
#include <utility>

namespace lazaret::base {

template <class T>
class Boxed {
 public:
  Boxed() : value_(std::make_unique<T>()) {}
  Boxed(T value) : value_(std::make_unique<T>(std::move(value))) {}  // as a value: not explicit
  Boxed(const Boxed& other) : value_(std::make_unique<T>(*other)) {}
  Boxed(Boxed&&) noexcept = default;
  Boxed& operator=(Boxed other) noexcept {
    value_ = std::move(other.value_);
    return *this;
  }
  ~Boxed() = default;

  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }
  explicit operator bool() const { return value_ != nullptr; }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace lazaret::base
