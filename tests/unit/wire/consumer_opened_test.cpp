// What a broker says of a consumer that it has opened: a lease that no clock can count is none.
#include <gtest/gtest.h>

#include <limits>

#include "lazaret/wire/v1/frames.pb.h"
#include "wire/frames.h"

namespace lazaret::wire {
namespace {

base::Result<ConsumerOpened> received(std::uint64_t lease_duration_ms) {
  v1::ConsumerOpened said;
  said.set_lease_duration_ms(lease_duration_ms);
  const std::string bytes = said.SerializeAsString();
  Frame frame;
  frame.header = bytes;
  return decode<ConsumerOpened>(frame);
}

TEST(ConsumerOpened, ALeaseIsTakenAsItIs) {
  const auto opened = received(43'200'000);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->lease_duration, std::chrono::hours(12));
}

TEST(ConsumerOpened, ALeaseBeyondAllClocksIsABadFrame) {
  for (const std::uint64_t ms : {std::numeric_limits<std::uint64_t>::max(), std::uint64_t{1} << 62}) {
    const auto opened = received(ms);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.status().code(), base::Code::BAD_FRAME);
  }
}

}  // namespace
}  // namespace lazaret::wire
