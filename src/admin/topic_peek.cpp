// Peeking at a topic: the messages that it keeps, as they were published. What became of one is a matter of each
// subscription, and stands in a peek at that.
#include <algorithm>

#include "admin/handlers.h"
#include "admin/json_text.h"
#include "admin/message_json.h"
#include "model/limits.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;
using model::Offset;
namespace limits = model::limits;

/// Of one answer as it is written; one message at least, however large.
constexpr std::size_t kPeekBytes = 16u << 20;

/// The messages of one page, with where the next one begins.
struct TopicPage {
  std::string items;  // as they are written, with commas between
  std::size_t count = 0;
  Offset next;

  /// False: it does not fit into this answer.
  bool add(const model::QueueRecord& topic, const model::PagedMessage& one, const Mask& mask) {
    json::object item = message_json({topic.name, one.offset, one.message}, mask);
    // Due later: subscriptions deliver it then.
    item["until"] = time_or_null(one.message == nullptr ? base::Instant{} : one.message->due);
    std::string text;
    append_text(text, json::value(std::move(item)));
    if (count > 0 && items.size() + text.size() > kPeekBytes) return false;
    if (count > 0) items += ',';
    items += text;
    ++count;
    next = one.offset.next();
    return true;
  }
};

Result<TopicPage> read_page(Broker& broker, const model::QueueRecord& topic, Offset from, Offset end,
                            std::size_t count) {
  TopicPage page;
  page.next = from;
  while (page.count < count && page.next < end) {
    const auto read = broker.engine.store().read_messages(topic.shard, topic.log, page.next, end, count - page.count,
                                                          kPeekBytes - std::min(page.items.size(), kPeekBytes - 1));
    if (!read.ok()) return read.status();
    for (const model::PagedMessage& one : read->messages) {
      if (page.count == count || !page.add(topic, one, broker.config.mask)) return page;
    }
    if (read->next <= page.next && read->messages.empty()) break;
    page.next = std::max(page.next, read->next);  // what was trimmed lies in between
  }
  return page;
}

}  // namespace

Result<Response> peek_topic(Broker& broker, const Request& request) {
  const auto count = number_parameter(request, "count", limits::kPageItemsDefault, 1, limits::kPageItems);
  if (!count.ok()) return count.status();
  const auto from = number_parameter(request, "from", 0, 0, ~std::uint64_t{0});
  if (!from.ok()) return from.status();
  if (request.parameter("state")) {
    return Status(Code::BAD_REQUEST,
                  "a message of a topic is in a state of its own on each subscription: peek at one of those");
  }
  const auto topic = find_named(broker, request.arguments[0], model::Kind::topic);
  if (!topic.ok()) return topic.status();
  const auto stats = show_queue(broker, **topic, request.deadline);
  if (!stats.ok()) return stats.status();
  const auto page = read_page(broker, **topic, Offset(*from), stats->log_end, *count);
  if (!page.ok()) return page.status();
  const json::value cursor =
      text_or_null(page->next < stats->log_end ? std::to_string(page->next.value) : std::string());
  return Response{
      200, "application/json", "{\"items\":[" + page->items + "],\"cursor\":" + to_text(cursor) + "}\n", {}};
}

}  // namespace lazaret::admin
