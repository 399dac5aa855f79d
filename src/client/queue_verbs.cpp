// Verbs about queues: each is one request that the broker answers once.
#include <algorithm>

#include "base/duration_text.h"
#include "base/text_encoding.h"
#include "client/blocking.h"
#include "client/client_core.h"
#include "client/deadline.h"
#include "client/message_codec.h"
#include "client/words.h"
#include "lazaret/lazaret.h"

namespace lazaret {
namespace {

using base::Code;
using base::Status;
using detail::check_may_block;
using detail::ClientCore;
using detail::Completion;
using detail::Requests;
using detail::time_of;
using detail::wait_for;

base::Result<wire::OptionsPatch> patch_of(const QueueSpec& spec) {
  wire::OptionsPatch patch;
  if (spec.max_attempts) {
    if (*spec.max_attempts == 0) return Status(Code::INVALID_OPTION, "max_attempts must be at least 1, or unlimited");
    patch.max_attempts = *spec.max_attempts == unlimited ? 0 : *spec.max_attempts;
  }
  if (spec.backoff_initial) patch.backoff_initial = *spec.backoff_initial;
  if (spec.backoff_max) patch.backoff_max = *spec.backoff_max;
  if (spec.lease_duration) patch.lease_duration = *spec.lease_duration;
  patch.backoff_multiplier = spec.backoff_multiplier;
  patch.backoff_jitter = spec.backoff_jitter;
  patch.max_worker_deaths = spec.max_worker_deaths;
  patch.durability = spec.durability;
  patch.paused = spec.paused;
  patch.max_in_flight = spec.max_in_flight;
  patch.single_active_consumer = spec.single_active_consumer;
  if (spec.ttl) patch.ttl = *spec.ttl;
  patch.on_expiry = spec.on_expiry;
  patch.max_messages = spec.max_messages;
  patch.max_bytes = spec.max_bytes;
  patch.overflow = spec.overflow;
  if (spec.deduplicate_for) patch.deduplicate_for = *spec.deduplicate_for;
  patch.order_by_key = spec.order_by_key;
  patch.on_key_failure = spec.on_key_failure;
  if (spec.case_retention) patch.case_retention = *spec.case_retention;
  patch.case_retention_count = spec.case_retention_count;
  patch.hospital_max_bytes = spec.hospital_max_bytes;
  patch.breaker = spec.breaker;
  patch.breaker_samples = spec.breaker_samples;
  patch.breaker_ratio = spec.breaker_ratio;
  if (spec.breaker_window) patch.breaker_window = *spec.breaker_window;
  if (spec.breaker_pause) patch.breaker_pause = *spec.breaker_pause;
  patch.owner = spec.owner;
  patch.runbook = spec.runbook;
  patch.alert_to = spec.alert_to;
  if (const auto known = patch.apply_to({}); !known.ok()) return known.status();
  return patch;
}

void add_retention(const TopicSpec& spec, wire::OptionsPatch& patch) {
  if (spec.retain_for) patch.retain_for = *spec.retain_for;
  if (spec.retention_age) patch.retention_age = *spec.retention_age;
  patch.retention_messages = spec.retention_messages;
  patch.retention_bytes = spec.retention_bytes;
  if (spec.deduplicate_for) patch.deduplicate_for = *spec.deduplicate_for;
}

/// The wire has no place for less than nothing: it would arrive as for ever.
Status check_durations(const wire::OptionsPatch& patch) {
  const std::pair<std::string_view, const std::optional<base::Duration>&> durations[] = {
      {"backoff_initial", patch.backoff_initial}, {"backoff_max", patch.backoff_max},
      {"lease_duration", patch.lease_duration},   {"ttl", patch.ttl},
      {"retain_for", patch.retain_for},           {"retention_age", patch.retention_age},
      {"deduplicate_for", patch.deduplicate_for}, {"case_retention", patch.case_retention},
      {"breaker_window", patch.breaker_window},   {"breaker_pause", patch.breaker_pause}};
  for (const auto& [option, value] : durations) {
    if (!value || value->count() >= 0) continue;
    return {Code::INVALID_OPTION, std::string(option) + " must be 0s or more, not " + base::format_duration(*value)};
  }
  return {};
}

milliseconds to_ms(base::Duration duration) { return std::chrono::duration_cast<milliseconds>(duration); }

/// What says more of it than how much is where.
void add_details(const wire::QueueInfo& in, QueueInfo& out) {
  out.lag = in.lag;
  out.lost_to_retention_total = in.lost_to_retention;
  out.retention_used = in.retention_used;
  out.dropped_total = in.dropped;
  out.discarded_total = in.discarded;
  out.purged_total = in.purged;
  out.redirected_total = in.redirected;
  out.oldest_ready_at = time_of(in.oldest_ready_at.us);
  for (const model::ConsumerStats& one : in.consumer_list) {
    out.consumer_list.push_back(
        {one.info.name, one.info.host, one.info.version, one.in_flight, one.begun, one.accepts});
  }
  out.breaker_status = {std::string(model::name_of(in.breaker.state)),
                        time_of(in.breaker.since.us),
                        time_of(in.breaker.until.us),
                        in.breaker.failures,
                        in.breaker.samples,
                        in.breaker.opened};
  for (const model::SourceStats& one : in.sources) {
    out.sources.push_back({one.topic, one.lag, one.lost_to_retention, one.filtered, one.damaged, one.retention_used});
  }
  out.pending_requests = in.pending_requests;
  out.late_replies_total = in.late_replies;
  out.lost_replies_total = in.lost_replies;
  out.suspects = in.suspects;
  out.failed_attempts_total = in.failed_attempts;
  out.offsets_left_out = in.offsets_left_out;
  out.bytes = in.bytes;
  out.created_at = time_of(in.created_at.us);
  out.first_offset = in.first_offset.value;
  out.hospital_bytes = in.hospital_bytes;
  if (in.kind != model::Kind::topic) out.hospital_level = std::string(model::name_of(in.hospital_level));
  out.quarantines = in.quarantines;
  out.caught_by_quarantines = in.caught_by_quarantines;
}

QueueInfo info_of(const wire::QueueInfo& in, bool created) {
  QueueInfo out;
  add_details(in, out);
  out.spec.name = in.name;
  out.spec.max_attempts = in.options.max_attempts.value_or(unlimited);
  out.spec.backoff_initial = to_ms(in.options.backoff_initial);
  out.spec.backoff_multiplier = in.options.backoff_multiplier;
  out.spec.backoff_max = to_ms(in.options.backoff_max);
  out.spec.backoff_jitter = in.options.backoff_jitter;
  out.spec.lease_duration = to_ms(in.options.lease_duration);
  out.spec.max_worker_deaths = in.options.max_worker_deaths;
  out.spec.durability = std::string(model::name_of(in.options.durability));
  out.spec.paused = in.options.paused;
  out.spec.max_in_flight = in.options.max_in_flight;
  out.spec.single_active_consumer = in.options.single_active_consumer;
  out.spec.max_messages = in.options.max_messages;
  out.spec.max_bytes = in.options.max_bytes;
  out.spec.overflow = std::string(model::name_of(in.options.overflow));
  out.spec.deduplicate_for = to_ms(in.options.deduplicate_for);
  out.topic_spec.name = in.name;
  out.topic_spec.durability = out.spec.durability;
  out.topic_spec.retain_for = to_ms(in.options.retain_for);
  out.topic_spec.retention_age = to_ms(in.options.retention_age);
  out.topic_spec.retention_messages = in.options.retention_messages;
  out.topic_spec.retention_bytes = in.options.retention_bytes;
  out.topic_spec.deduplicate_for = to_ms(in.options.deduplicate_for);
  out.cursor = in.cursor.value;
  out.next_offset = in.next_offset.value;
  out.spec.ttl = to_ms(in.options.ttl);
  out.spec.on_expiry = std::string(model::name_of(in.options.on_expiry));
  out.spec.order_by_key = in.options.order_by_key;
  out.spec.on_key_failure = std::string(model::name_of(in.options.on_key_failure));
  out.spec.case_retention = to_ms(in.options.case_retention);
  out.spec.case_retention_count = in.options.case_retention_count;
  out.spec.hospital_max_bytes = in.options.hospital_max_bytes;
  out.spec.breaker = in.options.breaker;
  out.spec.breaker_samples = in.options.breaker_samples;
  out.spec.breaker_ratio = in.options.breaker_ratio;
  out.spec.breaker_window = to_ms(in.options.breaker_window);
  out.spec.breaker_pause = to_ms(in.options.breaker_pause);
  out.spec.owner = in.options.owner;
  out.spec.runbook = in.options.runbook;
  out.spec.alert_to = in.options.alert_to;
  out.ready = in.ready;
  out.leased = in.leased;
  out.waiting = in.waiting;
  out.in_hospital = in.in_hospital;
  out.entered_total = in.entered;
  out.acked_total = in.acked;
  out.consumers = in.consumers;
  out.kind = static_cast<Kind>(in.kind);
  out.topic = in.topic;
  out.topics = in.topics;
  if (out.topics.empty() && !in.topic.empty()) out.topics = {in.topic};  // of a broker that knows one only
  if (in.kind == model::Kind::subscription) out.start = model::text_of(in.start);
  out.subscriptions = in.subscriptions;
  out.scheduled = in.scheduled;
  out.expired_total = in.expired;
  out.held = in.held;
  out.held_full = in.held_full;
  out.filter = in.options.filter;
  out.ephemeral = in.options.ephemeral;
  out.filtered_total = in.filtered;
  out.unaccepted = in.unaccepted;
  out.created = created;
  return out;
}

QueueInfo first_of(const wire::QueueResponse& response) {
  return response.queues.empty() ? QueueInfo() : info_of(response.queues.front(), response.created);
}

Moved moved_of(const wire::QueueResponse& response) {
  return {response.offset.value, response.entered, response.count, nullptr};
}

Count count_of(const wire::QueueResponse& response) { return {response.count, nullptr}; }

/// A broker that does not know the verb would end the connection over it.
Status check_schedules(const wire::Welcome& told) {
  const auto& known = told.features;
  if (std::find(known.begin(), known.end(), wire::kFeatureSchedules) != known.end()) return {};
  return {Code::BAD_REQUEST, "this broker is of a version that does not list or cancel schedules over this connection"};
}

ScheduledList scheduled_of(const wire::QueueResponse& response) {
  ScheduledList list;
  list.next = response.cursor;
  for (const wire::ScheduledMessage& one : response.scheduled) {
    list.messages.push_back({one.offset.value, time_of(one.deliver_at.us), MessageId{one.id.bytes}, one.type, one.key,
                             one.correlation_id, time_of(one.published_at.us), time_of(one.expires_at.us),
                             one.body_bytes, one.damaged});
  }
  return list;
}

const char* state_name(model::MessageState state) {
  switch (state) {
    case model::MessageState::settled: return "settled";
    case model::MessageState::ready: return "ready";
    case model::MessageState::leased: return "leased";
    case model::MessageState::waiting: return "waiting";
    case model::MessageState::in_hospital: return "in_hospital";
    case model::MessageState::replaying: return "replaying";
    case model::MessageState::scheduled: return "scheduled";
    case model::MessageState::held: return "held";
  }
  return "ready";
}

Peeked peeked_of(const wire::Peeked& frame, const std::string& queue) {
  Peeked peeked;
  peeked.next = frame.next.value;
  for (const wire::PeekedMessage& one : frame.messages) {
    PeekedMessage& out = peeked.messages.emplace_back();
    if (one.state) out.state = state_name(*one.state);
    out.attempt = one.attempt;
    out.damaged = one.damaged;
    if (one.held_by) out.held_by = one.held_by->value;
    out.unaccepted = one.unaccepted;
    out.until = time_of(one.until.us);
    if (one.consumer) out.consumer = ConsumerInfo{one.consumer->name, one.consumer->host, one.consumer->version};
    Message message;
    const Status decoded = detail::decode_message(one.envelope, one.body, one.body_crc, one.published_at, message);
    if (!one.damaged && decoded.ok()) {
      message.source = one.source.empty() ? queue : one.source;
      if (!one.source.empty()) out.source_offset = one.source_offset.value;
      out.message = std::move(message);
    } else {
      out.damaged = true;
    }
    out.message.offset = one.offset.value;
  }
  return peeked;
}

/// Sends `frame` (its number is filled in), and makes the result of what the broker says.
template <class R, class Frame, class Convert>
void ask_about(ClientCore& core, Frame frame, milliseconds timeout, bool repeatable, detail::Handler<R> handler,
               Convert convert, std::function<Status(const wire::Welcome&)> check = {}) {
  Requests::Request request;
  request.operation = core.next_operation();
  core.on_cancel(
      handler, [](ClientCore& self, std::uint64_t operation) { self.cancel_request(operation); }, request.operation);
  auto completion = std::make_shared<Completion<R>>(std::move(handler), core.home());
  request.frame = [frame = std::move(frame)](std::uint64_t number) mutable {
    frame.request = number;
    return wire::encode(frame);
  };
  request.answer = [completion, convert](const Status& status, const wire::QueueResponse& response,
                                         const wire::Peeked& peeked) {
    if (!status.ok()) return completion->fail(status);
    if constexpr (std::is_same_v<Frame, wire::Peek>) {
      completion->done(convert(peeked));
    } else {
      completion->done(convert(response));
    }
  };
  request.deadline = detail::deadline_in(timeout);
  request.repeatable = repeatable;
  request.check = std::move(check);
  core.request(std::move(request));
}

template <class R>
void fail(ClientCore& core, detail::Handler<R> handler, const Status& status) {
  Completion<R>(std::move(handler), core.home()).fail(status);
}

wire::QueueRequest request_for(wire::QueueVerb verb, std::string name) {
  wire::QueueRequest frame;
  frame.verb = verb;
  frame.name = std::move(name);
  return frame;
}

}  // namespace

Client::AnySpec Client::of(QueueSpec spec) { return {Kind::queue, std::move(spec), {}, {}, {}, {}, {}, {}}; }

Client::AnySpec Client::of(TopicSpec spec) {
  QueueSpec options;
  options.name = spec.name;
  options.durability = spec.durability;
  options.colocate_with = spec.colocate_with;
  return {Kind::topic, std::move(options), {}, {}, std::move(spec), {}, {}, {}};
}

Client::AnySpec Client::of(SubscriptionSpec spec) {
  QueueSpec options;
  options.name = std::move(spec.name);
  options.max_attempts = spec.max_attempts;
  options.backoff_initial = spec.backoff_initial;
  options.backoff_multiplier = spec.backoff_multiplier;
  options.backoff_max = spec.backoff_max;
  options.backoff_jitter = spec.backoff_jitter;
  options.lease_duration = spec.lease_duration;
  options.max_worker_deaths = spec.max_worker_deaths;
  options.paused = spec.paused;
  options.max_in_flight = spec.max_in_flight;
  options.single_active_consumer = spec.single_active_consumer;
  options.ttl = spec.ttl;
  options.on_expiry = std::move(spec.on_expiry);
  options.order_by_key = spec.order_by_key;
  options.on_key_failure = std::move(spec.on_key_failure);
  options.case_retention = spec.case_retention;
  options.case_retention_count = spec.case_retention_count;
  options.hospital_max_bytes = spec.hospital_max_bytes;
  options.breaker = spec.breaker;
  options.breaker_samples = spec.breaker_samples;
  options.breaker_ratio = spec.breaker_ratio;
  options.breaker_window = spec.breaker_window;
  options.breaker_pause = spec.breaker_pause;
  options.owner = spec.owner;
  options.runbook = spec.runbook;
  options.alert_to = spec.alert_to;
  return {Kind::subscription,     std::move(options), std::move(spec.topic), std::move(spec.start), {},
          std::move(spec.filter), spec.ephemeral,     std::move(spec.topics)};
}

void Client::start_queue(Verb verb, AnySpec spec, detail::Handler<QueueInfo> handler) {
  wire::QueueRequest frame = request_for(wire::QueueVerb::show, std::move(spec.queue.name));
  switch (verb) {
    case Verb::ensure: frame.verb = wire::QueueVerb::ensure; break;
    case Verb::create: frame.verb = wire::QueueVerb::create; break;
    case Verb::update: frame.verb = wire::QueueVerb::update; break;
    case Verb::show: frame.verb = wire::QueueVerb::show; break;
  }
  frame.kind = static_cast<model::Kind>(spec.kind);
  Status words = detail::check_queue_name(frame.name);
  for (const std::string* other : {&spec.queue.colocate_with, &spec.topic}) {
    if (words.ok() && !other->empty()) words = detail::check_queue_name(*other);
  }
  for (const std::string& topic : spec.topics) {
    if (words.ok()) words = detail::check_queue_name(topic);
  }
  if (words.ok() && spec.kind == Kind::subscription && verb != Verb::update) {
    if (spec.topic.empty() && spec.topics.empty()) words = Status(Code::BAD_REQUEST, "a subscription needs its topic");
    if (!spec.topic.empty() && !spec.topics.empty()) {
      words = Status(Code::BAD_REQUEST, "a subscription has one topic, or topics, not both");
    }
  }
  const auto start = model::start_point_of(spec.start.empty() ? "latest" : spec.start);
  if (words.ok() && !start.ok()) words = start.status();
  if (words.ok() && spec.filter && !base::is_utf8(*spec.filter)) {
    words = Status(Code::INVALID_OPTION, "the filter is not UTF-8");
  }
  if (!words.ok()) return fail(core(), std::move(handler), words);
  frame.colocate_with = std::move(spec.queue.colocate_with);
  frame.topic = std::move(spec.topic);
  if (spec.topics.size() == 1) {
    frame.topic = std::move(spec.topics.front());
  } else {
    frame.topics = std::move(spec.topics);
  }
  frame.start = *start;
  const auto patch = patch_of(spec.queue);
  if (!patch.ok()) return fail(core(), std::move(handler), patch.status());
  frame.options = *patch;
  add_retention(spec.retention, frame.options);
  if (const Status wrong = check_durations(frame.options); !wrong.ok()) return fail(core(), std::move(handler), wrong);
  frame.options.filter = std::move(spec.filter);
  frame.options.ephemeral = spec.ephemeral;
  ask_about<QueueInfo>(core(), std::move(frame), timeout_, verb != Verb::create, std::move(handler), first_of);
}

void Client::start_list(Kind kind, std::string after, std::uint32_t max, detail::Handler<QueueList> handler) {
  const Status words = after.empty() ? Status() : detail::check_queue_name(after);
  if (!words.ok()) return fail(core(), std::move(handler), words);
  wire::QueueRequest frame = request_for(wire::QueueVerb::list, std::move(after));
  frame.max = max;
  frame.kind = static_cast<model::Kind>(kind);
  ask_about<QueueList>(core(), std::move(frame), timeout_, true, std::move(handler),
                       [](const wire::QueueResponse& response) {
                         QueueList list;
                         for (const wire::QueueInfo& info : response.queues)
                           list.queues.push_back(info_of(info, false));
                         return list;
                       });
}

void Client::start_remove(std::string queue, bool force, detail::Handler<Count> handler) {
  if (const Status words = detail::check_queue_name(queue); !words.ok()) {
    return fail(core(), std::move(handler), words);
  }
  wire::QueueRequest frame = request_for(wire::QueueVerb::remove, std::move(queue));
  frame.force = force;
  ask_about<Count>(core(), std::move(frame), timeout_, false, std::move(handler), count_of);
}

void Client::start_purge(std::string queue, bool scheduled, detail::Handler<Count> handler) {
  if (const Status words = detail::check_queue_name(queue); !words.ok()) {
    return fail(core(), std::move(handler), words);
  }
  wire::QueueRequest frame = request_for(wire::QueueVerb::purge, std::move(queue));
  frame.scheduled = scheduled;
  ask_about<Count>(core(), std::move(frame), timeout_, false, std::move(handler), count_of);
}

void Client::start_seek(std::string subscription, const std::string& to, detail::Handler<Moved> handler) {
  Status words = detail::check_queue_name(subscription);
  const auto start = model::start_point_of(to);
  if (words.ok() && !start.ok()) words = start.status();
  if (!words.ok()) return fail(core(), std::move(handler), words);
  wire::QueueRequest frame = request_for(wire::QueueVerb::seek, std::move(subscription));
  frame.start = *start;
  ask_about<Moved>(core(), std::move(frame), timeout_, false, std::move(handler), moved_of);
}

void Client::start_list_scheduled(std::string queue, std::string after, std::uint32_t max,
                                  detail::Handler<ScheduledList> handler) {
  Status words = detail::check_queue_name(queue);
  if (words.ok() && !base::is_utf8(after)) words = Status(Code::BAD_REQUEST, "`after` is not of this list");
  if (!words.ok()) return fail(core(), std::move(handler), words);
  wire::QueueRequest frame = request_for(wire::QueueVerb::list_scheduled, std::move(queue));
  frame.cursor = std::move(after);
  frame.max = max;
  ask_about<ScheduledList>(core(), std::move(frame), timeout_, true, std::move(handler), scheduled_of, check_schedules);
}

void Client::start_cancel_scheduled(std::string queue, std::optional<std::uint64_t> offset, const MessageId& id,
                                    detail::Handler<Count> handler) {
  Status words = detail::check_queue_name(queue);
  if (words.ok() && !offset && id.is_nil()) words = Status(Code::BAD_REQUEST, "no message has the nil id");
  if (!words.ok()) return fail(core(), std::move(handler), words);
  wire::QueueRequest frame = request_for(wire::QueueVerb::cancel_scheduled, std::move(queue));
  if (offset) frame.offset = model::Offset(*offset);
  frame.message_id.bytes = id.bytes;
  ask_about<Count>(core(), std::move(frame), timeout_, false, std::move(handler), count_of, check_schedules);
}

void Client::start_peek(std::string queue, std::optional<std::uint64_t> from, std::uint32_t max,
                        detail::Handler<Peeked> handler) {
  if (const Status words = detail::check_queue_name(queue); !words.ok()) {
    return fail(core(), std::move(handler), words);
  }
  wire::Peek frame{0, queue, std::nullopt, max};
  if (from) frame.from = model::Offset(*from);
  ask_about<Peeked>(core(), std::move(frame), timeout_, true, std::move(handler),
                    [queue](const wire::Peeked& peeked) { return peeked_of(peeked, queue); });
}

// --- The same, waited for --------------------------------------------------------------------------------------------

QueueInfo Client::wait_queue(Verb verb, AnySpec spec) {
  check_may_block(core().would_deadlock());
  return wait_for<QueueInfo>([&](auto handler) { start_queue(verb, std::move(spec), std::move(handler)); });
}

QueueInfo Client::ensure(const QueueSpec& spec) { return wait_queue(Verb::ensure, of(spec)); }
QueueInfo Client::create(const QueueSpec& spec) { return wait_queue(Verb::create, of(spec)); }
QueueInfo Client::update(const QueueSpec& spec) { return wait_queue(Verb::update, of(spec)); }
QueueInfo Client::ensure_topic(const TopicSpec& spec) { return wait_queue(Verb::ensure, of(spec)); }
QueueInfo Client::create_topic(const TopicSpec& spec) { return wait_queue(Verb::create, of(spec)); }
QueueInfo Client::ensure_subscription(const SubscriptionSpec& spec) { return wait_queue(Verb::ensure, of(spec)); }
QueueInfo Client::create_subscription(const SubscriptionSpec& spec) { return wait_queue(Verb::create, of(spec)); }

QueueInfo Client::update_topic(const TopicSpec& spec) { return wait_queue(Verb::update, of(spec)); }
QueueInfo Client::update_subscription(const SubscriptionSpec& spec) { return wait_queue(Verb::update, of(spec)); }
QueueInfo Client::pause(std::string_view queue) {
  QueueSpec spec;
  spec.name = queue;
  spec.paused = true;
  return update(spec);
}
QueueInfo Client::resume(std::string_view queue) {
  QueueSpec spec;
  spec.name = queue;
  spec.paused = false;
  return update(spec);
}

Moved Client::seek(std::string_view subscription, std::string_view to) {
  check_may_block(core().would_deadlock());
  return wait_for<Moved>(
      [&](auto handler) { start_seek(std::string(subscription), std::string(to), std::move(handler)); });
}

QueueInfo Client::show(std::string_view queue) {
  QueueSpec spec;
  spec.name = queue;
  return wait_queue(Verb::show, of(std::move(spec)));
}

QueueList Client::list(std::string_view after, std::uint32_t max, Kind kind) {
  check_may_block(core().would_deadlock());
  return wait_for<QueueList>([&](auto handler) { start_list(kind, std::string(after), max, std::move(handler)); });
}

void Client::remove(std::string_view queue, bool force) {
  check_may_block(core().would_deadlock());
  wait_for<Count>([&](auto handler) { start_remove(std::string(queue), force, std::move(handler)); });
}

std::uint64_t Client::purge(std::string_view queue, bool scheduled) {
  check_may_block(core().would_deadlock());
  return wait_for<Count>([&](auto handler) { start_purge(std::string(queue), scheduled, std::move(handler)); }).count;
}

ScheduledList Client::list_scheduled(std::string_view queue, std::string_view after, std::uint32_t max) {
  check_may_block(core().would_deadlock());
  return wait_for<ScheduledList>(
      [&](auto handler) { start_list_scheduled(std::string(queue), std::string(after), max, std::move(handler)); });
}

std::uint64_t Client::cancel_scheduled(std::string_view queue, std::uint64_t offset) {
  check_may_block(core().would_deadlock());
  return wait_for<Count>(
             [&](auto handler) { start_cancel_scheduled(std::string(queue), offset, {}, std::move(handler)); })
      .count;
}

std::uint64_t Client::cancel_scheduled(std::string_view queue, const MessageId& id) {
  check_may_block(core().would_deadlock());
  return wait_for<Count>([&](auto handler) { start_cancel_scheduled(std::string(queue), {}, id, std::move(handler)); })
      .count;
}

Peeked Client::peek(std::string_view queue, std::optional<std::uint64_t> from, std::uint32_t max) {
  check_may_block(core().would_deadlock());
  return wait_for<Peeked>([&](auto handler) { start_peek(std::string(queue), from, max, std::move(handler)); });
}

}  // namespace lazaret
