#include "simulation/kind_name.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace lazaret::simulation {

std::string kind_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> whole(abi::__cxa_demangle(type.name(), nullptr, nullptr, &status),
                                                          &std::free);
  const std::string name = status == 0 ? whole.get() : type.name();
  return name.substr(name.rfind(':') + 1);
}

}  // namespace lazaret::simulation
