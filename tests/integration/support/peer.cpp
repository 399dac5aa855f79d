#include "integration/support/peer.h"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

namespace lazaret::testing {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

template <class T>
constexpr wire::FrameType type_of();
template <>
constexpr wire::FrameType type_of<wire::Hello>() {
  return wire::FrameType::hello;
}
template <>
constexpr wire::FrameType type_of<wire::OpenProducer>() {
  return wire::FrameType::open_producer;
}
template <>
constexpr wire::FrameType type_of<wire::Publish>() {
  return wire::FrameType::publish;
}
template <>
constexpr wire::FrameType type_of<wire::OpenConsumer>() {
  return wire::FrameType::open_consumer;
}
template <>
constexpr wire::FrameType type_of<wire::Started>() {
  return wire::FrameType::started;
}
template <>
constexpr wire::FrameType type_of<wire::Settle>() {
  return wire::FrameType::settle;
}
template <>
constexpr wire::FrameType type_of<wire::CloseConsumer>() {
  return wire::FrameType::close_consumer;
}
template <>
constexpr wire::FrameType type_of<wire::QueueRequest>() {
  return wire::FrameType::queue_request;
}
template <>
constexpr wire::FrameType type_of<wire::Peek>() {
  return wire::FrameType::peek;
}
template <>
constexpr wire::FrameType type_of<wire::Goodbye>() {
  return wire::FrameType::goodbye;
}

}  // namespace

void Peer::Link::send(const wire::OutFrame& frame) {
  if (peer_.speech_) return send_bytes(peer_.speech_(frame));
  std::string bytes = frame.head;
  for (const base::SharedBytes& body : frame.bodies) bytes.append(body.view());
  send_bytes(bytes);
}

void Peer::Link::send_bytes(std::string_view bytes) {
  error_code ignored;  // the client may be gone
  asio::write(socket_, asio::buffer(bytes.data(), bytes.size()), ignored);
}

void Peer::Link::hang_up() {
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

Peer::Peer(std::uint16_t port)
    : acceptor_(io_, {asio::ip::address_v4::loopback(), port}), port_(acceptor_.local_endpoint().port()) {
  welcome.session = model::SessionId(1);
  welcome.max_message_bytes = 1u << 20;
  welcome.max_header_bytes = 64u << 10;
  welcome.max_frame_bytes = 3u << 20;
  welcome.max_batch_items = 1024;
  welcome.max_publish_window = 4096;
  welcome.heartbeat = std::chrono::seconds(60);
  accept();
  thread_ = std::thread([this] { io_.run(); });
}

Peer::~Peer() {
  io_.stop();
  thread_.join();
}

template <class T>
void Peer::on(std::function<bool(Link&, const T&)> then) {
  handlers_[type_of<T>()] = [then = std::move(then)](Link& link, const wire::Frame& frame) {
    const auto decoded = wire::decode<T>(frame);
    return decoded.ok() && then(link, *decoded);
  };
}
template void Peer::on(std::function<bool(Link&, const wire::Hello&)>);
template void Peer::on(std::function<bool(Link&, const wire::OpenProducer&)>);
template void Peer::on(std::function<bool(Link&, const wire::Publish&)>);
template void Peer::on(std::function<bool(Link&, const wire::OpenConsumer&)>);
template void Peer::on(std::function<bool(Link&, const wire::Started&)>);
template void Peer::on(std::function<bool(Link&, const wire::Settle&)>);
template void Peer::on(std::function<bool(Link&, const wire::CloseConsumer&)>);
template void Peer::on(std::function<bool(Link&, const wire::QueueRequest&)>);
template void Peer::on(std::function<bool(Link&, const wire::Peek&)>);
template void Peer::on(std::function<bool(Link&, const wire::Goodbye&)>);

void Peer::with_latest(std::function<void(Link&)> then) {
  asio::post(io_, [this, then = std::move(then)] {
    if (latest_ != nullptr) then(*latest_);
  });
}

void Peer::accept() {
  acceptor_.async_accept([this](error_code error, tcp::socket socket) {
    if (error) return;
    latest_ = std::make_shared<Link>(*this, std::move(socket), ++connections_);
    links_.insert(latest_);
    read(latest_);
    accept();
  });
}

void Peer::read(const LinkRef& link) {
  const auto room = link->reader_.prepare();
  link->socket_.async_read_some(asio::buffer(room.data(), room.size()),
                                [this, link](error_code error, std::size_t bytes) {
                                  if (error) {
                                    links_.erase(link);
                                    return;
                                  }
                                  link->reader_.commit(bytes);
                                  if (!link->magic_) {
                                    link->magic_ = link->reader_.take_raw(wire::kMagic.size()).has_value();
                                  }
                                  while (link->magic_) {
                                    const auto frame = link->reader_.next();
                                    if (!frame.ok() || !frame->has_value()) break;
                                    take(*link, **frame);
                                  }
                                  read(link);
                                });
}

void Peer::take(Link& link, const wire::Frame& frame) {
  ++heard_.at(frame.type);
  const auto handler = handlers_.find(static_cast<wire::FrameType>(frame.type));
  if (handler == handlers_.end() || !handler->second(link, frame)) answer(link, frame);
}

void Peer::answer(Link& link, const wire::Frame& frame) {
  switch (static_cast<wire::FrameType>(frame.type)) {
    case wire::FrameType::hello: return link.send(wire::encode(welcome));
    case wire::FrameType::ping: return link.send(wire::encode(wire::Pong{}));
    case wire::FrameType::goodbye: return link.hang_up();
    case wire::FrameType::open_producer: {
      wire::ProducerOpened opened;
      opened.request = wire::decode<wire::OpenProducer>(frame)->request;
      opened.producer = 1;
      return link.send(wire::encode(opened));
    }
    case wire::FrameType::publish: {
      const auto publish = wire::decode<wire::Publish>(frame);
      wire::Published published;
      published.request = publish->request;
      for (const wire::PublishItem& item : publish->items) {
        published.results.push_back({base::Code::OK, model::Offset(item.sequence), false});
      }
      return link.send(wire::encode(published));
    }
    case wire::FrameType::open_consumer: {
      const auto open = wire::decode<wire::OpenConsumer>(frame);
      wire::ConsumerOpened opened;
      opened.request = open->request;
      opened.consumer = open->consumer;
      opened.held.assign(open->held.size(), true);
      opened.lease_duration = std::chrono::seconds(60);
      if (!open->more) link.send(wire::encode(opened));
      return;
    }
    case wire::FrameType::settle: {
      const auto settle = wire::decode<wire::Settle>(frame);
      if (settle->request != 0) link.send(wire::encode(wire::Settled{settle->request, {}}));
      return;
    }
    case wire::FrameType::close_consumer:
      return link.send(wire::encode(wire::ConsumerEnded{wire::decode<wire::CloseConsumer>(frame)->consumer, {}}));
    case wire::FrameType::queue_request: {
      wire::QueueResponse response;
      response.request = wire::decode<wire::QueueRequest>(frame)->request;
      return link.send(wire::encode(response));
    }
    default: return;
  }
}

}  // namespace lazaret::testing
