// What was committed is what is recovered.
#include <limits>

#include "core/ack_set.h"
#include "model/limits.h"
#include "unit/storage/store_fixture.h"

namespace lazaret::storage {
namespace {

using model::DeliveryState;
using model::Offset;
using model::OffsetRange;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using RecoveryTest = StoreFixture;

model::DeliveryRecord delivery(std::uint64_t offset, DeliveryState state, std::int64_t due = 0) {
  model::DeliveryRecord record;
  record.offset = Offset(offset);
  record.state = state;
  record.grant = model::Grant((1ull << 40) + offset);
  record.consumer.instance.bytes[0] = 9;
  record.consumer.number = 3;
  record.attempts = 2;
  record.failures = 1;
  record.convictions = 1;
  record.suspect = offset % 2 == 0;
  record.due = base::Instant{due};
  record.started_at = base::Instant{77};
  return record;
}

TEST_F(RecoveryTest, AnEmptyDirectoryHasItsShards) {
  const auto shards = store_->recover();
  ASSERT_TRUE(shards.ok());
  EXPECT_THAT(*shards, SizeIs(2));
  EXPECT_EQ(shards->at(0).meta, metas_[0]);
  EXPECT_EQ(*shards->at(0).queues.at(0).queue, queue_);
  EXPECT_FALSE(shards->at(0).queues.at(0).subscription.has_value());
}

TEST_F(RecoveryTest, TheStateOfAQueueComesBack) {
  publish(std::vector<std::string>(200, "body"));
  state_.lane_next = Offset(5);
  state_.counters.acked = 13;
  source().cursor = Offset(10);
  source().mark = Offset(150);
  source().settled = {{Offset(12), Offset(13)}, {Offset(20), Offset(22)}};
  queue_.options.max_attempts = std::nullopt;
  queue_.options.lease_duration = std::chrono::milliseconds(1500);
  queue_.options.case_retention_count = 1'000;
  queue_.options.hospital_max_bytes = 0;
  queue_.options.breaker = false;
  queue_.options.breaker_samples = 7;
  queue_.options.breaker_ratio = 0.25;
  queue_.options.breaker_window = std::chrono::minutes(2);
  queue_.options.breaker_pause = std::chrono::milliseconds(300);
  queue_.options.owner = "the payments team";
  queue_.options.runbook = "https://wiki/billing";
  queue_.options.alert_to = "payments";
  commit({put_state(), model::PutQueue{queue_}});
  reopen();
  const model::RecoveredQueue found = recovered();
  EXPECT_EQ(*found.queue, queue_);
  ASSERT_TRUE(found.subscription.has_value());
  EXPECT_EQ(found.subscription->state, state_);
  EXPECT_EQ(found.log.state.next, Offset(200));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(RecoveryTest, AcksWithManyHolesSurviveAsChunks) {
  publish(std::vector<std::string>(20'000, ""));
  core::AckSet acked;
  std::uint64_t count = 0;
  // Every third is settled, all of [8192, 12288) is, and a group in between is written as it grows.
  const auto save = [&] {
    std::vector<model::Mutation> mutations;
    acked.save(queue_.subscription, source(), mutations);
    EXPECT_LE(source().settled.size(), model::limits::kAckRanges);
    state_.counters.acked = count;
    mutations.push_back(put_state());
    commit(std::move(mutations));
  };
  for (std::uint64_t offset = 1; offset < 20'000; offset += 3) {
    count += acked.settle(Offset(offset)) ? 1 : 0;
    if (offset % 1000 < 3) save();
  }
  count += acked.settle(OffsetRange{Offset(8192), Offset(12'288)});
  save();
  EXPECT_THAT(findings(), IsEmpty());
  reopen();
  const model::RecoveredQueue found = recovered();
  EXPECT_THAT(found.subscription->chunks, testing::Not(IsEmpty()));
  const core::AckSet again(found.subscription->state.sources.front(), found.subscription->chunks);
  for (std::uint64_t offset = 0; offset < 20'000; ++offset) {
    ASSERT_EQ(again.is_settled(Offset(offset)), acked.is_settled(Offset(offset))) << offset;
  }
  EXPECT_EQ(again.unsettled_below(Offset(20'000)), acked.unsettled_below(Offset(20'000)));

  // With the holes filled the chunks go.
  count += acked.settle(OffsetRange{Offset(0), Offset(19'990)});
  save();
  reopen();
  EXPECT_THAT(recovered().subscription->chunks, IsEmpty());
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(RecoveryTest, DeliveriesComeBackWithEverythingTheySay) {
  publish(std::vector<std::string>(10, "body"));
  const auto granted = delivery(1, DeliveryState::granted);
  const auto ready = delivery(2, DeliveryState::ready);
  const auto late = delivery(3, DeliveryState::waiting, 9000);
  const auto soon = delivery(4, DeliveryState::waiting, 5000);
  std::vector<model::Mutation> mutations;
  for (const auto& record : {granted, ready, late, soon}) {
    mutations.push_back(model::PutDelivery{queue_.subscription, queue_.log, record, {}});
  }
  commit(mutations);
  reopen();
  EXPECT_THAT(findings(), IsEmpty());
  const auto found = recovered().subscription->deliveries;
  ASSERT_THAT(found, SizeIs(4));
  EXPECT_EQ(found[0].record, granted);
  EXPECT_EQ(found[1].record, ready);
  EXPECT_EQ(found[2].record, soon);
  EXPECT_EQ(found[3].record, late);
  const auto waiting = store_->read_waiting(model::ShardId(0), queue_.subscription,
                                            model::WaitingPlace::behind(base::Instant{5000}), 10);
  ASSERT_THAT(*waiting, SizeIs(1));
  EXPECT_EQ(waiting->at(0).record, late);

  // Granted again, and dropped: the schedule forgets them.
  auto anew = soon;
  anew.state = DeliveryState::granted;
  anew.due = {};
  commit({model::PutDelivery{queue_.subscription, queue_.log, anew, soon.due},
          model::DropDelivery{queue_.subscription, queue_.log, Offset(3), late.due}});
  reopen();
  EXPECT_THAT(recovered().subscription->deliveries, SizeIs(3));
  EXPECT_THAT(*store_->read_waiting(model::ShardId(0), queue_.subscription, {}, 10), IsEmpty());
  EXPECT_EQ(count_records("schedule"), 0u);
}

TEST_F(RecoveryTest, KeysComeBackWithWhatLocksThem) {
  publish({"a", "b", "c", "d"});
  queue_.options.order_by_key = true;
  queue_.options.on_key_failure = model::KeyFailure::hold;
  queue_.options.filter = "orders.# header.region=eu";
  auto keyed = delivery(2, DeliveryState::ready);
  keyed.key = model::hash_of_key("key");
  auto without = delivery(3, DeliveryState::waiting, 9000);
  without.key = model::KeyHash();
  commit({model::PutQueue{queue_}, model::PutDelivery{queue_.subscription, queue_.log, keyed, {}},
          model::PutDelivery{queue_.subscription, queue_.log, without, {}}});
  source().settled = {{Offset(0), Offset(2)}};
  source().cursor = Offset(2);
  source().settled.clear();
  admit(0, base::Instant{100});
  admit(1, base::Instant{200});
  --state_.counters.in_hospital;
  commit({model::ReplayCase{case_id(1), queue_.lane, Offset(0)}, put_state()});
  reopen();
  const model::RecoveredQueue found = recovered();
  EXPECT_EQ(found.queue->options, queue_.options);
  ASSERT_THAT(found.subscription->deliveries, SizeIs(2));
  EXPECT_EQ(found.subscription->deliveries[0].record, keyed);
  EXPECT_EQ(found.subscription->deliveries[1].record, without);
  ASSERT_THAT(found.subscription->case_keys, SizeIs(2));
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(found.subscription->case_keys[i].offset, Offset(i));
    EXPECT_EQ(found.subscription->case_keys[i].key, model::hash_of_key("key"));
  }
}

TEST_F(RecoveryTest, ADropOfWhatIsOnlyOnTheDiskFindsItsPlaceInTheSchedule) {
  publish({"body"});
  commit({model::PutDelivery{queue_.subscription, queue_.log, delivery(0, DeliveryState::waiting, 5000), {}}});
  commit({model::DropDelivery{queue_.subscription, queue_.log, Offset(0), {}, true}});
  EXPECT_THAT(*store_->read_waiting(model::ShardId(0), queue_.subscription, {}, 10), IsEmpty());
}

TEST_F(RecoveryTest, WhatIsScheduledComesBackFromTheScheduleAlone) {
  publish(std::vector<std::string>(4, "body"));
  const auto scheduled = [&](std::uint64_t offset, std::int64_t due) {
    const auto record = delivery(offset, DeliveryState::waiting, due);
    model::DeliveryRecord alone;
    alone.offset = record.offset;
    alone.state = record.state;
    alone.due = record.due;
    alone.scheduled = true;
    return alone;
  };
  const auto late = scheduled(1, 9000);
  const auto soon = scheduled(2, 5000);
  const auto same = scheduled(3, 5000);
  const auto retry = delivery(0, DeliveryState::waiting, 7000);
  std::vector<model::Mutation> mutations{put_state()};
  for (const auto& record : {late, soon, same, retry}) {
    mutations.push_back(model::PutDelivery{queue_.subscription, queue_.log, record, {}});
  }
  commit(mutations);
  reopen();
  EXPECT_THAT(findings(), IsEmpty());
  const auto found = recovered().subscription->deliveries;
  ASSERT_THAT(found, SizeIs(4));
  EXPECT_EQ(found[0].record, soon);
  EXPECT_EQ(found[1].record, same);
  EXPECT_EQ(found[2].record, retry);
  EXPECT_EQ(found[3].record, late);
  // Page by page, also between those that are due at the same time.
  const model::WaitingPlace after{{5000}, queue_.log, Offset(2)};
  const auto behind = store_->read_waiting(model::ShardId(0), queue_.subscription, after, 2);
  ASSERT_THAT(*behind, SizeIs(2));
  EXPECT_EQ(behind->at(0).record, same);
  EXPECT_EQ(behind->at(1).record, retry);

  // Granted it has a record of its own, and its place is free.
  auto granted = delivery(2, DeliveryState::granted);
  commit({model::PutDelivery{queue_.subscription, queue_.log, granted, soon.due}});
  reopen();
  EXPECT_THAT(findings(), IsEmpty());
  const auto after_grant = recovered().subscription->deliveries;
  ASSERT_FALSE(after_grant.empty());
  EXPECT_EQ(after_grant[0].record, granted);
  EXPECT_EQ(count_records("schedule"), 3u);  // which closes it
  reopen();

  // All that is scheduled goes at once; what else waits, record by record.
  commit({model::DropDelivery{queue_.subscription, queue_.log, Offset(0), retry.due},
          model::DropSchedule{queue_.subscription}});
  EXPECT_THAT(*store_->read_waiting(model::ShardId(0), queue_.subscription, {}, 10), IsEmpty());
}

TEST_F(RecoveryTest, AScheduledOneIsDroppedWherever) {
  std::vector<model::MessageRef> messages;
  for (int i = 0; i < 2; ++i) {
    auto one = std::make_shared<model::Message>(*message("body"));
    one->due.us = 5000 + i;
    messages.push_back(std::move(one));
  }
  const auto put = [&](std::uint64_t offset) {
    model::DeliveryRecord record;
    record.offset = Offset(offset);
    record.state = DeliveryState::waiting;
    record.due = messages[offset]->due;
    record.scheduled = true;
    return model::PutDelivery{queue_.subscription, queue_.log, record, {}};
  };
  const auto drop = [&](std::uint64_t offset) {
    return model::DropDelivery{queue_.subscription, queue_.log, Offset(offset), {}, true};
  };
  state_.counters.entered = 2;
  // In the commit that put it, and later, when only the message says until when it waits.
  commit({model::AppendMessages{queue_.log, Offset(0), messages}, put(0), put(1), drop(0), put_state()});
  ASSERT_THAT(*store_->read_waiting(model::ShardId(0), queue_.subscription, {}, 10), SizeIs(1));
  commit({drop(1)});
  EXPECT_THAT(*store_->read_waiting(model::ShardId(0), queue_.subscription, {}, 10), IsEmpty());
}

TEST_F(RecoveryTest, APriorityComesBackWithWhateverHasIt) {
  auto one = std::make_shared<model::Message>(*message("body"));
  one->priority = 6;
  model::DeliveryRecord scheduled;
  scheduled.offset = Offset(1);
  scheduled.state = DeliveryState::waiting;
  scheduled.due = base::Instant{5000};
  scheduled.scheduled = true;
  scheduled.priority = 9;
  model::DeliveryRecord ready = delivery(2, DeliveryState::ready);
  ready.priority = 4;
  state_.counters.entered = 3;
  log_.prioritised = true;
  log_.next = Offset(3);
  commit({model::AppendMessages{queue_.log, Offset(0), {one, one, one}}, model::PutLog{log_},
          model::PutDelivery{queue_.subscription, queue_.log, scheduled, {}},
          model::PutDelivery{queue_.subscription, queue_.log, ready, {}}, put_state()});
  next_ = Offset(3);
  admit(0, base::Instant{1000});
  commit({model::ReplayCase{case_id(0), queue_.lane, Offset(0)}});
  reopen();
  const model::RecoveredQueue found = recovered();
  EXPECT_TRUE(found.log.state.prioritised);
  EXPECT_EQ(store_->read_case(case_id(0))->summary.priority, 6);
  ASSERT_THAT(found.subscription->lane, SizeIs(1));
  EXPECT_EQ(found.subscription->lane[0].priority, 6);
  ASSERT_THAT(found.subscription->deliveries, SizeIs(2));
  EXPECT_EQ(found.subscription->deliveries[0].record.priority, 4);
  EXPECT_EQ(found.subscription->deliveries[1].record.priority, 9);
  const auto waiting = store_->read_waiting(model::ShardId(0), queue_.subscription, {}, 10);
  ASSERT_THAT(*waiting, SizeIs(1));
  EXPECT_EQ(waiting->front().record.priority, 9);
  EXPECT_TRUE(waiting->front().record.scheduled);
}

TEST_F(RecoveryTest, MarksComeBackWithHowManyWereImported) {
  log_.next = Offset(9);
  log_.uncounted = 4;
  log_.marks = {{Offset(2), base::Instant{1000}, 20}, {Offset(8), base::Instant{2000}, 40, 3}};
  commit({model::PutLog{log_}, put_state()});
  next_ = Offset(9);
  reopen();
  const model::LogState found = recovered().log.state;
  EXPECT_EQ(found.uncounted, 4u);
  EXPECT_EQ(found.marks, log_.marks);
}

TEST_F(RecoveryTest, ASubscriptionOfSeveralTopicsAndItsFeedersComeBack) {
  model::QueueRecord all;
  all.name = "all";
  all.kind = model::Kind::subscription;
  all.subscription = model::SubscriptionId(90);
  all.log = model::LogId(91);
  all.lane = model::LogId(92);
  all.sources = {{"orders", model::LogId(70), model::ShardId(0), model::SubscriptionId(93), false},
                 {"returns", model::LogId(71), model::ShardId(1), model::SubscriptionId(94), true}};
  model::QueueRecord feeder;
  feeder.name = "feeder 93";
  feeder.kind = model::Kind::feeder;
  feeder.subscription = model::SubscriptionId(93);
  feeder.log = model::LogId(70);
  feeder.lane = model::LogId(95);
  feeder.topic = "orders";
  feeder.start.kind = model::Start::time;
  feeder.start.time = base::Instant{77};
  feeder.into = {all.subscription, model::ShardId(1), "all"};
  auto one = std::make_shared<model::Message>(*message("body"));
  one->source = {model::LogId(70), Offset(12)};
  model::SubscriptionState state;
  state.subscription = all.subscription;
  state.lane = all.lane;
  state.counters.entered = 4;  // of which the topic has lost three
  state.counters.lost_to_retention = 3;
  state.sources.emplace_back().log = all.log;
  state.sources.front().entered_to = Offset(1);
  state.taken = {{model::LogId(70), Offset(13), 3, 5}, {model::LogId(71), Offset(1), 0, 0}};
  commit({model::PutQueue{all}, model::PutQueue{feeder}, model::AppendMessages{all.log, Offset(0), {one}},
          model::PutSubscription{state}});
  EXPECT_THAT(findings(), IsEmpty());
  model::AdmitCase admit;
  admit.record.id = {model::ShardId(0), all.subscription, all.log, Offset(0)};
  admit.record.source = "all";
  admit.topics = {{model::LogId(71), "returns"}, {model::LogId(70), "orders"}};
  commit({admit});
  reopen();
  const auto shards = store_->recover().value();
  bool found = false;
  for (const model::RecoveredQueue& queue : shards[0].queues) {
    if (queue.queue->kind == model::Kind::feeder) {
      EXPECT_EQ(*queue.queue, feeder);
    }
    if (queue.queue->name != "all") continue;
    found = true;
    EXPECT_EQ(*queue.queue, all);
    EXPECT_EQ(queue.subscription->state.taken, state.taken);
    EXPECT_EQ(queue.log.state.next, Offset(1));
  }
  EXPECT_TRUE(found);
  const auto record = store_->read_case(admit.record.id);
  EXPECT_EQ(record->source, "orders");
  EXPECT_EQ(record->source_offset(), Offset(12));
}

TEST_F(RecoveryTest, CasesAndTheLaneComeBack) {
  publish({"a", "b", "c"});
  model::Attempt attempt;
  attempt.number = 1;
  attempt.consumer.name = "anna";
  attempt.outcome = model::AttemptOutcome::nacked;
  attempt.error = {"type", "words", "details"};
  commit({model::PutAttempt{queue_.subscription, queue_.log, Offset(1), attempt}});
  source().settled = {{Offset(0), Offset(3)}};
  source().cursor = Offset(3);
  source().settled.clear();
  admit(0, base::Instant{100});
  admit(1, base::Instant{200});
  admit(2, base::Instant{300});
  --state_.counters.in_hospital;
  commit({model::ReplayCase{case_id(1), queue_.lane, Offset(0)}, put_state()});
  --state_.counters.in_hospital;
  ++state_.counters.discarded;
  commit({model::DiscardCase{case_id(2), base::Instant{400}, "no use", false}, put_state()});
  EXPECT_THAT(findings(), IsEmpty());
  reopen();
  const auto found = recovered().subscription;
  EXPECT_THAT(found->admitted, ElementsAre(Offset(0)));
  ASSERT_THAT(found->lane, SizeIs(1));
  EXPECT_EQ(found->lane[0].target, case_id(1));
  EXPECT_EQ(store_->read_case(case_id(0))->summary.key, "key");
  EXPECT_EQ(store_->read_case(case_id(2))->discard_reason, "no use");
  ASSERT_THAT(*store_->read_attempts(case_id(1)), ElementsAre(attempt));
}

TEST_F(RecoveryTest, ADeduplicationWindowMayEndAtTheHighestSequenceThatThereIs) {
  model::ProducerId anna;
  anna.bytes[0] = 1;
  const std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  commit({model::PutDedup{queue_.log, {anna, last, base::Instant{5}}, {{1, Offset(0), 1}, {last, Offset(1), 1}}}});
  const auto producers = recovered().log.producers;
  ASSERT_THAT(producers, SizeIs(1));
  ASSERT_THAT(producers[0].window, SizeIs(1));
  EXPECT_EQ(producers[0].window[0].sequence, last);
}

TEST_F(RecoveryTest, DeduplicationWindowsComeBackWithoutWhatFellOut) {
  model::ProducerId anna;
  anna.bytes[0] = 1;
  model::ProducerId bert;
  bert.bytes[0] = 2;
  std::vector<model::DedupEntry> entries;
  for (std::uint64_t sequence = 1; sequence <= 5000; ++sequence) {
    entries.push_back({sequence, Offset(sequence - 1), 42});
    if (sequence % 100 != 0) continue;
    commit({model::PutDedup{queue_.log, {anna, sequence, base::Instant{5}}, entries}});
    entries.clear();
  }
  commit({model::PutDedup{queue_.log, {bert, 9, base::Instant{6}}, {{9, Offset(5000), 1}}}});
  commit({model::TrimDedup{queue_.log, anna, 800}});
  reopen();
  auto producers = recovered().log.producers;
  ASSERT_THAT(producers, SizeIs(2));
  EXPECT_EQ(producers[0].state, (model::ProducerState{anna, 5000, base::Instant{5}}));
  ASSERT_THAT(producers[0].window, SizeIs(model::limits::kDedupWindow));
  EXPECT_EQ(producers[0].window.front().sequence, 5000 - model::limits::kDedupWindow + 1);
  EXPECT_EQ(producers[1].window, (std::vector<model::DedupEntry>{{9, Offset(5000), 1}}));
  commit({model::DropProducer{queue_.log, anna}});
  reopen();
  producers = recovered().log.producers;
  ASSERT_THAT(producers, SizeIs(1));
  EXPECT_EQ(producers[0].state.producer, bert);
}

TEST_F(RecoveryTest, IdsOfMessagesComeBackOldestFirstUntilTheyAreTrimmed) {
  const auto stored = [](std::uint64_t first, std::size_t count) {
    model::StoredIds group;
    group.at = base::Instant{static_cast<std::int64_t>(first) + 1};
    for (std::uint64_t i = first; i < first + count; ++i) group.ids.push_back({base::Uuid::v7(1, i, i), Offset(i)});
    return group;
  };
  model::ProducerId loudest;
  loudest.bytes.fill(0xff);
  for (std::uint64_t first = 0; first < 300; first += 100) {
    commit({model::PutMessageIds{queue_.log, stored(first, 100)},
            model::PutDedup{queue_.log, {loudest, first + 1, {}}, {{first + 1, Offset(first), 1}}}});
  }
  reopen();
  EXPECT_THAT(recovered().log.ids, ElementsAre(stored(0, 100), stored(100, 100), stored(200, 100)));
  EXPECT_THAT(recovered().log.producers, SizeIs(1));
  commit({model::TrimMessageIds{queue_.log, Offset(150)}});
  reopen();
  EXPECT_THAT(recovered().log.ids, ElementsAre(stored(100, 100), stored(200, 100))) << "a group goes as a whole";
  commit({model::TrimMessageIds{queue_.log, Offset(~std::uint64_t{0})}});
  reopen();
  EXPECT_THAT(recovered().log.ids, IsEmpty());
  EXPECT_THAT(recovered().log.producers, SizeIs(1)) << "producers are another matter";
}

TEST_F(RecoveryTest, InstancesComeBackUntilTheyAreDropped) {
  model::InstanceRecord anna{{}, "anna", "host", "1.0", false};
  anna.id.bytes[3] = 1;
  commit({model::PutInstance{anna}}, 1);
  reopen();
  EXPECT_THAT(store_->recover()->at(1).instances, ElementsAre(anna));
  EXPECT_THAT(store_->recover()->at(0).instances, IsEmpty());
  commit({model::DropInstance{anna.id}}, 1);
  EXPECT_THAT(store_->recover()->at(1).instances, IsEmpty());
}

TEST_F(RecoveryTest, ADeletedQueueLeavesItsCasesAndNothingElse) {
  publish(std::vector<std::string>(30, "body"));
  trim(0, 10, {1, 2});  // 2 waits; 1 will be a case
  model::Attempt attempt;
  attempt.number = 1;
  model::ProducerId anna;
  commit({model::PutAttempt{queue_.subscription, queue_.log, Offset(1), attempt},
          model::PutAttempt{queue_.subscription, queue_.log, Offset(2), attempt},
          model::PutDelivery{queue_.subscription, queue_.log, delivery(2, DeliveryState::waiting, 5000), {}},
          model::PutAckChunk{queue_.subscription, queue_.log, {0, std::vector<std::uint64_t>(64)}},
          model::PutDedup{queue_.log, {anna, 1, {}}, {{1, Offset(0), 0}}},
          model::PutMessageIds{queue_.log, {{}, {{base::Uuid::v7(1, 2, 3), Offset(0)}}}}});
  admit(1, base::Instant{100});
  commit({model::DropSubscription{queue_.subscription, queue_.log, queue_.lane}});
  // Until the catalog has forgotten the name, a restart finds it to be deleted still.
  reopen();
  ASSERT_TRUE(recovered().subscription.has_value());
  EXPECT_TRUE(recovered().subscription->state.deleting);
  EXPECT_THAT(findings(), IsEmpty());
  commit({model::DropQueue{queue_.name}});
  EXPECT_THAT(store_->recover()->at(0).queues, IsEmpty());
  EXPECT_THAT(findings(), IsEmpty());
  EXPECT_THAT(bodies(read(1, 2)), ElementsAre("body"));
  EXPECT_THAT(*store_->read_attempts(case_id(1)), SizeIs(1));
  EXPECT_THAT(*store_->read_attempts(case_id(2)), IsEmpty());
  EXPECT_EQ(count_records("log"), 0u);
  EXPECT_EQ(count_records("evacuated"), 1u);
  EXPECT_EQ(count_records("schedule"), 0u);
  EXPECT_EQ(count_records("dedup"), 0u);
  EXPECT_EQ(count_records("state"), 3u);  // the number of the last commit, the shard's record, one attempt
}

TEST_F(RecoveryTest, RequestsComeBackWithTheirReplies) {
  publish({"tea", "coffee", "water"});
  model::RequestRecord open;
  open.id.bytes[15] = 1;
  open.offset = Offset(0);
  open.deadline = base::Instant{5000};
  open.settled = true;
  model::RequestRecord answered;
  answered.id.bytes[15] = 2;
  answered.offset = Offset(1);
  answered.outcome = model::RequestOutcome::answered;
  answered.late = true;
  answered.ended_at = base::Instant{6000};
  auto reply = std::make_shared<model::Message>();
  reply->envelope = base::SharedBytes::of("envelope");
  reply->body = base::SharedBytes::of("3 euros");
  reply->body_crc = 7;
  reply->published_at = base::Instant{5900};
  answered.reply = reply;
  model::RequestRecord timed_out;
  timed_out.id.bytes[15] = 3;
  timed_out.offset = Offset(2);
  timed_out.outcome = model::RequestOutcome::timed_out;
  timed_out.reached = model::Reached::started;
  timed_out.reason = "because";
  commit({put_state(), model::PutRequest{queue_.subscription, open}, model::PutRequest{queue_.subscription, answered},
          model::PutRequest{queue_.subscription, timed_out}});
  reopen();
  const auto found = recovered().subscription->requests;
  ASSERT_THAT(found, SizeIs(3));
  EXPECT_EQ(found[0].id, open.id);
  EXPECT_EQ(found[0].deadline, open.deadline);
  EXPECT_TRUE(found[0].settled);
  EXPECT_EQ(found[0].outcome, model::RequestOutcome::open);
  EXPECT_EQ(found[0].reply, nullptr);
  EXPECT_EQ(found[1].reply->body.view(), "3 euros");
  EXPECT_EQ(found[1].reply->envelope.view(), "envelope");
  EXPECT_EQ(found[1].reply->body_crc, 7u);
  EXPECT_EQ(found[1].reply->published_at, reply->published_at);
  EXPECT_TRUE(found[1].late);
  EXPECT_EQ(found[2].reached, model::Reached::started);
  EXPECT_EQ(found[2].reason, "because");
  commit({model::DropRequest{queue_.subscription, answered.id}});
  EXPECT_THAT(recovered().subscription->requests, SizeIs(2));
  commit({model::DropSubscription{queue_.subscription, queue_.log, queue_.lane, false}, put_state()});
  EXPECT_THAT(recovered().subscription->requests, IsEmpty());
}

TEST_F(RecoveryTest, QuarantineRulesComeBack) {
  publish({"tea"});
  const model::QuarantineRecord first{queue_.subscription, 7, "type=x", "since Monday", base::Instant{9},
                                      base::Instant{3},    2};
  const model::QuarantineRecord second{queue_.subscription, 300, "key=k", "", {}, base::Instant{4}, 0};
  const model::QuarantineRecord others{model::SubscriptionId(queue_.subscription.value + 1), 8, "key=k", "", {}, {}, 0};
  commit({put_state(), model::PutQuarantine{second}, model::PutQuarantine{first}, model::PutQuarantine{others}});
  reopen();
  EXPECT_THAT(recovered().subscription->quarantines, ElementsAre(first, second));
  commit({model::DropQuarantine{queue_.subscription, 7}});
  EXPECT_THAT(recovered().subscription->quarantines, ElementsAre(second));
  commit({model::DropSubscription{queue_.subscription, queue_.log, queue_.lane, false}, put_state()});
  EXPECT_THAT(recovered().subscription->quarantines, IsEmpty());
}

TEST_F(RecoveryTest, DurableRequestsComeBackWithTheirContextAndOthersWithTheirNote) {
  publish({"tea", "coffee"});
  model::RequestRecord durable;
  durable.id.bytes[15] = 1;
  durable.outcome = model::RequestOutcome::answered;
  auto address = std::make_shared<model::ReplyAddress>();
  address->shard = model::ShardId(1);
  address->log = model::LogId(99);
  address->queue = "replies";
  address->context = {{"order", "17"}, {"order", std::string("\0\xff", 2)}};
  address->correlation_id = "basket";
  durable.reply_to = address;
  model::RequestRecord noted;
  noted.id.bytes[15] = 2;
  noted.offset = Offset(1);
  auto note = std::make_shared<model::Message>();
  note->envelope = base::SharedBytes::of("envelope");
  note->body = base::SharedBytes::of("10%");
  note->body_crc = 7;
  note->published_at = base::Instant{5900};
  noted.note = note;
  state_.counters.lost_replies = 3;
  commit({put_state(), model::PutRequest{queue_.subscription, durable}, model::PutRequest{queue_.subscription, noted}});
  reopen();
  const auto found = recovered().subscription->requests;
  ASSERT_THAT(found, SizeIs(2));
  ASSERT_NE(found[0].reply_to, nullptr);
  EXPECT_EQ(found[0].reply_to->shard, address->shard);
  EXPECT_EQ(found[0].reply_to->log, address->log);
  EXPECT_EQ(found[0].reply_to->queue, "replies");
  EXPECT_EQ(found[0].reply_to->context, address->context);
  EXPECT_EQ(found[0].reply_to->correlation_id, "basket");
  EXPECT_EQ(found[0].reply, nullptr) << "its answer is on the reply queue";
  EXPECT_EQ(found[1].reply_to, nullptr);
  EXPECT_EQ(found[1].note->body.view(), "10%");
  EXPECT_EQ(found[1].note->envelope.view(), "envelope");
  EXPECT_EQ(found[1].note->body_crc, 7u);
  EXPECT_EQ(found[1].note->published_at, note->published_at);
  EXPECT_EQ(recovered().subscription->state.counters.lost_replies, 3u);
}

}  // namespace
}  // namespace lazaret::storage
