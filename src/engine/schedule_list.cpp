#include "engine/schedule_list.h"

#include <charconv>
#include <vector>

namespace lazaret::engine {
namespace {

using base::Code;
using base::Result;
using base::Status;
using model::RecoveredDelivery;
using model::WaitingPlace;

WaitingPlace place_of(const RecoveredDelivery& one) { return {one.record.due, one.log, one.record.offset}; }

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  return wrong == std::errc() && end == text.data() + text.size();
}

/// Pages of retries only that are passed over in one go, so that whoever reads can do something else in between.
constexpr int kPagesPassedOver = 16;

struct Places {
  std::vector<RecoveredDelivery> places;
  bool more = false;  // there may be
};

/// Up to `max` behind `after`, which moves on over what is none.
Result<Places> next_places(model::Store& store, const model::QueueRecord& queue, WaitingPlace& after, std::size_t max) {
  for (int pages = 0; pages < kPagesPassedOver; ++pages) {
    auto page = store.read_waiting(queue.shard, queue.subscription, after, max);
    if (!page.ok()) return page.status();
    if (page->empty()) return Places{};
    const WaitingPlace end = place_of(page->back());
    std::erase_if(*page, [](const RecoveredDelivery& one) { return !one.record.scheduled; });
    if (!page->empty()) return Places{std::move(*page), true};
    after = end;  // a page of retries only: on to the next
  }
  return Places{{}, true};
}

/// Null where it is damaged. NOT_FOUND: it is no longer kept.
Result<model::MessageRef> read_one(model::Store& store, const model::QueueRecord& queue, const RecoveredDelivery& one) {
  const model::Offset offset = one.record.offset;
  const auto page = store.read_messages(queue.shard, one.log, offset, offset.next(), 1, 1);
  if (!page.ok()) return page.status();
  for (const model::PagedMessage& found : page->messages) {
    if (found.offset == offset) return found.message;
  }
  return Status(Code::NOT_FOUND);
}

}  // namespace

Result<WaitingPlace> schedule_place(std::string_view cursor, const model::QueueRecord& queue, base::Instant now) {
  if (cursor.empty()) return WaitingPlace::behind(now);
  const std::size_t dash = cursor.find('-');
  WaitingPlace place{{}, queue.log, {}};
  if (dash == std::string_view::npos || !read_number(cursor.substr(0, dash), place.due.us) ||
      !read_number(cursor.substr(dash + 1), place.offset.value)) {
    return Status(Code::BAD_REQUEST, "cursor is none of this list");
  }
  return place;
}

std::string cursor_of(const WaitingPlace& place) {
  return std::to_string(place.due.us) + "-" + std::to_string(place.offset.value);
}

Result<bool> read_scheduled(model::Store& store, const model::QueueRecord& queue, WaitingPlace& after, std::size_t max,
                            const std::function<bool(const ScheduledMessage&)>& each) {
  const auto places = next_places(store, queue, after, max);
  if (!places.ok()) return places.status();
  for (const RecoveredDelivery& one : places->places) {
    auto message = read_one(store, queue, one);
    if (!message.ok() && message.code() != Code::NOT_FOUND) return message.status();
    if (message.ok() && !each({one.record.offset, one.record.due, std::move(*message)})) return true;
    after = place_of(one);
  }
  return places->more;
}

}  // namespace lazaret::engine
