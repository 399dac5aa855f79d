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
}

TEST(Webhook, RefusesWhatItCannotReachOrKeepSecret) {
  Webhook webhook;
  EXPECT_THAT(set_url(webhook, "https://example.org/").text(), HasSubstr("does not speak https"));
  EXPECT_THAT(set_url(webhook, "http://ann:pass@example.org/").text(), HasSubstr("secret_file"));
  for (const char* url : {"", "example.org", "ftp://example.org/", "http://", "http:///path", "http://a b/",
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
