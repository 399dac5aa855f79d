// What lazaret top makes of two looks: rates, how each is, which comes first, and lines that fit a window.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/duration_text.h"
#include "lazaret/output.h"
#include "lazaret/top_view.h"

namespace lazaret::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

json::object queue(const char* name, std::uint64_t entered = 0, std::uint64_t acked = 0, std::uint64_t failed = 0) {
  return {{"name", name},
          {"created_at", "2026-11-23T20:00:00Z"},
          {"ready", entered - acked},
          {"leased", 0},
          {"in_hospital", 0},
          {"entered_total", entered},
          {"acked_total", acked},
          {"failed_attempts_total", failed},
          {"oldest_ready_at", nullptr},
          {"consumers", json::array{json::object{{"name", "worker"}}}},
          {"breaker_status", {{"state", "closed"}}},
          {"hospital_level", "below"},
          {"paused", false}};
}

json::object with(json::object object, const char* name, json::value value) {
  object[name] = std::move(value);
  return object;
}

/// A look at `time`, with these queues.
TopLook look_at(const char* time, const std::vector<json::object>& queues, const char* instance = "one") {
  TopLook look;
  note_status(look, {{"time", time},
                     {"instance", instance},
                     {"version", "1.0"},
                     {"commits_total", 100},
                     {"last_commit", "2ms"},
                     {"store", {{"disk_free_bytes", 1024}, {"disk_total_bytes", 2048}}},
                     {"process", {{"cpu_seconds_total", 1.5}, {"resident_bytes", 4096}}}});
  for (const json::object& one : queues) look.rows.push_back(top_row(one, false));
  return look;
}

std::vector<std::string> names_of(const std::vector<TopRow>& rows) {
  std::vector<std::string> names;
  for (const TopRow& row : rows) names.push_back(row.name);
  return names;
}

TEST(Top, RatesAreGrowthOverTheTimeBetweenTwoLooks) {
  const TopLook before = look_at("2026-11-23T20:00:10Z", {queue("orders", 100, 40, 3)});
  TopLook now = look_at("2026-11-23T20:00:14Z", {queue("orders", 120, 50, 5)});
  now.commits_total = 108;
  now.cpu_seconds_total = 3.5;
  compare(now, &before);
  ASSERT_TRUE(now.rates && now.rows[0].rates);
  EXPECT_EQ(now.rates->over, std::chrono::seconds(4));
  EXPECT_DOUBLE_EQ(now.rates->commits, 2);
  EXPECT_DOUBLE_EQ(now.rates->cores, 0.5);
  EXPECT_DOUBLE_EQ(now.rows[0].rates->entered, 5);
  EXPECT_DOUBLE_EQ(now.rows[0].rates->acked, 2.5);
  EXPECT_DOUBLE_EQ(now.rows[0].rates->failed, 0.5);
  EXPECT_DOUBLE_EQ(now.rates->acked, 2.5);
}

TEST(Top, ThereAreNoRatesWhereNothingIsToBeComparedWith) {
  TopLook first = look_at("2026-11-23T20:00:10Z", {queue("orders", 100)});
  compare(first, nullptr);
  EXPECT_FALSE(first.rates || first.rows[0].rates);

  TopLook restarted = look_at("2026-11-23T20:00:12Z", {queue("orders", 120)}, "two");
  compare(restarted, &first);
  EXPECT_FALSE(restarted.rates || restarted.rows[0].rates) << "its totals since the start begin anew";

  TopLook next = look_at("2026-11-23T20:00:12Z",
                         {with(queue("orders", 5), "created_at", "2026-11-23T20:00:11Z"), queue("fresh", 7)});
  compare(next, &first);
  EXPECT_TRUE(next.rates);
  EXPECT_FALSE(next.rows[0].rates) << "another queue of that name";
  EXPECT_FALSE(next.rows[1].rates) << "it was not there";
  EXPECT_TRUE(top_json(next).at("items").at(0).at("entered_per_second").is_null());
}

TEST(Top, WhatAFilterTurnsAwayMakesNoRateGoBack) {
  const TopLook before = look_at("2026-11-23T20:00:10Z", {with(queue("mail", 100), "filtered_total", 10)});
  TopLook now = look_at("2026-11-23T20:00:11Z", {with(queue("mail", 90), "filtered_total", 22)});
  compare(now, &before);
  EXPECT_DOUBLE_EQ(now.rows[0].rates->entered, 2);
}

TEST(Top, WhatASubscriptionHasNotTakenOverIsReady) {
  const json::array sources{json::object{{"topic", "a"}, {"lag", 3}}, json::object{{"topic", "b"}, {"lag", 4}}};
  EXPECT_EQ(top_row(with(queue("all", 5), "sources", sources), true).ready, 12u);
}

std::string state_of(const json::object& one) {
  TopLook now = look_at("2026-11-23T20:10:00Z", {one});
  compare(now, nullptr);
  return now.rows[0].state.word;
}

TEST(Top, StatesAreThoseOfThePage) {
  const auto nobody = [](const json::object& one) { return with(one, "consumers", json::array()); };
  const auto breaker = [](const json::object& one, const char* state) {
    return with(one, "breaker_status", json::object{{"state", state}});
  };
  EXPECT_EQ(state_of(queue("q", 5)), "fine");
  EXPECT_EQ(state_of(breaker(with(queue("q"), "paused", true), "open")), "breaker open");
  EXPECT_EQ(state_of(with(queue("q"), "hospital_level", "full")), "hospital full");
  EXPECT_EQ(state_of(breaker(queue("q"), "half_open")), "breaker trying");
  EXPECT_EQ(state_of(breaker(with(queue("q"), "paused", true), "half_open")), "paused") << "that is to be undone first";
  EXPECT_EQ(state_of(breaker(nobody(queue("q", 1)), "half_open")), "nobody consuming");
  EXPECT_EQ(state_of(nobody(queue("q"))), "fine") << "there is nothing to take";
  EXPECT_EQ(state_of(with(queue("q"), "hospital_level", "filling")), "hospital fills");
  EXPECT_EQ(state_of(with(queue("q", 1), "oldest_ready_at", "2026-11-23T20:05:00Z")), "fine");
  EXPECT_EQ(state_of(with(queue("q", 1), "oldest_ready_at", "2026-11-23T20:04:59Z")), "ageing");
  EXPECT_EQ(state_of(with(with(queue("q"), "waiting", 1), "suspects", 1)), "isolating");
  EXPECT_EQ(state_of(with(with(queue("q"), "waiting", 1), "in_hospital", 1)), "retrying");
  EXPECT_EQ(state_of(with(queue("q"), "in_hospital", 1)), "open cases");
}

TEST(Top, TheWorstComesFirst) {
  const auto ready_since = [](const char* name, const char* time) {
    return with(with(queue(name, 1), "consumers", json::array()), "oldest_ready_at", time);
  };
  TopLook look = look_at("2026-11-23T20:10:00Z",
                         {queue("well"), with(queue("cases"), "in_hospital", 9), with(queue("paused"), "paused", true),
                          with(queue("stopped", 1), "paused", true), ready_since("alone", "2026-11-23T20:09:58Z"),
                          ready_since("aged", "2026-11-23T20:09:50Z"), with(queue("full"), "hospital_level", "full"),
                          queue("also"), with(queue("retries"), "waiting", 1)});
  compare(look, nullptr);
  sort_rows(look.rows, "state");
  EXPECT_THAT(names_of(look.rows),
              ElementsAre("full", "aged", "alone", "stopped", "retries", "cases", "paused", "also", "well"));
  sort_rows(look.rows, "hospital");
  EXPECT_EQ(look.rows[0].name, "cases");
  sort_rows(look.rows, "oldest");
  EXPECT_EQ(look.rows[0].name, "aged");
  EXPECT_EQ(look.rows[1].name, "alone");
  sort_rows(look.rows, "name");
  EXPECT_THAT(names_of(look.rows),
              ElementsAre("aged", "alone", "also", "cases", "full", "paused", "retries", "stopped", "well"));
}

TEST(Top, OfEqualsThatComesFirstOfWhichMoreFails) {
  const auto retrying = [](const char* name, std::uint64_t failed) {
    return with(queue(name, 0, 0, failed), "waiting", 1);
  };
  const TopLook before = look_at("2026-11-23T20:00:00Z", {retrying("a", 100), retrying("b", 1)});
  TopLook look = look_at("2026-11-23T20:00:01Z", {retrying("a", 101), retrying("b", 9)});
  compare(look, &before);
  sort_rows(look.rows, "state");
  EXPECT_THAT(names_of(look.rows), ElementsAre("b", "a"));
}

TEST(Top, RatesAreAnOrder) {
  const TopLook before = look_at("2026-11-23T20:00:00Z", {queue("a"), queue("b"), queue("c")});
  TopLook look = look_at("2026-11-23T20:00:01Z",
                         {queue("a", 9, 0, 0), queue("b", 5, 5, 0), queue("c", 1, 0, 2), queue("new", 100)});
  compare(look, &before);
  sort_rows(look.rows, "entered");
  EXPECT_THAT(names_of(look.rows), ElementsAre("a", "b", "c", "new"));
  sort_rows(look.rows, "acked");
  EXPECT_EQ(look.rows[0].name, "b");
  sort_rows(look.rows, "failed");
  EXPECT_EQ(look.rows[0].name, "c");
  sort_rows(look.rows, "ready");
  EXPECT_EQ(look.rows[0].name, "new");
}

TEST(Top, LinesFitTheWindow) {
  std::vector<json::object> queues;
  for (int i = 10; i < 60; ++i) {
    queues.push_back(with(queue((std::string(200, 'q') + std::to_string(i)).c_str(), 1'000'000), "paused", true));
  }
  TopLook look = look_at("2026-11-23T20:00:00Z", queues);
  look.warnings = {"the disk is nearly full"};
  compare(look, nullptr);
  const TopHeading heading{"127.0.0.1:7351", "2s", "state", ""};
  for (const std::size_t columns : {1u, 20u, 80u, 120u, 400u}) {
    for (const std::size_t lines : {1u, 3u, 7u, 8u, 24u, 100u}) {
      const auto out = top_lines(look, heading, columns, lines);
      EXPECT_LE(out.size(), lines);
      for (const std::string& line : out) EXPECT_LE(width_of(line), columns) << line;
    }
  }
  const auto small = top_lines(look, heading, 80, 24);
  EXPECT_EQ(small.size(), 24u);
  EXPECT_EQ(small.back(), "and 34 more") << small.back();
  EXPECT_THAT(small, Contains(HasSubstr("1000000"))) << "names give way, numbers do not";
  EXPECT_THAT(small, Contains(HasSubstr("!     the disk is nearly full")));
  const auto all = top_lines(look, heading, 0, 0);
  EXPECT_THAT(all.back(), HasSubstr(std::string(200, 'q'))) << "nothing is cut where there is no window";
  EXPECT_THAT(all, Not(Contains(HasSubstr("more"))));
}

TEST(Top, WhatStrangersWroteIsText) {
  TopLook look = look_at("2026-11-23T20:00:00Z", {queue("a\x1b[2Jb\n")});
  look.warnings = {"\x1b]0;title\a"};
  compare(look, nullptr);
  for (const std::string& line : top_lines(look, {"a\x1b:1", "2s", "name", "UNREACHABLE: no"}, 0, 0)) {
    EXPECT_EQ(line.find_first_of("\x1b\n\a"), std::string::npos) << line;
  }
}

TEST(Top, NumbersForPeople) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(bytes_text(120.0 * (1 << 30)), "120 GiB");
  EXPECT_EQ(rate_text(0), "0");
  EXPECT_EQ(rate_text(0.5), "0.5");
  EXPECT_EQ(rate_text(12), "12");
  EXPECT_EQ(rate_text(12345.6), "12346");
  EXPECT_EQ(age_text(std::chrono::milliseconds(59'999)), "59s");
  EXPECT_EQ(age_text(std::chrono::minutes(119)), "1h");
  EXPECT_EQ(age_text(std::chrono::hours(49)), "2d");
  EXPECT_EQ(age_text(std::chrono::seconds(-5)), "0s");
}

}  // namespace
}  // namespace lazaret::cli
