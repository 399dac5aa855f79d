#include "admin/origin_check.h"

#include <gtest/gtest.h>

namespace lazaret::admin {
namespace {

using base::Code;

Code check(const OriginCheck& origins, std::vector<std::string> hosts, std::vector<std::string> from = {}) {
  Request request;
  request.hosts = std::move(hosts);
  request.origins = std::move(from);
  return origins.check(request).code();
}

const OriginCheck kLocal("127.0.0.1", {"Broker.Example"});

TEST(OriginCheck, LoopbackNamesAndConfiguredNamesAreOurs) {
  for (const char* host :
       {"localhost", "LOCALHOST:7351", "127.0.0.1:7351", "127.1.2.3", "[::1]:7351", "broker.example"}) {
    EXPECT_EQ(check(kLocal, {host}), Code::OK) << host;
  }
}

TEST(OriginCheck, ARebindingNameIsRefused) {
  for (const char* host :
       {"evil.example", "127.0.0.1.evil.example", "127.evil.a.b", "localhost.evil.example", "", ":7351"}) {
    EXPECT_EQ(check(kLocal, {host}), Code::FORBIDDEN_ORIGIN) << host;
  }
}

TEST(OriginCheck, ThereIsExactlyOneHost) {
  EXPECT_EQ(check(kLocal, {}), Code::FORBIDDEN_ORIGIN);
  EXPECT_EQ(check(kLocal, {"localhost", "evil.example"}), Code::FORBIDDEN_ORIGIN);
}

TEST(OriginCheck, TheOriginIsTheHost) {
  EXPECT_EQ(check(kLocal, {"localhost:7351"}, {"http://localhost:7351"}), Code::OK);
  EXPECT_EQ(check(kLocal, {"localhost:7351"}, {"https://LOCALHOST:7351"}), Code::OK);
  for (const char* origin : {"http://localhost:3000", "http://evil.example", "null", "", "localhost:7351"}) {
    EXPECT_EQ(check(kLocal, {"localhost:7351"}, {origin}), Code::FORBIDDEN_ORIGIN) << origin;
  }
}

TEST(OriginCheck, BoundToEveryAddressAnyAddressIsOursAndNoOtherName) {
  for (const char* bound : {"0.0.0.0", "::"}) {
    const OriginCheck all(bound, {"broker.example"});
    for (const char* host : {"192.0.2.7:7351", "[2001:db8::7]:7351", "localhost:7351", "broker.example:7351"}) {
      EXPECT_EQ(check(all, {host}), Code::OK) << host;
    }
    for (const char* host : {"evil.example", "evil.example:7351", "192.0.2.7.evil.example", "1.2.3", "0x7f000001"}) {
      EXPECT_EQ(check(all, {host}), Code::FORBIDDEN_ORIGIN) << host;
    }
    EXPECT_EQ(check(all, {"192.0.2.7"}, {"http://192.0.2.7"}), Code::OK);
    EXPECT_EQ(check(all, {"192.0.2.7"}, {"http://evil.example"}), Code::FORBIDDEN_ORIGIN);
  }
}

TEST(OriginCheck, BoundToOneAddressOthersAreNotOurs) {
  EXPECT_EQ(check(OriginCheck("192.0.2.7", {}), {"192.0.2.7"}), Code::OK);
  EXPECT_EQ(check(OriginCheck("192.0.2.7", {}), {"192.0.2.8"}), Code::FORBIDDEN_ORIGIN);
}

}  // namespace
}  // namespace lazaret::admin
