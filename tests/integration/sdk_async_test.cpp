// The client library's asynchronous side: completion tokens, executors, cancellation, deadlines, where blocking is
// refused.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <csignal>
#include <future>
#include <thread>

#include "integration/support/api.h"
#include "integration/support/error_of.h"
#include "integration/support/inbox.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;

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

TEST_F(SdkAsyncTest, EveryVerbAboutQueuesHasAnAsynchronousTwin) {
  asio::io_context io;
  auto all = asio::co_spawn(
      io,
      [&]() -> asio::awaitable<void> {
        QueueSpec spec = named("twin");
        EXPECT_TRUE((co_await client_.async_create(spec, asio::use_awaitable)).created);
        spec.lease_duration = 7s;
        EXPECT_EQ((co_await client_.async_update(spec, asio::use_awaitable)).spec.lease_duration, 7s);
        EXPECT_EQ((co_await client_.async_list("q", 10, asio::use_awaitable)).queues.size(), 1u);
        const Message message{.body = "x"};
        co_await client_.async_publish("twin", message, asio::use_awaitable);
        const Peeked peeked = co_await client_.async_peek("twin", 0, 10, asio::use_awaitable);
        EXPECT_EQ(peeked.messages.size(), 1u);
        EXPECT_EQ((co_await client_.async_purge("twin", asio::use_awaitable)).count, 1u);
        co_await client_.async_remove("twin", false, asio::use_awaitable);
      },
      asio::use_future);
  io.run();
  all.get();
  EXPECT_EQ(error_of([&] { client_.show("twin"); }), errc::not_found);
  broker_.signal(SIGSTOP);
  Client hasty = client_.within(50ms);
  const auto code_of = [](auto future) -> error_code {
    try {
      future.get();
      return {};
    } catch (const boost::system::system_error& error) {
      return error.code();
    }
  };
  EXPECT_EQ(code_of(hasty.async_list("", 10, asio::use_future)), errc::deadline);
  EXPECT_EQ(code_of(hasty.async_peek("q", 0, 10, asio::use_future)), errc::deadline);
  EXPECT_EQ(code_of(hasty.async_update(named("q"), asio::use_future)), errc::deadline);
  EXPECT_EQ(code_of(hasty.async_create(named("perhaps"), asio::use_future)), errc::outcome_unknown);
  EXPECT_EQ(code_of(hasty.async_remove("perhaps", true, asio::use_future)), errc::outcome_unknown);
  EXPECT_EQ(code_of(hasty.async_purge("perhaps", asio::use_future)), errc::outcome_unknown);
  broker_.signal(SIGCONT);
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

/// Starts an operation, cancels it, and waits for its code.
template <class R, class Start>
error_code cancelled(Start start) {
  asio::io_context io;
  asio::cancellation_signal cancel;
  std::optional<error_code> ended;
  start(asio::bind_cancellation_slot(
      cancel.slot(), asio::bind_executor(io.get_executor(), [&](error_code code, const R&) { ended = code; })));
  asio::post(io, [&] { cancel.emit(asio::cancellation_type::terminal); });
  io.run_for(60s);
  return ended.value_or(error_code());
}

TEST_F(SdkAsyncTest, EveryVerbCanBeCancelled) {
  client_.publish("q", {.body = "x"});
  Inbox inbox;
  Gate gate;
  Consumer consumer = client_.consume("q", [&](Delivery& delivery) {
    inbox.add(delivery);
    gate.pass();
  });
  ASSERT_TRUE(inbox.reaches(1));
  broker_.signal(SIGSTOP);
  Client& c = client_;
  const QueueSpec spec = named("q");
  EXPECT_EQ(cancelled<QueueInfo>([&](auto token) { c.async_ensure(spec, std::move(token)); }), errc::cancelled);
  EXPECT_EQ(cancelled<QueueInfo>([&](auto token) { c.async_show("q", std::move(token)); }), errc::cancelled);
  EXPECT_EQ(cancelled<QueueInfo>([&](auto token) { c.async_update(spec, std::move(token)); }), errc::cancelled);
  EXPECT_EQ(cancelled<QueueList>([&](auto token) { c.async_list("", 9, std::move(token)); }), errc::cancelled);
  EXPECT_EQ(cancelled<Peeked>([&](auto token) { c.async_peek("q", 0, 9, std::move(token)); }), errc::cancelled);
  EXPECT_EQ(cancelled<QueueInfo>([&](auto token) { c.async_create(named("z"), std::move(token)); }),
            errc::outcome_unknown);
  EXPECT_EQ(cancelled<Count>([&](auto token) { c.async_purge("z", std::move(token)); }), errc::outcome_unknown);
  EXPECT_EQ(cancelled<Count>([&](auto token) { c.async_remove("z", true, std::move(token)); }), errc::outcome_unknown);
  EXPECT_EQ(cancelled<Closed>([&](auto token) { consumer.async_close(60s, std::move(token)); }), errc::cancelled);
  EXPECT_EQ(cancelled<Closed>([&](auto token) { c.async_close(60s, std::move(token)); }), errc::cancelled);
  broker_.signal(SIGCONT);
  gate.open();
  EXPECT_EQ(client_.close(60s).finished, 1u) << "what nobody waited for did not go on";
}

// --- Callbacks that throw --------------------------------------------------------------------------------------------

TEST_F(SdkAsyncTest, WhatACallbackThrowsEndsNobodysProcess) {
  std::atomic<int> reported{0};
  Options options;
  options.drain = 2s;
  options.on_exception = [&](const std::exception_ptr& thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::runtime_error& error) {
      if (error.what() == std::string("mine")) ++reported;
    }
  };
  Client client = Client::connect(broker_.url(), options);
  client.ensure(named("thrown"));
  client.async_show("q", [](error_code, const QueueInfo&) { throw std::runtime_error("mine"); });
  EXPECT_TRUE(eventually([&] { return reported == 1; }));
  client.publish("thrown", {.body = "x"});
  const Consumer consumer =
      client.consume("thrown", [](Delivery&) {},
                     {.on_settled = [](std::size_t) { throw std::runtime_error("mine"); },
                      .on_end = [](error_code, const Problem&) { throw std::runtime_error("mine"); }});
  EXPECT_TRUE(eventually([&] { return reported == 2; }));
  EXPECT_EQ(client.show("thrown").acked_total, 1u);
  client.remove("thrown", true);
  EXPECT_TRUE(eventually([&] { return reported == 3; }));
  client.publish("q", {.body = "the client lives"});
}

TEST_F(SdkAsyncTest, OnTheUsersExecutorACallbackThatThrowsIsReportedToo) {
  asio::io_context io;
  std::atomic<int> reported{0};
  Client client(io.get_executor(), broker_.url(), {.on_exception = [&](const std::exception_ptr&) {
                  ++reported;
                  throw std::logic_error("and it throws itself");
                }});
  Consumer consumer =
      client.consume("nowhere", [](Delivery&) {}, {.on_end = [](error_code, const Problem&) { throw 42; }});
  EXPECT_TRUE(eventually([&] {
    io.poll();
    return reported == 1;
  }));
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

TEST_F(SdkAsyncTest, AHandlerMayNotCloseItsOwnClient) {
  client_.publish("q", {.body = "x"});
  std::promise<error_code> closed;
  const Consumer consumer =
      client_.consume("q", [&](Delivery&) { closed.set_value(error_of([&] { client_.close(60s); })); });
  EXPECT_EQ(closed.get_future().get(), errc::would_deadlock);
  // Another client's is its own affair.
  Client other = Client::connect(broker_.url(), {.drain = 1s});
  std::promise<error_code> other_closed;
  other.ensure(named("other"));
  client_.publish("other", {.body = "x"});
  const Consumer second =
      client_.consume("other", [&](Delivery&) { other_closed.set_value(error_of([&] { other.close(1s); })); });
  EXPECT_FALSE(other_closed.get_future().get());
}

TEST_F(SdkAsyncTest, ACoroutineMayNotCloseWhatWaitsForIt) {
  asio::thread_pool pool(2);
  client_.publish("q", {.body = "x"});
  std::promise<std::vector<error_code>> promise;
  std::promise<Consumer*> ready;
  auto handed = ready.get_future().share();
  Consumer consumer = client_.consume("q",
                                      [&](Delivery&) -> asio::awaitable<void> {
                                        std::vector<error_code> codes;
                                        codes.push_back(error_of([&] { handed.get()->close(60s); }));
                                        // Also behind an operation that resumes it.
                                        asio::steady_timer timer(pool, 1ms);
                                        co_await timer.async_wait(asio::use_awaitable);
                                        codes.push_back(error_of([&] { handed.get()->close(60s); }));
                                        codes.push_back(error_of([&] { client_.close(60s); }));
                                        promise.set_value(codes);
                                      },
                                      {.run_on = pool.get_executor()});
  ready.set_value(&consumer);
  const auto codes = promise.get_future().get();
  EXPECT_EQ(codes.size(), 3u);
  for (const error_code& code : codes) EXPECT_EQ(code, errc::would_deadlock);
  consumer.close(5s);
  pool.join();
}

TEST_F(SdkAsyncTest, TheLastHandleMayDieInAHandler) {
  client_.publish("q", {.body = "x"});
  auto other = std::make_unique<Client>(Client::connect(broker_.url(), {.drain = 10min}));
  Consumer consumer;
  std::promise<void> ready;
  std::promise<void> died;
  consumer = other->consume("q", [&, handed = ready.get_future().share()](Delivery&) {
    handed.wait();
    other.reset();
    died.set_value();
  });
  ready.set_value();
  EXPECT_EQ(died.get_future().wait_for(60s), std::future_status::ready) << "it waits for itself";
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

/// A context that is stopped, and gone before anything of a client could be closed on it, takes the client along: what
/// a handler holds goes with that.
TEST_F(SdkAsyncTest, AContextThatIsStoppedTakesItsClientsAlong) {
  for (const bool coroutine : {true, false}) {
    client_.publish("q", {.body = "x"});
    const auto held = std::make_shared<int>(1);
    std::atomic<bool> began{false};
    {
      asio::io_context io;
      Client client(io.get_executor(), broker_.url(), {.name = "stopped"});
      const auto plain = [&io, &began, held](Delivery&) {
        began = true;
        io.stop();
      };
      const auto waits = [&io, &began, held](Delivery&) -> asio::awaitable<void> {
        began = true;
        io.stop();
        const auto executor = co_await asio::this_coro::executor;
        asio::steady_timer timer(executor, 1h);
        co_await timer.async_wait(asio::use_awaitable);
      };
      const Consumer consumer = coroutine ? client.consume("q", waits) : client.consume("q", plain);
      io.run_for(60s);
      EXPECT_TRUE(began);
      EXPECT_TRUE(io.stopped());
    }
    EXPECT_TRUE(eventually([&] { return held.use_count() == 1; })) << coroutine;
  }
}

}  // namespace
}  // namespace lazaret::testing
