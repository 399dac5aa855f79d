// What operators do in a random run, sensible or not, and what the machine does to them.
#include <algorithm>
#include <array>

#include "simulation/random_run.h"

namespace lazaret::simulation {

using base::Code;
using model::CaseState;

void RandomRun::operate() {
  const std::string name = any(names_);
  if (!world_.has_queue(name)) return;
  note_in_the_audit_trail(name);
  const std::uint64_t dice = random_.below(100);
  if (dice < 33) return treat(name);
  if (dice < 36) return quarantine(name);
  if (dice < 45) return world_.post_all(core::TrimNow{});
  if (dice < 60) return inspect(name);
  if (dice < 65) return change_retention();
  if (dice < 70) return change_options(name);
  if (dice < 80 && name.starts_with("news.")) return move(name);
  if (dice < 80 && name == "press") return meddle_with_several_topics();
  if (dice < 80) return ask_for_nonsense(name);
  if (dice < 83) return static_cast<void>(world_.purge(name, chance(40)));
  if (dice < 85) return cancel(name);
  if (dice < 90) return fill_the_disk();
  if (dice < 93) return one_by_one(name);
  if (dice < 94) return a_day_passes();
  if (dice < 95) return erase_topic();
  if (dice < 96) return erase_one_of_two_topics();
  erase(name, chance(50));
}

void RandomRun::treat(const std::string& name) {
  if (!orphans_.empty() && chance(10)) treat_orphan(any(orphans_));
  if (chance(15)) return import(name);
  if (chance(40)) return cure(name);
  const auto cases = world_.cases(name, CaseState::admitted);
  if (cases.empty()) return;
  const model::CaseId id = any(cases).id;
  if (chance(30)) {
    treat_by_job(id);
  } else if (chance(70)) {
    const bool answered = world_.replay(id).status.code() == Code::ALREADY_ANSWERED;
    if (answered && chance(50)) world_.replay(id, std::nullopt, true);
  } else {
    world_.discard(id, "no use");
  }
  if (chance(20)) world_.discard(id, "once more");
}

/// One whose queue is gone. What was closed for long went.
void RandomRun::treat_orphan(const model::CaseId& id) {
  const auto record = world_.store().read_case(id);
  if (!record.ok()) return;
  if (record->state == CaseState::discarded && chance(50)) {
    const Code code = world_.restore(id).status.code();
    if (code != Code::OK && code != Code::NOT_FOUND) {  // its time may just be over
      witness_.find("case " + id.to_string() + ", of a deleted queue, cannot be restored");
    }
  }
  if (record->state != CaseState::admitted) return;
  if (chance(40)) {
    const bool done = edit(*record, record->version).status.ok();
    if (done && chance(50) && edit(*record, record->version).status.code() != Code::STALE_VERSION) {
      witness_.find("case " + id.to_string() + ", of a deleted queue, was edited by who had not seen its version");
    }
  } else if (chance(50)) {
    world_.discard(id, "its queue is gone");
  } else {
    world_.redirect(id, Witness::kWard);
  }
}

/// From another broker, to a queue or a subscription: one that was not brought yet, or perhaps was; and then a file is
/// sent again. Whoever else reads the log has nothing of it, as the witness sees.
void RandomRun::import(const std::string& name) {
  const bool again = imported_ > 0 && chance(30);
  const std::uint64_t number = again ? 1 + random_.below(imported_) : ++imported_;
  const auto what = world_.exported(number, "imported " + std::to_string(++bodies_), chance(80) ? 1 : 0);
  const model::CaseDone done = world_.import_case(name, what);
  const Code code = done.status.code();
  if (code == Code::NOT_FOUND) return;  // it is just being deleted
  const bool has_budget = world_.has_queue(name) && world_.queue(name).options.hospital_max_bytes != 0;
  if (code == Code::RESOURCE_EXHAUSTED && has_budget) return;  // its hospital is full
  if (code != Code::OK) return witness_.find(name + ": a case was not taken in");
  const model::CaseDone once_more = world_.import_case(name, what, done.known || chance(50));
  const bool same = once_more.status.ok() && once_more.known && once_more.id == done.id;
  const bool went = done.known && !world_.store().read_case(done.id).ok();  // it was closed, and had to go
  if (!same && !went) witness_.find("case " + done.id.to_string() + ": it was imported twice");
}

/// Edits, also of what somebody else has edited meanwhile; takes a discard back; sends elsewhere; replays with what is
/// left of the attempts.
void RandomRun::cure(const std::string& name) {
  if (const auto discarded = world_.cases(name, CaseState::discarded); !discarded.empty() && chance(50)) {
    const model::CaseId id = any(discarded).id;
    const Code code = world_.restore(id).status.code();
    // Its time may just be over.
    if (code != Code::OK && code != Code::NOT_FOUND) witness_.find("case " + id.to_string() + " cannot be restored");
  }
  const auto cases = world_.cases(name, CaseState::admitted);
  if (cases.empty()) return;
  const model::CaseRecord record = any(cases);
  if (chance(60)) {
    const bool done = edit(record, record.version).status.ok();
    if (done && chance(50) && edit(record, record.version).status.code() != Code::STALE_VERSION) {
      witness_.find("case " + record.id.to_string() + " was edited by who had not seen its version");
    }
  }
  if (chance(30)) world_.redirect(record.id, Witness::kWard, record.version);
  if (!chance(50)) return;
  model::ReplayCaseCommand replay;
  replay.id = record.id;
  replay.attempts = record.attempt_count;
  replay.priority = record.summary.priority;
  replay.failures_before = chance(50) ? record.failure_count : 0;
  if (chance(30)) replay.only_for = ">=2";
  world_.ask<model::CaseDone>(record.id.shard, replay);
}

/// By who has seen this version. The body stays: the witness knows messages by it.
model::CaseDone RandomRun::edit(const model::CaseRecord& record, std::uint32_t seen) {
  model::EditCaseCommand edit;
  edit.id = record.id;
  edit.version = seen;
  const model::MessageRef before = world_.version(record.id, seen);
  if (before == nullptr) return {0, base::Status(Code::NOT_FOUND), record.id};
  auto message = std::make_shared<model::Message>(*before);
  message->body_crc = Witness::mark_of(seen + 1);
  edit.message = std::move(message);
  return world_.ask<model::CaseDone>(record.id.shard, edit);
}

/// As a job does: with its number, perhaps as a canary, perhaps recalled at once. Its record is written, and forgotten.
void RandomRun::treat_by_job(const model::CaseId& id) {
  model::SaveReplayJob save;
  save.change.record.id = model::ReplayJobId(++replay_jobs_);
  save.change.record.state = model::ReplayJobState::running;
  save.change.record.total = 1;
  save.change.chosen.push_back({0, {id}, {}, {}});
  world_.ask<model::Done>(model::ShardId(0), save);
  const model::CaseDone sent = world_.replay_by_job(id, replay_jobs_, chance(50));
  if (sent.status.ok() && chance(30)) {
    const Code code = world_.recall(id).status.code();
    if (code != Code::OK && code != Code::CASE_BUSY && code != Code::NOT_FOUND) {
      witness_.find("case " + id.to_string() + ": a recall is answered otherwise");
    }
  }
  const model::CaseRecord record = world_.store().read_case(id).value();
  if (sent.status.ok() && record.replay_job.value != replay_jobs_) {
    witness_.find("case " + id.to_string() + ": the job that replayed it cannot be seen");
  }
  save.change.chosen.clear();
  save.change.outcomes.push_back({0, {}, {record.replay_outcome}, {}});
  world_.ask<model::Done>(model::ShardId(0), save);
  if (chance(50)) world_.ask<model::Done>(model::ShardId(0), model::ForgetReplayJob{{}, save.change.record.id});
  alert_of(id);
}

/// It is written that somebody is to be told of a case, and the alert before is forgotten.
void RandomRun::alert_of(const model::CaseId& id) {
  const model::KeptAlerts kept = world_.store().read_alerts().value();
  model::SaveAlerts save;
  save.change.looked_at = world_.now();
  save.change.case_age = 24h;
  for (const model::AlertRecord& alert : kept.alerts) save.change.forgotten.push_back(alert.number);
  model::AlertRecord& alert = save.change.put.emplace_back();
  alert.number = kept.alerts.empty() ? model::AlertId(1) : kept.alerts.back().number.next();
  alert.at = world_.now();
  alert.case_id = id;
  if (!world_.ask<model::Done>(model::ShardId(0), save).status.ok()) return;
  const model::KeptAlerts now = world_.store().read_alerts().value();
  const bool same_look = now.looked_at == save.change.looked_at && now.case_age == save.change.case_age;
  if (now.alerts != save.change.put || !same_look) {
    witness_.find("alerts are not kept as they were written");
  }
}

/// A new rule, for a while or until it is lifted; or one is lifted.
void RandomRun::quarantine(const std::string& name) {
  const std::vector<model::QuarantineRecord> rules = world_.quarantines(name);
  if (!rules.empty() && chance(60)) {
    const base::Status lifted = world_.lift_quarantine(name, rules.back().number).status;
    const bool may_have_ended = lifted.code() == Code::NOT_FOUND && rules.back().until.us != 0;
    if (!lifted.ok() && !may_have_ended) witness_.find(name + ": a quarantine rule cannot be lifted");
    return;
  }
  constexpr std::array kRules{"a", "b", "type!=c"};
  const base::Instant until = world_.now() + std::chrono::milliseconds(1 + random_.below(5'000));
  const char* filter = kRules[random_.below(kRules.size())];
  const auto added = world_.add_quarantine(name, filter, "it looks bad", chance(70) ? until : base::Instant{});
  if (!added.status.ok()) witness_.find(name + ": a quarantine rule was refused");
  if (world_.lift_quarantine(name, 0).status.code() != Code::NOT_FOUND) witness_.find(name + ": no rule was lifted");
}

void RandomRun::inspect(const std::string& name) {
  const model::QueueRecord& record = world_.queue(name);
  world_.show(name);  // the witness adds up
  model::ShowStates show;
  show.subscription = record.subscription;
  show.from = model::Offset(random_.below(20));
  show.count = 1 + random_.below(50);
  const auto states = world_.ask<model::MessageStates>(record.shard, show);
  if (states.items.size() > show.count) witness_.find(name + ": more states than were asked for");
  look_at_groups();
}

/// They count what there is, whatever has become of their cases meanwhile; and what is noted is kept.
void RandomRun::look_at_groups() {
  for (const std::string& wrong : world_.store().miscounted_groups()) witness_.find(wrong);
  const auto groups = world_.store().list_groups({}, model::GroupSort::count, "", 100)->groups;
  if (groups.empty() || !chance(30)) return;
  const model::GroupRecord& group = any(groups);
  model::UpdateGroup update;
  update.id = group.id;
  update.patch.note = chance(20) ? "" : "looked at";
  if (chance(50)) update.patch.snooze.until = world_.now() + 1h;
  if (chance(30)) update.patch.snooze.until_version = chance(20) ? "" : ">=1";
  if (chance(30)) update.patch.snooze.until_rate = model::CaseRate{3, 1min};
  for (const std::uint16_t shard : {0, 1}) {
    if (!world_.ask<model::Done>(model::ShardId(shard), update).status.ok()) witness_.find("a note was refused");
  }
}

/// What is done to a queue is noted first. What was confirmed is there after any crash, and the chain is whole.
void RandomRun::note_in_the_audit_trail(const std::string& name) {
  model::AuditEntry entry;
  entry.called_at = world_.now();
  entry.call = {"operator", "simulation", "operate", name, {}};
  const auto done = world_.ask<model::Done>(model::ShardId(0), model::AppendAuditCommand{{}, entry});
  if (!done.status.ok()) return witness_.find("the audit trail was refused");
  if (done.count <= audited_) witness_.find("a confirmed entry of the audit trail is gone");
  audited_ = done.count;
  const std::string wrong = world_.store().audit_problem();
  if (!wrong.empty()) witness_.find("the audit trail: " + wrong);
}

/// One that is scheduled, and once more, when it is not any longer.
void RandomRun::cancel(const std::string& name) {
  const model::QueueRecord& record = world_.queue(name);
  const auto waiting = world_.store().read_waiting(record.shard, record.subscription, {}, 1000).value();
  for (const model::RecoveredDelivery& one : waiting) {
    if (!one.record.scheduled || one.record.due <= world_.now()) continue;
    const std::uint64_t offset = one.record.offset.value;
    if (!world_.cancel_scheduled(name, offset).status.ok()) continue;  // its time has just come
    if (world_.cancel_scheduled(name, offset).status.ok()) witness_.find(name + ": a message was cancelled twice");
    break;
  }
  // Far behind the end: a subscription of several topics may take something over at any moment.
  const std::uint64_t none = world_.show(name).log_end.value + 1'000'000;
  if (world_.cancel_scheduled(name, none).status.code() != Code::NOT_FOUND) {
    witness_.find(name + ": a message was cancelled that there is not");
  }
}

/// To anywhere in its topic, or beyond; also paused for a while.
void RandomRun::move(const std::string& name) {
  model::StartPoint to;
  model::Offset end;
  const std::uint64_t dice = random_.below(100);
  if (dice < 20) to.kind = model::Start::earliest;
  if (dice >= 40 && dice < 70) {
    to.kind = model::Start::offset;
    end = world_.show(name).log_end;
    to.offset = model::Offset(random_.below(end.value + 10));
  }
  if (dice >= 70) {
    to.kind = model::Start::time;
    to.time = world_.now() - base::Duration(static_cast<std::int64_t>(random_.below(5'000'000)));
  }
  const base::Status moved = world_.seek(name, to).status;
  const bool beyond = to.kind == model::Start::offset && to.offset > end && moved.code() == Code::INVALID_OPTION;
  if (!moved.ok() && !beyond) witness_.find(name + " cannot be moved");
  if (moved.ok() && to.kind == model::Start::offset && to.offset > end)
    witness_.find(name + " is moved beyond its end");
  if (!chance(20)) return;
  model::OptionsPatch paused;
  paused.paused = true;
  world_.update(name, paused);
  world_.run_for(50ms);
  paused.paused = false;
  if (world_.has_queue(name)) world_.update(name, paused);
}

void RandomRun::change_options(const std::string& name) {
  model::UpdateQueue update;
  update.name = name;
  update.options->max_attempts = static_cast<std::uint32_t>(1 + random_.below(5));
  update.options->lease_duration = std::chrono::milliseconds(500 + random_.below(3000));
  if (chance(20)) update.options->ttl = std::chrono::milliseconds(chance(50) ? 0 : 1 + random_.below(5'000));
  if (chance(20)) update.options->on_expiry = chance(50) ? "drop" : "hospital";
  const bool of_topic = world_.queue(name).kind == model::Kind::subscription;
  const bool ordered = world_.queue(name).options.order_by_key;
  if (ordered && chance(20)) update.options->on_key_failure = chance(50) ? "continue" : "hold";
  if (chance(20)) update.options->breaker = chance(50);
  if (chance(30)) update.options->hospital_max_bytes = chance(50) ? 0 : some_budget();
  // Of several topics the witness knows what was published there only by what was delivered, and by the cases.
  const bool keeps_all = name == "press";
  if (!keeps_all && chance(30)) update.options->case_retention_count = chance(30) ? 0 : some_count();
  if (of_topic && chance(20)) update.options->filter = some_filter();
  if (!of_topic && chance(20)) update.options->deduplicate_for = std::chrono::seconds(chance(50) ? 0 : 5);
  if (!of_topic && chance(20)) update.options->durability = chance(50) ? "fsync" : "relaxed";
  if (!world_.ask<model::QueueAnswer>(model::ShardId(0), update).status.ok()) {
    witness_.find(name + ": its options cannot be changed");
  }
}

/// Of the topic, which keeps messages for a while, or loses some.
void RandomRun::change_retention() {
  if (!world_.has_queue("news")) return;
  model::OptionsPatch patch;
  patch.retain_for = std::chrono::milliseconds(random_.below(3000));
  patch.retention_messages = chance(30) ? 16 + random_.below(100) : 0;
  patch.retention_age = std::chrono::milliseconds(chance(30) ? 1000 + random_.below(3000) : 0);
  world_.update("news", patch);
}

/// What is refused, with its code, and changes nothing.
void RandomRun::ask_for_nonsense(const std::string& name) {
  const auto expect = [&](const base::Status& status, Code code) {
    if (status.code() != code) {
      witness_.find(name + ": " + std::string(base::error_info(status.code()).name) + " in place of " +
                    std::string(base::error_info(code).name));
    }
  };
  const auto create = [&](const std::string& as, bool ensure, std::uint32_t deaths) {
    model::CreateQueue command;
    command.name = as;
    command.ensure = ensure;
    command.options.max_worker_deaths = deaths;
    return world_.ask<model::QueueAnswer>(model::ShardId(0), command).status;
  };
  const model::QueueRecord record = world_.queue(name);
  expect(create("no name", false, 2), Code::INVALID_NAME);
  expect(create("other", false, 0), Code::INVALID_OPTION);
  expect(create(name, false, 2), Code::ALREADY_EXISTS);
  expect(create(name, true, 77), Code::OPTIONS_MISMATCH);
  const model::QueueStats stats = world_.show(name);
  if (!stats.consumers.empty() && stats.leased > 0) {
    const Code code = world_.delete_queue(name, false).status.code();
    if (code != Code::IN_USE && code != Code::NOT_EMPTY) witness_.find(name + " was deleted while it is used");
  } else if (stats.ready + stats.waiting + stats.scheduled > 0) {
    const Code code = world_.delete_queue(name, false).status.code();
    if (code != Code::IN_USE && code != Code::NOT_EMPTY) witness_.find(name + " was deleted with what it holds");
  }
  expect(
      world_
          .ask<model::CaseDone>(record.shard,
                                model::ReplayCaseCommand{
                                    {}, {record.shard, record.subscription, record.log, model::Offset(1'000'000)}, 0})
          .status,
      Code::NOT_FOUND);
  if (!orphans_.empty()) {
    const model::CaseId id = any(orphans_);
    expect(world_.ask<model::CaseDone>(id.shard, model::ReplayCaseCommand{{}, id, 0}).status, Code::DESTINATION_NEEDED);
  }
  // The same consumer on two queues.
  Worker& worker = *any(workers_);
  if (!worker.client->connected() || !worker.client->consumes(worker.number)) return;
  const std::string& other = any(names_);
  if (other == worker.queue || !world_.has_queue(other)) return;
  model::OpenConsumer open;
  open.consumer = {worker.client->instance(), worker.number};
  open.instance = worker.client->record();
  open.subscription = world_.queue(other).subscription;
  open.credit_messages = 1;
  open.credit_bytes = 1000;
  if (world_.queue(other).shard != world_.queue(worker.queue).shard || !world_.has_queue(worker.queue)) return;
  world_.ask<model::ConsumerOpened>(world_.queue(other).shard, open);
}

/// Publishes are refused for a while; all else goes on.
void RandomRun::fill_the_disk() {
  world_.post_all(core::DiskPressure{true, 10, 100});
  world_.settle();
  for (const auto& publisher : publishers_) publish(*publisher);
  for (const auto& worker : workers_) work(*worker);
  world_.run_for(50ms);
  world_.post_all(core::DiskPressure{false, 1000, 100});
  world_.settle();
  for (const auto& publisher : publishers_) send_again(*publisher);
}

/// Every other message is acked: more stretches than a subscription's own record holds.
void RandomRun::one_by_one(const std::string& name) {
  const auto place = std::find_if(publishers_.begin(), publishers_.end(),
                                  [&](const auto& publisher) { return publisher->queue == name; });
  if (place == publishers_.end()) return;
  for (int i = 0; i < 40; ++i) publish(**place);
  Client::Options options;
  options.starts_at_once = true;
  options.silent_trace = true;
  Client client(world_, "alt" + std::to_string(++bodies_), options);
  client.consume(name, 400);
  world_.run_for(1s);
  bool odd = false;
  for (const std::uint64_t offset : client.held()) {
    if (odd = !odd; odd) client.ack(offset);
  }
  world_.run_for(50ms);
  client.goodbye();
  world_.settle();
}

/// Producers that have nothing under way are forgotten.
void RandomRun::a_day_passes() {
  for (const auto& publisher : publishers_) send_again(*publisher);
  world_.run_for(1s);
  for (const auto& publisher : publishers_) {
    if (!publisher->unconfirmed.empty()) return;
  }
  for (const auto& worker : workers_) {
    if (worker->is_companion) continue;
    if (worker->client->connected()) worker->client->die();
    worker->as_another = true;
    worker->returns_at = world_.now() + 25h;
  }
  world_.run_for(25h);
  for (const auto& publisher : publishers_) publish(*publisher);
}

void RandomRun::erase(const std::string& name, bool under_a_crash) {
  const model::QueueRecord record = world_.queue(name);
  if (under_a_crash) {
    model::DeleteQueue erase;
    erase.subscription = record.subscription;
    erase.force = true;
    world_.submit(record.shard, erase);
    world_.run_for(base::Duration(static_cast<std::int64_t>(random_.below(40'000))));
    crash();
    world_.run_for(1s);
    if (world_.has_queue(name)) return;  // the crash was first
  } else if (!world_.delete_queue(name, true).status.ok() || world_.has_queue(name)) {
    return witness_.find(name + " could not be deleted");
  }
  model::CaseQuery filter;
  filter.subscription = record.subscription;
  model::with_state(filter, CaseState::admitted);
  const model::CasePage left = world_.store().list_cases(filter, "", 100'000).value();
  for (const model::CaseRecord& one : left.cases) {
    orphans_.push_back(one.id);
    const auto page = world_.store().read_messages(record.shard, record.log, one.id.offset, one.id.offset.next(), 1, 1);
    if (page->messages.size() != 1 || page->messages[0].message == nullptr) {
      witness_.find("case " + one.id.to_string() + ": its message went with the queue (1)");
    }
  }
  recreate(name);
}

/// With all its subscriptions.
void RandomRun::erase_topic() {
  if (!world_.has_queue("news")) return;
  if (world_.delete_queue("news", false).status.code() != Code::NOT_EMPTY) {
    witness_.find("news was deleted with its subscriptions");
  }
  if (!world_.delete_queue("news", true).status.ok()) return witness_.find("news could not be deleted");
  for (const char* name : {"news", "news.all", "news.new"}) {
    if (world_.has_queue(name)) return witness_.find(std::string(name) + " is left");
  }
  world_.create_topic("news");
  for (const char* name : {"news.all", "news.new"}) recreate(name);
  forget_publishes("news");
  renew_subscription_of_all();
}

/// The subscription of several goes on with the other, if that is still there.
void RandomRun::erase_one_of_two_topics() {
  if (!world_.has_queue("wires")) return;
  if (world_.has_queue("press") && chance(50)) {
    world_.delete_queue("wires", false);  // refused, unless it has no part in it any more
    if (!world_.has_queue("wires")) world_.create_topic("wires");
  }
  if (!world_.delete_queue("wires", true).status.ok()) return witness_.find("wires could not be deleted");
  world_.create_topic("wires", chance(30) ? model::Durability::relaxed : model::Durability::fsync);
  forget_publishes("wires");
  renew_subscription_of_all();
}

/// Topics of those names have come again, which are none of its own. When all of its own have gone, so has it.
void RandomRun::renew_subscription_of_all() {
  world_.run_for(1s);
  if (world_.has_queue("press") && chance(40)) return;
  if (world_.has_queue("press")) return erase("press", false);
  recreate("press");
}

/// It is not moved; its topics do not go from under it.
void RandomRun::meddle_with_several_topics() {
  if (world_.seek("press", {model::Start::earliest, {}, {}}).status.code() != Code::BAD_REQUEST) {
    witness_.find("press was moved");
  }
  model::CreateQueue command;
  command.name = "press";
  command.kind = model::Kind::subscription;
  command.ensure = true;
  command.topics = {"wires", "letters"};
  command.options = world_.queue("press").options;
  const Code code = world_.ask<model::QueueAnswer>(model::ShardId(0), command).status.code();
  if (code != Code::OPTIONS_MISMATCH) witness_.find("press was said to have other topics");
  model::OptionsPatch durability;
  durability.durability = chance(50) ? "fsync" : "relaxed";
  if (world_.has_queue("wires")) world_.update("wires", durability);
}

/// Another queue of that name. What was told to the old one's clients does not concern it.
void RandomRun::recreate(const std::string& name) {
  for (const auto& worker : workers_) {
    const bool concerned = worker->queue == name || (worker->companion != nullptr && worker->companion->queue == name);
    if (worker->is_companion || !concerned) continue;
    if (worker->client->connected()) worker->client->die();
    worker->returns_at = world_.now();
    worker->as_another = true;
  }
  create(name);
  forget_publishes(name);
}

void RandomRun::forget_publishes(const std::string& name) {
  for (const auto& publisher : publishers_) {
    if (publisher->queue != name) continue;
    publisher->unconfirmed.clear();
    publisher->under_way.clear();
  }
}

}  // namespace lazaret::simulation
