// Beside a message that failed: the newest one of its type that went well, and what differs.
//
// Nothing is kept for this: it is looked for among what is still on the disk of the log, from the newest back.
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
    const auto stats = show_queue(broker_, *queue_, request_.deadline);
    if (!stats.ok()) return stats.status();
    const std::uint64_t first = std::max(
        stats->log_begin.value, stats->log_end.value - std::min<std::uint64_t>(kOffsetsMost, stats->log_end.value));
    for (std::uint64_t end = stats->log_end.value; end > first;) {
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
    std::vector<Found> candidates;
    auto item = states->items.begin();
    for (Offset next = begin; next < end;) {
      auto page =
          broker_.engine.store().read_messages(queue_->shard, queue_->log, next, end, limits::kPageItems, kBytesAtOnce);
      if (!page.ok()) return page.status();
      for (const model::PagedMessage& one : page->messages) {
        while (item != states->items.end() && item->offset < one.offset) ++item;
        const bool is_settled =
            item != states->items.end() && item->offset == one.offset && item->state == model::MessageState::settled;
        if (is_settled && is_of_type(one.message)) candidates.push_back({one.offset, one.message});
      }
      // The newest few: any of them may turn out to be a closed case.
      if (candidates.size() > kCandidates) candidates.erase(candidates.begin(), candidates.end() - kCandidates);
      next = std::max(page->next, next.next());
    }
    while (!candidates.empty()) {
      if (went_well(candidates.back())) return std::optional(std::move(candidates.back()));
      candidates.pop_back();
    }
    return std::optional<Found>();
  }

  bool is_of_type(const model::MessageRef& message) const {
    if (message == nullptr) return false;
    const auto envelope = wire::decode_envelope(message->envelope.view());
    return envelope.ok() && envelope->type == type_;
  }

  /// What was settled without being acknowledged: it was a case, or is past its time.
  bool went_well(const Found& one) const {
    const model::CaseId id{queue_->shard, queue_->subscription, queue_->log, one.offset};
    if (broker_.engine.store().read_case(id).code() != Code::NOT_FOUND) return false;
    const base::Instant expires = one.message->expires_at;
    return expires == base::Instant{} || expires > broker_.engine.now();
  }

  static constexpr std::ptrdiff_t kCandidates = 100;

  Broker& broker_;
  const Request& request_;
  const engine::QueueRef queue_;
  const std::string type_;
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
  json::object out{
      {"case", record->id.to_string()}, {"message", nullptr}, {"lines", json::array{}}, {"masked_differs", false}};
  const engine::QueueRef queue = broker.engine.directory().find(record->id.subscription);
  if (queue == nullptr) return json_response(200, out);
  auto found = Search(broker, request, queue, envelope->type).run();
  if (!found.ok()) return found.status();
  if (*found) {
    const Found& one = **found;
    auto difference = difference_between(broker, *one.message, **failed);
    if (!difference.ok()) return difference.status();
    out["message"] =
        message_json({queue->source_of(one.message->source), one.offset, one.message, 0, false}, broker.config.mask);
    out["lines"] = std::move(difference->at("lines"));
    out["masked_differs"] = difference->at("masked_differs");
  }
  return json_response(200, out);
}

}  // namespace lazaret::admin
