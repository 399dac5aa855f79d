// Runs a fuzz target without libFuzzer: its seeds, what is kept in a folder, and mutations of them for some seconds.
//
//   fuzz_X [--seconds S] [--random N] [--write DIR] [FILE-OR-DIR…]      --write: the seeds, as files for libFuzzer
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>

#include "fuzz/target.h"

namespace {

namespace fs = std::filesystem;

void run(const std::string& input) {
  // An exact copy on the heap, so that a sanitizer sees a read beyond its end.
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void collect(const fs::path& path, std::vector<std::string>& inputs) {
  if (!fs::is_directory(path)) return inputs.push_back(read(path));
  for (const auto& entry : fs::directory_iterator(path)) inputs.push_back(read(entry.path()));
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  std::string mutate(const std::vector<std::string>& inputs) {
    std::string text = inputs[random_() % inputs.size()];
    for (std::uint64_t i = 1 + random_() % 4; i > 0; --i) step(text, inputs[random_() % inputs.size()]);
    return text;
  }

 private:
  void step(std::string& text, const std::string& other) {
    static constexpr char kTelling[] = {0, 1, 0x7f, '\x80', '\xff', '{', '"', '[', '=', '%', '/', '\n'};
    const std::size_t at = text.empty() ? 0 : random_() % text.size();
    switch (random_() % 7) {
      case 0: text.resize(at); break;
      case 1: text.insert(at, 1, static_cast<char>(random_())); break;
      case 2: text.insert(at, other.substr(other.empty() ? 0 : random_() % other.size(), random_() % 32)); break;
      case 3: text.erase(at, 1 + random_() % 8); break;
      default:
        if (text.empty()) return text.push_back(static_cast<char>(random_()));
        text[at] = random_() % 2 == 0 ? kTelling[random_() % sizeof kTelling]
                                      : static_cast<char>(text[at] ^ (1 << (random_() % 8)));
    }
  }

  std::mt19937_64 random_;
};

}  // namespace

int main(int argc, char** argv) {
  double seconds = 1;
  std::uint64_t random = 1;
  std::vector<std::string> inputs = lazaret::fuzz::seeds();
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--seconds" && i + 1 < argc) {
      seconds = std::atof(argv[++i]);
    } else if (argument == "--random" && i + 1 < argc) {
      random = std::strtoull(argv[++i], nullptr, 10);
    } else if (argument == "--write" && i + 1 < argc) {
      const fs::path folder = argv[++i];
      for (std::size_t n = 0; n < inputs.size(); ++n)
        std::ofstream(folder / ("seed-" + std::to_string(n))) << inputs[n];
      return 0;
    } else if (fs::exists(argument)) {
      collect(argument, inputs);
    }
  }
  for (const std::string& input : inputs) run(input);
  Mutator mutator(random);
  std::uint64_t count = inputs.size();
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  for (; std::chrono::steady_clock::now() < end; ++count) run(mutator.mutate(inputs));
  std::cout << count << " inputs\n";
  return 0;
}
