// World: what operators do to the messages of cases.
#include "base/crc32c.h"
#include "simulation/world.h"

namespace lazaret::simulation {

model::MessageRef World::version(const model::CaseId& id, std::uint32_t version) {
  if (version > 0) {
    const auto stored = store_.read_version(id, version);
    return stored.ok() ? *stored : nullptr;
  }
  const auto page = store_.read_messages(id.shard, id.log, id.offset, id.offset.next(), 1, 1);
  const bool there = page.ok() && !page->messages.empty() && page->messages.front().offset == id.offset;
  return there ? page->messages.front().message : nullptr;
}

model::CaseDone World::edit(const model::CaseId& id, const std::string& body, std::optional<std::uint32_t> seen) {
  const auto record = store_.read_case(id);
  model::EditCaseCommand edit;
  edit.id = id;
  edit.version = seen ? *seen : record.ok() ? record->version : 0;
  edit.by = "the operator";
  const model::MessageRef before = version(id, edit.version);
  auto message = before == nullptr ? std::make_shared<model::Message>() : std::make_shared<model::Message>(*before);
  message->body = base::SharedBytes::copy(body);
  message->body_crc = base::crc32c(body);
  edit.message = std::move(message);
  return ask<model::CaseDone>(id.shard, edit);
}

model::CaseDone World::restore(const model::CaseId& id) {
  model::RestoreCaseCommand restore;
  restore.id = id;
  restore.by = "the operator";
  if (const auto record = store_.read_case(id); record.ok()) {
    restore.closed_at = record->closed_at;
    restore.key = record->key;
    restore.holds_key = model::holds_key(record->reason);
  }
  return ask<model::CaseDone>(id.shard, restore);
}

model::ImportedCaseRef World::exported(std::uint64_t number, const std::string& body, std::uint32_t failures,
                                       const std::string& envelope) const {
  auto what = std::make_shared<model::ImportedCase>();
  what->origin.id = {model::ShardId(7), model::SubscriptionId(70), model::LogId(71), model::Offset(number)};
  what->origin.admitted_at = start_ - 1h;
  what->last_error = {"Timeout", "it timed out there", ""};
  for (std::uint32_t i = 1; i <= failures; ++i) {
    model::Attempt& attempt = what->attempts.emplace_back();
    attempt.number = i;
    attempt.consumer.name = "over there";
    attempt.outcome = model::AttemptOutcome::nacked;
  }
  auto message = std::make_shared<model::Message>();
  message->envelope = base::SharedBytes::copy(envelope);
  message->body = base::SharedBytes::copy(body);
  message->published_at = start_ - 2h;
  what->message = std::move(message);
  return what;
}

model::CaseDone World::import_case(const std::string& name, model::ImportedCaseRef what, bool looks) {
  const model::QueueRecord& into = queue(name);
  if (looks) {
    const auto known = store_.find_imported(into.shard, into.subscription, what->origin);
    if (known.ok() && *known) return {0, {}, **known, 0, 0, true};
  }
  return ask<model::CaseDone>(into.shard, model::ImportCaseCommand{{}, into.subscription, std::move(what)});
}

model::RedirectCaseCommand World::redirection(const model::CaseId& id, const std::string& to,
                                              std::optional<std::uint32_t> seen) {
  const auto record = store_.read_case(id);
  model::RedirectCaseCommand redirect;
  redirect.id = id;
  redirect.version = seen ? *seen : record.ok() ? record->version : 0;
  redirect.to = to;
  redirect.by = "the operator";
  auto outgoing = std::make_shared<model::Outgoing>();
  outgoing->repeats = true;
  if (const model::MessageRef message = version(id, redirect.version)) {
    auto copy = std::make_shared<model::Message>(*message);
    copy->due = copy->expires_at = {};
    copy->source = {};
    copy->imported = false;
    copy->imported_at = {};
    outgoing->to.push_back({queue(to).shard, queue(to).log, {std::move(copy)}});
  } else {
    outgoing->problem = base::Code::MESSAGE_DAMAGED;
  }
  redirect.outgoing = std::move(outgoing);
  return redirect;
}

model::CaseDone World::redirect(const model::CaseId& id, const std::string& to, std::optional<std::uint32_t> seen) {
  return ask<model::CaseDone>(id.shard, redirection(id, to, seen));
}

model::CaseDone World::redirect_by_job(const model::CaseId& id, const std::string& to, std::uint64_t job,
                                       std::optional<std::uint32_t> attempts_read) {
  model::RedirectCaseCommand redirect = redirection(id, to, std::nullopt);
  redirect.job = model::ReplayJobId(job);
  redirect.attempts = attempts_read ? *attempts_read : store_.read_case(id).value().attempt_count;
  return ask<model::CaseDone>(id.shard, redirect);
}

}  // namespace lazaret::simulation
