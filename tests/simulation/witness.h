// Witness: the simpler, independent model. It watches what goes into shards and what comes out, knows none of the
// delivery rules' machinery, and says what a user of the broker would call broken.
//
// Invariants that it checks, numbered as in the design: 1 nothing confirmed disappears; 2 a repeated publish is stored
// once; 3 a confirmed ack is final; 4 nobody gets what is not durable; 5 only the last grant counts; 6 failures stay
// within the limit and in the history; 7 first deliveries are in offset order, but of those with a delay; where
// consumers name the types they accept, those of each type; of a queue that orders by key those of each key, and of
// each one is out at a time, when all before it are settled; and nothing goes before what has a higher priority and was
// there for the taking all the time; 10 the sums;
// 11 what never began is not blamed. And: whoever tries a suspect has nothing else, a suspect goes out in no other way,
// nobody has more than its credit, or what it does not accept, or what no filter of its subscription took, or what came
// with a case of somebody else, nobody is told that a message is new that may have begun, nothing is delivered
// before its time or after it, and at the end nothing is left behind. Of requests: witness_requests.cpp; of
// subscriptions of several topics: witness_fan_in.cpp.
//
// Threading: none; one thread uses it.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "simulation/reply_text.h"
#include "simulation/watcher.h"
#include "simulation/world.h"

namespace lazaret::simulation {

/// Between a grant and its delivery there may be this much, for groups to be written.
inline constexpr base::Duration kGrantedBeforeMost = 100ms;

/// No run's cases keep as much as that.
inline constexpr std::uint64_t kBudgetOfAnyRun = 1 << 20;

class Witness final : public Watcher {
 public:
  explicit Witness(World& world) : world_(world) {}

  void event(model::ShardId shard, base::Instant now, const core::Event::What& what) override;
  void group(const model::MutationGroup& group) override;
  void effect(model::ShardId shard, const core::Effect& effect) override;
  void crashed() override;

  /// When everything is drained: what has become of each message. May be called once.
  void finish();
  /// What was found, in words; empty: nothing.
  const std::vector<std::string>& findings() const { return findings_; }
  /// Where random runs redirect to; nobody consumes from it.
  static constexpr const char* kWard = "ward";
  /// The checksum of a message that a random run has edited.
  static std::uint32_t mark_of(std::uint32_t version);
  void find(const std::string& what) { findings_.push_back(world_.clock() + " " + what); }

 private:
  static constexpr std::uint32_t kEditedMark = 0xed170000;
  using Question = std::pair<model::SessionId, std::uint64_t>;
  using Place = std::pair<model::SubscriptionId, std::uint64_t>;  // where it was published: subscription, offset
  struct Message {
    bool confirmed = false;
    base::Instant confirmed_at;
    std::uint64_t forgotten = 0;             // of a relaxed queue: what became of grants up to this one may be
    bool acked = false;                      // and that was confirmed
    bool from_lane = false;                  // the newest delivery
    bool was_case = false;                   // a closed one, forgotten when its subscription was moved
    std::optional<base::Instant> suspected;  // since a process was lost with it
    std::uint64_t newest = 0;
    std::uint32_t attempt = 0;
    std::uint64_t fails = 0;               // that were confirmed
    bool imported = false;                 // with its case; its replays ask no filter
    std::uint64_t failed_elsewhere = 0;    // of such a one, before
    std::set<std::uint64_t> begun;         // grants whose handler may have begun
    std::set<std::uint64_t> settled_well;  // grants that ended without blame
    std::set<std::uint64_t> given_back;    // grants that were released or lost before anybody was told that they began
  };
  /// Where a process that was lost left a message.
  enum class Left { not_seen, untouched, with_others, alone };
  struct Blame {
    Left left = Left::not_seen;                              // since its last delivery
    std::map<std::uint32_t, model::AttemptOutcome> history;  // by number
    bool is_canary = false;                                  // since then
    std::uint32_t replayed_after = 0;                        // attempts when it was replayed last
    std::string only_for{};                                  // versions that it was replayed to, if not to all
  };
  struct Queue {
    model::QueueRecord record;
    std::optional<std::uint32_t> limit;  // the highest that it ever had; nullopt: unlimited
    std::uint32_t deaths = 0;            // the most that a message of it may be convicted of
    std::map<std::uint64_t, Message> messages;
    std::map<std::uint64_t, Blame> blames;
    std::map<std::string, std::uint64_t> places;  // body → offset
    std::map<std::uint64_t, std::string> names;   // offset → body, of all that anybody was ever told
    std::map<std::string, std::map<std::uint64_t, std::uint64_t>> first_grants;  // by key where it orders, and offset
    std::map<std::uint64_t, std::string> keys;                                   // of what was delivered
    std::multiset<std::uint64_t> restored;  // offsets of what was asked to be restored, which enters again
    std::set<std::uint64_t> held_nothing;   // offsets of cases that nobody had failed before their replay
    bool holds = true;                      // on_key_failure was never anything but "hold"
    std::uint64_t floor = 0;                // below it everything counts as delivered: a crash was between
    std::uint64_t purged = 0;
    std::uint64_t purges_unanswered = 0;
    std::uint64_t void_grants = 0;  // as it was moved last
    bool moved = false;
    std::uint64_t moves_asked = 0;
    bool some_end = false;     // of some message, or by the queue's time to live, at any time
    bool all_end = true;       // the queue had a time to live at every time
    base::Duration longest{};  // of those
    bool assigned = false;     // its shard knows it
    bool deleted = false;
    bool relaxed = false;                     // or was at any time
    std::set<std::string> filters;            // that it ever had
    std::optional<base::Instant> full_since;  // its hospital, as its shard says
    /// Its cases have kept as much as they may all the time since then, as the store has them.
    std::optional<base::Instant> kept_full_since;
    base::Instant cases_changed_at;   // in a group that was sealed then, the last
    bool tight = false;               // it has a budget that a run can use up, or had one
    std::uint64_t fewest_closed = 0;  // closed cases that it ever kept at most; 0: any number at all times
    base::Duration shortest = base::Duration::max();  // that it ever kept one for
    bool choosy = false;                              // a consumer of it accepted certain types only, at any time
    // Of several topics, by topic: offset there → body, of what was confirmed; → offset here, of what was delivered.
    std::map<model::LogId, std::map<std::uint64_t, std::string>> owed;
    std::map<model::LogId, std::map<std::uint64_t, std::uint64_t>> taken;
    /// Of each priority, what was delivered last, and when that was told.
    std::array<std::pair<std::uint64_t, base::Instant>, model::kHighestPriority + 1> last_grants{};
  };
  /// What is published in one write: by the text that its bodies begin with.
  struct Transaction {
    std::map<std::string, std::set<model::LogId>> bodies;
    bool relaxed = false;  // what begins on a relaxed queue may be lost with it
    bool confirmed = false;
  };
  using RequestKey = std::pair<model::SubscriptionId, model::MessageId>;
  struct Asked {
    RequestKey key;
    base::Instant deadline;
    bool cancelled = false;
    bool left = false;  // it may be told what was on its way, and nothing else
  };
  /// A request, as long as whoever asks again joins it.
  struct Request {
    base::Instant deadline;  // the latest that anybody has asked with; and the earliest
    base::Instant earliest;
    base::Instant kept_until;  // it cannot have ended by its deadline before: a crash takes back what was asked again
    bool cancelled = false;
    std::set<std::string> said;            // by responders
    std::set<std::uint64_t> offsets;       // at which it was delivered
    std::set<std::uint64_t> never_begins;  // of them, as its requester was told
    base::Instant replied_until;           // until then a confirmed reply is there
    // Of a durable one.
    std::string context;
    std::set<std::string> noted;  // by responders, on the way
    bool asked = false;           // which was confirmed
  };
  struct Published {
    model::LogId log;
    std::vector<model::SubscriptionId> readers;  // that were there when it was stepped
    std::vector<model::SubscriptionId> fan_ins;  // the same, of several topics
    std::optional<model::ProducerId> producer;
    std::vector<std::pair<std::uint64_t, std::string>> items;  // sequence, body
    model::OutgoingRef outgoing;
  };
  struct Consumer {
    bool speaks_started = true;
    model::SubscriptionId subscription;
    model::SessionId session;
    bool attached = false;
    std::uint64_t credit = 0;       // messages
    std::uint64_t begun_up_to = 0;  // delivery sequence
    std::vector<std::string> accepts;
    std::string version;
    model::ShardId shard;
    std::map<std::uint64_t, std::pair<Place, std::uint64_t>> out;  // delivery sequence → message, grant
  };

  // What goes in.
  void hear(model::ShardId, const model::Publish& publish);
  void hear(model::ShardId shard, const model::OpenConsumer& open);
  void hear(model::ShardId, const model::AddCredit& add);
  void hear(model::ShardId, const model::Started& started);
  void hear(model::ShardId shard, const model::Settle& settle);
  void hear(model::ShardId, const model::CloseConsumer& close);
  void hear(model::ShardId, const core::SessionEnded& ended);
  void hear(model::ShardId shard, const core::InstanceLost& lost);
  void hear(model::ShardId, const model::PurgeQueue& purge);
  void hear(model::ShardId, const model::SeekSubscription& seek);
  void hear(model::ShardId, const model::CancelScheduled& cancel);
  void hear(model::ShardId, const model::DeleteQueue& erase);
  void hear(model::ShardId shard, const model::LiftQuarantine& lift);
  void hear(model::ShardId, const model::RestoreCaseCommand& restore);
  void hear(model::ShardId, const model::ImportCaseCommand& import);
  void hear(model::ShardId, const model::OpenProducer& open);
  void hear(model::ShardId, const core::QueueAssigned& assigned);
  void hear(model::ShardId, const model::Request& request);
  void hear(model::ShardId, const model::CancelRequest& cancel);
  void hear(model::ShardId, const model::LeaveRequest& leave);
  void hear(model::ShardId, const model::AnswerRequest& answer);
  template <class Other>
  void hear(model::ShardId, const Other&) {}

  // What comes out.
  void see(const core::Tell& tell, const model::Published& answer);
  void see(const core::Tell& tell, const model::ProducerOpened& answer);
  void see(const core::Tell& tell, const model::ConsumerOpened& answer);
  void see(const core::Tell& tell, const model::Deliver& deliver);
  void see(const core::Tell& tell, const model::Settled& answer);
  void see(const core::Tell& tell, const model::LeaseEnded& answer);
  void see(const core::Tell& tell, const model::Done& answer);
  void see(const core::Tell& tell, const model::SeekDone& answer);
  void see(const core::Tell& tell, const model::QueueStats& answer);
  void see(const core::Tell& tell, const model::Replied& reply);
  void see(const core::Tell& tell, const model::Asked& asked);
  void see(const core::Tell& tell, const model::QuarantineAnswer& answer);
  template <class Other>
  void see(const core::Tell&, const Other&) {}
  void see_queue(const model::QueueRecord& record);
  void confirmed(Queue& of, const std::string& body, const model::PublishResult& result);

  // witness_cure.cpp
  void see_case(const model::Mutation& mutation);
  void judge_company(base::Instant by);
  void check_drop(const Queue& of, const model::DropCase& drop);
  void check_versions(Queue& of, const model::Deliver& deliver, const model::Delivered& one);
  void note_import(const model::ImportCase& import);
  void check_imported(const Queue& of, const model::Delivered& one, bool from_lane);
  std::uint64_t passed_over_most(const Queue& of) const;
  void check_version(const Queue& of, const model::Delivered& one, bool from_lane);
  void finish_redirections();
  bool had_case(const model::CaseId& id);

  // witness_budget.cpp
  void hear(model::ShardId shard, const core::Persisted&);
  void see_kept(const model::Mutation& mutation);
  void judge_budget(Queue& of);
  std::uint64_t kept_by_cases(const Queue& of);
  void see_level(const core::HospitalLevelChanged& changed);
  void check_budget(const Queue& of, const model::Delivered& one, bool from_lane);
  static bool goes_for_budget(const Queue& of, const model::Delivered& one);
  void check_level(const model::QueueStats& stats);
  void finish_budget(const Queue& of, const model::QueueStats& stats);

  // witness_transactions.cpp
  void told_of(const model::OutgoingRef& outgoing, model::LogId home);
  void transaction_confirmed(const model::OutgoingRef& outgoing);
  void finish_transactions();

  // witness_fan_in.cpp
  void hear(model::ShardId, const core::Fed& fed);
  std::vector<model::SubscriptionId> fan_ins_of(model::LogId topic) const;
  static void confirmed_to_topic(Queue& of, model::LogId topic, const std::string& body,
                                 const model::PublishResult& result);
  void check_source(Queue& of, const model::Delivered& one);
  void lose_of_fan_in(Queue& of);
  void topic_deleted(model::LogId topic);
  std::uint64_t missing_of_fan_in(const Queue& of, const std::vector<model::MessageSource>& sources);

  // witness_requests.cpp
  void said(const RequestKey& key, const model::ResponderReply& reply);
  std::optional<RequestKey> request_of(model::SubscriptionId of, std::uint64_t offset) const;
  void request_delivered(Queue& of, const model::Delivered& one);
  void reply_confirmed(model::SubscriptionId of, std::uint64_t offset);
  void check_reply(const Queue& of, const model::Delivered& one);
  void check_words(const std::string& at, const RequestKey& key, const model::Delivered& one);
  void asked_along(const model::Outgoing& outgoing);
  void asked_along_confirmed(const model::Outgoing& outgoing);
  std::optional<RequestKey> key_of(model::LogId log, const model::AskedAlong& ask) const;
  void finish_durable_requests();
  void check_never_begun(const RequestKey& key, const Request& request);
  void requests_after_a_crash();
  void finish_requests();

  void delivered(Queue& queue, const model::Deliver& deliver, const model::Delivered& one);
  void check_order(Queue& queue, const model::Delivered& one);
  void check_priority(Queue& queue, const Message& message, const model::Delivered& one, bool is_first);
  void check_type(Queue& queue, const model::Deliver& deliver, const model::Delivered& one);
  void check_quarantine(const Queue& queue, const model::Delivered& one);
  bool has_to_be_delivered(const Queue& queue, std::uint64_t offset) const;
  bool has_to_be_taken(const Queue& queue, const std::string& body) const;
  void check_time(const Queue& queue, const model::Delivered& one);
  void check_key(Queue& queue, const model::Deliver& deliver, const model::Delivered& one);
  void check_before(const Queue& queue, const std::string& key, const model::Delivered& one);
  void check_held(Queue& of, const std::string& key, const model::Delivered& one);
  static std::string key_of(const model::Message& message);
  std::uint8_t priority_of(const model::Message& message) const;
  std::string key_at(const Queue& queue, model::Offset offset);
  void check_failures(const Queue& queue, const model::Delivered& one, bool from_lane);
  bool is_unanswered(model::SubscriptionId of, std::uint64_t grant) const;
  void check_attempt(const model::PutAttempt& put);
  static std::uint64_t deaths(const Blame& blame);
  void check_alone(const model::Deliver& deliver, const model::Delivered& one);
  void check_company(const Queue& queue, const model::Deliver& deliver, const model::Delivered& one);
  void check_said(const Queue& queue, const Message& message, const model::Delivered& one);
  void check_credit(const Queue& queue, const Consumer& consumer, const model::Delivered& one);
  void accepted(const model::Verdict& verdict, const model::VerdictResult& result);
  void finish(Queue& queue);
  void check_history(const Queue& queue, const model::CaseRecord& record);
  void check_blame(const Queue& queue, const model::CaseRecord& record, const std::vector<model::Attempt>& attempts);
  void check_what_is_left(const Queue& queue, const std::set<std::uint64_t>& cases, std::uint64_t open);
  void give_out(const model::ConsumerKey& to, std::uint64_t sequence, const Place& place, std::uint64_t grant);
  void forget_not_begun(Consumer& consumer);
  void forget(model::SubscriptionId queue, model::Grant grant);
  void lose_what_is_relaxed(Queue& queue);
  void begin_again(Queue& queue, std::uint64_t void_grants);
  void named(Queue& queue, std::uint64_t offset, std::string_view body);
  Queue* queue(model::SubscriptionId id);
  static std::string where(const Queue& queue, std::uint64_t offset);

  /// When a message may be delivered, as its publisher said; of several tries the widest.
  struct Times {
    base::Instant due;
    base::Instant expires_at = base::Instant::never();
  };

  /// A quarantine rule that was confirmed.
  struct Rule {
    model::QuarantineRecord record;
    base::Instant since;
    bool lifted = false;
  };

  World& world_;
  std::map<std::pair<model::SubscriptionId, std::uint64_t>, Rule> rules_;
  std::map<std::string, Times, std::less<>> times_;                     // by body, of those that have any
  std::map<std::string, std::string, std::less<>> types_;               // by body
  std::map<std::string, std::uint8_t, std::less<>> priorities_;         // by body, of those that have any
  std::map<std::string, model::SubscriptionId, std::less<>> imported_;  // by body: whose case it came with
  std::map<model::LogId, std::uint64_t> imports_;                       // cases that came into this log
  std::set<model::CaseId> admitted_;                                    // ever, here
  base::Instant crashed_at_;                                            // the last time
  bool ends_ = false;                                                   // some message has an end of its own
  std::map<model::SubscriptionId, Queue> queues_;
  std::set<model::SubscriptionId> feeders_assigned_;
  std::set<model::LogId> topics_deleted_;
  std::map<std::pair<model::SubscriptionId, std::uint64_t>, std::uint32_t> lane_versions_;  // by place in the lane
  std::map<Question, Published> publishes_;
  std::map<Question, std::vector<model::Verdict>> verdicts_;
  std::map<Question, std::vector<model::LeaseToken>> presented_;
  std::map<Question, model::SubscriptionId> purges_;
  std::map<Question, std::pair<model::LogId, model::ProducerId>> producers_asked_;
  std::map<std::pair<model::LogId, model::ProducerId>, std::uint64_t> sequences_;  // highest confirmed
  std::map<model::ConsumerKey, Consumer> consumers_;
  /// A suspect went out alone beside this lease, as far as is known by then.
  struct Beside {
    model::SubscriptionId subscription;
    std::uint64_t grant = 0;
    base::Instant judged_at;
    std::string text;
  };
  std::vector<Beside> beside_;
  /// Who has a grant out, and under which delivery sequence; may name what is not out any more.
  std::map<std::pair<model::SubscriptionId, std::uint64_t>, std::pair<model::ConsumerKey, std::uint64_t>> holders_;
  std::set<std::pair<model::SubscriptionId, std::uint64_t>> alone_;                          // grants of suspects
  std::map<std::pair<model::SubscriptionId, std::uint64_t>, std::uint64_t> grants_;          // → offset published at
  std::set<std::tuple<model::SubscriptionId, std::uint64_t, model::VerdictKind>> accepted_;  // grant and verdict
  std::map<std::string, Transaction> transactions_;
  std::map<Question, Asked> asked_;
  std::map<RequestKey, Request> requests_;
  std::map<Place, RequestKey> requests_at_;
  std::map<Question, RequestKey> durable_asked_;
  std::map<std::string, std::set<RequestKey>> durable_;  // by id, as text
  model::LogId reply_log_;                               // of the one reply queue
  std::set<model::SessionId> ended_;
  std::vector<std::string> findings_;
};

}  // namespace lazaret::simulation
