// The client library's asynchronous side: completion tokens, executors, cancellation, deadlines, where blocking is
// refused.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <csignal>
#include <future>
#include <thread>

#include "integration/support/api.h"
#include "integration/support/inbox.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;

template <class Call>
error_code error_of(Call call) {
  try {
    call();
    return {};
  } catch (const Error& error) {
    return error.code();
  }
}

QueueSpec named(const std::string& name) {
  QueueSpec spec;
  spec.name = name;
  return spec;
}

class SdkAsyncTest : public ::testing::Test {
 protected:
  SdkAsyncTest() { client_.ensure(named("q")); }

  Broker broker_;
  Client client_ = Client::connect(broker_.url(), {.name = "async", .drain = 2s});
};

// --- Tokens ----------------------------------------------------------------------------------------------------------

TEST_F(SdkAsyncTest, EveryKindOfTokenIsTaken) {
  std::promise<std::pair<error_code, Receipt>> promise;
  client_.async_publish("q", {.body = "callback"}, [&](error_code code, Receipt receipt) {
    promise.set_value({code, std::move(receipt)});
  });
  const auto [code, receipt] = promise.get_future().get();
  EXPECT_FALSE(code);
  EXPECT_FALSE(receipt.id.is_nil());

  const Receipt second = client_.async_publish("q", {.body = "future"}, asio::use_future).get();
  EXPECT_GT(second.offset, receipt.offset);

  auto deferred = client_.async_publish("q", {.body = "deferred"});
  EXPECT_EQ(client_.show("q").entered_total, 2u) << "a deferred operation began by itself";
  EXPECT_GT(std::move(deferred)(asio::use_future).get().offset, second.offset);

  asio::io_context io;
  auto both = asio::co_spawn(
      io,
      [&]() -> asio::awaitable<std::uint64_t> {
        // By name: g++ 12 destroys a temporary with designated initialisers twice inside a co_await.
        const Message message{.body = "awaitable"};
        const Receipt third = co_await client_.async_publish("q", message, asio::use_awaitable);
        const QueueInfo info = co_await client_.async_show("q", asio::use_awaitable);
        EXPECT_GT(third.offset, second.offset);
        co_return info.entered_total;
      },
      asio::use_future);
  io.run();
  EXPECT_EQ(both.get(), 4u);

  const Client copy = client_;
  Client mutable_copy = copy;
  EXPECT_TRUE(mutable_copy.async_ensure(named("r"), asio::use_future).get().created);
}

TEST_F(SdkAsyncTest, AClientPublishesToMoreQueuesThanAConnectionHasProducers) {
  constexpr std::size_t kQueues = 1100;
  std::vector<std::future<QueueInfo>> made;
  for (std::size_t i = 0; i < kQueues; ++i) {
    if (i >= 500) made[i - 500].wait();
    made.push_back(client_.async_ensure(named("q" + std::to_string(i)), asio::use_future));
  }
  for (auto& one : made) one.get();
  for (int round = 0; round < 2; ++round) {
    std::vector<std::future<Receipt>> published;
    for (std::size_t i = 0; i < kQueues; ++i) {
      published.push_back(client_.async_publish("q" + std::to_string(i), {.body = "x"}, asio::use_future));
    }
    for (auto& one : published) EXPECT_EQ(one.get().offset, static_cast<std::uint64_t>(round));
  }
}

TEST_F(SdkAsyncTest, ErrorsArriveAsCodesWithTheirProblem) {
  std::promise<std::pair<error_code, ProblemRef>> promise;
  client_.async_publish("nowhere", {.body = "x"}, [&](error_code code, Receipt receipt) {
    promise.set_value({code, receipt.problem});
  });
  const auto [code, problem] = promise.get_future().get();
  EXPECT_EQ(code, errc::not_found);
  EXPECT_EQ(code, retry::pointless);
  ASSERT_NE(problem, nullptr);
  EXPECT_EQ(problem->code, "NOT_FOUND");
  EXPECT_NE(problem->text.find("nowhere"), std::string::npos);
}

TEST_F(SdkAsyncTest, ACompletionRunsOnItsExecutorAndNeverInsideTheCall) {
  asio::io_context mine;
  const auto here = std::this_thread::get_id();
  bool calling = true;
  int done = 0;
  const auto token = [&] {
    return asio::bind_executor(mine.get_executor(), [&](error_code, const Receipt&) {
      EXPECT_FALSE(calling);
      EXPECT_EQ(std::this_thread::get_id(), here);
      ++done;
    });
  };
  client_.async_publish("q", {.body = "x"}, token());
  client_.async_publish("nowhere", {.body = "x"}, token());
  calling = false;
  mine.run();  // ends because both operations count as its work
  EXPECT_EQ(done, 2);

  client_.close(1s);
  mine.restart();
  calling = true;
  client_.async_publish("q", {.body = "x"}, token());
  calling = false;
  EXPECT_EQ(done, 2) << "a call that fails at once completed inside of itself";
  mine.run();
  EXPECT_EQ(done, 3);
}

TEST_F(SdkAsyncTest, TooManyPendingPublishesAreRefusedAtOnce) {
  Client small = Client::connect(broker_.url(), {.name = "small", .drain = 1s, .max_pending_messages = 10});
  small.publish("q", {.body = "the producer is open"});
  broker_.signal(SIGSTOP);
  std::vector<std::future<Receipt>> pending;
  for (int i = 0; i < 10; ++i) pending.push_back(small.async_publish("q", {.body = "x"}, asio::use_future));
  auto beyond = small.async_publish("q", {.body = "x"}, asio::use_future);
  try {
    beyond.get();
    ADD_FAILURE() << "the eleventh was taken";
  } catch (const boost::system::system_error& error) {
    EXPECT_EQ(error.code(), errc::exhausted);
    EXPECT_EQ(error.code(), retry::later);
  }
  broker_.signal(SIGCONT);
  for (auto& one : pending) one.get();
  small.publish("q", {.body = "there is room again"});
}

// --- Cancellation ----------------------------------------------------------------------------------------------------

/// A publish against a timer of 200 ms; what the publish came to.
error_code race(Client& client) {
  asio::io_context io;
  asio::steady_timer timer(io, 200ms);
  error_code published;
  bool timer_first = false;
  asio::experimental::make_parallel_group(
      [&](auto token) { return client.async_publish("q", {.body = "raced"}, std::move(token)); },
      [&](auto token) { return timer.async_wait(std::move(token)); })
      .async_wait(asio::experimental::wait_for_one(),
                  asio::bind_executor(io.get_executor(), [&](std::array<std::size_t, 2> order, error_code code,
                                                             const Receipt&, const error_code&) {
                    timer_first = order[0] == 1;
                    published = code;
                  }));
  io.run();
  EXPECT_EQ(timer_first, published.failed());
  return published;
}

TEST_F(SdkAsyncTest, APublishThatLosesAgainstATimerIsCancelled) {
  EXPECT_FALSE(race(client_));
  broker_.signal(SIGSTOP);
  EXPECT_EQ(race(client_), errc::outcome_unknown) << "it had been sent";
  broker_.signal(SIGCONT);
  client_.publish("q", {.body = "all is well"});
  broker_.kill9();
  ASSERT_TRUE(eventually([&] { return !client_.connected(); }));
  EXPECT_EQ(race(client_), errc::cancelled) << "it had not been sent";
}

// --- Where blocking is refused ---------------------------------------------------------------------------------------

TEST_F(SdkAsyncTest, NoVerbBlocksTheThreadThatWouldHaveToServeIt) {
  std::promise<std::vector<error_code>> promise;
  client_.async_show("q", [&](error_code, const QueueInfo&) {
    promise.set_value({
        error_of([&] { client_.publish("q", {.body = "x"}); }),
        error_of([&] { client_.ensure(named("q")); }),
        error_of([&] { client_.create(named("z")); }),
        error_of([&] { client_.update(named("q")); }),
        error_of([&] { client_.show("q"); }),
        error_of([&] { client_.list(); }),
        error_of([&] { client_.remove("q"); }),
        error_of([&] { client_.purge("q"); }),
        error_of([&] { client_.peek("q"); }),
        error_of([&] { client_.consume("q", [](Delivery&) {}); }),
        error_of([&] { client_.close(0ms); }),
    });
  });
  for (const error_code& code : promise.get_future().get()) EXPECT_EQ(code, errc::would_deadlock);
  client_.publish("q", {.body = "from a thread that may"});
}

TEST_F(SdkAsyncTest, AClientOnTheUsersExecutorNeverBlocks) {
  asio::io_context io;
  Client client(io.get_executor(), broker_.url());
  EXPECT_EQ(error_of([&] { client.publish("q", {.body = "x"}); }), errc::would_deadlock);
  EXPECT_EQ(error_of([&] { client.show("q"); }), errc::would_deadlock);
  EXPECT_EQ(error_of([&] { client.close(0ms); }), errc::would_deadlock);
  EXPECT_EQ(error_of([&] { Client(io.get_executor(), "http://127.0.0.1:1"); }), errc::bad_request);
}

TEST_F(SdkAsyncTest, AHandlerMayNotCloseItsOwnConsumer) {
  client_.publish("q", {.body = "x"});
  std::promise<error_code> promise;
  std::promise<Consumer*> ready;
  auto handed = ready.get_future().share();
  Consumer consumer =
      client_.consume("q", [&](Delivery&) { promise.set_value(error_of([&] { handed.get()->close(1s); })); });
  ready.set_value(&consumer);
  EXPECT_EQ(promise.get_future().get(), errc::would_deadlock);
}

TEST_F(SdkAsyncTest, AClientOnTheUsersExecutorDoesItAllWithOneThread) {
  asio::io_context io;
  Inbox inbox;
  auto all = asio::co_spawn(
      io,
      [&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        Options options;
        options.name = "single";
        Client client(executor, broker_.url(), options);
        co_await client.async_ensure(named("own"), asio::use_awaitable);
        const Message message{.body = "x"};
        for (int i = 0; i < 20; ++i) co_await client.async_publish("own", message, asio::use_awaitable);
        Consumer consumer = client.consume("own", [&](Delivery& delivery) -> asio::awaitable<void> {
          inbox.add(delivery);
          co_return;
        });
        asio::steady_timer timer(executor);
        while ((co_await client.async_show("own", asio::use_awaitable)).acked_total < 20) {
          timer.expires_after(5ms);
          co_await timer.async_wait(asio::use_awaitable);
        }
        co_await consumer.async_close(1s, asio::use_awaitable);
        co_await client.async_close(1s, asio::use_awaitable);
      },
      asio::use_future);
  std::thread guard([&] {
    if (all.wait_for(60s) != std::future_status::ready) io.stop();
  });
  io.run();
  guard.join();
  ASSERT_EQ(all.wait_for(0s), std::future_status::ready);
  all.get();
  EXPECT_EQ(inbox.size(), 20u);
}

TEST_F(SdkAsyncTest, AClosedClientOnTheUsersExecutorRefusesConsumers) {
  asio::io_context io;
  Client client(io.get_executor(), broker_.url());
  client.async_close(1s, [](error_code, const Closed&) {});
  io.run();
  io.restart();
  error_code ended;
  Consumer consumer =
      client.consume("q", [](Delivery&) {}, {.on_end = [&](error_code code, const Problem&) { ended = code; }});
  Closed closed;
  bool answered = false;
  consumer.async_close(1s, [&](error_code, Closed result) {
    closed = std::move(result);
    answered = true;
  });
  io.run();
  EXPECT_EQ(ended, errc::closed);
  EXPECT_TRUE(answered);
  EXPECT_EQ(closed.abandoned + closed.released + closed.finished, 0u);
}

// --- Handles that outlive each other ---------------------------------------------------------------------------------

TEST_F(SdkAsyncTest, AConsumerMayOutliveItsClient) {
  client_.publish("q", {.body = "x"});
  Gate gate;
  Inbox inbox;
  std::atomic<bool> ended{false};
  std::optional<Client> other = Client::connect(broker_.url(), {.name = "short-lived", .drain = 50ms});
  Consumer consumer = other->consume("q", [&](Delivery& delivery) {
    inbox.add(delivery);
    gate.pass();
    ended = true;
  });
  ASSERT_TRUE(inbox.reaches(1));
  other.reset();  // abandons the handler, which still runs
  EXPECT_EQ(consumer.close(10s).abandoned, 1u);
  EXPECT_EQ(consumer.async_close(10s, asio::use_future).get().abandoned, 1u);
  gate.open();
  EXPECT_TRUE(eventually([&] { return ended.load(); }));
}

TEST_F(SdkAsyncTest, TheLastHandleMayDieInACompletion) {
  auto other = std::make_shared<Client>(Client::connect(broker_.url(), {.name = "short-lived", .drain = 1s}));
  Client* client = other.get();
  std::promise<void> done;
  client->async_show("q", [held = std::move(other), &done](error_code, const QueueInfo&) mutable {
    held.reset();
    done.set_value();
  });
  EXPECT_EQ(done.get_future().wait_for(10s), std::future_status::ready);
}

TEST_F(SdkAsyncTest, PublishesBehindTheDeletionOfTheirQueueAreAnsweredAtOnce) {
  constexpr int kCount = 6000;  // more than are in flight at a time
  std::atomic<int> answered{0};
  for (int i = 0; i < kCount; ++i) {
    client_.async_publish("q", {.body = "x"}, [&](error_code code, const Receipt&) {
      if (!code || code == errc::not_found) ++answered;
    });
    if (i == 2500) client_.async_show("q", [](error_code, const QueueInfo&) {});
  }
  client_.remove("q", true);
  EXPECT_TRUE(eventually([&] { return answered == kCount; }, 15s)) << answered << " of " << kCount;
}

}  // namespace
}  // namespace lazaret::testing
