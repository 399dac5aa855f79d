// lazaret publish --together: all messages of the input in one atomic write, and all requests among them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "commands.h"
#include "lazaret/lazaret.h"

namespace lazaret::cli {

/// What goes out together, in the order of its lines.
class Together {
 public:
  /// Takes a line of JSON with a member `to`; without one it goes to `queue`. With a member `reply_queue` it is a
  /// durable request, of which `deadline` and `context` say more. Returns its message, until the next is taken. Throws
  /// Error.
  Message& add(const std::string& line, const std::string& queue, const Message& defaults);
  std::size_t size() const { return lines_.size(); }
  /// Prints an object per line, as publish does. Throws Error when they are refused.
  void publish(Client client, bool as_json);

 private:
  struct Line {
    bool asks = false;
    std::size_t place = 0;  // among the messages, or the requests
  };

  const std::string& place_of(const Line& line) const;
  Message& message_of(const Line& line);

  std::vector<Line> lines_;
  std::vector<Addressed> messages_;
  std::vector<DurableAsk> asks_;
};

}  // namespace lazaret::cli
