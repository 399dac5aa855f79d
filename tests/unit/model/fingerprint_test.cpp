// Which failures have the same cause: texts without what varies, and the functions of stacks in six languages.
#include "model/fingerprint.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/text_encoding.h"

namespace lazaret::model {
namespace {

std::string group(std::string message, std::string error_type = "Timeout", std::string type = "order",
                  std::string frames = "") {
  CaseRecord record;
  record.subscription = "orders";
  record.summary.type = std::move(type);
  record.last_error = {std::move(error_type), std::move(message), ""};
  record.error_frames = std::move(frames);
  return group_of(record).to_string();
}

TEST(CaseGroup, WhatVariesFromCaseToCaseDoesNotCount) {
  EXPECT_EQ(group("order 17 timed out after 300ms"), group("order 4711 timed out after 5ms"));
  EXPECT_EQ(group("no row 0xdeadbeef"), group("no row 0x1f"));
  EXPECT_EQ(group("commit 9fc0e1a2 is bad"), group("commit 77 is bad"));
  EXPECT_EQ(group("user 01912d68-783e-7a03-8467-5661c1243ad4 gone"),
            group("user abcdefab-cdef-abcd-efab-cdefabcdefab gone"));
  EXPECT_EQ(group("no customer 'Ann Lee'"), group("no customer 'O. Wu'"));
  EXPECT_EQ(group("10.0.0.1:5432 refused"), group("192.168.7.33:80 refused"));
}

TEST(CaseGroup, NorDoesWhatStandsInAnyQuotesOrIsAnAddress) {
  const std::pair<const char*, const char*> same[] = {
      {"no customer \u2018Ann\u2019 here", "no customer \u2018Bob O\u2019Brien\u2019 here"},
      {"no customer \u201cAnn\u201d", "no customer \u201cBob \u2018the\u2019 Lee\u201d"},
      {"kein Kunde \u201eAnn\u201c", "kein Kunde \u201eBob\u201c"},
      {"kein Kunde \u201aAnn\u2018", "kein Kunde \u201aBob\u2018"},
      {"aucun client \u00ab Ann \u00bb", "aucun client \u00ab Bob \u00bb"},
      {"no customer 'Ann'", "no customer 'Bob O'Brien'"},
      {"say \"a\\\"b\" end", "say \"plain\" end"},
      {"say 'it\\'s' end", "say 'it' end"},
      {"[2001:db8::1]:80 refused", "10.1.1.1:8080 refused"},
      {"[2001:db8:0:0:0:0:0:1]:80 refused", "[::1] refused"},
      {"host aa:bb:cc:dd:ee:ff is down", "host 00:1b:44:11:3a:b7 is down"},
      {"host aa-bb-cc-dd-ee-ff is down", "host 00-1b-44-11-3a-b7 is down"},
  };
  for (const auto& [one, other] : same) EXPECT_EQ(group(one), group(other)) << one << " | " << other;
  const std::pair<const char*, const char*> different[] = {
      {"no customer \u2018Ann\u2019", "no order \u2018Ann\u2019"},
      {"\u201cAnn\u201d is late", "\u201cAnn\u201d is early"},
      {"say \"a\\\"b\" end", "say \"a\\\"b\" begin"},
      {"an \u201copen end", "an \u201copen start"},
      {"it\u2019s late", "it\u2019s early"},
      {"[a::b] failed", "[c::d] failed"},
      {"aa:bb:cc:dd:ee", "aa:bb:cc:dd:ff"},
      {"aa:bb:cc:dd:ee:ff is down", "aa:bb:cc:dd:ee:ff is up"},
  };
  for (const auto& [one, other] : different) EXPECT_NE(group(one), group(other)) << one << " | " << other;
}

TEST(CaseGroup, CausesAreKeptApart) {
  EXPECT_NE(group("timed out"), group("refused"));
  EXPECT_NE(group("x", "Timeout"), group("x", "Refused"));
  EXPECT_NE(group("x", "Timeout", "order"), group("x", "Timeout", "invoice"));
  EXPECT_NE(group("dead beef"), group("bad cafe"));
  EXPECT_NE(group("x", "Timeout", "order", "a\nb"), group("x", "Timeout", "order", "a\nc"));
  EXPECT_NE(group("x", "Timeout", "order", "a"), group("x"));
}

TEST(CaseGroup, IsTheSameForEver) {
  EXPECT_EQ(group("order 17 timed out"), "c831c95bee73");
  EXPECT_EQ(GroupId::parse("c831c95bee73"), GroupId{0xc831c95bee73});
  EXPECT_EQ(GroupId::parse("c831c95bee7"), std::nullopt);
  EXPECT_EQ(GroupId::parse("c831c95bee7g"), std::nullopt);
  EXPECT_EQ(GroupId::parse("000000000000"), std::nullopt);
  EXPECT_EQ(GroupId{7}.to_string(), "000000000007");
}

TEST(NormalisedError, TakesOutWhatVaries) {
  const std::pair<const char*, const char*> table[] = {
      {"order 17 of 3, 4, 5 failed", "order # of # failed"},
      {"at 2026-11-23T20:04:48.123Z", "at #"},
      {"at 2026-11-23 20:04:48,123 in lane", "at # in lane"},
      {"on 2026-11-23: late", "on #: late"},
      {"took -3.25 or 1e-9", "took # or #"},
      {"peer [fe80::1ff:fe23:4567:890a]:443 reset", "peer # reset"},
      {"peer [fe80::1%eth0]:443, [::]:80 and [::ffff:10.1.2.3] reset", "peer # and # reset"},
      {"http://[2001:db8::1]/x", "http://#/x"},
      {"[20:04:48] late, [a::b] too, [fe80::1", "[#] late, [a::b] too, [#"},
      {"aa:bb:cc:dd:ee:ff: gone, FF-EE-DD-CC-BB-AA", "#: gone, #"},
      {"aa:bb:cc:dd:ee, aa:bb-cc:dd:ee:ff", "aa:bb:cc:dd:ee, aa:bb-cc:dd:ee:ff"},
      {"say \"a\\\"b\" end", "say \"#\" end"},
      {"say \"a\\\\\" end", "say \"#\" end"},
      {"no \"C:\\dir\\\" here", "no \"#\" here"},
      {"no \u201cAnn Lee\u201d, \u2018Ann\u2019s\u2019 or \u201eAnn\u201c",
       "no \u201c#\u201d, \u2018#\u2019 or \u201e#\u201c"},
      {"no \u00abAnn\u00bb, \u00bbAnn\u00ab, \u201aAnn\u2018 or \u201eAnn\u201d",
       "no \u00ab#\u00bb, \u00bb#\u00ab, \u201a#\u2018 or \u201e#\u201d"},
      {"\u201cunfinished, it\u2019s \u00abopen", "\u201cunfinished, it\u2019s \u00abopen"},
      {"from 10.1.2.3:5432 at 20:04:48", "from # at #"},
      {"mail to ann.lee+x@example.org bounced", "mail to # bounced"},
      {"column \"total\" of 'bills' is `null`", "column \"#\" of '#' is `#`"},
      {"can't open the user's file", "can't open the user's file"},
      {"id 01HF8Z3VQW5K2M9X7T4R6Y1B0C", "id #"},
      {"std::bad_alloc in utf8 decoder", "std::bad_alloc in utf# decoder"},
      {"  many\n\t spaces  ", "many spaces"},
      {"an 'unfinished quote", "an 'unfinished quote"},
      {"v1.2.3-beta", "v#-beta"},
      {"", ""},
  };
  for (const auto& [text, expected] : table) EXPECT_EQ(normalised_error(text), expected) << text;
}

TEST(NormalisedError, IsCutAtACharacter) {
  std::string text;
  for (int i = 0; i < 400; ++i) text += "\xc3\xa4";  // two bytes each
  for (const char* before : {"", "x"}) {
    const std::string out = normalised_error(before + text);
    EXPECT_LE(out.size(), kFingerprintTextBytes);
    EXPECT_GT(out.size(), kFingerprintTextBytes - 3);
    EXPECT_TRUE(base::is_utf8(out));
  }
}

TEST(TopFrames, OfGdbAndAddressSanitizerAndBoost) {
  EXPECT_EQ(top_frames("#0  0x00007f5c1a2b3c4d in raise () from /lib/libc.so.6\n"
                       "#1  0x0000555512345678 in (anonymous namespace)::post (id=17, to=...) at /src/ledger.cpp:42\n"
                       "#2  Worker<int, std::function<void (int)> >::run() (this=0x7ffe) at worker.h:7\n"
                       "#3  main () at main.cpp:3\n"),
            "raise\n(anonymous namespace)::post\nWorker<int, std::function<void (int)> >::run");
  EXPECT_EQ(top_frames("==12==ERROR: AddressSanitizer: heap-use-after-free\n"
                       "    #0 0x55d0c in ledger::Book::operator()(int) const /src/book.cpp:12:3\n"
                       "    #1 0x55d1f in main /src/main.cpp:4\n"),
            "ledger::Book::operator()\nmain");
  EXPECT_EQ(top_frames(" 0# ledger::post(int) at /src/ledger.cpp:12\n 1# main at /src/main.cpp:3\n"),
            "ledger::post\nmain");
  EXPECT_EQ(top_frames("./worker(_ZN6ledger4postEi+0x1a) [0x4005d0]\n/lib/libc.so.6(+0x29d90) [0x7f]\n"),
            "_ZN#ledger#postEi");
}

TEST(TopFrames, OfJava) {
  EXPECT_EQ(top_frames("java.sql.SQLException: no such table\n"
                       "\tat org.example.Ledger.post(Ledger.java:42)\n"
                       "\tat org.example.Worker.lambda$run$0(Worker.java:17)\n"
                       "\tat java.base/java.lang.Thread.run(Thread.java:840)\n"
                       "\tat java.base/java.lang.Other.x(Native Method)\n"
                       "Caused by: java.io.IOException: x\n\tat org.example.Deep.y(Deep.java:1)\n"),
            "org.example.Ledger.post\norg.example.Worker.lambda$run$#\njava.lang.Thread.run");
}

TEST(TopFrames, OfPythonWithTheNewestLast) {
  EXPECT_EQ(top_frames("Traceback (most recent call last):\n"
                       "  File \"/app/main.py\", line 3, in <module>\n    run()\n"
                       "  File \"/app/worker.py\", line 30, in run\n    handle(m)\n"
                       "  File \"/app/worker.py\", line 12, in handle\n    post(m)\n"
                       "  File \"/app/ledger.py\", line 99, in post\n    raise KeyError(k)\n"
                       "KeyError: 'total'\n"),
            "ledger.post\nworker.handle\nworker.run");
}

TEST(TopFrames, OfGo) {
  EXPECT_EQ(top_frames("panic: runtime error: invalid memory address\n\ngoroutine 34 [running]:\n"
                       "panic({0x5b1c20, 0xc0000120})\n\t/usr/lib/go/src/runtime/panic.go:884 +0x213\n"
                       "example.org/billing/ledger.(*Book).Post(0xc00001, {0xc0, 0x3})\n\t/app/ledger.go:42 +0x1b\n"
                       "main.handle.func1(0x1)\n\t/app/main.go:17\n"
                       "created by main.main\n\t/app/main.go:8 +0x65\n"),
            "ledger.(*Book).Post\nmain.handle.func#");
}

TEST(TopFrames, OfJavaScript) {
  EXPECT_EQ(top_frames("TypeError: Cannot read properties of undefined (reading 'total')\n"
                       "    at post (/app/ledger.js:10:15)\n"
                       "    at async Worker.handle [as run] (file:///app/worker.js:3:1)\n"
                       "    at /app/anonymous.js:1:1\n"
                       "    at new Book (/app/book.js:2:3)\n"
                       "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)\n"),
            "post\nWorker.handle\nBook");
}

TEST(TopFrames, OfDotNet) {
  EXPECT_EQ(top_frames("System.InvalidOperationException: no such table\r\n"
                       "   at Billing.Ledger.Post(Order order) in C:\\src\\Ledger.cs:line 42\r\n"
                       "   at Billing.Worker.Run[T](T message, Int32 n)\r\n"
                       "--- End of stack trace from previous location ---\r\n"
                       "   at Billing.Program.<Main>d__0.MoveNext()\r\n"),
            "Billing.Ledger.Post\nBilling.Worker.Run\nBilling.Program.<Main>d__#.MoveNext");
}

TEST(TopFrames, TheLineAndTheAddressDoNotCount) {
  EXPECT_EQ(top_frames("\tat a.B.c(B.java:1)\n"), top_frames("\tat a.B.c(B.java:99)\n"));
  EXPECT_EQ(top_frames("#0 0x1 in f (x=1) at a.cpp:1"), top_frames("#0 0xfff in f (x=7) at a.cpp:8"));
}

TEST(TopFrames, WhatIsNoStackHasNone) {
  for (const char* text : {"", "\n\n\n", "at the end (of the file)", "at ", "at (", "#", "#12", "12#", "# 0 x",
                           "File \"", "File \"x\", line 1", "f(x)\n", "a(b)\n\tnothing", "(+0x1) [0x1]",
                           "look at this (now)", "no such table: orders"}) {
    EXPECT_EQ(top_frames(text), "") << text;
  }
}

/// Neither takes long, or more room than it may, whatever comes.
TEST(Fingerprints, HostileTextsAreSurvived) {
  const std::vector<std::string> pieces = {"at ",
                                           "(",
                                           ")",
                                           "#1 ",
                                           "0x",
                                           " in ",
                                           "File \"",
                                           "\", line ",
                                           ", in ",
                                           "\n",
                                           "\n\t",
                                           ".go:",
                                           "<",
                                           ">",
                                           "[",
                                           "'",
                                           "\"",
                                           ":",
                                           "::",
                                           "@",
                                           "\\",
                                           "\u201c",
                                           "\u2019",
                                           "\u00bb",
                                           "aa:",
                                           "[::",
                                           "%",
                                           "-",
                                           "\xff",
                                           "\xc3\xa4",
                                           "1",
                                           "abc",
                                           "operator",
                                           "+0x",
                                           ") [0x",
                                           "]",
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
    for (std::size_t n = random(60); n > 0; --n) text += pieces[random(pieces.size())];
    EXPECT_LE(normalised_error(text).size(), kFingerprintTextBytes);
    EXPECT_LE(top_frames(text).size(), kFrames * (kFrameBytes + 20));
  }
  const auto begun = std::chrono::steady_clock::now();
  for (const std::string& piece : pieces) {
    std::string text;
    while (text.size() < 1u << 20) text += piece;
    EXPECT_LE(normalised_error(text).size(), kFingerprintTextBytes);
    EXPECT_LE(top_frames(text).size(), 3 * (kFrameBytes + 20));
    // Cut where it may be, also within a character.
    EXPECT_LE(normalised_error(std::string_view(text).substr(1, 700)).size(), kFingerprintTextBytes);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(200)) << "a square of 1 MiB is hours";
}

}  // namespace
}  // namespace lazaret::model
