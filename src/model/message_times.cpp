#include "model/message_times.h"

#include <algorithm>

#include "base/duration_text.h"
#include "model/limits.h"

namespace lazaret::model {
namespace {

using base::Code;
using base::Duration;
using base::Instant;
using base::Status;

Status check(const char* name, Duration asked) {
  if (asked >= Duration(0) && asked <= limits::kDelayMost) return {};
  return Status(Code::BAD_REQUEST, std::string(name) + " must be between 0s and " +
                                       base::format_duration(limits::kDelayMost) + " from now")
      .with_limit(std::string(name) + "_seconds",
                  std::chrono::duration_cast<std::chrono::seconds>(limits::kDelayMost).count());
}

}  // namespace

Status check_times(const AskedTimes& asked) {
  if (asked.delay.count() != 0 && asked.deliver_at.us != 0) {
    return {Code::BAD_REQUEST, "a message has a delay or a time to be delivered at, not both"};
  }
  if (asked.ttl.count() != 0 && asked.expires_at.us != 0) {
    return {Code::BAD_REQUEST, "a message has a time to live or a time when it expires, not both"};
  }
  if (asked.deliver_at.us < 0 || asked.expires_at.us < 0) {
    return {Code::BAD_REQUEST, "a time must be after 1970"};
  }
  LZ_RETURN_IF_ERROR(check("delay", asked.delay));
  return check("ttl", asked.ttl);
}

Status set_times(const AskedTimes& asked, Instant now, Message& message) {
  if (asked == AskedTimes{}) return {};
  LZ_RETURN_IF_ERROR(check_times(asked));
  if (asked.deliver_at > now) LZ_RETURN_IF_ERROR(check("deliver_at", asked.deliver_at - now));
  if (asked.delay.count() > 0) message.due = now + asked.delay;
  if (asked.deliver_at > now) message.due = asked.deliver_at;
  message.expires_at = asked.expires_at;
  if (asked.ttl.count() > 0) message.expires_at = std::max(now, message.due) + asked.ttl;
  return {};
}

}  // namespace lazaret::model
