#include "engine/shard_pipeline.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace lazaret::engine {
namespace {

template <class Answer>
bool tells(const core::Effect& effect) {
  const auto* tell = std::get_if<core::Tell>(&effect);
  return tell != nullptr && std::holds_alternative<Answer>(tell->answer);
}

/// What nobody outside may see before the disk has it.
bool waits_for_the_disk(const core::Effect& effect) {
  return std::holds_alternative<core::Tell>(effect) || std::holds_alternative<core::AssignQueue>(effect) ||
         std::holds_alternative<core::ForgetQueue>(effect) || std::holds_alternative<core::HandOver>(effect) ||
         std::holds_alternative<core::ConfirmHandOver>(effect) || std::holds_alternative<core::Feed>(effect) ||
         std::holds_alternative<core::ConfirmFeed>(effect);
}

}  // namespace

ShardPipeline::ShardPipeline(model::ShardId shard, core::Shard core, model::ShardMeta meta, base::Duration ack_sync_max)
    : shard_(shard), ack_sync_max_(ack_sync_max), core_(std::move(core)), meta_(meta) {
  filling_.number = model::GroupNumber(1);
}

ShardPipeline::Durable ShardPipeline::step(core::Event::What what, std::size_t bytes, base::Instant now) {
  Durable durable;
  if (const auto* done = std::get_if<core::Persisted>(&what)) durable = persisted(done->group);
  if (std::holds_alternative<core::TrimNow>(what)) filling_.durable.trims = true;
  filling_.durable.bytes += bytes;
  core_.step(core::Event{now, filling_.number, std::move(what)}, out_);
  collect_effects();
  if (!out_.mutations.empty() || core_.has_unsealed()) filling_.since = std::min(filling_.since, now);
  // What was refused is in no group, and there may never be one.
  const bool nothing =
      !filling_.urgent && !filling_.rides && !filling_.durable.trims && out_.mutations.empty() && !core_.has_unsealed();
  if (nothing) durable.bytes += std::exchange(filling_.durable.bytes, 0);
  return durable;
}

ShardPipeline::Durable ShardPipeline::persisted(model::GroupNumber group) {
  LZ_ASSERT(!in_flight_.empty() && in_flight_.front().number <= group && group <= in_flight_.back().number);
  Durable durable;
  for (; !in_flight_.empty() && in_flight_.front().number <= group; in_flight_.pop_front()) {
    durable.bytes += in_flight_.front().durable.bytes;
    durable.trims = durable.trims || in_flight_.front().durable.trims;
  }
  const auto due = [group](const std::deque<Held>& line) { return !line.empty() && line.front().needs <= group; };
  while (due(held_) || due(riding_)) {
    const bool rider = due(riding_) && (!due(held_) || riding_.front().order < held_.front().order);
    std::deque<Held>& line = rider ? riding_ : held_;
    ready_.push_back(std::move(line.front().effect));
    line.pop_front();
  }
  return durable;
}

void ShardPipeline::collect_effects() {
  filling_.urgent = filling_.urgent || std::exchange(out_.urgent, false);
  filling_.sync = filling_.sync || std::exchange(out_.sync, false);
  const bool rides = std::exchange(out_.rides, false);
  filling_.rides = filling_.rides || rides;
  for (core::Effect& effect : out_.effects) {
    if (const auto* load = std::get_if<core::InstanceLoad>(&effect)) {
      add_load(*load);
    } else if (waits_for_the_disk(effect)) {
      hold(std::move(effect), rides);
    } else {
      ready_.push_back(std::move(effect));
    }
  }
  out_.effects.clear();
}

/// `rides`: it came with acks that are to be confirmed.
void ShardPipeline::hold(core::Effect effect, bool rides) {
  if (rides && !filling_.urgent && tells<model::Settled>(effect)) {
    riding_.push_back({filling_.number, ++last_order_, std::move(effect)});
    return;
  }
  // Anything but a delivery keeps its place behind the confirms that ride, and does not wait for company.
  const bool behind = !riding_.empty() && !tells<model::Deliver>(effect);
  if (behind && riding_.back().needs == filling_.number) filling_.urgent = true;
  std::optional<model::GroupNumber> needs = filling_.urgent ? filling_.number : last_urgent();
  if (behind) needs = std::max(needs.value_or(model::GroupNumber()), riding_.back().needs);
  if (needs) {
    held_.push_back({*needs, ++last_order_, std::move(effect)});
  } else {
    ready_.push_back(std::move(effect));
  }
}

/// Of those in flight.
std::optional<model::GroupNumber> ShardPipeline::last_urgent() const {
  const auto urgent =
      std::find_if(in_flight_.rbegin(), in_flight_.rend(), [](const Group& group) { return group.urgent; });
  return urgent == in_flight_.rend() ? std::nullopt : std::optional(urgent->number);
}

void ShardPipeline::add_load(const core::InstanceLoad& load) {
  const auto same = std::find_if(loads_.begin(), loads_.end(),
                                 [&](const core::InstanceLoad& other) { return other.instance == load.instance; });
  if (same == loads_.end()) {
    loads_.push_back(load);
  } else {
    same->begun_change += load.begun_change;
    same->out_change += load.out_change;
  }
}

std::optional<ShardPipeline::Sealed> ShardPipeline::seal_if_due(base::Instant now, bool at_once) {
  if (in_flight_.size() >= kGroupsInFlight) return std::nullopt;
  at_once = std::exchange(out_.hurry, false) || filling_.urgent || filling_.durable.trims || at_once;
  const bool anything = !out_.mutations.empty() || core_.has_unsealed();
  if (!anything && !filling_.durable.trims && !filling_.urgent && !filling_.rides) {
    seal_at_ = base::Instant::never();
    return std::nullopt;
  }
  seal_at_ = std::min(seal_at_, now + (filling_.rides ? std::min(kRideMost, ack_sync_max_) : ack_sync_max_));
  if (!at_once && now < seal_at_) return std::nullopt;
  return seal(now);
}

ShardPipeline::Sealed ShardPipeline::seal(base::Instant now) {
  core_.seal(out_);
  filling_.sync = filling_.sync || std::exchange(out_.sync, false);
  ++meta_.applied_index;
  meta_.engine_time = now;
  meta_.next_id = core_.next_id();
  out_.mutations.emplace_back(model::PutShardMeta{meta_});
  in_flight_.push_back(filling_);
  filling_ = Group{filling_.number.next()};
  seal_at_ = base::Instant::never();
  out_.hurry = false;
  const bool relaxed = !in_flight_.back().sync;
  return {model::MutationGroup{shard_, std::exchange(out_.mutations, {}), relaxed}, in_flight_.back().number};
}

base::Instant ShardPipeline::next_deadline() const {
  const base::Instant next = core_.next_wakeup();
  const bool may_seal = in_flight_.size() < kGroupsInFlight;
  return may_seal ? std::min(next, seal_at_) : next;
}

base::Instant ShardPipeline::unpersisted_since() const {
  base::Instant since = filling_.since;
  for (const Group& group : in_flight_) since = std::min(since, group.since);
  return since;
}

bool ShardPipeline::idle() const {
  return in_flight_.empty() && held_.empty() && riding_.empty() && out_.mutations.empty() && !core_.has_unsealed();
}

}  // namespace lazaret::engine
