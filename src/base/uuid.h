// Sixteen-byte ids: UUID version 7 (RFC 9562, section 5.7) for messages, any UUID for instances and producers.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lazaret::base {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;
  bool is_nil() const { return bytes == std::array<std::uint8_t, 16>{}; }
  /// The sixteen bytes as they go into keys and protobuf.
  std::string_view raw() const { return {reinterpret_cast<const char*>(bytes.data()), 16}; }
  /// nullopt unless `raw` has sixteen bytes.
  static std::optional<Uuid> from_raw(std::string_view raw);
  /// The form 8-4-4-4-12, lower case.
  std::string to_string() const;
  static std::optional<Uuid> parse(std::string_view text);
  /// Version 7: 48 bits of milliseconds, then 74 bits of `random_high` and `random_low`.
  static Uuid v7(std::int64_t unix_ms, std::uint64_t random_high, std::uint64_t random_low);
};

}  // namespace lazaret::base
