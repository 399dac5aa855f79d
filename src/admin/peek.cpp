// Peeking: messages of a queue with the state they are in, without taking them.
#include <algorithm>
#include <array>

#include "admin/desk_wait.h"
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "admin/message_json.h"
#include "base/text_encoding.h"
#include "model/limits.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;
using model::MessageState;
using model::Offset;
namespace limits = model::limits;

/// Of one answer as it is written, where a body can be six times what it was; one message at least, however large.
constexpr std::size_t kPeekBytes = 16u << 20;
/// Offsets that one request looks at before it answers with what it has: settled ones may lie in between.
constexpr std::uint64_t kPeekOffsets = 20'000;

constexpr std::array<std::pair<MessageState, std::string_view>, 8> kStates = {{
    {MessageState::settled, "settled"},
    {MessageState::ready, "ready"},
    {MessageState::leased, "leased"},
    {MessageState::waiting, "waiting"},
    {MessageState::in_hospital, "in_hospital"},
    {MessageState::replaying, "replaying"},
    {MessageState::scheduled, "scheduled"},
    {MessageState::held, "held"},
}};

std::string_view to_string(MessageState state) {
  for (const auto& [value, name] : kStates) {
    if (value == state) return name;
  }
  return "unknown";
}

Result<std::optional<MessageState>> state_parameter(const Request& request) {
  const auto text = request.parameter("state");
  if (!text) return std::optional<MessageState>();
  for (const auto& [value, name] : kStates) {
    if (name == *text) return std::optional(value);
  }
  return Status(Code::BAD_REQUEST,
                "state must be settled, ready, leased, waiting, held, in_hospital, replaying or scheduled, "
                "not \"" +
                    std::string(*text) + "\"");
}

/// Without a wish: what is still on the queue.
bool is_wanted(MessageState state, std::optional<MessageState> wanted) {
  if (wanted) return state == *wanted;
  return state != MessageState::settled && state != MessageState::in_hospital;
}

json::value holder_json(const std::optional<model::ConsumerInfo>& consumer) {
  if (!consumer) return nullptr;
  return json::object{{"name", base::to_utf8(consumer->name)},
                      {"host", base::to_utf8(consumer->host)},
                      {"version", base::to_utf8(consumer->version)}};
}

/// One request's work: pages of states, and for those wanted the messages.
class Peek {
 public:
  Peek(Broker& broker, const Request& request, engine::QueueRef queue, std::size_t count,
       std::optional<MessageState> wanted)
      : broker_(broker), request_(request), queue_(std::move(queue)), count_(count), wanted_(wanted) {}

  Status run(std::optional<Offset> from) {
    if (!from) {
      const auto states = ask_states(Offset(0), 0);
      if (!states.ok()) return states.status();
      from = wanted_ == MessageState::settled ? Offset(0) : states->first_unsettled;
    }
    next_ = *from;
    const Offset stop(next_.value + std::min(kPeekOffsets, ~std::uint64_t{0} - next_.value));
    while (!full() && next_ < stop) {
      const auto states = ask_states(next_, limits::kPageItems);
      if (!states.ok()) return states.status();
      if (states->items.empty()) {
        at_end_ = true;
        return {};
      }
      LZ_RETURN_IF_ERROR(take(states->items));
    }
    // Of the last offset that there can be: a cursor that leads to itself would be followed for ever.
    if (next_ <= *from) at_end_ = true;
    return {};
  }

  /// The list, as `list_of` would have it; its items are text already.
  std::string result() && {
    const json::value cursor = text_or_null(at_end_ ? std::string() : std::to_string(next_.value));
    return "{\"items\":[" + std::move(items_) + "],\"cursor\":" + to_text(cursor) + "}\n";
  }

 private:
  bool full() const { return taken_ >= count_ || full_; }

  Result<model::MessageStates> ask_states(Offset from, std::size_t count) {
    return ask<model::MessageStates>(broker_.desk, queue_->shard,
                                     model::ShowStates{{}, queue_->subscription, from, count}, request_.deadline);
  }

  Status take(const std::vector<model::MessageStates::Item>& states) {
    for (auto it = states.begin(); it != states.end() && !full();) {
      if (!is_wanted(it->state, wanted_)) {
        next_ = it->offset.next();
        ++it;
        continue;
      }
      // As many neighbours as are wanted too are read in one go.
      auto end = it;
      while (end != states.end() && is_wanted(end->state, wanted_)) ++end;
      LZ_RETURN_IF_ERROR(read(it, end));
      while (it != end && it->offset < next_) ++it;
    }
    return {};
  }

  template <class Iterator>
  Status read(Iterator begin, Iterator end) {
    const Offset until = std::prev(end)->offset.next();
    auto page = broker_.engine.store().read_messages(queue_->shard, queue_->log, begin->offset, until, count_ - taken_,
                                                     kPeekBytes - items_.size());
    if (!page.ok()) return page.status();
    for (const model::PagedMessage& one : page->messages) {
      if (full()) return {};
      const auto state = std::find_if(begin, end, [&one](const auto& item) { return item.offset == one.offset; });
      if (state != end && !show(*state, one.message)) return {};
      next_ = one.offset.next();
    }
    if (!full()) next_ = std::max(next_, std::min(until, std::max(page->next, begin->offset.next())));
    return {};
  }

  /// False: it does not fit into this answer.
  bool show(const model::MessageStates::Item& state, const model::MessageRef& message) {
    const model::MessageSource at = message == nullptr ? model::MessageSource() : message->source;
    json::object item = message_json({queue_->source_of(at), state.offset, message, state.attempt, state.redelivered},
                                     broker_.config.mask);
    if (at.log) item["source_offset"] = at.offset.value;
    item["state"] = to_string(state.state);
    // What waits on the disk only, the message itself says.
    const bool known = state.until || state.state != MessageState::scheduled || message == nullptr;
    item["until"] = time_or_null(known ? state.until.value_or(base::Instant{}) : message->due);
    item["consumer"] = holder_json(state.consumer);
    item["held_by"] = state.held_by ? json::value(state.held_by->value) : json::value(nullptr);
    item["unaccepted"] = state.unaccepted;
    const std::size_t before = items_.size();
    if (taken_ > 0) items_ += ',';
    append_text(items_, json::value(std::move(item)));
    full_ = items_.size() >= kPeekBytes;
    if (taken_ > 0 && items_.size() > kPeekBytes) {
      items_.resize(before);
      return false;
    }
    ++taken_;
    return true;
  }

  Broker& broker_;
  const Request& request_;
  const engine::QueueRef queue_;
  const std::size_t count_;
  const std::optional<MessageState> wanted_;
  std::string items_;  // as they are written, with commas between
  std::size_t taken_ = 0;
  bool full_ = false;
  Offset next_;
  bool at_end_ = false;
};

}  // namespace

Result<Response> peek_messages(Broker& broker, const Request& request, model::Kind kind) {
  const auto count = number_parameter(request, "count", limits::kPageItemsDefault, 1, limits::kPageItems);
  if (!count.ok()) return count.status();
  const auto from = number_parameter(request, "from", 0, 0, ~std::uint64_t{0});
  if (!from.ok()) return from.status();
  const auto wanted = state_parameter(request);
  if (!wanted.ok()) return wanted.status();
  auto queue = find_named(broker, request.arguments[0], kind);
  if (!queue.ok()) return queue.status();

  Peek peek(broker, request, std::move(*queue), *count, *wanted);
  std::optional<Offset> first;
  if (request.parameter("from")) first = Offset(*from);
  LZ_RETURN_IF_ERROR(peek.run(first));
  return Response{200, "application/json", std::move(peek).result(), {}};
}

}  // namespace lazaret::admin
