#include "model/request_record.h"

namespace lazaret::model {

std::string_view name_of(RequestOutcome outcome) {
  switch (outcome) {
    case RequestOutcome::open: return "open";
    case RequestOutcome::answered: return "answered";
    case RequestOutcome::declined: return "declined";
    case RequestOutcome::failed: return "failed";
    case RequestOutcome::timed_out: return "timed_out";
  }
  return "open";
}

std::string_view name_of(Reached reached) {
  switch (reached) {
    case Reached::unknown: return "unknown";
    case Reached::not_delivered: return "not_delivered";
    case Reached::started: return "started";
    case Reached::settled: return "settled";
  }
  return "unknown";
}

std::size_t ReplyAddress::size() const {
  std::size_t bytes = queue.size() + correlation_id.size();
  for (const auto& [name, value] : context) bytes += name.size() + value.size();
  return bytes;
}

}  // namespace lazaret::model
