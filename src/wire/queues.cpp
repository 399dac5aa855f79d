// Queues by name: create, ensure, show, list, update, delete, purge, peek, and what is scheduled on them.
#include <cstring>

#include "model/limits.h"
#include "wire/protobuf_frame.h"

namespace lazaret::wire {
namespace {

constexpr std::pair<model::MessageState, std::string_view> kStates[] = {
    {model::MessageState::settled, "settled"},
    {model::MessageState::ready, "ready"},
    {model::MessageState::leased, "leased"},
    {model::MessageState::waiting, "waiting"},
    {model::MessageState::in_hospital, "in_hospital"},
    {model::MessageState::replaying, "replaying"},
    {model::MessageState::held, "held"},
    {model::MessageState::scheduled, "scheduled"},
};

/// Nothing is a queue: older clients know no other kind.
std::optional<model::Kind> kind_of(v1::NameKind kind) {
  switch (kind) {
    case v1::KIND_UNSPECIFIED:
    case v1::KIND_QUEUE: return model::Kind::queue;
    case v1::KIND_TOPIC: return model::Kind::topic;
    case v1::KIND_SUBSCRIPTION: return model::Kind::subscription;
    default: return std::nullopt;
  }
}

void fill(v1::QueueOptions* out, const OptionsPatch& patch) {
  if (patch.max_attempts) out->set_max_attempts(*patch.max_attempts);
  if (patch.backoff_initial) out->set_backoff_initial_us(static_cast<std::uint64_t>(patch.backoff_initial->count()));
  if (patch.backoff_multiplier) out->set_backoff_multiplier(*patch.backoff_multiplier);
  if (patch.backoff_max) out->set_backoff_max_us(static_cast<std::uint64_t>(patch.backoff_max->count()));
  if (patch.backoff_jitter) out->set_backoff_jitter(*patch.backoff_jitter);
  if (patch.lease_duration) out->set_lease_duration_us(static_cast<std::uint64_t>(patch.lease_duration->count()));
  if (patch.max_worker_deaths) out->set_max_worker_deaths(*patch.max_worker_deaths);
  if (patch.durability) out->set_durability(*patch.durability);
  if (patch.paused) out->set_paused(*patch.paused);
  if (patch.max_in_flight) out->set_max_in_flight(*patch.max_in_flight);
  if (patch.single_active_consumer) out->set_single_active_consumer(*patch.single_active_consumer);
  if (patch.retain_for) out->set_retain_for_us(static_cast<std::uint64_t>(patch.retain_for->count()));
  if (patch.retention_age) out->set_retention_age_us(static_cast<std::uint64_t>(patch.retention_age->count()));
  if (patch.retention_messages) out->set_retention_messages(*patch.retention_messages);
  if (patch.retention_bytes) out->set_retention_bytes(*patch.retention_bytes);
  if (patch.ttl) out->set_ttl_us(static_cast<std::uint64_t>(patch.ttl->count()));
  if (patch.on_expiry) out->set_on_expiry(*patch.on_expiry);
  if (patch.max_messages) out->set_max_messages(*patch.max_messages);
  if (patch.max_bytes) out->set_max_bytes(*patch.max_bytes);
  if (patch.overflow) out->set_overflow(*patch.overflow);
  if (patch.order_by_key) out->set_order_by_key(*patch.order_by_key);
  if (patch.on_key_failure) out->set_on_key_failure(*patch.on_key_failure);
  if (patch.filter) out->set_filter(*patch.filter);
  if (patch.deduplicate_for) {
    out->set_deduplicate_for_us(static_cast<std::uint64_t>(patch.deduplicate_for->count()));
  }
  if (patch.ephemeral) out->set_ephemeral(*patch.ephemeral);
  if (patch.case_retention) out->set_case_retention_us(static_cast<std::uint64_t>(patch.case_retention->count()));
  if (patch.case_retention_count) out->set_case_retention_count(*patch.case_retention_count);
  if (patch.hospital_max_bytes) out->set_hospital_max_bytes(*patch.hospital_max_bytes);
  if (patch.breaker) out->set_breaker(*patch.breaker);
  if (patch.breaker_samples) out->set_breaker_samples(*patch.breaker_samples);
  if (patch.breaker_ratio) out->set_breaker_ratio(*patch.breaker_ratio);
  if (patch.breaker_window) out->set_breaker_window_us(static_cast<std::uint64_t>(patch.breaker_window->count()));
  if (patch.breaker_pause) out->set_breaker_pause_us(static_cast<std::uint64_t>(patch.breaker_pause->count()));
  if (patch.owner) out->set_owner(*patch.owner);
  if (patch.runbook) out->set_runbook(*patch.runbook);
  if (patch.alert_to) out->set_alert_to(*patch.alert_to);
}

OptionsPatch patch_of(const v1::QueueOptions& in) {
  OptionsPatch patch;
  if (in.has_max_attempts()) patch.max_attempts = in.max_attempts();
  if (in.has_backoff_initial_us()) patch.backoff_initial = microseconds(in.backoff_initial_us());
  if (in.has_backoff_multiplier()) patch.backoff_multiplier = in.backoff_multiplier();
  if (in.has_backoff_max_us()) patch.backoff_max = microseconds(in.backoff_max_us());
  if (in.has_backoff_jitter()) patch.backoff_jitter = in.backoff_jitter();
  if (in.has_lease_duration_us()) patch.lease_duration = microseconds(in.lease_duration_us());
  if (in.has_max_worker_deaths()) patch.max_worker_deaths = in.max_worker_deaths();
  if (in.has_durability()) patch.durability = in.durability();
  if (in.has_paused()) patch.paused = in.paused();
  if (in.has_max_in_flight()) patch.max_in_flight = in.max_in_flight();
  if (in.has_single_active_consumer()) patch.single_active_consumer = in.single_active_consumer();
  if (in.has_retain_for_us()) patch.retain_for = microseconds(in.retain_for_us());
  if (in.has_retention_age_us()) patch.retention_age = microseconds(in.retention_age_us());
  if (in.has_retention_messages()) patch.retention_messages = in.retention_messages();
  if (in.has_retention_bytes()) patch.retention_bytes = in.retention_bytes();
  if (in.has_ttl_us()) patch.ttl = microseconds(in.ttl_us());
  if (in.has_on_expiry()) patch.on_expiry = in.on_expiry();
  if (in.has_max_messages()) patch.max_messages = in.max_messages();
  if (in.has_max_bytes()) patch.max_bytes = in.max_bytes();
  if (in.has_overflow()) patch.overflow = in.overflow();
  if (in.has_order_by_key()) patch.order_by_key = in.order_by_key();
  if (in.has_on_key_failure()) patch.on_key_failure = in.on_key_failure();
  if (in.has_filter()) patch.filter = in.filter();
  if (in.has_deduplicate_for_us()) patch.deduplicate_for = microseconds(in.deduplicate_for_us());
  if (in.has_ephemeral()) patch.ephemeral = in.ephemeral();
  if (in.has_case_retention_us()) patch.case_retention = microseconds(in.case_retention_us());
  if (in.has_case_retention_count()) patch.case_retention_count = in.case_retention_count();
  if (in.has_hospital_max_bytes()) patch.hospital_max_bytes = in.hospital_max_bytes();
  if (in.has_breaker()) patch.breaker = in.breaker();
  if (in.has_breaker_samples()) patch.breaker_samples = in.breaker_samples();
  if (in.has_breaker_ratio()) patch.breaker_ratio = in.breaker_ratio();
  if (in.has_breaker_window_us()) patch.breaker_window = microseconds(in.breaker_window_us());
  if (in.has_breaker_pause_us()) patch.breaker_pause = microseconds(in.breaker_pause_us());
  if (in.has_owner()) patch.owner = in.owner();
  if (in.has_runbook()) patch.runbook = in.runbook();
  if (in.has_alert_to()) patch.alert_to = in.alert_to();
  return patch;
}

bool take_id(const std::string& bytes, model::MessageId& id) {
  if (bytes.size() != id.bytes.size()) return false;
  std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
  return true;
}

void fill(v1::ScheduledMessage* to, const ScheduledMessage& one) {
  to->set_offset(one.offset.value);
  to->set_deliver_at_us(one.deliver_at.us);
  to->set_damaged(one.damaged);
  if (one.damaged) return;
  to->set_id(one.id.bytes.data(), one.id.bytes.size());
  to->set_type(one.type);
  to->set_key(one.key);
  to->set_correlation_id(one.correlation_id);
  to->set_published_at_us(one.published_at.us);
  to->set_expires_at_us(one.expires_at.us);
  to->set_body_bytes(one.body_bytes);
}

/// An id of another length is none.
ScheduledMessage scheduled_of(const v1::ScheduledMessage& one) {
  ScheduledMessage out;
  out.offset = model::Offset(one.offset());
  out.deliver_at = base::Instant{one.deliver_at_us()};
  take_id(one.id(), out.id);
  out.type = one.type();
  out.key = one.key();
  out.correlation_id = one.correlation_id();
  out.published_at = base::Instant{one.published_at_us()};
  out.expires_at = base::Instant{one.expires_at_us()};
  out.body_bytes = one.body_bytes();
  out.damaged = one.damaged();
  return out;
}

// --- QueueInfo -------------------------------------------------------------------------------------------------------

/// A name that only a later version has counts as the first.
model::BreakerState breaker_state_of(std::string_view name) {
  for (const auto state : {model::BreakerState::half_open, model::BreakerState::open}) {
    if (model::name_of(state) == name) return state;
  }
  return model::BreakerState::closed;
}

model::HospitalLevel hospital_level_of(std::string_view name) {
  for (const auto level : {model::HospitalLevel::filling, model::HospitalLevel::full}) {
    if (model::name_of(level) == name) return level;
  }
  return model::HospitalLevel::below;
}

void fill(v1::QueueConsumer* out, const model::ConsumerStats& consumer) {
  out->set_name(consumer.info.name);
  out->set_host(consumer.info.host);
  out->set_version(consumer.info.version);
  out->set_in_flight(consumer.in_flight);
  out->set_begun(consumer.begun);
  for (const std::string& type : consumer.accepts) out->add_accepts(type);
}

void fill(v1::BreakerStatus* out, const model::BreakerStats& breaker) {
  out->set_state(std::string(model::name_of(breaker.state)));
  out->set_since_us(breaker.since.us);
  out->set_until_us(breaker.until.us);
  out->set_failures(breaker.failures);
  out->set_samples(breaker.samples);
  out->set_opened_total(breaker.opened);
}

void fill(v1::QueueSource* out, const model::SourceStats& source) {
  out->set_topic(source.topic);
  out->set_lag(source.lag);
  out->set_lost_to_retention_total(source.lost_to_retention);
  out->set_filtered_total(source.filtered);
  out->set_damaged(source.damaged);
  out->set_retention_used(source.retention_used);
}

/// What says more of it than how much is where.
void fill_details(v1::QueueInfo* to, const QueueInfo& queue) {
  if (queue.kind == model::Kind::subscription) to->set_lag(queue.lag);
  to->set_lost_to_retention_total(queue.lost_to_retention);
  to->set_retention_used(queue.retention_used);
  to->set_dropped_total(queue.dropped);
  to->set_discarded_total(queue.discarded);
  to->set_purged_total(queue.purged);
  to->set_redirected_total(queue.redirected);
  to->set_oldest_ready_at_us(queue.oldest_ready_at.us);
  for (const model::ConsumerStats& consumer : queue.consumer_list) fill(to->add_consumer_list(), consumer);
  if (queue.kind != model::Kind::topic) fill(to->mutable_breaker_status(), queue.breaker);
  for (const model::SourceStats& source : queue.sources) fill(to->add_sources(), source);
  to->set_pending_requests(queue.pending_requests);
  to->set_late_replies_total(queue.late_replies);
  to->set_lost_replies_total(queue.lost_replies);
  to->set_suspects(queue.suspects);
  to->set_failed_attempts_total(queue.failed_attempts);
  to->set_offsets_left_out(queue.offsets_left_out);
  to->set_bytes(queue.bytes);
  to->set_created_at_us(queue.created_at.us);
  to->set_first_offset(queue.first_offset.value);
  to->set_hospital_bytes(queue.hospital_bytes);
  if (queue.kind != model::Kind::topic) to->set_hospital_level(std::string(model::name_of(queue.hospital_level)));
  to->set_quarantines(queue.quarantines);
  to->set_caught_by_quarantines(queue.caught_by_quarantines);
}

void fill(v1::QueueInfo* to, const QueueInfo& queue) {
  to->set_name(queue.name);
  fill(to->mutable_options(), OptionsPatch::of(queue.options));
  to->set_shard(queue.shard.value);
  to->set_ready(queue.ready);
  to->set_leased(queue.leased);
  to->set_waiting(queue.waiting);
  to->set_in_hospital(queue.in_hospital);
  to->set_entered_total(queue.entered);
  to->set_acked_total(queue.acked);
  to->set_consumers(queue.consumers);
  to->set_kind(static_cast<v1::NameKind>(queue.kind));
  if (queue.kind == model::Kind::subscription) {
    to->set_topic(queue.topic);
    to->set_start(model::text_of(queue.start));
  }
  to->set_subscriptions(queue.subscriptions);
  to->set_cursor(queue.cursor.value);
  to->set_next_offset(queue.next_offset.value);
  to->set_scheduled(queue.scheduled);
  to->set_expired_total(queue.expired);
  to->set_held(queue.held);
  to->set_held_full(queue.held_full);
  to->set_filtered_total(queue.filtered);
  to->set_unaccepted(queue.unaccepted);
  for (const std::string& topic : queue.topics) to->add_topics(topic);
  fill_details(to, queue);
}

/// Without its options and details.
QueueInfo info_of(const v1::QueueInfo& queue) {
  QueueInfo info;
  info.name = queue.name();
  info.shard = model::ShardId(static_cast<std::uint16_t>(queue.shard()));
  info.ready = queue.ready();
  info.leased = queue.leased();
  info.waiting = queue.waiting();
  info.in_hospital = queue.in_hospital();
  info.entered = queue.entered_total();
  info.acked = queue.acked_total();
  info.consumers = queue.consumers();
  info.kind = kind_of(queue.kind()).value_or(model::Kind::queue);
  info.topic = queue.topic();
  if (const auto start = model::start_point_of(queue.start()); start.ok()) info.start = *start;
  info.subscriptions = queue.subscriptions();
  info.cursor = model::Offset(queue.cursor());
  info.next_offset = model::Offset(queue.next_offset());
  info.scheduled = queue.scheduled();
  info.expired = queue.expired_total();
  info.held = queue.held();
  info.held_full = queue.held_full();
  info.filtered = queue.filtered_total();
  info.unaccepted = queue.unaccepted();
  info.topics = {queue.topics().begin(), queue.topics().end()};
  return info;
}

void add_details(const v1::QueueInfo& queue, QueueInfo& info) {
  // An older broker says what the lag of a subscription of one topic is made of.
  const bool subscription = info.kind == model::Kind::subscription;
  info.lag = subscription ? info.ready + info.leased + info.waiting + info.scheduled + info.held : 0;
  if (queue.has_lag()) info.lag = queue.lag();
  info.lost_to_retention = queue.lost_to_retention_total();
  info.retention_used = queue.retention_used();
  info.dropped = queue.dropped_total();
  info.discarded = queue.discarded_total();
  info.purged = queue.purged_total();
  info.redirected = queue.redirected_total();
  info.oldest_ready_at = base::Instant{queue.oldest_ready_at_us()};
  for (const v1::QueueConsumer& consumer : queue.consumer_list()) {
    model::ConsumerStats& to = info.consumer_list.emplace_back();
    to.info.name = consumer.name();
    to.info.host = consumer.host();
    to.info.version = consumer.version();
    to.in_flight = consumer.in_flight();
    to.begun = consumer.begun();
    to.accepts.assign(consumer.accepts().begin(), consumer.accepts().end());
  }
  const v1::BreakerStatus& breaker = queue.breaker_status();
  info.breaker = {breaker_state_of(breaker.state()),
                  base::Instant{breaker.since_us()},
                  base::Instant{breaker.until_us()},
                  breaker.failures(),
                  breaker.samples(),
                  breaker.opened_total()};
  for (const v1::QueueSource& source : queue.sources()) {
    info.sources.push_back({source.topic(), source.lag(), source.lost_to_retention_total(), source.filtered_total(),
                            source.damaged(), source.retention_used()});
  }
  info.pending_requests = queue.pending_requests();
  info.late_replies = queue.late_replies_total();
  info.lost_replies = queue.lost_replies_total();
  info.suspects = queue.suspects();
  info.failed_attempts = queue.failed_attempts_total();
  info.offsets_left_out = queue.offsets_left_out();
  info.bytes = queue.bytes();
  info.created_at = base::Instant{queue.created_at_us()};
  info.first_offset = model::Offset(queue.first_offset());
  info.hospital_bytes = queue.hospital_bytes();
  info.hospital_level = hospital_level_of(queue.hospital_level());
  info.quarantines = queue.quarantines();
  info.caught_by_quarantines = queue.caught_by_quarantines();
}

}  // namespace

OutFrame encode(const QueueRequest& frame) {
  v1::QueueRequest out;
  out.set_request(frame.request);
  out.set_verb(static_cast<v1::QueueVerb>(frame.verb));
  out.set_name(frame.name);
  fill(out.mutable_options(), frame.options);
  out.set_force(frame.force);
  out.set_max(frame.max);
  out.set_colocate_with(frame.colocate_with);
  out.set_kind(static_cast<v1::NameKind>(frame.kind));
  if (frame.kind == model::Kind::subscription) out.set_topic(frame.topic);
  for (const std::string& topic : frame.topics) out.add_topics(topic);
  if (frame.kind == model::Kind::subscription || frame.verb == QueueVerb::seek) {
    out.set_start(model::text_of(frame.start));
  }
  out.set_scheduled(frame.scheduled);
  out.set_cursor(frame.cursor);
  if (frame.offset) out.set_offset(frame.offset->value);
  if (!frame.message_id.is_nil()) out.set_message_id(frame.message_id.bytes.data(), frame.message_id.bytes.size());
  return to_frame(FrameType::queue_request, out);
}

template <>
base::Result<QueueRequest> decode<QueueRequest>(const Frame& frame) {
  const auto in = parse_header<v1::QueueRequest>(frame);
  if (in == nullptr) return bad_frame("QUEUE_REQUEST cannot be decoded");
  if (in->verb() < v1::CREATE || in->verb() > v1::CANCEL_SCHEDULED)
    return bad_frame("QUEUE_REQUEST with an unknown verb");
  QueueRequest out;
  out.request = in->request();
  out.verb = static_cast<QueueVerb>(in->verb());
  out.name = in->name();
  out.options = patch_of(in->options());
  out.force = in->force();
  out.max = in->max();
  out.colocate_with = in->colocate_with();
  const auto kind = kind_of(in->kind());
  if (!kind) return bad_frame("QUEUE_REQUEST with an unknown kind");
  out.kind = *kind;
  out.topic = in->topic();
  out.topics.assign(in->topics().begin(), in->topics().end());
  out.scheduled = in->scheduled();
  out.cursor = in->cursor();
  if (in->has_offset()) out.offset = model::Offset(in->offset());
  if (!in->message_id().empty() && !take_id(in->message_id(), out.message_id)) {
    return bad_frame("QUEUE_REQUEST with an id that has not sixteen bytes");
  }
  if (in->start().empty()) return out;
  const auto start = model::start_point_of(in->start());
  if (!start.ok()) return bad_frame("QUEUE_REQUEST with an unknown start");
  out.start = *start;
  return out;
}

OutFrame encode(const QueueResponse& frame) {
  v1::QueueResponse out;
  out.set_request(frame.request);
  if (!frame.status.ok()) fill(out.mutable_problem(), frame.status);
  for (const QueueInfo& queue : frame.queues) fill(out.add_queues(), queue);
  out.set_offset(frame.offset.value);
  out.set_entered(frame.entered);
  out.set_created(frame.created);
  out.set_count(frame.count);
  for (const ScheduledMessage& one : frame.scheduled) fill(out.add_scheduled(), one);
  out.set_cursor(frame.cursor);
  return to_frame(FrameType::queue_response, out);
}

template <>
base::Result<QueueResponse> decode<QueueResponse>(const Frame& frame) {
  const auto in = parse_header<v1::QueueResponse>(frame);
  if (in == nullptr) return bad_frame("QUEUE_RESPONSE cannot be decoded");
  QueueResponse out;
  out.request = in->request();
  out.status = status_of(in->problem());
  for (const v1::QueueInfo& queue : in->queues()) {
    auto options = patch_of(queue.options()).apply_to({});
    if (!options.ok()) return options.status();
    QueueInfo& info = out.queues.emplace_back(info_of(queue));
    info.options = std::move(*options);
    add_details(queue, info);
  }
  out.created = in->created();
  out.count = in->count();
  out.offset = model::Offset(in->offset());
  out.entered = in->entered();
  for (const v1::ScheduledMessage& one : in->scheduled()) out.scheduled.push_back(scheduled_of(one));
  out.cursor = in->cursor();
  return out;
}

OutFrame encode(const Peek& frame) {
  v1::Peek out;
  out.set_request(frame.request);
  out.set_queue(frame.queue);
  if (frame.from) out.set_from(frame.from->value);
  out.set_max(frame.max);
  return to_frame(FrameType::peek, out);
}
template <>
base::Result<Peek> decode<Peek>(const Frame& frame) {
  const auto in = parse_header<v1::Peek>(frame);
  if (in == nullptr) return bad_frame("PEEK cannot be decoded");
  Peek out{in->request(), in->queue(), std::nullopt, in->max()};
  if (in->has_from()) out.from = model::Offset(in->from());
  return out;
}

OutFrame encode(const Peeked& frame) {
  v1::Peeked out;
  out.set_request(frame.request);
  if (!frame.status.ok()) fill(out.mutable_problem(), frame.status);
  std::size_t body_bytes = 0;
  for (const PeekedMessage& message : frame.messages) {
    v1::PeekedMessage* to = out.add_messages();
    to->set_offset(message.offset.value);
    to->set_published_at_us(message.published_at.us);
    to->set_envelope(message.envelope.view().data(), message.envelope.size());
    to->set_body_bytes(static_cast<std::uint32_t>(message.body.size()));
    to->set_body_crc(message.body_crc);
    for (const auto& [state, name] : kStates) {
      if (state == message.state) to->set_state(std::string(name));
    }
    to->set_attempt(message.attempt);
    to->set_damaged(message.damaged);
    if (message.held_by) to->set_held_by(message.held_by->value);
    to->set_unaccepted(message.unaccepted);
    if (!message.source.empty()) to->set_source(message.source);
    to->set_source_offset(message.source_offset.value);
    to->set_until_us(message.until.us);
    if (message.consumer) {
      to->mutable_consumer()->set_name(message.consumer->name);
      to->mutable_consumer()->set_host(message.consumer->host);
      to->mutable_consumer()->set_version(message.consumer->version);
    }
    body_bytes += message.body.size();
  }
  out.set_next(frame.next.value);
  OutFrame encoded = to_frame(FrameType::peeked, out, body_bytes);
  for (const PeekedMessage& message : frame.messages) encoded.bodies.push_back(message.body);
  return encoded;
}

template <>
base::Result<Peeked> decode<Peeked>(const Frame& frame) {
  const auto in = parse_header<v1::Peeked>(frame);
  if (in == nullptr) return bad_frame("PEEKED cannot be decoded");
  Peeked out;
  out.request = in->request();
  out.status = status_of(in->problem());
  BodyCutter bodies(frame.body);
  for (const v1::PeekedMessage& message : in->messages()) {
    PeekedMessage& to = out.messages.emplace_back();
    to.offset = model::Offset(message.offset());
    to.published_at = base::Instant{message.published_at_us()};
    to.envelope = copied(message.envelope());
    to.body = bodies.take(message.body_bytes());
    to.body_crc = message.body_crc();
    if (message.state().empty()) to.state = std::nullopt;
    for (const auto& [state, name] : kStates) {
      if (name == message.state()) to.state = state;
    }
    to.attempt = message.attempt();
    to.damaged = message.damaged();
    if (message.has_held_by()) to.held_by = model::Offset(message.held_by());
    to.unaccepted = message.unaccepted();
    to.source = message.source();
    to.source_offset = model::Offset(message.source_offset());
    to.until = base::Instant{message.until_us()};
    if (message.has_consumer()) {
      const v1::QueueConsumer& by = message.consumer();
      to.consumer = model::ConsumerInfo{by.name(), by.host(), by.version(), {}};
    }
  }
  if (!bodies.exact()) return bad_frame("the body lengths in PEEKED do not add up to the frame's body");
  out.next = model::Offset(in->next());
  return out;
}

}  // namespace lazaret::wire
