#include "faults/ledger.h"

#include <charconv>

namespace lazaret::faults {
namespace {

constexpr std::size_t kPaddingMost = 3000;
constexpr std::uint32_t kMendedAfter = 2;

std::string padding_of(std::uint64_t number) {
  const std::size_t length = number * 7919 % kPaddingMost;
  std::string padding(length, ' ');
  for (std::size_t i = 0; i < length; ++i) padding[i] = static_cast<char>('a' + (number + i) % 26);
  return padding;
}

}  // namespace

Fate fate_of(std::uint64_t number, std::uint32_t attempt) {
  // Few enough that a log is trimmed around what becomes of them (less than a tenth of it is needed).
  if (number % 40 == 3) return Fate::fail;
  if (number % 40 == 13) return attempt > kMendedAfter ? Fate::ack : Fate::fail;
  return number % 40 == 27 ? Fate::reject : Fate::ack;
}

Snapshot between(Snapshot before, const Snapshot& after) {
  for (const auto& [number, told] : after) {
    Told& merged = before[number];
    merged.sequence = told.sequence;
    merged.end_asked = told.end_asked;
    merged.due_us = told.due_us;
    if (merged.reply.empty()) merged.reply = told.reply;
  }
  return before;
}

std::string body_of(std::uint64_t number) { return std::to_string(number) + "|" + padding_of(number); }

std::optional<std::uint64_t> number_in(std::string_view body) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), number);
  if (error != std::errc() || body != body_of(number)) return std::nullopt;
  return number;
}

}  // namespace lazaret::faults
