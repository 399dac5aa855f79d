// What `lazaret top` sees at one moment: the broker, and a row for every queue and subscription, with rates since the
// look before and how each is. Plain functions of what the HTTP API says, but for take_look, which asks it.
//
// Threading: none of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "http_client.h"

namespace lazaret::cli {

/// How a queue or subscription is, in the words and the order of the page (src/admin/page/health.js).
struct TopState {
  int rank = 0;  // the higher the worse; 0: fine
  const char* word = "fine";
};
constexpr base::Duration kAgeing = std::chrono::minutes(5);

/// Growth of the totals a second.
struct TopRates {
  double entered = 0, acked = 0, failed = 0;
};

struct TopRow {
  std::string name;
  bool subscription = false;
  std::string created_at;  // another time: another one of that name
  std::uint64_t ready = 0, leased = 0, waiting = 0, scheduled = 0, held = 0, in_hospital = 0;
  /// With what a filter turned away, so that it never goes back.
  std::uint64_t entered_total = 0;
  std::uint64_t acked_total = 0, failed_attempts_total = 0;
  std::uint64_t consumer_count = 0;
  std::optional<base::Instant> oldest_ready_at;
  bool paused = false;
  std::string breaker;         // "closed", "half_open", "open"
  std::string hospital_level;  // "below", "filling", "full"
  std::uint64_t suspects = 0;
  std::optional<TopRates> rates;  // none: it was not there at the look before
  TopState state;
};

struct TopLook {
  base::Instant at{};  // in the broker's time
  std::string version, instance;
  std::uint64_t published_total = 0;  // by queues and topics; what a subscription reads is counted at its topic
  std::uint64_t commits_total = 0;
  std::string last_commit;
  double cpu_seconds_total = 0;
  std::uint64_t resident_bytes = 0, sessions = 0;
  std::uint64_t disk_free_bytes = 0, disk_total_bytes = 0, data_bytes = 0, written_bytes_total = 0;
  std::vector<std::string> warnings;
  std::vector<TopRow> rows;

  /// Since the look before. There are none at the first, and when another broker answers, or the same one anew.
  struct Rates {
    base::Duration over{};
    double published = 0, acked = 0, failed = 0, commits = 0, written_bytes = 0;
    double cores = 0;  // processors that were busy with it
  };
  std::optional<Rates> rates;
};

/// Asks for the status, and for the lists with all their pages. Throws Error.
TopLook take_look(HttpClient& http);

/// As the lists have it; without rates and state.
TopRow top_row(const json::object& one, bool subscription);
/// Fills in `status`, as GET /api/v1/status answers; without rates.
void note_status(TopLook& look, const json::object& status);
/// Rates of everything against `before` (null: there was no look before), and states.
void compare(TopLook& look, const TopLook* before);

/// What `--sort` takes.
constexpr std::string_view kTopOrders[] = {"state",   "name",  "ready",  "hospital",
                                           "entered", "acked", "failed", "oldest"};
/// `order`: one of kTopOrders. Names go upwards, numbers and ages downwards; equals by name. By state: the worst, then
/// that of which more attempts fail, whose oldest ready message is older, that has more cases, and more that is ready.
void sort_rows(std::vector<TopRow>& rows, std::string_view order);

/// One look as an object; numbers have the names of the HTTP API, rates are called entered_per_second and so on.
json::object top_json(const TopLook& look);

}  // namespace lazaret::cli
