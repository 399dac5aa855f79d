// Who takes part, and the course of a run. What they do: random_actions.cpp, random_operators.cpp.
#include "simulation/random_run.h"

#include <algorithm>
#include <array>

namespace lazaret::simulation {
namespace {

constexpr std::array kConsumed{"letters", "orders", "parcels", "news.all", "news.new", "replies", "press"};
constexpr std::array kPublished{"letters", "orders", "parcels", "news", "wires"};

}  // namespace

RandomRun::RandomRun(std::uint64_t seed, Bug bug)
    : random_(seed),
      world_({.shards = 2,
              .hold_above_messages = 2,
              .reconnect_grace = 5s,
              .resume_grace = 5s,
              .sync_time = 4ms,
              .page_time = 3ms,
              .page_age = 30ms,
              .random_order = true,
              .audit_retain_for = 2s,
              .seed = seed,
              .bug = bug}),
      witness_(world_) {
  for (Watcher* watcher : std::initializer_list<Watcher*>{&witness_, &coverage_, &digest_, &commands_}) {
    world_.watch(*watcher);
  }
}

void RandomRun::trace(std::ostream& out) {
  tracer_ = std::make_unique<Tracer>(world_, out);
  world_.watch(*tracer_);
}

void RandomRun::run() {
  // After a start most of what waits is on the disk only.
  if (chance(50)) world_.store().set_waiting_in_memory(1);
  with_priorities_ = chance(60);
  for (const char* name : {"orders", "letters", "parcels"}) create(name);
  create_topic();
  create_reply_queue();
  world_.create_queue(Witness::kWard);
  make_workers();
  make_publishers();
  make_askers();
  while (well() && (commands_.count < kCommands || crashes_ < kCrashes)) {
    if (commands_.count >= kCommands) {
      crash();
    } else {
      act();
    }
    world_.run_for(base::Duration(static_cast<std::int64_t>(random_.below(chance(10) ? 3'000'000 : 60'000))));
    come_back();
    nobody_works_twice();
  }
  if (well()) drain();
  if (well()) witness_.finish();
  coverage_.confirms_held(world_.confirms_held());
}

void RandomRun::create(const std::string& name) {
  if (name.starts_with("news.")) return subscribe(name);
  if (name == "press") return subscribe_to_all();
  model::QueueOptions options = some_options();
  if (chance(30)) options.durability = model::Durability::relaxed;
  if (chance(40)) options.deduplicate_for = std::chrono::seconds(1 + random_.below(20));
  if (chance(40)) options.case_retention = std::chrono::seconds(1 + random_.below(20));
  if (chance(30)) options.case_retention_count = some_count();
  names_.insert(name);
  world_.create_queue(name, options);
}

model::QueueOptions RandomRun::some_options() {
  model::QueueOptions options;
  options.max_attempts = static_cast<std::uint32_t>(1 + random_.below(4));
  options.backoff_initial = std::chrono::milliseconds(random_.below(800) + 1);
  options.backoff_multiplier = 2;
  options.lease_duration = 2s;
  options.max_worker_deaths = static_cast<std::uint32_t>(1 + random_.below(3));
  if (chance(25)) options.ttl = std::chrono::milliseconds(500 + random_.below(5'000));
  if (chance(40)) options.on_expiry = model::OnExpiry::hospital;
  options.order_by_key = chance(50);
  if (chance(50)) make_breaker_quick(options);
  if (chance(25)) options.hospital_max_bytes = some_budget();
  if (options.order_by_key && chance(40)) options.on_key_failure = model::KeyFailure::hold;
  return options;
}

/// It opens in nearly every run.
void RandomRun::make_breaker_quick(model::QueueOptions& options) {
  options.breaker_samples = static_cast<std::uint32_t>(2 + random_.below(4));
  options.breaker_ratio = 0.5;
  options.breaker_window = 5s;
  options.breaker_pause = std::chrono::milliseconds(100 + random_.below(300));
}

/// A few cases, of bodies such as theirs.
std::uint64_t RandomRun::some_budget() { return 10 + random_.below(150); }

/// So few that they are soon too many.
std::uint64_t RandomRun::some_count() { return 1 + random_.below(6); }

/// In words that the witness understands.
std::string RandomRun::some_filter() {
  constexpr std::array kFilters{"a", "b", "type!=c"};
  return chance(60) ? "" : kFilters[random_.below(kFilters.size())];
}

/// One subscription from the beginning, one that comes in the middle.
void RandomRun::create_topic() {
  world_.create_topic("news", chance(30) ? model::Durability::relaxed : model::Durability::fsync);
  subscribe("news.all");
  subscribe("news.new");
  world_.create_topic("wires", chance(30) ? model::Durability::relaxed : model::Durability::fsync);
  subscribe_to_all();
}

/// Both topics, mostly on two shards.
void RandomRun::subscribe_to_all() {
  names_.insert("press");
  model::QueueOptions options = some_options();
  options.filter = some_filter();
  world_.subscribe_to_all("press", {"news", "wires"}, chance(50) ? model::Start::earliest : model::Start::latest,
                          options);
}

void RandomRun::subscribe(const std::string& name) {
  names_.insert(name);
  const auto start = name == "news.all" ? model::Start::earliest : model::Start::latest;
  model::QueueOptions options = some_options();
  if (chance(30)) options.case_retention_count = some_count();
  options.filter = some_filter();
  world_.subscribe(name, "news", start, options);
}

/// Nobody changes or deletes it, so that every reply is found there.
void RandomRun::create_reply_queue() {
  model::QueueOptions options = some_options();
  options.ttl = {};
  options.hospital_max_bytes = 0;
  world_.create_queue("replies", options);
}

/// Nine processes; the first of them has consumers on two queues.
void RandomRun::make_workers() {
  for (std::size_t i = 0; i < 9; ++i) {
    Client::Options options;
    options.speaks_started = !chance(20);
    options.answers_recall = !chance(10);
    options.outbox_bytes = chance(50) ? 64 : 0;
    options.silent_trace = true;
    if (chance(20)) options.accepts = {"a", "b@2"};
    if (chance(10)) options.accepts = {"c"};
    if (chance(70)) options.version = chance(50) ? "1.9" : "2.0";
    Worker& worker = *workers_.emplace_back(std::make_unique<Worker>());
    worker.queue = kConsumed[i % kConsumed.size()];
    worker.client = std::make_unique<Client>(world_, "worker" + std::to_string(i), options);
    equip(worker);
  }
  Worker& first = *workers_.front();
  Worker& second = *workers_.emplace_back(std::make_unique<Worker>());
  second.queue = kConsumed[1];
  second.number = 2;
  second.is_companion = true;
  second.client = std::make_unique<Client>(*first.client, "worker0, too");
  first.companion = &second;
  equip(second);
}

void RandomRun::equip(Worker& worker) {
  if (!world_.has_queue(worker.queue)) return;
  worker.client->consume(worker.queue, 1 + random_.below(6), worker.number);
}

void RandomRun::make_publishers() {
  for (std::uint8_t i = 0; i < kPublished.size(); ++i) {
    Publisher& publisher = *publishers_.emplace_back(std::make_unique<Publisher>());
    publisher.instance.id.bytes[0] = 200;
    publisher.instance.id.bytes[1] = i;
    publisher.producer.bytes[0] = i;
    publisher.producer.bytes[1] = 1;
    publisher.queue = kPublished[i];
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

/// As far as the workers know; what the broker knows is the witness's.
void RandomRun::nobody_works_twice() {
  std::set<std::pair<model::SubscriptionId, model::Offset>> working;
  for (const auto& worker : workers_) {
    if (!worker->client->connected() || worker->sure_from > world_.now()) continue;
    for (const auto& [offset, delivery] : worker->client->deliveries()) {
      if (!delivery.held || !delivery.begun) continue;
      if (!working.emplace(delivery.token.subscription, delivery.what.source_offset).second) {
        witness_.find(worker->queue + " offset " + std::to_string(offset) + " is in two handlers (5)");
      }
    }
  }
}

/// Cases whose keys are held keep what is behind them from being worked off. False if there are none.
bool RandomRun::resolve_held_cases() {
  bool any_left = false;
  std::set<std::string> names = names_;
  names.insert("replies");
  for (const std::string& name : names) {
    if (!world_.has_queue(name) || world_.show(name).held == 0) continue;
    for (const model::CaseRecord& record : world_.cases(name, model::CaseState::admitted)) {
      any_left = true;
      if (chance(50)) {
        world_.replay(record.id);
      } else {
        world_.discard(record.id, "others wait");
      }
    }
  }
  return any_left;
}

/// What a full hospital keeps from being worked off is.
void RandomRun::raise_budgets() {
  for (const std::string& name : names_) {
    if (!world_.has_queue(name)) continue;
    model::UpdateQueue update;
    update.name = name;
    update.options->hospital_max_bytes = 0;
    world_.ask<model::QueueAnswer>(model::ShardId(0), update);
  }
}

/// Everybody becomes well-behaved; what is left on the queues is worked off.
void RandomRun::drain() {
  world_.post_all(core::DiskPressure{});
  raise_budgets();
  for (const auto& worker : workers_) {
    if (worker->client->connected() && !worker->is_companion) worker->client->die();
    worker->returns_at = world_.now() + 1h;
  }
  askers_come_back();
  world_.run_for(10s);
  for (const auto& publisher : publishers_) send_again(*publisher);
  world_.run_for(61s);  // every delay is over
  std::vector<std::unique_ptr<Client>> good;
  std::set<std::string> names = names_;
  names.insert("replies");
  for (const std::string& name : names) {
    if (!world_.has_queue(name)) continue;
    Client::Options options;
    options.starts_at_once = true;
    options.silent_trace = true;
    options.version = "9";
    good.push_back(std::make_unique<Client>(world_, "good " + name, options));
    good.back()->consume(name, 50);
  }
  for (int quiet = 0; quiet < 50; ++quiet) {
    world_.run_for(200ms);
    for (const auto& client : good) {
      for (const std::uint64_t offset : client->held()) {
        client->ack(offset);
        quiet = 0;
      }
    }
    if (quiet == 40 && resolve_held_cases()) quiet = 0;
  }
  for (const auto& client : good) client->goodbye();
  world_.run_for(1s);
}

}  // namespace lazaret::simulation
