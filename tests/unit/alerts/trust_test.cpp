// Files of certificates, as the configuration names them. What comes of them in a handshake: webhook_post_test.cpp.
#include "alerts/trust.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "integration/support/certificates.h"

namespace lazaret::alerts {
namespace {

using ::testing::HasSubstr;

class TrustTest : public ::testing::Test {
 protected:
  ~TrustTest() override { std::filesystem::remove(file_); }

  /// Why a file with this text is refused; "" when it is not.
  std::string refusal(const std::string& text) {
    std::ofstream(file_, std::ios::binary) << text;
    return refusal();
  }
  std::string refusal() const {
    const auto trust = Trust::of_file(file_);
    if (trust.ok()) return "";
    EXPECT_EQ(trust.code(), base::Code::BAD_CONFIGURATION);
    EXPECT_THAT(trust.status().text(), HasSubstr(file_));
    return trust.status().text();
  }

  const std::string file_ =
      ::testing::TempDir() + "lazaret-" + ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".pem";
  const lazaret::testing::Authority authority_{"An authority"};
  const std::string one_ = authority_.certificate();
};

TEST_F(TrustTest, AFileHasOneCertificateOrSeveral) {
  EXPECT_EQ(refusal(one_), "");
  EXPECT_EQ(refusal(one_ + lazaret::testing::Authority("Another").certificate()), "");
  EXPECT_EQ(refusal(one_ + one_), "") << "the same twice";
  EXPECT_EQ(refusal("# An authority of ours\n" + one_ + "and no more"), "");
  const lazaret::testing::Identity receiver = authority_.issue({});
  EXPECT_EQ(refusal(receiver.key + receiver.certificate), "") << "the receiver's own, beside its key";
  std::ofstream(file_) << one_;
  EXPECT_EQ(Trust::of_file(file_).value()->whose(), "whose certificate is in " + file_);
}

TEST_F(TrustTest, AFileWithoutACertificateIsRefused) {
  EXPECT_THAT(refusal(), HasSubstr("cannot read the certificates in ")) << "there is no file";
  EXPECT_THAT(refusal(""), HasSubstr("there is no certificate in PEM in "));
  EXPECT_THAT(refusal("an authority that I trust\n"), HasSubstr("there is no certificate in PEM in "));
  EXPECT_THAT(refusal(authority_.issue({}).key), HasSubstr("there is no certificate in PEM in "));
  EXPECT_THAT(refusal(std::string("\x30\x82\x01\x00\x02", 5)), HasSubstr("there is no certificate in PEM in "));
  std::filesystem::remove(file_);
  std::filesystem::create_directory(file_);
  EXPECT_THAT(refusal(), HasSubstr("cannot read the certificates in ")) << "a directory";
}

TEST_F(TrustTest, ADamagedCertificateIsRefusedAlthoughOthersAreWhole) {
  EXPECT_THAT(refusal(one_.substr(0, one_.size() / 2)), HasSubstr("certificate 1 in "));
  EXPECT_THAT(refusal(one_ + one_.substr(0, one_.size() / 2)), HasSubstr("certificate 2 in "));
  std::string wrong = one_;
  wrong.replace(wrong.find('\n') + 1, 4, "????");
  EXPECT_THAT(refusal(wrong + one_), HasSubstr("is damaged"));
  EXPECT_THAT(refusal("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + one_),
              HasSubstr("is damaged"));
  // Nobody is asked for its password: a broker has no terminal.
  EXPECT_THAT(refusal("-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"
                      "00112233445566778899AABBCCDDEEFF\n\nAAAAAAAAAAAAAAAAAAAAAA==\n-----END CERTIFICATE-----\n"),
              HasSubstr("is damaged"));
}

/// As it comes of copying: whoever is in it was meant to be trusted.
TEST_F(TrustTest, ACertificateThatIsNotAtTheBeginningOfItsLineIsRefusedAlthoughOthersAreRead) {
  const std::string other = lazaret::testing::Authority("Another").certificate();
  const auto begun_with = [&](const std::string& begin) {
    return begin + other.substr(std::string("-----BEGIN CERTIFICATE-----").size());
  };
  for (const char* begin : {" -----BEGIN CERTIFICATE-----", "> -----BEGIN CERTIFICATE-----",
                            "----BEGIN CERTIFICATE-----", "BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE",
                            " -----BEGIN X509 CERTIFICATE-----", " -----BEGIN TRUSTED CERTIFICATE-----"}) {
    EXPECT_THAT(refusal(begun_with(begin) + one_), HasSubstr("is left out")) << begin;
    EXPECT_THAT(refusal(one_ + begun_with(begin)), HasSubstr("is left out")) << begin;
    EXPECT_THAT(refusal(begun_with(begin)), HasSubstr("is left out")) << begin;
  }
  EXPECT_THAT(refusal("an authority" + one_), HasSubstr("is left out"));
  EXPECT_EQ(refusal("# BEGIN CERTIFICATE is what it begins with\n" + one_), "");
  EXPECT_EQ(refusal("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n" + one_), "");
  EXPECT_EQ(refusal("-----BEGIN X509 CERTIFICATE-----" + one_.substr(one_.find('\n'), one_.find("-----END") - 27) +
                    "-----END X509 CERTIFICATE-----\n" + other),
            "");
}

TEST_F(TrustTest, AFileHasABound) {
  EXPECT_THAT(refusal(one_ + std::string(Trust::kFileBytesMost, '\n')), HasSubstr("must have at most 4194304 bytes"));
  EXPECT_EQ(refusal(one_ + std::string(Trust::kFileBytesMost - one_.size(), '\n')), "");
}

/// An alert of which something else is said cannot be read at the next start.
TEST_F(TrustTest, AFileMayBeNamedAnythingAndWhatIsSaidOfItIsText) {
  const std::string odd = file_ + "\xff";
  std::ofstream(odd) << one_;
  const auto trust = Trust::of_file(odd);
  std::filesystem::remove(odd);
  ASSERT_TRUE(trust.ok()) << trust.status().text();
  EXPECT_EQ((*trust)->whose(), "whose certificate is in " + file_ + "\uFFFD");
}

TEST_F(TrustTest, TheSystemHasATrustOfItsOwn) {
  const auto trust = Trust::of_system();
  ASSERT_TRUE(trust.ok()) << trust.status().text();
  EXPECT_EQ((*trust)->whose(), "whom the system trusts");
}

}  // namespace
}  // namespace lazaret::alerts
