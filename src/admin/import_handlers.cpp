// Cases that another broker has exported become cases here: each for itself, and each at most once.
#include <set>

#include "admin/case_import.h"
#include "admin/desk_wait.h"
#include "admin/handlers.h"
#include "admin/json_body.h"
#include "admin/json_text.h"
#include "model/limits.h"
#include "model/too_many.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;
namespace limits = model::limits;

/// Names of queues of one import that the audit trail has; of more it has the number.
constexpr std::size_t kNamesNoted = 16;

struct Counts {
  std::uint64_t imported = 0;
  std::uint64_t skipped = 0;
  std::uint64_t refused = 0;
};

/// How many, of which queues and subscriptions as the lines say, and into which.
model::AuditFields fields_of(const Counts& counts, const std::set<std::string>& subscriptions, const std::string& to) {
  std::string names;
  std::size_t left = kNamesNoted;
  for (const std::string& name : subscriptions) {
    if (left-- == 0) {
      names += ", and " + std::to_string(subscriptions.size() - kNamesNoted) + " more";
      break;
    }
    names += (names.empty() ? "" : ", ") + name;
  }
  model::AuditFields fields{{"imported", std::to_string(counts.imported)},
                            {"skipped", std::to_string(counts.skipped)},
                            {"refused", std::to_string(counts.refused)}};
  if (!names.empty()) fields.emplace_back("subscriptions", names);
  if (!to.empty()) fields.emplace_back("to", to);
  return fields;
}

/// One line of an export on its way.
class Line {
 public:
  /// Looks at it, and sends it to its shard if it is to be imported.
  void begin(Broker& broker, const json::value& line, const std::string& to) { status_ = send_to(broker, line, to); }
  /// What became of it.
  json::object end(Deadline deadline, Counts& counts) {
    if (status_.ok() && pending_.valid()) {
      const auto done = wait(pending_, deadline);
      if (!done.ok()) status_ = done.status();
      if (done.ok() && done->known) skip("it was imported before");
      if (done.ok()) id_ = done->id;
    }
    json::object out{{"result", "imported"}, {"id", nullptr}, {"code", nullptr}, {"because", nullptr}};
    if (id_) out["id"] = id_->to_string();
    if (!status_.ok()) {
      ++counts.refused;
      out["result"] = "refused";
      out["code"] = base::error_info(status_.code()).name;
      out["because"] = status_.text();
    } else if (!skipped_.empty()) {
      ++counts.skipped;
      out["result"] = "skipped";
      out["because"] = skipped_;
    } else {
      ++counts.imported;
    }
    return out;
  }

  /// Whose it is, as it says; "": it cannot be read.
  const std::string& subscription() const { return subscription_; }

 private:
  void skip(std::string because) { skipped_ = std::move(because); }

  Status send_to(Broker& broker, const json::value& line, const std::string& to) {
    if (!line.is_object()) return Status(Code::BAD_REQUEST, "a case must be an object");
    auto read = read_exported_case(line.get_object(), broker.config);
    if (!read.ok()) return read.status();
    subscription_ = read->subscription;
    if (read->what == nullptr) {
      skip("it is " + std::string(model::to_string(read->state)));
      return {};
    }
    const std::string& name = to.empty() ? read->subscription : to;
    const auto queue = broker.engine.directory().find(name);
    if (queue == nullptr) return Status(Code::NOT_FOUND, "there is no queue or subscription \"" + name + "\"");
    if (queue->kind == model::Kind::topic) {
      return Status(Code::BAD_REQUEST, name +
                                           " is a topic, which has no cases: import into one of its subscriptions, "
                                           "or a queue, which `to` names");
    }
    const auto known = broker.engine.store().find_imported(queue->shard, queue->subscription, read->what->origin);
    if (!known.ok()) return known.status();
    if (*known) {
      skip(**known == read->what->origin.id ? "it is there: it was exported here" : "it was imported before");
      id_ = **known;
      return {};
    }
    model::ImportCaseCommand command{{}, queue->subscription, std::move(read->what)};
    pending_ = send<model::CaseDone>(broker.desk, queue->shard, std::move(command));
    return {};
  }

  Status status_;
  std::string subscription_;
  std::string skipped_;
  std::optional<model::CaseId> id_;
  Pending<model::CaseDone> pending_;
};

}  // namespace

Result<Response> import_cases(Broker& broker, const Request& request) {
  const auto object = parse_object(request.body, {"items", "to", "cursor"}, kMergeDepth + 4);
  if (!object.ok()) return object.status();
  const auto to = text_field(*object, "to");
  if (!to.ok()) return to.status();
  const json::value* items = object->if_contains("items");
  if (items == nullptr || !items->is_array()) return Status(Code::BAD_REQUEST, "items must be a list of cases");
  if (items->get_array().size() > limits::kBatchItems) {
    return model::batch_too_large(items->get_array().size());
  }
  std::vector<Line> lines(items->get_array().size());
  for (std::size_t i = 0; i < lines.size(); ++i) lines[i].begin(broker, items->get_array()[i], *to);
  Counts counts;
  json::array results;
  std::set<std::string> subscriptions;
  for (Line& line : lines) {
    results.push_back(line.end(request.deadline, counts));
    if (!line.subscription().empty()) subscriptions.insert(line.subscription());
  }
  Response response = json_response(200, json::object{{"imported", counts.imported},
                                                      {"skipped", counts.skipped},
                                                      {"refused", counts.refused},
                                                      {"items", std::move(results)}});
  response.change.after = fields_of(counts, subscriptions, *to);
  return response;
}

}  // namespace lazaret::admin
