// HttpFront: the listening side. Accepts connections, counts them, hands requests to the workers, and ends all of it
// in two phases. HttpSession (http_session.cpp) is the coroutine of one connection.
//
// Threading: everything on the one I/O thread, except that workers run `Dispatcher::handle`.
// Invariants:
//  1. `run()` of the io_context returns only when no session is left, so sessions may refer to the front.
//  2. No wait is without a deadline: reading has one, writing has one, and workers have theirs (desk_wait.h).
//  3. A reply is waited for by the session of whoever has asked, on no worker: that may take long, and they are two. It
//     reads meanwhile, so whoever has gone keeps no place, here and at the request.
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <optional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include "admin/dispatcher.h"
#include "admin/event_streams.h"
#include "admin/reply_wait.h"

namespace lazaret::admin {

namespace asio = boost::asio;
namespace beast = boost::beast;

/// The bounds of this side. What is beyond is refused with RESOURCE_EXHAUSTED.
struct FrontLimits {
  /// One more takes the place of the one that has kept us waiting for longest: who trickles keeps nobody out.
  static constexpr std::size_t kConnections = 256;
  /// Requests with the workers, those in work included.
  static constexpr std::size_t kRequests = 64;
  static constexpr std::size_t kHeaderBytes = 16u << 10;
  /// Bodies above this are large, and only a message may be: so many of them are in memory at once.
  static constexpr std::size_t kLargeBodyBytes = 1u << 20;
  static constexpr std::size_t kLargeBodies = 4;
  /// What the attempts of a case may take beside its message where cases are taken in.
  static constexpr std::size_t kAttemptsBytes = 4u << 20;
  /// Requests to services whose replies are awaited.
  static constexpr std::size_t kAwaitedReplies = 64;
  /// Answers above this are large. All large answers that are not written yet share `kLargeAnswersBytes`; one that is
  /// larger than that alone is written when no other is.
  static constexpr std::size_t kLargeAnswerBytes = 64u << 10;
  static constexpr std::size_t kLargeAnswersBytes = 128u << 20;
  /// From the first byte of a request to its last.
  static constexpr std::chrono::seconds kReadTime{30};
  static constexpr std::chrono::seconds kWriteTime{60};
  static constexpr std::chrono::seconds kIdleTime{60};
  /// What is in hand when the server stops may take this long.
  static constexpr std::chrono::seconds kStopTime{2};
};

class HttpFront {
 public:
  struct Session {
    beast::tcp_stream* stream;
    bool busy = false;  // between two requests it may be ended at any time
    /// Since when we wait for the peer: for a request, the rest of one, or that it takes its response. Empty while a
    /// worker has its request, and when it has lost its place.
    std::optional<std::chrono::steady_clock::time_point> waits_since = {};
  };

  /// `max_body_bytes`: of a request with a message. `version`: for the Server header. `release_workers` makes workers
  /// that wait for shards give up; called once, when the time to stop is over.
  HttpFront(asio::io_context& io, asio::thread_pool& workers, const Dispatcher& dispatcher, EventStreams& events,
            std::uint64_t max_body_bytes, std::string version, std::function<void()> release_workers);

  /// BAD_CONFIGURATION when it cannot listen there. REQUIRES that the I/O thread does not run yet.
  base::Status listen(const std::string& host, std::uint16_t port);
  asio::ip::tcp::endpoint endpoint() const { return endpoint_; }
  void begin_accepting();
  /// Phase one: no more connections and requests. Phase two, kStopTime later, cuts off what is left.
  void begin_stop();

  // --- For sessions

  bool stopping() const { return stopping_; }
  const Dispatcher& dispatcher() const { return dispatcher_; }
  std::uint64_t max_body_bytes() const { return max_body_bytes_; }
  const std::string& server_name() const { return server_name_; }
  /// Runs the request on a worker; RESOURCE_EXHAUSTED when too many wait.
  asio::awaitable<Response> answer(Request request);
  /// When the wait for a reply is over: has a worker make the answer. OUTCOME_UNKNOWN when the front stopped first.
  asio::awaitable<Response> answer_with_reply(std::shared_ptr<AwaitedReply> awaited);

  std::list<Session>& sessions() { return sessions_; }
  EventStreams& events() { return events_; }
  std::size_t& large_bodies() { return large_bodies_; }
  std::size_t& awaited_replies() { return awaited_replies_; }
  /// Those that wait now; a stop ends their waits.
  std::list<ReplyWait*>& reply_waits() { return reply_waits_; }
  asio::io_context& io() { return io_; }
  /// Bytes of large answers that are not written yet.
  std::size_t& large_answers_bytes() { return large_answers_bytes_; }
  /// A session has taken itself off the list.
  void session_ended();

 private:
  asio::awaitable<void> accept();
  asio::awaitable<Response> on_worker(std::function<Response()> work);
  bool make_room();
  void cut_off();

  asio::io_context& io_;
  asio::thread_pool& workers_;
  const Dispatcher& dispatcher_;
  EventStreams& events_;
  const std::uint64_t max_body_bytes_;
  const std::string server_name_;
  const std::function<void()> release_workers_;
  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer pause_;  // of the acceptor, when there are no file descriptors
  asio::steady_timer stop_timer_;
  asio::ip::tcp::endpoint endpoint_;
  std::list<Session> sessions_;
  std::size_t requests_ = 0;  // with the workers
  std::size_t large_bodies_ = 0;
  std::size_t awaited_replies_ = 0;  // sessions that have a place for one
  std::list<ReplyWait*> reply_waits_;
  std::size_t large_answers_bytes_ = 0;
  bool stopping_ = false;
};

/// Serves one connection until it ends. Registers itself with `front` for as long.
asio::awaitable<void> run_session(beast::tcp_stream stream, HttpFront& front);

}  // namespace lazaret::admin
