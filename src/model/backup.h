// Backups of a store: what is asked for, and what is there.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "base/time.h"

namespace lazaret::model {

/// One that is whole, or was.
struct BackupRecord {
  std::uint64_t number = 0;  // its name; rises by one from 1
  base::Instant created_at;  // when it was asked for: all that was confirmed by then is in it
  std::uint64_t bytes = 0;   // of its files, also of those that it shares with other backups
  std::uint64_t files = 0;
  std::string version;   // of the broker
  std::string note;      // what somebody said of it
  bool damaged = false;  // its record, or a file of it, is not as it was written; the rest is not known
  /// Of one that was just made, and is whole: why older ones, which BackupPlan::keep has no room for, are still there.
  base::Status not_dropped;
};

struct BackupPlan {
  /// Where all backups of a broker stand; created when it is not there. An absolute path.
  std::string directory;
  base::Instant created_at;
  std::string version;
  std::string note;
  /// So many whole ones are kept, this one among them; older ones, damaged or not, go when it is whole. 0: all.
  std::uint64_t keep = 0;
  /// About so many bytes are copied a second. 0: as many as the disks give.
  std::uint64_t bytes_per_second = 0;
  /// Twice the larger of the two stays free on the disk of `directory`, and on that of the store, where nothing is
  /// deleted while it is copied: a backup must not be why publishing is refused.
  std::uint64_t reserve_bytes = 0;
  double reserve_percent = 0;
};

}  // namespace lazaret::model
