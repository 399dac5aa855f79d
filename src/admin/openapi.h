// The description of this API in OpenAPI 3.1, made from the table of routes.
#pragma once

#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "admin/routes.h"

namespace lazaret::admin {

boost::json::object describe(const std::vector<Route>& routes, std::string_view version);
/// The schemas that routes refer to by name.
const boost::json::object& schemas();
/// Of these, as JSON, those of the hospital.
std::string_view hospital_schemas();

}  // namespace lazaret::admin
