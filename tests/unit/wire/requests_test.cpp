// Requests and their replies: what is said is what is heard.
#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "lazaret/wire/v1/frames.pb.h"
#include "model/limits.h"
#include "wire/envelope.h"
#include "wire/frames.h"

namespace lazaret::wire {
namespace {

using base::SharedBytes;
using model::RequestOutcome;

template <class T>
base::Result<T> received(const OutFrame& sent) {
  std::string body;
  for (const SharedBytes& part : sent.bodies) body.append(part.view());
  Frame frame;
  const std::size_t header = sent.head.size() - kFramePrefixBytes;
  frame.header = std::string_view(sent.head).substr(kFramePrefixBytes, header);
  frame.body = SharedBytes::of(std::move(body));
  return decode<T>(frame);
}

ResponderReply an_answer(const std::string& body) {
  ResponderReply reply;
  reply.envelope = SharedBytes::of("envelope of " + body);
  reply.body = SharedBytes::of(std::string(body));
  reply.body_crc = base::crc32c(body);
  return reply;
}

model::MessageId an_id() { return *base::Uuid::parse("00010203-0405-4707-8809-0a0b0c0d0e0f"); }

TEST(Requests, ARequestIsTakenAsItIs) {
  const OutFrame sent =
      encode(Request{7, "prices", std::chrono::seconds(3), SharedBytes::of("envelope"), SharedBytes::of("tea"), 99});
  const auto got = received<Request>(sent);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->request, 7u);
  EXPECT_EQ(got->queue, "prices");
  EXPECT_EQ(got->time_left, std::chrono::seconds(3));
  EXPECT_EQ(got->envelope.view(), "envelope");
  EXPECT_EQ(got->body.view(), "tea");
  EXPECT_EQ(got->body_crc, 99u);
}

TEST(Requests, ADurableOneIsTakenAsItIs) {
  const wire::Context context{{"order", "17"}, {"order", std::string("\0\xff", 2)}};
  const auto got = received<Ask>(encode(Ask{7, "prices", "replies", std::chrono::hours(72), SharedBytes::of("envelope"),
                                            SharedBytes::of("tea"), 99, context}));
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->request, 7u);
  EXPECT_EQ(got->queue, "prices");
  EXPECT_EQ(got->reply_queue, "replies");
  EXPECT_EQ(got->time_left, std::chrono::hours(72));
  EXPECT_EQ(got->envelope.view(), "envelope");
  EXPECT_EQ(got->body.view(), "tea");
  EXPECT_EQ(got->body_crc, 99u);
  EXPECT_EQ(got->context, context);
  const auto asked =
      received<Asked>(encode(Asked{7, base::Status(base::Code::NOT_FOUND, "no"), model::Offset(5), true}));
  ASSERT_TRUE(asked.ok());
  EXPECT_EQ(asked->request, 7u);
  EXPECT_EQ(asked->status.code(), base::Code::NOT_FOUND);
  EXPECT_EQ(asked->offset, model::Offset(5));
  EXPECT_TRUE(asked->duplicate);
}

TEST(Requests, OneInATransactionIsTakenAsItIsAmongMessagesThatAreNone) {
  AddressedItem plain;
  plain.to = "audit";
  plain.item.body = SharedBytes::of("note");
  AddressedItem ask = plain;
  ask.to = "prices";
  ask.item.envelope = SharedBytes::of("envelope");
  ask.item.body = SharedBytes::of("tea");
  ask.reply_queue = "replies";
  ask.time_left = std::chrono::hours(72);
  ask.context = {{"order", "17"}, {"order", std::string("\0\xff", 2)}};
  const auto items = std::make_shared<const std::vector<AddressedItem>>(std::vector<AddressedItem>{plain, ask});
  Settle settle;
  settle.verdicts.emplace_back().publishes = items;
  Publish publish;
  publish.items.emplace_back();
  publish.together = items;
  const auto settled = received<Settle>(encode(settle));
  const auto published = received<Publish>(encode(publish));
  ASSERT_TRUE(settled.ok() && published.ok());
  for (const AddressedItems& got : {settled->verdicts.at(0).publishes, published->together}) {
    ASSERT_NE(got, nullptr);
    ASSERT_EQ(got->size(), 2u);
    EXPECT_FALSE(got->at(0).is_ask());
    EXPECT_TRUE(got->at(1).is_ask());
    EXPECT_EQ(got->at(1).to, "prices");
    EXPECT_EQ(got->at(1).item.body.view(), "tea");
    EXPECT_EQ(got->at(1).reply_queue, "replies");
    EXPECT_EQ(got->at(1).time_left, std::chrono::hours(72));
    EXPECT_EQ(got->at(1).context, ask.context);
  }
}

TEST(Requests, APublishIsOneWithTermsAndNeedsOneItem) {
  Publish publish;
  publish.items.emplace_back().body = SharedBytes::of("tea");
  EXPECT_EQ(received<Publish>(encode(publish))->ask, nullptr);
  const Context context = {{"order", "17"}, {"order", std::string("\0\xff", 2)}};
  publish.ask = std::make_shared<const AskTerms>(AskTerms{"replies", std::chrono::hours(72), context});
  const auto got = received<Publish>(encode(publish));
  ASSERT_TRUE(got.ok());
  ASSERT_NE(got->ask, nullptr);
  EXPECT_EQ(got->ask->reply_queue, "replies");
  EXPECT_EQ(got->ask->time_left, std::chrono::hours(72));
  EXPECT_EQ(got->ask->context, context);
  EXPECT_EQ(got->items.at(0).body.view(), "tea");
  publish.items.emplace_back();
  EXPECT_EQ(received<Publish>(encode(publish)).code(), base::Code::BAD_FRAME);
  publish.items.clear();
  EXPECT_EQ(received<Publish>(encode(publish)).code(), base::Code::BAD_FRAME);
}

TEST(Requests, OfAContextThatIsTooLongOneEntryTooManyIsTaken) {
  AddressedItem ask;
  ask.reply_queue = "replies";
  ask.context.assign(2 * model::limits::kHeaderCount, {"a", "b"});
  Settle settle;
  settle.verdicts.emplace_back().publishes = std::make_shared<const std::vector<AddressedItem>>(1, ask);
  const auto got = received<Settle>(encode(settle));
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->verdicts.at(0).publishes->at(0).context.size(), model::limits::kHeaderCount + 1);
}

TEST(Requests, AReplyOnItsQueueIsTheAnswerWithWhatTheBrokerSays) {
  Envelope answer;
  answer.id = base::Uuid::v7(1, 2, 3);
  answer.type = "price";
  answer.correlation_id = "the responder's own";
  model::Message message;
  message.envelope = SharedBytes::of(encode_envelope(answer));
  model::ReplyAddress to;
  to.context = {{"order", "17"}};
  to.correlation_id = "basket";
  model::PublishedReply reply{base::Uuid::v7(4, 5, 6), an_id(), to};
  reply.outcome = RequestOutcome::answered;
  reply.message = &message;
  const SharedBytes bytes = reply_envelope(reply);
  const auto read = decode_envelope(bytes.view());
  ASSERT_TRUE(read.ok() && read->reply);
  EXPECT_EQ(read->id, reply.id);
  EXPECT_EQ(read->type, "price");
  EXPECT_EQ(read->correlation_id, "the responder's own");
  EXPECT_EQ(read->causation_id, an_id().to_string());
  EXPECT_EQ(read->reply->request, an_id());
  EXPECT_EQ(read->reply->outcome, RequestOutcome::answered);
  EXPECT_TRUE(read->reply->final);
  EXPECT_EQ(read->reply->context, to.context);
  EnvelopeView view;
  ASSERT_TRUE(read_envelope(bytes.view(), view).ok());
  EXPECT_EQ(read_reply(view.reply), read->reply);
  EnvelopeFacts facts;
  EXPECT_EQ(check_envelope(bytes.view(), 1000, facts).code(), base::Code::BAD_REQUEST) << "nobody publishes that";
}

TEST(Requests, AReplyWithoutAnAnswerSaysWhy) {
  model::ReplyAddress to;
  to.correlation_id = "basket";
  model::PublishedReply reply{base::Uuid::v7(4, 5, 6), an_id(), to};
  reply.outcome = RequestOutcome::failed;
  reply.reason = "no database";
  reply.late = true;
  reply.case_id = model::CaseId{model::ShardId(1), model::SubscriptionId(2), model::LogId(3), model::Offset(4)};
  const auto read = decode_envelope(reply_envelope(reply).view());
  ASSERT_TRUE(read.ok() && read->reply);
  EXPECT_EQ(read->correlation_id, "basket");
  EXPECT_EQ(read->reply->reason, "no database");
  EXPECT_EQ(read->reply->case_id, reply.case_id->to_string());
  EXPECT_TRUE(read->reply->late);
  reply.outcome = RequestOutcome::open;
  EXPECT_FALSE(decode_envelope(reply_envelope(reply).view())->reply->final) << "a note";
}

TEST(Requests, ATimeBeyondAllClocksIsForEver) {
  v1::Request said;
  said.set_time_left_us(~0ull);
  const std::string bytes = said.SerializeAsString();
  Frame frame;
  frame.header = bytes;
  const auto got = decode<Request>(frame);
  ASSERT_TRUE(got.ok());
  EXPECT_GT(got->time_left, std::chrono::hours(24 * 365));
  EXPECT_GT(base::Instant{1'700'000'000'000'000} + got->time_left, base::Instant{1'700'000'000'000'000});
}

TEST(Requests, RepliesRideWithTheVerdictsInTheirOrder) {
  Settle settle;
  settle.acks.push_back({model::LogId(1), model::Offset(2), model::Grant(3)});
  for (const char* body : {"first", "", "third"}) {
    Verdict& verdict = settle.verdicts.emplace_back();
    if (*body != 0) verdict.reply = std::make_shared<const ResponderReply>(an_answer(body));
  }
  ResponderReply no;
  no.outcome = RequestOutcome::declined;
  no.reason = "sold out";
  settle.verdicts.emplace_back().reply = std::make_shared<const ResponderReply>(no);
  const auto got = received<Settle>(encode(settle));
  ASSERT_TRUE(got.ok());
  ASSERT_EQ(got->verdicts.size(), 4u);
  EXPECT_EQ(got->verdicts[0].reply->body.view(), "first");
  EXPECT_EQ(got->verdicts[0].reply->envelope.view(), "envelope of first");
  EXPECT_EQ(got->verdicts[1].reply, nullptr);
  EXPECT_EQ(got->verdicts[2].reply->body.view(), "third");
  EXPECT_EQ(got->verdicts[2].reply->body_crc, base::crc32c("third"));
  EXPECT_EQ(got->verdicts[3].reply->outcome, RequestOutcome::declined);
  EXPECT_EQ(got->verdicts[3].reply->reason, "sold out");
}

TEST(Requests, AReasonIsCutAndIsText) {
  ResponderReply no;
  no.outcome = RequestOutcome::declined;
  no.reason = std::string(model::limits::kReasonBytes * 2, '\xe9');
  const auto got = received<Answer>(encode(Answer{1, "prices", an_id(), no, false}));
  ASSERT_TRUE(got.ok());
  EXPECT_LE(got->reply.reason.size(), model::limits::kReasonBytes);
  EXPECT_TRUE(got->reply.reason.ends_with("[cut]"));
}

TEST(Requests, AReplySaysAllThatItSays) {
  Reply reply;
  reply.request = 7;
  reply.outcome = RequestOutcome::answered;
  reply.reached = model::Reached::started;
  reply.late = true;
  reply.reason = "because";
  reply.case_id = model::CaseId{model::ShardId(1), model::SubscriptionId(2), model::LogId(3), model::Offset(4)};
  reply.envelope = SharedBytes::of("envelope");
  reply.body = SharedBytes::of("3 euros");
  reply.body_crc = 5;
  reply.published_at = base::Instant{6};
  const auto got = received<Reply>(encode(reply));
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->request, 7u);
  EXPECT_EQ(got->outcome, RequestOutcome::answered);
  EXPECT_EQ(got->reached, model::Reached::started);
  EXPECT_TRUE(got->late);
  EXPECT_TRUE(got->final);
  EXPECT_EQ(got->reason, "because");
  EXPECT_EQ(got->case_id, reply.case_id);
  EXPECT_EQ(got->body.view(), "3 euros");
  EXPECT_EQ(got->published_at, reply.published_at);
}

TEST(Requests, WhatDoesNotAddUpIsABadFrame) {
  OutFrame sent = encode(Request{7, "prices", std::chrono::seconds(3), {}, SharedBytes::of("tea"), 99});
  sent.bodies.push_back(SharedBytes::of("more"));
  EXPECT_EQ(received<Request>(sent).status().code(), base::Code::BAD_FRAME);
  ResponderReply odd;
  odd.outcome = RequestOutcome::timed_out;
  EXPECT_EQ(received<Answer>(encode(Answer{1, "prices", an_id(), odd, false})).status().code(), base::Code::BAD_FRAME);
}

TEST(Requests, ARecallNamesDeliveriesOrNone) {
  EXPECT_EQ(received<Recall>(encode(Recall{3, {5, 7}}))->deliveries, (std::vector<std::uint64_t>{5, 7}));
  EXPECT_TRUE(received<Recall>(encode(Recall{3, {}}))->deliveries.empty());
}

}  // namespace
}  // namespace lazaret::wire
