// kill -9 at every named point of a group's way (points.h), one after the other, under publishers, workers and an
// operator; the checker of tests/crash judges what was seen.
#include "crash/ordeal.h"
#include "faults/points.h"

namespace lazaret::faults {
namespace {

using namespace std::chrono_literals;
using testing::eventually;

/// Four parts, so that they can run side by side.
constexpr std::size_t kParts = 4;

class KillPoints : public crash::Ordeal, public ::testing::WithParamInterface<std::size_t> {
 protected:
  KillPoints()
      : Ordeal({.settings = {"storage.memtable_bytes=4194304"}, .arguments = {}, .program = "lazaretd_probed"}) {
    // What fills a memtable soon.
    stage_.longest_body = 6000;
    stage_.pace_ms = 60;
  }
  /// Runs the broker until it is dead at this point.
  void die_at(const std::string& point) {
    broker_.kill9();
    // Offsets are left out and reserved once each, soon after the start.
    const std::uint64_t times = point.starts_with("reserve") ? 2 : 3;
    broker_.set_environment({{"LAZARET_KILL_AT", point + ":" + std::to_string(1 + random_() % times)}});
    // Some points are reached while it starts.
    broker_.start_or_die();
    EXPECT_TRUE(eventually([&] { return !broker_.running(); }, 60s)) << point << " is never reached";
  }
};

TEST_P(KillPoints, KeepEveryPromise) {
  endure([this] {
    const std::vector<std::string>& points = Points::all();
    for (std::size_t i = GetParam(); i < points.size(); i += kParts) die_at(points[i]);
    broker_.kill9();
    broker_.set_environment({});
    broker_.start();
  });
}

INSTANTIATE_TEST_SUITE_P(Part, KillPoints, ::testing::Range<std::size_t>(0, kParts));

}  // namespace
}  // namespace lazaret::faults
