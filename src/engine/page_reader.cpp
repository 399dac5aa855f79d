#include "engine/page_reader.h"

#include <algorithm>

#include "engine/thread_name.h"
#include "model/limits.h"

namespace lazaret::engine {
namespace {

namespace limits = model::limits;

/// The wish for one message, if that is what the job is.
const core::LoadOne* one_of(const auto& job) { return job.wish ? std::get_if<core::LoadOne>(&*job.wish) : nullptr; }

}  // namespace

/// By halves: times rise with offsets, also of messages that were imported, each of which says when that was. A message
/// that is damaged, and has none, counts as older.
base::Result<model::Offset> find_time(model::Store& store, model::ShardId shard, const core::FindTime& wish) {
  model::Offset begin = wish.begin;
  model::Offset end = wish.end;
  while (begin < end) {
    const model::Offset middle(begin.value + (end.value - begin.value) / 2);
    const auto page = store.read_messages(shard, wish.log, middle, end, 1, 1);
    if (!page.ok()) return page.status();
    if (page->messages.empty()) {  // nothing is left from there on
      end = middle;
      continue;
    }
    const model::PagedMessage& first = page->messages.front();
    const bool late = first.message != nullptr && first.message->came_at() >= wish.time;
    if (late) {
      end = middle;
    } else {
      begin = first.offset.next();
    }
  }
  return begin;
}

base::Result<model::MessagePage> read_page(model::Store& store, model::ShardId shard, const core::LoadMessages& wish) {
  if (wish.priority == 0) {
    return store.read_messages(shard, wish.log, wish.from, wish.until, wish.max_messages, wish.max_bytes);
  }
  return store.read_prioritised(shard, wish.log, wish.priority, wish.from, wish.until, wish.max_messages,
                                wish.max_bytes);
}

base::Result<core::ClosedLoaded> read_closed(model::Store& store, model::ShardId shard, const core::LoadClosed& wish) {
  auto cases = store.read_closed(shard, wish.subscription, wish.after, wish.max);
  if (!cases.ok()) return cases.status();
  const bool at_end = cases->size() < wish.max;
  return core::ClosedLoaded{wish.subscription, std::move(*cases), at_end};
}

base::Result<core::HospitalCounted> count_hospital(model::Store& store, model::ShardId shard,
                                                   const core::CountHospital& wish) {
  const auto sums = store.case_sums(shard, wish.subscription);
  if (!sums.ok()) return sums.status();
  return core::HospitalCounted{wish.subscription, *sums};
}

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
    for (Jobs job = jobs.cbegin(); job != jobs.cend();) {
      if (!job->wish) return;
      if (one_of(*job) != nullptr) {
        job = read_ones(job, jobs.cend());
        continue;
      }
      if (const auto* page = std::get_if<core::LoadMessages>(&*job->wish)) read(job->shard, *page);
      if (const auto* waiting = std::get_if<core::LoadWaiting>(&*job->wish)) read(job->shard, *waiting);
      if (const auto* time = std::get_if<core::FindTime>(&*job->wish)) find(job->shard, *time);
      if (const auto* outbox = std::get_if<core::LoadOutbox>(&*job->wish)) read(job->shard, *outbox);
      if (const auto* closed = std::get_if<core::LoadClosed>(&*job->wish)) read(job->shard, *closed);
      if (const auto* count = std::get_if<core::CountHospital>(&*job->wish)) read(job->shard, *count);
      ++job;
    }
  }
}

void PageReader::read(model::ShardId shard, const core::LoadMessages& wish) {
  auto page = read_page(store_, shard, wish);
  if (!page.ok()) return fatal_(page.status());
  post_(shard, core::MessagesLoaded{wish.subscription, wish.generation, wish.from, std::move(*page), wish.priority});
}

PageReader::Jobs PageReader::read_ones(Jobs begin, Jobs end) {
  const core::LoadOne& first = *one_of(*begin);
  model::Offset last = first.source_offset;
  const auto goes_on = [&](const Job& job) {
    const core::LoadOne* wish = one_of(job);
    const bool near = wish != nullptr && job.shard == begin->shard && wish->source_log == first.source_log &&
                      wish->source_offset > last && wish->source_offset.value - last.value <= limits::kRunMessages;
    if (near) last = wish->source_offset;
    return near;
  };
  const Jobs behind = std::find_if_not(begin + 1, end, goes_on);
  const std::size_t most = last.value - first.source_offset.value + 1;
  const auto page =
      store_.read_messages(begin->shard, first.source_log, first.source_offset, last.next(), most, limits::kPageBytes);
  if (!page.ok()) {
    fatal_(page.status());
    return end;
  }
  // The page may end before the last of them, never before the first.
  Jobs job = begin;
  do {
    tell(job->shard, *one_of(*job), *page);
    ++job;
  } while (job != behind && one_of(*job)->source_offset < page->next);
  return job;
}

/// The message that was wished for, or that the page has none: it is damaged.
void PageReader::tell(model::ShardId shard, const core::LoadOne& wish, const model::MessagePage& page) {
  const auto paged = std::lower_bound(
      page.messages.begin(), page.messages.end(), wish.source_offset,
      [](const model::PagedMessage& message, model::Offset offset) { return message.offset < offset; });
  const bool found = paged != page.messages.end() && paged->offset == wish.source_offset;
  post_(shard,
        core::OneLoaded{wish.subscription, wish.generation, wish.log, wish.offset, found ? paged->message : nullptr});
}

void PageReader::find(model::ShardId shard, const core::FindTime& wish) {
  const auto offset = find_time(store_, shard, wish);
  if (!offset.ok()) return fatal_(offset.status());
  post_(shard, core::TimeFound{wish.subscription, *offset});
}

void PageReader::read(model::ShardId shard, const core::LoadOutbox& wish) {
  auto entries = store_.read_outbox(shard, wish.to, wish.from, wish.max_entries, wish.max_bytes);
  if (!entries.ok()) return fatal_(entries.status());
  post_(shard, core::OutboxLoaded{wish.to, std::move(*entries)});
}

void PageReader::read(model::ShardId shard, const core::LoadClosed& wish) {
  auto closed = read_closed(store_, shard, wish);
  if (!closed.ok()) return fatal_(closed.status());
  post_(shard, std::move(*closed));
}

void PageReader::read(model::ShardId shard, const core::CountHospital& wish) {
  auto counted = count_hospital(store_, shard, wish);
  if (!counted.ok()) return fatal_(counted.status());
  post_(shard, *counted);
}

void PageReader::read(model::ShardId shard, const core::LoadWaiting& wish) {
  auto records = store_.read_waiting(shard, wish.subscription, model::WaitingPlace::behind(wish.after), wish.max);
  if (!records.ok()) return fatal_(records.status());
  post_(shard, core::WaitingLoaded{wish.subscription, wish.generation, std::move(*records)});
}

}  // namespace lazaret::engine
