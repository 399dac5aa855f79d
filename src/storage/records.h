// Between the model's records and their bytes (`lazaret.storage.v1`). Protobuf stops here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/case_query.h"
#include "model/group_record.h"
#include "model/mutation.h"
#include "model/records.h"
#include "model/store.h"

namespace lazaret::storage {

struct DirectoryRecord {
  std::uint32_t format = 0;
  std::uint16_t shards = 0;
};
inline constexpr std::uint32_t kFormat = 12;
/// The first that has groups, and lists of cases by group and state.
inline constexpr std::uint32_t kCaseIndexesFormat = 8;
/// The first that has sums of what cases keep, and of how many are closed.
inline constexpr std::uint32_t kCaseSumsFormat = 10;

std::string encode(const DirectoryRecord& record);
std::string encode(const model::QueueRecord& record);
std::string encode(const model::ShardMeta& record);
std::string encode(const model::SubscriptionState& record);
std::string encode(const model::LogState& record);
std::string encode(const model::AckChunk& record);
std::string encode(const model::DeliveryRecord& record);
std::string encode(const model::Attempt& record);
std::string encode(const model::InstanceRecord& record);
std::string encode(const model::LaneEntry& record);
std::string encode(const model::ProducerState& record);
std::string encode(const std::vector<model::DedupEntry>& entries);
std::string encode(const model::StoredIds& stored);
std::string encode(const model::CaseRecord& record);
std::string encode(const model::RequestRecord& record);
std::string encode(const model::GroupRecord& record);
std::string encode(const model::CaseEdit& record);
std::string encode(const model::ReplayJobRecord& record);
/// The set of a chunk, and what became of it: two records.
std::string encode_cases(const model::ReplayChunk& chunk);
std::string encode_outcomes(const model::ReplayChunk& chunk);
std::string encode(const std::vector<model::AskedAlong>& asks);
std::string encode(const model::QuarantineRecord& record);
std::string encode(const model::AuditEntry& entry);
std::string encode(const model::AuditPoint& point);

/// Each gives false when the bytes are not such a record. What the key says (ids, offsets) is the caller's.
bool decode(std::string_view bytes, DirectoryRecord& record);
bool decode(std::string_view bytes, model::QueueRecord& record);
bool decode(std::string_view bytes, model::ShardMeta& record);
bool decode(std::string_view bytes, model::SubscriptionState& record);
bool decode(std::string_view bytes, model::LogState& record);
bool decode(std::string_view bytes, model::AckChunk& record);
bool decode(std::string_view bytes, model::DeliveryRecord& record);
bool decode(std::string_view bytes, model::Attempt& record);
bool decode(std::string_view bytes, model::InstanceRecord& record);
bool decode(std::string_view bytes, model::LaneEntry& record);
bool decode(std::string_view bytes, model::ProducerState& record);
bool decode(std::string_view bytes, std::vector<model::DedupEntry>& entries);
bool decode(std::string_view bytes, model::StoredIds& stored);
bool decode(std::string_view bytes, model::CaseRecord& record);
bool decode(std::string_view bytes, model::RequestRecord& record);
bool decode(std::string_view bytes, model::GroupRecord& record);
bool decode(std::string_view bytes, model::CaseEdit& record);
bool decode(std::string_view bytes, model::ReplayJobRecord& record);
bool decode_cases(std::string_view bytes, model::ReplayChunk& chunk);
bool decode_outcomes(std::string_view bytes, model::ReplayChunk& chunk);
bool decode(std::string_view bytes, std::vector<model::AskedAlong>& asks);
bool decode(std::string_view bytes, model::QuarantineRecord& record);
bool decode(std::string_view bytes, model::AuditEntry& entry);
bool decode(std::string_view bytes, model::AuditPoint& point);

/// Id, type, key and correlation id from an encoded envelope.
model::MessageSummary summary_of(const model::Message& message);
/// Whether what only the message says is as the query wants it, and how much was gone through for that.
struct MessageMatch {
  bool holds = false;
  std::size_t bytes = 0;
};
/// A body that is compressed is opened, if what is in it has no more bytes than `most` and is whole.
MessageMatch matches_message(const model::CaseQuery& query, const model::Message& message, std::size_t most);

}  // namespace lazaret::storage
