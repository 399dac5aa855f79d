// SharedBytes: a view of bytes that keeps their buffer alive. How bodies travel from socket to disk and to
// every consumer without being copied.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace lazaret::base {

/// An immutable slice of a reference-counted buffer. Copying it copies no bytes. Thread-safe as a value.
class SharedBytes {
 public:
  SharedBytes() = default;
  SharedBytes(std::shared_ptr<const void> owner, std::string_view bytes) : owner_(std::move(owner)), bytes_(bytes) {}

  /// Takes over the string's buffer.
  static SharedBytes of(std::string bytes) {
    auto owner = std::make_shared<const std::string>(std::move(bytes));
    std::string_view view(*owner);
    return {std::move(owner), view};
  }

  /// A copy, in one piece with its count.
  static SharedBytes copy(std::string_view bytes) {
    auto owner = std::make_shared_for_overwrite<char[]>(bytes.size());
    std::copy_n(bytes.data(), bytes.size(), owner.get());
    const std::string_view view(owner.get(), bytes.size());
    return {std::move(owner), view};
  }

  std::string_view view() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  const std::shared_ptr<const void>& owner() const { return owner_; }
  SharedBytes slice(std::size_t from, std::size_t length) const { return {owner_, bytes_.substr(from, length)}; }

 private:
  std::shared_ptr<const void> owner_;
  std::string_view bytes_;
};

}  // namespace lazaret::base
