#include "client/publisher.h"

#include <algorithm>

#include "client/client_core.h"
#include "client/message_codec.h"
#include "model/limits.h"
#include "model/too_many.h"

namespace lazaret::detail {
namespace {

using base::Code;
using base::Status;
namespace limits = model::limits;

/// Publishes in flight at most: each must still be recognised when it is sent again.
constexpr std::size_t kWindow = 2048;
static_assert(kWindow <= limits::kPublishWindow);

/// Of all envelopes that go into one write, with names and lengths; a frame's header has room for twice as much.
constexpr std::size_t kHeadersTogether = 1u << 20;
static_assert(2 * kHeadersTogether <= limits::kBatchHeaderBytes);
/// Of an entry of a context, beside its texts: tags and lengths.
constexpr std::size_t kEntryBytes = 16;

/// Of the limits that a broker told: 0 is none.
std::size_t most(std::size_t ours, std::uint64_t theirs) {
  return theirs == 0 ? ours : std::min<std::size_t>(ours, theirs);
}

bool knows(const wire::Welcome& told, std::string_view feature) {
  return std::find(told.features.begin(), told.features.end(), feature) != told.features.end();
}

std::size_t header_bytes(const wire::AddressedItem& one) {
  std::size_t bytes = one.item.envelope.size() + one.to.size() + one.reply_queue.size() + limits::kItemHeaderBytes;
  for (const auto& [name, value] : one.context) bytes += name.size() + value.size() + kEntryBytes;
  return bytes;
}

}  // namespace

Status check_together(const wire::Welcome& told, const std::vector<wire::AddressedItem>& items, std::size_t with) {
  if (!knows(told, wire::kFeatureTransactions)) {
    return {Code::BAD_REQUEST, "this broker is of a version that knows no transactions"};
  }
  const bool asks = std::any_of(items.begin(), items.end(), [](const auto& one) { return one.is_ask(); });
  if (asks && !knows(told, wire::kFeatureAsksAlong)) {
    // It would publish the message, and nobody would ever get a reply.
    return {Code::BAD_REQUEST, "this broker is of a version that knows no requests in transactions"};
  }
  if (items.size() + 1 > limits::kBatchItems) {
    return model::batch_too_large(items.size() + 1);
  }
  std::size_t bytes = with;
  std::size_t headers = 0;
  for (const wire::AddressedItem& one : items) {
    LZ_RETURN_IF_ERROR(check_size(told, one.item.envelope.size(), one.item.body.size()));
    bytes += one.item.body.size();
    headers += header_bytes(one);
  }
  if (headers > kHeadersTogether) {
    return Status(Code::HEADERS_TOO_LARGE, "the envelopes of what is published together have " +
                                               std::to_string(headers) + " bytes, at most " +
                                               std::to_string(kHeadersTogether) + " go into one write")
        .with_limit("envelopes_together", static_cast<std::int64_t>(kHeadersTogether));
  }
  return check_size(told, 0, bytes);
}

Status check_asked(const wire::Welcome& told) {
  if (knows(told, wire::kFeatureAsksTogether)) return {};
  return {Code::BAD_REQUEST, "this broker is of a version that knows no requests without a message in a transaction"};
}

Status check_size(const wire::Welcome& told, std::size_t envelope, std::size_t body) {
  const auto beyond = [](Code code, std::string_view what, std::size_t bytes, std::uint64_t limit, std::string name) {
    return Status(code, "the " + std::string(what) + " has " + std::to_string(bytes) +
                            " bytes, the broker takes at most " + std::to_string(limit))
        .with_limit(std::move(name), static_cast<std::int64_t>(limit));
  };
  if (told.max_message_bytes != 0 && body > told.max_message_bytes) {
    return beyond(Code::MESSAGE_TOO_LARGE, "body", body, told.max_message_bytes, "max_message_bytes");
  }
  if (told.max_header_bytes != 0 && envelope > told.max_header_bytes) {
    return beyond(Code::HEADERS_TOO_LARGE, "envelope", envelope, told.max_header_bytes, "max_header_bytes");
  }
  return {};
}

void Publisher::submit(const std::string& queue, Outgoing&& message) {
  Producer& producer = producers_[queue];
  producer.queue = queue;
  touch(producer);
  if (adopt(producer, message)) return;
  const Status status = client_.is_open() ? check_acceptable(message) : Status();
  if (!status.ok()) return refuse(producer, message, status);
  producer.waiting.push_back(std::move(message));
}

void Publisher::touch(Producer& producer) {
  if (!std::exchange(producer.listed, true)) touched_.push_back(&producer);
}

void Publisher::flush() {
  if (!client_.is_open()) return;
  // Those that have a place first: whoever needs one meets nobody then who is about to send.
  for (Producer* const producer : touched_) {
    ++looked_at_;
    producer->listed = false;
    if (producer->number != 0) send(*producer);
  }
  for (Producer* const producer : touched_) {
    if (producer->number == 0 && producer->opening == 0 && !producer->waiting.empty()) open(*producer);
  }
  touched_.clear();
}

/// A message whose first publish ended as OUTCOME_UNKNOWN: it keeps its sequence, or joins the publish that is still
/// in flight (true).
bool Publisher::adopt(Producer& producer, Outgoing& message) {
  const auto known = producer.unresolved.find(message.id);
  if (known == producer.unresolved.end()) return false;
  for (auto& [request, items] : producer.in_flight) {
    for (Outgoing& item : items) {
      const bool same = item.id == message.id && item.is_transaction() == message.is_transaction();
      if (!same || item.completion) continue;
      item.completion = std::move(message.completion);
      item.deadline = message.deadline;
      item.operation = message.operation;
      return true;
    }
  }
  message.sequence = known->second;
  message.again = true;
  return false;
}

void Publisher::open(Producer& producer) {
  if (!no_room_.empty() || !has_room()) {
    producer.listed = true;
    no_room_.push_back(&producer);
    return;
  }
  begin_open(producer);
}

void Publisher::begin_open(Producer& producer) {
  ++open_count_;
  producer.opening = client_.next_request();
  requests_[producer.opening] = producer.queue;
  client_.send(wire::encode(wire::OpenProducer{producer.opening, producer.queue, uuid_of(producer_id_)}));
}

/// If need be, closes the producer that has been idle for longest; false when none is idle.
bool Publisher::has_room() {
  if (open_count_ < limits::kProducersPerConnection) return true;
  for (Producer* const producer : idle_) {
    ++looked_at_;
    if (!producer->waiting.empty()) continue;  // it is about to send
    close(*producer);
    return true;
  }
  return false;
}

/// Nothing of it is on its way any more.
void Publisher::rest(Producer& producer) {
  if (producer.number != 0 && producer.busy) idle_.splice(idle_.end(), busy_, producer.place);
  producer.busy = false;
  give_place();
}

/// A producer has become idle, or its place is free: whoever waits for one is next.
void Publisher::give_place() {
  while (!no_room_.empty() && no_room_.front()->waiting.empty()) {
    no_room_.front()->listed = false;
    no_room_.pop_front();
  }
  if (no_room_.empty() || !has_room()) return;
  Producer& producer = *no_room_.front();
  no_room_.pop_front();
  producer.listed = false;
  begin_open(producer);
}

void Publisher::close(Producer& producer) {
  if (producer.number == 0) return;
  client_.send(wire::encode(wire::CloseProducer{producer.number}));
  producer.number = 0;
  (producer.busy ? busy_ : idle_).erase(producer.place);
  producer.busy = false;
  --open_count_;
}

void Publisher::on(const wire::ProducerOpened& frame) {
  const auto it = requests_.find(frame.request);
  if (it == requests_.end()) return;
  Producer& producer = producers_[it->second];
  requests_.erase(it);
  producer.opening = 0;
  producer.number = frame.producer;
  producer.place = idle_.insert(idle_.end(), &producer);
  producer.last_sequence = std::max(producer.last_sequence, frame.last_sequence);
  send(producer);
  if (producer.in_flight.empty()) rest(producer);
}

Status Publisher::check_acceptable(const Outgoing& message) const {
  const wire::Welcome& told = client_.welcome();
  const std::size_t body = std::max(message.body.size(), message.opened_bytes);
  if (Status size = check_size(told, message.envelope.size(), body); !size.ok()) return size;
  if (message.together != nullptr) LZ_RETURN_IF_ERROR(check_together(told, *message.together, message.body.size()));
  if (message.ask != nullptr) LZ_RETURN_IF_ERROR(check_asked(told));
  const bool timed = message.delay.count() != 0 || message.deliver_at.us != 0 || message.ttl.count() != 0;
  if (timed && !knows(told, wire::kFeatureTime)) {
    // It would deliver at once, and for ever.
    return {Code::BAD_REQUEST, "this broker is of a version that knows no delays and no times to live"};
  }
  return {};
}

/// What the broker would not take, or not as it is meant, would cost the connection if its frame is too large as well.
void Publisher::refuse_unacceptable(Producer& producer) {
  std::erase_if(producer.waiting, [&](Outgoing& message) {
    const Status status = check_acceptable(message);
    if (!status.ok()) refuse(producer, message, status);
    return !status.ok();
  });
}

void Publisher::send(Producer& producer) {
  const std::size_t window = most(kWindow, client_.welcome().max_publish_window);
  const std::size_t items_most = most(limits::kBatchItems, client_.welcome().max_batch_items);
  while (!producer.waiting.empty() && producer.in_flight_count < window) {
    wire::Publish frame;
    frame.request = client_.next_request();
    frame.producer = producer.number;
    std::vector<Outgoing>& items = producer.in_flight[frame.request];
    const std::size_t most_now = std::min({producer.waiting.size(), items_most, window - producer.in_flight_count});
    items.reserve(most_now);
    frame.items.reserve(most_now);
    std::size_t bytes = 0;
    while (!producer.waiting.empty() && frame.items.size() < items_most && bytes < limits::kBatchBytes &&
           producer.in_flight_count < window) {
      Outgoing& message = producer.waiting.front();
      const bool too_much = bytes + message.size() > limits::kBatchBytes || message.is_transaction();
      if (!frame.items.empty() && too_much) break;
      if (message.sequence == 0) message.sequence = producer.last_sequence + 1;
      producer.last_sequence = std::max(producer.last_sequence, message.sequence);
      message.sent = true;
      bytes += message.size();
      frame.items.push_back({message.sequence, message.envelope, message.body, message.body_crc, message.delay,
                             message.deliver_at, message.ttl});
      const bool is_transaction = message.is_transaction();
      frame.together = message.together;
      frame.ask = message.ask;
      items.push_back(std::move(message));
      producer.waiting.pop_front();
      ++producer.in_flight_count;
      if (is_transaction) break;
    }
    if (!std::exchange(producer.busy, true)) busy_.splice(busy_.end(), idle_, producer.place);
    requests_[frame.request] = producer.queue;
    client_.send(wire::encode(frame));
  }
}

void Publisher::on(const wire::Published& frame) {
  const auto it = requests_.find(frame.request);
  if (it == requests_.end()) return;
  Producer& producer = producers_[it->second];
  requests_.erase(it);
  auto node = producer.in_flight.extract(frame.request);
  if (node.empty()) return;
  std::vector<Outgoing>& items = node.mapped();
  producer.in_flight_count -= items.size();
  for (std::size_t i = 0; i < items.size(); ++i) {
    const model::PublishResult lost{Code::INTERNAL, {}, false};
    settle(producer, items[i], i < frame.results.size() ? frame.results[i] : lost, frame.status);
  }
  if (producer.number != 0) {
    send(producer);
  } else if (producer.opening == 0 && !producer.waiting.empty()) {
    open(producer);  // its queue was deleted; what waits behind is told so, or goes to one of the same name
  }
  if (producer.in_flight.empty()) rest(producer);
}

void Publisher::settle(Producer& producer, Outgoing& message, const model::PublishResult& result, const Status& why) {
  if (result.code == Code::OK) {
    // Whoever was told that its outcome is unknown may still repeat it: it must keep its sequence then.
    if (message.completion) forget(producer, message);
    return finish(message, {}, Receipt{message.id, result.offset.value, result.duplicate, nullptr});
  }
  // The queue was deleted: it may be there again for the next publish.
  if (result.code == Code::NOT_FOUND) close(producer);
  refuse(producer, message, why.code() == result.code ? why : Status(result.code));
}

/// A refusal of a second try says nothing of the first, which may have been stored; but for SEQUENCE_REUSED, which says
/// that something else was.
void Publisher::refuse(Producer& producer, Outgoing& message, const Status& why) {
  if (message.again && why.code() != Code::SEQUENCE_REUSED) {
    return unknown(producer, message, "an earlier try may have been stored; this one was refused: " + why.text());
  }
  forget(producer, message);
  finish(message, why);
}

void Publisher::unknown(Producer& producer, Outgoing& message, std::string text) {
  give_up(producer, message);
  finish(message, Status(Code::OUTCOME_UNKNOWN, std::move(text)));
}

bool Publisher::refused(std::uint64_t request, const Status& status) {
  const auto it = requests_.find(request);
  if (it == requests_.end()) return false;
  Producer& producer = producers_[it->second];
  requests_.erase(it);
  if (producer.opening == request) {
    producer.opening = 0;
    --open_count_;
    for (Outgoing& message : producer.waiting) refuse(producer, message, status);
    producer.waiting.clear();
    give_place();
    return true;
  }
  auto node = producer.in_flight.extract(request);
  if (node.empty()) return true;
  producer.in_flight_count -= node.mapped().size();
  for (Outgoing& message : node.mapped()) refuse(producer, message, status);
  if (producer.number != 0) send(producer);
  if (producer.in_flight.empty()) rest(producer);
  return true;
}

void Publisher::fail_unanswered(const Status& status) {
  const std::string text = "the broker ended the connection, " + status.text();
  for (auto& [queue, producer] : producers_) {
    for (auto& [request, items] : producer.in_flight) {
      for (Outgoing& message : items) unknown(producer, message, text);
    }
    producer.in_flight.clear();
    producer.in_flight_count = 0;
    if (producer.opening == 0) continue;
    for (Outgoing& message : producer.waiting) refuse(producer, message, status);
    producer.waiting.clear();
  }
}

void Publisher::fail_unsent(const Status& status) {
  for (auto& [queue, producer] : producers_) {
    std::erase_if(producer.waiting, [&, &p = producer](Outgoing& message) {
      if (message.sent) return false;
      refuse(p, message, status);
      return true;
    });
  }
}

// --- The connection --------------------------------------------------------------------------------------------------

void Publisher::connected() {
  for (auto& [queue, producer] : producers_) {
    refuse_unacceptable(producer);
    touch(producer);
  }
  flush();
}

/// What was in flight waits again, first in line and in its order.
void Publisher::disconnected() {
  requests_.clear();
  open_count_ = 0;
  idle_.clear();
  busy_.clear();
  for (Producer* const producer : no_room_) producer->listed = false;
  no_room_.clear();
  for (auto& [queue, producer] : producers_) {
    producer.number = 0;
    producer.opening = 0;
    producer.busy = false;
    std::deque<Outgoing> again;
    for (auto& [request, items] : producer.in_flight) {
      for (Outgoing& message : items) {
        if (message.completion) {
          message.again = true;
          again.push_back(std::move(message));
        } else {
          give_up(producer, message);
        }
      }
    }
    producer.in_flight.clear();
    producer.in_flight_count = 0;
    std::stable_sort(again.begin(), again.end(),
                     [](const Outgoing& a, const Outgoing& b) { return a.sequence < b.sequence; });
    for (Outgoing& message : producer.waiting) again.push_back(std::move(message));
    producer.waiting = std::move(again);
  }
}

// --- Ending without an answer ----------------------------------------------------------------------------------------

/// Remembers the sequence of a publish that nobody waits for any more.
void Publisher::give_up(Producer& producer, Outgoing& message) {
  if (message.sequence == 0) return;
  if (!producer.unresolved.emplace(message.id, message.sequence).second) return;
  producer.unresolved_order.push_back(message.id);
  if (producer.unresolved_order.size() > limits::kDedupWindow) {
    producer.unresolved.erase(producer.unresolved_order.front());
    producer.unresolved_order.pop_front();
  }
}

void Publisher::forget(Producer& producer, const Outgoing& message) {
  if (producer.unresolved.erase(message.id) == 0) return;
  std::erase(producer.unresolved_order, message.id);
}

void Publisher::finish(Outgoing& message, const Status& status, Receipt receipt) {
  if (!message.completion) return;
  if (status.ok()) {
    ended_.done(std::move(message.completion), std::move(receipt));
  } else {
    receipt.id = message.id;
    ended_.fail(std::move(message.completion), status, std::move(receipt));
  }
}

template <class Visit>
void Publisher::each(Visit visit) {
  for (auto& [queue, producer] : producers_) {
    std::erase_if(producer.waiting,
                  [&, &p = producer](Outgoing& message) { return visit(p, message, message.sent || message.again); });
    for (auto& [request, items] : producer.in_flight) {
      for (Outgoing& message : items) visit(producer, message, true);
    }
  }
}

void Publisher::cancel(std::uint64_t operation) {
  each([&](Producer& producer, Outgoing& message, bool sent) {
    if (message.operation != operation || !message.completion) return false;
    if (sent) give_up(producer, message);
    finish(message, Status(sent ? Code::OUTCOME_UNKNOWN : Code::CANCELLED));
    return true;
  });
}

SteadyTime Publisher::expire(SteadyTime now) {
  SteadyTime next = SteadyTime::max();
  each([&](Producer& producer, Outgoing& message, bool sent) {
    if (!message.completion) return false;
    if (message.deadline > now) {
      next = std::min(next, message.deadline);
      return false;
    }
    if (sent) give_up(producer, message);
    const bool open = client_.is_open();
    const Status why = sent   ? Status(Code::OUTCOME_UNKNOWN, "the deadline passed before the confirm came")
                       : open ? Status(Code::DEADLINE_EXCEEDED)
                              : client_.why_not_connected();
    finish(message, why);
    // One that waits leaves (true); one in flight still holds its place until the broker answers.
    return true;
  });
  return next;
}

void Publisher::fail_all(const Status& status) {
  each([&](Producer&, Outgoing& message, bool sent) {
    finish(message, sent ? Status(Code::OUTCOME_UNKNOWN, "the client was closed before the confirm came") : status);
    return true;
  });
  touched_.clear();
  no_room_.clear();
  idle_.clear();
  busy_.clear();
  producers_.clear();
  requests_.clear();
}

bool Publisher::idle() const {
  return std::all_of(producers_.begin(), producers_.end(),
                     [](const auto& entry) { return entry.second.waiting.empty() && entry.second.in_flight.empty(); });
}

}  // namespace lazaret::detail
