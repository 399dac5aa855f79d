// What a client has done to queues, topics and subscriptions, each a call of the audit trail: create, ensure, update,
// delete, purge, seek. (And peek, queue_commands.cpp; cancel of what is scheduled, schedule_commands.cpp.)
#include "model/limits.h"
#include "net/session.h"

namespace lazaret::net {

namespace limits = model::limits;
using base::Code;
using base::Status;
using engine::operation_on;
using wire::QueueVerb;

namespace {

/// What is named of the options, beside what they are before and after.
void add_placement(const model::CreateQueue& command, model::AuditFields& details) {
  std::string topics = command.topic;
  for (const std::string& topic : command.topics) topics += (topics.empty() ? "" : " ") + topic;
  if (!topics.empty()) details.emplace_back("topics", topics);
  if (!command.colocate_with.empty()) details.emplace_back("colocate_with", command.colocate_with);
}

}  // namespace

model::AuditCall Session::call_of(std::string operation, std::string target) const {
  model::AuditCall call;
  call.actor = instance_.name.empty() ? instance_.id.to_string() : instance_.name;
  call.peer = peer_;
  call.operation = std::move(operation);
  call.target = std::move(target);
  call.details = {{"host", instance_.host}, {"instance", instance_.id.to_string()}};
  return call;
}

/// The trail asks in place of the session, so that the end is noted also when the session has gone; its answer comes
/// to the session as if that had asked.
template <class Answer, class Command>
void Session::perform(model::AuditCall call, model::ShardId shard, Command command, ChangeOf<Answer> change_of,
                      Then then) {
  const std::uint64_t request = expect(std::move(then)).request;
  context_.engine.audit().perform<Answer>(std::move(call), shard, std::move(command), std::move(change_of),
                                          [self = weak_from_this(), request](Answer&& answer) {
                                            const auto session = self.lock();
                                            if (session == nullptr) return;
                                            answer.request = request;
                                            std::vector<model::Answer> answers;
                                            answers.emplace_back(std::move(answer));
                                            session->tell(std::move(answers));
                                          });
}
template void Session::perform(model::AuditCall, model::ShardId, model::ShowStates, ChangeOf<model::MessageStates>,
                               Then);
template void Session::perform(model::AuditCall, model::ShardId, model::ShowQueue, ChangeOf<model::QueueStats>, Then);
template void Session::perform(model::AuditCall, model::ShardId, model::CancelScheduled, ChangeOf<model::Done>, Then);

// --- Create and ensure ----------------------------------------------------------------------------------------------

Status Session::check_alert_to(const model::OptionsPatch& options) const {
  const auto& webhooks = context_.config.webhooks;
  return webhooks ? model::check_alert_to(options, *webhooks) : Status();
}

void Session::create_queue(wire::QueueRequest&& frame) {
  const bool ensure = frame.verb == QueueVerb::ensure;
  const auto there = context_.engine.directory().find(frame.name);
  // Ensure compares what is named; the rest may be as it is.
  auto options = frame.options.apply_to(ensure && there ? there->options : context_.config.defaults);
  if (!options.ok()) return refuse(frame.request, options.status());
  if (Status status = model::validate_name(frame.name); !status.ok()) return refuse(frame.request, std::move(status));
  if (Status status = model::validate(*options); !status.ok()) return refuse(frame.request, std::move(status));
  if (Status status = frame.options.validate_for(frame.kind); !status.ok()) {
    return refuse(frame.request, std::move(status));
  }
  if (Status status = check_alert_to(frame.options); !status.ok()) return refuse(frame.request, std::move(status));
  model::CreateQueue command{{},
                             std::move(frame.name),
                             *options,
                             ensure,
                             std::move(frame.colocate_with),
                             frame.kind,
                             std::move(frame.topic),
                             frame.start,
                             std::move(frame.topics)};
  const bool starts_at_offset = command.start.kind == model::Start::offset && there == nullptr;
  if (frame.kind == model::Kind::subscription && starts_at_offset) {
    return create_where_topic_is(frame.request, std::move(command));
  }
  create_and_show(frame.request, std::move(command));
}

/// A subscription that is to start at an offset: only the topic's own shard knows whether that is beyond its end. What
/// is no topic, or several, is refused when it is created. A topic that its shard has not heard of yet is empty.
void Session::create_where_topic_is(std::uint64_t request, model::CreateQueue command) {
  const std::string& name = command.topics.size() == 1 ? command.topics.front() : command.topic;
  const auto topic = context_.engine.directory().find(name);
  if (topic == nullptr || topic->kind != model::Kind::topic) return create_and_show(request, std::move(command));
  const model::Origin origin = expect([this, request, command = std::move(command)](model::Answer&& answer) {
    const auto& stats = std::get<model::QueueStats>(answer);
    if (!stats.status.ok() && stats.status.code() != Code::NOT_FOUND) return refuse(request, stats.status);
    Status beyond = model::start_problem(command.start, stats.log_end, context_.engine.now());
    if (!beyond.ok()) return refuse(request, std::move(beyond));
    create_and_show(request, command);
  });
  submit(topic->shard, model::ShowQueue{origin, topic->subscription});
}

void Session::create_and_show(std::uint64_t request, model::CreateQueue command) {
  model::AuditCall call = call_of(operation_on("put", command.kind), command.name);
  create(std::move(call), std::move(command), [this, request](model::Answer&& answer) {
    auto& done = std::get<model::QueueAnswer>(answer);
    if (!done.status.ok()) return refuse(request, std::move(done.status));
    show_queue(request, std::move(done.queue), done.created);
  });
}

/// What an ensure asks for, where it is there and as it should be; else null.
engine::QueueRef Session::ensured(const model::CreateQueue& command) const {
  auto there = context_.engine.directory().find(command.name);
  if (!command.ensure || there == nullptr || there->kind != command.kind) return nullptr;
  const auto topics = command.topic.empty() ? command.topics : std::vector<std::string>{command.topic};
  const bool same =
      model::difference(there->options, command.options).empty() && model::other_topics(*there, topics).empty();
  return same ? there : nullptr;
}

/// Services ensure their queues whenever they start: what changes nothing is not noted, and so it must not be able to.
void Session::create(model::AuditCall call, model::CreateQueue command, Then then) {
  if (auto there = ensured(command)) return then(model::QueueAnswer{0, {}, std::move(there), false});
  add_placement(command, call.details);
  perform<model::QueueAnswer>(
      std::move(call), model::ShardId(0), std::move(command),
      [](const model::QueueAnswer& answer) {
        return answer.created ? engine::change_of(nullptr, answer.queue->options) : model::AuditChange();
      },
      std::move(then));
}

// --- Update, delete, purge, seek ------------------------------------------------------------------------------------

void Session::update_queue(const wire::QueueRequest& frame, const engine::QueueRef& queue) {
  if (Status status = check_alert_to(frame.options); !status.ok()) return refuse(frame.request, std::move(status));
  perform<model::QueueAnswer>(
      call_of(operation_on("patch", queue->kind), queue->name), model::ShardId(0),
      model::UpdateQueue{{}, frame.name, frame.options},
      [queue](const model::QueueAnswer& answer) { return engine::change_of(&queue->options, answer.queue->options); },
      [this, request = frame.request](model::Answer&& answer) {
        auto& done = std::get<model::QueueAnswer>(answer);
        if (!done.status.ok()) return refuse(request, std::move(done.status));
        show_queue(request, std::move(done.queue), false);
      });
}

/// Of what is answered by Done.
Session::Then Session::answer_with_count(std::uint64_t request) {
  return [this, request](model::Answer&& answer) {
    auto& done = std::get<model::Done>(answer);
    if (!done.status.ok()) return refuse(request, std::move(done.status));
    wire::QueueResponse response;
    response.request = request;
    response.count = done.count;
    send(wire::encode(response));
  };
}

void Session::remove(const wire::QueueRequest& frame, const engine::QueueRef& queue) {
  model::AuditCall call = call_of(operation_on("delete", queue->kind), queue->name);
  if (frame.force) call.details.emplace_back("force", "true");
  perform<model::Done>(
      std::move(call), queue->shard, model::DeleteQueue{{}, queue->subscription, frame.force},
      [queue](const model::Done& done) { return engine::deletion_of(*queue, done.count); },
      answer_with_count(frame.request));
}

void Session::purge(const wire::QueueRequest& frame, const engine::QueueRef& queue) {
  if (queue->kind == model::Kind::topic) {
    const std::string why = queue->name + " is a topic: purge a subscription of it";
    return refuse(frame.request, Status(base::Code::NOT_FOUND, why));
  }
  model::AuditCall call = call_of(operation_on("purge", queue->kind), queue->name);
  if (frame.scheduled) call.details.emplace_back("scheduled", "true");
  perform<model::Done>(
      std::move(call), queue->shard, model::PurgeQueue{{}, queue->subscription, frame.scheduled},
      [](const model::Done& done) {
        return model::AuditChange{{}, {{"purged", std::to_string(done.count)}}};
      },
      answer_with_count(frame.request));
}

void Session::seek(const wire::QueueRequest& frame, const engine::QueueRef& queue) {
  perform<model::SeekDone>(
      call_of(operation_on("seek", queue->kind), queue->name), queue->shard,
      model::SeekSubscription{{}, queue->subscription, frame.start},
      [](const model::SeekDone& done) {
        return model::AuditChange{{}, {{"offset", std::to_string(done.offset.value)}}};
      },
      [this, request = frame.request](model::Answer&& answer) {
        auto& done = std::get<model::SeekDone>(answer);
        if (!done.status.ok()) return refuse(request, std::move(done.status));
        wire::QueueResponse response;
        response.request = request;
        response.count = done.purged;
        response.offset = done.offset;
        response.entered = done.entered;
        send(wire::encode(response));
      });
}

}  // namespace lazaret::net
