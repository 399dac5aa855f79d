#include "client/requests.h"

#include <algorithm>

#include "client/client_core.h"

namespace lazaret::detail {

using base::Code;
using base::Status;

void Requests::submit(Request request) {
  const std::uint64_t number = client_.next_request();
  const auto& placed = open_.emplace(number, std::move(request)).first->second;
  if (client_.is_open()) client_.send(placed.frame(number));
}

void Requests::connected() {
  for (const auto& [number, request] : open_) client_.send(request.frame(number));
}

void Requests::disconnected() {
  std::vector<std::uint64_t> lost;
  for (const auto& [number, request] : open_) {
    if (!request.repeatable) lost.push_back(number);
  }
  for (const std::uint64_t number : lost) finish(number, Status(Code::OUTCOME_UNKNOWN));
}

void Requests::on(wire::QueueResponse&& frame) {
  const Status status = frame.status;
  finish(frame.request, status, std::move(frame));
}

void Requests::on(wire::Peeked&& frame) {
  const Status status = frame.status;
  finish(frame.request, status, {}, std::move(frame));
}

bool Requests::refused(std::uint64_t request, const Status& status) {
  if (!open_.contains(request)) return false;
  finish(request, status);
  return true;
}

SteadyTime Requests::expire(SteadyTime now) {
  std::vector<std::uint64_t> due;
  SteadyTime next = SteadyTime::max();
  for (const auto& [number, request] : open_) {
    if (request.deadline <= now) {
      due.push_back(number);
    } else {
      next = std::min(next, request.deadline);
    }
  }
  for (const std::uint64_t number : due) {
    finish(number, client_.is_open() ? Status(Code::DEADLINE_EXCEEDED) : client_.why_not_connected());
  }
  return next;
}

void Requests::fail_all(const Status& status) {
  while (!open_.empty()) finish(open_.begin()->first, status);
}

void Requests::finish(std::uint64_t key, const Status& status, wire::QueueResponse&& queues, wire::Peeked&& peeked) {
  auto node = open_.extract(key);
  if (!node.empty()) node.mapped().answer(status, std::move(queues), std::move(peeked));
}

}  // namespace lazaret::detail
