// Replay jobs as JSON: what is asked for, and what is shown.
#pragma once

#include <boost/json/object.hpp>

#include "base/status.h"
#include "hospital/replay_jobs.h"

namespace lazaret::admin {

struct AskedReplay {
  hospital::NewReplayJob job;
  bool dry_run = false;
};
/// BAD_REQUEST naming the field. `shards`: of the broker, which ids of cases must fit.
base::Result<AskedReplay> asked_replay(const boost::json::object& body, std::uint16_t shards);

boost::json::object replay_job_json(const model::ReplayJobRecord& job);
/// Beside a case of a job: {"outcome": …, "because": …}.
boost::json::object replayed_json(const hospital::ReplayedCase& one);

}  // namespace lazaret::admin
