// Publishing: sends messages with a window of them in flight, and prints what became of each.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "lazaret/lazaret.h"
#include "output.h"

namespace lazaret::cli {

/// Threading: submit, refuse and finish by one thread, which waits while the window is full. The client's thread hands
/// results over and never waits; a thread of its own prints them, so that a slow reader of standard output slows down
/// the publishing and not the connection.
class Publishing {
 public:
  Publishing(Client client, std::string queue, bool json);
  ~Publishing();
  Publishing(const Publishing&) = delete;
  Publishing& operator=(const Publishing&) = delete;

  void submit(std::uint64_t index, Message message);
  /// A message that is not even sent.
  void refuse(std::uint64_t index, Problem problem);
  /// Standard output is gone: nothing more can be told.
  bool broken() const;
  /// Waits until everything is answered and printed, says how many, and returns what was worst.
  Worst finish();

 private:
  struct Result {
    std::uint64_t index = 0;
    std::size_t bytes = 0;
    Receipt receipt{};
    bool offset_known = true;
    std::optional<Problem> problem{};
  };
  void take_place(std::size_t bytes);
  void hand_over(Result result);
  void print_results();
  void wait_for_results();
  void print_one(const Result& result);

  Client client_;
  const std::string queue_;
  const bool json_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Result> results_;  // GUARDED_BY(mutex_): answered and not yet printed
  std::size_t in_flight_ = 0;   // GUARDED_BY(mutex_): sent and not yet printed
  std::size_t bytes_ = 0;       // GUARDED_BY(mutex_)
  bool ending_ = false;         // GUARDED_BY(mutex_)
  bool broken_ = false;         // GUARDED_BY(mutex_)
  // The printing thread's, and finish's when that has ended.
  Worst worst_;
  std::uint64_t confirmed_ = 0, duplicates_ = 0, refused_ = 0;
  Receipt last_;
  Progress progress_;
  std::thread printer_;
};

}  // namespace lazaret::cli
