#include "storage/prevention.h"

#include "storage/records.h"

namespace lazaret::storage {
namespace {

using base::Duration;
using base::Instant;

constexpr std::uint32_t kBreakerOn = 1;
constexpr std::uint32_t kBreakerOff = 2;

}  // namespace

void fill_breaker(const model::QueueOptions& options, v1::QueueOptions* out) {
  out->set_breaker(options.breaker ? kBreakerOn : kBreakerOff);
  out->set_breaker_samples(options.breaker_samples);
  out->set_breaker_ratio(options.breaker_ratio);
  out->set_breaker_window_us(static_cast<std::uint64_t>(options.breaker_window.count()));
  out->set_breaker_pause_us(static_cast<std::uint64_t>(options.breaker_pause.count()));
}

void read_breaker(const v1::QueueOptions& in, model::QueueOptions& options) {
  options.breaker = in.breaker() != kBreakerOff;
  if (in.breaker_samples() != 0) options.breaker_samples = in.breaker_samples();
  if (in.breaker_ratio() > 0) options.breaker_ratio = in.breaker_ratio();
  if (in.breaker_window_us() != 0) options.breaker_window = Duration(static_cast<std::int64_t>(in.breaker_window_us()));
  if (in.breaker_pause_us() != 0) options.breaker_pause = Duration(static_cast<std::int64_t>(in.breaker_pause_us()));
}

std::string encode(const model::QuarantineRecord& record) {
  v1::Quarantine out;
  out.set_filter(record.filter);
  out.set_reason(record.reason);
  out.set_until_us(record.until.us);
  out.set_created_at_us(record.created_at.us);
  out.set_caught(record.caught);
  return out.SerializeAsString();
}
bool decode(std::string_view bytes, model::QuarantineRecord& record) {
  v1::Quarantine in;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return false;
  record.filter = in.filter();
  record.reason = in.reason();
  record.until = Instant{in.until_us()};
  record.created_at = Instant{in.created_at_us()};
  record.caught = in.caught();
  return true;
}

}  // namespace lazaret::storage
