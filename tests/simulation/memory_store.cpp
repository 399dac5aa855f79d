#include "simulation/memory_store.h"

#include <algorithm>

#include "model/audit_chain.h"
#include "model/fingerprint.h"
#include "model/limits.h"
#include "simulation/memory_store_write.h"

namespace lazaret::simulation {

using base::Code;
using model::CaseState;
using model::Offset;
namespace limits = model::limits;

model::Offset MemoryStore::Log::end() const {
  if (runs.empty()) return state.next;
  const auto& [first, messages] = *runs.rbegin();
  return std::max(state.next, Offset(first.value + messages.size()));
}

model::MessageRef MemoryStore::Log::find(Offset offset) const {
  if (const auto copy = evacuated.find(offset); copy != evacuated.end()) return copy->second;
  auto run = runs.upper_bound(offset);
  if (run == runs.begin()) return nullptr;
  --run;
  const std::uint64_t place = offset.value - run->first.value;
  return place < run->second.size() ? run->second[place] : nullptr;
}

/// Where the stretch ends, from `at` on, of which nothing is stored because it was trimmed or left out; `at`: there is
/// none.
model::Offset MemoryStore::Log::explained_up_to(Offset at) const {
  Offset end = at;
  for (const auto* ranges : {&state.trimmed, &state.gaps}) {
    for (const model::OffsetRange& range : *ranges) {
      if (range.begin <= at && at < range.end) end = std::max(end, range.end);
    }
  }
  if (const auto run = runs.upper_bound(at); run != runs.end()) end = std::min(end, std::max(at, run->first));
  if (const auto copy = evacuated.upper_bound(at); copy != evacuated.end()) end = std::min(end, copy->first);
  return end;
}

MemoryStore::MemoryStore(std::uint16_t shards) : waiting_in_memory_(limits::kWaitingInMemory) {
  live_.shards.resize(shards);
  durable_.shards.resize(shards);
}

base::Status MemoryStore::commit(std::span<const model::MutationGroup> groups, bool sync) {
  const auto write = [](State& state, const model::MutationGroup& group, std::vector<std::string>& complaints) {
    Writer writer(state, group.shard, complaints);
    for (const model::Mutation& mutation : group.mutations) {
      std::visit([&writer](const auto& what) { writer.apply(what); }, mutation);
    }
  };
  for (const model::MutationGroup& group : groups) write(live_, group, complaints_);
  unsynced_.emplace_back(groups.begin(), groups.end());
  if (!sync) return {};
  std::vector<std::string> said_already;
  for (const auto& batch : unsynced_) {
    for (const model::MutationGroup& group : batch) write(durable_, group, said_already);
  }
  unsynced_.clear();
  return {};
}

void MemoryStore::crash(std::size_t keep_unsynced) {
  auto lost = std::exchange(unsynced_, {});
  lost.resize(std::min(keep_unsynced, lost.size()));
  live_ = durable_;
  for (const auto& batch : lost) (void)commit(batch, true);
}

void MemoryStore::damage(model::LogId log, Offset offset) { damaged_.insert({log, offset}); }

// --- Recovery -------------------------------------------------------------------------------------------------------

base::Result<std::vector<model::RecoveredShard>> MemoryStore::recover() {
  std::vector<model::RecoveredShard> recovered(live_.shards.size());
  std::set<model::SubscriptionId> named;
  for (std::size_t i = 0; i < recovered.size(); ++i) {
    recovered[i].meta = live_.shards[i].meta;
    for (const auto& [id, instance] : live_.shards[i].instances) recovered[i].instances.push_back(instance);
  }
  recovered[0].audit_head = live_.audit.empty() ? live_.audit_anchor : live_.audit.rbegin()->second.point();
  if (!live_.audit.empty()) recovered[0].audit_oldest = live_.audit.begin()->second.at;
  for (std::size_t i = 0; i < recovered.size(); ++i) {
    for (const auto& [to, outbox] : live_.shards[i].outboxes) {
      const std::uint64_t last = outbox.entries.empty() ? outbox.taken : outbox.entries.rbegin()->first;
      recovered[i].outboxes.push_back({to, outbox.taken, last});
    }
    for (const auto& [from, taken] : live_.shards[i].inboxes) recovered[i].inboxes.push_back({from, taken});
  }
  for (const auto& [name, queue] : live_.queues) {
    named.insert(queue.subscription);
    recovered[queue.shard.value].queues.push_back(recover(queue));
  }
  for (std::size_t i = 0; i < recovered.size(); ++i) {
    recovered[i].orphaned_cases = orphaned_cases(model::ShardId(static_cast<std::uint16_t>(i)), named);
    auto& queues = recovered[i].queues;
    std::sort(queues.begin(), queues.end(),
              [](const auto& a, const auto& b) { return a.queue->subscription < b.queue->subscription; });
    for (const auto& [id, subscription] : live_.shards[i].subscriptions) {
      if (!named.contains(id) && subscription.state) recovered[i].orphans.push_back(recover(subscription));
    }
  }
  return recovered;
}

std::vector<model::OrphanedCases> MemoryStore::orphaned_cases(model::ShardId shard,
                                                              const std::set<model::SubscriptionId>& named) const {
  std::map<model::SubscriptionId, base::Instant> first_closed;
  for (const auto& [id, record] : live_.cases) {
    if (id.shard != shard || record.is_open() || named.contains(id.subscription)) continue;
    const auto [known, is_first] = first_closed.try_emplace(id.subscription, record.closed_at);
    if (!is_first) known->second = std::min(known->second, record.closed_at);
  }
  std::vector<model::OrphanedCases> orphaned;
  for (const auto& [subscription, at] : first_closed) orphaned.push_back({subscription, at});
  return orphaned;
}

model::RecoveredQueue MemoryStore::recover(const model::QueueRecord& queue) {
  Shard& shard = live_.shards[queue.shard.value];
  const Log& log = shard.logs[queue.log];
  model::RecoveredQueue recovered{
      std::make_shared<const model::QueueRecord>(queue), {log.state, {}, {}, log.ids}, std::nullopt};
  recovered.log.state.log = queue.log;
  recovered.log.state.next = log.end();
  for (const auto& [id, producer] : log.producers) {
    model::RecoveredProducer& copy = recovered.log.producers.emplace_back(producer);
    std::erase_if(copy.window, [&](const model::DedupEntry& entry) {
      return entry.sequence < copy.state.highest && copy.state.highest - entry.sequence >= limits::kDedupWindow;
    });
  }
  for (const auto& [offset, message] : log.evacuated) recovered.log.evacuated.push_back(offset);
  const auto found = shard.subscriptions.find(queue.subscription);
  if (found != shard.subscriptions.end() && found->second.state) recovered.subscription = recover(found->second);
  return recovered;
}

model::RecoveredSubscription MemoryStore::recover(const Subscription& subscription) {
  model::RecoveredSubscription recovered;
  recovered.state = *subscription.state;
  for (const auto& [number, chunk] : subscription.chunks) recovered.chunks.push_back(chunk);
  std::vector<model::RecoveredDelivery> waiting;
  for (const auto& [place, record] : subscription.deliveries) {
    auto& list = record.state == model::DeliveryState::waiting ? waiting : recovered.deliveries;
    list.push_back({place.first, record});
  }
  std::sort(waiting.begin(), waiting.end(), [](const auto& a, const auto& b) {
    return std::tie(a.record.due, a.record.offset) < std::tie(b.record.due, b.record.offset);
  });
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    if (i < waiting_in_memory_ || waiting[i].log == subscription.state->lane) {
      recovered.deliveries.push_back(waiting[i]);
    } else {
      (waiting[i].record.scheduled ? recovered.parked_scheduled : recovered.parked).push_back(waiting[i].record.offset);
      if (const auto& key = waiting[i].record.key) recovered.parked_keys.push_back({waiting[i].record.offset, *key});
    }
  }
  for (const auto& [id, record] : live_.cases) {
    const bool ours = id.subscription == subscription.state->subscription;
    if (ours && record.state == CaseState::admitted) recovered.admitted.push_back(id.offset);
    if (ours && record.state == CaseState::discarded) recovered.discarded.push_back(id.offset);
    if (ours && record.version > 0) recovered.edited.push_back({id.offset, record.version});
    const bool longer = !recovered.first_closed || record.closed_at < *recovered.first_closed;
    if (ours && !record.is_open() && longer) recovered.first_closed = record.closed_at;
    if (ours && record.is_open() && record.key)
      recovered.case_keys.push_back({id.offset, record.key, model::holds_key(record.reason)});
  }
  for (std::uint16_t shard = 0; shard < live_.shards.size(); ++shard) {
    const auto sums = case_sums(model::ShardId(shard), subscription.state->subscription);
    recovered.case_sums.bytes += sums->bytes;
    recovered.case_sums.closed += sums->closed;
  }
  for (const auto& [offset, entry] : subscription.lane) {
    const model::CaseRecord& record = live_.cases.at(entry.id);
    recovered.lane.push_back({offset, entry.id, record.attempt_count, record.summary.priority, entry.edited,
                              entry.failures_before, entry.single_attempt, entry.only_for});
  }
  for (const auto& [id, request] : subscription.requests) recovered.requests.push_back(request);
  for (const auto& [number, rule] : subscription.quarantines) recovered.quarantines.push_back(rule);
  return recovered;
}

// --- Reading --------------------------------------------------------------------------------------------------------

const MemoryStore::Log* MemoryStore::log(model::LogId id) const {
  for (const Shard& shard : live_.shards) {
    if (const auto found = shard.logs.find(id); found != shard.logs.end()) return &found->second;
  }
  return nullptr;
}

base::Result<model::MessagePage> MemoryStore::read_messages(model::ShardId, model::LogId id, Offset from, Offset until,
                                                            std::size_t max_messages, std::size_t max_bytes) {
  model::MessagePage page;
  page.next = from;
  const Log* found = log(id);
  std::size_t bytes = 0;
  while (page.next < until && page.messages.size() < max_messages && bytes < max_bytes) {
    const Offset at = page.next;
    model::MessageRef message = found == nullptr ? nullptr : found->find(at);
    const Offset stretch = message || found == nullptr ? at : found->explained_up_to(at);
    if (stretch > at) {
      page.next = std::min(stretch, until);
      continue;
    }
    const bool damaged = damaged_.contains({id, at});
    const bool imported = damaged && message && message->imported;
    if (damaged) message = nullptr;
    if (message) bytes += message->size();
    page.messages.push_back({at, message, imported});
    page.next = at.next();
  }
  return page;
}

base::Result<model::MessagePage> MemoryStore::read_prioritised(model::ShardId shard, model::LogId id,
                                                               std::uint8_t priority, Offset from, Offset until,
                                                               std::size_t max_messages, std::size_t max_bytes) {
  model::MessagePage page;
  page.next = until;
  const Log* found = log(id);
  if (found == nullptr) return page;
  std::size_t bytes = 0;
  const auto& index = found->prioritised;
  for (auto it = index.lower_bound({priority, from}); it != index.end() && it->first == priority; ++it) {
    const Offset at = it->second;
    if (at >= until) break;
    if (page.messages.size() >= max_messages || bytes >= max_bytes) {
      page.next = at;
      break;
    }
    auto one = read_messages(shard, id, at, at.next(), 1, 1);
    for (model::PagedMessage& message : one->messages) {
      bytes += message.message == nullptr ? 0 : message.message->size();
      page.messages.push_back(std::move(message));
    }
  }
  return page;
}

base::Result<std::vector<model::RecoveredDelivery>> MemoryStore::read_waiting(model::ShardId shard,
                                                                              model::SubscriptionId id,
                                                                              model::WaitingPlace after,
                                                                              std::size_t max) {
  std::vector<model::RecoveredDelivery> waiting;
  for (const auto& [place, record] : live_.shards[shard.value].subscriptions[id].deliveries) {
    const bool later = record.state == model::DeliveryState::waiting &&
                       model::WaitingPlace{record.due, place.first, place.second} > after;
    if (later) waiting.push_back({place.first, record});
  }
  std::sort(waiting.begin(), waiting.end(), [](const auto& a, const auto& b) {
    return std::tie(a.record.due, a.log, a.record.offset) < std::tie(b.record.due, b.log, b.record.offset);
  });
  if (waiting.size() > max) waiting.resize(max);
  return waiting;
}

base::Result<model::CasePage> MemoryStore::list_cases(const model::CaseQuery& query, const std::string&,
                                                      std::size_t max) {
  model::CasePage page;
  for (const auto& [id, record] : live_.cases) {
    if (model::matches(query, record) && page.cases.size() < max) page.cases.push_back(record);
  }
  if (query.by_message) {
    std::reverse(page.cases.begin(), page.cases.end());
    return page;
  }
  std::stable_sort(page.cases.begin(), page.cases.end(),
                   [](const auto& a, const auto& b) { return a.admitted_at > b.admitted_at; });
  return page;
}

base::Result<model::CaseCount> MemoryStore::count_cases(const model::CaseQuery& query, const std::string&) {
  model::CaseCount count;
  for (const auto& [id, record] : live_.cases) count.count += model::matches(query, record) ? 1 : 0;
  return count;
}

base::Result<model::GroupPage> MemoryStore::list_groups(const model::CaseQuery& query, model::GroupSort sort,
                                                        const std::string&, std::size_t max) {
  model::GroupPage page;
  for (const auto& [place, group] : live_.groups) {
    if (model::matches(query, group) && page.groups.size() < max) page.groups.push_back(group);
  }
  std::sort(page.groups.begin(), page.groups.end(),
            [sort](const auto& a, const auto& b) { return model::place_of(a, sort) < model::place_of(b, sort); });
  return page;
}

base::Result<model::GroupRecord> MemoryStore::read_group(model::GroupId id) {
  for (const auto& [place, group] : live_.groups) {
    if (place.second == id) return group;
  }
  return base::Status(Code::NOT_FOUND);
}

std::vector<std::string> MemoryStore::miscounted_groups() const {
  std::map<std::pair<model::ShardId, model::GroupId>, model::GroupRecord> counted;
  for (const auto& [id, record] : live_.cases) {
    if (record.group != model::group_of(record)) return {"case " + id.to_string() + " is in another's group"};
    model::enter(counted[{id.shard, record.group}], record, true);
  }
  std::vector<std::string> wrong;
  for (const auto& [place, group] : live_.groups) {
    if (group.counts != counted[place].counts) wrong.push_back("group " + place.second.to_string() + " is miscounted");
    counted.erase(place);
  }
  for (const auto& [place, group] : counted) wrong.push_back("group " + place.second.to_string() + " is missing");
  return wrong;
}

base::Result<model::CaseRecord> MemoryStore::read_case(const model::CaseId& id) {
  const auto found = live_.cases.find(id);
  if (found == live_.cases.end()) return base::Status(Code::NOT_FOUND);
  return found->second;
}

base::Result<std::vector<model::Attempt>> MemoryStore::read_attempts(const model::CaseId& id) {
  return attempts_of(id.subscription, id.log, id.offset);
}

base::Result<std::optional<model::CaseId>> MemoryStore::find_imported(model::ShardId shard,
                                                                      model::SubscriptionId subscription,
                                                                      const model::CaseOrigin& origin) {
  for (const auto& [id, record] : live_.cases) {
    if (id.shard == shard && id.subscription == subscription && record.is_or_was(origin)) return std::optional(id);
  }
  return std::optional<model::CaseId>();
}

base::Result<std::vector<model::CaseEdit>> MemoryStore::read_edits(const model::CaseId& id) {
  std::vector<model::CaseEdit> edits;
  for (const auto& [edit, message] : live_.edits[id]) edits.push_back(edit);
  return edits;
}

base::Result<model::MessageRef> MemoryStore::read_version(const model::CaseId& id, std::uint32_t version) {
  const auto found = live_.edits.find(id);
  const bool there = found != live_.edits.end() && version > 0 && version <= found->second.size();
  if (!there) return base::Status(Code::NOT_FOUND);
  return found->second[version - 1].second;
}

base::Result<std::vector<model::ClosedCase>> MemoryStore::read_closed(model::ShardId shard,
                                                                      model::SubscriptionId subscription,
                                                                      const model::ClosedCase& after, std::size_t max) {
  std::vector<model::ClosedCase> closed;
  for (const auto& [id, record] : live_.cases) {
    const model::ClosedCase place{record.closed_at, id.log, id.offset};
    const bool its = id.shard == shard && id.subscription == subscription && !record.is_open();
    if (its && place > after) closed.push_back(place);
  }
  std::sort(closed.begin(), closed.end());
  if (closed.size() > max) closed.resize(max);
  return closed;
}

/// Counted anew each time: it is what the others keep in sums. A version is its message, whoever says what of it.
base::Result<model::CaseSums> MemoryStore::case_sums(model::ShardId shard, model::SubscriptionId subscription) {
  model::CaseSums sums;
  for (const auto& [id, record] : live_.cases) {
    if (id.shard != shard || id.subscription != subscription) continue;
    if (record.state != CaseState::discharged) sums.bytes += record.message_bytes;
    if (record.state == CaseState::discharged || record.state == CaseState::discarded) ++sums.closed;
    const auto edits = live_.edits.find(id);
    if (edits == live_.edits.end()) continue;
    for (const auto& [edit, message] : edits->second) sums.bytes += message->size();
  }
  return sums;
}

base::Result<std::vector<model::ReplayJobRecord>> MemoryStore::read_replay_jobs() {
  std::vector<model::ReplayJobRecord> all;
  for (const auto& [id, job] : live_.replay_jobs) all.push_back(job.record);
  return all;
}

base::Result<model::ReplayChunk> MemoryStore::read_replay_chunk(model::ReplayJobId job, std::uint32_t number) {
  model::ReplayChunk chunk;
  chunk.number = number;
  const auto found = live_.replay_jobs.find(job);
  if (found == live_.replay_jobs.end() || !found->second.chunks.contains(number)) return chunk;
  return found->second.chunks.at(number);
}

base::Result<model::AuditPage> MemoryStore::read_audit(const model::AuditQuery& query, std::uint64_t before,
                                                       std::size_t max) {
  model::AuditPage page;
  page.anchor = live_.audit_anchor;
  page.head = live_.audit.empty() ? live_.audit_anchor : live_.audit.rbegin()->second.point();
  for (auto at = live_.audit.rbegin(); at != live_.audit.rend(); ++at) {
    if (before != 0 && at->first >= before) continue;
    if (page.entries.size() == max) {
      page.next = at->first + 1;
      break;
    }
    if (query.matches(at->second)) page.entries.push_back(at->second);
  }
  return page;
}

base::Result<model::KeptAlerts> MemoryStore::read_alerts() {
  model::KeptAlerts kept;
  kept.looked_at = live_.alerts_looked_at;
  kept.case_age = live_.alerts_case_age;
  for (const auto& [number, alert] : live_.alerts) kept.alerts.push_back(alert);
  return kept;
}

base::Result<std::vector<model::GroupRecord>> MemoryStore::recent_groups(base::Instant since, std::size_t max) {
  std::vector<model::GroupRecord> groups;
  for (const auto& [place, group] : live_.groups) {
    if (group.last_seen > since) groups.push_back(group);
  }
  std::sort(groups.begin(), groups.end(), [](const auto& a, const auto& b) { return a.last_seen > b.last_seen; });
  if (groups.size() > max) groups.resize(max);
  return groups;
}

base::Result<std::vector<model::CaseRecord>> MemoryStore::oldest_open_cases(std::size_t max) {
  std::map<model::SubscriptionId, model::CaseRecord> oldest;
  for (const auto& [id, record] : live_.cases) {
    if (record.state != model::CaseState::admitted) continue;
    const auto [known, fresh] = oldest.try_emplace(id.subscription, record);
    if (!fresh && record.admitted_at < known->second.admitted_at) known->second = record;
  }
  std::vector<model::CaseRecord> all;
  for (const auto& [subscription, record] : oldest) {
    if (all.size() < max) all.push_back(record);
  }
  return all;
}

// --- For tests ------------------------------------------------------------------------------------------------------

std::string MemoryStore::audit_problem() const {
  model::AuditChain chain(model::AuditChain::Order::oldest_first);
  for (const auto& [number, entry] : live_.audit) {
    if (number != entry.number) return "an entry stands under another's number";
    if (auto wrong = chain.add(entry)) return *wrong;
    if (chain.count() > 1) continue;
    if (auto wrong = chain.check_oldest(live_.audit_anchor)) return *wrong;
  }
  return "";
}

bool MemoryStore::is_durable(model::LogId id, Offset offset) const {
  for (const Shard& shard : durable_.shards) {
    const auto found = shard.logs.find(id);
    if (found != shard.logs.end() && found->second.find(offset) != nullptr) return true;
  }
  return false;
}

model::Offset MemoryStore::end_of(model::LogId id) const {
  const Log* found = log(id);
  return found == nullptr ? Offset(0) : found->end();
}

const model::SubscriptionState* MemoryStore::durable_subscription(model::SubscriptionId id) const {
  for (const Shard& shard : durable_.shards) {
    const auto found = shard.subscriptions.find(id);
    if (found != shard.subscriptions.end() && found->second.state) return &*found->second.state;
  }
  return nullptr;
}

bool MemoryStore::is_settled(model::SubscriptionId id, Offset offset, bool written) const {
  for (const Shard& shard : (written ? live_ : durable_).shards) {
    const auto found = shard.subscriptions.find(id);
    if (found == shard.subscriptions.end() || !found->second.state) continue;
    for (const model::SourceState& source : found->second.state->sources) {
      if (offset < source.cursor) return true;
      for (const model::OffsetRange& range : source.settled) {
        if (range.begin <= offset && offset < range.end) return true;
      }
    }
    const auto chunk = found->second.chunks.find(offset.value / limits::kAckChunkOffsets);
    if (chunk == found->second.chunks.end()) return false;
    const std::uint64_t bit = offset.value % limits::kAckChunkOffsets;
    return (chunk->second.words.at(bit / 64) >> (bit % 64) & 1) != 0;
  }
  return false;
}

std::size_t MemoryStore::stored_messages(model::LogId id) const {
  std::size_t sum = 0;
  if (const Log* found = log(id)) {
    for (const auto& [first, messages] : found->runs) sum += messages.size();
  }
  return sum;
}

std::size_t MemoryStore::evacuated_messages(model::LogId id) const {
  const Log* found = log(id);
  return found == nullptr ? 0 : found->evacuated.size();
}

std::size_t MemoryStore::ids_of(model::LogId log) const {
  std::size_t count = 0;
  for (const Shard& shard : live_.shards) {
    const auto it = shard.logs.find(log);
    if (it == shard.logs.end()) continue;
    for (const model::StoredIds& stored : it->second.ids) count += stored.ids.size();
  }
  return count;
}

std::size_t MemoryStore::prioritised_messages(model::LogId id) const {
  const Log* found = log(id);
  return found == nullptr ? 0 : found->prioritised.size();
}

std::vector<model::Attempt> MemoryStore::attempts_of(model::SubscriptionId subscription, model::LogId log_id,
                                                     Offset offset) const {
  std::vector<model::Attempt> all;
  for (std::size_t shard = 0; shard < live_.shards.size(); ++shard) {
    const auto found =
        live_.attempts.find({model::ShardId(static_cast<std::uint16_t>(shard)), subscription, log_id, offset});
    if (found == live_.attempts.end()) continue;
    for (const auto& [number, attempt] : found->second) all.push_back(attempt);
  }
  return all;
}

base::Result<std::vector<model::OutboxEntryRef>> MemoryStore::read_outbox(model::ShardId shard, model::ShardId to,
                                                                          std::uint64_t from, std::size_t max_entries,
                                                                          std::size_t) {
  std::vector<model::OutboxEntryRef> entries;
  const auto& all = live_.shards.at(shard.value).outboxes[to].entries;
  for (auto it = all.lower_bound(from); it != all.end() && entries.size() < max_entries; ++it) {
    entries.push_back(it->second);
  }
  return entries;
}

std::size_t MemoryStore::times_appended(model::LogId log, const std::string& body) const {
  const auto found = live_.transacted.find({log, body});
  return found == live_.transacted.end() ? 0 : found->second;
}

std::size_t MemoryStore::owed() const {
  std::size_t sum = 0;
  for (const Shard& shard : live_.shards) {
    for (const auto& [to, outbox] : shard.outboxes) sum += outbox.entries.size();
  }
  return sum;
}

std::size_t MemoryStore::requests(model::SubscriptionId id) const {
  for (const Shard& shard : live_.shards) {
    const auto found = shard.subscriptions.find(id);
    if (found != shard.subscriptions.end()) return found->second.requests.size();
  }
  return 0;
}

std::size_t MemoryStore::delivery_records(model::SubscriptionId id) const {
  std::size_t sum = 0;
  for (const Shard& shard : live_.shards) {
    if (const auto found = shard.subscriptions.find(id); found != shard.subscriptions.end()) {
      sum += found->second.deliveries.size();
    }
  }
  return sum;
}

const model::SubscriptionState* MemoryStore::subscription(model::SubscriptionId id) const {
  for (const Shard& shard : live_.shards) {
    const auto found = shard.subscriptions.find(id);
    if (found != shard.subscriptions.end() && found->second.state) return &*found->second.state;
  }
  return nullptr;
}

bool MemoryStore::has_queue(const std::string& name) const { return live_.queues.contains(name); }

}  // namespace lazaret::simulation
