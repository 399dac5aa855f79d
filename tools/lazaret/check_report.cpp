#include "check_report.h"

#include <utility>

#include "output.h"

namespace lazaret::cli {

json::object report_json(const model::CheckReport& report) {
  json::array findings;
  for (const model::CheckFinding& finding : report.findings) {
    findings.push_back(json::object{{"where", finding.where}, {"what", finding.what}});
  }
  return {{"ok", report.findings.empty()},
          {"queues", report.queues},
          {"topics", report.topics},
          {"subscriptions", report.subscriptions},
          {"logs", report.logs},
          {"runs", report.runs},
          {"messages", report.messages},
          {"cases", report.cases},
          {"audit_entries", report.audit_entries},
          {"bytes", report.bytes},
          {"findings", std::move(findings)}};
}

void print_report(const json::object& report) {
  const json::array& findings = report.at("findings").as_array();
  for (const json::value& finding : findings) {
    print_line(cell(finding.as_object(), "where") + ": " + cell(finding.as_object(), "what"));
  }
  const auto count = [&report](const char* name) { return report.at(name).to_number<std::uint64_t>(); };
  std::string read = counted(count("queues"), "queue");
  for (const auto& [name, one] : {std::pair{"topics", "topic"}, {"subscriptions", "subscription"}}) {
    if (count(name) > 0) read += ", " + counted(count(name), one);
  }
  read += ", " + counted(count("messages"), "message") + ", " + counted(count("cases"), "case") + ", " +
          std::to_string(count("audit_entries")) + " of the audit trail, " + counted(count("bytes"), "byte") + " read";
  print_line(findings.empty() ? "all is well: " + read : counted(findings.size(), "finding") + ": " + read);
}

int exit_of_report(const json::object& report) { return report.at("findings").as_array().empty() ? 0 : 1; }

}  // namespace lazaret::cli
