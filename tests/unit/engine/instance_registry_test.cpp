// The story of an instance: there, away, back, lost, gone; alone with a suspect. Times are stated.
#include "engine/instance_registry.h"

#include <gtest/gtest.h>

#include <string>

namespace lazaret::engine {
namespace {

using namespace std::chrono_literals;
using How = core::SessionEnded::How;

constexpr base::Instant kStart{1'000'000'000};
const model::SessionId kFirst(1);
const model::SessionId kSecond(2);
const model::SubscriptionId kQueue(7);

model::InstanceRecord worker(std::uint8_t number = 1) {
  model::InstanceRecord record;
  record.id.bytes[15] = number;
  record.name = "billing";
  return record;
}

/// What happened, in words; in a struct of its own because a local one may have no templates.
struct Words {
  std::string operator()(const core::SessionEnded&) const { return "session ended"; }
  std::string operator()(const core::InstanceAway&) const { return "away"; }
  std::string operator()(const core::InstanceBack&) const { return "back"; }
  std::string operator()(const core::InstanceLost& lost) const {
    return "lost over " + std::to_string(lost.begun_total);
  }
  std::string operator()(const core::InstanceGone&) const { return "gone"; }
  std::string operator()(const core::ResumeOver&) const { return "resume over"; }
  std::string operator()(const core::InstanceReserved&) const { return "reserved"; }
  std::string operator()(const core::IsolationReady&) const { return "isolation ready"; }
  std::string operator()(const core::ReservationRefused&) const { return "refused"; }
  std::string operator()(const core::InstanceFree&) const { return "free"; }
  template <class Other>
  std::string operator()(const Other&) const {
    return "something else";
  }
};

std::string word(const ShardEvent& event) {
  const std::string to = event.shard ? std::to_string(event.shard->value) : "all";
  return to + ": " + std::visit(Words{}, event.what);
}

class InstanceRegistryTest : public ::testing::Test {
 protected:
  /// Does one thing and returns what the shards are told, in words.
  template <class Step>
  std::string told(Step step) {
    InstanceRegistry::Events events;
    step(events);
    std::string words;
    for (const ShardEvent& event : events) words += (words.empty() ? "" : "; ") + word(event);
    return words;
  }
  std::string end(model::SessionId session, How how, base::Instant now = kStart) {
    return told([&](auto& events) { registry.session_ended(session, how, now, events); });
  }
  std::string drain(model::SessionId session) {
    return told([&](auto& events) {
      registry.session_drained(session, events);
      registry.session_drained(session, events);
    });
  }
  std::string tick(base::Instant now) {
    return told([&](auto& events) { registry.tick(now, events); });
  }
  std::string load(std::int64_t begun, std::int64_t out) {
    return told([&](auto& events) { registry.load_changed({worker().id, begun, out}, events); });
  }
  std::string resumed(model::SessionId session) {
    return told([&](auto& events) { registry.session_resumed(session, events); });
  }

  InstanceRegistry registry{2, {5s, 5s}};
};

TEST_F(InstanceRegistryTest, AGoodbyeLeavesNobodyToWaitFor) {
  registry.session_opened(kFirst, worker(), kStart);
  EXPECT_EQ(end(kFirst, How::goodbye), "all: session ended; all: gone");
  EXPECT_EQ(drain(kFirst), "");
  EXPECT_EQ(tick(kStart + 1h), "");
  EXPECT_EQ(registry.size(), 0u);
}

TEST_F(InstanceRegistryTest, ALostInstanceIsGivenUpAfterTheGraceWithWhatItHadBegun) {
  registry.session_opened(kFirst, worker(), kStart);
  load(2, 10);
  EXPECT_EQ(end(kFirst, How::closed), "all: session ended; all: away");
  drain(kFirst);
  load(0, -8);  // what had not begun is released
  EXPECT_EQ(tick(kStart + 4999ms), "");
  EXPECT_EQ(tick(kStart + 5s), "all: lost over 2");
  load(-2, -2);
  EXPECT_EQ(registry.size(), 0u);
}

TEST_F(InstanceRegistryTest, ItIsNotGivenUpBeforeEveryShardHasSteppedItsLastFrames) {
  registry.session_opened(kFirst, worker(), kStart);
  load(1, 1);
  end(kFirst, How::closed);
  EXPECT_EQ(tick(kStart + 1min), "");
  drain(kFirst);
  EXPECT_EQ(tick(kStart + 1min), "all: lost over 1");
}

TEST_F(InstanceRegistryTest, EachIsGivenUpInItsOwnTime) {
  registry.session_opened(kFirst, worker(1), kStart);
  registry.session_opened(kSecond, worker(2), kStart);
  const model::SessionId third(3);
  registry.session_opened(third, worker(3), kStart);
  for (const model::SessionId session : {kSecond, third, kFirst}) {
    end(session, How::closed, kStart + 1s * static_cast<int>(session.value));
    drain(session);
  }
  EXPECT_EQ(registry.next_deadline(), kStart + 6s);
  registry.session_opened(model::SessionId(4), worker(2), kStart + 4s);
  EXPECT_EQ(resumed(model::SessionId(4)), "all: back");
  EXPECT_EQ(tick(kStart + 6s), "all: lost over 0");
  EXPECT_EQ(tick(kStart + 7s), "") << "the second is back";
  EXPECT_EQ(registry.next_deadline(), kStart + 8s);
  EXPECT_EQ(tick(kStart + 8s), "all: lost over 0");
  EXPECT_EQ(registry.next_deadline(), base::Instant::never());
}

TEST_F(InstanceRegistryTest, ComingBackInTimeCostsNothing) {
  registry.session_opened(kFirst, worker(), kStart);
  load(1, 1);
  end(kFirst, How::closed);
  drain(kFirst);
  registry.session_opened(kSecond, worker(), kStart + 3s);
  EXPECT_EQ(resumed(kSecond), "all: back");
  EXPECT_EQ(tick(kStart + 1h), "");
}

TEST_F(InstanceRegistryTest, AConnectionThatNeverResumesCountsAsBackAfterTheGrace) {
  registry.session_opened(kFirst, worker(), kStart);
  end(kFirst, How::closed);
  drain(kFirst);
  registry.session_opened(kSecond, worker(), kStart + 3s);
  EXPECT_EQ(tick(kStart + 8s), "all: back");
}

TEST_F(InstanceRegistryTest, AnotherLivingConnectionKeepsTheInstance) {
  registry.session_opened(kFirst, worker(), kStart);
  registry.session_opened(kSecond, worker(), kStart);
  EXPECT_EQ(end(kFirst, How::closed), "all: session ended");
  EXPECT_EQ(tick(kStart + 1h), "");
}

TEST_F(InstanceRegistryTest, AConnectionThatIsNotHeardDoesNotStandInForTheOneThatEnds) {
  registry.session_opened(kFirst, worker(), kStart);
  registry.session_opened(kSecond, worker(), kStart);
  EXPECT_EQ(told([&](auto& e) { registry.session_quiet(kFirst, true, e); }), "");
  EXPECT_EQ(end(kSecond, How::closed), "all: session ended; all: away");
  EXPECT_EQ(told([&](auto& e) { registry.session_quiet(kFirst, false, e); }), "all: back");
}

TEST_F(InstanceRegistryTest, AMissedHeartbeatStopsTheClockUntilSomethingIsHeard) {
  registry.session_opened(kFirst, worker(), kStart);
  EXPECT_EQ(told([&](auto& e) { registry.session_quiet(kFirst, true, e); }), "all: away");
  EXPECT_EQ(told([&](auto& e) { registry.session_quiet(kFirst, false, e); }), "all: back");
}

TEST_F(InstanceRegistryTest, AnInstanceOfSeveralConnectionsIsBackWithTheLastOfThem) {
  registry.await({worker()}, kStart);
  registry.session_opened(kFirst, worker(), kStart + 1s, 2);
  EXPECT_EQ(resumed(kFirst), "");
  EXPECT_EQ(resumed(kFirst), "") << "the same one twice";
  registry.session_opened(kSecond, worker(), kStart + 2s, 2);
  EXPECT_EQ(resumed(kSecond), "all: back; all: resume over");
  // And once more, after both were lost.
  end(kFirst, How::closed);
  EXPECT_EQ(end(kSecond, How::closed), "all: session ended; all: away");
  drain(kFirst);
  drain(kSecond);
  registry.session_opened(kFirst, worker(), kStart + 3s, 2);
  EXPECT_EQ(resumed(kFirst), "");
  EXPECT_EQ(end(kFirst, How::closed), "all: session ended");
  drain(kFirst);
  registry.session_opened(kSecond, worker(), kStart + 4s, 2);
  EXPECT_EQ(resumed(kSecond), "") << "one that has gone again does not count";
  EXPECT_EQ(tick(kStart + 9s), "all: back");
}

TEST_F(InstanceRegistryTest, TheOthersOfAnInstanceAreAwaitedForTheGraceOnly) {
  registry.await({worker()}, kStart);
  registry.session_opened(kFirst, worker(), kStart + 1s, 1000);
  EXPECT_EQ(resumed(kFirst), "");
  EXPECT_EQ(tick(kStart + 5s), "all: resume over");
  EXPECT_EQ(tick(kStart + 6s), "all: back");
}

TEST_F(InstanceRegistryTest, AfterARestartEverybodyIsAwaitedAndThenItIsOver) {
  registry.await({worker(1), worker(2)}, kStart);
  EXPECT_TRUE(registry.resuming());
  registry.session_opened(kFirst, worker(1), kStart + 1s);
  EXPECT_EQ(resumed(kFirst), "all: back");
  registry.session_opened(kSecond, worker(2), kStart + 2s);
  EXPECT_EQ(resumed(kSecond), "all: back; all: resume over");
  EXPECT_FALSE(registry.resuming());
}

TEST_F(InstanceRegistryTest, WhoDoesNotComeBackAfterARestartIsGoneNotLost) {
  registry.await({worker(1), worker(2)}, kStart);
  registry.session_opened(kFirst, worker(1), kStart + 1s);
  EXPECT_EQ(resumed(kFirst), "all: back");
  EXPECT_EQ(tick(kStart + 5s), "all: gone; all: resume over");
}

TEST_F(InstanceRegistryTest, IsolationBeginsWhenNoShardHasAnythingOut) {
  registry.session_opened(kFirst, worker(), kStart);
  load(0, 3);
  EXPECT_EQ(told([&](auto& e) { registry.reserve({worker().id, kQueue}, model::ShardId(1), e); }), "all: reserved");
  load(0, -3);
  EXPECT_EQ(told([&](auto& e) { registry.reservation_seen(worker().id, e); }), "");
  EXPECT_EQ(told([&](auto& e) { registry.reservation_seen(worker().id, e); }), "1: isolation ready");
  EXPECT_EQ(load(0, 1), "");
  EXPECT_EQ(told([&](auto& e) { registry.release({worker().id, kQueue}, e); }), "all: free");
}

TEST_F(InstanceRegistryTest, OneSubscriptionIsolatesOnAnInstanceAtATime) {
  registry.session_opened(kFirst, worker(), kStart);
  told([&](auto& e) { registry.reserve({worker().id, kQueue}, model::ShardId(0), e); });
  EXPECT_EQ(told([&](auto& e) {
              registry.reserve({worker().id, model::SubscriptionId(8)}, model::ShardId(1), e);
            }),
            "1: refused");
  EXPECT_EQ(told([&](auto& e) { registry.release({worker().id, model::SubscriptionId(8)}, e); }), "");
}

TEST_F(InstanceRegistryTest, AnInstanceThatIsLostIsolatesNoMore) {
  registry.session_opened(kFirst, worker(), kStart);
  told([&](auto& e) { registry.reserve({worker().id, kQueue}, model::ShardId(0), e); });
  load(1, 1);
  end(kFirst, How::closed);
  drain(kFirst);
  EXPECT_EQ(tick(kStart + 5s), "all: lost over 1; all: free");
}

}  // namespace
}  // namespace lazaret::engine
