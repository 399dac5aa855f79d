// Numbers that must not be mixed up: a StrongId of one tag does not convert to that of another.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace lazaret::base {

template <class Tag, class Rep = std::uint64_t>
struct StrongId {
  Rep value = 0;

  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep v) : value(v) {}
  constexpr auto operator<=>(const StrongId&) const = default;
  constexpr StrongId next() const { return StrongId(static_cast<Rep>(value + 1)); }
  /// Whether this names something; 0 is nobody.
  constexpr explicit operator bool() const { return value != 0; }
};

}  // namespace lazaret::base

template <class Tag, class Rep>
struct std::hash<lazaret::base::StrongId<Tag, Rep>> {
  std::size_t operator()(lazaret::base::StrongId<Tag, Rep> id) const noexcept {
    // splitmix64's finaliser: ids are consecutive, tables want them spread.
    std::uint64_t x = id.value + 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return static_cast<std::size_t>(x ^ (x >> 31));
  }
};
