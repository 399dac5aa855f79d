// ReplayJob: one job that has not come to its end. It chooses its set page by page, sends cases at its rate, learns
// what became of them by reading their records, and has all of that written.
//
//   choose ─▶ send ─ReplayCaseCommand─▶ shard        learn ◀─ records of what is out, round robin
//      └────────┴──── note ─▶ ReplaySet ─▶ save ─SaveReplayJob─▶ shard 0
//
// Threading: the thread of ReplayJobs. Answers of shards come to it through the mailbox.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <vector>

#include "engine/desk.h"
#include "hospital/mailbox.h"
#include "hospital/replay_choice.h"
#include "hospital/replay_rules.h"
#include "hospital/replay_set.h"
#include "model/case_query.h"

namespace lazaret::hospital {

/// What a job works with.
struct Tools {
  engine::Engine& engine;
  engine::Desk& desk;
  std::shared_ptr<Mailbox> mailbox;
  /// A record is durable.
  std::function<void(const model::ReplayJobRecord&)> saved;
};

/// Which cases are admitted at that time and match: those that a job is created for.
base::Result<model::CaseQuery> query_of(const std::string& filter, base::Instant created_at);

class ReplayJob : public std::enable_shared_from_this<ReplayJob> {
 public:
  /// Called when what was asked for is durable, or will not be.
  using Then = std::function<void(base::Result<model::ReplayJobRecord>)>;

  ReplayJob(Tools& tools, model::ReplayJobRecord record);

  /// Of a new one by ids: its whole set.
  void choose_these(std::vector<model::CaseId> cases, base::Instant now);
  /// Of one that was there when the broker stopped.
  void go_on(base::Instant now);
  /// OK: `then` follows.
  base::Status apply(ReplayVerb verb, base::Instant now, Then then);
  void save_first(Then then);
  /// The broker stops: whoever waits is told so.
  void abandon();
  /// Does what can be done now, and says how long nothing will be to do.
  base::Duration work(base::Instant now);

  const model::ReplayJobRecord& record() const { return record_; }
  /// It has ended, and that is durable.
  bool is_over() const;
  /// When it ended, while that is not durable; never() else.
  base::Instant unsaved_end() const;

 private:
  /// An ordering key on its subscription.
  using OrderKey = std::tuple<model::ShardId, model::SubscriptionId, model::KeyHash>;
  struct Out {
    std::uint64_t index = 0;
    model::CaseId id;
    bool recall_asked = false;
  };
  void choose(base::Instant now);
  void learn();
  void send(base::Instant now);
  base::Result<model::CaseRecord> record_at(std::uint64_t index);
  void look_at_the_rest();
  bool has_somewhere_to_go();
  bool look_at_next();
  void act(std::uint64_t index, const model::CaseRecord& record);
  void replay(std::uint64_t index, const model::CaseRecord& record);
  void redirect(std::uint64_t index, const model::CaseRecord& record);
  void begin_asking(const OrderKey& key, std::size_t bytes);
  void end_asking(const OrderKey& key, std::size_t bytes);
  void answered(std::uint64_t index, const model::CaseId& id, const base::Status& status);
  void accepted(std::uint64_t index, const model::CaseId& id);
  void wait_for_version(bool waits);
  bool waits_for_version() const;
  bool may_look(base::Instant now) const;
  void look_again(std::uint64_t index, base::Instant not_before);
  OrderKey order_key(const model::CaseRecord& record) const;
  void recall();
  base::Duration pause(base::Instant now) const;
  void save(base::Instant now);
  void was_saved(const model::ReplayJobRecord& saved, const std::vector<Then>& waiting);
  void note(std::uint64_t index, model::ReplayOutcome outcome, base::Code because = base::Code::OK);
  void give_up(const base::Status& status);
  std::uint64_t in_doubt() const { return asked_ + again_.size(); }
  template <class Command>
  void ask(model::ShardId shard, Command command, std::function<void(base::Status)> then);

  Tools& tools_;
  model::ReplayJobRecord record_;
  ReplaySet set_;
  ReplayChoice choice_;
  Pace pace_;
  std::vector<Out> out_;                // sent, without an outcome
  std::size_t learn_at_ = 0;            // where the next look at `out_` begins
  std::uint64_t asked_ = 0;             // replays without an answer
  std::deque<std::uint64_t> again_;     // looked at before, and to be looked at once more: before any other
  base::Instant again_at_;              // but not before
  std::map<std::uint64_t, int> tries_;  // of those
  std::set<OrderKey> keys_asked_;       // of the replays without an answer
  std::size_t asked_bytes_ = 0;         // of messages that go elsewhere
  bool waits_for_answer_ = false;       // the next one's key is one of those, or these are as many as may be
  bool version_is_there_ = false;       // as far as the last answer said
  std::uint64_t recalls_asked_ = 0;
  bool something_happened_ = false;  // since the last look
  base::Instant look_at_;
  base::Duration look_every_{};
  bool changed_ = false;  // since it was written last
  bool saving_ = false;
  bool urgent_ = false;
  base::Instant saved_at_;
  model::ReplayJobRecord durable_;
  std::vector<Then> waiting_;
};

}  // namespace lazaret::hospital
