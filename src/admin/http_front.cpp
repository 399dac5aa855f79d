#include "admin/http_front.h"

#include <algorithm>
#include <exception>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "admin/awaited_reply.h"
#include "admin/problem.h"

namespace lazaret::admin {
namespace {

using asio::ip::tcp;
using base::Code;
using base::Status;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kAcceptPause{100};

/// Has a worker make a response, and brings it back to the coroutine's own thread.
struct StartOnWorker {
  asio::thread_pool& workers;

  template <class Handler>
  void operator()(Handler&& handler, std::function<Response()> make) const {
    auto executor = asio::get_associated_executor(handler);
    asio::post(workers, [handler = std::forward<Handler>(handler), make = std::move(make), executor,
                         work = asio::make_work_guard(executor)]() mutable {
      Response response = make();
      asio::post(executor, [handler = std::move(handler), response = std::move(response)]() mutable {
        std::move(handler)(std::move(response));
      });
      work.reset();
    });
  }
};

}  // namespace

HttpFront::HttpFront(asio::io_context& io, asio::thread_pool& workers, const Dispatcher& dispatcher,
                     EventStreams& events, std::uint64_t max_body_bytes, std::string version,
                     std::function<void()> release_workers)
    : io_(io),
      workers_(workers),
      dispatcher_(dispatcher),
      events_(events),
      max_body_bytes_(max_body_bytes),
      server_name_("lazaret/" + std::move(version)),
      release_workers_(std::move(release_workers)),
      acceptor_(io),
      pause_(io),
      stop_timer_(io) {}

Status HttpFront::listen(const std::string& host, std::uint16_t port) {
  error_code error;
  tcp::resolver resolver(io_);
  const auto found = resolver.resolve(host, std::to_string(port), tcp::resolver::passive, error);
  if (!error) {
    const tcp::endpoint wanted = found.begin()->endpoint();
    (void)acceptor_.open(wanted.protocol(), error);
    if (!error) (void)acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) (void)acceptor_.bind(wanted, error);
    if (!error) (void)acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (!error) endpoint_ = acceptor_.local_endpoint(error);
  }
  if (!error) return {};
  return Status(Code::BAD_CONFIGURATION,
                "cannot listen on " + host + " port " + std::to_string(port) + ": " + error.message());
}

void HttpFront::begin_accepting() {
  asio::co_spawn(io_, accept(), [](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);  // out of memory, or a mistake: nothing to go on with
  });
}

asio::awaitable<void> HttpFront::accept() {
  while (acceptor_.is_open()) {
    auto [error, socket] = co_await acceptor_.async_accept(kAwait);
    if (stopping_ || error == asio::error::operation_aborted) co_return;
    if (error) {
      // No file descriptors, or the peer has gone already: the next one may do better, a little later.
      pause_.expires_after(kAcceptPause);
      (void)co_await pause_.async_wait(kAwait);
      continue;
    }
    if (sessions_.size() >= FrontLimits::kConnections && !make_room()) continue;  // closes the socket
    asio::co_spawn(io_, run_session(beast::tcp_stream(std::move(socket)), *this),
                   [this](std::exception_ptr) { session_ended(); });
  }
}

/// Ends the connection that has kept us waiting for longest; false when all of them wait for us.
bool HttpFront::make_room() {
  const auto longest = std::min_element(sessions_.begin(), sessions_.end(), [](const Session& a, const Session& b) {
    return a.waits_since && (!b.waits_since || *a.waits_since < *b.waits_since);
  });
  if (longest == sessions_.end() || !longest->waits_since) return false;
  longest->waits_since.reset();
  longest->stream->close();
  return true;
}

asio::awaitable<Response> HttpFront::answer(Request request) {
  if (requests_ >= FrontLimits::kRequests) {
    co_return problem(Status(Code::RESOURCE_EXHAUSTED, "too many requests wait for an answer")
                          .with_limit("requests", FrontLimits::kRequests)
                          .with_retry_after_ms(1000));
  }
  ++requests_;
  // Both have names: g++ 12 destroys what a lambda inside co_await has captured twice.
  const auto asked = std::make_shared<const Request>(std::move(request));
  std::function<Response()> handle = [this, asked] { return dispatcher_.handle(*asked); };
  Response response = co_await on_worker(std::move(handle));
  --requests_;
  co_return response;
}

asio::awaitable<Response> HttpFront::on_worker(std::function<Response()> work) {
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Response)>(
      StartOnWorker{workers_}, asio::use_awaitable, std::move(work));
}

asio::awaitable<Response> HttpFront::answer_with_reply(std::shared_ptr<AwaitedReply> awaited) {
  if (stopping_ && !awaited->reply()) {
    co_return problem(Status(Code::OUTCOME_UNKNOWN, "the broker stops, and request " + awaited->request().to_string() +
                                                        " has no reply yet: ask again with that id"));
  }
  std::function<Response()> answer = [this, awaited] { return dispatcher_.answer_with(*awaited); };
  co_return co_await on_worker(std::move(answer));
}

void HttpFront::begin_stop() {
  if (stopping_) return;
  stopping_ = true;
  error_code ignored;
  (void)acceptor_.close(ignored);
  pause_.cancel();
  for (Session& session : sessions_) {
    if (!session.busy) session.stream->cancel();
  }
  events_.wake();
  for (ReplyWait* const wait : reply_waits_) wait->end();
  stop_timer_.expires_after(FrontLimits::kStopTime);
  stop_timer_.async_wait([this](error_code error) {
    if (!error) cut_off();
  });
  session_ended();
}

void HttpFront::cut_off() {
  release_workers_();
  for (Session& session : sessions_) session.stream->close();
}

void HttpFront::session_ended() {
  if (stopping_ && sessions_.empty()) stop_timer_.cancel();
}

}  // namespace lazaret::admin
