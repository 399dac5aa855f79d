#include "model/options.h"

#include <gtest/gtest.h>

#include "model/limits.h"

namespace lazaret::model {
namespace {

using base::Code;
using namespace std::chrono_literals;

TEST(QueueOptions, DefaultsAreValid) { EXPECT_TRUE(validate(QueueOptions{}).ok()); }

TEST(QueueOptions, EachIsRefusedOutsideItsRange) {
  const auto refused = [](auto change) {
    QueueOptions options;
    change(options);
    return validate(options).code() == Code::INVALID_OPTION;
  };
  EXPECT_TRUE(refused([](auto& o) { o.max_attempts = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.max_attempts = 10'001; }));
  EXPECT_TRUE(refused([](auto& o) { o.backoff_initial = -1s; }));
  EXPECT_TRUE(refused([](auto& o) { o.backoff_multiplier = 0.5; }));
  EXPECT_TRUE(refused([](auto& o) { o.backoff_multiplier = std::numeric_limits<double>::quiet_NaN(); }));
  EXPECT_TRUE(refused([](auto& o) { o.backoff_max = 24h * 8; }));
  EXPECT_TRUE(refused([](auto& o) { o.backoff_jitter = 1.1; }));
  EXPECT_TRUE(refused([](auto& o) { o.lease_duration = 99ms; }));
  EXPECT_TRUE(refused([](auto& o) { o.max_worker_deaths = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.durability = static_cast<Durability>(3); }));
  EXPECT_TRUE(refused([](auto& o) { o.ttl = -1s; }));
  EXPECT_TRUE(refused([](auto& o) { o.ttl = limits::kDelayMost + 1s; }));
  EXPECT_TRUE(refused([](auto& o) { o.on_expiry = static_cast<OnExpiry>(3); }));
  EXPECT_TRUE(refused([](auto& o) { o.on_key_failure = static_cast<KeyFailure>(3); }));
  EXPECT_TRUE(refused([](auto& o) { o.on_key_failure = KeyFailure::hold; })) << "without an order";
  EXPECT_TRUE(refused([](auto& o) { o.filter = "orders..created"; }));
  EXPECT_TRUE(refused([](auto& o) { o.breaker_samples = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.breaker_ratio = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.breaker_ratio = 1.01; }));
  EXPECT_TRUE(refused([](auto& o) { o.breaker_window = 999ms; }));
  EXPECT_TRUE(refused([](auto& o) { o.breaker_pause = 99ms; }));
  EXPECT_TRUE(refused([](auto& o) { o.case_retention_count = limits::kCaseRetentionCountMost + 1; }));
  EXPECT_FALSE(refused([](auto& o) { o.case_retention_count = limits::kCaseRetentionCountMost; }));
  EXPECT_FALSE(refused([](auto& o) { o.case_retention_count = 0; })) << "any number";
  EXPECT_TRUE(refused([](auto& o) { o.hospital_max_bytes = limits::kHospitalBytesMost + 1; }));
  EXPECT_FALSE(refused([](auto& o) { o.hospital_max_bytes = 0; })) << "no budget";
  EXPECT_TRUE(refused([](auto& o) { o.owner = std::string(257, 'x'); }));
  EXPECT_TRUE(refused([](auto& o) { o.runbook = std::string(1025, 'x'); }));
  EXPECT_TRUE(refused([](auto& o) { o.alert_to = std::string(257, 'x'); }));
  EXPECT_TRUE(refused([](auto& o) { o.owner = "two\nlines"; }));
  EXPECT_TRUE(refused([](auto& o) { o.runbook = "\xff"; }));
}

TEST(QueueOptions, UnlimitedAttemptsAreAllowedByName) {
  QueueOptions options;
  options.max_attempts.reset();
  EXPECT_TRUE(validate(options).ok());
}

TEST(QueueOptions, DifferenceNamesEachOptionWithBothValues) {
  QueueOptions asked;
  asked.max_attempts.reset();
  asked.lease_duration = 10s;
  asked.case_retention_count = 9;
  EXPECT_EQ(difference(QueueOptions{}, asked),
            "max_attempts is 5, asked for \"unlimited\"; lease_duration is 30s, asked for 10s; "
            "case_retention_count is 0, asked for 9");
  EXPECT_EQ(difference(asked, asked), "");
}

TEST(QueueOptions, APatchOfOptionsMakesThem) {
  QueueOptions options;
  options.order_by_key = true;
  options.on_key_failure = KeyFailure::hold;
  options.durability = Durability::relaxed;
  options.filter = "orders.#";
  options.case_retention_count = 7;
  options.hospital_max_bytes = 1;
  options.breaker = false;
  options.breaker_samples = 3;
  options.breaker_ratio = 0.3;
  options.breaker_window = 3s;
  options.breaker_pause = 3min;
  options.owner = "the payments team";
  options.runbook = "https://wiki/billing";
  options.alert_to = "payments";
  EXPECT_EQ(OptionsPatch::of(options).apply_to({}).value(), options);
  OptionsPatch wrong;
  wrong.on_key_failure = "stop";
  EXPECT_EQ(wrong.apply_to({}).code(), Code::INVALID_OPTION);
  wrong.on_key_failure = "hold";
  EXPECT_EQ(wrong.validate_for(Kind::topic).code(), Code::INVALID_OPTION);
  EXPECT_TRUE(wrong.validate_for(Kind::subscription).ok());
  OptionsPatch of_cases;
  of_cases.hospital_max_bytes = 1;
  EXPECT_EQ(of_cases.validate_for(Kind::topic).code(), Code::INVALID_OPTION) << "it has no cases";
  EXPECT_TRUE(of_cases.validate_for(Kind::queue).ok());
  OptionsPatch of_closed;
  of_closed.case_retention_count = 1;
  EXPECT_EQ(of_closed.validate_for(Kind::topic).code(), Code::INVALID_OPTION);
  EXPECT_TRUE(of_closed.validate_for(Kind::subscription).ok());
}

TEST(Name, FollowsTheRule) {
  EXPECT_TRUE(validate_name("orders.eu_1-a").ok());
  EXPECT_TRUE(validate_name(std::string(200, 'a')).ok());
  for (const std::string& name : {std::string(), std::string(201, 'a'), std::string("a b"), std::string("a/b"),
                                  std::string("lazaret.x"), std::string("\xc3\xa4"), std::string(1, '\0')}) {
    EXPECT_EQ(validate_name(name).code(), Code::INVALID_NAME);
  }
}

}  // namespace
}  // namespace lazaret::model
