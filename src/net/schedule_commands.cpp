// What a client asks of messages that were published with a delay: which they are, and one of them cancelled.
#include <algorithm>

#include "engine/schedule_list.h"
#include "model/limits.h"
#include "net/session.h"

namespace lazaret::net {

namespace limits = model::limits;
using base::Code;
using base::Status;

namespace {

wire::ScheduledMessage scheduled_message(const engine::ScheduledMessage& one) {
  wire::ScheduledMessage out;
  out.offset = one.offset;
  out.deliver_at = one.deliver_at;
  auto envelope = one.message == nullptr ? base::Result<wire::Envelope>(Status(Code::MESSAGE_DAMAGED))
                                         : wire::decode_envelope(one.message->envelope.view());
  out.damaged = !envelope.ok();
  if (out.damaged) return out;
  out.id = envelope->id;
  out.type = std::move(envelope->type);
  out.key = std::move(envelope->key);
  out.correlation_id = std::move(envelope->correlation_id);
  out.published_at = one.message->published_at;
  out.expires_at = one.message->expires_at;
  out.body_bytes = one.message->body.size();
  return out;
}

std::size_t bytes_of(const wire::ScheduledMessage& one) {
  return limits::kItemHeaderBytes + one.type.size() + one.key.size() + one.correlation_id.size();
}

/// A page: as many as fill a header, and one at least.
base::Result<wire::QueueResponse> read_page(model::Store& store, const model::QueueRecord& queue,
                                            model::WaitingPlace after, std::size_t max) {
  wire::QueueResponse response;
  std::size_t bytes = 0;
  const auto more = engine::read_scheduled(store, queue, after, max, [&](const engine::ScheduledMessage& one) {
    wire::ScheduledMessage message = scheduled_message(one);
    bytes += bytes_of(message);
    if (bytes > limits::kBatchBytes && !response.scheduled.empty()) return false;
    response.scheduled.push_back(std::move(message));
    return true;
  });
  if (!more.ok()) return more.status();
  if (*more) response.cursor = engine::cursor_of(after);
  return response;
}

}  // namespace

void Session::list_scheduled(const wire::QueueRequest& frame, const engine::QueueRef& queue) {
  if (queue->kind == model::Kind::topic) {
    return refuse(frame.request, Status(Code::BAD_REQUEST, queue->name + " is a topic: name one of its subscriptions"));
  }
  const auto after = engine::schedule_place(frame.cursor, *queue, context_.engine.now());
  if (!after.ok()) return refuse(frame.request, after.status());
  const std::size_t max =
      frame.max == 0 ? limits::kPageItemsDefault : std::min<std::size_t>(frame.max, limits::kPageItems);
  const auto page = std::make_shared<base::Result<wire::QueueResponse>>(wire::QueueResponse());
  read_store([page, queue, after = *after, max](model::Store& store) { *page = read_page(store, *queue, after, max); },
             [this, page, request = frame.request](Status status) {
               if (status.ok() && !page->ok()) status = page->status();
               if (!status.ok()) return refuse(request, std::move(status));
               (*page)->request = request;
               send(wire::encode(**page));
             });
}

struct Session::ScheduleSearch {
  std::uint64_t request = 0;
  engine::QueueRef queue;
  model::MessageId id;
  model::WaitingPlace after;
  std::size_t searched = 0;
  std::optional<model::Offset> found;
  base::Result<bool> more = true;
};

void Session::cancel_scheduled(const wire::QueueRequest& frame, const engine::QueueRef& queue) {
  const bool by_id = !frame.message_id.is_nil();
  if (by_id == frame.offset.has_value()) {
    return refuse(frame.request,
                  Status(Code::BAD_REQUEST, "a scheduled message is named by its offset or its id, by one of them"));
  }
  if (!by_id) return cancel_at(frame.request, queue, *frame.offset);
  if (queue->kind == model::Kind::topic) {
    return refuse(frame.request, Status(Code::BAD_REQUEST, "a scheduled message of a topic is named by its offset"));
  }
  if (too_many(frame.request, schedule_searches_, 1, "searches for a scheduled message")) return;
  ++schedule_searches_;
  const auto search = std::make_shared<ScheduleSearch>();
  search->request = frame.request;
  search->queue = queue;
  search->id = frame.message_id;
  search->after = model::WaitingPlace::behind(context_.engine.now());
  search_schedule(search);
}

/// A page at a time: what others want to read comes in between.
void Session::search_schedule(const std::shared_ptr<ScheduleSearch>& search) {
  const auto read = [search](model::Store& store) {
    search->more = engine::read_scheduled(store, *search->queue, search->after, limits::kPageItems,
                                          [&search](const engine::ScheduledMessage& one) {
                                            if (one.message == nullptr) return true;
                                            const auto envelope = wire::decode_envelope(one.message->envelope.view());
                                            if (envelope.ok() && envelope->id == search->id) search->found = one.offset;
                                            return !search->found.has_value();
                                          });
    search->searched += limits::kPageItems;
  };
  read_store(read, [this, search](Status status) {
    if (status.ok() && !search->more.ok()) status = search->more.status();
    const bool over = !status.ok() || search->found || !*search->more || search->searched >= engine::kScheduleSearched;
    if (over) --schedule_searches_;
    if (!status.ok()) return refuse(search->request, std::move(status));
    searched_schedule(search);
  });
}

void Session::searched_schedule(const std::shared_ptr<ScheduleSearch>& search) {
  if (search->found) return cancel_at(search->request, search->queue, *search->found);
  if (!*search->more) {
    return refuse(search->request, Status(Code::NOT_FOUND, "there is no message " + search->id.to_string() +
                                                               " that is scheduled, or not any more"));
  }
  if (search->searched < engine::kScheduleSearched) return search_schedule(search);
  refuse(search->request, Status(Code::BAD_REQUEST, "it is not among the " + std::to_string(engine::kScheduleSearched) +
                                                        " that are due first: name it by its offset")
                              .with_limit("searched", static_cast<std::int64_t>(engine::kScheduleSearched)));
}

void Session::cancel_at(std::uint64_t request, const engine::QueueRef& queue, model::Offset offset) {
  const char* const operation = queue->kind == model::Kind::queue   ? "cancelScheduled"
                                : queue->kind == model::Kind::topic ? "cancelScheduledOfTopic"
                                                                    : "cancelScheduledOfSubscription";
  model::AuditCall call = call_of(operation, queue->name);
  call.details.emplace_back("message", std::to_string(offset.value));
  perform<model::Done>(std::move(call), queue->shard, model::CancelScheduled{{}, queue->subscription, offset}, nullptr,
                       [this, request, offset](model::Answer&& answer) {
                         auto& done = std::get<model::Done>(answer);
                         if (!done.status.ok()) return refuse(request, std::move(done.status));
                         wire::QueueResponse response;
                         response.request = request;
                         response.offset = offset;
                         response.count = done.count;
                         send(wire::encode(response));
                       });
}

}  // namespace lazaret::net
