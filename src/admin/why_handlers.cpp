// GET …/why: asks the shard, finds the message that is meant, and lets why.cpp put it into words.
#include <charconv>

#include "admin/desk_wait.h"
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "admin/why.h"
#include "model/limits.h"
#include "wire/envelope.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;
using model::Offset;
namespace limits = model::limits;

/// Messages that are looked through for an id, from the first unsettled one on.
constexpr std::uint64_t kSearchMessages = 100'000;
/// Of each priority, those whose state is asked for.
constexpr std::size_t kLookedAt = 16;

Result<model::MessageStates> states_from(Broker& broker, const model::QueueRecord& queue, std::optional<Offset> from,
                                         std::size_t count, Deadline deadline) {
  return ask<model::MessageStates>(broker.desk, queue.shard, model::ShowStates{{}, queue.subscription, from, count},
                                   deadline);
}

/// The offset of the message with this id.
Result<Offset> find_id(Broker& broker, const model::QueueRecord& queue, const base::Uuid& id, Offset from, Offset end) {
  const Offset stop(std::min(end.value, from.value + kSearchMessages));
  while (from < stop) {
    auto page = broker.engine.store().read_messages(queue.shard, queue.log, from, stop, limits::kPageMessages,
                                                    limits::kPageBytes);
    if (!page.ok()) return page.status();
    for (const model::PagedMessage& one : page->messages) {
      if (one.message == nullptr) continue;
      const auto envelope = wire::decode_envelope(one.message->envelope.view());
      if (envelope.ok() && envelope->id == id) return one.offset;
    }
    from = std::max(page->next, from.next());
  }
  return Status(Code::NOT_FOUND, "no message " + id.to_string() + " among the " + std::to_string(kSearchMessages) +
                                     " from the first unsettled one on");
}

/// An offset, or a message id.
Result<Offset> find_message(Broker& broker, const model::QueueRecord& queue, std::string_view text,
                            const model::QueueStats& stats) {
  std::uint64_t offset = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  if (error == std::errc() && end == text.data() + text.size()) return Offset(offset);
  const auto id = base::Uuid::parse(text);
  if (!id)
    return Status(Code::BAD_REQUEST, "message must be an offset or a message id, not \"" + std::string(text) + "\"");
  return find_id(broker, queue, *id, stats.cursor, stats.log_end);
}

/// Of what has this priority in that part of the log, what is ready, as far as the first few show.
Result<std::vector<Offset>> ready_with(Broker& broker, const model::QueueRecord& queue, std::uint8_t priority,
                                       model::OffsetRange range, Deadline deadline) {
  std::vector<Offset> ready;
  const auto page = broker.engine.store().read_prioritised(queue.shard, queue.log, priority, range.begin, range.end,
                                                           kLookedAt, limits::kPageBytes);
  if (!page.ok()) return page.status();
  for (const model::PagedMessage& one : page->messages) {
    const auto states = states_from(broker, queue, one.offset, 1, deadline);
    if (!states.ok()) return states.status();
    const bool is_ready = !states->items.empty() && states->items.front().state == model::MessageState::ready;
    if (is_ready && !states->items.front().unaccepted) ready.push_back(one.offset);
  }
  return ready;
}

/// One that goes before it for its priority. Where keys are in order, priorities are no matter of first deliveries.
Result<std::optional<Higher>> higher_than(Broker& broker, const model::QueueRecord& queue,
                                          const model::QueueStats& stats, std::uint8_t priority, Deadline deadline) {
  if (queue.options.order_by_key) return std::optional<Higher>();
  for (std::uint8_t higher = model::kHighestPriority; higher > priority; --higher) {
    const auto ready = ready_with(broker, queue, higher, {stats.cursor, stats.log_end}, deadline);
    if (!ready.ok()) return ready.status();
    if (!ready->empty()) return std::optional<Higher>({ready->front(), higher});
  }
  return std::optional<Higher>();
}

Result<Cause> explain(Broker& broker, const model::QueueRecord& queue, const model::QueueStats& stats, Offset offset,
                      Deadline deadline) {
  const std::string name = "Message " + std::to_string(offset.value);
  if (offset >= stats.log_end) {
    return Cause{"NOT_PUBLISHED", name + " does not exist: the next that is published will be " +
                                      std::to_string(stats.log_end.value) + "."};
  }
  const auto states = states_from(broker, queue, offset, 1, deadline);
  if (!states.ok()) return states.status();
  if (states->items.empty()) return Cause{"SETTLED", name + " is settled."};
  const auto message = read_message(broker, queue.shard, queue.log, offset);
  const std::uint8_t priority = message.ok() && *message != nullptr ? (*message)->priority : std::uint8_t{0};
  const auto higher = higher_than(broker, queue, stats, priority, deadline);
  if (!higher.ok()) return higher.status();
  // Those before it that are ready too, as far as one page shows.
  std::uint64_t ahead = 0;
  if (priority > 0 && !queue.options.order_by_key) {
    const auto same = ready_with(broker, queue, priority, {stats.cursor, offset}, deadline);
    if (!same.ok()) return same.status();
    return where_it_is(states->items.front(), stats, same->size(), broker.engine.now(), *higher);
  }
  const auto before = states_from(broker, queue, std::nullopt, limits::kPageItems, deadline);
  if (!before.ok()) return before.status();
  for (const auto& item : before->items) {
    ahead += item.offset < offset && item.state == model::MessageState::ready ? 1 : 0;
  }
  return where_it_is(states->items.front(), stats, ahead, broker.engine.now(), *higher);
}

}  // namespace

Result<Response> why_named(Broker& broker, const Request& request, model::Kind kind) {
  const auto queue = find_named(broker, request.arguments[0], kind);
  if (!queue.ok()) return queue.status();
  const auto stats = show_queue(broker, **queue, request.deadline);
  if (!stats.ok()) return stats.status();
  const auto message = request.parameter("message");
  std::vector<Cause> causes;
  bool concerned = true;  // by what keeps the others back
  if (message) {
    const auto offset = find_message(broker, **queue, *message, *stats);
    if (!offset.ok()) return offset.status();
    auto cause = explain(broker, **queue, *stats, *offset, request.deadline);
    if (!cause.ok()) return cause.status();
    concerned = cause->code == "READY" || cause->code == "UNACCEPTED";
    causes.push_back(std::move(*cause));
  }
  if (concerned) {
    auto general = why_nothing_is_granted(*stats, broker.engine.stats(), broker.engine.now());
    causes.insert(causes.end(), std::make_move_iterator(general.begin()), std::make_move_iterator(general.end()));
    const auto jobs = broker.replays.waiting_for_version((*queue)->shard, (*queue)->subscription);
    if (!jobs.ok()) return jobs.status();
    for (const model::ReplayJobRecord& job : *jobs) causes.push_back(waits_for_version(job));
  }
  return json_response(200, json::object{{"name", (*queue)->name}, {"causes", causes_json(causes)}});
}

}  // namespace lazaret::admin
