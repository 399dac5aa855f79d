#include "hospital/redirection.h"

#include <memory>
#include <utility>

namespace lazaret::hospital {
namespace {

using base::Code;
using base::Result;
using base::Status;

/// Null: damaged.
Result<model::MessageRef> newest_message(model::Store& store, const model::CaseRecord& record) {
  const model::CaseId& id = record.id;
  if (record.version > 0) return store.read_version(id, record.version);
  const auto page = store.read_messages(id.shard, id.log, id.offset, id.offset.next(), 1, 1);
  if (!page.ok()) return page.status();
  for (const model::PagedMessage& one : page->messages) {
    if (one.offset == id.offset) return one.message;
  }
  return Status(Code::MESSAGE_GONE, "the message of case " + id.to_string() + " is not kept any more");
}

}  // namespace

Status check_destination(engine::Engine& engine, const std::string& to) {
  const auto there = engine.directory().destination(to);
  return there.ok() ? Status() : there.status();
}

Result<model::RedirectCaseCommand> redirection_of(engine::Engine& engine, const model::CaseRecord& record,
                                                  const std::string& to, bool force) {
  const auto destination = engine.directory().destination(to);
  if (!destination.ok()) return destination.status();
  const auto message = newest_message(engine.store(), record);
  if (!message.ok()) return message.status();
  if (*message == nullptr) return Status(Code::MESSAGE_DAMAGED);
  auto copy = std::make_shared<model::Message>(**message);
  // It is an operator's wish: no time that it once had is waited for, or over. Where it goes it is at home, and for
  // everybody, also one that was imported.
  copy->due = copy->expires_at = {};
  copy->source = {};
  copy->imported = false;
  copy->imported_at = {};
  auto outgoing = std::make_shared<model::Outgoing>();
  outgoing->repeats = true;
  outgoing->to.push_back({(*destination)->shard, (*destination)->log, {std::move(copy)}});
  return model::RedirectCaseCommand{{}, record.id, record.version, to, std::move(outgoing), force};
}

}  // namespace lazaret::hospital
