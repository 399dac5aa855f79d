#include "engine/shard_runner.h"

#include <algorithm>
#include <utility>

namespace lazaret::engine {

ShardRunner::ShardRunner(model::ShardId shard, core::Shard core, model::ShardMeta meta, base::Duration ack_sync_max,
                         const Clock& clock, Wiring wiring)
    : shard_(shard),
      ack_sync_max_(ack_sync_max),
      clock_(clock),
      wiring_(std::move(wiring)),
      core_(std::move(core)),
      meta_(meta) {
  filling_.number = model::GroupNumber(1);
}

ShardRunner::~ShardRunner() { stop(); }

void ShardRunner::start() {
  thread_ = std::thread([this] { run(); });
}

void ShardRunner::post(core::Event::What what, std::size_t bytes) { mailbox_.put({std::move(what), bytes}); }

void ShardRunner::stop() {
  if (!thread_.joinable()) return;
  mailbox_.put({std::nullopt, 0});
  thread_.join();
}

void ShardRunner::run() {
  std::vector<Item> items;
  while (!(stopping_ && idle())) {
    mailbox_.take_all(items, deadline());
    const base::Instant now = clock_.now();
    for (Item& item : items) step(std::move(item), now);
    if (core_.next_wakeup() <= now) step({core::WakeUp{}, 0}, now);
    flush_effects();
    seal_if_due(now);
  }
}

void ShardRunner::step(Item item, base::Instant now) {
  if (!item.what) {
    stopping_ = true;
    return;
  }
  const auto* durable = std::get_if<core::Persisted>(&*item.what);
  if (durable != nullptr) persisted(durable->group);
  const auto* ended = std::get_if<core::SessionEnded>(&*item.what);
  const auto ended_session = ended == nullptr ? std::nullopt : std::optional(*ended);
  const auto* reserved = std::get_if<core::InstanceReserved>(&*item.what);
  const auto reserved_instance = reserved == nullptr ? std::nullopt : std::optional(*reserved);
  if (std::holds_alternative<core::TrimNow>(*item.what)) filling_.trims = true;

  filling_.bytes += item.bytes;
  core_.step(core::Event{now, filling_.number, std::move(*item.what)}, out_);
  steps_.fetch_add(1, std::memory_order_relaxed);
  collect_effects();

  // The registry hears of the loads before it hears that the event was stepped.
  if (ended_session || reserved_instance) {
    if (!loads_.empty()) wiring_.instance_loads(shard_, std::exchange(loads_, {}));
    if (ended_session) wiring_.session_drained(*ended_session);
    if (reserved_instance) wiring_.reservation_seen(*reserved_instance);
  }
}

void ShardRunner::persisted(model::GroupNumber group) {
  LZ_ASSERT(in_flight_ && in_flight_->number == group);
  if (in_flight_->bytes > 0) wiring_.bytes_durable(in_flight_->bytes);
  if (in_flight_->trims) wiring_.trimmed(shard_);
  in_flight_.reset();
  while (!held_.empty() && held_.front().needs <= group) {
    ready_.push_back(std::move(held_.front().effect));
    held_.pop_front();
  }
}

void ShardRunner::collect_effects() {
  filling_.urgent = filling_.urgent || std::exchange(out_.urgent, false);
  std::optional<model::GroupNumber> needs;
  if (filling_.urgent) {
    needs = filling_.number;
  } else if (in_flight_ && in_flight_->urgent) {
    needs = in_flight_->number;
  }
  for (core::Effect& effect : out_.effects) {
    if (auto* load = std::get_if<core::InstanceLoad>(&effect)) {
      const auto same = std::find_if(loads_.begin(), loads_.end(),
                                     [&](const core::InstanceLoad& other) { return other.instance == load->instance; });
      if (same == loads_.end()) {
        loads_.push_back(*load);
      } else {
        same->begun_change += load->begun_change;
        same->out_change += load->out_change;
      }
      continue;
    }
    const bool waits = std::holds_alternative<core::Tell>(effect) ||
                       std::holds_alternative<core::AssignQueue>(effect) ||
                       std::holds_alternative<core::ForgetQueue>(effect);
    if (waits && needs) {
      held_.push_back({*needs, std::move(effect)});
    } else {
      ready_.push_back(std::move(effect));
    }
  }
  out_.effects.clear();
}

void ShardRunner::flush_effects() {
  if (!loads_.empty()) wiring_.instance_loads(shard_, std::exchange(loads_, {}));
  if (!ready_.empty()) {
    wiring_.perform(shard_, ready_);
    ready_.clear();
  }
  held_count_.store(held_.size(), std::memory_order_relaxed);
}

void ShardRunner::seal_if_due(base::Instant now) {
  if (in_flight_) return;
  const bool anything = !out_.mutations.empty() || core_.has_unsealed();
  const bool at_once = filling_.urgent || filling_.trims || stopping_ || std::exchange(out_.hurry, false);
  if (!anything && !filling_.trims && !(filling_.urgent)) {
    lazy_since_.reset();
    return;
  }
  if (!lazy_since_) lazy_since_ = now;
  if (at_once || now >= *lazy_since_ + ack_sync_max_) seal(now);
}

void ShardRunner::seal(base::Instant now) {
  core_.seal(out_);
  ++meta_.applied_index;
  meta_.engine_time = now;
  meta_.next_id = core_.next_id();
  out_.mutations.emplace_back(model::PutShardMeta{meta_});
  in_flight_ = filling_;
  filling_ = Group{filling_.number.next(), false, false, 0};
  lazy_since_.reset();
  out_.hurry = false;
  wiring_.commit(model::MutationGroup{shard_, std::exchange(out_.mutations, {})}, in_flight_->number);
}

bool ShardRunner::idle() const {
  return !in_flight_ && held_.empty() && out_.mutations.empty() && !core_.has_unsealed();
}

std::optional<std::chrono::steady_clock::time_point> ShardRunner::deadline() const {
  base::Instant next = core_.next_wakeup();
  if (lazy_since_ && !in_flight_) next = std::min(next, *lazy_since_ + ack_sync_max_);
  if (next == base::Instant::never()) return std::nullopt;
  const base::Duration wait = std::max(next - clock_.now(), base::Duration(0));
  // A day at most: far-away times would overflow the clock, and waking once a day costs nothing.
  return std::chrono::steady_clock::now() + std::min<base::Duration>(wait, std::chrono::hours(24));
}

}  // namespace lazaret::engine
