// Transactions over HTTP: messages are published, and requests asked, in one atomic write, answered when it is durable.
#include <algorithm>

#include "admin/auto_create.h"
#include "admin/desk_wait.h"
#include "admin/given_message.h"
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "admin/together_json.h"
#include "engine/asked_along.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;

/// Everything that has to be there before the write can name it.
std::vector<std::string> names_in(const std::vector<AddressedMessage>& given) {
  std::vector<std::string> names;
  for (const AddressedMessage& one : given) {
    names.push_back(one.to);
    if (one.ask) names.push_back(one.ask->reply_queue);
  }
  return names;
}

/// The one that all of them are known by: the first message, or where there are requests only, the first of these.
std::size_t place_of_first(const std::vector<AddressedMessage>& given) {
  const auto first = std::find_if(given.begin(), given.end(), [](const auto& one) { return !one.ask; });
  return first == given.end() ? 0 : static_cast<std::size_t>(first - given.begin());
}

/// The write, as it is put together.
class Transaction {
 public:
  Transaction(const Broker& broker, const NotMade& not_made) : broker_(broker), not_made_(not_made) {}

  /// Takes in what is published, and what goes with it. NOT_FOUND, BAD_REQUEST, MESSAGE_TOO_LARGE, HEADERS_TOO_LARGE.
  Status add(AddressedMessage&& given, bool is_first);

  model::ShardId home() const { return home_; }
  model::Publish take() {
    if (!outgoing_->to.empty() || outgoing_->item) command_.outgoing = std::move(outgoing_);
    return std::move(command_);
  }

 private:
  /// Of a request: the message then says of itself that it is one.
  Result<model::AskedAlong> asked(AskTerms&& terms, const model::QueueRecord& queue, wire::Envelope& envelope) const;

  const Broker& broker_;
  const NotMade& not_made_;
  const base::Instant now_ = broker_.engine.now();
  model::ShardId home_;
  model::Publish command_;
  std::shared_ptr<model::Outgoing> outgoing_ = std::make_shared<model::Outgoing>();
};

Result<model::AskedAlong> Transaction::asked(AskTerms&& terms, const model::QueueRecord& queue,
                                             wire::Envelope& envelope) const {
  const base::Instant deadline = now_ + terms.time_left;
  const std::string name = terms.reply_queue;
  make_request(envelope, name, deadline);
  auto address = engine::reply_address(broker_.engine.directory(), std::move(terms.reply_queue),
                                       std::move(terms.context), envelope.correlation_id);
  if (address.code() == Code::NOT_FOUND) return why_missing(not_made_, name, address.status());
  if (!address.ok()) return address.status();
  return engine::asked_along(queue, envelope.id, deadline, std::move(*address));
}

Status Transaction::add(AddressedMessage&& given, bool is_first) {
  const auto found = broker_.engine.directory().destination(given.to);
  if (!found.ok()) return why_missing(not_made_, given.to, found.status());
  const model::QueueRecord& queue = **found;
  std::optional<model::AskedAlong> ask;
  if (given.ask) {
    auto asks = asked(std::move(*given.ask), queue, given.message.envelope);
    if (!asks.ok()) return asks.status();
    ask = std::move(*asks);
  }
  auto message = make_message(broker_.config, now_, std::move(given.message));
  if (!message.ok()) return message.status();
  if (is_first) {
    home_ = queue.shard;
    command_.log = queue.log;
    command_.items.push_back({0, std::move(*message)});
    outgoing_->item = std::move(ask);
    return {};
  }
  auto& to = outgoing_->to;
  auto place = std::find_if(to.begin(), to.end(), [&](const auto& other) { return other.log == queue.log; });
  if (place == to.end()) place = to.insert(to.end(), {queue.shard, queue.log, {}, {}});
  if (ask) {
    ask->place = static_cast<std::uint32_t>(place->messages.size());
    place->asks.push_back(std::move(*ask));
  }
  place->messages.push_back(std::move(*message));
  return {};
}

/// What each is to become.
json::array items_of(const std::vector<AddressedMessage>& given) {
  json::array items;
  for (const AddressedMessage& one : given) {
    json::object item{{"to", one.to}, {"id", one.message.envelope.id.to_string()}};
    if (one.ask) item["reply_queue"] = one.ask->reply_queue;
    items.push_back(std::move(item));
  }
  return items;
}

}  // namespace

Result<Response> publish_together(Broker& broker, const Request& request) {
  auto given = read_together_json(request.body);
  if (!given.ok()) return given.status();
  for (AddressedMessage& one : *given) {
    wire::Envelope& envelope = one.message.envelope;
    if (envelope.id.is_nil()) envelope.id = new_id(broker.engine.now());
  }
  json::array items = items_of(*given);
  const NotMade not_made = create_missing(broker, request, names_in(*given));
  const std::size_t first = place_of_first(*given);
  Transaction transaction(broker, not_made);
  for (std::size_t place = 0; place < given->size(); ++place) {
    LZ_RETURN_IF_ERROR(transaction.add(std::move((*given)[place]), place == first));
  }
  const auto published = ask<model::Published>(broker.desk, transaction.home(), transaction.take(), request.deadline);
  if (!published.ok()) return published.status();
  const model::PublishResult& result = published->results.front();
  if (result.code != Code::OK) return Status(result.code);
  for (json::value& item : items) item.get_object()["duplicate"] = result.duplicate;
  items[first].get_object()["offset"] = result.offset.value;
  return json_response(201, json::object{{"items", std::move(items)}});
}

}  // namespace lazaret::admin
