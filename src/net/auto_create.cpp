// broker.auto_create: queues that are made by their use. Whoever is first to name one that is not there waits until it
// is, and then what he asked for is done as if it had always been there.
//
// A transaction cannot create in its own write: the catalog is on shard 0, and what the write names must be on the disk
// before. So the queues are made first; they stay, empty, if the transaction then comes to nothing. While they are made
// nothing else of the connection is read, so that its frames are done in their order.
#include <algorithm>

#include "net/session.h"

namespace lazaret::net {

using base::Code;
using base::Status;
using engine::operation_on;

/// What a frame waits for.
struct Session::Creation {
  std::vector<std::string> names;
  std::size_t next = 0;
  std::vector<std::pair<std::string, Status>> failed;  // why
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
  creation_ = std::make_shared<Creation>();
  creation_->names = std::move(names);
  creation_->then = std::move(then);
  create_next(creation_);
}

/// One after the other: a name that stands there twice is there when its turn comes again.
void Session::create_next(const std::shared_ptr<Creation>& creation) {
  while (creation->next < creation->names.size()) {
    const std::string& name = creation->names[creation->next++];
    const bool creating = create_missing(name, [this, creation, name](Status status) {
      if (!status.ok()) creation->failed.emplace_back(name, std::move(status));
      create_next(creation);
    });
    if (creating) return;
  }
  const Status status = creation->then();
  creation_ = nullptr;
  if (!status.ok()) fail(status);
}

/// Why there is nothing of this name, or what is said where nobody has tried to make it.
Status Session::why_missing(const std::string& name, Status otherwise) const {
  if (creation_ == nullptr) return otherwise;
  const auto& failed = creation_->failed;
  const auto why = std::find_if(failed.begin(), failed.end(), [&](const auto& one) { return one.first == name; });
  return why == failed.end() ? std::move(otherwise) : why->second;
}

}  // namespace lazaret::net
