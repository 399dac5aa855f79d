// How the world drives its shards: what shard_runner.h, committer.h and page_reader.h do in the daemon, on one thread.
#include <algorithm>

#include "base/assert.h"
#include "engine/page_reader.h"
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
  if (seat.pipeline.next_wakeup() <= now_) {
    step(index, core::WakeUp{});
    worked = true;
  }
  flush_effects(index);
  return seal_if_due(index) || worked;
}

void World::step(std::size_t index, core::Event::What what) {
  Seat& seat = *seats_[index];
  std::optional<core::SessionEnded> ended;
  if (const auto* event = std::get_if<core::SessionEnded>(&what)) ended = *event;
  std::optional<core::InstanceReserved> reserved;
  if (const auto* event = std::get_if<core::InstanceReserved>(&what)) reserved = *event;

  const model::ShardId shard(static_cast<std::uint16_t>(index));
  for (Watcher* watcher : watchers_) watcher->event(shard, now_, what);
  saboteur_.spoil(shard, what);
  seat.pipeline.step(std::move(what), 0, now_);
  if (!ended && !reserved) return;
  report_loads(index);
  with_registry([&](auto& registry, auto& events) {
    if (ended) registry.session_drained(ended->session, events);
    if (reserved) registry.reservation_seen(reserved->instance, events);
  });
}

void World::flush_effects(std::size_t index) {
  report_loads(index);
  for (core::Effect& effect : std::exchange(seats_[index]->pipeline.ready(), {})) perform(index, effect);
}

void World::report_loads(std::size_t index) {
  const model::ShardId shard(static_cast<std::uint16_t>(index));
  for (const core::InstanceLoad& load : seats_[index]->pipeline.take_loads()) {
    for (Watcher* watcher : watchers_) watcher->effect(shard, load);
    with_registry([&](auto& registry, auto& events) { registry.load_changed(load, events); });
  }
}

void World::perform(std::size_t index, core::Effect& effect) {
  const model::ShardId shard(static_cast<std::uint16_t>(index));
  for (Watcher* watcher : watchers_) watcher->effect(shard, effect);
  saboteur_.look_at(shard, effect);
  if (auto* tell = std::get_if<core::Tell>(&effect)) {
    if (const auto session = sessions_.find(tell->session); session != sessions_.end()) {
      session->second(std::move(tell->answer));
    }
  } else if (const auto* reserve = std::get_if<core::ReserveInstance>(&effect)) {
    with_registry([&](auto& registry, auto& events) { registry.reserve(*reserve, shard, events); });
  } else if (const auto* release = std::get_if<core::ReleaseInstance>(&effect)) {
    with_registry([&](auto& registry, auto& events) { registry.release(*release, events); });
  } else if (const auto* assign = std::get_if<core::AssignQueue>(&effect)) {
    const auto known = directory_.find(assign->queue->name);
    const bool there = known != directory_.end() && known->second.subscription == assign->queue->subscription;
    const bool named = assign->queue->kind != model::Kind::feeder;
    if (named && (assign->created || there)) directory_[assign->queue->name] = *assign->queue;
    submit(assign->queue->shard, core::QueueAssigned{assign->queue, assign->created, assign->ends});
  } else if (const auto* forget = std::get_if<core::ForgetQueue>(&effect)) {
    directory_.erase(forget->name);
    submit(model::ShardId(0), core::QueueRemoved{forget->name, forget->subscription});
  } else if (const auto* hand_over = std::get_if<core::HandOver>(&effect)) {
    submit(hand_over->entry->to, core::HandedOver{shard, hand_over->entry});
  } else if (const auto* taken = std::get_if<core::ConfirmHandOver>(&effect)) {
    submit(taken->to, core::HandOverTaken{shard, taken->taken, taken->lost});
  } else if (const auto* feed = std::get_if<core::Feed>(&effect)) {
    submit(feed->letter->to, core::Fed{feed->letter});
  } else if (const auto* confirm = std::get_if<core::ConfirmFeed>(&effect)) {
    submit(confirm->to, core::FeedTaken{confirm->feeder, confirm->end});
  } else if (!std::holds_alternative<core::BreakerChanged>(effect) &&
             !std::holds_alternative<core::HospitalLevelChanged>(effect)) {  // which are for people
    pages_.push_back({now_ + some(options_.page_time), index, std::move(effect)});
  }
}

// --- Groups and commits ---------------------------------------------------------------------------------------------

bool World::seal_if_due(std::size_t index) {
  auto sealed = seats_[index]->pipeline.seal_if_due(now_);
  if (!sealed) return false;
  for (Watcher* watcher : watchers_) watcher->group(sealed->group);
  saboteur_.spoil(sealed->group);
  submitted_.push_back(std::move(*sealed));
  return true;
}

/// All groups that are there, in one batch: written now, synced later; at once confirmed when all are relaxed, and
/// synced with the next that is not, or when that is due.
bool World::begin_commit() {
  const bool sync_due = unsynced_since_ && *unsynced_since_ + options_.relaxed_sync_max <= now_;
  if (commit_ || (submitted_.empty() && !sync_due)) return false;
  commit_.emplace();
  bool sync = sync_due;
  std::vector<model::MutationGroup> groups;
  for (auto& sealed : std::exchange(submitted_, {})) {
    commit_->groups.push_back({sealed.group.shard.value, sealed.number});
    sync = sync || !sealed.group.relaxed;
    groups.push_back(std::move(sealed.group));
  }
  commit_->at = now_ + some(options_.sync_time);
  LZ_ASSERT(store_.commit(groups, false).ok());
  if (saboteur_.confirms_early()) confirm(std::exchange(commit_->groups, {}));
  if (!sync) {
    confirm(std::exchange(commit_, std::nullopt)->groups);
    if (!unsynced_since_) unsynced_since_ = now_;
  }
  return true;
}

bool World::end_commit() {
  if (!commit_ || commit_->at > now_) return false;
  LZ_ASSERT(store_.commit({}, true).ok());
  unsynced_since_.reset();
  confirm(std::exchange(commit_, std::nullopt)->groups);
  return true;
}

void World::confirm(const std::vector<std::pair<std::size_t, model::GroupNumber>>& groups) {
  for (const auto& [index, number] : groups) seats_[index]->mailbox.push_back(core::Persisted{number});
}

// --- Pages ----------------------------------------------------------------------------------------------------------

bool World::read_pages() {
  std::vector<Page> due;
  std::erase_if(pages_, [&](Page& page) {
    if (page.at > now_) return false;
    due.push_back(std::move(page));
    return true;
  });
  for (Page& page : due) {
    const auto* load = std::get_if<core::Effect>(&page.what);
    core::Event::What what =
        load == nullptr ? std::get<core::Event::What>(std::move(page.what)) : read(page.shard, *load);
    const bool is_page = load != nullptr && !std::holds_alternative<core::LoadOne>(*load);
    if (is_page && options_.page_age.count() > 0) {
      pages_.push_back({now_ + some(options_.page_age), page.shard, std::move(what)});
    } else {
      submit(model::ShardId(static_cast<std::uint16_t>(page.shard)), std::move(what));
    }
  }
  return !due.empty();
}

core::Event::What World::read(std::size_t index, const core::Effect& load) {
  const model::ShardId shard(static_cast<std::uint16_t>(index));
  if (const auto* page = std::get_if<core::LoadMessages>(&load)) {
    auto read = engine::read_page(store_, shard, *page);
    return core::MessagesLoaded{page->subscription, page->generation, page->from, std::move(read.value()),
                                page->priority};
  }
  if (const auto* one = std::get_if<core::LoadOne>(&load)) {
    auto read = store_.read_messages(shard, one->source_log, one->source_offset, one->source_offset.next(), 1, 1);
    model::MessageRef message = read->messages.empty() ? nullptr : read->messages.front().message;
    return core::OneLoaded{one->subscription, one->generation, one->log, one->offset, std::move(message)};
  }
  if (const auto* time = std::get_if<core::FindTime>(&load)) {
    return core::TimeFound{time->subscription, engine::find_time(store_, shard, *time).value()};
  }
  if (const auto* outbox = std::get_if<core::LoadOutbox>(&load)) {
    auto read = store_.read_outbox(shard, outbox->to, outbox->from, outbox->max_entries, outbox->max_bytes);
    return core::OutboxLoaded{outbox->to, std::move(read.value())};
  }
  if (const auto* closed = std::get_if<core::LoadClosed>(&load)) {
    return std::move(engine::read_closed(store_, shard, *closed).value());
  }
  if (const auto* count = std::get_if<core::CountHospital>(&load)) {
    return engine::count_hospital(store_, shard, *count).value();
  }
  const auto& waiting = std::get<core::LoadWaiting>(load);
  auto read = store_.read_waiting(shard, waiting.subscription, model::WaitingPlace::behind(waiting.after), waiting.max);
  return core::WaitingLoaded{waiting.subscription, waiting.generation, std::move(read.value())};
}

}  // namespace lazaret::simulation
