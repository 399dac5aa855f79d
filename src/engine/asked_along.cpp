#include "engine/asked_along.h"

#include "model/limits.h"

namespace lazaret::engine {

namespace limits = model::limits;
using base::Code;
using base::Status;

namespace {

/// The limits of headers hold for what comes back with a reply.
Status check_context(const AskContext& context) {
  if (context.size() > limits::kHeaderCount) {
    return Status(Code::HEADERS_TOO_LARGE,
                  "the context has more than " + std::to_string(limits::kHeaderCount) + " entries")
        .with_limit("context_count", static_cast<std::int64_t>(limits::kHeaderCount));
  }
  std::size_t bytes = 0;
  for (const auto& [name, value] : context) {
    if (name.empty()) return Status(Code::BAD_REQUEST, "an entry of the context has no name");
    if (name.size() > limits::kEnvelopeFieldBytes) {
      return Status(Code::HEADERS_TOO_LARGE, "a name in the context has " + std::to_string(name.size()) +
                                                 " bytes, at most " + std::to_string(limits::kEnvelopeFieldBytes) +
                                                 " are allowed")
          .with_limit("context_name", static_cast<std::int64_t>(limits::kEnvelopeFieldBytes));
    }
    bytes += name.size() + value.size();
  }
  if (bytes <= limits::kContextBytes) return {};
  return Status(Code::HEADERS_TOO_LARGE, "the context has " + std::to_string(bytes) + " bytes, at most " +
                                             std::to_string(limits::kContextBytes) + " are allowed")
      .with_limit("context_bytes", static_cast<std::int64_t>(limits::kContextBytes));
}

Status same_queue() {
  return Status(Code::BAD_REQUEST, "the reply to a request goes to another queue than the request");
}

}  // namespace

Status check_ask(std::string_view queue, std::string_view reply_queue, const AskContext& context) {
  LZ_RETURN_IF_ERROR(check_context(context));
  return queue == reply_queue ? same_queue() : Status();
}

base::Result<model::ReplyAddressRef> reply_address(const Directory& directory, std::string reply_queue,
                                                   AskContext context, std::string correlation_id) {
  LZ_RETURN_IF_ERROR(check_context(context));
  const QueueRef queue = directory.find(reply_queue);
  if (queue == nullptr) {
    return Status(Code::NOT_FOUND, "there is no queue '" + reply_queue + "' for the reply to go to");
  }
  if (queue->kind != model::Kind::queue) {
    const std::string kind(model::name_of(queue->kind));
    return Status(Code::BAD_REQUEST, reply_queue + " is a " + kind + ": a reply goes to a queue");
  }
  auto address = std::make_shared<model::ReplyAddress>();
  address->shard = queue->shard;
  address->log = queue->log;
  address->queue = std::move(reply_queue);
  address->context = std::move(context);
  address->correlation_id = std::move(correlation_id);
  return model::ReplyAddressRef(std::move(address));
}

base::Result<model::AskedAlong> asked_along(const model::QueueRecord& queue, const model::MessageId& id,
                                            base::Instant deadline, model::ReplyAddressRef reply_to) {
  if (queue.kind != model::Kind::queue) {
    const std::string kind(model::name_of(queue.kind));
    return Status(Code::BAD_REQUEST, queue.name + " is a " + kind + ": a request goes to a queue");
  }
  if (reply_to->log == queue.log) return same_queue();
  return model::AskedAlong{0, id, deadline, std::move(reply_to)};
}

}  // namespace lazaret::engine
