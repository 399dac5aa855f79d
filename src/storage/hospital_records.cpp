// The hospital's records: cases, groups, and what a filter asks of a message.
#include <algorithm>

#include "base/zstd.h"
#include "lazaret/storage/v1/records.pb.h"
#include "lazaret/wire/v1/envelope.pb.h"
#include "model/fingerprint.h"
#include "storage/records.h"

namespace lazaret::storage {
namespace {

using base::Instant;

template <class Proto>
bool parse(std::string_view bytes, Proto& proto) {
  return proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

/// What is missing at the end is 0, and what is too much is left out.
template <class Repeated, class Numbers>
void copy(const Repeated& in, Numbers& out) {
  const auto count = std::min<std::size_t>(static_cast<std::size_t>(in.size()), out.size());
  std::copy_n(in.begin(), count, out.begin());
}

void fill(v1::CaseOrigin& out, const model::CaseOrigin& origin) {
  out.set_shard(origin.id.shard.value);
  out.set_subscription(origin.id.subscription.value);
  out.set_log(origin.id.log.value);
  out.set_offset(origin.id.offset.value);
  out.set_message_id(origin.message_id.raw().data(), 16);
  out.set_admitted_at_us(origin.admitted_at.us);
}

model::CaseOrigin origin_of(const v1::CaseOrigin& in) {
  return {{model::ShardId(static_cast<std::uint16_t>(in.shard())), model::SubscriptionId(in.subscription()),
           model::LogId(in.log()), model::Offset(in.offset())},
          base::Uuid::from_raw(in.message_id()).value_or(base::Uuid()),
          Instant{in.admitted_at_us()}};
}

void fill(v1::CaseEvent& out, const model::CaseEvent& event) {
  out.set_at_us(event.at.us);
  out.set_what(static_cast<std::uint32_t>(event.what));
  out.set_by(event.by);
  out.set_job(event.job.value);
  out.set_reason(event.reason);
  out.set_to(event.to);
}

model::CaseEvent event_of(const v1::CaseEvent& in) {
  return {Instant{in.at_us()},
          static_cast<model::CaseChange>(in.what()),
          in.by(),
          model::ReplayJobId(in.job()),
          in.reason(),
          in.to()};
}

void fill(v1::Group& out, const model::Snooze& snooze) {
  out.set_snoozed_until_us(snooze.until.us);
  out.set_snoozed_until_version(snooze.until_version);
  out.set_snoozed_until_rate_cases(snooze.until_rate.cases);
  out.set_snoozed_until_rate_per_us(snooze.until_rate.per.count());
  out.set_snoozed_at_us(snooze.set_at.us);
  out.set_woken_at_us(snooze.woken_at.us);
  out.set_woken_by(snooze.woken_by);
  if (snooze.until_rate.cases == 0) return;
  out.set_pace_slice(snooze.pace.slice);
  for (const std::uint32_t count : snooze.pace.counts) out.add_pace_counts(count);
}

model::Snooze snooze_of(const v1::Group& in) {
  model::Snooze snooze;
  snooze.until = Instant{in.snoozed_until_us()};
  snooze.until_version = in.snoozed_until_version();
  // A time that nobody writes would divide by nothing.
  if (in.snoozed_until_rate_per_us() >= base::Duration(std::chrono::minutes(1)).count()) {
    snooze.until_rate = {in.snoozed_until_rate_cases(), base::Duration(in.snoozed_until_rate_per_us())};
  }
  snooze.set_at = Instant{in.snoozed_at_us()};
  snooze.woken_at = Instant{in.woken_at_us()};
  snooze.woken_by = in.woken_by();
  snooze.pace.slice = in.pace_slice();
  copy(in.pace_counts(), snooze.pace.counts);
  return snooze;
}

}  // namespace

std::string encode(const model::CaseRecord& record) {
  v1::Case out;
  out.set_subscription(record.subscription);
  out.set_source(record.source);
  out.set_message_id(record.summary.message_id.raw().data(), 16);
  out.set_type(record.summary.type);
  out.set_key(record.summary.key);
  out.set_correlation_id(record.summary.correlation_id);
  out.set_body_bytes(record.summary.body_bytes);
  out.set_priority(record.summary.priority);
  out.set_reason(static_cast<std::uint32_t>(record.reason));
  out.set_state(static_cast<std::uint32_t>(record.state));
  out.set_attempt_count(record.attempt_count);
  out.set_failure_count(record.failure_count);
  out.set_replay_count(record.replay_count);
  out.set_relapse_count(record.relapse_count);
  out.mutable_last_error()->set_type(record.last_error.type);
  out.mutable_last_error()->set_message(record.last_error.message);
  out.mutable_last_error()->set_details(record.last_error.details);
  out.set_admitted_at_us(record.admitted_at.us);
  out.set_first_admitted_at_us(record.first_admitted_at.us);
  out.set_closed_at_us(record.closed_at.us);
  out.set_late_ack(record.late_ack);
  out.set_discard_reason(record.discard_reason);
  out.set_key_hash(record.key.value);
  out.set_source_log(record.summary.published.log.value);
  out.set_source_offset(record.summary.published.offset.value);
  out.set_consumer_name(record.consumer_name);
  out.set_consumer_version(record.consumer_version);
  out.set_error_frames(record.error_frames);
  out.set_group(record.group.value);
  out.set_version(record.version);
  out.set_redirected_to(record.redirected_to);
  out.set_replay_job(record.replay_job.value);
  out.set_replay_outcome(static_cast<std::uint32_t>(record.replay_outcome));
  out.set_quarantine(record.quarantine);
  if (record.origin) fill(*out.mutable_origin(), *record.origin);
  out.set_message_bytes(record.message_bytes);
  out.set_edited_bytes(record.edited_bytes);
  for (const model::CaseEvent& event : record.history) fill(*out.add_history(), event);
  out.set_history_left_out(record.history_left_out);
  return out.SerializeAsString();
}
bool decode(std::string_view bytes, model::CaseRecord& record) {
  v1::Case in;
  if (!parse(bytes, in)) return false;
  record.subscription = in.subscription();
  record.source = in.source();
  record.summary = {base::Uuid::from_raw(in.message_id()).value_or(base::Uuid()),
                    in.type(),
                    in.key(),
                    in.correlation_id(),
                    in.body_bytes(),
                    static_cast<std::uint8_t>(in.priority() > model::kHighestPriority ? 0 : in.priority()),
                    {model::LogId(in.source_log()), model::Offset(in.source_offset())}};
  record.reason = static_cast<model::CaseReason>(in.reason());
  record.state = static_cast<model::CaseState>(in.state());
  record.attempt_count = in.attempt_count();
  record.failure_count = in.failure_count();
  record.replay_count = in.replay_count();
  record.relapse_count = in.relapse_count();
  record.last_error = {in.last_error().type(), in.last_error().message(), in.last_error().details()};
  record.admitted_at = Instant{in.admitted_at_us()};
  record.first_admitted_at = Instant{in.first_admitted_at_us()};
  record.closed_at = Instant{in.closed_at_us()};
  record.late_ack = in.late_ack();
  record.discard_reason = in.discard_reason();
  record.key = model::KeyHash(in.key_hash());
  record.quarantine = in.quarantine();
  if (in.has_origin()) record.origin = origin_of(in.origin());
  record.consumer_name = in.consumer_name();
  record.consumer_version = in.consumer_version();
  record.error_frames = in.error_frames();
  record.group = in.group() != 0 ? model::GroupId{in.group()} : model::group_of(record);
  record.replay_job = model::ReplayJobId(in.replay_job());
  record.replay_outcome = static_cast<model::ReplayOutcome>(in.replay_outcome());
  record.version = in.version();
  record.redirected_to = in.redirected_to();
  record.message_bytes = in.has_message_bytes() ? in.message_bytes() : in.body_bytes();
  record.edited_bytes = in.edited_bytes();
  record.history.clear();
  for (const v1::CaseEvent& event : in.history()) record.history.push_back(event_of(event));
  record.history_left_out = in.history_left_out();
  return true;
}

std::string encode(const model::GroupRecord& record) {
  v1::Group out;
  out.set_subscription(record.subscription);
  out.set_type(record.type);
  out.set_error_type(record.error_type);
  out.set_error_text(record.error_text);
  out.set_error_frames(record.error_frames);
  for (const std::uint64_t count : record.counts) out.add_counts(count);
  out.set_admissions(record.admissions);
  out.set_first_seen_us(record.first_seen.us);
  out.set_last_seen_us(record.last_seen.us);
  out.set_first_consumer_name(record.first_consumer.name);
  out.set_first_consumer_version(record.first_consumer.version);
  out.set_last_consumer_name(record.last_consumer.name);
  out.set_last_consumer_version(record.last_consumer.version);
  out.set_hour(record.trend.hour);
  out.set_day(record.trend.day);
  for (const std::uint32_t count : record.trend.hours) out.add_hours(count);
  for (const std::uint32_t count : record.trend.days) out.add_days(count);
  out.set_note(record.note);
  out.set_owner(record.owner);
  out.set_ticket(record.ticket);
  fill(out, record.snooze);
  out.set_noted_at_us(record.noted_at.us);
  out.set_returned_at_us(record.returned_at.us);
  out.set_relapses(record.relapses);
  out.set_relapsed_at_us(record.relapsed_at.us);
  return out.SerializeAsString();
}

bool decode(std::string_view bytes, model::GroupRecord& record) {
  v1::Group in;
  if (!parse(bytes, in)) return false;
  record.subscription = in.subscription();
  record.type = in.type();
  record.error_type = in.error_type();
  record.error_text = in.error_text();
  record.error_frames = in.error_frames();
  copy(in.counts(), record.counts);
  record.admissions = in.admissions();
  record.first_seen = Instant{in.first_seen_us()};
  record.last_seen = Instant{in.last_seen_us()};
  record.first_consumer = {in.first_consumer_name(), in.first_consumer_version()};
  record.last_consumer = {in.last_consumer_name(), in.last_consumer_version()};
  record.trend.hour = in.hour();
  record.trend.day = in.day();
  copy(in.hours(), record.trend.hours);
  copy(in.days(), record.trend.days);
  record.note = in.note();
  record.owner = in.owner();
  record.ticket = in.ticket();
  record.snooze = snooze_of(in);
  record.noted_at = Instant{in.noted_at_us()};
  record.returned_at = Instant{in.returned_at_us()};
  record.relapses = in.relapses();
  record.relapsed_at = Instant{in.relapsed_at_us()};
  return true;
}

std::string encode(const model::CaseEdit& record) {
  v1::CaseEdit out;
  out.set_at_us(record.at.us);
  out.set_by(record.by);
  out.set_note(record.note);
  return out.SerializeAsString();
}
bool decode(std::string_view bytes, model::CaseEdit& record) {
  v1::CaseEdit in;
  if (!parse(bytes, in)) return false;
  record.at = Instant{in.at_us()};
  record.by = in.by();
  record.note = in.note();
  return true;
}

MessageMatch matches_message(const model::CaseQuery& query, const model::Message& message, std::size_t most) {
  wire::v1::Envelope envelope;
  parse(message.envelope.view(), envelope);
  model::MessageFacts facts;
  for (const wire::v1::Header& header : envelope.headers()) facts.headers.emplace_back(header.name(), header.value());
  std::string_view body = message.body.view();
  MessageMatch match{false, message.size()};
  std::string opened;
  if (model::needs_body(query) && envelope.content_encoding() == base::kZstd) {
    auto whole = base::zstd_opened(body, most);
    match.bytes += whole.ok() ? whole->size() : most;  // how far it went until it failed is not known
    if (whole.ok()) {
      opened = std::move(*whole);
      body = opened;
    }
  }
  match.holds = model::matches_message(query, facts, body);
  return match;
}

}  // namespace lazaret::storage
