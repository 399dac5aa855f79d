#include "client/client_core.h"

#include <unistd.h>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <random>

#include "base/crc32c.h"
#include "client/message_codec.h"
#include "model/limits.h"

namespace lazaret::detail {
namespace {

using base::Code;
using base::Status;
using SteadyClock = std::chrono::steady_clock;

/// A reconnect is tried at once, then after twice as long each time, at most this.
constexpr auto kReconnectFirst = std::chrono::milliseconds(20);
constexpr auto kReconnectMost = std::chrono::milliseconds(2000);
constexpr auto kConnectAttempt = std::chrono::seconds(5);
constexpr auto kGoodbye = std::chrono::milliseconds(500);

std::uint64_t seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string("unknown");
}

model::InstanceRecord instance_of(const Options& options) {
  model::InstanceRecord instance;
  instance.id = uuid_of(MessageId::make());
  instance.name = options.name.substr(0, model::limits::kNameBytes);
  instance.host = (options.host.empty() ? host_name() : options.host).substr(0, model::limits::kNameBytes);
  instance.version = options.version.substr(0, model::limits::kNameBytes);
  instance.speaks_started = options.announce_started;
  return instance;
}

MessageId producer_of(const Options& options) {
  return options.producer_id.is_nil() ? MessageId::make() : options.producer_id;
}

}  // namespace

base::Result<ClientCore::Address> parse_url(std::string_view url) {
  constexpr std::string_view kScheme = "lazaret://";
  const Status bad(Code::BAD_REQUEST, "'" + std::string(url) + "' is not lazaret://HOST:PORT");
  if (!url.starts_with(kScheme)) return bad;
  std::string_view rest = url.substr(kScheme.size());
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) rest.remove_prefix(at + 1);
  if (const std::size_t slash = rest.find('/'); slash != std::string_view::npos) rest = rest.substr(0, slash);
  ClientCore::Address address{"", "7350"};
  const std::size_t bracket = rest.starts_with('[') ? rest.find(']') : std::string_view::npos;
  const std::size_t colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    address.port = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
  }
  if (bracket != std::string_view::npos) rest = rest.substr(1, rest.size() - 2);
  address.host = rest;
  const bool digits =
      !address.port.empty() && address.port.size() <= 5 &&
      std::all_of(address.port.begin(), address.port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (address.host.empty() || !digits || std::stoi(address.port) > 65535) return bad;
  return address;
}

ClientCore::ClientCore(asio::any_io_executor executor, Address address, Options options, bool own_thread)
    : executor_(std::move(executor)),
      address_(std::move(address)),
      options_(std::move(options)),
      own_thread_(own_thread),
      instance_(instance_of(options_)),
      last_failure_(Code::UNREACHABLE, address_.host + ":" + address_.port + ": not connected yet"),
      random_(seed()),
      reconnect_(executor_),
      publisher_(*this, producer_of(options_)),
      requests_(*this),
      deadlines_(executor_),
      close_timer_(executor_) {}

// --- The connection --------------------------------------------------------------------------------------------------

void ClientCore::start() {
  asio::post(executor_, [self = shared_from_this()] { self->connect(); });
}

void ClientCore::connect() {
  if (closed_) return;
  transport_ = std::make_shared<Transport>(executor_, address_.host, address_.port);
  const std::weak_ptr<ClientCore> weak = weak_from_this();
  Transport::Events events;
  events.hello = [weak] {
    const auto self = weak.lock();
    return self ? self->hello() : wire::Hello();
  };
  events.open = [weak](const wire::Welcome& welcome) {
    if (const auto self = weak.lock()) self->on_open(welcome);
  };
  events.frame = [weak](const wire::Frame& frame) {
    if (const auto self = weak.lock()) self->on_frame(frame);
  };
  events.gone = [weak](const Status& status) {
    if (const auto self = weak.lock()) self->on_gone(status);
  };
  transport_->start(std::move(events), kConnectAttempt);
}

wire::Hello ClientCore::hello() {
  resuming_.clear();
  for (const auto& [number, consumer] : consumers_) resuming_.push_back(consumer);
  wire::Hello hello;
  hello.instance = instance_;
  if (session_ != 0) {
    hello.resume = wire::Hello::Resume{model::SessionId(session_), static_cast<std::uint32_t>(resuming_.size())};
  }
  return hello;
}

void ClientCore::on_open(const wire::Welcome& welcome) {
  session_ = welcome.session.value;
  failures_ = 0;
  {
    const std::lock_guard lock(mutex_);
    admin_address_ = welcome.admin_address;
  }
  connected_ = true;
  // First those that the handshake spoke of: the broker counts them.
  const auto resuming = std::exchange(resuming_, {});
  for (const auto& consumer : resuming) consumer->connected();
  for (const auto& [number, consumer] : std::map(consumers_)) {
    if (std::find(resuming.begin(), resuming.end(), consumer) == resuming.end()) consumer->connected();
  }
  publisher_.connected();
  requests_.connected();
  for (const auto& then : std::exchange(awaiting_connection_, {})) then({});
}

void ClientCore::on_gone(const Status& status) {
  transport_ = nullptr;
  last_failure_ = status;
  settling_.clear();
  if (connected_.exchange(false)) {
    publisher_.disconnected();
    requests_.disconnected();
    for (const auto& [number, consumer] : std::map(consumers_)) consumer->disconnected();
  }
  check_closed();
  connect_later();
}

void ClientCore::connect_later() {
  if (closed_) return;
  const auto most =
      std::min<std::chrono::milliseconds>(kReconnectFirst * (1 << std::min(failures_, 7)), kReconnectMost);
  ++failures_;
  // Between half and all of it, so that many clients do not come back in one moment.
  const auto wait =
      most / 2 + std::chrono::milliseconds(random_.below(static_cast<std::uint64_t>(most.count()) / 2 + 1));
  reconnect_.expires_after(wait);
  reconnect_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->connect();
  });
}

Status ClientCore::why_not_connected() const {
  if (last_failure_.code() == Code::UNREACHABLE) return last_failure_;
  return Status(Code::UNREACHABLE, address_.host + ":" + address_.port + ": " + last_failure_.text());
}

std::uint64_t ClientCore::next_settle(std::uint64_t consumer) {
  const std::uint64_t request = next_request();
  settling_.emplace(request, consumer);
  return request;
}

void ClientCore::send(wire::OutFrame frame) {
  if (transport_ != nullptr) transport_->send(std::move(frame));
}

void ClientCore::after_written(std::function<void()> then) {
  if (transport_ != nullptr) transport_->after_written(std::move(then));
}

void ClientCore::wait_connected(milliseconds within, std::function<void(const Status&)> then) {
  asio::post(executor_, [self = shared_from_this(), within, then = std::move(then)] {
    if (self->is_open()) return then({});
    const auto done = std::make_shared<bool>(false);
    const auto once = [done, then](const Status& status) {
      if (!std::exchange(*done, true)) then(status);
    };
    self->awaiting_connection_.push_back(once);
    const auto timer = std::make_shared<asio::steady_timer>(self->executor_, within);
    timer->async_wait([self, timer, once](boost::system::error_code) { once(self->why_not_connected()); });
  });
}

// --- Frames ----------------------------------------------------------------------------------------------------------

template <class Tell>
void ClientCore::with_consumer(std::uint64_t number, Tell tell) {
  const auto it = consumers_.find(number);
  if (it == consumers_.end()) return;
  const auto consumer = it->second;  // it may end, and be forgotten, while it is told
  tell(*consumer);
}

void ClientCore::on_frame(const wire::Frame& frame) {
  const auto give = [&]<class T>(std::type_identity<T>, auto then) {
    auto decoded = wire::decode<T>(frame);
    // A broker that sends what cannot be decoded is not to be talked to.
    if (!decoded.ok()) {
      transport_->close();
      return on_gone(decoded.status());
    }
    then(std::move(*decoded));
  };
  switch (static_cast<wire::FrameType>(frame.type)) {
    case wire::FrameType::published:
      return give(std::type_identity<wire::Published>(), [&](auto&& one) { publisher_.on(one); });
    case wire::FrameType::producer_opened:
      return give(std::type_identity<wire::ProducerOpened>(), [&](auto&& one) {
        if (one.status.ok()) return publisher_.on(one);
        publisher_.refused(one.request, one.status);
      });
    case wire::FrameType::deliver:
      return give(std::type_identity<wire::Deliver>(), [&](auto&& one) {
        with_consumer(one.consumer, [&](ConsumerCore& consumer) { consumer.on(std::move(one)); });
      });
    case wire::FrameType::settled:
      return give(std::type_identity<wire::Settled>(), [&](auto&& one) {
        const auto settling = settling_.extract(one.request);
        if (!settling) return;
        with_consumer(settling.mapped(), [&](ConsumerCore& consumer) { consumer.on(one); });
      });
    case wire::FrameType::consumer_opened:
      return give(std::type_identity<wire::ConsumerOpened>(),
                  [&](auto&& one) { with_consumer(one.consumer, [&](ConsumerCore& consumer) { consumer.on(one); }); });
    case wire::FrameType::recall:
      return give(std::type_identity<wire::Recall>(),
                  [&](auto&& one) { with_consumer(one.consumer, [](ConsumerCore& consumer) { consumer.recall(); }); });
    case wire::FrameType::lease_ended:
      return give(std::type_identity<wire::LeaseEnded>(),
                  [&](auto&& one) { with_consumer(one.consumer, [&](ConsumerCore& consumer) { consumer.on(one); }); });
    case wire::FrameType::consumer_ended:
      return give(std::type_identity<wire::ConsumerEnded>(), [&](auto&& one) {
        with_consumer(one.consumer, [&](ConsumerCore& consumer) { consumer.ended(one.status); });
      });
    case wire::FrameType::queue_response:
      return give(std::type_identity<wire::QueueResponse>(), [&](auto&& one) { requests_.on(std::move(one)); });
    case wire::FrameType::peeked:
      return give(std::type_identity<wire::Peeked>(), [&](auto&& one) { requests_.on(std::move(one)); });
    case wire::FrameType::error: return give(std::type_identity<wire::Error>(), [&](auto&& one) { on_error(one); });
    default: return;  // of a newer broker; nothing that we asked for
  }
}

void ClientCore::on_error(const wire::Error& error) {
  if (error.request == 0) {
    if (!base::error_info(error.status.code()).closes_connection) return;
    transport_->close();
    return on_gone(error.status);
  }
  if (publisher_.refused(error.request, error.status) || requests_.refused(error.request, error.status)) return;
  settling_.erase(error.request);
  for (const auto& [number, consumer] : std::map(consumers_)) {
    if (consumer->refused(error.request, error.status)) return;
  }
}

// --- Publishing and asking -------------------------------------------------------------------------------------------

void ClientCore::publish(std::string queue, Message message, milliseconds timeout, Handler<Receipt> handler) {
  Outgoing outgoing;
  outgoing.operation = ++last_operation_;
  auto slot = asio::get_associated_cancellation_slot(handler);
  outgoing.completion = Completion<Receipt>(std::move(handler), executor_);
  if (closed_) return outgoing.completion.fail(Status(Code::CLOSED));
  outgoing.envelope = encode_envelope(message);
  outgoing.id = message.id;
  outgoing.sequence = message.sequence;
  outgoing.body = shared_body(message.body);
  outgoing.body_crc = base::crc32c(message.body.view());
  outgoing.deadline = SteadyClock::now() + timeout;
  if (pending_.messages >= options_.max_pending_messages || pending_.bytes >= options_.max_pending_bytes) {
    return outgoing.completion.fail(
        Status(Code::RESOURCE_EXHAUSTED, "too many publishes of this client wait for their confirm")
            .with_limit("max_pending_messages", static_cast<std::int64_t>(options_.max_pending_messages)));
  }
  outgoing.place = PendingPlace(pending_, outgoing.size());
  if (slot.is_connected()) {
    slot.assign([weak = weak_from_this(), operation = outgoing.operation](asio::cancellation_type) {
      const auto self = weak.lock();
      if (self) asio::post(self->executor_, [self, operation] { self->publisher_.cancel(operation); });
    });
  }
  {
    const std::lock_guard lock(mutex_);
    submitted_.push_back({std::move(queue), std::move(outgoing)});
    if (submitted_.size() > 1) return;
  }
  asio::post(executor_, [self = shared_from_this()] { self->take_submitted(); });
}

void ClientCore::take_submitted() {
  std::vector<Submitted> submitted;
  {
    const std::lock_guard lock(mutex_);
    std::swap(submitted, submitted_);
  }
  for (Submitted& one : submitted) {
    if (closed_) {
      one.message.completion.fail(Status(Code::CLOSED));
      continue;
    }
    due_by(one.message.deadline);
    publisher_.submit(one.queue, std::move(one.message));
  }
  publisher_.flush();
}

void ClientCore::request(Requests::Request request) {
  asio::post(executor_, [self = shared_from_this(), request = std::move(request)]() mutable {
    if (self->closed_) return request.answer(Status(Code::CLOSED), {}, {});
    self->due_by(request.deadline);
    self->requests_.submit(std::move(request));
  });
}

std::shared_ptr<ConsumerCore> ClientCore::make_consumer(std::string queue, const AnyHandler& handler,
                                                        ConsumeOptions options, ConsumerCore::Opened opened) {
  options.concurrency = std::max(options.concurrency, 1);
  const auto consumer = std::make_shared<ConsumerCore>(shared_from_this(), ++last_consumer_, std::move(queue), handler,
                                                       std::move(options));
  asio::post(executor_, [self = shared_from_this(), consumer, opened = std::move(opened)]() mutable {
    if (self->closed_ || self->closing_) {
      consumer->refuse();
      return opened(Status(Code::CLOSED));
    }
    self->consumers_.emplace(consumer->number(), consumer);
    consumer->start(std::move(opened));
  });
  return consumer;
}

void ClientCore::forget_consumer(std::uint64_t number) { consumers_.erase(number); }

std::string ClientCore::admin_address() const {
  const std::lock_guard lock(mutex_);
  return admin_address_;
}

// --- Deadlines -------------------------------------------------------------------------------------------------------

void ClientCore::due_by(SteadyTime deadline) {
  if (deadline >= next_deadline_) return;
  next_deadline_ = deadline;
  deadlines_.expires_at(deadline);
  deadlines_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    if (self && !error) self->expire();
  });
}

void ClientCore::expire() {
  next_deadline_ = SteadyTime::max();
  const auto now = SteadyClock::now();
  due_by(std::min(publisher_.expire(now), requests_.expire(now)));
}

// --- Closing ---------------------------------------------------------------------------------------------------------

void ClientCore::close(milliseconds drain, Completion<Closed> completion) {
  asio::post(executor_, [self = shared_from_this(), drain, completion = std::move(completion)]() mutable {
    self->closers_.push_back(std::move(completion));
    if (self->closed_) return self->say_closed();
    self->close_now(drain);
  });
}

/// A second call may only shorten it.
void ClientCore::close_now(milliseconds drain) {
  const auto until = SteadyClock::now() + drain;
  if (!closing_ || until < close_timer_.expiry()) {
    close_timer_.expires_at(until);
    close_timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (!error && !self->closed_) self->finish_close();
    });
  }
  if (std::exchange(closing_, true)) return;
  consumers_closing_ = consumers_.size();
  for (const auto& [number, consumer] : std::map(consumers_)) {
    Handler<Closed> handler([self = shared_from_this()](error_code, const Closed& closed) {
      self->result_.finished += closed.finished;
      self->result_.released += closed.released;
      self->result_.abandoned += closed.abandoned;
      --self->consumers_closing_;
      self->check_closed();
    });
    consumer->close(drain, Completion<Closed>(std::move(handler), executor_));
  }
  check_closed();
}

void ClientCore::check_closed() {
  if (!closing_ || closed_ || consumers_closing_ > 0) return;
  if (publisher_.idle()) return finish_close();
  // Looked at again until the drain is over: publishes end by themselves.
  const auto poll = std::make_shared<asio::steady_timer>(executor_, std::chrono::milliseconds(5));
  poll->async_wait([self = shared_from_this(), poll](boost::system::error_code) { self->check_closed(); });
}

void ClientCore::finish_close() {
  if (closed_.exchange(true)) return;
  close_timer_.cancel();
  reconnect_.cancel();
  deadlines_.cancel();
  for (const auto& [number, consumer] : std::map(consumers_)) consumer->abandon();
  consumers_.clear();
  publisher_.fail_all(Status(Code::CLOSED));
  requests_.fail_all(Status(Code::CLOSED));
  for (const auto& then : std::exchange(awaiting_connection_, {})) then(Status(Code::CLOSED));
  if (transport_ == nullptr || !connected_.exchange(false)) {
    if (transport_ != nullptr) std::exchange(transport_, nullptr)->close();
    return say_closed();
  }
  const auto transport = std::exchange(transport_, nullptr);
  transport->send(wire::encode(wire::Goodbye{}));
  transport->after_written([self = shared_from_this(), transport] {
    transport->close();
    self->say_closed();
  });
  // A connection that takes no more bytes does not keep us.
  close_timer_.expires_after(kGoodbye);
  close_timer_.async_wait([self = shared_from_this(), transport](boost::system::error_code error) {
    if (error) return;
    transport->close();
    self->say_closed();
  });
}

void ClientCore::say_closed() {
  close_timer_.cancel();
  for (Completion<Closed>& closer : std::exchange(closers_, {})) closer.done(result_);
}

// --- Ownership -------------------------------------------------------------------------------------------------------

bool ClientCore::hold(std::shared_ptr<void>& io) const {
  io = io_.lock();
  return io != nullptr || !own_thread_;
}

void ClientCore::end_thread() {
  const std::lock_guard lock(mutex_);
  thread_ended_ = true;
}

struct ClientOwner::OwnThread {
  asio::io_context io{1};
  std::thread thread;
};

ClientOwner::ClientOwner(ClientCore::Address address, Options options) : thread_(std::make_shared<OwnThread>()) {
  core_ = std::make_shared<ClientCore>(thread_->io.get_executor(), std::move(address), std::move(options), true);
  core_->set_io(thread_);
  thread_->thread = std::thread([own = thread_, core = core_] {
    core->set_thread(std::this_thread::get_id());
    const auto work = asio::make_work_guard(own->io);
    own->io.run();
    // Whoever closes a consumer that outlives the client is answered: now, or because post() says no.
    core->end_thread();
    own->io.restart();
    own->io.poll();
  });
  core_->start();
}

ClientOwner::ClientOwner(asio::any_io_executor executor, ClientCore::Address address, Options options) {
  core_ = std::make_shared<ClientCore>(asio::make_strand(std::move(executor)), std::move(address), std::move(options),
                                       false);
  core_->start();
}

ClientOwner::~ClientOwner() {
  if (thread_ == nullptr) {
    // Never blocks: what is held is released by the goodbye.
    core_->close(milliseconds(0), Completion<Closed>());
    return;
  }
  Handler<Closed> stop([own = thread_](error_code, const Closed&) { own->io.stop(); });
  core_->close(core_->options().drain, Completion<Closed>(std::move(stop), core_->executor()));
  if (thread_->thread.get_id() == std::this_thread::get_id()) {
    thread_->thread.detach();  // the last handle died inside a completion: the thread ends by itself
  } else {
    thread_->thread.join();
  }
}

std::shared_ptr<ConsumerCore> ClientOwner::handle_of(std::shared_ptr<ConsumerCore> consumer) const {
  struct Handle {
    std::shared_ptr<OwnThread> thread;
    std::shared_ptr<ConsumerCore> consumer;  // gone before the thread's context is
  };
  ConsumerCore* core = consumer.get();
  return {std::make_shared<Handle>(Handle{thread_, std::move(consumer)}), core};
}

}  // namespace lazaret::detail
