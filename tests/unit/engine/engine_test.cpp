// The engine on a real store: what the simulation shows of the rules holds with threads, files and restarts.
#include "engine/engine.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include "model/limits.h"
#include "unit/engine/broker_fixture.h"

namespace lazaret::engine {
namespace {

using model::CaseState;
using model::Offset;
using model::VerdictKind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using EngineTest = BrokerFixture;

/// Bodies from nothing to 100 KB, most of them small.
std::string body_of(std::uint64_t number) {
  const std::size_t size = number % 1000 == 0 ? 100'000 : number % 100 == 1 ? 5'000 : number % 97;
  return std::string(size, static_cast<char>('a' + number % 26));
}

TEST_F(EngineTest, PublishDeliverAckSettled) {
  const QueueRef queue = create("orders");
  const auto published = publish(queue, {"one", "", "three"});
  ASSERT_TRUE(published.status.ok());
  ASSERT_THAT(published.results, SizeIs(3));
  EXPECT_EQ(published.results[2].offset, Offset(2));

  const auto anna = worker(1);
  EXPECT_TRUE(anna->consume(queue, 1, 10).status.ok());
  for (const std::string body : {"one", "", "three"}) {
    const auto got = anna->take();
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(got->what.message->body.view(), body);
    EXPECT_EQ(got->what.attempt, 1u);
    EXPECT_FALSE(got->what.redelivered);
  }
  EXPECT_EQ(show(queue).leased, 3u);
  const auto held = anna->held;
  for (const auto& [place, one] : held) {
    anna->start(one);
    anna->settle(one, VerdictKind::ack, true);
    const auto settled = anna->hear<model::Settled>();
    ASSERT_TRUE(settled.has_value());
    EXPECT_EQ(settled->results.at(0).code, base::Code::OK);
  }
  const auto stats = show(queue);
  EXPECT_EQ(stats.counters.acked, 3u);
  EXPECT_EQ(stats.ready + stats.leased + stats.waiting, 0u);
  expect_sums(queue);
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(EngineTest, EveryCommandCountsUntilItIsStepped) {
  const QueueRef queue = create("orders");
  const auto anna = worker(1);
  // Its shard stands still: it is just telling somebody something.
  std::promise<void> stands, goes_on;
  model::ShowQueue show;
  show.subscription = queue->subscription;
  desk_->ask(queue->shard, show, [&](model::Answer&&) {
    stands.set_value();
    goes_on.get_future().wait();
  });
  stands.get_future().wait();
  constexpr std::size_t kMost = model::limits::kIngestBytes / model::limits::kCommandBytes;
  std::size_t taken = 0;
  const model::AddCredit credit{{anna->instance().id, 1}, queue->subscription, 1, 1};
  while (taken <= kMost && engine_->submit(model::SessionId(1), queue->shard, credit, 0)) ++taken;
  EXPECT_GT(taken, kMost / 2);
  EXPECT_LE(taken, kMost);
  goes_on.set_value();
  EXPECT_TRUE(eventually([&] { return engine_->stats().ingest_bytes == 0; }));
  EXPECT_TRUE(engine_->submit(model::SessionId(1), queue->shard, credit, 0));
}

TEST_F(EngineTest, WhatIsRefusedDoesNotCountForEver) {
  const QueueRef queue = create("orders");
  stop();
  config_.disk_reserve_bytes = ~0ull;
  start();
  const QueueRef again = engine_->directory().find("orders");
  EXPECT_TRUE(eventually([&] { return engine_->stats().publishes_refused; }));
  EXPECT_TRUE(eventually([&] { return !publish(again, {"x"}).status.ok(); }));
  EXPECT_EQ(publish(again, {std::string(1000, 'x')}).status.code(), base::Code::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(eventually([&] { return engine_->stats().ingest_bytes == 0; }));
}

TEST_F(EngineTest, TwentyThousandThroughFourWorkersOnTwoShards) {
  const std::vector<QueueRef> queues = {create("orders"), create("letters")};
  ASSERT_NE(queues[0]->shard, queues[1]->shard);
  constexpr std::uint64_t kEach = 10'000;
  std::vector<std::shared_ptr<Worker>> workers;
  for (std::uint8_t i = 0; i < 4; ++i) {
    workers.push_back(worker(static_cast<std::uint8_t>(i + 1)));
    workers.back()->consume(queues[0], 1, 50);
    workers.back()->consume(queues[1], 2, 50);
  }
  std::thread publisher([&] {
    for (std::uint64_t at = 0; at < kEach; at += 100) {
      std::vector<std::string> bodies;
      for (std::uint64_t i = at; i < at + 100; ++i) bodies.push_back(body_of(i));
      for (const QueueRef& queue : queues) EXPECT_TRUE(publish(queue, bodies).status.ok());
    }
  });
  std::vector<std::map<std::pair<model::SubscriptionId, Offset>, int>> seen(workers.size());
  std::atomic<std::uint64_t> count{0};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    threads.emplace_back([&, i] {
      while (count < kEach * 2) {
        const auto got = workers[i]->take(100ms);
        if (!got) continue;
        ++seen[i][{got->token.subscription, got->what.source_offset}];
        EXPECT_EQ(got->what.attempt, 1u);
        EXPECT_EQ(got->what.message->body.view(), body_of(got->what.source_offset.value));
        EXPECT_LE(workers[i]->held.size(), 100u);
        workers[i]->start(*got);
        workers[i]->settle(*got, VerdictKind::ack);
        ++count;
      }
    });
  }
  publisher.join();
  for (std::thread& thread : threads) thread.join();
  std::map<std::pair<model::SubscriptionId, Offset>, int> all;
  for (const auto& one : seen) {
    for (const auto& [place, times] : one) all[place] += times;
  }
  EXPECT_THAT(all, SizeIs(kEach * 2));
  for (const auto& [place, times] : all) ASSERT_EQ(times, 1) << place.second.value;
  for (const QueueRef& queue : queues) {
    EXPECT_TRUE(eventually([&] { return show(queue).counters.acked == kEach; }));
    expect_sums(queue);
  }
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(EngineTest, ARestartInTheMiddleDeliversNothingTwice) {
  const QueueRef queue = create("orders");
  constexpr std::uint64_t kAll = 3000;
  for (std::uint64_t at = 0; at < kAll; at += 500) publish(queue, std::vector<std::string>(500, "body"));
  std::vector<std::shared_ptr<Worker>> workers = {worker(1), worker(2)};
  std::map<Offset, int> seen;
  for (const auto& one : workers) one->consume(queue, 1, 50);
  std::uint64_t acked = 0;
  for (int round = 0; round < 3; ++round) {
    for (const auto& one : workers) {
      for (int i = 0; i < 200; ++i) {
        for (; one->held.size() >= 40; ++acked) {
          const auto oldest = one->held.begin()->second;
          one->start(oldest);
          one->settle(oldest, VerdictKind::ack);
        }
        const auto got = one->take();
        ASSERT_TRUE(got.has_value());
        ++seen[got->what.source_offset];
        if (i % 3 == 0) one->start(*got);
      }
    }
    stop();
    start();
    for (const auto& one : workers) {
      // What was on its way when the broker stopped has arrived.
      while (const auto got = one->take(0ms)) ++seen[got->what.source_offset];
      one->connect(*engine_);
      const auto opened = one->consume(engine_->directory().find("orders"), 1, 50);
      EXPECT_THAT(opened.held, SizeIs(one->held.size()));
      EXPECT_EQ(std::count(opened.held.begin(), opened.held.end(), false), 0);
      one->resumed();
    }
  }
  while (acked < kAll) {
    for (const auto& one : workers) {
      const auto got = one->take(one->held.empty() ? 100ms : 0ms);
      if (got) ++seen[got->what.source_offset];
      if (one->held.empty()) continue;
      const auto oldest = one->held.begin()->second;
      one->settle(oldest, VerdictKind::ack);
      ++acked;
    }
  }
  EXPECT_THAT(seen, SizeIs(kAll));
  for (const auto& [offset, times] : seen) EXPECT_EQ(times, 1) << offset.value;
  EXPECT_TRUE(eventually([&] { return show(queue).counters.acked == kAll; }));
  expect_sums(queue);
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(EngineTest, FailRetryLimitCaseReplayDischarged) {
  model::QueueOptions options;
  options.max_attempts = 3;
  options.backoff_initial = 20ms;
  options.backoff_multiplier = 1;
  const QueueRef queue = create("orders", options);
  publish(queue, {"poison"});
  const auto anna = worker(1);
  anna->consume(queue, 1, 1);
  for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
    const auto got = anna->take();
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(got->what.attempt, attempt);
    anna->start(*got);
    anna->settle(*got, VerdictKind::fail, true);
    const auto settled = anna->hear<model::Settled>();
    ASSERT_TRUE(settled.has_value());
    EXPECT_EQ(settled->results.at(0).case_id.has_value(), attempt == 3);
  }
  const auto admitted = cases(queue, CaseState::admitted);
  ASSERT_THAT(admitted, SizeIs(1));
  EXPECT_EQ(admitted[0].failure_count, 3u);
  EXPECT_THAT(*store_->read_attempts(admitted[0].id), SizeIs(3));
  EXPECT_THAT(findings(), IsEmpty());

  model::ReplayCaseCommand replay;
  replay.id = admitted[0].id;
  replay.attempts = admitted[0].attempt_count;
  EXPECT_TRUE(ask<model::CaseDone>(queue->shard, replay).status.ok());
  EXPECT_EQ(ask<model::CaseDone>(queue->shard, replay).status.code(), base::Code::CASE_BUSY);
  const auto got = anna->take();
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->what.attempt, 4u);
  EXPECT_EQ(got->what.source_offset, Offset(0));
  EXPECT_EQ(got->what.message->body.view(), "poison");
  anna->start(*got);
  anna->settle(*got, VerdictKind::ack, true);
  ASSERT_TRUE(anna->hear<model::Settled>().has_value());
  EXPECT_THAT(cases(queue, CaseState::discharged), SizeIs(1));
  expect_sums(queue);
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(EngineTest, ARestartUnderAReplayRunsNoHandlerTwice) {
  const QueueRef queue = create("orders");
  publish(queue, {"poison"});
  const auto anna = worker(1);
  anna->consume(queue, 1, 1);
  anna->settle(*anna->take(), VerdictKind::reject, true);
  ASSERT_TRUE(anna->hear<model::Settled>().has_value());
  const auto admitted = cases(queue, CaseState::admitted);
  ASSERT_THAT(admitted, SizeIs(1));
  model::ReplayCaseCommand replay;
  replay.id = admitted[0].id;
  replay.attempts = admitted[0].attempt_count;
  EXPECT_TRUE(ask<model::CaseDone>(queue->shard, replay).status.ok());
  const auto got = anna->take();
  ASSERT_TRUE(got.has_value());
  anna->start(*got);
  stop();
  start();
  anna->connect(*engine_);
  EXPECT_THAT(anna->consume(engine_->directory().find("orders"), 1, 1).held, ElementsAre(true));
  anna->resumed();
  EXPECT_FALSE(anna->take(200ms).has_value());
  anna->settle(*got, VerdictKind::ack, true);
  EXPECT_EQ(anna->hear<model::Settled>()->results.at(0).code, base::Code::OK);
  EXPECT_THAT(cases(queue, CaseState::discharged), SizeIs(1));
  expect_sums(queue);
}

TEST_F(EngineTest, ADeletedQueueLeavesItsCases) {
  const QueueRef queue = create("orders");
  constexpr std::size_t kCases = 700;  // their bodies are copied out in several steps
  publish(queue, std::vector<std::string>(kCases + 50, "body"));
  const auto anna = worker(1);
  anna->consume(queue, 1, 100);
  for (std::size_t i = 0; i < kCases; ++i) {
    const auto got = anna->take();
    ASSERT_TRUE(got.has_value());
    anna->settle(*got, VerdictKind::reject);
  }
  ASSERT_TRUE(eventually([&] { return show(queue).counters.in_hospital == kCases; }));
  model::DeleteQueue erase;
  erase.subscription = queue->subscription;
  EXPECT_EQ(ask<model::Done>(queue->shard, erase).status.code(), base::Code::IN_USE);
  erase.force = true;
  EXPECT_TRUE(ask<model::Done>(queue->shard, erase).status.ok());
  const auto ended = anna->hear<model::ConsumerEnded>();
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->status.code(), base::Code::NOT_FOUND);
  EXPECT_EQ(engine_->directory().find("orders"), nullptr);
  const auto admitted = cases(queue, CaseState::admitted);
  ASSERT_THAT(admitted, SizeIs(kCases));
  EXPECT_THAT(findings(), IsEmpty());

  // The name may be used again, for another queue.
  const QueueRef again = create("orders");
  EXPECT_NE(again->subscription, queue->subscription);
  publish(again, {"new"});
  EXPECT_EQ(show(again).counters.entered, 1u);
  stop();
  start();
  EXPECT_EQ(engine_->directory().size(), 1u);
  EXPECT_THAT(cases(queue, CaseState::admitted), SizeIs(kCases));
}

TEST_F(EngineTest, ADeletionThatARestartInterruptedGoesOn) {
  const QueueRef queue = create("orders");
  publish(queue, {"a", "b"});
  stop();
  open_store();
  auto recovered = store_->recover();
  auto& shard = recovered->at(queue->shard.value);
  model::SubscriptionState state = shard.queues.at(0).subscription->state;
  state.deleting = true;
  ++shard.meta.applied_index;
  const model::MutationGroup group{queue->shard, {model::PutSubscription{state}, model::PutShardMeta{shard.meta}}};
  ASSERT_TRUE(store_->commit(std::span(&group, 1), true).ok());
  start();
  EXPECT_TRUE(eventually([&] { return engine_->directory().find("orders") == nullptr; }));
  EXPECT_TRUE(create("orders") != nullptr);
}

TEST_F(EngineTest, APurgeTakesWhatIsReady) {
  const QueueRef queue = create("orders");
  publish(queue, std::vector<std::string>(500, "body"));
  const auto anna = worker(1);
  anna->consume(queue, 1, 10);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(anna->take().has_value());
  model::PurgeQueue purge;
  purge.subscription = queue->subscription;
  EXPECT_EQ(ask<model::Done>(queue->shard, purge).count, 490u);
  expect_sums(queue);
  while (!anna->held.empty()) anna->settle(anna->held.begin()->second, VerdictKind::ack);
  EXPECT_TRUE(eventually([&] { return show(queue).counters.acked == 10; }));
  EXPECT_FALSE(anna->take(100ms).has_value());
  expect_sums(queue);
  publish(queue, {"after"});
  EXPECT_EQ(anna->take()->what.source_offset, Offset(500));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(EngineTest, ADrainEndsConsumersAndLeavesTheMarkExact) {
  const QueueRef queue = create("orders");
  publish(queue, std::vector<std::string>(100, "body"));
  const auto anna = worker(1);
  anna->consume(queue, 1, 10);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(anna->take().has_value());
  engine_->drain();
  ASSERT_TRUE(anna->hear<model::Recall>().has_value());
  const auto ended = anna->hear<model::ConsumerEnded>();
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->status.code(), base::Code::SHUTTING_DOWN);
  const auto first = anna->held.begin()->second;
  anna->start(first);
  anna->settle(first, VerdictKind::ack);
  while (!anna->held.empty()) anna->settle(anna->held.begin()->second, VerdictKind::release);
  EXPECT_TRUE(eventually([&] { return show(queue).counters.acked == 1; }));
  EXPECT_TRUE(eventually([&] { return show(queue).leased == 0; }));
  EXPECT_FALSE(anna->take(50ms).has_value());
  anna->end(Engine::End::goodbye);
  stop();
  start();
  const auto bert = worker(2);
  bert->consume(engine_->directory().find("orders"), 1, 200);
  for (int i = 0; i < 99; ++i) {
    const auto got = bert->take();
    ASSERT_TRUE(got.has_value());
    // Nobody had these in their hands before the stop.
    EXPECT_TRUE(got->what.source_offset < Offset(10) || got->what.attempt == 1) << got->what.source_offset.value;
  }
  expect_sums(engine_->directory().find("orders"));
}

TEST_F(EngineTest, ARepeatedPublishIsStoredOnceOverARestart) {
  const QueueRef queue = create("orders");
  model::ProducerId producer;
  producer.bytes[0] = 5;
  publish(queue, {"a", "b", "c"}, producer, 1);
  stop();
  start();
  const auto again = publish(engine_->directory().find("orders"), {"b", "c", "d"}, producer, 2);
  ASSERT_THAT(again.results, SizeIs(3));
  EXPECT_TRUE(again.results[0].duplicate);
  EXPECT_EQ(again.results[0].offset, Offset(1));
  EXPECT_TRUE(again.results[1].duplicate);
  EXPECT_FALSE(again.results[2].duplicate);
  EXPECT_EQ(again.results[2].offset, Offset(3));
  model::OpenProducer open;
  open.queue = queue->subscription;
  open.producer = producer;
  EXPECT_EQ(ask<model::ProducerOpened>(queue->shard, open).last_sequence, 4u);
}

TEST_F(EngineTest, LoadBeyondTheMemtablesIsTrimmedAndFlushed) {
  stop();
  config_.memtable_bytes = 4u << 20;
  start();
  const QueueRef queue = create("orders");
  const auto anna = worker(1);
  anna->consume(queue, 1, 100);
  for (int round = 0; round < 60; ++round) {
    publish(queue, std::vector<std::string>(10, std::string(20'000, 'x')));
    for (int i = 0; i < 10; ++i) anna->settle(*anna->take(), VerdictKind::ack);
  }
  EXPECT_TRUE(eventually([&] { return engine_->stats().store.memtable_bytes < (3u << 20); }));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(EngineTest, WhatIsRelaxedIsConfirmedWithoutASyncAndSyncedSoon) {
  stop();
  config_.relaxed_sync_max = 300ms;
  start();
  model::QueueOptions options;
  options.durability = model::Durability::relaxed;
  const QueueRef queue = create("clicks", options);
  publish(queue, {"the first reserves offsets"});
  const model::StoreUsage before = store_->usage();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(publish(queue, {"x"}).status.ok());
  const model::StoreUsage written = store_->usage();
  EXPECT_GE(written.commits - before.commits, 50u);
  EXPECT_LT(written.syncs - before.syncs, 50u);
  EXPECT_TRUE(eventually([&] { return store_->usage().syncs > written.syncs; }));
  // And no more when there is nothing to be synced.
  const std::uint64_t idle = store_->usage().commits;
  publish(create("orders"), {"y"});
  EXPECT_TRUE(eventually([&] { return store_->usage().commits > idle; }));
  expect_sums(queue);
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(EngineTest, WhatIsRelaxedIsSyncedWhenTheEngineStops) {
  stop();
  config_.relaxed_sync_max = 60s;
  start();
  model::QueueOptions options;
  options.durability = model::Durability::relaxed;
  const QueueRef queue = create("clicks", options);
  publish(queue, {"a"});
  publish(queue, {"b"});
  const std::uint64_t before = store_->usage().syncs;
  engine_->stop();
  EXPECT_GT(store_->usage().syncs, before);
}

}  // namespace
}  // namespace lazaret::engine
