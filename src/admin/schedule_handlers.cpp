// Messages that were published with a delay: which they are, and one of them cancelled.
#include <charconv>

#include "admin/desk_wait.h"
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "admin/message_json.h"
#include "engine/schedule_list.h"
#include "model/limits.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;
using engine::ScheduledMessage;
using model::Offset;
using model::WaitingPlace;
namespace limits = model::limits;

json::object scheduled_json(const ScheduledMessage& one) {
  const model::MessageRef& message = one.message;
  json::object out{{"offset", one.offset.value},
                   {"deliver_at", time_or_null(one.deliver_at)},
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
  std::optional<Offset> found;
  for (std::size_t searched = 0; searched < engine::kScheduleSearched; searched += limits::kPageItems) {
    const auto more = engine::read_scheduled(
        broker.engine.store(), queue, after, limits::kPageItems, [&](const ScheduledMessage& one) {
          if (one.message == nullptr) return true;
          const auto envelope = wire::decode_envelope(one.message->envelope.view());
          if (envelope.ok() && envelope->id == id) found = one.offset;
          return !found.has_value();
        });
    if (!more.ok()) return more.status();
    if (found) return *found;
    if (!*more) {
      return Status(Code::NOT_FOUND, "there is no message " + id.to_string() + " that is scheduled, or not any more");
    }
    if (std::chrono::steady_clock::now() > request.deadline || broker.stopping) return too_late();
  }
  return Status(Code::BAD_REQUEST, "it is not among the " + std::to_string(engine::kScheduleSearched) +
                                       " that are due first: name it by its offset")
      .with_limit("searched", static_cast<std::int64_t>(engine::kScheduleSearched));
}

}  // namespace

Result<Response> list_scheduled(Broker& broker, const Request& request, model::Kind kind) {
  const auto limit = number_parameter(request, "limit", limits::kPageItemsDefault, 1, limits::kPageItems);
  if (!limit.ok()) return limit.status();
  const auto queue = find_named(broker, request.arguments[0], kind);
  if (!queue.ok()) return queue.status();
  auto after = engine::schedule_place(request.parameter("cursor").value_or(""), **queue, broker.engine.now());
  if (!after.ok()) return after.status();
  json::array items;
  const auto more =
      engine::read_scheduled(broker.engine.store(), **queue, *after, *limit, [&items](const ScheduledMessage& one) {
        items.push_back(scheduled_json(one));
        return true;
      });
  if (!more.ok()) return more.status();
  const std::string cursor = *more ? engine::cursor_of(*after) : "";
  return json_response(200, list_of(std::move(items), cursor));
}

Result<Response> cancel_scheduled(Broker& broker, const Request& request, model::Kind kind) {
  const auto queue = find_named(broker, request.arguments[0], kind);
  if (!queue.ok()) return queue.status();
  const std::string& name = request.arguments[1];
  Offset offset;
  const auto [end, wrong] = std::from_chars(name.data(), name.data() + name.size(), offset.value);
  if (wrong != std::errc() || end != name.data() + name.size()) {
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
