#include "alerts/trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>

#include <boost/asio/ssl/context.hpp>

#include "base/text_encoding.h"

namespace lazaret::alerts {
namespace {

using base::Code;
using base::Result;
using base::Status;

struct Free {
  void operator()(BIO* one) const { BIO_free(one); }
  void operator()(X509* one) const { X509_free(one); }
};

Result<std::string> read_whole(const std::string& file) {
  const auto unreadable = [&] { return Status(Code::BAD_CONFIGURATION, "cannot read the certificates in " + file); };
  std::ifstream in(file, std::ios::binary);
  if (!in) return unreadable();
  std::string text(Trust::kFileBytesMost + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return unreadable();
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > Trust::kFileBytesMost) {
    return Status(Code::BAD_CONFIGURATION, "the certificates in " + file + " must have at most " +
                                               std::to_string(Trust::kFileBytesMost) + " bytes");
  }
  return text;
}

/// Certificates that were meant to be in a text: what looks like the line before one, wherever it stands.
std::size_t begun_in(std::string_view text) {
  std::size_t begun = 0;
  for (const std::string_view begin : {"BEGIN CERTIFICATE", "BEGIN TRUSTED CERTIFICATE", "BEGIN X509 CERTIFICATE"}) {
    for (std::size_t at = text.find(begin); at != text.npos; at = text.find(begin, at + 1)) {
      const std::string_view after = text.substr(at + begin.size());
      const bool has_dashes = (at > 0 && text[at - 1] == '-') || after.starts_with('-');
      if (has_dashes && !after.starts_with(" REQUEST")) ++begun;
    }
  }
  return begun;
}

/// A path that OpenSSL was built with, or that of the environment instead.
struct Place {
  std::string path;
  bool is_given = false;
};
Place place_of(const char* variable, const char* otherwise) {
  const char* const given = secure_getenv(variable);
  return given == nullptr ? Place{otherwise, false} : Place{given, true};
}

/// Files of a directory with one certificate each, named by the hash of its owner ("9d66eef0.0").
bool is_hash(const std::string& name) {
  constexpr std::size_t kDigits = 8;
  constexpr std::string_view kHex = "0123456789abcdef";
  constexpr std::string_view kDecimal = "0123456789";
  return name.find_first_not_of(kHex) == kDigits && name[kDigits] == '.' && name.size() > kDigits + 1 &&
         name.find_first_not_of(kDecimal, kDigits + 1) == name.npos;
}

/// Files that cannot be used are passed over, as OpenSSL itself does: a system has all of one kind or of another.
bool add_file(X509_STORE* store, const std::string& file) {
  const bool added = X509_STORE_load_file(store, file.c_str()) == 1;
  ERR_clear_error();
  return added;
}

void add_directory(X509_STORE* store, const std::string& directory) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    if (is_hash(at->path().filename().string())) add_file(store, at->path().string());
  }
}

/// Where OpenSSL would look. It would search directories in handshakes, on the thread of the alerts; so they are read
/// now, and those that nobody asked for only where there is no file.
void add_whom_the_system_trusts(X509_STORE* store) {
  const Place file = place_of(X509_get_default_cert_file_env(), X509_get_default_cert_file());
  const Place directories = place_of(X509_get_default_cert_dir_env(), X509_get_default_cert_dir());
  if (add_file(store, file.path) && !directories.is_given) return;
  std::istringstream rest(directories.path);
  for (std::string directory; std::getline(rest, directory, ':');) add_directory(store, directory);
}

/// Without it OpenSSL would ask at the terminal for the password of a text that is encrypted.
int no_password(char*, int, int, void*) { return -1; }

Status add_certificates(X509_STORE* store, const std::string& file) {
  const Result<std::string> text = read_whole(file);
  if (!text.ok()) return text.status();
  const std::unique_ptr<BIO, Free> in(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  LZ_ASSERT(in != nullptr);
  ERR_clear_error();
  std::size_t found = 0;
  while (const std::unique_ptr<X509, Free> one{PEM_read_bio_X509(in.get(), nullptr, no_password, nullptr)}) {
    ++found;
    if (X509_STORE_add_cert(store, one.get()) == 1) continue;
    ERR_clear_error();
    return Status(Code::BAD_CONFIGURATION, "cannot use certificate " + std::to_string(found) + " in " + file);
  }
  const unsigned long why = ERR_peek_last_error();
  ERR_clear_error();
  if (ERR_GET_LIB(why) != ERR_LIB_PEM || ERR_GET_REASON(why) != PEM_R_NO_START_LINE) {
    return Status(Code::BAD_CONFIGURATION, "certificate " + std::to_string(found + 1) + " in " + file + " is damaged");
  }
  // OpenSSL passes over what is no line of PEM, and who was meant to be trusted would not be.
  if (begun_in(*text) > found) {
    return Status(Code::BAD_CONFIGURATION, "a certificate in " + file +
                                               " is left out: it must begin with a line that is just "
                                               "\"-----BEGIN CERTIFICATE-----\"");
  }
  if (found == 0) return Status(Code::BAD_CONFIGURATION, "there is no certificate in PEM in " + file);
  return {};
}

}  // namespace

Trust::Trust(std::unique_ptr<boost::asio::ssl::context> context, std::string whose)
    : context_(std::move(context)), whose_(std::move(whose)) {}

Trust::~Trust() = default;

Result<std::shared_ptr<Trust>> Trust::in_nobody(std::string whose) {
  SSL_CTX* const made = SSL_CTX_new(TLS_client_method());
  if (made == nullptr) {
    const char* why = ERR_reason_error_string(ERR_peek_last_error());
    return Status(Code::BAD_CONFIGURATION, std::string("OpenSSL cannot be used as this system has it set up: ") +
                                               (why == nullptr ? "it does not say why" : why));
  }
  auto context = std::make_unique<boost::asio::ssl::context>(made);
  // A system may want a newer version; then that holds.
  if (SSL_CTX_get_min_proto_version(made) < TLS1_2_VERSION) SSL_CTX_set_min_proto_version(made, TLS1_2_VERSION);
  SSL_CTX_set_verify(made, SSL_VERIFY_PEER, nullptr);
  return std::shared_ptr<Trust>(new Trust(std::move(context), std::move(whose)));
}

Result<std::shared_ptr<const Trust>> Trust::of_system() {
  auto trust = in_nobody("whom the system trusts");
  if (!trust.ok()) return trust.status();
  add_whom_the_system_trusts(SSL_CTX_get_cert_store((*trust)->context().native_handle()));
  return std::shared_ptr<const Trust>(std::move(*trust));
}

Result<std::shared_ptr<const Trust>> Trust::of_file(const std::string& file) {
  // What is said of a try is kept with its alert, where only text may be; a file may be named anything.
  auto trust = in_nobody("whose certificate is in " + base::to_utf8(file));
  if (!trust.ok()) return trust.status();
  SSL_CTX* const context = (*trust)->context().native_handle();
  if (Status status = add_certificates(SSL_CTX_get_cert_store(context), file); !status.ok()) return status;
  // Else one that is not signed by itself would be believed only if the file had all above it as well.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  return std::shared_ptr<const Trust>(std::move(*trust));
}

}  // namespace lazaret::alerts
