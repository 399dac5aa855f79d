#include "faults/disk_model.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace lazaret::faults {
namespace {

constexpr std::size_t kSector = 512;

std::string read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// What is no data: the lock, RocksDB's own log of warnings, and where the daemon listens.
bool is_data(const std::string& name) {
  return name != "LOCK" && !name.starts_with("LOG") && !name.starts_with("lazaretd");
}

}  // namespace

void DiskModel::created(const std::string& path) {
  files_[path] = {};
  unsynced_.push_back({Change::Kind::create, path, "", std::nullopt});
}

void DiskModel::directory_synced() { unsynced_.clear(); }

void DiskModel::renaming(const std::string& from, const std::string& to) {
  Change change{Change::Kind::rename, to, from, std::nullopt};
  if (files_.contains(to)) change.old = synced_bytes(to);
  unsynced_.push_back(std::move(change));
  files_[to] = files_[from];
  files_.erase(from);
}

void DiskModel::reused(const std::string& path) {
  files_[path].old = std::make_shared<const std::string>(read_bytes(path));
  files_[path].synced = 0;
}

void DiskModel::deleting(const std::string& path) {
  unsynced_.push_back({Change::Kind::remove, path, "", synced_bytes(path)});
  files_.erase(path);
}

std::string DiskModel::synced_bytes(const std::string& path) const {
  const auto file = files_.find(path);
  return file == files_.end() ? read_bytes(path) : read_bytes(path).substr(0, file->second.synced);
}

void DiskModel::image(const std::string& target, std::mt19937_64& random) {
  const auto held = lock();
  std::filesystem::create_directories(target);
  std::map<std::string, Kept> view;
  for (const auto& [path, file] : files_) view[path] = {path, "", file.synced, file.old};
  const std::size_t survive = random() % (unsynced_.size() + 1);
  for (std::size_t i = unsynced_.size(); i > survive; --i) {
    const Change& change = unsynced_[i - 1];
    if (change.kind == Change::Kind::rename) view[change.from] = view[change.path];
    view.erase(change.path);
    if (change.old) view[change.path] = {"", *change.old, change.old->size(), nullptr};
  }
  for (const auto& [path, kept] : view) {
    const std::string name = std::filesystem::path(path).filename();
    if (!is_data(name)) continue;
    std::ofstream out(target + "/" + name, std::ios::binary);
    const std::string bytes = content_of(path, kept, random);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
}

std::string DiskModel::content_of(const std::string& path, const Kept& kept, std::mt19937_64& random) const {
  std::string bytes = kept.copy_of.empty() ? kept.bytes : read_bytes(kept.copy_of);
  if (bytes.size() <= kept.synced) return bytes;
  if (kept.old != nullptr) {
    // Written over: of what was not synced some sectors, or all from some place on, are still the old ones.
    const std::uint64_t until = std::min<std::uint64_t>(bytes.size(), kept.old->size());
    const bool from_a_place = random() % 2 == 0;
    const std::uint64_t place = kept.synced + random() % (bytes.size() - kept.synced + 1);
    for (std::uint64_t at = kept.synced; at < until; at = (at / kSector + 1) * kSector) {
      const std::uint64_t sector_end = std::min<std::uint64_t>((at / kSector + 1) * kSector, until);
      if (from_a_place ? at >= place : random() % 2 == 0) {
        std::copy(kept.old->begin() + static_cast<std::ptrdiff_t>(at),
                  kept.old->begin() + static_cast<std::ptrdiff_t>(sector_end),
                  bytes.begin() + static_cast<std::ptrdiff_t>(at));
      }
    }
    if (until == bytes.size()) return bytes;
  }
  const std::uint64_t certain = std::max<std::uint64_t>(kept.synced, kept.old == nullptr ? 0 : kept.old->size());
  const std::uint64_t end = certain + random() % (bytes.size() - certain + 1);
  const bool only_cut = path.find("MANIFEST") != std::string::npos;
  switch (only_cut ? 0 : random() % 3) {
    case 0:  // cut
      bytes.resize(end);
      break;
    case 1:  // as long as it was, but the end was never written
      std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(end), bytes.end(), '\0');
      break;
    default:  // some sectors were written, some were not
      for (std::uint64_t at = certain; at < bytes.size(); at = (at / kSector + 1) * kSector) {
        const std::uint64_t sector_end = std::min<std::uint64_t>((at / kSector + 1) * kSector, bytes.size());
        if (random() % 2 == 0) {
          std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                    bytes.begin() + static_cast<std::ptrdiff_t>(sector_end), '\0');
        }
      }
  }
  return bytes;
}

}  // namespace lazaret::faults
