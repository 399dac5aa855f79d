#include "admin/server.h"

#include <exception>
#include <thread>

#include "admin/http_front.h"
#include "admin/sampler.h"

namespace lazaret::admin {
namespace {

/// A largest body in base64, with an envelope beside it that may have escapes. A body as text may need more than that,
/// when most of it is escapes.
std::uint64_t max_request_bytes(const ServerConfig& config) {
  return (config.max_message_bytes + 2) / 3 * 4 + 2 * config.max_header_bytes + (64u << 10);
}

std::string text_of(const asio::ip::tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}

}  // namespace

/// The order of members is the order of life: what stands later is gone first.
struct Server::Impl {
  Impl(ServerConfig given, engine::Engine& engine, hospital::ReplayJobs& replays, alerts::Alerts& alerts)
      : config(std::move(given)), desk(engine::Desk::open(engine)), broker{config, engine, *desk, replays, alerts} {}
  ~Impl() {
    if (listens) broker.alerts.listen(nullptr);
    desk->close();
  }

  base::Status listen() {
    // The host as configured may be a name; what is bound is known only after.
    front = std::make_unique<HttpFront>(io, workers, dispatcher, events, max_request_bytes(config), config.version,
                                        [this] { desk->close(); });
    return front->listen(config.host, config.port);
  }

  void run() {
    std::vector<std::string> names = config.allowed_hosts;
    names.push_back(config.host);
    dispatcher.expect(OriginCheck(front->endpoint().address().to_string(), std::move(names)));
    front->begin_accepting();
    sampler.start();
    listens = true;
    broker.alerts.listen([this](const model::AlertRecord& alert) {
      auto event = std::make_shared<const std::string>(alert_event(alert, broker.alerts.public_url()));
      asio::post(io, [this, event = std::move(event)] { events.publish_alert(event); });
    });
    thread = std::thread([this] { io.run(); });
  }

  void stop() {
    if (!thread.joinable()) return;
    broker.stopping = true;
    broker.alerts.listen(nullptr);
    sampler.begin_stop();
    asio::post(io, [this] { front->begin_stop(); });
    thread.join();
    workers.join();
    desk->close();
    sampler.join();
  }

  const ServerConfig config;
  const std::shared_ptr<engine::Desk> desk;
  Broker broker;
  Dispatcher dispatcher{broker};
  asio::thread_pool workers{2};
  asio::io_context io{1};
  Sampler sampler{broker, [this](std::shared_ptr<const Overview> overview) {
                    asio::post(io, [this, overview = std::move(overview)] { events.publish(overview); });
                  }};
  EventStreams events{[this](bool watched) { sampler.watch(watched); }};
  std::unique_ptr<HttpFront> front;
  bool listens = false;  // to alerts
  std::thread thread;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { stop(); }

base::Result<std::unique_ptr<Server>> Server::start(ServerConfig config, engine::Engine& engine,
                                                    hospital::ReplayJobs& replays, alerts::Alerts& alerts) {
  auto impl = std::make_unique<Impl>(std::move(config), engine, replays, alerts);
  try {
    LZ_RETURN_IF_ERROR(impl->listen());
    impl->run();
  } catch (const std::exception& exception) {
    return base::Status(base::Code::RESOURCE_EXHAUSTED,
                        std::string("cannot start the HTTP server: ") + exception.what());
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::string Server::address() const { return text_of(impl_->front->endpoint()); }
void Server::stop() { impl_->stop(); }

}  // namespace lazaret::admin
