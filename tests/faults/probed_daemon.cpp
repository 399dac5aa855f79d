// lazaretd with a disk that fails and power that goes off when a test says so. What is shipped has none of this.
//
//   LAZARET_KILL_AT=admission.written:3   SIGKILL when that point is reached for the third time (points.h)
//   LAZARET_FAULTS=FILE                   faults of the disk, as the file says now (fault_plan.h)
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include <rocksdb/env.h>

#include "daemon/run.h"
#include "faults/fault_plan.h"
#include "faults/points.h"

namespace {

using namespace lazaret;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Lives as long as the process.
struct Probe {
  Probe(const std::string& data_dir, const std::string& kill_at, const std::string& plan_file)
      : files(std::make_shared<faults::FaultyFiles>(data_dir)),
        env(rocksdb::NewCompositeEnv(files)),
        plan(plan_file),
        point(kill_at.substr(0, kill_at.find(':'))),
        left(kill_at.empty() ? 0 : std::stoi(kill_at.substr(kill_at.find(':') + 1))),
        points(*files, [this](const std::string& reached) {
          if (reached == point && --left == 0) ::kill(::getpid(), SIGKILL);
        }) {
    files->set_fault([this](faults::Operation operation, faults::FileKind kind) { return plan.meet(operation, kind); });
  }

  std::shared_ptr<faults::FaultyFiles> files;
  std::unique_ptr<rocksdb::Env> env;
  faults::FaultPlan plan;
  const std::string point;
  std::atomic<int> left;
  faults::Points points;
};

}  // namespace

int main(int argc, char** argv) {
  std::unique_ptr<Probe> probe;
  return daemon::run(argc, argv, [&](const daemon::Configuration& configuration) {
    probe = std::make_unique<Probe>(configuration.storage.data_dir, variable("LAZARET_KILL_AT"),
                                    variable("LAZARET_FAULTS"));
    return daemon::Seams{probe->env.get(),
                         [&](std::unique_ptr<model::Store> store) { return probe->points.watch(std::move(store)); }};
  });
}
