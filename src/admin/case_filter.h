// Which cases a request is about: its `filter`, and the parameters that were there before there was one.
#pragma once

#include "admin/broker.h"
#include "admin/request.h"
#include "model/case_query.h"

namespace lazaret::admin {

/// `filter`, and queue, subscription, type, key, reason and state, which mean the same as terms of it. Spans of time
/// end now. BAD_REQUEST naming what is wrong, NOT_FOUND naming a queue that there is not and that has no case.
base::Result<model::CaseQuery> case_filter(const Broker& broker, const Request& request);
/// A filter alone. BAD_REQUEST also when the answer would tell what is masked.
base::Result<model::CaseQuery> read_case_filter(const Broker& broker, std::string_view text);

/// Of a filter that asks what bodies say: its text without times of admission. Whoever follows a list names others each
/// time, and asks the same of bodies. nullopt: it asks nothing of them.
std::optional<std::string> asked_of_bodies(const model::CaseQuery& query);
/// The same of a request with such a filter; nullopt also for one that is refused.
std::optional<std::string> asked_of_bodies(const Broker& broker, const Request& request);

}  // namespace lazaret::admin
