// OnDemand: a set or map that is nearly always empty, in the place of one pointer. A broker has a hundred thousand idle
// queues with a dozen such containers each; the container is made when its first element comes.
//
// Threading: as the container's. The empty one that stands for all that were not made is never written to.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace lazaret::base {

template <class Container>
class OnDemand {
 public:
  using value_type = typename Container::value_type;
  using iterator = typename Container::iterator;
  using const_iterator = typename Container::const_iterator;

  OnDemand() = default;
  OnDemand(const OnDemand& other) : made_(other.empty() ? nullptr : std::make_unique<Container>(*other.made_)) {}
  OnDemand(OnDemand&&) noexcept = default;
  OnDemand& operator=(OnDemand other) noexcept {
    made_ = std::move(other.made_);
    return *this;
  }
  ~OnDemand() = default;

  bool empty() const { return made_ == nullptr || made_->empty(); }
  std::size_t size() const { return made_ == nullptr ? 0 : made_->size(); }
  auto begin() { return it().begin(); }
  auto begin() const { return std::as_const(it()).begin(); }
  auto end() { return it().end(); }
  auto end() const { return std::as_const(it()).end(); }
  auto rbegin() const { return std::as_const(it()).rbegin(); }
  auto rend() const { return std::as_const(it()).rend(); }

  template <class Key>
  auto find(const Key& key) {
    return it().find(key);
  }
  template <class Key>
  auto find(const Key& key) const {
    return std::as_const(it()).find(key);
  }
  template <class Key>
  bool contains(const Key& key) const {
    return it().contains(key);
  }
  template <class Key>
  auto lower_bound(const Key& key) const {
    return std::as_const(it()).lower_bound(key);
  }
  template <class Key>
  auto upper_bound(const Key& key) {
    return it().upper_bound(key);
  }
  template <class Key>
  auto upper_bound(const Key& key) const {
    return std::as_const(it()).upper_bound(key);
  }
  template <class Key>
  auto& at(const Key& key) {
    return it().at(key);
  }
  template <class Key>
  auto& operator[](const Key& key) {
    return make()[key];
  }

  template <class... Args>
  auto insert(Args&&... args) {
    return make().insert(std::forward<Args>(args)...);
  }
  template <class... Args>
  auto emplace(Args&&... args) {
    return make().emplace(std::forward<Args>(args)...);
  }
  template <class... Args>
  auto emplace_hint(const_iterator hint, Args&&... args) {
    if (made_ == nullptr) return make().emplace(std::forward<Args>(args)...).first;
    return made_->emplace_hint(hint, std::forward<Args>(args)...);
  }
  // An empty set writes to itself when nothing is erased from it: the one that all share is not asked.
  std::size_t erase(const typename Container::key_type& key) { return made_ == nullptr ? 0 : made_->erase(key); }
  auto erase(iterator place) { return it().erase(place); }
  auto erase(iterator first, iterator last) { return made_ == nullptr ? last : made_->erase(first, last); }
  template <class Place>
  auto extract(Place&& place) {
    return it().extract(std::forward<Place>(place));
  }
  void clear() {
    if (made_ != nullptr) made_->clear();
  }
  /// And gives back what the container itself takes.
  void release() { made_.reset(); }

 private:
  Container& it() const { return made_ == nullptr ? none_ : *made_; }
  Container& make() {
    if (made_ == nullptr) made_ = std::make_unique<Container>();
    return *made_;
  }

  inline static Container none_{};
  std::unique_ptr<Container> made_;
};

}  // namespace lazaret::base
