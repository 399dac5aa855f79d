// kind_name: "TrimNow" for a lazaret::core::TrimNow.
#pragma once

#include <string>
#include <typeinfo>

namespace lazaret::simulation {

std::string kind_name(const std::type_info& type);

}  // namespace lazaret::simulation
