// The idempotent receiver and its stores.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <filesystem>
#include <future>
#include <stdexcept>
#include <thread>

#include "integration/support/error_of.h"
#include "integration/support/inbox.h"
#include "integration/support/process.h"
#include "lazaret/idempotent.h"

namespace lazaret {
namespace {

using testing::error_of;
using testing::Gate;
using testing::TempDir;

MessageId id_of(int number) {
  MessageId id;
  id.bytes[0] = static_cast<std::uint8_t>(number);
  id.bytes[1] = static_cast<std::uint8_t>(number >> 8);
  return id;
}

Delivery delivery_of(int number) {
  Message message;
  message.id = id_of(number);
  return {std::move(message), 1, false, false, {}};
}

// --- The stores ------------------------------------------------------------------------------------------------------

TEST(IdempotencyStore, InMemoryForgetsTheOldest) {
  const auto store = ids_in_memory(2);
  for (const int number : {1, 2, 1, 3}) store->remember(id_of(number));
  EXPECT_FALSE(store->contains(id_of(1)));
  EXPECT_TRUE(store->contains(id_of(2)));
  EXPECT_TRUE(store->contains(id_of(3)));
}

class IdFileTest : public ::testing::Test {
 protected:
  std::shared_ptr<IdempotencyStore> open(std::size_t capacity = 100) { return ids_in_file(path_, capacity); }
  void cut_by(std::uintmax_t bytes) { std::filesystem::resize_file(path_, std::filesystem::file_size(path_) - bytes); }
  void flip_byte(std::size_t at) {
    std::string text = testing::read_file(path_);
    text.at(at) = static_cast<char>(text.at(at) ^ 1);
    testing::write_file(path_, text);
  }
  TempDir dir_;
  const std::string path_ = dir_ / "ids";
};

TEST_F(IdFileTest, RemembersOverAStart) {
  open()->remember(id_of(1));
  const auto store = open();
  EXPECT_TRUE(store->contains(id_of(1)));
  EXPECT_FALSE(store->contains(id_of(2)));
  store->remember(id_of(2));
  EXPECT_TRUE(store->contains(id_of(2)));
}

TEST_F(IdFileTest, TheFileAndWhatItRemembersStayBounded) {
  constexpr int kCapacity = 10;
  {
    const auto store = open(kCapacity);
    for (int number = 0; number < 1000; ++number) {
      store->remember(id_of(number));
      ASSERT_LE(std::filesystem::file_size(path_), 16u + 40u * kCapacity);
    }
  }
  const auto store = open(kCapacity);
  EXPECT_FALSE(store->contains(id_of(989)));
  for (int number = 990; number < 1000; ++number) EXPECT_TRUE(store->contains(id_of(number))) << number;
}

/// The last record is of a write that was never answered for.
TEST_F(IdFileTest, ATornEndIsCutOff) {
  for (const int number : {1, 2, 3}) open()->remember(id_of(number));
  cut_by(1);
  {
    const auto store = open();
    EXPECT_TRUE(store->contains(id_of(2)));
    EXPECT_FALSE(store->contains(id_of(3)));
    store->remember(id_of(4));
  }
  flip_byte(std::filesystem::file_size(path_) - 1);
  const auto store = open();
  EXPECT_TRUE(store->contains(id_of(2)));
  EXPECT_FALSE(store->contains(id_of(4)));
}

TEST_F(IdFileTest, DamageIsSaidAndNothingIsForgottenQuietly) {
  for (const int number : {1, 2, 3}) open()->remember(id_of(number));
  flip_byte(16);
  EXPECT_EQ(error_of([&] { open(); }), errc::storage_damaged);
  testing::write_file(path_, "something else altogether");
  EXPECT_EQ(error_of([&] { open(); }), errc::storage_damaged);
  EXPECT_EQ(testing::read_file(path_), "something else altogether");
}

TEST_F(IdFileTest, OneThatDiedAtItsBeginBeginsAgain) {
  testing::write_file(path_, "lazaret");
  open()->remember(id_of(1));
  EXPECT_TRUE(open()->contains(id_of(1)));
}

TEST_F(IdFileTest, IsOfOneProcessAtATimeAlsoWhenItWasWrittenAnew) {
  const auto store = open(1);
  EXPECT_EQ(error_of([&] { open(); }), errc::directory_locked);
  for (int number = 0; number < 5; ++number) store->remember(id_of(number));
  EXPECT_EQ(error_of([&] { open(); }), errc::directory_locked);
}

TEST_F(IdFileTest, AfterAFailedWriteItSaysNothingMore) {
  const auto store = open();
  store->remember(id_of(1));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  rlimit full = before;
  full.rlim_cur = std::filesystem::file_size(path_);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  EXPECT_EQ(error_of([&] { store->remember(id_of(2)); }), errc::storage_failed);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, ignored);
  EXPECT_EQ(error_of([&] { store->contains(id_of(1)); }), errc::storage_failed);
  EXPECT_EQ(error_of([&] { store->remember(id_of(3)); }), errc::storage_failed);
}

TEST_F(IdFileTest, SeveralAtOnceAreAllRemembered) {
  {
    const auto store = open(1000);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&store, thread] {
        for (int i = 0; i < 50; ++i) store->remember(id_of(50 * thread + i));
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  const auto store = open(1000);
  for (int number = 0; number < 200; ++number) EXPECT_TRUE(store->contains(id_of(number))) << number;
}

// --- The handler -----------------------------------------------------------------------------------------------------

TEST(IdempotentHandler, RunsOnceForAMessageThatItHandled) {
  int runs = 0;
  auto handler = idempotent(ids_in_memory(), [&](Delivery&) { ++runs; });
  for (const int number : {1, 2, 1, 1}) {
    Delivery delivery = delivery_of(number);
    EXPECT_EQ(handler(delivery).kind(), Verdict::Kind::done);
  }
  EXPECT_EQ(runs, 2);
}

TEST(IdempotentHandler, WhatDidNotSucceedRunsAgain) {
  int runs = 0;
  auto handler = idempotent(ids_in_memory(), [&](Delivery&) {
    if (++runs == 1) throw std::runtime_error("no such table");
    return runs == 2 ? Verdict::fail("still not") : runs == 3 ? Verdict::release() : Verdict::done();
  });
  Delivery delivery = delivery_of(1);
  EXPECT_THROW(handler(delivery), std::runtime_error);
  EXPECT_EQ(handler(delivery).kind(), Verdict::Kind::fail);
  EXPECT_EQ(handler(delivery).kind(), Verdict::Kind::release);
  EXPECT_EQ(handler(delivery).kind(), Verdict::Kind::done);
  EXPECT_EQ(handler(delivery).kind(), Verdict::Kind::done);
  EXPECT_EQ(runs, 4);
}

TEST(IdempotentHandler, WhatIsInAHandlerIsLeftToIt) {
  Gate gate;
  std::promise<void> begun;
  int runs = 0;
  auto handler = idempotent(ids_in_memory(), [&](Delivery&) {
    ++runs;
    begun.set_value();
    gate.pass();
  });
  auto first = std::async(std::launch::async, [&] {
    Delivery delivery = delivery_of(1);
    return handler(delivery).kind();
  });
  begun.get_future().get();
  Delivery again = delivery_of(1);
  const Verdict verdict = handler(again);
  EXPECT_EQ(verdict.kind(), Verdict::Kind::release);
  EXPECT_TRUE(verdict.delay().has_value());
  gate.open();
  EXPECT_EQ(first.get(), Verdict::Kind::done);
  EXPECT_EQ(handler(again).kind(), Verdict::Kind::done);
  EXPECT_EQ(runs, 1);
}

class BrokenStore : public IdempotencyStore {
 public:
  bool contains(const MessageId&) override {
    if (std::exchange(asked_, true)) return false;
    throw std::runtime_error("the database is away");
  }
  void remember(const MessageId&) override { throw std::runtime_error("the database is away"); }

 private:
  bool asked_ = false;
};

TEST(IdempotentHandler, AStoreThatFailsFailsTheAttempt) {
  int runs = 0;
  auto handler = idempotent(std::make_shared<BrokenStore>(), [&](Delivery&) { ++runs; });
  Delivery delivery = delivery_of(1);
  EXPECT_THROW(handler(delivery), std::runtime_error);
  EXPECT_EQ(runs, 0);
  EXPECT_THROW(handler(delivery), std::runtime_error) << "and the message is not in hand for ever";
  EXPECT_EQ(runs, 1);
}

TEST(IdempotentHandler, CoroutinesToo) {
  boost::asio::io_context io;
  int runs = 0;
  std::vector<Verdict::Kind> verdicts;
  auto plain = idempotent(ids_in_memory(), [&](Delivery&) -> asio::awaitable<void> {
    ++runs;
    co_return;
  });
  auto with_verdict = idempotent(ids_in_memory(), [&](Delivery&) -> asio::awaitable<Verdict> {
    ++runs;
    co_return Verdict::done();
  });
  Delivery delivery = delivery_of(1);
  const auto note = [&](const std::exception_ptr&, std::optional<Verdict> verdict) {
    verdicts.push_back(verdict.value_or(Verdict::fail("")).kind());
  };
  const auto any = [](auto handler) { return detail::erase(std::move(handler)); };
  for (const auto& handler : {any(plain), any(plain), any(with_verdict), any(with_verdict)}) {
    boost::asio::co_spawn(io, handler.coroutine(delivery), note);
    io.restart();
    io.run();
  }
  EXPECT_EQ(verdicts, std::vector(4, Verdict::Kind::done));
  EXPECT_EQ(runs, 2);
}

}  // namespace
}  // namespace lazaret
