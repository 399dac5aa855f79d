#include "model/ids.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace lazaret::model {

KeyHash hash_of_key(std::string_view key) {
  if (key.empty()) return {};
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return KeyHash(hash == 0 ? 1 : hash);
}

std::string CaseId::to_string() const {
  return std::to_string(shard.value) + "-" + std::to_string(subscription.value) + "-" + std::to_string(log.value) +
         "-" + std::to_string(offset.value);
}

std::optional<CaseId> CaseId::parse(std::string_view text) {
  std::array<std::uint64_t, 4> parts{};
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) {
      if (at == end || *at != '-') return std::nullopt;
      ++at;
    }
    const auto [next, error] = std::from_chars(at, end, parts[i]);
    if (error != std::errc()) return std::nullopt;
    at = next;
  }
  if (at != end || parts[0] > 0xffff) return std::nullopt;
  return CaseId{ShardId(static_cast<std::uint16_t>(parts[0])), SubscriptionId(parts[1]), LogId(parts[2]),
                Offset(parts[3])};
}

std::string GroupId::to_string() const {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%012llx", static_cast<unsigned long long>(value));
  return text.data();
}

std::optional<GroupId> GroupId::parse(std::string_view text) {
  constexpr std::size_t kDigits = 12;
  GroupId id;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id.value, 16);
  const bool whole = error == std::errc() && end == text.data() + text.size() && text.size() == kDigits;
  return whole && id ? std::optional(id) : std::nullopt;
}

}  // namespace lazaret::model
