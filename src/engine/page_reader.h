// PageReader: reads what consumers that lag behind need, off the shards' threads, and posts it back as events.
//
// Bound: every subscription has at most a few reads under way; the core sees to it.
#pragma once

#include <functional>
#include <thread>
#include <variant>
#include <vector>

#include "base/status.h"
#include "core/effect.h"
#include "core/event.h"
#include "engine/mailbox.h"
#include "model/store.h"

namespace lazaret::engine {

/// What a FindTime effect asks for.
base::Result<model::Offset> find_time(model::Store& store, model::ShardId shard, const core::FindTime& wish);

/// What a LoadMessages effect asks for.
base::Result<model::MessagePage> read_page(model::Store& store, model::ShardId shard, const core::LoadMessages& wish);

/// What a LoadClosed effect asks for.
base::Result<core::ClosedLoaded> read_closed(model::Store& store, model::ShardId shard, const core::LoadClosed& wish);

/// What a CountHospital effect asks for.
base::Result<core::HospitalCounted> count_hospital(model::Store& store, model::ShardId shard,
                                                   const core::CountHospital& wish);

class PageReader {
 public:
  using Wish = std::variant<core::LoadMessages, core::LoadOne, core::FindTime, core::LoadWaiting, core::LoadOutbox,
                            core::LoadClosed, core::CountHospital>;
  using Post = std::function<void(model::ShardId, core::Event::What)>;
  using Fatal = std::function<void(const base::Status&)>;

  PageReader(model::Store& store, Post post, Fatal fatal);
  ~PageReader();

  void start();
  void submit(model::ShardId shard, Wish wish);
  /// Drops what is waiting and joins the thread.
  void stop();

 private:
  struct Job {
    model::ShardId shard;
    std::optional<Wish> wish;  // nullopt: stop
  };
  using Jobs = std::vector<Job>::const_iterator;
  void run();
  void read(model::ShardId shard, const core::LoadMessages& wish);
  /// All wishes for one message from here on that one page answers; returns what is behind them.
  Jobs read_ones(Jobs begin, Jobs end);
  void read(model::ShardId shard, const core::LoadWaiting& wish);
  void find(model::ShardId shard, const core::FindTime& wish);
  void read(model::ShardId shard, const core::LoadOutbox& wish);
  void read(model::ShardId shard, const core::LoadClosed& wish);
  void read(model::ShardId shard, const core::CountHospital& wish);
  void tell(model::ShardId shard, const core::LoadOne& wish, const model::MessagePage& page);

  model::Store& store_;
  Post post_;
  Fatal fatal_;
  Mailbox<Job> jobs_;
  std::thread thread_;
};

}  // namespace lazaret::engine
