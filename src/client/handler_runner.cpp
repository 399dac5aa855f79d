#include "client/handler_runner.h"

#include <cxxabi.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <thread>

namespace lazaret::detail {
namespace {

std::string type_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(type.name(), nullptr, nullptr, &status),
                                                    std::free);
  return status == 0 ? std::string(name.get()) : std::string(type.name());
}

/// What a handler threw, as the attempt's error.
Verdict verdict_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    const char* what = error.what();
    return Verdict::fail(what == nullptr ? "" : what, type_name(typeid(error)));
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    return Verdict::fail("the handler threw something that is no std::exception", type ? type_name(*type) : "unknown");
  }
}

std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

void mark_begun(Work& work, std::int64_t at_ns) { work.began_ns.store(at_ns, std::memory_order_release); }

thread_local HandlersOf current;

/// The calling thread is in a handler, until this ends.
class Inside {
 public:
  explicit Inside(HandlersOf owner) : before_(std::exchange(current, owner)) {}
  ~Inside() { current = before_; }
  Inside(const Inside&) = delete;

 private:
  const HandlersOf before_;
};

// --- Plain functions -------------------------------------------------------------------------------------------------

/// What those who serve share with their runner: it outlives the runner for as long as a handler does not return.
struct Pool {
  Pool(const AnyHandler& handler_, HandlersOf owner_, Reports reports_)
      : handler(handler_), owner(owner_), reports(std::move(reports_)) {}

  const AnyHandler handler;
  const HandlersOf owner;
  const Reports reports;
  std::mutex mutex;
  std::condition_variable not_empty;
  std::deque<WorkRef> waiting;  // GUARDED_BY(mutex)
  std::size_t serving = 0;      // GUARDED_BY(mutex): those who will look for the next one
  bool stopping = false;        // GUARDED_BY(mutex)
};

Verdict run(const Pool& pool, Delivery& delivery) {
  const Inside inside(pool.owner);
  try {
    return pool.handler.plain(delivery);
  } catch (...) {
    return verdict_of(std::current_exception());
  }
}

/// The next one, which begins now; null when there is none, and whoever asked serves no longer. Under the lock, so that
/// what take_back leaves has begun.
WorkRef begin_next(Pool& pool, std::int64_t at_ns) {
  if (pool.stopping || pool.waiting.empty()) {
    --pool.serving;
    return nullptr;
  }
  WorkRef work = std::move(pool.waiting.front());
  pool.waiting.pop_front();
  mark_begun(*work, at_ns);
  return work;
}

void serve_from(Pool& pool, WorkRef work) {
  while (work != nullptr) {
    Verdict verdict = run(pool, work->delivery);
    work->ended_ns = now_ns();
    WorkRef next;
    {
      const std::lock_guard lock(pool.mutex);
      next = begin_next(pool, work->ended_ns);
    }
    const bool more = next != nullptr;
    pool.reports.tell(std::exchange(work, std::move(next)), std::move(verdict), more);
  }
}

/// The life of a thread.
void serve_always(const std::shared_ptr<Pool>& pool) {
  for (;;) {
    WorkRef work;
    {
      std::unique_lock lock(pool->mutex);
      pool->not_empty.wait(lock, [&] { return pool->stopping || !pool->waiting.empty(); });
      if (pool->stopping) return;
      ++pool->serving;
      work = begin_next(*pool, now_ns());
    }
    serve_from(*pool, std::move(work));
  }
}

/// A turn on an executor, which is counted in `serving` since it was posted.
void serve_turn(Pool& pool) {
  WorkRef work;
  {
    const std::lock_guard lock(pool.mutex);
    work = begin_next(pool, now_ns());
  }
  serve_from(pool, std::move(work));
}

/// Those who serve it differ in how they are called to work.
class PoolRunner : public HandlerRunner {
 public:
  PoolRunner(const AnyHandler& handler, std::size_t concurrency, HandlersOf owner, Reports reports)
      : concurrency_(concurrency), pool_(std::make_shared<Pool>(handler, owner, std::move(reports))) {}
  ~PoolRunner() override { PoolRunner::stop(); }

  void submit(std::vector<WorkRef> works) override {
    std::size_t servers;
    {
      const std::lock_guard lock(pool_->mutex);
      for (WorkRef& work : works) pool_->waiting.push_back(std::move(work));
      servers = std::min(pool_->waiting.size(), concurrency_ - pool_->serving);
      if (on_call_) pool_->serving += servers;
    }
    for (; servers > 0; --servers) call_one();
  }

  std::vector<WorkRef> take_back() override {
    const std::lock_guard lock(pool_->mutex);
    std::vector<WorkRef> works(pool_->waiting.begin(), pool_->waiting.end());
    pool_->waiting.clear();
    return works;
  }

  void stop() override {
    {
      const std::lock_guard lock(pool_->mutex);
      pool_->stopping = true;
    }
    pool_->not_empty.notify_all();
  }

 protected:
  virtual void call_one() = 0;

  const std::size_t concurrency_;
  const std::shared_ptr<Pool> pool_;
  bool on_call_ = false;  // whoever is called serves, and ends
};

/// Threads of its own.
class ThreadRunner final : public PoolRunner {
 public:
  ThreadRunner(const AnyHandler& handler, std::size_t concurrency, HandlersOf owner, Reports reports)
      : PoolRunner(handler, concurrency, owner, std::move(reports)) {
    // Detached on purpose: a handler that never returns must not keep its client from closing.
    for (std::size_t i = 0; i < concurrency; ++i) std::thread(serve_always, pool_).detach();
  }

 private:
  void call_one() override { pool_->not_empty.notify_one(); }
};

/// The user's executor.
class ExecutorRunner final : public PoolRunner {
 public:
  ExecutorRunner(const AnyHandler& handler, std::size_t concurrency, asio::any_io_executor run_on, HandlersOf owner,
                 Reports reports)
      : PoolRunner(handler, concurrency, owner, std::move(reports)), run_on_(std::move(run_on)) {
    on_call_ = true;
  }

 private:
  void call_one() override {
    asio::post(run_on_, [pool = pool_] { serve_turn(*pool); });
  }

  const asio::any_io_executor run_on_;
};

// --- Coroutines ------------------------------------------------------------------------------------------------------

/// The user's executor, on which every step of a coroutine knows that it is one of a handler.
class HandlerExecutor {
 public:
  HandlerExecutor(asio::any_io_executor inner, HandlersOf owner) : inner_(std::move(inner)), owner_(owner) {}

  template <class Call>
  void execute(Call&& call) const {
    inner_.execute([owner = owner_, step = std::forward<Call>(call)]() mutable {
      const Inside inside(owner);
      std::move(step)();
    });
  }
  template <class Property>
  requires asio::can_query_v<const asio::any_io_executor&, Property>
  auto query(const Property& property) const -> decltype(auto) { return asio::query(inner_, property); }
  template <class Property>
  requires asio::can_require_v<const asio::any_io_executor&, Property> HandlerExecutor require(const Property& property)
  const { return {asio::require(inner_, property), owner_}; }
  template <class Property>
  requires asio::can_prefer_v<const asio::any_io_executor&, Property> HandlerExecutor prefer(const Property& property)
  const { return {asio::prefer(inner_, property), owner_}; }
  bool operator==(const HandlerExecutor& other) const noexcept { return inner_ == other.inner_; }

 private:
  asio::any_io_executor inner_;
  HandlersOf owner_;
};

class CoroutineRunner final : public HandlerRunner, public std::enable_shared_from_this<CoroutineRunner> {
 public:
  CoroutineRunner(const AnyHandler& handler, std::size_t concurrency, asio::any_io_executor run_on, Reports reports)
      : handler_(handler), concurrency_(concurrency), run_on_(std::move(run_on)), reports_(std::move(reports)) {}

  void submit(std::vector<WorkRef> works) override {
    {
      const std::lock_guard lock(mutex_);
      for (WorkRef& work : works) waiting_.push_back(std::move(work));
    }
    begin_next();
  }

  std::vector<WorkRef> take_back() override {
    const std::lock_guard lock(mutex_);
    std::vector<WorkRef> works(waiting_.begin(), waiting_.end());
    waiting_.clear();
    return works;
  }

  void stop() override {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    waiting_.clear();
  }

 private:
  void begin_next() {
    for (;;) {
      WorkRef work;
      {
        const std::lock_guard lock(mutex_);
        if (stopping_ || waiting_.empty() || running_ == concurrency_) return;
        work = std::move(waiting_.front());
        waiting_.pop_front();
        ++running_;
        mark_begun(*work, now_ns());
      }
      auto self = shared_from_this();
      asio::co_spawn(run_on_, handler_.coroutine(work->delivery),
                     [self, work](const std::exception_ptr& thrown, std::optional<Verdict> verdict) {
                       self->ended(work, thrown ? verdict_of(thrown) : std::move(*verdict));
                     });
    }
  }

  void ended(const WorkRef& work, Verdict verdict) {
    {
      const std::lock_guard lock(mutex_);
      --running_;
    }
    work->ended_ns = now_ns();
    reports_.tell(work, std::move(verdict), false);
    begin_next();
  }

  AnyHandler handler_;
  const std::size_t concurrency_;
  asio::any_io_executor run_on_;
  Reports reports_;
  std::mutex mutex_;
  std::deque<WorkRef> waiting_;  // GUARDED_BY(mutex_)
  std::size_t running_ = 0;      // GUARDED_BY(mutex_)
  bool stopping_ = false;        // GUARDED_BY(mutex_)
};

}  // namespace

bool is_inside_handler_of(const void* owner) { return current.client == owner || current.consumer == owner; }

std::shared_ptr<HandlerRunner> make_runner(const AnyHandler& handler, int concurrency,
                                           const asio::any_io_executor& run_on, const asio::any_io_executor& own,
                                           HandlersOf owner, Reports reports) {
  const auto most = static_cast<std::size_t>(concurrency);
  if (handler.coroutine) {
    return std::make_shared<CoroutineRunner>(handler, most, HandlerExecutor(run_on ? run_on : own, owner),
                                             std::move(reports));
  }
  if (run_on) return std::make_shared<ExecutorRunner>(handler, most, run_on, owner, std::move(reports));
  return std::make_shared<ThreadRunner>(handler, most, owner, std::move(reports));
}

}  // namespace lazaret::detail
