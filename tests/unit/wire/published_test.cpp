// Confirms in short form: two numbers stand for all of them, and never for more than a batch can hold.
#include <gtest/gtest.h>

#include "lazaret/wire/v1/frames.pb.h"
#include "model/limits.h"
#include "wire/frames.h"

namespace lazaret::wire {
namespace {

base::Result<Published> received(const v1::Published& said) {
  const std::string bytes = said.SerializeAsString();
  Frame frame;
  frame.header = bytes;
  return decode<Published>(frame);
}

TEST(Published, StoredInARowIsTwoNumbers) {
  v1::Published said;
  said.set_first_offset(7);
  said.set_stored(model::limits::kBatchItems);
  const auto published = received(said);
  ASSERT_TRUE(published.ok());
  ASSERT_EQ(published->results.size(), model::limits::kBatchItems);
  EXPECT_EQ(published->results.front().offset, model::Offset(7));
  EXPECT_EQ(published->results.back().offset, model::Offset(6 + model::limits::kBatchItems));
}

TEST(Published, AFewBytesNeverBecomeMoreResultsThanABatchCanHave) {
  v1::Published said;
  said.set_stored(model::limits::kBatchItems + 1);
  const auto published = received(said);
  ASSERT_FALSE(published.ok());
  EXPECT_EQ(published.status().code(), base::Code::BAD_FRAME);
}

TEST(Published, BothFormsAtOnceAreNeither) {
  v1::Published said;
  said.set_stored(1);
  said.add_results()->set_offset(9);
  EXPECT_FALSE(received(said).ok());
}

}  // namespace
}  // namespace lazaret::wire
