#include "engine/directory.h"

#include <gtest/gtest.h>

namespace lazaret::engine {
namespace {

QueueRef queue(std::string name, std::uint64_t id) {
  model::QueueRecord record;
  record.name = std::move(name);
  record.subscription = model::SubscriptionId(id);
  return std::make_shared<const model::QueueRecord>(std::move(record));
}

TEST(Directory, FindsByNameAndBySubscription) {
  Directory directory;
  directory.put(queue("orders", 1));
  EXPECT_EQ(directory.find("orders")->subscription.value, 1u);
  EXPECT_EQ(directory.find(model::SubscriptionId(1))->name, "orders");
  EXPECT_EQ(directory.find("nothing"), nullptr);
}

TEST(Directory, ListsInOrderOfNamesPageByPage) {
  Directory directory;
  for (const char* name : {"c", "a", "b"}) directory.put(queue(name, static_cast<std::uint64_t>(name[0])));
  const auto first = directory.list("", 2);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[1]->name, "b");
  const auto rest = directory.list("b", 2);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0]->name, "c");
}

TEST(Directory, ErasingAnOldQueueKeepsTheNewOneOfTheSameName) {
  Directory directory;
  directory.put(queue("orders", 1));
  directory.put(queue("orders", 2));
  directory.erase(model::SubscriptionId(1));
  EXPECT_EQ(directory.find("orders")->subscription.value, 2u);
  directory.erase(model::SubscriptionId(2));
  EXPECT_EQ(directory.find("orders"), nullptr);
}

}  // namespace
}  // namespace lazaret::engine
