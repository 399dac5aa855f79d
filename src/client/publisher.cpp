#include "client/publisher.h"

#include <algorithm>

#include "client/client_core.h"
#include "client/message_codec.h"
#include "model/limits.h"

namespace lazaret::detail {
namespace {

using base::Code;
using base::Status;
namespace limits = model::limits;

/// Publishes in flight at most: each must still be recognised when it is sent again.
constexpr std::size_t kWindow = 2048;
static_assert(kWindow <= limits::kPublishWindow);

}  // namespace

void Publisher::submit(const std::string& queue, Outgoing message) {
  Producer& producer = producers_[queue];
  producer.queue = queue;
  if (!adopt(producer, message)) producer.waiting.push_back(std::move(message));
}

void Publisher::flush() {
  if (!client_.is_open()) return;
  for (auto& [queue, producer] : producers_) {
    if (producer.number == 0) {
      if (producer.opening == 0 && !producer.waiting.empty()) open(producer);
    } else {
      send(producer);
    }
  }
}

/// A message whose first publish ended as OUTCOME_UNKNOWN: it keeps its sequence, or joins the publish that is still
/// in flight (true).
bool Publisher::adopt(Producer& producer, Outgoing& message) {
  for (auto& [request, items] : producer.in_flight) {
    for (Outgoing& item : items) {
      if (item.id != message.id || item.completion) continue;
      item.completion = std::move(message.completion);
      item.deadline = message.deadline;
      item.operation = message.operation;
      return true;
    }
    if (producer.unresolved.empty()) break;  // nobody gave up on anything
  }
  const auto known = producer.unresolved.find(message.id);
  if (known != producer.unresolved.end()) message.sequence = known->second;
  return false;
}

void Publisher::open(Producer& producer) {
  if (open_count_ >= limits::kProducersPerConnection && !make_room()) {
    wants_room_ = true;
    return;
  }
  ++open_count_;
  producer.used = ++uses_;
  producer.opening = client_.next_request();
  requests_[producer.opening] = producer.queue;
  client_.send(wire::encode(wire::OpenProducer{producer.opening, producer.queue, uuid_of(producer_id_)}));
}

/// Closes the producer that has been idle for longest; false when none is idle.
bool Publisher::make_room() {
  Producer* oldest = nullptr;
  for (auto& [queue, producer] : producers_) {
    const bool idle = producer.number != 0 && producer.waiting.empty() && producer.in_flight.empty();
    if (idle && (oldest == nullptr || producer.used < oldest->used)) oldest = &producer;
  }
  if (oldest == nullptr) return false;
  close(*oldest);
  return true;
}

void Publisher::close(Producer& producer) {
  if (producer.number == 0) return;
  client_.send(wire::encode(wire::CloseProducer{producer.number}));
  producer.number = 0;
  --open_count_;
}

void Publisher::on(const wire::ProducerOpened& frame) {
  const auto it = requests_.find(frame.request);
  if (it == requests_.end()) return;
  Producer& producer = producers_[it->second];
  requests_.erase(it);
  producer.opening = 0;
  producer.number = frame.producer;
  producer.last_sequence = std::max(producer.last_sequence, frame.last_sequence);
  send(producer);
}

void Publisher::send(Producer& producer) {
  while (!producer.waiting.empty() && producer.in_flight_count < kWindow) {
    wire::Publish frame;
    frame.request = client_.next_request();
    frame.producer = producer.number;
    std::vector<Outgoing>& items = producer.in_flight[frame.request];
    std::size_t bytes = 0;
    while (!producer.waiting.empty() && frame.items.size() < limits::kBatchItems && bytes < limits::kBatchBytes &&
           producer.in_flight_count < kWindow) {
      Outgoing& message = producer.waiting.front();
      if (!frame.items.empty() && bytes + message.size() > limits::kBatchBytes) break;
      if (message.sequence == 0) message.sequence = producer.last_sequence + 1;
      producer.last_sequence = std::max(producer.last_sequence, message.sequence);
      bytes += message.size();
      frame.items.push_back({message.sequence, message.envelope, message.body, message.body_crc});
      items.push_back(std::move(message));
      producer.waiting.pop_front();
      ++producer.in_flight_count;
    }
    producer.used = ++uses_;
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
  if (wants_room_ && producer.in_flight.empty()) {
    wants_room_ = false;
    flush();
  }
}

void Publisher::settle(Producer& producer, Outgoing& message, const model::PublishResult& result, const Status& why) {
  forget(producer, message);
  if (result.code == Code::OK) {
    return finish(message, {}, Receipt{message.id, result.offset.value, result.duplicate, nullptr});
  }
  // The queue was deleted: it may be there again for the next publish.
  if (result.code == Code::NOT_FOUND) close(producer);
  finish(message, why.code() == result.code ? why : Status(result.code));
}

bool Publisher::refused(std::uint64_t request, const Status& status) {
  const auto it = requests_.find(request);
  if (it == requests_.end()) return false;
  Producer& producer = producers_[it->second];
  requests_.erase(it);
  if (producer.opening == request) {
    producer.opening = 0;
    --open_count_;
    for (Outgoing& message : producer.waiting) finish(message, status);
    producer.waiting.clear();
    return true;
  }
  auto node = producer.in_flight.extract(request);
  if (node.empty()) return true;
  producer.in_flight_count -= node.mapped().size();
  for (Outgoing& message : node.mapped()) finish(message, status);
  return true;
}

// --- The connection --------------------------------------------------------------------------------------------------

void Publisher::connected() { flush(); }

/// What was in flight waits again, first in line and in its order.
void Publisher::disconnected() {
  requests_.clear();
  open_count_ = 0;
  wants_room_ = false;
  for (auto& [queue, producer] : producers_) {
    producer.number = 0;
    producer.opening = 0;
    std::deque<Outgoing> again;
    for (auto& [request, items] : producer.in_flight) {
      for (Outgoing& message : items) {
        if (message.completion) {
          again.push_back(std::move(message));
        } else {
          give_up(producer, message, true);
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
void Publisher::give_up(Producer& producer, Outgoing& message, bool sent) {
  if (!sent || message.sequence == 0) return;
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
    message.completion.done(std::move(receipt));
  } else {
    receipt.id = message.id;
    message.completion.fail(status, std::move(receipt));
  }
}

template <class Visit>
void Publisher::each(Visit visit) {
  for (auto& [queue, producer] : producers_) {
    std::erase_if(producer.waiting,
                  [&, &p = producer](Outgoing& message) { return visit(p, message, message.sequence != 0); });
    for (auto& [request, items] : producer.in_flight) {
      for (Outgoing& message : items) visit(producer, message, true);
    }
  }
}

void Publisher::cancel(std::uint64_t operation) {
  each([&](Producer& producer, Outgoing& message, bool sent) {
    if (message.operation != operation || !message.completion) return false;
    give_up(producer, message, sent);
    Receipt receipt;
    receipt.id = message.id;
    message.completion.fail(Status(sent ? Code::OUTCOME_UNKNOWN : Code::CANCELLED), std::move(receipt));
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
    give_up(producer, message, sent);
    const bool open = client_.is_open();
    const Status why = sent   ? Status(Code::OUTCOME_UNKNOWN, "the deadline passed before the confirm came")
                       : open ? Status(Code::DEADLINE_EXCEEDED)
                              : client_.why_not_connected();
    Receipt receipt;
    receipt.id = message.id;
    message.completion.fail(why, std::move(receipt));
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
  producers_.clear();
  requests_.clear();
}

bool Publisher::idle() const {
  return std::all_of(producers_.begin(), producers_.end(),
                     [](const auto& entry) { return entry.second.waiting.empty() && entry.second.in_flight.empty(); });
}

}  // namespace lazaret::detail
