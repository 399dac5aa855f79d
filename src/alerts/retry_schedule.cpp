#include "alerts/retry_schedule.h"

#include <algorithm>

namespace lazaret::alerts {

std::optional<base::Duration> wait_after(std::uint32_t failed, double spread) {
  if (failed == 0) return base::Duration{};
  if (failed >= kTries) return std::nullopt;
  const base::Duration even = std::min<base::Duration>(kRetryFirst * (std::int64_t{1} << (failed - 1)), kRetryMost);
  const double factor = 1 - kRetryJitter + 2 * kRetryJitter * spread;
  return base::Duration(static_cast<std::int64_t>(static_cast<double>(even.count()) * factor));
}

}  // namespace lazaret::alerts
