#include "faults/proxy.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <vector>

namespace lazaret::testing {

namespace asio = boost::asio;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

std::size_t index_of(Proxy::Way way) { return static_cast<std::size_t>(way); }

}  // namespace

struct Proxy::Link {
  explicit Link(tcp::socket socket)
      : client(std::move(socket)),
        broker(client.get_executor()),
        thawed(client.get_executor(), asio::steady_timer::time_point::max()) {}
  tcp::socket client;
  tcp::socket broker;
  std::array<Flow, 2> flows;
  Ending cut = Ending::reset;
  asio::steady_timer thawed;  // cancelled at the end
  int pumps = 0;
  bool ended = false;
};

Proxy::Proxy(const std::string& broker) : acceptor_(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
  const auto colon = broker.rfind(':');
  broker_ = {asio::ip::make_address(broker.substr(0, colon)),
             static_cast<std::uint16_t>(std::stoi(broker.substr(colon + 1)))};
  port_ = acceptor_.local_endpoint().port();
  asio::co_spawn(io_, accept(), asio::detached);
  thread_ = std::thread([this] { io_.run(); });
}

Proxy::~Proxy() {
  call([this] {
    acceptor_.close();
    for (const LinkRef& link : links_) end(*link, Ending::reset);
  });
  thread_.join();
}

void Proxy::call(std::function<void()> what) {
  std::promise<void> done;
  asio::post(io_, [&] {
    what();
    done.set_value();
  });
  done.get_future().wait();
}

// --- What a test says -----------------------------------------------------------------------------------------------

void Proxy::reset_all() {
  call([this] {
    for (const LinkRef& link : links_) end(*link, Ending::reset);
  });
}

void Proxy::cut_after(Way way, std::size_t bytes, Ending ending) {
  call([=, this] {
    for (const LinkRef& link : links_) {
      link->flows[index_of(way)].left = bytes;
      link->cut = ending;
    }
  });
}

void Proxy::cut_new_after(Way way, std::size_t bytes) {
  call([=, this] { cut_new_[index_of(way)] = bytes; });
}

void Proxy::cut_no_more() {
  call([this] {
    cut_new_ = {};
    for (const LinkRef& link : links_) {
      for (Flow& flow : link->flows) flow.left.reset();
    }
  });
}

void Proxy::freeze(Way way) {
  call([=, this] {
    for (const LinkRef& link : links_) link->flows[index_of(way)].frozen = true;
  });
}

void Proxy::silence() {
  call([this] {
    silent_ = true;
    for (const LinkRef& link : links_) {
      for (Flow& flow : link->flows) flow.frozen = true;
    }
  });
}

void Proxy::speak() {
  call([this] { silent_ = false; });
}

void Proxy::trickle(Way way, std::size_t bytes, std::chrono::milliseconds pause) {
  call([=, this] { paces_[index_of(way)] = {bytes, pause}; });
}

std::size_t Proxy::connections() {
  std::size_t count = 0;
  call([&] { count = connections_; });
  return count;
}

std::size_t Proxy::open() {
  std::size_t count = 0;
  call([&] { count = links_.size(); });
  return count;
}

// --- Forwarding -----------------------------------------------------------------------------------------------------

asio::awaitable<void> Proxy::accept() {
  for (;;) {
    auto [error, socket] = co_await acceptor_.async_accept(kTuple);
    if (error) co_return;
    ++connections_;
    const auto link = std::make_shared<Link>(std::move(socket));
    for (std::size_t way = 0; way < 2; ++way) {
      link->flows[way].left = cut_new_[way];
      link->flows[way].frozen = silent_;
    }
    links_.insert(link);
    asio::co_spawn(io_, serve(link), asio::detached);
  }
}

asio::awaitable<void> Proxy::serve(LinkRef link) {
  // Of who comes into silence the broker hears nothing at all.
  const bool lost = silent_;
  while (lost && !link->ended) co_await link->thawed.async_wait(kTuple);
  const auto [error] = co_await link->broker.async_connect(broker_, kTuple);
  if (error || link->ended) {
    end(*link, Ending::reset);
    links_.erase(link);
    co_return;
  }
  boost::system::error_code ignored;
  link->client.set_option(tcp::no_delay(true), ignored);
  link->broker.set_option(tcp::no_delay(true), ignored);
  link->pumps = 2;
  for (const Way way : {Way::to_broker, Way::to_client}) {
    asio::co_spawn(io_, pump(link, way), [this, link](const std::exception_ptr&) {
      if (--link->pumps == 0) links_.erase(link);
    });
  }
}

asio::awaitable<void> Proxy::pump(LinkRef link, Way way) {
  tcp::socket& from = way == Way::to_broker ? link->client : link->broker;
  tcp::socket& to = way == Way::to_broker ? link->broker : link->client;
  Flow& flow = link->flows[index_of(way)];
  std::vector<char> bytes(64u << 10);
  while (!link->ended) {
    const Pace pace = paces_[index_of(way)];
    const auto [read_error, count] =
        co_await from.async_read_some(asio::buffer(bytes.data(), std::min(pace.bytes, bytes.size())), kTuple);
    // What came, the end of the stream too, is held for ever.
    while (flow.frozen && !link->ended) co_await link->thawed.async_wait(kTuple);
    if (link->ended) co_return;
    if (read_error == asio::error::eof) {
      boost::system::error_code ignored;
      to.shutdown(tcp::socket::shutdown_send, ignored);
      co_return;
    }
    if (read_error) co_return end(*link, Ending::reset);
    const std::size_t goes = std::min(count, flow.left.value_or(count));
    const auto [write_error, written] = co_await asio::async_write(to, asio::buffer(bytes.data(), goes), kTuple);
    if (write_error) co_return end(*link, Ending::reset);
    if (flow.left && (*flow.left -= std::min(*flow.left, goes)) == 0) co_return end(*link, link->cut);
    if (pace.pause.count() > 0) {
      asio::steady_timer rest(io_, pace.pause);
      co_await rest.async_wait(kTuple);
    }
  }
}

void Proxy::end(Link& link, Ending ending) {
  if (std::exchange(link.ended, true)) return;
  boost::system::error_code ignored;
  for (tcp::socket* socket : {&link.client, &link.broker}) {
    if (ending == Ending::reset) socket->set_option(asio::socket_base::linger(true, 0), ignored);
    if (ending == Ending::close) socket->shutdown(tcp::socket::shutdown_both, ignored);
    socket->close(ignored);
  }
  link.thawed.cancel();
}

}  // namespace lazaret::testing
