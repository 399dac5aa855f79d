// The numbers of the page: an hour of them, and what is sent of each second.
#include "admin/overview.h"

#include <gtest/gtest.h>

#include <list>

#include <boost/json/parse.hpp>

#include "admin/event_streams.h"
#include "admin/json_text.h"

namespace lazaret::admin {
namespace {

OverviewRow row(const std::string& name, std::uint64_t entered, std::uint64_t acked, std::uint64_t ready = 0) {
  OverviewRow out;
  out.name = name;
  out.entered_total = entered;
  out.acked_total = acked;
  out.ready = ready;
  return out;
}

Overview of(std::vector<OverviewRow> rows, std::uint64_t number = 1) {
  Overview out;
  out.number = number;
  out.at = {1'700'000'000'000'000};
  out.rows = std::move(rows);
  return out;
}

json::array numbers(std::initializer_list<std::uint64_t> list) {
  json::array out;
  for (const auto one : list) out.emplace_back(one);
  return out;
}

/// What stands behind "data: ".
json::object data_of(const std::string& event) {
  EXPECT_TRUE(event.starts_with("event: overview\ndata: ")) << event;
  EXPECT_TRUE(event.ends_with("\n\n"));
  EXPECT_EQ(std::count(event.begin(), event.end(), '\n'), 3) << "a line is a field of the event";
  return json::parse(event.substr(22)).as_object();
}

TEST(OverviewRow, SaysHowMuchOfItsBudgetAHospitalKeeps) {
  model::QueueStats stats;
  stats.hospital_bytes = 812;
  stats.hospital_level = model::HospitalLevel::filling;
  stats.queue.options.hospital_max_bytes = 1000;
  const json::object shown = row_json(overview_row(stats));
  EXPECT_EQ(shown.at("hospital_level"), "filling");
  EXPECT_EQ(shown.at("hospital_bytes"), 812u);
  EXPECT_EQ(shown.at("hospital_max_bytes"), 1000u);
  EXPECT_NE(overview_row(stats), OverviewRow());
}

TEST(MinuteHistory, CountsWhatCameInEachMinute) {
  MinuteHistory history;
  history.add(of({row("q", 1000, 900, 100)}));
  EXPECT_EQ(history.of("q").at("entered"), numbers({})) << "what was counted before was in no minute of ours";
  history.add(of({row("q", 1010, 905, 105)}));
  history.add(of({row("q", 1010, 1010, 0)}));
  EXPECT_EQ(history.of("q").at("entered"), numbers({10, 0}));
  EXPECT_EQ(history.of("q").at("acked"), numbers({5, 105}));
  EXPECT_EQ(history.of("q").at("unsettled"), numbers({105, 0}));
}

TEST(MinuteHistory, KeepsAnHourTheNewestLast) {
  MinuteHistory history;
  std::uint64_t total = 0;
  for (std::uint64_t minute = 0; minute <= 75; ++minute) history.add(of({row("q", total += minute, 0)}));
  const json::array entered = history.of("q").at("entered").as_array();
  ASSERT_EQ(entered.size(), MinuteHistory::kMinutes);
  EXPECT_EQ(entered.front(), 16u);
  EXPECT_EQ(entered.back(), 75u);
}

TEST(MinuteHistory, CountsWhatFailedAndMarksWhatMayBeWhy) {
  MinuteHistory history;
  OverviewRow now = row("q", 10, 10);
  now.failed_attempts_total = 5;
  now.versions = {"billing 2.4.0"};
  history.add(of({now}));
  EXPECT_EQ(history.of("q").at("marks").as_array().size(), 0u) << "what was there before has not changed";
  now.failed_attempts_total = 45;
  now.versions = {"billing 2.4.0", "billing 2.4.1"};
  history.add(of({now}));
  now.versions = {"billing 2.4.1"};
  now.paused = true;
  now.breaker = model::BreakerState::open;
  now.hospital_level = model::HospitalLevel::full;
  history.add(of({now}));
  EXPECT_EQ(history.of("q").at("failed"), numbers({40, 0}));
  std::vector<std::string> marks;
  const json::object hour = history.of("q");
  for (const json::value& mark : hour.at("marks").as_array()) {
    const json::value& who = mark.at("who");
    marks.push_back(std::string(mark.at("what").as_string()) + (who.is_null() ? "" : " ") +
                    (who.is_null() ? "" : std::string(who.as_string())));
  }
  EXPECT_EQ(marks, (std::vector<std::string>{"joined billing 2.4.1", "left billing 2.4.0", "paused", "breaker_open",
                                             "hospital_full"}));
  for (std::uint64_t minute = 0; minute < MinuteHistory::kMinutes; ++minute) history.add(of({now}));
  EXPECT_EQ(history.of("q").at("marks").as_array().size(), 0u) << "an hour later they are forgotten";
}

TEST(MinuteHistory, AQueueThatWasMadeAnewGoesNotBelowZero) {
  MinuteHistory history;
  history.add(of({row("q", 100, 0)}));
  history.add(of({row("q", 3, 0)}));
  EXPECT_EQ(history.of("q").at("entered"), numbers({0}));
}

TEST(MinuteHistory, ForgetsWhatIsGone) {
  MinuteHistory history;
  history.add(of({row("q", 1, 0)}));
  history.add(of({row("q", 2, 0)}));
  history.add(of({}));
  EXPECT_EQ(history.of("q").at("entered"), numbers({}));
}

TEST(OverviewEvent, BeginsWithEverythingAndThenSaysWhatChanged) {
  const Overview first = of({row("a", 1, 0), row("b", 1, 0), row("d", 1, 0)});
  const Overview second = of({row("b", 2, 0), row("c", 1, 0), row("d", 1, 0)}, 2);
  const json::object everything = data_of(overview_event(first, nullptr));
  EXPECT_EQ(everything.at("full"), true);
  EXPECT_EQ(everything.at("items").as_array().size(), 3u);
  const json::object change = data_of(overview_event(second, &first));
  EXPECT_EQ(change.at("full"), false);
  ASSERT_EQ(change.at("items").as_array().size(), 2u);
  EXPECT_EQ(change.at("items").at(0).at("name"), "b");
  EXPECT_EQ(change.at("items").at(1).at("name"), "c");
  EXPECT_EQ(change.at("gone"), json::array{"a"});
  EXPECT_EQ(data_of(overview_event(of({}), &first)).at("gone").as_array().size(), 3u);
}

class Streams : public ::testing::Test {
 protected:
  void publish(std::vector<OverviewRow> rows) {
    streams_.publish(std::make_shared<const Overview>(of(std::move(rows), ++number_)));
  }

  boost::asio::io_context io_;
  std::vector<bool> watched_;
  EventStreams streams_{[this](bool watched) { watched_.push_back(watched); }};
  std::uint64_t number_ = 0;
};

TEST_F(Streams, TheFirstAndTheLastAreTold) {
  boost::asio::steady_timer alarm(io_);
  {
    EventStreams::Place one(streams_, alarm);
    EventStreams::Place other(streams_, alarm);
    EXPECT_EQ(watched_, (std::vector<bool>{true}));
  }
  EXPECT_EQ(watched_, (std::vector<bool>{true, false}));
}

TEST_F(Streams, WhoKeepsUpGetsChangesAndWhoDoesNotGetsEverything) {
  boost::asio::steady_timer alarm(io_);
  EventStreams::Place quick(streams_, alarm);
  EventStreams::Place slow(streams_, alarm);
  EXPECT_EQ(quick.next(), nullptr);
  publish({row("a", 1, 0), row("b", 1, 0)});
  EXPECT_EQ(data_of(*quick.next()).at("full"), true);
  EXPECT_EQ(data_of(*slow.next()).at("full"), true);
  EXPECT_EQ(quick.next(), nullptr) << "everything is sent";
  publish({row("a", 2, 0), row("b", 1, 0)});
  EXPECT_EQ(data_of(*quick.next()).at("items").as_array().size(), 1u);
  publish({row("a", 3, 0), row("b", 1, 0)});
  EXPECT_EQ(data_of(*quick.next()).at("full"), false);
  EXPECT_EQ(data_of(*slow.next()).at("full"), true);
}

TEST_F(Streams, AnAlertGoesToThoseWhoAreThere) {
  boost::asio::steady_timer alarm(io_);
  const auto event = [](const std::string& text) { return std::make_shared<const std::string>(text); };
  streams_.publish_alert(event("before"));
  EventStreams::Place one(streams_, alarm);
  EventStreams::Place other(streams_, alarm);
  EXPECT_EQ(one.next(), nullptr);
  streams_.publish_alert(event("first"));
  streams_.publish_alert(event("second"));
  EXPECT_EQ(*one.next(), "first");
  EXPECT_EQ(*one.next(), "second");
  EXPECT_EQ(one.next(), nullptr);
  for (std::size_t i = 0; i < EventStreams::kAlerts; ++i) streams_.publish_alert(event(std::to_string(i)));
  EXPECT_EQ(*other.next(), "0") << "those that it is too far behind are left out";
}

TEST_F(Streams, ThereAreSoManyAtMost) {
  boost::asio::steady_timer alarm(io_);
  std::list<EventStreams::Place> places;
  for (std::size_t i = 0; i < EventStreams::kStreams; ++i) EXPECT_TRUE(places.emplace_back(streams_, alarm).taken());
  EXPECT_FALSE(EventStreams::Place(streams_, alarm).taken());
  places.pop_front();
  EXPECT_TRUE(EventStreams::Place(streams_, alarm).taken());
}

TEST_F(Streams, WhatWasTrueLongAgoIsNotShown) {
  boost::asio::steady_timer alarm(io_);
  {
    EventStreams::Place gone(streams_, alarm);
    publish({row("a", 1, 0)});
  }
  publish({row("a", 2, 0)});  // for the history: nobody watches
  EventStreams::Place next(streams_, alarm);
  EXPECT_EQ(next.next(), nullptr);
}

}  // namespace
}  // namespace lazaret::admin
