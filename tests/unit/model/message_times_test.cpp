#include "model/message_times.h"

#include <gtest/gtest.h>

#include "model/limits.h"

namespace lazaret::model {
namespace {

using base::Code;
using base::Instant;
using namespace std::chrono_literals;

constexpr Instant kNow{1'700'000'000'000'000};

/// When it is due, and when it expires; or the error.
struct Times {
  Code code = Code::OK;
  Instant due, expires_at;
  bool operator==(const Times&) const = default;
};
Times times(const AskedTimes& asked) {
  Message message;
  const base::Status status = set_times(asked, kNow, message);
  return {status.code(), message.due, message.expires_at};
}
constexpr Times kRefused{Code::BAD_REQUEST, {}, {}};

TEST(MessageTimes, NothingAskedForIsNothing) { EXPECT_EQ(times({}), Times{}); }

TEST(MessageTimes, SomeOfItIsKnownWithoutAClock) {
  EXPECT_TRUE(check_times({}).ok());
  EXPECT_TRUE(check_times({.deliver_at = kNow + limits::kDelayMost * 2}).ok()) << "from when, only a clock says";
  EXPECT_EQ(check_times({.ttl = -1us}).code(), Code::BAD_REQUEST);
  EXPECT_EQ(check_times({.delay = 1s, .deliver_at = kNow}).code(), Code::BAD_REQUEST);
}

TEST(MessageTimes, ADelayCountsFromNow) {
  EXPECT_EQ(times({.delay = 5s}), (Times{Code::OK, kNow + 5s, {}}));
  EXPECT_EQ(times({.deliver_at = kNow + 5s}), (Times{Code::OK, kNow + 5s, {}}));
  EXPECT_EQ(times({.deliver_at = kNow - 5s}), Times{});
}

TEST(MessageTimes, ATimeToLiveCountsFromWhenItMayBeDelivered) {
  EXPECT_EQ(times({.ttl = 5s}), (Times{Code::OK, {}, kNow + 5s}));
  EXPECT_EQ(times({.delay = 1h, .ttl = 5s}), (Times{Code::OK, kNow + 1h, kNow + 1h + 5s}));
  EXPECT_EQ(times({.deliver_at = kNow - 1h, .ttl = 5s}), (Times{Code::OK, {}, kNow + 5s}));
  EXPECT_EQ(times({.expires_at = kNow - 1h}), (Times{Code::OK, {}, kNow - 1h}));
}

TEST(MessageTimes, OneOfEachAndNotForEver) {
  EXPECT_EQ(times({.delay = 1s, .deliver_at = kNow + 1s}), kRefused);
  EXPECT_EQ(times({.ttl = 1s, .expires_at = kNow + 1s}), kRefused);
  EXPECT_EQ(times({.delay = -1s}), kRefused);
  EXPECT_EQ(times({.ttl = -1s}), kRefused);
  EXPECT_EQ(times({.deliver_at = Instant{-1}}), kRefused);
  EXPECT_EQ(times({.expires_at = Instant{-1}}), kRefused);
  EXPECT_EQ(times({.delay = limits::kDelayMost}).code, Code::OK);
  EXPECT_EQ(times({.delay = limits::kDelayMost + 1s}), kRefused);
  EXPECT_EQ(times({.ttl = limits::kDelayMost + 1s}), kRefused);
  EXPECT_EQ(times({.deliver_at = kNow + limits::kDelayMost + 1s}), kRefused);
  EXPECT_EQ(times({.deliver_at = Instant::never()}), kRefused);
}

}  // namespace
}  // namespace lazaret::model
