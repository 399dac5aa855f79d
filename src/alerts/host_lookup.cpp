#include "alerts/host_lookup.h"

#include <netdb.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/thread_name.h"

namespace lazaret::alerts {
namespace {

namespace asio = boost::asio;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

}  // namespace

/// What the thread that asks shares with whoever waits.
class HostLookup::Asking {
 public:
  /// On the thread that asks. `wake` is called before this returns, or not at all.
  void found(Found found) {
    const std::lock_guard lock(mutex_);
    found_ = std::move(found);
    found_at_ = std::chrono::steady_clock::now();
    if (wake_) wake_();
  }
  bool is_done() const {
    const std::lock_guard lock(mutex_);
    return found_.has_value();
  }
  /// False: it is there, and nobody will be woken.
  bool wake_with(std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
    return !found_.has_value();
  }
  /// Nothing is found yet, or what was found after somebody's patience was over, and may still be true.
  bool is_worth_waiting_for(std::chrono::steady_clock::duration fresh_for) const {
    const std::lock_guard lock(mutex_);
    if (!found_) return true;
    return !taken_ && std::chrono::steady_clock::now() - found_at_ < fresh_for;
  }
  /// What was found; nobody is woken any more.
  std::optional<Found> take() {
    const std::lock_guard lock(mutex_);
    wake_ = nullptr;
    taken_ = found_.has_value();
    return found_;
  }

 private:
  mutable std::mutex mutex_;
  std::optional<Found> found_;                      // GUARDED_BY(mutex_)
  std::chrono::steady_clock::time_point found_at_;  // GUARDED_BY(mutex_)
  bool taken_ = false;                              // GUARDED_BY(mutex_)
  std::function<void()> wake_;                      // GUARDED_BY(mutex_)
};

/// A thread that was not joined must not be destroyed, and one that the system keeps cannot be: so this never is.
class HostLookup::LeftBehind {
 public:
  static LeftBehind& all() {
    static auto* const all = new LeftBehind();
    return *all;
  }
  void add(std::thread thread, std::shared_ptr<Asking> asking) {
    const std::lock_guard lock(mutex_);
    threads_.push_back({std::move(thread), std::move(asking)});
  }
  std::size_t join_ended() {
    const std::lock_guard lock(mutex_);
    std::erase_if(threads_, [](Left& one) {
      const bool ended = one.asking->is_done();
      if (ended) one.thread.join();
      return ended;
    });
    return threads_.size();
  }

 private:
  struct Left {
    std::thread thread;
    std::shared_ptr<Asking> asking;
  };
  std::mutex mutex_;
  std::vector<Left> threads_;  // GUARDED_BY(mutex_)
};

std::size_t HostLookup::left_behind() { return LeftBehind::all().join_ended(); }

HostLookup::Found HostLookup::ask_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (failed != 0) return {::gai_strerror(failed), {}};
  Found found;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    asio::ip::tcp::endpoint endpoint;
    if (one->ai_addrlen > endpoint.capacity()) continue;
    std::copy_n(reinterpret_cast<const char*>(one->ai_addr), one->ai_addrlen, reinterpret_cast<char*>(endpoint.data()));
    endpoint.resize(one->ai_addrlen);
    found.addresses.push_back(endpoint.address());
  }
  ::freeaddrinfo(list);
  if (found.addresses.empty()) found.problem = "it has no address";
  return found;
}

HostLookup::HostLookup(asio::io_context& io, Ask ask, std::chrono::steady_clock::duration fresh_for)
    : io_(io), ask_(std::move(ask)), fresh_for_(fresh_for), patience_(io) {}

HostLookup::~HostLookup() {
  if (asking_ == nullptr) return;
  asking_->take();
  end();
}

void HostLookup::begin(std::string host) {
  end();
  asking_ = std::make_shared<Asking>();
  thread_ = std::thread([asking = asking_, ask = ask_, host = std::move(host)] {
    engine::name_thread("lz-lookup");
    asking->found(ask(host));
  });
}

void HostLookup::end() {
  if (!thread_.joinable()) return;
  if (asking_->is_done()) {
    thread_.join();
  } else {
    LeftBehind::all().add(std::move(thread_), asking_);
  }
}

asio::awaitable<HostLookup::Found> HostLookup::find(std::string host, std::chrono::steady_clock::duration patience) {
  if (cancelled_) co_return Found{"the broker stops", {}};
  if (asking_ == nullptr || !asking_->is_worth_waiting_for(fresh_for_)) begin(std::move(host));
  const auto deadline = std::chrono::steady_clock::now() + patience;
  const auto wake = [this] { asio::post(io_, [this] { patience_.cancel(); }); };
  // What wakes may be of a question before, whose patience was over just then.
  while (asking_->wake_with(wake) && !cancelled_ && std::chrono::steady_clock::now() < deadline) {
    patience_.expires_at(deadline);
    co_await patience_.async_wait(kAwait);
  }
  const auto found = asking_->take();
  if (cancelled_) co_return Found{"the broker stops", {}};
  co_return found.value_or(Found{"it took too long", {}});
}

void HostLookup::cancel() {
  cancelled_ = true;
  patience_.cancel();
}

}  // namespace lazaret::alerts
