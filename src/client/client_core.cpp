#include "client/client_core.h"

#include <unistd.h>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <cstdio>
#include <random>
#include <tuple>

#include "base/crc32c.h"
#include "client/message_codec.h"
#include "client/words.h"
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
  instance.name = as_short_text(options.name, model::limits::kNameBytes);
  instance.host = as_short_text(options.host.empty() ? host_name() : options.host, model::limits::kNameBytes);
  instance.version = as_short_text(options.version, model::limits::kNameBytes);
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

ClientCore::ClientCore(Home home, Address address, Options options, bool own_thread)
    : home_(std::move(home)),
      address_(std::move(address)),
      options_(std::move(options)),
      own_thread_(own_thread),
      instance_(instance_of(options_)),
      last_failure_(Code::UNREACHABLE, address_.host + ":" + address_.port + ": not connected yet"),
      random_(seed()),
      reconnect_(executor()),
      publisher_(*this, home_, producer_of(options_)),
      requests_(*this),
      asking_(*this),
      deadlines_(executor()),
      close_timer_(executor()),
      idle_poll_(executor()) {}

// --- The connection --------------------------------------------------------------------------------------------------

void ClientCore::start() {
  asio::post(executor(), [self = shared_from_this()] { self->connect(); });
}

void ClientCore::connect() {
  if (closed_) return;
  transport_ = std::make_shared<Transport>(executor(), address_.host, address_.port);
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
    const auto self = weak.lock();
    return self ? self->on_frame(frame) : Status(Code::CLOSED);
  };
  events.gone = [weak](const Status& status, Transport::Gone how) {
    if (const auto self = weak.lock()) self->on_gone(status, how);
  };
  transport_->start(std::move(events), kConnectAttempt);
}

wire::Hello ClientCore::hello() {
  resuming_.clear();
  for (const auto& [number, consumer] : consumers_) resuming_.push_back(consumer);
  wire::Hello hello;
  hello.features = wire::features();
  hello.instance = instance_;
  if (welcome_.session.value != 0) {
    hello.resume = wire::Hello::Resume{welcome_.session, static_cast<std::uint32_t>(resuming_.size())};
  }
  return hello;
}

void ClientCore::on_open(const wire::Welcome& welcome) {
  if (closed_) return;
  welcome_ = welcome;
  opened_at_ = SteadyClock::now();
  refused_ = false;
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
  asking_.connected();
  tell_awaiting({});
}

void ClientCore::on_gone(const Status& status, Transport::Gone how) {
  transport_ = nullptr;
  if (closed_) return say_closed();
  last_failure_ = status;
  refused_ = how == Transport::Gone::refused;
  settling_.clear();
  dismissed_.clear();
  for (const auto& [number, consumer] : std::exchange(lingering_, {})) consumer->disconnected();
  if (connected_.exchange(false)) {
    // A broker that takes us in and throws us out is no better than one that is not there.
    if (SteadyClock::now() - opened_at_ >= welcome_.heartbeat) failures_ = 0;
    publisher_.disconnected();
    requests_.disconnected();
    asking_.disconnected();
    for (const auto& [number, consumer] : std::map(consumers_)) consumer->disconnected();
  }
  if (how != Transport::Gone::failed) tell_hopeless(status, how);
  check_closed();
  connect_later();
}

/// Whoever waits for a first connection need not wait for what time does not mend; what was not sent never will be.
void ClientCore::tell_hopeless(const Status& status, Transport::Gone how) {
  const base::ErrorInfo& info = base::error_info(status.code());
  const bool never = info.retry == base::Retry::never;
  if (how == Transport::Gone::unknown_host || never) tell_awaiting(status);
  if (how != Transport::Gone::refused || !never || !info.closes_connection) return;
  publisher_.fail_unsent(status);
  requests_.fail_unsent(status);
  asking_.fail_unsent(status);
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
  if (refused_ || last_failure_.code() == Code::UNREACHABLE) return last_failure_;
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
  asio::post(executor(), [self = shared_from_this(), within, then = std::move(then)] {
    if (self->is_open()) return then({});
    const auto patience = std::make_shared<asio::steady_timer>(self->executor(), deadline_in(within));
    self->awaiting_connection_.push_back({then, patience});
    patience->async_wait([self](boost::system::error_code error) {
      if (!error) self->tell_awaiting(self->why_not_connected());
    });
  });
}

void ClientCore::tell_awaiting(const Status& status) {
  for (const Awaiting& one : std::exchange(awaiting_connection_, {})) {
    one.patience->cancel();
    one.then(status);
  }
}

// --- Frames ----------------------------------------------------------------------------------------------------------

template <class Tell>
void ClientCore::with_consumer(std::uint64_t number, Tell tell) {
  const auto it = consumers_.find(number);
  if (it == consumers_.end()) return;
  const auto consumer = it->second;  // it may end, and be forgotten, while it is told
  tell(*consumer);
}

/// A broker that sends what cannot be decoded, or understood, is not to be talked to.
Status ClientCore::on_frame(const wire::Frame& frame) {
  if (closed_) return {};
  const auto give = [&]<class T>(std::type_identity<T>, auto then) {
    auto decoded = wire::decode<T>(frame);
    if (!decoded.ok()) return decoded.status();
    then(std::move(*decoded));
    return Status();
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
        if (!consumers_.contains(one.consumer)) return dismiss(one.consumer);
        with_consumer(one.consumer, [&](ConsumerCore& consumer) { consumer.on(std::move(one)); });
      });
    case wire::FrameType::settled:
      return give(std::type_identity<wire::Settled>(), [&](auto&& one) {
        const auto settling = settling_.extract(one.request);
        if (!settling) return;
        with_consumer(settling.mapped(), [&](ConsumerCore& consumer) { consumer.on(one); });
      });
    case wire::FrameType::consumer_opened:
      return give(std::type_identity<wire::ConsumerOpened>(), [&](auto&& one) {
        if (one.status.ok() && !consumers_.contains(one.consumer)) return dismiss(one.consumer);
        with_consumer(one.consumer, [&](ConsumerCore& consumer) { consumer.on(one); });
      });
    case wire::FrameType::recall:
      return give(std::type_identity<wire::Recall>(), [&](auto&& one) {
        with_consumer(one.consumer, [&](ConsumerCore& consumer) { consumer.recall(one.deliveries); });
      });
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
    case wire::FrameType::reply:
      return give(std::type_identity<wire::Reply>(), [&](auto&& one) { asking_.on(std::move(one)); });
    case wire::FrameType::answered:
      return give(std::type_identity<wire::Answered>(), [&](auto&& one) { requests_.on(one); });
    case wire::FrameType::asked: return give(std::type_identity<wire::Asked>(), [&](auto&& one) { requests_.on(one); });
    case wire::FrameType::error: {
      const auto error = wire::decode<wire::Error>(frame);
      return error.ok() ? on_error(*error) : error.status();
    }
    default: break;
  }
  // Of a newer broker: nothing that we asked for.
  if ((frame.flags & wire::kMustUnderstand) == 0) return {};
  return {Code::UNKNOWN_FRAME, "the broker sent a frame of type " + std::to_string(frame.type) +
                                   " that must be understood, and is not known here"};
}

Status ClientCore::on_error(const wire::Error& error) {
  if (error.request == 0) {
    const base::ErrorInfo& info = base::error_info(error.status.code());
    if (error.status.ok() || !info.closes_connection) return {};
    if (info.retry == base::Retry::never) fail_unanswered(error.status);
    return error.status;
  }
  const auto [request, status] = std::tie(error.request, error.status);
  if (publisher_.refused(request, status) || requests_.refused(request, status)) return {};
  if (asking_.refused(request, status)) return {};
  settling_.erase(error.request);
  for (const auto& [number, consumer] : std::map(consumers_)) {
    if (consumer->refused(error.request, error.status)) break;
  }
  return {};
}

/// Something of what the broker has not answered made it end the connection; nobody knows what. All of it again would
/// be the same again.
void ClientCore::fail_unanswered(const Status& status) {
  const Status named(status.code(), std::string(base::error_info(status.code()).name) + ": " + status.text());
  publisher_.fail_unanswered(named);
  requests_.fail_unanswered(named);
  asking_.fail_unanswered(named);
  for (const auto& [number, consumer] : std::map(consumers_)) consumer->suspect(named);
}

/// The broker has a consumer that is closed here: what it was given is to be given back.
void ClientCore::dismiss(std::uint64_t consumer) {
  if (dismissed_.insert(consumer).second) send(wire::encode(wire::CloseConsumer{next_request(), consumer}));
}

// --- Asking ------------------------------------------------------------------------------------------------------

void ClientCore::request(Requests::Request request) {
  asio::post(executor(), [self = shared_from_this(), request = std::move(request)]() mutable {
    if (self->closed_) return request.answer(Status(Code::CLOSED), {}, {});
    self->due_by(request.deadline);
    self->requests_.submit(std::move(request));
  });
}

std::uint64_t ClientCore::ask(std::string&& queue, Message&& message, SteadyTime deadline,
                              std::shared_ptr<const OnNote> on_note, Handler<Reply> handler) {
  Question question;
  question.operation = next_operation();
  on_cancel(
      handler, [](ClientCore& self, std::uint64_t operation) { self.cancel_question(operation); }, question.operation);
  question.completion = Completion<Reply>(std::move(handler), home_);
  const std::uint64_t operation = question.operation;
  const auto refuse = [&](const Status& status) {
    question.completion.fail(status);
    return operation;
  };
  if (closed_) return refuse(Status(Code::CLOSED));
  if (const Status words = check_queue_name(queue); !words.ok()) return refuse(words);
  if (const Status words = check_request(message); !words.ok()) return refuse(words);
  if (message.id.is_nil()) message.id = MessageId::make();
  if (message.correlation_id.empty()) message.correlation_id = message.id.to_string();
  if (message.reply_to.empty()) message.reply_to = model::kToRequester;
  const auto time_left = std::chrono::duration_cast<base::Duration>(deadline - SteadyClock::now());
  message.deadline = std::chrono::time_point_cast<std::chrono::system_clock::duration>(
      std::chrono::system_clock::now() + std::min<base::Duration>(time_left, model::limits::kRequestTimeMost));
  question.queue = std::move(queue);
  question.envelope = encode_envelope(message);
  question.id = message.id;
  question.body = shared_body(message.body);
  question.body_crc = base::crc32c(message.body.view());
  question.deadline = deadline;
  question.on_note = std::move(on_note);
  asio::post(executor(), [self = shared_from_this(), question = std::move(question)]() mutable {
    if (self->closed_) return question.completion.fail(Status(Code::CLOSED));
    self->due_by(question.deadline);
    self->asking_.submit(std::move(question));
  });
  return operation;
}

void ClientCore::send_note(const std::string& queue, const MessageId& id, Message note) {
  wire::Answer frame;
  frame.queue = queue;
  frame.id = uuid_of(id);
  frame.note = true;
  frame.reply.envelope = encode_envelope(note);
  frame.reply.body = shared_body(note.body);
  frame.reply.body_crc = base::crc32c(note.body.view());
  post([self = shared_from_this(), frame = std::move(frame)] {
    const std::size_t bytes = frame.reply.body.size();
    if (self->is_open() && check_size(self->welcome_, frame.reply.envelope.size(), bytes).ok()) {
      self->send(wire::encode(frame));
    }
  });
}

std::shared_ptr<ConsumerCore> ClientCore::make_consumer(std::string queue, const AnyHandler& handler,
                                                        ConsumeOptions options, ConsumerCore::Opened opened) {
  Status name = check_queue_name(queue);
  if (name.ok()) name = check_accepts(options.accepts);
  options.concurrency = std::max(options.concurrency, 1);
  const auto consumer = std::make_shared<ConsumerCore>(shared_from_this(), ++last_consumer_, std::move(queue), handler,
                                                       std::move(options));
  asio::post(executor(), [self = shared_from_this(), consumer, name, opened = std::move(opened)]() mutable {
    if (self->closed_ || self->closing_ || !name.ok()) {
      consumer->refuse();
      return opened(name.ok() ? Status(Code::CLOSED) : name);
    }
    self->consumers_.emplace(consumer->number(), consumer);
    consumer->start(std::move(opened));
  });
  return consumer;
}

void ClientCore::forget_consumer(std::uint64_t number) {
  consumers_.erase(number);
  lingering_.erase(number);
}

void ClientCore::let_linger(const std::shared_ptr<ConsumerCore>& consumer) {
  consumers_.erase(consumer->number());
  lingering_.emplace(consumer->number(), consumer);
}

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
  due_by(std::min({publisher_.expire(now), requests_.expire(now), asking_.expire(now)}));
}

// --- Closing ---------------------------------------------------------------------------------------------------------

/// Of what closes a client, and waits for its turn. When it is destroyed without it, the user's context has gone with
/// what it had to run, and nothing else would ever part the client from its consumers, which hold each other.
class ClientCore::Closing {
 public:
  explicit Closing(std::shared_ptr<ClientCore> core) : core_(std::move(core)) {}
  Closing(Closing&&) noexcept = default;
  Closing& operator=(Closing&&) = delete;
  ~Closing() {
    if (core_ != nullptr) core_->let_go_of_consumers();
  }
  /// Its turn has come.
  std::shared_ptr<ClientCore> begin() { return std::exchange(core_, nullptr); }

 private:
  std::shared_ptr<ClientCore> core_;
};

void ClientCore::let_go_of_consumers() {
  consumers_.clear();
  lingering_.clear();
  resuming_.clear();
}

void ClientCore::close(milliseconds drain, Handler<Closed> handler) {
  const std::uint64_t operation = next_operation();
  on_cancel(
      handler, [](ClientCore& self, std::uint64_t number) { self.cancel_close(number); }, operation);
  asio::post(executor(), [closing = Closing(shared_from_this()), drain, operation,
                          completion = Completion<Closed>(std::move(handler), home_)]() mutable {
    const auto self = closing.begin();
    self->closers_.emplace(operation, std::move(completion));
    if (!self->closed_) return self->close_now(drain);
    if (self->parting_ == nullptr) self->say_closed();
  });
}

/// Nobody waits for it any more; it goes on.
void ClientCore::cancel_close(std::uint64_t operation) {
  if (const auto closer = closers_.extract(operation)) closer.mapped().fail(Status(Code::CANCELLED));
}

/// A second call may only shorten it.
void ClientCore::close_now(milliseconds drain) {
  const auto until = deadline_in(drain);
  if (!closing_ || until < close_timer_.expiry()) {
    close_timer_.expires_at(until);
    close_timer_.async_wait([closing = Closing(shared_from_this())](boost::system::error_code error) mutable {
      const auto self = closing.begin();
      if (!error && !self->closed_) self->finish_close();
    });
  }
  if (std::exchange(closing_, true)) return;
  consumers_closing_ = consumers_.size();
  for (const auto& [number, consumer] : std::map(consumers_)) {
    consumer->close(drain, Handler<Closed>([self = shared_from_this()](error_code, const Closed& closed) {
                      self->result_.finished += closed.finished;
                      self->result_.released += closed.released;
                      self->result_.abandoned += closed.abandoned;
                      --self->consumers_closing_;
                      self->check_closed();
                    }));
  }
  check_closed();
}

void ClientCore::check_closed() {
  if (!closing_ || closed_ || consumers_closing_ > 0) return;
  if (publisher_.idle()) return finish_close();
  // Looked at again until the drain is over: publishes end by themselves.
  idle_poll_.expires_after(std::chrono::milliseconds(5));
  idle_poll_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->check_closed();
  });
}

void ClientCore::finish_close() {
  if (closed_.exchange(true)) return;
  close_timer_.cancel();
  idle_poll_.cancel();
  reconnect_.cancel();
  deadlines_.cancel();
  for (const auto& [number, consumer] : std::map(consumers_)) consumer->abandon();
  for (const auto& [number, consumer] : std::map(lingering_)) consumer->release_begun();
  consumers_.clear();
  lingering_.clear();
  resuming_.clear();  // of a connection that broke off before its Welcome: they hold us
  publisher_.fail_all(Status(Code::CLOSED));
  requests_.fail_all(Status(Code::CLOSED));
  asking_.fail_all(Status(Code::CLOSED));
  tell_awaiting(Status(Code::CLOSED));
  parting_ = std::exchange(transport_, nullptr);
  if (parting_ == nullptr || !connected_.exchange(false)) {
    // Behind what the consumers still have to say.
    return asio::post(executor(), [self = shared_from_this()] { self->say_closed(); });
  }
  parting_->send(wire::encode(wire::Goodbye{}));
  parting_->after_written([self = shared_from_this()] { self->say_closed(); });
  // A connection that takes no more bytes does not keep us.
  close_timer_.expires_after(kGoodbye);
  close_timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->say_closed();
  });
}

void ClientCore::say_closed() {
  close_timer_.cancel();
  if (parting_ != nullptr) std::exchange(parting_, nullptr)->close();
  for (auto& [operation, closer] : std::exchange(closers_, {})) closer.done(result_);
}

void ClientCore::report(const std::exception_ptr& thrown) const {
  try {
    if (options_.on_exception) return options_.on_exception(thrown);
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    // Nobody else would ever hear of it.
    std::fprintf(stderr, "lazaret: a callback threw: %s\n", error.what());
  } catch (...) {
    std::fprintf(stderr, "lazaret: a callback threw something that is no std::exception\n");
  }
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

namespace {

/// Until it is stopped. A completion handler of the user's that throws ends nobody's process.
void run(asio::io_context& io, const ClientCore& core) {
  while (!io.stopped()) core.call_user([&io] { io.run(); });
}

}  // namespace

ClientOwner::ClientOwner(ClientCore::Address address, Options options) : thread_(std::make_shared<OwnThread>()) {
  core_ =
      std::make_shared<ClientCore>(Home{thread_->io.get_executor(), {}}, std::move(address), std::move(options), true);
  core_->set_io(thread_);
  thread_->thread = std::thread([own = thread_, core = core_] {
    core->set_thread(std::this_thread::get_id());
    const auto work = asio::make_work_guard(own->io);
    run(own->io, *core);
    // Whoever closes a consumer that outlives the client is answered: now, or because post() says no.
    core->end_thread();
    own->io.restart();
    core->call_user([&own] { own->io.poll(); });
  });
  core_->start();
}

ClientOwner::ClientOwner(asio::any_io_executor executor, ClientCore::Address address, Options options) {
  core_ = std::make_shared<ClientCore>(Home{asio::make_strand(executor), executor}, std::move(address),
                                       std::move(options), false);
  core_->start();
}

std::shared_ptr<ClientOwner> ClientCore::owner() {
  auto owner = owner_.lock();
  return owner != nullptr ? owner : std::make_shared<ClientOwner>(shared_from_this());
}

ClientOwner::~ClientOwner() {
  if (!ends_it_) return;
  if (thread_ == nullptr) {
    // Never blocks: what is held is released by the goodbye.
    core_->close(milliseconds(0), Handler<Closed>([](error_code, const Closed&) {}));
    return;
  }
  // Inside a handler there is nothing to wait for: that one ends only after us.
  const milliseconds drain = core_->close_would_deadlock() ? milliseconds(0) : core_->options().drain;
  core_->close(drain, Handler<Closed>([own = thread_](error_code, const Closed&) { own->io.stop(); }));
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
