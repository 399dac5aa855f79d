#include "client/transport.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "base/assert.h"
#include "wire/quiet.h"

namespace lazaret::detail {
namespace {

using asio::ip::tcp;
using base::Code;
using base::Status;
using SteadyClock = std::chrono::steady_clock;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

Status unreachable(const std::string& where, const boost::system::error_code& error) {
  return Status(Code::UNREACHABLE, where + ": " + error.message());
}

}  // namespace

void Transport::start(Events events, std::chrono::milliseconds connect_within) {
  events_ = std::move(events);
  watch(connect_within);
  asio::co_spawn(executor_, run(), [self = shared_from_this()](const std::exception_ptr& failed) {
    LZ_ASSERT(failed == nullptr);  // every awaited operation gives an error code
  });
}

void Transport::close() {
  ended_ = true;
  after_.clear();
  watchdog_.cancel();
  boost::system::error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  socket_.close(ignored);
}

void Transport::end(const Status& status) {
  if (ended_) return;
  close();
  events_.gone(status, how_);
}

asio::awaitable<void> Transport::run() {
  const auto self = shared_from_this();
  Status status = co_await connect();
  if (status.ok()) status = co_await read();
  end(status);
}

asio::awaitable<Status> Transport::connect() {
  const std::string where = host_ + ":" + port_;
  tcp::resolver resolver(executor_);
  auto [unresolved, endpoints] = co_await resolver.async_resolve(host_, port_, kTuple);
  if (unresolved) {
    // Any other error is of the resolver: it may know the name later.
    if (unresolved == asio::error::host_not_found) how_ = Gone::unknown_host;
    co_return unreachable(where, unresolved);
  }
  if (ended_) co_return Status(Code::CLOSED);
  const auto [error, endpoint] = co_await asio::async_connect(socket_, endpoints, kTuple);
  if (error) co_return unreachable(where, error);
  if (ended_) co_return Status(Code::CLOSED);
  boost::system::error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  wire::OutFrame hello = wire::encode(events_.hello());
  hello.head.insert(0, wire::kMagic);
  send(std::move(hello));
  co_return Status();
}

asio::awaitable<Status> Transport::read() {
  while (!ended_) {
    const auto room = reader_.prepare();
    const auto [error, bytes] = co_await socket_.async_read_some(asio::buffer(room.data(), room.size()), kTuple);
    if (error) co_return unreachable("the connection was lost", error);
    reader_.commit(bytes);
    heard_at_ = SteadyClock::now();
    for (;;) {
      auto frame = reader_.next();
      if (!frame.ok()) co_return frame.status();
      if (!frame->has_value()) break;
      if (Status status = on(**frame); !status.ok()) co_return status;
      if (ended_) break;
    }
  }
  co_return Status(Code::CLOSED);
}

Status Transport::on(const wire::Frame& frame) {
  const wire::Quiet quiet;
  switch (static_cast<wire::FrameType>(frame.type)) {
    case wire::FrameType::welcome: {
      if (open_) return Status(Code::UNEXPECTED_FRAME, "a second Welcome");
      auto welcome = wire::decode<wire::Welcome>(frame);
      if (!welcome.ok()) return welcome.status();
      open_ = true;
      heartbeat_ = welcome->heartbeat;
      reader_.set_max_frame_bytes(welcome->max_frame_bytes * 2);
      watchdog_.cancel();
      if (heartbeat_.count() > 0) watch(heartbeat_ / 4);  // else the peer has none
      events_.open(*welcome);
      return {};
    }
    case wire::FrameType::ping: {
      auto ping = wire::decode<wire::Ping>(frame);
      if (!ping.ok()) return ping.status();
      send(wire::encode(wire::Pong{ping->number}));
      return {};
    }
    case wire::FrameType::pong: return {};
    case wire::FrameType::closing: {
      auto closing = wire::decode<wire::Closing>(frame);
      if (!closing.ok()) return closing.status();
      if (!open_) how_ = Gone::refused;
      return closing->status.ok() ? Status(Code::SHUTTING_DOWN) : closing->status;
    }
    default: break;
  }
  if (!open_) {
    if (frame.type != static_cast<std::uint8_t>(wire::FrameType::error)) {
      return Status(Code::UNEXPECTED_FRAME, "the broker did not answer with Welcome");
    }
    auto error = wire::decode<wire::Error>(frame);
    if (!error.ok()) return error.status();
    how_ = Gone::refused;
    return error->status.ok() ? Status(Code::UNEXPECTED_FRAME, "an Error without a problem") : error->status;
  }
  return events_.frame(frame);
}

// --- Writing ---------------------------------------------------------------------------------------------------------

void Transport::send(wire::OutFrame frame) {
  if (ended_) return;
  sent_ += frame.size();
  outbox_.add(std::move(frame));
  if (!outbox_.is_writing()) write_soon();
}

void Transport::write_soon() {
  if (std::exchange(write_posted_, true)) return;
  asio::post(executor_, [self = shared_from_this()] {
    self->write_posted_ = false;
    if (!self->ended_ && !self->outbox_.is_writing()) self->write();
  });
}

void Transport::after_written(std::function<void()> then) {
  if (!ended_) after_.emplace_back(sent_, std::move(then));
}

void Transport::write() {
  const auto pieces = outbox_.take();
  if (pieces.empty()) return;
  std::vector<asio::const_buffer> buffers;
  buffers.reserve(pieces.size());
  for (const std::string_view piece : pieces) buffers.emplace_back(piece.data(), piece.size());
  said_at_ = SteadyClock::now();
  asio::async_write(socket_, std::move(buffers),
                    [self = shared_from_this()](boost::system::error_code error, std::size_t bytes) {
                      self->outbox_.written();
                      // The reader learns of an error by itself, after what the broker still had to say.
                      if (error || self->ended_) return;
                      self->written_ += bytes;
                      self->write();
                      while (!self->after_.empty() && self->after_.front().first <= self->written_) {
                        const auto then = std::move(self->after_.front().second);
                        self->after_.pop_front();
                        then();
                      }
                    });
}

// --- Heartbeats ------------------------------------------------------------------------------------------------------

void Transport::watch(base::Duration after) {
  watchdog_.expires_after(after);
  watchdog_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->check_peer();
  });
}

void Transport::check_peer() {
  if (ended_) return;
  if (!open_) return end(Status(Code::UNREACHABLE, host_ + ":" + port_ + ": the broker did not answer in time"));
  const auto now = SteadyClock::now();
  if (now - heard_at_ > 2 * heartbeat_) return end(Status(Code::PEER_SILENT));
  if (now - said_at_ > heartbeat_ / 2) send(wire::encode(wire::Ping{}));
  watch(heartbeat_ / 4);
}

}  // namespace lazaret::detail
