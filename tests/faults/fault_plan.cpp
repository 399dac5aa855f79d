#include "faults/fault_plan.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <stdexcept>

namespace lazaret::faults {
namespace {

using namespace std::chrono_literals;

template <class Value>
Value named(const std::map<std::string, Value>& names, const std::string& name) {
  const auto it = names.find(name);
  if (it == names.end()) throw std::runtime_error("a fault plan says " + name);
  return it->second;
}

Operation operation_of(const std::string& name) {
  return named<Operation>({{"create", Operation::create},
                           {"append", Operation::append},
                           {"sync", Operation::sync},
                           {"rename", Operation::rename},
                           {"remove", Operation::remove}},
                          name);
}
FileKind kind_named(const std::string& name) {
  return named<FileKind>({{"wal", FileKind::wal}, {"table", FileKind::table}, {"manifest", FileKind::manifest}}, name);
}

}  // namespace

FaultPlan::FaultPlan(std::string file) : file_(std::move(file)) {
  if (!file_.empty()) watcher_ = std::thread([this] { watch(); });
}

FaultPlan::~FaultPlan() {
  over_ = true;
  if (watcher_.joinable()) watcher_.join();
}

std::vector<FaultPlan::Fault> FaultPlan::parse(const std::string& text) {
  std::vector<Fault> faults;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string what, operation, kind, more;
    if (!(words >> what >> operation >> kind)) continue;
    Fault fault;
    fault.what = named<Fault::What>(
        {{"fail", Fault::What::fail}, {"full", Fault::What::full}, {"slow", Fault::What::slow}}, what);
    fault.operation = operation_of(operation);
    fault.kind = kind_named(kind);
    words >> more;
    fault.once = more == "once";
    if (fault.what == Fault::What::slow) fault.delay_ms = std::stoi(more);
    faults.push_back(fault);
  }
  return faults;
}

void FaultPlan::watch() {
  std::string last;
  while (!over_) {
    std::ifstream in(file_);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (text != last) {
      const std::lock_guard lock(mutex_);
      faults_ = parse(text);
      any_ = !faults_.empty();
      last = std::move(text);
    }
    std::this_thread::sleep_for(5ms);
  }
}

rocksdb::IOStatus FaultPlan::meet(Operation operation, FileKind kind) {
  if (!any_) return rocksdb::IOStatus::OK();
  Fault met;
  {
    const std::lock_guard lock(mutex_);
    const auto it = std::find_if(faults_.begin(), faults_.end(), [&](const Fault& fault) {
      return fault.operation == operation && fault.kind == kind;
    });
    if (it == faults_.end()) return rocksdb::IOStatus::OK();
    met = *it;
    if (met.once) faults_.erase(it);
  }
  switch (met.what) {
    case Fault::What::fail: return rocksdb::IOStatus::IOError("as the test wants it");
    case Fault::What::full: return rocksdb::IOStatus::NoSpace("as the test wants it");
    case Fault::What::slow: std::this_thread::sleep_for(std::chrono::milliseconds(met.delay_ms)); break;
  }
  return rocksdb::IOStatus::OK();
}

}  // namespace lazaret::faults
