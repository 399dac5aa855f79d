// Subscriptions of several topics. One has a log of its own, as a queue has, on a shard of its own; each of its topics
// has a feeder, a reader of the topic's log as any, which nobody consumes from: it hands over what comes, in the order
// of the offsets, and settles what is durable at the other end. There a message enters the log in the write that notes
// how far its topic was taken, so that it enters once, however often it is handed over.
//
// Nothing is kept of what is on the way: the topic's log still has it. After a start a feeder asks how far the other
// end is before it hands over, or loses to retention, anything.
#include <algorithm>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {
namespace {

using base::Code;
using base::Status;
using model::Offset;
using model::OffsetRange;
namespace limits = model::limits;

/// No name that anybody could choose.
std::string name_of_feeder(model::SubscriptionId id) { return "feeder " + std::to_string(id.value); }

bool is_there(const model::FanInSource& source) { return !source.gone; }

}  // namespace

// --- The catalog (shard 0) ------------------------------------------------------------------------------------------

/// Where it is, and its ids, and those of its feeders.
Status Shard::State::place_fan_in(const model::CreateQueue& command, model::QueueRecord& record) {
  if (command.kind != model::Kind::subscription) return Status(Code::BAD_REQUEST, "only subscriptions have topics");
  if (command.topics.size() > limits::kFanInTopics) {
    return Status(Code::LIMIT_REACHED, "a subscription has " + std::to_string(command.topics.size()) + " topics")
        .with_limit("topics", limits::kFanInTopics);
  }
  if (command.start.kind == model::Start::offset) {
    return Status(Code::INVALID_OPTION,
                  "an offset is of one topic: a subscription of several starts at earliest, "
                  "latest or a time");
  }
  const auto beside = catalog.find(command.colocate_with);
  if (!command.colocate_with.empty() && beside == catalog.end()) {
    return Status(Code::NOT_FOUND, "there is no queue " + command.colocate_with + " to be beside");
  }
  for (const std::string& topic : command.topics) {
    const auto found = catalog.find(topic);
    if (found == catalog.end() || found->second->kind != model::Kind::topic) {
      return Status(Code::NOT_FOUND, "there is no topic " + topic);
    }
    const auto same = [&](const model::FanInSource& one) { return one.topic == topic; };
    if (std::any_of(record.sources.begin(), record.sources.end(), same)) {
      return Status(Code::BAD_REQUEST, "topic " + topic + " is named twice");
    }
    record.sources.push_back({topic, found->second->log, found->second->shard, {}, false});
  }
  record.shard = beside != catalog.end() ? beside->second->shard
                                         : model::ShardId(static_cast<std::uint16_t>(catalog.size() % config.shards));
  record.subscription = model::SubscriptionId(next_id++);
  record.log = model::LogId(next_id++);
  record.lane = model::LogId(next_id++);
  record.start = command.start;
  for (model::FanInSource& source : record.sources) source.feeder = model::SubscriptionId(next_id++);
  record.options.durability = durability_of(record);
  return {};
}

/// What one of its topics promises, it does not take back.
model::Durability Shard::State::durability_of(const model::QueueRecord& fan_in) const {
  const bool relaxed = std::all_of(fan_in.sources.begin(), fan_in.sources.end(), [&](const auto& source) {
    const auto topic = catalog.find(source.topic);
    return source.gone || (topic != catalog.end() && topic->second->options.durability == model::Durability::relaxed);
  });
  return relaxed ? model::Durability::relaxed : model::Durability::fsync;
}

/// Behind the subscription's own: what they hand over finds it there.
void Shard::State::create_feeders(const model::QueueRecord& fan_in) {
  for (const model::FanInSource& source : fan_in.sources) {
    model::QueueRecord feeder;
    feeder.name = name_of_feeder(source.feeder);
    feeder.kind = model::Kind::feeder;
    feeder.subscription = source.feeder;
    feeder.log = source.log;
    feeder.lane = model::LogId(next_id++);
    feeder.shard = source.shard;
    feeder.created_at = now;
    feeder.topic = source.topic;
    feeder.start = fan_in.start;
    feeder.into = {fan_in.subscription, fan_in.shard, fan_in.name};
    feeder.options.durability = catalog.at(source.topic)->options.durability;
    feeder.options.filter = fan_in.options.filter;
    mutate(model::PutQueue{feeder}, true);
    const auto shared = std::make_shared<const model::QueueRecord>(std::move(feeder));
    catalog.emplace(shared->name, shared);
    out->effects.emplace_back(AssignQueue{shared, true});
  }
}

/// A topic's durability is its readers' too.
void Shard::State::change_readers(const model::QueueRecord& topic) {
  for (auto& [name, record] : catalog) {
    model::QueueOptions same = record->options;
    const auto its = [&](const model::FanInSource& one) { return !one.gone && one.topic == topic.name; };
    if (record->reads_topic() && record->topic == topic.name) {
      same.durability = topic.options.durability;
    } else if (std::any_of(record->sources.begin(), record->sources.end(), its)) {
      same.durability = durability_of(*record);
    } else {
      continue;
    }
    change_options(record, same);
  }
}

/// Its filter is looked at where its messages come from.
void Shard::State::change_feeders(const model::QueueRecord& fan_in) {
  for (const model::FanInSource& source : fan_in.sources) {
    const auto feeder = catalog.find(name_of_feeder(source.feeder));
    if (feeder == catalog.end() || feeder->second->options.filter == fan_in.options.filter) continue;
    model::QueueOptions options = feeder->second->options;
    options.filter = fan_in.options.filter;
    change_options(feeder->second, options);
  }
}

/// A record has left the catalog: with a subscription its feeders go; with the last topic its subscription.
void Shard::State::part_of_fan_in_removed(const model::QueueRecord& gone) {
  for (const model::FanInSource& source : gone.sources) {
    const auto feeder = catalog.find(name_of_feeder(source.feeder));
    if (feeder != catalog.end()) out->effects.emplace_back(AssignQueue{feeder->second, false, true});
  }
  if (gone.kind != model::Kind::feeder) return;
  const auto found = catalog.find(gone.into.name);
  if (found == catalog.end() || found->second->subscription != gone.into.subscription) return;
  auto fan_in = std::make_shared<model::QueueRecord>(*found->second);
  for (model::FanInSource& source : fan_in->sources) source.gone = source.gone || source.feeder == gone.subscription;
  const bool ends = std::none_of(fan_in->sources.begin(), fan_in->sources.end(), is_there);
  mutate(model::PutQueue{*fan_in}, true);
  found->second = std::move(fan_in);
  out->effects.emplace_back(AssignQueue{found->second, false, ends});
}

/// After a start: what was to go when the broker died, and had not heard of it.
void Shard::State::end_parts_of_fan_ins() {
  for (const auto& [name, record] : catalog) {
    bool ends = record->is_fan_in() && std::none_of(record->sources.begin(), record->sources.end(), is_there);
    if (record->kind == model::Kind::feeder) {
      const auto into = catalog.find(record->into.name);
      ends = into == catalog.end() || into->second->subscription != record->into.subscription;
    }
    if (ends) out->effects.emplace_back(AssignQueue{record, false, true});
  }
}

// --- At a topic -----------------------------------------------------------------------------------------------------

/// The first time after a start.
void Shard::State::wake_fan_ins() {
  if (std::exchange(fan_ins_woken, true)) return;
  end_parts_of_fan_ins();
  pump_feeders();
}

void Shard::State::pump_feeders() {
  for (const auto& [id, sub] : subscriptions) {
    if (sub.feeder != nullptr) pumped_later.insert(id);
  }
}

/// Messages came to the topic: straight from memory, if it keeps up. Whoever they go to looks at their times and
/// priorities.
void Shard::State::append_to_feeder(Subscription& sub, Offset first, const std::vector<model::MessageRef>& messages) {
  pumped_later.insert(sub.queue->subscription);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Offset offset(first.value + i);
    const std::size_t bytes = messages[i]->size();
    const bool room = sub.window.empty() ||
                      (sub.window.size() < limits::kTailMessages && sub.window_bytes + bytes <= limits::kTailBytes &&
                       window_bytes < limits::kTailBytesPerShard);
    if (sub.window_next != offset || sub.loading_window || !room) return;
    sub.window.push_back({offset, messages[i]});
    sub.window_next = offset.next();
    sub.window_bytes += bytes;
    window_bytes += bytes;
  }
}

/// As far as there is room on the way.
void Shard::State::feed(Subscription& sub) {
  Feeder& feeder = *sub.feeder;
  if (sub.seeking || refuse_publishes) return;
  if (!feeder.known) {
    if (!std::exchange(feeder.asked, true)) hand_over(sub, {});
    return;
  }
  while (may_feed(feeder)) {
    std::vector<model::PagedMessage> messages = next_to_feed(sub);
    if (messages.empty()) break;
    hand_over(sub, std::move(messages));
  }
  if (feeding_bytes >= limits::kFeedBytesPerShard) feeders_held_up.insert(sub.queue->subscription);
  const model::Counters& sums = sub.counters;
  const bool untold = sums.lost_to_retention > feeder.lost_told || sums.filtered > feeder.filtered_told;
  if (untold && feeder.letters.empty()) hand_over(sub, {});
}

bool Shard::State::may_feed(const Feeder& feeder) const {
  return feeder.letters.empty() || (feeder.has_room() && feeding_bytes < limits::kFeedBytesPerShard);
}

/// Of one letter.
std::vector<model::PagedMessage> Shard::State::next_to_feed(Subscription& sub) {
  std::vector<model::PagedMessage> messages;
  std::size_t bytes = 0;
  while (messages.size() < limits::kFeedLetterMessages && prepare_to_feed(sub)) {
    bytes += sub.window.front().message->size();
    if (!messages.empty() && bytes > limits::kFeedLetterBytes) break;
    messages.push_back(pop_front(sub));
  }
  return messages;
}

/// Brings the next message that is wanted to the front of the window; false when there is none, or it has to be read
/// first.
bool Shard::State::prepare_to_feed(Subscription& sub) {
  while (!sub.window.empty()) {
    const model::PagedMessage& front = sub.window.front();
    const bool settled_already = sub.acked.is_settled(front.offset);
    if (!settled_already && front.message != nullptr && is_wanted(sub, front.offset, *front.message)) break;
    const model::PagedMessage gone = pop_front(sub);
    if (settled_already) continue;
    if (gone.message == nullptr && !gone.imported) {
      admit_damaged(sub, gone.offset);
    } else {
      filter_out(sub, gone.offset);
    }
  }
  read_ahead(sub);
  return !sub.window.empty();
}

/// With none it says what was counted, and asks how far the other end is.
void Shard::State::hand_over(Subscription& sub, std::vector<model::PagedMessage> messages) {
  Feeder& feeder = *sub.feeder;
  auto letter = std::make_shared<model::FeedLetter>();
  letter->from = config.shard;
  letter->feeder = sub.queue->subscription;
  letter->to = sub.queue->into.shard;
  letter->into = sub.queue->into.subscription;
  letter->log = sub.queue->log;
  letter->end = sub.frontier;
  letter->lost = feeder.lost_told = sub.counters.lost_to_retention;
  letter->filtered = feeder.filtered_told = sub.counters.filtered;
  std::size_t bytes = 0;
  for (const model::PagedMessage& one : messages) bytes += one.message->size();
  feeder.sends({letter->end, messages.size(), bytes});
  feeding_bytes += bytes;
  letter->messages = std::move(messages);
  out->effects.emplace_back(Feed{std::move(letter)});
}

void Shard::State::on(FeedTaken& event) {
  Subscription* found = find(event.feeder);
  if (found == nullptr || found->feeder == nullptr || found->deleting) return;
  Subscription& sub = *found;
  feeding_bytes -= sub.feeder->take(event.end);
  if (feeding_bytes < limits::kFeedBytesPerShard) pumped_later.merge(feeders_held_up);
  const OffsetRange taken{sub.acked.cursor(), std::min(event.end, sub.log->state.next)};
  if (taken.begin < taken.end) {
    sub.counters.acked += sub.acked.settle(taken);
    drop_copies(sub, taken);
    touch(sub);
  }
  if (!std::exchange(sub.feeder->known, true)) {
    begin_window_at(sub, std::max(sub.frontier, taken.end));
    lose_before(sub, sub.log->lost_to);
  }
  pumped_later.insert(sub.queue->subscription);
}

// --- At the subscription --------------------------------------------------------------------------------------------

/// What was taken before is passed over. When it is not there any more, its feeders have been told, or will be.
void Shard::State::on(Fed& event) {
  const model::FeedLetter& letter = *event.letter;
  Subscription* found = find(letter.into);
  if (found == nullptr || found->fan_in == nullptr || found->deleting) return;
  Subscription& sub = *found;
  model::TakenSource& taken = sub.fan_in->taken[letter.log];
  taken.log = letter.log;
  const model::TakenSource before = taken;
  Log& log = *sub.log;
  put_changed_log(log);
  const Offset first = log.state.next;
  Arrivals stored;
  stored.messages.reserve(letter.messages.size());
  for (const model::PagedMessage& one : letter.messages) {
    if (one.offset < taken.end) continue;
    auto message = std::make_shared<model::Message>(*one.message);
    message->source = {letter.log, one.offset};
    take_in(log, std::move(message), stored);
  }
  if (!stored.messages.empty()) append(log, first, std::move(stored));
  taken.end = std::max(taken.end, letter.end);
  taken.lost = std::max(taken.lost, letter.lost);
  taken.filtered = std::max(taken.filtered, letter.filtered);
  sub.counters.entered += taken.lost - before.lost;
  sub.counters.lost_to_retention += taken.lost - before.lost;
  sub.counters.filtered += taken.filtered - before.filtered;
  if (taken != before) touch(sub);
  out->effects.emplace_back(ConfirmFeed{letter.from, letter.feeder, taken.end});
}

}  // namespace lazaret::core
