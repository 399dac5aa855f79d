#include "storage/records.h"

#include <limits>

#include "base/fixed_int.h"
#include "lazaret/storage/v1/records.pb.h"
#include "lazaret/wire/v1/envelope.pb.h"
#include "model/limits.h"
#include "storage/alerts.h"
#include "storage/prevention.h"

namespace lazaret::storage {
namespace {

using base::Duration;
using base::Instant;
using model::Offset;
using model::OffsetRange;

template <class Proto>
bool parse(std::string_view bytes, Proto& proto) {
  return proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

/// One that no version writes counts as none.
std::uint8_t priority_of(std::uint32_t number) {
  return number > model::kHighestPriority ? std::uint8_t{0} : static_cast<std::uint8_t>(number);
}

template <class Repeated>
void pack(const std::vector<OffsetRange>& ranges, Repeated* out) {
  std::uint64_t at = 0;
  for (const OffsetRange& range : ranges) {
    out->Add(range.begin.value - at);
    out->Add(range.size());
    at = range.end.value;
  }
}

template <class Repeated>
bool unpack(const Repeated& in, std::vector<OffsetRange>& ranges) {
  if (in.size() % 2 != 0) return false;
  std::uint64_t at = 0;
  for (int i = 0; i < in.size(); i += 2) {
    const std::uint64_t begin = at + in.Get(i);
    at = begin + in.Get(i + 1);
    ranges.push_back({Offset(begin), Offset(at)});
  }
  return true;
}

Duration micros(std::uint64_t us) { return Duration(static_cast<std::int64_t>(us)); }
std::uint64_t micros(Duration d) { return static_cast<std::uint64_t>(d.count()); }

void fill(v1::ErrorReport* out, const model::ErrorReport& error) {
  out->set_type(error.type);
  out->set_message(error.message);
  out->set_details(error.details);
}
model::ErrorReport error_of(const v1::ErrorReport& in) { return {in.type(), in.message(), in.details()}; }

/// Several topics, or of a feeder the one that it reads, and whom it hands over to.
void fill_fan_in(const model::QueueRecord& record, v1::Queue& out) {
  for (const model::FanInSource& source : record.sources) {
    v1::FanInSource* to = out.add_sources();
    to->set_topic(source.topic);
    to->set_log(source.log.value);
    to->set_shard(source.shard.value);
    to->set_feeder(source.feeder.value);
    to->set_gone(source.gone);
  }
  if (record.kind != model::Kind::feeder) return;
  out.set_topic(record.topic);
  out.set_start(static_cast<std::uint32_t>(record.start.kind));
  out.set_start_time_us(record.start.time.us);
  out.set_into_subscription(record.into.subscription.value);
  out.set_into_shard(record.into.shard.value);
  out.set_into_name(record.into.name);
}
void read_fan_in(const v1::Queue& in, model::QueueRecord& record) {
  for (const v1::FanInSource& source : in.sources()) {
    record.sources.push_back({source.topic(), model::LogId(source.log()),
                              model::ShardId(static_cast<std::uint16_t>(source.shard())),
                              model::SubscriptionId(source.feeder()), source.gone()});
  }
  record.into = {model::SubscriptionId(in.into_subscription()),
                 model::ShardId(static_cast<std::uint16_t>(in.into_shard())), in.into_name()};
}

}  // namespace

std::string encode(const DirectoryRecord& record) {
  v1::Directory out;
  out.set_format(record.format);
  out.set_shards(record.shards);
  return out.SerializeAsString();
}
bool decode(std::string_view bytes, DirectoryRecord& record) {
  v1::Directory in;
  if (!parse(bytes, in)) return false;
  record = {in.format(), static_cast<std::uint16_t>(in.shards())};
  return true;
}

std::string encode(const model::QueueRecord& record) {
  v1::Queue out;
  out.set_name(record.name);
  out.set_subscription(record.subscription.value);
  out.set_log(record.log.value);
  out.set_lane(record.lane.value);
  out.set_shard(record.shard.value);
  out.set_created_at_us(record.created_at.us);
  out.set_kind(static_cast<std::uint32_t>(record.kind));
  if (record.kind == model::Kind::subscription) {
    out.set_topic(record.topic);
    out.set_start(static_cast<std::uint32_t>(record.start.kind));
    out.set_start_offset(record.start.offset.value);
    out.set_start_time_us(record.start.time.us);
  }
  fill_fan_in(record, out);
  v1::QueueOptions* options = out.mutable_options();
  options->set_max_attempts(record.options.max_attempts.value_or(0));
  options->set_backoff_initial_us(micros(record.options.backoff_initial));
  options->set_backoff_multiplier(record.options.backoff_multiplier);
  options->set_backoff_max_us(micros(record.options.backoff_max));
  options->set_backoff_jitter(record.options.backoff_jitter);
  options->set_lease_duration_us(micros(record.options.lease_duration));
  options->set_max_worker_deaths(record.options.max_worker_deaths);
  options->set_durability(static_cast<std::uint32_t>(record.options.durability));
  options->set_paused(record.options.paused);
  options->set_max_in_flight(record.options.max_in_flight);
  options->set_single_active_consumer(record.options.single_active_consumer);
  options->set_retain_for_us(micros(record.options.retain_for));
  options->set_retention_age_us(micros(record.options.retention_age));
  options->set_retention_messages(record.options.retention_messages);
  options->set_retention_bytes(record.options.retention_bytes);
  options->set_ttl_us(micros(record.options.ttl));
  options->set_on_expiry(static_cast<std::uint32_t>(record.options.on_expiry));
  options->set_max_messages(record.options.max_messages);
  options->set_max_bytes(record.options.max_bytes);
  options->set_overflow(static_cast<std::uint32_t>(record.options.overflow));
  options->set_order_by_key(record.options.order_by_key);
  options->set_on_key_failure(static_cast<std::uint32_t>(record.options.on_key_failure));
  options->set_filter(record.options.filter);
  write_contact(record.options, options);
  options->set_deduplicate_for_us(micros(record.options.deduplicate_for));
  options->set_ephemeral(record.options.ephemeral);
  options->set_case_retention_us(micros(record.options.case_retention));
  options->set_case_retention_count(record.options.case_retention_count);
  options->set_hospital_max_bytes(record.options.hospital_max_bytes);
  fill_breaker(record.options, options);
  return out.SerializeAsString();
}
bool decode(std::string_view bytes, model::QueueRecord& record) {
  v1::Queue in;
  if (!parse(bytes, in)) return false;
  record.name = in.name();
  record.subscription = model::SubscriptionId(in.subscription());
  record.log = model::LogId(in.log());
  record.lane = model::LogId(in.lane());
  record.shard = model::ShardId(static_cast<std::uint16_t>(in.shard()));
  record.created_at = Instant{in.created_at_us()};
  if (in.kind() > static_cast<std::uint32_t>(model::Kind::feeder)) return false;
  record.kind = in.kind() == 0 ? model::Kind::queue : static_cast<model::Kind>(in.kind());
  record.topic = in.topic();
  read_fan_in(in, record);
  if (in.start() > static_cast<std::uint32_t>(model::Start::time)) return false;
  const auto start = in.start() == 0 ? model::Start::latest : static_cast<model::Start>(in.start());
  record.start = {start, Offset(in.start_offset()), Instant{in.start_time_us()}};
  const v1::QueueOptions& options = in.options();
  record.options.max_attempts =
      options.max_attempts() == 0 ? std::nullopt : std::optional<std::uint32_t>(options.max_attempts());
  record.options.backoff_initial = micros(options.backoff_initial_us());
  record.options.backoff_multiplier = options.backoff_multiplier();
  record.options.backoff_max = micros(options.backoff_max_us());
  record.options.backoff_jitter = options.backoff_jitter();
  record.options.lease_duration = micros(options.lease_duration_us());
  record.options.max_worker_deaths = options.max_worker_deaths();
  record.options.durability = static_cast<model::Durability>(options.durability());
  record.options.paused = options.paused();
  record.options.max_in_flight = options.max_in_flight();
  record.options.single_active_consumer = options.single_active_consumer();
  record.options.retain_for = micros(options.retain_for_us());
  record.options.retention_age = micros(options.retention_age_us());
  record.options.retention_messages = options.retention_messages();
  record.options.retention_bytes = options.retention_bytes();
  record.options.ttl = micros(options.ttl_us());
  const bool to_hospital = options.on_expiry() == static_cast<std::uint32_t>(model::OnExpiry::hospital);
  record.options.on_expiry = to_hospital ? model::OnExpiry::hospital : model::OnExpiry::drop;
  record.options.max_messages = options.max_messages();
  record.options.max_bytes = options.max_bytes();
  const bool drops = options.overflow() == static_cast<std::uint32_t>(model::Overflow::drop_oldest);
  record.options.overflow = drops ? model::Overflow::drop_oldest : model::Overflow::refuse;
  record.options.order_by_key = options.order_by_key();
  const bool holds = options.on_key_failure() == static_cast<std::uint32_t>(model::KeyFailure::hold);
  record.options.on_key_failure = holds ? model::KeyFailure::hold : model::KeyFailure::go_on;
  record.options.filter = options.filter();
  read_contact(options, record.options);
  record.options.deduplicate_for = micros(options.deduplicate_for_us());
  record.options.ephemeral = options.ephemeral();
  if (options.case_retention_us() != 0) record.options.case_retention = micros(options.case_retention_us());
  record.options.case_retention_count = options.case_retention_count();
  record.options.hospital_max_bytes = options.hospital_max_bytes();  // none where the queue is older than budgets
  read_breaker(options, record.options);
  return true;
}

std::string encode(const model::ShardMeta& record) {
  v1::ShardMeta out;
  out.set_epoch(record.epoch);
  out.set_applied_index(record.applied_index);
  out.set_engine_time_us(record.engine_time.us);
  out.set_next_id(record.next_id);
  return out.SerializeAsString();
}
bool decode(std::string_view bytes, model::ShardMeta& record) {
  v1::ShardMeta in;
  if (!parse(bytes, in)) return false;
  record = {in.epoch(), in.applied_index(), Instant{in.engine_time_us()}, in.next_id()};
  return true;
}

std::string encode(const model::SubscriptionState& record) {
  v1::Subscription out;
  out.set_lane(record.lane.value);
  out.set_lane_next(record.lane_next.value);
  out.set_deleting(record.deleting);
  out.set_void_grants(record.void_grants.value);
  out.set_seeking_us(record.seeking.us);
  out.set_bytes(record.bytes);
  v1::Counters* counters = out.mutable_counters();
  counters->set_entered(record.counters.entered);
  counters->set_acked(record.counters.acked);
  counters->set_discarded(record.counters.discarded);
  counters->set_expired(record.counters.expired);
  counters->set_purged(record.counters.purged);
  counters->set_dropped(record.counters.dropped);
  counters->set_lost_to_retention(record.counters.lost_to_retention);
  counters->set_redirected(record.counters.redirected);
  counters->set_in_hospital(record.counters.in_hospital);
  counters->set_late_replies(record.counters.late_replies);
  counters->set_filtered(record.counters.filtered);
  counters->set_lost_replies(record.counters.lost_replies);
  for (const model::SourceState& source : record.sources) {
    v1::Source* to = out.add_sources();
    to->set_log(source.log.value);
    to->set_cursor(source.cursor.value);
    to->set_mark(source.mark.value);
    to->set_entered_to(source.entered_to.value);
    pack(source.settled, to->mutable_settled());
  }
  for (const model::TakenSource& taken : record.taken) {
    v1::TakenSource* to = out.add_taken();
    to->set_log(taken.log.value);
    to->set_end(taken.end.value);
    to->set_lost(taken.lost);
    to->set_filtered(taken.filtered);
  }
  return out.SerializeAsString();
}
bool decode(std::string_view bytes, model::SubscriptionState& record) {
  v1::Subscription in;
  if (!parse(bytes, in)) return false;
  record.lane = model::LogId(in.lane());
  record.lane_next = Offset(in.lane_next());
  record.deleting = in.deleting();
  record.void_grants = model::Grant(in.void_grants());
  record.seeking = Instant{in.seeking_us()};
  record.bytes = in.bytes();
  const v1::Counters& c = in.counters();
  record.counters = {c.entered(),     c.acked(),        c.discarded(),         c.expired(),
                     c.purged(),      c.dropped(),      c.lost_to_retention(), c.redirected(),
                     c.in_hospital(), c.late_replies(), c.filtered(),          c.lost_replies()};
  for (const v1::Source& source : in.sources()) {
    model::SourceState& to = record.sources.emplace_back();
    to.log = model::LogId(source.log());
    to.cursor = Offset(source.cursor());
    to.mark = Offset(source.mark());
    to.entered_to = Offset(source.entered_to());
    if (!unpack(source.settled(), to.settled)) return false;
  }
  for (const v1::TakenSource& taken : in.taken()) {
    record.taken.push_back({model::LogId(taken.log()), Offset(taken.end()), taken.lost(), taken.filtered()});
  }
  return true;
}

std::string encode(const model::LogState& record) {
  v1::LogState out;
  out.set_next(record.next.value);
  pack(record.trimmed, out.mutable_trimmed());
  pack(record.gaps, out.mutable_gaps());
  pack(record.kept, out.mutable_kept());
  if (record.reserved > record.next) out.set_reserved(record.reserved.value);
  for (const model::LogMark& mark : record.marks) {
    v1::LogMark* to = out.add_marks();
    to->set_offset(mark.offset.value);
    to->set_at_us(mark.at.us);
    to->set_bytes(mark.bytes);
    to->set_uncounted(mark.uncounted);
  }
  out.set_expires(record.expires);
  out.set_prioritised(record.prioritised);
  out.set_uncounted(record.uncounted);
  return out.SerializeAsString();
}
bool decode(std::string_view bytes, model::LogState& record) {
  v1::LogState in;
  if (!parse(bytes, in)) return false;
  record.next = Offset(in.next());
  record.reserved = Offset(in.reserved());
  for (const v1::LogMark& mark : in.marks()) {
    record.marks.push_back({Offset(mark.offset()), Instant{mark.at_us()}, mark.bytes(), mark.uncounted()});
  }
  record.expires = in.expires();
  record.prioritised = in.prioritised();
  record.uncounted = in.uncounted();
  if (!unpack(in.kept(), record.kept)) return false;
  return unpack(in.trimmed(), record.trimmed) && unpack(in.gaps(), record.gaps);
}

std::string encode(const model::AckChunk& record) {
  std::string bytes;
  for (const std::uint64_t word : record.words) base::append_le(bytes, word);
  return bytes;
}
bool decode(std::string_view bytes, model::AckChunk& record) {
  if (bytes.size() != model::limits::kAckChunkOffsets / 8) return false;
  base::Reader reader{bytes};
  while (!reader.rest.empty()) record.words.push_back(reader.le<std::uint64_t>());
  return reader.ok;
}

std::string encode(const model::DeliveryRecord& record) {
  v1::Delivery out;
  out.set_state(static_cast<std::uint32_t>(record.state));
  out.set_grant(record.grant.value);
  out.set_instance(record.consumer.instance.raw().data(), 16);
  out.set_consumer(record.consumer.number);
  out.set_attempts(record.attempts);
  out.set_failures(record.failures);
  out.set_convictions(record.convictions);
  out.set_suspect(record.suspect);
  out.set_due_us(record.due.us);
  out.set_started_at_us(record.started_at.us);
  if (record.key) out.set_key(record.key->value);
  out.set_priority(record.priority);
  return out.SerializeAsString();
}
bool decode(std::string_view bytes, model::DeliveryRecord& record) {
  v1::Delivery in;
  if (!parse(bytes, in) || in.state() < 1 || in.state() > 3) return false;
  record.state = static_cast<model::DeliveryState>(in.state());
  record.grant = model::Grant(in.grant());
  record.consumer = {base::Uuid::from_raw(in.instance()).value_or(base::Uuid()), in.consumer()};
  record.attempts = in.attempts();
  record.failures = in.failures();
  record.convictions = in.convictions();
  record.suspect = in.suspect();
  record.due = Instant{in.due_us()};
  record.started_at = Instant{in.started_at_us()};
  if (in.has_key()) record.key = model::KeyHash(in.key());
  record.priority = priority_of(in.priority());
  return true;
}

std::string encode(const model::Attempt& record) {
  v1::Attempt out;
  out.set_number(record.number);
  out.set_consumer_name(record.consumer.name);
  out.set_consumer_host(record.consumer.host);
  out.set_consumer_version(record.consumer.version);
  out.set_instance(record.consumer.instance.raw().data(), 16);
  out.set_started_at_us(record.started_at.us);
  out.set_ended_at_us(record.ended_at.us);
  out.set_outcome(static_cast<std::uint32_t>(record.outcome));
  fill(out.mutable_error(), record.error);
  out.set_late(record.late);
  out.set_uncounted(record.uncounted);
  return out.SerializeAsString();
}
bool decode(std::string_view bytes, model::Attempt& record) {
  v1::Attempt in;
  if (!parse(bytes, in)) return false;
  record.number = in.number();
  record.consumer = {in.consumer_name(), in.consumer_host(), in.consumer_version(),
                     base::Uuid::from_raw(in.instance()).value_or(base::Uuid())};
  record.started_at = Instant{in.started_at_us()};
  record.ended_at = Instant{in.ended_at_us()};
  record.outcome = static_cast<model::AttemptOutcome>(in.outcome());
  record.error = error_of(in.error());
  record.late = in.late();
  record.uncounted = in.uncounted();
  return true;
}

std::string encode(const model::InstanceRecord& record) {
  v1::Instance out;
  out.set_name(record.name);
  out.set_host(record.host);
  out.set_version(record.version);
  out.set_speaks_started(record.speaks_started);
  return out.SerializeAsString();
}
bool decode(std::string_view bytes, model::InstanceRecord& record) {
  v1::Instance in;
  if (!parse(bytes, in)) return false;
  record.name = in.name();
  record.host = in.host();
  record.version = in.version();
  record.speaks_started = in.speaks_started();
  return true;
}

std::string encode(const model::LaneEntry& record) {
  v1::LaneEntry out;
  out.set_log(record.target.log.value);
  out.set_offset(record.target.offset.value);
  out.set_attempts(record.attempts);
  out.set_priority(record.priority);
  out.set_edited(record.edited);
  out.set_failures_before(record.failures_before);
  out.set_single_attempt(record.single_attempt);
  out.set_only_for(record.only_for);
  return out.SerializeAsString();
}
bool decode(std::string_view bytes, model::LaneEntry& record) {
  v1::LaneEntry in;
  if (!parse(bytes, in)) return false;
  record.target.log = model::LogId(in.log());
  record.target.offset = Offset(in.offset());
  record.attempts = in.attempts();
  record.priority = priority_of(in.priority());
  record.edited = in.edited();
  record.failures_before = in.failures_before();
  record.single_attempt = in.single_attempt();
  record.only_for = in.only_for();
  return true;
}

std::string encode(const model::ProducerState& record) {
  v1::Producer out;
  out.set_highest(record.highest);
  out.set_last_used_us(record.last_used.us);
  return out.SerializeAsString();
}
bool decode(std::string_view bytes, model::ProducerState& record) {
  v1::Producer in;
  if (!parse(bytes, in)) return false;
  record.highest = in.highest();
  record.last_used = Instant{in.last_used_us()};
  return true;
}

std::string encode(const std::vector<model::DedupEntry>& entries) {
  std::string bytes;
  bytes.reserve(entries.size() * 20);
  for (const model::DedupEntry& entry : entries) {
    base::append_le(bytes, entry.sequence);
    base::append_le(bytes, entry.offset.value);
    base::append_le(bytes, entry.body_crc);
  }
  return bytes;
}
bool decode(std::string_view bytes, std::vector<model::DedupEntry>& entries) {
  base::Reader reader{bytes};
  while (reader.ok && !reader.rest.empty()) {
    model::DedupEntry entry;
    entry.sequence = reader.le<std::uint64_t>();
    entry.offset = Offset(reader.le<std::uint64_t>());
    entry.body_crc = reader.le<std::uint32_t>();
    if (reader.ok) entries.push_back(entry);
  }
  return reader.ok;
}

std::string encode(const model::StoredIds& stored) {
  std::string bytes;
  bytes.reserve(8 + stored.ids.size() * 24);
  base::append_le(bytes, static_cast<std::uint64_t>(stored.at.us));
  for (const auto& [id, offset] : stored.ids) {
    bytes.append(id.raw());
    base::append_le(bytes, offset.value);
  }
  return bytes;
}
bool decode(std::string_view bytes, model::StoredIds& stored) {
  base::Reader reader{bytes};
  stored.at.us = static_cast<std::int64_t>(reader.le<std::uint64_t>());
  while (reader.ok && !reader.rest.empty()) {
    const auto id = model::MessageId::from_raw(reader.bytes(16));
    const Offset offset(reader.le<std::uint64_t>());
    if (!id || !reader.ok) return false;
    stored.ids.push_back({*id, offset});
  }
  return reader.ok;
}

namespace {

void fill(v1::ReplyAddress* out, const model::ReplyAddress& to) {
  out->set_shard(to.shard.value);
  out->set_log(to.log.value);
  out->set_queue(to.queue);
  out->set_correlation_id(to.correlation_id);
  for (const auto& [name, value] : to.context) {
    v1::ContextEntry* entry = out->add_context();
    entry->set_name(name);
    entry->set_value(value);
  }
}

model::ReplyAddressRef address_of(const v1::ReplyAddress& in) {
  auto to = std::make_shared<model::ReplyAddress>();
  to->shard = model::ShardId(static_cast<std::uint16_t>(in.shard()));
  to->log = model::LogId(in.log());
  to->queue = in.queue();
  to->correlation_id = in.correlation_id();
  for (const v1::ContextEntry& entry : in.context()) to->context.emplace_back(entry.name(), entry.value());
  return to;
}

/// Of a reply, or a note.
template <class Stored>
model::MessageRef message_of(const Stored& in) {
  auto message = std::make_shared<model::Message>();
  message->envelope = base::SharedBytes::copy(in.envelope());
  message->body = base::SharedBytes::copy(in.body());
  message->body_crc = in.body_crc();
  message->published_at = Instant{in.published_at_us()};
  return message;
}

}  // namespace

std::string encode(const model::RequestRecord& record) {
  v1::Request out;
  out.set_offset(record.offset.value);
  out.set_deadline_us(record.deadline.us);
  out.set_settled(record.settled);
  out.set_outcome(static_cast<std::uint32_t>(record.outcome));
  out.set_reached(static_cast<std::uint32_t>(record.reached));
  out.set_late(record.late);
  out.set_ended_at_us(record.ended_at.us);
  out.set_reason(record.reason);
  if (record.reply != nullptr) {
    out.set_envelope(record.reply->envelope.view().data(), record.reply->envelope.size());
    out.set_body(record.reply->body.view().data(), record.reply->body.size());
    out.set_body_crc(record.reply->body_crc);
    out.set_published_at_us(record.reply->published_at.us);
  }
  if (record.reply_to != nullptr) fill(out.mutable_reply_to(), *record.reply_to);
  const bool keeps_note = record.note != nullptr && record.reply_to == nullptr;
  if (keeps_note) {
    v1::Note* note = out.mutable_note();
    note->set_envelope(record.note->envelope.view().data(), record.note->envelope.size());
    note->set_body(record.note->body.view().data(), record.note->body.size());
    note->set_body_crc(record.note->body_crc);
    note->set_published_at_us(record.note->published_at.us);
  }
  return out.SerializeAsString();
}
bool decode(std::string_view bytes, model::RequestRecord& record) {
  v1::Request in;
  if (!parse(bytes, in)) return false;
  if (in.outcome() > static_cast<std::uint32_t>(model::RequestOutcome::timed_out)) return false;
  if (in.reached() > static_cast<std::uint32_t>(model::Reached::settled)) return false;
  record.offset = Offset(in.offset());
  record.deadline = Instant{in.deadline_us()};
  record.settled = in.settled();
  record.outcome = static_cast<model::RequestOutcome>(in.outcome());
  record.reached = static_cast<model::Reached>(in.reached());
  record.late = in.late();
  record.ended_at = Instant{in.ended_at_us()};
  record.reason = in.reason();
  if (in.has_reply_to()) {
    record.reply_to = address_of(in.reply_to());
  } else if (record.outcome == model::RequestOutcome::answered) {
    record.reply = message_of(in);
  }
  if (in.has_note()) record.note = message_of(in.note());
  return true;
}

std::string encode(const std::vector<model::AskedAlong>& asks) {
  v1::AsksAlong out;
  for (const model::AskedAlong& one : asks) {
    v1::AskedAlong* to = out.add_asks();
    to->set_place(one.place);
    to->set_id(std::string(one.id.raw()));
    to->set_deadline_us(one.deadline.us);
    fill(to->mutable_reply_to(), *one.reply_to);
  }
  return out.SerializeAsString();
}
/// In the order of their places.
bool decode(std::string_view bytes, std::vector<model::AskedAlong>& asks) {
  v1::AsksAlong in;
  if (!parse(bytes, in)) return false;
  for (const v1::AskedAlong& one : in.asks()) {
    const auto id = base::Uuid::from_raw(one.id());
    const bool in_order = asks.empty() || asks.back().place < one.place();
    if (!id || !in_order || !one.has_reply_to()) return false;
    asks.push_back({one.place(), *id, Instant{one.deadline_us()}, address_of(one.reply_to())});
  }
  return true;
}

model::MessageSummary summary_of(const model::Message& message) {
  wire::v1::Envelope envelope;
  parse(message.envelope.view(), envelope);
  return {base::Uuid::from_raw(envelope.id()).value_or(base::Uuid()),
          envelope.type(),
          envelope.key(),
          envelope.correlation_id(),
          message.body.size(),
          message.priority,
          message.source};
}

}  // namespace lazaret::storage
