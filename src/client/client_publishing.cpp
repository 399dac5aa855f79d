// How a publish gets from a caller's thread to the client's.
#include <boost/asio/post.hpp>

#include "base/crc32c.h"
#include "client/client_core.h"
#include "client/compression.h"
#include "client/message_codec.h"
#include "client/verdicts.h"
#include "client/words.h"

namespace lazaret::detail {
namespace {

using base::Code;
using base::Status;

/// Places for publishes that are submitted and not taken over yet, which are kept for the next ones.
constexpr std::size_t kSubmittedKept = 4096;

}  // namespace

void ClientCore::publish_all(std::vector<Addressed> messages, std::vector<DurableAsk> asks, milliseconds timeout,
                             Handler<Receipt> handler) {
  const auto refuse = [&](const Status& why) { Completion<Receipt>(std::move(handler), home_).fail(why); };
  if (messages.empty() && asks.empty()) return refuse(Status(Code::BAD_REQUEST, "there is nothing to publish"));
  Addressed first;
  Together together;
  if (!messages.empty()) {
    first = std::move(messages.front());
    messages.erase(messages.begin());
  } else {
    auto terms = ask_terms(asks.front());
    if (!terms.ok()) return refuse(terms.status());
    together.ask = std::move(*terms);
    first = {std::move(asks.front().ask.to), std::move(asks.front().ask.message)};
    asks.erase(asks.begin());
  }
  together.largest_body = largest_body(messages);
  auto others = addressed_items(std::move(messages), std::move(asks), options_.compress_from);
  if (!others.ok()) return refuse(others.status());
  together.items = std::move(*others);
  submit(std::move(first.to), std::move(first.message), std::move(together), timeout, std::move(handler));
}

void ClientCore::publish(std::string&& queue, Message&& message, milliseconds timeout, Handler<Receipt> handler) {
  submit(std::move(queue), std::move(message), {}, timeout, std::move(handler));
}

void ClientCore::submit(std::string&& queue, Message&& message, Together together, milliseconds timeout,
                        Handler<Receipt> handler) {
  Outgoing outgoing;
  outgoing.together = std::move(together.items);
  outgoing.ask = std::move(together.ask);
  outgoing.operation = next_operation();
  on_cancel(
      handler, [](ClientCore& self, std::uint64_t operation) { self.publisher_.cancel(operation); },
      outgoing.operation);
  outgoing.completion = Completion<Receipt>(std::move(handler), home_);
  if (closed_) return outgoing.completion.fail(Status(Code::CLOSED));
  Status words = check_queue_name(queue);
  if (words.ok()) words = outgoing.ask == nullptr ? check_published(message) : check_request(message);
  if (!words.ok()) return outgoing.completion.fail(words);
  outgoing.opened_bytes = std::max(message.body.size(), together.largest_body);
  if (outgoing.ask == nullptr) compress_body(message, options_.compress_from);  // requests go as they are
  outgoing.envelope = encode_envelope(message);
  outgoing.id = message.id;
  outgoing.sequence = message.sequence;
  outgoing.body = shared_body(message.body);
  outgoing.body_crc = base::crc32c(message.body.view());
  outgoing.delay = message.delay;
  outgoing.deliver_at = {micros_of(message.deliver_at)};
  outgoing.ttl = message.ttl;
  outgoing.deadline = deadline_in(timeout);
  if (pending_.messages >= options_.max_pending_messages || pending_.bytes >= options_.max_pending_bytes) {
    return outgoing.completion.fail(
        Status(Code::RESOURCE_EXHAUSTED, "too many publishes of this client wait for their confirm")
            .with_limit("max_pending_messages", static_cast<std::int64_t>(options_.max_pending_messages)));
  }
  outgoing.place = PendingPlace(pending_, outgoing.size());
  {
    const std::lock_guard lock(mutex_);
    submitted_.push_back({std::move(queue), std::move(outgoing)});
    if (submitted_.size() > 1) return;
  }
  asio::post(executor(), [self = shared_from_this()] { self->take_submitted(); });
}

void ClientCore::take_submitted() {
  {
    const std::lock_guard lock(mutex_);
    std::swap(taken_, submitted_);
  }
  for (Submitted& one : taken_) {
    if (closed_) {
      one.message.completion.fail(Status(Code::CLOSED));
      continue;
    }
    due_by(one.message.deadline);
    publisher_.submit(one.queue, std::move(one.message));
  }
  taken_.clear();
  if (taken_.capacity() > kSubmittedKept) std::vector<Submitted>().swap(taken_);
  publisher_.flush();
}

}  // namespace lazaret::detail
