#include "admin/backup_json.h"

#include "admin/json_text.h"
#include "admin/problem.h"
#include "base/text_encoding.h"

namespace lazaret::admin {
namespace {

constexpr std::string_view kSchemas = R"json({
  "NewBackup": {"type": "object", "properties": {"keep": {"type": ["integer", "null"], "minimum": 1,
    "description": "So many are kept, this one among them; all, when it is not given"},
    "note": {"type": ["string", "null"], "description": "What it is for, at most 1024 bytes"}},
    "additionalProperties": false},
  "Backup": {"type": "object", "properties": {"name": {"type": "string", "pattern": "^[1-9][0-9]*$"},
    "state": {"enum": ["running", "done", "failed", "damaged"], "description":
    "failed: nothing is left of it; damaged: its record, or a file of it, is not as it was written"},
    "directory": {"type": "string", "description": "Where all backups of the broker are"},
    "created_at": {"description": "All that was confirmed by then is in it", "$ref": "#/components/schemas/Time"},
    "bytes": {"type": ["integer", "null"], "description": "Of its files, also of those that others have too"},
    "files": {"type": ["integer", "null"]},
    "copied_bytes": {"type": ["integer", "null"], "description":
    "Of one that was begun since the start of the broker: what was copied so far, about"},
    "seconds": {"type": ["number", "null"], "description": "Of the same: how long it took, or takes by now"},
    "version": {"description": "Of the broker", "$ref": "#/components/schemas/TextOrNull"},
    "note": {"$ref": "#/components/schemas/TextOrNull"},
    "problem": {"oneOf": [{"$ref": "#/components/schemas/Problem"}, {"type": "null"}],
    "description": "Why it failed; of one that is done: why older ones were not dropped"}},
   "required": ["name", "state", "directory"]},
  "BackupList": {"type": "object", "properties": {"items": {"type": "array",
    "items": {"$ref": "#/components/schemas/Backup"}}, "cursor": {"$ref": "#/components/schemas/TextOrNull"}},
    "required": ["items", "cursor"]}
})json";

}  // namespace

json::object backup_json(const engine::Backup& backup, const std::string& directory) {
  const model::BackupRecord& record = backup.record;
  const bool is_whole = backup.state == engine::BackupState::done;
  const bool is_ours = backup.took.has_value();
  const auto count = [](bool known, std::uint64_t number) {
    return known ? json::value(number) : json::value(nullptr);
  };
  return {{"name", std::to_string(record.number)},
          {"state", engine::name_of(backup.state)},
          {"directory", base::to_utf8(directory)},
          {"created_at", time_or_null(record.created_at)},
          {"bytes", count(is_whole, record.bytes)},
          {"files", count(is_whole, record.files)},
          {"copied_bytes", count(is_ours, backup.copied_bytes)},
          {"seconds", is_ours ? json::value(static_cast<double>(backup.took->count()) / 1e6) : json::value(nullptr)},
          {"version", text_or_null(record.version)},
          {"note", text_or_null(record.note)},
          {"problem", backup.problem.ok() ? json::value(nullptr) : json::value(problem_json(backup.problem))}};
}

std::string_view backup_schemas() { return kSchemas; }

}  // namespace lazaret::admin
