#include "unit/admin/served_broker.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include <boost/json.hpp>

#include "storage/rocks_store.h"

namespace lazaret::admin {
namespace {

constexpr std::chrono::seconds kPatience{20};
const model::ConsumerKey kKey{model::InstanceId::v7(1, 2, 3), 1};

}  // namespace

std::shared_ptr<TestConsumer> TestConsumer::attach(engine::Engine& engine, const std::string& queue) {
  auto consumer = std::make_shared<TestConsumer>();
  consumer->engine_ = &engine;
  consumer->queue_ = engine.directory().find(queue);
  const model::InstanceRecord instance{kKey.instance, "worker", "host-1", "2.0", true};
  consumer->session_ = engine.open_session(consumer, instance);
  model::OpenConsumer open;
  open.origin = {consumer->session_, 1};
  open.consumer = kKey;
  open.instance = instance;
  open.subscription = consumer->queue_->subscription;
  open.credit_messages = 1;
  open.credit_bytes = 1u << 20;
  engine.submit(consumer->session_, consumer->queue_->shard, open, 0);
  return consumer;
}

void TestConsumer::tell(std::vector<model::Answer>&& answers) {
  const std::lock_guard lock(mutex_);
  for (model::Answer& answer : answers) {
    if (auto* deliver = std::get_if<model::Deliver>(&answer)) {
      deliveries_.insert(deliveries_.end(), deliver->messages.begin(), deliver->messages.end());
    } else if (std::holds_alternative<model::Settled>(answer)) {
      ++settled_;
    }
  }
  changed_.notify_all();
}

void TestConsumer::reject_next(const std::string& error_type, const std::string& error_message) {
  std::unique_lock lock(mutex_);
  ASSERT_TRUE(changed_.wait_for(lock, kPatience, [this] { return !deliveries_.empty(); }));
  const model::Delivered delivered = deliveries_.front();
  deliveries_.erase(deliveries_.begin());
  const std::size_t before = settled_;
  lock.unlock();
  model::Settle settle;
  settle.origin = {session_, 2};
  model::Verdict verdict;
  verdict.kind = model::VerdictKind::reject;
  verdict.token = {queue_->shard, queue_->subscription, delivered.log, delivered.offset, delivered.grant};
  verdict.error = {error_type, error_message, "the details"};
  settle.verdicts.push_back(verdict);
  engine_->submit(session_, queue_->shard, model::Started{kKey, queue_->subscription, delivered.delivery}, 64);
  engine_->submit(session_, queue_->shard, settle, 64);
  lock.lock();
  ASSERT_TRUE(changed_.wait_for(lock, kPatience, [&] { return settled_ > before; }));
}

void TestConsumer::leave() { engine_->end_session(session_, engine::Engine::End::goodbye); }

ServedBroker::ServedBroker() {
  std::string pattern = (std::filesystem::temp_directory_path() / "lazaret-admin-XXXXXX").string();
  directory_ = ::mkdtemp(pattern.data());
  storage::StoreOptions options;
  options.data_dir = directory_;
  auto store = storage::open_store(options);
  EXPECT_TRUE(store.ok());
  store_ = std::move(store).value();
  auto recovered = store_->recover();
  EXPECT_TRUE(recovered.ok());
  engine::EngineConfig config;
  config.disk_reserve_bytes = 0;
  config.disk_reserve_percent = 0;
  config.backups.directory = (directory_ / "backups").string();
  config.backups.version = "1.2.3";
  config.backups.on_ended = [this](const engine::Backup& backup) {
    const std::lock_guard lock(ended_mutex_);
    ended_backups_.push_back(backup);
  };
  config.backups.bytes_per_second = 1u << 20;  // so that what has a few messages takes seconds
  config.on_fatal = [](const base::Status&) { std::abort(); };
  auto engine = engine::Engine::start(config, *store_, std::move(recovered).value(), clock_);
  EXPECT_TRUE(engine.ok());
  engine_ = std::move(engine).value();
  auto replays = hospital::ReplayJobs::start(*engine_);
  EXPECT_TRUE(replays.ok());
  replays_ = std::move(replays).value();
  auto alerts = alerts::Alerts::start({}, *engine_, *replays_, std::make_shared<alerts::ShardNews>());
  EXPECT_TRUE(alerts.ok());
  alerts_ = std::move(alerts).value();
  ServerConfig served;
  served.host = "127.0.0.1";
  serve(served);
}

ServedBroker::~ServedBroker() {
  server_.reset();
  replays_->stop();
  alerts_->stop();
  engine_->stop();
  alerts_.reset();
  replays_.reset();
  engine_.reset();
  store_.reset();
  std::filesystem::remove_all(directory_);
}

void ServedBroker::serve(ServerConfig config) {
  server_.reset();
  config.version = "1.2.3";
  config.instance = "01912d68-783e-7a03-8467-5661c1243ad4";
  auto server = Server::start(config, *engine_, *replays_, *alerts_);
  ASSERT_TRUE(server.ok()) << server.status().text();
  server_ = std::move(server).value();
}

testing::HttpAnswer ServedBroker::ask(const std::string& method, const std::string& target, const std::string& body,
                                      const std::map<std::string, std::string>& headers) {
  return testing::http(server_->address(), method, target, body, headers);
}

std::pair<int, std::string> ServedBroker::refused(const std::string& method, const std::string& target,
                                                  const std::string& body,
                                                  const std::map<std::string, std::string>& headers) {
  const auto answer = ask(method, target, body, headers);
  EXPECT_EQ(answer.headers.at("content-type"), "application/problem+json") << answer.body;
  const auto document = answer.json();
  EXPECT_EQ(document.at("status"), answer.status);
  return {answer.status, std::string(document.at("code").as_string())};
}

}  // namespace lazaret::admin
