#include "admin/queue_json.h"

#include <gtest/gtest.h>

#include "admin/json_text.h"

namespace lazaret::admin {
namespace {

using base::Code;

TEST(QueueJson, OptionsAreTheWordsOfTheConfiguration) {
  EXPECT_EQ(to_text(options_json({})),
            R"({"max_attempts":5,"backoff_initial":"1s","backoff_multiplier":5,"backoff_max":"10m",)"
            R"("backoff_jitter":0.2,"lease_duration":"30s","max_worker_deaths":2,"durability":"fsync",)"
            R"("paused":false,"max_in_flight":0,"single_active_consumer":false,"ttl":"0s","on_expiry":"drop",)"
            R"("order_by_key":false,"on_key_failure":"continue","case_retention":"30d",)"
            R"("case_retention_count":0,"hospital_max_bytes":10737418240,"breaker":true,)"
            R"("breaker_samples":100,"breaker_ratio":0.9,"breaker_window":"30s","breaker_pause":"10s",)"
            R"("owner":"","runbook":"","alert_to":""})");
  model::QueueOptions options;
  options.max_attempts = std::nullopt;
  EXPECT_EQ(options_json(options).at("max_attempts"), "unlimited");
}

TEST(QueueJson, WhatIsWrittenIsRead) {
  model::QueueOptions options;
  options.max_attempts = std::nullopt;
  options.backoff_initial = std::chrono::milliseconds(250);
  options.backoff_multiplier = 1.5;
  options.max_worker_deaths = 7;
  options.paused = options.single_active_consumer = true;
  options.max_in_flight = 3;
  options.ttl = std::chrono::hours(3);
  options.on_expiry = model::OnExpiry::hospital;
  options.order_by_key = true;
  options.on_key_failure = model::KeyFailure::hold;
  options.case_retention_count = 12;
  options.hospital_max_bytes = 5ull << 32;
  options.breaker = false;
  options.breaker_samples = 7;
  options.breaker_ratio = 0.5;
  options.breaker_window = std::chrono::minutes(1);
  options.breaker_pause = std::chrono::minutes(2);
  options.owner = "the payments team";
  options.runbook = "https://wiki/billing";
  options.alert_to = "payments";
  wire::OptionsPatch patch;
  for (const auto& [name, value] : options_json(options)) {
    EXPECT_TRUE(read_option(name, value, patch).value()) << name;
  }
  EXPECT_EQ(patch.apply_to({}).value(), options);
}

TEST(QueueJson, WrongValuesNameTheOption) {
  const std::pair<const char*, json::value> wrong[] = {
      {"max_attempts", 0},
      {"max_attempts", "many"},
      {"max_attempts", -1},
      {"max_attempts", 1.5},
      {"backoff_initial", 30},
      {"backoff_max", "30"},
      {"backoff_jitter", "0.2"},
      {"lease_duration", nullptr},
      {"max_worker_deaths", ""},
      {"backoff_multiplier", true},
      {"durability", 1},
      {"ttl", "soon"},
      {"on_expiry", 1},
      {"order_by_key", "yes"},
      {"on_key_failure", false},
      {"case_retention_count", "12"},
      {"case_retention_count", -1},
      {"hospital_max_bytes", "1 GiB"},
      {"hospital_max_bytes", -1},
      {"breaker", "on"},
      {"breaker_samples", "1"},
      {"breaker_ratio", "0.9"},
      {"breaker_window", 30},
      {"breaker_pause", "10"},
      {"owner", 1},
      {"runbook", nullptr},
      {"alert_to", true},
  };
  for (const auto& [name, value] : wrong) {
    wire::OptionsPatch patch;
    const auto taken = read_option(name, value, patch);
    ASSERT_EQ(taken.code(), Code::INVALID_OPTION) << name << " " << value;
    EXPECT_NE(taken.status().text().find(name), std::string::npos) << taken.status().text();
  }
  wire::OptionsPatch patch;
  EXPECT_FALSE(read_option("max_attempt", 5, patch).value());
}

TEST(QueueJson, AQueueShowsItsSumsItsConsumersAndItsOptions) {
  model::QueueStats stats;
  stats.queue.name = "orders";
  stats.queue.shard = model::ShardId(1);
  stats.ready = 3;
  stats.counters.entered = 10;
  stats.counters.in_hospital = 2;
  stats.hospital_bytes = 90;
  stats.hospital_level = model::HospitalLevel::filling;
  stats.oldest_ready_at = base::Instant{1'700'000'000'000'000};
  stats.consumers.push_back({{"worker", "host-1", "2.0", {}}, 4, 1});
  const json::object queue = queue_json(stats);
  EXPECT_EQ(queue.at("name"), "orders");
  EXPECT_EQ(queue.at("shard"), 1);
  EXPECT_EQ(queue.at("ready"), 3);
  EXPECT_EQ(queue.at("hospital_bytes"), 90);
  EXPECT_EQ(queue.at("hospital_level"), "filling");
  EXPECT_EQ(queue.at("entered_total"), 10);
  EXPECT_EQ(queue.at("in_hospital"), 2);
  EXPECT_EQ(queue.at("oldest_ready_at"), "2023-11-14T22:13:20.000000Z");
  EXPECT_EQ(queue.at("created_at"), nullptr);
  EXPECT_EQ(queue.at("max_attempts"), 5);
  EXPECT_EQ(to_text(queue.at("consumers")),
            R"([{"name":"worker","host":"host-1","version":"2.0","in_flight":4,"begun":1,"accepts":[]}])");
}

TEST(QueueJson, ASubscriptionShowsWhatItTakes) {
  model::QueueStats stats;
  stats.queue.kind = model::Kind::subscription;
  stats.queue.options.filter = "orders.# header.region=eu";
  stats.queue.options.ephemeral = true;
  stats.counters.filtered = 4;
  stats.unaccepted = 3;
  stats.consumers.push_back({{"worker", "host-1", "2.0", {}}, 4, 1});
  stats.consumers.back().accepts = {"orders.created@2"};
  const json::object subscription = queue_json(stats);
  EXPECT_EQ(subscription.at("filter"), "orders.# header.region=eu");
  EXPECT_EQ(subscription.at("ephemeral"), true);
  EXPECT_EQ(subscription.at("filtered_total"), 4);
  EXPECT_EQ(subscription.at("unaccepted"), 3);
  EXPECT_EQ(to_text(subscription.at("consumers").at(0).at("accepts")), R"(["orders.created@2"])");
  wire::OptionsPatch patch;
  EXPECT_TRUE(read_option("filter", "orders.#", patch).value());
  EXPECT_EQ(patch.filter, "orders.#");
  EXPECT_EQ(read_option("filter", 1, patch).code(), Code::INVALID_OPTION);
  EXPECT_TRUE(read_option("ephemeral", true, patch).value());
  EXPECT_EQ(patch.ephemeral, true);
  EXPECT_EQ(read_option("ephemeral", "yes", patch).code(), Code::INVALID_OPTION);
}

}  // namespace
}  // namespace lazaret::admin
