// Trust: whose certificates a webhook over https believes, as its connections need it, which are of TLS 1.2 at least.
// Each webhook has its own, made once, before the broker starts, and then nothing is read any more: what becomes of the
// files, the system's too, is seen at the next start.
//
// Threading: made on any thread, then used on that of the alerts only.
// Invariants: a connection of it ends in the handshake when whoever answers shows a certificate that does not rest on
// somebody trusted. There is no way to make one that is not so. For whom a certificate is, and that there is one at
// all, SecureStream asks.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/status.h"

namespace boost::asio::ssl {
class context;
}

namespace lazaret::alerts {

class Trust {
 public:
  /// Whom the system trusts: who is in the file that its OpenSSL looks into (SSL_CERT_FILE; on Debian that is
  /// /etc/ssl/certs/ca-certificates.crt), and in its directories (SSL_CERT_DIR), if they are given or there is no such
  /// file. Where that is nobody, every handshake fails.
  static base::Result<std::shared_ptr<const Trust>> of_system();
  /// Those whose certificates are in a file in PEM, and nobody else: authorities at the end of a chain or within it, or
  /// the receiver itself. Other things in the file, such as keys, are passed over. BAD_CONFIGURATION naming the file:
  /// it cannot be read, is too large, has no certificate, or one that is damaged or does not begin as PEM has it.
  static base::Result<std::shared_ptr<const Trust>> of_file(const std::string& file);
  ~Trust();

  static constexpr std::size_t kFileBytesMost = 4u << 20;

  boost::asio::ssl::context& context() const { return *context_; }
  /// "whom the system trusts", or "whose certificate is in FILE". UTF-8, whatever the file is called.
  const std::string& whose() const { return whose_; }

 private:
  Trust(std::unique_ptr<boost::asio::ssl::context> context, std::string whose);
  static base::Result<std::shared_ptr<Trust>> in_nobody(std::string whose);

  const std::unique_ptr<boost::asio::ssl::context> context_;
  const std::string whose_;
};

}  // namespace lazaret::alerts
