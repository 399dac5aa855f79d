// Every fixed limit of the broker, with its unit and its reason. What an operator may change is in the
// configuration; what stands here is part of the protocol, of the format on disk or of the memory budget.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace lazaret::model::limits {

using namespace std::chrono_literals;

// --- Messages -------------------------------------------------------------------------------------------------------
/// Default of `broker.max_message_bytes`; as large as RabbitMQ's since 4.0.
inline constexpr std::size_t kMessageBytesDefault = 16u << 20;
/// The most that `broker.max_message_bytes` may be. A larger body would not be a message any more, but a file.
inline constexpr std::size_t kMessageBytesMost = 256u << 20;
/// Default of `broker.max_header_bytes`: the whole envelope, headers and ids together.
inline constexpr std::size_t kEnvelopeBytesDefault = 64u << 10;
inline constexpr std::size_t kEnvelopeBytesMost = 1u << 20;
/// Longest key, type, content type, correlation id, header name.
inline constexpr std::size_t kEnvelopeFieldBytes = 1024;
inline constexpr std::size_t kHeaderCount = 256;
inline constexpr std::size_t kNameBytes = 200;

// --- Frames ---------------------------------------------------------------------------------------------------------
/// Before the handshake is complete a peer can make us hold no more than this.
inline constexpr std::size_t kFrameBytesBeforeHandshake = 64u << 10;
/// Items in one publish, verdict or delivery frame.
inline constexpr std::size_t kBatchItems = 1024;
/// What a sender aims at for the bodies of one batch; a larger body travels alone.
inline constexpr std::size_t kBatchBytes = 256u << 10;
/// What a frame may need beyond one largest message: its own header and those of a batch.
inline constexpr std::size_t kFrameOverheadBytes = 1u << 20;
/// What an item of a batch needs in the frame's header beside its envelope, at most.
inline constexpr std::size_t kItemHeaderBytes = 128;
static_assert(kFrameOverheadBytes >= kBatchBytes + kBatchItems * kItemHeaderBytes,
              "a full batch that ends with a largest message fits into a frame");
static_assert(kMessageBytesMost + kEnvelopeBytesMost + kFrameOverheadBytes <= 0x7fff'ffff,
              "the lengths of a frame are 32 bits, and protobuf's are signed");
/// The header of a frame that carries a batch: a largest envelope behind a full batch of others. All other headers are
/// small; they have names and numbers in them.
inline constexpr std::size_t kBatchHeaderBytes = 2u << 20;
inline constexpr std::size_t kPlainHeaderBytes = 64u << 10;
static_assert(kBatchHeaderBytes >= kEnvelopeBytesMost + kBatchBytes + kBatchItems * kItemHeaderBytes);
/// Fields of a header, on its own level. Two bytes are enough for one, and it may become an object of a hundred.
inline constexpr std::size_t kHeaderFields = 65536 + 64;
/// A thread keeps a decoded header to decode the next one into, until so many bytes went through it.
inline constexpr std::size_t kHeaderBytesKept = 256u << 10;

// --- Runs: the records of a log -------------------------------------------------------------------------------------
/// The most that any version has written: a trim looks for runs that reach into it no further back than this.
inline constexpr std::size_t kRunMessages = 64;
inline constexpr std::size_t kRunBytes = 16u << 10;

// --- The store -------------------------------------------------------------------------------------------------------
/// Data files that RocksDB has open at a time.
inline constexpr std::size_t kStoreFiles = 512;

/// Offsets that a relaxed log reserves with one sync: at half a million messages a second one every two seconds.
inline constexpr std::uint64_t kReservedOffsets = 1u << 20;

// --- Subscriptions --------------------------------------------------------------------------------------------------
/// How far ahead of the last grant the persisted high-water mark may be.
inline constexpr std::uint64_t kMarkAhead = 1024;
/// Acked ranges kept in the subscription's own record; more become bitmap chunks.
inline constexpr std::size_t kAckRanges = 64;
/// Offsets in one bitmap chunk (512 bytes).
inline constexpr std::uint64_t kAckChunkOffsets = 4096;
/// Settled tokens remembered per shard, so that a verdict sent again is answered as the first time.
inline constexpr std::size_t kSettledTokens = 65536;
/// Waiting messages (backoff, delay) kept in memory per shard; later ones wait on disk.
inline constexpr std::size_t kWaitingInMemory = 100'000;
/// Of those whose wait is over, ready and not delivered: with more, no others are read from the disk.
inline constexpr std::size_t kReadyInMemory = 16'384;
/// Message ids that a queue or topic remembers at most, and for how long at most, where it deduplicates by them.
inline constexpr std::size_t kRememberedIds = 1'000'000;
inline constexpr base::Duration kDeduplicateMost = 24h * 7;
/// How far ahead a message may be scheduled, and the longest time to live: ten years.
inline constexpr base::Duration kDelayMost = 24h * 3652;
/// So far the clock of whoever names a time to begin at may be ahead of the broker's: what is no further in the future
/// means the latest. Clocks that are kept differ by less, and nobody means such a time.
inline constexpr base::Duration kClockAhead = 1min;
/// How often a subscription looks for messages that are past their time to live and that nobody consumes.
inline constexpr base::Duration kSweepEvery = 1s;
/// So long an ephemeral subscription may be without a consumer: more than a client takes to come back.
inline constexpr base::Duration kEphemeralWaits = 30s;
/// Messages that a subscription with order_by_key passes over because their keys are locked, and remembers (about 100
/// bytes each). As long as there are so many, a fresh message of a locked key lets nothing by that is behind it.
inline constexpr std::size_t kHeldMessages = 65'536;
/// … of all subscriptions of a shard: beyond, each may have kHeldLeast.
inline constexpr std::size_t kHeldPerShard = 524'288;
inline constexpr std::size_t kHeldLeast = 1024;
/// A subscription's filter: its characters, and its terms; and the words of a pattern of types, there and in `accepts`.
inline constexpr std::size_t kFilterBytes = 1024;
inline constexpr std::size_t kFilterTerms = 16;
/// A filter of cases (model/case_query.h): it may name ids, and texts of errors.
inline constexpr std::size_t kCaseQueryBytes = 4096;
inline constexpr std::size_t kCaseQueryTerms = 32;
/// Cases that one request counts by looking at them.
inline constexpr std::size_t kCasesCounted = 20'000;
/// What people note about a group of cases.
inline constexpr std::size_t kGroupNoteBytes = 4096;
inline constexpr std::size_t kGroupFieldBytes = 256;
inline constexpr std::size_t kPatternWords = 32;
/// Words that a consumer may name in its `accepts`.
inline constexpr std::size_t kAcceptedTypes = 64;
/// Messages that nobody who has room for one accepts, and that a subscription sets aside (about 500 bytes each) and
/// goes on behind. As long as there are so many, the next one of that kind lets nothing by that is behind it.
inline constexpr std::size_t kAsideMessages = 16'384;
/// … of all subscriptions of a shard: beyond, each may have kAsideLeast.
inline constexpr std::size_t kAsidePerShard = 131'072;
inline constexpr std::size_t kAsideLeast = 1024;
/// Ready messages kept in memory for one subscription, and for all subscriptions of a shard.
inline constexpr std::size_t kTailMessages = 8192;
inline constexpr std::size_t kTailBytes = 4u << 20;
inline constexpr std::uint64_t kTailBytesPerShard = 16u << 20;
/// Confirms are held for consumers that take what waits for them, at the rate that was seen last, in this time. That
/// rate is of looks so far apart at least.
inline constexpr base::Duration kCatchUp = 250ms;
inline constexpr base::Duration kTakingRateEvery = 20ms;
/// How often it is looked whether they still have to wait; and how long none are held after consumers took nothing for
/// kTakingRateEvery meanwhile.
inline constexpr base::Duration kHeldLookEvery = 1ms;
inline constexpr base::Duration kHoldRestLeast = 100ms;
inline constexpr base::Duration kHoldRestMost = 60s;
/// Read from the disk ahead of consumers that lag, for one subscription: half of it is handed out while the other half
/// is read. When the subscriptions of a shard hold much, each gets a quarter of what is left, at least kPageBytes / 4.
inline constexpr std::size_t kAheadMessages = 4096;
inline constexpr std::size_t kAheadBytes = 4u << 20;
/// One page read from the store.
inline constexpr std::size_t kPageMessages = 1024;
inline constexpr std::size_t kPageBytes = 1u << 20;
/// Messages that the SDK may announce as started ahead of their begin.
inline constexpr std::size_t kStartedAhead = 16;

// --- Errors that a consumer reports (cut beyond, and marked as cut) -------------------------------------------------
inline constexpr std::size_t kErrorTypeBytes = 200;
inline constexpr std::size_t kErrorMessageBytes = 4u << 10;
inline constexpr std::size_t kErrorDetailsBytes = 64u << 10;

// --- Requests -------------------------------------------------------------------------------------------------------
/// What a shard has on its way to another one: entries, and bytes. The rest waits on the disk.
inline constexpr std::size_t kOutboxEntries = 256;
inline constexpr std::size_t kOutboxBytes = 8u << 20;

/// Topics of one subscription.
inline constexpr std::size_t kFanInTopics = 64;
/// What hands over the messages of a topic to a subscription of several has so many of them, and about so many bytes,
/// on the way; and puts so many into one letter.
inline constexpr std::size_t kFeedMessages = 4096;
inline constexpr std::size_t kFeedBytes = 8u << 20;
/// All of a shard together; beyond, each has one letter on the way at most.
inline constexpr std::size_t kFeedBytesPerShard = 64u << 20;
inline constexpr std::size_t kFeedLetterMessages = 256;
inline constexpr std::size_t kFeedLetterBytes = 256u << 10;

/// Open requests of a shard; more are refused.
inline constexpr std::size_t kPendingRequests = 100'000;
/// Requests that have ended and are remembered, of a shard, and the bytes of their replies; beyond, the oldest is
/// forgotten of those whose requester was told or of the others, whichever are more, so that each are sure of half.
/// After a start nobody counts as told. A single larger reply is remembered all the same.
inline constexpr std::size_t kRequestsRemembered = 16'384;
inline constexpr std::size_t kReplyBytesRemembered = 16u << 20;
/// How long after its end, or after its deadline, whichever is later.
inline constexpr base::Duration kRequestRememberedFor = 60s;
/// The furthest that a deadline may lie ahead.
inline constexpr base::Duration kRequestTimeMost = 24h * 365;
/// Whoever has a request at its deadline and has not begun is asked to give it back; and has so long to say so.
inline constexpr base::Duration kRecallPatience = 250ms;
/// Connections that wait for one request.
inline constexpr std::size_t kWaitersPerRequest = 16;
/// Open requests of one connection.
inline constexpr std::size_t kRequestsPerConnection = 8192;
/// What a durable request leaves with the broker: names and values together. Their names and number are as of headers.
inline constexpr std::size_t kContextBytes = 64u << 10;
/// … of all open requests of a shard, with the notes that are kept of them. Beyond, durable requests are refused, and
/// notes are told but not kept.
inline constexpr std::size_t kRequestBytes = 64u << 20;
/// What the broker adds to the envelope of an answer when it goes to a reply queue.
inline constexpr std::size_t kReplyBytes = kContextBytes + kHeaderCount * 16 + (8u << 10);
static_assert(kBatchHeaderBytes >= kEnvelopeBytesMost + kReplyBytes + kBatchBytes + kBatchItems * kItemHeaderBytes);
/// Why a responder declines; cut beyond.
inline constexpr std::size_t kReasonBytes = 4u << 10;

// --- The hospital ---------------------------------------------------------------------------------------------------
/// Edits of one case: all its versions are kept as long as the case is.
inline constexpr std::uint32_t kCaseVersions = 100;
/// What was done to one case (CaseRecord::history): so many of the newest entries are kept, and the others counted.
inline constexpr std::size_t kCaseHistory = 100;
/// Why a case is discarded, in words.
inline constexpr std::size_t kDiscardReasonBytes = 1024;
/// How long a closed case is kept: the shortest, and the longest, ten years.
inline constexpr base::Duration kCaseRetentionLeast = 1s;
inline constexpr base::Duration kCaseRetentionMost = 24h * 3652;
/// So many closed cases a subscription may be told to keep at most: more than anybody looks through, and far from where
/// sums of them could overflow.
inline constexpr std::uint64_t kCaseRetentionCountMost = 1'000'000'000;
/// The largest byte budget of a hospital: an exbibyte.
inline constexpr std::uint64_t kHospitalBytesMost = 1ull << 60;
/// The same of a closed case whose queue or subscription was deleted, and its options with it.
inline constexpr base::Duration kOrphanRetention = 30 * 24h;
/// Closed cases that go in one step when their time is over.
inline constexpr std::size_t kClosedPage = 1024;
/// Who edits, and what they say of it.
inline constexpr std::size_t kActorBytes = 200;
/// Attempts of a case that is imported: as many as max_attempts may allow.
inline constexpr std::size_t kImportedAttempts = 10'000;
inline constexpr std::size_t kCaseNoteBytes = 1024;
/// What is said of a backup, and backups that somebody may want to be kept.
inline constexpr std::size_t kBackupNoteBytes = 1024;
inline constexpr std::uint64_t kBackupsKept = 100'000;

// --- Deduplication --------------------------------------------------------------------------------------------------
/// Sequences remembered per producer and log.
inline constexpr std::uint64_t kDedupWindow = 4096;
/// Unconfirmed publishes that a client may have per producer: all must fit into the window.
inline constexpr std::uint64_t kPublishWindow = 4096;
static_assert(kPublishWindow <= kDedupWindow, "a repeated publish must still be recognised");
/// A producer is forgotten this long after its last publish.
inline constexpr base::Duration kDedupForgetAfter = 24h;

// --- Connections ----------------------------------------------------------------------------------------------------
inline constexpr base::Duration kHeartbeat = 10s;
inline constexpr base::Duration kHandshakeTimeout = 5s;
/// What waits to be written to one connection before we stop reading from it, and before we close it. Deliveries and
/// peeked messages do not count: they come when there is room for them.
inline constexpr std::size_t kOutboxBytesPause = 8u << 20;
inline constexpr std::size_t kOutboxBytesClose = 64u << 20;
/// Deliveries that wait to be written to one connection before its consumers get no more: shared out evenly among the
/// shards. The last one of each shard may go beyond.
inline constexpr std::size_t kOutboxBytesDeliver = 8u << 20;
/// What the kernel may hold of a connection that is to end, at most: so much is read of it, and no more.
inline constexpr std::size_t kSocketBytes = 16u << 20;
/// One write to a connection. It must end within two heartbeats, however large the bodies are.
inline constexpr std::size_t kWriteBytes = 1u << 20;
/// Requests of one connection that wait for their answer; beyond, the session stops reading. Twice the window of a
/// producer that puts every message into a frame of its own.
inline constexpr std::size_t kUnansweredRequests = 8192;
/// Results of publishes and verdicts that one connection waits for; beyond, the same. As many as 64 full batches have.
inline constexpr std::size_t kUnansweredResults = 64 * kBatchItems;
/// What was read from all connections and waits: publishes for the disk, all other commands for their shard. Beyond,
/// every session that submits something stops reading until half of it is done.
inline constexpr std::size_t kIngestBytes = 64u << 20;
/// What a command or an item of one takes in memory beside the bytes that came for it, and so in that account: the
/// mailboxes of all shards together hold at most kIngestBytes / kCommandBytes of them, and one batch of each session.
inline constexpr std::size_t kCommandBytes = 640;
/// Descriptors of the process that connections of clients leave for others: the store's files, whose failure would end
/// the process, and the HTTP API. Half of them, where the process may have few.
inline constexpr std::size_t kDescriptorsLeft = kStoreFiles + 512;
inline constexpr std::size_t kConsumersPerConnection = 1024;
inline constexpr std::size_t kProducersPerConnection = 1024;
/// Credit that one consumer may have: messages and bytes out to it and not settled.
inline constexpr std::uint64_t kCreditMessages = 65536;
inline constexpr std::uint64_t kCreditBytes = 256u << 20;
static_assert(kCreditMessages < kHeaderFields, "what a consumer may have it may also present");
static_assert(kMessageBytesMost <= kCreditBytes, "a largest message is no more than one consumer may have");
static_assert(kWriteBytes <= kOutboxBytesDeliver && kOutboxBytesPause < kOutboxBytesClose);

// --- Replay jobs ----------------------------------------------------------------------------------------------------
/// Cases that one record of a job's set names; a larger set has several.
inline constexpr std::size_t kReplayChunkCases = 1000;
/// Cases that one page of a job's cases looks at: ten such records, as a list of cases looks at so many.
inline constexpr std::size_t kReplayLooks = 10'000;
/// Cases a second, unless a job says otherwise. A replay costs a broker about as much as four messages published and
/// consumed (the change of state, the delivery's record, the attempt, the discharge); 500 are a few in a hundred of
/// what two cores do, and leave consumers that are busy half of their leases for what is new.
inline constexpr std::uint32_t kReplayRate = 500;
inline constexpr std::uint32_t kReplayRateMost = 100'000;
/// Of one job in replay lanes or with consumers at a time, unless it says otherwise, and at most. Lanes are in memory.
inline constexpr std::uint32_t kReplayConcurrency = 10'000;
inline constexpr std::uint32_t kReplayConcurrencyMost = 100'000;
/// Of a set of more cases than this one goes first, unless the job says otherwise.
inline constexpr std::uint64_t kReplaysWithoutCanary = 10;
/// A failure ratio is none before so many have an outcome; of a job of fewer, all.
inline constexpr std::uint64_t kReplaySamples = 20;
/// Jobs that have ended and are remembered; the oldest are forgotten beyond.
inline constexpr std::size_t kReplayJobsKept = 1000;
/// Jobs that have not ended.
inline constexpr std::size_t kReplayJobsOpen = 64;
/// Cases that one job names by their ids.
inline constexpr std::size_t kReplayIds = 100'000;
/// Cases of a job that waits for a version which are looked at for one of a certain queue.
inline constexpr std::size_t kReplayWaitLooks = 10 * kReplayLooks;
/// Bytes of messages that one job has under way to another queue or topic; one goes at least.
inline constexpr std::size_t kReplayRedirectBytes = 16u << 20;
/// Cases of a set that are put into their order in memory (3 MB); those of a larger set are read in it.
inline constexpr std::size_t kReplaySorted = 100'000;
// --- The hospital ---------------------------------------------------------------------------------------------------
/// Quarantine rules of a subscription: each is looked at for each message.
inline constexpr std::size_t kQuarantineRules = 100;
/// What may be said of one.
inline constexpr std::size_t kQuarantineReasonBytes = 1024;
/// Cases that one call discards or restores: it is answered within a fraction of a second, and the audit trail has one
/// entry for so many.
inline constexpr std::size_t kCasesTogether = 1000;
/// Of which so many are with the shards at a time. What comes together is one write; what else goes on waits for that.
inline constexpr std::size_t kCasesAtOnce = 250;
static_assert(kCasesTogether % kCasesAtOnce == 0);

// --- The audit trail ------------------------------------------------------------------------------------------------
/// Of an entry: who, from where, which operation, the name of a field; what it is about, and what a field says. What is
/// longer is cut.
inline constexpr std::size_t kAuditNameBytes = 256;
inline constexpr std::size_t kAuditTextBytes = 1024;
/// Of a call's details, of what was before, and of what is after; what is beyond is left out.
inline constexpr std::size_t kAuditFieldsBytes = 16u << 10;
/// Entries that one page looks at.
inline constexpr std::size_t kAuditLooks = 10'000;
/// Entries that are too old and go with one that is written: more than come, so they get no more.
inline constexpr std::size_t kAuditTrimmed = 16;
// --- Alerts ---------------------------------------------------------------------------------------------------------
/// Of the options of a queue that are for people.
inline constexpr std::size_t kOwnerBytes = 256;
inline constexpr std::size_t kRunbookBytes = 1024;
inline constexpr std::size_t kAlertToBytes = 256;
/// Alerts that are kept, on the disk too, with what became of them; the oldest go.
inline constexpr std::size_t kAlertsKept = 1000;
/// Alerts that wait for one webhook; the oldest is dropped beyond, and counted.
inline constexpr std::size_t kAlertsWaiting = 1000;
/// Webhooks of a configuration.
inline constexpr std::size_t kWebhooks = 64;
/// Groups with new cases that one look takes in, and subscriptions whose oldest case is looked up.
inline constexpr std::size_t kGroupsALook = 1000;
inline constexpr std::size_t kOldestCases = 10'000;

// --- Admin API ------------------------------------------------------------------------------------------------------
inline constexpr std::size_t kPageItems = 1000;
inline constexpr std::size_t kPageItemsDefault = 100;

}  // namespace lazaret::model::limits
