// FaultPlan: what the disk refuses or delays, as a file says that a test may write anew while the daemon runs.
//
//   fail sync wal            every sync of the write-ahead log is refused
//   fail append table once   the next write to a table
//   full append wal          there is no space for it
//   slow sync wal 200        every sync takes 200 ms longer
//
// Threading: `meet` from any thread; a thread of its own looks at the file.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "faults/faulty_files.h"

namespace lazaret::faults {

class FaultPlan {
 public:
  /// "": no faults.
  explicit FaultPlan(std::string file);
  ~FaultPlan();
  /// The error that this operation meets, or OK, perhaps later.
  rocksdb::IOStatus meet(Operation operation, FileKind kind);

 private:
  struct Fault {
    enum class What { fail, full, slow } what = What::fail;
    Operation operation = Operation::sync;
    FileKind kind = FileKind::wal;
    int delay_ms = 0;
    bool once = false;
  };
  void watch();
  static std::vector<Fault> parse(const std::string& text);

  const std::string file_;
  std::mutex mutex_;
  std::vector<Fault> faults_;  // GUARDED_BY(mutex_)
  std::atomic<bool> any_{false};
  std::atomic<bool> over_{false};
  std::thread watcher_;
};

}  // namespace lazaret::faults
