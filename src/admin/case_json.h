// Cases of the hospital as JSON.
#pragma once

#include <boost/json/object.hpp>

#include "admin/broker.h"
#include "admin/message_json.h"
#include "model/case_record.h"

namespace lazaret::admin {

boost::json::object case_json(const model::CaseRecord& record);
boost::json::object attempt_json(const model::Attempt& attempt);

/// With its message, all attempts, its edits and its history. Of one that is closed the message may be gone: null.
/// `body_limit`: of the message's body (message_json).
base::Result<boost::json::object> whole_case_json(Broker& broker, const model::CaseRecord& record,
                                                  Compressed compressed, std::uint64_t body_limit = kWholeBody);
/// The ETag of a case: the version of its message.
std::string etag_of(std::uint32_t version);

}  // namespace lazaret::admin
