// The broker as a whole: health, readiness, status, and the integrity check.
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "admin/process_usage.h"
#include "base/duration_text.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;

/// A clock that is ahead by less is not worth a warning.
constexpr base::Duration kClockAheadShown = std::chrono::minutes(1);

json::object store_json(const model::StoreUsage& usage) {
  return {
      {"disk_free_bytes", usage.disk_free_bytes},
      {"disk_total_bytes", usage.disk_total_bytes},
      {"data_bytes", usage.data_bytes},
      {"memtable_bytes", usage.memtable_bytes},
      {"commits_total", usage.commits},
      {"syncs_total", usage.syncs},
      {"written_bytes_total", usage.written_bytes},
  };
}

json::object process_json(const ProcessUsage& usage) {
  return {{"pid", usage.pid},
          {"cpu_seconds_total", usage.cpu_seconds},
          {"resident_bytes", usage.resident_bytes},
          {"disk_write_bytes_total", usage.disk_write_bytes}};
}

/// "1 hospital is", "3 hospitals are".
std::string there_are(std::int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? " is" : "s are");
}

/// What an operator should know although the broker works.
json::array warnings(const Broker& broker, const engine::EngineStats& stats) {
  json::array out;
  if (stats.publishes_refused) {
    out.emplace_back("publishes are refused: the disk has " + std::to_string(stats.store.disk_free_bytes) +
                     " bytes free, less than the reserve");
  }
  if (stats.looks_refused) {
    out.emplace_back("looks at messages are refused: the disk has less than an eighth of the reserve free");
  }
  if (broker.config.clock_ahead > kClockAheadShown) {
    out.emplace_back("engine time was ahead of the wall clock by " + base::format_duration(broker.config.clock_ahead) +
                     " at the start: the clock of this machine has gone back");
  }
  if (stats.breakers_open > 0) {
    out.emplace_back(there_are(stats.breakers_open, "circuit breaker") +
                     " not closed: nearly everything failed that was delivered there");
  }
  if (stats.hospitals_full > 0) {
    out.emplace_back(there_are(stats.hospitals_full, "hospital") +
                     " full: nothing is granted there but replays, until cases keep less");
  }
  if (stats.resuming) out.emplace_back("some messages wait for the consumers that held them before the restart");
  return out;
}

/// At most one check at a time; set back however the check ends.
class CheckTurn {
 public:
  explicit CheckTurn(std::atomic<bool>& checking) : checking_(checking), mine_(!checking.exchange(true)) {}
  ~CheckTurn() {
    if (mine_) checking_ = false;
  }
  CheckTurn(const CheckTurn&) = delete;
  CheckTurn& operator=(const CheckTurn&) = delete;
  bool is_mine() const { return mine_; }

 private:
  std::atomic<bool>& checking_;
  const bool mine_;
};

}  // namespace

Result<Response> run_check(Broker& broker, const Request& request) {
  if (const auto body = parse_object(request.body, {}); !body.ok()) return body.status();
  const CheckTurn turn(broker.checking);
  if (!turn.is_mine()) {
    return Status(Code::RESOURCE_EXHAUSTED, "a check is running already").with_retry_after_ms(10'000);
  }
  const auto report = broker.engine.store().check([&broker](std::uint64_t) { return !broker.stopping; });
  if (report.code() == Code::CANCELLED) {
    return Status(Code::SHUTTING_DOWN, "the broker stops: the check was ended before it was through");
  }
  if (!report.ok()) return report.status();
  json::array findings;
  for (const model::CheckFinding& finding : report->findings) {
    findings.push_back(json::object{{"where", finding.where}, {"what", finding.what}});
  }
  return json_response(200, json::object{{"ok", report->findings.empty()},
                                         {"queues", report->queues},
                                         {"topics", report->topics},
                                         {"subscriptions", report->subscriptions},
                                         {"logs", report->logs},
                                         {"runs", report->runs},
                                         {"messages", report->messages},
                                         {"cases", report->cases},
                                         {"audit_entries", report->audit_entries},
                                         {"bytes", report->bytes},
                                         {"findings", std::move(findings)}});
}

Result<Response> get_status(Broker& broker, const Request&) {
  const engine::EngineStats stats = broker.engine.stats();
  return json_response(200, json::object{
                                {"version", broker.config.version},
                                {"instance", broker.config.instance},
                                {"time", time_or_null(broker.engine.now())},
                                {"clock_ahead", base::format_duration(broker.config.clock_ahead)},
                                {"shards", broker.engine.shard_count()},
                                {"queues", stats.queues},
                                {"sessions", stats.sessions},
                                {"instances", stats.instances},
                                {"steps_total", stats.steps},
                                {"commits_total", stats.commits},
                                {"committed_groups_total", stats.committed_groups},
                                {"last_commit", base::format_duration(stats.last_commit)},
                                {"longest_commit", base::format_duration(stats.longest_commit)},
                                {"ingest_bytes", stats.ingest_bytes},
                                {"held_effects", stats.held_effects},
                                {"breakers_open", stats.breakers_open},
                                {"hospitals_full", stats.hospitals_full},
                                {"publishes_refused", stats.publishes_refused},
                                {"looks_refused", stats.looks_refused},
                                {"resuming", stats.resuming},
                                {"draining", stats.draining},
                                {"max_message_bytes", broker.config.max_message_bytes},
                                {"max_header_bytes", broker.config.max_header_bytes},
                                {"warnings", warnings(broker, stats)},
                                {"store", store_json(stats.store)},
                                {"process", process_json(process_usage())},
                            });
}

Result<Response> get_health(Broker& broker, const Request&) {
  const json::array worries = warnings(broker, broker.engine.stats());
  return json_response(200, json::object{{"status", "ok"},
                                         {"version", broker.config.version},
                                         {"instance", broker.config.instance},
                                         {"warnings", worries}});
}

Result<Response> get_readiness(Broker& broker, const Request&) {
  if (broker.engine.stats().draining) {
    return Status(Code::SHUTTING_DOWN, "the broker is draining").with_retry_after_ms(1000);
  }
  return json_response(200, json::object{{"status", "ready"}});
}

}  // namespace lazaret::admin
