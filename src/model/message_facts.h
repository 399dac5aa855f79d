// MessageFacts: what a message says of itself, as far as filters and consumers choose by it. The core does not decode
// envelopes: whoever runs it hands it a function that fills this in.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

namespace lazaret::model {

/// Views of the message's envelope: good as long as that is.
struct MessageFacts {
  std::string_view type;
  std::string_view key;
  std::string_view content_type;
  std::string_view correlation_id;
  std::string_view schema_id;
  std::string_view id;  // sixteen bytes
  std::vector<std::pair<std::string_view, std::string_view>> headers;

  /// Keeps the room for headers, so that one object can serve many messages.
  void clear() {
    type = key = content_type = correlation_id = schema_id = id = {};
    headers.clear();
  }
};

}  // namespace lazaret::model
