// Messages that were published with a delay: which they are, and one of them cancelled.
#include <charconv>

#include "admin/desk_wait.h"
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "admin/message_json.h"
#include "model/limits.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;
using model::Offset;
using model::RecoveredDelivery;
using model::WaitingPlace;
namespace limits = model::limits;

/// Messages that one request reads to find the one with an id.
constexpr std::size_t kSearched = 200'000;

WaitingPlace place_of(const RecoveredDelivery& one) { return {one.record.due, one.log, one.record.offset}; }

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  return wrong == std::errc() && end == text.data() + text.size();
}

/// "due-offset", of the last one of the page before.
Result<WaitingPlace> read_cursor(const Request& request, const model::QueueRecord& queue, base::Instant now) {
  const auto text = request.parameter("cursor");
  if (!text || text->empty()) return WaitingPlace::behind(now);
  const std::size_t dash = text->find('-');
  WaitingPlace place{{}, queue.log, {}};
  if (dash == std::string_view::npos || !read_number(text->substr(0, dash), place.due.us) ||
      !read_number(text->substr(dash + 1), place.offset.value)) {
    return Status(Code::BAD_REQUEST, "cursor is none of this list");
  }
  return place;
}

/// Up to `max` of the scheduled messages behind `after`, which moves on; none: there are no more.
Result<std::vector<RecoveredDelivery>> read_scheduled(Broker& broker, const model::QueueRecord& queue,
                                                      WaitingPlace& after, std::size_t max) {
  for (;;) {
    auto page = broker.engine.store().read_waiting(queue.shard, queue.subscription, after, max);
    if (!page.ok()) return page.status();
    if (page->empty()) return page;
    after = place_of(page->back());
    std::erase_if(*page, [](const RecoveredDelivery& one) { return !one.record.scheduled; });
    if (!page->empty()) return page;  // a page of retries only: on to the next
  }
}

json::object scheduled_json(const RecoveredDelivery& one, const model::MessageRef& message) {
  json::object out{{"offset", one.record.offset.value},
                   {"deliver_at", time_or_null(one.record.due)},
                   {"id", nullptr},
                   {"type", nullptr},
                   {"key", nullptr},
                   {"correlation_id", nullptr},
                   {"published_at", nullptr},
                   {"expires_at", nullptr},
                   {"body_bytes", nullptr}};
  const auto envelope = message == nullptr ? Result<wire::Envelope>(Status(Code::MESSAGE_DAMAGED))
                                           : wire::decode_envelope(message->envelope.view());
  if (!envelope.ok()) return out;
  out["id"] = envelope->id.to_string();
  out["type"] = text_or_null(envelope->type);
  out["key"] = text_or_null(envelope->key);
  out["correlation_id"] = text_or_null(envelope->correlation_id);
  out["published_at"] = time_or_null(message->published_at);
  out["expires_at"] = time_or_null(message->expires_at);
  out["body_bytes"] = message->body.size();
  return out;
}

/// The offset of the scheduled message with this id.
Result<Offset> find_scheduled(Broker& broker, const Request& request, const model::QueueRecord& queue,
                              const model::MessageId& id) {
  WaitingPlace after = WaitingPlace::behind(broker.engine.now());
  for (std::size_t searched = 0; searched < kSearched;) {
    const auto page = read_scheduled(broker, queue, after, limits::kPageItems);
    if (!page.ok()) return page.status();
    if (page->empty()) {
      return Status(Code::NOT_FOUND, "there is no message " + id.to_string() + " that is scheduled, or not any more");
    }
    for (const RecoveredDelivery& one : *page) {
      const auto message = read_message(broker, queue.shard, one.log, one.record.offset);
      if (!message.ok() || *message == nullptr) continue;
      const auto envelope = wire::decode_envelope((*message)->envelope.view());
      if (envelope.ok() && envelope->id == id) return one.record.offset;
    }
    searched += page->size();
    if (std::chrono::steady_clock::now() > request.deadline || broker.stopping) return too_late();
  }
  return Status(Code::BAD_REQUEST,
                "it is not among the " + std::to_string(kSearched) + " that are due first: name it by its offset")
      .with_limit("searched", static_cast<std::int64_t>(kSearched));
}

}  // namespace

Result<Response> list_scheduled(Broker& broker, const Request& request, model::Kind kind) {
  const auto limit = number_parameter(request, "limit", limits::kPageItemsDefault, 1, limits::kPageItems);
  if (!limit.ok()) return limit.status();
  const auto queue = find_named(broker, request.arguments[0], kind);
  if (!queue.ok()) return queue.status();
  auto after = read_cursor(request, **queue, broker.engine.now());
  if (!after.ok()) return after.status();
  const auto page = read_scheduled(broker, **queue, *after, *limit);
  if (!page.ok()) return page.status();
  json::array items;
  for (const RecoveredDelivery& one : *page) {
    const auto message = read_message(broker, (*queue)->shard, one.log, one.record.offset);
    if (message.code() == Code::NOT_FOUND) continue;  // delivered and trimmed meanwhile
    if (!message.ok()) return message.status();
    items.push_back(scheduled_json(one, *message));
  }
  const std::string cursor =
      page->empty() ? "" : std::to_string(after->due.us) + "-" + std::to_string(after->offset.value);
  return json_response(200, list_of(std::move(items), cursor));
}

Result<Response> cancel_scheduled(Broker& broker, const Request& request, model::Kind kind) {
  const auto queue = find_named(broker, request.arguments[0], kind);
  if (!queue.ok()) return queue.status();
  const std::string& name = request.arguments[1];
  Offset offset;
  if (!read_number(std::string_view(name), offset.value)) {
    const auto id = model::MessageId::parse(name);
    if (!id || kind == model::Kind::topic) {
      return Status(Code::BAD_REQUEST, "a scheduled message is named by its offset" +
                                           std::string(kind == model::Kind::topic ? "" : " or its id") + ", not \"" +
                                           name + "\"");
    }
    const auto found = find_scheduled(broker, request, **queue, *id);
    if (!found.ok()) return found.status();
    offset = *found;
  }
  const auto done = ask<model::Done>(broker.desk, (*queue)->shard,
                                     model::CancelScheduled{{}, (*queue)->subscription, offset}, request.deadline);
  if (!done.ok()) return done.status();
  return json_response(200, json::object{{"offset", offset.value}, {"cancelled", done->count}});
}

}  // namespace lazaret::admin
