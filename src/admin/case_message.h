// The message of a case, in each of its versions, and what differs between two.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "admin/broker.h"
#include "model/case_record.h"

namespace lazaret::admin {

/// Version 0 is what was published. Empty answer: damaged. MESSAGE_GONE when it is not kept any more, NOT_FOUND when
/// there is no such version.
base::Result<model::MessageRef> read_version(Broker& broker, const model::CaseRecord& record, std::uint32_t version);

/// {"from", "to", "lines": [{"kind": "same"|"removed"|"added", "text"}], "masked_differs"} of headers and body, JSON
/// and protobuf laid out first, what is compressed opened; of bodies up to kDiffBytes, of larger ones and of what is
/// masked only that they differ.
base::Result<boost::json::object> difference_json(Broker& broker, const model::CaseRecord& record, std::uint32_t from,
                                                  std::uint32_t to);
inline constexpr std::size_t kDiffBytes = 256u << 10;
/// The same of any two messages, without "from" and "to".
base::Result<boost::json::object> difference_between(Broker& broker, const model::Message& from,
                                                     const model::Message& to);

boost::json::object edit_json(const model::CaseEdit& edit);

}  // namespace lazaret::admin
