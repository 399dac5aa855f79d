// DiskModel: what a disk would hold if the power failed now. It is told of every write, sync, rename and deletion below
// one folder, in the order in which they happened.
//
// The model is a journaling file system in ordered mode: what was synced is there; of what was not, each file keeps
// some of its tail (cut, torn by sectors, or full of zeros), and of the changes of a directory that was not synced a
// prefix survives: a file may be missing, a rename undone, a deleted file back. A file that is written over keeps, of
// what was not synced, any of its old sectors. The manifest is only cut: in ordered mode what is within a file's length
// was written, and RocksDB, which can do with less only in its log, relies on that.
//
// Threading: any thread; one mutex, held while an image is made, so that nothing moves meanwhile.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace lazaret::faults {

class DiskModel {
 public:
  explicit DiskModel(std::string folder) : folder_(std::move(folder)) {}

  std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }

  // --- Told under the lock, after the real file system has done it (except `deleting`, which comes before)
  void created(const std::string& path);
  void resized(const std::string& path, std::uint64_t size) {
    files_[path].synced = std::min(files_[path].synced, size);
  }
  void synced(const std::string& path, std::uint64_t size) { files_[path].synced = size; }
  void directory_synced();
  void renaming(const std::string& from, const std::string& to);
  /// It will be written over from its beginning.
  void reused(const std::string& path);
  void deleting(const std::string& path);

  /// Copies into `target` what would be left, drawn from `random`. Takes the lock.
  void image(const std::string& target, std::mt19937_64& random);

 private:
  struct File {
    std::uint64_t synced = 0;
    /// What a file that is written over had before.
    std::shared_ptr<const std::string> old = nullptr;
  };
  /// A change of the directory that is not synced yet, with what is needed to undo it.
  struct Change {
    enum class Kind { create, rename, remove } kind = Kind::create;
    std::string path;
    std::string from;                // rename
    std::optional<std::string> old;  // the bytes that a rename replaced or a removal took, as far as they were synced
  };
  struct Kept {
    std::string copy_of;  // a file that is there, with `synced` bytes of it certain; or
    std::string bytes;    // what a change took away
    std::uint64_t synced = 0;
    std::shared_ptr<const std::string> old = nullptr;
  };

  std::string content_of(const std::string& path, const Kept& kept, std::mt19937_64& random) const;
  std::string synced_bytes(const std::string& path) const;

  const std::string folder_;
  std::mutex mutex_;
  std::map<std::string, File> files_;  // by full path
  std::vector<Change> unsynced_;       // of the directory, oldest first
};

}  // namespace lazaret::faults
