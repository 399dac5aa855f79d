#include "model/options.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/duration_text.h"
#include "base/text_encoding.h"
#include "model/filter.h"
#include "model/limits.h"

namespace lazaret::model {
namespace {

using base::Code;
using base::Duration;
using base::Status;

Status between(std::string_view option, Duration value, Duration least, Duration most) {
  if (value >= least && value <= most) return {};
  return Status(Code::INVALID_OPTION, std::string(option) + " must be between " + base::format_duration(least) +
                                          " and " + base::format_duration(most) + ", not " +
                                          base::format_duration(value));
}

Status between(std::string_view option, double value, double least, double most) {
  if (std::isfinite(value) && value >= least && value <= most) return {};
  return Status(Code::INVALID_OPTION,
                std::string(option) + " must be between " + std::to_string(least) + " and " + std::to_string(most));
}

/// They are shown to people in JSON, one line each.
Status text_within(std::string_view option, std::string_view text, std::size_t most) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (text.size() <= most && base::is_utf8(text) && std::none_of(text.begin(), text.end(), is_control)) return {};
  return Status(Code::INVALID_OPTION,
                std::string(option) + " must be a line of UTF-8 of at most " + std::to_string(most) + " bytes");
}

std::string attempts_text(const QueueOptions& options) {
  return options.max_attempts ? std::to_string(*options.max_attempts) : "\"unlimited\"";
}

/// Of a name that is none, in the sentence that refuses it.
constexpr std::size_t kShownOfAName = 64;

/// A table: every publish has a name to be looked at.
constexpr std::array<bool, 256> kNameCharacters = [] {
  std::array<bool, 256> characters{};
  for (const unsigned char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")) {
    characters[c] = true;
  }
  return characters;
}();

}  // namespace

std::string_view name_of(Durability durability) { return durability == Durability::relaxed ? "relaxed" : "fsync"; }

std::optional<Durability> durability_of(std::string_view name) {
  for (const Durability durability : {Durability::fsync, Durability::relaxed}) {
    if (name == name_of(durability)) return durability;
  }
  return std::nullopt;
}

std::string_view name_of(OnExpiry on_expiry) { return on_expiry == OnExpiry::hospital ? "hospital" : "drop"; }

std::optional<OnExpiry> on_expiry_of(std::string_view name) {
  for (const OnExpiry on_expiry : {OnExpiry::drop, OnExpiry::hospital}) {
    if (name == name_of(on_expiry)) return on_expiry;
  }
  return std::nullopt;
}

std::string_view name_of(Overflow overflow) { return overflow == Overflow::drop_oldest ? "drop_oldest" : "refuse"; }

std::optional<Overflow> overflow_of(std::string_view name) {
  for (const Overflow overflow : {Overflow::refuse, Overflow::drop_oldest}) {
    if (name == name_of(overflow)) return overflow;
  }
  return std::nullopt;
}

std::string_view name_of(KeyFailure rule) { return rule == KeyFailure::hold ? "hold" : "continue"; }

std::optional<KeyFailure> key_failure_of(std::string_view name) {
  for (const KeyFailure rule : {KeyFailure::go_on, KeyFailure::hold}) {
    if (name == name_of(rule)) return rule;
  }
  return std::nullopt;
}

base::Result<QueueOptions> OptionsPatch::apply_to(QueueOptions options) const {
  if (max_attempts) {
    options.max_attempts = *max_attempts == 0 ? std::nullopt : std::optional(*max_attempts);
  }
  options.backoff_initial = backoff_initial.value_or(options.backoff_initial);
  options.backoff_multiplier = backoff_multiplier.value_or(options.backoff_multiplier);
  options.backoff_max = backoff_max.value_or(options.backoff_max);
  options.backoff_jitter = backoff_jitter.value_or(options.backoff_jitter);
  options.lease_duration = lease_duration.value_or(options.lease_duration);
  options.max_worker_deaths = max_worker_deaths.value_or(options.max_worker_deaths);
  if (durability) {
    const auto named = durability_of(*durability);
    if (!named) return Status(Code::INVALID_OPTION, "durability must be \"fsync\" or \"relaxed\"");
    options.durability = *named;
  }
  options.paused = paused.value_or(options.paused);
  options.max_in_flight = max_in_flight.value_or(options.max_in_flight);
  options.single_active_consumer = single_active_consumer.value_or(options.single_active_consumer);
  options.retain_for = retain_for.value_or(options.retain_for);
  options.retention_age = retention_age.value_or(options.retention_age);
  options.retention_messages = retention_messages.value_or(options.retention_messages);
  options.retention_bytes = retention_bytes.value_or(options.retention_bytes);
  options.ttl = ttl.value_or(options.ttl);
  if (on_expiry) {
    const auto named = on_expiry_of(*on_expiry);
    if (!named) return Status(Code::INVALID_OPTION, "on_expiry must be \"drop\" or \"hospital\"");
    options.on_expiry = *named;
  }
  options.max_messages = max_messages.value_or(options.max_messages);
  options.max_bytes = max_bytes.value_or(options.max_bytes);
  if (overflow) {
    const auto named = overflow_of(*overflow);
    if (!named) return Status(Code::INVALID_OPTION, "overflow must be \"refuse\" or \"drop_oldest\"");
    options.overflow = *named;
  }
  options.order_by_key = order_by_key.value_or(options.order_by_key);
  if (on_key_failure) {
    const auto named = key_failure_of(*on_key_failure);
    if (!named) return Status(Code::INVALID_OPTION, "on_key_failure must be \"continue\" or \"hold\"");
    options.on_key_failure = *named;
  }
  options.filter = filter.value_or(options.filter);
  options.deduplicate_for = deduplicate_for.value_or(options.deduplicate_for);
  options.ephemeral = ephemeral.value_or(options.ephemeral);
  options.case_retention = case_retention.value_or(options.case_retention);
  options.case_retention_count = case_retention_count.value_or(options.case_retention_count);
  options.hospital_max_bytes = hospital_max_bytes.value_or(options.hospital_max_bytes);
  options.breaker = breaker.value_or(options.breaker);
  options.breaker_samples = breaker_samples.value_or(options.breaker_samples);
  options.breaker_ratio = breaker_ratio.value_or(options.breaker_ratio);
  options.breaker_window = breaker_window.value_or(options.breaker_window);
  options.breaker_pause = breaker_pause.value_or(options.breaker_pause);
  options.owner = owner.value_or(options.owner);
  options.runbook = runbook.value_or(options.runbook);
  options.alert_to = alert_to.value_or(options.alert_to);
  return options;
}

OptionsPatch OptionsPatch::of(const QueueOptions& options) {
  OptionsPatch patch;
  patch.max_attempts = options.max_attempts.value_or(0);
  patch.backoff_initial = options.backoff_initial;
  patch.backoff_multiplier = options.backoff_multiplier;
  patch.backoff_max = options.backoff_max;
  patch.backoff_jitter = options.backoff_jitter;
  patch.lease_duration = options.lease_duration;
  patch.max_worker_deaths = options.max_worker_deaths;
  patch.durability = name_of(options.durability);
  patch.paused = options.paused;
  patch.max_in_flight = options.max_in_flight;
  patch.single_active_consumer = options.single_active_consumer;
  patch.retain_for = options.retain_for;
  patch.retention_age = options.retention_age;
  patch.retention_messages = options.retention_messages;
  patch.retention_bytes = options.retention_bytes;
  patch.ttl = options.ttl;
  patch.on_expiry = name_of(options.on_expiry);
  patch.max_messages = options.max_messages;
  patch.max_bytes = options.max_bytes;
  patch.overflow = name_of(options.overflow);
  patch.order_by_key = options.order_by_key;
  patch.on_key_failure = name_of(options.on_key_failure);
  patch.filter = options.filter;
  patch.deduplicate_for = options.deduplicate_for;
  patch.ephemeral = options.ephemeral;
  patch.case_retention = options.case_retention;
  patch.case_retention_count = options.case_retention_count;
  patch.hospital_max_bytes = options.hospital_max_bytes;
  patch.breaker = options.breaker;
  patch.breaker_samples = options.breaker_samples;
  patch.breaker_ratio = options.breaker_ratio;
  patch.breaker_window = options.breaker_window;
  patch.breaker_pause = options.breaker_pause;
  patch.owner = options.owner;
  patch.runbook = options.runbook;
  patch.alert_to = options.alert_to;
  return patch;
}

Status OptionsPatch::validate_for(Kind kind) const {
  const bool delivery = max_attempts || backoff_initial || backoff_multiplier || backoff_max || backoff_jitter ||
                        lease_duration || max_worker_deaths || paused || max_in_flight || single_active_consumer ||
                        ttl || on_expiry || order_by_key || on_key_failure || case_retention || case_retention_count ||
                        hospital_max_bytes || breaker || breaker_samples || breaker_ratio || breaker_window ||
                        breaker_pause || owner || runbook || alert_to;
  if (kind == Kind::topic && delivery) {
    return Status(Code::INVALID_OPTION,
                  "a topic has no consumers: its options are durability, retain_for, retention_* and deduplicate_for, "
                  "the others are "
                  "its subscriptions'");
  }
  if (kind != Kind::topic && (retain_for || retention_age || retention_messages || retention_bytes)) {
    return Status(Code::INVALID_OPTION, "retain_for and retention_* are options of topics");
  }
  if (kind != Kind::queue && (max_messages || max_bytes || overflow)) {
    return Status(Code::INVALID_OPTION,
                  "max_messages, max_bytes and overflow are options of queues: a topic has retention_*");
  }
  if (kind != Kind::subscription && filter && !filter->empty()) {
    return Status(Code::INVALID_OPTION, "filter is an option of subscriptions: a queue takes what is published to it");
  }
  if (kind == Kind::subscription && deduplicate_for) {
    return Status(Code::INVALID_OPTION, "deduplicate_for is an option of queues and topics, where messages are stored");
  }
  if (kind != Kind::subscription && ephemeral.value_or(false)) {
    return Status(Code::INVALID_OPTION, "ephemeral is an option of subscriptions: what is published stays");
  }
  if (kind == Kind::subscription && durability) {
    return Status(Code::INVALID_OPTION, "the durability of a subscription is its topic's");
  }
  return {};
}

Status validate(const QueueOptions& options) {
  using namespace std::chrono_literals;
  if (options.max_attempts && (*options.max_attempts == 0 || *options.max_attempts > 10'000)) {
    return Status(Code::INVALID_OPTION, "max_attempts must be 1 to 10000, or \"unlimited\"");
  }
  if (options.max_worker_deaths == 0 || options.max_worker_deaths > 100) {
    return Status(Code::INVALID_OPTION, "max_worker_deaths must be 1 to 100");
  }
  if (options.overflow != Overflow::refuse && options.overflow != Overflow::drop_oldest) {
    return Status(Code::INVALID_OPTION, "overflow must be \"refuse\" or \"drop_oldest\"");
  }
  if (options.durability != Durability::fsync && options.durability != Durability::relaxed) {
    return Status(Code::INVALID_OPTION, "durability must be \"fsync\" or \"relaxed\"");
  }
  if (options.on_key_failure != KeyFailure::go_on && options.on_key_failure != KeyFailure::hold) {
    return Status(Code::INVALID_OPTION, "on_key_failure must be \"continue\" or \"hold\"");
  }
  if (options.on_key_failure == KeyFailure::hold && !options.order_by_key) {
    return Status(Code::INVALID_OPTION, "on_key_failure \"hold\" needs order_by_key");
  }
  if (const auto filter = Filter::parse(options.filter); !filter.ok()) return filter.status();
  if (options.deduplicate_for.count() < 0 || options.deduplicate_for > limits::kDeduplicateMost) {
    return Status(Code::INVALID_OPTION, "deduplicate_for must be 0s to 7d");
  }
  LZ_RETURN_IF_ERROR(between("retain_for", options.retain_for, 0s, 24h * 3660));
  LZ_RETURN_IF_ERROR(between("retention_age", options.retention_age, 0s, 24h * 3660));
  if (options.on_expiry != OnExpiry::drop && options.on_expiry != OnExpiry::hospital) {
    return Status(Code::INVALID_OPTION, "on_expiry must be \"drop\" or \"hospital\"");
  }
  LZ_RETURN_IF_ERROR(between("ttl", options.ttl, 0s, limits::kDelayMost));
  LZ_RETURN_IF_ERROR(
      between("case_retention", options.case_retention, limits::kCaseRetentionLeast, limits::kCaseRetentionMost));
  if (options.case_retention_count > limits::kCaseRetentionCountMost) {
    return Status(Code::INVALID_OPTION, "case_retention_count must be at most 1000000000");
  }
  if (options.hospital_max_bytes > limits::kHospitalBytesMost) {
    return Status(Code::INVALID_OPTION, "hospital_max_bytes must be at most 2^60");
  }
  LZ_RETURN_IF_ERROR(between("backoff_initial", options.backoff_initial, 0s, 24h * 7));
  LZ_RETURN_IF_ERROR(between("backoff_max", options.backoff_max, 0s, 24h * 7));
  LZ_RETURN_IF_ERROR(between("backoff_multiplier", options.backoff_multiplier, 1, 100));
  if (options.breaker_samples == 0 || options.breaker_samples > 1'000'000) {
    return Status(Code::INVALID_OPTION, "breaker_samples must be 1 to 1000000");
  }
  LZ_RETURN_IF_ERROR(between("breaker_ratio", options.breaker_ratio, 0.01, 1));
  LZ_RETURN_IF_ERROR(between("breaker_window", options.breaker_window, 1s, 1h));
  LZ_RETURN_IF_ERROR(between("breaker_pause", options.breaker_pause, 100ms, 1h));
  LZ_RETURN_IF_ERROR(text_within("owner", options.owner, limits::kOwnerBytes));
  LZ_RETURN_IF_ERROR(text_within("runbook", options.runbook, limits::kRunbookBytes));
  LZ_RETURN_IF_ERROR(text_within("alert_to", options.alert_to, limits::kAlertToBytes));
  LZ_RETURN_IF_ERROR(between("backoff_jitter", options.backoff_jitter, 0, 1));
  return between("lease_duration", options.lease_duration, 100ms, 12h);
}

std::vector<OptionDifference> differences(const QueueOptions& have, const QueueOptions& asked) {
  std::vector<OptionDifference> all;
  const auto differs = [&all](std::string_view option, const std::string& is, const std::string& wanted) {
    if (is != wanted) all.push_back({std::string(option), is, wanted});
  };
  const auto time = [&](std::string_view option, Duration is, Duration wanted) {
    differs(option, base::format_duration(is), base::format_duration(wanted));
  };
  differs("max_attempts", attempts_text(have), attempts_text(asked));
  time("backoff_initial", have.backoff_initial, asked.backoff_initial);
  differs("backoff_multiplier", std::to_string(have.backoff_multiplier), std::to_string(asked.backoff_multiplier));
  time("backoff_max", have.backoff_max, asked.backoff_max);
  differs("backoff_jitter", std::to_string(have.backoff_jitter), std::to_string(asked.backoff_jitter));
  time("lease_duration", have.lease_duration, asked.lease_duration);
  differs("max_worker_deaths", std::to_string(have.max_worker_deaths), std::to_string(asked.max_worker_deaths));
  differs("durability", std::string(name_of(have.durability)), std::string(name_of(asked.durability)));
  const auto number = [&](std::string_view option, std::uint64_t is, std::uint64_t wanted) {
    differs(option, std::to_string(is), std::to_string(wanted));
  };
  const auto flag = [&](std::string_view option, bool is, bool wanted) {
    differs(option, is ? "true" : "false", wanted ? "true" : "false");
  };
  flag("paused", have.paused, asked.paused);
  number("max_in_flight", have.max_in_flight, asked.max_in_flight);
  flag("single_active_consumer", have.single_active_consumer, asked.single_active_consumer);
  time("retain_for", have.retain_for, asked.retain_for);
  time("retention_age", have.retention_age, asked.retention_age);
  number("retention_messages", have.retention_messages, asked.retention_messages);
  number("retention_bytes", have.retention_bytes, asked.retention_bytes);
  time("ttl", have.ttl, asked.ttl);
  differs("on_expiry", std::string(name_of(have.on_expiry)), std::string(name_of(asked.on_expiry)));
  number("max_messages", have.max_messages, asked.max_messages);
  number("max_bytes", have.max_bytes, asked.max_bytes);
  differs("overflow", std::string(name_of(have.overflow)), std::string(name_of(asked.overflow)));
  flag("order_by_key", have.order_by_key, asked.order_by_key);
  differs("on_key_failure", std::string(name_of(have.on_key_failure)), std::string(name_of(asked.on_key_failure)));
  time("deduplicate_for", have.deduplicate_for, asked.deduplicate_for);
  flag("ephemeral", have.ephemeral, asked.ephemeral);
  time("case_retention", have.case_retention, asked.case_retention);
  number("case_retention_count", have.case_retention_count, asked.case_retention_count);
  number("hospital_max_bytes", have.hospital_max_bytes, asked.hospital_max_bytes);
  flag("breaker", have.breaker, asked.breaker);
  number("breaker_samples", have.breaker_samples, asked.breaker_samples);
  differs("breaker_ratio", std::to_string(have.breaker_ratio), std::to_string(asked.breaker_ratio));
  time("breaker_window", have.breaker_window, asked.breaker_window);
  time("breaker_pause", have.breaker_pause, asked.breaker_pause);
  const auto text_option = [&](std::string_view option, const std::string& is, const std::string& wanted) {
    differs(option, "'" + is + "'", "'" + wanted + "'");
  };
  text_option("owner", have.owner, asked.owner);
  text_option("runbook", have.runbook, asked.runbook);
  text_option("alert_to", have.alert_to, asked.alert_to);
  differs("filter", "'" + have.filter + "'", "'" + asked.filter + "'");
  return all;
}

std::string difference(const QueueOptions& have, const QueueOptions& asked) {
  std::string text;
  for (const OptionDifference& one : differences(have, asked)) {
    if (!text.empty()) text += "; ";
    text += one.option + " is " + one.have + ", asked for " + one.asked;
  }
  return text;
}

Status check_alert_to(const OptionsPatch& patch, const std::vector<std::string>& webhooks) {
  if (!patch.alert_to || patch.alert_to->empty()) return {};
  if (std::find(webhooks.begin(), webhooks.end(), *patch.alert_to) != webhooks.end()) return {};
  std::string known;
  for (const std::string& name : webhooks) known += (known.empty() ? "" : ", ") + name;
  return Status(Code::BAD_REQUEST, "alert_to: the broker's configuration has no webhook \"" + *patch.alert_to + "\"; " +
                                       (known.empty() ? "it has none" : "there are " + known));
}

Status validate_name(std::string_view name) {
  const bool characters =
      std::all_of(name.begin(), name.end(), [](char c) { return kNameCharacters[static_cast<unsigned char>(c)]; });
  if (name.empty() || name.size() > limits::kNameBytes || !characters || name.starts_with("lazaret.")) {
    const std::string shown = base::to_utf8(name.substr(0, kShownOfAName)) + (name.size() > kShownOfAName ? "…" : "");
    const std::string length = name.size() > limits::kNameBytes ? ", this one " + std::to_string(name.size()) : "";
    return Status(Code::INVALID_NAME,
                  "'" + shown + "': " + std::string(base::error_info(Code::INVALID_NAME).sentence) + length)
        .with_limit("name_bytes", static_cast<std::int64_t>(limits::kNameBytes));
  }
  return {};
}

}  // namespace lazaret::model
