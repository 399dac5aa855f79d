// Queues, topics and subscriptions: list, create, show, change, delete, purge.
#include "admin/desk_wait.h"
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "admin/queue_json.h"
#include "engine/audit_trail.h"
#include "model/limits.h"

#include <algorithm>
#include <utility>

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;
namespace limits = model::limits;

constexpr model::ShardId kCatalogShard{0};

/// What the body of a PUT or PATCH asks for.
struct Wanted {
  wire::OptionsPatch options;
  std::string colocate_with;
  std::vector<std::string> topics;
  std::optional<model::StartPoint> start;
};

/// A word or a time as text, an offset as text or number.
Result<model::StartPoint> read_start(const json::value& value) {
  if (value.is_string()) return model::start_point_of(std::string_view(value.get_string()));
  boost::system::error_code error;
  const auto offset = value.is_number() ? value.to_number<std::uint64_t>(error) : 0;
  if (!value.is_number() || error) return model::start_point_of("");
  return model::StartPoint{model::Start::offset, model::Offset(offset), {}};
}

/// `topic` is a text, `topics` a list of them; a subscription is given one or the other.
Status read_topics(const json::object& object, std::vector<std::string>& topics) {
  const json::value* list = object.if_contains("topics");
  if (list == nullptr) {
    auto text = text_field(object, "topic");
    if (!text.ok()) return text.status();
    if (!text->empty()) topics = {std::move(*text)};
    return {};
  }
  if (object.contains("topic")) return Status(Code::BAD_REQUEST, "a subscription has one topic, or topics, not both");
  topics.clear();
  const bool texts = list->is_array() && std::all_of(list->get_array().begin(), list->get_array().end(),
                                                     [](const json::value& one) { return one.is_string(); });
  if (!texts || list->get_array().empty()) return Status(Code::BAD_REQUEST, "topics must be a list of names");
  for (const json::value& one : list->get_array()) topics.emplace_back(one.get_string());
  return {};
}

/// Fields of a PUT that are no options. False: it is none of them.
Result<bool> read_placement(const json::object& object, std::string_view name, model::Kind kind, Wanted& wanted) {
  const bool subscribes = kind == model::Kind::subscription;
  const bool topics = name == "topic" || name == "topics";
  if (name != "colocate_with" && !(subscribes && (topics || name == "start"))) return false;
  if (subscribes && name == "colocate_with") return false;  // it is where its topic is
  if (topics) {
    if (Status status = read_topics(object, wanted.topics); !status.ok()) return status;
    return true;
  }
  if (name == "start") {
    const auto start = read_start(object.at(name));
    if (!start.ok()) return start.status();
    wanted.start = *start;
    return true;
  }
  auto text = text_field(object, name);
  if (!text.ok()) return text.status();
  wanted.colocate_with = *text;
  return true;
}

/// An unknown field is an INVALID_OPTION: a misspelt option must not be taken for its default.
Result<Wanted> read_wanted(const Broker& broker, const std::string& body, bool creating, model::Kind kind) {
  Wanted wanted;
  const auto object = parse_object(body);
  if (!object.ok()) return object.status();
  for (const auto& [key, field] : *object) {
    const std::string_view name = key;
    if (creating) {
      const auto placed = read_placement(*object, name, kind, wanted);
      if (!placed.ok()) return placed.status();
      if (*placed) continue;
    }
    const auto taken = read_option(name, field, wanted.options);
    if (!taken.ok()) return taken.status();
    if (!*taken) return Status(Code::INVALID_OPTION, "there is no option \"" + std::string(name) + "\"");
  }
  if (Status status = wanted.options.validate_for(kind); !status.ok()) return status;
  if (Status status = model::check_alert_to(wanted.options, broker.alerts.webhooks()); !status.ok()) return status;
  if (wanted.options.filter) {
    const auto filter = model::Filter::parse(*wanted.options.filter);
    if (!filter.ok()) return filter.status();
    LZ_RETURN_IF_ERROR(broker.config.mask.check(*filter));  // what it takes would tell
  }
  return wanted;
}

/// As it is now. Its own shard may hear of it a moment later than the catalog: then it is still empty.
Result<Response> answer_queue(Broker& broker, const model::QueueRecord& queue, int status, Deadline deadline) {
  auto stats = show_queue(broker, queue, deadline);
  if (!stats.ok() && stats.code() != Code::NOT_FOUND) return stats.status();
  model::QueueStats shown = stats.ok() ? std::move(*stats) : model::QueueStats{};
  shown.queue = queue;
  return json_response(status, queue_json(shown));
}

/// Of something new. A topic that its shard has not heard of yet is empty.
Status start_problem(Broker& broker, const model::CreateQueue& command, Deadline deadline) {
  model::Offset end(~std::uint64_t{0});
  if (command.start.kind == model::Start::offset && !command.topic.empty()) {
    const auto topic = find_named(broker, command.topic, model::Kind::topic);
    if (!topic.ok()) return topic.status();
    const auto stats = show_queue(broker, **topic, deadline);
    if (!stats.ok() && stats.code() != Code::NOT_FOUND) return stats.status();
    end = stats.ok() ? stats->log_end : model::Offset(0);
  }
  return model::start_problem(command.start, end, broker.engine.now());
}

std::vector<std::string> wanted_topics(const model::CreateQueue& command) {
  return command.topic.empty() ? command.topics : std::vector<std::string>{command.topic};
}

/// What a PUT would be answered, found out without the catalog, which would act on it. Only a race can prove it wrong.
Result<Response> rehearse(Broker& broker, const model::CreateQueue& command, const engine::QueueRef& there,
                          Deadline deadline) {
  if (there == nullptr) {
    const bool missing = !command.colocate_with.empty() && !broker.engine.directory().find(command.colocate_with);
    if (missing) return Status(Code::NOT_FOUND, "there is no queue " + command.colocate_with + " to be beside");
    model::QueueStats stats;
    stats.queue.name = command.name;
    stats.queue.kind = command.kind;
    stats.queue.options = command.options;
    stats.queue.topic = command.topic;
    for (const std::string& topic : command.topics) stats.queue.sources.push_back({topic, {}, {}, {}, false});
    stats.queue.start = command.start;
    return json_response(201, queue_json(stats));
  }
  const std::string what = std::string(model::name_of(there->kind)) + " " + there->name;
  if (there->kind != command.kind) return Status(Code::ALREADY_EXISTS, "there is a " + what + " already");
  std::string difference = model::difference(there->options, command.options);
  if (std::string other = model::other_topics(*there, wanted_topics(command)); !other.empty()) difference = other;
  if (!difference.empty()) return Status(Code::OPTIONS_MISMATCH, what + " exists: " + difference);
  return answer_queue(broker, *there, 200, deadline);
}

}  // namespace

Result<Response> list_named(Broker& broker, const Request& request, model::Kind kind) {
  const auto limit = number_parameter(request, "limit", limits::kPageItemsDefault, 1, limits::kPageItems);
  if (!limit.ok()) return limit.status();
  auto queues = broker.engine.directory().list(request.parameter("cursor").value_or(""), *limit + 1, kind);
  std::string cursor;
  if (queues.size() > *limit) {
    queues.resize(*limit);
    cursor = queues.back()->name;
  }
  const auto stats = show_queues(broker, queues, request.deadline);
  if (!stats.ok()) return stats.status();
  json::array items;
  for (const auto& one : *stats) items.push_back(queue_json(one));
  return json_response(200, list_of(std::move(items), cursor));
}

Result<Response> put_named(Broker& broker, const Request& request, model::Kind kind) {
  const auto wanted = read_wanted(broker, request.body, true, kind);
  if (!wanted.ok()) return wanted.status();
  const auto dry_run = flag_parameter(request, "dry_run");
  if (!dry_run.ok()) return dry_run.status();
  model::CreateQueue command;
  command.name = request.arguments[0];
  command.kind = kind;
  LZ_RETURN_IF_ERROR(model::validate_name(command.name));
  // What is named is compared; the rest may be as it is, as with the binary protocol's ensure.
  const auto there = broker.engine.directory().find(command.name);
  auto options = wanted->options.apply_to(there ? there->options : broker.config.defaults);
  if (!options.ok()) return options.status();
  LZ_RETURN_IF_ERROR(model::validate(*options));
  if (kind == model::Kind::subscription) {
    command.topics = wanted->topics.empty() && there ? there->topics() : wanted->topics;
    if (command.topics.empty()) return Status(Code::BAD_REQUEST, "a subscription needs its topic");
    for (const std::string& name : command.topics) {
      if (const auto topic = find_named(broker, name, model::Kind::topic); !topic.ok()) return topic.status();
    }
    if (command.topics.size() == 1) command.topic = std::exchange(command.topics, {}).front();
    command.start = wanted->start.value_or(model::StartPoint());
    if (there == nullptr) LZ_RETURN_IF_ERROR(start_problem(broker, command, request.deadline));
  }
  command.options = *options;
  command.ensure = true;
  command.colocate_with = wanted->colocate_with;
  if (*dry_run) return rehearse(broker, command, there, request.deadline);
  const auto answer = ask<model::QueueAnswer>(broker.desk, kCatalogShard, std::move(command), request.deadline);
  if (!answer.ok()) return answer.status();
  auto response = answer_queue(broker, *answer->queue, answer->created ? 201 : 200, request.deadline);
  if (response.ok() && answer->created) response->change = engine::change_of(nullptr, answer->queue->options);
  return response;
}

Result<Response> get_named(Broker& broker, const Request& request, model::Kind kind) {
  const auto queue = find_named(broker, request.arguments[0], kind);
  if (!queue.ok()) return queue.status();
  const auto stats = show_queue(broker, **queue, request.deadline);
  if (!stats.ok()) return stats.status();
  return json_response(200, queue_json(*stats));
}

Result<Response> patch_named(Broker& broker, const Request& request, model::Kind kind) {
  const auto wanted = read_wanted(broker, request.body, false, kind);
  if (!wanted.ok()) return wanted.status();
  const auto queue = find_named(broker, request.arguments[0], kind);
  if (!queue.ok()) return queue.status();
  const auto answer = ask<model::QueueAnswer>(
      broker.desk, kCatalogShard, model::UpdateQueue{{}, (*queue)->name, wanted->options}, request.deadline);
  if (!answer.ok()) return answer.status();
  auto response = answer_queue(broker, *answer->queue, 200, request.deadline);
  if (response.ok()) response->change = engine::change_of(&(*queue)->options, answer->queue->options);
  return response;
}

Result<Response> delete_named(Broker& broker, const Request& request, model::Kind kind) {
  const auto force = flag_parameter(request, "force");
  if (!force.ok()) return force.status();
  const auto queue = find_named(broker, request.arguments[0], kind);
  if (!queue.ok()) return queue.status();
  const auto done = ask<model::Done>(broker.desk, (*queue)->shard,
                                     model::DeleteQueue{{}, (*queue)->subscription, *force}, request.deadline);
  if (!done.ok()) return done.status();
  Response response{204, "", "", {}};
  response.change = engine::deletion_of(**queue, done->count);
  return response;
}

Result<Response> purge_named(Broker& broker, const Request& request, model::Kind kind) {
  const auto body = parse_object(request.body, {"scheduled"});
  if (!body.ok()) return body.status();
  const json::value* scheduled = body->if_contains("scheduled");
  if (scheduled != nullptr && !scheduled->is_bool())
    return Status(Code::BAD_REQUEST, "scheduled must be true or false");
  const auto queue = find_named(broker, request.arguments[0], kind);
  if (!queue.ok()) return queue.status();
  const model::PurgeQueue purge{{}, (*queue)->subscription, scheduled != nullptr && scheduled->get_bool()};
  const auto done = ask<model::Done>(broker.desk, (*queue)->shard, purge, request.deadline);
  if (!done.ok()) return done.status();
  Response response = json_response(200, json::object{{"purged", done->count}});
  response.change.after = {{"purged", std::to_string(done->count)}};
  return response;
}

Result<Response> seek_subscription(Broker& broker, const Request& request) {
  const auto body = parse_object(request.body, {"to"});
  if (!body.ok()) return body.status();
  const json::value* to = body->if_contains("to");
  if (to == nullptr) return Status(Code::BAD_REQUEST, "\"to\" is missing: where the subscription is to go on");
  const auto start = read_start(*to);
  if (!start.ok()) return start.status();
  const auto queue = find_named(broker, request.arguments[0], model::Kind::subscription);
  if (!queue.ok()) return queue.status();
  const auto done = ask<model::SeekDone>(broker.desk, (*queue)->shard,
                                         model::SeekSubscription{{}, (*queue)->subscription, *start}, request.deadline);
  if (!done.ok()) return done.status();
  Response response = json_response(
      200, json::object{{"offset", done->offset.value}, {"entered", done->entered}, {"purged", done->purged}});
  response.change.after = {{"offset", std::to_string(done->offset.value)}};
  return response;
}

}  // namespace lazaret::admin
