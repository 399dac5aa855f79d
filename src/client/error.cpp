// The error table as Boost error codes and conditions.
#include "lazaret/error.h"

#include "base/status.h"
#include "client/completion.h"

namespace lazaret {
namespace {

using base::Code;

// The public list has the numbers of the one table.
#define SAME(theirs, ours) static_assert(static_cast<int>(errc::theirs) == static_cast<int>(Code::ours))
SAME(bad_request, BAD_REQUEST);
SAME(invalid_name, INVALID_NAME);
SAME(invalid_option, INVALID_OPTION);
SAME(message_too_large, MESSAGE_TOO_LARGE);
SAME(headers_too_large, HEADERS_TOO_LARGE);
SAME(batch_too_large, BATCH_TOO_LARGE);
SAME(checksum_mismatch, CHECKSUM_MISMATCH);
SAME(not_found, NOT_FOUND);
SAME(mismatch, OPTIONS_MISMATCH);
SAME(not_empty, NOT_EMPTY);
SAME(in_use, IN_USE);
SAME(lease_lost, LEASE_LOST);
SAME(sequence_reused, SEQUENCE_REUSED);
SAME(sequence_too_old, SEQUENCE_TOO_OLD);
SAME(case_busy, CASE_BUSY);
SAME(destination_needed, DESTINATION_NEEDED);
SAME(limit_reached, LIMIT_REACHED);
SAME(method_not_allowed, METHOD_NOT_ALLOWED);
SAME(unsupported_media_type, UNSUPPORTED_MEDIA_TYPE);
SAME(forbidden_origin, FORBIDDEN_ORIGIN);
SAME(exists, ALREADY_EXISTS);
SAME(already_answered, ALREADY_ANSWERED);
SAME(stale_version, STALE_VERSION);
SAME(version_needed, VERSION_NEEDED);
SAME(invalid_body, INVALID_BODY);
SAME(message_gone, MESSAGE_GONE);
SAME(no_consumer, NO_CONSUMER);
SAME(masked, MASKED);
SAME(bad_magic, BAD_MAGIC);
SAME(unsupported_version, UNSUPPORTED_VERSION);
SAME(bad_frame, BAD_FRAME);
SAME(frame_too_large, FRAME_TOO_LARGE);
SAME(unknown_frame, UNKNOWN_FRAME);
SAME(unexpected_frame, UNEXPECTED_FRAME);
SAME(handshake_timeout, HANDSHAKE_TIMEOUT);
SAME(peer_silent, PEER_SILENT);
SAME(exhausted, RESOURCE_EXHAUSTED);
SAME(shutting_down, SHUTTING_DOWN);
SAME(not_leader, NOT_LEADER);
SAME(storage_damaged, STORAGE_DAMAGED);
SAME(message_damaged, MESSAGE_DAMAGED);
SAME(storage_failed, STORAGE_FAILED);
SAME(format_too_new, FORMAT_TOO_NEW);
SAME(directory_locked, DIRECTORY_LOCKED);
SAME(bad_configuration, BAD_CONFIGURATION);
SAME(internal, INTERNAL);
SAME(unreachable, UNREACHABLE);
SAME(deadline, DEADLINE_EXCEEDED);
SAME(outcome_unknown, OUTCOME_UNKNOWN);
SAME(would_deadlock, WOULD_DEADLOCK);
SAME(closed, CLOSED);
SAME(cancelled, CANCELLED);
SAME(usage, USAGE);
#undef SAME

const base::ErrorInfo& row(int value) { return base::error_info(static_cast<Code>(value)); }

retry class_of(int value) {
  switch (row(value).retry) {
    case base::Retry::never: return retry::pointless;
    case base::Retry::same_call: return retry::same_call;
    case base::Retry::after: return retry::later;
    case base::Retry::op: return retry::operator_needed;
  }
  return retry::pointless;
}

// Boost's base class has no virtual destructor: these objects live for ever and are never deleted through it.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class ErrorCategory final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "lazaret"; }
  std::string message(int value) const override { return std::string(row(value).sentence); }
};

class RetryCategory final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "lazaret.retry"; }
  std::string message(int value) const override {
    switch (static_cast<retry>(value)) {
      case retry::pointless: return "the same call fails again";
      case retry::same_call: return "the same call may be repeated";
      case retry::later: return "the call may be repeated later";
      case retry::operator_needed: return "an operator has to mend it";
    }
    return "unknown";
  }
  bool equivalent(const error_code& code, int condition) const noexcept override {
    return code.category() == lazaret::error_category() && class_of(code.value()) == static_cast<retry>(condition);
  }
};
#pragma GCC diagnostic pop

}  // namespace

const boost::system::error_category& error_category() {
  static const ErrorCategory category;
  return category;
}

const boost::system::error_category& retry_category() {
  static const RetryCategory category;
  return category;
}

namespace detail {

error_code code_of(const base::Status& status) {
  return status.ok() ? error_code() : error_code(static_cast<int>(status.code()), error_category());
}

ProblemRef problem_of(const base::Status& status) {
  if (status.ok()) return nullptr;
  const base::ErrorInfo& info = base::error_info(status.code());
  auto problem = std::make_shared<Problem>();
  problem->code = info.name;
  problem->fault = base::to_string(info.fault);
  problem->retry = base::to_string(info.retry);
  problem->retry_after = milliseconds(status.retry_after_ms());
  problem->text = status.text();
  problem->limit = status.limit();
  problem->value = status.limit_value();
  return problem;
}

}  // namespace detail
}  // namespace lazaret
