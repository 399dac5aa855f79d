// BatchWriter: turns the mutations of one commit into one WriteBatch. One method a mutation, in the order of
// model/mutation.h; what is done to the message of a case stands in case_writer.cpp.
#pragma once

#include <rocksdb/write_batch.h>

#include <map>
#include <optional>
#include <span>

#include "model/mutation.h"
#include "storage/case_indexes.h"
#include "storage/database.h"

namespace lazaret::storage {

class BatchWriter {
 public:
  BatchWriter(Database& database, rocksdb::WriteBatch& batch)
      : database_(database), batch_(batch), indexes_(database, batch) {}
  /// STORAGE_DAMAGED when a case that must be there is not, or what has to be copied cannot be read.
  base::Status write(const model::MutationGroup& group);
  /// Messages in the stretches that were trimmed.
  std::uint64_t trimmed() const { return trimmed_; }

 private:
  base::Status apply(const model::AppendMessages& m);
  base::Status apply(const model::TrimLog& m);
  base::Status apply(const model::PutLog& m);
  base::Status apply(const model::DropEvacuated& m);
  base::Status apply(const model::PutSubscription& m);
  base::Status apply(const model::DropSubscription& m);
  base::Status apply(const model::DropLog& m);
  base::Status drop_log(model::LogId log);
  base::Status apply(const model::PutAckChunk& m);
  base::Status apply(const model::DropAckChunk& m);
  base::Status apply(const model::PutDelivery& m);
  base::Status apply(const model::DropDelivery& m);
  base::Status apply(const model::PutAttempt& m);
  base::Status apply(const model::DropAttempts& m);
  base::Status apply(const model::AdmitCase& m);
  base::Status apply(const model::ReplayCase& m);
  base::Status apply(const model::RecallCase& m);
  base::Status apply(const model::DischargeCase& m);
  base::Status apply(const model::DiscardCase& m);
  base::Status apply(const model::DropClosedCases& m);
  base::Status apply(const model::PutReplayJob& m);
  base::Status apply(const model::DropReplayJob& m);
  base::Status apply(const model::AppendAudit& m);
  base::Status apply(const model::TrimAudit& m);
  base::Status apply(const model::PutAlerts& m);
  base::Status apply(const model::PutDedup& m);
  base::Status apply(const model::TrimDedup& m);
  base::Status apply(const model::PutMessageIds& m);
  base::Status apply(const model::TrimMessageIds& m);
  base::Status apply(const model::DropProducer& m);
  base::Status apply(const model::PutQueue& m);
  base::Status apply(const model::DropQueue& m);
  base::Status apply(const model::PutInstance& m);
  base::Status apply(const model::DropInstance& m);
  base::Status apply(const model::PutShardMeta& m);
  base::Status apply(const model::DropSchedule& m);
  base::Status apply(const model::PutRequest& m);
  base::Status apply(const model::DropRequest& m);
  base::Status apply(const model::PutOutbox& m);
  base::Status apply(const model::DropOutbox& m);
  base::Status apply(const model::PutInbox& m);
  base::Status apply(const model::DropPriorities& m);
  base::Status apply(const model::PatchGroup& m);
  base::Status apply(const model::EditCase& m);
  base::Status apply(const model::RestoreCase& m);
  base::Status apply(const model::RedirectCase& m);
  base::Status apply(const model::DropCase& m);
  base::Status apply(const model::ImportCase& m);
  base::Status apply(const model::PutQuarantine& m);
  base::Status apply(const model::DropQuarantine& m);

  base::Status write_runs();
  model::MessageRef message_at(model::LogId log, model::Offset offset);
  base::Status trim_runs(const model::LogState& state, model::OffsetRange range);
  base::Status trim_priorities(const model::TrimLog& m);
  base::Status drop_what_is_no_case(const model::DropSubscription& m);
  base::Result<base::Instant> due_of(const model::DropDelivery& m, const std::string& key);
  base::Status evacuate(model::LogId log, model::Offset offset);
  base::Result<model::CaseRecord> case_of(const model::CaseId& id);
  base::Status drop_case(const model::CaseRecord& record);
  void put_case(const model::CaseRecord& record, base::Instant previous_admission);
  base::Status copy_version(const model::ReplayCase& m);
  base::Status list_closed(const model::CaseRecord& record);
  base::Status drop_case_history(const model::CaseRecord& record);
  base::Status put(Family family, const std::string& key, const std::string& value);
  base::Status erase(Family family, const std::string& key);
  base::Status erase_prefix(Family family, const std::string& prefix);

  std::uint64_t trimmed_ = 0;
  Database& database_;
  rocksdb::WriteBatch& batch_;
  model::ShardId shard_;
  /// Messages of a group by log, in order: neighbours from several publishes become one run.
  using Appended = std::map<model::LogId, std::vector<std::pair<model::Offset, std::vector<model::MessageRef>>>>;
  static model::MessageRef find_in(const Appended& appended, model::LogId log, model::Offset offset);
  Appended appended_;
  /// Of the groups before it, which are no more in the store than its own.
  std::vector<std::pair<model::ShardId, Appended>> earlier_;
  CaseIndexes indexes_;
  /// Why an index could not be kept, found where nobody asked.
  base::Status index_status_;
  /// The last entry of the audit trail that this commit has trimmed.
  std::optional<model::AuditPoint> anchor_here_;
  /// Cases that this commit has looked at, as it leaves them.
  std::map<model::CaseId, model::CaseRecord> cases_;
  /// Versions of messages that this commit has made, the newest of each case.
  std::map<model::CaseId, std::pair<std::uint32_t, model::MessageRef>> versions_here_;
  /// Until when a message waits that this commit has put into the schedule; named as its case would be.
  std::map<model::CaseId, base::Instant> waiting_here_;
};

}  // namespace lazaret::storage
