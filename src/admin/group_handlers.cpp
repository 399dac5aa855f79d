// The hospital: cases of one cause, and what people note about them.
#include "admin/case_filter.h"
#include "admin/desk_wait.h"
#include "admin/group_json.h"
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "base/duration_text.h"
#include "model/limits.h"
#include "model/version_range.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;
namespace limits = model::limits;

Result<model::GroupSort> sort_of(const Request& request) {
  const std::string_view text = request.parameter("sort").value_or("count");
  if (text == "count") return model::GroupSort::count;
  if (text == "last_seen") return model::GroupSort::last_seen;
  if (text == "first_seen") return model::GroupSort::first_seen;
  return Status(Code::BAD_REQUEST, "sort must be count, last_seen or first_seen, not \"" + std::string(text) + "\"");
}

Result<model::GroupRecord> find_group(Broker& broker, const Request& request) {
  const std::string& text = request.arguments[0];
  const auto id = model::GroupId::parse(text);
  if (!id) return Status(Code::NOT_FOUND, "there is no group " + text);
  return broker.engine.store().read_group(*id);
}

/// The newest of its cases, which stands for all; null when none is left.
Result<json::value> sample_of(Broker& broker, const model::GroupRecord& group) {
  model::CaseQuery query;
  model::with_text(query, model::CaseTerm::Field::group, group.id.to_string());
  const auto page = broker.engine.store().list_cases(query, "", 1);
  if (!page.ok()) return page.status();
  if (page->cases.empty()) return json::value(nullptr);
  return json::value(json::string(page->cases.front().id.to_string()));
}

/// With what it has from the options of its queue: whose that is, what to do, and who is told; null where they do not
/// say, or the queue is gone. Who has taken this cause on goes before the owner of the queue.
json::object group_of_queue_json(const Broker& broker, const model::GroupRecord& group) {
  json::object out = group_json(group, broker.engine.now());
  const auto queue = broker.engine.directory().find(group.subscription);
  const model::QueueOptions options = queue == nullptr ? model::QueueOptions() : queue->options;
  out["queue_owner"] = text_or_null(options.owner);
  out["effective_owner"] = text_or_null(group.owner.empty() ? options.owner : group.owner);
  out["runbook"] = text_or_null(options.runbook);
  out["alert_to"] = text_or_null(options.alert_to);
  return out;
}

Result<Response> shown(Broker& broker, const model::GroupRecord& group) {
  json::object out = group_of_queue_json(broker, group);
  auto sample = sample_of(broker, group);
  if (!sample.ok()) return sample.status();
  out["sample"] = std::move(*sample);
  return json_response(200, out);
}

std::string time_text(base::Instant instant) { return instant.us == 0 ? "" : base::format_rfc3339(instant); }

/// What people have noted that is other than it was.
model::AuditChange change_of(const model::GroupRecord& before, const model::GroupRecord& after) {
  model::AuditChange change;
  const auto compare = [&change](std::string_view name, const std::string& was, const std::string& is) {
    if (was == is) return;
    change.before.emplace_back(name, was);
    change.after.emplace_back(name, is);
  };
  compare("note", before.note, after.note);
  compare("owner", before.owner, after.owner);
  compare("ticket", before.ticket, after.ticket);
  const model::Snooze& was = before.snooze;
  const model::Snooze& is = after.snooze;
  compare("snoozed_until", time_text(was.until), time_text(is.until));
  compare("snoozed_until_version", was.until_version, is.until_version);
  compare("snoozed_until_rate", was.until_rate.text(), is.until_rate.text());
  return change;
}

Status take_text(const json::object& body, std::string_view name, std::size_t most, std::optional<std::string>& field) {
  if (!body.contains(name)) return {};
  auto text = text_field(body, name);
  if (!text.ok()) return text.status();
  LZ_RETURN_IF_ERROR(check_bytes(name, *text, most));
  field = std::move(*text);
  return {};
}

/// "" (null) takes away what was given.
Status take_snooze(const json::object& body, model::SnoozePatch& patch) {
  std::optional<std::string> until, version, rate;
  LZ_RETURN_IF_ERROR(take_text(body, "snoozed_until", limits::kGroupFieldBytes, until));
  LZ_RETURN_IF_ERROR(take_text(body, "snoozed_until_version", limits::kGroupFieldBytes, version));
  LZ_RETURN_IF_ERROR(take_text(body, "snoozed_until_rate", limits::kGroupFieldBytes, rate));
  const auto wrong = [](std::string_view name, const Status& why) {
    return Status(Code::BAD_REQUEST, std::string(name) + ": " + std::string(why.text()));
  };
  if (until) patch.until.emplace();
  if (until && !until->empty()) {
    const auto time = base::parse_rfc3339(*until);
    if (!time.ok()) return wrong("snoozed_until", time.status());
    patch.until = *time;
  }
  if (version) patch.until_version.emplace();
  if (version && !version->empty()) {
    const Status range = model::VersionRange::check(*version);
    if (!range.ok()) return Status(range.code(), "snoozed_until_version: " + range.text());
    patch.until_version = model::VersionRange::parse(*version).value().text();
  }
  if (rate) patch.until_rate.emplace();
  if (rate && !rate->empty()) {
    const auto parsed = model::CaseRate::parse(*rate);
    if (!parsed.ok()) return wrong("snoozed_until_rate", parsed.status());
    patch.until_rate = *parsed;
  }
  return {};
}

Result<model::GroupPatch> read_patch(const Request& request) {
  const auto body = parse_object(
      request.body, {"note", "owner", "ticket", "snoozed_until", "snoozed_until_version", "snoozed_until_rate"});
  if (!body.ok()) return body.status();
  model::GroupPatch patch;
  if (Status status = take_text(*body, "note", limits::kGroupNoteBytes, patch.note); !status.ok()) return status;
  if (Status status = take_text(*body, "owner", limits::kGroupFieldBytes, patch.owner); !status.ok()) return status;
  if (Status status = take_text(*body, "ticket", limits::kGroupFieldBytes, patch.ticket); !status.ok()) return status;
  LZ_RETURN_IF_ERROR(take_snooze(*body, patch.snooze));
  return patch;
}

}  // namespace

Result<Response> list_groups(Broker& broker, const Request& request) {
  const auto limit = number_parameter(request, "limit", limits::kPageItemsDefault, 1, limits::kPageItems);
  if (!limit.ok()) return limit.status();
  const auto sort = sort_of(request);
  if (!sort.ok()) return sort.status();
  const auto query = case_filter(broker, request);
  if (!query.ok()) return query.status();
  if (Status status = model::check_group_query(*query); !status.ok()) return status;
  const std::string cursor(request.parameter("cursor").value_or(""));
  const auto page = broker.engine.store().list_groups(*query, *sort, cursor, *limit);
  if (!page.ok()) return page.status();
  json::array items;
  for (const model::GroupRecord& group : page->groups) items.push_back(group_of_queue_json(broker, group));
  return json_response(200, list_of(std::move(items), page->cursor));
}

Result<Response> get_group(Broker& broker, const Request& request) {
  const auto group = find_group(broker, request);
  if (!group.ok()) return group.status();
  return shown(broker, *group);
}

/// Every shard is told: one that does not have the group does nothing.
Result<Response> patch_group(Broker& broker, const Request& request) {
  const auto patch = read_patch(request);
  if (!patch.ok()) return patch.status();
  const auto group = find_group(broker, request);
  if (!group.ok()) return group.status();
  std::vector<Pending<model::Done>> asked;
  for (std::uint16_t shard = 0; shard < broker.engine.shard_count(); ++shard) {
    asked.push_back(send<model::Done>(broker.desk, model::ShardId(shard), model::UpdateGroup{{}, group->id, *patch}));
  }
  for (auto& one : asked) {
    if (const auto done = wait(one, request.deadline); !done.ok()) return done.status();
  }
  const auto now = find_group(broker, request);
  if (!now.ok()) return now.status();
  auto response = shown(broker, *now);
  if (response.ok()) response->change = change_of(*group, *now);
  return response;
}

}  // namespace lazaret::admin
