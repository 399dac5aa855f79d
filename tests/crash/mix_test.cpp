// kill -9 of the daemon under everything at once: queues, a topic with a slow, a failing, a filtering and an ephemeral
// subscription, one that is moved back, ordering keys, priorities, delays, times to live, limits, requests and durable
// ones, a subscription of two topics, sets, acks that publish along, ids that are published again. LAZARET_ROUNDS=200
// LAZARET_SEED=7 makes it longer, or another.
#include <gtest/gtest.h>

#include <boost/asio/use_future.hpp>
#include <iostream>

#include "crash/mix_actors.h"
#include "crash/ordeal.h"
#include "crash/order_checker.h"
#include "crash/repeater.h"
#include "crash/set_actors.h"
#include "crash/set_checker.h"
#include "integration/support/api.h"

namespace lazaret::crash {
namespace {

using namespace std::chrono_literals;
using testing::eventually;
using testing::QueueView;

constexpr std::int64_t kMost = 40;
/// The broker remembers how a request ended for a minute behind its deadline, which is two minutes.
constexpr auto kRemembered = 100s;
/// Longer than a client of the library takes to come back, so that nothing is taken from one that lives.
constexpr auto kResumeGrace = 3s;

const std::vector<Destination> kDestinations{
    {.name = "plain", .readers = {"plain"}},
    {.name = "relaxed", .readers = {"relaxed"}},
    {.name = "news",
     .readers = {"news.fast", "news.slow", "news.failing", "news.passing", "inbox"},
     .picky = "news.picked",
     .delayed = 10},
    {.name = "past", .readers = {"past.moved"}},
    {.name = "urgent", .readers = {"urgent"}, .priorities = true},
    {.name = "basket", .readers = {"basket"}},
    {.name = std::string(kSecondTopic), .readers = {"inbox"}, .delayed = 10},
    {.name = "keyed", .readers = {"keyed"}, .keys = 5},
    {.name = "keyed", .readers = {"keyed"}, .keys = 5},
    {.name = "later", .readers = {"later"}, .delayed = 90},
    {.name = "mortal", .readers = {"mortal"}, .short_lived = 50},
    {.name = "mortal.cases", .readers = {"mortal.cases"}},
    {.name = "full.drops", .readers = {"full.drops"}, .drops = true},
};
/// Full most of the time, with something on its way at any moment: also when the broker dies.
const std::vector<Destination> kFull{{.name = "full.refuses", .readers = {"full.refuses"}, .refuses = true}};
const std::vector<std::string> kQueues{"plain",        "relaxed",    "keyed",  "later", "mortal", "mortal.cases",
                                       "full.refuses", "full.drops", "urgent", "once",  "left",   "right"};
const std::vector<std::string> kSubscriptions{"news.passing", "news.fast",   "news.slow", "news.failing",
                                              "inbox",        "news.picked", "past.moved"};
/// What is taken from it is passed on to the pair, with its ack.
const std::string kBasket = "basket";
const Pair kPair{"left", "right"};
/// The subscription that is moved, and how many messages back at most.
const std::string kMoved = "past.moved";
constexpr std::uint64_t kMovedBack = 500;
/// In the second round, and in each so many of a long run.
constexpr std::uint64_t kRoundsUntilMoved = 20;
const std::string kRequests = "requests";
const std::string kReplies = "replies";

class Mix : public ::testing::Test {
 protected:
  Mix();
  void endure();
  void create_queues(Client& client);
  void create_subscriptions(Client& client);
  void kill_and_start(std::uint64_t round);
  void move_back();
  void end_the_wild();
  bool drained();
  void ask_all_again();
  std::map<std::string, FinalQueue> what_is_left();
  void say(const std::map<std::string, FinalQueue>& left);

  std::uint64_t moved_back_ = 0;  // messages that were to come again
  const std::uint64_t seed_ = number_from("LAZARET_SEED", 1);
  std::mt19937_64 random_{seed_};
  testing::Broker broker_{
      {.settings = {"broker.reconnect_grace=1s", "broker.resume_grace=" + std::to_string(kResumeGrace.count()) + "s"},
       .arguments = {}}};
  History history_;
  RequestBook book_;
  Stage library_{.broker = broker_, .history = history_, .queues = kQueues, .longest_body = 300, .pace_ms = 15};
  // Workers on the bare protocol die with what they hold, and do not come back.
  Stage bare_{.broker = broker_, .history = history_, .queues = {"plain", "news.fast", "keyed"}};
  Stage eager_{.broker = broker_, .history = history_, .queues = {}, .longest_body = 20, .pace_ms = 4};
  Stage operated_{
      .broker = broker_, .history = history_, .queues = {"plain", "keyed", "news.failing", "mortal.cases", "inbox"}};
  const std::vector<Stage*> stages_{&library_, &bare_, &eager_, &operated_};
};

Mix::Mix() {
  library_.queues.insert(library_.queues.end(), kSubscriptions.begin(), kSubscriptions.end());
  library_.slow = {
      {"news.slow", 8ms}, {"mortal", 15ms}, {"mortal.cases", 60ms}, {"full.refuses", 25ms}, {"full.drops", 25ms}};
  library_.failing = {"news.failing"};
  Client client = Client::connect(broker_.url(), {.name = "mix"});
  create_queues(client);
  create_subscriptions(client);
}

void Mix::create_queues(Client& client) {
  std::map<std::string, QueueSpec> specs;
  for (const std::string& name : kQueues) specs[name] = spec_of(name);
  specs["relaxed"].durability = "relaxed";
  specs["keyed"].order_by_key = true;
  specs["mortal.cases"].ttl = 400ms;
  specs["mortal.cases"].on_expiry = "hospital";
  specs["full.refuses"].max_messages = kMost;
  specs["full.drops"].max_messages = kMost / 4;
  specs["full.drops"].overflow = "drop_oldest";
  specs["once"].deduplicate_for = 1h;
  // Two that are created one after the other are on different shards.
  for (const std::string& name : {kPair.left, kPair.right}) client.ensure(specs[name]);
  EXPECT_NE(QueueView(broker_, kPair.left)["shard"], QueueView(broker_, kPair.right)["shard"]);
  QueueSpec basket = spec_of(kBasket);
  basket.colocate_with = kPair.left;
  client.ensure(basket);
  for (const auto& [name, spec] : specs) client.ensure(spec);
  client.ensure(spec_of(kRequests));
  client.ensure(spec_of(kReplies));
}

void Mix::create_subscriptions(Client& client) {
  client.ensure_topic({.name = "news"});
  client.ensure_topic({.name = std::string(kSecondTopic)});
  client.ensure_topic({.name = "past", .retain_for = 1h});
  const std::vector<std::string> both{"news", std::string(kSecondTopic)};
  for (const std::string& name : kSubscriptions) {
    SubscriptionSpec spec;
    spec.name = name;
    spec.max_attempts = kLimit;
    spec.backoff_initial = 50ms;
    spec.backoff_multiplier = 2;
    spec.lease_duration = 3s;
    spec.breaker = false;
    if (name == "inbox") {
      spec.topics = both;
    } else {
      spec.topic = name == kMoved ? "past" : "news";
    }
    if (name == "news.picked") spec.filter = kPicked;
    if (name == "news.passing") spec.ephemeral = true;
    client.ensure_subscription(spec);
  }
}

/// Short lives, in which nothing is awaited long enough, and long ones, in which ordered keys go on too.
void Mix::kill_and_start(std::uint64_t round) {
  testing::pause_for(milliseconds(round % 2 == 1 ? 30 + random_() % 900 : kResumeGrace / 1ms + random_() % 1500));
  for (const char* name : {"full.refuses", "full.drops"}) {
    const QueueView view(broker_, name);
    const std::int64_t here = view["ready"] + view["leased"] + view["waiting"] + view["scheduled"] + view["held"];
    EXPECT_LE(here, kMost) << name;
  }
  if (round % kRoundsUntilMoved == 2) move_back();
  broker_.kill9();
  broker_.start();
  if (random_() % 4 != 0) return;
  testing::pause_for(milliseconds(random_() % 30));
  broker_.kill9();
  broker_.start();
}

/// Not before what is settled from the first message on, so that nothing is left out; what comes again is counted.
void Mix::move_back() {
  Client client = Client::connect(broker_.url(), {.name = "moves", .timeout = 60s});
  // However slow the machine is, something is to come again.
  EXPECT_TRUE(eventually([&] {
    const QueueInfo now = client.show(kMoved);
    return now.cursor > 0 && now.acked_total > 0;
  })) << "nothing is ever settled on "
      << kMoved;
  const std::uint64_t cursor = client.show(kMoved).cursor;
  const std::uint64_t to = cursor - std::min(cursor, kMovedBack);
  history_.add({What::moved, kMoved, "", to, 0, 0, Verdict::none, "moves"});
  const Moved moved = client.seek(kMoved, std::to_string(to));
  EXPECT_EQ(moved.offset, to);
  EXPECT_EQ(moved.purged, 0u);
  moved_back_ += moved.entered;
}

void Mix::endure() {
  std::vector<std::unique_ptr<MixPublisher>> publishers;
  std::vector<std::unique_ptr<Requester>> requesters;
  std::vector<std::unique_ptr<WireWorker>> bare_workers;
  LibraryWorker first(library_, "library-1");
  LibraryWorker second(library_, "library-2");
  Responder service(library_, book_, kRequests, "service-1");
  Responder another(library_, book_, kRequests, "service-2");
  const Forwarder forwarder(library_, kBasket, kPair, "forwarder-1");
  const Forwarder second_forwarder(library_, kBasket, kPair, "forwarder-2");
  OperatorActor an_operator(operated_, random_());
  const ReplyReader reader(library_, book_, kReplies);
  auto durable = std::make_unique<DurableRequester>(library_, book_, kRequests, kReplies, random_());
  auto repeater = std::make_unique<Repeater>(library_, "once", "repeater", random_());
  auto sets = std::make_unique<SetPublisher>(library_, kPair, "sets", random_());
  auto eager = std::make_unique<MixPublisher>(eager_, kFull, "eager", random_());
  for (int i = 0; i < 2; ++i) {
    const std::string number = std::to_string(i);
    publishers.push_back(std::make_unique<MixPublisher>(library_, kDestinations, "p" + number, random_()));
    requesters.push_back(std::make_unique<Requester>(library_, book_, kRequests, "r" + number, random_()));
    bare_workers.push_back(std::make_unique<WireWorker>(bare_, "bare-" + number, random_()));
  }
  // Also when a broker does not start: nobody waits for it.
  const auto end = [this](void*) {
    end_the_wild();
    for (Stage* stage : stages_) stage->over = true;
  };
  const std::unique_ptr<void, decltype(end)> at_the_end(this, end);
  for (std::uint64_t round = 1; round <= number_from("LAZARET_ROUNDS", 3); ++round) kill_and_start(round);
  end_the_wild();
  publishers.clear();
  eager.reset();
  durable.reset();
  repeater.reset();
  sets.reset();
  EXPECT_EQ(library_.unconfirmed + eager_.unconfirmed, 0u);
  requesters.clear();
  EXPECT_TRUE(eventually([&] { return drained(); }, 120s)) << "something is never worked off";
  EXPECT_TRUE(eventually([&] { return book_.is_all_told(); }, 60s)) << "a durable request has no reply";
  ask_all_again();
}

void Mix::end_the_wild() {
  for (Stage* stage : stages_) stage->wild = false;
}

bool Mix::drained() {
  const auto is_empty = [&](const std::string& name, const std::string& kind) {
    const QueueView view(broker_, name, kind);
    const std::int64_t here = view["ready"] + view["leased"] + view["waiting"] + view["scheduled"] + view["held"];
    return here + (kind == "subscriptions" ? view["lag"] : 0) == 0;
  };
  // When nothing more is in the basket, what went along may still be on its way to the other shard: each set has
  // as many for both.
  const auto is_whole = [&] {
    return QueueView(broker_, kPair.left)["entered_total"] == QueueView(broker_, kPair.right)["entered_total"];
  };
  return is_empty(kBasket, "queues") && is_whole() && is_empty(kRequests, "queues") &&
         std::all_of(kQueues.begin(), kQueues.end(), [&](const auto& name) { return is_empty(name, "queues"); }) &&
         std::all_of(kSubscriptions.begin(), kSubscriptions.end(),
                     [&](const auto& name) { return is_empty(name, "subscriptions"); });
}

void Mix::ask_all_again() {
  Client client = Client::connect(broker_.url(), {.name = "asks again", .timeout = 60s});
  std::vector<std::pair<MessageId, std::future<Reply>>> asked;
  for (const auto& [id, body] : book_.asked_since(std::chrono::steady_clock::now() - kRemembered)) {
    Message message;
    message.body = body;
    message.id = id;
    asked.emplace_back(id, client.async_request(kRequests, std::move(message), asio::use_future));
  }
  for (auto& [id, reply] : asked) book_.told(id, reply.get());
  EXPECT_FALSE(asked.empty());
}

std::map<std::string, FinalQueue> Mix::what_is_left() {
  std::map<std::string, FinalQueue> left;
  // First of all the ephemeral one, whose consumers have just gone.
  for (const std::string& name : kSubscriptions) left[name] = what_is_left_of(broker_, name, kLimit, "subscriptions");
  for (const std::string& name : kQueues) left[name] = what_is_left_of(broker_, name, kLimit);
  left[kMoved].again = moved_back_;
  for (const std::string& name : {kRequests, kBasket}) left[name] = what_is_left_of(broker_, name, kLimit);
  return left;
}

void Mix::say(const std::map<std::string, FinalQueue>& left) {
  std::cout << "seed " << seed_ << ": " << history_.size() << " events, " << book_.size() << " requests\n";
  for (const auto& [name, queue] : left) {
    std::cout << "  " << name << ": " << queue.entered << " entered, " << queue.acked << " acked, " << queue.in_hospital
              << " cases, " << queue.expired << " expired, " << queue.dropped << " dropped\n";
    EXPECT_GT(queue.entered, 0u) << name;
  }
  // What a limit or an end of life takes was really taken.
  EXPECT_GT(left.at("mortal").expired, 0u);
  const auto& late = left.at("mortal.cases").cases;
  EXPECT_TRUE(std::any_of(late.begin(), late.end(), [](const auto& one) { return one.outcomes.empty(); }));
  EXPECT_GT(left.at("full.drops").dropped, 0u);
  EXPECT_GT(left.at("news.failing").in_hospital, 0u);
  EXPECT_GT(QueueView(broker_, "news.picked", "subscriptions")["filtered_total"], 0);
  if (number_from("LAZARET_ROUNDS", 3) >= 2) {
    EXPECT_GT(moved_back_, 0u);
  }
  const auto events = history_.events();
  EXPECT_TRUE(std::any_of(events.begin(), events.end(), [](const auto& one) { return one.what == What::turned_away; }));
}

TEST_F(Mix, KeepsEveryPromiseOverKills) {
  endure();
  auto left = what_is_left();
  say(left);
  std::vector<std::string> findings = check(history_.events(), left);
  left.erase(kRequests);  // which are asked in no order
  for (std::vector<std::string> more :
       {check_order(history_.events(), left, {"keyed"}), check_sets(history_.events(), left), book_.findings()}) {
    std::move(more.begin(), more.end(), std::back_inserter(findings));
  }
  report(history_, seed_, findings);
  ASSERT_EQ(broker_.terminate(), 0);
  const testing::Outcome checked = testing::run_cli({"check", "--data-dir", broker_.data_dir()});
  EXPECT_EQ(checked.exit, 0) << checked.out << checked.err;
}

}  // namespace
}  // namespace lazaret::crash
