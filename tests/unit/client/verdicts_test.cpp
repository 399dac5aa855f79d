// What goes out with a verdict: times that passed while its handler worked are no mistake of the handler.
#include "client/verdicts.h"

#include <gtest/gtest.h>

namespace lazaret::detail {
namespace {

using base::Code;
using std::chrono::milliseconds;

constexpr std::size_t kNothing = ~std::size_t{0};  // is compressed

Message cause() {
  Message message;
  message.id = MessageId::make();
  message.body = "order";
  return message;
}

wire::AddressedItem only_item_of(const Verdict& verdict) {
  const auto items = outgoing_items(verdict, kNothing, cause());
  EXPECT_TRUE(items.ok()) << items.status().text();
  if (!items.ok() || (*items)->size() != 1) {
    ADD_FAILURE() << "it is one";
    return {};
  }
  return (*items)->front();
}

TEST(VerdictsTest, WhatIsLateGoesOutAtOnce) {
  for (const milliseconds late : {milliseconds(-1), milliseconds::min()}) {
    const auto published = only_item_of(Verdict::done().publish("x", {.body = "b", .delay = late}));
    EXPECT_EQ(published.item.delay.count(), 0) << late.count();
    EXPECT_EQ(published.item.ttl.count(), 0) << "it has no end";
    const auto over = only_item_of(Verdict::done().publish("x", {.body = "b", .ttl = late}));
    EXPECT_EQ(over.item.ttl, base::Duration(milliseconds(1))) << "0 would be for ever: " << late.count();
    const auto asked = only_item_of(Verdict::done().ask({.to = "x", .message = {.body = "b"}, .within = late}, "y"));
    EXPECT_EQ(asked.time_left, base::Duration(milliseconds(1))) << "0 would be a year: " << late.count();
  }
}

TEST(VerdictsTest, WhatIsNotLateStaysAsItIs) {
  const auto item =
      only_item_of(Verdict::done().publish("x", {.body = "b", .delay = milliseconds(5), .ttl = milliseconds(7)}));
  EXPECT_EQ(item.item.delay, base::Duration(milliseconds(5)));
  EXPECT_EQ(item.item.ttl, base::Duration(milliseconds(7)));
}

/// Nobody worked on anything meanwhile: whoever publishes can see to it.
TEST(VerdictsTest, WithoutAVerdictLessThanNothingIsRefused) {
  const auto code_of = [](std::vector<Addressed> messages, std::vector<DurableAsk> asks = {}) {
    return addressed_items(std::move(messages), std::move(asks), kNothing).status().code();
  };
  EXPECT_EQ(code_of({{"x", {.body = "b", .delay = milliseconds(-1)}}}), Code::BAD_REQUEST);
  EXPECT_EQ(code_of({{"x", {.body = "b", .ttl = milliseconds(-1)}}}), Code::BAD_REQUEST);
  DurableAsk ask;
  ask.ask = {.to = "x", .message = {.body = "b"}, .within = milliseconds(-1)};
  ask.reply_queue = "y";
  EXPECT_EQ(code_of({}, {ask}), Code::BAD_REQUEST);
}

/// What cannot be meant at all stays refused, however late it is.
TEST(VerdictsTest, BothOfAPairAreRefused) {
  const auto now = std::chrono::system_clock::now();
  const auto code_of = [](Message message) {
    return outgoing_items(Verdict::done().publish("x", std::move(message)), kNothing, cause()).status().code();
  };
  EXPECT_EQ(code_of({.body = "b", .delay = milliseconds(5), .deliver_at = now}), Code::BAD_REQUEST);
  EXPECT_EQ(code_of({.body = "b", .ttl = milliseconds(-1), .expires_at = now}), Code::BAD_REQUEST);
}

TEST(VerdictsTest, AnAckSaysWhatItWas) {
  wire::Verdict ack;
  EXPECT_EQ(kind_of(ack), Verdict::Kind::done);
  const Message request = cause();
  wire::Welcome roomy;
  roomy.max_message_bytes = roomy.max_header_bytes = 1 << 20;
  roomy.max_frame_bytes = 4 << 20;
  for (const Verdict& meant : {Verdict::answer({.body = "yes"}), Verdict::decline("no")}) {
    auto reply = reply_of(meant, &request, roomy);
    ASSERT_TRUE(reply.ok()) << reply.status().text();
    ack.reply = std::make_shared<const wire::ResponderReply>(std::move(*reply));
    EXPECT_EQ(kind_of(ack), meant.kind());
  }
}

}  // namespace
}  // namespace lazaret::detail
