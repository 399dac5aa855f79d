// Quarantine rules: a message that matches one becomes a case where it is met on its way to a consumer, as one that a
// filter turns away is settled there (filtering.cpp); a retry too. What comes from the replay lane passes: somebody has
// looked at it and wants it delivered.
#include "core/quarantine.h"

#include <algorithm>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {

using base::Code;
using base::Instant;
using base::Status;
using model::Offset;
namespace limits = model::limits;

Instant Quarantine::next_end() const {
  Instant next = Instant::never();
  for (const auto& [number, rule] : rules) {
    if (rule.record.until.us != 0) next = std::min(next, rule.record.until);
  }
  return next;
}

// --- What they catch ------------------------------------------------------------------------------------------------

/// nullptr: none of them takes it. REQUIRES that there are some.
QuarantineRule* Shard::State::rule_for(Subscription& sub, const model::Message& message) {
  const model::MessageFacts& facts = facts_of(message);
  for (auto& [number, rule] : sub.quarantine->rules) {
    const bool ended = rule.record.until.us != 0 && rule.record.until <= now;
    if (!ended && rule.filter.matches(facts)) return &rule;
  }
  return nullptr;
}

/// Of a message that nobody has had.
bool Shard::State::is_quarantined(Subscription& sub, Offset offset, const model::Message& message) {
  if (sub.quarantine == nullptr || sub.quarantine->passed == offset) return false;
  if (rule_for(sub, message) != nullptr) return true;
  sub.quarantine->passed = offset;
  return false;
}

/// Of one with an entry, whose message is in memory.
bool Shard::State::is_quarantined(Subscription& sub, const Entry& entry) {
  return sub.quarantine != nullptr && !entry.replays && rule_for(sub, *entry.message) != nullptr;
}

/// The entry is gone after this; the reference too. REQUIRES that a rule takes it, and that nobody has it.
void Shard::State::quarantine(Subscription& sub, Entry& entry) {
  QuarantineRule& rule = *rule_for(sub, *entry.message);
  entry.bytes = static_cast<std::uint32_t>(entry.message->size());
  take_back(sub, entry);
  ++rule.record.caught;
  rule.changed = true;
  const model::QuarantineId id{config.shard, sub.queue->subscription, rule.record.number};
  const std::string reason = rule.record.reason.empty() ? "" : ": " + rule.record.reason;
  admit(sub, entry, model::CaseReason::quarantined,
        {"lazaret.quarantined", "quarantine rule " + id.to_string() + reason, ""}, rule.record.number);
}

void Shard::State::quarantine(Subscription& sub, Offset offset, const model::MessageRef& message) {
  const Position position{sub.queue->log, offset};
  Entry& entry = sub.entries[position];
  entry.position = position;
  entry.message = message;
  entry.key = sub.keys == nullptr ? model::KeyHash() : key_of(*message);
  entry.key_known = true;
  quarantine(sub, entry);
}

// --- They come and go -----------------------------------------------------------------------------------------------

void Shard::State::on(model::AddQuarantine& command) {
  model::QuarantineAnswer answer;
  answer.request = command.origin.request;
  Subscription* sub = find(command.subscription);
  auto filter = model::Filter::parse(command.filter);
  if (sub == nullptr || sub->deleting || sub->feeder != nullptr) {
    answer.status = Status(Code::NOT_FOUND, "there is no such queue or subscription");
  } else if (!filter.ok()) {
    answer.status = filter.status();
  } else if (filter->empty()) {
    answer.status = Status(Code::BAD_REQUEST, "a quarantine rule has to say which messages it is about");
  } else if (command.until.us != 0 && command.until <= now) {
    answer.status = Status(Code::BAD_REQUEST, "until lies in the past");
  } else if (sub->quarantine != nullptr && sub->quarantine->rules.size() >= limits::kQuarantineRules) {
    answer.status = Status(Code::RESOURCE_EXHAUSTED, sub->queue->name + " has as many quarantine rules as it may")
                        .with_limit("quarantine_rules", static_cast<std::int64_t>(limits::kQuarantineRules));
  }
  if (answer.status.ok()) {
    const std::uint64_t number = next_id++;
    const model::QuarantineRecord record{
        command.subscription, number, command.filter, command.reason, command.until, now, 0};
    mutate(model::PutQuarantine{record}, true);
    add_rule(*sub, record, std::move(*filter));
    touch(*sub);
    answer.rules.push_back(record);
  }
  tell(command.origin.session, std::move(answer));
}

void Shard::State::add_rule(Subscription& sub, const model::QuarantineRecord& record, model::Filter filter) {
  if (sub.quarantine == nullptr) sub.quarantine = std::make_unique<Quarantine>();
  sub.quarantine->rules.emplace(record.number, QuarantineRule{record, std::move(filter)});
  sub.quarantine->passed.reset();
  quarantined.insert(record.subscription);
}

void Shard::State::recover_quarantine(Subscription& sub, const std::vector<model::QuarantineRecord>& rules) {
  for (const model::QuarantineRecord& record : rules) {
    auto filter = model::Filter::parse(record.filter);
    if (filter.ok()) add_rule(sub, record, std::move(*filter));
  }
}

void Shard::State::on(model::LiftQuarantine& command) {
  model::QuarantineAnswer answer;
  answer.request = command.origin.request;
  Subscription* sub = find(command.subscription);
  const bool known = sub != nullptr && sub->quarantine != nullptr && sub->quarantine->rules.contains(command.number);
  if (known) {
    answer.rules.push_back(sub->quarantine->rules.at(command.number).record);
    drop_rule(*sub, command.number, true);
  } else {
    const model::QuarantineId id{config.shard, command.subscription, command.number};
    answer.status = Status(Code::NOT_FOUND, "there is no quarantine rule " + id.to_string());
  }
  tell(command.origin.session, std::move(answer));
}

void Shard::State::drop_rule(Subscription& sub, std::uint64_t number, bool urgent) {
  mutate(model::DropQuarantine{sub.queue->subscription, number}, urgent);
  sub.quarantine->rules.erase(number);
  sub.quarantine->passed.reset();
  if (sub.quarantine->rules.empty()) {
    sub.quarantine = nullptr;
    quarantined.erase(sub.queue->subscription);
  }
  touch(sub);
}

/// Those whose time is over. REQUIRES that there are some.
void Shard::State::end_quarantines(Subscription& sub) {
  while (sub.quarantine != nullptr && sub.quarantine->next_end() <= now) {
    const auto& rules = sub.quarantine->rules;
    const auto over = std::find_if(rules.begin(), rules.end(), [this](const auto& one) {
      return one.second.record.until.us != 0 && one.second.record.until <= now;
    });
    drop_rule(sub, over->first, false);
  }
}

/// What they have caught in this group.
void Shard::State::save_quarantine(Subscription& sub) {
  for (auto& [number, rule] : sub.quarantine->rules) {
    if (std::exchange(rule.changed, false)) mutate(model::PutQuarantine{rule.record}, false);
  }
}

/// Of one subscription, or of all, in the order of their ids.
void Shard::State::on(model::ListQuarantines& command) {
  model::QuarantineAnswer answer;
  answer.request = command.origin.request;
  const std::size_t most = std::min(command.max, limits::kPageItems);
  auto it = quarantined.lower_bound(command.after.first);
  for (; it != quarantined.end() && answer.rules.size() < most; ++it) {
    const Subscription& sub = subscriptions.at(*it);
    if (sub.deleting || (command.subscription && command.subscription != *it)) continue;
    for (const auto& [number, rule] : sub.quarantine->rules) {
      if (answer.rules.size() >= most) break;
      if (std::pair(*it, number) > command.after) answer.rules.push_back(rule.record);
    }
  }
  tell(command.origin.session, std::move(answer));
}

}  // namespace lazaret::core
