#include "engine/shard_runner.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/thread_name.h"

namespace lazaret::engine {

namespace {

/// A turn of so few commands, and so few bytes of them, is a quiet one: the shard takes the time to write its group.
constexpr std::size_t kQuietItems = 4;
constexpr std::size_t kQuietBytes = 16u << 10;

/// Beyond its step, until it is durable: it has messages, or replies.
bool holds_memory(const core::Event::What& what) {
  if (const auto* settle = std::get_if<model::Settle>(&what)) {
    return std::any_of(settle->verdicts.begin(), settle->verdicts.end(), [](const model::Verdict& verdict) {
      return verdict.reply != nullptr || verdict.outgoing != nullptr;
    });
  }
  return std::holds_alternative<model::Publish>(what) || std::holds_alternative<model::Request>(what) ||
         std::holds_alternative<model::AnswerRequest>(what);
}

}  // namespace

ShardRunner::ShardRunner(model::ShardId shard, ShardPipeline pipeline, const Clock& clock, Wiring wiring)
    : shard_(shard),
      clock_(clock),
      watcher_(dynamic_cast<const WatchingClock*>(&clock)),
      wiring_(std::move(wiring)),
      pipeline_(std::move(pipeline)) {}

ShardRunner::~ShardRunner() { stop(); }

void ShardRunner::start() {
  thread_ = std::thread([this] { run(); });
}

void ShardRunner::post(core::Event::What what, std::size_t bytes) {
  if (watcher_ != nullptr) watcher_->work_begins();
  mailbox_.put({std::move(what), bytes});
}

void ShardRunner::stop() {
  if (!thread_.joinable()) return;
  if (watcher_ != nullptr) watcher_->work_begins();
  mailbox_.put({std::nullopt, 0});
  thread_.join();
}

void ShardRunner::run() {
  name_thread(("shard-" + std::to_string(shard_.value)).c_str());
  std::vector<Item> items;
  base::Instant now = clock_.now();
  while (!(stopping_ && pipeline_.idle())) {
    mailbox_.take_all(items, deadline());
    horizon_.works(now);
    now = clock_.now();
    std::size_t bytes = 0;
    for (Item& item : items) {
      bytes += item.bytes;
      step(std::move(item), now);
    }
    if (stepped_bytes_ > 0) wiring_.bytes_done(std::exchange(stepped_bytes_, 0));
    if (pipeline_.next_wakeup() <= now) step({core::WakeUp{}, 0}, now);
    flush_effects();
    if (auto sealed = pipeline_.seal_if_due(now, stopping_)) {
      const bool quiet = items.size() <= kQuietItems && bytes <= kQuietBytes && mailbox_.empty();
      wiring_.commit(std::move(sealed->group), sealed->number, quiet);
    }
    horizon_.rests(pipeline_.unpersisted_since());
    if (watcher_ != nullptr) {
      const base::Instant next = pipeline_.next_wakeup();
      watcher_->shard_waits(shard_, next, pipeline_.idle() && next > clock_.now());
      watcher_->work_ends(items.size());
    }
  }
}

void ShardRunner::step(Item item, base::Instant now) {
  if (!item.what) {
    stopping_ = true;
    return;
  }
  const auto* ended = std::get_if<core::SessionEnded>(&*item.what);
  const auto ended_session = ended == nullptr ? std::nullopt : std::optional(*ended);
  const auto* reserved = std::get_if<core::InstanceReserved>(&*item.what);
  const auto reserved_instance = reserved == nullptr ? std::nullopt : std::optional(*reserved);

  const bool until_durable = holds_memory(*item.what);
  if (!until_durable) stepped_bytes_ += item.bytes;
  const ShardPipeline::Durable durable = pipeline_.step(std::move(*item.what), until_durable ? item.bytes : 0, now);
  steps_.fetch_add(1, std::memory_order_relaxed);
  stepped_bytes_ += durable.bytes;
  if (durable.trims) wiring_.trimmed(shard_);
  if (ended_session || reserved_instance) {
    const std::vector<core::InstanceLoad> loads = pipeline_.take_loads();
    if (!loads.empty()) wiring_.instance_loads(shard_, loads);
    if (ended_session) wiring_.session_drained(*ended_session);
    if (reserved_instance) wiring_.reservation_seen(*reserved_instance);
  }
}

void ShardRunner::flush_effects() {
  const std::vector<core::InstanceLoad> loads = pipeline_.take_loads();
  if (!loads.empty()) wiring_.instance_loads(shard_, loads);
  if (!pipeline_.ready().empty()) {
    wiring_.perform(shard_, pipeline_.ready());
    pipeline_.ready().clear();
  }
  held_count_.store(pipeline_.held(), std::memory_order_relaxed);
  confirms_held_.store(pipeline_.confirms_held(), std::memory_order_relaxed);
}

std::optional<std::chrono::steady_clock::time_point> ShardRunner::deadline() const {
  const base::Instant next = pipeline_.next_deadline();
  if (next == base::Instant::never()) return std::nullopt;
  const base::Duration wait = std::max(next - clock_.now(), base::Duration(0));
  // Such a clock stands still until it is moved, and then has us look.
  if (watcher_ != nullptr && wait.count() > 0) return std::nullopt;
  // A day at most: far-away times would overflow the clock, and waking once a day costs nothing.
  return std::chrono::steady_clock::now() + std::min<base::Duration>(wait, std::chrono::hours(24));
}

}  // namespace lazaret::engine
