// What a queue says of itself comes through the frame, also from and to those who know less of it.
#include <gtest/gtest.h>

#include "lazaret/wire/v1/frames.pb.h"
#include "wire/frames.h"

namespace lazaret::wire {
namespace {

QueueResponse received(const std::string& header) {
  Frame frame;
  frame.header = header;
  auto decoded = decode<QueueResponse>(frame);
  EXPECT_TRUE(decoded.ok()) << decoded.status().text();
  return decoded.ok() ? *decoded : QueueResponse();
}
QueueInfo heard(const QueueInfo& said) {
  QueueResponse response;
  response.queues.push_back(said);
  const QueueResponse got = received(encode(response).head.substr(kFramePrefixBytes));
  EXPECT_EQ(got.queues.size(), 1u);
  return got.queues.empty() ? QueueInfo() : got.queues.front();
}

QueueInfo subscription() {
  QueueInfo info;
  info.name = "billing";
  info.kind = model::Kind::subscription;
  info.topics = {"orders", "returns"};
  return info;
}

TEST(QueueInfo, EveryCountComesThrough) {
  QueueInfo said = subscription();
  said.lag = 1;
  said.lost_to_retention = 2;
  said.dropped = 3;
  said.discarded = 4;
  said.purged = 5;
  said.redirected = 6;
  said.retention_used = 0.5;
  said.oldest_ready_at = base::Instant{7};
  said.pending_requests = 8;
  said.late_replies = 9;
  said.lost_replies = 10;
  said.suspects = 11;
  said.failed_attempts = 12;
  said.offsets_left_out = 13;
  said.bytes = 14;
  said.created_at = base::Instant{15};
  said.first_offset = model::Offset(16);
  said.hospital_bytes = 17;
  said.hospital_level = model::HospitalLevel::filling;
  said.quarantines = 18;
  said.caught_by_quarantines = 19;
  const QueueInfo got = heard(said);
  EXPECT_EQ(got.lag, 1u);
  EXPECT_EQ(got.lost_to_retention, 2u);
  EXPECT_EQ(got.dropped, 3u);
  EXPECT_EQ(got.discarded, 4u);
  EXPECT_EQ(got.purged, 5u);
  EXPECT_EQ(got.redirected, 6u);
  EXPECT_EQ(got.retention_used, 0.5);
  EXPECT_EQ(got.oldest_ready_at.us, 7);
  EXPECT_EQ(got.pending_requests, 8u);
  EXPECT_EQ(got.late_replies, 9u);
  EXPECT_EQ(got.lost_replies, 10u);
  EXPECT_EQ(got.suspects, 11u);
  EXPECT_EQ(got.failed_attempts, 12u);
  EXPECT_EQ(got.offsets_left_out, 13u);
  EXPECT_EQ(got.bytes, 14u);
  EXPECT_EQ(got.created_at.us, 15);
  EXPECT_EQ(got.first_offset, model::Offset(16));
  EXPECT_EQ(got.hospital_bytes, 17u);
  EXPECT_EQ(got.hospital_level, model::HospitalLevel::filling);
  EXPECT_EQ(got.quarantines, 18u);
  EXPECT_EQ(got.caught_by_quarantines, 19u);
}

TEST(QueueInfo, WhoConsumesTheBreakerAndTheTopicsComeThrough) {
  QueueInfo said = subscription();
  model::ConsumerStats& consumer = said.consumer_list.emplace_back();
  consumer.info = {"shop", "web1", "1.2", {}};
  consumer.in_flight = 3;
  consumer.begun = 2;
  consumer.accepts = {"order.*", "return"};
  said.breaker = {model::BreakerState::half_open, base::Instant{1}, base::Instant{2}, 3, 4, 5};
  said.sources.push_back({"orders", 1, 2, 3, 4, 0.25});
  const QueueInfo got = heard(said);
  ASSERT_EQ(got.consumer_list.size(), 1u);
  EXPECT_EQ(got.consumer_list[0].info, consumer.info);
  EXPECT_EQ(got.consumer_list[0].in_flight, 3u);
  EXPECT_EQ(got.consumer_list[0].begun, 2u);
  EXPECT_EQ(got.consumer_list[0].accepts, consumer.accepts);
  EXPECT_EQ(got.breaker.state, model::BreakerState::half_open);
  EXPECT_EQ(got.breaker.since.us, 1);
  EXPECT_EQ(got.breaker.until.us, 2);
  EXPECT_EQ(got.breaker.failures, 3u);
  EXPECT_EQ(got.breaker.samples, 4u);
  EXPECT_EQ(got.breaker.opened, 5u);
  ASSERT_EQ(got.sources.size(), 1u);
  EXPECT_EQ(got.sources[0].topic, "orders");
  EXPECT_EQ(got.sources[0].lag, 1u);
  EXPECT_EQ(got.sources[0].lost_to_retention, 2u);
  EXPECT_EQ(got.sources[0].filtered, 3u);
  EXPECT_EQ(got.sources[0].damaged, 4u);
  EXPECT_EQ(got.sources[0].retention_used, 0.25);
}

TEST(QueueInfo, OfAnOlderBrokerTheLagIsMadeOfWhatItSays) {
  v1::QueueResponse said;
  v1::QueueInfo* info = said.add_queues();
  info->set_name("billing");
  info->set_kind(v1::KIND_SUBSCRIPTION);
  info->set_ready(1);
  info->set_leased(2);
  info->set_waiting(4);
  info->set_scheduled(8);
  info->set_held(16);
  info->set_in_hospital(32);
  EXPECT_EQ(received(said.SerializeAsString()).queues.at(0).lag, 31u);
  info->set_lag(0);
  EXPECT_EQ(received(said.SerializeAsString()).queues.at(0).lag, 0u);
  info->clear_lag();
  info->set_kind(v1::KIND_QUEUE);
  EXPECT_EQ(received(said.SerializeAsString()).queues.at(0).lag, 0u);
}

TEST(QueueInfo, WordsOfANewerBrokerCountAsTheFirst) {
  v1::QueueResponse said;
  v1::QueueInfo* info = said.add_queues();
  info->mutable_breaker_status()->set_state("ajar");
  info->set_hospital_level("overflowing");
  const QueueInfo got = received(said.SerializeAsString()).queues.at(0);
  EXPECT_EQ(got.breaker.state, model::BreakerState::closed);
  EXPECT_EQ(got.hospital_level, model::HospitalLevel::below);
}

TEST(Scheduled, APageAndItsCursorComeThrough) {
  QueueResponse said;
  said.scheduled.push_back(
      {model::Offset(7), base::Instant{1}, {}, "order", "k", "c", base::Instant{2}, base::Instant{3}, 4, false});
  said.scheduled[0].id.bytes[15] = 9;
  said.scheduled.push_back({});
  said.scheduled[1].offset = model::Offset(8);
  said.scheduled[1].damaged = true;
  said.cursor = "1-8";
  const QueueResponse got = received(encode(said).head.substr(kFramePrefixBytes));
  EXPECT_EQ(got.cursor, "1-8");
  ASSERT_EQ(got.scheduled.size(), 2u);
  EXPECT_EQ(got.scheduled[0].offset, model::Offset(7));
  EXPECT_EQ(got.scheduled[0].deliver_at.us, 1);
  EXPECT_EQ(got.scheduled[0].id, said.scheduled[0].id);
  EXPECT_EQ(got.scheduled[0].type, "order");
  EXPECT_EQ(got.scheduled[0].key, "k");
  EXPECT_EQ(got.scheduled[0].correlation_id, "c");
  EXPECT_EQ(got.scheduled[0].published_at.us, 2);
  EXPECT_EQ(got.scheduled[0].expires_at.us, 3);
  EXPECT_EQ(got.scheduled[0].body_bytes, 4u);
  EXPECT_FALSE(got.scheduled[0].damaged);
  EXPECT_TRUE(got.scheduled[1].damaged);
}

TEST(Scheduled, WhatIsCancelledIsNamedByItsOffsetOrItsId) {
  const auto sent = [](const QueueRequest& request) {
    const std::string head = encode(request).head;
    Frame frame;
    frame.header = std::string_view(head).substr(kFramePrefixBytes);
    return decode<QueueRequest>(frame);
  };
  QueueRequest request;
  request.verb = QueueVerb::cancel_scheduled;
  request.offset = model::Offset(0);
  const auto by_offset = sent(request);
  ASSERT_TRUE(by_offset.ok());
  EXPECT_EQ(by_offset->offset, model::Offset(0));
  EXPECT_TRUE(by_offset->message_id.is_nil());
  request.offset.reset();
  request.message_id.bytes[0] = 1;
  const auto by_id = sent(request);
  ASSERT_TRUE(by_id.ok());
  EXPECT_EQ(by_id->offset, std::nullopt);
  EXPECT_EQ(by_id->message_id, request.message_id);
}

TEST(Scheduled, AnIdOfAnotherLengthIsNoFrame) {
  v1::QueueRequest request;
  request.set_verb(v1::CANCEL_SCHEDULED);
  request.set_message_id("fifteen bytes..");
  const std::string header = request.SerializeAsString();
  Frame frame;
  frame.header = header;
  EXPECT_EQ(decode<QueueRequest>(frame).code(), base::Code::BAD_FRAME);
}

}  // namespace
}  // namespace lazaret::wire
