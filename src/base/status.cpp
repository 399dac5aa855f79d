#include "base/status.h"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace lazaret::base {
namespace {

constexpr std::array kTable = {
#define LAZARET_ERROR(name, number, fault, retry, http, exit, closes, sentence) \
  ErrorInfo{Code::name, #name, Fault::fault, Retry::retry, http, exit, closes, sentence},
    LAZARET_ERROR_TABLE(LAZARET_ERROR)
#undef LAZARET_ERROR
};

constexpr ErrorInfo kOk{Code::OK, "OK", Fault::caller, Retry::never, 200, 0, false, "done"};

}  // namespace

const ErrorInfo& error_info(Code code) {
  if (code == Code::OK) return kOk;
  const ErrorInfo* internal = nullptr;
  for (const ErrorInfo& row : kTable) {
    if (row.code == code) return row;
    if (row.code == Code::INTERNAL) internal = &row;
  }
  return *internal;
}

const ErrorInfo* find_error(std::string_view name) {
  for (const ErrorInfo& row : kTable) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

std::pair<const ErrorInfo*, std::size_t> error_table() { return {kTable.data(), kTable.size()}; }

std::string_view to_string(Fault fault) {
  switch (fault) {
    case Fault::caller: return "caller";
    case Fault::broker: return "broker";
    case Fault::peer: return "peer";
  }
  return "broker";
}

std::string_view to_string(Retry retry) {
  switch (retry) {
    case Retry::never: return "never";
    case Retry::same_call: return "same_call";
    case Retry::after: return "after";
    case Retry::op: return "operator";
  }
  return "never";
}

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "assertion failed: %s at %s:%d\n", expression, file, line);
  std::abort();
}

}  // namespace lazaret::base
