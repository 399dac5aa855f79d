// One try to post an alert, over http and https, at receivers that share its thread.
#include "alerts/webhook_post.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <optional>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "alerts/signature.h"
#include "integration/support/certificates.h"

namespace lazaret::alerts {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using namespace std::chrono_literals;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::int64_t kAt = 1'700'000'000;

class WebhookPostTest : public ::testing::Test {
 protected:
  ~WebhookPostTest() override { std::filesystem::remove(file_); }

  /// Of the receiver of this test, which shows what `ours_` issues.
  Webhook webhook(const std::string& scheme, const std::string& host = "127.0.0.1") {
    Webhook one;
    const std::string port = std::to_string(acceptor_.local_endpoint().port());
    EXPECT_TRUE(set_url(one, scheme + "://" + host + ":" + port + "/alerts?of=lazaret").ok());
    one.secret = "correct horse battery staple";
    if (one.is_secure) {
      std::ofstream(file_) << ours_.certificate();
      one.trust = Trust::of_file(file_).value();
    }
    return one;
  }
  /// What comes of a try while `receiver` answers.
  PostOutcome send(const Webhook& webhook, asio::awaitable<void> receiver) {
    return send(webhook, std::move(receiver), post_);
  }
  PostOutcome send(const Webhook& webhook, asio::awaitable<void> receiver, WebhookPost& post) {
    std::optional<PostOutcome> outcome;
    const auto failed = [](const std::exception_ptr& exception) { EXPECT_EQ(exception, nullptr); };
    asio::co_spawn(io_, std::move(receiver), failed);
    asio::co_spawn(io_, note(webhook, outcome, post), failed);
    io_.restart();
    io_.run_for(20s);
    EXPECT_TRUE(io_.stopped()) << "somebody waits for ever";
    return outcome.value_or(PostOutcome{});
  }
  static asio::awaitable<void> note(const Webhook& webhook, std::optional<PostOutcome>& outcome, WebhookPost& post) {
    // A name of its own: GCC 12 copies an aggregate without one, bit by bit, into the coroutine, and frees it twice.
    Letter letter{"an-id", "{\"kind\":\"surge\"}", 3, kAt};
    outcome = co_await post.send(webhook, std::move(letter), "1.2.3");
  }

  asio::awaitable<void> answer_http(unsigned status) {
    auto [refused, socket] = co_await acceptor_.async_accept(kAwait);
    if (!refused) co_await answer(socket, status);
  }
  ssl::context server() const {
    const lazaret::testing::Identity identity = ours_.issue({});
    ssl::context context(ssl::context::tls_server);
    context.use_certificate_chain(asio::buffer(identity.certificate));
    context.use_private_key(asio::buffer(identity.key), ssl::context::pem);
    return context;
  }
  asio::awaitable<void> answer_https(unsigned status) {
    auto [refused, socket] = co_await acceptor_.async_accept(kAwait);
    if (refused) co_return;
    ssl::context context = server();
    ssl::stream<tcp::socket&> stream(socket, context);
    const auto [unshaken] = co_await stream.async_handshake(ssl::stream_base::server, kAwait);
    if (!unshaken) co_await answer(stream, status);
  }
  template <class Stream>
  asio::awaitable<void> answer(Stream& stream, unsigned status) {
    boost::beast::flat_buffer buffer;
    got_ = {};
    const auto [unread, size] = co_await http::async_read(stream, buffer, got_, kAwait);
    if (unread) co_return;
    http::response<http::empty_body> response(http::int_to_status(status), 11);
    response.prepare_payload();
    co_await http::async_write(stream, response, kAwait);
  }
  /// Takes connections, calls `then`, and says nothing until the other side goes.
  asio::awaitable<void> say_nothing(std::function<void()> then) {
    auto [refused, socket] = co_await acceptor_.async_accept(kAwait);
    char bytes[1024];
    bool is_first = true;
    for (boost::system::error_code error = refused; !error;) {
      const auto [unread, size] = co_await socket.async_read_some(asio::buffer(bytes), kAwait);
      error = unread;
      if (!error && std::exchange(is_first, false)) then();
    }
  }
  /// Never comes to the point: HelloRequest after HelloRequest, which a client has to pass over. Until the other side
  /// goes.
  asio::awaitable<void> greet_for_ever() {
    auto [refused, socket] = co_await acceptor_.async_accept(kAwait);
    if (refused) co_return;
    char bytes[4096];
    co_await socket.async_read_some(asio::buffer(bytes), kAwait);
    std::string greetings;
    for (int i = 0; i < 2000; ++i) greetings += std::string("\x16\x03\x03\x00\x04\x00\x00\x00\x00", 9);
    for (boost::system::error_code error; !error;) {
      const auto [unsent, size] = co_await asio::async_write(socket, asio::buffer(greetings), kAwait);
      error = unsent;
    }
  }
  /// Believed, and then sends tickets of its session without end, and no answer. Until the other side goes.
  asio::awaitable<void> hand_out_tickets() {
    auto [refused, socket] = co_await acceptor_.async_accept(kAwait);
    if (refused) co_return;
    ssl::context context = server();
    ssl::stream<tcp::socket&> stream(socket, context);
    const auto [unshaken] = co_await stream.async_handshake(ssl::stream_base::server, kAwait);
    for (boost::system::error_code error = unshaken; !error; ++rounds_of_tickets_) {
      for (int i = 0; i < 20; ++i) EXPECT_EQ(SSL_new_session_ticket(stream.native_handle()), 1);
      const auto [unsent] = co_await stream.async_handshake(ssl::stream_base::server, kAwait);
      error = unsent;
    }
  }
  /// Goes as soon as it has been greeted.
  asio::awaitable<void> close_at_once() {
    auto [refused, socket] = co_await acceptor_.async_accept(kAwait);
    char bytes[4096];
    if (!refused) co_await socket.async_read_some(asio::buffer(bytes), kAwait);
  }

  asio::io_context io_{1};
  tcp::acceptor acceptor_{io_, {asio::ip::make_address("127.0.0.1"), 0}};
  const std::string file_ =
      ::testing::TempDir() + "lazaret-" + ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".pem";
  const lazaret::testing::Authority ours_{"An authority of ours"};
  WebhookPost post_{io_};
  http::request<http::string_body> got_;
  std::size_t rounds_of_tickets_ = 0;
};

TEST_F(WebhookPostTest, OverHttpAndHttpsTheSameIsSentAndHeard) {
  for (const bool is_secure : {false, true}) {
    const std::string scheme = is_secure ? "https" : "http";
    const Webhook to = webhook(scheme);
    const PostOutcome taken = send(to, is_secure ? answer_https(204) : answer_http(204));
    EXPECT_TRUE(taken.taken) << scheme << ": " << taken.answer;
    EXPECT_TRUE(taken.answered);
    EXPECT_EQ(taken.answer, "204");
    EXPECT_EQ(got_.method(), http::verb::post);
    EXPECT_EQ(got_.target(), "/alerts?of=lazaret");
    EXPECT_EQ(got_[http::field::host], to.authority());
    EXPECT_EQ(got_[http::field::user_agent], "lazaretd/1.2.3");
    EXPECT_EQ(got_["X-Lazaret-Alert"], "an-id");
    EXPECT_EQ(got_["X-Lazaret-Attempt"], "3");
    EXPECT_EQ(got_["X-Lazaret-Signature"], signature(to.secret, kAt, got_.body()));
    EXPECT_EQ(got_.body(), "{\"kind\":\"surge\"}");
    const PostOutcome refused = send(to, is_secure ? answer_https(302) : answer_http(302));
    EXPECT_FALSE(refused.taken);
    EXPECT_TRUE(refused.answered);
    EXPECT_EQ(refused.answer, "302");
  }
}

TEST_F(WebhookPostTest, OneThatClosesInTheHandshakeHasNotAnswered) {
  const PostOutcome outcome = send(webhook("https"), close_at_once());
  EXPECT_FALSE(outcome.taken);
  EXPECT_FALSE(outcome.answered);
  EXPECT_EQ(outcome.answer, "it closed the connection in the TLS handshake");
}

/// A certificate that somebody else vouches for: not a byte of the alert is sent.
TEST_F(WebhookPostTest, NothingIsSentToWhoeverIsNotBelieved) {
  Webhook elsewhere = webhook("https");
  std::ofstream(file_) << lazaret::testing::Authority("Somebody else").certificate();
  elsewhere.trust = Trust::of_file(file_).value();
  const PostOutcome outcome = send(elsewhere, answer_https(204));
  EXPECT_FALSE(outcome.answered);
  EXPECT_EQ(outcome.answer, "its issuer is unknown: it is nobody whose certificate is in " + file_);
  EXPECT_EQ(got_.body(), "");
}

TEST_F(WebhookPostTest, AStopEndsAHandshakeThatStalls) {
  const auto begin = std::chrono::steady_clock::now();
  const PostOutcome outcome = send(webhook("https"), say_nothing([this] { post_.cancel(); }));
  EXPECT_FALSE(outcome.answered);
  EXPECT_NE(outcome.answer, "it took too long over the TLS handshake");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, WebhookPost::kConnectTime);
}

/// Of the five seconds the name takes four, and what is left ends the handshake, not five more.
TEST_F(WebhookPostTest, AHandshakeThatStallsIsPartOfTheTimeToConnect) {
  static constexpr auto kLookupTime = 4s;
  std::promise<void> never;
  WebhookPost post(io_, [here = never.get_future().share()](const std::string& host) {
    EXPECT_EQ(host, "alerts.example.org");
    EXPECT_EQ(here.wait_for(kLookupTime), std::future_status::timeout);
    return HostLookup::Found{"", {asio::ip::make_address("127.0.0.1")}};
  });
  const auto begin = std::chrono::steady_clock::now();
  const PostOutcome outcome = send(webhook("https", "alerts.example.org"), say_nothing([] {}), post);
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_FALSE(outcome.answered);
  EXPECT_EQ(outcome.answer, "it took too long over the TLS handshake");
  EXPECT_GE(took, WebhookPost::kConnectTime);
  EXPECT_LT(took, WebhookPost::kConnectTime + kLookupTime - 1s);
}

/// While there are always bytes to read, a deadline that belongs to the reads would never come.
TEST_F(WebhookPostTest, AHandshakeThatGoesOnAndOnEnds) {
  const PostOutcome outcome = send(webhook("https"), greet_for_ever());
  EXPECT_FALSE(outcome.answered);
  EXPECT_EQ(outcome.answer, "it took too long over the TLS handshake");
}

TEST_F(WebhookPostTest, OneThatSaysMuchAndNeverAnswersEnds) {
  const PostOutcome outcome = send(webhook("https"), hand_out_tickets());
  EXPECT_FALSE(outcome.answered);
  EXPECT_EQ(outcome.answer, "it took too long");
  EXPECT_GT(rounds_of_tickets_, 2u);
}

}  // namespace
}  // namespace lazaret::alerts
