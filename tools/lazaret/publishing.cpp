#include "publishing.h"

#include <iostream>

namespace lazaret::cli {
namespace {

/// Messages, and bytes of them, that are sent and not yet printed.
constexpr std::size_t kWindow = 512;
constexpr std::size_t kWindowBytes = 64u << 20;

}  // namespace

Publishing::Publishing(Client client, std::string queue, bool json)
    : client_(std::move(client)), queue_(std::move(queue)), json_(json), progress_(!json) {
  printer_ = std::thread([this] { print_results(); });
}

Publishing::~Publishing() {
  // Something was thrown while messages are under way: their handlers still point here.
  if (printer_.joinable()) wait_for_results();
}

void Publishing::take_place(std::size_t bytes) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return in_flight_ == 0 || (in_flight_ < kWindow && bytes_ + bytes <= kWindowBytes); });
  ++in_flight_;
  bytes_ += bytes;
}

void Publishing::submit(std::uint64_t index, Message message) {
  const std::size_t bytes = message.body.size();
  take_place(bytes);
  client_.async_publish(queue_, std::move(message), [this, index, bytes](error_code code, Receipt receipt) {
    Result result{.index = index, .bytes = bytes, .receipt = std::move(receipt)};
    if (code == errc::sequence_too_old) {
      // Below what the broker still knows one by one: it was published before.
      result.receipt.duplicate = true;
      result.offset_known = false;
    } else if (code) {
      const ProblemRef& about = result.receipt.problem;
      result.problem = about ? *about : problem_of(base::Status(static_cast<base::Code>(code.value()), code.message()));
    }
    hand_over(std::move(result));
  });
}

void Publishing::refuse(std::uint64_t index, Problem problem) {
  take_place(0);
  hand_over({.index = index, .problem = std::move(problem)});
}

void Publishing::hand_over(Result result) {
  const std::lock_guard lock(mutex_);
  results_.push_back(std::move(result));
  changed_.notify_all();
}

bool Publishing::broken() const {
  const std::lock_guard lock(mutex_);
  return broken_;
}

void Publishing::print_results() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return !results_.empty() || (ending_ && in_flight_ == 0); });
    if (results_.empty()) return;
    const Result result = std::move(results_.front());
    results_.pop_front();
    const bool silent = broken_;
    lock.unlock();
    bool failed = false;
    try {
      if (!silent) print_one(result);
    } catch (const Error& error) {
      failed = true;
      worst_.add(error.problem);
    }
    lock.lock();
    broken_ = broken_ || failed;
    --in_flight_;
    bytes_ -= result.bytes;
    changed_.notify_all();
  }
}

void Publishing::print_one(const Result& result) {
  if (result.problem) {
    ++refused_;
    worst_.add(*result.problem);
    if (json_) return print_json(json::object{{"index", result.index}, {"error", problem_json(*result.problem)}});
    progress_.clear();
    std::cerr << "lazaret: message " + std::to_string(result.index) + ": " + sentence_of(*result.problem) + "\n";
    return;
  }
  ++confirmed_;
  if (result.receipt.duplicate) ++duplicates_;
  last_ = result.receipt;
  if (json_) {
    json::object line{{"index", result.index}, {"id", result.receipt.id.to_string()}, {"offset", nullptr}};
    if (result.offset_known) line["offset"] = result.receipt.offset;
    line["duplicate"] = result.receipt.duplicate;
    return print_json(line);
  }
  progress_.show("published " + counted(confirmed_, "message"));
}

void Publishing::wait_for_results() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  printer_.join();
}

Worst Publishing::finish() {
  wait_for_results();
  progress_.clear();
  if (json_ || broken_) return worst_;
  std::string text = "published " + counted(confirmed_, "message");
  if (confirmed_ == 1) text += " (" + last_.id.to_string() + ")";
  if (duplicates_ > 0) text += ", " + std::to_string(duplicates_) + " of them before";
  if (refused_ > 0) text += ", " + std::to_string(refused_) + " refused";
  print_line(text);
  return worst_;
}

}  // namespace lazaret::cli
