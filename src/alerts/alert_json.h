// Alerts as JSON: what receivers are sent, what GET /api/v1/alerts lists, and what goes out as events: one form for
// all.
#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "model/alert.h"

namespace lazaret::alerts {

/// `public_url`: of the page, without a slash at its end; "": the alert has no link.
boost::json::object alert_json(const model::AlertRecord& alert, const std::string& public_url);
/// The same, with what became of it at each receiver.
boost::json::object alert_json_with_deliveries(const model::AlertRecord& alert, const std::string& public_url);

}  // namespace lazaret::alerts
