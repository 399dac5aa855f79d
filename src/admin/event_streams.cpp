#include "admin/event_streams.h"

#include "admin/json_text.h"
#include "alerts/alert_json.h"

#include <algorithm>

namespace lazaret::admin {

std::string overview_event(const Overview& now, const Overview* before) {
  json::array items;
  json::array gone;
  std::size_t old = 0;
  const std::size_t old_count = before == nullptr ? 0 : before->rows.size();
  for (const OverviewRow& row : now.rows) {
    // Both are by name.
    for (; old < old_count && before->rows[old].name < row.name; ++old) gone.emplace_back(before->rows[old].name);
    const bool known = old < old_count && before->rows[old].name == row.name;
    if (!known || !(before->rows[old] == row)) items.push_back(row_json(row));
    if (known) ++old;
  }
  for (; old < old_count; ++old) gone.emplace_back(before->rows[old].name);
  std::string text = "event: overview\ndata: ";
  append_text(text, json::object{{"at", time_or_null(now.at)},
                                 {"full", before == nullptr},
                                 {"items", std::move(items)},
                                 {"gone", std::move(gone)},
                                 {"more", now.more}});
  text += "\n\n";
  return text;
}

void EventStreams::publish(std::shared_ptr<const Overview> overview) {
  if (alarms_.empty()) return;  // nobody watches: it was for the history
  change_ = nullptr;
  everything_ = nullptr;
  change_from_ = newest_ == nullptr ? 0 : newest_->number;
  if (newest_ != nullptr) {
    change_ = std::make_shared<const std::string>(overview_event(*overview, newest_.get()));
  }
  newest_ = std::move(overview);
  wake();
}

std::string alert_event(const model::AlertRecord& alert, const std::string& public_url) {
  std::string text = "event: alert\ndata: ";
  append_text(text, alerts::alert_json(alert, public_url));
  text += "\n\n";
  return text;
}

void EventStreams::publish_alert(Text event) {
  ++alerts_published_;
  alerts_.push_back(std::move(event));
  if (alerts_.size() > kAlerts) alerts_.pop_front();
  wake();
}

void EventStreams::wake() {
  for (boost::asio::steady_timer* alarm : alarms_) alarm->cancel();
}

EventStreams::Place::Place(EventStreams& streams, boost::asio::steady_timer& alarm)
    : streams_(streams), taken_(streams.alarms_.size() < kStreams), alerts_sent_(streams.alerts_published_) {
  if (!taken_) return;
  place_ = streams_.alarms_.insert(streams_.alarms_.end(), &alarm);
  if (streams_.alarms_.size() == 1) streams_.watch_(true);
}

EventStreams::Place::~Place() {
  if (!taken_) return;
  streams_.alarms_.erase(place_);
  if (!streams_.alarms_.empty()) return;
  streams_.watch_(false);
  streams_.newest_ = nullptr;  // the next to come would be shown what was true long ago
}

EventStreams::Text EventStreams::Place::next() {
  if (alerts_sent_ < streams_.alerts_published_) {
    const std::uint64_t first = streams_.alerts_published_ - streams_.alerts_.size();
    alerts_sent_ = std::max(alerts_sent_, first);
    return streams_.alerts_[static_cast<std::size_t>(alerts_sent_++ - first)];
  }
  const auto& newest = streams_.newest_;
  if (newest == nullptr || newest->number == sent_) return nullptr;
  const bool follows = streams_.change_ != nullptr && streams_.change_from_ == sent_;
  sent_ = newest->number;
  if (follows) return streams_.change_;
  if (streams_.everything_ == nullptr) {
    streams_.everything_ = std::make_shared<const std::string>(overview_event(*newest, nullptr));
  }
  return streams_.everything_;
}

}  // namespace lazaret::admin
