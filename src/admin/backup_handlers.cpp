// Backups: begin one, and look at those that are there. Where they are is the configuration's business alone: whoever
// reaches this API must not be able to have files written where he likes.
#include <charconv>

#include "admin/backup_json.h"
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "admin/routes.h"
#include "model/limits.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;
namespace limits = model::limits;

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// 0: all.
Result<std::uint64_t> read_keep(const json::object& body) {
  const json::value* keep = body.if_contains("keep");
  if (keep == nullptr || keep->is_null()) return std::uint64_t{0};
  boost::system::error_code error;
  const auto number = keep->is_number() ? keep->to_number<std::uint64_t>(error) : 0;
  if (error || number == 0 || number > limits::kBackupsKept) {
    return Status(Code::BAD_REQUEST, "keep must be a whole number from 1 to " + std::to_string(limits::kBackupsKept));
  }
  return number;
}

}  // namespace

Result<Response> create_backup(Broker& broker, const Request& request) {
  const auto body = parse_object(request.body, {"keep", "note"});
  if (!body.ok()) return body.status();
  const auto keep = read_keep(*body);
  if (!keep.ok()) return keep.status();
  auto note = text_field(*body, "note");
  if (!note.ok()) return note.status();
  LZ_RETURN_IF_ERROR(check_bytes("note", *note, limits::kBackupNoteBytes));
  engine::Backups& backups = broker.engine.backups();
  const auto begun = backups.begin(*keep, std::move(*note));
  if (!begun.ok()) return begun.status();
  const std::string name = std::to_string(begun->record.number);
  Response response = json_response(202, backup_json(*begun, backups.directory()));
  response.headers.emplace_back("Location", "/api/v1/backups/" + name);
  response.change.after = {{"backup", name}};
  return response;
}

Result<Response> list_backups(Broker& broker, const Request& request) {
  const auto limit = number_parameter(request, "limit", limits::kPageItemsDefault, 1, limits::kPageItems);
  if (!limit.ok()) return limit.status();
  std::optional<std::uint64_t> before;
  if (const auto cursor = request.parameter("cursor"); cursor && !cursor->empty()) {
    before = number_of(*cursor);
    if (!before) return Status(Code::BAD_REQUEST, "the cursor is not one of ours");
  }
  engine::Backups& backups = broker.engine.backups();
  const auto all = backups.list();
  if (!all.ok()) return all.status();
  json::array items;
  std::string cursor;
  for (const engine::Backup& backup : *all) {
    if (before && backup.record.number >= *before) continue;
    if (items.size() == *limit) {
      cursor = std::string(items.back().as_object().at("name").as_string());
      break;
    }
    items.push_back(backup_json(backup, backups.directory()));
  }
  return json_response(200, list_of(std::move(items), cursor));
}

Result<Response> get_backup(Broker& broker, const Request& request) {
  const auto number = number_of(request.arguments[0]);
  if (!number) return Status(Code::NOT_FOUND, "there is no backup " + request.arguments[0]);
  engine::Backups& backups = broker.engine.backups();
  const auto backup = backups.find(*number);
  if (!backup.ok()) return backup.status();
  return json_response(200, backup_json(*backup, backups.directory()));
}

std::vector<Route> backup_routes() {
  return {
      {.method = Method::post,
       .pattern = "/api/v1/backups",
       .operation = "createBackup",
       .summary = "Begins a backup of everything that is confirmed now, where the configuration says; one at a time",
       .handler = create_backup,
       .audited = Audited::change,
       .audit_target = "note",
       .body = "NewBackup",
       .outcomes = {{.status = 202, .summary = "It is being made; its Location says how it goes", .schema = "Backup"}}},
      {.pattern = "/api/v1/backups",
       .operation = "listBackups",
       .summary = "Backups that are there, the newest first, with the one that is being made or has failed last",
       .handler = list_backups,
       .query = {{.name = "cursor", .summary = "Where the page begins: the cursor of the page before"},
                 {.name = "limit", .type = "integer", .summary = "Items of a page: 1 to 1000, 100 when not given"}},
       .outcomes = {{.summary = "A page of them", .schema = "BackupList"}}},
      {.pattern = "/api/v1/backups/{name}",
       .operation = "getBackup",
       .summary = "One backup: how it goes, or how it went",
       .handler = get_backup,
       .outcomes = {{.summary = "The backup", .schema = "Backup"}}}};
}

}  // namespace lazaret::admin
