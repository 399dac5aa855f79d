// What each frame says, as plain structs, and how it is encoded and decoded. Protobuf stops here.
// What may follow what, and what each request can be answered with: proto/README.md.
//
// `encode` never fails. `decode` gives BAD_FRAME for bytes that are not that frame, and never more memory than a
// small multiple of what was received.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "model/answer.h"
#include "model/command.h"
#include "model/options.h"
#include "model/request_record.h"
#include "wire/frame.h"

namespace lazaret::wire {

/// The same numbers as `lazaret.wire.v1.FrameType`.
enum class FrameType : std::uint8_t {
  hello = 1,
  publish = 2,
  open_producer = 3,
  open_consumer = 4,
  add_credit = 5,
  started = 6,
  settle = 7,
  close_consumer = 8,
  queue_request = 9,
  peek = 10,
  goodbye = 11,
  close_producer = 12,
  request = 13,
  cancel_request = 14,
  answer = 15,
  ask = 16,
  ping = 30,
  pong = 31,
  welcome = 40,
  published = 41,
  producer_opened = 42,
  consumer_opened = 43,
  deliver = 44,
  settled = 45,
  recall = 46,
  lease_ended = 47,
  consumer_ended = 48,
  queue_response = 49,
  peeked = 50,
  error = 51,
  closing = 52,
  reply = 53,
  answered = 54,
  asked = 55,
};

// --- Handshake ------------------------------------------------------------------------------------------------------

inline constexpr std::uint32_t kProtocolVersion = 1;
/// Optional features, by name. "time": delays and times to live; "requests": REQUEST, CANCEL_REQUEST and ANSWER;
/// "asks": ASK; "transactions": what is published in the same write as a verdict, or as another message; "asks_along":
/// durable requests among that; "asks_together": the other message may be one too; "priority": the envelope's field of
/// that name; "schedules": the verbs of queues that list and cancel what is scheduled.
inline constexpr std::string_view kFeatureTime = "time";
inline constexpr std::string_view kFeatureRequests = "requests";
inline constexpr std::string_view kFeatureAsks = "asks";
inline constexpr std::string_view kFeatureTransactions = "transactions";
inline constexpr std::string_view kFeatureAsksAlong = "asks_along";
inline constexpr std::string_view kFeatureAsksTogether = "asks_together";
inline constexpr std::string_view kFeaturePriority = "priority";
inline constexpr std::string_view kFeatureSchedules = "schedules";
/// All that this version knows, for a Hello.
std::vector<std::string> features();
/// Those of them that are `theirs` too, for a Welcome.
std::vector<std::string> features_of_both(const std::vector<std::string>& theirs);

struct Hello {
  std::uint32_t version_least = kProtocolVersion;
  std::uint32_t version_most = kProtocolVersion;
  std::vector<std::string> features;
  model::InstanceRecord instance;
  struct Resume {
    model::SessionId session;
    std::uint32_t consumers = 0;
    std::uint32_t connections = 1;
  };
  std::optional<Resume> resume;
};
struct Welcome {
  std::uint32_t version = kProtocolVersion;
  std::vector<std::string> features;
  model::SessionId session;
  std::uint64_t max_message_bytes = 0;
  std::uint64_t max_header_bytes = 0;
  std::uint64_t max_frame_bytes = 0;
  std::uint32_t max_batch_items = 0;
  std::uint32_t max_publish_window = 0;
  base::Duration heartbeat{};
  std::string admin_address;
  base::Uuid broker_instance;
  std::string broker_version;
};
struct Ping {
  std::uint64_t number = 0;
};
struct Pong {
  std::uint64_t number = 0;
};
struct Goodbye {};
struct Error {
  std::uint64_t request = 0;  // 0: the connection
  base::Status status;
};
struct Closing {
  base::Status status;
};

// --- Publishing -----------------------------------------------------------------------------------------------------

struct OpenProducer {
  std::uint64_t request = 0;
  std::string queue;
  std::optional<model::ProducerId> producer_id;
};
struct ProducerOpened {
  std::uint64_t request = 0;
  base::Status status;
  std::uint32_t producer = 0;
  std::uint64_t last_sequence = 0;
};
struct CloseProducer {
  std::uint32_t producer = 0;
};
struct PublishItem {
  std::uint64_t sequence = 0;
  base::SharedBytes envelope;
  base::SharedBytes body;
  std::uint32_t body_crc = 0;
  // What model::AskedTimes says; when it expires stands in the envelope.
  base::Duration delay{};
  base::Instant deliver_at;
  base::Duration ttl{};
};
using Context = std::vector<std::pair<std::string, std::string>>;
/// What is published in the same write as something else.
struct AddressedItem {
  std::string to;
  PublishItem item;
  // Of a durable request, as in Ask.
  std::string reply_queue{};  // "": it is none
  base::Duration time_left{};
  Context context{};
  bool is_ask() const { return !reply_queue.empty(); }
};
/// Null: nothing.
using AddressedItems = std::shared_ptr<const std::vector<AddressedItem>>;
/// What makes a publish a durable request, as in Ask.
struct AskTerms {
  std::string reply_queue;
  base::Duration time_left{};
  Context context;
};
using AskTermsRef = std::shared_ptr<const AskTerms>;
struct Publish {
  std::uint64_t request = 0;
  std::uint32_t producer = 0;
  std::vector<PublishItem> items;
  AddressedItems together = nullptr;  // with one item only
  AskTermsRef ask = nullptr;          // of the one item; null: it is none
};
struct Published {
  std::uint64_t request = 0;
  std::vector<model::PublishResult> results;
  base::Status status;  // of the refusals
};

// --- Consuming ------------------------------------------------------------------------------------------------------

/// A lease without its shard and subscription, which the consumer has.
struct Token {
  model::LogId log;
  model::Offset offset;
  model::Grant grant;
  auto operator<=>(const Token&) const = default;
};
struct HeldToken {
  Token token;
  bool begun = false;
  std::uint64_t delivery = 0;
};
struct OpenConsumer {
  std::uint64_t request = 0;
  std::uint64_t consumer = 0;
  std::string queue;
  std::uint64_t credit_messages = 0;
  std::uint64_t credit_bytes = 0;
  std::vector<HeldToken> held;
  bool more = false;
  std::vector<std::string> accepts{};
};
struct ConsumerOpened {
  std::uint64_t request = 0;
  base::Status status;
  std::uint64_t consumer = 0;
  model::ShardId shard;
  model::SubscriptionId subscription;
  std::vector<bool> held;
  base::Duration lease_duration{};
  std::string source;  // the queue, or the topic of a subscription
};
struct AddCredit {
  std::uint64_t consumer = 0;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
};
struct Delivery {
  std::uint64_t delivery = 0;
  Token token;
  std::uint32_t attempt = 1;
  bool redelivered = false;
  bool isolated = false;
  model::Offset source_offset;
  base::Instant published_at;
  base::SharedBytes envelope;
  base::SharedBytes body;
  std::uint32_t body_crc = 0;
  base::Duration time_left{};  // of a request; 0: it is none
  std::string source{};        // where that is not the consumer's; else ""
};
struct Deliver {
  std::uint64_t consumer = 0;
  std::vector<Delivery> deliveries;
};
struct Started {
  std::uint64_t consumer = 0;
  std::uint64_t delivery = 0;
};
struct ResponderReply {
  model::RequestOutcome outcome = model::RequestOutcome::answered;  // or declined
  base::SharedBytes envelope;
  base::SharedBytes body;
  std::uint32_t body_crc = 0;
  std::string reason;
};
struct Verdict {
  model::VerdictKind kind = model::VerdictKind::ack;
  Token token;
  model::ErrorReport error;
  bool handler_timeout = false;
  std::optional<base::Duration> delay;
  std::shared_ptr<const ResponderReply> reply;  // ack of a request
  AddressedItems publishes = nullptr;           // ack
};
struct Settle {
  std::uint64_t request = 0;  // 0: nobody waits
  std::uint64_t consumer = 0;
  std::vector<Token> acks;
  std::vector<Verdict> verdicts;
};
struct Settled {
  std::uint64_t request = 0;
  /// Only those that are not plainly done; `index` counts acks first, then verdicts.
  std::vector<std::pair<std::uint32_t, model::VerdictResult>> results;
};
struct CloseConsumer {
  std::uint64_t request = 0;
  std::uint64_t consumer = 0;
};
struct Recall {
  std::uint64_t consumer = 0;
  std::vector<std::uint64_t> deliveries{};  // empty: everything
};
struct LeaseEnded {
  std::uint64_t consumer = 0;
  std::vector<Token> tokens;
};
struct ConsumerEnded {
  std::uint64_t consumer = 0;
  base::Status status;
};

// --- Queues ---------------------------------------------------------------------------------------------------------

using model::OptionsPatch;
enum class QueueVerb : std::uint8_t {
  create = 1,
  ensure = 2,
  show = 3,
  list = 4,
  update = 5,
  remove = 6,
  purge = 7,
  seek = 8,
  list_scheduled = 9,
  cancel_scheduled = 10,
};
struct QueueRequest {
  std::uint64_t request = 0;
  QueueVerb verb = QueueVerb::show;
  std::string name;
  OptionsPatch options;
  bool force = false;
  std::uint32_t max = 0;
  std::string colocate_with;
  model::Kind kind = model::Kind::queue;  // create, ensure, list
  std::string topic;                      // of a subscription
  model::StartPoint start;                // of a subscription; seek
  bool scheduled = false;                 // purge
  std::vector<std::string> topics{};      // of a subscription of several
  std::string cursor{};                   // list_scheduled
  std::optional<model::Offset> offset{};  // cancel_scheduled
  model::MessageId message_id{};          // cancel_scheduled; nil: by its offset
};
struct QueueInfo {
  std::string name;
  model::QueueOptions options;
  model::ShardId shard;
  std::uint64_t ready = 0, leased = 0, waiting = 0, in_hospital = 0, entered = 0, acked = 0;
  std::uint32_t consumers = 0;
  model::Kind kind = model::Kind::queue;
  std::string topic;
  model::StartPoint start;
  std::uint32_t subscriptions = 0;
  model::Offset cursor;
  model::Offset next_offset;
  std::uint64_t scheduled = 0, expired = 0;
  std::uint64_t held = 0;
  bool held_full = false;
  std::uint64_t filtered = 0, unaccepted = 0;
  std::vector<std::string> topics{};  // of a subscription
  std::uint64_t lag = 0;              // of a subscription
  std::uint64_t lost_to_retention = 0, dropped = 0, discarded = 0, purged = 0, redirected = 0;
  double retention_used = 0;
  base::Instant oldest_ready_at;  // 0: none is ready
  std::vector<model::ConsumerStats> consumer_list{};
  model::BreakerStats breaker;
  std::vector<model::SourceStats> sources{};
  std::uint64_t pending_requests = 0, late_replies = 0, lost_replies = 0;
  std::uint64_t suspects = 0, failed_attempts = 0, offsets_left_out = 0, bytes = 0;
  base::Instant created_at;
  model::Offset first_offset;  // of a topic
  std::uint64_t hospital_bytes = 0;
  model::HospitalLevel hospital_level = model::HospitalLevel::below;
  std::uint64_t quarantines = 0, caught_by_quarantines = 0;
};
/// A message whose delay is not over.
struct ScheduledMessage {
  model::Offset offset;
  base::Instant deliver_at;
  model::MessageId id;
  std::string type;
  std::string key;
  std::string correlation_id;
  base::Instant published_at;
  base::Instant expires_at;  // 0: it has no end
  std::uint64_t body_bytes = 0;
  bool damaged = false;
};
struct QueueResponse {
  std::uint64_t request = 0;
  base::Status status;
  std::vector<QueueInfo> queues;
  bool created = false;
  std::uint64_t count = 0;
  model::Offset offset;       // seek, cancel_scheduled
  std::uint64_t entered = 0;  // seek
  std::vector<ScheduledMessage> scheduled{};
  std::string cursor{};  // of scheduled; empty: there are no more
};
struct Peek {
  std::uint64_t request = 0;
  std::string queue;
  std::optional<model::Offset> from;  // nullopt: the first that is not settled
  std::uint32_t max = 0;
};
struct PeekedMessage {
  model::Offset offset;
  base::Instant published_at;
  base::SharedBytes envelope;
  base::SharedBytes body;
  std::uint32_t body_crc = 0;
  std::optional<model::MessageState> state = model::MessageState::ready;  // nullopt: of a topic, where it has none
  std::uint32_t attempt = 0;
  bool damaged = false;
  std::optional<model::Offset> held_by;
  bool unaccepted = false;
  std::string source{};  // of a subscription of several topics: the one, and its place there
  model::Offset source_offset{};
  base::Instant until{};                          // of a lease or a wait; 0: it is neither
  std::optional<model::ConsumerInfo> consumer{};  // without its instance
};
struct Peeked {
  std::uint64_t request = 0;
  base::Status status;
  std::vector<PeekedMessage> messages;
  model::Offset next;
};

// --- Requests -------------------------------------------------------------------------------------------------------

struct Request {
  std::uint64_t request = 0;
  std::string queue;
  base::Duration time_left{};
  base::SharedBytes envelope;
  base::SharedBytes body;
  std::uint32_t body_crc = 0;
};
struct Ask {
  std::uint64_t request = 0;
  std::string queue;
  std::string reply_queue;
  base::Duration time_left{};
  base::SharedBytes envelope;
  base::SharedBytes body;
  std::uint32_t body_crc = 0;
  Context context;
};
struct Asked {
  std::uint64_t request = 0;
  base::Status status;
  model::Offset offset;
  bool duplicate = false;
};
struct CancelRequest {
  std::string queue;
  model::MessageId id;
};
struct Reply {
  std::uint64_t request = 0;
  base::Status status;
  model::RequestOutcome outcome = model::RequestOutcome::open;
  model::Reached reached = model::Reached::unknown;
  bool late = false;
  bool final = true;
  std::string reason;
  std::optional<model::CaseId> case_id;
  base::SharedBytes envelope;
  base::SharedBytes body;
  std::uint32_t body_crc = 0;
  base::Instant published_at;
};
struct Answer {
  std::uint64_t request = 0;  // 0: nobody waits
  std::string queue;
  model::MessageId id;
  ResponderReply reply;
  bool note = false;
};
struct Answered {
  std::uint64_t request = 0;
  base::Status status;
  bool told = false;
};

// --- Encoding -------------------------------------------------------------------------------------------------------

OutFrame encode(const Hello& frame);
OutFrame encode(const Welcome& frame);
OutFrame encode(const Ping& frame);
OutFrame encode(const Pong& frame);
OutFrame encode(const Goodbye& frame);
OutFrame encode(const Error& frame);
OutFrame encode(const Closing& frame);
OutFrame encode(const OpenProducer& frame);
OutFrame encode(const ProducerOpened& frame);
OutFrame encode(const CloseProducer& frame);
OutFrame encode(const Publish& frame);
OutFrame encode(const Published& frame);
OutFrame encode(const OpenConsumer& frame);
OutFrame encode(const ConsumerOpened& frame);
OutFrame encode(const AddCredit& frame);
OutFrame encode(const Deliver& frame);
OutFrame encode(const Started& frame);
OutFrame encode(const Settle& frame);
OutFrame encode(const Settled& frame);
OutFrame encode(const CloseConsumer& frame);
OutFrame encode(const Recall& frame);
OutFrame encode(const LeaseEnded& frame);
OutFrame encode(const ConsumerEnded& frame);
OutFrame encode(const QueueRequest& frame);
OutFrame encode(const QueueResponse& frame);
OutFrame encode(const Peek& frame);
OutFrame encode(const Peeked& frame);
OutFrame encode(const Request& frame);
OutFrame encode(const CancelRequest& frame);
OutFrame encode(const Ask& frame);
OutFrame encode(const Asked& frame);
OutFrame encode(const Reply& frame);
OutFrame encode(const Answer& frame);
OutFrame encode(const Answered& frame);

// --- Decoding -------------------------------------------------------------------------------------------------------

/// `decode<Publish>(frame)`; REQUIRES that the frame's type is that of T.
template <class T>
base::Result<T> decode(const Frame& frame);

}  // namespace lazaret::wire
