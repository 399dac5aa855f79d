// A broker that a bench starts for itself, with a data directory that goes with it.
#pragma once

#include <sys/types.h>

#include <string>

namespace lazaret::cli {

/// A directory of the run's own.
class ScratchDir {
 public:
  /// Under the temporary directory when `under` is "". Throws std::runtime_error.
  explicit ScratchDir(const std::string& under);
  ~ScratchDir();
  ScratchDir(const ScratchDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Killed with the run. Its ports are free ones.
class OwnBroker {
 public:
  /// `program`: "" for the lazaretd beside this program.
  OwnBroker(std::string program, std::string data_dir);
  ~OwnBroker() { kill9(); }
  OwnBroker(const OwnBroker&) = delete;

  /// Milliseconds until it is ready. Throws std::runtime_error when it does not become so.
  double start();
  void kill9();

  std::string url() const { return "lazaret://" + broker_; }
  const std::string& admin() const { return admin_; }
  double resident_mb() const;

 private:
  void spawn();

  std::string program_;
  std::string data_dir_;
  std::string broker_;
  std::string admin_;
  pid_t pid_ = -1;
};

}  // namespace lazaret::cli
