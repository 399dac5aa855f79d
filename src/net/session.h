// Session: one connection of a client. One reader, one writer, one bounded outbox.
//
//   bytes ─▶ FrameReader ─▶ handle(frame): decode → validate → submit        (commands.cpp)
//   bytes ◀─ WriteQueue  ◀─ tell(answers): encode                            (answers.cpp)
//
// Life: handshake → open → (goodbye | closed | silent | replaced | a protocol error) → flushed → closed.
//
// Threading: everything runs on the session's own I/O thread, except what Outbox says and `stop`.
// Invariants:
//   1. Everything that was read is submitted before end_session, in the order in which it was read, but for what waits
//      for a queue to be made; a write error never ends a session, its reader drains to the end first.
//   2. While the outbox is over kOutboxBytesPause, more than kUnansweredRequests wait for their answer, the engine is
//      full, or queues are made that a frame names (auto_create.cpp), nothing is read.
//   3. Deliveries wait in the broker, not here: the outbox has kOutboxBytesDeliver of them, and the shards are told
//      what has gone out. One peek at a time is read, and has gone out before the next.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/container/deque.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "engine/audit_trail.h"
#include "engine/engine.h"
#include "net/server.h"
#include "wire/envelope.h"
#include "wire/frames.h"
#include "wire/write_queue.h"

namespace lazaret::net {

/// Deliveries of each shard that may wait in a session's outbox.
std::uint64_t deliver_bytes_of_a_shard(const engine::Engine& engine);

namespace asio = boost::asio;
using asio::ip::tcp;

/// What all sessions of a server share.
struct SessionContext {
  engine::Engine& engine;
  const ServerConfig& config;
  /// For reads of the store (peek): never on an I/O thread.
  asio::thread_pool& store_readers;
  /// The server stops: what is still to be read is not read any more.
  std::atomic<bool>& stopping;
};

class Session final : public engine::Outbox, public std::enable_shared_from_this<Session> {
 public:
  using SteadyClock = std::chrono::steady_clock;

  Session(tcp::socket socket, SessionContext& context, std::uint64_t seed);

  /// Runs until the connection has ended, and calls `gone` with itself then. `gone` must not hold the session: when the
  /// server stops first, nothing else would let go of it.
  void start(std::function<void(const std::shared_ptr<Session>&)> gone);
  asio::any_io_executor executor() { return socket_.get_executor(); }
  /// Any thread: reads no more, waits a second at most for the answers that are due, tells the client Closing and ends.
  void stop();

  // Outbox
  void tell(std::vector<model::Answer>&& answers) override;
  void resume_reading() override;
  void replaced() override;

 private:
  struct Producer {
    model::ShardId shard;
    model::LogId log;
    std::optional<model::ProducerId> id;
    engine::QueueRef queue;  // or topic
  };
  struct Consumer {
    model::ShardId shard;
    model::SubscriptionId subscription;
    /// opening: only frames with `more` came so far. closed: by either side.
    enum class Phase : std::uint8_t { opening, open, closed } phase = Phase::opening;
    /// Tokens of OpenConsumer frames with `more`, until the last one.
    std::vector<wire::HeldToken> held;
  };
  /// Items of a publish that were refused here, each with its place, while `submitted` others are under way.
  struct RefusedItems {
    std::size_t submitted = 0;
    std::vector<std::pair<std::size_t, base::Status>> items;
  };
  /// Verdicts of a settle that were refused here for what goes out with them, each with its place.
  using RefusedVerdicts = std::vector<std::pair<std::size_t, base::Status>>;
  /// A frame that came into the outbox because there was room for it; when it has gone out, there is room again.
  struct Roomy {
    std::uint64_t end = 0;  // its place in the outbox
    std::size_t bytes = 0;  // of the frame
    /// Deliveries: of which shard, and how many bytes of them. Else it is a peek.
    std::optional<model::ShardId> shard;
    std::size_t delivered = 0;
  };
  struct WaitingPeek {
    std::uint64_t request = 0;
    engine::QueueRef queue;
    std::optional<model::Offset> from;
    std::size_t max = 0;
  };
  /// What to do with the answer to a request of ours.
  using Then = std::function<void(model::Answer&&)>;

  // session.cpp: the life of a connection
  asio::awaitable<void> run();
  asio::awaitable<bool> shake_hands();
  asio::awaitable<base::Result<wire::Hello>> read_hello();
  asio::awaitable<void> replace(const wire::Hello& hello);
  void welcome(const wire::Hello& hello);
  asio::awaitable<void> read_frames();
  asio::awaitable<bool> read_more();
  asio::awaitable<void> wait_for_room();
  bool handle_all();
  void drain_socket();
  asio::awaitable<void> flush_and_close();
  asio::awaitable<void> linger();
  void close_if_answered();
  void close_for_stop();
  bool is_full() const;
  bool must_pause() const { return stopping_ || is_full(); }
  void wake_reader();
  /// Ends the session as `how` when its reader has handled what the socket still holds.
  void leave(engine::Engine::End how);
  /// Ends the session as `how`, unless it is ending already.
  void end(engine::Engine::End how);
  /// Tells the client why, and ends.
  void fail(const base::Status& status);
  void watch(base::Duration after);
  void check_peer();
  void send(wire::OutFrame frame);
  void send_roomy(wire::OutFrame frame, std::optional<model::ShardId> shard, std::size_t delivered);
  void write_soon();
  void write();
  void note_written();
  /// What waits to be written and was not asked whether there is room.
  std::size_t outbox_bytes() const;

  // commands.cpp: what the client asks
  base::Status handle(const wire::Frame& frame);
  template <class T>
  base::Status decode_and(const wire::Frame& frame);
  base::Status on(wire::Publish&& frame, std::size_t bytes);
  static base::Status used_twice(std::uint64_t request);
  base::Status check(const base::SharedBytes& envelope, const base::SharedBytes& body, std::uint32_t crc,
                     wire::EnvelopeFacts& facts) const;
  std::shared_ptr<model::Message> message_of(base::SharedBytes envelope, base::SharedBytes body, std::uint32_t crc,
                                             const wire::EnvelopeFacts& facts);
  base::Result<std::shared_ptr<model::Message>> message_of(wire::PublishItem&& item);
  base::Result<std::shared_ptr<model::Outgoing>> outgoing_of(const std::vector<wire::AddressedItem>& items,
                                                             std::size_t frame_bytes);
  base::Status publish_together(const wire::Publish& frame, std::size_t frame_bytes, const model::QueueRecord& queue,
                                const model::Message& message, model::Publish& command);
  std::size_t take_outgoing(const std::vector<wire::AddressedItem>& items, std::size_t frame_bytes,
                            model::Verdict& verdict, base::Status& refused);
  std::vector<std::string> missing_for(const wire::Publish& frame) const;
  std::vector<std::string> missing_for(const wire::Settle& frame) const;
  base::Status on(wire::OpenProducer&& frame);
  base::Status on(wire::CloseProducer&& frame);
  base::Status on(wire::OpenConsumer&& frame);
  bool has_room_for(std::uint64_t consumer);
  base::Status open_consumer(const wire::OpenConsumer& frame);
  void open_producer(const wire::OpenProducer& frame);
  void take_consumer(const wire::OpenConsumer& frame, const base::Status& status);
  base::Status on(wire::AddCredit&& frame);
  base::Status on(wire::Started&& frame);
  base::Status on(wire::Settle&& frame);
  base::Status on(wire::CloseConsumer&& frame);
  base::Status on(wire::QueueRequest&& frame);
  base::Status on(wire::Peek&& frame);
  base::Status on(wire::Ping&& frame);
  base::Status on(wire::Pong&& frame);
  base::Status on(wire::Goodbye&& frame);
  base::Status check_alert_to(const model::OptionsPatch& options) const;
  void create_queue(wire::QueueRequest&& frame);
  Then answer_with_count(std::uint64_t request);
  void purge(const wire::QueueRequest& frame, const engine::QueueRef& queue);
  void remove(const wire::QueueRequest& frame, const engine::QueueRef& queue);
  void seek(const wire::QueueRequest& frame, const engine::QueueRef& queue);

  // request_commands.cpp: requests, and what responders say of them
  base::Status on(wire::Request&& frame);
  base::Status ask(wire::Request&& frame);
  base::Status on(wire::Ask&& frame);
  base::Status ask(wire::Ask&& frame);
  base::Result<model::AskedAlong> asked_along(const wire::PublishItem& item, wire::AskTerms terms,
                                              const model::QueueRecord& queue, const model::Message& message) const;
  base::Result<model::ReplyAddressRef> address_of(std::string reply_queue, wire::Context context,
                                                  const model::Message& message) const;
  void refuse_request(std::uint64_t request, base::Status status);
  base::Status on(wire::CancelRequest&& frame);
  base::Status on(wire::Answer&& frame);
  model::ResponderReplyRef reply_of(const wire::ResponderReply& reply, bool final) const;
  void on(model::Replied&& answer);
  void update_queue(const wire::QueueRequest& frame, const engine::QueueRef& queue);
  void list_queues(const wire::QueueRequest& frame);
  void show_queue(std::uint64_t request, const engine::QueueRef& queue, bool created);
  struct Showing;
  /// Calls `then` with what each of them is now, in their order; those that are gone have a status.
  void show(const std::vector<engine::QueueRef>& queues, std::function<void(std::vector<model::QueueStats>&)> then);
  void ask_feeders(const std::shared_ptr<Showing>& showing, std::size_t place);
  void one_shown(const std::shared_ptr<Showing>& showing);
  /// Calls `read` where reading may wait for the disk, and then `then` here; with an error where it was not called.
  void read_store(std::function<void(model::Store&)> read, std::function<void(base::Status)> then);

  // schedule_commands.cpp: messages whose delay is not over
  struct ScheduleSearch;
  void list_scheduled(const wire::QueueRequest& frame, const engine::QueueRef& queue);
  void cancel_scheduled(const wire::QueueRequest& frame, const engine::QueueRef& queue);
  void search_schedule(const std::shared_ptr<ScheduleSearch>& search);
  void searched_schedule(const std::shared_ptr<ScheduleSearch>& search);
  void cancel_at(std::uint64_t request, const engine::QueueRef& queue, model::Offset offset);
  void peek_next();
  void peeked(const WaitingPeek& peek, const model::MessageStates& states);
  void peeked_topic(const WaitingPeek& peek, const model::QueueStats& stats);
  void read_peeked(const WaitingPeek& peek, std::function<wire::Peeked(model::Store&)> read);
  void answer_peek(const wire::Peeked& frame);

  // auto_create.cpp: queues that are made by their use
  struct Creation;
  /// With auto_create, creates the queue and calls `then` with how that went: true. Else false.
  bool create_missing(const std::string& name, std::function<void(base::Status)> then);
  /// What is to be created before a frame that names it can be handled; nothing without auto_create.
  void add_missing(const std::string& name, std::vector<std::string>& missing) const;
  void add_missing(const wire::AddressedItems& items, std::vector<std::string>& missing) const;
  /// Creates these, each once and all at the same time, and then calls `then`, whose error ends the session. Nothing is
  /// read until then.
  void create_all(std::vector<std::string> names, std::function<base::Status()> then);
  void one_created(const std::shared_ptr<Creation>& creation);
  base::Status why_missing(const std::string& name, base::Status otherwise) const;

  /// audited_commands.cpp: what is noted in the audit trail before it is done
  model::AuditCall call_of(std::string operation, std::string target) const;
  template <class Answer>
  using ChangeOf = std::function<model::AuditChange(const Answer&)>;
  template <class Answer, class Command>
  void perform(model::AuditCall call, model::ShardId shard, Command command, ChangeOf<Answer> change_of, Then then);
  void create_where_topic_is(std::uint64_t request, model::CreateQueue command);
  void create_and_show(std::uint64_t request, model::CreateQueue command);
  void create(model::AuditCall call, model::CreateQueue command, Then then);
  engine::QueueRef ensured(const model::CreateQueue& command) const;
  model::Origin expect(Then then);
  bool too_many(std::uint64_t request, std::size_t have, std::size_t limit, std::string_view what);
  void refuse(std::uint64_t request, base::Status status);
  void submit(model::ShardId shard, model::Command command, std::size_t bytes = 0);
  void count_resumed();

  // answers.cpp: what the broker says
  void deliver_inbox();
  void on(model::Published&& answer);
  void on(model::Deliver&& answer);
  void on(model::Settled&& answer);
  void on(model::Recall&& answer);
  void on(model::LeaseEnded&& answer);
  void on(model::ConsumerEnded&& answer);
  template <class Answer>
  void on_expected(Answer&& answer);

  // Constant after the handshake.
  tcp::socket socket_;
  std::string peer_;  // the address that it came from
  SessionContext& context_;
  std::function<void(const std::shared_ptr<Session>&)> gone_;
  model::SessionId session_;
  model::InstanceRecord instance_;

  // Reading.
  wire::FrameReader reader_;
  asio::cancellation_signal stop_reading_;
  asio::steady_timer room_;  // cancelled when reading may go on
  bool engine_full_ = false;
  /// How it ends when what the socket still holds has been handled.
  std::optional<engine::Engine::End> leaving_;
  bool opened_ = false;
  std::optional<engine::Engine::End> ending_;
  SteadyClock::time_point heard_at_;
  bool quiet_ = false;
  std::uint32_t to_resume_ = 0;  // consumers that the client said it will open again

  // Writing.
  wire::WriteQueue outbox_;
  SteadyClock::time_point said_at_;
  SteadyClock::time_point write_began_;
  bool write_posted_ = false;
  bool write_failed_ = false;
  asio::steady_timer flushed_;            // cancelled when the outbox is empty
  boost::container::deque<Roomy> roomy_;  // which takes no memory while it is empty from the start
  std::size_t roomy_bytes_ = 0;
  std::unordered_map<model::ShardId, std::uint64_t> delivered_;  // bytes that went out, not yet told to the shard
  bool stopping_ = false;
  asio::steady_timer stop_deadline_;
  asio::steady_timer watchdog_;

  // What the client has opened.
  std::uint32_t last_producer_ = 0;
  std::unordered_map<std::uint32_t, Producer> producers_;
  std::unordered_map<std::uint64_t, Consumer> consumers_;
  std::size_t held_waiting_ = 0;  // in all `held` of consumers_
  std::uint64_t last_request_ = 0;
  std::unordered_map<std::uint64_t, Then> expected_;
  /// Publishes and settles whose answer is under way; all other requests are in `expected_`.
  std::size_t answers_due_ = 0;
  std::size_t results_due_ = 0;  // in them
  /// Requests that are not answered: that may take hours, so reading goes on meanwhile.
  std::set<std::uint64_t> requests_;
  /// Peeks that wait for the one that is being read, or written.
  boost::container::deque<WaitingPeek> peeks_;
  bool peeking_ = false;
  std::size_t schedule_searches_ = 0;   // for one by its id
  std::shared_ptr<Creation> creation_;  // what the frame in hand waits for; null: it does not
  std::atomic<bool> ended_{false};
  /// Publishes some of whose items were refused here, until the rest is answered.
  std::unordered_map<std::uint64_t, RefusedItems> refused_items_;
  /// The same of settles, until they are answered.
  std::unordered_map<std::uint64_t, RefusedVerdicts> refused_verdicts_;
  base::Random random_;

  // Between threads.
  std::mutex inbox_mutex_;
  std::vector<model::Answer> inbox_;  // GUARDED_BY(inbox_mutex_)
  bool inbox_posted_ = false;         // GUARDED_BY(inbox_mutex_)
};

}  // namespace lazaret::net
