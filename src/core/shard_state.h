// Shard::State: what a shard knows, and the rules as its methods. Each group of methods stands in the .cpp file that
// its heading names.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/random.h"
#include "core/effect.h"
#include "core/event.h"
#include "core/flow_control.h"
#include "core/imported_lately.h"
#include "core/orphan_cases.h"
#include "core/outbox.h"
#include "core/pending_requests.h"
#include "core/relapses.h"
#include "core/settled_tokens.h"
#include "core/shard.h"
#include "core/subscription.h"
#include "model/limits.h"

namespace lazaret::core {

/// An instance as this shard sees it.
struct InstanceView {
  model::InstanceRecord record;
  bool away = false;
  bool reserved = false;              // somebody isolates on it
  bool held_back = false;             // a suspect was claimed there; until the reservation is answered
  bool refused = false;               // we asked, and somebody else does; until InstanceFree
  bool recorded = false;              // an InstanceRecord is on disk
  bool gone = false;                  // it said goodbye: forgotten when its last message is settled
  std::set<std::uint64_t> consumers;  // numbers
};

/// What one publish brings to a log: consecutive messages.
struct Arrivals {
  std::vector<model::MessageRef> messages;
  bool timed = false;        // one of them has a time of its own, before which or until which it is delivered
  bool prioritised = false;  // one of them has a priority
};

/// What became of an attempt to grant one of some messages.
enum class Granted { yes, no_room, nothing };
struct Taker {
  Consumer* consumer = nullptr;
  Granted granted = Granted::nothing;
};
/// The size of a message that is not known yet.
inline constexpr std::size_t kAnything = 1;

struct Shard::State {
  State(ShardConfig config, model::RecoveredShard recovered, base::Instant now);

  void dispatch(Event& event);
  void pump_all();

  // --- catalog.cpp: names and options (shard 0)
  void on(model::CreateQueue& command);
  void on(model::UpdateQueue& command);
  void on(QueueRemoved& event);
  base::Status place(const model::CreateQueue& command, model::QueueRecord& record);
  void change_options(model::QueueRef& record, const model::QueueOptions& options);

  // --- ownership.cpp: queues, topics and subscriptions come to their shard, and leave it again
  void on(QueueAssigned& event);
  void on(model::DeleteQueue& command);
  void delete_topic(Topic& topic, const model::DeleteQueue& command);
  void begin_deletion(Subscription& sub, const model::Origin& origin);
  void watch_use(Subscription& sub);
  void end_if_unused(Subscription& sub);
  void continue_deletion(Subscription& sub);
  void finish_deletion(Subscription& sub);
  void finish_deletion(Topic& topic);
  Subscription& adopt(const model::QueueRef& record);
  Log& log_of(const model::QueueRecord& record);
  void change_durability(Log& log, bool relaxed);
  void leave_log(Subscription& sub);

  // --- seek.cpp: where a subscription begins, and where it is moved
  void begin_at(Subscription& sub, const model::StartPoint& start);
  static model::Offset start_offset(const Log& log, const model::StartPoint& start);
  static void settle_what_is_gone(Subscription& sub);
  void on(model::SeekSubscription& command);
  void on(TimeFound& event);
  void seek_time(Subscription& sub, base::Instant time);
  void find_time(Subscription& sub);
  void move_to(Subscription& sub, model::Offset target, const model::Origin& origin);
  void take_all_back(Subscription& sub, model::Offset target);
  void forget_history(Subscription& sub, Entry& entry);
  void begin_window_at(Subscription& sub, model::Offset offset);

  // --- retention.cpp: how long a topic keeps messages
  void change_retention(Log& log, const model::QueueOptions& options);
  void retain_published();
  void retain(Log& log);
  void add_marks(Log& log, const std::vector<model::MessageRef>& messages);
  void add_mark(Log& log);
  void lose(Log& log);
  void lose_before(Subscription& sub, model::Offset cut);
  model::Offset kept_from(const Log& log) const;
  model::Offset marks_needed_from(const Log& log) const;
  double retention_used(const Subscription& sub) const;
  void set_alarm(Log& log);

  // --- limits.cpp: how much a queue holds
  static void change_limits(Log& log, const model::QueueOptions& options);
  static bool is_over(const Subscription& sub, std::uint64_t more_bytes);
  bool make_room(Log& log, std::uint64_t bytes);
  bool drop_oldest(Subscription& sub);
  base::Status queue_is_full(const Log& log) const;
  static void left(Subscription& sub, std::uint64_t bytes);
  static void left_unread(Subscription& sub, std::uint64_t count);

  // --- publish.cpp
  void on(model::Publish& command);
  void on(model::OpenProducer& command);
  void on(DiskPressure& event);
  model::PublishResult store(Log& log, const model::Publish& command, model::PublishItem& item, Arrivals& stored);
  void take_in(Log& log, std::shared_ptr<model::Message> message, Arrivals& stored);
  void note_sequence(Log& log, const model::Publish& command, const model::PublishItem& item, model::Offset offset);
  void change_deduplication(Log& log, const model::QueueOptions& options);
  base::Status why_refused(const Log& log, const model::Publish& command, base::Code code);
  base::Status set_problem(const Log& log, const model::Publish& command);
  const PendingRequest* known_request(const Log& log, const model::AskedAlong* ask);
  std::optional<model::Offset> known_by_id(const Log& log, const model::Message& message);
  model::MessageId id_of(const model::Message& message);
  void append(Log& log, model::Offset first, Arrivals stored);
  static base::Status publish_problem(const Log* log);
  void reserve(Log& log);
  void give_up_reserve(Log& log);
  base::Status disk_is_short() const;
  void append_to_window(Subscription& sub, model::Offset offset, const model::MessageRef& message);
  void forget_idle_producers();

  // --- transactions.cpp: what is published with a verdict, or with another publish
  base::Code outgoing_problem(const model::Outgoing& outgoing);
  void publish_along(const model::Outgoing& outgoing);
  base::Code outgoing_problem(const model::Outgoing::To& to);
  base::Code ask_problem(model::LogId log, const model::AskedAlong& ask);
  void append_along(Log& log, const std::vector<std::shared_ptr<model::Message>>& messages,
                    const std::vector<model::AskedAlong>& asks, bool repeats = false);
  void owe(const model::Outgoing::To& to, model::SubscriptionId asked = {}, bool repeats = false);
  void hand_over(Outbox& box, model::OutboxEntryRef entry);
  void load_outbox(model::ShardId to, Outbox& box);
  void load_outboxes();
  void on(OutboxLoaded& event);
  void on(HandOverTaken& event);
  void on(HandedOver& event);
  void recover_outboxes(const model::RecoveredShard& recovered);

  // --- fan_in.cpp: subscriptions of several topics
  base::Status place_fan_in(const model::CreateQueue& command, model::QueueRecord& record);
  model::Durability durability_of(const model::QueueRecord& fan_in) const;
  void create_feeders(const model::QueueRecord& fan_in);
  void change_readers(const model::QueueRecord& topic);
  void change_feeders(const model::QueueRecord& fan_in);
  void part_of_fan_in_removed(const model::QueueRecord& gone);
  void end_parts_of_fan_ins();
  void wake_fan_ins();
  void pump_feeders();
  void append_to_feeder(Subscription& sub, model::Offset first, const std::vector<model::MessageRef>& messages);
  void feed(Subscription& sub);
  bool may_feed(const Feeder& feeder) const;
  std::vector<model::PagedMessage> next_to_feed(Subscription& sub);
  bool prepare_to_feed(Subscription& sub);
  void hand_over(Subscription& sub, std::vector<model::PagedMessage> messages);
  void on(FeedTaken& event);
  void on(Fed& event);

  // --- consumers.cpp: consumers, sessions, instances
  void on(model::OpenConsumer& command);
  void on(model::Written& command);
  void on(model::AddCredit& command);
  void on(model::Started& command);
  void on(model::CloseConsumer& command);
  void on(SessionEnded& event);
  void on(InstanceAway& event);
  void on(InstanceBack& event);
  void on(InstanceLost& event);
  void on(InstanceGone& event);
  void on(ResumeOver& event);
  void on(Drain& event);
  Consumer& attach(const model::OpenConsumer& command, Subscription& sub);
  std::vector<bool> keep_held(const model::OpenConsumer& command, Subscription& sub, Consumer& consumer);
  Entry* claim_after_restart(Subscription& sub, const model::HeldToken& held, const model::ConsumerKey& key);
  bool number_is_free(const Consumer& consumer, const Entry& entry, std::uint64_t delivery) const;
  void detach(Consumer& consumer);
  void release_not_begun(Consumer& consumer);
  void renew_leases(Consumer& consumer);
  void forget_if_idle(const model::ConsumerKey& key);
  void lost_with(Subscription& sub, Entry& entry, const InstanceLost& event);

  // --- grant.cpp: who gets what next
  void pump(Subscription& sub);
  bool grant_next(Subscription& sub);
  void preload(Subscription& sub);
  Granted grant_loaded(Subscription& sub, const ReadyLine& ready, bool in_order = false);
  std::optional<Granted> grant_from(Subscription& sub, const ReadyLine& ready, ReadyLine::const_iterator it,
                                    const std::optional<Position>& stop, std::size_t& looked_at, bool in_order);
  bool grant_fresh(Subscription& sub);
  Entry& first_entry(Subscription& sub, model::Offset offset, const model::Message& message, bool may_have_begun);
  void grant(Subscription& sub, Entry& entry, Consumer& consumer, const model::MessageRef& message);
  void record_grant(Subscription& sub, Entry& entry);
  void begin(Subscription& sub, Entry& entry);
  void start_clock(Subscription& sub, Entry& entry);
  void end_at(Subscription& sub, Entry& entry, base::Instant deadline);
  bool drop_if_over(Subscription& sub, Entry& entry);
  Consumer* next_consumer(Subscription& sub, std::size_t bytes, const MessageType* kind = nullptr);
  bool may_take(const Consumer& consumer, std::size_t bytes) const;
  static bool is_full(const Subscription& sub);
  static bool retries_first(const Subscription& sub);
  static bool is_standby(const Subscription& sub, const Consumer& consumer);
  bool is_taken(Subscription& sub, model::Offset offset);
  bool prepare_window(Subscription& sub);
  model::PagedMessage pop_front(Subscription& sub);
  void read_ahead(Subscription& sub);
  bool load_window(Subscription& sub, std::size_t max_messages, std::size_t max_bytes);
  model::Offset next_fresh(const Subscription& sub, model::Offset from) const;
  void load_one(Subscription& sub, Entry& entry);
  void flush_deliveries();
  void on(MessagesLoaded& event);
  void on(OneLoaded& event);
  void raise_mark(Subscription& sub, model::Offset granted);

  // --- priority.cpp: messages that were published with a priority
  bool has_level(const Subscription& sub, const model::Message& message) const;
  static bool has_level(const Entry& entry);
  static PriorityLevels& levels_of(Subscription& sub);
  static ReadyLine& returned_of(Subscription& sub, const Entry& entry);
  static ReadyLine& retries_of(Subscription& sub, const Entry& entry);
  static std::vector<const ReadyLine*> ready_lines(const Subscription& sub);
  void learn_priority(Subscription& sub, Entry& entry, std::uint8_t priority);
  Granted grant_prioritised(Subscription& sub);
  Granted grant_of_level(Subscription& sub, PriorityLevel& level, std::uint8_t priority);
  bool prepare_level(Subscription& sub, PriorityLevel& level);
  model::PagedMessage pop_front(Subscription& sub, PriorityLevel& level);
  Granted grant_fresh(Subscription& sub, PriorityLevel& level);
  void append_to_levels(Log& log, model::Offset first, const std::vector<model::MessageRef>& messages);
  void append_to_level(Subscription& sub, model::Offset end, model::Offset offset, const model::MessageRef& message);
  void read_level(Subscription& sub, PriorityLevel& level, std::uint8_t priority);
  static bool is_behind(const Subscription& sub, const PriorityLevel& level, std::uint8_t priority);
  void take_in(Subscription& sub, PriorityLevel& level, MessagesLoaded& event);
  void forget_levels_ahead(Subscription& sub);
  static void begin_levels_at(Subscription& sub, model::Offset offset);
  void forget_priorities(Log& log);

  // --- filtering.cpp: messages that a subscription does not take
  static void change_filter(Subscription& sub);
  const model::MessageFacts& facts_of(const model::Message& message);
  bool is_wanted(Subscription& sub, model::Offset offset, const model::Message& message);
  bool is_unwanted(Subscription& sub, const Entry& entry);
  static bool is_untouched(const Entry& entry);
  void filter_out(Subscription& sub, model::Offset offset);
  void filter_out(Subscription& sub, Entry& entry);

  // --- flow_control.cpp: publishers that outrun consumers
  bool falls_behind(const Subscription& sub) const;
  bool is_outrun(const Log& log) const;
  void confirm(const Log& log, model::SessionId session, model::Published published);
  void release_confirms();
  bool must_wait(Log& log, HeldConfirms& held) const;
  base::Instant looks_at_confirms_at() const;

  // --- import.cpp: cases of another broker
  void on(model::ImportCaseCommand& command);
  base::Status import_problem(const Subscription* sub) const;
  void import_case(Subscription& sub, const model::CaseId& id, const model::ImportedCase& what);
  void settle_for_others(const Subscription& its, model::Offset offset);

  // --- quarantine.cpp: rules that send messages to the hospital
  void on(model::AddQuarantine& command);
  void on(model::LiftQuarantine& command);
  void on(model::ListQuarantines& command);
  QuarantineRule* rule_for(Subscription& sub, const model::Message& message);
  bool is_quarantined(Subscription& sub, model::Offset offset, const model::Message& message);
  bool is_quarantined(Subscription& sub, const Entry& entry);
  void quarantine(Subscription& sub, model::Offset offset, const model::MessageRef& message);
  void quarantine(Subscription& sub, Entry& entry);
  void add_rule(Subscription& sub, const model::QuarantineRecord& record, model::Filter filter);
  void drop_rule(Subscription& sub, std::uint64_t number, bool urgent);
  void end_quarantines(Subscription& sub);
  void save_quarantine(Subscription& sub);
  void recover_quarantine(Subscription& sub, const std::vector<model::QuarantineRecord>& rules);

  // --- accepting.cpp: consumers that name the types they accept
  static bool accepts(const Consumer& consumer, const MessageType& kind);
  MessageType type_of(const model::Message& message, const VersionRangeRef& only_for = nullptr);
  MessageType type_of(const Entry& entry);
  static bool is_accepted(const Subscription& sub, const MessageType& kind);
  static void consumers_changed(Subscription& sub);
  static VersionRangeRef range_of(Subscription& sub, const std::string& text);
  static void leave_range(Subscription& sub, Entry& entry);
  static bool has_version(const Subscription& sub, const model::VersionRange& range);
  Taker taker_of(Subscription& sub, const model::Message& message, const VersionRangeRef& only_for = nullptr);
  bool may_set_aside(const Subscription& sub) const;
  void set_aside(Subscription& sub, Entry& entry);
  bool is_behind_aside(Subscription& sub, const Entry& entry);
  void leave_line(Subscription& sub, Entry& entry);
  bool set_front_aside(Subscription& sub);
  void set_freed_aside(Subscription& sub, model::Offset offset);
  Granted grant_aside(Subscription& sub, std::uint8_t priority);
  void read_line(Subscription& sub, const TypeLines::Line& line);
  void forget_aside_messages(Subscription& sub);
  Entry* next_suspect(Subscription& sub);
  void show_unaccepted(const Subscription& sub, model::QueueStats& stats) const;

  // --- breaker.cpp: when everything fails
  static bool has_breaker(const Subscription& sub);
  bool is_cut_off(Subscription& sub);
  void note_failure(Subscription& sub, const Entry& entry, model::Attempt& attempt);
  void note_outcome(Subscription& sub, const Entry& entry, bool failed);
  void change_breaker(Subscription& sub);
  void drop_breaker(Subscription& sub);
  void announce_breaker(const Subscription& sub, model::BreakerState before);

  // --- ordering.cpp: one message of a key at a time
  bool pass_locked(Subscription& sub);
  void pass_over(Subscription& sub);
  bool may_pass_over(const Subscription& sub) const;
  Granted grant_freed(Subscription& sub);
  static Entry& entry_of_freed(Subscription& sub, model::Offset offset, model::KeyHash key);
  void drop_freed(Subscription& sub, model::Offset offset);
  model::KeyHash key_of(const model::Message& message) const;
  void read_freed(Subscription& sub);
  bool undecided(const Subscription& sub) const { return resuming || !sub.keys->unknown.empty(); }
  bool takes_key(Subscription& sub, Entry& entry);
  static bool must_wait_for_case(const Subscription& sub, const Entry& entry);
  void hold_key(Subscription& sub, model::KeyHash key);
  static bool gives_way(const Subscription& sub, model::KeyHash key, const Position& holder);
  void ask_for_key(Subscription& sub, model::KeyHash key);
  void have_holder_wait(Subscription& sub, model::KeyHash key, const Position& holder);
  void ask_for_keys(Subscription& sub);
  static base::Instant asks_for_keys_at(const Subscription& sub);
  void leave_key(Subscription& sub, const Entry& entry);
  void give_on(Subscription& sub, model::KeyHash key);
  void holder_goes_on(Subscription& sub, const Position& holder);
  void keep_key(Subscription& sub, Entry& entry);
  void take_key_if_first(Subscription& sub, model::KeyHash key, const Position& position);
  void wait_for_key_again(Subscription& sub, const Position& position);
  void decide_keys(Subscription& sub);
  void follow(Subscription& sub, const Entry& entry);
  void read_unknown(Subscription& sub);
  void learn_key(Subscription& sub, Entry* entry, const OneLoaded& event);
  bool freed_loaded(Subscription& sub, const OneLoaded& event);
  void close_case_of_key(Subscription& sub, model::Offset origin);
  void change_key_failure(Subscription& sub);
  void forget_passed_messages(Subscription& sub);
  void recover_keys(Subscription& sub, const model::RecoveredSubscription& recovered);
  void keep_freed(Subscription& sub);
  std::uint64_t purge_passed(Subscription& sub);
  void forget_passed(Subscription& sub, model::Offset end);
  void leave_parked(Subscription& sub, model::OffsetRange range);
  std::optional<model::Offset> held_by(Subscription& sub, model::KeyHash key) const;
  static model::Offset origin_of(const Entry& entry);

  // --- isolation.cpp: suspects go alone
  void isolate(Subscription& sub);
  const Consumer* whom_to_isolate(Subscription& sub);
  void isolate_claimed(Subscription& sub, const Entry& entry);
  void isolation_settled(Subscription& sub, const Entry& entry);
  void end_isolation(Subscription& sub);
  void on(InstanceReserved& event);
  void on(IsolationReady& event);
  void on(ReservationRefused& event);
  void on(InstanceFree& event);
  Consumer* consumer_on(Subscription& sub, const model::InstanceId& instance, const MessageType* kind = nullptr);

  // --- verdict.cpp: what becomes of a delivery
  void on(model::Settle& command);
  model::VerdictResult settle(const model::Verdict& verdict);
  model::VerdictResult lost_token(Subscription& sub, const model::Verdict& verdict);
  model::VerdictResult after_lease(Subscription& sub, Entry& entry, const model::Verdict& verdict);
  model::VerdictResult ack(Subscription& sub, Entry& entry, bool late, const model::Verdict& verdict);
  base::Code problem_of(const model::Verdict& verdict);
  model::VerdictResult fail(Subscription& sub, Entry& entry, const model::Verdict& verdict);
  model::VerdictResult reject(Subscription& sub, Entry& entry, const model::Verdict& verdict);
  model::VerdictResult release(Subscription& sub, Entry& entry, const model::Verdict& verdict);
  model::VerdictResult late_ack_of_case(Subscription& sub, const model::CaseId& id, const model::Verdict& verdict);

  // --- retry.cpp: the ends of leases, attempts, waiting
  static void leave_ready(Subscription& sub, const Entry& entry);
  void take_back(Subscription& sub, Entry& entry);
  void end_attempt(Subscription& sub, Entry& entry, model::AttemptOutcome outcome, model::ErrorReport error);
  void amend_attempt(Subscription& sub, Entry& entry);
  void failed(Subscription& sub, Entry& entry, std::optional<base::Duration> delay);
  void put_back(Subscription& sub, Entry& entry, std::optional<base::Duration> delay);
  void make_ready(Subscription& sub, Entry& entry);
  static void join_ready(Subscription& sub, const Entry& entry);
  void make_waiting(Subscription& sub, Entry& entry, base::Instant due);
  void put_record(Subscription& sub, Entry& entry);
  void drop_record(Subscription& sub, Entry& entry);
  base::Duration backoff(const model::QueueOptions& options, std::uint32_t failures);
  void expire_due(Subscription& sub);
  void expire(Subscription& sub, Entry& entry, bool blamed);
  void tell_lease_ended(const Subscription& sub, const Entry& entry);
  void on(WakeUp& event);
  void on(WaitingLoaded& event);
  void park(Subscription& sub, Position position);
  void note_parked(Subscription& sub, model::Offset offset, base::Instant due, bool scheduled);
  bool forget_parked_lately(Subscription& sub);
  void spill_waiting(Subscription& sub);
  void load_waiting(Subscription& sub);
  bool unpark(Subscription& sub, const model::RecoveredDelivery& loaded);
  void set_alarm(Subscription& sub);

  // --- schedule.cpp: messages that were published with a delay
  void on(model::CancelScheduled& command);
  void schedule(Subscription& sub, model::Offset offset, const model::Message& message);
  bool cancel(Subscription& sub, model::Offset offset);

  // --- expiry.cpp: messages that are past their time to live
  static base::Instant end_of(const Subscription& sub, const model::Message& message);
  bool is_past(const Subscription& sub, const model::Message& message) const;
  bool is_offered(Subscription& sub, model::Offset offset, const model::Message& message);
  void turn_away(Subscription& sub, const model::PagedMessage& gone);
  void arrive(Subscription& sub, model::Offset first, const Arrivals& arrivals);
  void drop_expired(Subscription& sub, Entry& entry);
  void drop_expired(Subscription& sub, model::Offset offset, const model::Message& message);
  void sweep_by(Subscription& sub, base::Instant at);
  void sweep(Subscription& sub);
  bool sweep_ready(Subscription& sub, base::Instant& next);
  bool sweep_fresh(Subscription& sub, base::Instant& next);
  void sweep_window(Subscription& sub, base::Fifo<model::PagedMessage>& window, std::uint64_t& bytes,
                    base::Instant& next);

  // --- hospital.cpp: admission, replay, discharge, discard
  void admit(Subscription& sub, Entry& entry, model::CaseReason reason, const model::ErrorReport& error,
             std::uint64_t quarantine = 0);
  void admit_damaged(Subscription& sub, model::Offset offset);
  void forget_entry(Subscription& sub, Entry& entry);
  /// `reason` and `job`: as the case's history says it.
  void recall(Subscription& sub, const Entry& entry, model::Offset origin, const std::string& reason,
              model::ReplayJobId job = {});
  void return_to_case(Subscription& sub, Entry& entry, const std::string& reason, model::ReplayJobId job = {});
  void discharge(Subscription& sub, Entry& entry, bool late);
  void on(model::ReplayCaseCommand& command);
  void on(model::DiscardCaseCommand& command);
  void on(model::UpdateGroup& command);
  static base::Status version_problem(const Subscription& sub, const std::string& only_for);
  base::Status case_problem(const model::CaseId& id, Subscription*& sub);
  base::Status treatment_problem(const model::CaseId& id, Subscription*& sub);

  // --- cure.cpp: edits, redirection, restoring
  void on(model::EditCaseCommand& command);
  void on(model::RestoreCaseCommand& command);
  void on(model::RedirectCaseCommand& command);
  base::Status redirection_problem(Subscription& sub, const model::RedirectCaseCommand& command);
  static base::Status stale_version(const model::CaseId& id, std::uint32_t is_at, std::uint32_t seen);
  static base::Status edit_problem(const model::CaseId& id, std::uint32_t is_at, std::uint32_t seen);
  void put_edit(model::EditCaseCommand& command, std::uint32_t version);
  static CaseBook& book_of(Subscription& sub);
  static std::uint32_t version_of(const Subscription& sub, model::Offset offset);
  void drop_edited_copy(Subscription& sub, const Entry& entry);

  // --- case_retention.cpp: closed cases go in time, and when there are too many
  void case_closed(Subscription& sub);
  static std::uint64_t closed_too_many(const Subscription& sub);
  base::Instant retention_ends(const Subscription& sub) const;
  void look_for_closed(Subscription& sub);
  void on(ClosedLoaded& event);
  void drop_closed(Subscription& sub, const model::ClosedCase& closed);
  void forget_closed(Subscription& sub, model::OffsetRange range);
  void recover_book(Subscription& sub, const model::RecoveredSubscription& recovered);
  // --- orphans.cpp: cases of deleted queues
  bool is_last_of_message(const model::CaseId& id);
  void discard_orphan(model::DiscardCaseCommand& command);
  void restore_orphan(model::RestoreCaseCommand& command);
  void edit_orphan(model::EditCaseCommand& command);
  void redirect_orphan(model::RedirectCaseCommand& command);
  void leave_orphans(const Subscription& sub);
  void keep_orphans_from(model::SubscriptionId subscription, base::Instant first_closed);
  void orphan_closed(model::SubscriptionId subscription);
  void look_for_orphans_at(model::SubscriptionId subscription, OrphanBook& book, base::Instant at);
  void look_for_orphans();
  void drop_orphans(const ClosedLoaded& event);
  // --- hospital_budget.cpp: how much cases may keep
  void cases_changed(Subscription& sub, std::uint64_t more_bytes = 0, std::uint64_t fewer_closed = 0);
  void count_hospital(Subscription& sub);
  void on(HospitalCounted& event);
  static model::HospitalLevel level_of(const Subscription& sub);
  static bool is_for_replays(const Subscription& sub);
  void note_level(Subscription& sub);
  void announce_level(Subscription& sub, model::HospitalLevel level);
  void leave_level(Subscription& sub);
  static base::Status hospital_is_full(const Subscription& sub);
  static ReadyLine::const_iterator first_in_line(const Subscription& sub, const ReadyLine& line);
  bool grant_replay(Subscription& sub);
  // --- replay_jobs.cpp: recalls, and what is written of jobs
  void on(model::RecallCaseCommand& command);
  void on(model::SaveReplayJob& command);
  void on(model::ForgetReplayJob& command);
  // --- alerts.cpp
  void on(model::SaveAlerts& command);

  // --- audit_trail.cpp: who has done what (shard 0)
  void on(model::AppendAuditCommand& command);

  // --- requests.cpp: messages whose requester waits for a reply
  void on(model::Request& command);
  void on(model::CancelRequest& command);
  void on(model::LeaveRequest& command);
  void on(model::AnswerRequest& command);
  PendingRequest& note_asked(Subscription& sub, model::Offset offset, const model::AskedAlong& asked);
  static bool is_gone(const Subscription& sub, const PendingRequest& request);
  void join(Subscription& sub, PendingRequest& request, const model::Origin& origin, base::Instant deadline);
  base::Status room_for_requests(std::size_t count, std::size_t bytes) const;
  base::Status request_problem(const Subscription& sub, const model::Request& command);
  void tell_note(const model::Origin& to, const model::MessageRef& message);
  void request_begun(Subscription& sub, model::Offset offset);
  void request_acked(Subscription& sub, model::Offset origin, const model::ResponderReplyRef& reply);
  bool take_reply(Subscription& sub, PendingRequest* request, const model::ResponderReply& reply);
  void request_failed(Subscription& sub, model::Offset origin, const model::ErrorReport& error);
  void wake_requests();
  void pass_deadline(Subscription& sub, PendingRequest& request);
  void time_out(Subscription& sub, PendingRequest& request);
  bool is_overdue(const Subscription& sub, const Position& position) const;
  void drop_overdue(Subscription& sub, Entry& entry);
  void expire_request(Subscription& sub, Entry& entry);
  void expire_request(Subscription& sub, model::Offset offset);
  static bool is_passed(const Subscription& sub, model::Offset offset);
  void end_request(Subscription& sub, PendingRequest& request, model::RequestOutcome outcome);
  void tell_reply(const PendingRequest& request, const model::Origin& to);
  void put_request(const Subscription& sub, const PendingRequest& request);
  static PendingRequest* request_at(const Subscription& sub, model::Offset offset);
  void forget_too_many();
  void forget_in_time(Subscription& sub, PendingRequest& request);
  bool may_come_back(const Subscription& sub, const PendingRequest& request) const;
  void forget_with_message(Subscription& sub, PendingRequest& request);
  void forget_request(Subscription& sub, PendingRequest& request);
  void erase_request(Subscription& sub, PendingRequest& request);
  void end_requests_of(Subscription& sub);
  void recover_requests(Subscription& sub, std::vector<model::RequestRecord>& records);

  // --- reply_queues.cpp: replies that are published, and notes that are kept
  static base::Status reply_queue_problem(const PendingRequest& request, const model::ReplyAddress* given);
  static bool has_reply(const PendingRequest& request);
  void publish_end(Subscription& sub, PendingRequest& request, bool has_case = true);
  void publish_note(Subscription& sub, PendingRequest& request);
  void publish_unasked(const std::vector<model::AskedAlong>& asks);
  void publish_reply(model::SubscriptionId asked, const model::PublishedReply& reply);
  void keep_note(PendingRequest& request, const model::MessageRef& note);
  bool is_to_be_synced();
  void publish_notes();
  void put_notes();

  // --- housekeeping.cpp: durability, records once a group, purge, what is shown
  void on(Persisted& event);
  void persisted_up_to(Log& log, model::GroupNumber durable);
  void on(model::PurgeQueue& command);
  void on(model::ShowQueue& command);
  void on(model::ShowStates& command);
  void seal();
  void save(Subscription& sub);
  void save(Log& log);
  static void count_entered(Subscription& sub);
  bool drop_copy(Log& log, model::Offset offset);
  std::uint64_t purge_entries(Subscription& sub, bool scheduled);
  std::uint64_t purge_schedule(Subscription& sub);
  std::uint64_t drop_unheld(Subscription& sub, model::OffsetRange range, bool scheduled);
  std::uint64_t drop_parked(Subscription& sub, model::OffsetRange range, bool scheduled);
  std::uint64_t drop_fresh(Subscription& sub, model::OffsetRange range);
  void forget_parked(Subscription& sub, model::Offset target);
  void drop_copies(Subscription& sub, model::OffsetRange range);
  void put_changed_log(Log& log);
  static model::LogState log_state(const Log& log);
  model::Offset oldest_fresh(const Subscription& sub) const;
  static void show_prevention(const Subscription& sub, model::QueueStats& stats);
  void show_topic(const Topic& topic, const model::ShowQueue& command);
  void settled(Subscription& sub, model::Offset offset);
  model::MessageStates::Item state_of(Subscription& sub, model::Offset offset);

  // --- trimming.cpp: what nobody needs any more
  void on(TrimNow& event);
  void trim(Log& log, bool all);
  bool may_trim(const Log& log, model::OffsetRange range) const;
  void trim_stretch(Log& log, model::OffsetRange range);
  bool is_drained(const Log& log) const;
  static bool is_needed(const Log& log, model::Offset offset);

  // --- recovery.cpp
  void recover(model::RecoveredLog& recovered, Log& log);
  void recover(model::RecoveredQueue& recovered);
  void recover(Subscription& sub, model::RecoveredSubscription& recovered);
  void recover(Subscription& sub, const model::RecoveredDelivery& delivery);
  void put_in_place(Subscription& sub);
  void leave_out_reserve(Log& log);
  void recover_retention(Log& log, const model::QueueOptions& options);

  // --- Small things that all of them use
  Subscription* find(model::SubscriptionId id);
  Topic* find_topic(model::SubscriptionId id);
  Log* find(model::LogId id);
  Topic* topic_of(const Log& log);
  Consumer* find(const model::ConsumerKey& key);
  InstanceView& view(const model::InstanceRecord& record);
  void tell(model::SessionId session, model::Answer answer);
  void done(const model::Origin& origin, base::Status status, std::uint64_t count = 0);
  void touch(Subscription& sub);
  void touch(Log& log);
  void load_changed(const model::InstanceId& instance, std::int64_t begun, std::int64_t out);
  bool counts_as_begun(const Entry& entry) const;
  void mutate(model::Mutation mutation, bool urgent);
  void hold_effects(const Subscription& sub);

  ShardConfig config;
  base::Random random;
  base::Instant now;
  model::GroupNumber group;
  model::GroupNumber persisted;  // the last group that is on the disk
  Output* out = nullptr;         // of the step that is running

  std::map<model::ShardId, Outbox> outboxes;
  std::map<model::ShardId, std::uint64_t> inboxes;  // numbers taken
  std::uint64_t next_id = 1;
  std::uint64_t last_grant = 0;  // the lower 40 bits
  bool resuming = false;
  bool draining = false;
  bool refuse_publishes = false;
  bool fan_ins_woken = false;  // since the start
  std::uint64_t disk_free = 0;
  std::uint64_t disk_reserve = 0;
  std::uint64_t window_bytes = 0;                   // of all subscriptions
  std::size_t feeding_bytes = 0;                    // on the way of all feeders
  std::set<model::SubscriptionId> feeders_held_up;  // by that
  std::uint64_t waiting_in_memory = 0;
  std::uint64_t held_messages = 0;  // that are passed over, of all subscriptions
  std::uint64_t set_aside_messages = 0;
  model::MessageFacts last_facts;  // of the message that was looked at last
  std::uint64_t spill_above = model::limits::kWaitingInMemory;
  base::Instant producers_checked;

  std::map<std::string, model::QueueRef> catalog;  // shard 0
  std::map<model::LogId, Log> logs;
  std::map<model::LogId, HeldConfirms> held_confirms;
  std::uint64_t confirms_held = 0;  // since the start
  std::map<model::SubscriptionId, Topic> topics;
  std::map<model::SubscriptionId, Subscription> subscriptions;
  std::map<model::ConsumerKey, Consumer> consumers;
  std::map<model::SessionId, std::set<model::ConsumerKey>> sessions;
  std::map<model::SessionId, OutboxRoom> outbox_rooms;  // of sessions that have, or had, consumers here
  std::map<model::InstanceId, InstanceView> instances;
  SettledTokens settled_tokens;
  SettledTokens expired_tokens;  // last tokens of messages that were dropped: as if an ack had been answered
  CaseTokens case_tokens;
  Relapses relapses;
  OrphanCases orphans;
  std::map<model::SubscriptionId, OrphanBook> orphan_books;  // of those that have closed cases
  std::set<std::pair<base::Instant, model::SubscriptionId>> orphan_alarms;
  ImportedLately imported_lately;
  PendingRequests pending_requests;
  std::set<RequestKey> noted;  // open ones with a note that is neither published nor on the disk

  std::set<model::SubscriptionId> quarantined;  // those that have rules

  model::AuditPoint audit_head;
  /// When the oldest entry was written, or before that; never(): there is none.
  base::Instant audit_oldest = base::Instant::never();

  std::set<model::SubscriptionId> dirty;
  std::set<model::LogId> dirty_logs;
  /// Of a group that is written, and not yet durable.
  struct Sealed {
    model::GroupNumber group;
    std::vector<model::SubscriptionId> subscriptions;
    std::vector<model::LogId> logs;
  };
  std::deque<Sealed> sealed;
  std::set<model::SubscriptionId> pumped_later;  // to be pumped at the end of this step
  std::set<model::LogId> retained_later;         // what is beyond their limits goes behind that
  bool requests_ended = false;                   // there may be more than are remembered
  std::set<std::pair<base::Instant, model::SubscriptionId>> alarms;
  std::set<std::pair<base::Instant, model::LogId>> log_alarms;
  using Loads = std::map<model::InstanceId, std::pair<std::int64_t, std::int64_t>>;
  Loads loads;                                                              // changes of this step
  Loads::value_type* last_load = nullptr;                                   // of them, the one that was changed last
  std::vector<std::pair<Consumer*, model::Deliver>> deliveries;             // of this step, one a consumer
  std::deque<std::pair<model::GroupNumber, model::ConsumerKey>> returning;  // consumers with credit to come back
};

}  // namespace lazaret::core
