// How the world drives its shards: the rules of engine/shard_runner.h, committer.h and page_reader.h, on one thread.
#include <algorithm>

#include "base/assert.h"
#include "simulation/world.h"

namespace lazaret::simulation {

/// One round at this instant; false when there was nothing to do.
bool World::work() {
  bool worked = false;
  if (registry_->next_deadline() <= now_) {
    with_registry([&](auto& registry, auto& events) { registry.tick(now_, events); });
  }
  if (options_.random_order) {
    worked = work_on(random_.below(seats_.size()));
    for (std::size_t i = 0; !worked && i < seats_.size(); ++i) worked = work_on(i);
  } else {
    for (std::size_t i = 0; i < seats_.size(); ++i) worked = work_on(i) || worked;
  }
  worked = begin_commit() || worked;
  worked = end_commit() || worked;
  return read_pages() || worked;
}

bool World::work_on(std::size_t index) {
  Seat& seat = *seats_[index];
  std::size_t items = seat.mailbox.size();
  if (options_.random_order && items > 1) items = 1 + random_.below(items);
  bool worked = items > 0;
  for (; items > 0; --items) {
    core::Event::What what = std::move(seat.mailbox.front());
    seat.mailbox.pop_front();
    step(index, std::move(what));
  }
  if (seat.core.next_wakeup() <= now_) {
    step(index, core::WakeUp{});
    worked = true;
  }
  flush_effects(index);
  return seal_if_due(index) || worked;
}

void World::step(std::size_t index, core::Event::What what) {
  Seat& seat = *seats_[index];
  if (const auto* durable = std::get_if<core::Persisted>(&what)) persisted(seat, durable->group);
  std::optional<core::SessionEnded> ended;
  if (const auto* event = std::get_if<core::SessionEnded>(&what)) ended = *event;
  std::optional<core::InstanceReserved> reserved;
  if (const auto* event = std::get_if<core::InstanceReserved>(&what)) reserved = *event;

  seat.core.step(core::Event{now_, seat.filling.number, std::move(what)}, seat.out);
  collect_effects(seat);
  if (!ended && !reserved) return;
  with_registry([&](auto& registry, auto& events) {
    for (const core::InstanceLoad& load : std::exchange(seat.loads, {})) registry.load_changed(load, events);
    if (ended) registry.session_drained(ended->session, events);
    if (reserved) registry.reservation_seen(reserved->instance, events);
  });
}

void World::persisted(Seat& seat, model::GroupNumber group) {
  LZ_ASSERT(seat.in_flight && seat.in_flight->number == group);
  seat.in_flight.reset();
  while (!seat.held.empty() && seat.held.front().needs <= group) {
    seat.ready.push_back(std::move(seat.held.front().effect));
    seat.held.pop_front();
  }
}

void World::collect_effects(Seat& seat) {
  seat.filling.urgent = seat.filling.urgent || std::exchange(seat.out.urgent, false);
  std::optional<model::GroupNumber> needs;
  if (seat.filling.urgent) {
    needs = seat.filling.number;
  } else if (seat.in_flight && seat.in_flight->urgent) {
    needs = seat.in_flight->number;
  }
  for (core::Effect& effect : seat.out.effects) {
    if (const auto* load = std::get_if<core::InstanceLoad>(&effect)) {
      seat.loads.push_back(*load);
      continue;
    }
    const bool waits = std::holds_alternative<core::Tell>(effect) ||
                       std::holds_alternative<core::AssignQueue>(effect) ||
                       std::holds_alternative<core::ForgetQueue>(effect);
    if (waits && needs) {
      seat.held.push_back({*needs, std::move(effect)});
    } else {
      seat.ready.push_back(std::move(effect));
    }
  }
  seat.out.effects.clear();
}

void World::flush_effects(std::size_t index) {
  Seat& seat = *seats_[index];
  with_registry([&](auto& registry, auto& events) {
    for (const core::InstanceLoad& load : std::exchange(seat.loads, {})) registry.load_changed(load, events);
  });
  for (core::Effect& effect : std::exchange(seat.ready, {})) perform(index, effect);
}

void World::perform(std::size_t index, core::Effect& effect) {
  const model::ShardId shard(static_cast<std::uint16_t>(index));
  if (auto* tell = std::get_if<core::Tell>(&effect)) {
    if (const auto session = sessions_.find(tell->session); session != sessions_.end()) {
      session->second(std::move(tell->answer));
    }
  } else if (const auto* reserve = std::get_if<core::ReserveInstance>(&effect)) {
    with_registry([&](auto& registry, auto& events) { registry.reserve(*reserve, shard, events); });
  } else if (const auto* release = std::get_if<core::ReleaseInstance>(&effect)) {
    with_registry([&](auto& registry, auto& events) { registry.release(*release, events); });
  } else if (const auto* assign = std::get_if<core::AssignQueue>(&effect)) {
    const auto known = directory_.find(assign->queue.name);
    const bool there = known != directory_.end() && known->second.subscription == assign->queue.subscription;
    if (assign->created || there) directory_[assign->queue.name] = assign->queue;
    submit(assign->queue.shard, core::QueueAssigned{assign->queue, assign->created});
  } else if (const auto* forget = std::get_if<core::ForgetQueue>(&effect)) {
    directory_.erase(forget->name);
    submit(model::ShardId(0), core::QueueRemoved{forget->name, forget->subscription});
  } else {
    pages_.push_back({now_ + some(options_.page_time), index, std::move(effect)});
  }
}

// --- Groups and commits ---------------------------------------------------------------------------------------------

bool World::seal_if_due(std::size_t index) {
  Seat& seat = *seats_[index];
  if (seat.in_flight) return false;
  const bool anything = !seat.out.mutations.empty() || seat.core.has_unsealed();
  const bool at_once = seat.filling.urgent || std::exchange(seat.out.hurry, false);
  if (!anything && !seat.filling.urgent) {
    seat.lazy_since.reset();
    return false;
  }
  if (!seat.lazy_since) seat.lazy_since = now_;
  if (!at_once && now_ < *seat.lazy_since + options_.ack_sync_max) return false;

  seat.core.seal(seat.out);
  ++seat.meta.applied_index;
  seat.meta.engine_time = now_;
  seat.meta.next_id = seat.core.next_id();
  seat.out.mutations.emplace_back(model::PutShardMeta{seat.meta});
  seat.in_flight = seat.filling;
  seat.filling = Group{seat.filling.number.next(), false};
  seat.lazy_since.reset();
  seat.out.hurry = false;
  for (const model::Mutation& mutation : seat.out.mutations) ++mutation_counts_[mutation.index()];
  const model::ShardId shard(static_cast<std::uint16_t>(index));
  submitted_.push_back({index, {shard, std::exchange(seat.out.mutations, {})}});
  return true;
}

/// All groups that are there, in one batch: written now, synced later.
bool World::begin_commit() {
  if (commit_ || submitted_.empty()) return false;
  commit_.emplace();
  std::vector<model::MutationGroup> groups;
  for (auto& [index, group] : std::exchange(submitted_, {})) {
    commit_->groups.push_back({index, seats_[index]->in_flight->number});
    groups.push_back(std::move(group));
  }
  commit_->at = now_ + some(options_.sync_time);
  LZ_ASSERT(store_.commit(groups, false).ok());
  return true;
}

bool World::end_commit() {
  if (!commit_ || commit_->at > now_) return false;
  LZ_ASSERT(store_.commit({}, true).ok());
  const Commit done = *std::exchange(commit_, std::nullopt);
  for (const auto& [index, number] : done.groups) {
    seats_[index]->mailbox.push_back(core::Persisted{number});
  }
  return true;
}

// --- Pages ----------------------------------------------------------------------------------------------------------

bool World::read_pages() {
  std::vector<Page> due;
  std::erase_if(pages_, [&](Page& page) {
    if (page.at > now_) return false;
    due.push_back(std::move(page));
    return true;
  });
  for (const Page& page : due) read(page.shard, page.load);
  return !due.empty();
}

void World::read(std::size_t index, const core::Effect& load) {
  const model::ShardId shard(static_cast<std::uint16_t>(index));
  if (const auto* page = std::get_if<core::LoadMessages>(&load)) {
    auto read = store_.read_messages(shard, page->log, page->from, page->until, page->max_messages, page->max_bytes);
    submit(shard, core::MessagesLoaded{page->subscription, page->generation, page->from, std::move(read.value())});
  } else if (const auto* one = std::get_if<core::LoadOne>(&load)) {
    auto read = store_.read_messages(shard, one->source_log, one->source_offset, one->source_offset.next(), 1, 1);
    model::MessageRef message = read->messages.empty() ? nullptr : read->messages.front().message;
    submit(shard, core::OneLoaded{one->subscription, one->generation, one->log, one->offset, std::move(message)});
  } else if (const auto* waiting = std::get_if<core::LoadWaiting>(&load)) {
    auto read = store_.read_waiting(shard, waiting->subscription, waiting->after, waiting->max);
    submit(shard, core::WaitingLoaded{waiting->subscription, waiting->generation, std::move(read.value())});
  }
}

}  // namespace lazaret::simulation
