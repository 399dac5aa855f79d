// Publishing: deduplication, offsets, and the shortest way to a consumer that keeps up.
#include <algorithm>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {
namespace {

using base::Code;
using base::Status;
using model::Offset;
namespace limits = model::limits;

constexpr base::Duration kProducersCheckEvery = std::chrono::minutes(10);

}  // namespace

void Shard::State::on(model::Publish& command) {
  model::Published answer{command.origin.request, {}, {}};
  Subscription* sub = find(command.queue);
  if (sub == nullptr || sub->deleting) {
    answer.results.assign(command.items.size(), {Code::NOT_FOUND, {}, false});
    answer.status = Status(Code::NOT_FOUND, "the queue was deleted");
    if (command.origin.request != 0) tell(command.origin.session, std::move(answer));
    return;
  }
  put_changed_log(*sub);
  const model::Offset first = sub->log.state.next;
  std::vector<model::MessageRef> stored;
  stored.reserve(command.items.size());
  answer.results.reserve(command.items.size());
  for (model::PublishItem& item : command.items) {
    const model::PublishResult result = store(*sub, command, item, stored);
    if (result.code == Code::RESOURCE_EXHAUSTED) {
      answer.status = disk_is_short();
    } else if (result.code != Code::OK) {
      answer.status = Status(result.code);
    }
    answer.results.push_back(result);
  }
  if (!stored.empty()) {
    sub->counters.entered += stored.size();
    sub->log.ends.emplace_back(group, sub->log.state.next);
    mutate(model::AppendMessages{sub->queue.log, first, std::move(stored)}, false);
    reserve(*sub);
    hold_effects(*sub);
    if (!sub->consumers.empty() && !draining) raise_mark(*sub, sub->frontier);
    touch(*sub);
  }
  if (command.origin.request != 0) tell(command.origin.session, std::move(answer));
  if (now - producers_checked > kProducersCheckEvery) forget_idle_producers();
}

model::PublishResult Shard::State::store(Subscription& sub, const model::Publish& command, model::PublishItem& item,
                                         std::vector<model::MessageRef>& stored) {
  const bool numbered = command.producer && item.sequence != 0;
  const auto producer = numbered ? sub.log.producers.find(*command.producer) : sub.log.producers.end();
  if (producer != sub.log.producers.end()) {
    using Verdict = ProducerWindow::Verdict;
    const auto answer = producer->second.check(item.sequence, item.message->body_crc);
    switch (answer.verdict) {
      case Verdict::fresh: break;
      case Verdict::duplicate: return {Code::OK, answer.offset, true};
      case Verdict::reused: return {Code::SEQUENCE_REUSED, {}, false};
      case Verdict::too_old: return {Code::SEQUENCE_TOO_OLD, {}, false};
    }
  }
  // Behind the answers above: what is stored already needs no space, and refused it would be stored twice later, when
  // its publisher gave up its number.
  if (refuse_publishes) return {Code::RESOURCE_EXHAUSTED, {}, false};
  const model::Offset offset = sub.log.state.next;
  sub.log.state.next = offset.next();
  item.message->published_at = now;
  if (numbered) {
    sub.log.producers[*command.producer].record({item.sequence, offset, item.message->body_crc}, now);
    sub.log.changed_producers.insert(*command.producer);
  }
  sub.log.bytes_since_trim += item.message->size();
  append_to_window(sub, offset, item.message);
  stored.push_back(std::move(item.message));
  return {Code::OK, offset, false};
}

/// A relaxed log gives offsets to messages that a power loss may take. No other message may get them then, so a start
/// goes on behind all that were reserved, unless it was stopped in order; and the reserve is on the disk first.
void Shard::State::reserve(Subscription& sub) {
  Log& log = sub.log;
  if (!sub.is_relaxed() || log.state.next <= log.state.reserved) return;
  log.state.reserved = Offset(log.state.next.value + (draining ? 0 : limits::kReservedOffsets));
  mutate(model::PutLog{log_state(sub)}, true);
}

/// Nothing is left reserved: what is given out is on the disk when this group is.
void Shard::State::give_up_reserve(Subscription& sub) {
  if (sub.log.state.reserved <= sub.log.state.next) return;
  sub.log.state.reserved = sub.log.state.next;
  mutate(model::PutLog{log_state(sub)}, true);
}

/// Straight to the consumers, when they have taken everything before it; otherwise it is read again from the disk.
void Shard::State::append_to_window(Subscription& sub, model::Offset offset, const model::MessageRef& message) {
  const bool room = sub.window.size() < limits::kTailMessages &&
                    sub.window_bytes + message->size() <= std::max(limits::kTailBytes, message->size()) &&
                    (window_bytes < limits::kTailBytesPerShard || sub.window.empty());
  if (sub.consumers.empty() || sub.window_next != offset || sub.loading_window || !room) return;
  sub.window.push_back({offset, message});
  sub.window_next = offset.next();
  sub.window_bytes += message->size();
  window_bytes += message->size();
}

void Shard::State::on(model::OpenProducer& command) {
  const Subscription* sub = find(command.queue);
  if (sub == nullptr || sub->deleting) {
    return tell(command.origin.session,
                model::ProducerOpened{command.origin.request, Status(Code::NOT_FOUND, "the queue was deleted"), 0});
  }
  const auto it = sub->log.producers.find(command.producer);
  const std::uint64_t last = it == sub->log.producers.end() ? 0 : it->second.highest();
  tell(command.origin.session, model::ProducerOpened{command.origin.request, {}, last});
}

Status Shard::State::disk_is_short() const {
  return Status(Code::RESOURCE_EXHAUSTED, "the disk has " + std::to_string(disk_free) +
                                              " bytes free, less than the reserve of " + std::to_string(disk_reserve))
      .with_limit("disk_reserve", static_cast<std::int64_t>(disk_reserve))
      .with_retry_after_ms(1000);
}

void Shard::State::on(DiskPressure& event) {
  refuse_publishes = event.refuse_publishes;
  disk_free = event.free_bytes;
  disk_reserve = event.reserve_bytes;
}

void Shard::State::forget_idle_producers() {
  producers_checked = now;
  for (auto& [id, sub] : subscriptions) {
    for (auto it = sub.log.producers.begin(); it != sub.log.producers.end();) {
      const bool idle = !it->second.changed() && now - it->second.last_used() > limits::kDedupForgetAfter;
      if (idle) mutate(model::DropProducer{sub.queue.log, it->first}, false);
      it = idle ? sub.log.producers.erase(it) : std::next(it);
    }
  }
}

}  // namespace lazaret::core
