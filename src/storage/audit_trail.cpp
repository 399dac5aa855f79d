#include "storage/audit_trail.h"

#include <algorithm>

#include "lazaret/storage/v1/records.pb.h"
#include "model/audit_chain.h"
#include "model/limits.h"
#include "storage/records.h"

namespace lazaret::storage {
namespace {

using base::Code;
using base::Status;
using model::AuditEntry;
using model::AuditFields;
using model::AuditPoint;

std::string text_of(const base::Sha256& hash) { return {reinterpret_cast<const char*>(hash.data()), hash.size()}; }

bool read_hash(const std::string& bytes, base::Sha256& hash) {
  if (bytes.size() != hash.size()) return false;
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(hash.data()));
  return true;
}

template <class Repeated>
void write_fields(const AuditFields& fields, Repeated* out) {
  for (const auto& [name, value] : fields) {
    auto* field = out->Add();
    field->set_name(name);
    field->set_value(value);
  }
}

template <class Repeated>
AuditFields read_fields(const Repeated& in) {
  AuditFields fields;
  for (const v1::AuditField& field : in) fields.emplace_back(field.name(), field.value());
  return fields;
}

/// One that cannot be decoded has its number only, which is not what its hash was made of.
AuditEntry entry_of(std::string_view key, std::string_view value) {
  AuditEntry entry;
  entry.number = keys::last_number(key);
  if (decode(value, entry)) return entry;
  AuditEntry damaged;
  damaged.number = keys::last_number(key);
  return damaged;
}

base::Result<AuditPoint> read_point(Database& database, const std::string& key, std::string_view what,
                                    const rocksdb::Snapshot* snapshot) {
  const auto bytes = database.get(Family::audit, key, snapshot);
  if (!bytes.ok()) return bytes.status();
  AuditPoint point;
  if (*bytes && !decode(**bytes, point)) {
    return Status(Code::STORAGE_DAMAGED, std::string(what) + " of the audit trail cannot be decoded");
  }
  return point;
}

base::Result<AuditPoint> audit_head(Database& database, const rocksdb::Snapshot* snapshot) {
  return read_point(database, keys::audit_head(), "the head", snapshot);
}

}  // namespace

std::string encode(const AuditEntry& entry) {
  v1::AuditEntry out;
  out.set_at_us(entry.at.us);
  out.set_phase(static_cast<std::uint32_t>(entry.phase));
  out.set_began(entry.began);
  out.set_called_at_us(entry.called_at.us);
  out.set_actor(entry.call.actor);
  out.set_peer(entry.call.peer);
  out.set_operation(entry.call.operation);
  out.set_target(entry.call.target);
  write_fields(entry.call.details, out.mutable_details());
  out.set_status(entry.status);
  out.set_code(entry.code);
  write_fields(entry.change.before, out.mutable_before());
  write_fields(entry.change.after, out.mutable_after());
  out.set_previous(text_of(entry.previous));
  out.set_hash(text_of(entry.hash));
  return out.SerializeAsString();
}

bool decode(std::string_view bytes, AuditEntry& entry) {
  v1::AuditEntry in;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return false;
  entry.at.us = in.at_us();
  entry.phase = static_cast<model::AuditPhase>(in.phase());
  entry.began = in.began();
  entry.called_at.us = in.called_at_us();
  entry.call = {in.actor(), in.peer(), in.operation(), in.target(), read_fields(in.details())};
  entry.status = in.status();
  entry.code = in.code();
  entry.change = {read_fields(in.before()), read_fields(in.after())};
  return in.phase() <= 255 && read_hash(in.previous(), entry.previous) && read_hash(in.hash(), entry.hash);
}

std::string encode(const AuditPoint& point) {
  v1::AuditPoint out;
  out.set_number(point.number);
  out.set_hash(text_of(point.hash));
  return out.SerializeAsString();
}

bool decode(std::string_view bytes, AuditPoint& point) {
  v1::AuditPoint in;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return false;
  point.number = in.number();
  return read_hash(in.hash(), point.hash);
}

Status recover_audit(Database& database, model::RecoveredShard& recovered) {
  const auto head = audit_head(database, nullptr);
  if (!head.ok()) return head.status();
  const auto anchor = audit_anchor(database, nullptr);
  if (!anchor.ok()) return anchor.status();
  // Whatever is there: the chain goes on behind what was written last, and a check finds what is missing.
  recovered.audit_head = *head;
  return database.scan_range(Family::audit, keys::audit_entry(anchor->number + 1), keys::behind(keys::audit_entries()),
                             [&](std::string_view key, std::string_view value) {
                               recovered.audit_oldest = entry_of(key, value).at;
                               return false;
                             });
}

base::Result<AuditPoint> audit_anchor(Database& database, const rocksdb::Snapshot* snapshot) {
  return read_point(database, keys::audit_anchor(), "the anchor", snapshot);
}

base::Result<model::AuditPage> read_audit(Database& database, const model::AuditQuery& query, std::uint64_t before,
                                          std::size_t max, const rocksdb::Snapshot* snapshot) {
  model::AuditPage page;
  const auto head = audit_head(database, snapshot);
  if (!head.ok()) return head.status();
  const auto anchor = audit_anchor(database, snapshot);
  if (!anchor.ok()) return anchor.status();
  page.head = *head;
  page.anchor = *anchor;
  const std::string lower = keys::audit_entry(anchor->number + 1);
  const std::string upper = before == 0 ? keys::behind(keys::audit_entries()) : keys::audit_entry(before);
  if (upper <= lower) return page;
  rocksdb::ReadOptions read;
  read.snapshot = snapshot;
  const rocksdb::Slice begin = slice(lower);
  const rocksdb::Slice end = slice(upper);
  read.iterate_lower_bound = &begin;
  read.iterate_upper_bound = &end;
  const std::unique_ptr<rocksdb::Iterator> it(database.db().NewIterator(read, database.family(Family::audit)));
  std::size_t looked = 0;
  for (it->SeekToLast(); it->Valid(); it->Prev()) {
    AuditEntry entry = entry_of(view(it->key()), view(it->value()));
    if (page.entries.size() == max || looked == model::limits::kAuditLooks) {
      page.next = entry.number + 1;
      break;
    }
    ++looked;
    if (query.ends_behind(entry)) break;
    if (query.matches(entry)) page.entries.push_back(std::move(entry));
  }
  if (Status status = status_of(it->status(), "reading"); !status.ok()) return status;
  return page;
}

base::Result<std::vector<AuditPoint>> old_audit_entries(Database& database, const AuditPoint& anchor,
                                                        base::Instant older_than, std::size_t max) {
  std::vector<AuditPoint> old;
  Status status =
      database.scan_range(Family::audit, keys::audit_entry(anchor.number + 1), keys::behind(keys::audit_entries()),
                          [&](std::string_view key, std::string_view value) {
                            AuditEntry entry;
                            entry.number = keys::last_number(key);
                            // What is damaged stays, to be found.
                            if (!decode(value, entry) || entry.at >= older_than || old.size() == max) return false;
                            old.push_back(entry.point());
                            return true;
                          });
  if (!status.ok()) return status;
  return old;
}

base::Result<std::optional<model::CheckFinding>> check_audit(Database& database, const rocksdb::Snapshot* snapshot,
                                                             const std::function<bool(std::size_t)>& read) {
  const auto found = [](std::string what) { return std::optional(model::CheckFinding{"audit", std::move(what)}); };
  const auto head = audit_head(database, snapshot);
  const auto anchor = audit_anchor(database, snapshot);
  for (const auto* point : {&head, &anchor}) {
    if (point->ok()) continue;
    if (point->code() != Code::STORAGE_DAMAGED) return point->status();
    return found(point->status().text());
  }
  model::AuditChain chain(model::AuditChain::Order::oldest_first);
  std::optional<std::string> wrong;
  LZ_RETURN_IF_ERROR(database.scan(
      Family::audit, keys::audit_entries(),
      [&](std::string_view key, std::string_view value) {
        const AuditEntry entry = entry_of(key, value);
        wrong = chain.add(entry);
        if (!wrong && chain.count() == 1) wrong = chain.check_oldest(*anchor);
        return !wrong && read(key.size() + value.size());
      },
      snapshot));
  if (!wrong && chain.count() > 0) wrong = chain.check_newest(*head);
  if (!wrong && chain.count() == 0 && *head != *anchor) {
    wrong = "no entry is left, and the newest must be entry " + std::to_string(head->number);
  }
  return wrong ? found(std::move(*wrong)) : std::nullopt;
}

}  // namespace lazaret::storage
