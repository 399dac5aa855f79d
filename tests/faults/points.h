// Points: the places on a group's way to the disk at which a test stops the world, each with a name.
//
//   admission.before_write   nothing of the group is in the log
//   admission.written        its batch is in the write-ahead log, and not synced
//   admission.synced         it is durable, and none of its effects has left
//   memtable_switch.…        what is in memory goes to files
//
// A group with several kinds of change is at several points at once. `Points::all()` is the list that tests prove to be
// reached.
//
// Threading: `reach` is called on whatever thread gets there, the committer's or one of RocksDB's own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "faults/faulty_files.h"
#include "model/store.h"

namespace lazaret::faults {

class Points {
 public:
  using Reach = std::function<void(const std::string& point)>;
  /// Watches `files` from now on.
  Points(FaultyFiles& files, Reach reach);

  /// The same store, whose commits are seen.
  std::unique_ptr<model::Store> watch(std::unique_ptr<model::Store> store);

  static const std::vector<std::string>& all();
  /// Those of them that need no daemon around the engine.
  static const std::vector<std::string>& of_the_engine();

 private:
  class Store;
  const Reach reach_;
};

}  // namespace lazaret::faults
