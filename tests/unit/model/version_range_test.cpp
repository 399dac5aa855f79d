// Which versions a range is for.
#include "model/version_range.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace lazaret::model {
namespace {

TEST(Versions, AreOrderedAsPeopleMeanThem) {
  const std::vector<std::string> ascending = {"1.0.0-alpha",  "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
                                              "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",       "1.0.0",
                                              "1.2",          "1.10",          "1.10.1",           "2.0.beta",
                                              "2.1",          "20261127"};
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    for (std::size_t j = 0; j < ascending.size(); ++j) {
      EXPECT_EQ(compare_versions(ascending[i], ascending[j]), i <=> j) << ascending[i] << " and " << ascending[j];
    }
  }
}

TEST(Versions, AreTheSameWhateverIsWrittenAroundThem) {
  EXPECT_EQ(compare_versions("v2.4", "2.4.0"), std::strong_ordering::equal);
  EXPECT_EQ(compare_versions("2.4.0+build.7", "2.4.0"), std::strong_ordering::equal);
  EXPECT_EQ(compare_versions("2.04", "2.4"), std::strong_ordering::equal);
  EXPECT_EQ(compare_versions("2.99999999999999999999999999", "2.9"), std::strong_ordering::greater);
}

bool contains(const std::string& range, const std::string& version) {
  const auto parsed = VersionRange::parse(range);
  EXPECT_TRUE(parsed.ok()) << range << ": " << parsed.status().text();
  return parsed.ok() && parsed->contains(version);
}

TEST(VersionRange, ContainsWhatAllTermsHoldFor) {
  EXPECT_TRUE(contains(">=2.4.2", "2.4.2"));
  EXPECT_TRUE(contains(">=2.4.2", "2.10"));
  EXPECT_FALSE(contains(">=2.4.2", "2.4.2-rc.1")) << "it came before";
  EXPECT_FALSE(contains(">2.4.2", "2.4.2"));
  EXPECT_TRUE(contains("=2.4", "2.4.0"));
  EXPECT_TRUE(contains(">=2.4 <3", "2.9.9"));
  EXPECT_FALSE(contains(">=2.4 <3", "3.0"));
  EXPECT_TRUE(contains("<= 3", "3"));
  EXPECT_FALSE(contains(">=0", "")) << "it does not say what it is";
}

TEST(VersionRange, SaysHowItIsWritten) {
  EXPECT_EQ(VersionRange::parse("  >=  2.4   <3 ")->text(), ">=2.4 <3");
  for (const char* wrong : {"", "   ", "2.4.2", ">=", "> ", "=>2", "~2.4", ">=x", ">=2 || <1", "<>2"}) {
    EXPECT_EQ(VersionRange::parse(wrong).code(), base::Code::BAD_REQUEST) << wrong;
  }
  EXPECT_FALSE(VersionRange::parse(">=" + std::string(VersionRange::kBytes, '1')).ok());
  EXPECT_FALSE(VersionRange::parse(">1 >1 >1 >1 >1 >1 >1 >1 >1").ok());
}

std::string refused(const std::string& range) {
  const base::Status status = VersionRange::check(range);
  EXPECT_EQ(status.code(), base::Code::INVALID_OPTION) << range;
  return status.text();
}

TEST(VersionRange, WhatIsAskedForIsNoTypoAndNotEmpty) {
  for (const char* good : {">=2.4.2", ">2 <3", ">=2 <=2", "=2.4.2-rc.1", ">=2.5.0-rc.1+build.7", "<20261127",
                           ">=2.beta_1", "= 2 = 2.0", ">=1.0-a-b"}) {
    EXPECT_EQ(VersionRange::check(good).text(), "") << good;
  }
  EXPECT_EQ(refused(">=2 <1"), "no version is both >=2 and <1");
  EXPECT_EQ(refused(">2 <=2.0"), "no version is both >2 and <=2.0");
  EXPECT_EQ(refused("=2 =3"), "no version is both =3 and =2");
  EXPECT_EQ(refused("<3 >=1 =4"), "no version is both =4 and <3");
  EXPECT_NE(refused(">=v2").find("\"v2\" is no version as 2.4.2 or 2.5.0-rc.1: it is written without a v"),
            std::string::npos);
  EXPECT_NE(refused(">=2..4").find("between two dots"), std::string::npos);
  EXPECT_NE(refused(">=-1").find("does not begin with a number"), std::string::npos);
  for (const char* wrong :
       {">=2.", ">=.2", ">=2-", ">=2.4+", ">=2,4", ">=2-rc..1", ">=2+a..b", ">=beta1", "2.4", "", ">="}) {
    refused(wrong);
  }
  EXPECT_TRUE(VersionRange::parse(">=v2").ok()) << "what was taken once is still read";
}

}  // namespace
}  // namespace lazaret::model
