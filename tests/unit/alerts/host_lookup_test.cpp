// Names that the system takes its time over hold up nobody.
#include "alerts/host_lookup.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>

#include <boost/asio/co_spawn.hpp>

namespace lazaret::alerts {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Found = HostLookup::Found;

const asio::ip::address kAddress = asio::ip::make_address("192.0.2.7");

/// A system that answers when it is told to.
class SlowSystem {
 public:
  HostLookup::Ask ask() {
    return [this](const std::string&) {
      thread_local Leaving leaving;
      leaving.of = this;
      std::unique_lock lock(mutex_);
      ++asked_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return answers_; });
      ++answered_;
      changed_.notify_all();
      return Found{"", {kAddress}};
    };
  }
  void answer() {
    const std::lock_guard lock(mutex_);
    answers_ = true;
    changed_.notify_all();
  }
  void hold() {
    const std::lock_guard lock(mutex_);
    answers_ = false;
  }
  /// So many threads that asked have handed over what they were told, and ended.
  void wait_until_gone(int threads) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 20s, [&] { return gone_ >= threads; }));
  }
  void wait_until_answered(int times) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 20s, [&] { return answered_ >= times; }));
  }
  void wait_until_asked(int times) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 20s, [&] { return asked_ >= times; }));
  }
  int asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  /// Of the thread that asks: it goes when the thread does.
  struct Leaving {
    SlowSystem* of = nullptr;
    ~Leaving() {
      if (of == nullptr) return;
      const std::lock_guard lock(of->mutex_);
      ++of->gone_;
      of->changed_.notify_all();
    }
  };
  std::mutex mutex_;
  std::condition_variable changed_;
  bool answers_ = false;
  int asked_ = 0;
  int answered_ = 0;
  int gone_ = 0;
};

class HostLookupTest : public ::testing::Test {
 protected:
  /// Whoever asks; `found` gets what comes of it.
  void find(HostLookup& lookup, std::optional<Found>& found, std::chrono::steady_clock::duration patience,
            const std::string& host = "host") {
    asio::co_spawn(io_, ask(lookup, found, patience, host),
                   [](const std::exception_ptr& failed) { EXPECT_EQ(failed, nullptr); });
  }
  static asio::awaitable<void> ask(HostLookup& lookup, std::optional<Found>& found,
                                   std::chrono::steady_clock::duration patience, std::string host) {
    found = co_await lookup.find(std::move(host), patience);
  }
  void run() {
    io_.run();
    io_.restart();
  }

  asio::io_context io_{1};
  SlowSystem slow_;
};

TEST_F(HostLookupTest, WhatTheSystemFindsIsFound) {
  HostLookup lookup(io_);
  std::optional<Found> found;
  find(lookup, found, 20s, "127.0.0.1");
  run();
  EXPECT_EQ(found->problem, "");
  EXPECT_EQ(found->addresses, std::vector{asio::ip::make_address("127.0.0.1")});
  found.reset();
  find(lookup, found, 20s, "::1");
  run();
  EXPECT_EQ(found->addresses, std::vector{asio::ip::make_address("::1")});
}

TEST_F(HostLookupTest, PatienceEndsAlthoughTheSystemDoesNotAnswer) {
  HostLookup lookup(io_, slow_.ask());
  HostLookup other(io_, [](const std::string&) { return Found{"", {kAddress}}; });
  std::optional<Found> found;
  std::optional<Found> of_other;
  find(lookup, found, 50ms);
  find(other, of_other, 20s);
  run();
  EXPECT_EQ(found->problem, "it took too long");
  EXPECT_EQ(of_other->addresses, std::vector{kAddress}) << "it does not wait for the first";
  // Whoever asks again waits for the same answer.
  found.reset();
  find(lookup, found, 50ms);
  run();
  EXPECT_EQ(found->problem, "it took too long");
  EXPECT_LE(slow_.asked(), 1);
  found.reset();
  find(lookup, found, 20s);
  slow_.answer();
  run();
  EXPECT_EQ(found->addresses, std::vector{kAddress});
  EXPECT_EQ(slow_.asked(), 1);
  // And what was found then is not taken for what is true now.
  found.reset();
  find(lookup, found, 20s);
  run();
  EXPECT_EQ(found->addresses, std::vector{kAddress});
  EXPECT_EQ(slow_.asked(), 2);
}

/// A name that takes a little longer than anybody's patience, each time.
TEST_F(HostLookupTest, WhatIsFoundAfterThePatienceIsTakenOnce) {
  HostLookup lookup(io_, slow_.ask(), 1h);
  std::optional<Found> found;
  find(lookup, found, 1ms);
  run();
  EXPECT_EQ(found->problem, "it took too long");
  slow_.answer();
  slow_.wait_until_gone(1);
  slow_.hold();
  found.reset();
  find(lookup, found, 1ms);
  run();
  EXPECT_EQ(found->addresses, std::vector{kAddress});
  EXPECT_EQ(slow_.asked(), 1) << "it is that answer";
  slow_.answer();
  found.reset();
  find(lookup, found, 20s);
  run();
  EXPECT_EQ(found->addresses, std::vector{kAddress});
  EXPECT_EQ(slow_.asked(), 2) << "once";
}

TEST_F(HostLookupTest, WhatWasFoundTooLongAgoIsAskedAnew) {
  HostLookup lookup(io_, slow_.ask(), 0s);
  std::optional<Found> found;
  find(lookup, found, 1ms);
  run();
  EXPECT_EQ(found->problem, "it took too long");
  slow_.answer();
  slow_.wait_until_gone(1);
  slow_.hold();
  found.reset();
  find(lookup, found, 1ms);
  run();
  EXPECT_EQ(found->problem, "it took too long") << "what was found first was there";
  slow_.wait_until_asked(2);
  slow_.answer();
  found.reset();
  find(lookup, found, 20s);  // it joins the second, or asks once more
  run();
  EXPECT_EQ(found->addresses, std::vector{kAddress});
}

TEST_F(HostLookupTest, AStopWaitsForNoAnswer) {
  std::optional<Found> found;
  {
    HostLookup lookup(io_, slow_.ask());
    find(lookup, found, 1h);
    asio::post(io_, [&] { lookup.cancel(); });
    run();
    EXPECT_EQ(found->problem, "the broker stops");
    found.reset();
    find(lookup, found, 1h);
    run();
    EXPECT_EQ(found->problem, "the broker stops");
  }
  // Gone while the system still has it; what comes of it is nobody's.
  EXPECT_EQ(HostLookup::left_behind(), 1u);
  slow_.answer();
  slow_.wait_until_answered(1);
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (HostLookup::left_behind() > 0 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  EXPECT_EQ(HostLookup::left_behind(), 0u);
}

}  // namespace
}  // namespace lazaret::alerts
