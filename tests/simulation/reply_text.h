// What stands for the envelope of a reply on a reply queue in the simulated world:
//
//   reply REQUEST note|final|late OUTCOME REACHED CASE CONTEXT REASON… #id of the message
#pragma once

#include <sstream>
#include <string>
#include <string_view>

#include "model/request_record.h"

namespace lazaret::simulation {

struct ReplyText {
  std::string request, kind, outcome, reached, case_id, context, reason;

  static bool is_one(std::string_view envelope) { return envelope.starts_with("reply "); }
  /// "reply REQUEST final": which request, and which kind of its replies.
  static std::string name(const std::string& request, const std::string& kind) {
    return "reply " + request + " " + kind;
  }
  static ReplyText of(std::string_view envelope) {
    std::istringstream words(std::string(envelope.substr(0, envelope.find('#'))));
    ReplyText text;
    std::string reply;
    words >> reply >> text.request >> text.kind >> text.outcome >> text.reached >> text.case_id >> text.context;
    std::getline(words >> std::ws, text.reason);
    return text;
  }
};

inline base::SharedBytes reply_text(const model::PublishedReply& reply) {
  const bool note = reply.outcome == model::RequestOutcome::open;
  std::string text = ReplyText::name(reply.request.to_string(), note ? "note" : reply.late ? "late" : "final");
  text += " " + std::string(model::name_of(reply.outcome)) + " " + std::string(model::name_of(reply.reached));
  text += " " + (reply.case_id ? reply.case_id->to_string() : "-") + " ";
  for (const auto& [name, value] : reply.to.context) text += name + "=" + value;
  return base::SharedBytes::of(text + " " + std::string(reply.reason) + "#" + std::string(reply.id.raw()));
}

}  // namespace lazaret::simulation
