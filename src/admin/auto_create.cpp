#include "admin/auto_create.h"

#include <set>
#include <utility>

#include "admin/desk_wait.h"
#include "engine/audit_trail.h"
#include "model/options.h"

namespace lazaret::admin {

using base::Code;
using base::Status;

namespace {

/// Asks for it without waiting.
Pending<model::QueueAnswer> create(Broker& broker, const Request& request, const std::string& name) {
  model::CreateQueue create;
  create.name = name;
  create.options = broker.config.defaults;
  model::AuditCall call{request.actor.empty() ? request.peer : request.actor,
                        request.peer,
                        engine::operation_on("put", model::Kind::queue),
                        name,
                        {{"auto_create", "true"}}};
  auto promise = std::make_shared<std::promise<base::Result<model::QueueAnswer>>>();
  Pending<model::QueueAnswer> pending = promise->get_future();
  broker.engine.audit().perform<model::QueueAnswer>(
      std::move(call), model::ShardId(0), std::move(create),
      [](const model::QueueAnswer& made) { return engine::change_of(nullptr, made.queue->options); },
      [promise](model::QueueAnswer&& made) {
        const bool ok = made.status.ok();
        promise->set_value(ok ? base::Result(std::move(made)) : base::Result<model::QueueAnswer>(made.status));
      });
  return pending;
}

}  // namespace

base::Result<NotMade> create_missing(Broker& broker, const Request& request, const std::vector<std::string>& names) {
  NotMade not_made;
  if (!broker.config.auto_create) return not_made;
  std::set<std::string> missing;
  for (const std::string& name : names) {
    if (broker.engine.directory().find(name) != nullptr) continue;
    if (const Status status = model::validate_name(name); !status.ok()) return status;
    missing.insert(name);
  }
  std::vector<std::pair<std::string, Pending<model::QueueAnswer>>> asked;
  for (const std::string& name : missing) asked.emplace_back(name, create(broker, request, name));
  for (auto& [name, pending] : asked) {
    const auto made = wait(pending, request.deadline);
    const bool is_there = made.ok() || made.code() == Code::ALREADY_EXISTS;  // somebody else was faster
    if (!is_there) not_made.emplace(name, made.status());
  }
  return not_made;
}

Status why_missing(const NotMade& not_made, const std::string& name, Status otherwise) {
  const auto why = not_made.find(name);
  return why == not_made.end() ? std::move(otherwise) : why->second;
}

base::Result<engine::QueueRef> find_or_create_queue(Broker& broker, const Request& request, const std::string& name) {
  auto queue = find_named(broker, name, model::Kind::queue);
  if (queue.ok() || !broker.config.auto_create) return queue;
  const auto not_made = create_missing(broker, request, {name});
  if (!not_made.ok()) return not_made.status();
  queue = find_named(broker, name, model::Kind::queue);
  return queue.ok() ? std::move(queue) : why_missing(*not_made, name, queue.status());
}

}  // namespace lazaret::admin
