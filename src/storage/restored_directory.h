// RestoredDirectory: the data directory that a backup is restored into.
//
//   DIR/restoring/…   files come, the epochs leap   ─▶   all but CURRENT to DIR   ─▶   CURRENT, and `restoring` goes
//
// Within the directory, since that is often a mount. One that was there keeps its mode. `restoring` comes first of all,
// before a backup is looked for: reading a large one takes long, and a kill may come meanwhile. A start refuses a
// directory that has `restoring` and no CURRENT, so what was left in the middle never begins as an empty broker.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/status.h"

namespace lazaret::storage {

inline constexpr const char* kRestoring = "restoring";

class RestoredDirectory {
 public:
  /// Touches nothing yet.
  explicit RestoredDirectory(const std::string& data_dir);
  /// Takes away what was begun and not finished.
  ~RestoredDirectory();
  RestoredDirectory(const RestoredDirectory&) = delete;
  RestoredDirectory& operator=(const RestoredDirectory&) = delete;

  /// Makes it, and `restoring` in it: from now on no broker starts there. NOT_EMPTY when something is there.
  base::Status begin();
  /// Where the files of the backup go.
  std::string inside() const { return data_dir_ + "/" + kRestoring; }
  /// When it returns OK, all of it is on the disk.
  base::Status finish();

 private:
  base::Status check_empty() const;
  base::Status make_directories();
  base::Status leap_epochs();
  base::Status move_files();

  const std::string data_dir_;
  std::vector<std::filesystem::path> made_;  // it and those above it that were missing, the outermost first
  bool begun_ = false;
  std::vector<std::filesystem::path> moved_;
};

}  // namespace lazaret::storage
