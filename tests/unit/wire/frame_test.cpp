// What a frame may cost whoever receives it: refused by its lengths, or by the number of its fields, before anything is
// made of it.
#include "wire/frame.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "model/limits.h"
#include "wire/frames.h"

namespace lazaret::wire {
namespace {

namespace limits = model::limits;
using base::Code;

std::uint8_t number(FrameType type) { return static_cast<std::uint8_t>(type); }

/// Just the prefix of a frame, as a reader of large frames takes it.
base::Status announced(FrameType type, std::size_t header_bytes) {
  const std::string head = frame_head(number(type), 0, {}, 0);
  std::string prefix = head;
  const auto put = [&](std::size_t at, std::uint32_t value) {
    std::copy_n(reinterpret_cast<char*>(&value), 4, &prefix[at]);
  };
  put(0, static_cast<std::uint32_t>(8 + header_bytes));
  put(8, static_cast<std::uint32_t>(header_bytes));
  FrameReader reader(1u << 30);
  std::copy(prefix.begin(), prefix.end(), reader.prepare().begin());
  reader.commit(prefix.size());
  const auto next = reader.next();
  return next.ok() ? base::Status() : next.status();
}

template <class T>
base::Status decoded(FrameType type, const std::string& header) {
  Frame frame;
  frame.type = number(type);
  frame.header = header;
  const auto decoded = decode<T>(frame);
  return decoded.ok() ? base::Status() : decoded.status();
}

/// So many empty items, consumers or the like: two bytes each.
std::string empty_ones(char tag, std::size_t count) {
  std::string header;
  for (std::size_t i = 0; i < count; ++i) header += {tag, 0};
  return header;
}

TEST(FrameReader, TakesMemoryForWhatCameAndNotForWhatWasPromised) {
  const std::string body(3'000'000, 'b');
  for (const std::size_t piece : {7u, 1000u, 1u << 20}) {
    FrameReader reader(1u << 30);
    std::size_t received = 0;
    for (const std::size_t size : {0u, 1u, 1000u, 4085u, 5000u, 70'000u, 300'000u, 3'000'000u, 10u}) {
      const std::string bytes =
          frame_head(number(FrameType::publish), 0, "header", size) + body.substr(body.size() - size);
      for (std::size_t at = 0; at < bytes.size();) {
        EXPECT_FALSE(reader.next()->has_value()) << size;
        const auto room = reader.prepare();
        ASSERT_FALSE(room.empty());
        ASSERT_LE(room.size(), 2 * received + 1024) << "after " << at << " bytes of " << bytes.size();
        const std::size_t come = std::min({piece, room.size(), bytes.size() - at});
        std::copy_n(bytes.data() + at, come, room.data());
        reader.commit(come);
        received += come;
        at += come;
      }
      const auto frame = reader.next();
      ASSERT_TRUE(frame.ok() && frame->has_value()) << size;
      EXPECT_EQ((*frame)->header, "header");
      EXPECT_EQ((*frame)->body.view(), std::string_view(body).substr(0, size));
    }
  }
}

TEST(FrameReader, ABusyConnectionGetsLargeBlocksAndAQuietOneGivesThemBack) {
  const std::string heartbeat = frame_head(number(FrameType::pong), 0, {}, 0);
  const std::string busy = frame_head(number(FrameType::publish), 0, {}, 1000) + std::string(1000, 'b');
  FrameReader reader(1u << 20);
  const auto receive = [&reader](std::string_view bytes, std::size_t times) {
    std::size_t largest = 0;
    std::size_t frames = 0;
    for (std::size_t left = bytes.size() * times; left > 0;) {
      const auto room = reader.prepare();
      largest = std::max(largest, room.size());
      const std::size_t come = std::min(room.size(), left);
      for (std::size_t i = 0; i < come; ++i) room[i] = bytes[(bytes.size() * times - left + i) % bytes.size()];
      reader.commit(come);
      left -= come;
      while (reader.next()->has_value()) ++frames;
    }
    EXPECT_EQ(frames, times);
    return largest;
  };
  EXPECT_LE(receive(heartbeat, 1), 512u);
  EXPECT_GE(receive(busy, 1000), 200'000u);
  for (int i = 0; i < 10; ++i) receive(heartbeat, 1);
  EXPECT_LE(reader.prepare().size(), 512u);
}

TEST(FrameHeader, IsRefusedByItsLengthAlone) {
  for (const FrameType batch : {FrameType::publish, FrameType::settle, FrameType::open_consumer, FrameType::deliver}) {
    EXPECT_TRUE(announced(batch, limits::kBatchHeaderBytes).ok());
    const base::Status refused = announced(batch, limits::kBatchHeaderBytes + 1);
    EXPECT_EQ(refused.code(), Code::FRAME_TOO_LARGE);
    EXPECT_EQ(refused.limit(), "frame_header_bytes");
    EXPECT_EQ(refused.limit_value(), static_cast<std::int64_t>(limits::kBatchHeaderBytes));
  }
  for (const FrameType plain : {FrameType::ping, FrameType::hello, FrameType::queue_request, FrameType::peek}) {
    EXPECT_TRUE(announced(plain, limits::kPlainHeaderBytes).ok());
    EXPECT_EQ(announced(plain, limits::kPlainHeaderBytes + 1).code(), Code::FRAME_TOO_LARGE);
  }
}

TEST(FrameHeader, OfMoreFieldsThanAnyHonestOneIsNotDecoded) {
  constexpr char kItems = 3 << 3 | 2;
  EXPECT_TRUE(decoded<Publish>(FrameType::publish, empty_ones(kItems, limits::kHeaderFields)).ok());
  EXPECT_EQ(decoded<Publish>(FrameType::publish, empty_ones(kItems, limits::kHeaderFields + 1)).code(),
            Code::BAD_FRAME);
  constexpr char kUnknown = 15 << 3 | 0;
  EXPECT_EQ(decoded<Ping>(FrameType::ping, empty_ones(kUnknown, limits::kHeaderFields + 1)).code(), Code::BAD_FRAME);
}

TEST(FrameHeader, WithWhatAConsumerMayHaveAtMostIsDecoded) {
  OpenConsumer open;
  open.held.resize(limits::kCreditMessages);
  const OutFrame frame = encode(open);
  const std::string header = frame.head.substr(kFramePrefixBytes);
  EXPECT_TRUE(decoded<OpenConsumer>(FrameType::open_consumer, header).ok());
}

TEST(FrameHeader, OfTheLargestBatchFits) {
  Deliver deliver;
  const auto of = [](std::size_t bytes) { return base::SharedBytes::of(std::string(bytes, 'e')); };
  for (std::size_t i = 0; i < limits::kBatchItems; ++i) {
    Delivery& one = deliver.deliveries.emplace_back();
    one.delivery = one.token.log.value = one.token.offset.value = one.token.grant.value = ~0ull;
    one.attempt = one.body_crc = ~0u;
    one.redelivered = one.isolated = true;
    one.source_offset.value = ~0ull;
    one.published_at.us = -1;
    one.envelope = of(i == 0 ? limits::kEnvelopeBytesMost : limits::kBatchBytes / limits::kBatchItems);
  }
  EXPECT_LE(encode(deliver).head.size(), kFramePrefixBytes + limits::kBatchHeaderBytes);
}

}  // namespace
}  // namespace lazaret::wire
