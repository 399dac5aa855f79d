#include "engine/audit_trail.h"

#include <cctype>
#include <future>

#include "engine/engine.h"

namespace lazaret::engine {
namespace {

using base::Code;
using base::Result;
using base::Status;

constexpr model::ShardId kAuditShard{0};

/// It was not written, so it is not done, or its end is not told. The code says when to try again.
Status unwritten(const Status& why, std::string_view what) {
  return {why.code(), "the audit trail cannot be written, so " + std::string(what) + ": " + why.text()};
}

Status too_late() { return {Code::DEADLINE_EXCEEDED, "the audit trail was not written in time"}; }

}  // namespace

AuditOutcome AuditOutcome::of(const Status& status, model::AuditChange change) {
  if (status.ok()) return {200, "", std::move(change)};
  const base::ErrorInfo& info = base::error_info(status.code());
  return {info.http, std::string(info.name), std::move(change)};
}

model::AuditChange change_of(const model::QueueOptions* before, const model::QueueOptions& after) {
  const model::QueueOptions defaults;
  model::AuditChange change;
  for (auto& [option, was, is] : model::differences(before == nullptr ? defaults : *before, after)) {
    if (before != nullptr) change.before.emplace_back(option, was);
    change.after.emplace_back(option, is);
  }
  if (before == nullptr) change.after.emplace_back("created", "true");
  return change;
}

model::AuditChange deletion_of(const model::QueueRecord& queue, std::uint64_t open_cases) {
  model::AuditChange change;
  for (auto& [option, by_itself, was] : model::differences(model::QueueOptions(), queue.options)) {
    change.before.emplace_back(option, was);
  }
  change.after.emplace_back("deleted", "true");
  if (queue.kind != model::Kind::topic) change.after.emplace_back("open_cases", std::to_string(open_cases));
  return change;
}

std::string operation_on(std::string_view verb, model::Kind kind) {
  std::string name(model::name_of(kind));
  name.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(name.front())));
  return std::string(verb) + name;
}

AuditTrail::AuditTrail(Engine& engine) : engine_(engine), desk_(Desk::open(engine)) {}

model::AuditEntry AuditTrail::entry_of(const model::AuditCall& call) const {
  model::AuditEntry entry;
  entry.called_at = engine_.now();
  entry.call = call;
  return entry;
}

model::AuditEntry AuditTrail::entry_of(Begun begun, AuditOutcome outcome) {
  model::AuditEntry entry;
  entry.phase = model::AuditPhase::ended;
  entry.began = begun.number;
  entry.called_at = begun.called_at;
  entry.call = std::move(begun.call);
  entry.status = static_cast<std::uint32_t>(outcome.status);
  entry.code = std::move(outcome.code);
  entry.change = bounded(std::move(outcome.change));
  return entry;
}

void AuditTrail::append(model::AuditEntry entry, Waiting then) {
  desk_->ask(kAuditShard, model::AppendAuditCommand{{}, std::move(entry)},
             [then = std::move(then)](model::Answer&& answer) {
               const auto* done = std::get_if<model::Done>(&answer);
               if (done == nullptr) return then(Status(Code::INTERNAL));
               if (!done->status.ok()) return then(done->status);
               then(done->count);
             });
}

void AuditTrail::begin(model::AuditCall call, std::function<void(Result<Begun>)> then) {
  model::AuditEntry entry = entry_of(bounded(std::move(call)));
  Begun begun{0, entry.called_at, entry.call};
  begun.call.details.clear();
  append(std::move(entry), [then = std::move(then), begun = std::move(begun)](Result<std::uint64_t> number) mutable {
    if (!number.ok()) return then(unwritten(number.status(), "nothing was done"));
    begun.number = *number;
    then(std::move(begun));
  });
}

void AuditTrail::end(Begun begun, AuditOutcome outcome, std::function<void(Status)> then) {
  append(entry_of(std::move(begun), std::move(outcome)), [then = std::move(then)](Result<std::uint64_t> number) {
    then(number.ok() ? Status() : unwritten(number.status(), "nobody can say what became of this"));
  });
}

Result<AuditTrail::Begun> AuditTrail::begin(model::AuditCall call, Deadline deadline) {
  const auto promise = std::make_shared<std::promise<Result<Begun>>>();
  auto pending = promise->get_future();
  begin(std::move(call), [promise](Result<Begun> begun) { promise->set_value(std::move(begun)); });
  if (pending.wait_until(deadline) != std::future_status::ready) return unwritten(too_late(), "nothing was done");
  return pending.get();
}

Status AuditTrail::end(Begun begun, AuditOutcome outcome, Deadline deadline) {
  const auto promise = std::make_shared<std::promise<Status>>();
  auto pending = promise->get_future();
  end(std::move(begun), std::move(outcome), [promise](Status written) { promise->set_value(std::move(written)); });
  if (pending.wait_until(deadline) == std::future_status::ready) return pending.get();
  return unwritten(too_late(), "nobody can say what became of this");
}

}  // namespace lazaret::engine
