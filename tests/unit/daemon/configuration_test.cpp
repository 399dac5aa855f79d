// The configuration and its two documents: every key is described, every default in the example is the program's, and
// whoever makes a mistake is told where.
#include "daemon/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "daemon/webhooks.h"

namespace lazaret::daemon {
namespace {

using ::testing::HasSubstr;

const std::string kExample = LAZARET_SOURCE_DIR "/config/lazaret.toml";
const std::string kReference = LAZARET_SOURCE_DIR "/config/README.md";

std::string text_of(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The example as if somebody had taken the "# " away from every key; each line keeps its number.
std::string uncommented(const std::string& text) {
  std::istringstream lines(text);
  std::string whole;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find(" = ");
    const std::string_view word = std::string_view(line).substr(std::min<std::size_t>(2, line.size()));
    const bool is_key = line.starts_with("# ") && equals != std::string::npos && word.find(' ') == equals - 2;
    whole += (is_key ? std::string(word) : line) + "\n";
  }
  return whole;
}

class ConfigurationTest : public ::testing::Test {
 protected:
  ~ConfigurationTest() override { std::filesystem::remove(file_); }

  /// Writes a configuration file and names it as --config would.
  void write(const std::string& text) {
    std::ofstream(file_) << text;
    sources_.file = file_;
  }
  void set(const std::string& key, const std::string& value) { sources_.settings.emplace_back(key, value); }
  void put_into_environment(const std::string& entry) { environment_.push_back(entry); }

  base::Result<Configuration> load() {
    std::vector<char*> environment;
    for (std::string& entry : environment_) environment.push_back(entry.data());
    environment.push_back(nullptr);
    return load_configuration(sources_, environment.data());
  }
  /// The sentence of the refusal; "" when it loads.
  std::string refusal() {
    const auto loaded = load();
    if (loaded.ok()) return "";
    EXPECT_EQ(loaded.code(), base::Code::BAD_CONFIGURATION);
    return loaded.status().text();
  }

  const std::string file_ =
      ::testing::TempDir() + "lazaret-" + ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".toml";
  ConfigurationSources sources_;
  std::vector<std::string> environment_;
};

TEST_F(ConfigurationTest, EveryKeyStandsInTheReferenceAndInTheExampleOnce) {
  const std::string reference = text_of(kReference);
  const std::string example = text_of(kExample);
  std::string section;
  for (const std::string& key : configuration_keys()) {
    const std::size_t dot = key.find('.');
    EXPECT_THAT(reference, HasSubstr("\n| `" + key + "` |"));
    // In the example: under its section, which ends where the next one begins.
    const std::size_t begin = example.find("[" + key.substr(0, dot) + "]\n");
    ASSERT_NE(begin, std::string::npos) << key;
    const std::string body = example.substr(begin, example.find("\n[", begin) - begin);
    const std::string line = "\n# " + key.substr(dot + 1) + " = ";
    EXPECT_THAT(body, HasSubstr(line)) << key;
    EXPECT_EQ(body.find(line), body.rfind(line)) << key;
  }
}

TEST_F(ConfigurationTest, NeitherDocumentHasAKeyThatTheProgramDoesNotKnow) {
  const auto keys = configuration_keys();
  std::istringstream lines(text_of(kReference));
  int rows = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t end = line.find("` |", 3);
    if (!line.starts_with("| `") || end == std::string::npos || line.find('.') > end) continue;
    const std::string key = line.substr(3, end - 3);
    if (key.starts_with("--")) continue;
    EXPECT_THAT(keys, ::testing::Contains(key));
    ++rows;
  }
  EXPECT_EQ(rows, static_cast<int>(keys.size()));
  // For the example the program says so itself: see the next test.
}

TEST_F(ConfigurationTest, TheExampleLoadsAsItIsAndWithEveryKeyUncommentedAndHasTheDefaults) {
  const std::string whole = uncommented(text_of(kExample));
  for (const std::string& text : {text_of(kExample), whole}) {
    write(text);
    const auto loaded = load();
    ASSERT_TRUE(loaded.ok()) << loaded.status().text();
    const Configuration defaults;
    EXPECT_EQ(loaded->broker.listen, defaults.broker.listen);
    EXPECT_EQ(loaded->broker.allow_unauthenticated, defaults.broker.allow_unauthenticated);
    EXPECT_EQ(loaded->broker.max_message_bytes, defaults.broker.max_message_bytes);
    EXPECT_EQ(loaded->broker.max_header_bytes, defaults.broker.max_header_bytes);
    EXPECT_EQ(loaded->broker.max_connections, defaults.broker.max_connections);
    EXPECT_EQ(loaded->broker.io_threads, defaults.broker.io_threads);
    EXPECT_EQ(loaded->broker.confirm_hold_max, defaults.broker.confirm_hold_max);
    EXPECT_EQ(loaded->broker.stop_wait, defaults.broker.stop_wait);
    EXPECT_EQ(loaded->broker.reconnect_grace, defaults.broker.reconnect_grace);
    EXPECT_EQ(loaded->broker.resume_grace, defaults.broker.resume_grace);
    EXPECT_EQ(loaded->admin.listen, defaults.admin.listen);
    EXPECT_EQ(loaded->admin.allowed_hosts, defaults.admin.allowed_hosts);
    EXPECT_EQ(loaded->admin.public_url, defaults.admin.public_url);
    EXPECT_EQ(loaded->alerts.default_webhook, defaults.alerts.default_webhook);
    EXPECT_EQ(loaded->alerts.case_age, defaults.alerts.case_age);
    EXPECT_TRUE(loaded->alerts.webhooks.empty());
    EXPECT_EQ(loaded->storage.data_dir, defaults.storage.data_dir);
    EXPECT_EQ(loaded->storage.shards, defaults.storage.shards);
    EXPECT_EQ(loaded->storage.memtable_bytes, defaults.storage.memtable_bytes);
    EXPECT_EQ(loaded->storage.block_cache_bytes, defaults.storage.block_cache_bytes);
    EXPECT_EQ(loaded->storage.disk_reserve_bytes, defaults.storage.disk_reserve_bytes);
    EXPECT_EQ(loaded->storage.disk_reserve_percent, defaults.storage.disk_reserve_percent);
    EXPECT_EQ(loaded->storage.ack_sync_max, defaults.storage.ack_sync_max);
    EXPECT_EQ(loaded->backup.directory, defaults.backup.directory);
    EXPECT_EQ(loaded->backup.bytes_per_second, defaults.backup.bytes_per_second);
    EXPECT_EQ(loaded->hospital.masked_paths, defaults.hospital.masked_paths);
    EXPECT_EQ(loaded->hospital.masked_headers, defaults.hospital.masked_headers);
    EXPECT_EQ(loaded->hospital.protobuf_descriptors, defaults.hospital.protobuf_descriptors);
    EXPECT_EQ(loaded->defaults, defaults.defaults);
    EXPECT_EQ(loaded->log.level, defaults.log.level);
    EXPECT_EQ(loaded->log.format, defaults.log.format);
  }
  // The uncommented one did set something: the only key whose being given shows.
  EXPECT_TRUE(load()->storage.shards_given);
}

TEST_F(ConfigurationTest, ABackupThatWouldHaveNoEndIsRefused) {
  for (const char* slow : {"1", "65535", "-1", "1099511627777", "fast"}) {
    write("[backup]\nbytes_per_second = \"" + std::string(slow) + "\"\n");
    EXPECT_THAT(refusal(), HasSubstr(file_ + ":2: backup.bytes_per_second must be a number from 65536 to ")) << slow;
  }
  write("[backup]\ndirectory = \"/srv/backups\"\nbytes_per_second = 0\n");
  const auto loaded = load();
  ASSERT_TRUE(loaded.ok()) << loaded.status().text();
  EXPECT_EQ(loaded->backup.directory, "/srv/backups");
  EXPECT_EQ(loaded->backup.bytes_per_second, 0u);
}

TEST_F(ConfigurationTest, BackupsNeedADirectoryOfTheirOwn) {
  for (const char* same : {"/srv/lazaret", "/srv/lazaret/", "/srv/lazaret/backups/.."}) {
    write("[storage]\ndata_dir = \"/srv/./lazaret\"\n[backup]\ndirectory = \"" + std::string(same) + "\"\n");
    EXPECT_THAT(refusal(), HasSubstr(file_ + ":4: backup.directory is the data directory")) << same;
  }
  write("[storage]\ndata_dir = \"/srv/lazaret\"\n[backup]\ndirectory = \"/srv/lazaret/copies/\"\n");
  EXPECT_EQ(refusal(), "");
}

TEST_F(ConfigurationTest, WebhooksAreTablesWithNames) {
  write(
      "[alerts]\ndefault = \"ops\"\ncase_age = \"2h\"\n[alerts.webhooks.ops]\nurl = \"http://127.0.0.1:9000/\"\n"
      "secret_file = \"/etc/lazaret/ops.secret\"\nkinds = [\"surge\", \"ageing\"]\n");
  put_into_environment("LAZARET_CFG_ALERTS__WEBHOOKS__PAYMENTS__URL=https://[::1]/x");
  set("alerts.webhooks.payments.secret_file", "/etc/lazaret/payments.secret");
  set("alerts.webhooks.payments.ca_file", "/etc/lazaret/authorities.pem");
  const auto loaded = load();
  ASSERT_TRUE(loaded.ok()) << loaded.status().text();
  EXPECT_EQ(loaded->alerts.default_webhook, "ops");
  EXPECT_EQ(loaded->alerts.case_age, std::chrono::hours(2));
  ASSERT_EQ(loaded->alerts.webhooks.size(), 2u);
  const Configuration::Webhook& ops = loaded->alerts.webhooks.at("ops");
  EXPECT_EQ(ops.secret_file, "/etc/lazaret/ops.secret");
  EXPECT_EQ(ops.kinds, (std::vector{model::AlertKind::surge, model::AlertKind::ageing}));
  EXPECT_EQ(loaded->alerts.webhooks.at("payments").url, "https://[::1]/x");
  EXPECT_EQ(loaded->alerts.webhooks.at("payments").ca_file, "/etc/lazaret/authorities.pem");
  EXPECT_EQ(ops.ca_file, "") << "whom the system trusts";
  EXPECT_EQ(loaded->alerts.webhooks.at("payments").kinds, model::alert_kinds()) << "all, unless it says otherwise";
}

TEST_F(ConfigurationTest, AWebhookThatCannotWorkIsRefused) {
  const auto with = [&](const std::string& lines) {
    write("[alerts.webhooks.ops]\nurl = \"http://127.0.0.1:9000/\"\n" + lines);
    return refusal();
  };
  EXPECT_THAT(with(""), HasSubstr("alerts.webhooks.ops.secret_file is missing"));
  EXPECT_EQ(with("secret = \"x\"\n"), file_ +
                                          ":3: there is no key alerts.webhooks.ops.secret; a webhook has url, "
                                          "secret_file, ca_file and kinds");
  EXPECT_THAT(with("kinds = [\"surges\"]\n"), HasSubstr(file_ + ":3: alerts.webhooks.ops.kinds must be a list of "));
  EXPECT_THAT(with("kinds = []\n"), HasSubstr("must be a list of "));
  EXPECT_THAT(with("secret_file = \"f\"\n[alerts]\ndefault = \"opps\"\n"),
              HasSubstr(file_ + ":5: alerts.default names no webhook"));
  EXPECT_THAT(with("secret_file = \"f\"\nca_file = \"\"\n"),
              HasSubstr(file_ + ":4: alerts.webhooks.ops.ca_file must be a file"));
  EXPECT_EQ(with("secret_file = \"f\"\nca_file = \"f\"\n"),
            file_ + ":4: alerts.webhooks.ops.ca_file is for a url that begins with https://");
  write("[alerts]\nwebhooks = 7\n");
  EXPECT_EQ(refusal(), file_ + ":2: webhooks are tables: [alerts.webhooks.NAME]");
  write("[alerts.webhooks.\"a b\"]\nurl = \"http://127.0.0.1/\"\n");
  EXPECT_THAT(refusal(), HasSubstr("must be alerts.webhooks.NAME.KEY"));
}

TEST_F(ConfigurationTest, FilesOfAWebhookAreReadAtTheStart) {
  const std::string secret = file_ + ".secret";
  const std::string missing = file_ + ".missing";
  const auto refused = [&](const std::string& secret_file, const std::string& ca_file) {
    write("[alerts.webhooks.ops]\nurl = \"https://example.org/\"\nsecret_file = \"" + secret_file + "\"\n" + ca_file);
    const auto loaded = load();
    EXPECT_TRUE(loaded.ok()) << loaded.status().text();
    const auto config = alerts_config(*loaded);
    EXPECT_EQ(config.code(), base::Code::BAD_CONFIGURATION);
    return config.ok() ? "" : config.status().text();
  };
  EXPECT_EQ(refused(missing, ""),
            file_ + ":3: alerts.webhooks.ops.secret_file is no use: cannot read the secret in " + missing);
  std::ofstream(secret) << "0123456789abcdef\n";
  EXPECT_EQ(refused(secret, "ca_file = \"" + missing + "\"\n"),
            file_ + ":4: alerts.webhooks.ops.ca_file is no use: cannot read the certificates in " + missing);
  EXPECT_EQ(refused(secret, "ca_file = \"" + secret + "\"\n"),
            file_ + ":4: alerts.webhooks.ops.ca_file is no use: there is no certificate in PEM in " + secret);
  write("[alerts.webhooks.ops]\nurl = \"https://example.org/\"\nsecret_file = \"" + secret + "\"\n");
  const auto config = alerts_config(*load());
  ASSERT_TRUE(config.ok()) << config.status().text();
  EXPECT_TRUE(config->webhooks.at(0).is_secure);
  EXPECT_NE(config->webhooks.at(0).trust, nullptr);
  std::filesystem::remove(secret);
}

TEST_F(ConfigurationTest, ThePublicAddressIsOne) {
  set("admin.public_url", "https://lazaret.example.org/");
  EXPECT_EQ(load()->admin.public_url, "https://lazaret.example.org");
  for (const char* wrong : {"lazaret.example.org", "https://", "ftp://x", "https://a b", "https://a/?x"}) {
    sources_.settings = {{"admin.public_url", wrong}};
    EXPECT_THAT(refusal(), HasSubstr("admin.public_url must be an address")) << wrong;
  }
}

TEST_F(ConfigurationTest, AnUnknownKeyIsRefusedWithFileLineAndKey) {
  write("[broker]\nlisten = \"127.0.0.1:0\"\nlissten = \"127.0.0.1:1\"\n");
  EXPECT_EQ(refusal(), file_ + ":3: there is no key broker.lissten");
  write("[brooker]\nlisten = \"127.0.0.1:0\"\n");
  EXPECT_EQ(refusal(), file_ + ":2: there is no key brooker.listen");
  write("listen = \"127.0.0.1:0\"\n");
  EXPECT_EQ(refusal(), file_ + ":1: there is no key listen outside a section");
}

TEST_F(ConfigurationTest, ABadValueIsRefusedWithFileLineKeyAndWhatIsAllowed) {
  write("[broker]\n\nio_threads = 65\n");
  EXPECT_EQ(refusal(), file_ + ":3: broker.io_threads must be a number from 0 to 64, not \"65\"");
  write("[defaults]\nmax_attempts = 0\n");
  EXPECT_EQ(refusal(),
            file_ + ":2: defaults.max_attempts must be a number from 1 to 10000, or \"unlimited\", not \"0\"");
  write("[broker]\nstop_wait = \"30\"\n");
  EXPECT_EQ(refusal(), file_ + ":2: broker.stop_wait must be a duration from 0s to 1h, not \"30\"");
  write("[log]\nlevel = \"loud\"\n");
  EXPECT_EQ(refusal(), file_ + ":2: log.level must be one of debug, info, warning, error, not \"loud\"");
  write("[broker]\nio_threads = { many = 1 }\n");
  EXPECT_EQ(refusal(), file_ + ":2: broker.io_threads cannot have such a value");
}

TEST_F(ConfigurationTest, WhatIsNoTomlIsRefusedWithItsLine) {
  write("[broker]\nlisten = \n");
  EXPECT_THAT(refusal(), HasSubstr(file_ + ":2: "));
}

TEST_F(ConfigurationTest, AFileThatIsNotThereIsRefusedByName) {
  sources_.file = file_ + ".nowhere";
  EXPECT_THAT(refusal(), HasSubstr(sources_.file));
}

TEST_F(ConfigurationTest, MistakesInTheEnvironmentAndOnTheCommandLineAreNamedToo) {
  put_into_environment("LAZARET_CFG_BROKER__IO_THREADS=many");
  EXPECT_EQ(refusal(),
            "environment: LAZARET_CFG_BROKER__IO_THREADS: broker.io_threads must be a number from 0 to 64, "
            "not \"many\"");
  environment_ = {"LAZARET_CFG_IO_THREADS=2"};
  EXPECT_EQ(refusal(), "environment: LAZARET_CFG_IO_THREADS must be LAZARET_CFG_<SECTION>__<KEY>");
  environment_.clear();
  set("broker.threads", "2");
  EXPECT_EQ(refusal(), "command line: there is no key broker.threads");
}

TEST_F(ConfigurationTest, TheCommandLineGoesBeforeTheEnvironmentAndThatBeforeTheFile) {
  write("[broker]\nio_threads = 3\nmax_connections = 3\nstop_wait = \"3s\"\n");
  put_into_environment("LAZARET_CFG_BROKER__MAX_CONNECTIONS=4");
  put_into_environment("LAZARET_CFG_BROKER__STOP_WAIT=4s");
  put_into_environment("PATH=/bin");
  set("broker.stop_wait", "5s");
  set("broker.stop_wait", "6s");
  const auto loaded = load();
  ASSERT_TRUE(loaded.ok()) << loaded.status().text();
  EXPECT_EQ(loaded->broker.io_threads, 3u);
  EXPECT_EQ(loaded->broker.max_connections, 4u);
  EXPECT_EQ(loaded->broker.stop_wait, std::chrono::seconds(6));
}

TEST_F(ConfigurationTest, ListsAreListsInTheFileAndSeparatedByCommasElsewhere) {
  write("[admin]\nallowed_hosts = [\"a.example\", \"b.example\"]\n");
  EXPECT_THAT(load()->admin.allowed_hosts, ::testing::ElementsAre("a.example", "b.example"));
  set("admin.allowed_hosts", "c.example,d.example");
  EXPECT_THAT(load()->admin.allowed_hosts, ::testing::ElementsAre("c.example", "d.example"));
}

TEST_F(ConfigurationTest, WhatIsMaskedMayHaveCommasAndIsChecked) {
  write("[hospital]\nmasked_paths = [\"/a,b/c\", '/d\\e']\nmasked_headers = [\"Authorization\"]\n");
  EXPECT_THAT(load()->hospital.masked_paths, ::testing::ElementsAre("/a,b/c", "/d\\e"));
  EXPECT_THAT(load()->hospital.masked_headers, ::testing::ElementsAre("Authorization"));
  set("hospital.masked_paths", R"(/x\,y,/z\\)");
  EXPECT_THAT(load()->hospital.masked_paths, ::testing::ElementsAre("/x,y", "/z\\"));
  sources_.settings.clear();
  write("[hospital]\nmasked_paths = [\"/a\", \"card/number\"]\n");
  EXPECT_THAT(refusal(),
              HasSubstr(file_ + ":2: hospital.masked_paths must be JSON pointers (\"card/number\" is no path"));
  write("[hospital]\nmasked_paths = [\"\"]\n");
  EXPECT_EQ(refusal(), file_ + ":2: hospital.masked_paths cannot have such a value");
}

/// Quotes and brackets are for the file, whose reader takes them away: elsewhere they would become part of a name that
/// nothing has, and mask nothing.
TEST_F(ConfigurationTest, WhatIsNoNameOfAHeaderIsRefusedSinceItWouldMaskNothing) {
  const auto given = [this](const std::string& value) {
    sources_.settings.clear();
    set("hospital.masked_headers", value);
    return refusal();
  };
  EXPECT_THAT(given(R"(["authorization"])"),
              HasSubstr("hospital.masked_headers must be names of headers (\"[\"authorization\"]\" is no name of a "
                        "header: it has a quote, a bracket"));
  EXPECT_THAT(given("'authorization'"), HasSubstr("it has a quote"));
  EXPECT_THAT(given("x-ok,two words"), HasSubstr("\"two words\" is no name of a header: it has a blank"));
  EXPECT_THAT(given("x-secret\x01"), HasSubstr("a control character"));
  EXPECT_THAT(given("x-ok," + std::string(1025, 'h')), HasSubstr("it has more than 1024 bytes"));
  EXPECT_EQ(given(std::string(1024, 'h')), "");
  sources_.settings.clear();
  write("[hospital]\nmasked_headers = [\"x-ok\", \"authorization \"]\n");
  EXPECT_THAT(refusal(), HasSubstr(file_ + ":2: hospital.masked_headers must be names of headers (\"authorization \""));
  write("[hospital]\nmasked_headers = [\"[authorization]\"]\n");
  EXPECT_THAT(refusal(), HasSubstr("it has a quote, a bracket"));
}

TEST_F(ConfigurationTest, BlanksAroundTheItemsOfATextAreNotPartOfThem) {
  write("[log]\n");
  set("hospital.masked_headers", " authorization , x-secret\t");
  set("hospital.masked_paths", "/a , /b c,/d\\ ");
  set("admin.allowed_hosts", "a.example, [::1]");
  set("alerts.webhooks.ops.url", "http://127.0.0.1:9000/");
  set("alerts.webhooks.ops.secret_file", "/etc/lazaret/ops.secret");
  set("alerts.webhooks.ops.kinds", "surge, ageing");
  const auto loaded = load();
  ASSERT_TRUE(loaded.ok()) << loaded.status().text();
  EXPECT_THAT(loaded->hospital.masked_headers, ::testing::ElementsAre("authorization", "x-secret"));
  EXPECT_THAT(loaded->hospital.masked_paths, ::testing::ElementsAre("/a", "/b c", "/d ")) << "a blank that is meant";
  EXPECT_THAT(loaded->admin.allowed_hosts, ::testing::ElementsAre("a.example", "[::1]"));
  EXPECT_EQ(loaded->alerts.webhooks.at("ops").kinds, (std::vector{model::AlertKind::surge, model::AlertKind::ageing}));
  sources_.settings.clear();
  write("[hospital]\nmasked_paths = [\" /not a path\"]\n");
  EXPECT_THAT(refusal(), HasSubstr("\" /not a path\" is no path")) << "in the file an item is what stands in quotes";
  write("[hospital]\nmasked_paths = [\"/a \"]\n");
  EXPECT_THAT(load()->hospital.masked_paths, ::testing::ElementsAre("/a "));
}

TEST_F(ConfigurationTest, WhatNoHostHasAsItsNameIsRefused) {
  for (const char* const name :
       {"[\"a.example\"]", "'a.example'", "two words", "[a.example", "a.example:7351", "a/b"}) {
    sources_.settings.clear();
    set("admin.allowed_hosts", name);
    EXPECT_THAT(refusal(), HasSubstr("admin.allowed_hosts must be names of hosts")) << name;
  }
}

TEST_F(ConfigurationTest, FilesWithDescriptorsAreReadAndNamed) {
  const std::string descriptors = file_ + ".binpb";
  const std::string given = "[hospital]\nprotobuf_descriptors = [\"" + descriptors + "\"]\n";
  write(given);
  EXPECT_THAT(refusal(), HasSubstr(file_ +
                                   ":2: hospital.protobuf_descriptors must be files with descriptor sets of "
                                   "protobuf (" +
                                   descriptors + ": No such file"));
  // A set of one file of the name a.proto, as protobuf encodes it.
  std::ofstream(descriptors) << "\x0a\x09\x0a\x07"
                             << "a.proto";
  EXPECT_EQ(refusal(), "");
  EXPECT_THAT(load()->hospital.protobuf_descriptors, ::testing::ElementsAre(descriptors));
  std::ofstream(descriptors) << "message Order {}";
  EXPECT_THAT(refusal(), HasSubstr("(" + descriptors + ": is no descriptor set"));
  // It imports b.proto, which is in no set.
  std::ofstream(descriptors) << "\x0a\x12\x0a\x07"
                             << "a.proto"
                             << "\x1a\x07"
                             << "b.proto";
  EXPECT_THAT(refusal(), HasSubstr(descriptors + ": a.proto imports b.proto, which is not in it"));
  std::filesystem::remove(descriptors);
  set("hospital.protobuf_descriptors", "");
  write("[log]\n");
  EXPECT_EQ(refusal(), "") << "none is none";
}

TEST_F(ConfigurationTest, OnlyLoopbackUnlessAllowed) {
  for (const std::string& key : {std::string("broker.listen"), std::string("admin.listen")}) {
    for (const std::string& address : {std::string("0.0.0.0:7350"), std::string("[::]:7350"), std::string("10.0.0.1:1"),
                                       std::string("127.evil.example:7350")}) {
      sources_.settings = {{key, address}};
      EXPECT_THAT(refusal(), HasSubstr(key + ": " + address + " is not a loopback address")) << key << " " << address;
      EXPECT_THAT(refusal(), HasSubstr("broker.allow_unauthenticated = true"));
      set("broker.allow_unauthenticated", "true");
      EXPECT_EQ(refusal(), "");
    }
    for (const std::string& address :
         {std::string("127.0.0.1:0"), std::string("localhost:7350"), std::string("[::1]:7350")}) {
      sources_.settings = {{key, address}};
      EXPECT_EQ(refusal(), "") << key << " " << address;
    }
  }
}

TEST_F(ConfigurationTest, WhatIsNotAFiniteNumberIsOutOfRange) {
  const std::vector<std::string> values = {"nan", "-nan", "inf", "-inf"};
  for (const std::string& value : values) {
    for (const std::string key : {"defaults.backoff_multiplier", "defaults.backoff_jitter"}) {
      sources_.settings = {{key, value}};
      EXPECT_THAT(refusal(), HasSubstr("command line: " + key + " must be a number from ")) << value;
    }
  }
  sources_.settings.clear();
  for (const std::string& value : values) {
    write("[defaults]\n\nbackoff_multiplier = " + value + "\n");
    EXPECT_THAT(refusal(), HasSubstr(file_ + ":3: defaults.backoff_multiplier must be a number from ")) << value;
  }
}

TEST_F(ConfigurationTest, AListIsOnlyForKeysThatAreLists) {
  write("[broker]\nlisten = [\"127.0.0.1:7350\"]\n");
  EXPECT_THAT(refusal(), HasSubstr(file_ + ":2: broker.listen cannot have such a value"));
}

TEST_F(ConfigurationTest, WhatIsWrongWithAnAddressOrADirectoryNamesItsPlace) {
  write("[storage]\ndata_dir = \"\"\n");
  EXPECT_THAT(refusal(), HasSubstr(file_ + ":2: storage.data_dir must be a directory, not \"\""));
  write("[broker]\nlisten = \"7350\"\n");
  EXPECT_THAT(refusal(), HasSubstr(file_ + ":2: broker.listen must be HOST:PORT"));
  write("[admin]\nlisten = \"0.0.0.0:7351\"\n");
  EXPECT_THAT(refusal(), HasSubstr(file_ + ":2: admin.listen: 0.0.0.0:7351 is not a loopback address"));
}

TEST_F(ConfigurationTest, AnAddressNeedsAHostAndAPort) {
  for (const std::string& address : {std::string("127.0.0.1"), std::string(":7350"), std::string("127.0.0.1:70000"),
                                     std::string("127.0.0.1:"), std::string("")}) {
    sources_.settings = {{"broker.listen", address}};
    EXPECT_THAT(refusal(), HasSubstr("command line: broker.listen must be HOST:PORT")) << address;
  }
}

}  // namespace
}  // namespace lazaret::daemon
