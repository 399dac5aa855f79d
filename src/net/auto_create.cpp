// broker.auto_create: queues that are made by their use. Whoever is first to name one that is not there waits until it
// is, and then what he asked for is done as if it had always been there.
//
// A transaction cannot create in its own write: the catalog is on shard 0, and what the write names must be on the disk
// before. So the queues are made first; they stay, empty, if the transaction then comes to nothing. While they are made
// nothing else of the connection is read, so that its frames are done in their order.
//
// They are made all at once: each takes three synced writes, which they then share, and leases run out while nothing is
// read.
#include <map>
#include <set>

#include "net/session.h"

namespace lazaret::net {

using base::Code;
using base::Status;
using engine::operation_on;

/// What a frame waits for.
struct Session::Creation {
  std::size_t open = 0;                  // that are being made
  std::map<std::string, Status> failed;  // why
  std::function<Status()> then;
};

bool Session::create_missing(const std::string& name, std::function<void(Status)> then) {
  if (!context_.config.auto_create || context_.engine.directory().find(name) != nullptr) return false;
  model::AuditCall call = call_of(operation_on("put", model::Kind::queue), name);
  call.details.emplace_back("auto_create", "true");
  create(std::move(call),
         model::CreateQueue{{}, name, context_.config.defaults, false, "", model::Kind::queue, "", {}, {}},
         [then = std::move(then)](model::Answer&& answer) {
           Status status = std::move(std::get<model::QueueAnswer>(answer).status);
           then(status.code() == Code::ALREADY_EXISTS ? Status() : std::move(status));  // somebody else was faster
         });
  return true;
}

/// Of one that could not be made nobody asks twice.
void Session::add_missing(const std::string& name, std::vector<std::string>& missing) const {
  if (!context_.config.auto_create || context_.engine.directory().find(name) != nullptr) return;
  if (creation_ == nullptr) missing.push_back(name);
}

void Session::add_missing(const wire::AddressedItems& items, std::vector<std::string>& missing) const {
  if (items == nullptr || !context_.config.auto_create) return;
  for (const wire::AddressedItem& one : *items) {
    add_missing(one.to, missing);
    if (one.is_ask()) add_missing(one.reply_queue, missing);
  }
}

void Session::create_all(std::vector<std::string> names, std::function<Status()> then) {
  const auto creation = std::make_shared<Creation>();
  creation->then = std::move(then);
  creation_ = creation;
  ++creation->open;  // this function: it ends before anything is done
  std::set<std::string_view> asked;
  for (const std::string& name : names) {
    if (!asked.insert(name).second) continue;
    ++creation->open;
    const bool creating = create_missing(name, [this, creation, name](Status status) {
      if (!status.ok()) creation->failed.emplace(name, std::move(status));
      one_created(creation);
    });
    if (!creating) --creation->open;  // somebody else was faster
  }
  one_created(creation);
}

void Session::one_created(const std::shared_ptr<Creation>& creation) {
  if (--creation->open > 0) return;
  const Status status = creation->then();
  creation_ = nullptr;
  if (!status.ok()) fail(status);
}

/// Why there is nothing of this name, or what is said where nobody has tried to make it.
Status Session::why_missing(const std::string& name, Status otherwise) const {
  if (creation_ == nullptr) return otherwise;
  const auto why = creation_->failed.find(name);
  return why == creation_->failed.end() ? std::move(otherwise) : why->second;
}

}  // namespace lazaret::net
