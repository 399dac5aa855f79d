// Errors of the client library. Compare by class: `if (ec == lazaret::retry::later) …`.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include "lazaret/types.h"

namespace lazaret {

using boost::system::error_code;

/// The broker's own table of errors, all of it, with the same numbers, in the words of a client.
enum class errc {
  bad_request = 1,
  invalid_name = 2,
  invalid_option = 3,
  message_too_large = 4,
  headers_too_large = 5,
  batch_too_large = 6,
  checksum_mismatch = 7,
  not_found = 8,
  mismatch = 9,
  not_empty = 10,
  in_use = 11,
  lease_lost = 12,
  sequence_reused = 13,
  sequence_too_old = 14,
  case_busy = 15,
  destination_needed = 16,
  limit_reached = 17,
  method_not_allowed = 18,
  unsupported_media_type = 19,
  forbidden_origin = 20,
  exists = 21,
  already_answered = 22,
  stale_version = 23,
  version_needed = 24,
  invalid_body = 25,
  message_gone = 26,
  no_consumer = 27,
  masked = 28,
  bad_magic = 40,
  unsupported_version = 41,
  bad_frame = 42,
  frame_too_large = 43,
  unknown_frame = 44,
  unexpected_frame = 45,
  handshake_timeout = 46,
  peer_silent = 47,
  exhausted = 60,
  shutting_down = 61,
  not_leader = 62,
  storage_damaged = 63,
  message_damaged = 64,
  storage_failed = 65,
  format_too_new = 66,
  directory_locked = 67,
  bad_configuration = 68,
  internal = 69,
  unreachable = 80,
  deadline = 81,
  outcome_unknown = 82,
  would_deadlock = 83,
  closed = 84,
  cancelled = 85,
  usage = 86,
};

/// Conditions: what to do about an error.
enum class retry {
  pointless = 1,  // the same call fails again
  same_call = 2,  // repeat it as it is, at once; deduplication makes that safe for publishes
  later = 3,      // repeat it after a while (Problem::retry_after)
  operator_needed = 4,
};

LAZARET_API const boost::system::error_category& error_category();
LAZARET_API const boost::system::error_category& retry_category();
inline error_code make_error_code(errc code) { return {static_cast<int>(code), error_category()}; }
inline boost::system::error_condition make_error_condition(retry what) {
  return {static_cast<int>(what), retry_category()};
}

/// What blocking calls throw.
class LAZARET_API Error : public boost::system::system_error {
 public:
  Error(error_code code, Problem about) : system_error(code, about.text), problem(std::move(about)) {}
  Problem problem;
};

}  // namespace lazaret

template <>
struct boost::system::is_error_code_enum<lazaret::errc> : std::true_type {};
template <>
struct boost::system::is_error_condition_enum<lazaret::retry> : std::true_type {};
