// What asks a shard and waits: the only place of this room where a thread blocks.
//
// Threading: workers. The answer arrives on a shard's thread, which only hands it over.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>

#include "base/status.h"
#include "engine/desk.h"

namespace lazaret::admin {

/// How long a shard may take for a request.
inline constexpr std::chrono::seconds kAskDeadline{30};

/// Why the answer is of another kind than what was asked for: the desk was closed first.
base::Status unanswered(const model::Answer& answer);
base::Status too_late();

template <class Answer>
using Pending = std::future<base::Result<Answer>>;

/// What goes out together with something else.
std::size_t bytes_of(const model::Outgoing& outgoing);
/// What a command holds in memory until it is done; of a publish, an answer and an import, which count against what is
/// not yet durable.
template <class Command>
std::size_t bytes_of(const Command& command) {
  std::size_t bytes = sizeof command;
  if constexpr (std::is_same_v<Command, model::Publish>) {
    for (const auto& item : command.items) bytes += sizeof item + item.message->size();
    if (command.outgoing != nullptr) bytes += bytes_of(*command.outgoing);
  }
  if constexpr (std::is_same_v<Command, model::AnswerRequest>) {
    if (command.reply->message != nullptr) bytes += command.reply->message->size();
  }
  if constexpr (std::is_same_v<Command, model::ImportCaseCommand>) bytes += command.what->message->size();
  return bytes;
}

/// Asks without waiting. An answer whose status is an error is that error.
template <class Answer, class Command>
Pending<Answer> send(engine::Desk& desk, model::ShardId shard, Command command) {
  const std::size_t bytes = bytes_of(command);
  auto promise = std::make_shared<std::promise<base::Result<Answer>>>();
  Pending<Answer> pending = promise->get_future();
  desk.ask(
      shard, std::move(command),
      [promise](model::Answer&& answer) {
        auto* one = std::get_if<Answer>(&answer);
        if (one != nullptr && one->status.ok()) {
          promise->set_value(std::move(*one));
        } else if (one != nullptr && one->status.code() != base::Code::SHUTTING_DOWN) {
          promise->set_value(std::move(one->status));
        } else {
          promise->set_value(unanswered(answer));
        }
      },
      bytes);
  return pending;
}

/// DEADLINE_EXCEEDED when the shard has not answered by then; what was asked may still be done.
template <class Answer>
base::Result<Answer> wait(Pending<Answer>& pending, std::chrono::steady_clock::time_point deadline) {
  if (pending.wait_until(deadline) != std::future_status::ready) return too_late();
  return pending.get();
}

template <class Answer, class Command>
base::Result<Answer> ask(engine::Desk& desk, model::ShardId shard, Command command,
                         std::chrono::steady_clock::time_point deadline) {
  auto pending = send<Answer>(desk, shard, std::move(command));
  return wait(pending, deadline);
}

}  // namespace lazaret::admin
