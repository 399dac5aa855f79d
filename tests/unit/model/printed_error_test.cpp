// What programs of several languages print when they end with an error, among the lines of their logs.
#include "model/printed_error.h"

#include <gtest/gtest.h>

#include <chrono>

#include "model/fingerprint.h"

namespace lazaret::model {
namespace {

struct Read {
  std::string type, message, stack;
  bool operator==(const Read&) const = default;
};

Read read(const std::string& text) {
  const auto error = printed_error(text);
  if (!error) return {};
  return {std::string(error->type), std::string(error->message), text.substr(error->begins)};
}

/// The same behind lines of a log.
void expect(const std::string& stack, const std::string& type, const std::string& message) {
  EXPECT_EQ(read(stack), (Read{type, message, stack}));
  const std::string log = "2026-11-23 20:04:48 INFO: customer ann\n\nWARN: slow at (last)\n";
  EXPECT_EQ(read(log + stack), (Read{type, message, stack}));
  EXPECT_EQ(read(log + stack + "\n\nINFO: the end\n").type, type);
}

constexpr const char* kPython =
    "Traceback (most recent call last):\n"
    "  File \"/app/main.py\", line 3, in <module>\n    run()\n    ~~~^^\n"
    "  File \"/app/ledger.py\", line 99, in post\n    raise KeyError(k)\n"
    "KeyError: 'total'";

TEST(PrintedError, OfPython) {
  expect(kPython, "KeyError", "'total'");
  expect("Traceback (most recent call last):\r\n  File \"a.py\", line 3, in f\r\napp.errors.NoTotal",
         "app.errors.NoTotal", "");
}

TEST(PrintedError, OfPythonTheLastOfAChain) {
  for (const char* between : {"\nDuring handling of the above exception, another exception occurred:\n\n",
                              "\nThe above exception was the direct cause of the following exception:\n\n"}) {
    const std::string chain = std::string(kPython) + "\n" + between +
                              "Traceback (most recent call last):\n"
                              "  File \"/app/main.py\", line 5, in run\n    raise Failed() from e\n"
                              "__main__.Failed: order 17";
    expect(chain, "__main__.Failed", "order 17");
  }
}

TEST(PrintedError, OfPythonNotOneThatWasLogged) {
  const std::string last = "Traceback (most recent call last):\n  File \"b.py\", line 1, in g\n    h()\nOSError: gone";
  EXPECT_EQ(read(std::string(kPython) + "\nINFO: goes on\n" + last), (Read{"OSError", "gone", last}));
}

TEST(PrintedError, OfJava) {
  expect(
      "Exception in thread \"worker 1\" java.sql.SQLException: no such table: orders\n"
      "\tat org.example.Ledger.post(Ledger.java:42)\n"
      "\tat java.base/java.lang.Thread.run(Thread.java:840)\n"
      "Caused by: java.io.IOException: broken pipe\n\tat org.example.Deep.y(Deep.java:1)\n\t... 2 more",
      "java.sql.SQLException", "no such table: orders");
  expect("java.lang.NullPointerException\n\tat org.example.Ledger.post(Ledger.java:42)",
         "java.lang.NullPointerException", "");
  expect(
      "org.example.Refused: the answer was\n<html>\n\n</html>\n\tat org.example.Ledger.post(Ledger.java:42)\n"
      "Caused by: java.io.IOException: two\nlines\n\tat org.example.Deep.y(Deep.java:1)",
      "org.example.Refused", "the answer was");
}

TEST(PrintedError, OfNode) {
  expect(
      "TypeError: Cannot read properties of undefined (reading 'total')\n"
      "    at post (/app/ledger.js:10:15)\n"
      "    at async Worker.handle (file:///app/worker.js:3:1)",
      "TypeError", "Cannot read properties of undefined (reading 'total')");
  const std::string text =
      "/app/ledger.js:10\n    throw new Error('no total')\n    ^\n\n"
      "TypeError [ERR_INVALID_ARG_TYPE]: no text\n    at post (/app/ledger.js:10:15) {\n  code: 'E'\n}\n\n"
      "Node.js v18.19.0";
  EXPECT_EQ(read(text), (Read{"TypeError [ERR_INVALID_ARG_TYPE]", "no text", text.substr(text.find("TypeError"))}));
}

TEST(PrintedError, OfDotNet) {
  expect(
      "Unhandled exception. System.InvalidOperationException: no such table\r\n"
      " ---> System.IO.IOException: broken pipe\r\n"
      "   at Billing.Deep.Y() in C:\\src\\Deep.cs:line 1\r\n"
      "   --- End of inner exception stack trace ---\r\n"
      "   at Billing.Ledger.Post(Order order) in C:\\src\\Ledger.cs:line 42",
      "System.InvalidOperationException", "no such table");
}

TEST(PrintedError, OfGo) {
  expect(
      "panic: runtime error: invalid memory address or nil pointer dereference\n"
      "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x48f2a6]\n\ngoroutine 34 [running]:\n"
      "main.handle(0x1)\n\t/app/main.go:17 +0x1b\nexit status 2",
      "panic", "runtime error: invalid memory address or nil pointer dereference");
  expect("fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan receive]:\nmain.main()\n\t/a.go:8",
         "fatal error", "all goroutines are asleep - deadlock!");
}

TEST(PrintedError, OfRuby) {
  expect("/app/ledger.rb:12:in `post': no total for order 17 (KeyError)\n\tfrom /app/main.rb:3:in `<main>'", "KeyError",
         "no total for order 17");
  expect("ledger.rb:12:in 'Ledger#post': undefined method 'x' for nil (NoMethodError)\n\tfrom main.rb:3:in '<main>'",
         "NoMethodError", "undefined method 'x' for nil");
}

TEST(PrintedError, OfRust) {
  expect("thread 'main' panicked at src/ledger.rs:5:10:\nno total: order 17\nnote: run with `RUST_BACKTRACE=1`",
         "panic", "no total: order 17");
  expect("thread 'main' panicked at 'no total', src/ledger.rs:5:10\nnote: run with `RUST_BACKTRACE=1`", "panic",
         "no total");
}

TEST(PrintedError, OfCpp) {
  expect("terminate called after throwing an instance of 'std::runtime_error'\n  what():  no total",
         "std::runtime_error", "no total");
  expect("terminate called after throwing an instance of 'app::Failed'", "app::Failed", "");
  expect(
      "==12==ERROR: AddressSanitizer: heap-use-after-free on address 0x602\n    #0 0x55d0c in post /src/book.cpp:12:3",
      "AddressSanitizer", "heap-use-after-free on address 0x602");
}

TEST(PrintedError, TheLastOfSeveralIsIt) {
  const std::string text = std::string(kPython) + "\nERROR: once more\nError: no\n    at post (/app/ledger.js:10:15)\n";
  EXPECT_EQ(read(text).type, "Error");
}

TEST(PrintedError, WhatIsNoStackIsNone) {
  for (const char* text : {"", "\n", "ERROR: no such table", "why",
                           "Traceback (most recent call last):", "panic: there is a list behind it",
                           "Traceback (most recent call last):\nKeyError: 'x'", "INFO: it was\n  at noon (or so)",
                           "  at x.y(Z.java:1)", "ledger.rb:12:in 'post", "ledger.rb:12:in 'post': (later)",
                           "thread 'main' panicked at ", "==ERROR: ", "thread 'x' panicked at '",
                           "Exception in thread \"", "terminate called", ":in '': (", "1:in '': (A)x"}) {
    EXPECT_FALSE(printed_error(text).has_value()) << text;
  }
}

/// It takes no more time than the text is long, and stays within it.
TEST(PrintedError, HostileTextsAreSurvived) {
  using namespace std::chrono_literals;
  const std::vector<std::string> pieces = {"Traceback (most recent call last):\n",
                                           "  File \"x\", line 1, in f\n",
                                           "Error: x\n",
                                           "  at f(x)\n",
                                           "Caused by: ",
                                           "panic: ",
                                           "goroutine 1 [running]:\n",
                                           "1:in '': ",
                                           " (A)",
                                           "thread '",
                                           "panicked at '",
                                           "', ",
                                           "==ERROR: ",
                                           "terminate called after throwing an instance of '",
                                           "Exception in thread \"",
                                           "\n",
                                           "\r",
                                           "[",
                                           "\xff",
                                           "A.",
                                           std::string(1, '\0')};
  std::uint64_t state = 88172645463325252ull;
  const auto random = [&state](std::size_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<std::size_t>(state % below);
  };
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (std::size_t n = random(40); n > 0; --n) text += pieces[random(pieces.size())];
    if (const auto error = printed_error(text)) {
      EXPECT_LE(error->begins, text.size());
      EXPECT_LE(error->type.size() + error->message.size(), text.size());
    }
  }
  const auto begun = std::chrono::steady_clock::now();
  for (const std::string& piece : pieces) {
    std::string text;
    while (text.size() < 1u << 20) text += piece;
    printed_error(text);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 200s) << "21 texts of 1 MiB: a square of them would take hours";
}

}  // namespace
}  // namespace lazaret::model
