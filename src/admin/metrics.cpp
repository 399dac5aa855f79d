#include "admin/metrics.h"

#include <functional>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "admin/alert_metrics.h"
#include "admin/handlers.h"
#include "model/limits.h"

namespace lazaret::admin {
namespace {

using base::Result;
using model::QueueStats;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

struct QueueMetric {
  const char* name;
  const char* help;
  MetricType type;
  std::function<double(const QueueStats&)> value;
};

double of(std::uint64_t number) { return static_cast<double>(number); }
double seconds(base::Duration duration) { return std::chrono::duration<double>(duration).count(); }

const std::vector<QueueMetric>& queue_metrics() {
  constexpr MetricType kGauge = MetricType::Gauge;
  constexpr MetricType kCounter = MetricType::Counter;
  static const std::vector<QueueMetric> all = {
      {"lazaret_queue_ready", "Messages that may be granted", kGauge, [](const auto& q) { return of(q.ready); }},
      {"lazaret_queue_leased", "Messages out to consumers", kGauge, [](const auto& q) { return of(q.leased); }},
      {"lazaret_queue_waiting", "Messages in backoff or delayed", kGauge, [](const auto& q) { return of(q.waiting); }},
      {"lazaret_queue_scheduled", "Messages for later", kGauge, [](const auto& q) { return of(q.scheduled); }},
      {"lazaret_queue_held", "Messages passed over because their keys are locked", kGauge,
       [](const auto& q) { return of(q.held); }},
      {"lazaret_queue_held_full", "1: it remembers as many held messages as it may", kGauge,
       [](const auto& q) { return q.held_full ? 1.0 : 0.0; }},
      {"lazaret_queue_suspects", "Messages suspected of killing workers", kGauge,
       [](const auto& q) { return of(q.suspects); }},
      {"lazaret_queue_in_hospital", "Cases in state admitted", kGauge,
       [](const auto& q) { return of(q.counters.in_hospital); }},
      {"lazaret_queue_consumers", "Consumers attached", kGauge, [](const auto& q) { return of(q.consumers.size()); }},
      {"lazaret_queue_unaccepted", "Ready messages of types that no consumer accepts", kGauge,
       [](const auto& q) { return of(q.unaccepted); }},
      // A counter never goes back: what the filter turns away later has been counted until then.
      {"lazaret_queue_entered_total", "Messages published, those that count as filtered included", kCounter,
       [](const auto& q) { return of(q.counters.entered + q.counters.filtered); }},
      {"lazaret_queue_filtered_total",
       "Messages that the filter turned away, or that came with the imported case of another subscription", kCounter,
       [](const auto& q) { return of(q.counters.filtered); }},
      {"lazaret_queue_acked_total", "Messages acknowledged", kCounter,
       [](const auto& q) { return of(q.counters.acked); }},
      {"lazaret_queue_failed_attempts_total", "Attempts that failed, since the start", kCounter,
       [](const auto& q) { return of(q.failed_attempts); }},
      {"lazaret_queue_discarded_total", "Cases discarded", kCounter,
       [](const auto& q) { return of(q.counters.discarded); }},
      {"lazaret_queue_late_replies_total", "Replies to requests that had ended, or were forgotten", kCounter,
       [](const auto& q) { return of(q.counters.late_replies); }},
      {"lazaret_queue_lost_replies_total", "Replies to durable requests whose reply queue was deleted before they came",
       kCounter, [](const auto& q) { return of(q.counters.lost_replies); }},
      {"lazaret_queue_pending_requests", "Requests that have not ended", kGauge,
       [](const auto& q) { return of(q.pending_requests); }},
      {"lazaret_queue_expired_total", "Messages expired", kCounter,
       [](const auto& q) { return of(q.counters.expired); }},
      {"lazaret_queue_purged_total", "Messages purged", kCounter, [](const auto& q) { return of(q.counters.purged); }},
      {"lazaret_queue_dropped_total", "Messages dropped by a limit", kCounter,
       [](const auto& q) { return of(q.counters.dropped); }},
      {"lazaret_queue_lost_to_retention_total", "Messages trimmed unread", kCounter,
       [](const auto& q) { return of(q.counters.lost_to_retention); }},
      {"lazaret_queue_retention_used_ratio", "Of what its topic allows; at 1 messages are lost unread", kGauge,
       [](const auto& q) { return q.retention_used; }},
      {"lazaret_queue_paused", "1 while nothing is granted because it is paused", kGauge,
       [](const auto& q) { return q.queue.options.paused ? 1.0 : 0.0; }},
      {"lazaret_queue_breaker_state", "Of the circuit breaker: 0 closed, 1 half open, 2 open", kGauge,
       [](const auto& q) { return static_cast<double>(q.breaker.state); }},
      {"lazaret_queue_breaker_opened_total", "How often the circuit breaker has opened since the start", kCounter,
       [](const auto& q) { return of(q.breaker.opened); }},
      {"lazaret_queue_hospital_bytes", "What its cases keep of messages, in bytes", kGauge,
       [](const auto& q) { return of(q.hospital_bytes); }},
      {"lazaret_queue_hospital_max_bytes", "What they may keep before nothing is granted but replays; 0: no budget",
       kGauge, [](const auto& q) { return of(q.queue.options.hospital_max_bytes); }},
      {"lazaret_queue_hospital_full", "1 while nothing is granted but replays because its hospital is full", kGauge,
       [](const auto& q) { return q.hospital_level == model::HospitalLevel::full ? 1.0 : 0.0; }},
      {"lazaret_queue_quarantines", "Quarantine rules, which send messages that match to the hospital", kGauge,
       [](const auto& q) { return of(q.quarantines); }},
      {"lazaret_queue_offsets_left_out_total", "Offsets left out after unclean starts (durability relaxed)", kCounter,
       [](const auto& q) { return of(q.offsets_left_out); }},
      {"lazaret_queue_unaccounted",
       "Messages that entered, less those that are there, in the hospital, or settled in whatever way: 0", kGauge,
       [](const auto& q) { return static_cast<double>(unaccounted(q)); }},
      {"lazaret_queue_redirected_total", "Messages sent elsewhere", kCounter,
       [](const auto& q) { return of(q.counters.redirected); }},
  };
  return all;
}

ClientMetric metric(MetricType type, double value, std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric one;
  one.label = std::move(labels);
  if (type == MetricType::Counter) {
    one.counter.value = value;
  } else {
    one.gauge.value = value;
  }
  return one;
}

void add_topics(std::vector<MetricFamily>& families, const std::vector<QueueStats>& all) {
  MetricFamily published{"lazaret_topic_published_total", "Messages published", MetricType::Counter, {}};
  MetricFamily subscriptions{"lazaret_topic_subscriptions", "Subscriptions", MetricType::Gauge, {}};
  for (const QueueStats& stats : all) {
    if (stats.queue.kind != model::Kind::topic) continue;
    const std::vector<ClientMetric::Label> topic{{"topic", stats.queue.name}};
    published.metric.push_back(metric(published.type, of(stats.counters.entered), topic));
    subscriptions.metric.push_back(metric(subscriptions.type, of(stats.subscriptions), topic));
  }
  MetricFamily lag{"lazaret_subscription_topic_lag",
                   "Messages of one of its topics that it has not taken over yet",
                   MetricType::Gauge,
                   {}};
  for (const QueueStats& stats : all) {
    for (const model::SourceStats& source : stats.sources) {
      lag.metric.push_back(metric(lag.type, of(source.lag), {{"queue", stats.queue.name}, {"topic", source.topic}}));
    }
  }
  families.push_back(std::move(published));
  families.push_back(std::move(subscriptions));
  families.push_back(std::move(lag));
}

void add_closed_cases(std::vector<MetricFamily>& families, const std::vector<QueueStats>& all) {
  MetricFamily closed{
      "lazaret_queue_closed_cases",
      "Cases that were closed and are kept now, which case_retention and case_retention_count bound: as "
      "the store counted them last, a moment ago; those that are not discarded are discharged",
      MetricType::Gauge,
      {}};
  for (const QueueStats& stats : all) {
    if (stats.queue.kind == model::Kind::topic) continue;
    const auto add = [&](const char* state, std::uint64_t count) {
      closed.metric.push_back(metric(closed.type, of(count), {{"queue", stats.queue.name}, {"state", state}}));
    };
    add("discharged", stats.closed_cases - stats.discarded_cases);
    add("discarded", stats.discarded_cases);
  }
  families.push_back(std::move(closed));
}

/// Of queues and of subscriptions, which are queues to whoever watches.
void add_queues(std::vector<MetricFamily>& families, const std::vector<QueueStats>& queues, base::Instant now) {
  for (const QueueMetric& kind : queue_metrics()) {
    MetricFamily& family = families.emplace_back(MetricFamily{kind.name, kind.help, kind.type, {}});
    for (const QueueStats& stats : queues) {
      if (stats.queue.kind == model::Kind::topic) continue;
      family.metric.push_back(metric(kind.type, kind.value(stats), {{"queue", stats.queue.name}}));
    }
  }
  add_closed_cases(families, queues);
  add_topics(families, queues);
  MetricFamily& age = families.emplace_back(
      MetricFamily{"lazaret_queue_oldest_ready_seconds", "Age of the oldest ready message", MetricType::Gauge, {}});
  for (const QueueStats& stats : queues) {
    if (!stats.oldest_ready_at) continue;
    age.metric.push_back(metric(age.type, seconds(now - *stats.oldest_ready_at), {{"queue", stats.queue.name}}));
  }
}

void add_engine(std::vector<MetricFamily>& families, const engine::EngineStats& stats) {
  const auto add = [&families](const char* name, const char* help, MetricType type, double value) {
    families.push_back({name, help, type, {metric(type, value)}});
  };
  const auto gauge = [&add](const char* name, const char* help, double value) {
    add(name, help, MetricType::Gauge, value);
  };
  const auto counter = [&add](const char* name, const char* help, std::uint64_t value) {
    add(name, help, MetricType::Counter, of(value));
  };
  gauge("lazaret_queues", "Queues", of(stats.queues));
  gauge("lazaret_sessions", "Sessions, the broker's own among them", of(stats.sessions));
  gauge("lazaret_instances", "Client processes known", of(stats.instances));
  gauge("lazaret_ingest_bytes", "Read from connections and not yet durable", of(stats.ingest_bytes));
  gauge("lazaret_held_effects", "Answers and deliveries that wait for the disk", of(stats.held_effects));
  gauge("lazaret_breakers_open", "Circuit breakers that are open or half open",
        static_cast<double>(stats.breakers_open));
  gauge("lazaret_hospitals_full", "Hospitals that are full: nothing is granted there but replays",
        static_cast<double>(stats.hospitals_full));
  gauge("lazaret_publishes_refused", "1 while the disk is too full for publishes", stats.publishes_refused ? 1 : 0);
  gauge("lazaret_looks_refused", "1 while the disk is too full for looks, which are noted",
        stats.looks_refused ? 1 : 0);
  gauge("lazaret_resuming", "1 while messages wait for their consumers after a start", stats.resuming ? 1 : 0);
  gauge("lazaret_draining", "1 while the broker stops", stats.draining ? 1 : 0);
  gauge("lazaret_last_commit_seconds", "The latest write and sync", seconds(stats.last_commit));
  gauge("lazaret_longest_commit_seconds", "The longest one since the start", seconds(stats.longest_commit));
  gauge("lazaret_relaxed_sync_max_seconds", "What a power loss takes, at most, of queues with durability relaxed",
        seconds(stats.relaxed_sync_max));
  gauge("lazaret_disk_free_bytes", "Free where the data directory is", of(stats.store.disk_free_bytes));
  gauge("lazaret_disk_total_bytes", "Size of that file system", of(stats.store.disk_total_bytes));
  gauge("lazaret_data_bytes", "Size of the data directory", of(stats.store.data_bytes));
  gauge("lazaret_memtable_bytes", "Written and not yet in SST files", of(stats.store.memtable_bytes));
  if (stats.backups.last_success) {
    gauge(
        "lazaret_backup_last_success_timestamp_seconds",
        "When the newest backup that is whole was asked for, in seconds since 1970; not there as long as none is known",
        static_cast<double>(stats.backups.last_success->us) / 1e6);
  }
  counter("lazaret_backup_failures_total", "Backups that failed, since the start", stats.backups.failures);
  counter("lazaret_steps_total", "Events that shards took", stats.steps);
  counter("lazaret_confirms_held_total", "Publish frames that were confirmed later, for consumers to catch up",
          stats.confirms_held);
  counter("lazaret_commits_total", "Group commits", stats.commits);
  counter("lazaret_committed_groups_total", "Parts that shards had in them", stats.committed_groups);
  counter("lazaret_syncs_total", "Syncs of the write-ahead log", stats.store.syncs);
  counter("lazaret_written_bytes_total", "Bytes written to the write-ahead log", stats.store.written_bytes);
}

}  // namespace

std::int64_t unaccounted(const QueueStats& queue) {
  const model::Counters& sums = queue.counters;
  const std::uint64_t known = queue.ready + queue.leased + queue.waiting + queue.scheduled + queue.held +
                              sums.in_hospital + sums.acked + sums.discarded + sums.expired + sums.purged +
                              sums.dropped + sums.lost_to_retention + sums.redirected;
  return static_cast<std::int64_t>(sums.entered) - static_cast<std::int64_t>(known);
}

std::string metrics_text(const engine::EngineStats& engine, const std::vector<QueueStats>& queues,
                         const alerts::AlertStats& alerts, const std::vector<model::CaseRecord>& oldest,
                         base::Instant now, const std::string& version) {
  std::vector<MetricFamily> families;
  families.push_back({"lazaret_info",
                      "The version that runs",
                      MetricType::Gauge,
                      {metric(MetricType::Gauge, 1, {{"version", version}})}});
  add_engine(families, engine);
  add_queues(families, queues, now);
  add_case_ages(families, oldest, now);
  add_alerts(families, alerts);
  return prometheus::TextSerializer().Serialize(families);
}

Result<Response> get_metrics(Broker& broker, const Request& request) {
  std::vector<QueueStats> all;
  std::string after;
  while (true) {
    const auto queues = broker.engine.directory().list(after, model::limits::kPageItems);
    if (queues.empty()) break;
    after = queues.back()->name;
    auto stats = show_queues(broker, queues, request.deadline);
    if (!stats.ok()) return stats.status();
    all.insert(all.end(), std::make_move_iterator(stats->begin()), std::make_move_iterator(stats->end()));
  }
  const auto oldest = broker.engine.store().oldest_open_cases(model::limits::kOldestCases);
  if (!oldest.ok()) return oldest.status();
  return Response{200,
                  "text/plain; version=0.0.4; charset=utf-8",
                  metrics_text(broker.engine.stats(), all, broker.alerts.stats(), *oldest, broker.engine.now(),
                               broker.config.version),
                  {}};
}

}  // namespace lazaret::admin
