// proto/README.md is what clients in other languages are written from: its bytes are the encoder's, its errors the
// table's, and no frame is missing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "base/crc32c.h"
#include "lazaret/wire/v1/frames.pb.h"
#include "wire/envelope.h"
#include "wire/frames.h"

namespace lazaret::wire {
namespace {

using ::testing::HasSubstr;

std::string document() {
  std::ifstream in(LAZARET_SOURCE_DIR "/proto/README.md");
  return {std::istreambuf_iterator<char>(in), {}};
}

bool is_byte(const std::string& word) {
  return word.size() == 2 && word.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// The bytes of a code block: of each line the leading words of two hexadecimal digits.
std::string bytes_of_block(const std::string& name) {
  const std::string text = document();
  const std::string fence = "\n```" + name + "\n";
  const std::size_t begin = text.find(fence) + fence.size();
  std::istringstream lines(text.substr(begin, text.find("\n```\n", begin) - begin));
  std::string bytes;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    for (std::string word; words >> word && is_byte(word);) {
      bytes.push_back(static_cast<char>(std::stoi(word, nullptr, 16)));
    }
  }
  return bytes;
}

std::string whole(const OutFrame& frame) {
  std::string bytes = frame.head;
  for (const base::SharedBytes& body : frame.bodies) bytes.append(body.view());
  return bytes;
}

TEST(ProtocolDocument, ItsHelloIsWhatTheEncoderWrites) {
  Hello hello;
  hello.instance.id = *base::Uuid::parse("00010203-0405-4707-8809-0a0b0c0d0e0f");
  hello.instance.name = "billing";
  hello.instance.host = "web1";
  hello.instance.version = "1.0";
  hello.instance.speaks_started = true;
  const std::string bytes = bytes_of_block("hello");
  EXPECT_EQ(bytes, std::string(kMagic) + whole(encode(hello)));
  EXPECT_EQ(bytes.size(), 66u);
}

TEST(ProtocolDocument, ItsPublishIsWhatTheEncoderWritesAndTheDecoderReads) {
  Envelope envelope;
  envelope.id = *base::Uuid::parse("a0a1a2a3-a4a5-7aa7-8aa9-aaabacadaeaf");
  envelope.type = "order.created";
  const std::string body = R"({"order": 1})";
  EXPECT_EQ(base::crc32c(body), 0xd897d386u);
  EXPECT_EQ(base::crc32c("123456789"), 0xe3069283u);
  Publish publish;
  publish.request = 2;
  publish.producer = 1;
  publish.items.push_back({0,
                           base::SharedBytes::of(encode_envelope(envelope)),
                           base::SharedBytes::of(body),
                           base::crc32c(body),
                           {},
                           {},
                           {}});
  const std::string bytes = bytes_of_block("publish");
  EXPECT_EQ(bytes, whole(encode(publish)));

  FrameReader reader(1024);
  const auto room = reader.prepare();
  std::copy(bytes.begin(), bytes.end(), room.begin());
  reader.commit(bytes.size());
  const auto frame = reader.next();
  ASSERT_TRUE(frame.ok() && frame->has_value());
  const auto decoded = decode<Publish>(**frame);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->items.at(0).body.view(), body);
}

TEST(ProtocolDocument, EveryErrorStandsInItsTableAsInTheCode) {
  const std::string text = document();
  const auto [rows, count] = base::error_table();
  for (std::size_t i = 0; i < count; ++i) {
    const base::ErrorInfo& row = rows[i];
    std::ostringstream line;
    line << "\n| `" << row.name << "` | " << static_cast<int>(row.code) << " | " << to_string(row.fault) << " | "
         << to_string(row.retry) << " | " << (row.closes_connection ? "yes" : "") << " | " << row.sentence << " |\n";
    EXPECT_THAT(text, HasSubstr(line.str()));
  }
}

TEST(ProtocolDocument, EveryFrameIsNamed) {
  const std::string text = document();
  const auto* types = v1::FrameType_descriptor();
  for (int i = 0; i < types->value_count(); ++i) {
    if (types->value(i)->number() == 0) continue;
    EXPECT_THAT(text, HasSubstr("`" + types->value(i)->name() + "`"));
  }
}

}  // namespace
}  // namespace lazaret::wire
