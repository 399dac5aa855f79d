// Quiet: while one lives, protobuf prints nothing. It has a line on standard error for every text that is not UTF-8,
// and a process that only uses our library did not ask for that.
#pragma once

#include <google/protobuf/stubs/logging.h>

namespace lazaret::wire {

class Quiet {
 public:
  Quiet() = default;
  Quiet(const Quiet&) = delete;

 private:
  google::protobuf::LogSilencer silencer_;
};

}  // namespace lazaret::wire
