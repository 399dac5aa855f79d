#include "client/requests.h"

#include <algorithm>
#include <vector>

#include "client/client_core.h"

namespace lazaret::detail {

using base::Code;
using base::Status;

void Requests::submit(Request request) {
  const std::uint64_t number = client_.next_request();
  auto& placed = open_.emplace(number, std::move(request)).first->second;
  if (client_.is_open()) send(number, placed);
}

void Requests::send(std::uint64_t number, Request& request) {
  if (request.check != nullptr) {
    if (const Status problem = request.check(client_.welcome()); !problem.ok()) return finish(number, problem);
  }
  request.sent = true;
  client_.send(request.frame(number));
}

void Requests::connected() {
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, request] : open_) numbers.push_back(number);
  for (const std::uint64_t number : numbers) {
    if (const auto it = open_.find(number); it != open_.end()) send(number, it->second);
  }
}

void Requests::disconnected() {
  finish_where([](const Request& request) { return request.sent && !request.repeatable; },
               Status(Code::OUTCOME_UNKNOWN));
}

void Requests::on(wire::QueueResponse&& frame) { finish(frame.request, frame.status, frame); }

void Requests::on(wire::Peeked&& frame) { finish(frame.request, frame.status, {}, frame); }

void Requests::on(const wire::Answered& frame) {
  wire::QueueResponse response;
  response.count = frame.told ? 1 : 0;
  finish(frame.request, frame.status, response);
}

void Requests::on(const wire::Asked& frame) {
  wire::QueueResponse response;
  response.offset = frame.offset;
  response.count = frame.duplicate ? 1 : 0;
  finish(frame.request, frame.status, response);
}

bool Requests::refused(std::uint64_t request, const Status& status) {
  if (!open_.contains(request)) return false;
  finish(request, status);
  return true;
}

/// What may have been done is unknown, what changes nothing, or the same again, is not worth the question.
SteadyTime Requests::expire(SteadyTime now) {
  const auto due = [now](const Request& request) { return request.deadline <= now; };
  finish_where([&](const Request& request) { return due(request) && request.is_unknown(); },
               Status(Code::OUTCOME_UNKNOWN, "the deadline passed before the answer came"));
  finish_where(due, client_.is_open() ? Status(Code::DEADLINE_EXCEEDED) : client_.why_not_connected());
  SteadyTime next = SteadyTime::max();
  for (const auto& [number, request] : open_) next = std::min(next, request.deadline);
  return next;
}

void Requests::cancel(std::uint64_t operation) {
  const auto it = std::find_if(open_.begin(), open_.end(),
                               [operation](const auto& entry) { return entry.second.operation == operation; });
  if (it == open_.end()) return;
  const bool unknown = it->second.is_unknown();
  finish(it->first, Status(unknown ? Code::OUTCOME_UNKNOWN : Code::CANCELLED));
}

void Requests::fail_all(const Status& status) {
  finish_where([](const Request& request) { return request.is_unknown(); },
               Status(Code::OUTCOME_UNKNOWN, "the client was closed before the answer came"));
  finish_where([](const Request&) { return true; }, status);
}

void Requests::fail_unanswered(const Status& status) {
  disconnected();
  finish_where([](const Request& request) { return request.sent; }, status);
}

void Requests::fail_unsent(const Status& status) {
  finish_where([](const Request& request) { return !request.sent; }, status);
}

template <class Which>
void Requests::finish_where(Which which, const Status& status) {
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, request] : open_) {
    if (which(request)) numbers.push_back(number);
  }
  for (const std::uint64_t number : numbers) finish(number, status);
}

void Requests::finish(std::uint64_t key, const Status& status, const wire::QueueResponse& queues,
                      const wire::Peeked& peeked) {
  const auto node = open_.extract(key);
  if (!node.empty()) node.mapped().answer(status, queues, peeked);
}

}  // namespace lazaret::detail
