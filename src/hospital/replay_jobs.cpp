#include "hospital/replay_jobs.h"

#include <algorithm>
#include <future>
#include <set>
#include <utility>

#include "engine/thread_name.h"
#include "hospital/redirection.h"

namespace lazaret::hospital {

using base::Code;
using base::Duration;
using base::Instant;
using base::Result;
using base::Status;
using model::ReplayJobId;
using model::ReplayJobRecord;
using model::ReplayJobState;
using namespace std::chrono_literals;

namespace {

constexpr Duration kIdle = 10s;
/// Pages in which newer cases are counted for one look at a job: it is looked at often.
constexpr int kNewerPages = 2;

using Promise = std::promise<Result<ReplayJobRecord>>;

Result<ReplayJobRecord> wait(std::future<Result<ReplayJobRecord>>& future, Deadline deadline) {
  if (future.wait_until(deadline) == std::future_status::ready) return future.get();
  return Status(Code::DEADLINE_EXCEEDED, "the job was not written in time; it may be all the same");
}

ReplayJob::Then told(const std::shared_ptr<Promise>& promise) {
  return [promise](Result<ReplayJobRecord> record) { promise->set_value(std::move(record)); };
}

Status check(engine::Engine& engine, const model::ReplayOptions& options) {
  LZ_RETURN_IF_ERROR(hospital::check(options));
  return options.to.empty() ? Status() : check_destination(engine, options.to);
}

Status no_job(ReplayJobId id) { return Status(Code::NOT_FOUND, "there is no replay job " + std::to_string(id.value)); }

}  // namespace

ReplayJobs::ReplayJobs(engine::Engine& engine)
    : engine_(engine),
      desk_(engine::Desk::open(engine)),
      tools_{engine, *desk_, mailbox_, [this](const ReplayJobRecord& record) { remember(record); }} {}

Result<std::unique_ptr<ReplayJobs>> ReplayJobs::start(engine::Engine& engine) {
  std::unique_ptr<ReplayJobs> jobs(new ReplayJobs(engine));
  if (Status status = jobs->recover(); !status.ok()) return status;
  jobs->thread_ = std::thread([raw = jobs.get()] { raw->run(); });
  return jobs;
}

ReplayJobs::~ReplayJobs() { stop(); }

/// The jobs go first: a job that has been told nothing by then looks again at the next start.
void ReplayJobs::stop() {
  mailbox_->close();
  if (thread_.joinable()) thread_.join();
  desk_->close();
  for (const Mailbox::Letter& letter : mailbox_->take({})) letter();
  for (const auto& [id, job] : open_) job->abandon();
  open_.clear();
}

Status ReplayJobs::recover() {
  auto records = engine_.store().read_replay_jobs();
  if (!records.ok()) return records.status();
  const Instant now = engine_.now();
  for (ReplayJobRecord& record : *records) {
    last_id_ = std::max(last_id_, record.id.value);
    records_[record.id] = record;
    if (is_settled(record, 0)) continue;
    const auto job = std::make_shared<ReplayJob>(tools_, std::move(record));
    job->go_on(now);
    open_.emplace(job->record().id, job);
  }
  rest();
  return {};
}

void ReplayJobs::run() {
  engine::name_thread("lz-replays");
  while (!mailbox_->closed()) {
    horizon_.works(engine_.now());
    drive();
    rest();
    const std::vector<Mailbox::Letter> letters = mailbox_->take(patience_);
    horizon_.works(engine_.now());
    for (const Mailbox::Letter& letter : letters) letter();
    rest();
  }
}

void ReplayJobs::rest() {
  Instant unsaved = Instant::never();
  for (const auto& [id, job] : open_) unsaved = std::min(unsaved, job->unsaved_end());
  horizon_.rests(unsaved);
}

void ReplayJobs::drive() {
  patience_ = kIdle;
  const Instant now = engine_.now();
  for (auto& [id, job] : open_) patience_ = std::min(patience_, job->work(now));
  const std::size_t ended = std::erase_if(open_, [](const auto& one) { return one.second->is_over(); });
  if (ended > 0) forget_oldest();
}

void ReplayJobs::remember(const ReplayJobRecord& record) {
  const std::lock_guard lock(mutex_);
  records_[record.id] = record;
}

void ReplayJobs::forget_oldest() {
  const std::lock_guard lock(mutex_);
  while (records_.size() > model::limits::kReplayJobsKept + open_.size()) {
    const auto oldest =
        std::find_if(records_.begin(), records_.end(), [this](const auto& one) { return !open_.contains(one.first); });
    if (oldest == records_.end()) return;
    desk_->ask(model::ShardId(0), model::ForgetReplayJob{{}, oldest->first}, [](model::Answer&&) {});
    records_.erase(oldest);
  }
}

Result<ReplayJobRecord> ReplayJobs::create(NewReplayJob wanted, Deadline deadline) {
  if (Status status = check(engine_, wanted.options); !status.ok()) return status;
  const auto promise = std::make_shared<Promise>();
  auto future = promise->get_future();
  const bool taken = mailbox_->post([this, promise, wanted = std::move(wanted)]() mutable {
    const auto job = add(std::move(wanted), engine_.now(), told(promise));
    if (!job.ok()) promise->set_value(job.status());
  });
  if (!taken) return Status(Code::SHUTTING_DOWN);
  return wait(future, deadline);
}

Result<ReplayJobRecord> ReplayJobs::add(NewReplayJob wanted, Instant now, ReplayJob::Then then) {
  if (mailbox_->closed()) return Status(Code::SHUTTING_DOWN);
  if (open_.size() >= model::limits::kReplayJobsOpen) {
    return Status(Code::RESOURCE_EXHAUSTED,
                  "there are " + std::to_string(open_.size()) + " replay jobs that have not ended; cancel one, or wait")
        .with_limit("replay_jobs", static_cast<std::int64_t>(model::limits::kReplayJobsOpen));
  }
  ReplayJobRecord record;
  record.id = ReplayJobId(last_id_ + 1);
  record.by_ids = wanted.ids.has_value();
  record.options = wanted.options;
  record.created_at = now;
  record.created_by = wanted.created_by;
  if (!record.by_ids) {
    const auto query = model::parse_case_query(wanted.filter, now);
    if (!query.ok()) return query.status();
    record.filter = model::to_text(*query);
  }
  const auto job = std::make_shared<ReplayJob>(tools_, std::move(record));
  if (wanted.ids) job->choose_these(std::move(*wanted.ids), now);
  ++last_id_;
  job->save_first(std::move(then));
  open_.emplace(job->record().id, job);
  return job->record();
}

Result<ReplayJobRecord> ReplayJobs::change(ReplayJobId id, ReplayVerb verb, Deadline deadline) {
  const auto promise = std::make_shared<Promise>();
  auto future = promise->get_future();
  const bool taken = mailbox_->post([this, promise, id, verb] {
    if (mailbox_->closed()) return promise->set_value(Status(Code::SHUTTING_DOWN));
    const auto job = open_.find(id);
    if (job != open_.end()) {
      const Status status = job->second->apply(verb, engine_.now(), told(promise));
      if (!status.ok()) promise->set_value(status);
      return;
    }
    auto over = find(id);
    if (over.ok()) {
      const Status status = hospital::apply(verb, *over, engine_.now());
      over->recalling = false;  // nothing is out
      if (!status.ok()) over = status;
    }
    promise->set_value(std::move(over));
  });
  if (!taken) return Status(Code::SHUTTING_DOWN);
  return wait(future, deadline);
}

Result<ReplayJobRecord> ReplayJobs::find(ReplayJobId id) const {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(id);
  if (found == records_.end()) return no_job(id);
  return found->second;
}

std::vector<ReplayJobRecord> ReplayJobs::list(std::optional<ReplayJobId> before, std::size_t max) const {
  const std::lock_guard lock(mutex_);
  std::vector<ReplayJobRecord> newest;
  auto at = before ? records_.lower_bound(*before) : records_.end();
  while (at != records_.begin() && newest.size() < max) newest.push_back((--at)->second);
  return newest;
}

std::vector<ReplayJobRecord> ReplayJobs::ended_since(Instant since) const {
  const std::lock_guard lock(mutex_);
  std::vector<ReplayJobRecord> ended;
  for (const auto& [id, record] : records_) {
    if (model::has_ended(record.state) && record.ended_at > since) ended.push_back(record);
  }
  return ended;
}

Result<ReplayedPage> ReplayJobs::cases(ReplayJobId id, const ReplayedQuery& query, std::uint64_t from,
                                       std::size_t max) const {
  const auto job = find(id);
  if (!job.ok()) return job.status();
  ReplayedPage page;
  model::ReplayChunk chunk;
  for (std::uint64_t position = from; position < job->total; ++position) {
    if (page.cases.size() == max || position - from == model::limits::kReplayLooks) {
      page.next = position;
      break;
    }
    const std::uint64_t index = job->index_at(position);
    const auto number = static_cast<std::uint32_t>(index / model::limits::kReplayChunkCases);
    if (chunk.cases.empty() || chunk.number != number) {
      auto read = engine_.store().read_replay_chunk(id, number);
      if (!read.ok()) return read.status();
      chunk = std::move(*read);
    }
    const auto place = static_cast<std::uint32_t>(index % model::limits::kReplayChunkCases);
    if (place >= chunk.cases.size()) return Status(Code::STORAGE_DAMAGED, "part of replay job is missing");
    ReplayedCase one{chunk.cases[place]};
    if (place < chunk.outcomes.size()) one.outcome = chunk.outcomes[place];
    if (query.outcome && one.outcome != *query.outcome) continue;
    if (query.subscription && std::pair(one.id.shard, one.id.subscription) != *query.subscription) continue;
    for (const model::ReplayRefusal& refusal : chunk.refusals) {
      if (refusal.place == place) one.because = refusal.code;
    }
    page.cases.push_back(one);
  }
  return page;
}

Result<std::vector<ReplayJobRecord>> ReplayJobs::waiting_for_version(model::ShardId shard,
                                                                     model::SubscriptionId subscription) const {
  std::vector<ReplayJobRecord> waiting;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, record] : records_) {
      if (record.waiting_for_version) waiting.push_back(record);
    }
  }
  const ReplayedQuery unsent{model::ReplayOutcome::none, std::pair(shard, subscription)};
  std::vector<ReplayJobRecord> concerned;
  for (ReplayJobRecord& record : waiting) {
    std::optional<std::uint64_t> from = 0;
    bool found = false;
    while (from && !found && *from < model::limits::kReplayWaitLooks) {
      const auto page = cases(record.id, unsent, *from, 1);
      if (page.code() == Code::NOT_FOUND) break;  // forgotten meanwhile
      if (!page.ok()) return page.status();
      found = !page->cases.empty();
      from = page->next;
    }
    if (found) concerned.push_back(std::move(record));
  }
  return concerned;
}

Result<Counted> ReplayJobs::count(const NewReplayJob& wanted, Deadline deadline) const {
  if (Status status = check(engine_, wanted.options); !status.ok()) return status;
  Counted counted;
  if (wanted.ids) {
    for (const model::CaseId& id : *wanted.ids) {
      const auto record = engine_.store().read_case(id);
      if (!record.ok() && record.code() != Code::NOT_FOUND) return record.status();
      counted.count += record.ok() && record->state == model::CaseState::admitted ? 1 : 0;
    }
    return counted;
  }
  auto query = model::parse_case_query(wanted.filter, engine_.now());
  if (!query.ok()) return query.status();
  model::with_state(*query, model::CaseState::admitted);
  std::string cursor;
  do {
    const auto page = engine_.store().count_cases(*query, cursor);
    if (!page.ok()) return page.status();
    counted.count += page->count;
    cursor = page->cursor;
    counted.more = !cursor.empty();
  } while (counted.more && std::chrono::steady_clock::now() < deadline);
  return counted;
}

Result<Counted> ReplayJobs::newer(const ReplayJobRecord& job) const {
  Counted counted;
  if (job.by_ids) return counted;
  auto query = model::parse_case_query(job.filter, job.created_at);
  if (!query.ok()) return query.status();
  model::with_state(*query, model::CaseState::admitted);
  model::CaseTerm since;
  since.field = model::CaseTerm::Field::admitted;
  since.op = model::CaseTerm::Operator::greater;
  since.number = job.created_at.us;
  query->terms.push_back(since);
  std::string cursor;
  int pages = 0;
  do {
    const auto page = engine_.store().list_cases(*query, cursor, model::limits::kPageItems);
    if (!page.ok()) return page.status();
    // Those that it has replayed itself, and that have failed again, are not new to it.
    counted.count += static_cast<std::uint64_t>(std::count_if(
        page->cases.begin(), page->cases.end(), [&](const auto& record) { return record.replay_job != job.id; }));
    cursor = page->cursor;
    counted.more = !cursor.empty();
  } while (counted.more && ++pages < kNewerPages);
  return counted;
}

}  // namespace lazaret::hospital
