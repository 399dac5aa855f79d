#include "wire/write_queue.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/assert.h"
#include "model/limits.h"

namespace lazaret::wire {
namespace {

/// Below this a copy costs less than one more element of a gathering write.
constexpr std::size_t kCopyBytes = 2048;
constexpr std::size_t kPieceBytes = 64u << 10;
using model::limits::kWriteBytes;

}  // namespace

std::string& WriteQueue::own_tail() {
  const bool fits = !waiting_.empty() && waiting_.back().shared.empty() && waiting_.back().own.size() < kPieceBytes;
  if (!fits) waiting_.emplace_back();
  return waiting_.back().own;
}

void WriteQueue::add(OutFrame frame) {
  waiting_bytes_ += frame.size();
  std::string& tail = own_tail();
  if (tail.empty()) {
    tail = std::move(frame.head);
  } else {
    tail += frame.head;
  }
  for (base::SharedBytes& body : frame.bodies) {
    if (body.size() < kCopyBytes) {
      own_tail() += body.view();
    } else {
      waiting_.push_back({{}, std::move(body)});
    }
  }
}

std::vector<std::string_view> WriteQueue::take() {
  LZ_ASSERT(!is_writing());
  std::size_t count = 0;
  while (count < waiting_.size() && writing_bytes_ < kWriteBytes) writing_bytes_ += waiting_[count++].size();
  std::optional<Piece> rest;
  if (writing_bytes_ > kWriteBytes && waiting_[count - 1].own.empty()) {
    base::SharedBytes& last = waiting_[count - 1].shared;
    const std::size_t beyond = writing_bytes_ - kWriteBytes;
    rest = Piece{{}, last.slice(last.size() - beyond, beyond)};
    last = last.slice(0, last.size() - beyond);
    writing_bytes_ = kWriteBytes;
  }
  if (count == waiting_.size()) {
    std::swap(writing_, waiting_);
  } else {
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
    writing_.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
    waiting_.erase(waiting_.begin(), end);
  }
  if (rest) waiting_.insert(waiting_.begin(), std::move(*rest));
  waiting_bytes_ -= writing_bytes_;
  std::vector<std::string_view> views;
  views.reserve(writing_.size());
  for (const Piece& piece : writing_)
    views.push_back(piece.own.empty() ? piece.shared.view() : std::string_view(piece.own));
  return views;
}

void WriteQueue::written() {
  bytes_out_ += writing_bytes_;
  writing_.clear();
  writing_bytes_ = 0;
}

void WriteQueue::drop_waiting() {
  bytes_out_ += waiting_bytes_;
  waiting_.clear();
  waiting_bytes_ = 0;
}

}  // namespace lazaret::wire
