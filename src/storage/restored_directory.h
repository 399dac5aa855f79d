// RestoredDirectory: the data directory that a backup is restored into.
//
//   DIR/restoring/…   files come, the epochs leap   ─▶   all but CURRENT to DIR   ─▶   CURRENT, and `restoring` goes
//
// Within the directory, since that is often a mount. A start refuses one that has `restoring` and no CURRENT, so what
// was left in the middle never begins as an empty broker.
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

  /// NOT_EMPTY when something is there.
  base::Status check_empty() const;
  base::Status begin();
  /// Where the files of the backup go.
  std::string inside() const { return data_dir_ + "/" + kRestoring; }
  /// When it returns OK, all of it is on the disk.
  base::Status finish();

 private:
  base::Status leap_epochs();
  base::Status move_files();

  const std::string data_dir_;
  bool made_ = false;  // the directory itself
  bool begun_ = false;
  std::vector<std::filesystem::path> moved_;
};

}  // namespace lazaret::storage
