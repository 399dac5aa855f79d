// Certificates of a test's own, made when it runs: an authority, and whom it vouches for. All in PEM.
//
// Threading: values.
#pragma once

#include <chrono>
#include <memory>
#include <string>

namespace lazaret::testing {

/// What a server shows, and the key that proves that it is its own.
struct Identity {
  std::string certificate;
  std::string key;
};

/// What a certificate says of its owner. Times are from now.
struct Claims {
  std::string hosts = "DNS:localhost,IP:127.0.0.1";  // "": it has no names of hosts
  std::string owner = "a receiver of alerts";
  std::chrono::seconds valid_from = std::chrono::hours(-1);
  std::chrono::seconds valid_until = std::chrono::hours(1);
};

class Authority {
 public:
  explicit Authority(const std::string& name);
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  /// Its own certificate.
  std::string certificate() const;
  /// What a file with it is called in a directory where OpenSSL finds it.
  std::string hash_name() const;
  Identity issue(const Claims& claims) const;

 private:
  struct Keys;
  const std::unique_ptr<Keys> keys_;
};

/// One that nobody but its owner vouches for.
Identity self_signed(const Claims& claims);

}  // namespace lazaret::testing
