#include "storage/wal_marks.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/crc32c.h"
#include "base/fixed_int.h"

namespace lazaret::storage {
namespace {

constexpr std::string_view kMagic = "LZTMARK1";
constexpr std::size_t kMarkBytes = 28;

void look_through(const std::filesystem::path& file, std::uint32_t identity, HighestMark& highest) {
  constexpr std::size_t kStep = 1u << 20;
  std::ifstream in(file, std::ios::binary);
  std::string window;
  std::string step(kStep, '\0');
  while (in.read(step.data(), kStep), in.gcount() > 0) {
    window.append(step, 0, static_cast<std::size_t>(in.gcount()));
    for (std::size_t at = window.find(kMagic); at != std::string::npos; at = window.find(kMagic, at + 1)) {
      if (window.size() - at < kMarkBytes) break;
      const std::string_view mark(window.data() + at, kMarkBytes);
      if (base::load_le<std::uint32_t>(mark.data() + 24) != base::crc32c(mark.substr(0, 24), identity)) continue;
      const auto synced = base::load_le<std::uint64_t>(mark.data() + 16);
      if (synced > highest.synced) highest = {synced, file.string()};
    }
    // A mark may go on in the next step.
    if (window.size() > kMarkBytes) window.erase(0, window.size() - kMarkBytes);
  }
}

}  // namespace

std::string encode_mark(std::uint64_t commit, std::uint64_t synced, std::uint32_t identity) {
  std::string mark(kMagic);
  base::append_le(mark, commit);
  base::append_le(mark, synced);
  base::append_le(mark, base::crc32c(mark, identity));
  return mark;
}

HighestMark find_marks(const std::string& data_dir, std::uint32_t identity) {
  HighestMark highest;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(data_dir, ignored)) {
    if (entry.path().extension() == ".log") look_through(entry.path(), identity, highest);
  }
  return highest;
}

std::uint32_t identity_of(const std::string& data_dir) {
  std::ifstream in(data_dir + "/IDENTITY", std::ios::binary);
  const std::string identity{std::istreambuf_iterator<char>(in), {}};
  return identity.empty() ? 0 : base::crc32c(identity);
}

}  // namespace lazaret::storage
