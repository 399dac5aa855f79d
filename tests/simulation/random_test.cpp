// Random runs against the rules: publishers, workers, operators, crashes; then everything is drained, and what must
// have become of each message is compared with what did. A run depends on its seed only: LAZARET_SEED=17 repeats one.
#include <algorithm>
#include <cstdlib>
#include <set>

#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using model::CaseState;
using model::VerdictKind;

constexpr std::uint64_t kSeeds = 200;
constexpr int kActions = 250;

/// What the outside knows of one queue.
struct Known {
  model::QueueRecord record;
  std::map<std::uint64_t, std::string> confirmed;   // offset → body
  std::map<std::string, std::uint64_t> places;      // body → offset, of all that was delivered or confirmed
  std::map<std::uint64_t, std::uint32_t> attempts;  // offset → of its last delivery
  std::map<std::uint64_t, std::uint64_t> grants;    // offset → of its last delivery
  std::set<std::uint64_t> acked;                    // confirmed acks
  std::set<std::uint64_t> begun;                    // may have begun, as far as clients know
  std::uint64_t purged = 0;
};

struct Worker {
  std::unique_ptr<Client> client;
  std::string queue;
  bool speaks_started = true;
  base::Instant returns_at = base::Instant::never();  // when it connects again, if it is not connected
  bool as_another = false;                            // … as another process
  base::Instant sure_from;                            // before it, it may not yet have heard what it has lost
};

/// A publisher that numbers what it sends, and sends again what was not confirmed before the broker died.
struct Publisher {
  model::InstanceRecord instance;
  model::ProducerId producer;
  model::SessionId session;
  std::string queue;
  std::uint64_t next = 1;
  std::uint64_t last_request = 0;
  std::map<std::uint64_t, std::string> unconfirmed;               // sequence → body
  std::map<std::uint64_t, std::vector<std::uint64_t>> under_way;  // request → sequences
};

class RandomRun {
 public:
  explicit RandomRun(std::uint64_t seed)
      : random_(seed),
        world_({.shards = 2,
                .reconnect_grace = 5s,
                .resume_grace = 5s,
                .sync_time = 4ms,
                .page_time = 3ms,
                .random_order = true,
                .seed = seed}) {}
  void run() {
    // After a start most of what waits is on the disk only.
    if (chance(50)) world_.store().set_waiting_in_memory(1);
    for (const char* name : {"orders", "letters", "parcels"}) create(name);
    make_workers();
    make_publishers();
    for (int i = 0; i < kActions && !::testing::Test::HasFailure(); ++i) {
      act();
      world_.run_for(base::Duration(static_cast<std::int64_t>(random_.below(chance(10) ? 3'000'000 : 60'000))));
      come_back();
      nobody_works_twice();
    }
    if (!::testing::Test::HasFailure()) drain();
    if (!::testing::Test::HasFailure()) compare();
    EXPECT_THAT(world_.store().complaints(), ::testing::IsEmpty());
  }

 private:
  bool chance(std::uint64_t percent) { return random_.below(100) < percent; }
  template <class Container>
  auto& any(Container& of) {
    return *std::next(of.begin(), static_cast<std::ptrdiff_t>(random_.below(of.size())));
  }

  // --- Who takes part
  void create(const std::string& name);
  void make_workers();
  void make_publishers();
  void equip(Worker& worker);
  void open(Publisher& publisher);

  // --- What happens
  void act();
  void publish(Publisher& publisher);
  void send(Publisher& publisher, const std::vector<std::uint64_t>& sequences);
  void work(Worker& worker);
  void leave(Worker& worker);
  void come_back();
  void operate();
  void crash();
  void after_start();
  void erase(const std::string& name, bool under_a_crash);

  // --- What must hold
  void delivered(Worker& worker, const Client::Delivery& delivery);
  void settled(Worker& worker, const model::Verdict& verdict, const model::VerdictResult& result);
  void confirmed(Publisher& publisher, const model::Published& published);
  void nobody_works_twice();
  void check_sums(const std::string& name);
  void drain();
  void compare();
  void compare_history(const Known& known, const model::CaseRecord& record);

  base::Random random_;
  World world_;
  std::map<std::string, Known> queues_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Publisher>> publishers_;
};

// --- Who takes part -------------------------------------------------------------------------------------------------

void RandomRun::create(const std::string& name) {
  model::QueueOptions options;
  options.max_attempts = static_cast<std::uint32_t>(1 + random_.below(4));
  options.backoff_initial = std::chrono::milliseconds(random_.below(800) + 1);
  options.backoff_multiplier = 2;
  options.lease_duration = 2s;
  options.max_worker_deaths = static_cast<std::uint32_t>(1 + random_.below(3));
  queues_[name] = {};
  queues_[name].record = world_.create_queue(name, options);
}

void RandomRun::make_workers() {
  for (int i = 0; i < 6; ++i) {
    auto& worker = *workers_.emplace_back(std::make_unique<Worker>());
    worker.queue = std::next(queues_.begin(), i % 3)->first;
    worker.speaks_started = !chance(20);
    Client::Options options;
    options.speaks_started = worker.speaks_started;
    options.answers_recall = !chance(10);
    options.silent_trace = true;
    worker.client = std::make_unique<Client>(world_, "worker" + std::to_string(i), options);
    worker.client->on_delivery = [this, &worker](const Client::Delivery& delivery) { delivered(worker, delivery); };
    worker.client->on_settled = [this, &worker](const model::Verdict& verdict, const model::VerdictResult& result) {
      settled(worker, verdict, result);
    };
    equip(worker);
  }
}

void RandomRun::equip(Worker& worker) { worker.client->consume(worker.queue, 1 + random_.below(6)); }

void RandomRun::make_publishers() {
  for (std::uint8_t i = 0; i < 4; ++i) {
    auto& publisher = *publishers_.emplace_back(std::make_unique<Publisher>());
    publisher.instance.id.bytes[0] = 200;
    publisher.instance.id.bytes[1] = i;
    publisher.producer.bytes[0] = i;
    publisher.producer.bytes[1] = 1;
    publisher.queue = std::next(queues_.begin(), i % 3)->first;
    open(publisher);
  }
}

void RandomRun::open(Publisher& publisher) {
  publisher.session = world_.open_session(
      [this, &publisher](model::Answer&& answer) {
        if (const auto* published = std::get_if<model::Published>(&answer)) confirmed(publisher, *published);
      },
      publisher.instance);
  world_.session_resumed(publisher.session);
}

// --- What happens ---------------------------------------------------------------------------------------------------

void RandomRun::act() {
  const std::uint64_t dice = random_.below(100);
  if (dice < 30) return publish(*any(publishers_));
  if (dice < 85) return work(*any(workers_));
  if (dice < 90) return leave(*any(workers_));
  if (dice < 97) return operate();
  crash();
}

void RandomRun::publish(Publisher& publisher) {
  if (!world_.has_queue(publisher.queue)) return;
  std::vector<std::uint64_t> sequences;
  for (std::uint64_t i = 1 + random_.below(6); i > 0; --i) {
    const std::uint64_t sequence = publisher.next++;
    const std::uint64_t queue = queues_.at(publisher.queue).record.subscription.value;
    publisher.unconfirmed[sequence] =
        std::to_string(queue) + "/" + std::to_string(publisher.producer.bytes[0]) + "/" + std::to_string(sequence);
    sequences.push_back(sequence);
  }
  send(publisher, sequences);
}

void RandomRun::send(Publisher& publisher, const std::vector<std::uint64_t>& sequences) {
  model::Publish publish;
  publish.origin = {publisher.session, ++publisher.last_request};
  publish.queue = queues_.at(publisher.queue).record.subscription;
  publish.producer = publisher.producer;
  for (const std::uint64_t sequence : sequences) {
    auto message = std::make_shared<model::Message>();
    message->body_crc = static_cast<std::uint32_t>(sequence);
    message->body = base::SharedBytes::of(publisher.unconfirmed.at(sequence));
    publish.items.push_back({sequence, std::move(message)});
  }
  publisher.under_way[publisher.last_request] = sequences;
  world_.submit(queues_.at(publisher.queue).record.shard, std::move(publish));
}

void RandomRun::work(Worker& worker) {
  Client& client = *worker.client;
  if (!client.connected()) return;
  const std::vector<std::uint64_t> held = client.held();
  if (held.empty()) return;
  const std::uint64_t offset = held[random_.below(held.size())];
  const std::uint64_t dice = random_.below(100);
  // A handler that ends has begun.
  if (worker.speaks_started && !client.delivery(offset).begun && dice < 90) {
    client.start(offset);
    for (const auto& [other, delivery] : client.deliveries()) {
      if (delivery.begun) queues_.at(worker.queue).begun.insert(other);
    }
    if (chance(30)) return;
  }
  if (dice < 50) return client.ack(offset);
  if (dice < 70)
    return client.nack(offset, "it failed", chance(50) ? std::optional<base::Duration>(300ms) : std::nullopt);
  if (dice < 75) return client.reject(offset);
  if (dice < 85) return client.extend(offset);
  if (dice < 90) return client.release(offset);
  client.not_begun(offset);
}

void RandomRun::leave(Worker& worker) {
  Client& client = *worker.client;
  if (!client.connected()) return;
  worker.returns_at = world_.now() + base::Duration(static_cast<std::int64_t>(random_.below(8'000'000)));
  const std::uint64_t dice = random_.below(100);
  worker.as_another = dice < 70;
  if (dice < 20) return client.goodbye();
  if (dice < 70) return client.die();
  client.vanish();
}

void RandomRun::come_back() {
  for (const auto& worker : workers_) {
    Client& client = *worker->client;
    if (client.connected() || worker->returns_at > world_.now()) continue;
    worker->returns_at = base::Instant::never();
    worker->sure_from = world_.now() + 200ms;
    if (worker->as_another) {
      client.restart();
      client.connect();
      equip(*worker);
    } else {
      client.reconnect();
    }
  }
}

void RandomRun::operate() {
  const std::string name = any(queues_).first;
  if (!world_.has_queue(name)) return;
  const std::uint64_t dice = random_.below(100);
  if (dice < 40) {
    const auto cases = world_.cases(name, CaseState::admitted);
    if (cases.empty()) return;
    const model::CaseId id = any(cases).id;
    if (chance(70)) {
      world_.replay(id);
    } else {
      world_.discard(id);
    }
  } else if (dice < 60) {
    world_.post_all(core::TrimNow{});
  } else if (dice < 85) {
    check_sums(name);
  } else if (dice < 93) {
    queues_.at(name).purged += world_.purge(name).count;
  } else {
    erase(name, chance(50));
  }
}

void RandomRun::crash() {
  if (chance(25)) {
    world_.stop_broker();
  } else {
    world_.kill_broker(random_.below(4));
  }
  for (const auto& worker : workers_) {
    if (worker->client->connected()) {
      worker->client->disconnected();
      worker->as_another = chance(20);
    }
    // Clients try at least every 2 s.
    worker->returns_at = std::min(worker->returns_at,
                                  world_.now() + base::Duration(static_cast<std::int64_t>(random_.below(2'000'000))));
  }
  world_.start_broker();
  after_start();
}

/// Publishers come back and send again what was not confirmed.
void RandomRun::after_start() {
  for (const auto& publisher : publishers_) {
    open(*publisher);
    publisher->under_way.clear();
    std::vector<std::uint64_t> again;
    for (const auto& [sequence, body] : publisher->unconfirmed) again.push_back(sequence);
    if (!again.empty() && world_.has_queue(publisher->queue)) send(*publisher, again);
  }
}

void RandomRun::erase(const std::string& name, bool under_a_crash) {
  const model::QueueRecord record = queues_.at(name).record;
  if (under_a_crash) {
    model::DeleteQueue erase;
    erase.subscription = record.subscription;
    erase.force = true;
    world_.submit(record.shard, erase);
    world_.run_for(base::Duration(static_cast<std::int64_t>(random_.below(40'000))));
    crash();
    world_.run_for(1s);
    if (world_.has_queue(name)) return;  // the crash was first
  } else {
    EXPECT_TRUE(world_.delete_queue(name, true).status.ok());
    EXPECT_FALSE(world_.has_queue(name));
  }
  model::CaseFilter filter;
  filter.subscription = record.subscription;
  filter.state = CaseState::admitted;
  const auto left = world_.store().list_cases(filter, "", 100'000).value().cases;
  for (const model::CaseRecord& one : left) {
    const auto page = world_.store().read_messages(record.shard, record.log, one.id.offset, one.id.offset.next(), 1, 1);
    EXPECT_TRUE(page->messages.size() == 1 && page->messages[0].message != nullptr) << one.id.to_string();
  }
  for (const auto& worker : workers_) {
    if (worker->queue != name) continue;
    if (worker->client->connected()) worker->client->die();
    worker->returns_at = world_.now();
    worker->as_another = true;
  }
  create(name);
  for (const auto& publisher : publishers_) {
    if (publisher->queue != name) continue;
    publisher->unconfirmed.clear();
    publisher->under_way.clear();
  }
}

// --- What must hold -------------------------------------------------------------------------------------------------

void RandomRun::delivered(Worker& worker, const Client::Delivery& delivery) {
  Known& known = queues_.at(worker.queue);
  if (delivery.token.subscription != known.record.subscription) return;  // of the queue that had this name before
  const std::uint64_t offset = delivery.what.source_offset.value;
  const std::string body(delivery.what.message->body.view());
  const std::string where = worker.queue + " offset " + std::to_string(offset) + " at " + world_.clock();
  EXPECT_FALSE(known.acked.contains(offset)) << where << " was delivered after its ack was confirmed";
  const auto [place, fresh] = known.places.emplace(body, offset);
  EXPECT_EQ(place->second, offset) << where << ": " << body << " is stored twice";
  const auto sent = known.confirmed.find(offset);
  EXPECT_TRUE(sent == known.confirmed.end() || sent->second == body) << where;
  EXPECT_GE(delivery.what.attempt, known.attempts[offset]) << where;
  EXPECT_GT(delivery.token.grant.value, known.grants[offset]) << where << ": grants rise for ever";
  known.attempts[offset] = delivery.what.attempt;
  known.grants[offset] = delivery.token.grant.value;
  if (!worker.speaks_started) known.begun.insert(offset);
}

void RandomRun::settled(Worker& worker, const model::Verdict& verdict, const model::VerdictResult& result) {
  Known& known = queues_.at(worker.queue);
  if (verdict.token.subscription != known.record.subscription || result.code != Code::OK) return;
  std::optional<std::uint64_t> offset;
  for (const auto& [other, delivery] : worker.client->deliveries()) {
    if (delivery.token == verdict.token) offset = other;
  }
  if (!offset) return;  // it has been delivered to this worker again since
  const std::string where = worker.queue + " offset " + std::to_string(*offset) + " at " + world_.clock();
  // Answers come in the order of the steps: whoever heard of a newer grant first had lost this one before.
  EXPECT_EQ(known.grants[*offset], verdict.token.grant.value) << where << ": an old token still settled it";
  if (verdict.kind == VerdictKind::ack) known.acked.insert(*offset);
}

void RandomRun::confirmed(Publisher& publisher, const model::Published& published) {
  const auto request = publisher.under_way.extract(published.request);
  if (!request) return;
  Known& known = queues_.at(publisher.queue);
  for (std::size_t i = 0; i < published.results.size(); ++i) {
    const std::uint64_t sequence = request.mapped()[i];
    const auto sent = publisher.unconfirmed.find(sequence);
    if (sent == publisher.unconfirmed.end() || published.results[i].code == Code::NOT_FOUND) continue;
    ASSERT_EQ(published.results[i].code, Code::OK);
    const std::uint64_t offset = published.results[i].offset.value;
    const auto [place, fresh] = known.places.emplace(sent->second, offset);
    EXPECT_EQ(place->second, offset) << sent->second << " is stored twice";
    EXPECT_TRUE(known.confirmed.emplace(offset, sent->second).second) << "offset " << offset << " was given twice";
    publisher.unconfirmed.erase(sent);
  }
}

void RandomRun::nobody_works_twice() {
  std::map<std::pair<model::SubscriptionId, model::Offset>, const Worker*> working;
  for (const auto& worker : workers_) {
    if (!worker->client->connected() || worker->sure_from > world_.now()) continue;
    for (const auto& [offset, delivery] : worker->client->deliveries()) {
      if (!delivery.held || !delivery.begun) continue;
      const bool first =
          working.emplace(std::pair(delivery.token.subscription, delivery.what.source_offset), worker.get()).second;
      EXPECT_TRUE(first) << worker->queue << " offset " << offset << " is in two handlers at " << world_.clock();
    }
  }
}

void RandomRun::check_sums(const std::string& name) {
  const model::QueueStats stats = world_.show(name);
  if (!stats.status.ok()) return;
  const model::Counters& sums = stats.counters;
  EXPECT_EQ(sums.entered, stats.ready + stats.leased + stats.waiting + stats.scheduled + stats.held + sums.in_hospital +
                              sums.acked + sums.discarded + sums.expired + sums.purged + sums.dropped +
                              sums.lost_to_retention + sums.redirected)
      << name << " at " << world_.clock();
  EXPECT_EQ(sums.entered, stats.log_end.value) << name;
  EXPECT_LE(stats.leased, sums.entered);
  EXPECT_LE(stats.waiting, sums.entered);
}

/// Everybody becomes well-behaved; what is left on the queues is worked off.
void RandomRun::drain() {
  for (const auto& worker : workers_) {
    if (worker->client->connected()) worker->client->die();
    worker->returns_at = world_.now() + 1h;
  }
  world_.run_for(10s);
  std::vector<std::unique_ptr<Worker>> good;
  for (const auto& [name, known] : queues_) {
    auto& worker = *good.emplace_back(std::make_unique<Worker>());
    worker.queue = name;
    Client::Options options;
    options.starts_at_once = true;
    options.silent_trace = true;
    worker.client = std::make_unique<Client>(world_, "good " + name, options);
    worker.client->on_delivery = [this, &worker](const Client::Delivery& delivery) { delivered(worker, delivery); };
    worker.client->on_settled = [this, &worker](const model::Verdict& verdict, const model::VerdictResult& result) {
      settled(worker, verdict, result);
    };
    worker.client->consume(name, 50);
  }
  for (int quiet = 0; quiet < 10; ++quiet) {
    world_.run_for(1s);
    for (const auto& worker : good) {
      for (const std::uint64_t offset : worker->client->held()) {
        queues_.at(worker->queue).begun.insert(offset);
        worker->client->ack(offset);
        quiet = 0;
      }
    }
  }
  for (const auto& worker : good) worker->client->goodbye();
  world_.run_for(1s);
}

void RandomRun::compare() {
  for (const auto& [name, known] : queues_) {
    check_sums(name);
    const model::QueueStats stats = world_.show(name);
    EXPECT_EQ(stats.ready, 0u) << name;
    EXPECT_EQ(stats.leased, 0u) << name;
    EXPECT_EQ(stats.waiting, 0u) << name;
    EXPECT_EQ(stats.counters.purged, known.purged) << name;
    EXPECT_EQ(world_.store().delivery_records(known.record.subscription), 0u) << name;
    std::set<std::uint64_t> cases;
    std::uint64_t discharged = 0;
    for (const CaseState state : {CaseState::admitted, CaseState::discharged, CaseState::discarded}) {
      for (const model::CaseRecord& record : world_.cases(name, state)) {
        cases.insert(record.id.offset.value);
        discharged += state == CaseState::discharged ? 1 : 0;
        compare_history(known, record);
      }
    }
    EXPECT_TRUE(world_.cases(name, CaseState::replaying).empty());
    EXPECT_GE(stats.counters.acked, known.acked.size()) << name;
    std::uint64_t unseen = 0;
    for (const auto& [offset, body] : known.confirmed) {
      EXPECT_LT(offset, stats.log_end.value) << name;
      const bool seen = known.attempts.contains(offset) || cases.contains(offset);
      unseen += seen ? 0 : 1;
    }
    EXPECT_LE(unseen, known.purged) << name << ": confirmed, and gone without a trace";
    // What was not purged is acked or a case: nothing else can become of a message here.
    EXPECT_EQ(stats.counters.entered, stats.counters.acked + stats.counters.purged + cases.size() - discharged) << name;
  }
}

void RandomRun::compare_history(const Known& known, const model::CaseRecord& record) {
  const auto attempts = world_.store().read_attempts(record.id).value();
  const std::string where = "case " + record.id.to_string();
  EXPECT_EQ(attempts.size(), record.attempt_count) << where;
  std::uint32_t failures = 0;
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    EXPECT_EQ(attempts[i].number, i + 1) << where;
    failures += model::is_failure(attempts[i].outcome) ? 1 : 0;
  }
  const std::uint32_t limit = known.record.options.max_attempts.value();
  EXPECT_LE(failures, limit * (record.replay_count + 1)) << where;
  // Of a worker that never says started, what was on its way when it died counts as begun.
  const bool mute = std::any_of(workers_.begin(), workers_.end(), [&](const auto& worker) {
    return queues_.at(worker->queue).record.subscription == record.id.subscription && !worker->speaks_started;
  });
  EXPECT_TRUE(mute || failures == 0 || known.begun.contains(record.id.offset.value)) << where << " never began";
}

TEST(Random, RunsHoldTheRules) {
  std::uint64_t first = 1;
  std::uint64_t last = kSeeds;
  if (const char* one = std::getenv("LAZARET_SEED")) first = last = std::strtoull(one, nullptr, 10);
  if (const char* many = std::getenv("LAZARET_SEEDS")) last = std::strtoull(many, nullptr, 10);
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("LAZARET_SEED=" + std::to_string(seed));
    RandomRun(seed).run();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace lazaret::simulation
