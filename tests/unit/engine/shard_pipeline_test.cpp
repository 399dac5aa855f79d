// What waits for which group: the confirms of acks ride, deliveries do not wait for them, all else keeps its place.
#include "engine/shard_pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace lazaret::engine {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const model::SessionId kSession(1);
const model::InstanceRecord kInstance{base::Uuid::v7(1, 2, 3), "worker", "host", "1", true};
const model::ConsumerKey kConsumer{kInstance.id, 1};

class ShardPipelineTest : public ::testing::Test {
 protected:
  ShardPipelineTest() : pipeline_(model::ShardId(), core::Shard({}, {}, now_), {}, 5ms) {
    step(core::WakeUp{});
    model::CreateQueue create;
    create.origin = {kSession, ++request_};
    create.name = "q";
    step(std::move(create));
    persist_all();
    model::OpenConsumer open;
    open.origin = {kSession, ++request_};
    open.consumer = kConsumer;
    open.instance = kInstance;
    open.subscription = queue_;
    open.credit_messages = 10;
    open.credit_bytes = 1 << 20;
    step(std::move(open));
    persist_all();
    publish();
    publish();
    persist_all();
    answers();
  }

  void step(core::Event::What what) { pipeline_.step(std::move(what), 0, now_); }
  void publish() {
    model::Publish publish;
    publish.origin = {kSession, ++request_};
    publish.log = log_;
    publish.items.push_back({0, std::make_shared<model::Message>()});
    step(std::move(publish));
  }
  void settle(std::size_t delivered, model::VerdictKind kind = model::VerdictKind::ack) {
    const model::Delivered& one = delivered_.at(delivered);
    model::Settle settle;
    settle.origin = {kSession, ++request_};
    settle.verdicts.emplace_back();
    settle.verdicts.back().kind = kind;
    settle.verdicts.back().token = {model::ShardId(), queue_, one.log, one.offset, one.grant};
    step(std::move(settle));
  }
  void look() {
    model::ShowQueue show;
    show.origin = {kSession, ++request_};
    show.subscription = queue_;
    step(std::move(show));
  }
  /// Whether there was one to seal.
  bool seal() {
    const auto sealed = pipeline_.seal_if_due(now_);
    if (sealed) sealed_.push_back(sealed->number);
    return sealed.has_value();
  }
  void persist() {
    step(core::Persisted{sealed_.front()});
    sealed_.erase(sealed_.begin());
  }
  void persist_all() {
    for (bool more = true; more;) {
      if (const auto sealed = pipeline_.seal_if_due(now_, true)) {
        step(core::Persisted{sealed->number});
      } else {
        more = false;
      }
      more = take_ready() || more;
    }
  }
  /// What may happen now: noted, and done as far as it is the engine's. Whether that was more work.
  bool take_ready() {
    bool work = false;
    for (core::Effect& effect : std::exchange(pipeline_.ready(), {})) {
      if (auto* tell = std::get_if<core::Tell>(&effect)) {
        if (std::holds_alternative<model::Published>(tell->answer)) answers_.emplace_back("published");
        if (std::holds_alternative<model::Settled>(tell->answer)) answers_.emplace_back("settled");
        if (std::holds_alternative<model::QueueStats>(tell->answer)) answers_.emplace_back("shown");
        if (auto* deliver = std::get_if<model::Deliver>(&tell->answer)) {
          answers_.emplace_back("delivered");
          for (model::Delivered& one : deliver->messages) delivered_.push_back(std::move(one));
        }
      } else if (const auto* assign = std::get_if<core::AssignQueue>(&effect)) {
        queue_ = assign->queue->subscription;
        log_ = assign->queue->log;
        step(core::QueueAssigned{assign->queue, assign->created});
        work = true;
      }
    }
    return work;
  }
  std::vector<std::string> answers() {
    take_ready();
    return std::exchange(answers_, {});
  }

  base::Instant now_{1'000'000};
  model::SubscriptionId queue_;
  model::LogId log_;
  std::uint64_t request_ = 0;
  ShardPipeline pipeline_;
  std::vector<model::GroupNumber> sealed_;
  std::vector<std::string> answers_;
  std::vector<model::Delivered> delivered_;
};

/// What alerts ask: from when on something may not be visible yet.
TEST_F(ShardPipelineTest, KnowsSinceWhenSomethingIsNotOnTheDisk) {
  EXPECT_EQ(pipeline_.unpersisted_since(), base::Instant::never());
  look();
  EXPECT_EQ(pipeline_.unpersisted_since(), base::Instant::never()) << "nothing is to be written";
  const base::Instant first = now_;
  publish();
  now_ = now_ + 1s;
  publish();
  EXPECT_EQ(pipeline_.unpersisted_since(), first);
  ASSERT_TRUE(seal());
  now_ = now_ + 1s;
  const base::Instant third = now_;
  publish();
  now_ = now_ + 1s;
  ASSERT_TRUE(seal());
  EXPECT_EQ(pipeline_.unpersisted_since(), first);
  persist();
  EXPECT_EQ(pipeline_.unpersisted_since(), third);
  persist();
  EXPECT_EQ(pipeline_.unpersisted_since(), base::Instant::never());
}

TEST_F(ShardPipelineTest, AnAckAloneIsSealedAfterItsRideAndConfirmedWhenDurable) {
  settle(0);
  EXPECT_FALSE(seal());
  EXPECT_EQ(pipeline_.next_deadline(), now_ + ShardPipeline::kRideMost);
  now_ = now_ + 999us;
  EXPECT_FALSE(seal());
  now_ = now_ + 1us;
  EXPECT_TRUE(seal());
  EXPECT_THAT(answers(), IsEmpty());
  EXPECT_FALSE(pipeline_.idle());
  persist();
  EXPECT_THAT(answers(), ElementsAre("settled"));
}

TEST_F(ShardPipelineTest, APublishTakesItAlong) {
  settle(0);
  EXPECT_FALSE(seal());
  publish();
  EXPECT_TRUE(seal());
  persist();
  EXPECT_THAT(answers(), ElementsAre("settled", "published", "delivered"));
}

TEST_F(ShardPipelineTest, ADeliveryDoesNotWaitForTheAckBehindIt) {
  publish();
  EXPECT_TRUE(seal());
  settle(0);
  now_ = now_ + ShardPipeline::kRideMost;
  EXPECT_FALSE(seal());
  now_ = now_ + ShardPipeline::kRideMost;
  EXPECT_TRUE(seal());  // both are in flight
  persist();
  EXPECT_THAT(answers(), ElementsAre("published", "delivered"));
  persist();
  EXPECT_THAT(answers(), ElementsAre("settled"));
}

TEST_F(ShardPipelineTest, AnyOtherAnswerKeepsItsPlaceBehindItAndMakesItGo) {
  settle(0);
  EXPECT_FALSE(seal());
  look();
  EXPECT_THAT(answers(), IsEmpty());
  EXPECT_TRUE(seal());
  persist();
  EXPECT_THAT(answers(), ElementsAre("settled", "shown"));
}

TEST_F(ShardPipelineTest, BehindOneInFlightAnAnswerWaitsForIt) {
  settle(0);
  seal();
  now_ = now_ + ShardPipeline::kRideMost;
  EXPECT_TRUE(seal());
  look();
  EXPECT_THAT(answers(), IsEmpty());
  persist();
  EXPECT_THAT(answers(), ElementsAre("settled", "shown"));
}

TEST_F(ShardPipelineTest, OneThatIsSentAgainIsConfirmedAlthoughThereIsNothingToWrite) {
  settle(0);
  persist_all();
  EXPECT_THAT(answers(), ElementsAre("settled"));
  settle(0);
  now_ = now_ + ShardPipeline::kRideMost;
  seal();
  now_ = now_ + ShardPipeline::kRideMost;
  EXPECT_TRUE(seal());
  persist();
  EXPECT_THAT(answers(), ElementsAre("settled"));
}

TEST_F(ShardPipelineTest, AReleaseDoesNotRide) {
  settle(0, model::VerdictKind::release);
  EXPECT_TRUE(seal());
}

}  // namespace
}  // namespace lazaret::engine
