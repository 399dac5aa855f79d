// walk: visits every number, text and enumerator in an event, effect or mutation, however deep, in the order in which
// they are declared. Fields of aggregates are found by Boost.PFR, so a new field cannot be forgotten here.
#pragma once

#include <boost/pfr/core.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <ranges>
#include <string_view>
#include <type_traits>
#include <variant>

#include "base/bytes.h"
#include "base/status.h"
#include "model/accepted_types.h"

namespace lazaret::simulation {

template <class T>
concept Id = requires(const T& id) {
  requires std::is_arithmetic_v<std::remove_cvref_t<decltype(id.value)>>;
};
template <class T>
concept PointerLike = requires(const T& p) {
  *p;
  static_cast<bool>(p);
}
&&!std::is_arithmetic_v<T>;

template <class T, class Visit>
void walk(const T& value, Visit& visit);

template <class... Ts, class Visit>
void walk(const std::variant<Ts...>& value, Visit& visit) {
  visit(static_cast<std::uint64_t>(value.index()));
  std::visit([&](const auto& one) { walk(one, visit); }, value);
}
template <class First, class Second, class Visit>
void walk(const std::pair<First, Second>& value, Visit& visit) {
  walk(value.first, visit);
  walk(value.second, visit);
}
template <class Rep, class Period, class Visit>
void walk(const std::chrono::duration<Rep, Period>& value, Visit& visit) {
  visit(static_cast<std::uint64_t>(value.count()));
}

template <class T, class Visit>
void walk(const T& value, Visit& visit) {
  if constexpr (std::is_same_v<T, base::Code>) {
    visit(value);
  } else if constexpr (std::is_same_v<T, base::Status>) {
    visit(value.code());
    visit(std::string_view(value.text()));
  } else if constexpr (std::is_same_v<T, model::AcceptedTypes>) {
    walk(value.words(), visit);
  } else if constexpr (std::is_same_v<T, base::SharedBytes>) {
    visit(value.view());
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    visit(std::string_view(value));
  } else if constexpr (std::is_floating_point_v<T>) {
    visit(static_cast<std::uint64_t>(value * 1e9));
  } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    visit(static_cast<std::uint64_t>(value));
  } else if constexpr (Id<T>) {
    visit(static_cast<std::uint64_t>(value.value));
  } else if constexpr (std::ranges::range<T>) {
    visit(static_cast<std::uint64_t>(std::ranges::distance(value)));
    for (const auto& one : value) walk(one, visit);
  } else if constexpr (PointerLike<T>) {
    visit(static_cast<std::uint64_t>(value ? 1 : 0));
    if (value) walk(*value, visit);
  } else if constexpr (!std::is_empty_v<T>) {
    boost::pfr::for_each_field(value, [&](const auto& field) { walk(field, visit); });
  }
}

}  // namespace lazaret::simulation
