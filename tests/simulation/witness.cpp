// What the witness sees while a run goes on. What it asks at the end: witness_finish.cpp.
#include "simulation/witness.h"
#include "simulation/envelope_text.h"

#include <algorithm>

namespace lazaret::simulation {

using base::Code;
using model::VerdictKind;

namespace {

/// A relaxed queue loses what is younger: relaxed_sync_max, the sync under way before it, and its own.
constexpr base::Duration kRelaxedLossMost = 250ms;

}  // namespace

void Witness::event(model::ShardId shard, base::Instant, const core::Event::What& what) {
  judge_company(world_.now());
  std::visit([&](const auto& one) { hear(shard, one); }, what);
}

void Witness::group(const model::MutationGroup& group) {
  for (const model::Mutation& mutation : group.mutations) {
    see_case(mutation);
    see_kept(mutation);
    if (const auto* put = std::get_if<model::PutAttempt>(&mutation)) check_attempt(*put);
    if (const auto* replay = std::get_if<model::ReplayCase>(&mutation)) {
      if (Queue* of = queue(replay->id.subscription)) {
        Blame& blame = of->blames[replay->id.offset.value];
        blame.replayed_after = blame.history.empty() ? 0 : blame.history.rbegin()->first;
        blame.is_canary = replay->single_attempt;
        blame.only_for = replay->only_for;
      }
    }
    if (const auto* put = std::get_if<model::PutSubscription>(&mutation)) {
      Queue* of = queue(put->state.subscription);
      if (of != nullptr && put->state.void_grants.value > of->void_grants)
        begin_again(*of, put->state.void_grants.value);
    }
    const auto* drop = std::get_if<model::DropProducer>(&mutation);
    if (drop == nullptr) continue;
    std::erase_if(sequences_,
                  [&](const auto& one) { return one.first.second == drop->producer && one.first.first == drop->log; });
  }
}

/// Only what was tried alone, or was all that had begun, is blamed for the loss of its process; and not for ever.
void Witness::check_attempt(const model::PutAttempt& put) {
  Queue* of = queue(put.subscription);
  if (of == nullptr) return;
  Blame& blame = of->blames[put.offset.value];
  blame.history[put.attempt.number] = put.attempt.outcome;
  if (put.attempt.outcome == model::AttemptOutcome::lease_expired ||
      put.attempt.outcome == model::AttemptOutcome::interrupted) {
    // Its lease ended, blamed or not. It is told when it is durable; until then it is out for its consumer only.
    forget(put.subscription, model::Grant(of->messages[put.offset.value].newest));
  }
  const bool by_loss = put.attempt.outcome == model::AttemptOutcome::consumer_lost;
  const bool ended = by_loss || put.attempt.outcome == model::AttemptOutcome::interrupted;
  if (blame.is_canary) {
    const auto failures = std::count_if(blame.history.upper_bound(blame.replayed_after), blame.history.end(),
                                        [](const auto& one) { return model::is_failure(one.second); });
    if (failures > 1) find(where(*of, put.offset.value) + "a canary had a second attempt (6)");
  }
  if (blame.left == Left::untouched && ended)
    find(where(*of, put.offset.value) + "had not begun, and is suspected (11)");
  if (blame.left == Left::with_others && by_loss)
    find(where(*of, put.offset.value) + "one of several, and convicted (11)");
}

/// Since it was replayed last.
std::uint64_t Witness::deaths(const Blame& blame) {
  return static_cast<std::uint64_t>(
      std::count_if(blame.history.upper_bound(blame.replayed_after), blame.history.end(),
                    [](const auto& one) { return one.second == model::AttemptOutcome::consumer_lost; }));
}

void Witness::effect(model::ShardId, const core::Effect& effect) {
  if (const auto* tell = std::get_if<core::Tell>(&effect)) {
    std::visit([&](const auto& answer) { see(*tell, answer); }, tell->answer);
  } else if (const auto* assign = std::get_if<core::AssignQueue>(&effect)) {
    see_queue(*assign->queue);
    if (Queue* of = queue(assign->queue->subscription); of != nullptr && assign->ends) of->deleted = true;
  } else if (const auto* level = std::get_if<core::HospitalLevelChanged>(&effect)) {
    see_level(*level);
  }
}

void Witness::crashed() {
  crashed_at_ = world_.now();
  publishes_.clear();
  verdicts_.clear();
  presented_.clear();
  purges_.clear();
  producers_asked_.clear();
  consumers_.clear();
  holders_.clear();
  requests_after_a_crash();
  for (auto& [id, queue] : queues_) {
    for (auto& [offset, blame] : queue.blames) {
      blame.left = Left::not_seen;
      blame.history.clear();
      for (const auto& attempt : world_.store().attempts_of(id, queue.record.log, model::Offset(offset))) {
        blame.history[attempt.number] = attempt.outcome;
      }
    }
    queue.full_since.reset();
    queue.kept_full_since.reset();
    judge_budget(queue);
    lose_of_fan_in(queue);
    if (queue.relaxed) lose_what_is_relaxed(queue);  // also if it was asked to go: that may have been refused
    for (auto& [offset, message] : queue.messages) {
      const bool written = message.suspected && *message.suspected + 100ms < world_.now();
      if (!written) message.suspected.reset();
    }
    const model::SubscriptionState* state = world_.store().durable_subscription(id);
    if (state == nullptr || state->sources.empty()) continue;
    queue.floor = std::max(queue.floor, state->sources.front().mark.value);
    queue.first_grants.clear();
  }
}

/// A power loss takes what was not synced of it: messages at the end of its log, and what became of the others.
void Witness::lose_what_is_relaxed(Queue& queue) {
  const std::uint64_t end = world_.store().end_of(queue.record.log).value;
  for (auto lost = queue.messages.lower_bound(end); lost != queue.messages.end(); ++lost) {
    const bool late =
        !queue.deleted && lost->second.confirmed && lost->second.confirmed_at + kRelaxedLossMost < world_.now();
    if (late) find(where(queue, lost->first) + "confirmed long ago, and lost (1)");
  }
  queue.messages.erase(queue.messages.lower_bound(end), queue.messages.end());
  queue.blames.erase(queue.blames.lower_bound(end), queue.blames.end());
  queue.keys.erase(queue.keys.lower_bound(end), queue.keys.end());
  std::erase_if(queue.places, [end](const auto& place) { return place.second >= end; });
  std::erase_if(sequences_, [&](const auto& one) { return one.first.first == queue.record.log; });
  std::erase_if(accepted_, [&](const auto& one) { return std::get<0>(one) == queue.record.subscription; });
  for (auto& [offset, message] : queue.messages) {
    message.forgotten = message.newest;
    message.acked = message.from_lane = false;
    message.suspected.reset();
    message.attempt = 0;
    message.fails = 0;
  }
}

/// It was moved: nothing that was given out before counts any more, but what is an open case stays one.
void Witness::begin_again(Queue& queue, std::uint64_t void_grants) {
  queue.moved = true;
  queue.void_grants = void_grants;
  queue.first_grants.clear();
  std::erase_if(accepted_, [&](const auto& one) { return std::get<0>(one) == queue.record.subscription; });
  for (auto& [offset, message] : queue.messages) {
    const auto record = world_.store().read_case(
        {queue.record.shard, queue.record.subscription, queue.record.log, model::Offset(offset)});
    if (record.ok() && (record->state == model::CaseState::admitted || record->state == model::CaseState::replaying)) {
      continue;
    }
    message.was_case = message.was_case || record.ok();
    message.forgotten = message.newest;
    message.acked = message.from_lane = false;
    message.suspected.reset();
    message.attempt = 0;
    message.fails = 0;
    queue.blames.erase(offset);
  }
}

/// An offset never names two messages.
void Witness::named(Queue& queue, std::uint64_t offset, std::string_view body) {
  const auto [name, fresh] = queue.names.emplace(offset, body);
  if (!fresh && name->second != body) find(where(queue, offset) + name->second + " and " + std::string(body) + " (1)");
}

Witness::Queue* Witness::queue(model::SubscriptionId id) {
  const auto found = queues_.find(id);
  return found == queues_.end() ? nullptr : &found->second;
}

std::string Witness::where(const Queue& queue, std::uint64_t offset) {
  return queue.record.name + " offset " + std::to_string(offset) + ": ";
}

void Witness::see_queue(const model::QueueRecord& record) {
  if (record.kind == model::Kind::feeder || record.name == kWard) return;  // nobody sees any of it
  const auto [found, fresh] = queues_.try_emplace(record.subscription);
  Queue& queue = found->second;
  const auto limit = record.options.max_attempts;
  queue.limit = fresh ? limit : (queue.limit && limit ? std::optional(std::max(*queue.limit, *limit)) : std::nullopt);
  queue.relaxed = queue.relaxed || record.options.durability == model::Durability::relaxed;
  queue.holds = queue.holds && record.options.on_key_failure == model::KeyFailure::hold;
  queue.deaths = std::max(queue.deaths, record.options.max_worker_deaths);
  const base::Duration ttl = record.options.ttl;
  // A subscription may begin with what was published before it.
  queue.some_end = queue.some_end || ttl.count() > 0 || ends_;
  queue.all_end = queue.all_end && ttl.count() > 0;
  queue.longest = std::max(queue.longest, ttl);
  queue.filters.insert(record.options.filter);
  const std::uint64_t budget = record.options.hospital_max_bytes;
  const std::uint64_t most = record.options.case_retention_count;
  if (most != 0) queue.fewest_closed = queue.fewest_closed == 0 ? most : std::min(queue.fewest_closed, most);
  queue.shortest = std::min(queue.shortest, record.options.case_retention);
  queue.tight = queue.tight || (budget != 0 && budget < kBudgetOfAnyRun);
  const bool is_another = queue.record.options.hospital_max_bytes != budget;
  queue.record = record;
  if (is_another) {
    queue.kept_full_since.reset();
    judge_budget(queue);
  }
}

// --- What goes in ---------------------------------------------------------------------------------------------------

void Witness::hear(model::ShardId, const model::Publish& publish) {
  Published& sent = publishes_[{publish.origin.session, publish.origin.request}];
  sent = {publish.log, {}, fan_ins_of(publish.log), publish.producer, {}, publish.outgoing};
  told_of(publish.outgoing, publish.log);
  for (const auto& [id, queue] : queues_) {
    const bool reads = queue.record.log == publish.log && queue.record.kind != model::Kind::topic;
    if (reads && queue.assigned && !queue.deleted) sent.readers.push_back(id);
  }
  for (const auto& item : publish.items) {
    sent.items.emplace_back(item.sequence, item.message->body.view());
    types_.emplace(item.message->body.view(), envelope_text(item.message->envelope.view()).type);
    if (item.message->priority > 0) priorities_.emplace(item.message->body.view(), item.message->priority);
    if ((item.message->due.us | item.message->expires_at.us) == 0) continue;
    const Times asked{item.message->due,
                      item.message->expires_at.us == 0 ? base::Instant::never() : item.message->expires_at};
    Times& times = times_.emplace(item.message->body.view(), asked).first->second;
    times.due = std::min(times.due, asked.due);
    times.expires_at = std::max(times.expires_at, asked.expires_at);
    if (item.message->expires_at.us == 0) continue;
    ends_ = true;
    for (auto& [id, queue] : queues_) {
      const bool reads = queue.record.log == publish.log || queue.record.is_fan_in();
      queue.some_end = queue.some_end || reads;
    }
  }
}

void Witness::hear(model::ShardId, const core::QueueAssigned& assigned) {
  if (assigned.queue->kind == model::Kind::feeder && assigned.created) {
    feeders_assigned_.insert(assigned.queue->subscription);
  }
  if (Queue* of = queue(assigned.queue->subscription)) {
    of->assigned = true;
    of->filters.insert(assigned.queue->options.filter);
  }
}

void Witness::hear(model::ShardId shard, const model::OpenConsumer& open) {
  Consumer& consumer = consumers_[open.consumer];
  if (consumer.subscription && consumer.subscription != open.subscription) return;  // refused
  consumer.accepts = open.accepts == nullptr ? std::vector<std::string>() : open.accepts->words();
  consumer.version = open.instance.version;
  consumer.subscription = open.subscription;
  consumer.speaks_started = open.instance.speaks_started;
  consumer.session = open.origin.session;
  consumer.attached = true;
  consumer.credit = open.credit_messages;
  consumer.shard = shard;
  Queue* of = queue(open.subscription);
  if (of != nullptr && open.accepts != nullptr) of->choosy = true;
  // What it does not present is released as not begun, whatever it said of it before.
  for (const auto& [sequence, out] : consumer.out) {
    queues_.at(out.first.first).messages.at(out.first.second).given_back.insert(out.second);
  }
  consumer.out.clear();
  std::vector<model::LeaseToken>& presented = presented_[{open.origin.session, open.origin.request}];
  for (const model::HeldToken& held : open.held) {
    presented.push_back(held.token);
    const auto known = grants_.find({open.subscription, held.token.grant.value});
    if (of == nullptr || known == grants_.end()) continue;
    of->messages[known->second].given_back.erase(held.token.grant.value);
    if (held.begun || !consumer.speaks_started) of->messages[known->second].begun.insert(held.token.grant.value);
    give_out(open.consumer, held.delivery, {open.subscription, known->second}, held.token.grant.value);
  }
}

void Witness::hear(model::ShardId, const model::AddCredit& add) {
  if (const auto found = consumers_.find(add.consumer); found != consumers_.end()) {
    found->second.credit += add.messages;
  }
}

void Witness::hear(model::ShardId, const model::Started& started) {
  const Consumer& consumer = consumers_[started.consumer];
  for (const auto& [sequence, out] : consumer.out) {
    if (sequence > started.delivery) break;
    if (Queue* of = queue(out.first.first)) of->messages[out.first.second].begun.insert(out.second);
  }
}

void Witness::hear(model::ShardId, const model::Settle& settle) {
  if (settle.origin.request != 0) verdicts_[{settle.origin.session, settle.origin.request}] = settle.verdicts;
  for (const model::Verdict& verdict : settle.verdicts) {
    const auto grant = grants_.find({verdict.token.subscription, verdict.token.grant.value});
    if (verdict.reply != nullptr && grant != grants_.end()) {
      if (const auto key = request_of(verdict.token.subscription, grant->second)) said(*key, *verdict.reply);
    }
    if (verdict.kind != VerdictKind::extend) forget(verdict.token.subscription, verdict.token.grant);
    const bool gives_back = verdict.kind == VerdictKind::release || verdict.kind == VerdictKind::not_begun;
    const auto known = grants_.find({verdict.token.subscription, verdict.token.grant.value});
    if (Queue* of = queue(verdict.token.subscription); gives_back && of != nullptr && known != grants_.end()) {
      of->messages[known->second].given_back.insert(verdict.token.grant.value);
    }
    if (Queue* of = queue(verdict.token.subscription)) told_of(verdict.outgoing, of->record.log);
    // Whether it counted is not answered; sent again it may be answered as if for the first time.
    if (settle.origin.request == 0) {
      accepted_.insert({verdict.token.subscription, verdict.token.grant.value, verdict.kind});
    }
  }
}

void Witness::hear(model::ShardId, const model::CloseConsumer& close) {
  if (const auto found = consumers_.find(close.consumer); found != consumers_.end()) forget_not_begun(found->second);
}

void Witness::hear(model::ShardId, const core::SessionEnded& ended) {
  ended_.insert(ended.session);
  if (ended.how != core::SessionEnded::How::goodbye && ended.how != core::SessionEnded::How::closed) return;
  for (auto& [key, consumer] : consumers_) {
    if (consumer.session == ended.session) forget_not_begun(consumer);
  }
}

void Witness::hear(model::ShardId shard, const core::InstanceLost& lost) {
  for (auto& [key, consumer] : consumers_) {
    if (key.instance != lost.instance || consumer.shard != shard) continue;
    for (const auto& [sequence, out] : consumer.out) {
      const auto& [place, grant] = out;
      Message& message = queues_.at(place.first).messages.at(place.second);
      const bool begun = message.begun.contains(grant) && !message.from_lane && message.newest == grant;
      if (begun) message.suspected = world_.now();
      if (message.newest != grant) continue;
      const bool tried = alone_.contains({place.first, grant}) || (lost.begun_total <= 1 && lost.speaks_started);
      queues_.at(place.first).blames[place.second].left = !message.begun.contains(grant) ? Left::untouched
                                                          : tried                        ? Left::alone
                                                                                         : Left::with_others;
    }
    consumer.out.clear();
  }
}

/// The consumer is gone: that is released.
void Witness::forget_not_begun(Consumer& consumer) {
  consumer.attached = false;
  std::erase_if(consumer.out, [&](const auto& out) {
    const auto& [place, grant] = out.second;
    return !queues_.at(place.first).messages.at(place.second).begun.contains(grant);
  });
}

void Witness::hear(model::ShardId, const model::PurgeQueue& purge) {
  purges_[{purge.origin.session, purge.origin.request}] = purge.subscription;
  if (Queue* of = queue(purge.subscription)) ++of->purges_unanswered;
}

void Witness::hear(model::ShardId, const model::CancelScheduled& cancel) {
  purges_[{cancel.origin.session, cancel.origin.request}] = cancel.subscription;
  if (Queue* of = queue(cancel.subscription)) ++of->purges_unanswered;
}

void Witness::hear(model::ShardId, const model::SeekSubscription& seek) {
  purges_[{seek.origin.session, seek.origin.request}] = seek.subscription;
  Queue* of = queue(seek.subscription);
  if (of == nullptr) return;
  ++of->purges_unanswered;
  ++of->moves_asked;
}

void Witness::hear(model::ShardId, const model::DeleteQueue& erase) {
  // Refused or not: a queue that somebody wanted to delete is not asked about at the end.
  const Queue* of = queue(erase.subscription);
  if (of == nullptr || !erase.force) return;
  const bool all = of->record.kind == model::Kind::topic;
  if (all) topic_deleted(of->record.log);
  for (auto& [id, one] : queues_) {
    if (id == erase.subscription || (all && one.record.log == of->record.log)) one.deleted = true;
  }
}

void Witness::hear(model::ShardId, const model::OpenProducer& open) {
  producers_asked_[{open.origin.session, open.origin.request}] = {open.log, open.producer};
}

void Witness::give_out(const model::ConsumerKey& to, std::uint64_t sequence, const Place& place, std::uint64_t grant) {
  consumers_[to].out[sequence] = {place, grant};
  holders_[{place.first, grant}] = {to, sequence};
}

/// Nobody has it out any more.
void Witness::forget(model::SubscriptionId of, model::Grant grant) {
  const auto holder = holders_.extract({of, grant.value});
  if (!holder) return;
  const auto& [key, sequence] = holder.mapped();
  auto& out = consumers_[key].out;
  const auto found = out.find(sequence);
  if (found != out.end() && found->second.first.first == of && found->second.second == grant.value) out.erase(found);
}

// --- What comes out -------------------------------------------------------------------------------------------------

void Witness::see(const core::Tell& tell, const model::Published& answer) {
  const auto asked = publishes_.extract({tell.session, answer.request});
  if (!asked) return;
  const Published& sent = asked.mapped();
  for (std::size_t i = 0; i < answer.results.size(); ++i) {
    if (answer.results[i].code != Code::OK) continue;
    transaction_confirmed(sent.outgoing);
    const auto& [sequence, body] = sent.items.at(i);
    for (const model::SubscriptionId id : sent.fan_ins) {
      if (!topics_deleted_.contains(sent.log)) confirmed_to_topic(queues_.at(id), sent.log, body, answer.results[i]);
    }
    for (const model::SubscriptionId reader : sent.readers) confirmed(queues_.at(reader), body, answer.results[i]);
    if (sent.producer && sequence > 0) {
      std::uint64_t& highest = sequences_[{sent.log, *sent.producer}];
      highest = std::max(highest, sequence);
    }
  }
}

/// For each subscription of a topic.
void Witness::confirmed(Queue& of, const std::string& body, const model::PublishResult& result) {
  const std::uint64_t offset = result.offset.value;
  // Of a topic a duplicate may be older than the subscription.
  if (result.duplicate && of.record.kind == model::Kind::subscription && !of.messages.contains(offset)) return;
  const auto [place, fresh] = of.places.emplace(body, offset);
  if (place->second != offset) find(where(of, offset) + body + " is stored twice (2)");
  Message& message = of.messages[offset];
  if (message.confirmed && !result.duplicate) find(where(of, offset) + "was given twice (2)");
  if (!result.duplicate) named(of, offset, body);
  message.confirmed = true;
  message.confirmed_at = world_.now();
  if (!of.relaxed && !result.duplicate && !of.deleted && !world_.store().is_durable(of.record.log, result.offset)) {
    find(where(of, offset) + "was confirmed before it was on the disk (1)");
  }
}

void Witness::see(const core::Tell& tell, const model::ProducerOpened& answer) {
  const auto asked = producers_asked_.extract({tell.session, answer.request});
  if (!asked || !answer.status.ok()) return;
  const auto known = sequences_.find(asked.mapped());
  if (known != sequences_.end() && answer.last_sequence < known->second) {
    find("sequence " + std::to_string(known->second) + " was confirmed, and the producer is told of " +
         std::to_string(answer.last_sequence) + " (2)");
  }
}

/// What it holds no more, it does not have out.
void Witness::see(const core::Tell& tell, const model::ConsumerOpened& answer) {
  const auto asked = presented_.extract({tell.session, answer.request});
  if (!asked) return;
  for (std::size_t i = 0; i < asked.mapped().size(); ++i) {
    const model::LeaseToken& token = asked.mapped()[i];
    if (i < answer.held.size() && answer.held[i]) continue;
    forget(token.subscription, token.grant);
    // What it began on it meanwhile, the broker never heard of.
    const auto known = grants_.find({token.subscription, token.grant.value});
    Queue* of = queue(token.subscription);
    if (of != nullptr && known != grants_.end()) of->messages[known->second].given_back.insert(token.grant.value);
  }
}

void Witness::see(const core::Tell&, const model::Deliver& deliver) {
  Queue* of = queue(deliver.subscription);
  if (of == nullptr) return find("a delivery of a queue that nobody was told of");
  for (const model::Delivered& one : deliver.messages) delivered(*of, deliver, one);
}

void Witness::delivered(Queue& of, const model::Deliver& deliver, const model::Delivered& one) {
  const std::uint64_t offset = one.source_offset.value;
  const std::string at = where(of, offset);
  Message& message = of.messages[offset];
  const bool from_lane = one.log == of.record.lane;
  if (message.acked) find(at + "delivered after its ack was confirmed (3)");
  if (!of.deleted && !of.relaxed && !world_.store().is_durable(of.record.log, one.source_offset))
    find(at + "delivered before it was durable (4)");
  if (one.message != nullptr) {
    named(of, offset, one.message->body.view());
    if (ReplyText::is_one(one.message->envelope.view())) {  // many of them have no body
      check_reply(of, one);
    } else {
      const auto [place, fresh] = of.places.emplace(one.message->body.view(), offset);
      if (place->second != offset) find(at + std::string(one.message->body.view()) + " is stored twice (2)");
      request_delivered(of, one);
    }
  }
  if (one.grant.value <= message.newest) find(at + "grants rise for ever (5)");
  if (one.attempt < message.attempt) find(at + "attempts are counted backwards (6)");
  check_source(of, one);
  if (one.message != nullptr) check_imported(of, one, from_lane);
  check_failures(of, one, from_lane);
  check_version(of, one, from_lane);
  check_budget(of, one, from_lane);
  if (!from_lane && one.message != nullptr) check_time(of, one);
  if (of.record.options.order_by_key && one.message != nullptr) check_key(of, deliver, one);
  // One that is said to come again went out when the broker died, before that was told.
  const bool is_first = message.newest == 0 && !from_lane && !one.redelivered;
  if (is_first && offset >= of.floor) check_order(of, one);
  if (one.message != nullptr) check_type(of, deliver, one);
  if (from_lane) check_versions(of, deliver, one);
  if (one.message != nullptr && !from_lane) check_quarantine(of, one);
  if (one.message != nullptr) check_priority(of, message, one, is_first);
  check_said(of, message, one);
  message.newest = one.grant.value;
  message.attempt = one.attempt;
  if (one.grant.value <= of.void_grants) {  // it was moved while this was on its way
    message.forgotten = one.grant.value;
    message.attempt = 0;
  }
  message.from_lane = from_lane;
  message.suspected.reset();
  Blame& blame = of.blames[offset];
  blame.left = Left::not_seen;
  if (deaths(blame) >= of.deaths) find(at + "delivered after it has killed as many workers as it may");
  grants_[{deliver.subscription, one.grant.value}] = offset;
  Consumer& consumer = consumers_[deliver.consumer];
  if (!consumer.speaks_started) message.begun.insert(one.grant.value);
  forget(deliver.subscription, one.grant);
  // What crosses its end is released with it.
  if (consumer.attached) {
    give_out(deliver.consumer, one.delivery, {deliver.subscription, offset}, one.grant.value);
    check_credit(of, consumer, one);
  }
  check_company(of, deliver, one);
  if (!one.isolated) return;
  alone_.insert({deliver.subscription, one.grant.value});
  // To a consumer that has closed meanwhile, or of a deleted queue, it may still be on its way: nobody begins it.
  if (!of.deleted && consumer.attached) check_alone(deliver, one);
}

/// Nothing is early, and nothing goes out whose time is over. What is replayed has neither.
void Witness::check_time(const Queue& of, const model::Delivered& one) {
  const std::string at = where(of, one.source_offset.value);
  const auto known = times_.find(one.message->body.view());
  const Times times = known == times_.end() ? Times{} : known->second;
  if (times.due > world_.now()) find(at + "delivered before its time");
  const base::Instant granted_by = world_.now() - kGrantedBeforeMost;
  if (times.expires_at <= granted_by) find(at + "delivered after its time");
  const base::Instant begins = std::max(one.message->published_at, one.message->due);
  if (of.all_end && begins + of.longest <= granted_by) find(at + "delivered after the time that the queue allows");
}

/// What has failed as often as it may is not delivered again.
void Witness::check_failures(const Queue& of, const model::Delivered& one, bool from_lane) {
  if (!of.limit) return;
  const model::CaseId id{of.record.shard, of.record.subscription, of.record.log, one.source_offset};
  std::uint64_t rounds = 1;
  std::vector<model::Attempt> attempts;
  if (from_lane) {
    const auto record = world_.store().read_case(id);
    if (!record.ok()) return find(where(of, id.offset.value) + "a replay of no case (6)");
    rounds += record->replay_count;
    attempts = world_.store().read_attempts(id).value();
  } else {
    attempts = world_.store().attempts_of(of.record.subscription, of.record.log, one.source_offset);
  }
  const auto failures = static_cast<std::uint64_t>(std::count_if(attempts.begin(), attempts.end(), model::counts));
  if (failures >= *of.limit * rounds) {
    find(where(of, id.offset.value) + "delivered after " + std::to_string(failures) + " failures (6)");
  }
}

/// Whether it was presented by who came back, and may be lost already.
bool Witness::is_unanswered(model::SubscriptionId of, std::uint64_t grant) const {
  return std::any_of(presented_.begin(), presented_.end(), [&](const auto& one) {
    return std::any_of(one.second.begin(), one.second.end(), [&](const model::LeaseToken& token) {
      return token.subscription == of && token.grant.value == grant;
    });
  });
}

/// What may have begun before is said to come again, and alone if a process was lost with it.
void Witness::check_said(const Queue& of, const Message& message, const model::Delivered& one) {
  const bool began = std::any_of(message.begun.begin(), message.begun.end(), [&](std::uint64_t grant) {
    return grant > message.forgotten && !message.given_back.contains(grant) &&
           !is_unanswered(of.record.subscription, grant);
  });
  if (began && !one.redelivered) find(where(of, one.source_offset.value) + "has begun, and is said to be new");
  if (message.suspected && !one.isolated && one.log != of.record.lane) {
    find(where(of, one.source_offset.value) + "a suspect that is not tried alone");
  }
}

void Witness::check_credit(const Queue& of, const Consumer& consumer, const model::Delivered& one) {
  if (consumer.out.size() > consumer.credit) {
    find(where(of, one.source_offset.value) + std::to_string(consumer.out.size()) + " are out on a credit of " +
         std::to_string(consumer.credit));
  }
}

void Witness::see(const core::Tell& tell, const model::Settled& answer) {
  const auto asked = verdicts_.extract({tell.session, answer.request});
  if (!asked) return;
  for (std::size_t i = 0; i < answer.results.size(); ++i) {
    const model::Verdict& verdict = asked.mapped().at(i);
    if (answer.results[i].code != Code::OK) continue;
    accepted(verdict, answer.results[i]);
    transaction_confirmed(verdict.outgoing);
    const auto grant = grants_.find({verdict.token.subscription, verdict.token.grant.value});
    if (verdict.reply != nullptr && grant != grants_.end()) {
      reply_confirmed(verdict.token.subscription, grant->second);
    }
  }
}

void Witness::accepted(const model::Verdict& verdict, const model::VerdictResult& result) {
  const std::uint64_t grant = verdict.token.grant.value;
  Queue* of = queue(verdict.token.subscription);
  const auto known = grants_.find({verdict.token.subscription, grant});
  if (of == nullptr || known == grants_.end()) return find("a verdict with a token that was never given counted (5)");
  Message& message = of->messages[known->second];
  const bool again = !accepted_.insert({verdict.token.subscription, grant, verdict.kind}).second;
  // A relaxed queue may have forgotten the newest in a power loss, and with it that an older one is not good any more.
  const bool remembered = message.newest > message.forgotten;
  if (!again && message.newest != grant && remembered) {
    find(where(*of, known->second) + "an old token still settled it (5)");
  }
  // Of what was given out before it was moved nothing counts, also if that is told only now.
  if (again || verdict.kind == VerdictKind::extend || grant <= of->void_grants) return;
  if (verdict.kind == VerdictKind::ack) message.acked = true;
  if (verdict.kind == VerdictKind::fail && !result.late) ++message.fails;
  if (verdict.kind == VerdictKind::release || verdict.kind == VerdictKind::not_begun) {
    message.settled_well.insert(grant);
  }
}

void Witness::see(const core::Tell&, const model::LeaseEnded& answer) {
  for (const model::LeaseToken& token : answer.tokens) {
    forget(token.subscription, token.grant);
    // It had ended before: another shard was quicker to act upon it than this one to tell it.
    std::erase_if(beside_, [&](const Beside& one) {
      return one.subscription == token.subscription && one.grant == token.grant.value;
    });
    // Before its process was lost, if this was said only now.
    const auto known = grants_.find({token.subscription, token.grant.value});
    Queue* of = queue(token.subscription);
    if (of == nullptr || known == grants_.end()) continue;
    Message& message = of->messages[known->second];
    if (message.newest == token.grant.value) message.suspected.reset();
  }
}

void Witness::see(const core::Tell& tell, const model::Done& answer) {
  const auto asked = purges_.extract({tell.session, answer.request});
  if (!asked) return;
  Queue* of = queue(asked.mapped());
  if (of == nullptr) return;
  --of->purges_unanswered;
  if (answer.status.ok()) of->purged += answer.count;
}

void Witness::see(const core::Tell& tell, const model::SeekDone& answer) {
  const auto asked = purges_.extract({tell.session, answer.request});
  if (!asked) return;
  Queue* of = queue(asked.mapped());
  if (of == nullptr) return;
  --of->purges_unanswered;
  if (!answer.status.ok()) return;
  of->purged += answer.purged;
}

void Witness::see(const core::Tell&, const model::QueueStats& stats) {
  if (!stats.status.ok()) return;
  const model::Counters& sums = stats.counters;
  const std::uint64_t all = stats.ready + stats.leased + stats.waiting + stats.scheduled + stats.held +
                            sums.in_hospital + sums.acked + sums.discarded + sums.expired + sums.purged + sums.dropped +
                            sums.lost_to_retention + sums.redirected;
  if (stats.queue.kind == model::Kind::topic) return;
  check_level(stats);
  const bool is_queue = stats.queue.kind == model::Kind::queue;
  const Queue* of = queue(stats.queue.subscription);
  const std::uint64_t came = stats.log_end.value - stats.offsets_left_out;
  const bool explained = sums.entered >= came && sums.entered <= came + (of == nullptr ? 0 : of->restored.size());
  if (sums.entered != all || (is_queue && !explained)) {
    find(stats.queue.name + ": " + std::to_string(sums.entered) + " entered, " + std::to_string(all) +
         " are accounted for, the log ends at " + std::to_string(stats.log_end.value) + " (10)");
  }
}

}  // namespace lazaret::simulation
