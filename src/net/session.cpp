#include "net/session.h"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "base/assert.h"
#include "model/limits.h"

namespace lazaret::net {
namespace {

namespace limits = model::limits;
using base::Code;
using base::Status;
using engine::Engine;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr auto kFlushTime = std::chrono::seconds(1);

std::size_t frame_bytes_most(const ServerConfig& config) {
  return config.max_message_bytes + config.max_header_bytes + limits::kFrameOverheadBytes;
}

}  // namespace

std::uint64_t deliver_bytes_of_a_shard(const engine::Engine& engine) {
  return std::max<std::uint64_t>(limits::kOutboxBytesDeliver / engine.shard_count(), 1);
}

Session::Session(tcp::socket socket, SessionContext& context, std::uint64_t seed)
    : socket_(std::move(socket)),
      context_(context),
      reader_(limits::kFrameBytesBeforeHandshake),
      room_(socket_.get_executor(), SteadyClock::time_point::max()),
      heard_at_(SteadyClock::now()),
      said_at_(heard_at_),
      flushed_(socket_.get_executor(), SteadyClock::time_point::max()),
      stop_deadline_(socket_.get_executor()),
      watchdog_(socket_.get_executor()),
      random_(seed) {}

void Session::start(std::function<void(const std::shared_ptr<Session>&)> gone) {
  gone_ = std::move(gone);
  boost::system::error_code unknown;
  if (const auto peer = socket_.remote_endpoint(unknown); !unknown) peer_ = peer.address().to_string();
  asio::co_spawn(socket_.get_executor(), run(), [self = shared_from_this()](const std::exception_ptr& failed) {
    LZ_ASSERT(failed == nullptr);  // every awaited operation gives an error code
    self->gone_(self);
  });
}

void Session::stop() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->stopping_ = true;
    self->stop_deadline_.expires_after(kFlushTime);
    self->stop_deadline_.async_wait([self](boost::system::error_code error) {
      if (!error) self->close_for_stop();
    });
    self->close_if_answered();
  });
}

/// What was asked before the stop is answered before Closing: the last verdicts are what the stop has waited for.
void Session::close_if_answered() {
  if (stopping_ && expected_.empty() && answers_due_ == 0) close_for_stop();
}

void Session::close_for_stop() {
  stop_deadline_.cancel();
  if (ending_) return;
  send(wire::encode(wire::Closing{Status(Code::SHUTTING_DOWN)}));
  end(Engine::End::closed);
}

// --- The life of a connection ---------------------------------------------------------------------------------------

asio::awaitable<void> Session::run() {
  boost::system::error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  watch(limits::kHandshakeTimeout);
  const bool welcome = co_await shake_hands();
  if (welcome) {
    watch(context_.config.heartbeat / 4);
    co_await read_frames();
    context_.engine.end_session(session_, *ending_);
  }
  co_await flush_and_close();
}

asio::awaitable<bool> Session::shake_hands() {
  auto hello = co_await read_hello();
  if (!hello.ok()) {
    fail(hello.status());
    co_return false;
  }
  if (hello->version_least > wire::kProtocolVersion || hello->version_most < wire::kProtocolVersion) {
    fail(Status(Code::UNSUPPORTED_VERSION, "this broker speaks version " + std::to_string(wire::kProtocolVersion) +
                                               ", the client " + std::to_string(hello->version_least) + " to " +
                                               std::to_string(hello->version_most)));
    co_return false;
  }
  co_await replace(*hello);
  if (ending_) co_return false;
  welcome(*hello);
  co_return true;
}

asio::awaitable<base::Result<wire::Hello>> Session::read_hello() {
  bool magic = false;
  for (;;) {
    if (!magic) {
      if (const auto raw = reader_.take_raw(wire::kMagic.size())) {
        if (*raw != wire::kMagic) co_return Status(Code::BAD_MAGIC);
        magic = true;
      }
    }
    if (magic) {
      auto frame = reader_.next();
      if (!frame.ok()) co_return frame.status();
      if (frame->has_value()) {
        if ((*frame)->type != static_cast<std::uint8_t>(wire::FrameType::hello)) {
          co_return Status(Code::UNEXPECTED_FRAME, "the first frame must be a Hello");
        }
        co_return wire::decode<wire::Hello>(**frame);
      }
    }
    const bool more = co_await read_more();
    if (!more) co_return Status(Code::BAD_FRAME, "the connection ended before the handshake was complete");
  }
}

/// A reconnect: what the old connection's socket still holds is stepped before anything of the new one.
asio::awaitable<void> Session::replace(const wire::Hello& hello) {
  if (!hello.resume) co_return;
  asio::steady_timer done(socket_.get_executor(), limits::kHandshakeTimeout);
  const auto finished = std::make_shared<bool>(false);
  context_.engine.replace_session(hello.resume->session, hello.instance.id,
                                  [self = shared_from_this(), finished, &done] {
                                    // `done` lives on this coroutine's frame: touched on its thread, and only then.
                                    asio::post(self->socket_.get_executor(), [self, finished, &done] {
                                      if (std::exchange(*finished, true)) return;
                                      done.cancel();
                                    });
                                  });
  if (!*finished) co_await done.async_wait(kTuple);
  // The old session's thread did not get to it in time: it ends by its own heartbeat, we go on without it.
  *finished = true;
}

void Session::welcome(const wire::Hello& hello) {
  instance_ = hello.instance;
  const ServerConfig& config = context_.config;
  reader_.set_max_frame_bytes(frame_bytes_most(config));
  session_ = context_.engine.open_session(shared_from_this(), instance_, hello.resume ? hello.resume->connections : 1);
  opened_ = true;

  wire::Welcome frame;
  frame.features = wire::features_of_both(hello.features);
  frame.session = session_;
  frame.max_message_bytes = config.max_message_bytes;
  frame.max_header_bytes = config.max_header_bytes;
  frame.max_frame_bytes = frame_bytes_most(config);
  frame.max_batch_items = limits::kBatchItems;
  frame.max_publish_window = limits::kPublishWindow;
  frame.heartbeat = config.heartbeat;
  frame.admin_address = config.admin_address;
  frame.broker_instance = config.broker_instance;
  frame.broker_version = config.broker_version;
  send(wire::encode(frame));

  to_resume_ = hello.resume ? hello.resume->consumers : 0;
  if (to_resume_ == 0) context_.engine.instance_resumed(session_);
}

// --- Reading ---------------------------------------------------------------------------------------------------------

asio::awaitable<void> Session::read_frames() {
  while (handle_all()) {
    const bool was_full = is_full();
    co_await wait_for_room();
    if (ending_) break;
    if (leaving_) {
      drain_socket();
      end(*leaving_);
      break;
    }
    if (was_full) continue;  // there may be whole frames left
    // Not in the condition itself: g++ 12 destroys the awaited temporary of a short-circuited condition twice.
    const bool more = co_await read_more();
    if (!more && !leaving_) end(Engine::End::closed);
  }
  if (!ending_) end(Engine::End::closed);
}

/// Handles every whole frame that was read, as long as there is room for what they cause; false when the session ends.
bool Session::handle_all() {
  while (!ending_) {
    if (is_full() && !leaving_) return true;
    auto frame = reader_.next();
    if (!frame.ok()) {
      fail(frame.status());
    } else if (!frame->has_value()) {
      return true;
    } else if (const Status status = handle(**frame); !status.ok()) {
      fail(status);
    }
  }
  return false;
}

/// False at the end of the stream, or when reading was stopped.
asio::awaitable<bool> Session::read_more() {
  const auto room = reader_.prepare();
  const auto [error, bytes] = co_await socket_.async_read_some(
      asio::buffer(room.data(), room.size()), asio::bind_cancellation_slot(stop_reading_.slot(), kTuple));
  if (error) co_return false;
  reader_.commit(bytes);
  heard_at_ = SteadyClock::now();
  if (quiet_) {
    quiet_ = false;
    context_.engine.session_quiet(session_, false);
  }
  co_return true;
}

/// The socket's own buffer, without waiting for more: neither for bytes, nor for room. Whoever goes on sending is not
/// listened to for ever.
void Session::drain_socket() {
  boost::system::error_code error;
  socket_.non_blocking(true, error);
  for (std::size_t drained = 0; !error && handle_all() && drained < limits::kSocketBytes;) {
    const auto room = reader_.prepare();
    const std::size_t bytes = socket_.read_some(asio::buffer(room.data(), room.size()), error);
    reader_.commit(bytes);
    drained += bytes;
  }
}

bool Session::is_full() const {
  return engine_full_ || creation_ != nullptr || (outbox_bytes() > limits::kOutboxBytesPause && !write_failed_) ||
         expected_.size() + answers_due_ > limits::kUnansweredRequests || results_due_ > limits::kUnansweredResults;
}

asio::awaitable<void> Session::wait_for_room() {
  if (!must_pause()) co_return;
  while (must_pause() && !ending_ && !leaving_) co_await room_.async_wait(kTuple);
  heard_at_ = SteadyClock::now();
}

void Session::wake_reader() { room_.cancel(); }

void Session::resume_reading() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->engine_full_ = false;
    self->wake_reader();
  });
}

void Session::replaced() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->leave(Engine::End::replaced); });
}

// --- Ending ----------------------------------------------------------------------------------------------------------

void Session::leave(Engine::End how) {
  if (!leaving_) leaving_ = how;
  wake_reader();
  stop_reading_.emit(asio::cancellation_type::terminal);
}

void Session::end(Engine::End how) {
  if (ending_) return;
  ending_ = how;
  ended_ = true;
  wake_reader();
  stop_reading_.emit(asio::cancellation_type::terminal);
}

void Session::fail(const Status& status) {
  if (ending_) return;
  send(wire::encode(wire::Error{0, status}));
  end(Engine::End::closed);
}

asio::awaitable<void> Session::flush_and_close() {
  flushed_.expires_after(kFlushTime);
  while (!outbox_.empty() && !write_failed_ && flushed_.expiry() > SteadyClock::now())
    co_await flushed_.async_wait(kTuple);
  boost::system::error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  watchdog_.cancel();
  if (!write_failed_) co_await linger();
  socket_.close(ignored);
}

/// Reads away what the client still sends, for a moment: closing over unread bytes resets the connection, and some
/// systems then throw away what was said last.
asio::awaitable<void> Session::linger() {
  const auto end = SteadyClock::now() + kFlushTime;
  watchdog_.expires_at(end);
  watchdog_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    boost::system::error_code ignored;
    if (!error) self->socket_.cancel(ignored);
  });
  std::array<char, 4096> rest;
  bool more = true;
  while (more && SteadyClock::now() < end) {
    const auto [error, bytes] = co_await socket_.async_read_some(asio::buffer(rest), kTuple);
    more = !error;
  }
  watchdog_.cancel();
}

// --- Heartbeats ------------------------------------------------------------------------------------------------------

void Session::watch(base::Duration after) {
  watchdog_.expires_after(after);
  watchdog_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->check_peer();
  });
}

void Session::check_peer() {
  if (!opened_) {
    stop_reading_.emit(asio::cancellation_type::terminal);
    return fail(Status(Code::HANDSHAKE_TIMEOUT));
  }
  if (ending_) return;
  const auto now = SteadyClock::now();
  const auto heartbeat = context_.config.heartbeat;
  const bool reading = !must_pause();
  if (outbox_.is_writing() && now - write_began_ > 2 * heartbeat) {
    // It may have said something all the same, and that counts.
    outbox_.drop_waiting();
    write_failed_ = true;
    return leave(Engine::End::silent);
  }
  if (reading && now - heard_at_ > 2 * heartbeat) {
    send(wire::encode(wire::Error{0, Status(Code::PEER_SILENT)}));
    return end(Engine::End::silent);
  }
  // A quarter of grace: a peer that says something exactly every heartbeat is not quiet.
  if (reading && !quiet_ && now - heard_at_ > heartbeat + heartbeat / 4) {
    quiet_ = true;
    context_.engine.session_quiet(session_, true);
  }
  if (now - said_at_ > heartbeat / 2) send(wire::encode(wire::Ping{}));
  watch(heartbeat / 4);
}

// --- Writing ---------------------------------------------------------------------------------------------------------

void Session::send(wire::OutFrame frame) {
  if (write_failed_) return;
  outbox_.add(std::move(frame));
  if (outbox_bytes() > limits::kOutboxBytesClose && !ending_) {
    outbox_.drop_waiting();
    note_written();
    return fail(Status(Code::RESOURCE_EXHAUSTED, "the client does not read what it asked for")
                    .with_limit("outbox_bytes", static_cast<std::int64_t>(limits::kOutboxBytesClose)));
  }
  if (!outbox_.is_writing()) write_soon();
}

/// At the end of this turn of the executor: all that is sent in it goes out in one system call.
void Session::write_soon() {
  if (std::exchange(write_posted_, true)) return;
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->write_posted_ = false;
    if (!self->outbox_.is_writing()) self->write();
  });
}

/// A large frame goes out in several writes: of the first one that came because there was room, only the rest is here.
std::size_t Session::outbox_bytes() const {
  std::size_t roomy = roomy_bytes_;
  if (!roomy_.empty()) {
    const std::uint64_t begin = roomy_.front().end - roomy_.front().bytes;
    roomy -= std::max(outbox_.bytes_out(), begin) - begin;
  }
  return outbox_.bytes() - roomy;
}

void Session::send_roomy(wire::OutFrame frame, std::optional<model::ShardId> shard, std::size_t delivered) {
  if (write_failed_) return;
  const std::size_t bytes = frame.size();
  roomy_bytes_ += bytes;
  roomy_.push_back({outbox_.bytes_in() + bytes, bytes, shard, delivered});
  send(std::move(frame));
}

/// Of what has gone out: there is room again for deliveries, and for a peek. Shards are told of a quarter of their room
/// at a time: what is left over is too little for them to be held up by.
void Session::note_written() {
  const std::uint64_t enough = deliver_bytes_of_a_shard(context_.engine) / 4;
  for (; !roomy_.empty() && roomy_.front().end <= outbox_.bytes_out(); roomy_.pop_front()) {
    const Roomy& gone = roomy_.front();
    roomy_bytes_ -= gone.bytes;
    if (!gone.shard) {
      peeking_ = false;
      continue;
    }
    std::uint64_t& delivered = delivered_[*gone.shard];
    delivered += gone.delivered;
    if (delivered >= enough && !ending_) {
      submit(*gone.shard, model::Written{session_, std::exchange(delivered, 0)});
    }
  }
  peek_next();
}

void Session::write() {
  const auto pieces = outbox_.take();
  if (pieces.empty()) {
    flushed_.cancel();
    return;
  }
  std::vector<asio::const_buffer> buffers;
  buffers.reserve(pieces.size());
  for (const std::string_view piece : pieces) buffers.emplace_back(piece.data(), piece.size());
  write_began_ = said_at_ = SteadyClock::now();
  asio::async_write(socket_, std::move(buffers),
                    [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                      self->outbox_.written();
                      self->note_written();
                      if (error) {
                        // The reader goes on to the end: what the client said before still counts.
                        self->write_failed_ = true;
                        self->outbox_.drop_waiting();
                        self->flushed_.cancel();
                      } else {
                        self->write();
                      }
                      if (!self->must_pause()) self->wake_reader();
                    });
}

}  // namespace lazaret::net
