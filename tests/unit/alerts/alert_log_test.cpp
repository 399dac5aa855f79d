// What is kept of alerts: the last thousand, what became of them, and the sums.
#include "alerts/alert_log.h"

#include <gtest/gtest.h>

#include "model/limits.h"

namespace lazaret::alerts {
namespace {

using model::AlertId;
using model::AlertRecord;
using model::DeliveryOutcome;

AlertRecord alert(std::uint64_t number) {
  AlertRecord record;
  record.number = AlertId(number);
  record.kind = model::AlertKind::surge;
  record.deliveries = {{"ops", DeliveryOutcome::waiting, 0, {}, ""}};
  return record;
}

Tried tried(std::uint64_t number, DeliveryOutcome outcome, bool was_sent, bool answered) {
  Tried one;
  one.number = AlertId(number);
  one.delivery = {"ops", outcome, 1, base::Instant{7}, "503"};
  one.was_sent = was_sent;
  one.answered = answered;
  return one;
}

TEST(AlertLog, KeepsTheNewestThousand) {
  AlertLog log({}, {});
  for (std::uint64_t number = 1; number <= model::limits::kAlertsKept; ++number) log.add(alert(number));
  EXPECT_EQ(log.make_room(2), (std::vector<AlertId>{AlertId(1), AlertId(2)}));
  EXPECT_FALSE(log.find(AlertId(2)));
  EXPECT_TRUE(log.find(AlertId(3)));
  const auto page = log.list(std::nullopt, 2);
  ASSERT_EQ(page.size(), 2u);
  EXPECT_EQ(page[0].number, AlertId(1000));
  EXPECT_EQ(log.list(page[1].number, 1)[0].number, AlertId(998));
}

TEST(AlertLog, CountsTriesByWhatBecameOfThem) {
  AlertLog log({}, {"ops", "idle"});
  for (std::uint64_t number = 1; number <= 3; ++number) log.add(alert(number));
  EXPECT_TRUE(log.note(tried(1, DeliveryOutcome::waiting, true, false)));
  EXPECT_TRUE(log.note(tried(1, DeliveryOutcome::waiting, true, true)));
  EXPECT_TRUE(log.note(tried(1, DeliveryOutcome::delivered, true, true)));
  EXPECT_TRUE(log.note(tried(2, DeliveryOutcome::dropped, false, false)));
  EXPECT_FALSE(log.note(tried(9, DeliveryOutcome::failed, true, false))) << "it is not kept any more";
  const AlertStats stats = log.stats();
  EXPECT_EQ(stats.alerts.at(model::AlertKind::surge), 3u);
  EXPECT_EQ(stats.alerts.at(model::AlertKind::relapse), 0u);
  const ReceiverStats& ops = stats.receivers.at("ops");
  EXPECT_EQ(ops.delivered, 1u);
  EXPECT_EQ(ops.refused, 1u);
  EXPECT_EQ(ops.unreachable, 2u);
  EXPECT_EQ(ops.dropped, 1u);
  EXPECT_EQ(ops.failed, 1u);
  EXPECT_EQ(ops.waiting, 1u) << "the third";
  EXPECT_EQ(stats.receivers.at("idle").waiting, 0u);
  EXPECT_EQ(log.find(AlertId(1))->deliveries[0].outcome, DeliveryOutcome::delivered);
}

}  // namespace
}  // namespace lazaret::alerts
