#include "alerts/secure_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace lazaret::alerts {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

/// For whom the certificate must be; a name is also told to the other side, which may have many (SNI). False: there can
/// be no certificate for that.
bool expect(SSL* connection, const std::string& host) {
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(connection);
  error_code not_literal;
  (void)asio::ip::make_address(host, not_literal);
  if (!not_literal) return X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1;
  // A dot at the end keeps the system from searching other domains, and is no part of the name in a certificate.
  const std::string name = host.substr(0, host.size() - (host.ends_with('.') ? 1 : 0));
  // OpenSSL takes none for any, and one that begins with a dot for each below it.
  if (name.empty() || name.starts_with('.')) return false;
  // Without names of hosts in it OpenSSL would take the owner's own name for one, which nobody vouches for as such.
  X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return X509_VERIFY_PARAM_set1_host(wanted, name.c_str(), name.size()) == 1 &&
         SSL_set_tlsext_host_name(connection, name.c_str()) == 1;
}

std::string words_of_verdict(long verdict, const Trust& trust, const std::string& host) {
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED: return "its certificate, or one that it rests on, has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "its certificate, or one that it rests on, is not valid yet: does the clock of this machine go right?";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return "its certificate is not for " + host;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return "its issuer is unknown: it is nobody " + trust.whose();
    default: return std::string("its certificate cannot be trusted: ") + X509_verify_cert_error_string(verdict);
  }
}

/// What OpenSSL says, 0 if it was somebody else.
int reason_of(error_code error) {
  if (error.category() != asio::error::get_ssl_category()) return 0;
  return ERR_GET_REASON(static_cast<unsigned long>(static_cast<unsigned>(error.value())));
}

std::string words_of_handshake(error_code error) {
  if (error == asio::ssl::error::stream_truncated || error == asio::error::connection_reset) {
    return "it closed the connection in the TLS handshake";
  }
  switch (reason_of(error)) {
    case SSL_R_WRONG_VERSION_NUMBER: return "it does not speak TLS: is its address one with http://?";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION: return "it speaks no version of TLS that is new enough";
    default: return "the TLS handshake failed: " + words_of(error);
  }
}

}  // namespace

std::string words_of(error_code error) {
  if (error == asio::ssl::error::stream_truncated) return "it closed the connection";
  // Of TLS 1.3, where it comes when the handshake is over for us.
  if (reason_of(error) == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED) {
    return "it wants a certificate of whoever calls, and this broker has none";
  }
  return error.message();
}

asio::awaitable<std::string> shake_hands(SecureStream& stream, const Trust& trust, std::string host) {
  if (!expect(stream.native_handle(), host)) co_return "there is no certificate for a host such as " + host;
  const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::client, kAwait);
  const long verdict = SSL_get_verify_result(stream.native_handle());
  if (verdict != X509_V_OK) co_return words_of_verdict(verdict, trust, host);
  if (error) co_return words_of_handshake(error);
  // A system may allow ciphers without certificates, for which OpenSSL verifies nothing, and calls that good.
  if (SSL_get0_peer_certificate(stream.native_handle()) == nullptr) co_return "it shows no certificate";
  co_return std::string();
}

}  // namespace lazaret::alerts
