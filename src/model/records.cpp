#include "model/records.h"

#include <algorithm>

namespace lazaret::model {

const std::string& QueueRecord::source_of(const MessageSource& at) const {
  if (!at.log) return source();
  const auto found = std::find_if(sources.begin(), sources.end(), [&](const auto& one) { return one.log == at.log; });
  return found == sources.end() ? source() : found->topic;
}

std::vector<std::string> QueueRecord::topics() const {
  std::vector<std::string> names;
  for (const FanInSource& one : sources) {
    if (!one.gone) names.push_back(one.topic);
  }
  if (sources.empty() && !topic.empty()) names.push_back(topic);
  return names;
}

std::string other_topics(const QueueRecord& record, std::vector<std::string> wanted) {
  std::vector<std::string> has = record.topics();
  std::sort(has.begin(), has.end());
  std::sort(wanted.begin(), wanted.end());
  if (has == wanted) return "";
  const auto joined = [](const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
  };
  return (has.size() == 1 ? "its topic is " : "its topics are ") + joined(has) + ", asked for " + joined(wanted);
}

}  // namespace lazaret::model
