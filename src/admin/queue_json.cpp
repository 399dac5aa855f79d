#include "admin/queue_json.h"

#include <limits>

#include "admin/json_text.h"
#include "base/duration_text.h"
#include "base/text_encoding.h"
#include "engine/shown_queue.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Status;

json::object consumer_json(const model::ConsumerStats& consumer) {
  json::array accepts;
  for (const std::string& word : consumer.accepts) accepts.push_back(json::string(base::to_utf8(word)));
  return {{"name", base::to_utf8(consumer.info.name)},
          {"host", base::to_utf8(consumer.info.host)},
          {"version", base::to_utf8(consumer.info.version)},
          {"in_flight", consumer.in_flight},
          {"begun", consumer.begun},
          {"accepts", std::move(accepts)}};
}

Status wrong(std::string_view option, std::string_view what) {
  return Status(Code::INVALID_OPTION, std::string(option) + " must be " + std::string(what));
}

Status read(std::string_view name, const json::value& value, std::optional<base::Duration>& into) {
  if (!value.is_string()) return wrong(name, "a duration such as \"30s\"");
  auto duration = base::parse_duration(std::string_view(value.get_string()));
  if (!duration.ok()) return Status(Code::INVALID_OPTION, std::string(name) + ": " + duration.status().text());
  into = *duration;
  return {};
}

Status read(std::string_view name, const json::value& value, std::optional<double>& into) {
  if (!value.is_number()) return wrong(name, "a number");
  into = value.to_number<double>();
  return {};
}

Status read(std::string_view name, const json::value& value, std::optional<std::uint32_t>& into) {
  boost::system::error_code error;
  const auto number = value.is_number() ? value.to_number<std::uint32_t>(error) : 0;
  if (!value.is_number() || error) return wrong(name, "a whole number");
  into = number;
  return {};
}

/// In a patch 0 stands for no limit; from outside only the word is taken for that.
Status read_max_attempts(const json::value& value, std::optional<std::uint32_t>& into) {
  if (value.is_string() && value.get_string() == "unlimited") {
    into = 0;
    return {};
  }
  if (!read("max_attempts", value, into).ok() || *into == 0) {
    return wrong("max_attempts", "a number from 1 to 10000, or \"unlimited\"");
  }
  return {};
}

Status read(std::string_view name, const json::value& value, std::optional<std::uint64_t>& into) {
  boost::system::error_code error;
  const auto number = value.is_number() ? value.to_number<std::uint64_t>(error) : 0;
  if (!value.is_number() || error) return wrong(name, "a whole number");
  into = number;
  return {};
}

Status read(std::string_view name, const json::value& value, std::optional<bool>& into) {
  if (!value.is_bool()) return wrong(name, "true or false");
  into = value.get_bool();
  return {};
}

/// One of some words, which whoever applies the patch knows.
Status read(std::string_view name, const json::value& value, std::string_view words, std::optional<std::string>& into) {
  if (!value.is_string()) return wrong(name, words);
  into = std::string(value.get_string());
  return {};
}

json::object breaker_json(const model::BreakerStats& breaker) {
  return {{"state", model::name_of(breaker.state)},
          {"since", time_or_null(breaker.since)},
          {"until", time_or_null(breaker.until)},
          {"failures", breaker.failures},
          {"samples", breaker.samples},
          {"opened_total", breaker.opened}};
}

json::object topic_json(const model::QueueStats& stats) {
  return {
      {"name", stats.queue.name},
      {"shard", stats.queue.shard.value},
      {"published_total", stats.counters.entered},
      {"subscriptions", stats.subscriptions},
      {"offsets_left_out", stats.offsets_left_out},
      {"created_at", time_or_null(stats.queue.created_at)},
      {"first_offset", stats.log_begin.value},
      {"next_offset", stats.log_end.value},
      {"durability", model::name_of(stats.queue.options.durability)},
      {"retain_for", base::format_duration(stats.queue.options.retain_for)},
      {"retention_age", base::format_duration(stats.queue.options.retention_age)},
      {"retention_messages", stats.queue.options.retention_messages},
      {"retention_bytes", stats.queue.options.retention_bytes},
      {"deduplicate_for", base::format_duration(stats.queue.options.deduplicate_for)},
  };
}

/// `topic` is a text where there is one, `topics` are all of them.
void add_topics(const model::QueueStats& stats, json::object& out) {
  out["topic"] = stats.queue.is_fan_in() ? json::value(nullptr) : json::value(json::string(stats.queue.topic));
  json::array topics;
  for (const std::string& topic : stats.queue.topics()) topics.push_back(json::string(topic));
  out["topics"] = std::move(topics);
  if (!stats.queue.is_fan_in()) return;
  json::array sources;
  for (const model::SourceStats& source : stats.sources) {
    sources.push_back(json::object{{"topic", source.topic},
                                   {"lag", source.lag},
                                   {"lost_to_retention_total", source.lost_to_retention},
                                   {"filtered_total", source.filtered},
                                   {"damaged", source.damaged},
                                   {"retention_used", source.retention_used}});
  }
  out["sources"] = std::move(sources);
}

}  // namespace

json::object options_json(const model::QueueOptions& options) {
  json::object out;
  if (options.max_attempts) {
    out["max_attempts"] = *options.max_attempts;
  } else {
    out["max_attempts"] = "unlimited";
  }
  out["backoff_initial"] = base::format_duration(options.backoff_initial);
  out["backoff_multiplier"] = options.backoff_multiplier;
  out["backoff_max"] = base::format_duration(options.backoff_max);
  out["backoff_jitter"] = options.backoff_jitter;
  out["lease_duration"] = base::format_duration(options.lease_duration);
  out["max_worker_deaths"] = options.max_worker_deaths;
  out["durability"] = model::name_of(options.durability);
  out["paused"] = options.paused;
  out["max_in_flight"] = options.max_in_flight;
  out["single_active_consumer"] = options.single_active_consumer;
  out["ttl"] = base::format_duration(options.ttl);
  out["on_expiry"] = model::name_of(options.on_expiry);
  out["order_by_key"] = options.order_by_key;
  out["on_key_failure"] = model::name_of(options.on_key_failure);
  out["case_retention"] = base::format_duration(options.case_retention);
  out["case_retention_count"] = options.case_retention_count;
  out["hospital_max_bytes"] = options.hospital_max_bytes;
  out["breaker"] = options.breaker;
  out["breaker_samples"] = options.breaker_samples;
  out["breaker_ratio"] = options.breaker_ratio;
  out["breaker_window"] = base::format_duration(options.breaker_window);
  out["breaker_pause"] = base::format_duration(options.breaker_pause);
  out["owner"] = base::to_utf8(options.owner);
  out["runbook"] = base::to_utf8(options.runbook);
  out["alert_to"] = base::to_utf8(options.alert_to);
  return out;
}

json::object queue_json(const model::QueueStats& stats) {
  if (stats.queue.kind == model::Kind::topic) return topic_json(stats);
  const model::Counters& counters = stats.counters;
  json::array consumers;
  for (const auto& consumer : stats.consumers) consumers.push_back(consumer_json(consumer));
  json::object out{
      {"name", stats.queue.name},
      {"shard", stats.queue.shard.value},
      {"ready", stats.ready},
      {"leased", stats.leased},
      {"waiting", stats.waiting},
      {"scheduled", stats.scheduled},
      {"held", stats.held},
      {"held_full", stats.held_full},
      {"in_hospital", counters.in_hospital},
      {"entered_total", counters.entered},
      {"acked_total", counters.acked},
      {"discarded_total", counters.discarded},
      {"expired_total", counters.expired},
      {"purged_total", counters.purged},
      {"dropped_total", counters.dropped},
      {"lost_to_retention_total", counters.lost_to_retention},
      {"redirected_total", counters.redirected},
      {"late_replies_total", counters.late_replies},
      {"lost_replies_total", counters.lost_replies},
      {"pending_requests", stats.pending_requests},
      {"suspects", stats.suspects},
      {"failed_attempts_total", stats.failed_attempts},
      {"unaccepted", stats.unaccepted},
      {"offsets_left_out", stats.offsets_left_out},
      {"cursor", stats.cursor.value},
      {"next_offset", stats.log_end.value},
      {"oldest_ready_at", time_or_null(stats.oldest_ready_at.value_or(base::Instant{}))},
      {"created_at", time_or_null(stats.queue.created_at)},
      {"consumers", std::move(consumers)},
  };
  out["breaker_status"] = breaker_json(stats.breaker);
  out["hospital_bytes"] = stats.hospital_bytes;
  out["hospital_level"] = model::name_of(stats.hospital_level);
  out["quarantines"] = stats.quarantines;
  out["caught_by_quarantines"] = stats.caught_by_quarantines;
  for (auto& option : options_json(stats.queue.options)) out.insert(option);
  if (stats.queue.kind == model::Kind::queue) {
    out["bytes"] = stats.bytes;
    out["max_messages"] = stats.queue.options.max_messages;
    out["max_bytes"] = stats.queue.options.max_bytes;
    out["overflow"] = model::name_of(stats.queue.options.overflow);
    out["deduplicate_for"] = base::format_duration(stats.queue.options.deduplicate_for);
  }
  if (stats.queue.kind == model::Kind::subscription) {
    add_topics(stats, out);
    out["start"] = model::text_of(stats.queue.start);
    out["filter"] = base::to_utf8(stats.queue.options.filter);
    out["ephemeral"] = stats.queue.options.ephemeral;
    out["filtered_total"] = counters.filtered;
    out["lag"] = engine::lag_of(stats);
    out["retention_used"] = stats.retention_used;
  }
  return out;
}

namespace {

/// Those that are for people.
base::Result<bool> read_contact(std::string_view name, const json::value& value, wire::OptionsPatch& patch) {
  Status status;
  if (name == "owner") {
    status = read(name, value, "a text", patch.owner);
  } else if (name == "runbook") {
    status = read(name, value, "a text", patch.runbook);
  } else if (name == "alert_to") {
    status = read(name, value, "a text", patch.alert_to);
  } else {
    return false;
  }
  if (!status.ok()) return status;
  return true;
}

/// Those of the circuit breaker.
base::Result<bool> read_breaker(std::string_view name, const json::value& value, wire::OptionsPatch& patch) {
  Status status;
  if (name == "breaker") {
    status = read(name, value, patch.breaker);
  } else if (name == "breaker_samples") {
    status = read(name, value, patch.breaker_samples);
  } else if (name == "breaker_ratio") {
    status = read(name, value, patch.breaker_ratio);
  } else if (name == "breaker_window") {
    status = read(name, value, patch.breaker_window);
  } else if (name == "breaker_pause") {
    status = read(name, value, patch.breaker_pause);
  } else {
    return read_contact(name, value, patch);
  }
  if (!status.ok()) return status;
  return true;
}

/// Those that narrow what is granted, or say how long a topic keeps messages.
base::Result<bool> read_more(std::string_view name, const json::value& value, wire::OptionsPatch& patch) {
  Status status;
  if (name == "paused") {
    status = read(name, value, patch.paused);
  } else if (name == "max_in_flight") {
    status = read(name, value, patch.max_in_flight);
  } else if (name == "single_active_consumer") {
    status = read(name, value, patch.single_active_consumer);
  } else if (name == "retain_for") {
    status = read(name, value, patch.retain_for);
  } else if (name == "retention_age") {
    status = read(name, value, patch.retention_age);
  } else if (name == "retention_messages") {
    status = read(name, value, patch.retention_messages);
  } else if (name == "retention_bytes") {
    status = read(name, value, patch.retention_bytes);
  } else if (name == "deduplicate_for") {
    status = read(name, value, patch.deduplicate_for);
  } else if (name == "ephemeral") {
    status = read(name, value, patch.ephemeral);
  } else if (name == "case_retention") {
    status = read(name, value, patch.case_retention);
  } else if (name == "case_retention_count") {
    status = read(name, value, patch.case_retention_count);
  } else if (name == "hospital_max_bytes") {
    status = read(name, value, patch.hospital_max_bytes);
  } else if (name == "filter") {
    status = read(name, value, "a text", patch.filter);
  } else if (name == "max_messages") {
    status = read(name, value, patch.max_messages);
  } else if (name == "max_bytes") {
    status = read(name, value, patch.max_bytes);
  } else if (name == "overflow") {
    status = read(name, value, "\"refuse\" or \"drop_oldest\"", patch.overflow);
  } else {
    return read_breaker(name, value, patch);
  }
  if (!status.ok()) return status;
  return true;
}

}  // namespace

base::Result<bool> read_option(std::string_view name, const json::value& value, wire::OptionsPatch& patch) {
  Status status;
  if (name == "max_attempts") {
    status = read_max_attempts(value, patch.max_attempts);
  } else if (name == "backoff_initial") {
    status = read(name, value, patch.backoff_initial);
  } else if (name == "backoff_multiplier") {
    status = read(name, value, patch.backoff_multiplier);
  } else if (name == "backoff_max") {
    status = read(name, value, patch.backoff_max);
  } else if (name == "backoff_jitter") {
    status = read(name, value, patch.backoff_jitter);
  } else if (name == "lease_duration") {
    status = read(name, value, patch.lease_duration);
  } else if (name == "max_worker_deaths") {
    status = read(name, value, patch.max_worker_deaths);
  } else if (name == "durability") {
    status = read(name, value, "\"fsync\" or \"relaxed\"", patch.durability);
  } else if (name == "order_by_key") {
    status = read(name, value, patch.order_by_key);
  } else if (name == "on_key_failure") {
    status = read(name, value, "\"continue\" or \"hold\"", patch.on_key_failure);
  } else if (name == "ttl") {
    status = read(name, value, patch.ttl);
  } else if (name == "on_expiry") {
    status = read(name, value, "\"drop\" or \"hospital\"", patch.on_expiry);
  } else {
    return read_more(name, value, patch);
  }
  if (!status.ok()) return status;
  return true;
}

}  // namespace lazaret::admin
