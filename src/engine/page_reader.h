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

class PageReader {
 public:
  using Wish = std::variant<core::LoadMessages, core::LoadOne, core::LoadWaiting>;
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
  void run();
  void read(model::ShardId shard, const core::LoadMessages& wish);
  void read(model::ShardId shard, const core::LoadOne& wish);
  void read(model::ShardId shard, const core::LoadWaiting& wish);

  model::Store& store_;
  Post post_;
  Fatal fatal_;
  Mailbox<Job> jobs_;
  std::thread thread_;
};

}  // namespace lazaret::engine
