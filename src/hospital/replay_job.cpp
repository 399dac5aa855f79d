#include "hospital/replay_job.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "hospital/redirection.h"

namespace lazaret::hospital {

using base::Code;
using base::Duration;
using base::Instant;
using base::Result;
using base::Status;
using model::ReplayJobState;
using model::ReplayOutcome;
using namespace std::chrono_literals;

namespace {

/// Progress is written so often: what a kill takes back is found in the cases themselves.
constexpr Duration kSaveEvery = 250ms;
/// Between two looks at what is out: short while there is something to see, then longer and longer.
constexpr Duration kLookSoon = 50ms;
constexpr Duration kLookLate = 500ms;
/// Records read at a look: so many more than can have changed that a slow one holds up nobody.
constexpr std::uint64_t kLookLeast = 128;
constexpr std::uint64_t kLookMost = 4096;
/// Cases that are looked at for sending at once: those that are refused cost no rate.
constexpr int kSendMost = 1024;
/// A case whose ordering key is just being read, or whose message was just edited, is tried again.
constexpr int kTries = 50;
/// Whether a consumer of the version that is waited for has come is looked at so often.
constexpr Duration kVersionEvery = 500ms;
/// How often one is tried that goes elsewhere, while the disk has no room for it.
constexpr Duration kDiskEvery = 1s;
/// Recalls on their way.
constexpr std::uint64_t kRecallsMost = 256;

Status status_of(const model::Answer& answer) {
  if (const auto* done = std::get_if<model::CaseDone>(&answer)) return done->status;
  if (const auto* done = std::get_if<model::Done>(&answer)) return done->status;
  return Status(Code::INTERNAL);
}

}  // namespace

Result<model::CaseQuery> query_of(const std::string& filter, Instant created_at) {
  auto query = model::parse_case_query(filter, created_at);
  if (!query.ok()) return query;
  model::with_state(*query, model::CaseState::admitted);
  model::CaseTerm until;
  until.field = model::CaseTerm::Field::admitted;
  until.op = model::CaseTerm::Operator::less;
  until.number = created_at.us + 1;
  query->terms.push_back(until);
  return query;
}

ReplayJob::ReplayJob(Tools& tools, model::ReplayJobRecord record)
    : tools_(tools),
      record_(std::move(record)),
      set_(tools.engine.store(), record_.id),
      choice_([&store = tools.engine.store()](const model::CaseQuery& query, const std::string& cursor) {
        return store.list_cases(query, cursor, model::limits::kPageItems);
      }),
      pace_(record_.options.rate),
      durable_(record_) {}

bool ReplayJob::is_over() const { return !saving_ && !changed_ && is_settled(durable_, in_doubt()); }

Instant ReplayJob::unsaved_end() const {
  return record_.ended_at.us != 0 && durable_.ended_at.us == 0 ? record_.ended_at : Instant::never();
}

void ReplayJob::choose_these(std::vector<model::CaseId> cases, Instant now) {
  put_in_order_of_set(cases);
  set_.add(cases);
  record_.total = cases.size();
  set_is_known(record_, now);
}

/// What was out when the broker stopped is out, and what was on its way is looked at again. A set that was not known is
/// chosen from the beginning: what matched then and is not replayed since matches still.
void ReplayJob::go_on(Instant now) {
  if (!record_.chosen) record_.total = 0;
  for (std::uint64_t position = 0; position < record_.next; ++position) {
    const std::uint64_t index = record_.index_at(position);
    const auto outcome = set_.outcome_at(index);
    if (!outcome.ok()) return give_up(outcome.status());
    if (*outcome == ReplayOutcome::none) again_.push_back(index);
    if (*outcome == ReplayOutcome::queued) {
      const auto id = set_.case_at(index);
      if (!id.ok()) return give_up(id.status());
      out_.push_back({index, *id});
    }
    const bool part_is_done = index % model::limits::kReplayChunkCases == 0;
    if (part_is_done) set_.changes_are_durable();
  }
  advance(record_, in_doubt(), now);
}

Status ReplayJob::apply(ReplayVerb verb, Instant now, Then then) {
  LZ_RETURN_IF_ERROR(hospital::apply(verb, record_, now));
  save_first(std::move(then));
  return {};
}

void ReplayJob::save_first(Then then) {
  waiting_.push_back(std::move(then));
  changed_ = urgent_ = true;
}

Duration ReplayJob::work(Instant now) {
  const ReplayJobState before = record_.state;
  if (record_.state == ReplayJobState::choosing) choose(now);
  if (now >= look_at_) {
    learn();
    look_every_ = std::exchange(something_happened_, false) ? kLookSoon : std::min(look_every_ * 2, kLookLate);
    look_at_ = now + look_every_;
  }
  advance(record_, in_doubt(), now);
  if (model::has_ended(record_.state)) look_at_the_rest();
  send(now);
  advance(record_, in_doubt(), now);
  if (record_.recalling) recall();
  if (record_.state != before) changed_ = urgent_ = true;
  save(now);
  return pause(now);
}

/// Until there is something to be done that no answer brings.
Duration ReplayJob::pause(Instant now) const {
  if (record_.state == ReplayJobState::choosing && !saving_ && !changed_) return 1ms;
  Instant next = out_.empty() ? now + kLookLate : look_at_;
  if (!waits_for_answer_ && again_.empty()) {
    const bool goes_on = record_.next < record_.total && !waits_for_version();
    if (goes_on && may_send(record_, in_doubt())) next = std::min(next, pace_.next());
  } else if (!waits_for_answer_ && may_send(record_, in_doubt() - 1)) {
    next = std::min(next, std::max(again_at_, pace_.next()));
  }
  if (changed_ && !saving_) next = std::min(next, saved_at_ + kSaveEvery);
  return std::max(Duration(next - now), Duration(1ms));
}

/// One page of what is to be chosen; the next when what is known of the set by then is durable.
void ReplayJob::choose(Instant now) {
  if (saving_ || changed_) return;
  const auto query = query_of(record_.filter, record_.created_at);
  if (!query.ok()) return give_up(query.status());
  const auto chosen = choice_.next(*query);
  if (!chosen.ok()) return give_up(chosen.status());
  if (chosen->cases.empty() && !chosen->done) return;
  set_.add(chosen->cases);
  record_.total += chosen->cases.size();
  if (chosen->done) set_is_known(record_, now);
  changed_ = urgent_ = something_happened_ = true;
}

void ReplayJob::learn() {
  const std::uint64_t most = std::clamp<std::uint64_t>(record_.options.rate / 10, kLookLeast, kLookMost);
  for (std::uint64_t looks = std::min<std::uint64_t>(most, out_.size()); looks > 0 && !out_.empty(); --looks) {
    if (learn_at_ >= out_.size()) learn_at_ = 0;
    const Out one = out_[learn_at_];
    const auto record = tools_.engine.store().read_case(one.id);
    if (!record.ok() && record.code() != Code::NOT_FOUND) return give_up(record.status());
    const ReplayOutcome outcome = record.ok() ? outcome_of(*record, record_.id) : ReplayOutcome::other;
    if (outcome == ReplayOutcome::queued) {
      ++learn_at_;
      continue;
    }
    note(one.index, outcome);
    out_[learn_at_] = out_.back();
    out_.pop_back();
  }
}

/// NOT_FOUND: the case is gone.
Result<model::CaseRecord> ReplayJob::record_at(std::uint64_t index) {
  const auto id = set_.case_at(index);
  if (!id.ok()) return id.status();
  return tools_.engine.store().read_case(*id);
}

/// An ended job sends nothing that was to be looked at once more; what it had sent before a restart says its case.
void ReplayJob::look_at_the_rest() {
  for (int looks = 0; looks < kSendMost && !again_.empty(); ++looks) {
    const std::uint64_t index = again_.front();
    const auto record = record_at(index);
    if (!record.ok() && record.code() != Code::NOT_FOUND) return give_up(record.status());
    again_.pop_front();
    something_happened_ = true;
    if (record.ok() && look_at(*record, record_).what == Look::What::is_sent) act(index, *record);
  }
}

void ReplayJob::send(Instant now) {
  if (!durable_.chosen) return;  // what is sent must be found again
  for (int looks = 0; looks < kSendMost && may_look(now) && pace_.allowance(now) > 0; ++looks) {
    if (!look_at_next()) return;
  }
}

/// One that is looked at once more is in doubt already, and nothing goes past it.
bool ReplayJob::may_look(Instant now) const {
  if (waits_for_answer_ || (waits_for_version() && asked_ > 0)) return false;
  if (again_.empty()) return may_send(record_, in_doubt());
  return now >= again_at_ && may_send(record_, in_doubt() - 1);
}

/// Until it is known that somebody of the version is there, one at a time goes to see.
bool ReplayJob::waits_for_version() const { return !record_.options.after_version.empty() && !version_is_there_; }

/// The subscription knows the order of a key only among those that it has been sent: nothing is sent while it may yet
/// refuse the one before it. What goes elsewhere may go to where order is kept.
ReplayJob::OrderKey ReplayJob::order_key(const model::CaseRecord& record) const {
  const auto queue = tools_.engine.directory().find(record.id.subscription);
  const bool ordered = !record_.options.to.empty() || (queue != nullptr && queue->options.order_by_key);
  return {record.id.shard, record.id.subscription, ordered ? record.key : model::KeyHash()};
}

/// Where all are to go may be gone by now, which ends the job.
bool ReplayJob::has_somewhere_to_go() {
  if (record_.options.to.empty()) return true;
  const Status there = check_destination(tools_.engine, record_.options.to);
  if (there.ok()) return true;
  changed_ = urgent_ = true;
  stop(record_, there.text(), tools_.engine.now());
  return false;
}

/// False when there is none to be looked at.
bool ReplayJob::look_at_next() {
  std::uint64_t index = 0;
  const bool again = !again_.empty();
  if (again) {
    index = again_.front();
  } else if (record_.next < record_.total) {
    index = record_.index_at(record_.next);
  } else {
    return false;
  }
  if (!has_somewhere_to_go()) return false;
  const auto record = record_at(index);
  if (!record.ok() && record.code() != Code::NOT_FOUND) return give_up(record.status()), false;
  waits_for_answer_ = record.ok() && keys_asked_.contains(order_key(*record));
  if (waits_for_answer_) return false;
  if (again) {
    again_.pop_front();
  } else {
    ++record_.next;
    changed_ = true;
  }
  if (record.ok()) {
    act(index, *record);
  } else {
    note(index, ReplayOutcome::refused, Code::NOT_FOUND);
  }
  return true;
}

void ReplayJob::act(std::uint64_t index, const model::CaseRecord& record) {
  const Look look = look_at(record, record_);
  switch (look.what) {
    case Look::What::refuse: return note(index, ReplayOutcome::refused, look.because);
    case Look::What::is_sent:
      note(index, look.outcome);
      if (look.outcome == ReplayOutcome::queued) out_.push_back({index, record.id});
      return;
    case Look::What::send:
      pace_.take();
      return record_.options.to.empty() ? replay(index, record) : redirect(index, record);
  }
}

void ReplayJob::replay(std::uint64_t index, const model::CaseRecord& record) {
  model::ReplayCaseCommand command;
  command.id = record.id;
  command.attempts = record.attempt_count;
  command.priority = record.summary.priority;
  command.force = record_.options.force;
  command.job = record_.id;
  command.single_attempt = record_.state == ReplayJobState::canary;
  command.only_for = record_.options.after_version;
  if (record_.options.keep_attempts) command.failures_before = record.failure_count;
  const OrderKey key = order_key(record);
  begin_asking(key, 0);
  ask(record.id.shard, command, [this, index, key, id = record.id](const Status& status) {
    end_asking(key, 0);
    answered(index, id, status);
  });
}

/// The message of one cannot always be read.
void ReplayJob::redirect(std::uint64_t index, const model::CaseRecord& record) {
  auto command = redirection_of(tools_.engine, record, record_.options.to, record_.options.force);
  if (!command.ok()) return note(index, ReplayOutcome::refused, command.code());
  command->job = record_.id;
  command->attempts = record.attempt_count;
  const OrderKey key = order_key(record);
  const std::size_t bytes = command->outgoing->to.front().messages.front()->size();
  begin_asking(key, bytes);
  ask(record.id.shard, std::move(*command), [this, index, key, bytes, id = record.id](const Status& status) {
    end_asking(key, bytes);
    answered(index, id, status);
  });
}

void ReplayJob::begin_asking(const OrderKey& key, std::size_t bytes) {
  ++asked_;
  if (std::get<model::KeyHash>(key)) keys_asked_.insert(key);
  asked_bytes_ += bytes;
  waits_for_answer_ = asked_bytes_ >= model::limits::kReplayRedirectBytes;
}

void ReplayJob::end_asking(const OrderKey& key, std::size_t bytes) {
  --asked_;
  keys_asked_.erase(key);
  asked_bytes_ -= bytes;
  waits_for_answer_ = asked_bytes_ >= model::limits::kReplayRedirectBytes;
}

void ReplayJob::answered(std::uint64_t index, const model::CaseId& id, const Status& status) {
  if (status.ok() || status.code() == Code::NO_CONSUMER) {
    version_is_there_ = status.ok();
    wait_for_version(!version_is_there_ && !model::has_ended(record_.state));
  }
  if (status.ok()) return accepted(index, id);
  if (status.code() == Code::SHUTTING_DOWN) return;  // the next start looks at the case
  const Instant now = tools_.engine.now();
  if (status.code() == Code::NO_CONSUMER) return look_again(index, now + kVersionEvery);
  if (status.code() == Code::RESOURCE_EXHAUSTED) return look_again(index, now + kDiskEvery);
  const bool passes = status.code() == Code::CASE_BUSY || status.code() == Code::STALE_VERSION;
  if (passes && ++tries_[index] < kTries) return look_again(index, now + kLookSoon);
  tries_.erase(index);
  note(index, ReplayOutcome::refused, status.code());
}

/// What went elsewhere has its outcome.
void ReplayJob::accepted(std::uint64_t index, const model::CaseId& id) {
  tries_.erase(index);
  if (!record_.options.to.empty()) return note(index, ReplayOutcome::discharged);
  note(index, ReplayOutcome::queued);
  out_.push_back({index, id});
  look_at_ = std::min(look_at_, tools_.engine.now() + kLookSoon);
}

/// The order of sending stays: from the last of the set on.
void ReplayJob::look_again(std::uint64_t index, Instant not_before) {
  again_.insert(std::lower_bound(again_.begin(), again_.end(), index, std::greater()), index);
  again_at_ = not_before;
}

void ReplayJob::wait_for_version(bool waits) {
  if (record_.waiting_for_version == waits) return;
  record_.waiting_for_version = waits;
  changed_ = something_happened_ = true;
}

/// Each of what is out is asked back once; what is with a consumer by then has its outcome.
void ReplayJob::recall() {
  bool all_asked = in_doubt() == 0;
  for (Out& one : out_) {
    if (one.recall_asked) continue;
    if (recalls_asked_ >= kRecallsMost) {
      all_asked = false;
      break;
    }
    one.recall_asked = true;
    const auto record = tools_.engine.store().read_case(one.id);
    if (!record.ok() || outcome_of(*record, record_.id) != ReplayOutcome::queued) continue;
    ++recalls_asked_;
    ask(one.id.shard, model::RecallCaseCommand{{}, one.id, record_.id}, [this](const Status&) {
      --recalls_asked_;
      something_happened_ = true;
    });
  }
  if (!all_asked || recalls_asked_ > 0) return;
  record_.recalling = false;
  changed_ = true;
}

void ReplayJob::save(Instant now) {
  if (saving_ || !changed_ || (!urgent_ && now < saved_at_ + kSaveEvery)) return;
  model::SaveReplayJob command;
  command.change.record = record_;
  set_.take_changes(command.change);
  changed_ = urgent_ = false;
  saving_ = true;
  saved_at_ = now;
  ask(model::ShardId(0), std::move(command),
      [this, saved = record_, waiting = std::exchange(waiting_, {})](const Status& status) {
        if (status.ok()) return was_saved(saved, waiting);
        for (const Then& then : waiting) then(status);
      });
}

void ReplayJob::abandon() {
  for (const Then& then : std::exchange(waiting_, {})) then(Status(Code::SHUTTING_DOWN));
}

void ReplayJob::was_saved(const model::ReplayJobRecord& saved, const std::vector<Then>& waiting) {
  saving_ = false;
  durable_ = saved;
  set_.changes_are_durable();
  something_happened_ = true;
  tools_.saved(saved);
  for (const Then& then : waiting) then(saved);
}

void ReplayJob::note(std::uint64_t index, ReplayOutcome outcome, Code because) {
  changed_ = something_happened_ = true;
  if (const Status status = set_.note(record_.counts, index, outcome, because); !status.ok()) give_up(status);
}

/// What cannot be read will not be readable next time.
void ReplayJob::give_up(const Status& status) {
  out_.clear();
  again_.clear();
  record_.recalling = false;
  record_.counts.other += std::exchange(record_.counts.queued, 0);
  if (!model::has_ended(record_.state)) stop(record_, status.text(), tools_.engine.now());
  changed_ = urgent_ = true;
}

template <class Command>
void ReplayJob::ask(model::ShardId shard, Command command, std::function<void(Status)> then) {
  tools_.desk.ask(shard, std::move(command),
                  [mailbox = tools_.mailbox, job = shared_from_this(), then = std::move(then)](model::Answer&& answer) {
                    mailbox->post([job, then, status = status_of(answer)] { then(status); });
                  });
}

}  // namespace lazaret::hospital
