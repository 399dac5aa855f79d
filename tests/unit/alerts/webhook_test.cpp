// Where alerts go, as the configuration says it: addresses and secrets.
#include "alerts/webhook.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace lazaret::alerts {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Webhook parsed(const std::string& url) {
  Webhook webhook;
  EXPECT_TRUE(set_url(webhook, url).ok()) << url;
  return webhook;
}

TEST(Webhook, TakesAnAddressApart) {
  const Webhook plain = parsed("http://alerts.example.org");
  EXPECT_EQ(plain.host, "alerts.example.org");
  EXPECT_EQ(plain.port, 80);
  EXPECT_EQ(plain.target, "/");
  EXPECT_EQ(plain.authority(), "alerts.example.org");
  const Webhook local = parsed("http://127.0.0.1:9000/a/b?c=d");
  EXPECT_EQ(local.authority(), "127.0.0.1:9000");
  EXPECT_EQ(local.target, "/a/b?c=d");
  const Webhook six = parsed("http://[::1]:9000/");
  EXPECT_EQ(six.host, "::1");
  EXPECT_EQ(six.authority(), "[::1]:9000");
  EXPECT_EQ(parsed("http://127.0.0.1?x=1").target, "/?x=1");
  EXPECT_FALSE(plain.is_secure);
}

TEST(Webhook, OverHttpsThePortIsAnother) {
  const Webhook secure = parsed("https://alerts.example.org/lazaret");
  EXPECT_TRUE(secure.is_secure);
  EXPECT_EQ(secure.port, 443);
  EXPECT_EQ(secure.authority(), "alerts.example.org");
  EXPECT_EQ(parsed("HTTPS://alerts.example.org/").port, 443);
  EXPECT_EQ(parsed("https://alerts.example.org:443/").authority(), "alerts.example.org");
  EXPECT_EQ(parsed("https://alerts.example.org:80/").authority(), "alerts.example.org:80");
  EXPECT_EQ(parsed("http://alerts.example.org:443/").authority(), "alerts.example.org:443");
  EXPECT_EQ(parsed("https://[::1]/").authority(), "[::1]");
  Webhook again = secure;
  ASSERT_TRUE(set_url(again, "http://alerts.example.org/").ok());
  EXPECT_FALSE(again.is_secure);
  EXPECT_EQ(again.port, 80);
}

TEST(Webhook, RefusesWhatItCannotReachOrKeepSecret) {
  Webhook webhook;
  EXPECT_EQ(set_url(webhook, "ftp://example.org/").text(), "must begin with http:// or https://");
  EXPECT_THAT(set_url(webhook, "https://ann:pass@example.org/").text(), HasSubstr("secret_file"));
  EXPECT_THAT(set_url(webhook, "http://ann:pass@example.org/").text(), HasSubstr("secret_file"));
  for (const char* url : {"", "example.org", "ftp://example.org/", "http://", "https://", "http:///path", "http://a b/",
                          "http://h/#f", "http://h:0/", "http://h:99999/", "http://a%0d%0ab/", "http://h/\r\nX: y"}) {
    EXPECT_EQ(set_url(webhook, url).code(), base::Code::BAD_CONFIGURATION) << url;
  }
}

TEST(Webhook, ASecretIsTheFirstLineOfAFile) {
  const std::string file = ::testing::TempDir() + "lazaret-webhook-secret";
  std::ofstream(file) << "0123456789abcdef\n";
  EXPECT_EQ(read_secret(file).value(), "0123456789abcdef");
  std::ofstream(file) << "short\n";
  const auto refused = read_secret(file);
  EXPECT_EQ(refused.code(), base::Code::BAD_CONFIGURATION);
  EXPECT_THAT(refused.status().text(), HasSubstr(file));
  EXPECT_THAT(refused.status().text(), Not(HasSubstr("short")));
  std::ofstream(file) << std::string(kSecretMost + 1, 'x');
  EXPECT_EQ(read_secret(file).code(), base::Code::BAD_CONFIGURATION);
  std::filesystem::remove(file);
  EXPECT_EQ(read_secret(file).code(), base::Code::BAD_CONFIGURATION);
}

}  // namespace
}  // namespace lazaret::alerts
