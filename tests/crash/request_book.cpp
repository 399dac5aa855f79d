#include "crash/request_book.h"

#include <algorithm>

namespace lazaret::crash {
namespace {

std::string text_of(const Reply& reply) {
  return reply.outcome == Outcome::answered ? reply.message.body.str() : reply.reason;
}

std::string to_string(const Reply& reply) { return std::string(name_of(reply.outcome)) + " (" + text_of(reply) + ")"; }

}  // namespace

Outcome outcome_of(const std::string& body) {
  switch (body.front()) {
    case 'd': return Outcome::declined;
    case 'b': return Outcome::failed;
    default: return Outcome::answered;
  }
}

std::string words_of(const std::string& body, std::uint64_t run) {
  return "run " + std::to_string(run) + " of " + body;
}

void RequestBook::asked(const MessageId& id, const std::string& body) {
  const std::lock_guard lock(mutex_);
  requests_[id].body = body;
  requests_[id].asked = std::chrono::steady_clock::now();
  by_body_[body] = id;
}

void RequestBook::asked_durably(const MessageId& id, const std::string& body) {
  asked(id, body);
  const std::lock_guard lock(mutex_);
  requests_[id].is_durable = true;
}

std::uint64_t RequestBook::runs(const std::string& body) {
  const std::lock_guard lock(mutex_);
  Request& request = requests_[by_body_.at(body)];
  if (!request.replies.empty()) ++request.runs_behind_a_reply;
  return ++request.runs;
}

void RequestBook::told(const MessageId& id, const Reply& reply) {
  const std::lock_guard lock(mutex_);
  requests_.at(id).replies.push_back(reply);
}

void RequestBook::told_at(std::uint64_t offset, const Reply& reply) {
  const std::lock_guard lock(mutex_);
  Request& request = requests_.at(reply.request);
  request.places.insert(offset);
  request.replies.push_back(reply);
}

bool RequestBook::is_all_told() const {
  const std::lock_guard lock(mutex_);
  return std::all_of(requests_.begin(), requests_.end(),
                     [](const auto& one) { return !one.second.is_durable || !one.second.replies.empty(); });
}

std::map<MessageId, std::string> RequestBook::asked_since(std::chrono::steady_clock::time_point since) const {
  const std::lock_guard lock(mutex_);
  std::map<MessageId, std::string> recent;
  for (const auto& [id, request] : requests_) {
    if (!request.is_durable && request.asked >= since) recent[id] = request.body;
  }
  return recent;
}

std::size_t RequestBook::size() const {
  const std::lock_guard lock(mutex_);
  return requests_.size();
}

std::vector<std::string> RequestBook::findings() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> findings;
  for (const auto& [id, request] : requests_) look_at(request, findings);
  return findings;
}

void RequestBook::look_at(const Request& request, std::vector<std::string>& findings) {
  const std::string where = "request " + request.body + ": ";
  if (request.replies.empty()) return findings.push_back(where + "nobody is ever told how it ended");
  const Reply& first = request.replies.front();
  if (first.outcome != outcome_of(request.body)) findings.push_back(where + "ended as " + to_string(first));
  for (const Reply& other : request.replies) {
    if (other.outcome == first.outcome && text_of(other) == text_of(first)) continue;
    findings.push_back(where + "told as " + to_string(first) + ", and then as " + to_string(other));
  }
  if (request.places.size() > 1) {
    findings.push_back(where + "has " + std::to_string(request.places.size()) + " replies on its reply queue");
  }
  bool was_said = false;
  for (std::uint64_t run = 1; run <= request.runs; ++run) was_said |= text_of(first) == words_of(request.body, run);
  if (!was_said) findings.push_back(where + "told as " + to_string(first) + ", which nobody has said");
  if (request.runs_behind_a_reply > 0) {
    findings.push_back(where + "a handler begins " + std::to_string(request.runs_behind_a_reply) +
                       " times although its reply has been told");
  }
}

}  // namespace lazaret::crash
