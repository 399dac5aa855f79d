#include "crash/operator_actor.h"

#include <stdexcept>

#include "crash/ordeal.h"
#include "integration/support/api.h"
#include "integration/support/http.h"

namespace lazaret::crash {
namespace {

using namespace std::chrono_literals;
using testing::http;
using testing::HttpAnswer;
using testing::text_of;

constexpr const char* kShortLived = "short-lived";

/// What the broker says, or an exception when it does not say OK.
boost::json::value fetch(const testing::Broker& broker, const std::string& path) {
  const HttpAnswer answer = http(broker.admin(), "GET", "/api/v1" + path);
  if (answer.status != 200) throw std::runtime_error(answer.body);
  return answer.json();
}

boost::json::array cases(const testing::Broker& broker, const std::string& queue, const std::string& state) {
  return fetch(broker, "/hospital/cases?limit=50&state=" + state + "&queue=" + queue).at("items").as_array();
}

}  // namespace

OperatorActor::OperatorActor(Stage& stage, std::uint64_t seed)
    : stage_(stage), random_(seed), thread_([this] { run(); }) {}

void OperatorActor::run() {
  while (stage_.wild) {
    try {
      replay_one(stage_.queues[random_() % stage_.queues.size()]);
      if (random_() % 4 == 0) churn();
    } catch (const std::exception&) {
      // The broker is gone, or the case was somebody else's first.
    }
    testing::pause_for(milliseconds(10 + random_() % 20));
  }
}

void OperatorActor::replay_one(const std::string& queue) {
  const boost::json::array open = cases(stage_.broker, queue, "admitted");
  if (open.empty()) return;
  const std::string id = text_of(open[random_() % open.size()], "id");
  const boost::json::value shown = fetch(stage_.broker, "/hospital/cases/" + id);
  const std::uint64_t offset = place_of(text_of(shown, "source"), shown.at("offset").to_number<std::uint64_t>());
  stage_.history.add(
      {What::replayed, queue, text_of(shown.at("message"), "body"), offset, 0, 0, Verdict::none, "operator", false});
  const std::string target = "/api/v1/hospital/cases/" + id;
  if (random_() % 2 == 0) {
    // The checker knows messages by their bodies.
    const std::string version = '"' + std::to_string(shown.at("version").to_number<std::uint64_t>()) + '"';
    http(stage_.broker.admin(), "PATCH", target, R"({"headers": {"mended": "yes"}})", {{"If-Match", version}});
  }
  http(stage_.broker.admin(), "POST", target + "/replay", "{}");
}

void OperatorActor::treat_all(const std::string& queue, const std::string& verb, const std::string& body) {
  const std::string state = verb == "restore" ? "discarded" : "admitted";
  for (const auto& one : cases(stage_.broker, queue, state)) {
    http(stage_.broker.admin(), "POST", "/api/v1/hospital/cases/" + text_of(one, "id") + "/" + verb, body);
  }
}

/// A queue is made, and a message of it goes to the hospital; it is discarded, sometimes restored and sent elsewhere,
/// and sometimes the queue is deleted. What the checker looks at has none of this.
void OperatorActor::churn() {
  Client client = Client::connect(stage_.broker.url(), {.name = "operator", .timeout = 2s, .connect = 2s, .drain = 1s});
  client.ensure(spec_of(kShortLived));
  client.publish(kShortLived, {.body = "no use"});
  {
    auto consumer = client.consume(kShortLived, [](Delivery&) { return lazaret::Verdict::reject("no use"); });
    testing::eventually([&] { return !cases(stage_.broker, kShortLived, "admitted").empty(); }, 1s);
  }
  treat_all(kShortLived, "discard", R"({"reason": "no use"})");
  if (random_() % 2 == 0) {
    treat_all(kShortLived, "restore", "{}");
    const std::string elsewhere = R"("to": ")" + std::string(kShortLived) + R"(")";
    const bool one_by_one = random_() % 2 == 0;
    if (one_by_one) treat_all(kShortLived, "replay", "{" + elsewhere + "}");
    for (const std::string& how : {one_by_one ? std::string() : elsewhere, std::string(R"("canary": 0)")}) {
      if (how.empty()) continue;
      http(stage_.broker.admin(), "POST", "/api/v1/hospital/replays",
           R"({"filter": "queue=)" + std::string(kShortLived) + R"(", )" + how + "}");
    }
  }
  // As long as it stays, its log is trimmed with nothing left in it.
  if (random_() % 3 != 0) return;
  http(stage_.broker.admin(), "DELETE", "/api/v1/queues/" + std::string(kShortLived) + "?force=true");
}

}  // namespace lazaret::crash
