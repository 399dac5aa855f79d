#include "storage/wal_marks.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/crc32c.h"
#include "base/fixed_int.h"

namespace lazaret::storage {
namespace {

constexpr std::string_view kMagic = "LZTMARK";
constexpr std::string_view kVersion1 = "LZTMARK1";
constexpr std::string_view kVersion2 = "LZTMARK2";
constexpr std::size_t kMarkBytes1 = 28;
constexpr std::size_t kMarkBytes = 44;

/// `bytes` begins with a mark of that length, which is whole.
bool is_whole(std::string_view bytes, std::size_t length, std::uint32_t identity) {
  const std::size_t summed = length - 4;
  return base::load_le<std::uint32_t>(bytes.data() + summed) == base::crc32c(bytes.substr(0, summed), identity);
}

void take(std::string_view mark, std::uint32_t identity, const std::string& file, HighestMark& highest) {
  const bool second = mark.starts_with(kVersion2);
  if (!second && !mark.starts_with(kVersion1)) return;
  if (!is_whole(mark, second ? kMarkBytes : kMarkBytes1, identity)) return;
  const auto synced = base::load_le<std::uint64_t>(mark.data() + 16);
  if (synced > highest.synced) {
    highest.synced = synced;
    highest.file = file;
  }
  if (!second) return;
  const SyncedManifest manifest{base::load_le<std::uint64_t>(mark.data() + 24),
                                base::load_le<std::uint64_t>(mark.data() + 32)};
  if (std::pair(manifest.number, manifest.bytes) > std::pair(highest.manifest.number, highest.manifest.bytes)) {
    highest.manifest = manifest;
  }
}

void look_through(const std::filesystem::path& file, std::uint32_t identity, HighestMark& highest) {
  constexpr std::size_t kStep = 1u << 20;
  std::ifstream in(file, std::ios::binary);
  std::string window;
  std::string step(kStep, '\0');
  while (in.read(step.data(), kStep), in.gcount() > 0) {
    window.append(step, 0, static_cast<std::size_t>(in.gcount()));
    for (std::size_t at = window.find(kMagic); at != std::string::npos; at = window.find(kMagic, at + 1)) {
      if (window.size() - at < kMarkBytes) break;
      take(std::string_view(window).substr(at, kMarkBytes), identity, file.string(), highest);
    }
    // A mark may go on in the next step.
    if (window.size() > kMarkBytes) window.erase(0, window.size() - kMarkBytes);
  }
}

}  // namespace

std::string encode_mark(std::uint64_t commit, std::uint64_t synced, const SyncedManifest& manifest,
                        std::uint32_t identity) {
  std::string mark(kVersion2);
  base::append_le(mark, commit);
  base::append_le(mark, synced);
  base::append_le(mark, manifest.number);
  base::append_le(mark, manifest.bytes);
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
