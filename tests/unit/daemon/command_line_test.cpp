// The command line of the daemon: what sets a key comes in the order in which it was given.
#include "daemon/command_line.h"

#include <gtest/gtest.h>

namespace lazaret::daemon {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

ParsedCommandLine parsed(std::vector<std::string> words) {
  words.insert(words.begin(), "lazaretd");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

Settings settings_of(std::vector<std::string> words) {
  const auto line = parsed(std::move(words));
  EXPECT_TRUE(line.command.has_value());
  return line.command ? line.command->sources.settings : Settings();
}

TEST(CommandLine, FlagsAndSettingsComeInTheirOrder) {
  EXPECT_EQ(settings_of({"--listen", "127.0.0.1:1", "--set", "broker.listen=127.0.0.1:2"}),
            (Settings{{"broker.listen", "127.0.0.1:1"}, {"broker.listen", "127.0.0.1:2"}}));
  EXPECT_EQ(settings_of({"--set", "broker.listen=127.0.0.1:2", "--listen=127.0.0.1:1"}),
            (Settings{{"broker.listen", "127.0.0.1:2"}, {"broker.listen", "127.0.0.1:1"}}));
  EXPECT_EQ(settings_of({"--set=a.b=1", "--data-dir", "d", "--set", "a.b=x=y", "--check-config", "--admin-listen",
                         "h:1", "--set", "a.c="}),
            (Settings{{"a.b", "1"}, {"storage.data_dir", "d"}, {"a.b", "x=y"}, {"admin.listen", "h:1"}, {"a.c", ""}}));
  EXPECT_TRUE(settings_of({}).empty());
}

TEST(CommandLine, TheLaterWins) {
  const auto listen_of = [](std::vector<std::string> words) {
    words.insert(words.end(), {"--data-dir", "d"});
    char* none[] = {nullptr};
    const auto configuration = load_configuration(parsed(std::move(words)).command->sources, none);
    EXPECT_TRUE(configuration.ok()) << configuration.status().text();
    return configuration.ok() ? configuration->broker.listen : std::string();
  };
  EXPECT_EQ(listen_of({"--listen", "127.0.0.1:7001", "--set", "broker.listen=127.0.0.1:7002"}), "127.0.0.1:7002");
  EXPECT_EQ(listen_of({"--set", "broker.listen=127.0.0.1:7002", "--listen", "127.0.0.1:7001"}), "127.0.0.1:7001");
}

TEST(CommandLine, WhatIsNoSettingIsAMistake) {
  const auto wrong = parsed({"--set", "broker.listen"});
  EXPECT_FALSE(wrong.command);
  EXPECT_EQ(wrong.exit, 64);
  EXPECT_EQ(parsed({"--listen"}).exit, 64);
}

}  // namespace
}  // namespace lazaret::daemon
