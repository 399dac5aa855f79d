#include "model/quarantine.h"

#include <array>
#include <charconv>

namespace lazaret::model {

std::string QuarantineId::to_string() const {
  return std::to_string(shard.value) + "-" + std::to_string(subscription.value) + "-" + std::to_string(number);
}

std::optional<QuarantineId> QuarantineId::parse(std::string_view text) {
  std::array<std::uint64_t, 3> parts{};
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) {
      if (at == end || *at != '-') return std::nullopt;
      ++at;
    }
    const auto [next, error] = std::from_chars(at, end, parts.at(i));
    if (error != std::errc()) return std::nullopt;
    at = next;
  }
  if (at != end || parts[0] > 0xffff) return std::nullopt;
  return QuarantineId{ShardId(static_cast<std::uint16_t>(parts[0])), SubscriptionId(parts[1]), parts[2]};
}

}  // namespace lazaret::model
