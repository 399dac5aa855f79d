#include "integration/support/certificates.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <stdexcept>

namespace lazaret::testing {
namespace {

struct Free {
  void operator()(BIO* one) const { BIO_free(one); }
  void operator()(EVP_PKEY* one) const { EVP_PKEY_free(one); }
  void operator()(X509* one) const { X509_free(one); }
  void operator()(X509_EXTENSION* one) const { X509_EXTENSION_free(one); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Certificate = std::unique_ptr<X509, Free>;

void check(bool done) {
  if (!done) throw std::runtime_error("OpenSSL cannot make a certificate");
}

Key new_key() {
  Key key(EVP_EC_gen("P-256"));
  check(key != nullptr);
  return key;
}

template <class Write>
std::string text_of(Write write) {
  const std::unique_ptr<BIO, Free> out(BIO_new(BIO_s_mem()));
  check(out != nullptr && write(out.get()) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string text_of(X509* certificate) {
  return text_of([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

std::string text_of(EVP_PKEY* key) {
  return text_of([&](BIO* out) { return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr); });
}

void add(X509* certificate, X509* issuer, int what, const std::string& value) {
  X509V3_CTX about;
  X509V3_set_ctx_nodb(&about);
  X509V3_set_ctx(&about, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Free> one(X509V3_EXT_conf_nid(nullptr, &about, what, value.c_str()));
  check(one != nullptr && X509_add_ext(certificate, one.get(), -1) == 1);
}

/// Of the owner of `key`, not signed yet, and with no issuer.
Certificate unsigned_certificate(EVP_PKEY* key, const std::string& name, const Claims& claims) {
  Certificate one(X509_new());
  check(one != nullptr && X509_set_version(one.get(), X509_VERSION_3) == 1);
  std::uint64_t serial = 0;
  check(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
  check(ASN1_INTEGER_set_uint64(X509_get_serialNumber(one.get()), serial) == 1);
  std::time_t now = std::time(nullptr);
  check(X509_time_adj_ex(X509_getm_notBefore(one.get()), 0, claims.valid_from.count(), &now) != nullptr);
  check(X509_time_adj_ex(X509_getm_notAfter(one.get()), 0, claims.valid_until.count(), &now) != nullptr);
  check(X509_set_pubkey(one.get(), key) == 1);
  const auto* words = reinterpret_cast<const unsigned char*>(name.c_str());
  check(X509_NAME_add_entry_by_txt(X509_get_subject_name(one.get()), "CN", MBSTRING_UTF8, words, -1, -1, 0) == 1);
  return one;
}

void sign(X509* certificate, X509* issuer, EVP_PKEY* key) {
  check(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1);
  check(X509_sign(certificate, key, EVP_sha256()) > 0);
}

}  // namespace

struct Authority::Keys {
  Key key = new_key();
  Certificate certificate;
};

Authority::Authority(const std::string& name) : keys_(std::make_unique<Keys>()) {
  X509* const own = (keys_->certificate = unsigned_certificate(keys_->key.get(), name, {})).get();
  add(own, own, NID_basic_constraints, "critical,CA:TRUE");
  add(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
  sign(own, own, keys_->key.get());
}

Authority::~Authority() = default;

std::string Authority::certificate() const { return text_of(keys_->certificate.get()); }

std::string Authority::hash_name() const {
  char name[16];
  std::snprintf(name, sizeof name, "%08lx.0", X509_subject_name_hash(keys_->certificate.get()));
  return name;
}

Identity Authority::issue(const Claims& claims) const {
  const Key key = new_key();
  const Certificate one = unsigned_certificate(key.get(), claims.owner, claims);
  add(one.get(), keys_->certificate.get(), NID_basic_constraints, "critical,CA:FALSE");
  if (!claims.hosts.empty()) add(one.get(), keys_->certificate.get(), NID_subject_alt_name, claims.hosts);
  sign(one.get(), keys_->certificate.get(), keys_->key.get());
  return {text_of(one.get()), text_of(key.get())};
}

Identity self_signed(const Claims& claims) {
  const Key key = new_key();
  const Certificate one = unsigned_certificate(key.get(), claims.owner, claims);
  if (!claims.hosts.empty()) add(one.get(), one.get(), NID_subject_alt_name, claims.hosts);
  sign(one.get(), one.get(), key.get());
  return {text_of(one.get()), text_of(key.get())};
}

}  // namespace lazaret::testing
