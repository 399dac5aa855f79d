// HostLookup: the addresses of a host, asked of the system, which takes as long as it likes and cannot be stopped. So a
// thread asks, and whoever waits for it waits for as long as they have patience, and no longer when they are to stop.
//
// What is still asked when the patience is over goes on, and whoever asks for the same again waits for that: there is
// one such thread at most. What it has found by then is taken once, while it is fresh, or a name that always takes
// longer than the patience would never be found. One that the system still keeps when this is destroyed is left behind.
// It touches nothing but what it shares with nobody else by then, and ends with the process.
//
// Threading: the thread of its io_context.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>

namespace lazaret::alerts {

class HostLookup {
 public:
  struct Found {
    std::string problem;  // "": there are addresses
    std::vector<boost::asio::ip::address> addresses;
  };
  /// Blocks.
  using Ask = std::function<Found(const std::string& host)>;
  static Found ask_system(const std::string& host);

  /// So long after it was found what nobody waited for is taken for what is true.
  static constexpr std::chrono::seconds kFreshFor{30};

  explicit HostLookup(boost::asio::io_context& io, Ask ask = ask_system,
                      std::chrono::steady_clock::duration fresh_for = kFreshFor);
  ~HostLookup();

  /// One at a time, always of the same host.
  boost::asio::awaitable<Found> find(std::string host, std::chrono::steady_clock::duration patience);
  /// Whoever waits is told that the broker stops.
  void cancel();

  /// Threads that were left behind and have not ended; the others are joined. Any thread.
  static std::size_t left_behind();

 private:
  class Asking;
  class LeftBehind;
  void begin(std::string host);
  void end();

  boost::asio::io_context& io_;
  const Ask ask_;
  const std::chrono::steady_clock::duration fresh_for_;
  boost::asio::steady_timer patience_;
  std::shared_ptr<Asking> asking_;  // the last one; null: none yet
  std::thread thread_;              // its thread
  bool cancelled_ = false;
};

}  // namespace lazaret::alerts
