// Who is believed over https and who is not, and what is said of it. Both sides share one thread.
#include "alerts/secure_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "integration/support/certificates.h"

namespace lazaret::alerts {
namespace {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using lazaret::testing::Authority;
using lazaret::testing::Claims;
using lazaret::testing::Identity;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

std::shared_ptr<ssl::context> server_of(const Identity& identity) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  context->use_certificate_chain(asio::buffer(identity.certificate));
  context->use_private_key(asio::buffer(identity.key), ssl::context::pem);
  return context;
}

class SecureStreamTest : public ::testing::Test {
 protected:
  ~SecureStreamTest() override { std::filesystem::remove(file_); }

  std::shared_ptr<const Trust> trust_in(const std::string& certificates) {
    std::ofstream(file_) << certificates;
    return Trust::of_file(file_).value();
  }
  /// What `shake_hands` says of a server for `host`; then `after_` is why nothing could be read, and `asked_for_` the
  /// name that the server was asked for.
  std::string shake(const std::string& host, std::shared_ptr<ssl::context> server,
                    std::shared_ptr<const Trust> trust = nullptr) {
    said_ = "-";
    if (trust == nullptr) trust = trust_in(ours_.certificate());
    const auto failed = [](const std::exception_ptr& exception) { EXPECT_EQ(exception, nullptr); };
    asio::co_spawn(io_, answer(std::move(server)), failed);
    asio::co_spawn(io_, ask(host, std::move(trust)), failed);
    io_.restart();
    io_.run_for(20s);
    EXPECT_TRUE(io_.stopped()) << "somebody waits for ever";
    return said_;
  }
  /// The same of a server with such a certificate, which `ours_` vouches for.
  std::string shake(const std::string& host, const Claims& claims) {
    return shake(host, server_of(ours_.issue(claims)));
  }

  asio::awaitable<void> answer(std::shared_ptr<ssl::context> server) {
    auto [refused, socket] = co_await acceptor_.async_accept(kAwait);
    if (refused) co_return;
    ssl::stream<tcp::socket> stream(std::move(socket), *server);
    const auto [unshaken] = co_await stream.async_handshake(ssl::stream_base::server, kAwait);
    if (unshaken) co_return;
    const char* name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
    asked_for_ = name == nullptr ? "" : name;
    const std::string word = "x";
    co_await asio::async_write(stream, asio::buffer(word), kAwait);
    // Until the other side goes.
    char byte = 0;
    co_await stream.async_read_some(asio::buffer(&byte, 1), kAwait);
  }
  asio::awaitable<void> ask(std::string host, std::shared_ptr<const Trust> trust) {
    boost::beast::tcp_stream below(io_);
    below.expires_after(10s);
    const auto [unconnected] = co_await below.async_connect(acceptor_.local_endpoint(), kAwait);
    EXPECT_FALSE(unconnected) << unconnected.message();
    SecureStream stream(below, trust->context());
    said_ = co_await shake_hands(stream, *trust, std::move(host));
    if (!said_.empty()) co_return;
    char byte = 0;
    const auto [unread, size] = co_await stream.async_read_some(asio::buffer(&byte, 1), kAwait);
    after_ = unread ? words_of(unread) : "";
  }

  asio::io_context io_{1};
  tcp::acceptor acceptor_{io_, {asio::ip::make_address("127.0.0.1"), 0}};
  const std::string file_ =
      ::testing::TempDir() + "lazaret-" + ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".pem";
  const Authority ours_{"An authority of ours"};
  const Authority others_{"Somebody else"};
  std::string said_;
  std::string after_;
  std::string asked_for_;
};

TEST_F(SecureStreamTest, AServerIsAskedForByItsNameAndBelieved) {
  EXPECT_EQ(shake("alerts.example.org", Claims{.hosts = "DNS:alerts.example.org"}), "");
  EXPECT_EQ(asked_for_, "alerts.example.org");
  EXPECT_EQ(after_, "");
  EXPECT_EQ(shake("ALERTS.example.org", Claims{.hosts = "DNS:alerts.example.org"}), "");
  EXPECT_EQ(shake("alerts.example.org.", Claims{.hosts = "DNS:alerts.example.org"}), "");
  EXPECT_EQ(asked_for_, "alerts.example.org") << "the dot is no part of it";
  EXPECT_EQ(shake("alerts.example.org", Claims{.hosts = "DNS:*.example.org"}), "");
}

TEST_F(SecureStreamTest, AnAddressIsNoName) {
  EXPECT_EQ(shake("127.0.0.1", Claims{.hosts = "IP:127.0.0.1"}), "");
  EXPECT_EQ(asked_for_, "");
  EXPECT_EQ(shake("::1", Claims{.hosts = "IP:::1"}), "");
  EXPECT_EQ(shake("127.0.0.1", Claims{.hosts = "DNS:127.0.0.1"}), "its certificate is not for 127.0.0.1");
}

TEST_F(SecureStreamTest, ACertificateForSomebodyElseIsNone) {
  const std::string wrong = "its certificate is not for alerts.example.org";
  EXPECT_EQ(shake("alerts.example.org", Claims{.hosts = "DNS:example.org"}), wrong);
  EXPECT_EQ(shake("alerts.example.org", Claims{.hosts = "DNS:*.alerts.example.org"}), wrong);
  EXPECT_EQ(shake("alerts.example.org", Claims{.hosts = "DNS:al*.example.org"}), wrong);
  EXPECT_EQ(shake("alerts.example.org", Claims{.hosts = "IP:127.0.0.1"}), wrong);
  EXPECT_EQ(shake("127.0.0.1", Claims{.hosts = "IP:127.0.0.2"}), "its certificate is not for 127.0.0.1");
}

/// Who may call himself what decides whoever vouches for the names of hosts, and only for those.
TEST_F(SecureStreamTest, AnOwnersNameIsNoHost) {
  EXPECT_EQ(shake("alerts.example.org", Claims{.hosts = "", .owner = "alerts.example.org"}),
            "its certificate is not for alerts.example.org");
  EXPECT_EQ(shake("alerts.example.org", Claims{.hosts = "IP:127.0.0.1", .owner = "alerts.example.org"}),
            "its certificate is not for alerts.example.org");
}

/// OpenSSL takes no name for any name, and one that begins with a dot for all below it.
TEST_F(SecureStreamTest, AHostWithoutANameIsNobody) {
  for (const char* host : {"", ".", "..", ".example.org", ".example.org.", "fe80::1%lo"}) {
    EXPECT_THAT(shake(host, Claims{.hosts = "DNS:alerts.example.org,DNS:localhost"}),
                StartsWith("there is no certificate for a host such as "))
        << host;
  }
}

TEST_F(SecureStreamTest, OneWhomNobodyVouchesForIsNotBelieved) {
  const std::string unknown = "its issuer is unknown: it is nobody whose certificate is in " + file_;
  EXPECT_EQ(shake("localhost", server_of(others_.issue({}))), unknown);
  EXPECT_EQ(shake("localhost", server_of(lazaret::testing::self_signed({}))), unknown);
  EXPECT_EQ(shake("localhost", server_of(others_.issue({})), trust_in(others_.certificate() + ours_.certificate())),
            "");
}

/// As a system may have it that allows everything (openssl.cnf): no certificate is asked for, and so none is refused.
TEST_F(SecureStreamTest, OneWithoutACertificateIsNotBelieved) {
  auto server = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX_set_max_proto_version(server->native_handle(), TLS1_2_VERSION);
  ASSERT_EQ(SSL_CTX_set_cipher_list(server->native_handle(), "aNULL:@SECLEVEL=0"), 1);
  const auto trust = trust_in(ours_.certificate());
  ASSERT_EQ(SSL_CTX_set_cipher_list(trust->context().native_handle(), "ALL:@SECLEVEL=0"), 1);
  EXPECT_EQ(shake("localhost", server, trust), "it shows no certificate");
}

/// A variable of the environment, as long as this lives.
class Environment {
 public:
  Environment(std::string name, const std::string& value) : name_(std::move(name)) {
    if (const char* before = std::getenv(name_.c_str())) before_ = before;
    ::setenv(name_.c_str(), value.c_str(), 1);
  }
  ~Environment() {
    if (before_) ::setenv(name_.c_str(), before_->c_str(), 1);
    if (!before_) ::unsetenv(name_.c_str());
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const std::string name_;
  std::optional<std::string> before_;
};

/// Not those of the moment: a handshake reads no disk.
TEST_F(SecureStreamTest, WhomTheSystemTrustsIsReadOnceFromItsFileOrItsDirectories) {
  const std::filesystem::path here = file_ + ".d";
  std::filesystem::create_directory(here);
  const std::filesystem::path one = here / ours_.hash_name();
  const std::filesystem::path another = here / others_.hash_name();
  std::ofstream(one) << ours_.certificate();
  std::ofstream(here / "not-a-hash.pem") << others_.certificate();
  const Environment directories("SSL_CERT_DIR", "/nonexistent:" + here.string());
  std::shared_ptr<const Trust> of_directory;
  {
    const Environment no_file("SSL_CERT_FILE", here / "none.pem");
    of_directory = Trust::of_system().value();
  }
  std::filesystem::remove(one);
  std::ofstream(another) << others_.certificate();
  const std::string unknown = "its issuer is unknown: it is nobody whom the system trusts";
  EXPECT_EQ(shake("localhost", server_of(ours_.issue({})), of_directory), "") << "it was there at the start";
  EXPECT_EQ(shake("localhost", server_of(others_.issue({})), of_directory), unknown) << "it came later";

  std::ofstream(file_) << ours_.certificate();
  const Environment with_file("SSL_CERT_FILE", file_);
  const auto of_both = Trust::of_system().value();
  std::filesystem::remove_all(here);
  std::filesystem::remove(file_);
  EXPECT_EQ(shake("localhost", server_of(ours_.issue({})), of_both), "");
  EXPECT_EQ(shake("localhost", server_of(others_.issue({})), of_both), "") << "directories that are given are read too";
  EXPECT_EQ(shake("localhost", server_of(lazaret::testing::self_signed({})), of_both), unknown);
}

/// What an operator has is perhaps not the authority, but the receiver's certificate.
TEST_F(SecureStreamTest, AReceiverThatIsInTheFileItselfIsBelieved) {
  const Identity issued = others_.issue({});
  EXPECT_EQ(shake("localhost", server_of(issued), trust_in(issued.certificate)), "");
  const Identity alone = lazaret::testing::self_signed({});
  EXPECT_EQ(shake("localhost", server_of(alone), trust_in(alone.certificate)), "");
  EXPECT_EQ(shake("127.0.0.9", server_of(alone), trust_in(alone.certificate)), "its certificate is not for 127.0.0.9");
  const Identity old = lazaret::testing::self_signed({.valid_from = -2h, .valid_until = -1h});
  EXPECT_THAT(shake("localhost", server_of(old), trust_in(old.certificate)), HasSubstr("has expired"));
}

TEST_F(SecureStreamTest, ACertificateHasItsTime) {
  EXPECT_EQ(shake("localhost", Claims{.valid_from = -2h, .valid_until = -1h}),
            "its certificate, or one that it rests on, has expired");
  EXPECT_THAT(shake("localhost", Claims{.valid_from = 1h, .valid_until = 2h}), HasSubstr("is not valid yet"));
}

TEST_F(SecureStreamTest, OldVersionsOfTlsAreNotSpoken) {
  const auto with = [&](int version) {
    auto server = server_of(ours_.issue({}));
    SSL_CTX_set_max_proto_version(server->native_handle(), version);
    SSL_CTX_set_cipher_list(server->native_handle(), "DEFAULT@SECLEVEL=0");
    return shake("localhost", std::move(server));
  };
  EXPECT_EQ(with(TLS1_3_VERSION), "");
  EXPECT_EQ(with(TLS1_2_VERSION), "");
  EXPECT_EQ(with(TLS1_1_VERSION), "it speaks no version of TLS that is new enough");
}

TEST_F(SecureStreamTest, OneThatWantsToKnowWhoCallsSaysSo) {
  auto server = server_of(ours_.issue({}));
  server->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  EXPECT_EQ(shake("localhost", server), "") << "with TLS 1.3 it says so afterwards";
  EXPECT_EQ(after_, "it wants a certificate of whoever calls, and this broker has none");
}

/// One alert for two causes, which docs/alerts.md names both.
TEST_F(SecureStreamTest, WithAnOlderTlsItIsOnlyKnownThatItRefuses) {
  const auto refused = [&](std::shared_ptr<ssl::context> server) {
    SSL_CTX_set_max_proto_version(server->native_handle(), TLS1_2_VERSION);
    return shake("localhost", std::move(server));
  };
  const auto is_refusal = ::testing::AllOf(StartsWith("the TLS handshake failed: "), HasSubstr("handshake failure"));
  auto curious = server_of(ours_.issue({}));
  curious->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  EXPECT_THAT(refused(curious), is_refusal);
  // Its key is of an elliptic curve, and these ciphers need one of RSA.
  auto with_none_in_common = server_of(ours_.issue({}));
  ASSERT_EQ(SSL_CTX_set_cipher_list(with_none_in_common->native_handle(), "aRSA"), 1);
  EXPECT_THAT(refused(with_none_in_common), is_refusal);
}

}  // namespace
}  // namespace lazaret::alerts
