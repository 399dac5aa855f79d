// The byte budget of a subscription's hospital: `hospital_max_bytes` of its options against what its cases keep of
// messages (CaseRecord::kept_bytes). It is judged by these two numbers alone, so nothing of it has to be remembered.
//
// Threading: pure functions over values.
#pragma once

#include <cstdint>
#include <string_view>

namespace lazaret::model {

enum class HospitalLevel : std::uint8_t {
  below = 0,    // there is room, or no budget
  filling = 1,  // four fifths of the budget are used: people are told
  full = 2,     // nothing is granted but replays, and nothing is imported
};
/// "below", "filling" or "full".
constexpr std::string_view name_of(HospitalLevel level) {
  switch (level) {
    case HospitalLevel::below: break;
    case HospitalLevel::filling: return "filling";
    case HospitalLevel::full: return "full";
  }
  return "below";
}

/// `max_bytes`: 0 for no budget.
constexpr HospitalLevel hospital_level(std::uint64_t bytes, std::uint64_t max_bytes) {
  if (max_bytes == 0) return HospitalLevel::below;
  if (bytes >= max_bytes) return HospitalLevel::full;
  return bytes >= max_bytes - max_bytes / 5 ? HospitalLevel::filling : HospitalLevel::below;
}

}  // namespace lazaret::model
