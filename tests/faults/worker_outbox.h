// WorkerOutbox: a worker on the engine's own interface, without a connection. It begins everything that it gets at
// once, settles it as its body says, asks for every verdict to be confirmed, and writes what it hears into the ledger.
//
// Threading: `tell` on shards' threads, which it must not keep; a thread of its own does the work.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "faults/ledger.h"

namespace lazaret::faults {

struct Manner {
  /// Acks whatever comes, whatever its body says.
  bool everything = false;
  /// Keeps some while many others pass them.
  bool holds = true;
  /// For each message.
  std::chrono::microseconds pause{0};
};

class WorkerOutbox : public engine::Outbox, public std::enable_shared_from_this<WorkerOutbox> {
 public:
  WorkerOutbox(Ledger& ledger, std::uint8_t name);
  ~WorkerOutbox() override { close(); }
  void consume(engine::Engine& engine, const engine::QueueRef& queue, Manner manner = {});
  /// Says goodbye; afterwards nothing is heard any more.
  void close();

  /// How many of the first `published` messages were never delivered.
  std::uint64_t behind(std::uint64_t published) const;
  /// Bodies as they were delivered, in that order.
  std::vector<std::string> delivered() const;

  void tell(std::vector<model::Answer>&& answers) override;
  void resume_reading() override {}
  void replaced() override {}

 private:
  struct Asked {
    std::uint64_t number = 0;
    model::VerdictKind kind = model::VerdictKind::ack;
  };
  void run();
  void work(const model::Delivered& delivered);
  void settle(const model::Delivered& delivered);
  model::ResponderReplyRef answer(std::uint64_t number, const model::Delivered& delivered);
  void heard(const model::Settled& settled);
  model::VerdictKind verdict_on(std::optional<std::uint64_t> number, std::uint32_t attempt) const;

  Ledger& ledger_;
  engine::Engine* engine_ = nullptr;
  engine::QueueRef queue_;
  model::InstanceRecord instance_;
  model::SessionId session_;
  Manner manner_;

  mutable std::mutex mutex_;
  std::condition_variable more_;
  std::deque<model::Answer> answers_;   // GUARDED_BY(mutex_)
  bool closing_ = false;                // GUARDED_BY(mutex_)
  std::vector<std::string> delivered_;  // GUARDED_BY(mutex_)
  std::uint64_t last_request_ = 0;      // the thread's own, like what follows
  std::map<std::uint64_t, Asked> asked_;
  std::deque<model::Delivered> held_;  // begun, and settled when many others have passed them
  std::thread thread_;
};

}  // namespace lazaret::faults
