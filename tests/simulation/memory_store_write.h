// MemoryStore::Writer: applies mutations to a state of the store. Only for memory_store*.cpp.
#pragma once

#include "simulation/memory_store.h"

namespace lazaret::simulation {

class MemoryStore::Writer {
 public:
  Writer(State& state, model::ShardId shard, std::vector<std::string>& complaints)
      : state_(state), shard_(state.shards.at(shard.value)), shard_id_(shard), complaints_(complaints) {}

  void apply(const model::AppendMessages& append);
  void apply(const model::TrimLog& trim);
  void apply(const model::PutLog& put);
  void apply(const model::DropLog& drop);
  void apply(const model::DropEvacuated& drop);
  void apply(const model::PutSubscription& put);
  void apply(const model::DropSubscription& drop);
  void apply(const model::PutAckChunk& put);
  void apply(const model::DropAckChunk& drop);
  void apply(const model::PutDelivery& put);
  void apply(const model::DropDelivery& drop);
  void apply(const model::PutAttempt& put);
  void apply(const model::DropAttempts& drop);
  void apply(const model::AdmitCase& admit);
  void apply(const model::ReplayCase& replay);
  void apply(const model::RecallCase& recall);
  void apply(const model::DischargeCase& discharge);
  void apply(const model::DiscardCase& discard);
  void apply(const model::DropClosedCases& drop);
  void apply(const model::PutDedup& put);
  void apply(const model::TrimDedup& trim);
  void apply(const model::PutMessageIds& put);
  void apply(const model::TrimMessageIds& trim);
  void apply(const model::DropProducer& drop);
  void apply(const model::PutQueue& put);
  void apply(const model::DropQueue& drop);
  void apply(const model::PutInstance& put);
  void apply(const model::DropInstance& drop);
  void apply(const model::PutShardMeta& put);
  void apply(const model::DropSchedule& drop);
  void apply(const model::PutRequest& put);
  void apply(const model::DropRequest& drop);
  void apply(const model::PutOutbox& put);
  void apply(const model::DropOutbox& drop);
  void apply(const model::PutInbox& put);
  void apply(const model::DropPriorities& drop);
  void apply(const model::PatchGroup& patch);
  void apply(const model::EditCase& edit);
  void apply(const model::RestoreCase& restore);
  void apply(const model::RedirectCase& redirect);
  void apply(const model::DropCase& drop);
  void apply(const model::PutReplayJob& put);
  void apply(const model::DropReplayJob& drop);
  void apply(const model::PutAlerts& put);
  void apply(const model::PutQuarantine& put);
  void apply(const model::DropQuarantine& drop);

 private:
  void complain(const std::string& what);
  static std::string at(model::LogId log, model::Offset offset);
  void drop_evacuated(model::LogId log, model::Offset offset);
  void check_previous(const Subscription& subscription, model::LogId log, model::Offset offset,
                      base::Instant previous_due);
  model::CaseRecord* case_in(const model::CaseId& id, model::CaseState expected);
  void leave_lane(const model::CaseId& id, model::Offset lane_offset);
  /// The case has become what it is now, or has gone; `before`: null when it is new.
  void count(const model::CaseRecord* before, const model::CaseRecord* now);

  State& state_;
  Shard& shard_;
  model::ShardId shard_id_;
  std::vector<std::string>& complaints_;
};

}  // namespace lazaret::simulation
