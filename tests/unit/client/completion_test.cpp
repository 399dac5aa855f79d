// Where completions run, and what they are the work of.
#include "client/completion.h"

#include <gtest/gtest.h>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include <stdexcept>
#include <string>
#include <vector>

#include "lazaret/types.h"

namespace lazaret::detail {
namespace {

using Ended = Completion<Receipt>;

class CompletionTest : public ::testing::Test {
 protected:
  /// One that notes `name`.
  Handler<Receipt> noting(std::string name) {
    return Handler<Receipt>([this, name](error_code, const Receipt&) { called_.push_back(name); });
  }
  template <class Executor>
  Handler<Receipt> noting_on(const Executor& executor, std::string name) {
    return Handler<Receipt>(asio::bind_executor(executor, noting(std::move(name))));
  }

  asio::io_context io_;
  asio::io_context other_;
  const Home home_{asio::make_strand(asio::any_io_executor(io_.get_executor())), io_.get_executor()};
  std::vector<std::string> called_;
  using Names = std::vector<std::string>;
};

TEST_F(CompletionTest, OneThatEndsIsCalledInALaterTurnOfTheClient) {
  Ended(noting("plain"), home_).done({});
  Ended(noting_on(io_.get_executor(), "the user's"), home_).fail(base::Status(base::Code::NOT_FOUND));
  EXPECT_TRUE(called_.empty());
  io_.run();
  EXPECT_EQ(called_, Names({"plain", "the user's"}));
}

TEST_F(CompletionTest, AnExecutorOfItsOwnHasWorkUntilTheHandlerWasThere) {
  Ended elsewhere(noting_on(other_.get_executor(), "elsewhere"), home_);
  EXPECT_EQ(other_.poll(), 0u);
  EXPECT_FALSE(other_.stopped()) << "nothing waits for the completion";
  elsewhere.done({});
  io_.run();
  EXPECT_TRUE(called_.empty()) << "it ran where the client does";
  other_.run();
  EXPECT_EQ(called_, Names({"elsewhere"}));
}

TEST_F(CompletionTest, AnExecutorHasNoMoreWorkWhenAnOperationIsForgotten) {
  { const Ended forgotten(noting_on(other_.get_executor(), "never"), home_); }
  EXPECT_EQ(other_.run(), 0u);
}

TEST_F(CompletionTest, WithoutAClientItRunsAllTheSame) {
  Ended elsewhere(noting_on(other_.get_executor(), "elsewhere"), home_);
  elsewhere.done_without_client({});
  other_.run();
  EXPECT_EQ(called_, Names({"elsewhere"}));
}

TEST_F(CompletionTest, ThoseThatEndInOneTurnAreCalledInOne) {
  Completions<Receipt> completions(home_);
  const error_code not_found = code_of(base::Status(base::Code::NOT_FOUND));
  error_code code;
  completions.done(Ended(noting("first"), home_), {});
  completions.done(Ended(noting_on(other_.get_executor(), "elsewhere"), home_), {});
  completions.fail(Ended(Handler<Receipt>([&](error_code told, const Receipt&) { code = told; }), home_),
                   base::Status(base::Code::NOT_FOUND));
  completions.done(Ended(noting("last"), home_), {});
  EXPECT_EQ(io_.poll_one(), 1u);
  EXPECT_EQ(called_, Names({"first", "last"}));
  EXPECT_EQ(code, not_found);
  other_.run();
  EXPECT_EQ(called_, Names({"first", "last", "elsewhere"}));
}

TEST_F(CompletionTest, AHandlerMayEndOthers) {
  Completions<Receipt> completions(home_);
  completions.done(Ended(Handler<Receipt>([&](error_code, const Receipt&) {
                           completions.done(Ended(noting("second"), home_), {});
                           EXPECT_TRUE(called_.empty());
                         }),
                         home_),
                   {});
  io_.run();
  EXPECT_EQ(called_, Names({"second"}));
}

TEST_F(CompletionTest, OneThatThrowsTakesNobodyWithIt) {
  Completions<Receipt> completions(home_);
  const auto throwing = [&] {
    return Handler<Receipt>([&](error_code, const Receipt&) {
      completions.done(Ended(noting("ended meanwhile"), home_), {});
      throw std::runtime_error("mine");
    });
  };
  completions.done(Ended(noting("before"), home_), {});
  completions.done(Ended(throwing(), home_), {});
  completions.done(Ended(noting("behind"), home_), {});
  EXPECT_THROW(io_.run(), std::runtime_error);
  EXPECT_EQ(called_, Names({"before"}));
  io_.run();
  EXPECT_EQ(called_, Names({"before", "behind", "ended meanwhile"}));
}

TEST_F(CompletionTest, WhatAnExecutorDropsLeavesNothingBehind) {
  const auto held = std::make_shared<int>();
  {
    asio::io_context dropped;
    const Home home{dropped.get_executor(), {}};
    const auto completions = std::make_shared<Completions<Receipt>>(home);
    // As a handler that owns the client.
    completions->done(Ended(Handler<Receipt>([held, completions](error_code, const Receipt&) {}), home), {});
  }
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace lazaret::detail
