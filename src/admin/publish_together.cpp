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

/// One that is to go out: nothing is wrong with it but, perhaps, where it goes.
struct Checked {
  std::string to;
  model::MessageId id;
  std::shared_ptr<model::Message> message;
  std::optional<AskTerms> ask;
  base::Instant deadline;      // of a request
  std::string correlation_id;  // of a request
};

/// All that can be said before the queues are there, since those that are missing are made then, and stay. BAD_REQUEST,
/// MESSAGE_TOO_LARGE, HEADERS_TOO_LARGE. A message that is a request says so of itself.
Result<Checked> checked(const ServerConfig& config, base::Instant now, AddressedMessage&& given) {
  wire::Envelope& envelope = given.message.envelope;
  Checked one{std::move(given.to), envelope.id, nullptr, std::move(given.ask), {}, {}};
  if (one.ask) {
    LZ_RETURN_IF_ERROR(engine::check_ask(one.to, one.ask->reply_queue, one.ask->context));
    one.deadline = now + one.ask->time_left;
    make_request(envelope, one.ask->reply_queue, one.deadline);
    one.correlation_id = envelope.correlation_id;
  }
  auto message = make_message(config, now, std::move(given.message));
  if (!message.ok()) return message.status();
  one.message = std::move(*message);
  return one;
}

/// Everything that has to be there before the write can name it.
std::vector<std::string> names_in(const std::vector<Checked>& all) {
  std::vector<std::string> names;
  for (const Checked& one : all) {
    names.push_back(one.to);
    if (one.ask) names.push_back(one.ask->reply_queue);
  }
  return names;
}

/// The one that all of them are known by: the first message, or where there are requests only, the first of these.
std::size_t place_of_first(const std::vector<Checked>& all) {
  const auto first = std::find_if(all.begin(), all.end(), [](const auto& one) { return !one.ask; });
  return first == all.end() ? 0 : static_cast<std::size_t>(first - all.begin());
}

/// The write, as it is put together.
class Transaction {
 public:
  Transaction(const Broker& broker, const NotMade& not_made) : broker_(broker), not_made_(not_made) {}

  /// Takes in what is published, and what goes with it. NOT_FOUND, or why it could not be made; BAD_REQUEST.
  Status add(Checked&& one, bool is_first);

  model::ShardId home() const { return home_; }
  model::Publish take() {
    if (!outgoing_->to.empty() || outgoing_->item) command_.outgoing = std::move(outgoing_);
    return std::move(command_);
  }

 private:
  Result<model::AskedAlong> asked(Checked& one, const model::QueueRecord& queue) const;

  const Broker& broker_;
  const NotMade& not_made_;
  model::ShardId home_;
  model::Publish command_;
  std::shared_ptr<model::Outgoing> outgoing_ = std::make_shared<model::Outgoing>();
};

Result<model::AskedAlong> Transaction::asked(Checked& one, const model::QueueRecord& queue) const {
  auto address = engine::reply_address(broker_.engine.directory(), one.ask->reply_queue, std::move(one.ask->context),
                                       std::move(one.correlation_id));
  if (address.code() == Code::NOT_FOUND) return why_missing(not_made_, one.ask->reply_queue, address.status());
  if (!address.ok()) return address.status();
  return engine::asked_along(queue, one.id, one.deadline, std::move(*address));
}

Status Transaction::add(Checked&& one, bool is_first) {
  const auto found = broker_.engine.directory().destination(one.to);
  if (!found.ok()) return why_missing(not_made_, one.to, found.status());
  const model::QueueRecord& queue = **found;
  std::optional<model::AskedAlong> ask;
  if (one.ask) {
    auto asks = asked(one, queue);
    if (!asks.ok()) return asks.status();
    ask = std::move(*asks);
  }
  if (is_first) {
    home_ = queue.shard;
    command_.log = queue.log;
    command_.items.push_back({0, std::move(one.message)});
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
  place->messages.push_back(std::move(one.message));
  return {};
}

/// What each is to become.
json::array items_of(const std::vector<Checked>& all) {
  json::array items;
  for (const Checked& one : all) {
    json::object item{{"to", one.to}, {"id", one.id.to_string()}};
    if (one.ask) item["reply_queue"] = one.ask->reply_queue;
    items.push_back(std::move(item));
  }
  return items;
}

/// Each gets an id that has none.
Result<std::vector<Checked>> all_of(const Broker& broker, const Request& request) {
  auto given = read_together_json(request.body);
  if (!given.ok()) return given.status();
  const base::Instant now = broker.engine.now();
  std::vector<Checked> all;
  all.reserve(given->size());
  for (AddressedMessage& addressed : *given) {
    wire::Envelope& envelope = addressed.message.envelope;
    if (envelope.id.is_nil()) envelope.id = new_id(now);
    auto one = checked(broker.config, now, std::move(addressed));
    if (!one.ok()) return one.status();
    all.push_back(std::move(*one));
  }
  return all;
}

}  // namespace

Result<Response> publish_together(Broker& broker, const Request& request) {
  auto all = all_of(broker, request);
  if (!all.ok()) return all.status();
  const auto not_made = create_missing(broker, request, names_in(*all));
  if (!not_made.ok()) return not_made.status();
  json::array items = items_of(*all);
  const std::size_t first = place_of_first(*all);
  Transaction transaction(broker, *not_made);
  for (std::size_t place = 0; place < all->size(); ++place) {
    LZ_RETURN_IF_ERROR(transaction.add(std::move((*all)[place]), place == first));
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
