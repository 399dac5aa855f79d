// What a client asks of queues, topics and subscriptions: which of it, and what is only looked at (show, list, peek).
// What changes them stands in audited_commands.cpp.
#include <algorithm>
#include <boost/asio/post.hpp>

#include "engine/shown_queue.h"
#include "model/limits.h"
#include "net/session.h"

namespace lazaret::net {

namespace limits = model::limits;
using base::Code;
using base::Status;
using wire::QueueVerb;

namespace {

/// With one largest message more, and what describes them all, still a frame that the client takes.
constexpr std::size_t kPeekBytes = 512u << 10;

Status nothing_named(const std::string& name) {
  return {Code::NOT_FOUND, "there is no queue, topic or subscription '" + name + "'"};
}

/// Where it is, as what, and how much of it is where.
wire::QueueInfo counts_of(const model::QueueStats& stats) {
  wire::QueueInfo info;
  info.name = stats.queue.name;
  info.options = stats.queue.options;
  info.shard = stats.queue.shard;
  info.ready = stats.ready;
  info.leased = stats.leased;
  info.waiting = stats.waiting;
  info.in_hospital = stats.counters.in_hospital;
  info.entered = stats.counters.entered;
  info.acked = stats.counters.acked;
  info.consumers = static_cast<std::uint32_t>(stats.consumers.size());
  info.kind = stats.queue.kind;
  info.topic = stats.queue.topic;
  info.topics = stats.queue.topics();
  info.start = stats.queue.start;
  info.cursor = stats.cursor;
  info.next_offset = stats.log_end;
  info.subscriptions = static_cast<std::uint32_t>(stats.subscriptions);
  info.scheduled = stats.scheduled;
  info.expired = stats.counters.expired;
  info.held = stats.held;
  info.held_full = stats.held_full;
  info.filtered = stats.counters.filtered;
  info.unaccepted = stats.unaccepted;
  return info;
}

std::size_t bytes_of(const model::ConsumerStats& consumer) {
  std::size_t bytes =
      limits::kItemHeaderBytes + consumer.info.name.size() + consumer.info.host.size() + consumer.info.version.size();
  for (const std::string& type : consumer.accepts) bytes += type.size();
  return bytes;
}

/// `room`: for who consumes it, which alone could exceed what a header may have.
wire::QueueInfo info_of(const model::QueueStats& stats, std::size_t& room) {
  wire::QueueInfo info = counts_of(stats);
  const model::Counters& counters = stats.counters;
  info.lag = engine::lag_of(stats);
  info.lost_to_retention = counters.lost_to_retention;
  info.retention_used = stats.retention_used;
  info.dropped = counters.dropped;
  info.discarded = counters.discarded;
  info.purged = counters.purged;
  info.redirected = counters.redirected;
  info.oldest_ready_at = stats.oldest_ready_at.value_or(base::Instant());
  for (const model::ConsumerStats& consumer : stats.consumers) {
    if (bytes_of(consumer) > room) break;
    room -= bytes_of(consumer);
    info.consumer_list.push_back(consumer);
  }
  info.breaker = stats.breaker;
  info.sources = stats.sources;
  info.pending_requests = stats.pending_requests;
  info.late_replies = counters.late_replies;
  info.lost_replies = counters.lost_replies;
  info.suspects = stats.suspects;
  info.failed_attempts = stats.failed_attempts;
  info.offsets_left_out = stats.offsets_left_out;
  if (stats.queue.kind == model::Kind::queue) info.bytes = stats.bytes;
  info.created_at = stats.queue.created_at;
  if (stats.queue.kind == model::Kind::topic) info.first_offset = stats.log_begin;
  info.hospital_bytes = stats.hospital_bytes;
  info.hospital_level = stats.hospital_level;
  info.quarantines = stats.quarantines;
  info.caught_by_quarantines = stats.caught_by_quarantines;
  return info;
}

wire::QueueResponse response_of(const std::vector<model::QueueStats>& all, std::uint64_t request) {
  wire::QueueResponse response;
  response.request = request;
  std::size_t room = limits::kBatchBytes;
  std::size_t topic_bytes = 0;  // which alone could exceed what a header may have
  for (const model::QueueStats& stats : all) {
    if (!stats.status.ok()) continue;  // one that was deleted meanwhile is left out
    for (const std::string& topic : stats.queue.topics()) topic_bytes += topic.size();
    if (topic_bytes > limits::kBatchBytes && !response.queues.empty()) break;
    response.queues.push_back(info_of(stats, room));
  }
  return response;
}

/// As it was published; how it stands on a queue or subscription is for whoever knows.
wire::PeekedMessage peeked_message(const model::PagedMessage& one) {
  wire::PeekedMessage peeked;
  peeked.offset = one.offset;
  peeked.damaged = one.message == nullptr;
  if (peeked.damaged) return peeked;
  peeked.published_at = one.message->published_at;
  peeked.envelope = one.message->envelope;
  peeked.body = one.message->body;
  peeked.body_crc = one.message->body_crc;
  return peeked;
}

/// What a topic keeps of [from, end).
wire::Peeked messages_of_topic(model::Store& store, const model::QueueRecord& topic, model::Offset from,
                               model::Offset end, std::size_t max) {
  wire::Peeked frame;
  std::size_t bytes = 0;
  while (from < end && frame.messages.size() < max && bytes < kPeekBytes) {
    const auto page =
        store.read_messages(topic.shard, topic.log, from, end, max - frame.messages.size(), kPeekBytes - bytes);
    if (!page.ok()) {
      frame.status = page.status();
      return frame;
    }
    for (const model::PagedMessage& one : page->messages) {
      wire::PeekedMessage& peeked = frame.messages.emplace_back(peeked_message(one));
      peeked.state = std::nullopt;
      bytes += peeked.envelope.size() + peeked.body.size();
    }
    if (page->next <= from && page->messages.empty()) break;
    from = std::max(from, page->next);  // what was trimmed lies in between
  }
  frame.next = from < end ? from : model::Offset();
  return frame;
}

wire::Peeked messages_of(model::Store& store, const model::QueueRecord& queue, const model::MessageStates& states) {
  wire::Peeked frame;
  const model::Offset first = states.items.front().offset;
  const model::Offset end = states.items.back().offset.next();
  const auto page = store.read_messages(queue.shard, queue.log, first, end, states.items.size(), kPeekBytes);
  if (!page.ok()) {
    frame.status = page.status();
    return frame;
  }
  for (const model::PagedMessage& one : page->messages) {
    const auto& state = states.items[one.offset.value - first.value];
    if (state.state == model::MessageState::settled) continue;
    wire::PeekedMessage& peeked = frame.messages.emplace_back(peeked_message(one));
    peeked.state = state.state;
    peeked.attempt = state.attempt;
    peeked.held_by = state.held_by;
    peeked.unaccepted = state.unaccepted;
    peeked.until = state.until.value_or(base::Instant());
    const bool parked = state.state == model::MessageState::scheduled && !state.until;
    if (parked && !peeked.damaged) peeked.until = one.message->due;
    peeked.consumer = state.consumer;
    if (!peeked.damaged && one.message->source.log) {
      peeked.source = queue.source_of(one.message->source);
      peeked.source_offset = one.message->source.offset;
    }
  }
  frame.next = page->next < states.log_end ? page->next : model::Offset();
  return frame;
}

}  // namespace

Status Session::on(wire::QueueRequest&& frame) {
  if (too_many(frame.request, expected_.size() + peeks_.size(), limits::kBatchItems, "open requests")) return {};
  if (frame.verb == QueueVerb::list) {
    list_queues(frame);
    return {};
  }
  const auto queue = context_.engine.directory().find(frame.name);
  if (frame.verb == QueueVerb::create || frame.verb == QueueVerb::ensure) {
    create_queue(std::move(frame));
    return {};
  }
  if (queue == nullptr) {
    refuse(frame.request, nothing_named(frame.name));
    return {};
  }
  switch (frame.verb) {
    case QueueVerb::show: show_queue(frame.request, queue, false); break;
    case QueueVerb::update: update_queue(frame, queue); break;
    case QueueVerb::remove: remove(frame, queue); break;
    case QueueVerb::purge: purge(frame, queue); break;
    case QueueVerb::seek: seek(frame, queue); break;
    case QueueVerb::list_scheduled: list_scheduled(frame, queue); break;
    case QueueVerb::cancel_scheduled: cancel_scheduled(frame, queue); break;
    case QueueVerb::create:
    case QueueVerb::ensure:
    case QueueVerb::list: break;  // above
  }
  return {};
}

void Session::show_queue(std::uint64_t request, const engine::QueueRef& queue, bool created) {
  show({queue}, [this, request, created](std::vector<model::QueueStats>& shown) {
    if (!shown.front().status.ok()) return refuse(request, std::move(shown.front().status));
    wire::QueueResponse response = response_of(shown, request);
    response.created = created;
    send(wire::encode(response));
  });
}

void Session::list_queues(const wire::QueueRequest& frame) {
  const std::size_t max =
      frame.max == 0 ? limits::kPageItemsDefault : std::min<std::size_t>(frame.max, limits::kPageItems);
  const auto queues = context_.engine.directory().list(frame.name, max, frame.kind);
  if (queues.empty()) return send(wire::encode(response_of({}, frame.request)));
  show(queues, [this, request = frame.request](std::vector<model::QueueStats>& shown) {
    send(wire::encode(response_of(shown, request)));
  });
}

// What is shown is put together of what their shards say, then those of the topics that feed them, then the store.

struct Session::Showing {
  std::vector<model::QueueStats> stats;  // in the order in which they were asked for
  std::size_t missing = 0;               // answers that have not come
  std::function<void(std::vector<model::QueueStats>&)> then;
};

void Session::show(const std::vector<engine::QueueRef>& queues,
                   std::function<void(std::vector<model::QueueStats>&)> then) {
  const auto showing = std::make_shared<Showing>();
  showing->stats.resize(queues.size());
  showing->missing = queues.size();
  showing->then = std::move(then);
  for (std::size_t place = 0; place < queues.size(); ++place) {
    const model::Origin origin = expect([this, showing, place](model::Answer&& answer) {
      showing->stats[place] = std::move(std::get<model::QueueStats>(answer));
      ask_feeders(showing, place);
      one_shown(showing);
    });
    submit(queues[place]->shard, model::ShowQueue{origin, queues[place]->subscription});
  }
}

void Session::ask_feeders(const std::shared_ptr<Showing>& showing, std::size_t place) {
  const model::QueueStats& stats = showing->stats[place];
  if (!stats.status.ok()) return;
  for (const model::FanInSource& source : stats.queue.sources) {
    if (source.gone) continue;
    ++showing->missing;
    const model::Origin origin = expect([this, showing, place, topic = source.topic](model::Answer&& answer) {
      const auto& feeder = std::get<model::QueueStats>(answer);
      // One that is not there comes, or goes, with its topic.
      if (feeder.status.ok()) engine::add_source(showing->stats[place], topic, feeder);
      one_shown(showing);
    });
    submit(source.shard, model::ShowQueue{origin, source.feeder});
  }
}

void Session::one_shown(const std::shared_ptr<Showing>& showing) {
  if (--showing->missing > 0) return;
  // In one order, whoever answered first.
  for (model::QueueStats& stats : showing->stats) {
    std::sort(stats.sources.begin(), stats.sources.end(),
              [](const model::SourceStats& a, const model::SourceStats& b) { return a.topic < b.topic; });
  }
  const bool complete = std::none_of(showing->stats.begin(), showing->stats.end(), engine::lacks_oldest_ready);
  if (complete) return showing->then(showing->stats);
  const auto read = [showing, now = context_.engine.now()](model::Store& store) {
    for (model::QueueStats& stats : showing->stats) engine::add_oldest_ready(store, now, stats);
  };
  // Without it when the broker stops: whoever asked is still told what is known.
  read_store(read, [showing](const Status&) { showing->then(showing->stats); });
}

void Session::read_store(std::function<void(model::Store&)> read, std::function<void(Status)> then) {
  // It stays among what is expected meanwhile, which bounds how many wait.
  const std::uint64_t expected = expect([then = std::move(then)](model::Answer&& answer) {
                                   then(std::move(std::get<model::Done>(answer).status));
                                 }).request;
  asio::post(context_.store_readers, [self = shared_from_this(), read = std::move(read), expected] {
    model::Done done;
    done.request = expected;
    if (self->ended_ || self->context_.stopping) {
      done.status = Status(Code::SHUTTING_DOWN);
    } else {
      read(self->context_.engine.store());
    }
    std::vector<model::Answer> answers;
    answers.emplace_back(std::move(done));
    self->tell(std::move(answers));
  });
}

// --- Peek ------------------------------------------------------------------------------------------------------------

Status Session::on(wire::Peek&& frame) {
  if (too_many(frame.request, expected_.size() + peeks_.size(), limits::kBatchItems, "open requests")) return {};
  auto queue = context_.engine.directory().find(frame.queue);
  if (queue == nullptr) {
    refuse(frame.request, nothing_named(frame.queue));
    return {};
  }
  const std::size_t max =
      frame.max == 0 ? limits::kPageItemsDefault : std::min<std::size_t>(frame.max, limits::kPageItems);
  peeks_.push_back({frame.request, std::move(queue), frame.from, max});
  peek_next();
  return {};
}

/// One peek at a time: the next is read when what the last one found has gone out. Each is a look, which writes.
void Session::peek_next() {
  if (peeking_ || peeks_.empty() || ending_) return;
  peeking_ = true;
  const WaitingPeek peek = std::move(peeks_.front());
  peeks_.pop_front();
  if (Status refused = context_.engine.may_look(); !refused.ok()) {
    return answer_peek({peek.request, std::move(refused), {}, {}});
  }
  const model::Kind kind = peek.queue->kind;
  const char* const operation = kind == model::Kind::queue   ? "peekMessages"
                                : kind == model::Kind::topic ? "peekTopic"
                                                             : "peekSubscription";
  model::AuditCall call = call_of(operation, peek.queue->name);
  call.details.emplace_back("count", std::to_string(peek.max));
  if (peek.from) call.details.emplace_back("from", std::to_string(peek.from->value));
  if (kind == model::Kind::topic) {
    return perform<model::QueueStats>(
        std::move(call), peek.queue->shard, model::ShowQueue{{}, peek.queue->subscription}, nullptr,
        [this, peek](model::Answer&& answer) { peeked_topic(peek, std::get<model::QueueStats>(answer)); });
  }
  perform<model::MessageStates>(
      std::move(call), peek.queue->shard, model::ShowStates{{}, peek.queue->subscription, peek.from, peek.max}, nullptr,
      [this, peek](model::Answer&& answer) { peeked(peek, std::get<model::MessageStates>(answer)); });
}

/// The messages behind the states.
void Session::peeked(const WaitingPeek& peek, const model::MessageStates& states) {
  if (!states.status.ok() || states.items.empty()) return answer_peek({peek.request, states.status, {}, {}});
  read_peeked(peek, [queue = peek.queue, states](model::Store& store) { return messages_of(store, *queue, states); });
}

/// All that a topic keeps; how each of them stands is a matter of each subscription.
void Session::peeked_topic(const WaitingPeek& peek, const model::QueueStats& stats) {
  if (!stats.status.ok()) return answer_peek({peek.request, stats.status, {}, {}});
  const model::Offset from = std::max(peek.from.value_or(stats.log_begin), stats.log_begin);
  read_peeked(peek, [topic = peek.queue, from, end = stats.log_end, max = peek.max](model::Store& store) {
    return messages_of_topic(store, *topic, from, end, max);
  });
}

void Session::answer_peek(const wire::Peeked& frame) { send_roomy(wire::encode(frame), std::nullopt, 0); }

/// Where reading may wait for the disk.
void Session::read_peeked(const WaitingPeek& peek, std::function<wire::Peeked(model::Store&)> read) {
  asio::post(context_.store_readers, [self = shared_from_this(), request = peek.request, read = std::move(read)] {
    // Nobody waits for it any more: those behind it in the line need not either.
    if (self->ended_ || self->context_.stopping) return;
    wire::Peeked frame = read(self->context_.engine.store());
    frame.request = request;
    asio::post(self->socket_.get_executor(), [self, frame = std::move(frame)] { self->answer_peek(frame); });
  });
}

}  // namespace lazaret::net
