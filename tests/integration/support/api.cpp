#include "integration/support/api.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "integration/support/http.h"

namespace lazaret::testing {

boost::json::value api(const Broker& broker, const std::string& path) {
  const HttpAnswer answer = http(broker.admin(), "GET", "/api/v1" + path);
  EXPECT_EQ(answer.status, 200) << path << ": " << answer.body;
  return answer.json();
}

QueueView::QueueView(const Broker& broker, const std::string& name, const std::string& kind)
    : json_(api(broker, "/" + kind + "/" + name).as_object()) {}

std::int64_t QueueView::operator[](const std::string& counter) const {
  return json_.at(counter).to_number<std::int64_t>();
}

std::string QueueView::wrong_sums() const {
  const QueueView& q = *this;
  const std::int64_t here = q["ready"] + q["leased"] + q["waiting"] + q["scheduled"] + q["held"] + q["in_hospital"];
  const std::int64_t gone = q["acked_total"] + q["discarded_total"] + q["expired_total"] + q["purged_total"] +
                            q["dropped_total"] + q["lost_to_retention_total"] + q["redirected_total"];
  if (q["entered_total"] == here + gone) return "";
  return std::to_string(q["entered_total"]) + " entered, " + std::to_string(here) + " are here, " +
         std::to_string(gone) + " are gone";
}

boost::json::array cases_of(const Broker& broker, const std::string& queue) {
  boost::json::array cases;
  std::string cursor;
  do {
    const auto page =
        api(broker, "/hospital/cases?limit=1000&queue=" + queue + (cursor.empty() ? "" : "&cursor=" + cursor));
    for (const auto& one : page.at("items").as_array()) {
      const HttpAnswer shown = http(broker.admin(), "GET", "/api/v1/hospital/cases/" + text_of(one, "id"));
      const bool was_open = text_of(one, "state") == "admitted" || text_of(one, "state") == "replaying";
      if (shown.status == 404 && !was_open) continue;  // its case_retention is over by now
      EXPECT_EQ(shown.status, 200) << shown.body;
      cases.push_back(shown.json());
    }
    cursor = text_of(page, "cursor");
  } while (!cursor.empty());
  const auto offset = [](const boost::json::value& one) { return one.at("offset").to_number<std::int64_t>(); };
  std::sort(cases.begin(), cases.end(), [&](const auto& a, const auto& b) { return offset(a) < offset(b); });
  return cases;
}

std::string text_of(const boost::json::value& object, const std::string& name) {
  const auto& value = object.at(name);
  return value.is_string() ? std::string(value.get_string()) : std::string();
}

}  // namespace lazaret::testing
