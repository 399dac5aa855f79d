#include <rocksdb/env.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <random>
#include <type_traits>
#include <utility>

#include "engine/desk.h"
#include "engine/engine.h"
#include "lazaret/testing.h"
#include "net/server.h"
#include "storage/rocks_store.h"
#include "testing/virtual_clock.h"
#include "wire/envelope.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using base::Code;
using base::Status;

/// So many moments of an advance are taken one by one, and the rest of it in so many steps.
constexpr int kExactMoments = 10'000;
constexpr int kCoarseSteps = 1'000;
constexpr auto kLongestAdvance = std::chrono::hours(24 * 36'525);
/// How long a shard may take for a question.
constexpr auto kAskLimit = 30s;
constexpr std::size_t kCasesAPage = 1'000;

[[noreturn]] void fail(const Status& status) {
  const base::ErrorInfo& info = base::error_info(status.code());
  Problem problem;
  problem.code = info.name;
  problem.fault = base::to_string(info.fault);
  problem.retry = base::to_string(info.retry);
  problem.text = status.text();
  throw Error(static_cast<errc>(info.code), std::move(problem));
}

template <class T>
T value_or_throw(base::Result<T> result) {
  if (!result.ok()) fail(result.status());
  return std::move(*result);
}

/// What is in memory is not to be trusted after a write that failed, and there is nobody to tell.
[[noreturn]] void end_process(const Status& status) {
  std::fprintf(stderr, "InMemoryBroker: the storage failed: %s\n", status.text().c_str());
  std::abort();
}

std::uint64_t random_number() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

base::Instant instant_of(InMemoryBroker::Time time) {
  return {std::chrono::duration_cast<base::Duration>(time.time_since_epoch()).count()};
}

/// An empty folder, for as long as the storage looks whether it may begin there. The files are in memory, by its name.
class FolderForAMoment {
 public:
  /// "": under a new name, which it puts there.
  explicit FolderForAMoment(std::string& path) : path_(path) {
    if (!path.empty()) return;
    path = (std::filesystem::temp_directory_path() / "lazaret-testing-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) {
      fail(Status(Code::STORAGE_FAILED, "cannot make a folder for a moment: " + path));
    }
  }
  ~FolderForAMoment() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  FolderForAMoment(const FolderForAMoment&) = delete;

 private:
  const std::string& path_;
};

engine::EngineConfig engine_config() {
  engine::EngineConfig config;
  // By a clock that stands still, acks that wait for company would wait for ever, and confirms for consumers too.
  config.ack_sync_max = base::Duration(0);
  config.confirm_hold_max = base::Duration(0);
  // The disk is this machine's memory, and nobody can say how much of that is free.
  config.disk_reserve_bytes = 0;
  config.disk_reserve_percent = 0;
  config.seed = random_number();
  config.read_facts = [](const model::Message& message, model::MessageFacts& facts) {
    wire::read_facts(message.envelope.view(), facts);
  };
  config.reply_envelope = wire::reply_envelope;
  config.key_of = [](const model::Message& message) { return wire::key_hash(message.envelope.view()); };
  config.on_fatal = end_process;
  return config;
}

net::ServerConfig server_config(const InMemoryBroker::Options& options, std::uint16_t port, base::Instant now) {
  net::ServerConfig config;
  config.port = port;
  config.io_threads = 1;
  config.auto_create = options.auto_create;
  config.broker_instance = base::Uuid::v7(now.us / 1000, random_number(), random_number());
  config.broker_version = LAZARET_VERSION;
  return config;
}

/// Asks a shard and waits for its answer.
template <class Answer, class Command>
Answer ask(engine::Desk& desk, model::ShardId shard, Command command) {
  auto promise = std::make_shared<std::promise<model::Answer>>();
  auto pending = promise->get_future();
  desk.ask(shard, std::move(command), [promise](model::Answer&& answer) { promise->set_value(std::move(answer)); });
  if (pending.wait_for(kAskLimit) != std::future_status::ready) {
    fail(Status(Code::DEADLINE_EXCEEDED, "a shard has not answered"));
  }
  model::Answer answer = pending.get();
  auto* one = std::get_if<Answer>(&answer);
  if (one == nullptr) fail(Status(Code::INTERNAL, "a shard gave another answer than was asked for"));
  if (!one->status.ok()) fail(one->status);
  return std::move(*one);
}

}  // namespace

struct InMemoryBroker::Impl {
  explicit Impl(Options given)
      : options(given),
        clock(instant_of(given.start == Time() ? std::chrono::system_clock::now() : given.start)),
        files(rocksdb::NewMemEnv(rocksdb::Env::Default())) {
    start();
  }
  ~Impl() { stop(); }

  void start();
  void stop();
  void become_quiet(std::uint64_t& silent);
  Case case_of(const model::CaseRecord& record) const;
  Body body_of(const model::CaseId& id) const;

  const Options options;
  VirtualClock clock;
  const std::unique_ptr<rocksdb::Env> files;
  std::string folder;  // its name in `files`, from the first start on
  std::uint16_t port = 0;
  std::string url;

  std::unique_ptr<model::Store> store;
  // The engine's sessions live on the server's threads, so the server goes last.
  std::unique_ptr<net::Server> server;
  std::unique_ptr<engine::Engine> engine;
  std::shared_ptr<engine::Desk> desk;
};

void InMemoryBroker::Impl::start() {
  {
    const FolderForAMoment moment(folder);
    storage::StoreOptions store_options;
    store_options.data_dir = folder;
    store_options.env = files.get();
    store = value_or_throw(storage::open_store(store_options));
  }
  auto recovered = value_or_throw(store->recover());
  engine = value_or_throw(engine::Engine::start(engine_config(), *store, std::move(recovered), clock));
  server = value_or_throw(net::Server::listen(server_config(options, port, clock.now()), *engine));
  const std::string address = server->address();
  port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  if (url.empty()) url = "lazaret://" + address;
  desk = engine::Desk::open(*engine);
  server->serve("");
}

void InMemoryBroker::Impl::stop() {
  if (desk != nullptr) desk->close();
  if (server != nullptr) server->stop();
  if (engine != nullptr) engine->stop();
  desk.reset();
  engine.reset();
  server.reset();
  store.reset();
  clock.forget_engine();
}

/// `silent`: so many messages are with consumers that have been waited for in vain.
void InMemoryBroker::Impl::become_quiet(std::uint64_t& silent) {
  using Clock = std::chrono::steady_clock;
  const auto limit = Clock::now() + options.limit;
  auto patience = Clock::now() + options.patience;
  // What becomes of messages is written; what a consumer merely says of itself is not.
  std::pair<std::uint64_t, std::uint64_t> seen;
  while (true) {
    const auto page = clock.wait_for_rest(limit);
    if (!page || Clock::now() >= limit) {
      fail(Status(Code::DEADLINE_EXCEEDED, "the broker has not become quiet: there is always something to do"));
    }
    const engine::EngineStats stats = engine->stats();
    if (stats.out <= silent) {
      silent = stats.out;
      if (clock.is_at(*page)) return;
      continue;
    }
    const auto sees = std::pair(stats.out, stats.commits);
    if (std::exchange(seen, sees) != sees) patience = Clock::now() + options.patience;
    const bool patient = Clock::now() < patience;
    if (patient) {
      clock.wait_for_change(*page, std::min(limit, patience));
    } else {
      silent = stats.out;
    }
  }
}

Body InMemoryBroker::Impl::body_of(const model::CaseId& id) const {
  const auto page = store->read_messages(id.shard, id.log, id.offset, id.offset.next(), 1, 1);
  if (!page.ok()) fail(page.status());
  for (const model::PagedMessage& one : page->messages) {
    if (one.offset == id.offset && one.message != nullptr) return Body(one.message->body.view());
  }
  return {};
}

InMemoryBroker::Case InMemoryBroker::Impl::case_of(const model::CaseRecord& record) const {
  Case one;
  one.id = record.id.to_string();
  one.queue = record.subscription;
  one.reason = model::to_string(record.reason);
  one.state = model::to_string(record.state);
  one.attempts = record.attempt_count;
  one.error_type = record.last_error.type;
  one.error = record.last_error.message;
  one.type = record.summary.type;
  one.key = record.summary.key;
  one.body = body_of(record.id);
  return one;
}

InMemoryBroker::InMemoryBroker() : InMemoryBroker(Options()) {}
InMemoryBroker::InMemoryBroker(Options options) : impl_(std::make_unique<Impl>(options)) {}
InMemoryBroker::~InMemoryBroker() = default;

const std::string& InMemoryBroker::url() const { return impl_->url; }

InMemoryBroker::Time InMemoryBroker::now() const {
  return Time(std::chrono::duration_cast<Time::duration>(base::Duration(impl_->clock.now().us)));
}

void InMemoryBroker::advance(std::chrono::microseconds by) {
  if (by.count() < 0 || by > kLongestAdvance)
    fail(Status(Code::BAD_REQUEST, "time goes on, by a hundred years at most"));
  VirtualClock& clock = impl_->clock;
  const base::Instant target = clock.now() + by;
  std::uint64_t silent = 0;
  clock.look();
  impl_->become_quiet(silent);
  base::Duration step{0};
  for (int moments = 1; clock.next() < target; ++moments) {
    if (moments == kExactMoments) step = std::max((target - clock.now()) / kCoarseSteps, base::Duration(1));
    clock.move_to(std::min(std::max(clock.next(), clock.now() + step), target));
    impl_->become_quiet(silent);
  }
  clock.move_to(target);
  impl_->become_quiet(silent);
}

std::vector<InMemoryBroker::Case> InMemoryBroker::cases(std::string_view queue) const {
  model::CaseQuery filter;
  if (!queue.empty()) model::with_text(filter, model::CaseTerm::Field::subscription, std::string(queue));
  std::vector<Case> cases;
  std::string cursor;
  do {
    const auto page = impl_->store->list_cases(filter, cursor, kCasesAPage);
    if (!page.ok()) fail(page.status());
    for (const model::CaseRecord& record : page->cases) cases.push_back(impl_->case_of(record));
    cursor = page->cursor;
  } while (!cursor.empty());
  return cases;
}

void InMemoryBroker::replay(std::string_view id) {
  const auto parsed = model::CaseId::parse(id);
  if (!parsed || parsed->shard.value >= impl_->engine->shard_count()) {
    fail(Status(Code::NOT_FOUND, "there is no case " + std::string(id)));
  }
  const model::CaseRecord record = value_or_throw(impl_->store->read_case(*parsed));
  if (record.state != model::CaseState::admitted) {
    fail(Status(Code::CASE_BUSY, "case " + std::string(id) + " is " + std::string(model::to_string(record.state))));
  }
  ask<model::CaseDone>(*impl_->desk, parsed->shard,
                       model::ReplayCaseCommand{{}, *parsed, record.attempt_count, record.summary.priority});
}

InMemoryBroker::Queue InMemoryBroker::queue(std::string_view name) const {
  const engine::QueueRef record = impl_->engine->directory().find(name);
  if (record == nullptr) fail(Status(Code::NOT_FOUND, "there is no queue or subscription " + std::string(name)));
  const auto stats = ask<model::QueueStats>(*impl_->desk, record->shard, model::ShowQueue{{}, record->subscription});
  Queue queue;
  queue.ready = stats.ready;
  queue.leased = stats.leased;
  queue.waiting = stats.waiting;
  queue.scheduled = stats.scheduled;
  queue.held = stats.held;
  queue.in_hospital = stats.counters.in_hospital;
  queue.entered_total = stats.counters.entered;
  queue.acked_total = stats.counters.acked;
  queue.expired_total = stats.counters.expired;
  queue.consumers = stats.consumers.size();
  return queue;
}

void InMemoryBroker::restart() {
  impl_->stop();
  impl_->start();
}

}  // namespace lazaret::testing
