// Beside a message that failed: the newest one of its type that went well, and what differs.
//
// Nothing is kept for this: it is looked for among what is still on the disk of the log, from the newest back. That it
// was acknowledged is a conclusion: it is settled here, never was a case, is not past its time, the filter takes it,
// and it was not imported (for another subscription, or as a case). What was purged, or jumped over by a seek, cannot
// be told from it.
#include <algorithm>

#include "admin/case_message.h"
#include "admin/desk_wait.h"
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "admin/message_json.h"
#include "model/limits.h"
#include "wire/envelope.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;
using model::Offset;
namespace limits = model::limits;

/// Offsets that one request looks at, and what it reads of them at once.
constexpr std::uint64_t kOffsetsMost = 10'000;
constexpr std::size_t kBytesAtOnce = 4u << 20;
constexpr std::uint64_t kBytesMost = 256u << 20;

struct Found {
  Offset offset;
  model::MessageRef message;
};

class Search {
 public:
  Search(Broker& broker, const Request& request, engine::QueueRef queue, std::string type)
      : broker_(broker), request_(request), queue_(std::move(queue)), type_(std::move(type)) {}

  /// nullopt: none among those that it looks at.
  Result<std::optional<Found>> run() {
    if (auto filter = model::Filter::parse(queue_->options.filter); filter.ok()) filter_ = std::move(*filter);
    const auto stats = show_queue(broker_, *queue_, request_.deadline);
    if (!stats.ok()) return stats.status();
    const std::uint64_t end_of_log = stats->log_end.value;
    const std::uint64_t first = std::max(stats->log_begin.value, end_of_log - std::min(kOffsetsMost, end_of_log));
    for (std::uint64_t end = end_of_log; end > first && bytes_ < kBytesMost;) {
      const std::uint64_t begin = std::max(first, end - std::min<std::uint64_t>(end, limits::kPageItems));
      auto found = newest_in(Offset(begin), Offset(end));
      if (!found.ok() || *found) return found;
      end = begin;
    }
    return std::optional<Found>();
  }

 private:
  Result<std::optional<Found>> newest_in(Offset begin, Offset end) {
    const auto states = ask<model::MessageStates>(
        broker_.desk, queue_->shard, model::ShowStates{{}, queue_->subscription, begin, end.value - begin.value},
        request_.deadline);
    if (!states.ok()) return states.status();
    std::vector<Offset> candidates;
    auto item = states->items.begin();
    for (Offset next = begin; next < end && bytes_ < kBytesMost;) {
      if (std::chrono::steady_clock::now() > request_.deadline) return Status(Code::DEADLINE_EXCEEDED);
      if (broker_.stopping) return Status(Code::SHUTTING_DOWN);
      const auto page = read(next, end, limits::kPageItems);
      if (!page.ok()) return page.status();
      for (const model::PagedMessage& one : page->messages) {
        while (item != states->items.end() && item->offset < one.offset) ++item;
        const bool is_settled =
            item != states->items.end() && item->offset == one.offset && item->state == model::MessageState::settled;
        if (is_settled && is_like(one.message)) candidates.push_back(one.offset);
      }
      next = std::max(page->next, next.next());
    }
    for (auto at = candidates.rbegin(); at != candidates.rend(); ++at) {
      auto page = read(*at, at->next(), 1);
      if (!page.ok()) return page.status();
      if (page->messages.empty() || page->messages.front().message == nullptr) continue;
      Found found{*at, std::move(page->messages.front().message)};
      if (went_well(found)) return std::optional(std::move(found));
    }
    return std::optional<Found>();
  }

  Result<model::MessagePage> read(Offset from, Offset until, std::size_t most) {
    auto page = broker_.engine.store().read_messages(queue_->shard, queue_->log, from, until, most, kBytesAtOnce);
    if (!page.ok()) return page;
    for (const model::PagedMessage& one : page->messages) bytes_ += one.message == nullptr ? 0 : one.message->size();
    return page;
  }

  /// Of the type, and something that the subscription takes.
  bool is_like(const model::MessageRef& message) const {
    if (message == nullptr || message->imported) return false;
    model::MessageFacts facts;
    wire::read_facts(message->envelope.view(), facts);
    return facts.type == type_ && (!filter_ || filter_->matches(facts));
  }

  /// What was settled without being acknowledged: it was a case, or is past its time.
  bool went_well(const Found& one) const {
    const model::CaseId id{queue_->shard, queue_->subscription, queue_->log, one.offset};
    if (broker_.engine.store().read_case(id).code() != Code::NOT_FOUND) return false;
    const base::Instant expires = one.message->expires_at;
    return expires == base::Instant{} || expires > broker_.engine.now();
  }

  Broker& broker_;
  const Request& request_;
  const engine::QueueRef queue_;
  const std::string type_;
  std::optional<model::Filter> filter_;
  std::uint64_t bytes_ = 0;  // read so far
};

}  // namespace

Result<Response> get_acknowledged_like(Broker& broker, const Request& request) {
  const auto record = find_case(broker, request);
  if (!record.ok()) return record.status();
  const auto failed = read_version(broker, *record, record->version);
  if (!failed.ok()) return failed.status();
  if (*failed == nullptr) return Status(Code::MESSAGE_DAMAGED);
  const auto envelope = wire::decode_envelope((*failed)->envelope.view());
  if (!envelope.ok()) return envelope.status();
  json::object out{{"case", record->id.to_string()}, {"message", nullptr}, {"lines", json::array{}}};
  const engine::QueueRef queue = broker.engine.directory().find(record->id.subscription);
  if (queue == nullptr) return json_response(200, out);
  auto found = Search(broker, request, queue, envelope->type).run();
  if (!found.ok()) return found.status();
  if (*found) {
    const Found& one = **found;
    auto difference = difference_between(broker, *one.message, **failed);
    if (!difference.ok()) return difference.status();
    out["message"] = message_json({queue->source_of(one.message->source), one.offset, one.message, 0, false},
                                  broker.config.mask, Compressed::opened);
    out["lines"] = std::move(difference->at("lines"));
    // Not whether what is masked differs: anybody can publish a guess to be compared with.
  }
  return json_response(200, out);
}

}  // namespace lazaret::admin
