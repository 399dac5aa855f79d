// QueueOptions: what a queue's owner decides. The same words in JSON, TOML, protobuf and on the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "model/kind.h"

namespace lazaret::model {

enum class Durability : std::uint8_t {
  fsync = 1,    // confirmed when it is on the disk
  relaxed = 2,  // confirmed when the kernel has it; on the disk within storage.relaxed_sync_max
};
/// "fsync" or "relaxed".
std::string_view name_of(Durability durability);
std::optional<Durability> durability_of(std::string_view name);

/// What becomes of a message that is past its time to live.
enum class OnExpiry : std::uint8_t {
  drop = 1,      // it is dropped, and counted (`expired_total`)
  hospital = 2,  // it becomes a case, with reason `expired`
};
/// "drop" or "hospital".
std::string_view name_of(OnExpiry on_expiry);
std::optional<OnExpiry> on_expiry_of(std::string_view name);
/// What becomes of a publish to a queue that is full.
enum class Overflow : std::uint8_t {
  refuse = 1,       // RESOURCE_EXHAUSTED, naming the limit
  drop_oldest = 2,  // the oldest that nobody has goes, and is counted as dropped
};
/// "refuse" or "drop_oldest".
std::string_view name_of(Overflow overflow);
std::optional<Overflow> overflow_of(std::string_view name);
/// What becomes of an ordering key when one of its messages is admitted to the hospital.
enum class KeyFailure : std::uint8_t {
  go_on = 1,  // "continue": the messages behind it go on
  hold = 2,   // they wait until the case is resolved
};
/// "continue" or "hold".
std::string_view name_of(KeyFailure rule);
std::optional<KeyFailure> key_failure_of(std::string_view name);

struct QueueOptions {
  /// Failed attempts, the first delivery included, after which a message becomes a case. nullopt: "unlimited".
  std::optional<std::uint32_t> max_attempts = 5;
  /// Wait before attempt n+1: initial × multiplier^(n-1), at most max, ± jitter (a fraction, 0 to 1).
  base::Duration backoff_initial = std::chrono::seconds(1);
  double backoff_multiplier = 5;
  base::Duration backoff_max = std::chrono::minutes(10);
  double backoff_jitter = 0.2;
  /// How long a begun message stays with its consumer without a sign of life from it. 100ms to 12h.
  base::Duration lease_duration = std::chrono::seconds(30);
  /// Lost instances that a message may be convicted of before it is admitted as a worker killer. 1 to 100.
  std::uint32_t max_worker_deaths = 2;
  /// What a confirm of a publish or of an ack promises. Cases and what is done to them are always on the disk first.
  Durability durability = Durability::fsync;
  /// Nothing is granted; what is out already goes on.
  bool paused = false;
  /// The circuit breaker: of at least so many attempts that ended within the window, this fraction failed; then nothing
  /// is granted for the pause, and one at a time thereafter (core/breaker.h). There is none where max_attempts is 1.
  bool breaker = true;
  std::uint32_t breaker_samples = 100;
  double breaker_ratio = 0.9;
  base::Duration breaker_window = std::chrono::seconds(30);
  base::Duration breaker_pause = std::chrono::seconds(10);
  /// Messages that may be leased at a time, over all consumers. 0: as many as their credit takes.
  std::uint32_t max_in_flight = 0;
  /// One consumer gets everything, the first that came; the next takes over when it is gone and has nothing out.
  bool single_active_consumer = false;
  /// Of a topic: how long messages stay after all subscriptions have read them, so that new ones can begin in the past,
  /// and old ones can be moved back. 0: no longer than they are needed.
  base::Duration retain_for{};
  /// Of a topic: what is older, or lies further back than so many messages or bytes, goes although subscriptions have
  /// not read it; they count it as lost to retention. In steps of a sixteenth. 0: nothing is lost that way.
  base::Duration retention_age{};
  std::uint64_t retention_messages = 0;
  std::uint64_t retention_bytes = 0;
  /// Time to live: how long after it was published, or after its delay is over, a message is delivered; besides what
  /// the message says itself. 0: without end. At most kDelayMost.
  base::Duration ttl{};
  /// What becomes of those whose time is over.
  OnExpiry on_expiry = OnExpiry::drop;
  /// Of a queue: how many messages, and about how many bytes of them, it holds at most: ready, leased, waiting,
  /// scheduled and held ones, not those in the hospital. 0: no limit.
  std::uint64_t max_messages = 0;
  std::uint64_t max_bytes = 0;
  Overflow overflow = Overflow::refuse;
  /// At most one message of a key is out, in the order of their offsets, retries included. Fixed at creation.
  bool order_by_key = false;
  /// Only with order_by_key.
  KeyFailure on_key_failure = KeyFailure::go_on;
  /// Of a subscription: what it takes of its topic (model/filter.h). "": everything.
  std::string filter;
  /// Of a queue or topic: a message whose id came within this time is not stored again, and its publisher is told where
  /// the first one is. The last kRememberedIds are known. 0: not by ids. At most kDeduplicateMost.
  base::Duration deduplicate_for{};
  /// Of a subscription: it goes, with what it has not settled, when it has had no consumer for kEphemeralWaits.
  bool ephemeral = false;
  /// How long a closed case is kept, with its attempts and versions: until then one that was discarded can be restored.
  base::Duration case_retention = std::chrono::hours(24 * 30);
  /// So many closed cases are kept at most: when there are more, those that were closed longest ago go, as if their
  /// `case_retention` were over. 0: any number. At most kCaseRetentionCountMost.
  std::uint64_t case_retention_count = 0;
  /// The byte budget of its hospital: how much its cases may keep of messages (model/hospital_budget.h) before nothing
  /// but replays is granted. 0: as much as they need. Far beyond what people look through, and a part of any disk.
  std::uint64_t hospital_max_bytes = 10ull << 30;
  /// For people, who see them beside cases, groups and alerts: whose it is, what to do (a text or an address), and the
  /// webhook of the configuration that alerts about it go to. "": nobody's, nothing, the default one. At most
  /// kOwnerBytes, kRunbookBytes, kAlertToBytes.
  std::string owner;
  std::string runbook;
  std::string alert_to;

  bool operator==(const QueueOptions&) const = default;
};

/// Options as asked for: what is left out takes the broker's default (create) or stays as it is (update).
struct OptionsPatch {
  std::optional<std::uint32_t> max_attempts;  // 0: unlimited
  std::optional<base::Duration> backoff_initial;
  std::optional<double> backoff_multiplier;
  std::optional<base::Duration> backoff_max;
  std::optional<double> backoff_jitter;
  std::optional<base::Duration> lease_duration;
  std::optional<std::uint32_t> max_worker_deaths;
  std::optional<std::string> durability;
  std::optional<bool> paused;
  std::optional<std::uint32_t> max_in_flight;
  std::optional<bool> single_active_consumer;
  std::optional<base::Duration> retain_for;
  std::optional<base::Duration> retention_age;
  std::optional<std::uint64_t> retention_messages;
  std::optional<std::uint64_t> retention_bytes;
  std::optional<base::Duration> ttl;  // 0: without end
  std::optional<std::string> on_expiry;
  std::optional<std::uint64_t> max_messages;
  std::optional<std::uint64_t> max_bytes;
  std::optional<std::string> overflow;
  std::optional<bool> order_by_key;
  std::optional<std::string> on_key_failure;
  std::optional<std::string> filter;  // "": everything
  std::optional<base::Duration> deduplicate_for;
  std::optional<bool> ephemeral;
  std::optional<base::Duration> case_retention;
  std::optional<std::uint64_t> case_retention_count;  // 0: any number
  std::optional<std::uint64_t> hospital_max_bytes;
  std::optional<bool> breaker;
  std::optional<std::uint32_t> breaker_samples;
  std::optional<double> breaker_ratio;
  std::optional<base::Duration> breaker_window;
  std::optional<base::Duration> breaker_pause;
  std::optional<std::string> owner;
  std::optional<std::string> runbook;
  std::optional<std::string> alert_to;

  /// `options` with what is given here; INVALID_OPTION for a word that there is not. Validate the outcome.
  base::Result<QueueOptions> apply_to(QueueOptions options) const;
  static OptionsPatch of(const QueueOptions& options);
  /// INVALID_OPTION when one is named that there is not for this kind: what is about consumers is of
  /// queues and subscriptions, what is about a log and how long it stays of topics, `durability` of queues and topics.
  base::Status validate_for(Kind kind) const;
};

/// INVALID_OPTION naming the option and what is allowed, or OK.
base::Status validate(const QueueOptions& options);
/// An option that two differ in, as text.
struct OptionDifference {
  std::string option;
  std::string have;
  std::string asked;
};
std::vector<OptionDifference> differences(const QueueOptions& have, const QueueOptions& asked);
/// "lease_duration is 30s, asked for 10s; …": every option that differs, or "".
std::string difference(const QueueOptions& have, const QueueOptions& asked);
/// BAD_REQUEST naming the webhooks that there are, or OK: `alert_to` is one of them, or "".
base::Status check_alert_to(const OptionsPatch& patch, const std::vector<std::string>& webhooks);
/// INVALID_NAME, or OK: 1 to 200 of A–Z a–z 0–9 . _ -, not beginning with "lazaret.".
base::Status validate_name(std::string_view name);

}  // namespace lazaret::model
