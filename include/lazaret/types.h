// Plain values of the client library: messages, options, what a queue looks like. No I/O, nothing here crosses the
// network.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if defined(__GNUC__)
#define LAZARET_API __attribute__((visibility("default")))
#else
#define LAZARET_API
#endif

namespace lazaret {

using std::chrono::milliseconds;

/// Sixteen bytes; of messages a UUID of version 7, which sorts by time.
struct LAZARET_API MessageId {
  std::array<std::uint8_t, 16> bytes{};

  /// A fresh one. Thread-safe.
  static MessageId make();
  /// The form 8-4-4-4-12; nullopt for anything else.
  static std::optional<MessageId> parse(std::string_view text);
  std::string to_string() const;
  bool is_nil() const { return bytes == std::array<std::uint8_t, 16>{}; }
  auto operator<=>(const MessageId&) const = default;
};

/// A reference-counted, immutable buffer. Copying it copies no bytes; a received body is a view into what was read.
class Body {
 public:
  Body() = default;
  Body(std::string bytes) {  // NOLINT(google-explicit-constructor): {.body = "…"} is how it is used
    auto owner = std::make_shared<const std::string>(std::move(bytes));
    view_ = *owner;
    owner_ = std::move(owner);
  }
  Body(const char* text) : Body(std::string(text)) {}  // NOLINT(google-explicit-constructor)
  explicit Body(std::string_view bytes) : Body(std::string(bytes)) {}
  /// Takes over the vector's buffer.
  explicit Body(std::vector<char> bytes) {
    auto owner = std::make_shared<const std::vector<char>>(std::move(bytes));
    view_ = {owner->data(), owner->size()};
    owner_ = std::move(owner);
  }
  /// A view of bytes that `owner` keeps alive.
  Body(std::shared_ptr<const void> owner, std::string_view bytes) : owner_(std::move(owner)), view_(bytes) {}

  std::string_view view() const { return view_; }
  operator std::string_view() const { return view_; }  // NOLINT(google-explicit-constructor)
  std::string str() const { return std::string(view_); }
  std::size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  const std::shared_ptr<const void>& owner() const { return owner_; }
  friend std::ostream& operator<<(std::ostream& out, const Body& body) { return out << body.view_; }

 private:
  std::shared_ptr<const void> owner_;
  std::string_view view_;
};

// In what users fill in with designated initializers every member has a default of its own, so that compilers do not
// warn about those that are left out.

/// Names may repeat; order is kept.
using Headers = std::vector<std::pair<std::string, std::string>>;

struct Reply;

struct Message {
  Body body = {};
  /// What kind of message it is, e.g. "order.created". Failures are grouped by it. Texts: at most 1024 bytes each.
  std::string type = {};
  std::string key = {};
  std::string content_type = {};
  Headers headers = {};
  std::string correlation_id = {};
  std::string causation_id = {};
  std::string reply_to = {};
  std::string schema_id = {};
  std::string traceparent = {};
  /// How the bytes of `body` are encoded, e.g. "zstd", "gzip"; "" for not at all. Whoever publishes them so says so; a
  /// consumer of this library is given what is "zstd" opened, and with "" here.
  std::string content_encoding = {};
  /// Compress the body with zstd on its way to the broker, if that makes it smaller and content_encoding is "". Of a
  /// received message: it came so.
  bool compress = false;
  /// Made by `publish` when it is nil. A message that is published again with the same id, after `outcome_unknown`,
  /// is sent with the same sequence, so that the broker stores it once.
  MessageId id = {};
  /// 0: the client numbers its publishes itself. Otherwise the sequence of this publish under Options::producer_id:
  /// rising, and the broker stores each sequence once.
  std::uint64_t sequence = 0;

  // Times. 0, and the epoch, where there is none. Of a pair, give one; all are at most ten years ahead: bad_request for
  // both of a pair, and for less than 0 (but see Verdict::publish). A request has a deadline instead: bad_request for
  // any of the first three.
  /// Not delivered before: so long after the broker took it, or this time. A handler of the consumer is never early.
  milliseconds delay{0};
  std::chrono::system_clock::time_point deliver_at = {};
  /// Not delivered any more: so long after the broker took it or, with a delay, after that; or from this time on. What
  /// becomes of it then is the queue's `on_expiry`. Of received messages `expires_at` is set: whoever publishes one of
  /// them again with another `ttl` sets it back.
  milliseconds ttl{0};
  std::chrono::system_clock::time_point expires_at = {};
  /// 0 to 9. Of what is ready, messages with a higher one are delivered first, and those of one in the order in which
  /// they were published; none is taken back for another. Lower ones wait as long as there are higher ones. On a queue
  /// that orders by key the order of a key goes before.
  int priority = 0;

  // Of received messages.
  std::string source = {};  // the queue that it was published to
  std::uint64_t offset = 0;
  std::chrono::system_clock::time_point published_at = {};
  /// Of a request: when its requester waits no more, by the requester's clock. Filled in by `request`.
  std::chrono::system_clock::time_point deadline = {};
  /// From a reply queue: what became of which request (Client::ask); Delivery::reply has it with this message inside.
  /// Null: it is no reply. Not published.
  std::shared_ptr<const Reply> reply = {};
};

/// An error with everything that the broker said about it.
struct Problem {
  std::string code;   // stable name, e.g. "NOT_FOUND"
  std::string fault;  // "caller", "broker" or "peer"
  std::string retry;  // "never", "same_call", "after" or "operator"
  milliseconds retry_after{0};
  std::string text;   // a sentence, with the names and values that matter
  std::string limit;  // which limit was reached ("" where there is none), and its value
  std::int64_t value = 0;
};
using ProblemRef = std::shared_ptr<const Problem>;

struct Options {
  /// Who this is, for people who look at consumers and attempts: the service and its version.
  std::string name = "unnamed";
  std::string version = {};
  /// "" for the name of this machine.
  std::string host = {};
  /// Deadline of every call, unless `Client::within` says otherwise.
  milliseconds timeout = std::chrono::seconds(30);
  /// Client::connect gives up after this long.
  milliseconds connect = std::chrono::seconds(10);
  /// How long the destructors of a client with a thread of its own, and of its consumers, let handlers finish.
  milliseconds drain = std::chrono::seconds(25);
  /// Say `started` before handlers begin. If not, the broker counts everything that is delivered as begun.
  bool announce_started = true;
  /// Who numbers the publishes. nil: a fresh one, which is right unless publishes are repeated by another process.
  MessageId producer_id = {};
  /// Publishes that wait or are not confirmed; beyond, async_publish fails with `exhausted`.
  std::size_t max_pending_messages = 65'536;
  std::size_t max_pending_bytes = 256u << 20;
  /// Compress every body of at least so many bytes, as if its Message::compress were set. 0: none.
  std::size_t compress_from = 0;
  /// Told what a callback of yours threw on the client's own thread (or on_settled and on_end anywhere). Empty: a line
  /// on standard error. Handlers of consumers are not callbacks: what they throw is a failed attempt.
  std::function<void(std::exception_ptr)> on_exception = {};
};

/// A message and where it goes: a queue or a topic.
struct Addressed {
  std::string to;
  Message message;
};

/// What a publish came to: it is on the broker's disk.
struct Receipt {
  MessageId id;
  std::uint64_t offset = 0;
  bool duplicate = false;  // it had been stored before, at this offset
  ProblemRef problem;      // with an error
};

/// What became of a request: values, not errors.
enum class Outcome : std::uint8_t {
  answered = 1,
  declined = 2,   // the responder says no, and why: there is no case, and nothing is retried
  failed = 3,     // its message is a case in the hospital
  timed_out = 4,  // and then `reached` says how far it got
};
/// How far a request got that timed out.
enum class Reached : std::uint8_t {
  unknown = 0,        // the broker could not be asked in time
  not_delivered = 1,  // no handler ever began on it, and none will: it is safe to ask again
  started = 2,        // one has begun, or may have begun: it may still happen
  settled = 3,        // one has ended well, without a reply
};
/// "answered", "declined", "failed", "timed_out".
LAZARET_API std::string_view name_of(Outcome outcome);
/// "unknown", "not_delivered", "started", "settled".
LAZARET_API std::string_view name_of(Reached reached);

struct Reply {
  Outcome outcome = Outcome::timed_out;
  Reached reached = Reached::unknown;  // timed_out
  bool late = false;                   // it came behind the deadline or a failure: asked for once more, or by ask
  bool final = true;                   // false: a note of the responder on the way
  Message message = {};                // answered, and notes
  std::string reason = {};             // declined, failed
  std::string case_id = {};            // failed
  ProblemRef problem = nullptr;        // with an error
  // Of Client::ask.
  MessageId request = {};  // which it was
  Headers context = {};    // what was left with the broker for it
};

/// One of several requests, or a durable one: to which queue, and with what.
struct Ask {
  std::string to = {};
  Message message = {};
  /// Of a durable one: so long after it was asked the reply says timed_out. 0: a year, which is the longest.
  /// bad_request for more, and for less than 0 (but see Verdict::ask).
  milliseconds within{0};
};
/// A durable request, of Verdict::ask and Client::publish_all: where its reply goes, and what comes back with that.
struct DurableAsk {
  Ask ask;
  std::string reply_queue;
  Headers context;
};

/// The right to answer a request later, from any process: of hours or days. It can be kept as text.
struct LAZARET_API ReplyTicket {
  std::string queue = {};
  MessageId id = {};

  /// "QUEUE/ID"
  std::string to_string() const;
  static std::optional<ReplyTicket> parse(std::string_view text);
};

inline constexpr std::uint32_t unlimited = 0xffffffffu;

/// A queue as it should be; what is left out takes the broker's default.
struct QueueSpec {
  std::string name = {};
  /// Failed attempts after which a message goes to the hospital; `unlimited` by name, 0 is refused.
  std::optional<std::uint32_t> max_attempts = {};
  /// Wait before attempt n+1: initial × multiplier^(n-1), at most max, ± jitter (a fraction).
  std::optional<milliseconds> backoff_initial = {};
  std::optional<double> backoff_multiplier = {};
  std::optional<milliseconds> backoff_max = {};
  std::optional<double> backoff_jitter = {};
  /// How long a begun message stays with its consumer without a sign of life.
  std::optional<milliseconds> lease_duration = {};
  /// Workers that a message may kill before it goes to the hospital.
  std::optional<std::uint32_t> max_worker_deaths = {};
  /// What a confirm promises: "fsync" (it is on the disk), or "relaxed" (it outlives the broker's process; a power loss
  /// takes what is younger than the broker's storage.relaxed_sync_max).
  std::optional<std::string> durability = {};
  /// Time to live: how long after it was published, or after its delay, a message is delivered; 0 for without end.
  std::optional<milliseconds> ttl = {};
  /// What becomes of it then: "drop" (it is dropped and counted), or "hospital" (a case with reason "expired").
  std::optional<std::string> on_expiry = {};
  /// At most one message of a key (Message::key) is out, in the order in which they were published, retries included; a
  /// key whose first message waits for its retry waits with it, and other keys never wait. Messages without a key have
  /// no order. Fixed when the queue is created. Default: false.
  std::optional<bool> order_by_key = {};
  /// With order_by_key, when a message of a key goes to the hospital: "continue" (the default), those behind it go on;
  /// "hold", they wait until the case is discharged or discarded.
  std::optional<std::string> on_key_failure = {};
  /// Put it on the shard of this queue.
  std::string colocate_with = {};
  /// Nothing is granted; what is out already goes on. See Client::pause.
  std::optional<bool> paused = {};
  /// Messages leased at a time, over all consumers. 0: as many as their credit takes (the default).
  std::optional<std::uint32_t> max_in_flight = {};
  /// One consumer gets everything, the first that came; the next takes over when it is gone and has nothing out.
  std::optional<bool> single_active_consumer = {};
  /// How many messages, and about how many bytes of them, the queue holds at most, those in the hospital not counted.
  /// 0: no limit (the default).
  std::optional<std::uint64_t> max_messages = {};
  std::optional<std::uint64_t> max_bytes = {};
  /// What becomes of a publish when it is full: "refuse" (errc::exhausted naming the limit; the default), or
  /// "drop_oldest".
  std::optional<std::string> overflow = {};
  /// A message whose Message::id came within this time is not stored again: its publisher gets the receipt of the
  /// first, with `duplicate`. The last million ids are known. 0: not by ids (the default). At most 7 days.
  std::optional<milliseconds> deduplicate_for = {};
  /// How long a case is kept after it was discharged or discarded, and until when a discarded one can be restored: 30
  /// days when it is not given. Open cases stay.
  std::optional<milliseconds> case_retention = {};
  /// How many closed cases are kept at most: of more, those that were closed longest ago go, as if their
  /// `case_retention` were over. 0, when it is not given: any number. At most a billion.
  std::optional<std::uint64_t> case_retention_count = {};
  /// How many bytes of messages, headers and bodies, its cases may keep: beyond, nothing is delivered but replays until
  /// they keep less, and nothing is dropped. 0: no budget. 10 GiB when it is not given.
  std::optional<std::uint64_t> hospital_max_bytes = {};
  /// The circuit breaker: when of at least `breaker_samples` attempts (100) that ended within `breaker_window` (30 s)
  /// the fraction `breaker_ratio` (0.9) failed, nothing is granted for `breaker_pause` (10 s), and then one message at
  /// a time until three were acked in a row. What fails meanwhile does not count against max_attempts, so an outage
  /// behind the consumers fills no hospital. Where max_attempts is 1 there is none. Default: true.
  std::optional<bool> breaker = {};
  std::optional<std::uint32_t> breaker_samples = {};
  std::optional<double> breaker_ratio = {};
  std::optional<milliseconds> breaker_window = {};
  std::optional<milliseconds> breaker_pause = {};
  /// For people, who see them beside cases and alerts: whose it is, what to do (a text or an address), and the webhook
  /// of the broker's configuration that alerts go to (default: its default one).
  std::optional<std::string> owner = {};
  std::optional<std::string> runbook = {};
  std::optional<std::string> alert_to = {};
};

/// A topic as it should be: each of its subscriptions gets everything that is published to it.
struct TopicSpec {
  std::string name = {};
  /// As of a queue; its subscriptions are as durable.
  std::optional<std::string> durability = {};
  /// Put it on the shard of this queue or topic.
  std::string colocate_with = {};
  /// How long messages stay after all subscriptions have read them, so that new subscriptions can begin in the past,
  /// and old ones can be moved back. 0: no longer than they are needed (the default).
  std::optional<milliseconds> retain_for = {};
  /// What is older, or lies further back than so many messages or bytes, goes although subscriptions have not read it;
  /// each counts what it lost so. In steps of a sixteenth. 0: nothing is lost so (the default).
  std::optional<milliseconds> retention_age = {};
  std::optional<std::uint64_t> retention_messages = {};
  std::optional<std::uint64_t> retention_bytes = {};
  /// As of a queue.
  std::optional<milliseconds> deduplicate_for = {};
};

/// A durable subscription of a topic as it should be. Consumers compete on it as on a queue, with leases, attempts and
/// cases of its own; what becomes of a message here concerns no other subscription.
struct SubscriptionSpec {
  std::string name = {};
  std::string topic = {};
  /// In place of `topic`: all of these, on whatever shards. Messages of one topic come in its order, and say by
  /// Message::source and offset where they were published; between topics there is no order. Not with an offset as
  /// `start`, and `seek` is refused. A subscription is not given other topics later.
  std::vector<std::string> topics = {};
  /// Where it begins: "latest", with what is published after it was created (the default); "earliest", with the oldest
  /// message that the topic still has; an offset in digits; or a time (RFC 3339), with the first message that was
  /// published then or later. What lies beyond the end of the topic, or in the future, is errc::invalid_option; but
  /// a time at most a minute ahead of the broker's clock is "latest", since clocks differ. It is not compared by
  /// ensure.
  std::string start = {};
  // As of a queue.
  std::optional<std::uint32_t> max_attempts = {};
  std::optional<milliseconds> backoff_initial = {};
  std::optional<double> backoff_multiplier = {};
  std::optional<milliseconds> backoff_max = {};
  std::optional<double> backoff_jitter = {};
  std::optional<milliseconds> lease_duration = {};
  std::optional<std::uint32_t> max_worker_deaths = {};
  std::optional<bool> paused = {};
  std::optional<std::uint32_t> max_in_flight = {};
  std::optional<bool> single_active_consumer = {};
  std::optional<milliseconds> ttl = {};
  std::optional<std::string> on_expiry = {};
  std::optional<bool> order_by_key = {};
  std::optional<std::string> on_key_failure = {};
  /// Which messages of the topic it takes: terms that must all hold, separated by spaces, e.g.
  /// `orders.*.created header.region=eu`: wildcards over the type (* is one word, # any number of words), and `=`, `!=`
  /// or `~` (contains) for type, key, header.NAME, content_type, correlation_id, schema_id. A message that does not
  /// match is settled without being delivered, and counted as filtered_total. "": everything (the default).
  std::optional<std::string> filter = {};
  /// It lives as long as its consumers: it is deleted, with what they have not settled, when it has had none for 30
  /// seconds; a client that reconnects within that, also after a restart of the broker, goes on. Default: false.
  std::optional<bool> ephemeral = {};
  /// As of a queue.
  std::optional<milliseconds> case_retention = {};
  std::optional<std::uint64_t> case_retention_count = {};
  std::optional<std::uint64_t> hospital_max_bytes = {};
  // As of a queue.
  std::optional<bool> breaker = {};
  std::optional<std::uint32_t> breaker_samples = {};
  std::optional<double> breaker_ratio = {};
  std::optional<milliseconds> breaker_window = {};
  std::optional<milliseconds> breaker_pause = {};
  std::optional<std::string> owner = {};
  std::optional<std::string> runbook = {};
  std::optional<std::string> alert_to = {};
};

/// What a name stands for: one publishes to a queue or a topic, and consumes from a queue or a subscription.
enum class Kind : std::uint8_t { queue = 1, topic = 2, subscription = 3 };

/// One that consumes from a queue or a subscription.
struct ConsumerInfo {
  std::string name = {};  // as its client said: Options::name, host and version
  std::string host = {};
  std::string version = {};
  std::uint64_t in_flight = 0;            // messages that it has
  std::uint64_t begun = 0;                // of them those that it has begun on
  std::vector<std::string> accepts = {};  // the types that it takes; none: everything
};
/// The circuit breaker of a queue or a subscription (QueueSpec::breaker).
struct BreakerStatus {
  std::string state = "closed";                      // or "half_open" (one message at a time), "open" (none)
  std::chrono::system_clock::time_point since = {};  // the epoch: closed since the broker started
  std::chrono::system_clock::time_point until = {};  // while it is open: when the next message is tried
  /// Of its window; while it is not closed, of the one that opened it.
  std::uint64_t failures = 0, samples = 0;
  std::uint64_t opened_total = 0;  // since the broker started
};
/// One topic of a subscription of several.
struct SourceInfo {
  std::string topic = {};
  std::uint64_t lag = 0;  // messages that are not taken over yet
  std::uint64_t lost_to_retention_total = 0, filtered_total = 0;
  std::uint64_t damaged = 0;  // cases of messages that could not be read there
  double retention_used = 0;  // as of QueueInfo
};

/// A queue, a topic or a subscription as it is. Names and meanings are those of the HTTP API. What an older broker does
/// not say is 0, empty, or the first of its words.
struct QueueInfo {
  QueueSpec spec;        // every option given
  TopicSpec topic_spec;  // of a topic
  Kind kind = Kind::queue;
  std::string topic = {};                // of a subscription of one
  std::vector<std::string> topics = {};  // of a subscription
  std::string start = {};                // of a subscription
  std::uint32_t subscriptions = 0;       // of a topic
  std::uint64_t ready = 0, leased = 0, waiting = 0, in_hospital = 0, entered_total = 0, acked_total = 0;
  std::uint32_t consumers = 0;
  std::uint64_t cursor = 0;       // everything before this offset is settled; not of a topic
  std::uint64_t next_offset = 0;  // of the next message that is published
  /// With order_by_key: messages passed over because their keys are locked. `held_full`: there are as many as the
  /// broker remembers, so the next of a locked key stops what is behind it until a key is free.
  std::uint64_t held = 0;
  bool held_full = false;
  bool created = false;
  ProblemRef problem;
  std::uint64_t scheduled = 0;      // published with a delay that is not over
  std::uint64_t expired_total = 0;  // dropped since they were past their time to live
  std::string filter = {};          // of a subscription; what that has turned away does not count as entered
  bool ephemeral = false;           // of a subscription
  /// What the filter has turned away, or came into the topic with an imported case of another subscription.
  std::uint64_t filtered_total = 0;
  std::uint64_t unaccepted = 0;  // ready, and of types that no consumer accepts, as far as they were met
  /// Of a subscription: what it has not settled, those in the hospital and replays not counted.
  std::uint64_t lag = 0;
  /// Of a subscription: what the retention of its topic took unread, and how much of what that allows is used, a
  /// fraction: at 1 messages are lost unread.
  std::uint64_t lost_to_retention_total = 0;
  double retention_used = 0;
  std::uint64_t dropped_total = 0;     // pushed out by newer ones (overflow "drop_oldest")
  std::uint64_t discarded_total = 0;   // given up as cases
  std::uint64_t purged_total = 0;      // taken unread by a purge, or by a seek forward
  std::uint64_t redirected_total = 0;  // sent elsewhere from the hospital
  /// When the oldest ready message was published; the epoch: none is ready, or it cannot be read.
  std::chrono::system_clock::time_point oldest_ready_at = {};
  /// Who consumes; where their names would fill a frame, the first of them. `consumers` counts all.
  std::vector<ConsumerInfo> consumer_list = {};
  BreakerStatus breaker_status = {};
  std::vector<SourceInfo> sources = {};  // of a subscription of several topics
  std::uint64_t pending_requests = 0;    // that have not ended
  std::uint64_t late_replies_total = 0, lost_replies_total = 0;
  std::uint64_t suspects = 0;               // messages that a lost worker may have died of
  std::uint64_t failed_attempts_total = 0;  // since the broker started
  std::uint64_t offsets_left_out = 0;       // by unclean starts (durability "relaxed")
  std::uint64_t bytes = 0;                  // of a queue: of what it holds, about
  std::chrono::system_clock::time_point created_at = {};
  std::uint64_t first_offset = 0;           // of a topic: the oldest message that it may still have
  std::uint64_t hospital_bytes = 0;         // what its cases keep of messages,
  std::string hospital_level = {};          // and of hospital_max_bytes: "below", "filling" or "full"; of a topic ""
  std::uint64_t quarantines = 0;            // quarantine rules,
  std::uint64_t caught_by_quarantines = 0;  // and what they have caught
};
struct QueueList {
  std::vector<QueueInfo> queues;
  ProblemRef problem;
};
/// A message whose delay is not over. Of one that is damaged only `offset` and `deliver_at` are known.
struct ScheduledMessage {
  std::uint64_t offset = 0;
  std::chrono::system_clock::time_point deliver_at = {};
  MessageId id = {};
  std::string type = {};
  std::string key = {};
  std::string correlation_id = {};
  std::chrono::system_clock::time_point published_at = {};
  std::chrono::system_clock::time_point expires_at = {};  // the epoch: it has no end
  std::uint64_t body_bytes = 0;                           // as it is stored
  bool damaged = false;
};
struct ScheduledList {
  std::vector<ScheduledMessage> messages;  // the earliest first
  std::string next;                        // where to go on; "": nothing behind
  ProblemRef problem;
};
struct Count {
  std::uint64_t count = 0;
  ProblemRef problem;
};
/// Where a subscription was moved to.
struct Moved {
  std::uint64_t offset = 0;
  std::uint64_t entered = 0;  // messages that it reads again
  std::uint64_t purged = 0;   // messages that it left behind unread
  ProblemRef problem;
};
struct PeekedMessage {
  Message message;    // its body as it is stored: content_encoding says how
  std::string state;  // "ready", "leased", "waiting", "in_hospital", "replaying", "scheduled",
                      // "held"; of a topic "": it has one on each subscription
  std::uint32_t attempt = 0;
  bool damaged = false;
  /// It waits for its key, which the message at this offset has, or the case of that message.
  std::optional<std::uint64_t> held_by = {};
  bool unaccepted = false;  // it is ready, and no consumer accepts its type
  /// Of a lease or a wait: when it ends. The epoch: it is neither, or the broker is of an older version.
  std::chrono::system_clock::time_point until = {};
  /// Whose lease it is: its name, host and version only.
  std::optional<ConsumerInfo> consumer = {};
  /// Of a subscription of several topics: its place in the one that `message.source` names.
  std::optional<std::uint64_t> source_offset = {};
};
struct Peeked {
  std::vector<PeekedMessage> messages;
  std::uint64_t next = 0;  // where to go on; 0: nothing behind
  ProblemRef problem;
};

}  // namespace lazaret
