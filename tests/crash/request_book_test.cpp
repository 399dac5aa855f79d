// The book of requests finds each kind of broken promise.
#include "crash/request_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lazaret::crash {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Reply answered(const std::string& words) {
  Reply reply;
  reply.outcome = Outcome::answered;
  reply.message.body = words;
  return reply;
}

class RequestBookTest : public ::testing::Test {
 protected:
  RequestBookTest() { book_.asked(id_, "g-1"); }
  RequestBook book_;
  const MessageId id_ = MessageId::make();
};

TEST_F(RequestBookTest, TheSameReplyEachTimeIsGood) {
  book_.runs("g-1");
  book_.told(id_, answered(words_of("g-1", 1)));
  book_.told(id_, answered(words_of("g-1", 1)));
  EXPECT_THAT(book_.findings(), IsEmpty());
}

TEST_F(RequestBookTest, NobodyIsTold) {
  book_.runs("g-1");
  EXPECT_THAT(book_.findings(), Contains(HasSubstr("nobody is ever told")));
}

TEST_F(RequestBookTest, AnotherReplyTheSecondTime) {
  book_.runs("g-1");
  book_.runs("g-1");
  book_.told(id_, answered(words_of("g-1", 1)));
  book_.told(id_, answered(words_of("g-1", 2)));
  EXPECT_THAT(book_.findings(), Contains(HasSubstr("and then as answered (run 2")));
}

TEST_F(RequestBookTest, AnotherEndThanItsResponderGaveIt) {
  book_.runs("g-1");
  Reply reply;
  reply.outcome = Outcome::timed_out;
  book_.told(id_, reply);
  EXPECT_THAT(book_.findings(), Contains(HasSubstr("ended as timed_out")));
}

TEST_F(RequestBookTest, WordsThatNobodyHasSaid) {
  book_.told(id_, answered(words_of("g-1", 1)));
  EXPECT_THAT(book_.findings(), Contains(HasSubstr("which nobody has said")));
}

TEST_F(RequestBookTest, AHandlerThatRunsBehindTheReply) {
  book_.runs("g-1");
  book_.told(id_, answered(words_of("g-1", 1)));
  book_.runs("g-1");
  EXPECT_THAT(book_.findings(), Contains(HasSubstr("begins 1 times although its reply has been told")));
}

TEST_F(RequestBookTest, ADurableRequestHasOneReplyWhichMayComeAgain) {
  const MessageId id = MessageId::make();
  book_.asked_durably(id, "g-2");
  EXPECT_FALSE(book_.is_all_told());
  book_.runs("g-2");
  Reply reply = answered(words_of("g-2", 1));
  reply.request = id;
  book_.told_at(7, reply);
  book_.told_at(7, reply);
  EXPECT_TRUE(book_.is_all_told());
  book_.runs("g-1");
  book_.told(id_, answered(words_of("g-1", 1)));
  EXPECT_THAT(book_.findings(), IsEmpty());
  book_.told_at(8, reply);
  EXPECT_THAT(book_.findings(), Contains(HasSubstr("has 2 replies")));
}

}  // namespace
}  // namespace lazaret::crash
