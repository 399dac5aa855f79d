#include "net/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <random>
#include <thread>
#include <unordered_set>

#include "base/assert.h"
#include "engine/thread_name.h"
#include "net/session.h"

namespace lazaret::net {
namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
/// How long accepting rests when the process has no file descriptors left.
constexpr auto kAcceptRest = std::chrono::milliseconds(100);
constexpr auto kStopTime = std::chrono::seconds(3);

/// Why a connection is not taken: its descriptor is one that connections leave for others. The kernel gives out the
/// lowest that is free, so its number says how many are in use.
base::Status check_descriptor(int descriptor) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return {};
  const auto left = std::min<rlim_t>(model::limits::kDescriptorsLeft, limit.rlim_cur / 2);
  if (static_cast<rlim_t>(descriptor) < limit.rlim_cur - left) return {};
  return base::Status(base::Code::LIMIT_REACHED, "the broker's process may not open more files")
      .with_limit("open_files", static_cast<std::int64_t>(limit.rlim_cur));
}

/// One I/O thread and the sessions pinned to it.
struct Lane {
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  std::thread thread;
};

}  // namespace

struct Server::Impl {
  Impl(ServerConfig config_, engine::Engine& engine)
      : config(std::move(config_)), context{engine, config, store_readers, stopping} {
    for (std::uint64_t i = 0; i < config.io_threads; ++i) lanes.push_back(std::make_unique<Lane>());
  }

  base::Status listen();
  asio::awaitable<void> accept();
  void admit(tcp::socket socket);
  void forget(const std::shared_ptr<Session>& session);

  ServerConfig config;  // constant while it serves
  asio::thread_pool store_readers{1};
  std::atomic<bool> stopping{false};
  SessionContext context;
  std::vector<std::unique_ptr<Lane>> lanes;  // the acceptor lives on the first
  std::optional<tcp::acceptor> acceptor;
  std::size_t next_lane = 0;
  std::random_device seeds;
  bool stopped = false;

  std::mutex mutex;
  std::condition_variable all_gone;
  std::unordered_set<std::shared_ptr<Session>> sessions;  // GUARDED_BY(mutex)
};

base::Result<std::unique_ptr<Server>> Server::listen(ServerConfig config, engine::Engine& engine) {
  auto impl = std::make_unique<Impl>(std::move(config), engine);
  if (base::Status status = impl->listen(); !status.ok()) return status;
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

void Server::serve(std::string admin_address) {
  impl_->config.admin_address = std::move(admin_address);
  asio::co_spawn(impl_->lanes[0]->io, impl_->accept(),
                 [](const std::exception_ptr& failed) { LZ_ASSERT(failed == nullptr); });
  for (const auto& lane : impl_->lanes) {
    lane->thread = std::thread([&io = lane->io] {
      engine::name_thread("net-io");
      io.run();
    });
  }
}

base::Status Server::Impl::listen() {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(config.host, error);
  const std::string where = config.host + ":" + std::to_string(config.port);
  if (error)
    return base::Status(base::Code::BAD_CONFIGURATION, "broker.listen: '" + config.host + "' is not an IP address");
  const tcp::endpoint endpoint(address, config.port);
  acceptor.emplace(lanes[0]->io);
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return base::Status(base::Code::BAD_CONFIGURATION,
                        "broker.listen: cannot listen on " + where + ": " + error.message());
  return {};
}

asio::awaitable<void> Server::Impl::accept() {
  while (acceptor->is_open()) {
    Lane& lane = *lanes[next_lane++ % lanes.size()];
    auto [error, socket] = co_await acceptor->async_accept(lane.io, kTuple);
    if (!error) {
      admit(std::move(socket));
    } else if (error != asio::error::operation_aborted && error != asio::error::connection_aborted) {
      // Out of file descriptors or memory: it passes when connections close.
      asio::steady_timer rest(lanes[0]->io, kAcceptRest);
      co_await rest.async_wait(kTuple);
    }
  }
}

void Server::Impl::admit(tcp::socket socket) {
  const std::uint64_t seed = (static_cast<std::uint64_t>(seeds()) << 32) | seeds();
  std::shared_ptr<Session> session;
  base::Status status = check_descriptor(socket.native_handle());
  if (status.ok()) {
    const std::lock_guard lock(mutex);
    if (sessions.size() < config.max_connections) {
      session = std::make_shared<Session>(std::move(socket), context, seed);
      sessions.insert(session);
    } else {
      status = base::Status(base::Code::LIMIT_REACHED, "the broker has all the connections that it takes")
                   .with_limit("max_connections", static_cast<std::int64_t>(config.max_connections));
    }
  }
  if (session == nullptr) {
    const std::string frame = wire::encode(wire::Error{0, status}).head;
    boost::system::error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(frame), ignored);
    return;
  }
  asio::post(session->executor(),
             [this, session] { session->start([this](const std::shared_ptr<Session>& gone) { forget(gone); }); });
}

void Server::Impl::forget(const std::shared_ptr<Session>& session) {
  const std::lock_guard lock(mutex);
  sessions.erase(session);
  if (sessions.empty()) all_gone.notify_all();
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { stop(); }

std::string Server::address() const {
  boost::system::error_code ignored;
  const auto endpoint = impl_->acceptor->local_endpoint(ignored);
  const std::string host = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}

void Server::stop_accepting() {
  asio::post(impl_->lanes[0]->io, [impl = impl_.get()] {
    boost::system::error_code ignored;
    impl->acceptor->close(ignored);
  });
}

void Server::stop() {
  if (std::exchange(impl_->stopped, true)) return;
  impl_->stopping = true;
  stop_accepting();
  {
    std::unique_lock lock(impl_->mutex);
    for (const auto& session : impl_->sessions) session->stop();
    impl_->all_gone.wait_for(lock, kStopTime, [this] { return impl_->sessions.empty(); });
  }
  impl_->store_readers.join();
  for (const auto& lane : impl_->lanes) lane->work.reset();
  for (const auto& lane : impl_->lanes) lane->io.stop();
  for (const auto& lane : impl_->lanes) {
    if (lane->thread.joinable()) lane->thread.join();
  }
}

}  // namespace lazaret::net
