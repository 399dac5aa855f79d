// WriteQueue: what waits to be written to one connection. Small pieces are put together, large bodies are
// referred to, so that a thousand small frames are one write and a large body is never copied.
//
// Threading: one thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "wire/frame.h"

namespace lazaret::wire {

class WriteQueue {
 public:
  void add(OutFrame frame);

  bool empty() const { return waiting_.empty() && writing_.empty(); }
  bool is_writing() const { return !writing_.empty(); }
  /// What waits and what is being written.
  std::size_t bytes() const { return waiting_bytes_ + writing_bytes_; }

  /// How many bytes were ever added, and how many of them have been written (or forgotten): what was added up to a
  /// position has gone out when `bytes_out` has reached it.
  std::uint64_t bytes_in() const { return bytes_out_ + bytes(); }
  std::uint64_t bytes_out() const { return bytes_out_; }
  /// The next pieces to write, about kWriteBytes: a large body goes in several. Valid until `written`. REQUIRES:
  /// !is_writing(). Empty when nothing waits.
  std::vector<std::string_view> take();
  /// What `take` gave has been written.
  void written();
  /// Forgets everything that waits; what is being written stays until `written`.
  void drop_waiting();

 private:
  struct Piece {
    std::string own;
    base::SharedBytes shared;
    std::size_t size() const { return own.size() + shared.size(); }
  };
  std::string& own_tail();

  std::vector<Piece> waiting_;
  std::vector<Piece> writing_;
  std::size_t waiting_bytes_ = 0;
  std::size_t writing_bytes_ = 0;
  std::uint64_t bytes_out_ = 0;
};

}  // namespace lazaret::wire
