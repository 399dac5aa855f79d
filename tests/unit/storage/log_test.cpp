// Messages in runs: what is written is read, in pages; what is trimmed goes, and nothing else.
#include <rocksdb/perf_context.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include "storage/run.h"
#include "unit/storage/store_fixture.h"

namespace lazaret::storage {
namespace {

using model::Offset;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class LogTest : public StoreFixture {
 protected:
  /// `count` messages in groups of `group`, each with its offset as the body.
  void fill(std::uint64_t count, std::uint64_t group) {
    while (count > 0) {
      std::vector<std::string> some;
      for (std::uint64_t i = 0; i < std::min(group, count); ++i) some.push_back(std::to_string(next_.value + i));
      count -= some.size();
      publish(some);
    }
  }
  void settle_all() {
    source().cursor = next_;
    state_.counters.acked = state_.counters.entered;
    commit({put_state()});
  }
};

TEST_F(LogTest, MixedSizesComeBackBitForBit) {
  const std::vector<std::string> sent = {"",
                                         "a",
                                         std::string(100'000, 'x'),
                                         "",
                                         std::string(16'000, 'y'),
                                         std::string("\0\xff\n", 3),
                                         std::string(20'000, 'z'),
                                         "end"};
  publish(sent);
  reopen();
  EXPECT_THAT(bodies(read(0, 8)), ElementsAreArray(sent));
  const auto page = read(2, 3);
  ASSERT_THAT(page.messages, SizeIs(1));
  EXPECT_EQ(page.messages[0].message->published_at.us, 1'000'000);
  EXPECT_EQ(page.messages[0].message->envelope.view(), message(sent[2], "key")->envelope.view());
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(LogTest, TimesOfMessagesComeBackAndThoseOfOthersStayNone) {
  publish({"none"});
  std::vector<model::MessageRef> messages;
  for (std::int64_t i = 0; i < 3; ++i) {
    auto one = std::make_shared<model::Message>(*message("body"));
    if (i != 1) one->due.us = 5'000'000 + i;
    if (i != 0) one->expires_at.us = 9'000'000 + i;
    messages.push_back(std::move(one));
  }
  state_.counters.entered += 3;
  commit({model::AppendMessages{queue_.log, next_, messages}, put_state()});
  reopen();
  const auto page = read(0, 4);
  ASSERT_THAT(page.messages, SizeIs(4));
  EXPECT_EQ(page.messages[0].message->due.us, 0);
  EXPECT_EQ(page.messages[0].message->expires_at.us, 0);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(page.messages[i + 1].message->due, messages[i]->due);
    EXPECT_EQ(page.messages[i + 1].message->expires_at, messages[i]->expires_at);
    EXPECT_EQ(page.messages[i + 1].message->body.view(), "body");
  }
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(LogTest, WhereMessagesCameFromComesBackAndWhenTheyWerePublished) {
  std::vector<model::MessageRef> messages;
  for (std::uint64_t i = 0; i < 4; ++i) {
    auto one = std::make_shared<model::Message>(*message("body " + std::to_string(i)));
    one->published_at.us = static_cast<std::int64_t>(9'000'000'000'000 - i * 5'000'000'000);  // hours apart, backwards
    one->source = {model::LogId(40 + i), Offset(7 * i)};
    one->priority = static_cast<std::uint8_t>(i);
    if (i == 2) one->due.us = 5;
    messages.push_back(std::move(one));
  }
  state_.counters.entered = 4;
  log_.prioritised = true;
  commit({model::AppendMessages{queue_.log, next_, messages}, model::PutLog{log_}, put_state()});
  next_ = Offset(4);
  publish({"none"});
  reopen();
  const auto page = read(0, 5);
  ASSERT_THAT(page.messages, SizeIs(5));
  for (std::size_t i = 0; i < 4; ++i) {
    const model::Message& one = *page.messages[i].message;
    EXPECT_EQ(one.source, messages[i]->source) << i;
    EXPECT_EQ(one.published_at, messages[i]->published_at) << i;
    EXPECT_EQ(one.priority, i);
    EXPECT_EQ(one.due, messages[i]->due);
    EXPECT_EQ(one.body.view(), "body " + std::to_string(i));
  }
  EXPECT_EQ(page.messages[4].message->source, model::MessageSource());
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(LogTest, WhatFormatFiveWroteComesFromNowhereElse) {
  fill(5, 5);
  close();
  change_records("catalog", [](const std::string& key, std::string value) {
    if (key == std::string("\0\0\1", 3)) value[1] = 5;  // field 1, the format
    return value;
  });
  open();
  fill(1, 1);
  reopen();
  for (const model::PagedMessage& one : read(0, 6).messages) EXPECT_FALSE(bool(one.message->source.log));
  EXPECT_THAT(findings(), IsEmpty());
}

/// Beside others, in one run: it comes back with its mark and its own time, they with theirs and without one.
TEST_F(LogTest, WhatWasImportedSaysSoWhereverItStands) {
  std::vector<model::MessageRef> messages;
  for (std::uint64_t i = 0; i < 4; ++i) {
    auto one = std::make_shared<model::Message>(*message("body " + std::to_string(i)));
    one->imported = i % 2 == 0;
    one->published_at.us = one->imported ? static_cast<std::int64_t>(70 + i) : 9'000'000'000'000;  // long before
    if (one->imported) one->imported_at.us = static_cast<std::int64_t>(9'000'000'000'000 + i);
    messages.push_back(std::move(one));
  }
  state_.counters.entered = 4;
  commit({model::AppendMessages{queue_.log, next_, messages}, put_state()});
  next_ = Offset(4);
  publish({"none"});
  const auto expect = [&] {
    const auto page = read(0, 5);
    ASSERT_THAT(page.messages, SizeIs(5));
    for (std::size_t i = 0; i < 4; ++i) {
      ASSERT_NE(page.messages[i].message, nullptr) << i;
      EXPECT_EQ(page.messages[i].message->imported, i % 2 == 0) << i;
      EXPECT_EQ(page.messages[i].message->published_at, messages[i]->published_at) << i;
      EXPECT_EQ(page.messages[i].message->imported_at, messages[i]->imported_at) << i;
      EXPECT_EQ(page.messages[i].message->source, model::MessageSource()) << i;
      EXPECT_EQ(page.messages[i].message->body.view(), "body " + std::to_string(i));
    }
    EXPECT_FALSE(page.messages[4].message->imported);
    EXPECT_THAT(findings(), IsEmpty());
  };
  expect();
  reopen();
  expect();
  trim(0, 4, {0, 1, 2, 3});
  reopen();
  expect();  // what was copied out of the log says the same
}

TEST_F(LogTest, WhatFormatTenWroteWasNotImported) {
  fill(5, 5);
  close();
  change_records("catalog", [](const std::string& key, std::string value) {
    if (key == std::string("\0\0\1", 3)) value[1] = 10;  // field 1, the format
    return value;
  });
  open();
  fill(1, 1);
  reopen();
  ASSERT_THAT(read(0, 6).messages, SizeIs(6));
  for (const model::PagedMessage& one : read(0, 6).messages) EXPECT_FALSE(one.message->imported);
  EXPECT_THAT(findings(), IsEmpty());
}

class PrioritiesTest : public LogTest {
 protected:
  /// One message with each of these priorities, and times for every third.
  void fill_with(const std::vector<int>& priorities) {
    std::vector<model::MessageRef> messages;
    for (const int priority : priorities) {
      auto one = std::make_shared<model::Message>(*message(std::to_string(next_.value + messages.size())));
      one->priority = static_cast<std::uint8_t>(priority);
      if (messages.size() % 3 == 0) one->expires_at.us = 9'000'000;
      messages.push_back(std::move(one));
    }
    state_.counters.entered += messages.size();
    log_.prioritised = true;
    commit({model::AppendMessages{queue_.log, next_, messages}, put_state()});
    next_ = Offset(next_.value + messages.size());
  }
  model::MessagePage read_of(int priority, std::uint64_t from, std::uint64_t until, std::size_t most = 1000,
                             std::size_t bytes = 1u << 20) {
    return store_
        ->read_prioritised(model::ShardId(0), queue_.log, static_cast<std::uint8_t>(priority), Offset(from),
                           Offset(until), most, bytes)
        .value();
  }
};

TEST_F(PrioritiesTest, EachIsReadByItselfInPages) {
  fill(9, 3);  // none has any
  ASSERT_THAT(findings(), IsEmpty());
  fill_with({0, 5, 9, 5, 0, 5});
  fill_with(std::vector<int>(200, 0));
  fill_with({9, 5});
  reopen();
  const std::uint64_t first = 9;
  ASSERT_EQ(read(first, first + 6).messages.size(), 6u);
  const std::vector<int> there{0, 5, 9, 5, 0, 5};
  for (std::size_t i = 0; i < there.size(); ++i) {
    const model::MessageRef one = read(first + i, first + i + 1).messages.at(0).message;
    EXPECT_EQ(one->priority, there[i]) << i;
    EXPECT_EQ(one->expires_at.us, i % 3 == 0 ? 9'000'000 : 0) << i;
    EXPECT_EQ(one->body.view(), std::to_string(first + i));
  }
  EXPECT_THAT(offsets(read_of(5, 0, 1000)), ElementsAre(10, 12, 14, 216));
  EXPECT_THAT(offsets(read_of(9, 0, 1000)), ElementsAre(11, 215));
  EXPECT_EQ(read_of(9, 0, 1000).next, Offset(1000));
  EXPECT_THAT(offsets(read_of(9, 12, 215)), IsEmpty());
  EXPECT_THAT(offsets(read_of(1, 0, 1000)), IsEmpty());
  const auto page = read_of(5, 0, 1000, 2);
  EXPECT_THAT(offsets(page), ElementsAre(10, 12));
  EXPECT_EQ(page.next, Offset(13));
  const auto little = read_of(5, 0, 1000, 1000, 1);
  EXPECT_THAT(offsets(little), ::testing::Contains(10));
  EXPECT_GT(little.next, Offset(10));
  EXPECT_LE(little.next, Offset(216));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(PrioritiesTest, WhatIsTrimmedLeavesTheIndexAndWhatIsCopiedOutStays) {
  fill_with(std::vector<int>(200, 7));
  source().cursor = Offset(20);
  source().settled = {{Offset(21), Offset(150)}};
  state_.counters.acked = 149;
  log_.trimmed = {{Offset(0), Offset(150)}};
  log_.next = next_;
  commit({model::TrimLog{{Offset(0), Offset(150)}, {Offset(20)}, log_, {{Offset(20), Offset(21)}}}, put_state()});
  EXPECT_THAT(offsets(read_of(7, 0, 152)), ElementsAre(20, 150, 151));
  EXPECT_THAT(findings(), IsEmpty());
  source().cursor = Offset(150);
  source().settled.clear();
  state_.counters.acked = 150;
  commit({model::DropEvacuated{queue_.log, Offset(20), true}, put_state()});
  EXPECT_THAT(offsets(read_of(7, 0, 152)), ElementsAre(150, 151));
  commit({model::DropPriorities{queue_.log}});
  EXPECT_THAT(offsets(read_of(7, 0, 1000)), IsEmpty());
  EXPECT_THAT(findings(), SizeIs(50));  // those that are there are not named any more
}

TEST_F(PrioritiesTest, WhatFormatFourWroteHasNoneAndIsReadWithThem) {
  fill(5, 5);
  close();
  change_records("catalog", [](const std::string& key, std::string value) {
    if (key == std::string("\0\0\1", 3)) value[1] = 4;  // field 1, the format
    return value;
  });
  open();
  fill_with({9});
  reopen();
  const auto page = read(0, 6);
  ASSERT_THAT(page.messages, SizeIs(6));
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(page.messages[i].message->priority, i < 5 ? 0 : 9) << i;
  EXPECT_THAT(offsets(read_of(9, 0, 6)), ElementsAre(5));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(PrioritiesTest, ManyAreTrimmedAtOnce) {
  for (int i = 0; i < 10; ++i) fill_with(std::vector<int>(1000, 3));
  source().cursor = Offset(9000);
  state_.counters.acked = 9000;
  log_.trimmed = {{Offset(0), Offset(9000)}};
  log_.next = next_;
  commit({model::TrimLog{{Offset(0), Offset(9000)}, {}, log_, {}}, put_state()});
  EXPECT_EQ(read_of(3, 0, 10'000, 2000).messages.front().offset, Offset(9000));
  EXPECT_THAT(read_of(3, 0, 10'000, 2000).messages, SizeIs(1000));
  reopen();
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(LogTest, PagesKeepToTheirBounds) {
  fill(300, 100);  // runs of 64, 36, 64, 36, …
  const auto page = read(70, 300, 10);
  EXPECT_GE(page.messages.size(), 10u);
  EXPECT_LE(page.messages.size(), 10u + 64u);
  EXPECT_EQ(page.messages.front().offset, Offset(70));
  EXPECT_EQ(page.next, page.messages.back().offset.next());

  std::vector<std::int64_t> all;
  for (std::uint64_t at = 0; at < 300;) {
    const auto part = read(at, 300, 7, 50);
    for (const std::int64_t offset : offsets(part)) all.push_back(offset);
    ASSERT_GT(part.next.value, at);
    at = part.next.value;
  }
  ASSERT_THAT(all, SizeIs(300));
  for (std::int64_t i = 0; i < 300; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)], i);
  // `until` stands, also in the middle of a run.
  EXPECT_THAT(offsets(read(62, 66)), ElementsAre(62, 63, 64, 65));
}

TEST_F(LogTest, ALargeTrimAndASmallOneTakeTheirRunsOnly) {
  fill(20'000, 1000);
  trim(0, 15'000);  // a range deletion
  EXPECT_THAT(offsets(read(14'990, 15'003)), ElementsAre(15'000, 15'001, 15'002));
  trim(15'000, 15'100);                                       // a few runs, one by one
  EXPECT_THAT(offsets(read(15'000, 15'102)).back(), 15'101);  // 15,100 is in a run with some that were trimmed
  EXPECT_GE(offsets(read(15'000, 15'102)).front(), 15'064);
  EXPECT_THAT(read(15'100, 20'000).messages, SizeIs(4900));
  reopen();
  EXPECT_EQ(recovered().log.state.next, Offset(20'000));
  EXPECT_THAT(read(15'100, 20'000).messages, SizeIs(4900));
  const std::size_t runs = count_records("log");
  EXPECT_LT(runs, 90u);  // 4,900 in runs of 64, each group of 1,000 its own
}

TEST_F(LogTest, WritingGoesOnBehindRangesThatWereDeleted) {
  // RocksDB remembers its place in a memtable for each series of keys, and mistakes it for one among the ranges when a
  // range begins with a key of the series.
  const model::ProducerId anna;
  std::uint64_t sequence = 0;
  for (std::uint64_t trimmed = 0; trimmed < 5000; trimmed += 500) {
    fill(1000, 2);
    trim(trimmed, trimmed + 500);
    for (int i = 0; i < 3; ++i) {
      ++sequence;
      commit({model::PutDedup{queue_.log, {anna, sequence, {}}, {{sequence, Offset(sequence), 1}}}});
    }
    commit({model::TrimDedup{queue_.log, anna, sequence - 1}});
  }
  EXPECT_THAT(read(4990, 5003).messages, SizeIs(3));
  EXPECT_THAT(read(5000, 10'000).messages, SizeIs(5000));
  kill();
  open();
  EXPECT_THAT(read(5000, 10'000).messages, SizeIs(5000));
  EXPECT_THAT(recovered().log.producers.front().window, SizeIs(2));
  fill(1000, 1);
  trim(5000, 9000);
  EXPECT_THAT(read(8999, 11'000).messages, SizeIs(2000));
}

TEST_F(LogTest, TheEndIsKeptWhenNothingIsLeft) {
  fill(100, 10);
  settle_all();
  trim(0, 100);
  reopen();
  EXPECT_EQ(recovered().log.state.next, Offset(100));
  EXPECT_EQ(count_records("log"), 0u);
  open();
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(LogTest, AStretchInTheMiddleLeavesItsNeighboursRunsAlone) {
  fill(300, 300);  // runs begin at 0, 64, 128, 192, 256
  // Everything of [100, 200) is settled, but 98 and 201 are not: they share runs with it.
  trim(100, 200);
  EXPECT_THAT(offsets(read(96, 103)).front(), 96);
  const auto before = read(64, 100);
  EXPECT_THAT(before.messages, SizeIs(36));
  for (const auto& paged : before.messages) EXPECT_NE(paged.message, nullptr) << paged.offset.value;
  const auto after = read(200, 256);
  EXPECT_THAT(after.messages, SizeIs(56));
  for (const auto& paged : after.messages) EXPECT_NE(paged.message, nullptr) << paged.offset.value;
}

TEST_F(LogTest, RunsOnTheEdgeGoWhenBothSidesAreTrimmed) {
  fill(300, 300);
  trim(100, 200);
  trim(0, 100);
  trim(200, 300);
  close();
  EXPECT_EQ(count_records("log"), 0u);
}

TEST_F(LogTest, ATrimDoesNotStepOverWhatWasTrimmedBefore) {
  const auto steps_of_a_trim = [this](std::uint64_t from) {
    fill(100, 1);
    const rocksdb::PerfContext& count = *rocksdb::get_perf_context();
    const std::uint64_t before = count.prev_on_memtable_count + count.next_on_memtable_count;
    trim(from, from + 100);
    return count.prev_on_memtable_count + count.next_on_memtable_count - before;
  };
  const std::uint64_t first = steps_of_a_trim(0);
  std::uint64_t last = 0;
  for (std::uint64_t i = 1; i < 10; ++i) last = steps_of_a_trim(i * 100);
  EXPECT_LT(last, first + 200);
}

TEST_F(LogTest, AnEvacuatedMessageIsReadWhereItWas) {
  fill(1000, 1000);
  trim(0, 896, {17, 400});
  EXPECT_THAT(offsets(read(0, 898)), ElementsAre(17, 400, 896, 897));
  EXPECT_THAT(bodies(read(17, 18)), ElementsAre("17"));
  reopen();
  EXPECT_THAT(recovered().log.evacuated, ElementsAre(Offset(17), Offset(400)));
  EXPECT_THAT(bodies(read(400, 401)), ElementsAre("400"));
  commit({model::DropEvacuated{queue_.log, Offset(17)}});
  EXPECT_THAT(offsets(read(0, 896)), ElementsAre(400));
}

TEST_F(LogTest, APageOfEvacuatedMessagesIsBoundedToo) {
  fill(2000, 1000);
  std::vector<std::uint64_t> kept;
  for (std::uint64_t offset = 0; offset < 1900; ++offset) kept.push_back(offset);
  trim(0, 1900, kept);
  std::uint64_t seen = 0;
  for (std::uint64_t at = 0; at < 2000;) {
    const auto page = read(at, 2000, 50);
    EXPECT_LE(page.messages.size(), 50u + 64u);
    for (const std::int64_t offset : offsets(page)) EXPECT_EQ(offset, static_cast<std::int64_t>(seen++));
    ASSERT_GT(page.next.value, at);
    at = page.next.value;
  }
  EXPECT_EQ(seen, 2000u);
}

TEST_F(LogTest, DamageIsFoundAndItsNeighboursAreServed) {
  fill(10, 10);
  change_records("log", [](const std::string&, std::string value) {
    const std::size_t at = value.rfind("5");  // the body of message 5
    value[at] = 'X';
    return value;
  });
  open();
  EXPECT_THAT(offsets(read(3, 8)), ElementsAre(3, 4, -6, 6, 7));
  EXPECT_THAT(findings(), SizeIs(1));
}

/// RocksDB refuses the whole block; the messages' own checksums say that one of them is damaged.
TEST_F(LogTest, ADamagedBlockKeepsTheBrokerNeitherFromStartingNorFromTrimming) {
  fill(57, 57);
  publish({"a body that stands nowhere else"});
  fill(42, 42);
  damage_tables("a body that stands nowhere else");
  open();
  EXPECT_EQ(recovered().log.state.next, Offset(100));
  std::vector<std::int64_t> all;
  for (std::uint64_t at = 0; at < 100;) {  // a page ends before what has to be read without RocksDB's own checksum
    const auto page = read(at, 100);
    for (const std::int64_t offset : offsets(page)) all.push_back(offset);
    ASSERT_GT(page.next.value, at);
    at = page.next.value;
  }
  ASSERT_THAT(all, SizeIs(100));
  EXPECT_EQ(std::count_if(all.begin(), all.end(), [](std::int64_t offset) { return offset < 0; }), 1);
  EXPECT_EQ(all[57], -58);
  settle_all();
  trim(0, 100, {3, 57});
  EXPECT_THAT(offsets(read(0, 100)), ElementsAre(3, -58));
  close();
  EXPECT_EQ(count_records("log"), 0u);
}

TEST_F(LogTest, TheFileGoesWhenAllOfItIsTrimmed) {
  fill(600, 60);
  flush();
  ASSERT_GT(store_->usage().data_bytes, 10'000u);
  settle_all();
  trim(0, 600);
  EXPECT_EQ(store_->usage().trimmed_unflushed, 600u);
  flush();
  EXPECT_EQ(store_->usage().trimmed_unflushed, 0u);
  const auto blobs = [this] {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir_)) count += entry.path().extension() == ".blob";
    return count;
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (blobs() > 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(blobs(), 0u);
}

/// The index of the last run does not say any more where the log ends: no offset may be given twice for that.
TEST_F(LogTest, TheEndIsKnownAlsoWhenTheLastRunIsDamaged) {
  for (const std::size_t place : {2u, 3u, 12u}) {  // its count, and the first of its lengths
    fill(70, 70);
    const std::uint64_t end = next_.value;
    std::string last;
    change_records("log", [&](const std::string& key, std::string value) {
      last = std::max(last, key);
      return value;
    });
    change_records("log", [&](const std::string& key, std::string value) {
      if (key == last) value[place] = static_cast<char>(value[place] ^ 0x41);
      return value;
    });
    open();
    EXPECT_EQ(recovered().log.state.next, Offset(end)) << place;
    EXPECT_THAT(offsets(read(end - 6, end)),
                ElementsAre(5 - static_cast<std::int64_t>(end), 4 - static_cast<std::int64_t>(end),
                            3 - static_cast<std::int64_t>(end), 2 - static_cast<std::int64_t>(end),
                            1 - static_cast<std::int64_t>(end), -static_cast<std::int64_t>(end)));
  }
}

/// It is missing in what was copied, and must not be taken for trimmed.
TEST_F(LogTest, ADamagedMessageThatIsCopiedOutIsStillDamaged) {
  fill(10, 10);
  change_records("log", [](const std::string&, std::string value) {
    value[value.rfind("5")] = 'X';
    return value;
  });
  open();
  trim(0, 10, {2, 5});
  EXPECT_THAT(offsets(read(0, 10)), ElementsAre(2, -6));
  reopen();
  EXPECT_THAT(recovered().log.evacuated, ElementsAre(Offset(2), Offset(5)));
  commit({model::DropEvacuated{queue_.log, Offset(5)}});
  EXPECT_THAT(offsets(read(0, 10)), ElementsAre(2));
}

TEST(RunTest, AFlippedBitAnywhereIsFound) {
  auto imported = std::make_shared<model::Message>(*StoreFixture::message("beta"));
  imported->imported = true;
  const std::vector<model::MessageRef> messages = {StoreFixture::message("alpha", "k"), imported};
  const model::LogId log(5);
  const RunParts parts = encode_run(log, Offset(40), messages);
  std::string whole = parts.index;
  for (const std::string_view part : parts.data) whole.append(part);
  const auto damaged_in = [&](std::string bytes) {
    std::vector<model::PagedMessage> out;
    decode_run(log, Offset(40), std::move(bytes), Offset(40), Offset(42), Offset(42), out);
    EXPECT_THAT(out, SizeIs(2));
    return std::count_if(out.begin(), out.end(), [](const auto& paged) { return paged.message == nullptr; });
  };
  EXPECT_EQ(damaged_in(whole), 0);
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_GT(damaged_in(flipped), 0) << "bit " << bit;
  }
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_GT(damaged_in(whole.substr(0, size)), 0) << size;
}

/// Its index stands before it, with a checksum of its own.
TEST(RunTest, ADamagedMessageIsStillOneThatWasImported) {
  auto imported = std::make_shared<model::Message>(*StoreFixture::message("beta"));
  imported->imported = true;
  const std::vector<model::MessageRef> messages = {StoreFixture::message("alpha"), imported,
                                                   StoreFixture::message("gamma")};
  const model::LogId log(5);
  const RunParts parts = encode_run(log, Offset(40), messages);
  std::string index = parts.index;
  std::string rest;
  for (const std::string_view part : parts.data) rest.append(part);
  const auto decoded = [&](const std::string& bytes) {
    std::vector<model::PagedMessage> out;
    decode_run(log, Offset(40), bytes, Offset(40), Offset(43), Offset(43), out);
    EXPECT_THAT(out, SizeIs(3));
    return out;
  };
  const auto cut = decoded(index);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(cut[i].message, nullptr) << i;
    EXPECT_EQ(cut[i].imported, i == 1) << i;
  }
  std::string flipped = rest;
  flipped[flipped.find("beta")] ^= 1;
  const auto one = decoded(index + flipped);
  EXPECT_NE(one[0].message, nullptr);
  EXPECT_EQ(one[1].message, nullptr);
  EXPECT_TRUE(one[1].imported);
  EXPECT_NE(one[2].message, nullptr);
  index[0] ^= 1;
  for (const model::PagedMessage& lost : decoded(index + rest)) EXPECT_FALSE(lost.imported) << "nothing is believed";
}

TEST_F(LogTest, WhatIsMissingWithoutAReasonIsDamage) {
  fill(10, 5);
  trim(0, 5);
  change_records("state", [&](const std::string& key, std::string value) {
    return key.size() > 2 && key[2] == 3 ? std::string() : value;  // the log's state forgets the trim
  });
  open();
  EXPECT_THAT(offsets(read(0, 7)), ElementsAre(-1, -2, -3, -4, -5, 5, 6));
}

}  // namespace
}  // namespace lazaret::storage
