// What is read from the disk: records and runs. Damage is said, never followed.
#include "storage/records.h"
#include "fuzz/target.h"
#include "storage/run.h"

namespace lazaret::fuzz {
namespace {

template <class T>
void try_as(std::string_view bytes) {
  T record;
  if (!storage::decode(bytes, record)) return;
  const std::string encoded = storage::encode(record);
  T again;
  LZ_ASSERT(storage::decode(encoded, again));
  LZ_ASSERT(storage::encode(again) == encoded);
}

void try_run(std::string_view bytes) {
  storage::run_count(bytes);
  std::vector<model::PagedMessage> messages;
  storage::decode_run(model::LogId(1), model::Offset(10), std::string(bytes), model::Offset(0), model::Offset(100),
                      model::Offset(20), messages);
  LZ_ASSERT(messages.size() <= 100);
}

std::string run() {
  std::vector<model::MessageRef> messages;
  for (const char* body : {"first", "", "third"}) {
    auto message = std::make_shared<model::Message>();
    message->body = base::SharedBytes::of(body);
    message->envelope = base::SharedBytes::of("envelope");
    message->imported = messages.size() == 1;
    messages.push_back(std::move(message));
  }
  const storage::RunParts parts = storage::encode_run(model::LogId(1), model::Offset(10), messages);
  std::string bytes = parts.index;
  for (const std::string_view part : parts.data) bytes.append(part);
  return bytes;
}

}  // namespace

std::vector<std::string> seeds() {
  const auto kind = [](char which, const std::string& bytes) { return std::string(1, which) + bytes; };
  model::SubscriptionState state;
  state.sources.emplace_back().settled = {{model::Offset(1), model::Offset(3)}};
  model::CaseRecord record;
  record.last_error = {"type", "text", ""};
  model::AckChunk chunk;
  chunk.words.assign(64, 5);
  return {kind(0, run()),
          kind(1, storage::encode(state)),
          kind(2, storage::encode(record)),
          kind(3, storage::encode(chunk)),
          kind(4, storage::encode(model::QueueRecord{})),
          kind(5, storage::encode(model::DeliveryRecord{})),
          kind(6, storage::encode(model::Attempt{})),
          kind(7, storage::encode(std::vector<model::DedupEntry>{{1, model::Offset(2), 3}}))};
}

}  // namespace lazaret::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lazaret;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 13) {
    case 0: fuzz::try_run(bytes); break;
    case 1: fuzz::try_as<model::SubscriptionState>(bytes); break;
    case 2: fuzz::try_as<model::CaseRecord>(bytes); break;
    case 3: fuzz::try_as<model::AckChunk>(bytes); break;
    case 4: fuzz::try_as<model::QueueRecord>(bytes); break;
    case 5: fuzz::try_as<model::DeliveryRecord>(bytes); break;
    case 6: fuzz::try_as<model::Attempt>(bytes); break;
    case 7: fuzz::try_as<std::vector<model::DedupEntry>>(bytes); break;
    case 8: fuzz::try_as<model::LogState>(bytes); break;
    case 9: fuzz::try_as<model::InstanceRecord>(bytes); break;
    case 10: fuzz::try_as<model::LaneEntry>(bytes); break;
    case 11: fuzz::try_as<model::ProducerState>(bytes); break;
    default: fuzz::try_as<storage::DirectoryRecord>(bytes); break;
  }
  return 0;
}
