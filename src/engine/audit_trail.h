// AuditTrail: who has done what. Both ways into the broker (net, admin) hand a call that changes something, or shows a
// message, to it:
//
//   begin ─▶ entry `began` is durable ─▶ the call is done ─▶ end ─▶ entry `ended` is durable ─▶ the caller is answered
//
// Nothing is done of which no `began` is on the disk, and nobody is told of an end that is not. A broker that dies in
// between leaves a `began` alone.
//
// Threading: any thread. What is handed over as `then` runs on a shard's thread and must not block.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "base/status.h"
#include "engine/desk.h"
#include "model/audit_entry.h"
#include "model/options.h"

namespace lazaret::engine {

/// How a call ended.
struct AuditOutcome {
  int status = 200;  // of HTTP
  std::string code;  // of the error table; "": none
  model::AuditChange change;

  static AuditOutcome of(const base::Status& status, model::AuditChange change = {});
};

/// The options that differ; of something new (null) those that are not as they are by themselves.
model::AuditChange change_of(const model::QueueOptions* before, const model::QueueOptions& after);
/// What was deleted: the options that were not as they are by themselves, and how many open cases it has left behind.
model::AuditChange deletion_of(const model::QueueRecord& queue, std::uint64_t open_cases);
/// "put", Kind::queue: "putQueue", as /openapi.json names it.
std::string operation_on(std::string_view verb, model::Kind kind);

class AuditTrail {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  /// A call whose `began` is on the disk.
  struct Begun {
    std::uint64_t number = 0;
    base::Instant called_at;
    model::AuditCall call;  // without details
  };

  /// `engine` runs, and outlives it.
  explicit AuditTrail(Engine& engine);
  /// Before the engine stops. Whoever waits gets SHUTTING_DOWN.
  void close() { desk_->close(); }

  void begin(model::AuditCall call, std::function<void(base::Result<Begun>)> then);
  void end(Begun begun, AuditOutcome outcome, std::function<void(base::Status)> then);

  /// The same, waiting. REQUIRES that the thread is no shard's. DEADLINE_EXCEEDED: it may be written all the same.
  base::Result<Begun> begin(model::AuditCall call, Deadline deadline);
  base::Status end(Begun begun, AuditOutcome outcome, Deadline deadline);

  /// Has a shard do the command as an audited call. `change_of` is asked when it succeeded; `then` gets the command's
  /// answer, or one with a status that says why it was not done.
  template <class Answer, class Command>
  void perform(model::AuditCall call, model::ShardId shard, Command command,
               std::function<model::AuditChange(const Answer&)> change_of, std::function<void(Answer&&)> then);

 private:
  using Waiting = std::function<void(base::Result<std::uint64_t>)>;
  void append(model::AuditEntry entry, Waiting then);
  model::AuditEntry entry_of(const model::AuditCall& call) const;
  static model::AuditEntry entry_of(Begun begun, AuditOutcome outcome);

  Engine& engine_;
  const std::shared_ptr<Desk> desk_;
};

template <class Answer, class Command>
void AuditTrail::perform(model::AuditCall call, model::ShardId shard, Command command,
                         std::function<model::AuditChange(const Answer&)> change_of,
                         std::function<void(Answer&&)> then) {
  const auto wanted = std::make_shared<Command>(std::move(command));
  begin(std::move(call), [this, shard, wanted, change_of, then](base::Result<Begun> begun) {
    if (!begun.ok()) {
      Answer refused;
      refused.status = begun.status();
      return then(std::move(refused));
    }
    desk_->ask(shard, std::move(*wanted), [this, change_of, then, begun = *begun](model::Answer&& given) {
      auto* one = std::get_if<Answer>(&given);
      const auto answer = std::make_shared<Answer>(one == nullptr ? Answer() : std::move(*one));
      if (one == nullptr) answer->status = base::Status(base::Code::SHUTTING_DOWN);
      model::AuditChange change;
      if (answer->status.ok() && change_of) change = change_of(*answer);
      end(begun, AuditOutcome::of(answer->status, std::move(change)), [answer, then](base::Status written) {
        if (!written.ok()) answer->status = std::move(written);
        then(std::move(*answer));
      });
    });
  });
}

}  // namespace lazaret::engine
