// What the documents say to paste into a terminal, pasted: the five minutes of the README, and what goes on from them
// in docs/worked-examples.md, block by block and in that order. Each block is a script, every command of which has to
// go well.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <vector>

#include "integration/support/broker.h"

namespace lazaret::testing {
namespace {

struct Block {
  std::string section;
  std::string script;
};

/// The blocks of commands: what is indented by four, and what is fenced without a language.
std::vector<Block> blocks_of(const std::string& document) {
  std::ifstream file(std::string(LAZARET_SOURCE_DIR) + "/" + document);
  std::vector<Block> blocks;
  std::string section;
  bool fenced = false, other_language = false, open = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("```")) {
      other_language = !fenced && line != "```";
      fenced = !fenced;
      open = false;
      continue;
    }
    if (!fenced && line.starts_with("#")) section = line.substr(line.find(' ') + 1);
    const bool indented = !fenced && line.starts_with("    ");
    if ((!fenced && !indented) || (fenced && other_language)) {
      open = false;
      continue;
    }
    if (!open) blocks.push_back({section, {}});
    open = true;
    blocks.back().script += (indented ? line.substr(4) : line) + "\n";
  }
  return blocks;
}

class DocumentsTest : public ::testing::Test {
 protected:
  void paste(const Block& block) {
    const std::string path = binary("lazaret");
    const char* before = std::getenv("PATH");
    const std::map<std::string, std::string> environment = {
        {"PATH", path.substr(0, path.rfind('/')) + ":" + (before == nullptr ? "/usr/bin:/bin" : before)},
        {"LAZARET_BROKER", broker_.broker()},
        {"LAZARET_ADMIN", broker_.admin()}};
    // What a block leaves behind stands where this test alone looks, and goes with it.
    const std::string script = "cd '" + broker_.dir().path() + "'\n" + block.script;
    const Outcome outcome = run({"/bin/sh", "-e", "-c", script}, "", environment, std::chrono::seconds(60));
    EXPECT_EQ(outcome.exit, 0) << block.section << ":\n" << block.script << outcome.out << outcome.err;
  }
  Broker broker_;
};

TEST_F(DocumentsTest, WhatIsToBePastedWorksInItsOrder) {
  std::size_t pasted = 0;
  for (Block& block : blocks_of("README.md")) {
    if (block.section != "Five minutes" || block.script.find("tools/build") != std::string::npos) continue;
    // The broker of the test is there already.
    const std::size_t start = block.script.find("lazaretd ");
    if (start != std::string::npos) block.script.erase(start, block.script.find('\n', start) - start);
    paste(block);
    ++pasted;
  }
  EXPECT_EQ(pasted, 3u);
  const std::vector<std::string> wanted = {"Later, and not for ever",
                                           "First",
                                           "In order",
                                           "Only some of it",
                                           "Several topics",
                                           "Once, whoever sends it",
                                           "One worker, or so many at a time",
                                           "Too large",
                                           "Full queues",
                                           "Requests and replies",
                                           "Of days",
                                           "All or nothing"};
  std::vector<std::string> found;
  for (const Block& block : blocks_of("docs/worked-examples.md")) {
    if (std::find(wanted.begin(), wanted.end(), block.section) == wanted.end()) continue;
    if (block.script.find("curl ") != std::string::npos) continue;  // it names the default port
    paste(block);
    if (found.empty() || found.back() != block.section) found.push_back(block.section);
  }
  EXPECT_EQ(found, wanted);
}

}  // namespace
}  // namespace lazaret::testing
