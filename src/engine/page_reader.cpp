#include "engine/page_reader.h"

#include "engine/thread_name.h"
#include "model/limits.h"

namespace lazaret::engine {

PageReader::PageReader(model::Store& store, Post post, Fatal fatal)
    : store_(store), post_(std::move(post)), fatal_(std::move(fatal)) {}

PageReader::~PageReader() { stop(); }

void PageReader::start() {
  thread_ = std::thread([this] { run(); });
}

void PageReader::submit(model::ShardId shard, Wish wish) { jobs_.put({shard, std::move(wish)}); }

void PageReader::stop() {
  if (!thread_.joinable()) return;
  jobs_.put({model::ShardId(0), std::nullopt});
  thread_.join();
}

void PageReader::run() {
  name_thread("page-reader");
  std::vector<Job> jobs;
  while (true) {
    jobs_.take_all(jobs, std::nullopt);
    for (const Job& job : jobs) {
      if (!job.wish) return;
      std::visit([&](const auto& wish) { read(job.shard, wish); }, *job.wish);
    }
  }
}

void PageReader::read(model::ShardId shard, const core::LoadMessages& wish) {
  auto page = store_.read_messages(shard, wish.log, wish.from, wish.until, wish.max_messages, wish.max_bytes);
  if (!page.ok()) return fatal_(page.status());
  post_(shard, core::MessagesLoaded{wish.subscription, wish.generation, wish.from, std::move(*page)});
}

void PageReader::read(model::ShardId shard, const core::LoadOne& wish) {
  const auto page = store_.read_messages(shard, wish.source_log, wish.source_offset, wish.source_offset.next(), 1,
                                         model::limits::kPageBytes);
  if (!page.ok()) return fatal_(page.status());
  const bool found = !page->messages.empty() && page->messages.front().offset == wish.source_offset;
  post_(shard, core::OneLoaded{wish.subscription, wish.generation, wish.log, wish.offset,
                               found ? page->messages.front().message : nullptr});
}

void PageReader::read(model::ShardId shard, const core::LoadWaiting& wish) {
  auto records = store_.read_waiting(shard, wish.subscription, wish.after, wish.max);
  if (!records.ok()) return fatal_(records.status());
  post_(shard, core::WaitingLoaded{wish.subscription, wish.generation, std::move(*records)});
}

}  // namespace lazaret::engine
